"""Which listed row is which binding of the state: the live side of every comparison.

A row stands for an entry when its bind id is the recorded one and its identity agrees: the customerBindId that the
state recorded, or, where there is none, both phones. A reused id with another identity is not ours. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pnsync.model import NEVER, Listing, LiveBinding, Observed
from pnsync.state import Entry, State, Superseded


@dataclass(frozen=True, slots=True)
class Matched:
    """The live row of each address, the live rows of superseded bindings, and the rows that are nobody's of ours."""

    rows: Mapping[str, LiveBinding]
    superseded: Mapping[str, LiveBinding]
    unmanaged: tuple[LiveBinding, ...]


def same_identity(row: LiveBinding, made: Entry | Superseded) -> bool:
    """Whether a row with a recorded bind id is the binding that was recorded."""
    if made.customer_bind_id is not None:
        return row.customer_bind_id == made.customer_bind_id
    return (row.phone_a, row.phone_b) == (made.phone_a, made.phone_b)


def match(state: State, observed: Observed) -> Matched:
    """Match every listing against the state; rows recorded as unbound are ghosts of a lagging listing, not rows."""
    by_id = {
        (row.provider, row.bind_id): row
        for listing in observed.listings.values()
        for row in listing.bindings
        if row.bind_id not in state.unbound
    }
    rows: dict[str, LiveBinding] = {}
    superseded: dict[str, LiveBinding] = {}
    taken: set[tuple[str, str]] = set()
    for address, entry in state.entries.items():
        if not isinstance(entry, Entry) or entry.bind_id is None:
            continue
        key = (entry.provider, entry.bind_id)
        row = by_id.get(key)
        if row is not None and same_identity(row, entry):
            rows[address] = row
            taken.add(key)
    for bind_id, old in state.superseded.items():
        key = (old.provider, bind_id)
        row = by_id.get(key)
        if row is not None and same_identity(row, old):
            superseded[bind_id] = row
            taken.add(key)
    pending = {one.intent.customer_bind_id for one in state.pending.values()} - {None}
    unmanaged = tuple(
        row for key, row in by_id.items() if key not in taken and row.customer_bind_id not in pending
    )
    return Matched(rows, superseded, unmanaged)


def row_of(address: str, entry: Entry) -> LiveBinding:
    """The row that an entry would have, for planning without asking the vendor (`--no-refresh`)."""
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
    """What the state believes is live now, in the shape of a reading."""
    rows: dict[str, list[LiveBinding]] = {}
    for address, entry in state.bindings().items():
        alive = entry.bind_id is not None and (entry.expires_at is None or entry.expires_at > now)
        if alive:
            rows.setdefault(entry.provider, []).append(row_of(address, entry))
    return Observed({name: Listing(name, tuple(found)) for name, found in rows.items()})


def live_expiry(entry: Entry, row: LiveBinding | None) -> int:
    """When a binding ends: as listed where the listing tells, else as recorded; `NEVER` for neither."""
    if row is not None and row.expires_at is not None:
        return row.expires_at
    return NEVER if entry.expires_at is None else entry.expires_at
