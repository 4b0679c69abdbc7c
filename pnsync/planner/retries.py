"""Changes that only do again what an interrupted run had begun, which its listing shows to have had no effect. Pure.

Such a change was approved when the interrupted run was, so it counts as recovery and joins a saved plan that was
made while the outcome was not known. Promises: only where the declaration still asks for exactly what the
interrupted call asked for; whatever differs stays a change of cause config.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pnsync.journal import Event, Resolved, Verdict
from pnsync.model import Binding
from pnsync.plan import Action, Cause
from pnsync.planner.comparison import GROUP_ID, differences
from pnsync.planner.draft import Draft
from pnsync.state import Entry, GroupEntry, Intent, Operation, State, target_of

WITHOUT_EFFECT: Final = frozenset({Verdict.ABSENT, Verdict.LAPSED, Verdict.EXPIRED})
_GROUPS: Final = {
    Operation.CREATE_GROUP: Action.CREATE_GROUP,
    Operation.UPDATE_GROUP: Action.UPDATE_GROUP,
    Operation.DELETE_GROUP: Action.DELETE_GROUP,
}


def interrupted(state: State, events: tuple[Event, ...], names: Mapping[str, str]) -> dict[str, Intent]:
    """The calls of unknown outcome that `events` settle as without effect, by address; `names`: addresses renamed.

    Only calls that block their address: no later call of it can have had other values.
    """
    found: dict[str, Intent] = {}
    for one in events:
        if isinstance(one, Resolved) and one.verdict in WITHOUT_EFFECT:
            pending = state.pending.get(one.attempt)
            if pending is not None and pending.blocks:
                address = pending.intent.address
                found |= {address: pending.intent, names.get(address, address): pending.intent}
    return found


def again(draft: Draft, intent: Intent | None) -> Draft:
    """The draft as recovery, where it does again what the call without effect was to do; else as it is."""
    if intent is None or draft.cause is not Cause.CONFIG or not _same(draft, intent):
        return draft
    words = intent.operation.value.replace("_", " ")
    return replace(
        draft, cause=Cause.RECOVERY, reason=f"an interrupted {words} had no effect ({draft.reason})"
    )


def still_wanted(intent: Intent, declared: Binding) -> bool:
    """Whether an attempt was for what is declared now, so that doing it again would be recovery."""
    target = intent.target
    if not isinstance(target, Entry):
        return False
    wanted = target_of(
        declared, generation=target.generation, customer_bind_id=None, group_id=target.group_id
    )
    return not differences(target, wanted)


def _same(draft: Draft, intent: Intent) -> bool:
    target = intent.target
    if draft.group is not None:
        same = isinstance(target, GroupEntry) and set(target.phones) == set(draft.group.phones)
        if intent.operation is Operation.DELETE_GROUP:
            same = True
        return same and draft.action is _GROUPS.get(intent.operation)
    if draft.action is Action.UNBIND:
        return intent.operation is Operation.UNBIND and target is None
    if draft.target is None or not isinstance(target, Entry):
        return False
    # A group that was created since has an id that the call did not know.
    return not [one for one in differences(target, draft.target) if one != GROUP_ID]
