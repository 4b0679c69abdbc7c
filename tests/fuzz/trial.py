"""One input, one reader: nothing raised, no second of work, no more memory than the input allows."""

import signal
import time
import traceback
import tracemalloc
from types import FrameType

from tests.fuzz.targets import Target

SLOW_SECONDS = 1.0
MEMORY_TIMES = 10
"""So many bytes of memory a reader may need for each of an input's, besides what it needs for any."""


class Hung(BaseException):
    """A reader that does not come back."""


def _ring(number: int, frame: FrameType | None) -> None:
    raise Hung


def feed(target: Target, data: bytes, *, weighed: bool = False, slow: float = SLOW_SECONDS) -> str:
    """What went wrong with one input, "" for nothing. Weighing it takes three times as long."""
    before = signal.signal(signal.SIGPROF, _ring)
    began = time.process_time()
    if weighed:
        tracemalloc.start()
    signal.setitimer(signal.ITIMER_PROF, (4 if weighed else 2) * slow)
    try:
        target.feed(data)
    except BaseException:
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        spent = time.process_time() - began
        peak = 0
        if weighed:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    if spent > slow and not weighed:
        return f"took {spent:.1f} s of CPU"
    if peak > target.floor_bytes + MEMORY_TIMES * len(data):
        return f"took {peak:,} bytes of memory for {len(data):,}"
    return ""
