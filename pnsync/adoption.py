"""A live row of ours as the state records it: as an entry, or as one that is to be unbound. Pure."""

from dataclasses import replace

from pnsync.model import Binding, Lifetime, LiveBinding, Mode
from pnsync.state import Entry, Superseded, target_of


def entry_of_row(row: LiveBinding, known: Entry | None, binding: Binding | None, generation: int) -> Entry:
    """The entry for a live row: what the vendor shows, and from the entry or declaration what it does not show."""
    mode = Mode.AXB_EXTENSION if row.extension else Mode.AXB
    if row.phone_x_b is not None and row.phone_x_b != row.phone_x:
        mode = Mode.AXXB
    base = known
    if base is None and binding is not None:
        base = target_of(binding, generation=generation, customer_bind_id=row.customer_bind_id)
    if base is None:
        base = Entry(
            provider=row.provider,
            mode=mode,
            phone_a=row.phone_a,
            phone_b=row.phone_b,
            lifetime=Lifetime(lease_seconds=None, keep=False),
            generation=generation,
            x_chosen=mode is not Mode.AXB_EXTENSION,
        )
    if base.mode is not Mode.AXG:
        base = replace(base, mode=mode)
    return replace(
        base,
        provider=row.provider,
        phone_a=row.phone_a,
        phone_b=row.phone_b,
        phone_x=row.phone_x,
        phone_x_b=row.phone_x_b,
        extension=row.extension,
        recording=base.recording if row.recording is None else row.recording,
        customer_bind_id=row.customer_bind_id,
        bind_id=row.bind_id,
        bound_at=None,
        expires_at=row.expires_at,
        generation=generation,
        down_since=None,
    )


def superseded_of(address: str, row: LiveBinding) -> Superseded:
    """What is remembered of a row until it is unbound."""
    return Superseded(
        address=address,
        provider=row.provider,
        bind_id=row.bind_id,
        phone_a=row.phone_a,
        phone_b=row.phone_b,
        phone_x=row.phone_x,
        extension=row.extension,
        customer_bind_id=row.customer_bind_id,
        expires_at=row.expires_at,
    )
