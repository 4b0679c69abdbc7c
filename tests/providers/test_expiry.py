"""LAAFFIC's expireTime in its forms, and the calibration of a zone that nothing documents."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnsync.providers.laaffic.expiry import Expiry, parse_expiry


@pytest.mark.parametrize(
    ("value", "expiry"),
    [
        ("1697965200", Expiry(instant=1697965200)),
        (1697965200, Expiry(instant=1697965200)),
        ("1697965200999", Expiry(instant=1697965200)),
        (1697965200999, Expiry(instant=1697965200)),
        ("2023-10-22 09:00:00", Expiry(naive=1697965200)),
        ("2023-10-22T09:00:00", Expiry(naive=1697965200)),
        ("2023-10-22T09:00:00Z", Expiry(instant=1697965200)),
        ("2023-10-22T17:00:00+08:00", Expiry(instant=1697965200)),
        ("2023-10-22T17:00:00.123+0800", Expiry(instant=1697965200)),
        *((one, Expiry()) for one in (None, "", 0, -1, 12, "12", True, 1.5, [], {}, "never", "2023-10-22")),
        *((one, Expiry()) for one in ("2023-13-22 09:00:00", "2023-02-30 09:00:00", "٢٠٢٣-10-22 09:00:00")),
        *(
            (one, Expiry())
            for one in ("2023-10-22 09:00:00 ", "0000-00-00 00:00:00", "0001-01-01T00:00:00+99:99")
        ),
        ("99991231235959", Expiry()),
    ],
)
def test_forms(value: Any, expiry: Expiry) -> None:
    assert parse_expiry(value) == expiry


@given(
    st.none()
    | st.integers()
    | st.floats()
    | st.text()
    | st.from_regex(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)?")
)
def test_nothing_is_raised(value: Any) -> None:
    parse_expiry(value)


@pytest.mark.parametrize(
    "written", ["0001-01-01 00:00:00", "0001-01-01 00:00:00+23:59", "1969-12-31 23:59:59Z"]
)
def test_an_end_before_all_calendars_is_none(written: str) -> None:
    assert parse_expiry(written) == Expiry()
