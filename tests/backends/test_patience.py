"""How long a place that has answered before is waited for."""

from itertools import pairwise

from stores.clocks import StepClock

from pnsync.backends.patience import PATIENCE_SECONDS, Patience


def test_it_waits_ever_longer_until_it_has_run_out() -> None:
    clock = StepClock()
    one, at = Patience(clock), [0.0]
    while one.again():
        at.append(clock.passed)
    pauses = [round(later - earlier, 3) for earlier, later in pairwise(at)]
    assert pauses[:5] == [0.2, 0.4, 0.8, 1.6, 2.0] and set(pauses[5:]) == {2.0}
    assert PATIENCE_SECONDS <= clock.passed < PATIENCE_SECONDS + 2


def test_an_interrupted_run_waits_no_longer() -> None:
    class Cut(StepClock):
        """Its sleeps end at once."""

        def sleep(self, seconds: float) -> None:
            self.passed += seconds / 10

    assert not Patience(Cut()).again()
