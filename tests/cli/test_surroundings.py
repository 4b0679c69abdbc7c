"""Disks that are full, folders that may not be written, terminals without a size: told, nothing lost, nothing called twice."""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pnsync.backends.disk import SystemDisk
from pnsync.cli.main import program
from pnsync.sandbox.transport import SandboxTransport
from tests.cli.projects import LONDON, REAL, RIDE, SEVEN, write
from tests.cli.test_terminal_session import plain, terminal

NOBODY = 65534
WRITES = ("write", "fdatasync", "allocate", "rename", "fsync")
MOST_CALLS = 60
"""So many changes of the disk an apply of three bindings makes at most."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A project of somebody without privileges, in a folder that everybody may pass."""
    made = Path(tempfile.mkdtemp(prefix="pnsync-", dir="/tmp"))
    write(made, LONDON, SEVEN)
    yield made
    made.chmod(0o700)
    shutil.rmtree(made)


@contextmanager
def unprivileged(folder: Path) -> Iterator[None]:
    """Be somebody whom the modes of files bind, who owns the folder."""
    if os.geteuid() != 0:
        yield
        return
    for one in (folder, *folder.rglob("*")):
        os.chown(one, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(program, ["-C", str(folder), *words])


def made(folder: Path) -> list[str]:
    """The bindings that live at the simulated vendor, by who is bound."""
    rows = SandboxTransport("nxcloud", path=folder / "state" / "sandbox-nx.json").console.bindings()
    return sorted(row["phone_a"] for row in rows)


@contextmanager
def failing(name: str, number: int, after: int) -> Iterator[list[str]]:
    """The disk fails at one change with this name, and at every later one; the calls that are made meanwhile."""
    original: Callable[..., Any] = getattr(SystemDisk, name)
    sending = SandboxTransport.handle_request
    calls: list[str] = []
    count = 0

    def fail(self: SystemDisk, *args: Any) -> Any:
        nonlocal count
        count += 1
        if count > after:
            calls.append("failed")
            raise OSError(number, os.strerror(number))
        return original(self, *args)

    def send(self: SandboxTransport, request: Any) -> Any:
        calls.append(request.headers["action"])
        return sending(self, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SystemDisk, name, fail)
        patch.setattr(SandboxTransport, "handle_request", send)
        yield calls


@pytest.mark.parametrize(
    "number",
    [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO],
    ids=["disk-full", "quota", "read-only", "broken"],
)
@pytest.mark.parametrize("name", WRITES)
def test_a_disk_that_fails_in_mid_apply(folder: Path, name: str, number: int) -> None:
    """At each of its changes once in turn; the last run finishes what those before it began."""
    write(folder, LONDON, SEVEN, RIDE)
    for after in range(0, MOST_CALLS, 3):
        with failing(name, number, after) as calls:
            ended = run(folder, "apply", "--auto-approve")
        if "failed" not in calls:
            break
        assert ended.exit_code == 9, ended.output
        assert "Traceback" not in ended.output and not any(one in ended.output for one in REAL)
        behind = calls[calls.index("failed") :]
        assert not any(one.startswith(("bind", "unbind")) for one in behind), "no call behind a failed write"
    assert run(folder, "apply", "--auto-approve").exit_code == 0
    assert run(folder, "plan", "--detailed-exitcode").exit_code == 0
    assert len(made(folder)) == 3, "each was made once"


def test_a_folder_that_may_not_be_written(folder: Path) -> None:
    assert run(folder, "apply", "--auto-approve").exit_code == 0
    write(folder, LONDON, SEVEN, RIDE)
    with unprivileged(folder):
        (folder / "state").chmod(0o500)
        assert run(folder, "plan").exit_code == 0, "it can be looked at"
        ended = run(folder, "apply", "--auto-approve")
        (folder / "state").chmod(0o700)
        assert ended.exit_code == 9 and "Traceback" not in ended.output, ended.output
        # What was called is in the journal, which is there and may be written: only the snapshot cannot be replaced.
        assert run(folder, "apply", "--auto-approve").exit_code == 0
    assert len(made(folder)) == 3, "each was made once"
    assert run(folder, "plan", "--detailed-exitcode").exit_code == 0


@pytest.mark.parametrize("mode", [0o400, 0o000], ids=["written", "read"])
@pytest.mark.parametrize("name", ["pnsync.state.json", "pnsync.state.json.journal", "pnsync.state.json.lock"])
def test_a_state_whose_file_may_not_be(folder: Path, name: str, mode: int) -> None:
    assert run(folder, "apply", "--auto-approve").exit_code == 0
    write(folder, LONDON, SEVEN, RIDE)
    path = folder / "state" / name
    with unprivileged(folder):
        path.chmod(mode)
        ended = run(folder, "apply", "--auto-approve")
        path.chmod(0o600)
        assert "Traceback" not in ended.output and "This is a bug" not in ended.output
        assert ended.exit_code in (0, 9), ended.output
        assert len(made(folder)) == (3 if ended.exit_code == 0 else 2)
        assert run(folder, "apply", "--auto-approve").exit_code == 0
    assert len(made(folder)) == 3


@pytest.mark.parametrize("columns", ["0", ""], ids=["zero", "none"])
def test_a_terminal_without_a_size(folder: Path, columns: str) -> None:
    with terminal(folder, "plan", COLUMNS=columns, LINES=columns, NO_COLOR="1") as shown:
        assert shown.end() == 0
    assert "2 to bind" in plain(shown.shown)
