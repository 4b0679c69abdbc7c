"""How a sealed state is read and written: the codec of a store whose root file says `encryption`.

The root key travels in the snapshot's `sealing`, wrapped to the age recipients, and older root keys beside it until
they are retired; `mac` covers the whole snapshot. Promises: no fallback to plain text once a state is sealed, and none
ever where `enforced`; a run that could not open what it writes writes nothing.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pnsync.errors import StateError
from pnsync.phone import Phone
from pnsync.sealing.envelope import (
    Forged,
    Key,
    key_id,
    key_of,
    new_root,
    open_bytes,
    open_number,
    seal_bytes,
    seal_number,
)
from pnsync.sealing.identity import Identity, Unopened, seal_to
from pnsync.sealing.mark import Mark
from pnsync.statefile.codes import refusal
from pnsync.statefile.phonecodec import Json

REKEY: Final = "pnsync state rekey"
_NOTES: Final = "notes"
_KEYS: Final = "key"


@dataclass(frozen=True, slots=True)
class SealingSettings:
    """`state: encryption:` of the root file."""

    recipients: tuple[str, ...]
    enforced: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class _Root:
    """A root key: its text wrapped to recipients, and what follows from it."""

    secret: bytes
    wrapped: str
    key: Key

    def __repr__(self) -> str:
        return f"_Root({self.key.id})"


@dataclass(frozen=True, slots=True)
class _Ring:
    """The roots of one snapshot; the first is the one that is written with."""

    roots: tuple[_Root, ...]
    recipients: tuple[str, ...]

    @property
    def current(self) -> _Root:
        """What is written with."""
        return self.roots[0]

    def header(self) -> Json:
        """Its `sealing`."""
        keys = {one.key.id: one.wrapped for one in sorted(self.roots, key=lambda one: one.key.id)}
        return {"key": self.current.key.id, "keys": keys, "recipients": list(self.recipients)}


class SealingCodec:
    """A `PhoneCodec` that seals. One store's; not for several threads at once."""

    def __init__(
        self,
        settings: SealingSettings,
        identity: Identity,
        *,
        mark: Mark,
        roots: Callable[[], bytes] = new_root,
    ) -> None:
        self.settings = settings
        self.accepts_plain = not settings.enforced
        """Whether a plain state is read; `state rekey` sets it to seal one."""
        self.part = ""
        """The name of the part that is read, where a state lies in parts: each has a mark of its own."""
        self._identity = identity
        self._mark = mark
        self._new_root = roots
        self._ring: _Ring | None = None
        self._next: _Ring | None = None
        self._plain = True

    # -- what a snapshot says ---------------------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Whether there is a key."""
        return self._ring is not None

    @property
    def recipients(self) -> tuple[str, ...]:
        """Whom the snapshot read last is sealed to; none where it was plain."""
        return () if self._ring is None else self._ring.recipients

    @property
    def outdated(self) -> bool:
        """Whether a sealed snapshot was read whose recipients are not those of the root file."""
        return self._ring is not None and set(self.recipients) != set(self.settings.recipients)

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of the keys of the snapshot read last, the current one first."""
        return () if self._ring is None else tuple(one.key.id for one in self._ring.roots)

    def header(self, lineage: str) -> Json | None:
        """The `sealing` of a snapshot; makes the first key of a new state."""
        if self._ring is None:
            self._ring = self._make((self._new_root(),), lineage)
        return self._ring.header()

    def open(self, header: Json | None, lineage: str) -> None:
        """Take the keys of a snapshot. Raises StateError (S930, S933, S934)."""
        self._next = None
        if header is None:
            self._ring, self._plain = None, True
            if not self.accepts_plain:
                raise _plain_text()
            return
        try:
            current, recipients = str(header["key"]), tuple(map(str, header["recipients"]))
            wrapped = {str(name): str(text) for name, text in header["keys"].items()}
            texts = [wrapped.pop(current), *(wrapped[name] for name in sorted(wrapped))]
        except (KeyError, TypeError, AttributeError):
            raise refusal("S934", "What it says about its sealing is not what this version writes.") from None
        known = {} if self._ring is None else {one.wrapped: one for one in self._ring.roots}
        roots = [known.get(text) or self._unwrap(text, lineage) for text in texts]
        if roots[0].key.lineage != lineage:
            roots = [self._unwrap(text, lineage) for text in texts]
        if roots[0].key.id != current or {one.key.id for one in roots[1:]} != set(wrapped):
            raise _forged("A key in it is not the one that its id names.")
        self._ring, self._plain = _Ring(tuple(roots), recipients), False

    def _unwrap(self, text: str, lineage: str) -> _Root:
        try:
            root = self._identity.open(base64.b64decode(text, validate=True))
        except binascii.Error:
            raise _forged("A wrapped key is cut off or altered.") from None
        except Unopened:
            raise refusal(
                "S933",
                "The identity of this run opens none of its keys, or a key was damaged.",
                "Nothing is called. Whoever holds a recipient's identity can let you in: add yours to",
                "`state: encryption: recipients:` and let them run:",
                command=REKEY,
            ) from None
        return _Root(root, text, key_of(root, lineage))

    def _make(self, roots: Sequence[bytes], lineage: str) -> _Ring:
        """Wrap roots to the recipients of the root file. Raises StateError where this run could not open them again."""
        recipients = tuple(dict.fromkeys(self.settings.recipients))
        made = []
        for root in roots:
            sealed = seal_to(root, recipients)
            try:
                opened = self._identity.open(sealed)
            except Unopened:
                raise refusal(
                    "S936",
                    "The identity of this run is none of the recipients, so that no later run could read the state.",
                    "Add its public side (age-keygen -y FILE) to `state: encryption: recipients:`.",
                ) from None
            assert opened == root
            made.append(_Root(root, base64.b64encode(sealed).decode(), key_of(root, lineage)))
        return _Ring(tuple(made), recipients)

    def mac(self, digest: bytes) -> str:
        """The keyed digest of a snapshot."""
        return hmac.digest(self._current.seal, digest, "sha256").hex()

    def trust(self, digest: bytes, mac: str, serial: int) -> None:
        """Refuse a snapshot that another than a key's holder wrote, or one older than was seen. Raises S931, S932."""
        if not hmac.compare_digest(mac, self.mac(digest)):
            raise _forged(
                "Its mac is not the one of its content: it was altered by somebody without the key."
            )
        self._mark.pass_(self._current.lineage, serial, part=self.part)

    def passed(self, serial: int, *, began: int) -> None:
        """Refuse a state in parts that is older than one seen: its serial, and the one that its parts began with."""
        self._mark.reached(serial)
        self._mark.pass_(self._current.lineage, began, least=False)

    # -- what is sealed -----------------------------------------------------------------------------------------------

    @property
    def _current(self) -> Key:
        assert self._ring is not None, "header or open comes first"
        return self._ring.current.key

    def _named(self, text: str) -> Key:
        name = key_id(text)
        for one in () if self._ring is None else self._ring.roots:
            if one.key.id == name:
                return one.key
        raise Forged

    def encode(self, phone: Phone, address: str, field: str) -> str:
        """A number's sealed text."""
        return seal_number(self._current, phone.digits, address, field)

    def decode(self, text: str, address: str, field: str) -> Phone:
        """The number of a sealed text; of digits only in a state that is plain as a whole."""
        if text.isdecimal():
            self._refuse_plain()
            return Phone(text)
        try:
            return Phone(open_number(self._named(text), text, address, field))
        except Forged:
            raise _forged("A sealed number does not open at its place: it was altered or moved.") from None

    def hide(self, secret: str) -> str:
        """The sealed text of the secret note."""
        return seal_bytes(self._current, secret.encode(), (_NOTES, _KEYS))

    def reveal(self, text: str) -> str:
        """The secret note."""
        if "." not in text:
            self._refuse_plain()
            return text
        return self.unwrap(text, (_NOTES, _KEYS)).decode()

    def wrap(self, data: bytes, about: tuple[str, ...]) -> str | None:
        """A whole document or record, where everything is sealed."""
        return seal_bytes(self._current, data, about) if self.settings.whole else None

    def unwrap(self, text: str, about: tuple[str, ...]) -> bytes:
        """The bytes of a text made for `about`."""
        try:
            return open_bytes(self._named(text), text, about)
        except Forged:
            raise _forged(
                "A sealed part does not open at its place: it was altered, or is of another time."
            ) from None

    def _refuse_plain(self) -> None:
        if not (self._plain and self.accepts_plain):
            raise _plain_text()

    # -- keys that change ---------------------------------------------------------------------------------------------

    def prepare(self, lineage: str, *, rotate: bool, retire: bool) -> bool:
        """Make keys ready for the recipients of the root file; the next checkpoint takes them. False: all is as it is.

        A recipient that is gone knows the root key, so that a new one is made; the old ones stay readable until they
        are retired.
        """
        ring = self._ring
        if ring is None:
            return True  # the first snapshot that is written makes its key
        gone = set(ring.recipients) - set(self.settings.recipients)
        fresh = (self._new_root(),) if rotate or gone else ()
        kept = tuple(one.secret for one in ring.roots)
        roots = (fresh + kept)[:1] if retire else fresh + kept
        if not fresh and len(roots) == len(kept) and not self.outdated:
            return False
        self._next = self._make(roots, lineage)
        return True

    def turn(self) -> None:
        """A checkpoint begins: keys that were made ready come into use."""
        if self._next is not None:
            self._ring, self._next = self._next, None

    def kept(self, serial: int) -> None:
        """Remember the serial that was written, so that an older state is refused by the very next run."""
        self._mark.keep(self._current.lineage, serial, part=self.part)


def _plain_text() -> StateError:
    return refusal(
        "S930",
        "It, or a record of its journal, holds numbers in clear digits, where only sealed ones are accepted.",
        "A state that was never sealed is sealed by whoever may read it, once:",
        command=REKEY,
    )


def _forged(detail: str) -> StateError:
    return refusal(
        "S931",
        detail,
        "Nothing is called, and it is left as it is. Bring back the copy that ran last, whole.",
    )
