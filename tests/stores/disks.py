"""Disks that fail or end a run at a chosen call. The files are real; syncs cost nothing, as no power fails here."""

import errno
import os
from collections.abc import Callable
from typing import Any

from pnsync.backends.disk import Status, SystemDisk


class Killed(BaseException):
    """The process is gone: nothing that follows has an effect."""


class CountingDisk(SystemDisk):
    """Counts calls, and asks `at` before and after each one. Knows which descriptors are open."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fds: set[int] = set()
        self.dead = False

    def before(self, number: int, name: str) -> None:
        """What happens before call `number`."""

    def after(self, number: int, name: str) -> None:
        """What happens when it is done."""

    def portion(self, number: int, data: bytes) -> bytes:
        """How much of a write is written."""
        return data

    def _do(self, name: str, call: Callable[[], Any]) -> Any:
        if self.dead:
            raise Killed
        self.calls.append(name)
        number = len(self.calls)
        self.before(number, name)
        result = call()
        self.after(number, name)
        return result

    def bury(self) -> None:
        """What the kernel does with a dead process: close its files, which frees its locks."""
        for fd in sorted(self.fds):
            os.close(fd)
        self.fds.clear()

    def open(self, path: str, flags: int) -> int:
        def call() -> int:
            fd = SystemDisk.open(self, path, flags)
            self.fds.add(fd)
            return fd

        return int(self._do("open", call))

    def close(self, fd: int) -> None:
        if fd in self.fds and not self.dead:
            self.fds.discard(fd)
            os.close(fd)

    def read(self, fd: int, size: int) -> bytes:
        return bytes(self._do("read", lambda: SystemDisk.read(self, fd, size)))

    def write(self, fd: int, data: bytes) -> int:
        number = len(self.calls) + 1
        part = self.portion(number, data)
        return int(self._do("write", lambda: SystemDisk.write(self, fd, part)))

    def fsync(self, fd: int) -> None:
        self._do("fsync", lambda: None)

    def fdatasync(self, fd: int) -> None:
        self._do("fdatasync", lambda: None)

    def truncate(self, fd: int, size: int) -> None:
        self._do("truncate", lambda: SystemDisk.truncate(self, fd, size))

    def allocate(self, fd: int, offset: int, size: int) -> None:
        self._do("allocate", lambda: SystemDisk.allocate(self, fd, offset, size))

    def rename(self, source: str, target: str) -> None:
        self._do("rename", lambda: SystemDisk.rename(self, source, target))

    def unlink(self, path: str) -> None:
        self._do("unlink", lambda: SystemDisk.unlink(self, path))

    def mkdir(self, path: str) -> None:
        self._do("mkdir", lambda: SystemDisk.mkdir(self, path))

    def stat(self, path: str) -> Status | None:
        found: Status | None = self._do("stat", lambda: SystemDisk.stat(self, path))
        return found

    def fstat(self, fd: int) -> Status:
        found: Status = self._do("fstat", lambda: SystemDisk.fstat(self, fd))
        return found

    def flock(self, fd: int, *, shared: bool = False) -> bool:
        return bool(self._do("flock", lambda: SystemDisk.flock(self, fd, shared=shared)))


class FailingDisk(CountingDisk):
    """The call with a given number fails, and every later one too where `for_good`; reads and looks stay well then."""

    def __init__(self, at: int, number: int, *, for_good: bool = False) -> None:
        super().__init__()
        self.at = at
        self.number = number
        self.for_good = for_good
        self.failed = ""

    def before(self, number: int, name: str) -> None:
        writes = name not in ("stat", "fstat", "read", "flock")
        if number == self.at or (self.for_good and number > self.at and writes):
            self.failed = self.failed or name
            raise OSError(self.number, os.strerror(self.number))

    def portion(self, number: int, data: bytes) -> bytes:
        # A full disk takes what fits and refuses the rest.
        if number == self.at - 1 and self.number == errno.ENOSPC and len(data) > 1:
            return data[: len(data) // 2]
        return data


class DyingDisk(CountingDisk):
    """The process dies at a call: before it, after it, or with half of what it writes written."""

    def __init__(self, at: int, moment: str) -> None:
        super().__init__()
        self.at = at
        self.moment = moment

    def before(self, number: int, name: str) -> None:
        if number == self.at and self.moment == "before":
            self._die()

    def after(self, number: int, name: str) -> None:
        if number == self.at and self.moment != "before":
            self._die()

    def portion(self, number: int, data: bytes) -> bytes:
        return data[: len(data) // 2] if number == self.at and self.moment == "half" else data

    def _die(self) -> None:
        self.dead = True
        raise Killed
