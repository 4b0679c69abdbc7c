"""Before and after compared: what becomes of every way of calling that a plan touches. Pure."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from pnsync.phone import Phone
from pnsync.reach import LISTED, Reach, Reaches, RoutingSummary

Dial = tuple[str, str, str]
"""A way of calling: X, the extension, and the caller's digits; with an extension everybody who dials it ("")."""
Facts = tuple[tuple[str, Phone], ...]
"""Who rings, by the caller's digits; "" is anybody."""
Pair = tuple[str, str]
"""The digits of a caller and of the phone that rings."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Ways of calling before and after, and the address of the binding that changed each last."""

    before: Mapping[Dial, Facts]
    after: Mapping[Dial, Facts]
    by: Mapping[Dial, str]


@dataclass(frozen=True, slots=True)
class Bound:
    """Who is connected by what the plan binds; `unsure` over an X that a vendor is yet to choose, maybe the same."""

    pairs: Collection[Pair]
    unsure: Collection[Pair]


class _Kind:
    """One kind of difference: counted in full, listed in part."""

    def __init__(self) -> None:
        self.count = 0
        self.listed: list[Reach] = []

    def add(self, reach: Reach) -> None:
        self.count += 1
        if len(self.listed) < LISTED:
            self.listed.append(reach)

    def done(self) -> Reaches:
        return Reaches(self.count, tuple(self.listed))


def summarise(
    calls: Calls, bound: Bound, untouched: Callable[[Collection[Pair]], Collection[Pair]]
) -> RoutingSummary:
    """Every way of calling once. `untouched` tells who of some pairs is connected by what the plan leaves alone."""
    other, loses, gains, redials = _Kind(), _Kind(), _Kind(), _Kind()
    lost: list[tuple[Pair, Reach]] = []
    won: list[tuple[Pair, Reach]] = []
    reached: set[Pair] = set(bound.pairs)
    earlier: set[Pair] = set()
    for dial, before in calls.before.items():
        after = calls.after[dial]
        earlier.update((caller, phone.digits) for caller, phone in before)
        reached.update((caller, phone.digits) for caller, phone in after)
        if before == after:
            continue
        was, becomes = dict(before), dict(after)
        for caller in dict.fromkeys((*was, *becomes)):
            old, new = _rings(was, caller), _rings(becomes, caller)
            if old == new:
                continue
            reach = Reach(Phone(caller) if caller else None, dial[0], dial[1], old, new, calls.by[dial])
            if old is not None and new is not None:
                other.add(reach)
            elif old is not None:
                lost.append(((caller, old.digits), reach))
            elif new is not None:
                won.append(((caller, new.digits), reach))
    asked = {one for pair, _ in (*lost, *won) for one in _ways(pair)}
    elsewhere = set(untouched(asked))
    for pair, reach in lost:
        if pair not in bound.unsure:
            still = any(one in reached or one in elsewhere for one in _ways(pair))
            (redials if still else loses).add(reach)
    for pair, reach in won:
        if not any(one in earlier or one in elsewhere for one in _ways(pair)):
            gains.add(reach)
    return RoutingSummary(other.done(), loses.done(), gains.done(), redials.done())


def _ways(pair: Pair) -> tuple[Pair, Pair]:
    """A pair, and everybody with its callee: who may be reached by anybody is reached by each."""
    return pair, ("", pair[1])


def _rings(facts: Mapping[str, Phone], caller: str) -> Phone | None:
    """Who rings for a caller, as itself or as anybody; nobody reaches himself."""
    found = facts.get(caller) or facts.get("")
    return None if found is None or found.digits == caller else found
