"""A text in a person's editor: a private copy that leaves nothing behind.

The copy lies in a folder for its owner alone (0700), in memory where there is such a place ($XDG_RUNTIME_DIR, /dev/shm);
where there is none that is told. Promises: it is overwritten and removed when the editor ends, however it ends, and when
this run is told to stop or loses its terminal, with whatever the editor left beside it. What a kill leaves is removed by
the next edit.
"""

import contextlib
import os
import shlex
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Final

from pnsync.errors import UsageError

_MEMORY: Final = ("/dev/shm",)  # noqa: S108 - a folder of its own is made in it
_PREFIX: Final = "pnsync-edit-"
_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


class Ended(KeyboardInterrupt):
    """A signal ended the edit."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.signal = signal.SIGTERM if number == signal.SIGHUP else number


def edited(text: str, environ: Mapping[str, str], warn: Callable[[str], None] = lambda _: None) -> str:
    """The text after a person has changed it; `warn` hears where the copy lies on a disk. Raises UsageError."""
    try:
        command = shlex.split(environ.get("VISUAL") or environ.get("EDITOR") or "vi")
    except ValueError:
        command = []
    if not command:
        raise UsageError("the editor cannot be run", "VISUAL or EDITOR names it.")
    with _told_to_end(), private_copy(text, warn) as path:
        try:
            done = subprocess.run([*command, str(path)], check=False)  # noqa: S603 - the person's own
        except OSError:
            raise UsageError("the editor cannot be run", "VISUAL or EDITOR names it.") from None
        if done.returncode:
            raise UsageError("the editor failed", f"It ended with {done.returncode}; nothing was changed.")
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise UsageError("the editor left no text", "Nothing was changed.") from None


@contextlib.contextmanager
def private_copy(text: str, warn: Callable[[str], None] = lambda _: None) -> Iterator[Path]:
    """A file with the text, mode 0600 in a folder of its own; wiped at the end."""
    base = next(
        (one for one in (os.environ.get("XDG_RUNTIME_DIR", ""), *_MEMORY) if one and os.access(one, os.W_OK)),
        None,
    )
    if base is None:
        base = tempfile.gettempdir()
        warn(f"There is no place in memory: while the editor is open, the plain numbers lie in {base}.")
    _sweep(Path(base))
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=base))
    try:
        path = folder / "numbers.yaml"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        yield path
    finally:
        _wipe(folder)


@contextlib.contextmanager
def _told_to_end() -> Iterator[None]:
    """SIGTERM and a lost terminal end what is inside by an exception, so that it cleans up."""

    def end(number: int, _: FrameType | None) -> None:
        for one in _ENDING:
            signal.signal(one, signal.SIG_IGN)  # a second one must not cut the cleaning short
        raise Ended(number)

    before = {one: signal.signal(one, end) for one in _ENDING}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _sweep(base: Path) -> None:
    """Remove the copies of runs of this user that were killed."""
    for folder in base.glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        with contextlib.suppress(OSError):
            ours = folder.lstat()
            if not pid.isdecimal() or ours.st_uid != os.geteuid() or not stat.S_ISDIR(ours.st_mode):
                continue
            try:
                os.kill(int(pid), 0)
            except ProcessLookupError:
                _wipe(folder)


def _wipe(folder: Path) -> None:
    """Overwrite and remove everything in a folder: the editor's own copies too."""
    for here, folders, files in os.walk(folder, topdown=False):
        for name in files + folders:
            path = Path(here, name)
            with contextlib.suppress(OSError):
                mode = path.lstat().st_mode
                if stat.S_ISDIR(mode):
                    path.rmdir()
                    continue
                if stat.S_ISREG(mode):
                    _overwrite(path)
                path.unlink()
    with contextlib.suppress(FileNotFoundError):
        folder.rmdir()


def _overwrite(path: Path) -> None:
    with contextlib.suppress(OSError), path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
