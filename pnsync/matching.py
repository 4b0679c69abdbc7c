"""Which listed row is which binding of the state: the live side of every comparison.

A row stands for an entry when its bind id is the recorded one and its identity agrees: the customerBindId that the
state recorded, or, where there is none, both phones. A reused id with another identity is not ours. What a vendor
was never seen to list (docs/vendors.md, 1.4 leaves open whether AXG and extension bindings are) is believed as recorded. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pnsync.model import NEVER, BindKey, Listing, LiveBinding, LiveGroup, Mode, Observed
from pnsync.state import Entry, State, Superseded

UNCERTAIN_MODES = frozenset({Mode.AXG, Mode.AXB_EXTENSION})
"""Modes of which no vendor page says that getAXBList shows them."""
GHOST_SECONDS = 1800
"""For how long after its unbind a listing may still show a binding; what it shows later is live, whatever was answered.

How far listings lag is open (docs/vendors.md, 1.4); windows after which an absence counts are minutes.
"""


@dataclass(frozen=True, slots=True)
class Matched:
    """The live row of each address, the live rows of superseded bindings, and the rows that are nobody's of ours.

    `believed` are bindings that their listing does not show and cannot be expected to, as the state recorded them.
    """

    rows: Mapping[str, LiveBinding]
    superseded: Mapping[BindKey, LiveBinding]
    unmanaged: tuple[LiveBinding, ...]
    believed: Mapping[str, LiveBinding] = field(default_factory=dict)
    seen: frozenset[tuple[str, Mode]] = frozenset()
    """Providers with a mode that no page says they list, and did."""
    other: Mapping[str, LiveBinding] = field(default_factory=dict)
    """By address, what is listed under the recorded bind id and is not the binding that was recorded."""


def listed_note(provider: str, mode: Mode) -> str:
    """The name of the note that a provider was seen to list a binding of a mode."""
    return f"lists.{provider}.{mode.value}"


def never_listed(state: State, provider: str, mode: Mode) -> bool:
    """Whether an absence of such a binding says nothing, as the provider was never seen to list one."""
    return mode in UNCERTAIN_MODES and listed_note(provider, mode) not in state.notes


def same_identity(row: LiveBinding, made: Entry | Superseded) -> bool:
    """Whether a row with a recorded bind id is the binding that was recorded."""
    if made.customer_bind_id is not None:
        return row.customer_bind_id == made.customer_bind_id
    return (row.phone_a, row.phone_b) == (made.phone_a, made.phone_b)


def is_ghost(row: LiveBinding, listing: Listing, state: State) -> bool:
    """Whether a listing shows a binding that was unbound only because it lags."""
    unbound_at = state.unbound.get(row.key)
    return unbound_at is not None and listing.started_at < unbound_at + GHOST_SECONDS


def match(state: State, observed: Observed) -> Matched:
    """Match every listing against the state; rows recorded as unbound are ghosts of a lagging listing, not rows."""
    rest = {
        name: {row.bind_id: row for row in listing.bindings} for name, listing in observed.listings.items()
    }
    rows: dict[str, LiveBinding] = {}
    other: dict[str, LiveBinding] = {}
    absent: list[tuple[str, Entry]] = []
    seen: set[tuple[str, Mode]] = set()
    for address, entry in state.entries.items():
        if not isinstance(entry, Entry) or entry.bind_id is None:
            continue
        listed = rest.get(entry.provider)
        row = None if listed is None else listed.get(entry.bind_id)
        if row is not None and same_identity(row, entry):
            rows[address] = row
            del rest[entry.provider][entry.bind_id]
            if entry.mode in UNCERTAIN_MODES:
                seen.add((entry.provider, entry.mode))
            continue
        if row is not None:
            other[address] = row
        if entry.mode in UNCERTAIN_MODES and listed is not None:
            absent.append((address, entry))
    superseded: dict[BindKey, LiveBinding] = {}
    for key, old in state.superseded.items():
        row = rest.get(old.provider, {}).get(old.bind_id)
        if row is not None and same_identity(row, old):
            superseded[key] = row
            del rest[old.provider][old.bind_id]
    believed = {
        address: row_of(entry)
        for address, entry in absent
        if (entry.provider, entry.mode) not in seen and never_listed(state, entry.provider, entry.mode)
    }
    pending = {one.intent.customer_bind_id for one in state.pending.values()} - {None}
    unmanaged = tuple(
        row
        for name, listed in rest.items()
        for row in listed.values()
        if not is_ghost(row, observed.listings[name], state) and row.customer_bind_id not in pending
    )
    return Matched(rows, superseded, unmanaged, believed, frozenset(seen), other)


def row_of(entry: Entry) -> LiveBinding:
    """The row that an entry would have, where the vendor is not asked or does not tell."""
    assert entry.bind_id is not None
    return LiveBinding(
        provider=entry.provider,
        bind_id=entry.bind_id,
        phone_a=entry.phone_a,
        phone_b=entry.phone_b,
        phone_x=entry.phone_x,
        phone_x_b=entry.phone_x_b,
        extension=entry.extension,
        customer_bind_id=entry.customer_bind_id,
        recording=entry.recording,
        expires_at=entry.expires_at,
    )


def unrefreshed(state: State, now: float) -> Observed:
    """What the state believes is live now, in the shape of a reading (`--no-refresh`)."""
    rows: dict[str, list[LiveBinding]] = {}
    groups: dict[str, list[LiveGroup]] = {}
    for entry in state.entries.values():
        if not isinstance(entry, Entry):
            group = LiveGroup(entry.provider, entry.group_id, entry.group_name, entry.phones, entry.remark)
            groups.setdefault(entry.provider, []).append(group)
        elif entry.bind_id is not None and (entry.expires_at is None or entry.expires_at > now):
            rows.setdefault(entry.provider, []).append(row_of(entry))
    for old in state.superseded.values():
        if old.expires_at is None or old.expires_at > now:
            rows.setdefault(old.provider, []).append(_row_of_superseded(old))
    return Observed(
        {
            name: Listing(name, tuple(rows.get(name, ())), tuple(groups.get(name, ())))
            for name in (*rows, *(one for one in groups if one not in rows))
        }
    )


def _row_of_superseded(old: Superseded) -> LiveBinding:
    return LiveBinding(
        provider=old.provider,
        bind_id=old.bind_id,
        phone_a=old.phone_a,
        phone_b=old.phone_b,
        phone_x=old.phone_x,
        extension=old.extension,
        customer_bind_id=old.customer_bind_id,
        expires_at=old.expires_at,
    )


def known_expiry(entry: Entry, row: LiveBinding | None) -> int | None:
    """When a binding ends: as listed where the listing tells, else as recorded; None where neither tells."""
    return entry.expires_at if row is None or row.expires_at is None else row.expires_at


def live_expiry(entry: Entry, row: LiveBinding | None) -> int:
    """When a binding ends; what is not known is never judged expired, so `NEVER` stands for it."""
    found = known_expiry(entry, row)
    return NEVER if found is None else found


def alive(row: LiveBinding, now: float) -> bool:
    """Whether a listed row routes calls: vendors may list expired ones for a while."""
    return row.expires_at is None or row.expires_at > now
