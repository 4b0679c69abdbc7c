"""Which X and which extension a binding gets where the files leave the choice to pnsync. Pure.

The least used X of the group first, then the lowest free extension; nothing that another binding holds, ours or
not, nothing reserved, drained or in quarantine. Same input, same answer; a choice once made is kept, so that an
unchanged binding never moves and adding one moves none.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pnsync.errors import Diagnostic, Severity
from pnsync.groups import find_group
from pnsync.matching import Matched
from pnsync.model import Binding, Desired, Group, Observed
from pnsync.phone import country_code
from pnsync.plan import Action, Deferred
from pnsync.state import Entry, GroupEntry, State


@dataclass(frozen=True, slots=True)
class Chosen:
    """What an address gets."""

    phone_x: str
    extension: str | None


@dataclass(frozen=True, slots=True)
class Allocation:
    """Choices by address, and what could not be chosen now or at all."""

    chosen: Mapping[str, Chosen] = field(default_factory=dict)
    deferred: Mapping[str, Deferred] = field(default_factory=dict)
    impossible: Mapping[str, Diagnostic] = field(default_factory=dict)
    notes: tuple[Diagnostic, ...] = ()


def allocate(desired: Desired, state: State, observed: Observed, matched: Matched, now: int) -> Allocation:
    """Choose for every declared binding that leaves X or extension open."""
    asking = [one for one in desired.bindings.values() if one.enabled and (one.x_group or one.extension_auto)]
    if not asking:
        return Allocation()
    work = _Allocating(desired, state, observed, matched, now)
    for binding in asking:
        work.keep(binding)
    for binding in asking:
        if binding.address not in work.chosen and binding.address not in work.impossible:
            work.choose(binding)
    return Allocation(work.chosen, work.deferred, work.impossible, tuple(work.notes))


class _Number:
    """One X: which extensions are taken or resting, and where the search for a free one stands."""

    __slots__ = ("resting", "taken", "x")

    def __init__(self, x: str) -> None:
        self.x = x
        self.taken: dict[str, str] = {}
        self.resting: dict[str, tuple[str, int]] = {}


class _Allocating:
    def __init__(
        self, desired: Desired, state: State, observed: Observed, matched: Matched, now: int
    ) -> None:
        self.desired = desired
        self.state = state
        self.observed = observed
        self.now = now
        self.chosen: dict[str, Chosen] = {}
        self.deferred: dict[str, Deferred] = {}
        self.impossible: dict[str, Diagnostic] = {}
        self.notes: list[Diagnostic] = []
        self.numbers: dict[tuple[str, str], _Number] = {}
        self.pools: dict[str, list[str]] = {}
        self.heaps: dict[tuple[str, str], list[tuple[int, int, str]]] = {}
        self.starts: dict[tuple[str, str, str], int] = {}
        self._occupy(matched)

    def _number(self, provider: str, x: str) -> _Number:
        found = self.numbers.get((provider, x))
        if found is None:
            found = self.numbers[(provider, x)] = _Number(x)
        return found

    def _occupy(self, matched: Matched) -> None:
        for row in matched.unmanaged:
            alive = row.expires_at is None or row.expires_at > self.now
            if row.phone_x is not None and row.extension and alive:
                self._number(row.provider, row.phone_x).taken[row.extension] = f"binding {row.bind_id}"
        for address, entry in self.state.bindings().items():
            if entry.phone_x is not None and entry.extension:
                self._number(entry.provider, entry.phone_x).taken[entry.extension] = address
        for old in self.state.superseded.values():
            if old.phone_x is not None and old.extension:
                self._number(old.provider, old.phone_x).taken.setdefault(old.extension, old.address)
        for binding in self.desired.bindings.values():
            if binding.phone_x is not None and binding.extension is not None and binding.enabled:
                self._number(binding.provider, binding.phone_x).taken[binding.extension] = binding.address
        for one in self.state.quarantine:
            if one.extension is not None and one.until > self.now:
                number = self._number(one.provider, one.phone_x)
                number.resting[one.extension] = (one.address, one.until)

    def _pool(self, binding: Binding) -> list[str] | None:
        """The X numbers that a binding may get, in their listed order; None where the group is not known."""
        if binding.x_group is None:
            return [binding.phone_x] if binding.phone_x is not None else []
        known = self.pools.get(binding.x_group)
        if known is None:
            group = self.desired.groups[binding.x_group]
            found = self._numbers_of(group)
            if found is None:
                return None
            known = self.pools[binding.x_group] = [one for one in found if one not in group.drain]
        return known

    def _numbers_of(self, group: Group) -> list[str] | None:
        if group.phones is not None:
            return [one.digits for one in group.phones]
        listing = self.observed.listings.get(group.provider)
        if listing is None:
            entry = self.state.entries.get(group.address)
            return [one.digits for one in entry.phones] if isinstance(entry, GroupEntry) else None
        found = find_group(group, listing)
        return [one.digits for one in found[0].phones] if len(found) == 1 else None

    def keep(self, binding: Binding) -> None:
        """An allocation once made stays, as long as it still answers the declaration."""
        entry = self.state.entries.get(binding.address)
        if not isinstance(entry, Entry) or entry.provider != binding.provider or entry.phone_x is None:
            return
        if binding.phone_x is not None and entry.phone_x != binding.phone_x:
            return
        if binding.extension is not None and entry.extension != binding.extension:
            return
        if binding.extension_auto and entry.extension is None:
            return
        if binding.x_group is not None:
            group = self.desired.groups[binding.x_group]
            same_group = entry.x_group in (None, binding.x_group)
            if not same_group or entry.phone_x in group.drain:
                return
            numbers = self._numbers_of(group)
            if numbers is not None and entry.phone_x not in numbers:
                self.notes.append(
                    Diagnostic(
                        "P330",
                        f"{binding.address}: its X {entry.phone_x} has left {group.address} and is kept",
                        Severity.WARNING,
                        binding.span,
                        advice=f"to move it, name the number under `drain:` of {group.name}",
                        address=binding.address,
                    )
                )
        self.chosen[binding.address] = Chosen(entry.phone_x, entry.extension)

    def choose(self, binding: Binding) -> None:
        """The least used X with a free extension; or why there is none."""
        pool = self._pool(binding)
        if pool is None:
            name = binding.x_group
            self._impossible(
                binding, f"the numbers of groups.{name} are not known", "see the group's own message"
            )
            return
        code = binding.phone_a.country_code
        group = None if binding.x_group is None else self.desired.groups[binding.x_group]
        key = (binding.x_group or f"={binding.phone_x}", code)
        heap = self.heaps.get(key)
        if heap is None:
            fitting = [x for x in pool if country_code(x) == code]
            heap = [(self._use(binding.provider, x), place, x) for place, x in enumerate(fitting)]
            heapq.heapify(heap)
            self.heaps[key] = heap
        tried: list[tuple[int, int, str]] = []
        while heap:
            use, place, x = heapq.heappop(heap)
            current = self._use(binding.provider, x)
            if current != use:
                heapq.heappush(heap, (current, place, x))
                continue
            tried.append((use, place, x))
            extension = self._extension(binding, group, x)
            if extension is not None:
                self._take(binding, x, extension)
                break
        for use, place, x in tried:
            heapq.heappush(heap, (self._use(binding.provider, x), place, x))
        if binding.address not in self.chosen:
            self._exhausted(binding, group, [x for _, _, x in tried])

    def _use(self, provider: str, x: str) -> int:
        return len(self._number(provider, x).taken)

    def _extension(self, binding: Binding, group: Group | None, x: str) -> str | None:
        number = self._number(binding.provider, x)
        if binding.extension is not None:
            free = number.taken.get(binding.extension) in (None, binding.address)
            return binding.extension if free and not self._rests(number, binding.extension, binding) else None
        if not binding.extension_auto:
            return ""
        low, high = (0, 999) if group is None else group.extension_range
        reserved: frozenset[str] = frozenset() if group is None else group.reserved_extensions
        start_key = (binding.provider, x, binding.x_group or "")
        start = max(low, self.starts.get(start_key, low))
        skipped = False
        for value in range(start, high + 1):
            text = f"{value:03d}"
            if text in number.taken or text in reserved:
                continue
            if self._rests(number, text, binding):
                skipped = True
                continue
            if not skipped:
                self.starts[start_key] = value
            return text
        return None

    def _rests(self, number: _Number, extension: str, binding: Binding) -> bool:
        resting = number.resting.get(extension)
        return resting is not None and resting[0] != binding.address

    def _take(self, binding: Binding, x: str, extension: str) -> None:
        self.chosen[binding.address] = Chosen(x, extension or None)
        if extension:
            self._number(binding.provider, x).taken[extension] = binding.address

    def _exhausted(self, binding: Binding, group: Group | None, tried: Sequence[str]) -> None:
        waits = [
            until
            for x in tried
            for text, (address, until) in self._number(binding.provider, x).resting.items()
            if address != binding.address and binding.extension in (None, text)
        ]
        if waits:
            self.deferred[binding.address] = Deferred(
                binding.address,
                Action.BIND,
                binding.provider,
                "every free extension is in quarantine",
                min(waits),
                binding.span,
            )
            return
        code = binding.phone_a.country_code
        place = f"groups.{group.name}" if group is not None else f"X {binding.phone_x}"
        if not tried:
            self._impossible(
                binding, f"{place} has no number of country code {code}", "add one, or choose another"
            )
            return
        self._impossible(
            binding,
            f"{place} has no free extension left on its {len(tried)} number{'s' if len(tried) > 1 else ''}",
            "add a number to the group, widen `extensions: {range: ..}`, or remove bindings",
        )

    def _impossible(self, binding: Binding, why: str, advice: str) -> None:
        self.impossible[binding.address] = Diagnostic(
            "P331",
            f"{binding.address}: {why}",
            Severity.ERROR,
            binding.span,
            advice=advice,
            address=binding.address,
        )
