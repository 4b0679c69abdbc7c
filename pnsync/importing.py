"""Live bindings that pnsync did not make come into the state: one, all, or those that equal a declared one.

Promises: a vendor is only read; one listing serves for all; nothing is taken that another address holds, that is
expired, or that is not shown well enough to be declared; what is taken plans as unchanged. What a listing does not show
is taken from the declaration. The first renewal gives each binding a customerBindId of pnsync's own. How a live binding
is declared is `declaring`'s to say.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from pnsync.adoption import entry_of_row
from pnsync.errors import PnsyncError, UsageError
from pnsync.identity import identify, is_ours
from pnsync.journal import Accepted, Event, Recorded, Resolved, Verdict
from pnsync.masking import derive
from pnsync.matching import alive, is_ghost, match
from pnsync.model import NEVER, Binding, Desired, Listing, LiveBinding, Mode, Observed
from pnsync.planner.comparison import differences
from pnsync.planning import World, check_accounts, read_listings
from pnsync.pseudonyms import pseudonym_key
from pnsync.state import Entry, State, target_of
from pnsync.store.store import Session

END_TOLERANCE_SECONDS: Final = 60
"""How far a listed end may be from a declared `expires_at` that it stands for."""


@dataclass(frozen=True, slots=True)
class Different:
    """A live binding with both phones of a declared one, and the names of what differs."""

    address: str
    bind_id: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """What the listings hold of the declared bindings that are not in the state."""

    taken: Mapping[str, LiveBinding]
    different: tuple[Different, ...] = ()
    ambiguous: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Addresses with the bind ids of several live bindings that equal them, or of one that equals several."""
    absent: int = 0
    """Declared bindings, not in the state, of which no live one has both phones."""
    unread: int = 0
    """Declared bindings, not in the state, whose provider was not read, so that nothing is known of them."""


def free_rows(state: State, observed: Observed, now: float) -> list[LiveBinding]:
    """Live bindings that no entry, attempt or rule of recovery explains: the ones that may be taken."""
    found = match(state, observed).unmanaged
    return [row for row in found if alive(row, now) and not is_ours(row.customer_bind_id, state.lineage)]


def match_declared(desired: Desired, state: State, observed: Observed, now: float) -> Matches:
    """Pair declared bindings that are not in the state with live ones that equal them. Pure."""
    by_pair: dict[tuple[object, ...], list[LiveBinding]] = defaultdict(list)
    for row in free_rows(state, observed, now):
        by_pair[_pair(row)].append(row)
    live = {
        _pair(row) for listing in observed.listings.values() for row in listing.bindings if alive(row, now)
    }
    blocked = state.blocking()
    equal: dict[str, list[LiveBinding]] = {}
    different: list[Different] = []
    absent = unread = 0
    for binding in desired.bindings.values():
        address = binding.address
        if not binding.enabled or address in state.entries or address in blocked:
            continue
        if binding.provider not in observed.listings:
            unread += 1
            continue
        rows = by_pair.get(_pair(binding), [])
        found = {row.key: unlike(binding, row, desired, observed.listings[row.provider]) for row in rows}
        same = [row for row in rows if not found[row.key]]
        if same:
            equal[address] = same
        elif rows:
            different += [Different(address, bind_id, names) for (_, bind_id), names in found.items()]
        elif _pair(binding) not in live:
            absent += 1
    wanted = Counter(row.key for rows in equal.values() for row in rows)
    ambiguous = {
        address: tuple(row.bind_id for row in rows)
        for address, rows in equal.items()
        if len(rows) > 1 or any(wanted[row.key] > 1 for row in rows)
    }
    taken = {address: rows[0] for address, rows in equal.items() if address not in ambiguous}
    return Matches(taken, tuple(different), ambiguous, absent, unread)


def _pair(one: LiveBinding | Binding) -> tuple[object, ...]:
    return (one.provider, one.phone_a, one.phone_b)


def unlike(binding: Binding, row: LiveBinding, desired: Desired, listing: Listing) -> tuple[str, ...]:
    """The names of what a live binding has otherwise than declared; what no listing shows is no difference."""
    made = entry_of_row(row, None, binding, 1)
    wanted = target_of(binding, generation=1, customer_bind_id=None)
    names = list(differences(made, wanted))
    if binding.mode is not Mode.AXB_EXTENSION and row.extension and "extension" not in names:
        names.append("extension")
    if binding.x_group is not None and not _in_group(binding.x_group, row.phone_x, desired, listing):
        names.append("phone_x")
    if binding.customer_bind_id is not None and not _count(row.customer_bind_id, binding.customer_bind_id):
        names.append("customer_bind_id")
    lifetime, ends = binding.lifetime, row.expires_at
    if ends is not None:
        if lifetime.until is not None and ends > lifetime.until + END_TOLERANCE_SECONDS:
            names.append("expires_at")
        elif lifetime.until is None and lifetime.never != (ends >= NEVER):
            names.append("expires_in")
    return tuple(dict.fromkeys(names))


def _in_group(name: str, x: str | None, desired: Desired, listing: Listing) -> bool:
    group = desired.groups.get(name)
    if group is None:
        return False
    if group.phones is not None:
        return any(one.digits == x for one in group.phones)
    return any(
        x in {phone.digits for phone in one.phones}
        for one in listing.groups
        if one.group_id == group.group_id or (group.group_id is None and one.name == group.group_name)
    )


def _count(listed: str | None, declared: str) -> int:
    """How often a binding with this declared id was bound, as its listed id shows; 0 where the id is another."""
    if listed == declared:
        return 1
    stem, dot, count = (listed or "").rpartition(".")
    return int(count) if dot and stem == declared and count.isdigit() else 0


def imported_entry(row: LiveBinding, binding: Binding, state: State) -> Entry:
    """The entry of a live binding under a declared address; its next bind gets an id that was never used."""
    generation = state.generations.get(binding.address, 0)
    if binding.customer_bind_id is not None:
        generation = max(generation, _count(row.customer_bind_id, binding.customer_bind_id))
    ours = identify(row.customer_bind_id)
    if ours is not None:
        generation = max(generation, ours.generation)
    return entry_of_row(row, None, binding, generation)


# -- with the world --------------------------------------------------------------------------------------------------


class Import:
    """One import under the lock: the state as it stands and one stable reading of the vendors."""

    def __init__(self, world: World, session: Session) -> None:
        self.world = world
        self.session = session
        check_accounts(world, session.state)
        self.observed = read_listings(world, session.state, scans=2)
        self.now = world.clock.now()

    def failures(self) -> Mapping[str, PnsyncError]:
        """The providers that could not be read."""
        return self.observed.failures

    def matches(self) -> Matches:
        """As `match_declared`."""
        return match_declared(self.world.desired, self.session.state, self.observed, self.now)

    def free(self, provider: str | None = None) -> list[LiveBinding]:
        """As `free_rows`, of one provider where it is named."""
        rows = free_rows(self.session.state, self.observed, self.now)
        return [row for row in rows if provider in (None, row.provider)]

    def row(self, address: str, bind_id: str, provider: str | None) -> LiveBinding:
        """The live binding that is to become an address; raises UsageError where it cannot."""
        state = self.session.state
        entry = state.entries.get(address)
        for other, one in state.bindings().items():
            if one.bind_id == bind_id and provider in (None, one.provider):
                raise UsageError("this binding is in the state already", f"It is {other}.")
        rows = [
            row
            for name, listing in self.observed.listings.items()
            if provider in (None, name)
            for row in listing.bindings
            if row.bind_id == bind_id
        ]
        if isinstance(entry, Entry) and not entry.down:
            raise UsageError(
                f"{address} is in the state already",
                "Forget it first; what it stands for stays live, unmanaged:",
                command=f"pnsync state rm {address}",
            )
        if len(rows) > 1:
            raise UsageError("several providers list this id", "Name the right one with --provider.")
        ghost = any(is_ghost(one, self.observed.listings[one.provider], state) for one in rows)
        if not rows or ghost or not alive(rows[0], self.now):
            for failure in self.observed.failures.values():
                raise failure
            raise UsageError("no live binding has this id", "The vendors' listings do not show it.")
        return rows[0]

    def take(self, rows: Mapping[str, LiveBinding], declared: Callable[[str], Binding]) -> State:
        """Record live bindings under addresses, in one durable step, and end the run."""
        state, session, world = self.session.state, self.session, self.world
        events: list[Event] = []
        key = pseudonym_key(state)
        for name in sorted({row.provider for row in rows.values()} - set(state.accounts)):
            events.append(Accepted(name, world.providers[name].account(derive(key, "account"))))
        for attempt, pending in state.pending.items():
            if pending.intent.address in rows:
                events.append(Resolved(attempt, Verdict.ABSENT, int(self.now)))
        events += [
            Recorded(address, imported_entry(row, declared(address), state)) for address, row in rows.items()
        ]
        if rows:
            session.record(*events)
        return session.finish()
