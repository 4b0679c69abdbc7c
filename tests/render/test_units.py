"""Figures as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnsync.render.units import counted, duration, moment, number, parsed

NOW = "2026-11-22T00:00:00Z"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.004, "<0.1 s"),
        (0.31, "0.3 s"),
        (1, "1 s"),
        (9.96, "10 s"),
        (12.7, "12 s"),
        (60, "1 m"),
        (754, "12 m 34 s"),
        (33_120, "9 h 12 m"),
        (86_400, "1 d"),
        (86_400 * 3 + 3600, "3 d 1 h"),
        (86_400 + 59, "1 d"),
        (86_400 * 12_345, "12,345 d"),
        (-3, "0 s"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@given(st.floats(min_value=0, max_value=1e12))
def test_a_duration_is_never_empty_and_has_two_units_at_most(seconds: float) -> None:
    assert 1 <= len(duration(seconds).split(" ")) // 2 <= 2


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        ("2026-11-22T19:12:00Z", "22 Nov 19:12Z"),
        ("2026-11-22T19:12:30Z", "22 Nov 19:12:30Z"),
        ("2026-11-23T03:00:00+08:00", "22 Nov 19:00Z"),
        ("2028-02-29T00:00:00Z", "29 Feb 2028 00:00Z"),
        ("2025-12-31T23:59:00Z", "31 Dec 2025 23:59Z"),
        ("tomorrow", "tomorrow"),
        ("2026-11-22T19:12:00", "2026-11-22T19:12:00"),
    ],
)
def test_moments(instant: str, text: str) -> None:
    assert moment(instant, NOW) == text


def test_an_unknown_now_tells_the_year() -> None:
    assert moment("2026-11-22T19:12:00Z", "") == "22 Nov 2026 19:12Z"


def test_counts() -> None:
    assert (number(1_234_567), counted(1, "call"), counted(1204, "binding")) == (
        "1,234,567",
        "1 call",
        "1,204 bindings",
    )
    assert counted(0, "is", "are") == "0 are"


@given(st.text())
def test_any_text_is_an_instant_or_none(text: str) -> None:
    parsed(text)
