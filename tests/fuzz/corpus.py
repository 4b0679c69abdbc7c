"""Inputs that are kept: what once went wrong, a file each, and what reaches most of a reader, an archive a reader.

Both are fed again by the tests. Archives are made by `python -m tests.fuzz --keep`, small: an input stands in one only
where it reaches what no smaller one in it does.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

from tests.fuzz.reach import Reach
from tests.fuzz.targets import Target
from tests.fuzz.trial import feed

CORPUS = Path(__file__).parent / "corpus"
LONGEST_KEPT = 20_000
"""Bytes of an input that others are made from."""


def _name(target: Target) -> str:
    return target.name.replace(", ", "-").replace(" ", "-")


def digest(data: bytes) -> str:
    """What an input is called."""
    return hashlib.sha256(data).hexdigest()[:16]


def keep_wrong(target: Target, data: bytes) -> Path:
    """Keep an input that went wrong."""
    folder = CORPUS / _name(target)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / digest(data)
    path.write_bytes(data)
    return path


def once_wrong(target: Target) -> list[bytes]:
    """What went wrong before."""
    folder = CORPUS / _name(target)
    return [path.read_bytes() for path in sorted(folder.glob("*"))] if folder.is_dir() else []


def reaching(target: Target) -> list[bytes]:
    """What reaches most of a reader."""
    path = CORPUS / f"{_name(target)}.tar.xz"
    if not path.exists():
        return []
    with tarfile.open(path, "r:xz") as archive:
        files = [archive.extractfile(one) for one in archive]
        return [one.read() for one in files if one is not None]


def keep_reaching(target: Target, inputs: Iterable[bytes]) -> int:
    """Write a reader's archive anew from these; how many it holds."""
    kept: list[bytes] = []
    with Reach() as reach:
        reach.follow({})
        for data in [*target.seeds, *sorted(set(inputs), key=lambda one: (len(one), one))]:
            feed(target, data)
            if reach.grown() and data not in target.seeds and len(data) <= LONGEST_KEPT:
                kept.append(data)
    path = CORPUS / f"{_name(target)}.tar.xz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:xz", format=tarfile.USTAR_FORMAT) as archive:
        for data in kept:
            entry = tarfile.TarInfo(digest(data))
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return len(kept)
