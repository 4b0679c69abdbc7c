"""Which X may carry which group bindings: where a call is routed by its caller, no party may stand twice on one X.

The least used X first. Where that leaves a binding without one, every assignment of the new ones is tried, within a
bound on the effort; what is kept never moves. Pure but for the object's own memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pnsync.planner.slots import Number

SEARCH_STEPS = 20_000
"""Trials after which the search for another assignment gives up; small pools are searched in full."""
MOST_SEARCHED = 200
"""Bindings that are searched for at once, each of which is a frame of the search; more are left to the greedy choice."""


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
        found = self._on.get((number.provider, number.x), {})
        return min({found[one] for one in found.keys() & parties} - {address}, default=None)

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
    load: dict[int, int] = {}
    for one in asking:
        free = [x for x in fitting[one.address] if not (on.get(id(x), set()) & one.parties)]
        if free:
            x = min(free, key=lambda number: load.get(id(number), number.load))
            found[one.address] = x
            on.setdefault(id(x), set()).update(one.parties)
            load[id(x)] = load.get(id(x), x.load) + 1
    return found


def _search(asking: Sequence[Asking], fitting: Mapping[str, Sequence[Number]]) -> dict[str, Number] | None:
    """An assignment of all of them, the most constrained first; None where there is none or the bound is reached."""
    if any(not fitting[one.address] for one in asking):
        return None
    found: dict[str, Number] = {}
    carried: dict[int, set[str]] = {id(x): set() for one in asking for x in fitting[one.address]}
    left = SEARCH_STEPS

    def free(one: Asking) -> list[Number]:
        return [x for x in fitting[one.address] if not (carried[id(x)] & one.parties)]

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
            carried[id(x)] |= one.parties
            found[one.address] = x
            if place(others):
                return True
            del found[one.address]
            carried[id(x)] -= one.parties
        return False

    if len(asking) > MOST_SEARCHED or not place(tuple(asking)):
        return None
    return found
