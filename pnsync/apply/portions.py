"""A plan in two parts: a few changes first, to be looked at before the rest. Pure.

The order of the calls stays exactly that of the whole plan, for which it was shown that no call goes astray; so the
first part is a beginning of its steps that leaves no change half done.
"""

from collections import Counter
from dataclasses import replace

from pnsync.plan import Plan, Step


def split(plan: Plan, count: int) -> tuple[Plan, Plan]:
    """The shortest beginning that completes `count` changes with calls, and the rest (empty where there is none).

    Changes without a call belong to the beginning.
    """
    left = Counter(one.change for one in plan.steps)
    half: set[int] = set()
    complete = cut = 0
    for step in plan.steps:
        cut += 1
        half.add(step.change)
        left[step.change] -= 1
        if not left[step.change]:
            half.discard(step.change)
            complete += 1
        if complete >= count and not half:
            break
    first = {one.change for one in plan.steps[:cut]}
    silent = {i for i, one in enumerate(plan.changes) if one.calls == 0}
    rest = set(range(len(plan.changes))) - first - silent
    return _part(plan, first | silent, 0, cut), _part(plan, rest, cut, len(plan.steps))


def _part(plan: Plan, chosen: set[int], start: int, end: int) -> Plan:
    places = {old: new for new, old in enumerate(sorted(chosen))}

    def moved(step: Step) -> Step:
        after = tuple(one - start for one in step.after if one >= start)
        return replace(step, change=places[step.change], after=after)

    return replace(
        plan,
        changes=tuple(plan.changes[one] for one in sorted(chosen)),
        steps=tuple(moved(one) for one in plan.steps[start:end]),
    )
