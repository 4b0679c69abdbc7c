"""Where the files' bytes come from: a folder, or anything else that can read and glob (a Git revision, a test).

`FolderSource` promises to stay inside its folder whatever the files or the tree say: no absolute path, no `..`,
symbolic links followed only to what is inside, regular files only, opened step by step without following a
link, so that a link that is swapped meanwhile cannot lead out. Must not parse what it reads.
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from pnsync.bounded import read_bounded
from pnsync.config import patterns

LIMIT_BYTES: Final = 64 * 1024 * 1024
"""The most of one file that is read, where `Limits` do not count what all files cost together."""
MAX_PATH_LEVELS: Final = 32
MAX_ENTRIES: Final = 200_000
"""Directory entries that one glob may look at."""
MAX_ENTRIES_IN_ALL: Final = 2_000_000
"""Directory entries that all globs of a run may look at."""


class SourceRefused(Exception):
    """A path or pattern that is not read: a code of `codes.py`, what is wrong, and a label for its place."""

    def __init__(self, code: str, summary: str, label: str = "") -> None:
        super().__init__(summary)
        self.code, self.summary, self.label = code, summary, label


class Source(Protocol):
    """What the files are read from. Paths are relative, with `/` between."""

    def read(self, path: str, limit: int) -> bytes:
        """At most `limit` + 1 bytes of a file; raises SourceRefused."""

    def glob(self, pattern: str) -> list[str]:
        """The files that match, sorted; raises SourceRefused."""


def check_path(path: str) -> None:
    """Raises SourceRefused for what is no plain path below the folder."""
    if path.startswith(("/", "~")) or "\\" in path or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", path):
        raise SourceRefused(
            "E235", "a path must be relative to the folder of the root file", "write bindings/*.yaml"
        )
    if not path or not path.isprintable() or len(path) > 1000:
        raise SourceRefused("E235", "this is not a path", "write bindings/*.yaml")
    steps = path.split("/")
    if ".." in steps:
        raise SourceRefused("E235", "a path must not lead out of the folder", "delete the ..")
    if "" in steps or "." in steps or len(steps) > MAX_PATH_LEVELS:
        raise SourceRefused("E235", "this path is not plain", "write bindings/*.yaml")


class FolderSource:
    """Reads the files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._left = MAX_ENTRIES_IN_ALL

    def read(self, path: str, limit: int) -> bytes:
        """At most `limit` + 1 bytes of a file; raises SourceRefused."""
        check_path(path)
        try:
            real = (self._folder / path).resolve(strict=True)
            steps = real.relative_to(self._folder).parts
        except ValueError:
            raise SourceRefused(
                "E238", "a file lies outside the folder", "a symbolic link leads out"
            ) from None
        except RuntimeError:  # Python 3.11 tells a loop of links so
            raise SourceRefused(
                "E237", "a file cannot be read", "its symbolic links go in a circle"
            ) from None
        except OSError as error:
            raise self._unreadable(error) from None
        try:
            descriptor = self._open(steps)
        except OSError as error:
            raise self._unreadable(error) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise SourceRefused("E239", "this is not a regular file", "a folder, pipe or device")
        with os.fdopen(descriptor, "rb") as file:
            return read_bounded(file, limit)

    def glob(self, pattern: str) -> list[str]:
        """The files that match, sorted; `*` and `?` stay within a name, `**` stands for any folders, hidden names need their dot."""
        check_path(pattern)
        compiled = patterns.pattern(pattern)
        return sorted(self._walk(self._folder, "", compiled, compiled.start, [MAX_ENTRIES], ()))

    def _open(self, steps: tuple[str, ...]) -> int:
        """A descriptor of the file, each step of the way opened in the one before without following a link."""
        here = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for step in steps[:-1]:
                below = os.open(
                    step, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here
                )
                os.close(here)
                here = below
            if not steps:
                raise IsADirectoryError
            return os.open(steps[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=here)
        finally:
            os.close(here)

    def _walk(
        self,
        folder: Path,
        prefix: str,
        pattern: patterns.Pattern,
        active: frozenset[int],
        budget: list[int],
        above: tuple[Path, ...],
    ) -> Iterator[str]:
        """The files below `folder` that fit the rest of a pattern; `above` are the folders on the way, against circles."""
        real = folder.resolve()
        if real in above or len(above) > MAX_PATH_LEVELS or not real.is_relative_to(self._folder):
            return
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            return
        self._left -= 1
        for entry in entries:
            budget[0] -= 1
            self._left -= 1
            if min(budget[0], self._left) < 0:
                raise SourceRefused(
                    "E236", "the pattern looks at too many files", "name the folder more narrowly"
                )
            reach = pattern.reach(entry.name, active)
            if reach.next and self._is_folder(entry):
                path = f"{prefix}{entry.name}/"
                yield from self._walk(Path(entry.path), path, pattern, reach.next, budget, (*above, real))
            elif reach.ends and not self._is_folder(entry):
                yield f"{prefix}{entry.name}"

    @staticmethod
    def _is_folder(entry: "os.DirEntry[str]") -> bool:
        try:
            return entry.is_dir()
        except OSError:
            return False

    @staticmethod
    def _unreadable(error: OSError) -> SourceRefused:
        if isinstance(error, FileNotFoundError):
            return SourceRefused("E237", "a file is missing", "nothing is there")
        if isinstance(error, (IsADirectoryError, NotADirectoryError)):
            return SourceRefused("E239", "this is not a regular file", "a folder, or a path through a file")
        return SourceRefused("E237", "a file cannot be read", os.strerror(error.errno) if error.errno else "")
