"""The order of changes. Pure.

What is down; renewals that would lapse before this apply can end; groups; unbinds; rebinds and other renewals,
soonest expiry first; binds in file order; groups deleted. What needs a number, pair or phone that another change
frees comes after that unbind; changes that wait for each other in a circle unbind all, then bind all.
"""

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, auto

from pnsync.model import NEVER, Desired
from pnsync.plan import Action, Change, Step
from pnsync.planner.draft import Draft
from pnsync.planner.resources import Resource, held_by, needs_of
from pnsync.planner.steps import CALL_SECONDS, call_count, pace, steps_of

URGENT_MARGIN_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Arranged:
    """Changes in plan order, the steps that make them, and for each change the place of its draft."""

    changes: tuple[Change, ...]
    steps: tuple[Step, ...]
    places: tuple[int, ...]


def arrange(
    drafts: Sequence[Draft], desired: Desired, *, now: int, waits: Collection[tuple[int, int]] = ()
) -> Arranged:
    """The order in which, besides, the first draft of each pair in `waits` (by their places) comes after the second."""
    horizon = now + _duration(drafts, desired) * 2 + URGENT_MARGIN_SECONDS
    places = sorted(range(len(drafts)), key=lambda one: _rank(drafts[one], horizon))
    ranked = [drafts[one] for one in places]
    exclusive = frozenset(
        name for name, one in desired.providers.items() if one.capabilities.phone_is_exclusive
    )
    dependencies = _dependencies(ranked, exclusive)
    ranks = {place: rank for rank, place in enumerate(places)}
    for waiter, awaited in waits:
        dependencies.setdefault(ranks[waiter], set()).add(ranks[awaited])
    circles = _circles(dependencies)
    order = _topological(ranked, dependencies, circles)
    changes, steps = steps_of(ranked, order, dependencies, desired)
    return Arranged(changes, steps, tuple(places[one] for unit in order for one in unit))


def _duration(drafts: Sequence[Draft], desired: Desired) -> float:
    """Seconds an apply of these drafts takes, one call at a time."""
    return sum(call_count(one) * max(CALL_SECONDS, pace(one.provider, desired)) for one in drafts)


class _Kind(IntEnum):
    """What comes before what."""

    ADOPT = auto()
    DOWN = auto()
    URGENT = auto()
    GROUP = auto()
    FORGET = auto()
    UNBIND = auto()
    CHANGE = auto()
    BIND = auto()
    DELETE_GROUP = auto()


_KINDS: Mapping[Action, _Kind] = {
    Action.ADOPT: _Kind.ADOPT,
    Action.CREATE_GROUP: _Kind.GROUP,
    Action.UPDATE_GROUP: _Kind.GROUP,
    Action.FORGET: _Kind.FORGET,
    Action.UNBIND: _Kind.UNBIND,
    Action.DELETE_GROUP: _Kind.DELETE_GROUP,
}
"""Of the actions that are always of one kind."""


def _rank(draft: Draft, horizon: float) -> tuple[_Kind, int, str]:
    """Its kind, where it stands among those of its kind, and its address."""
    if draft.action is Action.BIND:
        return (_Kind.DOWN if draft.down else _Kind.BIND, draft.position, draft.address)
    if draft.action in (Action.REBIND, Action.RENEW):
        ends = NEVER if draft.expires_at is None else draft.expires_at
        urgent = draft.action is Action.RENEW and ends <= horizon
        return (_Kind.URGENT if urgent else _Kind.CHANGE, ends, draft.address)
    return (_KINDS[draft.action], 0, draft.address)


def _dependencies(drafts: Sequence[Draft], exclusive: Collection[str]) -> dict[int, set[int]]:
    """For each draft that waits for others: their indices. A draft waits for the unbinds that free what it needs."""
    freed: dict[Resource, list[int]] = {}
    creates: dict[str, int] = {}
    leaving: dict[str, list[int]] = {}
    for index, one in enumerate(drafts):
        if one.old is not None:
            mode = None if one.entry is None else one.entry.mode
            for resource in held_by(one.old, exclusive, mode):
                freed.setdefault(resource, []).append(index)
            if one.entry is not None and one.entry.group_id is not None:
                leaving.setdefault(one.entry.group_id, []).append(index)
        if one.action is Action.CREATE_GROUP:
            creates[one.address] = index
    waits: dict[int, set[int]] = {}
    for index, one in enumerate(drafts):
        found: set[int] = set()
        if one.target is not None:
            if freed:
                for need in needs_of(one.target, exclusive):
                    found.update(freed.get(need, ()))
            created = None if one.target.group is None else creates.get(f"groups.{one.target.group}")
            if created is not None:
                found.add(created)
        if one.action is Action.DELETE_GROUP and one.group is not None:
            found.update(leaving.get(one.group.group_id, ()))
        found.discard(index)
        if found:
            waits[index] = found
    return waits


def _circles(waits: Mapping[int, set[int]]) -> dict[int, int]:
    """Drafts that wait: each with the smallest index of its circle, its own where it is in none (Tarjan, iterative)."""
    found: dict[int, int] = {}
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in sorted(waits):
        if root in number:
            continue
        work: list[tuple[int, list[int]]] = [(root, sorted(waits[root]))]
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            if rest:
                following = rest.pop()
                if following not in number:
                    number[following] = low[following] = len(number)
                    stack.append(following)
                    on_stack.add(following)
                    work.append((following, sorted(waits.get(following, ()))))
                elif following in on_stack:
                    low[node] = min(low[node], number[following])
                continue
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[node])
            if low[node] == number[node]:
                members = []
                while True:
                    member = stack.pop()
                    on_stack.discard(member)
                    members.append(member)
                    if member == node:
                        break
                found.update(dict.fromkeys(members, min(members)))
    return found


def _topological(
    drafts: Sequence[Draft], waits: Mapping[int, set[int]], circles: Mapping[int, int]
) -> list[list[int]]:
    """Units (single drafts, or whole circles) in an order that keeps ranks wherever nothing has to wait."""
    unit_of = {index: circles.get(index, index) for index in range(len(drafts))}
    members: dict[int, list[int]] = {}
    for index, unit in unit_of.items():
        members.setdefault(unit, []).append(index)
    needs: dict[int, set[int]] = {}
    for index, others in waits.items():
        mine = unit_of[index]
        found = {unit_of[other] for other in others} - {mine}
        if found:
            needs.setdefault(mine, set()).update(found)
    unblocks: dict[int, list[int]] = {}
    for unit, others in needs.items():
        for other in others:
            unblocks.setdefault(other, []).append(unit)
    open_needs = {unit: len(others) for unit, others in needs.items()}
    ready = [unit for unit in members if unit not in open_needs]
    heapq.heapify(ready)
    order: list[list[int]] = []
    while ready:
        unit = heapq.heappop(ready)
        order.append(members[unit])
        for waiting in unblocks.get(unit, ()):
            open_needs[waiting] -= 1
            if open_needs[waiting] == 0:
                heapq.heappush(ready, waiting)
    return order
