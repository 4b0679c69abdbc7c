"""Damage: bytes cut, flipped, repeated and spliced, words from a dictionary put in, JSON values exchanged."""

import json
from collections.abc import Sequence
from copy import deepcopy
from random import Random
from typing import Any

WORDS = [
    b"{", b"}", b"[", b"]", b":", b",", b"\n", b"\r\n", b"\t", b" ", b"  ", b"- ", b"? ", b"| ", b"> ", b"#", b"&a ", b"*a", b"<<: ",
    b"!!python/object:os.system ", b"!!binary ", b"%YAML 1.2\n", b"---\n", b"...\n", b'"', b"'", b"\\", b"\\u0000", b"\\ud800",
    b"\x00", b"\x1b[2J", b"\xe2\x80\xae", b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3", b"null", b"true", b"NaN", b"Infinity", b"-0", b"1e999",
    b"0", b"-1", b"99999999999999999999999999", b"9" * 400, b"2026-12-24T18:00:00Z", b"9999-12-31T23:59:59Z", b"0000-00-00",
    b"447700900123", b"+44 7700 900123", b"bindings", b"providers", b"endpoint", b"sandbox", b"expires_in", b"never", b"phone_a",
    b"../../etc/passwd", b"/dev/zero", b"http://169.254.169.254/", b"<<<<<<< ours\n", b"=======\n", b">>>>>>> theirs\n", b"::error::",
    b"version: 1", b"code", b"data", b"bindList", b"records", b"total", b"bindId", b"status", b"checksum", b"digest", b"format",
]  # fmt: skip
VALUES: Sequence[Any] = [
    None, True, False, 0, -1, 1, 2**63, 10**40, 1.5, float("inf"), "", "x", "0", "-16", "9" * 30, "\u202e", "\ud800", "a" * 3000,
    [], {}, [[]], [None], {"a": {}}, "447700900123", "2026-12-24T18:00:00Z", "never", [1, "2", None], {"": ""},
]  # fmt: skip


def havoc(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """A handful of wounds."""
    made = bytearray(data)
    for _ in range(1 + int(random.expovariate(0.7))):
        at = random.randrange(len(made) + 1)
        match random.randrange(9):
            case 0 if made:
                made[random.randrange(len(made))] ^= 1 << random.randrange(8)
            case 1 if made:
                made[random.randrange(len(made))] = random.randrange(256)
            case 2:
                del made[at : at + 1 + int(random.expovariate(0.1))]
            case 3:
                made[at:at] = random.choice(WORDS)
            case 4:
                end = at + 1 + int(random.expovariate(0.05))
                made[at:at] = made[at:end] * random.choice((1, 1, 2, 8))
            case 5:
                del made[at:]
            case 6 if others:
                other = random.choice(others)
                start = random.randrange(len(other) + 1)
                made[at : at + random.randrange(40)] = other[start : start + random.randrange(200)]
            case 7:
                made[at : at + random.randrange(8)] = random.choice(WORDS)
            case _:
                made[at:at] = random.randbytes(random.randrange(1, 12))
    return bytes(made[:LONGEST])


LONGEST = 100_000
"""Bytes of an input."""


def inflated(random: Random, data: bytes) -> bytes:
    """An input with a part of it again and again, up to the longest: what costs more than its length shows then."""
    at = random.randrange(len(data) + 1)
    part = data[at : at + random.choice((1, 2, 3, 8, 40, 200, 2000))] or b" "
    return (data[:at] + part * (max(0, LONGEST - len(data)) // len(part)) + data[at:])[:LONGEST]


def parsed(random: Random, pool: Sequence[bytes]) -> Any:
    """A JSON document among these; the first of them always is one."""
    try:
        return json.loads(random.choice(pool))
    except (ValueError, RecursionError):
        return json.loads(pool[0])


def exchange(random: Random, document: Any) -> Any:
    """A JSON document with some of its values and keys exchanged, removed or added, anywhere."""
    made = json.loads(json.dumps(document))
    for _ in range(random.randrange(1, 4)):
        places: list[Any] = []
        _collect(made, places)
        if not places:
            return deepcopy(random.choice(VALUES))
        place = random.choice(places)
        if isinstance(place, dict):
            keys = list(place)
            key = random.choice(keys) if keys and random.random() < 0.8 else random.choice(["", "x", "kind"])
            match random.randrange(4):
                case 0:
                    place.pop(key, None)
                case 1 if keys:
                    place[random.choice(keys)] = deepcopy(place.get(key))
                case _:
                    place[key] = deepcopy(random.choice(VALUES))
        else:
            at = random.randrange(len(place) + 1)
            place[at : at + random.randrange(2)] = [deepcopy(random.choice(VALUES))]
    return made


def _collect(value: Any, places: list[Any]) -> None:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            places.append(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            places.append(one)
            waiting.extend(one)
