"""Simulated time: one line for everybody, on which each machine's clock has its own error."""

from .process import Process

START = 1_790_000_000.0
AWAKE_SECONDS = 0.01
"""What a sleep takes once a signal has come: it returns at once, and a turn of a loop takes its time."""


class Timeline:
    """Seconds since the beginning of the history. Only moves forward."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.wall_error = 0.0
        """How far the machines' wall clocks are ahead of the truth."""

    @property
    def true(self) -> float:
        """Epoch seconds, as they really are."""
        return START + self.seconds

    @property
    def wall(self) -> float:
        """Epoch seconds, as the machines that pnsync runs on read them."""
        return self.true + self.wall_error


class SimClock:
    """A process's clock: `sleep` moves time, up to the moment at which a signal comes."""

    def __init__(self, time: Timeline, process: Process) -> None:
        self.time = time
        self.process = process

    def now(self) -> float:
        return self.time.wall

    def monotonic(self) -> float:
        return 5000.0 + self.time.seconds

    def sleep(self, seconds: float) -> None:
        self.process.check()
        if self.process.sleeping_hooks and seconds > 0.5:
            self.process.sleeping_hooks.pop()()
            self.process.check()
        if self.process.signal is not None:
            seconds = min(seconds, AWAKE_SECONDS)
        self.advance(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        """Let time pass for this process; a signal on the way ends the wait."""
        end = self.time.seconds + seconds
        at = self.process.signal_at
        if at is not None and self.process.signal is None and at <= end:
            self.time.seconds = max(self.time.seconds, at)
            self.process.signal = self.process.signal_number
            return
        self.time.seconds = end
