"""How findings become drafts: one function for each kind of change. Pure."""

from dataclasses import dataclass, replace

from pnsync.journal import Recorded, superseded_by
from pnsync.matching import known_expiry
from pnsync.model import NEVER, Binding, LiveBinding
from pnsync.plan import Action, Attributes, Cause, Value, binding_attributes, expiry_text
from pnsync.planner.draft import Draft
from pnsync.state import Entry, Superseded


@dataclass(frozen=True, slots=True)
class Case:
    """One declared binding and all that is known of it.

    `target` is what its bind would make, `entry` what the state holds, `row` what the vendor lists, `expires` when
    the live one ends, `position` its place in the files.
    """

    address: str
    binding: Binding
    position: int
    target: Entry
    entry: Entry | None = None
    row: LiveBinding | None = None
    expires: int = NEVER


def seen_entry(entry: Entry, row: LiveBinding) -> Entry:
    """The entry as the vendor shows it: its recorded values with those that the row carries in their place."""
    if _shows(row, entry):
        return entry
    return replace(
        entry,
        phone_a=row.phone_a,
        phone_b=row.phone_b,
        phone_x=row.phone_x or entry.phone_x,
        phone_x_b=row.phone_x_b if row.phone_x_b is not None else entry.phone_x_b,
        extension=row.extension if entry.extension is not None or row.extension else entry.extension,
        recording=entry.recording if row.recording is None else row.recording,
    )


def _shows(row: LiveBinding, entry: Entry) -> bool:
    """Whether a row carries nothing but what is recorded: the common case, and a copy costs."""
    return (
        row.phone_x == entry.phone_x
        and row.phone_x_b == entry.phone_x_b
        and row.extension == entry.extension
        and (row.recording is None or row.recording == entry.recording)
        and row.phone_a == entry.phone_a
        and row.phone_b == entry.phone_b
    )


def before(entry: Entry, row: LiveBinding | None) -> Attributes:
    """What is shown as `before`: the live values, and the instant at which they end."""
    seen = entry if row is None else seen_entry(entry, row)
    return {**binding_attributes(seen), "expires_at": expiry_text(known_expiry(entry, row))}


def wanted(case: Case) -> Attributes:
    """What is shown as `after`, with the names under which the files know its phones."""
    names = {"phone_a_name": case.binding.phone_a_name, "phone_b_name": case.binding.phone_b_name}
    return {**binding_attributes(case.target), **{key: name for key, name in names.items() if name}}


def bind_draft(case: Case, cause: Cause, reason: str, *, down: bool = False) -> Draft:
    """Nothing of this address is live: bind it."""
    lost = case.entry is not None and not down
    return Draft(
        address=case.address,
        action=Action.BIND,
        cause=cause,
        reason=reason,
        provider=case.binding.provider,
        before=before(case.entry, None) if lost and case.entry is not None else None,
        after=wanted(case),
        target=case.target,
        source=case.binding.span,
        position=case.position,
        until=case.binding.lifetime.until,
        x_may_change=case.entry is not None and case.target.x_chosen,
        down=down,
    )


def replace_draft(case: Case, action: Action, cause: Cause, reason: str, changed: tuple[str, ...]) -> Draft:
    """A live binding gives way to another: rebind, or renew with the same values."""
    assert case.entry is not None
    return Draft(
        address=case.address,
        action=action,
        cause=cause,
        reason=reason,
        provider=case.binding.provider,
        before=before(case.entry, case.row),
        after=wanted(case),
        changed=changed,
        target=case.target,
        old=_old(case.address, case.entry, case.row),
        entry=case.entry,
        source=case.binding.span,
        position=case.position,
        expires_at=case.expires,
        until=case.binding.lifetime.until,
        x_may_change=case.target.x_chosen,
    )


def unbind_draft(
    address: str,
    entry: Entry,
    row: LiveBinding | None,
    reason: str,
    binding: Binding | None,
    cause: Cause = Cause.CONFIG,
) -> Draft:
    """A live binding of ours goes for good."""
    return Draft(
        address=address,
        action=Action.UNBIND,
        cause=cause,
        reason=reason,
        provider=entry.provider,
        before=before(entry, row),
        old=_old(address, entry, row),
        entry=entry,
        source=None if binding is None else binding.span,
        expires_at=known_expiry(entry, row),
    )


def superseded_draft(old: Superseded, row: LiveBinding, *, again: bool) -> Draft:
    """A second live binding of an address goes: the old half of a replacement, or one made twice; `again` after an unbind."""
    known: dict[str, Value] = {
        "phone_a": old.phone_a,
        "phone_b": old.phone_b,
        "phone_x": old.phone_x,
        "extension": old.extension,
        "bind_id": old.bind_id,
    }
    return Draft(
        address=old.address,
        action=Action.UNBIND,
        cause=Cause.RECOVERY,
        reason="unbound before, and its vendor lists it still"
        if again
        else "a second live binding of this address, replaced or made twice",
        provider=old.provider,
        before={name: value for name, value in known.items() if value is not None},
        old=old,
        expires_at=NEVER if row.expires_at is None else row.expires_at,
    )


def forget_draft(address: str, entry: Entry, cause: Cause, reason: str) -> Draft:
    """An entry whose binding is gone leaves the state."""
    return Draft(
        address=address,
        action=Action.FORGET,
        cause=cause,
        reason=reason,
        provider=entry.provider,
        before=before(entry, None),
        entry=entry,
        events=(Recorded(address, None),),
    )


def adopt_draft(
    address: str, after: Attributes | None, provider: str, reason: str, binding: Binding | None
) -> Draft:
    """A live binding that pnsync provably made came into the state, and needs nothing further."""
    return Draft(
        address=address,
        action=Action.ADOPT,
        cause=Cause.RECOVERY,
        reason=reason,
        provider=provider,
        after=after,
        source=None if binding is None else binding.span,
    )


def _old(address: str, entry: Entry, row: LiveBinding | None) -> Superseded:
    """What is unbound, with the numbers that it really holds."""
    seen = entry if row is None else seen_entry(entry, row)
    old, expires = superseded_by(address, seen), known_expiry(entry, row)
    return old if old.expires_at == expires else replace(old, expires_at=expires)
