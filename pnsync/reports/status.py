"""How things stand, from the state alone: what is down, unknown or failing, what lapses first, who holds the lock. Pure.

A run that has nothing to do leaves no trace in the state, so `last_run` is the last one that recorded something;
whether runs come at all is told by renewals: one that has been due for longer than the schedule allows is `overdue`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pnsync.errors import Diagnostic, Severity
from pnsync.holder import Holder
from pnsync.journal import Noted
from pnsync.lifetimes import due_at
from pnsync.model import Desired, Schedule
from pnsync.plan import Cause, Change, instant
from pnsync.policy.holds import Freeze, Hold, freeze_of, holds_of
from pnsync.reports.forecast import Lapse, first_lapse, kept_alive
from pnsync.state import Entry, State

FORMAT: Final = "pnsync-status"
VERSION: Final = 1
RUN_NOTE: Final = "run"
"""The state's note of the last run that recorded something."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that recorded something. `at` is epoch seconds; `exit` is its exit code."""

    at: int
    command: str
    exit: int

    def note(self) -> Noted:
        """The event that records it."""
        body = {"at": self.at, "command": self.command, "exit": self.exit}
        return Noted(RUN_NOTE, json.dumps(body, sort_keys=True, separators=(",", ":")))


@dataclass(frozen=True, slots=True)
class Down:
    """A binding whose unbind is done and whose bind is not."""

    address: str
    provider: str
    since: int | None


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A call whose outcome is not known; a listing begun after `not_before` tells."""

    address: str
    provider: str
    operation: str
    since: int
    not_before: int


@dataclass(frozen=True, slots=True)
class Failing:
    """An address whose calls fail."""

    address: str
    since: int
    count: int
    code: str


@dataclass(frozen=True, slots=True)
class Status:
    """How things stand at `now`; instants are epoch seconds."""

    now: int
    lineage: str
    serial: int
    bindings: int
    groups: int
    down: tuple[Down, ...]
    unsettled: tuple[Unsettled, ...]
    failing: tuple[Failing, ...]
    lapsed: tuple[Lapse, ...]
    """Bindings that are wanted and have ended, oldest first."""
    first_lapse: Lapse | None
    """The next binding that ends if no run comes."""
    due: int
    """Renewals that are due."""
    next_due: int | None
    overdue: int
    """Renewals that have been due for longer than a schedule allows."""
    last_run: Run | None
    next_run: int | None
    """By the schedule, counted from the last run that is known."""
    schedule: Schedule | None
    holds: tuple[Hold, ...]
    freeze: Freeze | None
    holder: Holder | None


def last_run(state: State) -> Run | None:
    """The last run that recorded something; None where none is noted."""
    try:
        body = json.loads(state.notes.get(RUN_NOTE, ""))
        return Run(int(body["at"]), str(body["command"]), int(body["exit"]))
    except (ValueError, KeyError, TypeError, OverflowError):  # a number of JSON may be beyond all integers
        return None


def status(desired: Desired, state: State, holder: Holder | None, *, now: int) -> Status:
    """How things stand."""
    schedule, entries = desired.schedule, state.bindings()
    # What is neither declared nor recorded any more is not called again, so its failures are over.
    wanted = {one.address for one in desired.bindings.values()}
    wanted |= {one.address for one in desired.groups.values()}
    ended: list[Lapse] = []
    dues: list[int] = []
    for address, entry in entries.items():
        expires = entry.expires_at
        if expires is None or not kept_alive(entry):
            continue
        if expires <= now:
            ended.append(Lapse(address, expires))
        due = due_at(entry.lifetime, expires, address, schedule)
        if due is not None:
            dues.append(due)
    patience = None if schedule is None else schedule.every_seconds + schedule.late_by_seconds
    run = last_run(state)
    ahead = first_lapse(_without(state, {one.address for one in ended}))
    return Status(
        now=now,
        lineage=state.lineage,
        serial=state.serial,
        bindings=len(entries),
        groups=len(state.groups()),
        down=tuple(
            Down(address, one.provider, one.down_since)
            for address, one in sorted(entries.items())
            if one.down
        ),
        unsettled=tuple(
            Unsettled(
                one.intent.address,
                one.intent.provider,
                one.intent.operation.value,
                int(one.intent.signed_at),
                int(one.intent.not_before),
            )
            for _, one in sorted(state.pending.items())
            if one.uncertain
        ),
        failing=tuple(
            Failing(address, one.since, one.count, one.code)
            for address, one in sorted(state.failures.items())
            if address in wanted or address in state.entries
        ),
        lapsed=tuple(sorted(ended, key=lambda one: (one.at, one.address))),
        first_lapse=ahead,
        due=sum(one <= now for one in dues),
        next_due=min(dues, default=None),
        overdue=0 if patience is None else sum(one + patience < now for one in dues),
        last_run=run,
        next_run=None if run is None or schedule is None else _next(run.at, schedule.every_seconds, now),
        schedule=schedule,
        holds=tuple(one for _, one in sorted(holds_of(state).items()) if one.holds(now)),
        freeze=freeze_of(state),
        holder=holder,
    )


def overdue_findings(
    changes: Sequence[Change], state: State, schedule: Schedule | None, now: int
) -> tuple[Diagnostic, ...]:
    """What a plan says where its renewals have been due for longer than a run may take to come."""
    if schedule is None:
        return ()
    patience, late = schedule.every_seconds + schedule.late_by_seconds, 0
    for one in changes:
        entry = state.entries.get(one.address)
        if one.cause is not Cause.EXPIRY or not isinstance(entry, Entry) or entry.expires_at is None:
            continue
        due = due_at(entry.lifetime, entry.expires_at, one.address, schedule)
        late += due is not None and due + patience < now
    if not late:
        return ()
    return (
        Diagnostic(
            "P410",
            f"{late:,} renewal{'s have' if late > 1 else ' has'} been due for longer than the schedule allows: "
            "no run came in time, or none could renew",
            Severity.WARNING,
            advice="look at the CI job that should run pnsync; `pnsync status` tells of the last run",
        ),
    )


def _next(last: int, every: int, now: int) -> int:
    """The first multiple of the interval after the last run that is still to come."""
    return last + every * max(1, -(-(now + 1 - last) // every))


def _without(state: State, addresses: set[str]) -> State:
    if not addresses:
        return state
    return replace(
        state, entries={address: one for address, one in state.entries.items() if address not in addresses}
    )


def status_document(found: Status) -> dict[str, Any]:
    """The status as JSON."""
    holder = found.holder
    return {
        "format": FORMAT,
        "version": VERSION,
        "at": instant(found.now),
        "lineage": found.lineage,
        "serial": found.serial,
        "bindings": found.bindings,
        "groups": found.groups,
        "down": [
            {"address": one.address, "provider": one.provider, "since": _instant(one.since)}
            for one in found.down
        ],
        "unknown": [
            {
                "address": one.address,
                "provider": one.provider,
                "operation": one.operation,
                "since": instant(one.since),
                "not_before": instant(one.not_before),
            }
            for one in found.unsettled
        ],
        "failing": [
            {"address": one.address, "since": instant(one.since), "count": one.count, "code": one.code}
            for one in found.failing
        ],
        "lapsed": [{"address": one.address, "at": instant(one.at)} for one in found.lapsed],
        "first_lapse": None
        if found.first_lapse is None
        else {"address": found.first_lapse.address, "at": instant(found.first_lapse.at)},
        "renewals": {"due": found.due, "overdue": found.overdue, "next": _instant(found.next_due)},
        "last_run": None
        if found.last_run is None
        else {
            "at": instant(found.last_run.at),
            "command": found.last_run.command,
            "exit": found.last_run.exit,
        },
        "next_run": _instant(found.next_run),
        "schedule": None
        if found.schedule is None
        else {
            "every_seconds": found.schedule.every_seconds,
            "late_by_seconds": found.schedule.late_by_seconds,
        },
        "held": [
            {
                "address": one.address,
                "reason": one.reason,
                "since": instant(one.since),
                "until": _instant(one.until),
            }
            for one in found.holds
        ],
        "frozen": None
        if found.freeze is None
        else {
            "reason": found.freeze.reason,
            "since": instant(found.freeze.since),
            "allowed": list(found.freeze.allowed),
        },
        "lock": None
        if holder is None
        else {
            "id": holder.id,
            "user": holder.user,
            "host": holder.host,
            "pid": holder.pid,
            "command": holder.command,
            "since": instant(holder.since),
        },
    }


def _instant(seconds: int | None) -> str | None:
    return None if seconds is None else instant(seconds)
