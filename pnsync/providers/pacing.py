"""The rate limit of one provider: slots a fixed distance apart, handed out in order, held back on demand."""

import threading

from pnsync.interfaces import Clock


class Pace:
    """Hands out slots, `rate` a second. Safe to use from several threads; never sleeps."""

    def __init__(self, rate: float, clock: Clock) -> None:
        self._interval = 1.0 / rate if rate > 0 else 0.0
        self._clock = clock
        self._next = clock.monotonic()
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take the next slot; the seconds until it opens."""
        with self._lock:
            now = self._clock.monotonic()
            opens = max(now, self._next)
            self._next = opens + self._interval
            return opens - now

    def hold(self, seconds: float) -> None:
        """Open no slot for this long: a vendor has asked for fewer calls."""
        with self._lock:
            self._next = max(self._next, self._clock.monotonic() + seconds)
