"""What a binding holds that no other may hold at the same time: (X, extension), a pair, a phone. Pure.

NXCloud routes an extension binding by X and extension. LAAFFIC refuses a second AXB binding of either phone, or only
of the pair: no page says how far its -35 reaches. Nothing tells two of its bindings of one pair apart.
"""

from collections.abc import Collection

from pnsync.model import LiveBinding, Mode
from pnsync.phone import Phone
from pnsync.state import Entry, Superseded

Resource = tuple[str, ...]


def x_extension(provider: str, phone_x: str, extension: str) -> Resource:
    """A number and extension, which one binding at a time may have."""
    return ("x", provider, phone_x, extension)


def pair(provider: str, a: Phone, b: Phone) -> Resource:
    """Two parties, in either order."""
    first, second = (a.digits, b.digits) if a.digits < b.digits else (b.digits, a.digits)
    return ("pair", provider, first, second)


def party(provider: str, phone: Phone) -> Resource:
    """A phone where the vendor may allow it one binding."""
    return ("phone", provider, phone.digits)


def surely_exclusive(resource: Resource) -> bool:
    """Whether a second holder is out of the question; of a phone only the vendor can tell."""
    return resource[0] != "phone"


def needs_of(target: Entry, exclusive: Collection[str]) -> tuple[Resource, ...]:
    """What a bind of this needs to be free; `exclusive` are the providers whose phones stand in one binding each."""
    if target.extension:
        if target.phone_x is None:
            return ()
        return (x_extension(target.provider, target.phone_x, target.extension),)
    if target.provider not in exclusive or target.phone_b is None:
        return ()
    one_number = target.mode is Mode.AXB
    return _parties(target.provider, target.phone_a, target.phone_b, one_number=one_number)


def held_by(made: Superseded, exclusive: Collection[str], mode: Mode | None = None) -> tuple[Resource, ...]:
    """What an unbind of this frees; a `mode` that is not known is taken for the one that holds most."""
    if made.extension:
        if made.phone_x is None:
            return ()
        return (x_extension(made.provider, made.phone_x, made.extension),)
    if made.provider not in exclusive or made.phone_b is None:
        return ()
    return _parties(made.provider, made.phone_a, made.phone_b, one_number=mode in (Mode.AXB, None))


def row_holds(row: LiveBinding, exclusive: Collection[str]) -> tuple[Resource, ...]:
    """What a live row of ours holds."""
    if row.extension:
        return () if row.phone_x is None else (x_extension(row.provider, row.phone_x, row.extension),)
    if row.provider not in exclusive or row.phone_b is None:
        return ()
    return _parties(row.provider, row.phone_a, row.phone_b, one_number=has_one_number(row))


def has_one_number(row: LiveBinding) -> bool:
    """Whether both parties see the same X (axb), as far as the row tells."""
    return row.phone_x_b is None or row.phone_x_b == row.phone_x


def collisions_of(target: Entry, exclusive: Collection[str]) -> tuple[Resource, ...]:
    """What a live binding that is not ours must not hold: what the bind needs, and its pair at any vendor."""
    found = needs_of(target, exclusive)
    if target.extension or target.phone_b is None or target.mode not in (Mode.AXB, Mode.AXXB):
        return found
    own = pair(target.provider, target.phone_a, target.phone_b)
    return found if own in found else (own, *found)


def foreign_holds(row: LiveBinding, exclusive: Collection[str]) -> tuple[Resource, ...]:
    """What a live row that is not ours holds, its pair at any vendor included."""
    if row.extension or row.phone_b is None or row.provider in exclusive:
        return row_holds(row, exclusive)
    return (pair(row.provider, row.phone_a, row.phone_b),)


def _parties(provider: str, a: Phone, b: Phone, *, one_number: bool) -> tuple[Resource, ...]:
    both = pair(provider, a, b)
    return (both, party(provider, a), party(provider, b)) if one_number else (both,)
