"""A disk in memory that knows what is durable: after a power loss it shows every image that a file system may leave.

A file's content is durable after its sync, a name after its folder's. What was written since may be there in full, in
part, as zeros or garbage, or not at all; names change in order, up to any point (ALICE's rules).
"""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product, takewhile

from pnsync.backends.disk import Status

from .disks import Killed

GARBAGE = b"\x00\xffpnj1 2 7 \n{}\n" * 40


@dataclass
class File:
    """An inode: its bytes as processes see them, and as the platter holds them."""

    number: int
    content: bytes = b""
    durable: bytes = b""


@dataclass
class Handle:
    """An open file, or a folder (no file)."""

    path: str
    file: File | None
    position: int = 0
    append: bool = False


@dataclass
class Platter:
    """What outlives processes. `names` is what they see, `durable` what the platter holds, `moves` the way between."""

    names: dict[str, File] = field(default_factory=dict)
    durable: dict[str, File] = field(default_factory=dict)
    moves: list[dict[str, File]] = field(default_factory=list)
    made: int = 0
    locks: dict[object, int] = field(default_factory=dict)

    def images(self) -> Iterator["Platter"]:
        """Everything that may be found after the power has failed now."""
        for names in (self.durable, *self.moves):
            files = sorted(names.items())
            for contents in product(*(_contents(file) for _, file in files)):
                image = Platter()
                for (path, _), content in zip(files, contents, strict=True):
                    image.made += 1
                    image.names[path] = File(image.made, content, content)
                image.durable = dict(image.names)
                yield image


def _contents(file: File) -> list[bytes]:
    """The contents that a file may have, with unsynced writes behind its durable part or in its place."""
    if file.content == file.durable:
        return [file.durable]
    same = (a == b for a, b in zip(file.content, file.durable, strict=False))
    kept = file.content[: sum(1 for _ in takewhile(bool, same))]
    rest = file.content[len(kept) :]
    size = len(rest)
    made = [file.durable, file.content, kept, kept + bytes(size), kept + GARBAGE[:size]]
    made += [kept + rest[:end] for end in {1, size // 2, size - 1} if 0 < end < size]
    made += [kept + rest[: size // 2] + bytes(size - size // 2)]
    return list(dict.fromkeys(made))


class PlatterDisk:
    """One process's view of a platter; it dies before its call number `die_at` (0: never)."""

    def __init__(self, platter: Platter, die_at: int = 0) -> None:
        self.platter = platter
        self.die_at = die_at
        self.changes = 0
        self.dead = False
        self.handles: dict[int, Handle] = {}
        self.opened = 0

    def _change(self) -> None:
        if self.dead:
            raise Killed
        self.changes += 1
        if self.changes == self.die_at:
            self.dead = True
            for fd in list(self.handles):
                self._unlock(fd)
            raise Killed

    def _look(self) -> None:
        if self.dead:
            raise Killed

    def _moved(self) -> None:
        self.platter.moves.append(dict(self.platter.names))

    def open(self, path: str, flags: int) -> int:
        self._look()
        self.opened += 1
        if flags & os.O_DIRECTORY:
            self.handles[self.opened] = Handle(path, None)
            return self.opened
        file = self.platter.names.get(path)
        if file is None:
            if not flags & os.O_CREAT:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            self._change()
            self.platter.made += 1
            file = self.platter.names[path] = File(self.platter.made)
            self._moved()
        elif flags & os.O_EXCL:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        self.handles[self.opened] = Handle(path, file, append=bool(flags & os.O_APPEND))
        return self.opened

    def close(self, fd: int) -> None:
        if fd in self.handles:
            self._unlock(fd)
            del self.handles[fd]

    def _unlock(self, fd: int) -> None:
        for key, holder in list(self.platter.locks.items()):
            if holder == id(self) * 1000 + fd:
                del self.platter.locks[key]

    def read(self, fd: int, size: int) -> bytes:
        self._look()
        handle = self.handles[fd]
        assert handle.file is not None
        data = handle.file.content[handle.position : handle.position + size]
        handle.position += len(data)
        return data

    def write(self, fd: int, data: bytes) -> int:
        self._change()
        handle = self.handles[fd]
        file = handle.file
        assert file is not None
        at = len(file.content) if handle.append else handle.position
        file.content = file.content[:at].ljust(at, b"\0") + data + file.content[at + len(data) :]
        handle.position = at + len(data)
        return len(data)

    def fsync(self, fd: int) -> None:
        self._change()
        handle = self.handles[fd]
        if handle.file is None:
            self.platter.durable = dict(self.platter.names)
            self.platter.moves.clear()
        else:
            handle.file.durable = handle.file.content

    def fdatasync(self, fd: int) -> None:
        self.fsync(fd)

    def truncate(self, fd: int, size: int) -> None:
        self._change()
        file = self.handles[fd].file
        assert file is not None
        file.content = file.content[:size]

    def allocate(self, fd: int, offset: int, size: int) -> None:
        self._change()

    def rename(self, source: str, target: str) -> None:
        self._change()
        self.platter.names[target] = self.platter.names.pop(source)
        self._moved()

    def unlink(self, path: str) -> None:
        self._change()
        del self.platter.names[path]
        self._moved()

    def mkdir(self, path: str) -> None:
        self._look()

    def stat(self, path: str) -> Status | None:
        self._look()
        file = self.platter.names.get(path)
        return None if file is None else Status((1, file.number), len(file.content), plain=True)

    def fstat(self, fd: int) -> Status:
        self._look()
        file = self.handles[fd].file
        assert file is not None
        return Status((1, file.number), len(file.content), plain=True)

    def flock(self, fd: int, *, shared: bool = False) -> bool:
        self._look()
        handle = self.handles[fd]
        key = handle.path if handle.file is None else handle.file.number
        if key in self.platter.locks:
            return False
        if not shared:
            self.platter.locks[key] = id(self) * 1000 + fd
        return True

    def file_system(self, path: str) -> str:
        return "memory"
