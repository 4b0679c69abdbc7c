"""Pseudonyms: how a real number is shown where people compare numbers without seeing them.

`Masker` shows a phone as `44••••77~k3f9x2a`: country code, dots, last two digits, and 7 characters of a keyed
hash, equal for equal numbers under one key and lineage and useless without the key. An unkeyed hash
would be found by trying every number of a country. The same key, under other labels, fingerprints accounts
and digests declarations; no two uses share a key.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable

from pnsync.phone import Phone, mask

# Crockford's base 32 in lower case: no letter that is taken for a digit.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
PSEUDONYM_LENGTH = 7
KEY_BYTES = 32


def new_key() -> bytes:
    """A fresh 32-byte key."""
    return secrets.token_bytes(KEY_BYTES)


def derive(key: bytes, label: str) -> bytes:
    """A key for one purpose: HKDF-SHA256 expand of one block (RFC 5869), so that no two purposes share a key."""
    return hmac.digest(key, b"pnsync/" + label.encode() + b"\x01", "sha256")


def base32(digest: bytes, length: int) -> str:
    """The first `length` 5-bit groups of a digest."""
    number = int.from_bytes(digest, "big")
    bits = len(digest) * 8
    return "".join(_ALPHABET[(number >> (bits - 5 * (i + 1))) & 31] for i in range(length))


class Masker:
    """Shows phones masked with their pseudonym; with `reveal=True`, which only a terminal may ask for, in full."""

    def __init__(self, key: bytes, lineage: str, *, reveal: bool = False) -> None:
        self._key = derive(key, "pseudonym")
        self._lineage = lineage.encode()
        self._reveal = reveal
        self._shown: dict[str, str] = {}

    def pseudonym(self, phone: Phone) -> str:
        """The 7 characters that stand for this number under this key and lineage."""
        digest = hmac.digest(self._key, self._lineage + b"\x00" + phone.digits.encode(), "sha256")
        return base32(digest, PSEUDONYM_LENGTH)

    def show(self, phone: Phone) -> str:
        """The phone as every output shows it."""
        if self._reveal:
            return phone.digits
        shown = self._shown.get(phone.digits)
        if shown is None:
            shown = f"{mask(phone.digits)}~{self.pseudonym(phone)}"
            self._shown[phone.digits] = shown
        return shown


def keyed_digest(key: bytes, label: str, parts: Iterable[str]) -> str:
    """A keyed digest over texts in order, as `sha256:…`; lengths are bound, so that no two lists collide."""
    mac = hmac.new(derive(key, label), digestmod=hashlib.sha256)
    for part in parts:
        data = part.encode()
        mac.update(len(data).to_bytes(8, "big"))
        mac.update(data)
    return f"sha256:{mac.hexdigest()}"
