"""Events that wait for the next durable write, so that what one change ended with and the next begins with share it.

Promises: what depends on an event being durable is told after it is. Where a write fails nothing of it is told.
"""

from collections.abc import Callable
from typing import Protocol

from pnsync.journal import Event
from pnsync.state import State


class Record(Protocol):
    """The held state: `record` is durable when it returns, `check` raises when the hold is lost."""

    @property
    def state(self) -> State: ...

    def record(self, *events: Event) -> None: ...

    def check(self) -> None: ...


class Batch:
    """What waits for one record."""

    def __init__(self, session: Record) -> None:
        self._session = session
        self._events: list[Event] = []
        self._tellings: list[Callable[[], None]] = []

    def add(self, event: Event) -> None:
        """Let an event wait for the next write."""
        self._events.append(event)

    def then(self, tell: Callable[[], None]) -> None:
        """Call `tell` once what waits now is durable."""
        self._tellings.append(tell)

    def flush(self) -> None:
        """Make everything durable, then tell it. Raises StateError where that fails."""
        if self._events:
            events, self._events = self._events, []
            self._session.record(*events)
        tellings, self._tellings = self._tellings, []
        for tell in tellings:
            tell()
