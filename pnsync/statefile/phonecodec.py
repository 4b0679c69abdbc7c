"""How real numbers stand in state and journal: what a codec of theirs does, and the one that leaves them clear.

The one place where numbers can be sealed (`sealing/`). It learns from each snapshot it reads how that one is sealed,
and tells what one that it writes must carry to be read again.
"""

from typing import Any, Final, Protocol

from pnsync.phone import Phone

Json = dict[str, Any]


SECRET_NOTE: Final = "key"  # noqa: S105 - the name of a note
"""The note that keeps the key of pseudonyms, digests and fingerprints, in hexadecimal."""


class PhoneCodec(Protocol):
    """How real numbers are written in state and journal. `address` and `field` are where, for sealing to bind it to.

    It learns from each snapshot it reads how that one is sealed (`open`), and tells what one that it writes must carry
    to be read again (`header`).
    """

    def encode(self, phone: Phone, address: str, field: str) -> str:
        """Its text."""
        ...

    def decode(self, text: str, address: str, field: str) -> Phone:
        """The number of a text. Raises StateError, or Sealed where it is not in clear digits."""
        ...

    def hide(self, secret: str) -> str:
        """The text of the note SECRET_NOTE."""
        ...

    def reveal(self, text: str) -> str:
        """The secret of its text. Raises as `decode`."""
        ...

    @property
    def settled(self) -> bool:
        """Whether the snapshot read last carries what records that are written now need to be read again."""
        ...

    def header(self, lineage: str) -> Json | None:
        """What a snapshot carries in `sealing`, None where it is plain; to be asked before anything is encoded."""
        ...

    def open(self, header: Json | None, lineage: str) -> None:
        """Be told the `sealing` of a snapshot before anything of it is decoded. Raises StateError, Sealed."""
        ...

    def mac(self, digest: bytes) -> str:
        """The keyed digest of a snapshot that carries `sealing`."""
        ...

    def trust(self, digest: bytes, mac: str, serial: int) -> None:
        """Check the same, and that no later serial was seen. Raises StateError."""
        ...

    def wrap(self, data: bytes, about: tuple[str, ...]) -> str | None:
        """A whole document's or record's text, None where only numbers are sealed."""
        ...

    def unwrap(self, text: str, about: tuple[str, ...]) -> bytes:
        """The bytes of a text made for `about`. Raises StateError, Sealed."""
        ...

    def turn(self) -> None:
        """A checkpoint begins: keys that were made ready come into use."""
        ...

    def kept(self, serial: int) -> None:
        """A snapshot with this serial is durable: an earlier one is an old one from now on."""
        ...


class _Clear:
    """Digits as they are."""

    settled = True

    def encode(self, phone: Phone, address: str, field: str) -> str:  # noqa: ARG002 - the protocol's
        return phone.digits

    def decode(self, text: str, address: str, field: str) -> Phone:  # noqa: ARG002 - the protocol's
        if text.isdecimal():
            return Phone(text)
        raise Sealed

    def hide(self, secret: str) -> str:
        return secret

    def reveal(self, text: str) -> str:
        return text

    def header(self, lineage: str) -> Json | None:  # noqa: ARG002 - the protocol's
        return None

    def open(self, header: Json | None, lineage: str) -> None:  # noqa: ARG002 - the protocol's
        if header is not None:
            raise Sealed

    def mac(self, digest: bytes) -> str:  # noqa: ARG002 - the protocol's
        return ""

    def trust(self, digest: bytes, mac: str, serial: int) -> None:
        """Nothing is keyed."""

    def wrap(self, data: bytes, about: tuple[str, ...]) -> str | None:  # noqa: ARG002 - the protocol's
        return None

    def unwrap(self, text: str, about: tuple[str, ...]) -> bytes:  # noqa: ARG002 - the protocol's
        raise Sealed

    def turn(self) -> None:
        """There is no key."""

    def kept(self, serial: int) -> None:
        """No mark is kept of a plain state."""


class Sealed(ValueError):
    """What is to be read is sealed, and no key is configured."""


CLEAR: Final[PhoneCodec] = _Clear()
