"""Worker threads that carry calls out, several at once.

Promises: a call's end is told once; who waits is woken by an interruption; a thread that hangs in a call never
keeps the process alive. Must not know what the calls do.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue


@dataclass(frozen=True, slots=True)
class _Raised:
    """What a call raised, on its way to the thread that waits."""

    error: BaseException


class ThreadDispatcher:
    """A `Dispatcher` of at most `width` threads, started when they are needed."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._threads = 0
        self._open = 0
        self._work: SimpleQueue[tuple[int, Callable[[], object]]] = SimpleQueue()
        self._ended: SimpleQueue[tuple[int, object] | None] = SimpleQueue()

    def submit(self, ticket: int, call: Callable[[], object]) -> None:
        """Start a call; beyond `width` it waits for a thread."""
        self._open += 1
        self._work.put((ticket, call))
        if self._threads < min(self._width, self._open):
            self._threads += 1
            threading.Thread(target=self._serve, name=f"pnsync-call-{self._threads}", daemon=True).start()

    def wait(self, timeout: float | None) -> list[tuple[int, object]]:
        """The calls that have ended: at least one, unless `timeout` seconds pass or the run is interrupted.

        Raises what a call raised, which is a bug: calls tell failures as outcomes.
        """
        found: list[tuple[int, object]] = []
        try:
            one = self._ended.get(timeout=timeout)
            while True:
                if one is not None:
                    self._open -= 1
                    ticket, outcome = one
                    if isinstance(outcome, _Raised):
                        raise outcome.error
                    found.append((ticket, outcome))
                one = self._ended.get_nowait()
        except Empty:
            return found

    def wake(self) -> None:
        """Let a `wait` return early. May be called from anywhere, also by a signal's handler."""
        self._ended.put(None)

    def _serve(self) -> None:
        while True:
            ticket, call = self._work.get()
            outcome: object
            try:
                outcome = call()
            except BaseException as error:  # raised again by wait(), in the thread that can end the run
                outcome = _Raised(error)
            self._ended.put((ticket, outcome))
