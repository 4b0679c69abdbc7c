"""Pseudonyms: equal for equal numbers under one key and lineage, useless without it, never the number."""

import hashlib
import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnsync.masking import Masker, base32, derive, keyed_digest, new_key
from pnsync.phone import Phone
from tests.profile import either

KEY = bytes(range(32))
GOLDEN = "anmcnpj"
PHONES = st.builds(Phone, st.from_regex(r"44[0-9]{8,13}", fullmatch=True))


def test_what_a_phone_looks_like() -> None:
    shown = Masker(KEY, "7c4d").show(Phone("447700900177"))
    assert re.fullmatch(r"44••••77~[0-9a-hjkmnp-tv-z]{7}", shown)
    assert shown == Masker(KEY, "7c4d").show(Phone("447700900177"))
    assert Masker(KEY, "7c4d", reveal=True).show(Phone("447700900177")) == "447700900177"


@given(one=PHONES, other=PHONES)
def test_equal_for_equal_numbers_alone(one: Phone, other: Phone) -> None:
    masker = Masker(KEY, "7c4d")
    assert (masker.pseudonym(one) == masker.pseudonym(other)) == (one == other)


def test_a_million_numbers_of_one_country_are_told_apart() -> None:
    """As they are shown: by country code, last two digits and pseudonym; equal ones alike."""
    masker, again = Masker(KEY, "7c4d"), Masker(KEY, "7c4d")
    numbers = [f"447700{number:06d}" for number in range(0, 10**6, either(1, 49))]
    shown = {masker.show(Phone(one)) for one in numbers}
    assert len(shown) == len(numbers)
    assert all(again.show(Phone(one)) in shown for one in numbers[::1000])


def test_a_known_pseudonym() -> None:
    """As any HMAC makes it: HMAC-SHA256 under HMAC-SHA256(key, "pnsync/pseudonym" 01), over lineage, 00 and digits."""
    inner = hmac.new(KEY, b"pnsync/pseudonym\x01", hashlib.sha256).digest()
    tag = hmac.new(inner, b"7c4d\x00447700900177", hashlib.sha256).digest()
    bits = f"{int.from_bytes(tag, 'big'):0256b}"
    letters = "".join("0123456789abcdefghjkmnpqrstvwxyz"[int(bits[at : at + 5], 2)] for at in range(0, 35, 5))
    assert Masker(KEY, "7c4d").pseudonym(Phone("447700900177")) == letters == GOLDEN


@pytest.mark.parametrize("wrong", [b"", KEY[:-1], hashlib.sha256(KEY).digest()])
def test_trying_every_number_finds_none_without_the_key(wrong: bytes) -> None:
    """Whoever knows the whole form, and everything but the key, gains nothing: of the candidates none fits but by chance."""
    hidden = Masker(KEY, "7c4d").pseudonym(Phone("447700090177"))
    candidates = [Phone(f"447700{number:04d}77") for number in range(2_000)]
    tried = Masker(wrong, "7c4d")
    assert hidden not in {tried.pseudonym(one) for one in candidates}
    for plain in (hashlib.sha256, hashlib.md5, hashlib.sha1):
        found = {base32(plain(one.digits.encode()).digest(), 7) for one in candidates}
        found |= {base32(plain(b"7c4d\x00" + one.digits.encode()).digest(), 7) for one in candidates}
        assert hidden not in found
    assert hidden in {Masker(KEY, "7c4d").pseudonym(one) for one in candidates}


@given(one=PHONES)
def test_another_key_or_lineage_shows_another_pseudonym(one: Phone) -> None:
    mine = Masker(KEY, "7c4d").pseudonym(one)
    assert mine != Masker(b"x" * 32, "7c4d").pseudonym(one) and mine != Masker(KEY, "8888").pseudonym(one)
    assert one.digits not in Masker(KEY, "7c4d").show(one)


def test_no_two_purposes_share_a_key() -> None:
    keys = {derive(KEY, label) for label in ("pseudonym", "account", "credentials", "")}
    assert len(keys) == 4 and all(len(one) == 32 for one in keys)
    assert len({new_key() for _ in range(9)}) == 9


def test_a_digest_binds_the_borders_of_its_parts() -> None:
    texts = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("", "abc")]
    found = {keyed_digest(KEY, "config", one) for one in texts}
    assert len(found) == len(texts) and all(one.startswith("sha256:") for one in found)
    assert keyed_digest(KEY, "config", ("a",)) != keyed_digest(KEY, "other", ("a",))


def test_base32_takes_the_first_bits() -> None:
    assert base32(b"\xff\x00\x00\x00\x00", 8) == "zw000000"
    assert base32(b"\x00\x00\x00\x00\x01", 8) == "00000001"
