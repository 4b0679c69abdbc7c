"""The calls of a change as steps, and what each touches: what two changes share keeps their calls apart. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from pnsync.plan import Action, Step
from pnsync.planner.draft import Draft
from pnsync.state import Entry, Operation, Superseded

_GROUP_OPERATIONS: Mapping[Action, Operation] = {
    Action.CREATE_GROUP: Operation.CREATE_GROUP,
    Action.UPDATE_GROUP: Operation.UPDATE_GROUP,
    Action.DELETE_GROUP: Operation.DELETE_GROUP,
}


def _touches(made: Entry | Superseded) -> set[str]:
    found = {f"phone:{made.phone_a.digits}"}
    if made.phone_b is not None:
        found.add(f"phone:{made.phone_b.digits}")
    if made.phone_x is not None and made.extension:
        found.add(f"x:{made.phone_x}:{made.extension}")
    if made.customer_bind_id is not None:
        found.add(f"id:{made.customer_bind_id}")
    return found


def _keys(draft: Draft) -> frozenset[str]:
    """What the change touches: steps of two changes that share a key never overlap."""
    found = {f"address:{draft.address}"}
    if draft.old is not None:
        found |= _touches(draft.old)
    if draft.target is not None:
        found |= _touches(draft.target)
        if draft.target.group is not None:
            found.add(f"group:groups.{draft.target.group}")
    if draft.entry is not None and draft.entry.group is not None:
        found.add(f"group:groups.{draft.entry.group}")
    if draft.group is not None:
        found.add(f"group:{draft.address}")
        found |= {f"phone:{one.digits}" for one in draft.group_phones or draft.group.phones}
    return frozenset(found)


def bind_step(
    draft: Draft, change: int, after: tuple[int, ...], *, replaces: str | None = None, finishes: bool = False
) -> Step:
    """The bind of what comes; `replaces` is the bind id that goes after it."""
    assert draft.target is not None
    return Step(
        change=change,
        operation=Operation.BIND,
        provider=draft.target.provider,
        keys=_keys(draft),
        after=after,
        target=draft.target,
        replaces=replaces,
        finishes=finishes,
    )


def unbind_step(draft: Draft, change: int, after: tuple[int, ...]) -> Step:
    """The unbind of what goes; its target is what the address is left with."""
    assert draft.old is not None
    target = draft.target
    if target is not None and target.bind_id is not None:
        target = replace(target, bind_id=None)
    return Step(
        change=change,
        operation=Operation.UNBIND,
        provider=draft.old.provider,
        keys=_keys(draft),
        after=after,
        unbinds=draft.old,
        target=target,
    )


def group_step(draft: Draft, change: int, after: tuple[int, ...]) -> Step:
    """The call that makes, changes or deletes a group."""
    return Step(
        change=change,
        operation=_GROUP_OPERATIONS[draft.action],
        provider=draft.provider,
        keys=_keys(draft),
        after=after,
        target=draft.group,
        group_change=draft.group_change,
        group_phones=draft.group_phones,
    )
