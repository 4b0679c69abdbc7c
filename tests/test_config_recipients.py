"""age recipients in the root file: a typing error is found where it stands."""

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnsync.config.recipients import recipient_fault

GOOD = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
"""The recipient of age's own README."""
CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def test_recipients_that_age_makes_are_right() -> None:
    assert recipient_fault(GOOD) == ""
    for _ in range(50):
        assert recipient_fault(str(pyrage.x25519.Identity.generate().to_public())) == ""


@given(st.integers(4, 61), st.sampled_from(CHARSET))
def test_one_wrong_character_is_found(at: int, other: str) -> None:
    text = GOOD[:at] + other + GOOD[at + 1 :]
    assert (recipient_fault(text) == "") is (text == GOOD)


@given(st.integers(4, 60))
def test_two_swapped_characters_are_found(at: int) -> None:
    text = GOOD[:at] + GOOD[at + 1] + GOOD[at] + GOOD[at + 2 :]
    assert (recipient_fault(text) == "") is (text == GOOD)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD[:-1], "62 characters"),
        (GOOD + "q", "62 characters"),
        (GOOD[:10] + "b" + GOOD[11:], "character 11 does not occur"),
        (GOOD[:10] + "é" + GOOD[11:], "character 11 does not occur"),
        ("ssh-ed25519 AAAA", "begins with age1"),
        (GOOD.upper(), "begins with age1"),
        ("AGE-SECRET-KEY-1QQQ", "secret"),
        ("", "begins with age1"),
    ],
)
def test_what_is_wrong_is_told(text: str, told: str) -> None:
    assert told in recipient_fault(text)
