"""The steps of changes that stand in order, each with those that must have succeeded before it. Pure.

A change alone makes its calls in a row. Changes that wait for each other in a circle unbind all, then bind all.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from pnsync.model import Desired, Mode
from pnsync.plan import Change, Circle, Order, Step
from pnsync.planner.calls import bind_step, group_step, unbind_step
from pnsync.planner.draft import Draft

CALL_SECONDS = 0.25
"""What a call takes at a vendor, for the estimate of gaps and of an apply's length; not measured by anybody."""


def call_count(draft: Draft) -> int:
    """How many calls a change makes."""
    return (draft.old is not None) + (draft.target is not None) + (draft.group is not None)


def pace(provider: str, desired: Desired) -> float:
    """Seconds from one call to the next at the rate of a provider; 0 for one that is not declared any more."""
    declared = desired.providers.get(provider)
    return 0.0 if declared is None else 1.0 / declared.rate


def steps_of(
    drafts: Sequence[Draft],
    order: Sequence[Sequence[int]],
    waits: Mapping[int, Collection[int]],
    desired: Desired,
) -> tuple[tuple[Change, ...], tuple[Step, ...]]:
    """The changes of `order`, whose units are single drafts or whole circles, and their steps."""
    changes: list[Change] = []
    laid = _Laid(drafts, waits)
    for unit in order:
        numbers = {index: len(changes) + place for place, index in enumerate(unit)}
        changes.extend(_change(drafts[index], len(unit), desired) for index in unit)
        if len(unit) > 1:
            laid.circle(numbers)
        else:
            laid.alone(unit[0], changes[-1], len(changes) - 1)
    return tuple(changes), tuple(laid.steps)


@dataclass(slots=True)
class _Placed:
    """Where a draft's calls stand among the steps."""

    unbind: int | None = None
    bind: int | None = None
    group: int | None = None


class _Laid:
    """The steps so far, and where the calls of each draft stand among them."""

    def __init__(self, drafts: Sequence[Draft], waits: Mapping[int, Collection[int]]) -> None:
        self.steps: list[Step] = []
        self._drafts = drafts
        self._waits = waits
        self._placed: dict[int, _Placed] = {}

    def alone(self, index: int, change: Change, number: int) -> None:
        """The calls of one change, in a row."""
        one, placed = self._drafts[index], _Placed()
        before = self._freeing(index)
        self._placed[index] = placed
        if one.group is not None:
            placed.group = self._add(group_step(one, number, before))
        elif one.old is not None and change.order is Order.BIND_FIRST:
            placed.bind = self._add(bind_step(one, number, before, replaces=one.old.bind_id))
            placed.unbind = self._add(unbind_step(one, number, (placed.bind,)))
        elif one.old is not None:
            placed.unbind = self._add(unbind_step(one, number, before))
            if one.target is not None:
                placed.bind = self._add(bind_step(one, number, (*before, placed.unbind), finishes=True))
        elif one.target is not None:
            placed.bind = self._add(bind_step(one, number, before))

    def circle(self, numbers: Mapping[int, int]) -> None:
        """The calls of changes that wait for each other, by their changes' numbers: unbinds, groups, binds.

        Nothing of it is begun before all that any of it waits for, and each unbind waits for the one before: where one
        fails no other is taken down for it.
        """
        members = [self._drafts[index] for index in numbers]
        together = Circle(
            frozenset(one.address for one in members),
            frozenset(one.target.provider for one in members if one.target is not None),
            sum(map(call_count, members)),
        )
        before = tuple(dict.fromkeys(step for index in numbers for step in self._freeing(index)))
        self._placed.update((index, _Placed()) for index in numbers)
        left = together.calls
        for index, number in numbers.items():
            if self._drafts[index].old is not None:
                step = unbind_step(self._drafts[index], number, before)
                step = replace(step, finishes=left < together.calls, circle=replace(together, calls=left))
                self._placed[index].unbind = last = self._add(step)
                before, left = (last,), left - 1
        for index, number in numbers.items():
            if self._drafts[index].group is not None:
                step = group_step(self._drafts[index], number, self._freeing(index))
                self._placed[index].group = self._add(step)
        for index, number in numbers.items():
            if self._drafts[index].target is not None:
                own, after = self._placed[index].unbind, self._freeing(index)
                if own is not None and own not in after:
                    after = (*after, own)
                step = bind_step(self._drafts[index], number, after, finishes=own is not None)
                self._placed[index].bind = self._add(step)

    def _add(self, step: Step) -> int:
        self.steps.append(step)
        return len(self.steps) - 1

    def _freeing(self, index: int) -> tuple[int, ...]:
        """The steps that must have succeeded before a draft's: the unbinds, or group calls, of those it waits for."""
        found: list[int] = []
        for other in sorted(self._waits.get(index, ())):
            if other not in self._placed:
                continue
            spot = self._placed[other]
            step = spot.unbind if spot.unbind is not None else spot.group
            if step is not None:
                found.append(step)
        return tuple(found)


def _order_of(draft: Draft) -> Order | None:
    """Bind-first where old and new cannot collide: another provider, or extension bindings that differ in X or extension."""
    if draft.old is None or draft.target is None:
        return None
    if draft.old.provider != draft.target.provider:
        return Order.BIND_FIRST
    old = (draft.old.phone_x, draft.old.extension)
    new = (draft.target.phone_x, draft.target.extension)
    both = bool(draft.old.extension) and draft.target.mode is Mode.AXB_EXTENSION
    return Order.BIND_FIRST if both and old != new else Order.UNBIND_FIRST


def _gap(draft: Draft, circle: int, desired: Desired) -> float:
    """Estimated seconds in which nobody is reached: from the unbind's effect to the bind's."""
    return round((CALL_SECONDS + pace(draft.provider, desired)) * circle, 2)


def _change(draft: Draft, together: int, desired: Desired) -> Change:
    """The change of a draft that is one of so many in a circle; 1: alone."""
    order, gap = None if together > 1 else _order_of(draft), 0.0
    if draft.old is not None and draft.target is not None:
        order = order or Order.UNBIND_FIRST
        gap = 0.0 if order is Order.BIND_FIRST else _gap(draft, together, desired)
    return Change(
        address=draft.address,
        action=draft.action,
        cause=draft.cause,
        reason=draft.reason,
        provider=draft.provider,
        before=draft.before,
        after=draft.after,
        changed=draft.changed,
        order=order,
        gap_seconds=gap,
        calls=call_count(draft),
        x_may_change=draft.x_may_change,
        source=draft.source,
        events=draft.events,
    )
