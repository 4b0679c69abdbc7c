"""The sealed forms: known answers, what binds them to their place, and that no byte of them can be altered."""

import base64
import hashlib
import hmac
from itertools import product

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from pnsync.sealing.envelope import (
    Forged,
    bound,
    expand,
    key_of,
    open_bytes,
    open_number,
    seal_bytes,
    seal_number,
)

ROOT = bytes(range(32))
KEY = key_of(ROOT, "7c4d1a2b")
DIGITS = st.text("0123456789", min_size=1, max_size=20)
PLACES = [
    (root, lineage, address, field)
    for root, lineage, address, field in product(
        (ROOT, bytes(32)), ("7c4d1a2b", "7c4d1a2c"), ("bindings.a", "bindings.ab"), ("phone_a", "phone_b")
    )
]


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 for one block, read from the standard a second time."""
    pseudorandom = hmac.digest(salt or bytes(32), secret, "sha256")
    return hmac.digest(pseudorandom, info + b"\x01", "sha256")


def test_key_derivation_is_hkdf_of_the_standard() -> None:
    """RFC 5869, test case 1 in its first 32 bytes, by the reading above; then ours by it."""
    known = bytes.fromhex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf")
    found = hkdf(
        b"\x0b" * 22, bytes.fromhex("000102030405060708090a0b0c"), bytes.fromhex("f0f1f2f3f4f5f6f7f8f9")
    )
    assert found == known
    assert expand(ROOT, b"salt", "numbers 1") == hkdf(ROOT, b"salt", b"pnsync numbers 1")


def test_the_additional_data_of_a_list_are_its_own() -> None:
    assert bound(("ab", "c")) == b"\0\0\0\x02ab\0\0\0\x01c"
    assert bound(("ab", "c")) != bound(("a", "bc")) != bound(("a", "b", "c"))


def test_a_sealed_number_is_what_the_document_says() -> None:
    """Opened with nothing but the standard's primitives, by docs/sealing.md."""
    text = seal_number(KEY, "447700900123", "bindings.desk", "phone_a")
    form, key, body = text.split(".")
    data = base64.urlsafe_b64decode(body)
    lineage = b"7c4d1a2b"
    assert (form, len(data), len(text)) == ("s1", 48, 76)
    assert key == hkdf(ROOT, b"", b"pnsync key id 1")[:4].hex()
    about = bound(("pnsync number 1", key, "7c4d1a2b", "bindings.desk", "phone_a"))
    plain = AESGCM(hkdf(ROOT, lineage, b"pnsync numbers 1")).decrypt(data[:12], data[12:], about)
    assert plain == b"447700900123" + bytes(8)
    assert (
        data[:12] == hmac.digest(hkdf(ROOT, lineage, b"pnsync nonces 1"), about + plain, hashlib.sha256)[:12]
    )


def test_known_answer() -> None:
    """The form does not change unnoticed: states of today are read by the pnsync of tomorrow."""
    assert seal_number(KEY, "447700900123", "bindings.desk", "phone_a") == KNOWN


@given(DIGITS)
def test_a_number_comes_back_and_keeps_its_text(digits: str) -> None:
    text = seal_number(KEY, digits, "bindings.desk", "phone_a")
    assert open_number(KEY, text, "bindings.desk", "phone_a") == digits
    assert seal_number(KEY, digits, "bindings.desk", "phone_a") == text
    assert digits not in text or len(digits) < 4
    assert len(text) == 76


def test_a_number_opens_at_its_own_place_alone() -> None:
    """The confusion matrix of root, lineage, address and field: 256 pairs, 16 open."""
    opened = 0
    for sealed_at, opened_at in product(PLACES, PLACES):
        root, lineage, address, field = sealed_at
        text = seal_number(key_of(root, lineage), "447700900123", address, field)
        root, lineage, address, field = opened_at
        try:
            open_number(key_of(root, lineage), text, address, field)
        except Forged:
            assert sealed_at != opened_at
        else:
            assert sealed_at == opened_at
            opened += 1
    assert opened == len(PLACES) == 16


ABOUTS = [
    (kind, serial, epoch, seq)
    for kind, serial, epoch, seq in product(("state", "record"), ("4", "5"), ("1", "11"), ("1", "2"))
]


def test_bytes_open_at_their_own_place_alone() -> None:
    for sealed_at, opened_at in product(ABOUTS, ABOUTS):
        text = seal_bytes(KEY, b"a record", sealed_at)
        if sealed_at == opened_at:
            assert open_bytes(KEY, text, opened_at) == b"a record"
        else:
            with pytest.raises(Forged):
                open_bytes(KEY, text, opened_at)


@pytest.mark.parametrize("form", ["number", "bytes"])
def test_no_byte_can_be_altered_or_left_out(form: str) -> None:
    """Each of the text's bytes replaced by others, and each prefix of it."""
    text = (
        seal_number(KEY, "447700900123", "bindings.desk", "phone_a")
        if form == "number"
        else seal_bytes(KEY, b"record", ("record", "4", "1", "2"))
    )

    def opened(altered: str) -> object:
        if form == "number":
            return open_number(KEY, altered, "bindings.desk", "phone_a")
        return open_bytes(KEY, altered, ("record", "4", "1", "2"))

    tried = 0
    head = len("s1.")
    for i, one in enumerate(text):
        if head <= i < head + 8:
            continue  # the key id, by which the key is chosen: the additional data hold the key's own
        for other in {"A", "B", "-", "_", ".", "=", "0", chr(ord(one) ^ 1), "\n", "é"} - {one}:
            with pytest.raises(Forged):
                opened(text[:i] + other + text[i + 1 :])
            tried += 1
    for i in range(len(text)):
        with pytest.raises(Forged):
            opened(text[:i])
    with pytest.raises(Forged):
        opened(text + "A")
    assert tried > 500


def test_nonces_are_unique() -> None:
    """Over 60,000 different numbers and places, and over 2,000 whole documents."""
    numbers = {
        base64.urlsafe_b64decode(
            seal_number(KEY, f"44770090{n:04}", f"bindings.d{place}", field).split(".")[2]
        )[:12]
        for n in range(10_000)
        for place in range(3)
        for field in ("phone_a", "phone_b")
    }
    assert len(numbers) == 60_000
    whole = {base64.b64decode(seal_bytes(KEY, b"same", ("state",)).split(".")[2])[:44] for _ in range(2000)}
    assert len(whole) == 2000


@settings(max_examples=200)
@given(st.text(max_size=90))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(Forged):
        open_number(KEY, text, "bindings.desk", "phone_a")


def test_the_key_shows_nothing_of_itself() -> None:
    assert repr(KEY) == f"Key(id='{KEY.id}', lineage='7c4d1a2b')"


KNOWN = "s1.bd758ccb.LGaPjWO8zlgJNOQKjGbfWn8A9S8c80fM3wF2iBEdD_G254512Q00qNp1Dn15UE9o"
