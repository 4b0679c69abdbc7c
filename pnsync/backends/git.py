"""A state on a ref of its own in the repository's remote: no service at all.

Documents and records are files of a tree; each write is a commit whose parent is the last, pushed so that it succeeds
only while the remote's ref still is that parent. Blobs and commits are made in the local repository's object store and
touch neither its index, its work tree nor its branches. What lies there may be read by everybody who may read the
repository, so it is always sealed.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pnsync.errors import StateError
from pnsync.interfaces import Blob, Changed, Exclusive, Taken

TIMEOUT_SECONDS: Final = 60
TRIES: Final = 5
_NONE: Final = "0" * 40
_DIGITS: Final = 12
_IDENTITY: Final = {
    "GIT_AUTHOR_NAME": "pnsync",
    "GIT_AUTHOR_EMAIL": "pnsync@localhost",
    "GIT_COMMITTER_NAME": "pnsync",
    "GIT_COMMITTER_EMAIL": "pnsync@localhost",
}


class GitBackend:
    """One state on one ref of one remote."""

    def __init__(
        self, folder: Path, ref: str, remote: str = "origin", *, environ: Mapping[str, str] | None = None
    ) -> None:
        self._folder = folder
        self._ref = ref
        self._remote = remote
        self._environ = {
            **(os.environ if environ is None else environ),
            **_IDENTITY,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "LC_ALL": "C",
        }
        self.location = f"{ref} at {remote}"

    # -- documents and records -------------------------------------------------------------------------------------

    def read(self, name: str) -> Blob | None:
        """A document, None when there is none."""
        blob = self._tree(self._tip()).get(name)
        return None if blob is None else Blob(self._git("cat-file", "blob", blob), blob)

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """Replace a document at version `expected`; raises Changed."""
        blob = self._blob(data)
        for _ in range(TRIES):
            tip = self._tip()
            tree = self._tree(tip)
            if tree.get(name) != expected:
                raise Changed
            if self._push(tip, {**tree, name: blob}, f"{name}"):
                return blob
            if self._tree(self._tip()).get(name) == blob and blob != expected:
                return blob  # the answer was lost: it is our own
        raise self._failure("others keep moving the ref")

    def records(self, after: int) -> Sequence[tuple[int, bytes]]:
        """Every record after this one, in order."""
        tree = self._tree(self._tip())
        wanted = [(seq, blob) for seq, blob in _records(tree) if seq > after]
        return [(seq, self._git("cat-file", "blob", blob)) for seq, blob in wanted]

    def append(self, seq: int, record: bytes) -> None:
        """Add record `seq` when its slot is free and the log is empty or ends just before it. Raises Taken."""
        blob = self._blob(record)
        name = _name(seq)
        for _ in range(TRIES):
            tip = self._tip()
            tree = self._tree(tip)
            if name in tree:
                if tree[name] == blob:
                    return
                raise Taken
            known = [one for one, _ in _records(tree)]
            if known and known[-1] != seq - 1:
                raise Taken
            if self._push(tip, {**tree, name: blob}, f"record {seq}"):
                return
        raise self._failure("others keep moving the ref")

    def drop(self, through: int) -> None:
        """Forget the records up to `through`. They stay in the ref's history."""
        for _ in range(TRIES):
            tip = self._tip()
            tree = self._tree(tip)
            gone = {_name(seq) for seq, _ in _records(tree) if seq <= through}
            kept = {name: blob for name, blob in tree.items() if name not in gone}
            if not gone or self._push(tip, kept, f"fold through {through}"):
                return

    def reserve(self, size: int) -> None:
        """A remote does not tell; see that it can be reached."""
        self._tip()

    # -- no lock of its own ----------------------------------------------------------------------------------------

    def exclusive(self, holder: bytes, timeout: float) -> Exclusive | None:
        """None: the lease is the lock."""
        return None

    def occupant(self) -> bytes | None:
        """None, as there is no lock of its own."""
        return None

    def evict(self, holder: bytes) -> bool:
        """False, as there is no lock of its own."""
        return False

    # -- git ---------------------------------------------------------------------------------------------------------

    def _tip(self) -> str | None:
        """The remote's commit on the ref, fetched; None where there is none."""
        listed = self._git("ls-remote", "--quiet", self._remote, self._ref).decode().split()
        if not listed:
            return None
        tip = listed[0]
        if not self._has(tip):
            self._git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", self._remote, self._ref)
        return tip

    def _has(self, commit: str) -> bool:
        return self._run("cat-file", "-e", f"{commit}^{{tree}}").returncode == 0

    def _tree(self, tip: str | None) -> dict[str, str]:
        if tip is None:
            return {}
        found: dict[str, str] = {}
        for line in self._git("ls-tree", "-r", "-z", tip).split(b"\0"):
            if line:
                meta, _, name = line.partition(b"\t")
                found[name.decode()] = meta.split()[2].decode()
        return found

    def _blob(self, data: bytes) -> str:
        return self._git("hash-object", "-w", "--stdin", given=data).decode().strip()

    def _push(self, tip: str | None, tree: Mapping[str, str], message: str) -> bool:
        """Move the remote's ref from `tip` to a commit with this tree; False where it is not at `tip` any more."""
        commit = self._commit(tip, tree, message)
        done = self._run(
            "push",
            "--quiet",
            "--no-verify",
            "--porcelain",
            f"--force-with-lease={self._ref}:{tip or ''}",
            self._remote,
            f"{commit}:{self._ref}",
        )
        if done.returncode == 0:
            return True
        listed = self._git("ls-remote", "--quiet", self._remote, self._ref).decode().split()
        now = listed[0] if listed else None
        if now == commit:
            return True  # the answer was lost
        if now != tip:
            return False
        raise self._failure("the push was refused: see that the account may push to this ref")

    def _commit(self, tip: str | None, tree: Mapping[str, str], message: str) -> str:
        lines = "".join(f"100644 blob {blob}\t{name}\n" for name, blob in sorted(tree.items()))
        made = self._git("mktree", given=lines.encode()).decode().strip()
        parents = () if tip is None else ("-p", tip)
        return self._git("commit-tree", made, *parents, "-m", f"pnsync: {message}").decode().strip()

    def _git(self, *words: str, given: bytes = b"") -> bytes:
        done = self._run(*words, given=given)
        if done.returncode != 0:
            raise self._failure(f"git {words[0]} ended with {done.returncode}")
        return done.stdout

    def _run(self, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [
            "git",
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "gc.auto=0",
            "-C",
            str(self._folder),
            *words,
        ]
        try:
            return subprocess.run(  # noqa: S603
                command,
                input=given,
                capture_output=True,
                env=self._environ,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise self._failure("there is no git program") from None
        except subprocess.TimeoutExpired:
            raise self._failure(f"git {words[0]} did not end in {TIMEOUT_SECONDS} s") from None

    def _failure(self, why: str) -> StateError:
        return StateError(
            "the state's repository does not do what was asked",
            f"{self.location}: {why}.",
            "No call is made whose intent cannot be stored. See that the remote can be reached and pushed to without a",
            "question, then run the same command again.",
            code="S970",
        )


def _name(seq: int) -> str:
    return f"journal-{seq:0{_DIGITS}d}"


def _records(tree: Mapping[str, str]) -> list[tuple[int, str]]:
    found = [
        (int(name.removeprefix("journal-")), blob)
        for name, blob in tree.items()
        if name.startswith("journal-")
    ]
    return sorted(found)
