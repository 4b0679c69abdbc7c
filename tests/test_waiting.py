"""Whoever has to wait for another run is told for whom before the waiting begins, and waits no longer than asked, or than a signal."""

import pytest
from stores.clocks import StepClock
from stores.memory import MemoryPlace
from stores.values import holder

from pnsync.errors import Interrupted, Locked
from pnsync.verdict import Report, Warned
from pnsync.waiting import held
from tests.readers import Silent, world

OMAR = holder("omar", "aaaaaaaa")


class Signal(Silent):
    """An interruption that may have come."""

    def __init__(self, number: int | None = None) -> None:
        self.signal = number


class Waiting:
    """A run that finds the state held by another one, and what it told, with the time at which it did."""

    def __init__(self, clock: StepClock, signal: Signal) -> None:
        self.clock, self.told = clock, list[tuple[float, Report]]()
        place = MemoryPlace()
        world(place).store.hold(OMAR, timeout=0)
        self.world = world(place, clock=clock, report=self._report, signal=signal)

    def _report(self, report: Report) -> None:
        self.told.append((self.clock.passed, report))


def test_who_does_not_wait_is_refused_and_told_nothing_more() -> None:
    one = Waiting(StepClock(), Signal())
    with pytest.raises(Locked):
        held(one.world, 0.0)
    assert one.told == [] and one.clock.passed == 0


def test_whom_one_waits_for_is_told_before_the_waiting() -> None:
    one = Waiting(StepClock(), Signal())
    with pytest.raises(Locked):
        held(one.world, 7.0)
    ((at, report),) = one.told
    assert at == 0 and isinstance(report, Warned) and report.detail.startswith("omar on ")
    assert 7 <= one.clock.passed < 10


def test_a_state_that_is_freed_meanwhile_is_taken() -> None:
    one = Waiting(StepClock(lambda clock: other.unlock(OMAR.id) if clock.passed < 3 else None), Signal())
    other = one.world.store
    with held(one.world, 30.0):
        assert one.clock.passed < 10


@pytest.mark.parametrize("before", [True, False])
def test_after_a_signal_nobody_waits(before: bool) -> None:
    signal = Signal(15 if before else None)

    class Cut(StepClock):
        """A sleep that a signal ends at once."""

        def sleep(self, seconds: float) -> None:
            assert not before, "nobody waits"
            signal.signal = 15

    one = Waiting(Cut(), signal)
    with pytest.raises(Locked if before else Interrupted):
        held(one.world, 900.0)
    assert len(one.told) == (0 if before else 1)
