"""The sandbox's own clock: a source of epoch seconds and an offset that tests and the server's clock endpoint move.

Nothing in the sandbox sleeps or reads the time elsewhere, so that expiry, time stamps, late effects and slow
answers all follow this one value.
"""

import threading
import time
from collections.abc import Callable


class SandboxClock:
    """Epoch seconds of `source` plus an offset; callable, safe to share between threads."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._offset = 0.0
        self._lock = threading.Lock()

    @classmethod
    def manual(cls, start: float) -> "SandboxClock":
        """A clock that stands at `start` and moves only by `advance`."""
        return cls(lambda: start)

    @classmethod
    def over(cls, source: "Callable[[], float] | SandboxClock | None") -> "SandboxClock":
        """`source` itself where it is such a clock, else one that follows it (real time for None) and moves alone."""
        return source if isinstance(source, SandboxClock) else cls(source or time.time)

    def __call__(self) -> float:
        return self._source() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock by `seconds`; negative ones set it back, as a corrected server clock would."""
        with self._lock:
            self._offset += seconds
