"""What time will bring: renewals and ends per day, their calls, and when the first binding lapses if no run came. Pure.

Works on the state alone, offline, as `renew` does. Renewals are counted at the instant from which they are due, and
each later one a lease after; a run that comes every few hours does them a little later.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from pnsync.lifetimes import TOLERANCE_SECONDS, due_at
from pnsync.model import DAY, NEVER, Capabilities, Desired, Lifetime, Schedule
from pnsync.plan import Action, Moment, Plan, instant
from pnsync.state import Entry, Operation, State

FORMAT: Final = "pnsync-forecast"
VERSION: Final = 1
CALLS_PER_RENEWAL: Final = 2
"""An unbind and a bind: neither vendor can prolong."""


@dataclass(frozen=True, slots=True)
class Lapse:
    """The end of a binding that is wanted for longer."""

    address: str
    at: int


@dataclass(frozen=True, slots=True)
class Day:
    """24 hours from `start`, epoch seconds.

    `lapses` are the bindings that would end then if no run came any more, `ends` those that end as declared.
    """

    start: int
    renewals: int = 0
    lapses: int = 0
    ends: int = 0

    @property
    def calls(self) -> int:
        """The writing calls that its renewals make."""
        return self.renewals * CALLS_PER_RENEWAL


@dataclass(frozen=True, slots=True)
class Forecast:
    """The days from `now` on. `overdue` are renewals that are due already; they count in the first day."""

    now: int
    days: tuple[Day, ...]
    first_lapse: Lapse | None
    overdue: int = 0
    never: int = 0
    """Bindings without end: no time brings anything for them."""
    unknown: int = 0
    """Bindings whose end is not known before the next refresh."""


def kept_alive(entry: Entry) -> bool:
    """Whether a binding is wanted for longer than its present lease, so that its end is a lapse."""
    expires, lifetime = entry.expires_at, entry.lifetime
    if entry.down or expires is None or expires >= NEVER or not lifetime.keep:
        return False
    return lifetime.until is None or expires < lifetime.until - TOLERANCE_SECONDS


def first_lapse(state: State) -> Lapse | None:
    """The binding that ends first if no run comes any more, and when; it may have ended already."""
    ends = ((one.expires_at, address) for address, one in state.bindings().items() if kept_alive(one))
    at, address = min(((at, address) for at, address in ends if at is not None), default=(0, ""))
    return Lapse(address, at) if address else None


def forecast(desired: Desired, state: State, *, now: int, days: int) -> Forecast:
    """The next `days` days. Providers and schedule are the files', everything else the state's."""
    counts = [[0, 0, 0] for _ in range(days)]
    overdue = never = unknown = 0
    for address, entry in state.bindings().items():
        expires = entry.expires_at
        if entry.down:
            continue
        if expires is None:
            unknown += 1
            continue
        if expires >= NEVER:
            never += 1
            continue
        if not kept_alive(entry):
            _count(counts, 2, expires, now)
            continue
        _count(counts, 1, max(expires, now), now)
        config = desired.providers.get(entry.provider)
        due = due_at(entry.lifetime, expires, address, desired.schedule)
        if config is None or due is None:
            continue
        overdue += due <= now
        for day, many in _renewals(address, entry, due, config.capabilities, desired.schedule, now, days):
            counts[day][0] += many
    return Forecast(
        now,
        tuple(Day(now + i * DAY, one[0], one[1], one[2]) for i, one in enumerate(counts)),
        first_lapse(state),
        overdue,
        never,
        unknown,
    )


def _renewals(
    address: str,
    entry: Entry,
    due: int,
    capabilities: Capabilities,
    schedule: Schedule | None,
    now: int,
    days: int,
) -> Iterable[tuple[int, int]]:
    """How many renewals of a binding come on each day, counted from 0; days without any are left out."""
    lifetime = entry.lifetime
    bounds = [one for one in (lifetime.lease_seconds, capabilities.max_lease_seconds) if one is not None]
    if not bounds:
        return
    lease, first = min(bounds), max(due, now)
    following = due_at(replace(lifetime, until=None), first + lease, address, schedule)
    between = 0 if following is None else following - first  # None: it would never end
    period = max(between, lease // 2, 1)
    end = now + days * DAY
    if lifetime.until is not None:
        end = min(end, max(first + 1, lifetime.until - TOLERANCE_SECONDS - lease + period))
    for day in range(max(0, (first - now) // DAY), days):
        start, until = now + day * DAY, min(now + (day + 1) * DAY, end)
        if start >= end:
            return
        before = max(0, -(-(start - first) // period))
        through = max(0, -(-(until - first) // period))
        if through > before:
            yield day, through - before


def _count(counts: list[list[int]], kind: int, at: int, now: int) -> None:
    day = (at - now) // DAY
    if 0 <= day < len(counts):
        counts[day][kind] += 1


SPANS: Final = (3600, 3 * 3600, 6 * 3600, DAY, 7 * DAY, 30 * DAY, 365 * DAY)
"""The lengths of a time line's spans, the shortest first."""
MOST_SPANS: Final = 96


def timeline(desired: Desired, state: State, plan: Plan, now: int) -> tuple[Moment, ...]:
    """When bindings end, and when they are renewed next, once a plan is applied; spans without either are left out."""
    ends = [
        (address, lifetime, expires)
        for address, (lifetime, expires) in _after(state, plan, now).items()
        if now < expires < NEVER
    ]
    if not ends:
        return ()
    last = max(expires for _, _, expires in ends)
    size = next((one for one in SPANS if last - now < one * (MOST_SPANS - 1)), SPANS[-1])
    counts: dict[int, list[int]] = {}
    for address, lifetime, expires in ends:
        counts.setdefault(expires // size * size, [0, 0])[0] += 1
        due = due_at(lifetime, expires, address, desired.schedule)
        if due is not None:
            counts.setdefault(max(due, now) // size * size, [0, 0])[1] += 1
    return tuple(Moment(at, *many) for at, many in sorted(counts.items()))


def _after(state: State, plan: Plan, now: int) -> dict[str, tuple[Lifetime, int]]:
    """Lifetime and end of every binding once a plan is applied, by address."""
    gone = {one.unbinds.key for one in plan.steps if one.unbinds is not None}
    forgotten = {one.address for one in plan.changes if one.action is Action.FORGET}
    found = {
        address: (one.lifetime, one.expires_at)
        for address, one in state.bindings().items()
        if one.expires_at is not None and one.key not in gone and address not in forgotten
    }
    for step in plan.steps:
        if step.operation is Operation.BIND and isinstance(step.target, Entry):
            lifetime = step.target.lifetime
            lease = NEVER if lifetime.lease_seconds is None else now + lifetime.lease_seconds
            until = NEVER if lifetime.until is None else lifetime.until
            found[plan.changes[step.change].address] = (lifetime, min(lease, until))
    return found


def forecast_document(found: Forecast) -> dict[str, Any]:
    """The forecast as JSON."""
    lapse = found.first_lapse
    return {
        "format": FORMAT,
        "version": VERSION,
        "at": instant(found.now),
        "first_lapse": None if lapse is None else {"address": lapse.address, "at": instant(lapse.at)},
        "overdue": found.overdue,
        "never": found.never,
        "unknown": found.unknown,
        "days": [
            {
                "from": instant(one.start),
                "renewals": one.renewals,
                "calls": one.calls,
                "lapses": one.lapses,
                "ends": one.ends,
            }
            for one in found.days
        ],
    }
