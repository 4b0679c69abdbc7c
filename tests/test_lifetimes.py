"""Leases, renewals and ends as arithmetic, at the instants where they turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnsync.lifetimes import (
    TOLERANCE_SECONDS,
    due_at,
    lease_seconds,
    outlives,
    over,
    spread_seconds,
    wanted_again,
)
from pnsync.model import CAPABILITIES, HOUR, NEVER, Lifetime, Schedule, VendorType

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
    assert due_at(lifetime, expires, "bindings.a", None) == due


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


# -- renewals spread over their window -----------------------------------------------------------------------------

THREE_DAYS = Lifetime(259_200, renew_before_seconds=51_840)
HOURLY = Schedule(every_seconds=HOUR, late_by_seconds=2 * HOUR)


def test_renewals_of_what_was_bound_together_are_spread_evenly() -> None:
    expires = NOW + 259_200
    early = expires - THREE_DAYS.renew_before_seconds
    spread = spread_seconds(THREE_DAYS, HOURLY)
    assert spread == 51_840 - 31_104  # 60 % of the window remains
    found = [due_at(THREE_DAYS, expires, f"bindings.order-{i}", HOURLY) for i in range(10_000)]
    hours: dict[int, int] = {}
    for one in found:
        assert one is not None and early <= one <= early + spread
        hours[(one - early) * 10 // (spread + 1)] = hours.get((one - early) * 10 // (spread + 1), 0) + 1
    assert len(hours) == 10 and max(hours.values()) < 1_300 and min(hours.values()) > 700


def test_an_address_keeps_its_share() -> None:
    once = due_at(THREE_DAYS, NOW, "bindings.a", HOURLY)
    assert once == due_at(THREE_DAYS, NOW, "bindings.a", HOURLY)
    assert once != due_at(THREE_DAYS, NOW, "bindings.b", HOURLY)


def test_without_a_schedule_the_declared_margin_is_left_whole() -> None:
    assert spread_seconds(THREE_DAYS, None) == 0
    assert due_at(THREE_DAYS, NOW, "bindings.a", None) == NOW - THREE_DAYS.renew_before_seconds


@pytest.mark.parametrize(
    ("window", "every", "spread"),
    [
        (51_840, 3600, 51_840 - 31_104),
        (51_844, 3600, 51_844 - 31_107),  # what remains is rounded up: 31,106.4
        (36_000, 9 * HOUR, 0),
        (36_000, 9 * HOUR - 1, 1),
        (36_000, 5 * HOUR + 1, 36_000 - 6 * HOUR - 1),
        (36_000, 20 * HOUR, 0),
        (0, 1, 0),
    ],
)
def test_how_far_renewals_are_spread(window: int, every: int, spread: int) -> None:
    lifetime = Lifetime(10**7, renew_before_seconds=window)
    found = spread_seconds(lifetime, Schedule(every_seconds=every, late_by_seconds=0))
    assert found == spread and isinstance(found, int)
    assert spread_seconds(lifetime, Schedule(every_seconds=0, late_by_seconds=every)) == spread


def test_the_first_and_the_last_share_are_the_ends_of_the_spread() -> None:
    """The names were searched for: their checksums are 0 and the greatest."""
    spread = spread_seconds(THREE_DAYS, HOURLY)
    first = due_at(THREE_DAYS, NOW, "bindings.gozvbslb", HOURLY)
    last = due_at(THREE_DAYS, NOW, "bindings.sueyasec", HOURLY)
    assert (first, last) == (NOW - 51_840, NOW - 51_840 + spread)
    assert isinstance(due_at(THREE_DAYS, NOW, "bindings.a", HOURLY), int)


@given(
    window=st.integers(0, 10**6),
    every=st.integers(1, 10**6),
    late=st.integers(0, 10**6),
    name=st.text(max_size=20),
)
def test_a_run_as_late_as_the_schedule_allows_still_comes_in_time(
    window: int, every: int, late: int, name: str
) -> None:
    lifetime, schedule = Lifetime(10**7, renew_before_seconds=window), Schedule(every, late)
    due = due_at(lifetime, NOW, name, schedule)
    assert due is not None and NOW - due <= window
    # The run that just missed it is followed by one before the end, with an hour for its own work.
    assert due == NOW - window or (due + every + late + HOUR <= NOW and NOW - due >= window * 0.6)
