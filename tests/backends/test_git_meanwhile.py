"""A git ref that others move or remove, names that would lead elsewhere, and what git itself says or runs."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from stores.clocks import StepClock
from stores.places import bare, clone

from pnsync.backends import git as module
from pnsync.backends.git import GitBackend
from pnsync.errors import StateError, UsageError
from pnsync.interfaces import Taken
from pnsync.statefile.record import frame
from tests.processes import ended

REF = "refs/pnsync/prod"


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return bare(tmp_path)


def look(remote: Path) -> GitBackend:
    return GitBackend(clone(remote), REF, "origin", StepClock())


def record(seq: int, text: bytes = b"ours") -> bytes:
    return frame(seq, "", b'{"n":"%s"}' % text)[0]


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Overtaken(GitBackend):
    """Each push takes effect, its answer is lost, and somebody is faster than the look at what became of it."""

    then: Callable[[], object] = staticmethod(lambda: None)

    def _run(self, *words: str, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        done = super()._run(*words, given=given)
        if words[0] == "push" and done.returncode == 0:
            then, self.then = self.then, lambda: None
            then()
            return subprocess.CompletedProcess(words, 128, b"", b"fatal: the remote end hung up")
        return done


def test_what_took_effect_counts_though_others_went_on_behind_it_before_we_looked(remote: Path) -> None:
    rival = look(remote)
    one = Overtaken(clone(remote), REF, "origin", StepClock())
    one.then = lambda: rival.write("lease", b"omar", None)
    assert one.append(1, record(1)) is None
    one.then = lambda: rival.append(2, record(2, b"theirs"))
    version = one.write("snapshot", b"one", None)
    found = rival.read("snapshot")
    assert found is not None and (found.data, found.version) == (b"one", version)
    assert [seq for seq, _ in rival.records(0)] == [1, 2]


def test_a_document_that_others_replaced_is_not_written_over(remote: Path) -> None:
    one, rival = look(remote), look(remote)
    version = one.write("lease", b"free", None)
    assert rival.write("lease", b"omar", version)
    with pytest.raises(module.Changed):
        one.write("lease", b"maria", version)
    one.append(1, record(1))
    with pytest.raises(Taken):
        rival.append(1, record(1, b"theirs"))
    found = rival.read("lease")
    assert found is not None and found.data == b"omar"


def test_a_record_whose_ref_somebody_removed_is_written_again(remote: Path) -> None:
    """What this run remembers of the ref proves nothing of it now."""
    one = look(remote)
    one.append(1, record(1))
    git(remote, "update-ref", "-d", REF)
    one.append(1, record(1))
    assert [seq for seq, _ in look(remote).records(0)] == [1]


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ("refs/heads/main", "origin"), ("refs/pnsync/../heads/main", "origin"), ("refs/pnsync/a.lock", "origin"),
        ("refs/pnsync/a:refs/heads/main", "origin"), ("+refs/pnsync/a", "origin"), ("refs/pnsync/", "origin"),
        (REF, "https://elsewhere.example/x"), (REF, "--upload-pack=touch x"), (REF, "../other"), (REF, "ext::sh -c x"),
        (REF, ""), (f"{REF}\n", "origin"), (REF, "origin\n"),
    ],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, ref: str, name: str) -> None:
    with pytest.raises(UsageError):
        GitBackend(tmp_path, ref, name, StepClock())


def test_what_git_says_may_hold_an_address_with_a_token_in_it(remote: Path) -> None:
    folder = clone(remote)
    git(folder, "remote", "set-url", "origin", str(remote.parent / "gh7-secret"))
    with pytest.raises(StateError) as caught:
        GitBackend(folder, REF, "origin", StepClock()).read("snapshot")
    assert "gh7-secret" not in f"{caught.value} {caught.value.detail}"
    assert "no such remote" in caught.value.detail[0]


def test_no_hook_of_the_clone_runs(remote: Path, tmp_path: Path) -> None:
    folder, mark = clone(remote), tmp_path / "ran"
    hooks = Path(git(folder, "rev-parse", "--absolute-git-dir")) / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in (
        "pre-push",
        "reference-transaction",
        "post-commit",
        "pre-commit",
        "post-update",
        "pre-auto-gc",
    ):
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >> {mark}\n")
        (hooks / name).chmod(0o755)
    one = GitBackend(folder, REF, "origin", StepClock())
    look(remote).append(1, record(1))
    one.append(2, record(2))
    assert len(one.records(0)) == 2 and not mark.exists()


def test_what_a_hanging_git_started_is_ended_too(
    remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, tools, left = clone(remote), tmp_path / "bin", tmp_path / "left"
    tools.mkdir()
    (tools / "git").write_text(f"#!/bin/sh\nsleep 60 &\necho $! > {left}\nwait\n")
    (tools / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 2)
    began = time.monotonic()
    with pytest.raises(StateError):
        GitBackend(folder, REF, "origin", StepClock()).read("snapshot")
    assert time.monotonic() - began < 30, "long before it ends by itself"
    assert ended(int(left.read_text()))
