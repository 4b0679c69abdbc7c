"""The shape of a simulated vendor's request bodies: which fields an operation takes, and their types.

A body that another program wrote is judged strictly: an unknown field, a number as text or a phone with a `+` is
refused, because the vendors' pages show none, and a lenient simulator would hide a misread field.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["digits", "phones", "text", "int", "id", "object", "list"]


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of one operation's body: those it needs, those it takes besides."""

    needs: Mapping[str, Kind]
    takes: Mapping[str, Kind]


class BadBody(ValueError):
    """The body is not what the operation takes; the text names the field and never its value."""

    def __init__(self, why: str, field: str = "") -> None:
        super().__init__(why)
        self.field = field


def read_body(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; BadBody where it is none, or names a key twice."""
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        if isinstance(error, BadBody):
            raise
        raise BadBody("the body is not JSON in UTF-8") from None
    if not isinstance(document, dict):
        raise BadBody("the body is not a JSON object")
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadBody("the body names a field twice")
    return found


def check_shape(body: Mapping[str, Any], shape: Shape, *, unknown_ok: bool) -> dict[str, Any]:
    """The known fields of `body`, absent ones left out; BadBody for a missing, unknown or wrongly typed one.

    An empty text counts as absent.
    """
    found: dict[str, Any] = {}
    for name, value in body.items():
        kind = shape.needs.get(name) or shape.takes.get(name)
        if kind is None:
            if unknown_ok:
                continue
            raise BadBody("a field that this operation does not take: " + _printable(name))
        if value is None or value == "":
            continue
        if not _fits(value, kind):
            raise BadBody(f"{name} is not {_KINDS[kind]}", name)
        found[name] = value
    for name in shape.needs:
        if name not in found:
            raise BadBody(f"{name} is missing", name)
    return found


_KINDS: dict[Kind, str] = {
    "digits": "a string of 1 to 20 digits",
    "phones": "a string of phones with commas between",
    "text": "a string",
    "int": "an integer",
    "id": "an id",
    "object": "an object",
    "list": "a list of strings of digits",
}


def _fits(value: Any, kind: Kind) -> bool:
    match kind:
        case "digits":
            return isinstance(value, str) and is_number(value)
        case "phones":
            return isinstance(value, str) and all(is_number(one) for one in value.split(","))
        case "text":
            return isinstance(value, str)
        case "int":
            return type(value) is int
        case "id":
            return type(value) is int or (isinstance(value, str) and value.isascii() and value.isalnum())
        case "object":
            return isinstance(value, dict)
        case "list":
            return isinstance(value, list) and all(isinstance(one, str) and is_number(one) for one in value)


def is_number(text: str) -> bool:
    """Whether `text` is 1 to 20 ASCII digits."""
    return 1 <= len(text) <= 20 and text.isascii() and text.isdigit()


def _printable(name: str) -> str:
    return "".join(one if one.isascii() and one.isalnum() else "?" for one in name[:40])
