"""Which commit the files are at, and whether that contains the one last applied.

An apply from an older checkout would undo what a later commit did, as if a reviewer had asked for it. Promises: only
git's own reading commands run, with an environment of their own, without configuration of the machine or the user,
hooks, fetches or questions, and each within a time; without git, or outside a repository, nothing is known and nothing
is asked. Must not change anything in the repository.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

COMMIT_NOTE: Final = "commit"
"""The state's note with the commit that was applied last."""
TIMEOUT_SECONDS: Final = 10.0
NAMED: Final = 5
"""How many missing commits are named."""

_CUT_OFF: Final = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "protocol.allow=never"),
    *("-c", "safe.directory=*"),
)
_ENVIRONMENT: Final = {
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
}
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Missing:
    """What a checkout lacks of an applied commit: commits in short form, newest first, and how many there are in all.

    `count` None: the checkout does not know the commit at all; `shallow` tells that its history is cut off.
    """

    commits: tuple[str, ...]
    count: int | None = None
    shallow: bool = False

    def lines(self) -> tuple[str, ...]:
        """What is missing, for people."""
        if self.count is None:
            told = [f"The commit {self.commits[0]} was applied, and this checkout does not know it."]
        else:
            more = f" and {self.count - len(self.commits):,} more" if self.count > len(self.commits) else ""
            told = [f"Applied already, and not in this checkout: {', '.join(self.commits)}{more}."]
        if self.shallow:
            told.append(
                "Its history is cut off (a shallow clone): fetch all of it, with `git fetch --unshallow`."
            )
        return tuple(told)


class Checkout(Protocol):
    """The repository that the files stand in."""

    def head(self) -> str | None:
        """The commit that is checked out; None outside a repository and without git."""
        ...

    def missing(self, commit: str) -> Missing | None:
        """What the checkout lacks of a commit; None where it contains it, or where there is no repository."""
        ...


class GitReader:
    """Git's reading commands in one folder, cut off from configuration, hooks, fetches and questions."""

    def __init__(
        self, folder: Path, *, path: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._words = ("git", *_CUT_OFF, "-C", str(folder))
        self._environ = {**_ENVIRONMENT, "PATH": os.defpath if path is None else path}
        self._timeout = timeout_seconds

    def run(self, *arguments: str, given: bytes = b"") -> "subprocess.CompletedProcess[bytes] | None":
        """Run one command; None where there is no git, or where it does not end in time."""
        try:
            return subprocess.run(  # noqa: S603 - fixed words, object ids, and revisions behind --end-of-options
                [*self._words, *arguments],
                input=given,
                capture_output=True,
                env=self._environ,
                timeout=self._timeout,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None


class GitCheckout:
    """A folder of a Git repository, or of none."""

    def __init__(self, folder: Path, *, path: str | None = None) -> None:
        self._git = GitReader(folder, path=path)

    def head(self) -> str | None:
        """The commit that is checked out; None outside a repository and without git."""
        found = "".join(self._words("rev-parse", "--verify", "--quiet", "HEAD^{commit}"))
        return found if _COMMIT.fullmatch(found) else None

    def missing(self, commit: str) -> Missing | None:
        """What the checkout lacks of a commit; None where it contains it, or where there is no repository."""
        head = self.head()
        if head is None or head == commit or not _COMMIT.fullmatch(commit):
            return None
        within = self._git.run("merge-base", "--is-ancestor", commit, "HEAD")
        if within is not None and within.returncode == 0:
            return None
        if within is None or within.returncode != 1:
            return Missing((commit[:12],), shallow=self._shallow())
        listed = self._words("rev-list", f"--max-count={NAMED}", "--abbrev-commit", f"HEAD..{commit}")
        count = self._words("rev-list", "--count", f"HEAD..{commit}")
        known = int(count[0]) if count and count[0].isdigit() else len(listed)
        return Missing(tuple(listed) or (commit[:12],), known or 1, shallow=self._shallow())

    def would_commit(self, path: Path) -> bool:
        """Whether a file lies in a work tree and `git add` would take it; False where git cannot tell."""
        done = self._git.run("check-ignore", "--quiet", "--", str(path.absolute()))
        return done is not None and done.returncode == 1

    def _shallow(self) -> bool:
        return self._words("rev-parse", "--is-shallow-repository") == ["true"]

    def _words(self, *arguments: str) -> list[str]:
        done = self._git.run(*arguments)
        return [] if done is None or done.returncode else done.stdout.decode("utf-8", "replace").split()
