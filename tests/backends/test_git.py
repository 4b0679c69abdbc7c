"""A git ref when pushes fail: refused by rules, cut off before or after they took effect, hanging, without a remote."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from stores.clocks import StepClock
from stores.places import bare, clone
from stores.values import holder

from pnsync.backends import git as module
from pnsync.backends.git import GitBackend
from pnsync.errors import StateError
from pnsync.interfaces import Taken
from pnsync.journal import Noted
from pnsync.statefile.record import frame
from pnsync.store.store import Store

REF = "refs/pnsync/prod"
Look = Callable[[], GitBackend]


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return bare(tmp_path)


@pytest.fixture
def look(remote: Path) -> Look:
    return lambda: GitBackend(clone(remote), REF, "origin", StepClock())


def store(backend: GitBackend) -> Store:
    return Store(backend, StepClock(), pinned_lineage=None, heartbeat=lambda lease: lambda: None)


def record(seq: int) -> bytes:
    return frame(seq, "", b'{"n":%d}' % seq)[0]


def program(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put another program in git's place, which may run the real one as $REAL."""
    real = subprocess.run(["which", "git"], check=True, capture_output=True, text=True).stdout.strip()
    made = folder / "bin" / "git"
    made.parent.mkdir()
    made.write_text(f"#!/bin/sh\nREAL={real}\n{text}\n")
    made.chmod(0o755)
    monkeypatch.setenv("PATH", f"{made.parent}{os.pathsep}{os.environ['PATH']}")


def test_a_push_whose_answer_is_lost_counts_once(
    tmp_path: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = look()
    lossy = 'case "$*" in *" push "*) "$REAL" "$@" >/dev/null 2>&1; exit 128;; *) exec "$REAL" "$@";; esac'
    backend = look()
    program(tmp_path, lossy, monkeypatch)
    backend = GitBackend(backend._folder, REF, "origin", StepClock())
    for seq in range(1, 4):
        backend.append(seq, record(seq))
    version = backend.write("snapshot", b"one", None)
    assert backend.write("snapshot", b"two", version)
    assert [seq for seq, _ in plain.records(0)] == [1, 2, 3]
    found = plain.read("snapshot")
    assert found is not None
    assert found.data == b"two"


def test_a_push_that_is_cut_off_before_it_took_effect_is_exit_9(
    tmp_path: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    look().append(1, record(1))
    folder = look()._folder
    program(
        tmp_path,
        'case "$*" in *" push "*) echo "fatal: the remote end hung up" >&2; exit 128;; *) exec "$REAL" "$@";; esac',
        monkeypatch,
    )
    backend = GitBackend(folder, REF, "origin", StepClock())
    with pytest.raises(StateError) as caught:
        backend.append(2, record(2))
    assert caught.value.code == "S970"
    assert caught.value.exit_code == 9
    assert [seq for seq, _ in backend.records(0)] == [1]


def test_a_rule_of_the_remote_is_told(remote: Path, look: Look) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho token-gh7-secret >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(StateError) as caught:
        look().append(1, record(1))
    assert "rules do not allow" in caught.value.detail[0]
    assert "gh7-secret" not in "".join(caught.value.detail)


def test_a_git_that_hangs_is_ended_with_what_it_started(
    tmp_path: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = look()._folder
    program(
        tmp_path, 'case "$*" in *" ls-remote "*) sleep 600 & wait;; *) exec "$REAL" "$@";; esac', monkeypatch
    )
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.5)
    with pytest.raises(StateError) as caught:
        GitBackend(folder, REF, "origin", StepClock()).read("snapshot")
    assert "did not end" in caught.value.detail[0]


def test_there_is_no_remote_or_no_repository(tmp_path: Path, look: Look, remote: Path) -> None:
    lost = look()
    remote.rename(tmp_path / "gone.git")
    with pytest.raises(StateError) as caught:
        lost.read("snapshot")
    assert caught.value.code == "S970"
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(StateError):
        GitBackend(outside, REF, "origin", StepClock()).write("lease", b"", None)


def test_a_clone_that_is_behind_looks_before_it_refuses(look: Look) -> None:
    one, other = look(), look()
    one.append(1, record(1))
    other.append(2, record(2))
    one.append(3, record(3))
    with pytest.raises(Taken):
        other.append(3, frame(3, "other", b"{}")[0])
    other.append(4, record(4))
    assert [seq for seq, _ in one.records(0)] == [1, 2, 3, 4]


def test_branches_index_and_work_tree_are_not_touched(
    look: Look, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = look()
    folder = backend._folder

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@y", *words],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    (folder / "a").write_text("one")
    git("add", "a")
    git("commit", "--quiet", "-m", "one")
    (folder / "b").write_text("two")
    git("add", "b")
    hooks = folder / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("pre-push", "reference-transaction", "post-commit"):
        (hooks / name).write_text("#!/bin/sh\ntouch ran\nexit 1\n")
        (hooks / name).chmod(0o755)
    before = git("status", "--porcelain", "--branch") + git("rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nonexistent/index")
    backend = GitBackend(folder, REF, "origin", StepClock())
    with store(backend).hold(holder(), timeout=0) as session:
        session.record(Noted("colour", "blue"))
        session.finish()
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert git("status", "--porcelain", "--branch") + git("rev-parse", "HEAD") == before
    assert not (folder / "ran").exists()
    listed = subprocess.run(
        ["git", "-C", str(remote), "for-each-ref", "--format=%(refname)"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert listed.stdout.split() == [REF]
    assert len(git("ls-remote", "origin").splitlines()) == 1


def test_every_record_is_a_commit_of_the_ref(look: Look, remote: Path) -> None:
    backend = look()
    with store(backend).hold(holder(), timeout=0) as session:
        session.record(Noted("colour", "blue"))
        session.record(Noted("colour", "red"))
        session.finish()
    log = subprocess.run(
        ["git", "-C", str(remote), "log", "--format=%s", REF], check=True, capture_output=True, text=True
    ).stdout
    assert "pnsync: record 1" in log
    assert "pnsync: record 2" in log
    assert "pnsync: snapshot" in log


def test_what_is_larger_than_any_state_is_not_read(look: Look) -> None:
    whole = look()
    whole.write("snapshot", b"x" * 1001, None)
    whole.append(1, b"y" * 1001)
    small = GitBackend(whole._folder, REF, "origin", StepClock(), limit_bytes=1000)
    for ask in (lambda: small.read("snapshot"), lambda: small.records(0)):
        with pytest.raises(StateError) as caught:
            ask()
        assert any("larger than any state" in one for one in caught.value.detail)
    enough = GitBackend(whole._folder, REF, "origin", StepClock(), limit_bytes=1001)
    assert enough.read("snapshot") is not None and len(enough.records(0)) == 1
