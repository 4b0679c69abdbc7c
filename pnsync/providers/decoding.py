"""Bytes of an answer to a JSON object, strictly, and the reading of single fields, tolerantly.

`decode` takes UTF-8 without BOM, one JSON object, no duplicate key, no NaN; everything else is `Unreadable`,
never another exception. Field readers return None for what is not there and raise `Unreadable` for what
cannot be that field; their messages name the field and never contain a value.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, Final, NoReturn

Json = Mapping[str, Any]

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,18}")
_IDENTIFIER: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")
_CHARSET: Final = re.compile(r"charset\s*=\s*\"?\s*([^\s;\"]+)", re.IGNORECASE)
_PHONE_LIKE: Final = range(7, 16)
_BIGGEST: Final = 2**63


class Unreadable(Exception):
    """An answer, a row or a field that is not what the vendor documents; the message holds no vendor data."""


def decode(body: bytes, content_type: str = "") -> dict[str, Any]:
    """The JSON object that an answer's body is. Raises Unreadable."""
    named = _CHARSET.search(content_type)
    if named and named[1].lower() not in ("utf-8", "utf8", "us-ascii", "ascii"):
        raise Unreadable("its character set is not UTF-8")
    if not body.strip():
        raise Unreadable("its body is empty")
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("it begins with a byte order mark")
    try:
        found = _DECODER.decode(body.decode("utf-8"))
    except Unreadable:
        raise
    except UnicodeDecodeError:
        raise Unreadable("its bytes are not UTF-8") from None
    except RecursionError:
        raise Unreadable("its JSON is nested too deeply") from None
    except ValueError:
        raise Unreadable("it is not JSON") from None
    if not isinstance(found, dict):
        raise Unreadable("its JSON is not an object")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("its JSON holds a key twice")
    return found


def _no_constant(_: str) -> NoReturn:
    raise Unreadable("its JSON holds NaN or Infinity")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def integer(row: Json, name: str) -> int | None:
    """A whole number, also written as text (docs/vendors.md, 1.8 row 5)."""
    value = row.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -_BIGGEST < value < _BIGGEST:
        return value
    raise Unreadable(f"{name} is not a whole number")


def digits(row: Json, name: str) -> str | None:
    """A telephone number as 1 to 20 digits; a leading `+` is dropped, a JSON number is taken (docs/vendors.md, 2.7 row 6)."""
    value = row.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if 0 <= value < 10**20 else None
    if isinstance(value, str):
        if value[0] == "+":
            value = value[1:]
        if value.isdigit() and value.isascii() and len(value) <= 20:
            return value
    raise Unreadable(f"{name} is not a telephone number")


def required_digits(row: Json, name: str) -> str:
    """A telephone number that has to be there."""
    found = digits(row, name)
    if found is None:
        raise Unreadable(f"{name} is missing")
    return found


def identifier(row: Json, name: str) -> str | None:
    """An id of 1 to 64 letters, digits, `_` and `-`."""
    value = row.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and _IDENTIFIER.fullmatch(value):
        return value
    raise Unreadable(f"{name} is not a well-formed id")


def required_identifier(row: Json, name: str) -> str:
    """An id that has to be there."""
    found = identifier(row, name)
    if found is None:
        raise Unreadable(f"{name} is missing")
    return found


def text(row: Json, name: str) -> str:
    """Any text, "" where there is none; a lone surrogate, which no file could hold, becomes a question mark."""
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _BIGGEST:
        return str(value)
    if not isinstance(value, str):
        raise Unreadable(f"{name} is not text")
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def records(row: Json, *names: str) -> list[Any]:
    """A list of rows; null is an empty one."""
    value = first(row, *names)
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise Unreadable(f"{names[0]} is not a list")


def total(row: Json, name: str) -> int | None:
    """A listing's total, None where there is none that can be one."""
    try:
        found = integer(row, name)
    except Unreadable:
        return None
    return found if found is not None and found >= 0 else None


def request_id(row: Json) -> str:
    """The vendor's request id for messages, "" where it is no id or might be a telephone number."""
    try:
        value = text(row, "requestId")
    except Unreadable:
        return ""
    if not _IDENTIFIER.fullmatch(value) or (value.isdigit() and len(value) in _PHONE_LIKE):
        return ""
    return value


def first(row: Json, *names: str) -> Any:
    """The value of the first of these names that is there."""
    for name in names:
        if name in row:
            return row[name]
    return None


def part(row: Json, name: str) -> Json:
    """An object inside, an empty one where it is null, absent or something else."""
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def number_between(row: Json, name: str, parties: Collection[str | None], flaws: Counter[str]) -> str | None:
    """The X of a row; not known, and a flaw, where it is a number of one of the row's `parties`, as X is shown in clear."""
    found = digits(row, name)
    if found is None or found not in parties:
        return found
    flaws[f"{name} is a number of one of the parties"] += 1
    return None


def check_id(bind_id: str, parties: Collection[str | None]) -> None:
    """Raises Unreadable where an id, which is shown in clear, is a number of one of the row's `parties`."""
    if bind_id in parties:
        raise Unreadable("bindId is a number of one of the parties")
