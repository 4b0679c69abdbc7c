"""A disk in memory with what is durable kept apart, seen by each process through its boundaries.

A crash keeps what was written; a power failure keeps what was synced, and of the rest what the seed says: in full, in
part, as zeros or garbage, or not at all. Names change in order, up to any point since the folder's last sync.
"""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from pnsync.backends.disk import Status

from .process import Process


@dataclass
class File:
    """An inode: its bytes as processes see them, and as the platter holds them."""

    number: int
    content: bytes = b""
    durable: bytes = b""


@dataclass
class Image:
    """What outlives processes."""

    names: dict[str, File] = field(default_factory=dict)
    durable: dict[str, File] = field(default_factory=dict)
    moves: list[dict[str, File]] = field(default_factory=list)
    locks: dict[object, tuple[int, int]] = field(default_factory=dict)
    made: int = 0
    synced: Callable[[], None] = lambda: None
    """Is told when something became durable."""

    def lose_power(self, random: Random) -> None:
        """What a power failure leaves."""
        names = random.choice([self.durable, *self.moves, self.names])
        self.names = {path: self._survivor(file, random) for path, file in names.items()}
        self.durable = dict(self.names)
        self.moves = []
        self.locks = {}

    def _survivor(self, file: File, random: Random) -> File:
        self.made += 1
        content = file.durable
        if file.content != file.durable:
            # What was synced and not written again stays.
            pairs = enumerate(zip(file.durable, file.content, strict=False))
            ends = min(len(file.durable), len(file.content))
            same = next((at for at, (kept, seen) in pairs if kept != seen), ends)
            kept, rest = file.content[:same], file.content[same:]
            part = rest[: random.randint(0, len(rest))]
            content = random.choice(
                [
                    file.durable,
                    file.content,
                    kept + part,
                    kept + part + bytes(len(rest) - len(part)),
                    kept + part + random.randbytes(len(rest) - len(part)),
                ]
            )
        return File(self.made, content, content)

    def copy(self) -> dict[str, bytes]:
        """The files as they are seen now."""
        return {path: file.content for path, file in self.names.items()}

    def put(self, files: dict[str, bytes]) -> None:
        """Put files in place, durably, as a person would from a backup."""
        for path, content in files.items():
            self.made += 1
            self.names[path] = File(self.made, content, content)
        self.durable = dict(self.names)
        self.moves = []

    def release(self, process: Process) -> None:
        """What the kernel does when a process ends: its locks are free."""
        self.locks = {key: held for key, held in self.locks.items() if held[0] != id(process)}


@dataclass
class _Handle:
    path: str
    file: File | None
    position: int = 0
    append: bool = False


class SimDisk:
    """One process's disk. `fail_at` is the number of its changes at which it begins to fail with `number`."""

    def __init__(
        self,
        image: Image,
        process: Process,
        *,
        fail_at: int = 0,
        number: int = errno.EIO,
        lasting: bool = False,
    ) -> None:
        self.image = image
        self.process = process
        self.fail_at = fail_at
        self.number = number
        self.lasting = lasting
        self.changes = 0
        self.failures = 0
        self._handles: dict[int, _Handle] = {}
        self._opened = 0

    def _change(self, name: str) -> bool:
        half = self.process.point(name)
        self.changes += 1
        due = self.changes == self.fail_at or (self.lasting and self.fail_at and self.changes > self.fail_at)
        if due:
            self.failures += 1
            self.process.storage_failed = True
            raise OSError(self.number, os.strerror(self.number))
        return half

    def open(self, path: str, flags: int) -> int:
        self.process.check()
        file: File | None = None
        if not flags & os.O_DIRECTORY:
            file = self.image.names.get(path)
            if file is None:
                if not flags & os.O_CREAT:
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
                self._change("create")
                self.image.made += 1
                file = self.image.names[path] = File(self.image.made)
                self._moved()
                self.process.point("created")
            elif flags & os.O_EXCL:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        self._opened += 1
        self._handles[self._opened] = _Handle(path, file, append=bool(flags & os.O_APPEND))
        return self._opened

    def _moved(self) -> None:
        self.image.moves.append(dict(self.image.names))

    def close(self, fd: int) -> None:
        if self._handles.pop(fd, None) is not None:
            mine = (id(self.process), fd)
            self.image.locks = {key: held for key, held in self.image.locks.items() if held != mine}

    def _file(self, fd: int) -> File:
        file = self._handles[fd].file
        assert file is not None
        return file

    def read(self, fd: int, size: int) -> bytes:
        self.process.check()
        handle, file = self._handles[fd], self._file(fd)
        data = file.content[handle.position : handle.position + size]
        handle.position += len(data)
        return data

    def write(self, fd: int, data: bytes) -> int:
        half = self._change("write")
        handle, file = self._handles[fd], self._file(fd)
        if half:
            data = data[: len(data) // 2]
        at = len(file.content) if handle.append else handle.position
        file.content = file.content[:at].ljust(at, b"\0") + data + file.content[at + len(data) :]
        handle.position = at + len(data)
        if half:
            self.process.die()
        self.process.point("written")
        return len(data)

    def fsync(self, fd: int) -> None:
        self._change("sync")
        file = self._handles[fd].file
        if file is None:
            self.image.durable = dict(self.image.names)
            self.image.moves = []
        else:
            file.durable = file.content
        self.image.synced()
        self.process.point("synced")

    def fdatasync(self, fd: int) -> None:
        self.fsync(fd)

    def truncate(self, fd: int, size: int) -> None:
        self._change("truncate")
        file = self._file(fd)
        file.content = file.content[:size]
        self.process.point("truncated")

    def allocate(self, fd: int, offset: int, size: int) -> None:
        self._change("allocate")

    def rename(self, source: str, target: str) -> None:
        self._change("rename")
        self.image.names[target] = self.image.names.pop(source)
        self._moved()
        self.process.point("renamed")

    def unlink(self, path: str) -> None:
        self._change("unlink")
        if path not in self.image.names:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        del self.image.names[path]
        self._moved()

    def mkdir(self, path: str) -> None:
        self.process.check()

    def stat(self, path: str) -> Status | None:
        self.process.check()
        file = self.image.names.get(path)
        return None if file is None else Status((1, file.number), len(file.content), plain=True)

    def fstat(self, fd: int) -> Status:
        self.process.check()
        file = self._file(fd)
        return Status((1, file.number), len(file.content), plain=True)

    def flock(self, fd: int, *, shared: bool = False) -> bool:
        self.process.check()
        handle = self._handles[fd]
        key: object = handle.path if handle.file is None else handle.file.number
        if key in self.image.locks:
            return self.image.locks[key] == (id(self.process), fd)
        if not shared:
            self.image.locks[key] = (id(self.process), fd)
        return True

    def file_system(self, path: str) -> str:
        return "memory"
