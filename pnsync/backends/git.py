"""A state on a ref of its own in the repository's remote: no service at all.

Documents and records are files of a tree; each write is a commit whose parent is the last, pushed so that it succeeds
only while the remote's ref still is that parent. Blobs and commits are made in the local repository's object store and
touch neither its index, its work tree nor its branches. What lies there may be read by everybody who may read the
repository, so it is always sealed. Names come from reviewed files: a remote is one that the clone has, never a URL.
"""

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pnsync.backends.bounds import LIMIT_BYTES
from pnsync.backends.leased import Leased
from pnsync.backends.patience import Patience
from pnsync.errors import StateError, UsageError
from pnsync.interfaces import Blob, Changed, Clock, Taken
from pnsync.statefile.codes import refusal

TIMEOUT_SECONDS: Final = 30
DEFAULT_REF: Final = "refs/pnsync/state"
_DIGITS: Final = 12
_IDENTITY: Final = {
    "GIT_AUTHOR_NAME": "pnsync",
    "GIT_AUTHOR_EMAIL": "pnsync@localhost",
    "GIT_COMMITTER_NAME": "pnsync",
    "GIT_COMMITTER_EMAIL": "pnsync@localhost",
}
_KEPT: Final = ("GIT_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO")
"""Of git's own variables those that reach a remote; others, as a hook's GIT_DIR, would lead elsewhere."""
_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "gc.auto=0",
    "maintenance.auto=false",
    "push.recurseSubmodules=no",
    "fetch.recurseSubmodules=no",
    "push.followTags=false",
    "push.gpgSign=false",
)
_REF = re.compile(r"refs/pnsync/[A-Za-z0-9][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+)*")
_REMOTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SAID: Final = (
    ("not a git repository", "the root file's folder is in no git repository"),
    ("dubious ownership", "git does not trust the repository's owner (safe.directory)"),
    ("does not appear to be a git repository", "there is no such remote, or it is gone"),
    ("could not read Username", "the remote asks for credentials"),
    ("Authentication failed", "the remote refuses the credentials"),
    ("Permission denied", "the remote refuses the credentials"),
    ("Could not resolve host", "the remote's host name is not known"),
    ("Connection refused", "the connection is refused"),
    ("cannot lock ref", "another push is moving the ref"),
    ("failed to update ref", "another push is moving the ref"),
    ("pre-receive hook declined", "the remote's rules do not allow this push"),
    ("remote rejected", "the remote's rules do not allow this push"),
    ("No space left", "no space is left on the device"),
)
"""What git says, and how it is told: its own words may repeat an address with a token in it."""

_FINAL: Final = (
    "the remote's rules do not allow this push",
    "the remote refuses the credentials",
    "the remote asks for credentials",
    "no space is left on the device",
)
"""After these the same push would only fail again."""


@dataclass(frozen=True, slots=True)
class _View:
    """A commit of the ref (None: there is none) and the files of its tree, by name their blobs."""

    tip: str | None = None
    tree: Mapping[str, str] = field(default_factory=dict)


class GitBackend(Leased):
    """One state on one ref of one remote of the repository around `folder`. Raises UsageError for other names."""

    def __init__(
        self, folder: Path, ref: str, remote: str, clock: Clock, *, limit_bytes: int = LIMIT_BYTES
    ) -> None:
        if not _REF.fullmatch(ref) or ref.endswith(".lock"):
            raise UsageError("the state's ref is refused", f"{ref} is not of the form refs/pnsync/NAME.")
        if not _REMOTE.fullmatch(remote):
            raise UsageError("the state's remote is refused", "Name one that `git remote` shows, as origin.")
        self._folder = folder
        self._ref = ref
        self._remote = remote
        self._clock = clock
        self._limit = limit_bytes
        outside = {
            name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _KEPT
        }
        self._environ = {
            **outside,
            **_IDENTITY,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "LC_ALL": "C",
        }
        self._running: set[subprocess.Popen[bytes]] = set()
        self._seen: _View | None = None
        """The ref as it was left or found last; a push from it tells whether it still is so."""
        self.location = f"{ref} at {remote}"

    # -- documents and records -------------------------------------------------------------------------------------

    def read(self, name: str) -> Blob | None:
        """A document, None when there is none."""
        blob = self._look().tree.get(name)
        return None if blob is None else Blob(self._contents([blob])[0], blob)

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """Replace a document at version `expected`; raises Changed."""
        blob = self._blob(data)
        pushed = False

        def step(tree: Mapping[str, str]) -> Mapping[str, str] | None:
            nonlocal pushed
            present = tree.get(name)
            if pushed and present == blob:
                return None
            if present != expected:
                raise Changed
            pushed = True
            return {**tree, name: blob}

        self._change(step, name)
        return blob

    def records(self, after: int) -> Sequence[tuple[int, bytes]]:
        """Every record after this one, in order."""
        wanted = [(seq, blob) for seq, blob in _records(self._look().tree) if seq > after]
        found = self._contents([blob for _, blob in wanted])
        return [(seq, data) for (seq, _), data in zip(wanted, found, strict=True)]

    def append(self, seq: int, record: bytes) -> None:
        """Add record `seq` when its slot is free and the log is empty or ends just before it. Raises Taken."""
        blob = self._blob(record)
        name = _name(seq)

        def step(tree: Mapping[str, str]) -> Mapping[str, str] | None:
            if name in tree:
                if tree[name] == blob:
                    return None
                raise Taken
            known = _records(tree)
            if known and known[-1][0] != seq - 1:
                raise Taken
            return {**tree, name: blob}

        self._change(step, f"record {seq}")

    def drop(self, through: int) -> None:
        """Forget the records up to `through`. They stay in the ref's history."""

        def step(tree: Mapping[str, str]) -> Mapping[str, str] | None:
            gone = {_name(seq) for seq, _ in _records(tree) if seq <= through}
            return {name: blob for name, blob in tree.items() if name not in gone} if gone else None

        self._change(step, f"fold through {through}")

    def reserve(self, size: int) -> None:
        """A remote does not tell; see that it can be reached."""
        self._look()

    # -- git ---------------------------------------------------------------------------------------------------------

    def _look(self) -> _View:
        """The remote's ref now, with what is missing of it fetched."""
        tip = self._remote_tip()
        seen = self._seen
        if seen is not None and seen.tip == tip:
            return seen
        if tip is None:
            view = _View()
        else:
            if self._run("cat-file", "-e", f"{tip}^{{tree}}").returncode != 0:
                self._git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", self._remote, self._ref)
            view = _View(tip, self._tree(tip))
        self._seen = view
        return view

    def _remote_tip(self) -> str | None:
        for line in self._git("ls-remote", "--quiet", self._remote, self._ref).decode().splitlines():
            commit, _, name = line.partition("\t")
            if name == self._ref:
                return commit
        return None

    def _change(self, step: Callable[[Mapping[str, str]], Mapping[str, str] | None], message: str) -> None:
        """Push the tree that `step` makes of the present one (None: nothing is to be done), on whatever others push.

        What `step` raises is believed of a tree that was looked up, never of one remembered.
        """
        patience = Patience(self._clock)
        view, fresh = (self._seen, False) if self._seen is not None else (self._look(), True)
        while True:
            assert view is not None
            try:
                wanted = step(view.tree)
            except (Changed, Taken):
                if fresh:
                    raise
                view, fresh = self._look(), True
                continue
            if wanted is None and fresh:
                return
            if wanted is not None and self._push(view.tip, wanted, message):
                return
            if fresh and not patience.again():
                raise self._failure(
                    "no push takes effect, as others keep moving the ref or the connection breaks"
                )
            view, fresh = self._look(), True

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
        if done.returncode != 0:
            told = _told(done.stdout + done.stderr)
            now = self._remote_tip()
            if now == tip and told in _FINAL:
                raise self._failure(told)
            if now != commit:
                # Others were faster, or are just moving the ref, or the connection broke: it is looked up anew.
                return False
        # Where the push took effect and only its answer was lost it counts as well.
        self._seen = _View(commit, tree)
        return True

    def _tree(self, tip: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in self._git("ls-tree", "-z", tip).split(b"\0"):
            if line:
                meta, _, name = line.partition(b"\t")
                found[name.decode()] = meta.split()[2].decode()
        return found

    def _contents(self, blobs: Sequence[str]) -> list[bytes]:
        """What blobs hold, once their sizes are known."""
        if not blobs:
            return []
        asked = "".join(f"{one}\n" for one in blobs).encode()
        sizes = self._git("cat-file", "--batch-check=%(objectsize)", given=asked).split(b"\n")
        if any(not one.isdigit() or int(one) > self._limit for one in sizes[: len(blobs)]):
            raise self._failure("the ref holds what is missing, or larger than any state")
        found, made = self._git("cat-file", "--batch", given=asked), []
        at = 0
        for _ in blobs:
            line = found.index(b"\n", at)
            size = int(found[at:line].split()[2])
            made.append(found[line + 1 : line + 1 + size])
            at = line + 2 + size
        return made

    def _blob(self, data: bytes) -> str:
        return self._git("hash-object", "-w", "--stdin", given=data).decode().strip()

    def _commit(self, tip: str | None, tree: Mapping[str, str], message: str) -> str:
        lines = "".join(f"100644 blob {blob}\t{name}\n" for name, blob in sorted(tree.items()))
        made = self._git("mktree", "--missing", given=lines.encode()).decode().strip()
        parents = () if tip is None else ("-p", tip)
        return self._git("commit-tree", made, *parents, "-m", f"pnsync: {message}").decode().strip()

    def _git(self, *words: str, given: bytes = b"") -> bytes:
        done = self._run(*words, given=given)
        if done.returncode != 0:
            raise self._failure(_told(done.stderr) or f"git {words[0]} ended with {done.returncode}")
        return done.stdout

    def _run(self, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        settings = [word for one in _SETTINGS for word in ("-c", one)]
        command = ["git", *settings, "-C", str(self._folder), *words]
        try:
            running = subprocess.Popen(  # noqa: S603 - fixed words, checked names and object ids
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environ,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise self._failure("there is no git program") from None
        self._running.add(running)
        try:
            out, said = running.communicate(given, timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            raise self._failure(f"git {words[0]} did not end in {TIMEOUT_SECONDS} s") from None
        finally:
            if running.poll() is None:
                # With what it started: a transport would keep the pipes open.
                os.killpg(running.pid, signal.SIGKILL)
                running.communicate()
            self._running.discard(running)
        return subprocess.CompletedProcess(command, running.returncode, out, said)

    def abandon(self) -> None:
        """End what still runs, as this process ends now; from any thread. What was pushed may have taken effect."""
        for one in tuple(self._running):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGKILL)

    def _failure(self, why: str) -> StateError:
        return refusal(
            "S970",
            f"{self.location}: {why}.",
            "No call is made whose intent cannot be stored. See that the remote can be reached and pushed to without a",
            "question, then run the same command again.",
        )


def _told(said: bytes) -> str:
    text = said.decode(errors="replace")
    return next((told for word, told in _SAID if word in text), "")


def _name(seq: int) -> str:
    return f"journal-{seq:0{_DIGITS}d}"


def _records(tree: Mapping[str, str]) -> list[tuple[int, str]]:
    return sorted(
        (int(name.removeprefix("journal-")), blob)
        for name, blob in tree.items()
        if name.startswith("journal-")
    )
