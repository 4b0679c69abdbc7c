"""How long a place of state that has answered before is waited for, and how.

What is asked again is only what may be asked twice. Promises that an interrupted run does not wait.
"""

from typing import Final

from pnsync.interfaces import Clock

PATIENCE_SECONDS: Final = 30.0
"""For a fail-over, a restart, a network that is gone for a moment."""
_SHORTEST_SECONDS: Final = 0.2
_LONGEST_SECONDS: Final = 2.0


class Patience:
    """One question's patience: `again` waits, ever longer, until it has run out."""

    def __init__(self, clock: Clock, seconds: float = PATIENCE_SECONDS) -> None:
        self._clock = clock
        self._until = clock.monotonic() + seconds
        self._pause = _SHORTEST_SECONDS

    def again(self) -> bool:
        """Wait a moment; False where there is no time left, or where the run was interrupted."""
        before = self._clock.monotonic()
        if before >= self._until:
            return False
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_SECONDS)
        self._clock.sleep(pause)
        return self._clock.monotonic() - before >= pause / 2
