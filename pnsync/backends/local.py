"""State in files on a local disk: `PATH`, `PATH.journal`, `PATH.lock`.

The snapshot is a file that is replaced whole; a record is one line that is appended and synced. Two locks serve it.
The lock file is held by a run for as long as it works, and the kernel frees it when the run dies; `evict` puts a new
lock file in its place, so that a holder that only stood still is without one. The folder is locked for the moment of
each write, in which the writer looks whether its lock is still in place: the write of a holder that was evicted can
neither come late nor mix with another's. Readers take no lock.
"""

import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from pnsync import holder as holders
from pnsync.backends.disk import Disk, Status, SystemDisk
from pnsync.backends.folder import Folder
from pnsync.errors import StateError
from pnsync.interfaces import Blob, Changed, Clock, Taken
from pnsync.statefile import record as framing

log = logging.getLogger(__name__)

GRACE_SECONDS: Final = 0.25
"""How long a lock is tried for even without a timeout, as somebody may only be looking who holds it."""
POLL_SECONDS: Final = 0.05


class LocalLock:
    """The lock file, held. The kernel frees it with the process."""

    def __init__(self, folder: Folder, disk: Disk, path: str, fd: int) -> None:
        self._folder = folder
        self._disk = disk
        self._path = path
        self._fd: int | None = fd

    @property
    def released(self) -> bool:
        """Whether its holder has given it up."""
        return self._fd is None

    def still_held(self) -> bool:
        """Whether nobody has broken it."""
        if self._fd is None:
            return False
        found = self._folder.status(self._path)
        with self._folder.reading():
            return found is not None and found.identity == self._disk.fstat(self._fd).identity

    def release(self) -> None:
        """Give it up; a second time is nothing."""
        if self._fd is None:
            return
        try:
            with self._folder.reading():
                if self.still_held():
                    self._disk.truncate(self._fd, 0)
        finally:
            fd, self._fd = self._fd, None
            self._disk.close(fd)


class LocalBackend:
    """One state in a folder of a local disk.

    `root` is the folder of the root file, which `path` must not leave; `network_allowed` accepts a network file system.
    One instance serves one run: writes come from one thread.
    """

    def __init__(
        self,
        path: str,
        clock: Clock,
        *,
        root: str | None = None,
        network_allowed: bool = False,
        disk: Disk | None = None,
    ) -> None:
        self.location = path
        self._clock = clock
        self._disk: Disk = disk or SystemDisk()
        self._folder = Folder(
            str(Path(path).parent), clock, self._disk, root=root, network_allowed=network_allowed
        )
        self._documents = {"snapshot": path, "lease": f"{path}.lease", "backup": f"{path}.backup"}
        self._journal = f"{path}.journal"
        self._lock_path = f"{path}.lock"
        self._lock: LocalLock | None = None
        self._left: tuple[tuple[int, int], int] | None = None
        """The journal's identity and size as this backend left it."""
        self._last = 0

    def read(self, name: str) -> Blob | None:
        """See Backend."""
        data = self._folder.content(self._documents[name])
        return None if data is None else Blob(data, _version(data))

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """See Backend."""
        path = self._documents[name]
        self._folder.prepare()
        with self._folder.moment():
            found = self._folder.content(path)
            if self._evicted() or (None if found is None else _version(found)) != expected:
                raise Changed
            self._folder.replace(path, data)
        return _version(data)

    def records(self, after: int) -> Sequence[tuple[int, bytes]]:
        """See Backend."""
        data = self._folder.content(self._journal)
        return [] if data is None else [one for one in self._scan(data).lines if one[0] > after]

    def append(self, seq: int, record: bytes) -> None:
        """See Backend."""
        self._folder.prepare()
        with self._folder.moment(), self._journal_end() as (fd, end):
            if self._last and seq != self._last + 1:
                if (seq, record) in self.records(seq - 1):
                    return
                raise Taken
            self._left = None
            self._folder.write(fd, record)
            self._disk.fdatasync(fd)
            self._left = (self._disk.fstat(fd).identity, end + len(record))
            self._last = seq

    def reserve(self, size: int) -> None:
        """See Backend."""
        self._folder.prepare()
        with self._folder.moment(), self._journal_end() as (fd, end):
            self._disk.allocate(fd, end, size)

    def drop(self, through: int) -> None:
        """See Backend."""
        self._folder.prepare()
        with self._folder.moment():
            data = self._folder.content(self._journal) or b""
            if self._evicted():
                raise Taken
            try:
                kept = b"".join(line for seq, line in self._scan(data).lines if seq > through)
            except StateError:
                self._folder.replace(f"{self._journal}.damaged", data)
                kept = b""
            if kept != data:
                self._folder.replace(self._journal, kept)

    def exclusive(self, holder: bytes, timeout: float) -> LocalLock:
        """See Backend."""
        self._folder.prepare()
        until = self._clock.monotonic() + max(timeout, GRACE_SECONDS)
        while True:
            found = self._try_lock(holder)
            if isinstance(found, LocalLock):
                self._lock = found
                return found
            waited = self._clock.monotonic()
            if waited < until:
                self._clock.sleep(POLL_SECONDS)
            # A sleep that was cut short is an interrupted run's, which waits no longer.
            if self._clock.monotonic() - waited < POLL_SECONDS / 2:
                raise holders.locked(holders.load(found), self._clock.now())

    def occupant(self) -> bytes | None:
        """See Backend."""
        if self._folder.status(self._lock_path) is None:
            return None
        with self._folder.reading():
            fd = self._disk.open(self._lock_path, os.O_RDONLY)
            try:
                return None if self._disk.flock(fd, shared=True) else self._folder.rest(fd)
            finally:
                self._disk.close(fd)

    def evict(self, holder: bytes) -> bool:
        """See Backend. Raises StateError (S927) where the holder stands still in the middle of a write."""
        self._folder.prepare()
        with self._folder.moment():
            if self.occupant() != holder:
                return False
            self._folder.replace(self._lock_path, b"")
        return True

    def _try_lock(self, holder: bytes) -> LocalLock | bytes:
        """Take the lock file where it is free; else what its holder wrote."""
        self._folder.status(self._lock_path)
        with self._folder.writing(), ExitStack() as undo:
            fd = self._disk.open(self._lock_path, os.O_RDWR | os.O_CREAT)
            undo.callback(self._disk.close, fd)
            lock = LocalLock(self._folder, self._disk, self._lock_path, fd)
            # An eviction may have put another file in place since: a lock on the old one is none.
            if not self._disk.flock(fd) or not lock.still_held():
                return self._folder.rest(fd)
            self._disk.truncate(fd, 0)
            self._folder.write(fd, holder)
            undo.pop_all()
            return lock

    def _evicted(self) -> bool:
        return self._lock is not None and not self._lock.released and not self._lock.still_held()

    @contextmanager
    def _journal_end(self) -> Iterator[tuple[int, int]]:
        """The journal, open, and its size, with nothing torn behind it and `_last` known. Raises Taken when evicted."""
        if self._evicted():
            raise Taken
        self._folder.status(self._journal)
        fd = self._disk.open(self._journal, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        try:
            status = self._disk.fstat(fd)
            if (status.identity, status.size) != self._left:
                self._take_up(fd, status)
            yield fd, self._left[1] if self._left else 0
        finally:
            self._disk.close(fd)

    def _take_up(self, fd: int, status: Status) -> None:
        """Learn the journal's end from the file itself, and cut off what a crash left behind it."""
        scan = self._scan(self._folder.rest(fd))
        if scan.torn:
            log.warning("the journal's last record was cut short and is left out (%d bytes)", scan.torn)
            self._disk.truncate(fd, scan.end)
            self._disk.fdatasync(fd)
        # The file may be new, or moved here by a run that died before its name was durable.
        self._folder.sync()
        self._left = (status.identity, scan.end)
        self._last = scan.lines[-1][0] if scan.lines else 0

    def _scan(self, data: bytes) -> framing.Scan:
        return framing.scan(data, self._journal)


def _version(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
