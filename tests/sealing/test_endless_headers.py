"""A sealed file whose list of recipients does not end: the library's time grows with its square, so it is refused first."""

import base64
import time

import pyrage
import pytest

from pnsync.sealing.identity import MOST_HEADER_BYTES, Identity, Unopened
from tests.sealing.keyholders import Holder

ANNA = Holder()
BEGIN = b"age-encryption.org/v1\n"


def armoured(data: bytes) -> bytes:
    text = base64.b64encode(data)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return b"\n".join(
        [b"-----BEGIN AGE ENCRYPTED FILE-----", *lines, b"-----END AGE ENCRYPTED FILE-----", b""]
    )


@pytest.mark.parametrize(
    "header",
    [
        b"-> x y\nYWJj\n" * 80_000,
        b"-> x y\n" + (b"a" * 64 + b"\n") * 16_000,
        b"-> x " + b"y " * 500_000,
        b"-> x y\nYWJj\n" * (MOST_HEADER_BYTES // 12 - 5),
        b"-> x y\nYWJj\n" * (MOST_HEADER_BYTES // 12 - 5) + b"--- " + b"c" * 43 + b"\n",
    ],
    ids=["recipients", "one-body", "one-line", "as-many-as-fit", "as-many-as-fit-and-an-end"],
)
@pytest.mark.parametrize("form", [bytes, armoured, lambda data: armoured(data).replace(b"\n", b"\r\n")],
                         ids=["binary", "armoured", "crlf"])  # fmt: skip
def test_a_header_without_end_is_refused_at_once(header: bytes, form: object) -> None:
    data = form(BEGIN + header)  # type: ignore[operator]
    began = time.process_time()
    with pytest.raises(Unopened):
        Identity(ANNA.environ).open(data)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("armour", [False, True])
def test_a_hundred_and_fifty_recipients_are_none(armour: bool) -> None:
    own = pyrage.x25519.Recipient.from_str(ANNA.recipient)
    sealed = pyrage.encrypt(b"plain" * 9000, [own] * 150, armored=armour)
    assert Identity(ANNA.environ).open(sealed) == b"plain" * 9000
