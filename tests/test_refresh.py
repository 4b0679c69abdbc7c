"""Vendors side by side: one that fails takes nothing from the others, a signal ends the reading, a known zone dates the ends."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from stores.clocks import StepClock

from pnsync.dispatch import ThreadDispatcher
from pnsync.errors import Interrupted, VendorError
from pnsync.interfaces import Dispatcher
from pnsync.matching import row_of
from pnsync.model import Observed
from pnsync.refresh import calibrated, observe
from pnsync.verdict import Read, Report
from tests.readers import Silent, Vendor, vendors
from tests.worlds import DAY, NOW, PROVIDERS, axb, made, observed, ride

ROWS = [row_of(made(axb("order"))), row_of(made(ride("ride")))]


class Stop(Silent):
    """A signal has come."""

    signal = 15


def read(
    providers: dict[str, Vendor],
    interrupt: Silent | None = None,
    dispatcher: Callable[[int], Dispatcher] = ThreadDispatcher,
    told: list[Report] | None = None,
    only: list[str] | None = None,
) -> Observed:
    """What is observed of these."""
    return observe(
        providers, scans=2, report=(told if told is not None else []).append, clock=StepClock(),
        dispatcher=dispatcher, interrupt=interrupt or Silent(), only=only,
    )  # fmt: skip


def test_one_that_fails_takes_nothing_from_the_others() -> None:
    error, told = VendorError("no answer"), list[Report]()
    found = read({**vendors(*ROWS), "nx2": Vendor(PROVIDERS["nx2"], failure=error)}, told=told)
    assert sorted(found.listings) == ["la", "nx"] and found.failures == {"nx2": error}
    assert [one.provider for one in told if isinstance(one, Read)] == ["la", "nx"]


def test_only_those_are_read_that_are_asked_for() -> None:
    every = vendors(*ROWS)
    assert list(read(every, only=["la"]).listings) == ["la"] and every["nx"].scans == []
    assert read(every, only=[]) == Observed({}, {}) and every["la"].scans == [2]


class Woken:
    """Carries nothing out: who waits is woken by the signal, while both vendors hang."""

    def __init__(self, width: int) -> None:
        self.begun = 0

    def submit(self, ticket: int, call: Callable[[], object]) -> None:
        self.begun += 1

    def wait(self, timeout: float | None) -> list[tuple[int, object]]:
        assert self.begun == 2
        return []

    def wake(self) -> None:
        """Nobody hangs."""


def test_a_signal_ends_the_reading_though_vendors_hang() -> None:
    with pytest.raises(Interrupted):
        read(vendors(*ROWS), Stop(), Woken)


class AtOnce(Woken):
    """Carries all out, and tells their ends together."""

    def __init__(self, width: int) -> None:
        self.ended: list[tuple[int, object]] = []

    def submit(self, ticket: int, call: Callable[[], object]) -> None:
        self.ended.append((ticket, call()))

    def wait(self, timeout: float | None) -> list[tuple[int, object]]:
        return self.ended


def test_what_was_read_when_the_signal_came_counts() -> None:
    assert sorted(read(vendors(*ROWS), Stop(), AtOnce).listings) == ["la", "nx"]


def test_a_known_zone_dates_the_ends_that_name_none() -> None:
    east = 8 * 3600
    unknown = replace(ROWS[1], expires_at=None, naive_expiry=NOW + DAY + east)
    dated = replace(ROWS[1], bind_id="2", expires_at=NOW + 5, naive_expiry=NOW + DAY + east)
    silent = replace(ROWS[1], bind_id="3", expires_at=None, naive_expiry=None)
    seen = observed([unknown, dated, silent])
    found = calibrated(seen, {"la": east}).listings["la"].bindings
    assert [row.expires_at for row in found] == [NOW + DAY, NOW + 5, None]
    assert calibrated(seen, {"nx": east}) == seen
