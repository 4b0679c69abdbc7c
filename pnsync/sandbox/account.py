"""One simulated account and where it is kept: in memory, or in a file that several processes share.

The file's first line is the whole account as JSON, each further line one change; it is rewritten (temporary file,
rename) when the changes outgrow the account. Readers take no lock and write nothing, as a prefix of the file is
always a consistent account; writers hold a flock on a file beside it. Mode 0600, because it holds phones. It must
not know a wire format.
"""

import contextlib
import errno
import fcntl
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from pnsync.collector import collector_off
from pnsync.errors import PnsyncError
from pnsync.sandbox.seeds import new_account
from pnsync.sandbox.switchboard import Rules, Switchboard

FORMAT = "pnsync-sandbox"
VERSION = 1
CHANGES_BEFORE_REWRITE = 2000
"""Least number of changes after which the file is rewritten; with many bindings, as many changes as bindings."""


class AccountFileError(PnsyncError):
    """A simulated account's file cannot be read or written."""


class Account:
    """One account; `board` is up to date only inside `reading` and `writing`, one of which runs at a time."""

    def __init__(self, vendor: str, rules: Rules, *, path: Path | None = None, seed: int = 0) -> None:
        self.vendor = vendor
        self._rules = rules
        self._path = path
        self._seed = seed
        self._lock = threading.RLock()
        self.board = new_account(vendor, rules, seed=seed)
        self._read_to = 0
        self._file: BinaryIO | None = None
        self._changes = 0

    def close(self) -> None:
        """Let go of the file; the account can still be used, and opens it again."""
        with self._lock:
            if self._path is not None:
                self._forget()

    @contextlib.contextmanager
    def reading(self, now: float) -> Iterator[Switchboard]:
        """The account as it is at `now`; nothing is kept of what happens inside."""
        with self._lock:
            self._catch_up()
            self.board.sweep(now)
            yield self.board
            if self.board.drain():
                raise AssertionError("a reading operation changed the account")

    @contextlib.contextmanager
    def writing(self, now: float) -> Iterator[Switchboard]:
        """The account at `now`, alone among all processes; the changes are in the file when the block ends."""
        with self._lock:
            if self._path is None:
                self.board.sweep(now)
                yield self.board
                self.board.drain()
                return
            with self._alone(self._path):
                self._catch_up()
                self.board.sweep(now)
                try:
                    yield self.board
                    self._keep(self._path, self.board.drain())
                except BaseException:
                    # Memory may be ahead of the file: forget it, the file is the account.
                    self._forget()
                    raise

    # -- the file ----------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _alone(self, path: Path) -> Iterator[None]:
        beside = path.with_name(path.name + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise _cannot("written", path, error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _forget(self) -> None:
        self.board = new_account(self.vendor, self._rules, seed=self._seed)
        self._read_to, self._changes = 0, 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def _catch_up(self) -> None:
        """Take in what other processes wrote since; a half-written last line counts as not there."""
        if self._path is None:
            return
        try:
            if self._file is None or _is_other(self._file, self._path, self._read_to):
                self._forget()
                # Held open, so that the file's identity cannot come back as another file's.
                self._file = self._path.open("rb")
            size = os.fstat(self._file.fileno()).st_size
            if self._read_to and size == self._read_to:
                return
            self._file.seek(self._read_to)
            data = self._file.read()
        except FileNotFoundError:
            self._forget()
            return
        except OSError as error:
            raise _cannot("read", self._path, error) from error
        whole = data[: data.rfind(b"\n") + 1]
        try:
            self._take_all(whole)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._forget()
            raise _damaged(self._path) from error
        self._read_to += len(whole)

    def _take_all(self, lines: bytes) -> None:
        if not self._read_to and not lines:
            raise ValueError("no account in the file")
        with collector_off():
            for number, line in enumerate(lines.splitlines()):
                document = json.loads(line)
                if number or self._read_to:
                    self.board.replay(document)
                    self._changes += 1
                else:
                    self._take_snapshot(document)

    def _take_snapshot(self, document: dict[str, Any]) -> None:
        if document.get("format") != FORMAT or document.get("version") != VERSION:
            raise ValueError("not an account file of this version")
        if document["vendor"] != self.vendor:
            raise ValueError("an account of another vendor")
        self.board = Switchboard.restore(document["account"], self._rules)
        self._changes = 0

    def _keep(self, path: Path, changes: list[dict[str, Any]]) -> None:
        if not changes:
            return
        many = max(CHANGES_BEFORE_REWRITE, len(self.board.bindings))
        try:
            if self._file is None or self._changes + len(changes) > many:
                self._rewrite(path)
            else:
                self._append(path, changes)
        except OSError as error:
            raise _cannot("written", path, error) from error

    def _append(self, path: Path, changes: list[dict[str, Any]]) -> None:
        lines = b"".join(_line(one) for one in changes)
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if os.fstat(file).st_size > self._read_to:
                os.ftruncate(file, self._read_to)  # what a killed writer left of a line
            written = os.pwrite(file, lines, self._read_to)
            if written != len(lines):
                os.ftruncate(file, self._read_to)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(file)
        self._read_to += len(lines)
        self._changes += len(changes)

    def _rewrite(self, path: Path) -> None:
        document = {
            "format": FORMAT,
            "version": VERSION,
            "vendor": self.vendor,
            "account": self.board.snapshot(),
        }
        line = _line(document)
        beside = path.with_name(f".{path.name}.{os.getpid()}.new")
        beside.unlink(missing_ok=True)
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(file, "wb") as new:
                new.write(line)
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        if self._file is not None:
            self._file.close()
        self._file = path.open("rb")
        self._read_to = len(line)
        self._changes = 0


def _is_other(file: BinaryIO, path: Path, read_to: int) -> bool:
    """Whether `path` is another file by now, or the same one cut short."""
    held, seen = os.fstat(file.fileno()), path.stat()
    return (held.st_dev, held.st_ino) != (seen.st_dev, seen.st_ino) or seen.st_size < read_to


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _cannot(what: str, path: Path, error: OSError) -> AccountFileError:
    return AccountFileError(
        f"the sandbox's account file cannot be {what}",
        f"{path}: {error.strerror or 'failed'}.",
        "Nothing was changed in the simulated account. Check the folder's permissions and free space, then try again.",
    )


def _damaged(path: Path) -> AccountFileError:
    return AccountFileError(
        "the sandbox's account file is not one",
        f"{path} is damaged, of another vendor or written by a newer version.",
        "It holds simulated bindings only. To begin with a new account, remove it:",
        command=f"rm {path}",
    )
