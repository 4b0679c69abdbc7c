"""A folder of private files: reads and writes that are whole or not at all, a lock for the moment of a write.

Promises: a file that was replaced is durable under its name when `replace` returns; files are of mode 0600, never
symbolic links, and the folder stays inside its root. After a write or a sync has failed every later one is refused,
and no sync is tried twice (its error may have been told once only). Must not know what the files mean.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from pnsync.backends.bounds import LIMIT_BYTES
from pnsync.backends.disk import NETWORK_FILE_SYSTEMS, Disk, Status
from pnsync.interfaces import Clock
from pnsync.statefile.codes import refusal

MOMENT_SECONDS: Final = 10.0
"""How long a write waits for another's moment; who takes longer stands still in it."""
POLL_SECONDS: Final = 0.02
_CHUNK: Final = 1 << 22


class Folder:
    """The folder of `path`, which `root` (where given) must hold."""

    def __init__(
        self,
        path: str,
        clock: Clock,
        disk: Disk,
        *,
        root: str | None,
        network_allowed: bool,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self.path = path
        self._clock = clock
        self._disk = disk
        self._root = root
        self._network_allowed = network_allowed
        self._limit = limit_bytes
        self._prepared = False
        self._failed = False

    def prepare(self) -> None:
        """Make the folder where it is missing. Raises StateError where it is not a safe place to write to."""
        if self._prepared:
            return
        self._inside()
        with self.writing():
            self._disk.mkdir(self.path)
        self._inside()
        kind = self._disk.file_system(self.path)
        if kind in NETWORK_FILE_SYSTEMS and not self._network_allowed:
            raise refusal(
                "S922",
                f"{self.path} is on {kind}, where locks and syncs do not hold what they promise.",
                "Keep the state on a local disk or in another backend; or, at your own risk:",
                command="export PNSYNC_STATE_ON_NETWORK_FS=1",
            )
        self._prepared = True

    def _inside(self) -> None:
        if self._root is None:
            return
        root, real = os.path.realpath(self._root), os.path.realpath(self.path)
        if os.path.commonpath((root, real)) != root:
            raise refusal(
                "S923",
                f"{self.path} leads out of the folder of the root file.",
                "Name the real place in `state: path:`, inside that folder.",
            )

    @contextmanager
    def moment(self) -> Iterator[None]:
        """No other writer meanwhile; a failed call in it is a failed write.

        Raises StateError (S927) where another stands still in its own.
        """
        with self.writing():
            fd = self._disk.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            until = self._clock.monotonic() + MOMENT_SECONDS
            while True:
                with self.writing():
                    if self._disk.flock(fd):
                        break
                if self._clock.monotonic() >= until:
                    raise refusal(
                        "S927",
                        f"Another process stands still while it writes in {self.path} (for {MOMENT_SECONDS:.0f} s).",
                        "End that process (with kill -9 where it is stopped), then try again.",
                    )
                self._clock.sleep(POLL_SECONDS)
            with self.writing():
                yield
        finally:
            self._disk.close(fd)

    def status(self, path: str) -> Status | None:
        """What a file is, None where there is none. Raises StateError where it is no plain file."""
        with self.reading():
            found = self._disk.stat(path)
        if found is not None and not found.plain:
            raise refusal(
                "S923",
                f"{path} is a symbolic link or no plain file.",
                "Name the real place in `state: path:`, or put the file itself here.",
            )
        return found

    def content(self, path: str) -> bytes | None:
        """A file's bytes, None where there is none. Raises StateError for one that lies outside or is larger than any state."""
        self._inside()
        found = self.status(path)
        if found is None:
            return None
        if found.size > self._limit:
            raise refusal("S921", f"{path} is larger than any state; somebody else wrote it.")
        with self.reading():
            try:
                fd = self._disk.open(path, os.O_RDONLY)
            except FileNotFoundError:
                return None
            try:
                return self.rest(fd)
            finally:
                self._disk.close(fd)

    def rest(self, fd: int) -> bytes:
        """What follows a descriptor's position."""
        parts = []
        while part := self._disk.read(fd, _CHUNK):
            parts.append(part)
        return b"".join(parts)

    def replace(self, path: str, data: bytes) -> None:
        """Put a new file under a name, durably; the old one stays whole until then. Only inside `moment`."""
        temporary = f"{path}.new"
        # A crash may have left one; whoever is in the moment is its only writer.
        if self._disk.stat(temporary) is not None:
            self._disk.unlink(temporary)
        fd = self._disk.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            self.write(fd, data)
            self._disk.fsync(fd)
        except OSError:
            # For tidiness alone: the disk may be full.
            with suppress(OSError):
                self._disk.unlink(temporary)
            raise
        finally:
            self._disk.close(fd)
        self._disk.rename(temporary, path)
        self.sync()

    def write(self, fd: int, data: bytes) -> None:
        """Write all of it at the descriptor's position."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._disk.write(fd, bytes(rest) if len(rest) != len(data) else data) :]

    def sync(self) -> None:
        """Make the folder's names durable."""
        fd = self._disk.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._disk.fsync(fd)
        finally:
            self._disk.close(fd)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """OSErrors become a StateError (S920), after which nothing is written any more."""
        if self._failed:
            raise refusal("S926", f"A write to {self.path} has failed before; nothing more is written.")
        try:
            yield
        except OSError as error:
            self._failed = True
            raise refusal(
                "S920",
                f"{self.path}: {error.strerror or type(error).__name__}.",
                "No vendor call was made without its record, and none is made after this. Repair it and run again.",
            ) from None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """OSErrors become a StateError (S921)."""
        try:
            yield
        except OSError as error:
            raise refusal("S921", f"{self.path}: {error.strerror or type(error).__name__}.") from None
