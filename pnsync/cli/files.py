"""Files that a command writes where it was told to: replaced as a whole, so that nobody ever reads half of one."""

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
"""The mode of what only its owner may read."""
SHARED: Final = 0o644


def stands_in(path: Path, folder: Path) -> bool:
    """Whether a path is in a folder once its links are followed; those that go in a circle lead nowhere.

    (`Path.resolve` raises for a circle before Python 3.13, and from then on tells a place within it.)
    """
    try:
        path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def replace_file(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Put `data` at `path`, atomically and durably; what stands there stays when anything fails.

    `mode` None keeps the mode of a file that is there, and shares a new one. A special file (`/dev/stdout`, a
    pipe) is written to, not replaced. Raises OSError.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    if mode is None:
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else SHARED
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    number = os.open(temporary, flags, PRIVATE)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(number, mode)
            os.fsync(number)
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
