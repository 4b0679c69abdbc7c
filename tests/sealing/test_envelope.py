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
from tests.profile import either

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


KEYS = [key_of(root, lineage) for root in (ROOT, bytes(32)) for lineage in ("7c4d1a2b", "7c4d1a2c")]


def test_bytes_open_under_their_own_key_and_lineage_alone() -> None:
    """And no number opens as bytes, nor bytes as a number."""
    opened = 0
    for sealed_by, opened_by in product(KEYS, KEYS):
        text = seal_bytes(sealed_by, b"a record", ("record", "4", "1", "2"))
        try:
            assert open_bytes(opened_by, text, ("record", "4", "1", "2")) == b"a record"
            opened += 1
        except Forged:
            assert sealed_by is not opened_by
    assert opened == len(KEYS)
    number = seal_number(KEY, "447700900123", "bindings.desk", "phone_a")
    whole = seal_bytes(KEY, b"447700900123" + bytes(8), ("bindings.desk", "phone_a"))
    for text in (number, "w1" + number[2:]):
        with pytest.raises(Forged):
            open_bytes(KEY, text, ("bindings.desk", "phone_a"))
    for text in (whole, "s1" + whole[2:]):
        with pytest.raises(Forged):
            open_number(KEY, text, "bindings.desk", "phone_a")


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


@pytest.mark.parametrize("form", ["number", "bytes"])
def test_no_bit_of_nonce_ciphertext_or_tag_can_be_flipped(form: str) -> None:
    if form == "number":
        text = seal_number(KEY, "447700900123", "bindings.desk", "phone_a")
        encode, decode = base64.urlsafe_b64encode, base64.urlsafe_b64decode
    else:
        text = seal_bytes(KEY, b"a record", ("record", "4", "1", "2"))
        encode, decode = base64.b64encode, base64.b64decode
    head, _, body = text.rpartition(".")
    data = decode(body)
    assert len(data) == (48 if form == "number" else 32 + 12 + 8 + 16)
    for bit in range(8 * len(data)):
        altered = bytearray(data)
        altered[bit // 8] ^= 1 << (bit % 8)
        text = f"{head}.{encode(bytes(altered)).decode()}"
        with pytest.raises(Forged):
            if form == "number":
                open_number(KEY, text, "bindings.desk", "phone_a")
            else:
                open_bytes(KEY, text, ("record", "4", "1", "2"))


def test_the_cipher_is_aes_256_gcm_of_the_standard() -> None:
    """Test case 14 of the GCM specification (McGrew and Viega)."""
    found = AESGCM(bytes(32)).encrypt(bytes(12), bytes(16), None)
    assert found.hex() == "cea7403d4d606b6e074ec5d3baf39d18" + "d0d1c8a799996bf0265b98b5d48ab919"


def test_known_answer_of_a_whole_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """Salt and nonce given, the form does not change unnoticed; and it is what docs/sealing.md says."""
    monkeypatch.setattr("secrets.token_bytes", lambda count: bytes(range(count)))
    text = seal_bytes(KEY, b'{"events":[]}', ("record", "4", "1", "2"))
    assert text == KNOWN_WHOLE
    data = base64.b64decode(text.split(".")[2])
    whole = hkdf(ROOT, b"7c4d1a2b", b"pnsync whole 1")
    about = bound(("pnsync whole 1", KEY.id, "7c4d1a2b", "record", "4", "1", "2"))
    plain = AESGCM(hkdf(whole, data[:32], b"pnsync document 1")).decrypt(data[32:44], data[44:], about)
    assert plain == b'{"events":[]}'


def test_nonces_are_unique() -> None:
    """Over a million different numbers and places (quick: 60,000), and over 2,000 whole documents."""
    count = either(full=1_000_000, quick=60_000)
    numbers = {
        base64.urlsafe_b64decode(seal_number(KEY, f"44770090{n:04}", f"bindings.d{place}", field)[-64:][:16])
        for n in range(10_000)
        for place in range(count // 20_000)
        for field in ("phone_a", "phone_b")
    }
    assert len(numbers) == count
    whole = {base64.b64decode(seal_bytes(KEY, b"same", ("state",)).split(".")[2])[:44] for _ in range(2000)}
    assert len(whole) == 2000


@settings(max_examples=200)
@given(st.text(max_size=90))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(Forged):
        open_number(KEY, text, "bindings.desk", "phone_a")


def test_the_key_shows_nothing_of_itself() -> None:
    assert repr(KEY) == f"Key(id='{KEY.id}', lineage='7c4d1a2b')"


KNOWN_WHOLE = "w1.bd758ccb.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8AAQIDBAUGBwgJCgusG44d+uHR0pS7t9cLwBrUmx37v5PG/ie7YvCuYw=="
KNOWN = "s1.bd758ccb.LGaPjWO8zlgJNOQKjGbfWn8A9S8c80fM3wF2iBEdD_G254512Q00qNp1Dn15UE9o"
