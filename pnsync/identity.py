"""How a binding of ours is known in any listing: the customerBindId.

Derived ids are `pns-<first 8 of lineage>-<12 characters of a hash of the address>-<generation>`: never used
twice, free of personal data, and recognisable with the state lost. A declared id is sent as written the first
time and as `ID.n` for the n-th binding of its address, counted on where it comes to another address. Pure.
"""

import hashlib
import re
from dataclasses import dataclass

from pnsync.masking import base32

PREFIX = "pns"
LINEAGE_LENGTH = 8
HASH_LENGTH = 12

_DERIVED = re.compile(r"pns-([0-9a-z]{8})-([0-9a-z]{12})-([1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class Identity:
    """A derived customerBindId, taken apart."""

    lineage: str
    address_hash: str
    generation: int


def address_hash(address: str) -> str:
    """The 12 characters that stand for an address in a customerBindId."""
    return base32(hashlib.sha256(b"pnsync/address/" + address.encode()).digest(), HASH_LENGTH)


def customer_bind_id(lineage: str, address: str, generation: int, declared: str | None = None) -> str:
    """The id that the n-th bind of an address carries, n from 1."""
    if declared is not None:
        return declared if generation == 1 else f"{declared}.{generation}"
    return f"{PREFIX}-{lineage[:LINEAGE_LENGTH]}-{address_hash(address)}-{generation}"


def identify(text: str | None) -> Identity | None:
    """A derived id taken apart; None for an id of another form."""
    found = _DERIVED.fullmatch(text or "")
    return None if found is None else Identity(found[1], found[2], int(found[3]))


def name_space(lineage: str) -> str | None:
    """What every derived id of this lineage begins with; None without a lineage."""
    return f"{PREFIX}-{lineage[:LINEAGE_LENGTH]}-" if lineage else None


def is_ours(text: str | None, lineage: str) -> bool:
    """Whether an id lies in the name space of this lineage."""
    found = identify(text)
    return found is not None and bool(lineage) and found.lineage == lineage[:LINEAGE_LENGTH]
