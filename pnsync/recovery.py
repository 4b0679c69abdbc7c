"""What became of calls whose outcome is not known, and which live bindings are ours: read off a listing.

`settle(state, observed, ...)` returns the events that settle open attempts and take stray bindings of ours into
the state. Positive evidence counts at once; an absence counts only in a stable listing that began
after the attempt's window; two candidates are a person's decision. Pure: nothing is called, nothing is assumed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from pnsync.adoption import entry_of_row, superseded_of
from pnsync.doubt import (
    believed_absent,
    bound_twice,
    delivered_again,
    other_values,
    which_binding,
    which_group,
)
from pnsync.errors import Diagnostic
from pnsync.identity import Identity, address_hash, identify, name_space
from pnsync.journal import Applied, Doubled, Event, Fold, Noted, Recorded, Resolved, Verdict
from pnsync.matching import alive, is_ghost, never_listed, same_identity
from pnsync.model import NEVER, Binding, BindKey, Listing, LiveBinding, Mode, Observed
from pnsync.phone import Phone
from pnsync.state import (
    Entry,
    GroupEntry,
    Intent,
    Operation,
    Pending,
    Standing,
    State,
    Superseded,
)
from pnsync.zones import CERTAIN_SECONDS, zone_between, zone_note, zone_of

__all__ = ["LOST", "Settled", "entry_of_row", "settle", "zone_note", "zone_of"]

K = TypeVar("K")
Live = Mapping[BindKey, LiveBinding]

LOST = "bindings.lost-"
"""Begins the address of a live binding of ours whose own address nothing remembers."""
ADOPTABLE_SECONDS = 1920
"""How long a LAAFFIC bind may take effect after its stamp: half an hour of tolerance and a margin (docs/vendors.md, 2.2)."""
STAMP_SLACK_SECONDS = 30
"""How far before our time stamp a vendor's own clock may have placed a bind."""
CLOCK_SECONDS = 1920
"""How far the end of a binding of ours may be from what its stamp says: a stamp is good for a minute (docs/vendors.md, 1.2), but
it may have been taken from one of NXCloud's servers whose clock was wrong, and by another."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What a listing told. `state` is the state with `events` folded in."""

    state: State
    events: tuple[Event, ...] = ()
    adopted: Mapping[str, str] = field(default_factory=dict)
    """Addresses that came into the state, with how we know."""
    decisions: tuple[Diagnostic, ...] = ()
    notes: tuple[Diagnostic, ...] = ()


class _Rows:
    """One listing's bindings by bind id, by customerBindId and by pair, each found out when it is asked for."""

    def __init__(self, bindings: tuple[LiveBinding, ...]) -> None:
        self.bindings = bindings

    @cached_property
    def by_bind_id(self) -> dict[str, LiveBinding]:
        return {row.bind_id: row for row in self.bindings}

    @cached_property
    def by_id(self) -> dict[str | None, list[LiveBinding]]:
        return _grouped(self.bindings, lambda row: row.customer_bind_id)

    @cached_property
    def by_pair(self) -> dict[tuple[Phone, Phone | None], list[LiveBinding]]:
        return _grouped(self.bindings, lambda row: (row.phone_a, row.phone_b))


def _grouped(rows: Iterable[LiveBinding], by: Callable[[LiveBinding], K]) -> dict[K, list[LiveBinding]]:
    found: dict[K, list[LiveBinding]] = {}
    for row in rows:
        found.setdefault(by(row), []).append(row)
    return found


class _Settling:
    """One pass over pending attempts and stray rows; collects events."""

    def __init__(self, state: State, observed: Observed, declared: Mapping[str, Binding], now: float) -> None:
        self.state = state
        self.observed = observed
        self.declared = declared
        self.now = now
        self.events: list[Event] = []
        self.fold = Fold(state)
        self.rows = {name: _Rows(one.bindings) for name, one in observed.listings.items()}
        self.adopted: dict[str, str] = {}
        self.decisions: list[Diagnostic] = []
        self.notes: list[Diagnostic] = []
        self.owners: dict[BindKey, Entry | Superseded] = {
            one.key: one for one in state.entries.values() if isinstance(one, Entry) and one.key is not None
        }
        self.owners.update(state.superseded)
        self.claimed: set[BindKey] = set()
        self.contested: set[str | None] = set()

    def attempt(self, name: str, pending: Pending) -> None:
        """Settle one attempt where the listing tells."""
        intent = pending.intent
        listing = self.observed.listings.get(intent.provider)
        if listing is None:
            return
        match intent.operation:
            case Operation.BIND:
                self._bind(name, pending, listing)
            case Operation.UNBIND:
                self._unbind(name, intent, listing)
            case Operation.CREATE_GROUP:
                self._create_group(name, pending, listing)
            case Operation.UPDATE_GROUP:
                self._update_group(name, intent, listing)
            case Operation.DELETE_GROUP:
                gone = all(one.group_id != intent.group_id for one in listing.groups)
                self._by_absence(name, intent, listing, gone)

    def _taken(self, row: LiveBinding) -> bool:
        """Whether a row is known already. A vendor may give the id of an expired binding to another one."""
        owner = self.owners.get(row.key)
        return row.key in self.claimed or (owner is not None and same_identity(row, owner))

    def _emit(self, event: Event) -> None:
        self.events.append(event)
        self.fold.fold(event)

    def _resolve(
        self, name: str, verdict: Verdict, outcome: Applied | None = None, ends: int | None = None
    ) -> None:
        self._emit(Resolved(name, verdict, int(self.now), outcome, ends))

    def _absent(self, name: str, pending: Pending, listing: Listing) -> None:
        """A bind or group that no row shows: believed only from a stable listing that began after its window."""
        intent = pending.intent
        if not listing.stable or listing.started_at < intent.not_before:
            return
        life = intent.expire_seconds or 0
        target = intent.target
        if (
            pending.blocks
            and isinstance(target, Entry)
            and never_listed(self.state, intent.provider, target.mode)
        ):
            self.notes.append(believed_absent(intent, target.mode))
        if listing.started_at >= intent.adoptable_until:
            ended = 0 < life <= listing.started_at - intent.not_before
            self._resolve(name, Verdict.EXPIRED if ended else Verdict.ABSENT)
        elif pending.blocks:
            self._resolve(name, Verdict.LAPSED)

    def _by_absence(self, name: str, intent: Intent, listing: Listing, gone: bool) -> None:
        """An unbind or delete: gone is done; still there after the window means that it did not take effect."""
        if gone:
            if listing.stable:
                self._resolve(name, Verdict.APPLIED)
        elif listing.trustworthy and listing.started_at >= intent.not_before:
            self._resolve(name, Verdict.ABSENT)

    def _unbind(self, name: str, intent: Intent, listing: Listing) -> None:
        row = self.rows[listing.provider].by_bind_id.get(intent.bind_id or "")
        gone = row is None or (intent.unbinds is not None and not same_identity(row, intent.unbinds))
        self._by_absence(name, intent, listing, gone)

    def _bind(self, name: str, pending: Pending, listing: Listing) -> None:
        intent = pending.intent
        target = intent.target
        assert isinstance(target, Entry)
        if intent.customer_bind_id is not None:
            rows = self.rows[listing.provider].by_id.get(intent.customer_bind_id, [])
            rows = [row for row in rows if row.key not in self.state.unbound]
            if pending.standing is Standing.ECHO:
                rows = [row for row in rows if not self._taken(row)]
            if rows and not all(_same_call(row, intent, target) for row in rows):
                self._decide(other_values(intent))
                return
        else:
            pair = (target.phone_a, target.phone_b)
            rows = self.rows[listing.provider].by_pair.get(pair, [])
            # An id that we unbound may be a ghost of a lagging listing or, where the vendor gives ids again, the outcome.
            told = listing.started_at >= intent.not_before
            rows = [row for row in rows if told or row.key not in self.state.unbound]
            rows = [row for row in rows if self._in_window(row, intent, target)]
            # An answered attempt has its binding: another may be a second delivery or a stranger's, and no id tells.
            answered = pending.standing is Standing.ECHO
            if len(rows) > 1 or (rows and answered):
                self._decide(which_binding(intent, [row.bind_id for row in rows], answered=answered))
                return
        rows = [row for row in rows if not self._taken(row)]
        if rows:
            self._found(name, pending, target, sorted(rows, key=_age), listing)
        else:
            self._absent(name, pending, listing)

    def _found(
        self, name: str, pending: Pending, target: Entry, rows: list[LiveBinding], listing: Listing
    ) -> None:
        intent = pending.intent
        first, *others = rows
        self.claimed.update(row.key for row in rows)
        entry = self.fold.entries.get(intent.address)
        if pending.standing is Standing.ECHO and self._newer(entry, target.generation - 1):
            others = rows
            self.notes.append(delivered_again(intent))
        elif self._newer(entry, target.generation):
            if pending.blocks or self.now >= intent.adoptable_until:
                self._resolve(name, Verdict.ABSENT)
            others = rows  # while its window is open, another delivery may still come
            if len(rows) > 1:
                self.notes.append(bound_twice(intent, len(rows), "the newer one of its address"))
        else:
            applied = Applied(first.bind_id, first.phone_x, first.phone_x_b)
            self._resolve(name, Verdict.APPLIED, applied, self._end(first, intent, listing))
            self.adopted[intent.address] = "an interrupted call took effect: its binding is listed"
            if others:
                self.notes.append(bound_twice(intent, len(rows), "the older"))
        for row in others:
            self._emit(Doubled(row.key, superseded_of(intent.address, row)))

    def _in_window(self, row: LiveBinding, intent: Intent, target: Entry) -> bool:
        """LAAFFIC: whether a row can be the outcome of this attempt: mode, expiry, not listed before."""
        if self._taken(row) or row.bind_id in intent.known_ids:
            return False
        if (row.phone_x_b in (None, row.phone_x)) != (target.mode is Mode.AXB):
            return False
        life = intent.expire_seconds or 0
        # The vendor's time may have been learned from a server whose clock was wrong: ours counts where it is earlier, and
        # where the two are apart neither tells what the server's was that took the call.
        ours = intent.adoptable_until - ADOPTABLE_SECONDS
        apart = abs(intent.signed_at - ours) > STAMP_SLACK_SECONDS
        slack = CLOCK_SECONDS if apart else STAMP_SLACK_SECONDS
        earliest = min(intent.signed_at, ours) - slack + life
        latest = intent.adoptable_until + life
        if row.expires_at is not None:
            return earliest <= row.expires_at <= latest
        if row.naive_expiry is None:
            return True
        return zone_between(row.naive_expiry, earliest, latest) is not None

    def _end(self, row: LiveBinding, intent: Intent, listing: Listing) -> int | None:
        """When the outcome of a bind ends, as it is listed; where that tells the vendor's zone, it is noted."""
        if row.expires_at is not None or row.naive_expiry is None or not intent.expire_seconds:
            return row.expires_at
        if self.now + listing.clock_ahead - intent.signed_at > CERTAIN_SECONDS:
            return None
        zone = zone_of(row.naive_expiry, intent.signed_at + intent.expire_seconds)
        if zone is None:
            return None
        self._emit(Noted(zone_note(intent.provider), str(zone)))
        return row.naive_expiry - zone

    def _create_group(self, name: str, pending: Pending, listing: Listing) -> None:
        intent = pending.intent
        target = intent.target
        assert isinstance(target, GroupEntry)
        owned = {one.group_id for one in self.state.groups().values()}
        same = [
            one
            for one in listing.groups
            if one.name == target.group_name
            and set(one.phones) == set(target.phones)
            and one.group_id not in intent.known_ids
            and one.group_id not in owned
        ]
        if len(same) > 1:
            self._decide(which_group(intent))
        elif same:
            self._resolve(name, Verdict.APPLIED, Applied(group_id=same[0].group_id))
            self.adopted[intent.address] = "an interrupted call took effect: its group is listed"
        else:
            self._absent(name, pending, listing)

    def _update_group(self, name: str, intent: Intent, listing: Listing) -> None:
        target = intent.target
        assert isinstance(target, GroupEntry)
        live = next((one for one in listing.groups if one.group_id == intent.group_id), None)
        if live is not None and set(live.phones) == set(target.phones):
            self._resolve(name, Verdict.APPLIED)
        elif listing.trustworthy and listing.started_at >= intent.not_before:
            self._resolve(name, Verdict.ABSENT)

    def _decide(self, decision: Diagnostic) -> None:
        self.contested.add(decision.address)
        self.decisions.append(decision)

    def strays(self) -> None:
        """Take live rows in our name space that no entry or attempt explains into the state."""
        prefix = name_space(self.state.lineage)
        if prefix is None:
            return
        found = [
            (row, identity)
            for provider in sorted(self.observed.listings)
            for row in self.observed.listings[provider].bindings
            if row.customer_bind_id is not None
            and row.customer_bind_id.startswith(prefix)
            and not self._taken(row)
            and (identity := identify(row.customer_bind_id)) is not None
        ]
        if not found:
            return
        pending_ids = {one.intent.customer_bind_id for one in self.fold.pending.values()}
        named = {
            address_hash(one): one for one in (*self.declared, *self.state.generations, *self.state.entries)
        }
        live = {row.key: row for listing in self.observed.listings.values() for row in listing.bindings}
        for row, identity in sorted(found, key=_newest_first):
            ghost = is_ghost(row, self.observed.listings[row.provider], self.state)
            if alive(row, self.now) and not ghost and row.customer_bind_id not in pending_ids:
                self._stray(row, named.get(identity.address_hash), identity, live)

    def _stray(self, row: LiveBinding, address: str | None, identity: Identity, live: Live) -> None:
        if address is None or row.key in self.state.unbound:
            # What was unbound and is listed still is never taken back: it is unbound once more.
            owner = address or f"{LOST}{identity.address_hash}"
            self._emit(Doubled(row.key, superseded_of(owner, row)))
            return
        entry = self.fold.entries.get(address)
        if isinstance(entry, GroupEntry) or address in self.contested or self._stands(entry, identity, live):
            self._emit(Doubled(row.key, superseded_of(address, row)))
            return
        adopted = entry_of_row(row, entry, self.declared.get(address), identity.generation)
        self._emit(Recorded(address, adopted))
        self.adopted[address] = "made by pnsync and not in the state: its id says so"

    def _stands(self, entry: Entry | None, identity: Identity, live: Live) -> bool:
        """Whether the recorded binding stays: it is listed, or newer and not known to have ended."""
        if entry is None or entry.key is None:
            return False
        row = live.get(entry.key)
        return self._newer(entry, identity.generation) or (row is not None and same_identity(row, entry))

    def _newer(self, entry: Entry | GroupEntry | None, generation: int) -> bool:
        """Whether an entry is a later binding of its address, up, and not known to have ended."""
        if not isinstance(entry, Entry) or entry.down or entry.generation <= generation:
            return False
        return entry.expires_at is None or entry.expires_at > self.now


def _same_call(row: LiveBinding, intent: Intent, target: Entry) -> bool:
    """Whether a row is what a call asked for: pair, X, extension, and an end that its stamp allows."""
    pair = row.phone_a == target.phone_a and row.phone_b == target.phone_b
    x = target.phone_x is None or row.phone_x == target.phone_x
    extension = target.extension is None or row.extension == target.extension
    if not (pair and x and extension) or row.expires_at is None:
        return pair and x and extension
    if not intent.expire_seconds:
        return row.expires_at >= NEVER
    earliest = min(intent.signed_at, intent.not_before) - CLOCK_SECONDS + intent.expire_seconds
    latest = max(intent.adoptable_until, intent.latest_at) + CLOCK_SECONDS + intent.expire_seconds
    return earliest <= row.expires_at <= latest


def _age(row: LiveBinding) -> tuple[int, str]:
    return (row.expires_at or 0, row.bind_id)


def _newest_first(stray: tuple[LiveBinding, Identity]) -> tuple[int, int, str]:
    row, identity = stray
    return (-identity.generation, *_age(row))


def settle(state: State, observed: Observed, declared: Mapping[str, Binding], now: float) -> Settled:
    """Settle what the listings tell. `declared` are the bindings by address; `now` is epoch seconds."""
    work = _Settling(state, observed, declared, now)
    blocking_first = sorted(state.pending.items(), key=lambda one: (not one[1].blocks, one[0]))
    for name, pending in blocking_first:
        work.attempt(name, pending)
    work.strays()
    events = tuple(work.events)
    settled = work.fold.done() if events else state
    return Settled(settled, events, work.adopted, tuple(work.decisions), tuple(work.notes))
