"""A vendor's time: our clock plus an offset learned from the Date header of its answers.

A header says its second only, and was written at some moment between request and answer; so each answer gives
bounds, and the offset moves no further than they demand. A jump of more than 20 s is believed when a second
answer confirms it, or when the vendor has refused our time stamp. A wall clock that was set, or
a machine that slept, shows as a difference between wall clock and monotonic clock.
"""

import threading
from email.utils import parsedate_to_datetime
from typing import Final

from pnsync.interfaces import Clock

JUMP_SECONDS: Final = 20.0
"""A skew that one answer alone does not prove."""
_AGREE_SECONDS: Final = 5.0
_DISTURBED_SECONDS: Final = 2.0
_DATE_SECONDS: Final = 2.0
"""A Date header names the second it falls into, and servers keep one for up to another second."""


class VendorTime:
    """The time by which one vendor judges our stamps, epoch seconds. Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = 0.0
        self._gap = clock.now() - clock.monotonic()
        self._suspect: float | None = None
        self._lock = threading.Lock()

    @property
    def offset(self) -> float:
        """Seconds that the vendor is ahead of the local clock."""
        return self._offset

    def now(self) -> float:
        """The vendor's time."""
        return self._clock.now() + self._offset

    def latest(self) -> float:
        """The latest the vendor's time may be, by wall clock or monotonic clock: a set clock or a sleep moves one."""
        return max(self._clock.now(), self._clock.monotonic() + self._gap) + self._offset

    @property
    def disturbed(self) -> bool:
        """Whether a clock has jumped since the offset was learned, so that it has to be learned again."""
        return abs(self._clock.now() - self._clock.monotonic() - self._gap) > _DISTURBED_SECONDS

    def learn(self, date: str, began: float, ended: float, *, refused: bool = False) -> None:
        """Take what a Date header tells. `began` and `ended` frame the exchange by the local wall clock.

        `refused` says that the vendor called our stamp wrong, which proves a large skew at once.
        """
        try:
            stamp = parsedate_to_datetime(date).timestamp()
        except (ValueError, TypeError, OverflowError):
            return
        if ended < began or stamp <= 0:
            return
        low, high = stamp - ended, stamp + _DATE_SECONDS - began
        with self._lock:
            disturbed = self.disturbed
            offset = min(max(self._offset, low), high)
            if abs(offset - self._offset) > JUMP_SECONDS and not (refused or disturbed):
                suspect, self._suspect = self._suspect, offset
                if suspect is None or abs(suspect - offset) > _AGREE_SECONDS:
                    return
            self._suspect = None
            self._offset = offset
            if disturbed or refused:
                self._gap = self._clock.now() - self._clock.monotonic()
