"""SIGINT and SIGTERM, and time that they cut short.

The first signal asks the run to stop: sleeps end, waiting ends, nothing new is started. Promises: the process is
gone `GRACE_SECONDS` after the first signal, whatever hangs, and at once after the second; both are as safe as a
kill, as no clean-up carries a promise. A thread of its own watches, which needs nothing of the main thread: that
may stand in a system call for as long as a vendor likes.
"""

import contextlib
import os
import select
import signal
import threading
import time
import weakref
from collections.abc import Callable
from types import FrameType
from typing import IO, Final, Self

GRACE_SECONDS: Final = 4.8
"""How long what is in flight may still take: the end within 5 s is promised."""

QUIET_SECONDS: Final = 0.2
"""How soon most runs end after a signal; a person is told only what still takes time then."""

WATCHED: Final = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """A signal ended a command that changes nothing and so may end anywhere."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.signal = number


class Signals:
    """An `Interrupt` that listens to the process's signals, from `with` to its end.

    `gentle` leaves it to the run to stop; without it the first signal raises `Stopped` in the main thread.
    `first_words` is called when a gentle run does not end at once, `last_words` with the exit code before the process is
    ended because the grace is over; both in a thread of their own.
    """

    def __init__(
        self,
        *,
        gentle: bool,
        first_words: Callable[[], None] = lambda: None,
        last_words: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._gentle = gentle
        self._first_words = first_words
        self._last_words = last_words
        self._wakes: list[Callable[[], None]] = []
        self._raised = False
        self.signal: int | None = None

    def __enter__(self) -> Self:
        self._heard, self._hears = os.pipe()
        self._awake, self._wakens = os.pipe()
        # Threads of the run may still sleep after its end: both stay open as long as anybody can use them.
        weakref.finalize(self, _close, self._awake, self._wakens).atexit = False
        os.set_blocking(self._hears, False)
        self._before = {one: signal.signal(one, self._handle) for one in WATCHED}
        self._wakeup_before = signal.set_wakeup_fd(self._hears, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, name="pnsync-signals", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._wakeup_before)
        for one, before in self._before.items():
            signal.signal(one, before)
        os.close(self._hears)

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Have `wake` called by the first signal, also when that has come already."""
        self._wakes.append(wake)
        if self.signal is not None:
            wake()

    def sleep(self, seconds: float) -> None:
        """Wait, until the first signal at most."""
        if seconds > 0 and self.signal is None:
            select.select([self._awake], [], [], seconds)

    def readable(self, file: IO[str]) -> bool:
        """Wait until a line can be read; False when the first signal comes before."""
        if self.signal is None:
            select.select([self._awake, file.fileno()], [], [])
        return self.signal is None

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if not self._gentle and not self._raised:
            self._raised = True
            raise Stopped(number)

    def _watch(self) -> None:
        """Read the numbers of signals, which the C handler writes even while Python cannot run one."""
        number = self._next(None)
        if number is None:
            return
        self.signal = number
        os.write(self._wakens, b"!")
        for wake in self._wakes:
            wake()
        began = time.monotonic()
        ends = began + GRACE_SECONDS
        again = self._next(began + QUIET_SECONDS)
        if again is None and time.monotonic() >= began + QUIET_SECONDS:
            if self._gentle:
                with contextlib.suppress(Exception):
                    self._first_words()
            again = self._next(ends)
        if again is None and time.monotonic() < ends:
            return
        if again is None:
            with contextlib.suppress(Exception):
                self._last_words(128 + number)
        os._exit(128 + (again or number))

    def _next(self, until: float | None) -> int | None:
        """The next signal; None at `until`, or when the listening has ended."""
        while True:
            left = None if until is None else max(until - time.monotonic(), 0)
            ready, _, _ = select.select([self._heard], [], [], left)
            if not ready:
                return None
            heard = os.read(self._heard, 1)
            if not heard:
                os.close(self._heard)
                return None
            if heard[0] in WATCHED:
                return heard[0]


def _close(*descriptors: int) -> None:
    for one in descriptors:
        os.close(one)


class SystemClock:
    """The machine's time; sleeping ends with the first signal."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def now(self) -> float:
        """Epoch seconds, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never falling."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait; returns early when the run is interrupted."""
        self._signals.sleep(seconds)
