"""A dispatcher without threads: when each call reaches its vendor and when its answer comes is the seed's choice."""

import heapq
import itertools
from collections.abc import Callable
from random import Random

from .process import Abandoned, Process
from .timeline import SimClock


class SimDispatcher:
    """Runs calls in simulated time. A call may reach the vendor at once, or while its caller does something else."""

    def __init__(self, process: Process, clock: SimClock, random: Random, owed: Callable[[], float]) -> None:
        self._process = process
        self._clock = clock
        self._random = random
        self._owed = owed
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, int, Callable[[], object]]] = []
        self._ended: list[tuple[float, int, int, object]] = []
        self._told_signal = False
        self.most = 0

    def submit(self, ticket: int, call: Callable[[], object]) -> None:
        now = self._clock.monotonic()
        if self._random.random() < 0.4:
            self._run(now, ticket, call)
        else:
            at = now + self._random.choice((0.0, 0.05, 0.3, 2.0)) * self._random.random()
            heapq.heappush(self._waiting, (at, next(self._order), ticket, call))
        self.most = max(self.most, len(self._waiting) + len(self._ended))

    def _run(self, at: float, ticket: int, call: Callable[[], object]) -> None:
        self._owed()
        try:
            outcome = call()
        except Abandoned:
            return
        until = max(at, self._clock.monotonic()) + self._owed() + 0.02 + self._random.random() * 0.3
        heapq.heappush(self._ended, (until, next(self._order), ticket, outcome))

    def wait(self, timeout: float | None) -> list[tuple[int, object]]:
        self._process.check()
        deadline = None if timeout is None else self._clock.monotonic() + timeout
        while True:
            if self._process.signal is not None and not self._told_signal:
                self._told_signal = True
                return []
            nexts = [heap[0][0] for heap in (self._waiting, self._ended) if heap]
            if not nexts and deadline is None:
                raise AssertionError("a run waits for a call that nobody makes")
            at = min(nexts, default=float("inf"))
            if deadline is not None and deadline < at:
                self._advance_to(deadline)
                if self._clock.monotonic() >= deadline:
                    return []
                continue
            self._advance_to(at)
            now = self._clock.monotonic()
            if now < at:
                continue
            while self._waiting and self._waiting[0][0] <= now:
                when, _, ticket, call = heapq.heappop(self._waiting)
                self._run(when, ticket, call)
            found = []
            now = self._clock.monotonic()
            while self._ended and self._ended[0][0] <= now:
                _, _, ticket, outcome = heapq.heappop(self._ended)
                found.append((ticket, outcome))
            if found:
                return found

    def _advance_to(self, at: float) -> None:
        ahead = at - self._clock.monotonic()
        if ahead > 0:
            self._clock.advance(ahead + 1e-6)
