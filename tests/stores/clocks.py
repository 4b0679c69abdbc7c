"""A clock that moves only when somebody sleeps."""

from collections.abc import Callable

from .values import NOW


class StepClock:
    """Time by sleeping; `during` is called whenever somebody sleeps, to play what others do meanwhile."""

    def __init__(self, during: Callable[["StepClock"], None] | None = None) -> None:
        self.passed = 0.0
        self._during = during

    def now(self) -> float:
        return NOW + self.passed

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.passed += seconds
        if self._during is not None:
            self._during(self)
