"""Phones show themselves masked, compare by digits and know their country."""

import copy
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnsync.phone import Phone, country_code, mask

DIGITS = st.from_regex(r"[1-9][0-9]{6,19}", fullmatch=True)


@pytest.mark.parametrize(
    ("digits", "code"),
    [
        ("447700900123", "44"), ("85211111114", "852"), ("12025550123", "1"), ("79161234567", "7"),
        ("8613800138000", "86"), ("9188067701", "91"), ("35312345678", "353"), ("99912345", ""), ("0447700", ""),
        ("21012345", ""), ("4", ""), ("1", "1"), ("", ""),
    ],
)  # fmt: skip
def test_country_codes(digits: str, code: str) -> None:
    assert country_code(digits) == code == Phone(digits).country_code


def test_the_table_is_the_itus() -> None:
    three = {f"{one:03d}" for one in range(1000) if len(country_code(f"{one:03d}")) == 3}
    two = {f"{one:02d}" for one in range(100) if len(country_code(f"{one:02d}0")) == 2}
    assert len(three) + len(two) + len({"1", "7"}) == 216  # 215 in use, and 379, which the Vatican keeps
    assert not {one[:2] for one in three} & two


@pytest.mark.parametrize(
    ("digits", "shown"),
    [("447700900123", "44••••23"), ("85211111114", "852••••14"), ("123456", "1••••56"), ("12345", "••••"),
     ("9991234567", "••••67"), ("4412", "••••")],
)  # fmt: skip
def test_masks(digits: str, shown: str) -> None:
    assert mask(digits) == shown


@given(DIGITS)
def test_no_text_form_tells_the_number(digits: str) -> None:
    one = Phone(digits)
    for text in (
        str(one),
        repr(one),
        f"{one}",
        f"{one:>20}",
        "{} {!r}".format(one, one),  # noqa: UP032
        repr([one]),
        repr({"a": one}),
    ):
        assert digits not in text and mask(digits) in text
    try:
        raise ValueError(one)
    except ValueError as error:
        assert digits not in "".join(traceback.format_exception(error))


@given(DIGITS, DIGITS)
def test_equal_by_digits(one: str, other: str) -> None:
    assert (Phone(one) == Phone(other)) == (one == other) == (len({Phone(one), Phone(other)}) == 1)
    assert Phone(one) != one and (Phone(one) < Phone(other)) == (one < other)
    assert copy.deepcopy(Phone(one)) == pickle.loads(pickle.dumps(Phone(one))) == Phone(one)


def test_a_phone_has_no_other_attributes() -> None:
    with pytest.raises(AttributeError):
        Phone("447700900123").note = "x"  # type: ignore[attr-defined]
