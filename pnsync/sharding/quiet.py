"""Runs that share a state let each other read: while one reads a vendor's listing, the others begin no change.

A listing that moves while it is read proves nothing, and with several runs at work it would never hold
still. Politeness only: who does not notice makes a listing that is read again, or that nothing is concluded from. A
reader that died is not waited for; no two clocks are compared.
"""

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pnsync.errors import StateError
from pnsync.interfaces import Backend, Blob, Changed, Clock
from pnsync.store import lease as leases

NAME: Final = "quiet"
POLL_SECONDS: Final = 0.5
NOTICE_SECONDS: Final = 1.0
"""How long the others are given to notice, and their calls to end."""


class Quiet:
    """One run's side of it. `place` is the state's, `parts` are its parts' places, of which the run holds one."""

    def __init__(
        self, place: Backend, parts: Sequence[Backend], index: int, holder: str, clock: Clock
    ) -> None:
        self._place = place
        self._parts = parts
        self._index = str(index)
        self._holder = holder
        self._clock = clock
        self._asked_at: float | None = None
        self._wait = 0.0
        self._seen: dict[str, tuple[int, float]] = {}

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Ask the others to begin nothing meanwhile."""
        self._say(self._holder)
        try:
            others = [one for number, one in enumerate(self._parts) if str(number) != self._index]
            if any(self._terms(one).holder is not None for one in others):
                self._clock.sleep(NOTICE_SECONDS)
            yield
        finally:
            self._say(None)

    def wait(self) -> float:
        """The seconds after which to ask again before a change is begun; 0: none of the others is reading."""
        now = self._clock.monotonic()
        if self._asked_at is None or now - self._asked_at >= POLL_SECONDS:
            self._asked_at = now
            try:
                readers = _readers(self._place.read(NAME))
                busy = any(self._alive(index, holder, now) for index, holder in readers.items())
            except StateError:
                busy = False  # a place that cannot be read takes no intent either, and that is told there
            self._wait = POLL_SECONDS if busy else 0.0
        return self._wait

    def _alive(self, index: str, holder: str, now: float) -> bool:
        """Whether a reader holds its part still, by a lease that is renewed."""
        if index == self._index or int(index) >= len(self._parts):
            return False
        terms = self._terms(self._parts[int(index)])
        if terms.holder is None or terms.holder.id != holder:
            return False
        counter, since = self._seen.get(holder, (-1, now))
        if counter != terms.counter:
            self._seen[holder] = (terms.counter, now)
            return True
        return now - since < leases.TTL_SECONDS

    def _terms(self, part: Backend) -> leases.Terms:
        return leases.read(part.read(leases.NAME))

    def _say(self, holder: str | None) -> None:
        with contextlib.suppress(StateError):
            while True:
                blob = self._place.read(NAME)
                readers = _readers(blob)
                if readers.get(self._index) == holder:
                    return
                if holder is None:
                    del readers[self._index]
                else:
                    readers[self._index] = holder
                data = json.dumps({"readers": readers}, sort_keys=True).encode()
                try:
                    self._place.write(NAME, data, None if blob is None else blob.version)
                    return
                except Changed:
                    continue


def _readers(blob: Blob | None) -> dict[str, str]:
    """Who reads: numbers of parts, and the ids of their holders. What cannot be read says nothing."""
    try:
        found: Any = {} if blob is None else json.loads(blob.data)["readers"]
        return {str(int(index)): str(holder) for index, holder in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
