"""One journal record as one text line: its frame, its checksums, and what of a damaged journal may be believed.

    pnj1 SEQ LENGTH CRC HASH BODY

LENGTH counts the body's bytes; CRC is the CRC-32 of the line without it; HASH chains: SHA-256 over the hash before,
the number and the body, so that no record can be changed, moved or left out unnoticed. A body is JSON and so has
no line end. `scan` reads a whole journal: what follows the last good record is a torn tail, left by a crash, and
is dropped; damage with a good record behind it refuses the journal. Pure; knows nothing of what a body says.
"""

import hashlib
import re
from binascii import crc32
from dataclasses import dataclass

from pnsync.errors import StateError
from pnsync.statefile.codes import REBUILD, refusal

HASH_LENGTH = 32
_MAGIC = re.compile(rb"pnj1 ")
_HEAD = re.compile(rb"pnj1 ([1-9][0-9]{0,18}) ([0-9]{1,10}) ([0-9a-f]{8}) ([0-9a-f]{32}) ")


@dataclass(frozen=True, slots=True)
class Frame:
    """A record that is whole: its number, its chained hash and its body."""

    seq: int
    hash: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Scan:
    """What a journal holds: the good lines in order, where they end, and how many bytes of a torn tail follow."""

    lines: tuple[tuple[int, bytes], ...]
    end: int
    torn: int


def chained(previous: str, seq: int, body: bytes) -> str:
    """The hash of a record that follows the one with the hash `previous` ("" before the first)."""
    return hashlib.sha256(b"%s %d " % (previous.encode(), seq) + body).hexdigest()[:HASH_LENGTH]


def frame(seq: int, previous: str, body: bytes) -> tuple[bytes, str]:
    """The line of a record, with its line end, and its hash. `seq` counts from 1; `body` has no line end."""
    digest = chained(previous, seq, body)
    return b"pnj1 %d %d %08x %s %s\n" % (
        seq,
        len(body),
        _checksum(seq, digest.encode(), body),
        digest.encode(),
        body,
    ), digest


def unframe(line: bytes) -> Frame | None:
    """The record of a line, None where it is not whole."""
    found = _frame_at(line, 0)
    return found[0] if found is not None and found[1] == len(line) else None


def follows(record: Frame, previous: str) -> bool:
    """Whether a record's hash chains to the hash of the one before."""
    return chained(previous, record.seq, record.body) == record.hash


def scan(data: bytes, name: str) -> Scan:
    """The records of the journal file `name`, which may begin at any number and then is dense.

    Raises StateError (S911, S912) for damage that a crash cannot have left.
    """
    lines: list[tuple[int, bytes]] = []
    position = 0
    while (found := _frame_at(data, position)) is not None:
        one, end = found
        if lines and one.seq != lines[-1][0] + 1:
            raise _broken(name, len(lines) + 1, lines[-1][0], one.seq)
        lines.append((one.seq, data[position:end]))
        position = end
    if _good_behind(data, position):
        raise refusal(
            "S911",
            f"{name}, line {len(lines) + 1}, fails its checksum, and whole records follow it: no crash leaves that.",
            "What happened after it cannot be told, so nothing is called. The file is left as it is.",
            "Restore state file and journal together from a copy, or derive the state from the vendor's listing:",
            command=REBUILD,
        )
    return Scan(tuple(lines), position, len(data) - position)


def _broken(name: str, line: int, before: int, found: int) -> StateError:
    return refusal(
        "S912",
        f"{name}, line {line}, is record {found} after record {before}.",
        "Records are missing or stand twice, so nothing is called. The file is left as it is.",
        "Restore state file and journal together from a copy, or derive the state from the vendor's listing:",
        command=REBUILD,
    )


def _checksum(seq: int, digest: bytes, body: bytes) -> int:
    return crc32(body, crc32(b"pnj1 %d %d %s " % (seq, len(body), digest)))


def _frame_at(data: bytes, start: int) -> tuple[Frame, int] | None:
    head = _HEAD.match(data, start)
    if head is None:
        return None
    seq, length = int(head[1]), int(head[2])
    end = head.end() + length
    if data[end : end + 1] != b"\n":
        return None
    body = data[head.end() : end]
    if _checksum(seq, head[4], body) != int(head[3], 16):
        return None
    return Frame(seq, head[4].decode(), body), end + 1


def _good_behind(data: bytes, bad: int) -> bool:
    """Whether a whole record begins anywhere behind a bad place: also inside its line, whose end may be what broke."""
    return any(_frame_at(data, one.start()) is not None for one in _MAGIC.finditer(data, bad))
