"""Which zone explains a naive expiry."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnsync.providers.laaffic.expiry import parse_expiry
from pnsync.zones import zone_of


@given(st.integers(-56, 56), st.floats(-119, 119), st.integers(1_600_000_000, 2_000_000_000))
def test_a_zone_of_quarter_hours_is_found(quarters: int, residue: float, expected: int) -> None:
    zone = timezone(timedelta(minutes=15 * quarters))
    listed = datetime.fromtimestamp(expected, zone).strftime("%Y-%m-%d %H:%M:%S")
    naive = parse_expiry(listed).naive
    assert naive is not None
    assert zone_of(naive, expected + residue) == quarters * 900


@pytest.mark.parametrize("difference", [120, 450, 780, -120, 57 * 900, -57 * 900, 86400])
def test_what_is_no_zone_is_refused(difference: int) -> None:
    assert zone_of(1_697_965_200 + difference, 1_697_965_200) is None


def test_a_known_zone_gives_the_instant() -> None:
    instant = int(datetime(2023, 10, 22, 1, tzinfo=UTC).timestamp())
    naive = parse_expiry("2023-10-22 09:00:00").naive
    assert naive is not None
    assert naive - (zone_of(naive, instant + 40) or 0) == instant
