"""What policy and protection forbid: findings for which plan and apply exit 4 alike. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pnsync.errors import Diagnostic
from pnsync.model import Desired, Limit
from pnsync.plan import Action, Cause, Change
from pnsync.recovery import LOST
from pnsync.state import State


@dataclass(frozen=True, slots=True)
class Permissions:
    """Counts that a person named exactly (`--allow-unbind N` and so on)."""

    unbind: int | None = None
    rebind: int | None = None
    missing: int | None = None
    shared: bool = False
    """Whether other runs may have done a part of what was counted: then fewer are permitted too."""


def findings(
    changes: Sequence[Change],
    state: State,
    desired: Desired,
    *,
    missing: int,
    permissions: Permissions,
    destroy: bool,
) -> tuple[Diagnostic, ...]:
    """Why this plan may not be applied; empty when it may."""
    found: list[Diagnostic] = []
    found.extend(_protected(changes, state, desired))
    entries = state.bindings()
    total = len(entries)
    second = {one.address for one in state.superseded.values()}
    unbinds = [one for one in changes if one.action is Action.UNBIND and _counts(one, second)]
    rebinds = [one for one in changes if one.action is Action.REBIND]
    policy = desired.policy
    if not destroy:
        forgotten = sum(1 for one in changes if one.action is Action.FORGET and one.address in entries)
        whole = bool(unbinds) and len(unbinds) + forgotten >= total
        found.extend(
            _over(
                "P402",
                "unbind",
                len(unbinds),
                total,
                policy.max_unbind,
                permissions.unbind,
                whole=whole,
                shared=permissions.shared,
            )
        )
    for code, kind, count, limit, permitted in (
        ("P403", "rebind", len(rebinds), policy.max_rebind, permissions.rebind),
        ("P404", "missing", missing, policy.max_missing, permissions.missing),
    ):
        found.extend(_over(code, kind, count, total, limit, permitted, shared=permissions.shared))
    return tuple(found)


def _counts(change: Change, second: Collection[str]) -> bool:
    """A second binding of a known address is recovery's to unbind; one of an address that nothing knows counts."""
    return (
        change.cause is not Cause.RECOVERY or change.address not in second or change.address.startswith(LOST)
    )


def _protected(changes: Sequence[Change], state: State, desired: Desired) -> list[Diagnostic]:
    second = {one.address for one in state.superseded.values()}
    declared = {one.address for one in desired.bindings.values() if one.protect}
    declared |= {one.address for one in desired.groups.values() if one.protect}
    ending = (Action.UNBIND, Action.REBIND, Action.DELETE_GROUP)
    found: list[Diagnostic] = []
    for change in changes:
        entry = state.entries.get(change.address)
        guarded = change.address in declared or (entry is not None and entry.protect)
        spare = change.action is Action.UNBIND and change.cause is Cause.RECOVERY and change.address in second
        if guarded and change.action in ending and not spare:
            found.append(
                Diagnostic(
                    "P401",
                    f"{change.address} is protected, and this plan would {change.action.value.replace('_', ' ')} it",
                    span=change.source,
                    advice="apply `protect: false` for it first, then this change",
                    address=change.address,
                )
            )
    return found


_WORDS = {
    "unbind": ("would unbind", "max_unbind"),
    "rebind": ("would rebind", "max_rebind"),
    "missing": ("finds missing at the vendor", "max_missing"),
}


def _over(
    code: str,
    kind: str,
    count: int,
    total: int,
    limit: Limit,
    permitted: int | None,
    *,
    whole: bool = False,
    shared: bool = False,
) -> list[Diagnostic]:
    allowed = limit.allowed(total)
    fewer = shared and permitted is not None and count < permitted
    if count == 0 or permitted == count or fewer or (count <= allowed and not whole):
        return []
    verb, setting = _WORDS[kind]
    why = "that is all of them" if whole else f"{setting} allows {allowed}"
    given = "" if permitted is None else f"; --allow-{kind} {permitted} names another count"
    return [
        Diagnostic(
            code,
            f"this plan {verb} {count:,} of {total:,} bindings; {why}{given}",
            advice=f"if that is meant: --allow-{kind} {count}",
        )
    ]
