"""One run of the program as the simulation sees it: its boundaries, and what happens at them.

A boundary is a moment at which something may have become durable or visible outside: before and after each write,
sync, rename, call sent and answer read. A run can die at one, another run can come in between there.
"""

from collections import Counter
from collections.abc import Callable


class Killed(BaseException):
    """The process is gone: nothing that follows has an effect."""


class Abandoned(BaseException):
    """A reading goes on in a thread that nobody waits for any more."""


class Process:
    """Counts boundaries; `die_at` (from 1) ends it at one, `hooks` run at others. Dead, it can do nothing more."""

    def __init__(self, *, die_at: int = 0, die_on: str = "", half: bool = False) -> None:
        self.die_at = die_at
        self.die_on = die_on
        """The boundary's name that is counted for `die_at`; "" counts all."""
        self.half = half
        """Whether a write at which it dies was half done."""
        self.count = 0
        self.matched = 0
        self.dead = False
        self.hooks: dict[int, Callable[[], None]] = {}
        self.names: list[str] = []
        self.signal: int | None = None
        self.signal_at: float | None = None
        self.signal_number = 2
        self.sleeping_hooks: list[Callable[[], None]] = []
        self.storage_failed = False
        self.calls: Counter[str] = Counter()
        self.listed: dict[tuple[str, str], float] = {}
        """When this run was last shown a binding by a vendor's listing."""

    def check(self) -> None:
        """Raise where the process is gone."""
        if self.dead:
            raise Killed

    def point(self, name: str) -> bool:
        """A boundary is passed; whether a write that begins here is to be cut in half before death."""
        self.check()
        self.count += 1
        self.names.append(name)
        hook = self.hooks.pop(self.count, None)
        if hook is not None:
            hook()
        if self.die_on and not name.startswith(self.die_on):
            return False
        self.matched += 1
        if self.die_at and self.matched == self.die_at:
            if self.half and name == "write":
                return True
            self.die()
        return False

    def die(self) -> None:
        """End it here."""
        self.dead = True
        raise Killed
