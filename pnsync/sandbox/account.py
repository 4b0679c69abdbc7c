"""One simulated account and where it is kept: in memory, or in a file that several processes share.

The file's first line is the whole account as JSON, each further line one change; it is rewritten (temporary file,
rename) when the changes outgrow the account. Readers take no lock and write nothing, as a prefix of the file is
always a consistent account; writers hold a flock on a file beside it. Mode 0600, because it holds phones. It must
not know a wire format.
"""

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
    """One account's switchboard; `reading` and `writing` are the only ways to it, one at a time per process."""

    def __init__(self, vendor: str, rules: Rules, *, path: Path | None = None, seed: int = 0) -> None:
        self.vendor = vendor
        self._rules = rules
        self._path = path
        self._seed = seed
        self._lock = threading.RLock()
        self._board = new_account(vendor, rules, seed=seed)
        self._read_to = 0
        self._identity: tuple[int, int] | None = None
        self._changes = 0

    @contextlib.contextmanager
    def reading(self, now: float) -> Iterator[Switchboard]:
        """The account as it is at `now`; nothing is kept of what happens inside."""
        with self._lock:
            self._catch_up()
            self._board.sweep(now)
            yield self._board
            if self._board.drain():
                raise AssertionError("a reading operation changed the account")

    @contextlib.contextmanager
    def writing(self, now: float) -> Iterator[Switchboard]:
        """The account at `now`, alone among all processes; the changes are in the file when the block ends."""
        with self._lock:
            if self._path is None:
                self._board.sweep(now)
                yield self._board
                self._board.drain()
                return
            with self._alone(self._path):
                self._catch_up()
                self._board.sweep(now)
                try:
                    yield self._board
                    self._keep(self._path, self._board.drain())
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
            lock = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _cannot("written", path, error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _forget(self) -> None:
        self._board = new_account(self.vendor, self._rules, seed=self._seed)
        self._read_to, self._identity, self._changes = 0, None, 0

    def _catch_up(self) -> None:
        """Take in what other processes wrote since; a half-written last line counts as not there."""
        if self._path is None:
            return
        try:
            seen = self._path.stat()
        except FileNotFoundError:
            if self._identity is not None:
                self._forget()
            return
        except OSError as error:
            raise _cannot("read", self._path, error) from error
        identity = (seen.st_dev, seen.st_ino)
        if identity == self._identity and seen.st_size == self._read_to:
            return
        if identity != self._identity or seen.st_size < self._read_to:
            self._forget()
        try:
            with self._path.open("rb") as file:
                opened = os.fstat(file.fileno())
                if (opened.st_dev, opened.st_ino) != identity:
                    self._forget()
                    identity = (opened.st_dev, opened.st_ino)
                file.seek(self._read_to)
                data = file.read()
        except FileNotFoundError:
            self._forget()
            return
        except OSError as error:
            raise _cannot("read", self._path, error) from error
        whole = data[: data.rfind(b"\n") + 1]
        self._identity = identity
        try:
            for line in whole.splitlines():
                self._take(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._forget()
            raise _damaged(self._path) from error
        self._read_to += len(whole)

    def _take(self, document: dict[str, Any]) -> None:
        if "do" in document:
            self._board.replay(document)
            self._changes += 1
            return
        if document.get("format") != FORMAT or document.get("version") != VERSION:
            raise ValueError("not an account file of this version")
        if document["vendor"] != self.vendor:
            raise ValueError("an account of another vendor")
        self._board = Switchboard.restore(document["account"], self._rules)
        self._changes = 0

    def _keep(self, path: Path, changes: list[dict[str, Any]]) -> None:
        if not changes:
            return
        many = max(CHANGES_BEFORE_REWRITE, len(self._board.bindings))
        try:
            if self._identity is None or self._changes + len(changes) > many:
                self._rewrite(path)
            else:
                self._append(path, changes)
        except OSError as error:
            raise _cannot("written", path, error) from error

    def _append(self, path: Path, changes: list[dict[str, Any]]) -> None:
        lines = b"".join(_line(one) for one in changes)
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            if os.fstat(file).st_size > self._read_to:
                os.ftruncate(file, self._read_to)  # what a killed writer left of a line
            written = os.pwrite(file, lines, self._read_to)
            if written != len(lines):
                raise OSError("short write")
        finally:
            os.close(file)
        self._read_to += len(lines)
        self._changes += len(changes)

    def _rewrite(self, path: Path) -> None:
        document = {
            "format": FORMAT,
            "version": VERSION,
            "vendor": self.vendor,
            "account": self._board.snapshot(),
        }
        line = _line(document)
        beside = path.with_name(f".{path.name}.{os.getpid()}.new")
        beside.unlink(missing_ok=True)
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(file, "wb") as new:
                new.write(line)
                new.flush()
                seen = os.fstat(new.fileno())
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        self._identity = (seen.st_dev, seen.st_ino)
        self._read_to = len(line)
        self._changes = 0


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
