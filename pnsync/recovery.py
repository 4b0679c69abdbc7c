"""What became of calls whose outcome is not known, and which live bindings are ours: read off a listing.

`settle(state, observed, ...)` returns the events that settle open attempts and take stray bindings of ours into
the state (RELIABILITY 3.6). Positive evidence counts at once; an absence counts only in a stable listing that began
after the attempt's window; two candidates are a person's decision. Pure: nothing is called, nothing is assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pnsync.errors import Diagnostic
from pnsync.identity import address_hash, identify, is_ours
from pnsync.journal import Applied, Doubled, Event, Fold, Noted, Recorded, Resolved, Verdict
from pnsync.model import Binding, Lifetime, Listing, LiveBinding, Mode, Observed
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
    target_of,
)

ZONE_STEP_SECONDS = 900
ZONE_LIMIT_SECONDS = 14 * 3600
ZONE_RESIDUE_SECONDS = 120
STAMP_SLACK_SECONDS = 30
"""How far before our time stamp a vendor's own clock may have placed a bind."""


def zone_note(provider: str) -> str:
    """The name of the note that holds a provider's calibrated zone, in seconds east of UTC."""
    return f"zone.{provider}"


@dataclass(frozen=True, slots=True)
class Settled:
    """What a listing told. `state` is the state with `events` folded in."""

    state: State
    events: tuple[Event, ...] = ()
    adopted: Mapping[str, str] = field(default_factory=dict)
    """Addresses that came into the state, with how we know."""
    decisions: tuple[Diagnostic, ...] = ()


class _Rows:
    """One listing's bindings by customerBindId and by pair."""

    def __init__(self, listing: Listing) -> None:
        self.by_id: dict[str, list[LiveBinding]] = {}
        self.by_pair: dict[tuple[Phone, Phone | None], list[LiveBinding]] = {}
        for row in listing.bindings:
            if row.customer_bind_id is not None:
                self.by_id.setdefault(row.customer_bind_id, []).append(row)
            self.by_pair.setdefault((row.phone_a, row.phone_b), []).append(row)


class _Settling:
    """One pass over pending attempts and stray rows; collects events."""

    def __init__(self, state: State, observed: Observed, declared: Mapping[str, Binding], now: float) -> None:
        self.state = state
        self.observed = observed
        self.declared = declared
        self.now = now
        self.events: list[Event] = []
        self.fold = Fold(state)
        self.rows: dict[str, _Rows] = {}
        self.adopted: dict[str, str] = {}
        self.decisions: list[Diagnostic] = []
        self.claimed = {one.bind_id for one in state.bindings().values() if one.bind_id is not None}
        self.claimed.update(state.superseded)
        self.contested: set[str] = set()

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

    def _emit(self, event: Event) -> None:
        self.events.append(event)
        self.fold.fold(event)

    def _resolve(
        self, name: str, verdict: Verdict, outcome: Applied | None = None, ends: int | None = None
    ) -> None:
        self._emit(Resolved(name, verdict, int(self.now), outcome, ends))

    def _absent(self, name: str, pending: Pending, listing: Listing) -> None:
        """A bind that no row shows: believed only from a stable listing that began after its window."""
        intent = pending.intent
        if not listing.stable or listing.started_at < intent.not_before:
            return
        life = intent.expire_seconds
        if listing.started_at >= intent.adoptable_until:
            self._resolve(name, Verdict.ABSENT)
        elif life and listing.started_at >= intent.not_before + life:
            self._resolve(name, Verdict.EXPIRED)
        elif pending.blocks:
            self._resolve(name, Verdict.LAPSED)

    def _indexed(self, listing: Listing) -> "_Rows":
        found = self.rows.get(listing.provider)
        if found is None:
            found = self.rows[listing.provider] = _Rows(listing)
        return found

    def _by_absence(self, name: str, intent: Intent, listing: Listing, gone: bool) -> None:
        """An unbind or delete: gone is done; still there after the window means that it did not take effect."""
        if gone:
            if listing.stable:
                self._resolve(name, Verdict.APPLIED, Applied())
        elif listing.trustworthy and listing.started_at >= intent.not_before:
            self._resolve(name, Verdict.ABSENT)

    def _unbind(self, name: str, intent: Intent, listing: Listing) -> None:
        gone = all(row.bind_id != intent.bind_id for row in listing.bindings)
        self._by_absence(name, intent, listing, gone)

    def _bind(self, name: str, pending: Pending, listing: Listing) -> None:
        intent = pending.intent
        target = intent.target
        assert isinstance(target, Entry)
        if intent.customer_bind_id is not None:
            rows = self._indexed(listing).by_id.get(intent.customer_bind_id, [])
            rows = [row for row in rows if row.bind_id not in self.state.unbound]
            if rows and not all(_same_call(row, target) for row in rows):
                self._decide(
                    "P301",
                    f"{intent.address}: the vendor lists {intent.customer_bind_id} with other values than were sent",
                    intent.address,
                )
                return
        else:
            pair = (target.phone_a, target.phone_b)
            rows = self._indexed(listing).by_pair.get(pair, [])
            rows = [row for row in rows if self._in_window(row, intent, target)]
            if len(rows) > 1:
                self._decide(
                    "P302",
                    f"{intent.address}: {len(rows)} bindings could be the outcome of one call: "
                    + ", ".join(row.bind_id for row in rows),
                    intent.address,
                )
                return
        rows = [row for row in rows if row.bind_id not in self.claimed]
        if rows:
            self._found(name, pending, target, sorted(rows, key=_age))
        else:
            self._absent(name, pending, listing)

    def _found(self, name: str, pending: Pending, target: Entry, rows: list[LiveBinding]) -> None:
        intent = pending.intent
        first, *others = rows
        self.claimed.update(row.bind_id for row in rows)
        entry = self.fold.entries.get(intent.address)
        newer = isinstance(entry, Entry) and not entry.down and entry.generation > target.generation
        if newer:
            self._resolve(name, Verdict.ABSENT)
            others = rows
        else:
            self._calibrate(first, intent)
            applied = Applied(first.bind_id, first.phone_x, first.phone_x_b)
            self._resolve(name, Verdict.APPLIED, applied, first.expires_at)
            self.adopted[intent.address] = "an interrupted call took effect: its binding is listed"
        for row in others:
            self._emit(Doubled(row.bind_id, _superseded(intent.address, row)))

    def _in_window(self, row: LiveBinding, intent: Intent, target: Entry) -> bool:
        """LAAFFIC: whether a row can be the outcome of this attempt: mode, expiry, not listed before."""
        if (
            row.bind_id in self.claimed
            or row.bind_id in self.state.unbound
            or row.bind_id in intent.known_ids
        ):
            return False
        if (row.phone_x_b in (None, row.phone_x)) != (target.mode is Mode.AXB):
            return False
        life = intent.expire_seconds or 0
        earliest = intent.signed_at - STAMP_SLACK_SECONDS + life
        latest = intent.adoptable_until + life
        if row.expires_at is not None:
            return earliest <= row.expires_at <= latest
        if row.naive_expiry is None:
            return True
        return zone_between(row.naive_expiry, earliest, latest) is not None

    def _calibrate(self, row: LiveBinding, intent: Intent) -> None:
        if row.expires_at is not None or row.naive_expiry is None or not intent.expire_seconds:
            return
        zone = zone_of(row.naive_expiry, intent.signed_at + intent.expire_seconds)
        if zone is not None:
            self._emit(Noted(zone_note(intent.provider), str(zone)))

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
            self._decide(
                "P303", f"{intent.address}: two groups could be the outcome of one call", intent.address
            )
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
            self._resolve(name, Verdict.APPLIED, Applied(group_id=live.group_id))
        elif listing.trustworthy and listing.started_at >= intent.not_before:
            self._resolve(name, Verdict.ABSENT)

    def _decide(self, code: str, summary: str, address: str) -> None:
        self.contested.add(address)
        self.decisions.append(
            Diagnostic(
                code,
                summary,
                advice="look at them at the vendor, then `pnsync import` the right one or `pnsync state rm` the address",
                address=address,
            )
        )

    def strays(self) -> None:
        """Take rows in our name space that no entry or attempt explains into the state."""
        state = self.state
        named = {address_hash(one): one for one in (*state.generations, *state.entries, *self.declared)}
        pending_ids = {one.intent.customer_bind_id for one in self.fold.pending.values()}
        for provider in sorted(self.observed.listings):
            rows = self.observed.listings[provider].bindings
            ours = [row for row in rows if is_ours(row.customer_bind_id, state.lineage)]
            live = {row.bind_id for row in rows}
            for row in sorted(ours, key=_newest_first):
                if row.bind_id in self.claimed or row.bind_id in state.unbound:
                    continue
                if row.customer_bind_id in pending_ids:
                    continue
                found = identify(row.customer_bind_id)
                assert found is not None
                self._stray(row, named.get(found.address_hash), found.address_hash, found.generation, live)

    def _stray(
        self, row: LiveBinding, address: str | None, hashed: str, generation: int, live: set[str]
    ) -> None:
        self.claimed.add(row.bind_id)
        if address is None:
            self._emit(Doubled(row.bind_id, _superseded(f"bindings.lost-{hashed}", row)))
            return
        entry = self.fold.entries.get(address)
        occupied = isinstance(entry, Entry) and entry.bind_id is not None and entry.bind_id in live
        other_kind = isinstance(entry, GroupEntry)
        if occupied or other_kind or address in self.contested:
            self._emit(Doubled(row.bind_id, _superseded(address, row)))
            return
        known = entry if isinstance(entry, Entry) else None
        adopted = entry_of_row(row, known, self.declared.get(address), generation)
        self._emit(Recorded(address, adopted))
        self.adopted[address] = "made by pnsync and not in the state: its id says so"


def entry_of_row(row: LiveBinding, known: Entry | None, binding: Binding | None, generation: int) -> Entry:
    """The entry for a live row: what the vendor shows, and from the entry or declaration what it does not show."""
    mode = Mode.AXB_EXTENSION if row.extension else Mode.AXB
    if row.phone_x_b is not None and row.phone_x_b != row.phone_x:
        mode = Mode.AXXB
    base = known
    if base is None and binding is not None:
        base = target_of(binding, generation=generation, customer_bind_id=row.customer_bind_id)
    if base is None:
        base = Entry(
            provider=row.provider,
            mode=mode,
            phone_a=row.phone_a,
            phone_b=row.phone_b,
            lifetime=Lifetime(lease_seconds=None, keep=False),
            generation=generation,
            x_chosen=mode is not Mode.AXB_EXTENSION,
        )
    if base.mode is not Mode.AXG:
        base = replace(base, mode=mode)
    return replace(
        base,
        provider=row.provider,
        phone_a=row.phone_a,
        phone_b=row.phone_b,
        phone_x=row.phone_x,
        phone_x_b=row.phone_x_b,
        extension=row.extension,
        recording=base.recording if row.recording is None else row.recording,
        customer_bind_id=row.customer_bind_id,
        bind_id=row.bind_id,
        expires_at=row.expires_at,
        generation=generation,
        down_since=None,
    )


def zone_of(naive: int, expected: float) -> int | None:
    """The zone, in seconds east of UTC, that explains a naive expiry (VENDORS 2.7 rule 5); None when none does."""
    offset = naive - expected
    zone = round(offset / ZONE_STEP_SECONDS) * ZONE_STEP_SECONDS
    fits = abs(offset - zone) < ZONE_RESIDUE_SECONDS and abs(zone) <= ZONE_LIMIT_SECONDS
    return zone if fits else None


def zone_between(naive: int, earliest: float, latest: float) -> int | None:
    """A zone under which a naive expiry falls between two instants, None when there is none."""
    first = zone_of(naive, earliest)
    if first is not None:
        return first
    steps = range(-ZONE_LIMIT_SECONDS, ZONE_LIMIT_SECONDS + 1, ZONE_STEP_SECONDS)
    return next((zone for zone in steps if earliest <= naive - zone <= latest), None)


def _same_call(row: LiveBinding, target: Entry) -> bool:
    pair = row.phone_a == target.phone_a and row.phone_b == target.phone_b
    x = target.phone_x is None or row.phone_x == target.phone_x
    return pair and x and (target.extension is None or row.extension == target.extension)


def _superseded(address: str, row: LiveBinding) -> Superseded:
    return Superseded(
        address=address,
        provider=row.provider,
        bind_id=row.bind_id,
        phone_a=row.phone_a,
        phone_b=row.phone_b,
        phone_x=row.phone_x,
        extension=row.extension,
        customer_bind_id=row.customer_bind_id,
        expires_at=row.expires_at,
    )


def _age(row: LiveBinding) -> tuple[int, str]:
    return (row.expires_at or 0, row.bind_id)


def _newest_first(row: LiveBinding) -> tuple[int, int, str]:
    found = identify(row.customer_bind_id)
    assert found is not None
    return (-found.generation, *_age(row))


def settle(state: State, observed: Observed, declared: Mapping[str, Binding], now: float) -> Settled:
    """Settle what the listings tell. `declared` are the bindings by address; `now` is epoch seconds."""
    work = _Settling(state, observed, declared, now)
    blocking_first = sorted(
        state.pending.items(), key=lambda one: (one[1].standing is Standing.REFUSED, one[0])
    )
    for name, pending in blocking_first:
        work.attempt(name, pending)
    work.strays()
    events = tuple(work.events)
    settled = work.fold.done() if events else state
    return Settled(settled, events, work.adopted, tuple(work.decisions))
