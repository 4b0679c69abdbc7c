"""The sealed forms: a number as 76 characters of text, and a whole document or record. Pure; keys are given.

    s1.KEYID.BODY        a number: BODY is base64url of nonce (12), ciphertext (20) and tag (16)
    w1.KEYID.BODY        bytes: BODY is base64 of salt (32), nonce (12), ciphertext and tag (16)

AES-256-GCM. A number is padded to 20 bytes, so that its length does not show. Its nonce is an HMAC of the additional
data and the number (a synthetic nonce): the same number at the same place gives the same text, so that a state diffs
by what changed. A nonce thus repeats only where the whole message does, which tells no more than that a number is
unchanged; two different messages share one with a chance of 2^-97 a pair, under 2^-36 among a billion numbers. Whole
bytes get a random salt, a key of their own from it, and a random nonce.

The additional data bind a text to its place: format, key id and lineage always; address and field of a number; kind,
serial, epoch and record number of a document or record. Moved elsewhere a text does not open.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pnsync.sealing.libraries import library

ROOT_BYTES: Final = 32
NONCE_BYTES: Final = 12
SALT_BYTES: Final = 32
NUMBER_BYTES: Final = 20
_NUMBER_FORM: Final = "s1"
_WHOLE_FORM: Final = "w1"


class Forged(ValueError):
    """A sealed text does not open: altered, moved from its place, or of another key."""


@dataclass(frozen=True, slots=True)
class Key:
    """What one root key gives for one lineage. `id` names the root and tells nothing about it."""

    id: str
    lineage: str
    numbers: Any = field(repr=False)
    """AES-256-GCM over single numbers."""
    nonces: bytes = field(repr=False)
    """HMAC key of their nonces."""
    whole: bytes = field(repr=False)
    """What the key of each whole document and record is derived from."""
    seal: bytes = field(repr=False)
    """HMAC key of a state's mac."""


def new_root() -> bytes:
    """A fresh root key."""
    return secrets.token_bytes(ROOT_BYTES)


def expand(secret: bytes, salt: bytes, info: str) -> bytes:
    """HKDF-SHA256 (RFC 5869), 32 bytes."""
    hashes = library("cryptography.hazmat.primitives.hashes")
    hkdf = library("cryptography.hazmat.primitives.kdf.hkdf")
    found: bytes = hkdf.HKDF(hashes.SHA256(), 32, salt, b"pnsync " + info.encode()).derive(secret)
    return found


def _aes(key: bytes) -> Any:
    return library("cryptography.hazmat.primitives.ciphers.aead").AESGCM(key)


def key_of(root: bytes, lineage: str) -> Key:
    """The keys that follow from a root key."""
    salt = lineage.encode()
    return Key(
        id=expand(root, b"", "key id 1")[:4].hex(),
        lineage=lineage,
        numbers=_aes(expand(root, salt, "numbers 1")),
        nonces=expand(root, salt, "nonces 1"),
        whole=expand(root, salt, "whole 1"),
        seal=expand(root, salt, "mac 1"),
    )


def bound(parts: Sequence[str]) -> bytes:
    """Texts as additional data: each behind its length, so that no two lists give the same bytes."""
    made = bytearray()
    for part in parts:
        data = part.encode()
        made += len(data).to_bytes(4, "big")
        made += data
    return bytes(made)


def seal_number(key: Key, digits: str, address: str, name: str) -> str:
    """The text of a number of at most 20 digits at `address`, in the field `name`."""
    about = bound(("pnsync number 1", key.id, key.lineage, address, name))
    plain = digits.encode().ljust(NUMBER_BYTES, b"\0")
    assert len(plain) == NUMBER_BYTES, "a phone has at most 20 digits"
    nonce = hmac.digest(key.nonces, about + plain, "sha256")[:NONCE_BYTES]
    body = base64.urlsafe_b64encode(nonce + key.numbers.encrypt(nonce, plain, about))
    return f"{_NUMBER_FORM}.{key.id}.{body.decode()}"


def open_number(key: Key, text: str, address: str, name: str) -> str:
    """The digits of a text that `seal_number` made for this place. Raises Forged."""
    data = _body(text, _NUMBER_FORM, base64.urlsafe_b64decode)
    about = bound(("pnsync number 1", key.id, key.lineage, address, name))
    plain = _opened(key.numbers, data, about).rstrip(b"\0")
    if not plain.isdigit():
        raise Forged
    return plain.decode()


def seal_bytes(key: Key, data: bytes, about: Sequence[str]) -> str:
    """Bytes sealed as a whole, bound to what `about` says."""
    salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
    sealed = _aes(expand(key.whole, salt, "document 1")).encrypt(nonce, data, _about(key, about))
    return f"{_WHOLE_FORM}.{key.id}.{base64.b64encode(salt + nonce + sealed).decode()}"


def open_bytes(key: Key, text: str, about: Sequence[str]) -> bytes:
    """The bytes of a text that `seal_bytes` made for `about`. Raises Forged."""
    data = _body(text, _WHOLE_FORM, base64.b64decode)
    salt, rest = data[:SALT_BYTES], data[SALT_BYTES:]
    return _opened(_aes(expand(key.whole, salt, "document 1")), rest, _about(key, about))


def _about(key: Key, about: Sequence[str]) -> bytes:
    return bound(("pnsync whole 1", key.id, key.lineage, *about))


def key_id(text: str) -> str:
    """The id of the key that a sealed text names. Raises Forged where it is no sealed text."""
    parts = text.split(".")
    if len(parts) != 3 or parts[0] not in (_NUMBER_FORM, _WHOLE_FORM):
        raise Forged
    return parts[1]


def _body(text: str, form: str, decode: Any) -> bytes:
    start, _, body = text.partition(".")[2].partition(".")
    if not text.startswith(f"{form}.{start}."):
        raise Forged
    try:
        data: bytes = decode(body)
    except (binascii.Error, ValueError):
        raise Forged from None
    encode = base64.urlsafe_b64encode if form == _NUMBER_FORM else base64.b64encode
    if encode(data).decode() != body:  # one text for one content: no byte of it may be altered unnoticed
        raise Forged
    return data


def _opened(aes: Any, data: bytes, about: bytes) -> bytes:
    invalid = library("cryptography.exceptions").InvalidTag
    try:
        plain: bytes = aes.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], about)
    except (invalid, ValueError):
        raise Forged from None
    return plain
