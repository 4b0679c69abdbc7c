"""The files as a commit holds them, read from Git's objects: no checkout, no hook, no filter, no fetch.

Promises: as `FolderSource` it stays inside its folder and gives regular files only (a link in a commit is refused);
only git's own reading commands run, without configuration of the machine or the user, and each within a time. Must not
change anything in the repository.
"""

import re
from bisect import bisect_left
from pathlib import Path
from typing import Final

from pnsync.checkout import GitReader
from pnsync.config import SourceRefused, patterns
from pnsync.config.sources import MAX_ENTRIES_IN_ALL, check_path
from pnsync.errors import UsageError

TIMEOUT_SECONDS: Final = 30.0
_REGULAR: Final = ("100644", "100755")


class GitRevision:
    """The files below a folder as they are in one commit; a `config.Source`."""

    def __init__(self, folder: Path, revision: str, *, path: str | None = None) -> None:
        """Raises UsageError where there is no repository or no such commit."""
        self._git = GitReader(folder, path=path, timeout_seconds=TIMEOUT_SECONDS)
        self.revision = revision
        named = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        self.commit = named.strip().decode()
        if not self.commit:
            raise UsageError(
                "there is no such commit here",
                "A shallow clone holds the newest commit only; fetch the other one, as with fetch-depth: 0.",
                command="git fetch origin main",
            )
        prefix = self._run("rev-parse", "--show-prefix").decode().rstrip("\n")
        listed = self._run(
            "ls-tree", "-r", "-z", "-l", "--full-tree", self.commit, "--", *([prefix] if prefix else [])
        )
        self._files: dict[str, tuple[str, str, int]] = {}
        for one in listed.split(b"\0"):
            head, _, name = one.partition(b"\t")
            words = head.decode().split()
            if len(words) == 4 and words[1] == "blob":
                text = name.decode("utf-8", "surrogateescape").removeprefix(prefix)
                self._files[text] = (words[0], words[2], int(words[3]))
        self._names = sorted(self._files)
        self._left = MAX_ENTRIES_IN_ALL
        self._read: dict[str, bytes] = {}

    def read(self, path: str, limit: int) -> bytes:
        """At most `limit` + 1 bytes of a file; raises SourceRefused."""
        check_path(path)
        if path not in self._files:
            raise SourceRefused("E237", "a file is missing", f"it is not in {self.commit[:12]}")
        mode, _, size = self._files[path]
        if mode not in _REGULAR:
            raise SourceRefused("E239", "this is not a regular file", "a link in a commit is not followed")
        if size > limit:
            return b"\0" * (limit + 1)  # whoever reads refuses it by its size, so that it need not be fetched
        if path not in self._read:
            self._fetch(path, limit)
        return self._read[path]

    def glob(self, pattern: str) -> list[str]:
        """The files that match, sorted; `*` and `?` stay within a name, `**` stands for any folders, hidden names need their dot."""
        check_path(pattern)
        compiled = patterns.pattern(pattern)
        plain = re.match(r"(?:[^*?\[/]*/)*", pattern)
        below = plain[0] if plain else ""
        first, last = bisect_left(self._names, below), bisect_left(self._names, below + chr(0x10FFFF))
        self._left -= last - first + 1
        if self._left < 0:
            raise SourceRefused("E236", "the patterns look at too many files", "name folders more narrowly")
        return [one for one in self._names[first:last] if compiled.fits(one.split("/"))]

    def _fetch(self, path: str, limit: int) -> None:
        """Read a file, and with it all files beside it: one process instead of ten thousand."""
        folder = path.rpartition("/")[0]
        names, total = [path], self._files[path][2]
        for name, (mode, _, size) in self._files.items():
            beside = name.rpartition("/")[0] == folder and name not in self._read and name != path
            if (
                beside
                and mode in _REGULAR
                and name.endswith((".yaml", ".yml", ".csv"))
                and total + size <= limit
            ):
                names.append(name)
                total += size
        asked = "".join(self._files[one][1] + "\n" for one in names)
        answer = self._run("cat-file", "--batch", given=asked.encode())
        at = 0
        for name in names:
            end = answer.find(b"\n", at)
            size = self._files[name][2]
            if end < 0 or not answer[at:end].endswith(f" blob {size}".encode()):
                raise SourceRefused("E237", "a file cannot be read", "its object is missing in this clone")
            self._read[name] = answer[end + 1 : end + 1 + size]
            at = end + 1 + size + 1

    def _run(self, *arguments: str, given: bytes = b"") -> bytes:
        done = self._git.run(*arguments, given=given)
        if done is None:
            raise UsageError("git did not answer", "Comparing commits needs git and a repository.")
        if done.returncode and arguments[1] != "--verify":
            raise UsageError("git refused", "Comparing commits needs a Git repository around the files.")
        return done.stdout
