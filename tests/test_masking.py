"""Pseudonyms: equal for equal numbers under one key and lineage, useless without it, never the number."""

import re

from hypothesis import given
from hypothesis import strategies as st

from pnsync.masking import Masker, base32, derive, keyed_digest, new_key
from pnsync.phone import Phone

KEY = bytes(range(32))
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
