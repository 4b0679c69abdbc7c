"""A file read up to a limit, with memory for those bytes alone that it has: pipes and devices tell no size beforehand."""

from pathlib import Path
from typing import BinaryIO, Final

_PART_BYTES: Final = 1 << 18


def read_file(path: Path, limit: int) -> bytes:
    """As `read_bounded`, of the file at a path."""
    with path.open("rb") as file:
        return read_bounded(file, limit)


def read_bounded(file: BinaryIO, limit: int) -> bytes:
    """Up to `limit` + 1 bytes, so that the caller sees whether there are more. Raises OSError."""
    parts = []
    while limit >= 0 and (part := file.read(min(limit + 1, _PART_BYTES))):
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)
