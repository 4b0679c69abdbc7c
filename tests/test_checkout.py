"""Which commits a checkout lacks, on real repositories."""

import os
import subprocess
from pathlib import Path

import pytest

from pnsync.checkout import NAMED, GitCheckout, GitReader, Missing

ENVIRON = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}


def git(folder: Path, *words: str) -> str:
    """Run git in a folder."""
    done = subprocess.run(
        ["git", *words], cwd=folder, env=ENVIRON, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder: Path, text: str) -> str:
    """A commit more; its id."""
    (folder / "pnsync.yaml").write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", text)
    return git(folder, "rev-parse", "HEAD")


def checkout(folder: Path) -> GitCheckout:
    """What is tested."""
    return GitCheckout(folder, path=os.environ["PATH"])


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository without a commit."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    return folder


def test_without_repository_commit_or_git_nothing_is_known(tmp_path: Path, repository: Path) -> None:
    for one in (checkout(tmp_path), checkout(repository), GitCheckout(repository, path="/nonexistent")):
        assert one.head() is None
        assert one.missing("0" * 40) is None


def test_what_it_contains_is_not_missing(repository: Path) -> None:
    first = commit(repository, "one")
    second = commit(repository, "two")
    found = checkout(repository / ".")
    assert found.head() == second
    assert found.missing(second) is None and found.missing(first) is None


def test_an_older_checkout_names_what_it_lacks(repository: Path) -> None:
    first = commit(repository, "one")
    made = [commit(repository, str(i)) for i in range(NAMED + 2)]
    git(repository, "checkout", "-q", first)
    found = checkout(repository).missing(made[-1])
    assert found is not None and found.count == NAMED + 2 and not found.shallow
    assert [made[::-1][i].startswith(one) for i, one in enumerate(found.commits)] == [True] * NAMED
    assert "and 2 more" in found.lines()[0]


def test_another_branch_lacks_what_the_first_has(repository: Path) -> None:
    commit(repository, "one")
    git(repository, "branch", "side")
    applied = commit(repository, "two")
    git(repository, "checkout", "-q", "side")
    commit(repository, "other")
    found = checkout(repository).missing(applied)
    assert found is not None and found.count == 1 and applied.startswith(found.commits[0])


def test_a_commit_that_is_not_there_is_missing(repository: Path) -> None:
    commit(repository, "one")
    found = checkout(repository).missing("f" * 40)
    assert found == Missing(("f" * 12,), None, shallow=False)
    assert "does not know it" in found.lines()[0]


def test_a_shallow_clone_says_what_to_do(tmp_path: Path, repository: Path) -> None:
    first = commit(repository, "one")
    commit(repository, "two")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    found = checkout(tmp_path / "shallow").missing(first)
    assert found is not None and found.shallow and "--unshallow" in found.lines()[-1]


@pytest.mark.parametrize("text", ["", "HEAD", "--all", "main", "0" * 39, "$(id)"])
def test_only_an_id_reaches_git(repository: Path, text: str) -> None:
    commit(repository, "one")
    assert checkout(repository).missing(text) is None


def test_nothing_of_the_repository_or_the_environment_runs(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = commit(repository, "one")
    applied = commit(repository, "two")
    git(repository, "checkout", "-q", first)
    mark = repository / "ran"
    script = repository / "script"
    script.write_text(f"#!/bin/sh\ntouch {mark}\n")
    script.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "alias.rev-list"):
        git(repository, "config", name, f"!{script}" if name.startswith("alias") else str(script))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    found = checkout(repository).missing(applied)
    assert found is not None and found.count == 1
    assert not mark.exists()


def wrapped(folder: Path, script: str) -> str:
    """A PATH on which git is a script of ours, before the real one."""
    tools = folder / "tools"
    tools.mkdir()
    program = tools / "git"
    program.write_text(f'#!/bin/sh\n{script}\nPATH={ENVIRON["PATH"]}\nexec git "$@"\n')
    program.chmod(0o755)
    return f"{tools}{os.pathsep}{ENVIRON['PATH']}"


def test_a_repository_of_another_owner_is_looked_at_too(tmp_path: Path, repository: Path) -> None:
    """As where a job's container runs as another user than the checkout: else nothing would be asked of it."""
    first = commit(repository, "one")
    applied = commit(repository, "two")
    git(repository, "checkout", "-q", first)
    path = wrapped(tmp_path, "export GIT_TEST_ASSUME_DIFFERENT_OWNER=1")
    found = GitCheckout(repository, path=path)
    assert found.head() == first and found.missing(applied) is not None


def test_a_history_that_somebody_rewrote_for_git_alone_is_not_believed(repository: Path) -> None:
    first = commit(repository, "one")
    applied = commit(repository, "two")
    git(repository, "checkout", "-q", "-b", "side", first)
    mine = commit(repository, "other")
    git(repository, "replace", "--graft", mine, applied)
    found = checkout(repository).missing(applied)
    assert found is not None and found.count == 1


def test_what_a_clone_lacks_is_not_fetched(tmp_path: Path, repository: Path) -> None:
    commit(repository, "one")
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(repository, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{repository}", "partial")
    applied = commit(repository, "two")
    found = checkout(tmp_path / "partial").missing(applied)
    assert found is not None and found.count is None
    known = subprocess.run(
        ["git", "cat-file", "-e", applied],
        cwd=tmp_path / "partial", env={**ENVIRON, "GIT_NO_LAZY_FETCH": "1"}, capture_output=True, check=False,
    )  # fmt: skip
    assert known.returncode != 0


def test_git_that_does_not_end_is_not_waited_for(tmp_path: Path, repository: Path) -> None:
    commit(repository, "one")
    path = wrapped(tmp_path, "exec sleep 5")
    reader = GitReader(repository, path=path, timeout_seconds=0.1)
    assert reader.run("rev-parse", "HEAD") is None


def test_what_git_would_commit(tmp_path: Path, repository: Path) -> None:
    (repository / ".gitignore").write_text("state/\n")
    found = checkout(repository)
    assert found.would_commit(repository / "numbers.yaml")
    assert not found.would_commit(repository / "state" / "pnsync.state.json")
    outside = checkout(tmp_path)
    assert not outside.would_commit(tmp_path / "numbers.yaml"), "no repository, nothing to commit to"
