"""The file system as `backends/local.py` uses it: every call that has an effect, and no more.

`Disk` is the seam: tests count its calls, fail or end a run at the n-th, and play power loss. `SystemDisk` is the
real one. Calls raise OSError; nothing here retries, buffers or hides one.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

NETWORK_FILE_SYSTEMS: Final = frozenset(
    {
        "9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.davfs2", "fuse.glusterfs", "fuse.rclone",
        "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs",
        "smb2", "smb3", "smbfs",
    }
)  # fmt: skip

_FALLOC_FL_KEEP_SIZE: Final = 1


@dataclass(frozen=True, slots=True)
class Status:
    """What a file is: `identity` (device and inode) stays as long as the file lives, whatever its name."""

    identity: tuple[int, int]
    size: int
    plain: bool
    """Whether it is a regular file; a symbolic link is none."""


class Disk(Protocol):
    """What may be done to files. Descriptors are numbers."""

    def open(self, path: str, flags: int) -> int:
        """Open; a new file gets mode 0600. Symbolic links are not followed."""
        ...

    def close(self, fd: int) -> None:
        """Close, giving up its locks."""
        ...

    def read(self, fd: int, size: int) -> bytes:
        """Up to `size` bytes from the descriptor's position; empty at the end."""
        ...

    def write(self, fd: int, data: bytes) -> int:
        """Write at the descriptor's position (at the end with O_APPEND); how many bytes were."""
        ...

    def fsync(self, fd: int) -> None:
        """Make a file, or a folder's names, durable."""
        ...

    def fdatasync(self, fd: int) -> None:
        """Make a file's content durable."""
        ...

    def truncate(self, fd: int, size: int) -> None:
        """Cut a file to `size` bytes."""
        ...

    def allocate(self, fd: int, offset: int, size: int) -> None:
        """See that there is room behind `offset`, without changing the file's size."""
        ...

    def rename(self, source: str, target: str) -> None:
        """Put a file in the place of another, at once."""
        ...

    def unlink(self, path: str) -> None:
        """Remove a name."""
        ...

    def mkdir(self, path: str) -> None:
        """Make a folder, mode 0700, and those above it; one that exists is no error."""
        ...

    def stat(self, path: str) -> Status | None:
        """The file of that name, its symbolic link where it is one; None where there is none."""
        ...

    def fstat(self, fd: int) -> Status:
        """The file of a descriptor."""
        ...

    def flock(self, fd: int, *, shared: bool = False) -> bool:
        """Lock the whole file for this descriptor, at once or not at all; whether it is locked now."""
        ...

    def file_system(self, path: str) -> str:
        """The type of the file system that a folder lies on (`ext4`, `nfs4`), "" where it cannot be told."""
        ...


class SystemDisk:
    """The operating system's."""

    def open(self, path: str, flags: int) -> int:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    def close(self, fd: int) -> None:
        os.close(fd)

    def read(self, fd: int, size: int) -> bytes:
        return os.read(fd, size)

    def write(self, fd: int, data: bytes) -> int:
        return os.write(fd, data)

    def fsync(self, fd: int) -> None:
        # On macOS fsync leaves the data in the drive's cache; F_FULLFSYNC asks the drive, too.
        full = getattr(fcntl, "F_FULLFSYNC", None)
        if full is not None:
            fcntl.fcntl(fd, full)
        else:
            os.fsync(fd)

    def fdatasync(self, fd: int) -> None:
        if hasattr(fcntl, "F_FULLFSYNC") or not hasattr(os, "fdatasync"):
            self.fsync(fd)
        else:
            os.fdatasync(fd)

    def truncate(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)

    def allocate(self, fd: int, offset: int, size: int) -> None:
        if _keep_size(fd, offset, size):
            return
        room = os.fstatvfs(fd)
        if room.f_bavail * room.f_frsize < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def rename(self, source: str, target: str) -> None:
        Path(source).replace(target)

    def unlink(self, path: str) -> None:
        Path(path).unlink()

    def mkdir(self, path: str) -> None:
        Path(path).mkdir(mode=0o700, parents=True, exist_ok=True)

    def stat(self, path: str) -> Status | None:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return _status(os.lstat(path))
        return None

    def fstat(self, fd: int) -> Status:
        return _status(os.fstat(fd))

    def flock(self, fd: int, *, shared: bool = False) -> bool:
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def file_system(self, path: str) -> str:
        try:
            lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        where = os.path.realpath(path)
        best, found = "", ""
        for line in lines:
            fields = line.split(" ")
            if len(fields) < 3:
                continue
            point = fields[1].replace("\\040", " ")
            inside = where == point or where.startswith(point.rstrip("/") + "/")
            if inside and len(point) >= len(best):
                best, found = point, fields[2]
        return found


def _status(found: os.stat_result) -> Status:
    return Status((found.st_dev, found.st_ino), found.st_size, stat.S_ISREG(found.st_mode))


def _keep_size(fd: int, offset: int, size: int) -> bool:
    """Reserve blocks behind a file's end without lengthening it, as only Linux can; False where it cannot be done.

    posix_fallocate, which Python has, would lengthen the file by zeros.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    call = getattr(libc, "fallocate64", None) or libc.fallocate
    call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    if call(fd, _FALLOC_FL_KEEP_SIZE, offset, size) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EOPNOTSUPP, errno.ENOSYS):
        return False
    raise OSError(number, os.strerror(number))
