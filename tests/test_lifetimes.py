"""Leases, renewals and ends as arithmetic, at the instants where they turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnsync.lifetimes import TOLERANCE_SECONDS, due_at, lease_seconds, outlives, over, wanted_again
from pnsync.model import CAPABILITIES, NEVER, Lifetime, VendorType

NX = CAPABILITIES[VendorType.NXCLOUD]
LA = CAPABILITIES[VendorType.LAAFFIC]
NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("lifetime", "vendor", "seconds"),
    [
        (Lifetime(None), NX, 0),
        (Lifetime(None), LA, 259_200),
        (Lifetime(86400), NX, 86400),
        (Lifetime(864_000), LA, 259_200),
        (Lifetime(None, until=NOW + 500), NX, 500),
        (Lifetime(60, until=NOW + 500), NX, 60),
        (Lifetime(900, until=NOW + 500), LA, 500),
        (Lifetime(None, until=NOW + 999_999), LA, 259_200),
        (Lifetime(None, until=NOW), NX, 1),
        (Lifetime(None, until=NOW - 9), LA, 1),
    ],
)
def test_the_seconds_of_a_call(lifetime: Lifetime, vendor: object, seconds: int) -> None:
    assert lease_seconds(lifetime, NOW, vendor) == seconds  # type: ignore[arg-type]


def test_a_lease_is_in_whole_seconds_that_remain() -> None:
    assert lease_seconds(Lifetime(None, until=NOW + 10), NOW + 0.7, NX) == 9


@pytest.mark.parametrize(("until", "ended"), [(NOW + 1, False), (NOW, True), (NOW - 1, True), (None, False)])
def test_over(until: int | None, ended: bool) -> None:
    assert over(Lifetime(60, until=until), NOW) is ended
    assert wanted_again(Lifetime(60, until=until), NOW) is not ended
    assert not wanted_again(Lifetime(60, until=until, keep=False), NOW)


@pytest.mark.parametrize(
    ("lifetime", "expires", "due"),
    [
        (Lifetime(100, renew_before_seconds=20), NOW, NOW - 20),
        (Lifetime(100, renew_before_seconds=20, keep=False), NOW, None),
        (Lifetime(None), NEVER, None),
        (Lifetime(100, until=NOW + 900, renew_before_seconds=20), NOW, NOW - 20),
        (Lifetime(100, until=NOW, renew_before_seconds=20), NOW, None),
        (Lifetime(100, until=NOW + TOLERANCE_SECONDS, renew_before_seconds=20), NOW, None),
        (Lifetime(100, until=NOW + TOLERANCE_SECONDS + 1, renew_before_seconds=20), NOW, NOW - 20),
    ],
)
def test_due(lifetime: Lifetime, expires: int, due: int | None) -> None:
    assert due_at(lifetime, expires) == due


@pytest.mark.parametrize(
    ("lifetime", "expires", "longer"),
    [
        (Lifetime(100), NOW + 100 + TOLERANCE_SECONDS, False),
        (Lifetime(100), NOW + 101 + TOLERANCE_SECONDS, True),
        (Lifetime(100), NEVER, True),
        (Lifetime(None), NEVER, False),
        (Lifetime(100, until=NOW + 500), NOW + 500 + TOLERANCE_SECONDS, False),
        (Lifetime(100, until=NOW + 500), NOW + 501 + TOLERANCE_SECONDS, True),
    ],
)
def test_outlives(lifetime: Lifetime, expires: int, longer: bool) -> None:
    assert outlives(lifetime, expires, NOW) is longer


@given(
    lease=st.one_of(st.none(), st.integers(1, 10**7)),
    until=st.one_of(st.none(), st.integers(1, 10**7)),
    vendor=st.sampled_from([NX, LA]),
    latency=st.floats(0, 20),
)
def test_what_was_just_bound_is_neither_over_nor_too_long(
    lease: int | None, until: int | None, vendor: object, latency: float
) -> None:
    lifetime = Lifetime(lease, until=None if until is None else NOW + until)
    seconds = lease_seconds(lifetime, NOW, vendor)  # type: ignore[arg-type]
    expires = NEVER if seconds == 0 else int(NOW + latency + seconds)
    assert not outlives(lifetime, expires, NOW)
    assert seconds <= (vendor.max_lease_seconds or NEVER)  # type: ignore[attr-defined]
