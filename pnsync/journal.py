"""What happened, in order: outcomes of calls, the events of the journal, and `replay`.

A call's outcome is a type, not a boolean: `Applied`, `NotSent`, `Refused` or `Unknown`. Events
are what a run records; `replay(state, events)` folds them into a state. Folding is pure and total: the same
events give the same state on every machine, today and in recovery.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from pnsync.identity import identify
from pnsync.model import NEVER, BindKey
from pnsync.state import (
    Account,
    Entry,
    Failure,
    GroupEntry,
    Intent,
    Operation,
    Pending,
    Resting,
    Standing,
    State,
    Superseded,
    counters,
)

UNBOUND_MEMORY_SECONDS = 7 * 86400
"""How long an unbound id is remembered against ghost rows of a lagging listing."""


class Refusal(StrEnum):
    """Why a vendor refused, as far as it steers a run (the code tables are in each vendor's wire.py)."""

    VALIDATION = "validation"
    AUTHENTICATION = "authentication"
    CLOCK = "clock"
    CAPACITY = "capacity"
    CONFLICT = "conflict"
    ABSENT = "absent"


ENDING = frozenset({Refusal.VALIDATION, Refusal.AUTHENTICATION, Refusal.CLOCK})
"""Refusals that end an attempt at once; the others leave it open until a listing has told."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The vendor acknowledged the call. A bind carries a well-formed id and the X that was assigned."""

    bind_id: str | None = None
    phone_x: str | None = None
    phone_x_b: str | None = None
    group_id: str | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """Proof that no byte of the request left: it may be tried again."""

    reason: str
    withdrawn: bool = False
    """Whether the run gave the call up itself before its turn came, which is no failure of its address."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The vendor answered with a code that is not success. Absence of an effect is proven only by a listing."""

    refusal: Refusal
    vendor_code: str
    reason: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing tells whether the call took effect: time-out, broken connection, 5xx, unreadable answer."""

    reason: str
    vendor_code: str = ""
    request_id: str = ""
    rate_limited: bool = False


Outcome = Applied | NotSent | Refused | Unknown


@dataclass(frozen=True, slots=True)
class Began:
    """A run took the state over: the first event of its first record, which fences whoever held it before."""

    holder: str
    command: str
    at: int


@dataclass(frozen=True, slots=True)
class Opened:
    """An intent: the call may be sent once this is durable, not before."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class Closed:
    """The answer of a call, as understood."""

    attempt: str
    outcome: Outcome
    at: int


class Verdict(StrEnum):
    """What a listing told of an attempt."""

    APPLIED = "applied"
    ABSENT = "absent"
    EXPIRED = "expired"
    """It may have taken effect, but its lifetime has passed: a possible cost, nothing to do."""
    LAPSED = "lapsed"
    """Not listed when its window had passed, so its address is free; a late effect would still be adopted."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A listing settled an attempt; `outcome` carries the row's ids where it took effect."""

    attempt: str
    verdict: Verdict
    at: int
    outcome: Applied | None = None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry is set (adopted, imported, refreshed, renamed), or removed where `entry` is None."""

    address: str
    entry: Entry | GroupEntry | None


@dataclass(frozen=True, slots=True)
class Doubled:
    """A live binding of ours that must go is remembered, or forgotten where `superseded` is None."""

    key: BindKey
    superseded: Superseded | None


@dataclass(frozen=True, slots=True)
class Rested:
    """Numbers enter quarantine; expired ones leave it."""

    resting: tuple[Resting, ...]
    now: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """A provider's account is recorded."""

    provider: str
    account: Account


@dataclass(frozen=True, slots=True)
class Noted:
    """A small fact is set, or removed where `value` is None."""

    key: str
    value: str | None


Event = Began | Opened | Closed | Resolved | Recorded | Doubled | Rested | Accepted | Noted


class Fold:
    """A state being replayed: mutable copies of what events touch, frozen again by `done`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.entries = dict(state.entries)
        self.pending = dict(state.pending)
        self.superseded = dict(state.superseded)
        self.quarantine = dict.fromkeys(state.quarantine)
        self.accounts = dict(state.accounts)
        self.generations = dict(state.generations)
        self.unbound = dict(state.unbound)
        self.failures = dict(state.failures)
        self.notes = dict(state.notes)

    def done(self) -> State:
        """The state after every event folded so far."""
        return replace(
            self._state,
            entries=dict(self.entries),
            pending=dict(self.pending),
            superseded=dict(self.superseded),
            quarantine=tuple(self.quarantine),
            accounts=dict(self.accounts),
            generations=dict(self.generations),
            unbound=dict(self.unbound),
            failures=dict(self.failures),
            notes=dict(self.notes),
        )

    def view(self) -> State:
        """The state as it is now, sharing what is being folded: good until the next event, and costs no copy."""
        return replace(
            self._state,
            entries=self.entries,
            pending=self.pending,
            superseded=self.superseded,
            quarantine=tuple(self.quarantine),
            accounts=self.accounts,
            generations=self.generations,
            unbound=self.unbound,
            failures=self.failures,
            notes=self.notes,
        )

    def fold(self, event: Event) -> None:
        """Fold one event."""
        match event:
            case Began(at=at):
                horizon = at - UNBOUND_MEMORY_SECONDS
                self.unbound = {one: when for one, when in self.unbound.items() if when > horizon}
            case Opened(intent=intent):
                self._open(intent)
            case Closed(attempt=attempt, outcome=outcome, at=at):
                self._close(attempt, outcome, at)
            case Resolved():
                self._resolve(event)
            case Recorded(address=address, entry=entry):
                self._record(address, entry)
            case Doubled(key=key, superseded=None):
                self.superseded.pop(key, None)
            case Doubled(key=key, superseded=superseded):
                assert superseded is not None
                self.superseded[key] = superseded
            case Rested(resting=resting, now=now):
                self._rest(resting, now)
            case Accepted(provider=provider, account=account):
                self.accounts[provider] = account
            case Noted(key=key, value=None):
                self.notes.pop(key, None)
            case Noted(key=key, value=value):
                assert value is not None
                self.notes[key] = value

    def _rest(self, resting: Iterable[Resting], now: int) -> None:
        """Add at the end; of the beginning, where the oldest stand, what has expired goes (cheap for thousands)."""
        self.quarantine.update(dict.fromkeys(resting))
        ended = list(itertools.takewhile(lambda one: one.until <= now, self.quarantine))
        for one in ended:
            del self.quarantine[one]

    def _open(self, intent: Intent) -> None:
        self.pending[intent.attempt] = Pending(intent)
        if isinstance(intent.target, Entry) and intent.operation is Operation.BIND:
            self._count(intent.address, intent.target)

    def _record(self, address: str, entry: Entry | GroupEntry | None) -> None:
        if entry is None:
            self.entries.pop(address, None)
            self.failures.pop(address, None)
            return
        self.entries[address] = entry
        if isinstance(entry, Entry):
            self._count(address, entry)

    def _count(self, address: str, entry: Entry) -> None:
        for one in counters(address, entry.declared_id):
            self.generations[one] = max(self.generations.get(one, 0), entry.generation)

    def _close(self, attempt: str, outcome: Outcome, at: int) -> None:
        pending = self.pending.get(attempt)
        if pending is None:
            return
        match outcome:
            case Applied():
                del self.pending[attempt]
                self._remember(pending.intent, at)
                self._take_effect(pending.intent, outcome, at, None)
            case NotSent(withdrawn=withdrawn):
                del self.pending[attempt]
                self._unsent(pending.intent)
                if not withdrawn:
                    self._fail(pending.intent.address, "not sent", at)
            case Refused(refusal=refusal, vendor_code=code, reason=reason, request_id=request_id):
                standing = Standing.REFUSED if refusal in ENDING else Standing.DOUBTFUL
                self.pending[attempt] = Pending(pending.intent, standing, reason, code, request_id)
                self._fail(pending.intent.address, code, at)
            case Unknown(reason=reason, vendor_code=code, request_id=request_id):
                self.pending[attempt] = Pending(pending.intent, Standing.UNKNOWN, reason, code, request_id)
                self._fail(pending.intent.address, code or "unknown", at)

    def _remember(self, intent: Intent, at: int) -> None:
        """Remember an attempt that took effect for as long as a second delivery of it may come that no listing would
        show as ours: one without a client id, or with one that a file declares.
        """
        nameless = intent.operation is Operation.BIND and identify(intent.customer_bind_id) is None
        if nameless and intent.adoptable_until >= at + 1:
            self.pending[intent.attempt] = Pending(intent, Standing.ECHO)

    def _unsent(self, intent: Intent) -> None:
        """No byte left, so the generation was not used; the next attempt may carry the same id."""
        target = intent.target
        if not isinstance(target, Entry):
            return
        for one in counters(intent.address, target.declared_id):
            if self.generations.get(one) == target.generation:
                self.generations[one] = target.generation - 1

    def _resolve(self, event: Resolved) -> None:
        pending = self.pending.pop(event.attempt, None)
        if pending is None:
            return
        if event.verdict is Verdict.LAPSED:
            self.pending[event.attempt] = replace(pending, standing=Standing.REFUSED)
            return
        if event.verdict is not Verdict.APPLIED:
            return
        self._remember(pending.intent, event.at)
        if self._given_again(pending.intent):
            self.failures.pop(pending.intent.address, None)
            return
        self._take_effect(pending.intent, event.outcome or Applied(), event.at, event.expires_at)

    def _fail(self, address: str, code: str, at: int) -> None:
        known = self.failures.get(address)
        self.failures[address] = Failure(known.since if known else at, known.count + 1 if known else 1, code)

    def _take_effect(self, intent: Intent, applied: Applied, at: int, expires_at: int | None) -> None:
        self.failures.pop(intent.address, None)
        match intent.operation:
            case Operation.BIND:
                assert isinstance(intent.target, Entry)
                self._bound(intent, intent.target, applied, at, expires_at)
            case Operation.UNBIND:
                assert intent.bind_id is not None
                self._unbound(intent, intent.bind_id, at)
            case Operation.CREATE_GROUP | Operation.UPDATE_GROUP:
                assert isinstance(intent.target, GroupEntry)
                group_id = applied.group_id or intent.target.group_id
                signed = int(intent.signed_at)
                self.entries[intent.address] = replace(intent.target, group_id=group_id, changed_at=signed)
            case Operation.DELETE_GROUP:
                self.entries.pop(intent.address, None)

    def _bound(
        self, intent: Intent, target: Entry, applied: Applied, at: int, expires_at: int | None
    ) -> None:
        assert applied.bind_id is not None
        old = self.entries.get(intent.address)
        signed = int(intent.signed_at)
        key = (target.provider, applied.bind_id)
        if isinstance(old, Entry) and old.key is not None and old.key != key:
            ended = old.expires_at is not None and old.expires_at <= signed
            if not ended:
                self.superseded[old.key] = superseded_by(intent.address, old)
        self.superseded.pop(key, None)
        # A vendor that gives an id again means the new binding: it is no ghost of the one that was unbound.
        self.unbound.pop(key, None)
        ends = NEVER if not intent.expire_seconds else signed + intent.expire_seconds
        self.entries[intent.address] = replace(
            target,
            bind_id=applied.bind_id,
            phone_x=applied.phone_x or target.phone_x,
            phone_x_b=applied.phone_x_b,
            bound_at=_effective(intent, at, expires_at),
            expires_at=ends if expires_at is None else expires_at,
            down_since=None,
        )

    def _given_again(self, intent: Intent) -> bool:
        """Whether the address of an unbind that was settled late has a later binding since, under the same id."""
        entry = self.entries.get(intent.address)
        if intent.operation is not Operation.UNBIND or not isinstance(entry, Entry):
            return False
        return entry.key == (intent.provider, intent.bind_id) and _followed(intent, entry)

    def _unbound(self, intent: Intent, bind_id: str, at: int) -> None:
        key = (intent.provider, bind_id)
        entry = self.entries.get(intent.address)
        self.unbound[key] = at
        if self.superseded.pop(key, None) is not None:
            return
        if not isinstance(entry, Entry) or entry.key != key:
            return
        if isinstance(intent.target, Entry):
            self.entries[intent.address] = replace(intent.target, bind_id=None, down_since=at)
        else:
            del self.entries[intent.address]


def _effective(intent: Intent, at: int, expires_at: int | None) -> int:
    """When a bind took effect, by its end as the vendor tells it: from its stamp to when its outcome was learned.

    A vendor may carry out late what it was asked for; such a binding lasts no longer than it was to, it began later.
    """
    signed = int(intent.signed_at)
    if expires_at is None or not intent.expire_seconds:
        return signed
    return max(signed, min(expires_at - intent.expire_seconds, at))


def _followed(unbind: Intent, entry: Entry) -> bool:
    """Whether an entry is a later binding than the one that was to be unbound, under an id that the vendor gave again."""
    if isinstance(unbind.target, Entry) and entry.generation > unbind.target.generation:
        return True
    old = unbind.unbinds
    if old is not None and (entry.phone_a, entry.phone_b) != (old.phone_a, old.phone_b):
        return True
    return entry.bound_at is not None and entry.bound_at > unbind.signed_at


def superseded_by(address: str, entry: Entry) -> Superseded:
    """The old half of a replacement, as remembered until it is unbound."""
    assert entry.bind_id is not None
    return Superseded(
        address=address,
        provider=entry.provider,
        bind_id=entry.bind_id,
        phone_a=entry.phone_a,
        phone_b=entry.phone_b,
        phone_x=entry.phone_x,
        extension=entry.extension,
        customer_bind_id=entry.customer_bind_id,
        expires_at=entry.expires_at,
        group=entry.group,
    )


def replay(state: State, events: Iterable[Event]) -> State:
    """The state after these events. Pure: neither argument is changed."""
    fold = Fold(state)
    for event in events:
        fold.fold(event)
    return fold.done()


def open_intents(state: State) -> Mapping[str, Intent]:
    """Every attempt that may have reached a vendor and is not settled, by attempt."""
    return {attempt: one.intent for attempt, one in state.pending.items()}
