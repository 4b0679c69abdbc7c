"""age: who may open what (recipients), and the identity that this run opens with.

An identity comes from PNSYNC_AGE_IDENTITY (its text) or PNSYNC_AGE_IDENTITY_FILE (a file as age-keygen writes it, one
identity a line, comments allowed). Promises: no identity stands in a message or a repr.
"""

import binascii
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pnsync.errors import UsageError
from pnsync.sealing.libraries import library

VARIABLE: Final = "PNSYNC_AGE_IDENTITY"
FILE_VARIABLE: Final = "PNSYNC_AGE_IDENTITY_FILE"
MOST_HEADER_BYTES: Final = 16384
"""Room for some 150 recipients."""
MOST_RECIPIENTS: Final = 200
_AGE: Final = b"age-encryption.org/"
_PREFIX: Final = "AGE-SECRET-KEY-1"


class NoKey(UsageError):
    """Something is sealed, and this run has no identity at all."""


class Unopened(Exception):
    """No identity at hand opens it, or it is damaged."""


class Identity:
    """The identities of this run, read when something is to be opened."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._found: list[Any] | None = None

    def __repr__(self) -> str:
        return "Identity()"

    @property
    def given(self) -> bool:
        """Whether this run was told of one, readable or not."""
        return bool(self._environ.get(VARIABLE) or self._environ.get(FILE_VARIABLE))

    def open(self, data: bytes) -> bytes:
        """The plain bytes of an age file, binary or armoured. Raises Unopened, UsageError without an identity."""
        pyrage = library("pyrage")
        if _endless_header(data):
            raise Unopened
        try:
            return bytes(pyrage.decrypt(data, self._identities()))
        except (pyrage.DecryptError, ValueError):
            raise Unopened from None

    def recipients(self) -> tuple[str, ...]:
        """The public side of each identity."""
        return tuple(str(one.to_public()) for one in self._identities())

    def _identities(self) -> list[Any]:
        if self._found is None:
            self._found = [_parse(one) for one in self._lines()]
        return self._found

    def _lines(self) -> list[str]:
        lines = [one.strip() for one in self.text().splitlines()]
        found = [one for one in lines if one and not one.startswith("#")]
        if not found:
            raise UsageError("the age identity is empty", f"{VARIABLE} or {FILE_VARIABLE} names it.")
        return found

    def text(self) -> str:
        """The identities as they are given, comments included. Raises UsageError where there is none to be read."""
        text, path = self._environ.get(VARIABLE), self._environ.get(FILE_VARIABLE)
        if text and path:
            raise UsageError("two age identities are given", f"Set {VARIABLE} or {FILE_VARIABLE}, not both.")
        if text:
            return text
        if not path:
            raise NoKey(
                "an age identity is needed",
                "The numbers are sealed, and no identity opens them here.",
                f"Set {VARIABLE}, or {FILE_VARIABLE} to the file that age-keygen wrote.",
            )
        try:
            return Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "no text"
            raise UsageError("the age identity cannot be read", f"{FILE_VARIABLE}: {why}.") from None


def _endless_header(data: bytes) -> bool:
    """Whether what an age file begins with, its recipients, is longer than any that people write.

    The library takes a time for it that grows with the square of its length: hours for a megabyte.
    """
    if not data.startswith(_AGE):
        # Armoured, or nothing: what is no base64 stops the library where it stands.
        lines = [one.strip() for one in data[: 2 * MOST_HEADER_BYTES].splitlines()]
        text = b"".join(one for one in lines if not one.startswith(b"-----"))
        try:
            data = binascii.a2b_base64(text[: len(text) // 4 * 4])
        except binascii.Error:
            return False
    header, end, _ = data[:MOST_HEADER_BYTES].partition(b"\n---")
    return (not end and len(data) > MOST_HEADER_BYTES) or header.count(b"\n->") > MOST_RECIPIENTS


def _parse(line: str) -> Any:
    pyrage = library("pyrage")
    if line.upper().startswith(_PREFIX):
        try:
            return pyrage.x25519.Identity.from_str(line)
        except pyrage.IdentityError:
            pass
    raise UsageError(
        "the age identity is not one",
        f"A line must begin with {_PREFIX}, as age-keygen writes it, and be whole.",
    )


def seal_to(data: bytes, recipients: Sequence[str], *, armoured: bool = False) -> bytes:
    """An age file that any of the recipients opens. Raises UsageError for a recipient that is none."""
    pyrage = library("pyrage")
    try:
        keys = [pyrage.x25519.Recipient.from_str(one) for one in recipients]
    except pyrage.RecipientError:
        raise UsageError(
            "an age recipient is not one",
            "It is cut off or holds a typing error: age1 and 58 more characters.",
        ) from None
    return bytes(pyrage.encrypt(data, keys, armored=armoured))
