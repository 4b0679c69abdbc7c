"""The state on a ref of the repository's remote, and the program as a process: pushes a call, signals, kills, clones."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from stores import places

from tests.e2e.program import Program, kill
from tests.e2e.projects import Project
from tests.processes import ended
from tests.sealing.keyholders import Holder

ANNA = Holder()
REF = "refs/pnsync/prod"
LIMIT_SECONDS = 5.0


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return places.bare(tmp_path)


@pytest.fixture
def in_git(project: Project, remote: Path, tmp_path: Path) -> Project:
    """A project whose state lies on the ref; `git` is the one beside it."""
    joined(project.folder, remote)
    project.extra = (
        f"state: {{backend: git, ref: {REF}, encryption: {{recipients: [{ANNA.recipient}], enforced: true}}}}\n"
        "policy: {max_unbind: 100%, max_rebind: 100%}"
    )
    project.program.env.update(ANNA.environ, XDG_STATE_HOME=str(tmp_path / "marks"))
    return project


def joined(folder: Path, remote: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "remote", "add", "origin", str(remote)], check=True)


def commits(remote: Path) -> list[str]:
    """What each push said, the oldest first."""
    told = subprocess.run(
        ["git", "-C", str(remote), "log", "--reverse", "--format=%s", REF],
        check=True,
        capture_output=True,
        text=True,
    )
    return told.stdout.splitlines()


def slow_git(project: Project, tmp_path: Path, nth: int, *, before: bool) -> Path:
    """Let the n-th push hang, before or after it took effect; the file that says that it does."""
    real, folder = shutil.which("git"), tmp_path / "bin"
    folder.mkdir()
    hanging, count = tmp_path / "hanging", tmp_path / "count"
    push = '"$REAL" "$@"' if not before else "true"
    (folder / "git").write_text(
        f"""#!/bin/sh
REAL={real}
case "$*" in
*" push "*)
  echo . >> {count}
  if [ "$(wc -l < {count})" = {nth} ]; then {push}; echo $$ > {hanging}; sleep 60; fi;;
esac
exec "$REAL" "$@"
"""
    )
    (folder / "git").chmod(0o755)
    project.program.env["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return hanging


def until_there(path: Path) -> None:
    until = time.monotonic() + 30
    while not path.exists() or not path.read_text().strip():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("parallelism", ["1", "4"])
def test_ten_calls_take_one_push(in_git: Project, remote: Path, parallelism: str) -> None:
    """Three more pushes for thirty calls more; those around them are the same whatever an apply does."""
    pushes = []
    for first, last in ((0, 10), (10, 50)):
        before = len(commits(remote)) if pushes else 0
        in_git.desks(range(first, last))
        in_git.program.apply("--parallelism", parallelism)
        told = commits(remote)
        pushes.append(len(told) - before)
    around = pushes[0] - 1
    assert around <= 12, told
    assert pushes[1] - around <= 40 / 10 + 1, (pushes, told)
    in_git.program.empty()
    assert commits(remote) == told, "a plan pushes nothing"


@pytest.mark.sampled
@pytest.mark.parametrize("before", [True, False], ids=["before its effect", "after its effect"])
@pytest.mark.parametrize("nth", [1, 3, 4, 5])
def test_a_signal_while_a_push_hangs(in_git: Project, tmp_path: Path, nth: int, before: bool) -> None:
    in_git.desks(range(12))
    hanging = slow_git(in_git, tmp_path, nth, before=before)
    process = in_git.program.start("apply", "--auto-approve")
    until_there(hanging)
    began = time.monotonic()
    kill(process, signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - began < LIMIT_SECONDS + 0.5
    assert process.returncode == 143, (out, err)
    assert b"Traceback" not in err
    assert ended(int(hanging.read_text()), within=LIMIT_SECONDS), "nothing is left behind"
    in_git.program.env.pop("PATH")
    recovered(in_git, 12)


def recovered(project: Project, live: int) -> None:
    """Another clone, as of another runner, makes it right."""
    held = project.program.run("apply", "--auto-approve")
    if held.code == 6:
        lock = re.search(r"pnsync unlock (\w+)", held.err)
        assert lock is not None, str(held)
        project.program.run("unlock", lock[1], code=0)
        held = project.program.run("apply", "--auto-approve")
    assert held.code == 0, str(held)
    assert len(project.nx.bindings()) == live
    project.program.empty()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("nth", [3, 4, 5])
def test_a_kill_while_a_push_is_on_its_way(in_git: Project, tmp_path: Path, nth: int) -> None:
    in_git.desks(range(12))
    hanging = slow_git(in_git, tmp_path, nth, before=False)
    process = in_git.program.start("apply", "--auto-approve")
    until_there(hanging)
    kill(process)
    process.communicate()
    os.killpg(int(hanging.read_text()), signal.SIGKILL)
    in_git.program.env.pop("PATH")
    recovered(in_git, 12)


def test_each_clone_goes_on_where_another_ended(in_git: Project, remote: Path, tmp_path: Path) -> None:
    """Runners of CI clone anew for each job; the ref is in no clone until it is asked for."""
    in_git.desks(range(3))
    in_git.program.apply()
    for turn in range(1, 4):
        folder = tmp_path / f"clone-{turn}"
        folder.mkdir()
        joined(folder, remote)
        shutil.copy(in_git.folder / "pnsync.yaml", folder)
        other = Program(folder, dict(in_git.program.env))
        other.empty()
        in_git.desks(range(3 + turn))
        shutil.copy(in_git.folder / "pnsync.yaml", folder)
        other.apply()
        assert len(in_git.nx.bindings()) == 3 + turn
    in_git.program.empty()
