"""Whose every (X, extension) is, and who calls through every X: the ground that allocation chooses on. Pure.

Counted as held: live rows of others, our entries and old halves, what attempts of unknown outcome asked for, and what
files fix, which goes over all else. Groups are known as declared, recorded and listed together.
"""

from collections.abc import Iterable

from pnsync.matching import Matched
from pnsync.model import Binding, Desired, Group, LiveBinding, Observed
from pnsync.phone import Phone
from pnsync.planner.disjoint import Parties
from pnsync.planner.groups import find_group
from pnsync.planner.slots import Demand, Slots
from pnsync.state import Entry, GroupEntry, State


class Holdings:
    """Everything that is held while one plan is made."""

    def __init__(
        self, desired: Desired, state: State, observed: Observed, matched: Matched, now: int, slots: Slots
    ) -> None:
        self.desired = desired
        self.state = state
        self.observed = observed
        self.slots = slots
        self.parties = Parties()
        self.attempted = _attempted(state)
        self._twins: dict[tuple[str, Phone, Phone | None], list[tuple[str, str]]] = {}
        self._pools: dict[str, tuple[str, ...] | None] = {}
        self._rows(matched, now)
        self._entries(now)
        for binding in desired.bindings.values():
            if binding.phone_x is not None and binding.extension is not None and binding.enabled:
                slots.hold(binding.provider, binding.phone_x, binding.extension, binding.address, over=True)

    def _rows(self, matched: Matched, now: int) -> None:
        for row in matched.unmanaged:
            if row.phone_x is None or not (row.expires_at is None or row.expires_at > now):
                continue
            holder = f"binding {row.bind_id}"
            if row.extension:
                self.slots.hold(row.provider, row.phone_x, row.extension, holder)
                key = (row.provider, row.phone_a, row.phone_b)
                self._twins.setdefault(key, []).append((row.phone_x, row.extension))
            else:
                parties = [one.digits for one in (row.phone_a, row.phone_b) if one is not None]
                self._call(row, parties, holder)

    def _entries(self, now: int) -> None:
        hold = self.slots.hold
        later: list[tuple[str, Entry]] = []
        for address, entry in self.state.entries.items():
            if not isinstance(entry, Entry) or entry.phone_x is None:
                continue
            if not entry.extension:
                self._call(entry, self.callers(entry), address)
            elif entry.expires_at is not None and entry.expires_at <= now:
                later.append((address, entry))
            else:
                hold(entry.provider, entry.phone_x, entry.extension, address)
        later.extend(self.attempted.items())
        for address, entry in later:
            if entry.phone_x is not None and entry.extension:
                hold(entry.provider, entry.phone_x, entry.extension, address)
        for old in self.state.superseded.values():
            if old.phone_x is not None and old.extension:
                hold(old.provider, old.phone_x, old.extension, old.address)

    def _call(self, made: Entry | LiveBinding, parties: Iterable[str], holder: str) -> None:
        for x in {made.phone_x, made.phone_x_b} - {None}:
            assert x is not None
            number = self.slots.number(made.provider, x)
            number.load += 1
            for party in parties:
                self.parties.hold(number, party, holder)

    def callers(self, made: Entry | Binding) -> frozenset[str]:
        """Everybody who calls through a binding that is routed by caller: A, B, and the group's members."""
        found = {one.digits for one in (made.phone_a, made.phone_b) if one is not None}
        if made.group is not None:
            found |= self._members(made.provider, made.group)
        return frozenset(found)

    def _members(self, provider: str, name: str) -> set[str]:
        """A group's people as declared, recorded and listed: whoever of them calls until all three agree."""
        found: set[str] = set()
        declared = self.desired.groups.get(name)
        if declared is not None:
            found.update(one.digits for one in declared.phones or ())
        entry = self.state.entries.get(f"groups.{name}")
        listing = self.observed.listings.get(provider)
        listed = [] if listing is None or declared is None else find_group(declared, listing)
        if isinstance(entry, GroupEntry):
            found.update(one.digits for one in entry.phones)
            if listing is not None:
                listed = [one for one in listing.groups if one.group_id == entry.group_id]
        for one in listed:
            found.update(phone.digits for phone in one.phones)
        return found

    def numbers_of(self, group: Group) -> tuple[str, ...] | None:
        """The X numbers of a group in their listed order; None where they are not known."""
        if group.name not in self._pools:
            self._pools[group.name] = numbers_of(group, self.observed)
        return self._pools[group.name]

    def take_twin(self, binding: Binding, demand: Demand) -> tuple[str, str] | None:
        """What is live already with the binding's parties, and not provably ours; each is found once."""
        if not self._twins:
            return None
        twins = self._twins.get((binding.provider, binding.phone_a, binding.phone_b), [])
        for one in twins:
            if demand.fits(self.slots.number(binding.provider, one[0]), one[1]):
                twins.remove(one)
                return one
        return None


def _attempted(state: State) -> dict[str, Entry]:
    """What calls of unknown outcome asked for: it may be theirs, or become so late."""
    found: dict[str, Entry] = {}
    for pending in state.pending.values():
        target = pending.intent.target
        if isinstance(target, Entry) and target.phone_x is not None:
            found[pending.intent.address] = target
    return found


def numbers_of(group: Group, observed: Observed) -> tuple[str, ...] | None:
    """The X numbers of a group in their listed order; None where its listing does not tell."""
    if group.phones is not None:
        return tuple(one.digits for one in group.phones)
    listing = observed.listings.get(group.provider)
    if listing is None:
        return None
    found = find_group(group, listing)
    return tuple(dict.fromkeys(one.digits for one in found[0].phones)) if len(found) == 1 else None
