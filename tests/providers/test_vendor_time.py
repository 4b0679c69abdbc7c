"""The vendor's time, learned from Date headers: bounds, jumps that need a second witness, clocks that were set."""

import email.utils
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnsync.providers.pacing import Pace
from pnsync.providers.vendor_time import VendorTime

from .world import START, ManualClock


def date(seconds: float) -> str:
    return email.utils.formatdate(math.floor(seconds), usegmt=True)


def learn(time: VendorTime, clock: ManualClock, skew: float, took: float = 0.2, **values: bool) -> None:
    began = clock.now()
    clock.pass_time(took)
    time.learn(date(began + took / 2 + skew), began, clock.now(), **values)


@given(st.floats(-19, 19), st.floats(0, 15), st.integers(1, 5))
def test_a_small_skew_is_followed_no_further_than_proven(skew: float, took: float, times: int) -> None:
    clock = ManualClock()
    time = VendorTime(clock)
    for _ in range(times):
        learn(time, clock, skew, took)
    assert abs(time.offset) <= abs(skew) + 0.001
    assert abs(time.offset - skew) <= took + 2.001


def test_equal_clocks_are_left_alone() -> None:
    clock = ManualClock()
    time = VendorTime(clock)
    for _ in range(20):
        learn(time, clock, 0, 0.37)
    assert time.offset == 0
    assert time.now() == clock.now()


def test_a_large_jump_needs_a_second_witness() -> None:
    clock = ManualClock()
    time = VendorTime(clock)
    learn(time, clock, 500)
    assert time.offset == 0
    learn(time, clock, 0)
    learn(time, clock, 500)
    assert time.offset == 0
    learn(time, clock, 500)
    assert time.offset == pytest.approx(500, abs=2.5)


def test_a_refused_stamp_proves_it_at_once() -> None:
    clock = ManualClock()
    time = VendorTime(clock)
    learn(time, clock, -4000, refused=True)
    assert time.offset == pytest.approx(-4000, abs=2.5)


@pytest.mark.parametrize(
    "header", ["", "x", "Mon, 99 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "9" * 400]
)
def test_a_header_that_is_no_date_teaches_nothing(header: str) -> None:
    clock = ManualClock()
    time = VendorTime(clock)
    for _ in range(3):
        time.learn(header, START, START + 1, refused=True)
    assert time.offset == 0


@pytest.mark.parametrize(("wall", "mono"), [(3600, 0), (-3600, 0), (0, 3600), (60, 0)])
def test_a_set_clock_or_a_sleep_is_noticed_and_learned(wall: float, mono: float) -> None:
    clock = ManualClock()
    time = VendorTime(clock)
    learn(time, clock, 0)
    assert not time.disturbed
    clock.wall += wall
    clock.mono += mono
    assert time.disturbed
    assert time.latest() >= START + max(wall, mono)
    learn(time, clock, -wall)
    assert not time.disturbed
    assert time.now() == pytest.approx(clock.now() - wall, abs=2.5)
    assert time.latest() == pytest.approx(time.now(), abs=0.01)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30), st.floats(1, 50))
def test_slots_are_never_closer_than_the_rate(pauses: list[float], rate: float) -> None:
    clock = ManualClock()
    pace = Pace(rate, clock)
    opens = []
    for pause in pauses:
        clock.pass_time(pause)
        wait = pace.take()
        assert wait >= 0
        opens.append(clock.monotonic() + wait)
    assert all(b - a >= 1 / rate - 1e-6 for a, b in itertools.pairwise(opens))
