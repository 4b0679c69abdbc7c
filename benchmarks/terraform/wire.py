"""The few rules of protocol buffers and msgpack that Terraform's plugin protocol 5 needs, so that no generated code is.

A message is a list of pairs (field number, value); a value is an integer, or bytes (text and messages are bytes).
"""

from collections.abc import Iterator
from typing import Any

import msgpack

UNKNOWN = msgpack.ExtType(0, b"\0")
"""A value that is known only after apply."""

Field = tuple[int, int | bytes]


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def message(*fields: Field) -> bytes:
    """The bytes of a message."""
    found = bytearray()
    for number, value in fields:
        if isinstance(value, int):
            found += _varint(number << 3) + _varint(value)
        else:
            found += _varint(number << 3 | 2) + _varint(len(value)) + value
    return bytes(found)


def fields(data: bytes) -> Iterator[Field]:
    """The fields of a message, in order."""
    at = 0

    def varint() -> int:
        nonlocal at
        number = shift = 0
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 2:
            size = varint()
            yield key >> 3, data[at : at + size]
            at += size
        else:
            raise ValueError(f"wire type {key & 7} has no place in protocol 5")


def part(data: bytes, number: int) -> bytes:
    """A field of bytes, empty where it is absent."""
    found = b""
    for one, value in fields(data):
        if one == number and isinstance(value, bytes):
            found = value
    return found


def dynamic(value: Any) -> bytes:
    """A DynamicValue."""
    return message((1, msgpack.packb(value)))


def plain(data: bytes) -> Any:
    """What a DynamicValue says."""
    return msgpack.unpackb(part(data, 1), ext_hook=lambda *_: UNKNOWN)
