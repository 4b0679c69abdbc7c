"""Files that a command writes where it was told to: replaced as a whole, so that nobody ever reads half of one."""

import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
"""The mode of what only its owner may read."""
SHARED: Final = 0o644


def replace_file(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Put `data` at `path`, atomically and durably; what stands there stays when anything fails.

    `mode` None keeps the mode of a file that is there, and shares a new one. A special file (`/dev/stdout`, a
    pipe) is written to, not replaced. Raises OSError.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    target = path.resolve() if path.is_symlink() else path
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
