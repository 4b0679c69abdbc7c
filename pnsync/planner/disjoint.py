"""Which X may carry which group bindings: where a call is routed by its caller, no party may stand twice on one X.

The least used X first. Where that leaves a binding without one, every assignment of the new ones is tried, within a
bound on the effort; what is kept never moves. Pure but for the object's own memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pnsync.planner.slots import Number

SEARCH_STEPS = 20_000
"""Trials after which the search for another assignment gives up; small pools are searched in full."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One binding: the numbers it may have for itself, in order, and everybody who would call through it."""

    address: str
    numbers: tuple[Number, ...]
    parties: frozenset[str]


class Parties:
    """Who calls through each X."""

    def __init__(self) -> None:
        self._on: dict[tuple[str, str], dict[str, str]] = {}

    def hold(self, number: Number, party: str, holder: str) -> None:
        """Note that a party calls through an X on behalf of a binding."""
        self._on.setdefault((number.provider, number.x), {}).setdefault(party, holder)

    def clash(self, number: Number, parties: frozenset[str], address: str) -> str | None:
        """The holder of a binding on X through which one of these calls already; None where there is none."""
        found = self._on.get((number.provider, number.x))
        if not found:
            return None
        smaller = parties if len(parties) < len(found) else found.keys() & parties
        holders = sorted({found[one] for one in smaller if one in found} - {address})
        return holders[0] if holders else None

    def assign(self, asking: Sequence[Asking]) -> dict[str, Number]:
        """An X for as many as possible: all of them wherever a search within bounds finds how."""
        fitting = {
            one.address: [x for x in one.numbers if self.clash(x, one.parties, one.address) is None]
            for one in asking
        }
        greedy = _greedily(asking, fitting)
        if len(greedy) < len(asking):
            found = _search(asking, fitting)
            greedy = greedy if found is None else found
        for one in asking:
            number = greedy.get(one.address)
            if number is not None:
                number.load += 1
                for party in one.parties:
                    self.hold(number, party, one.address)
        return greedy


def _greedily(asking: Sequence[Asking], fitting: Mapping[str, Sequence[Number]]) -> dict[str, Number]:
    found: dict[str, Number] = {}
    on: dict[int, set[str]] = {}
    more: dict[int, int] = {}
    for one in asking:
        free = [x for x in fitting[one.address] if not (on.get(id(x), set()) & one.parties)]
        if free:
            x = min(free, key=lambda number: number.load + more.get(id(number), 0))
            found[one.address] = x
            on.setdefault(id(x), set()).update(one.parties)
            more[id(x)] = more.get(id(x), 0) + 1
    return found


def _search(asking: Sequence[Asking], fitting: Mapping[str, Sequence[Number]]) -> dict[str, Number] | None:
    """An assignment of all of them, the most constrained first; None where there is none or the bound is reached."""
    if any(not fitting[one.address] for one in asking):
        return None
    found: dict[str, Number] = {}
    carried: dict[int, dict[str, int]] = {}
    left = SEARCH_STEPS

    def free(one: Asking) -> list[Number]:
        return [x for x in fitting[one.address] if not (carried.get(id(x), {}).keys() & one.parties)]

    def place(rest: tuple[Asking, ...]) -> bool:
        nonlocal left
        if not rest:
            return True
        choices = [(len(free(one)), order) for order, one in enumerate(rest)]
        count, order = min(choices)
        if count == 0:
            return False
        one = rest[order]
        others = (*rest[:order], *rest[order + 1 :])
        for x in free(one):
            left -= 1
            if left < 0:
                return False
            carried.setdefault(id(x), {}).update(dict.fromkeys(one.parties, 1))
            found[one.address] = x
            if place(others):
                return True
            del found[one.address]
            for party in one.parties:
                carried[id(x)].pop(party, None)
        return False

    # Each level of the search is one frame: a longer list is left to the greedy choice.
    if len(asking) > 200 or not place(tuple(asking)):
        return None
    return found
