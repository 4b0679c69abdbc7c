"""Odd surroundings: readers that go away, closed streams, no home, a plain locale, narrow terminals, environments."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.cli.test_terminal_session import plain, terminal
from tests.e2e.program import PATIENCE_SECONDS, environment
from tests.e2e.projects import PHONES, Project, flow
from tests.e2e.vendors import KEYS


def shell(project: Project, line: str) -> "subprocess.CompletedProcess[bytes]":
    """A line of bash in the project's folder, in which `pnsync` is the program."""
    script = f'set -o pipefail; pnsync() {{ "{sys.executable}" -m pnsync "$@"; }}; {line}'
    return subprocess.run(
        ["bash", "-c", script],
        cwd=project.folder,
        env=environment(**KEYS),
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def test_a_reader_that_has_seen_enough(project: Project) -> None:
    project.desks(range(60))
    ended = shell(project, "pnsync plan 2>err | head -1")
    assert ended.returncode == 0
    assert ended.stdout.startswith(b"pnsync.yaml")
    assert "Traceback" not in (project.folder / "err").read_text()


@pytest.mark.parametrize("closing", [">&-", "2>&-", "<&- >&- 2>&-", "| head -c 1 >/dev/null"])
def test_an_apply_outlives_its_streams(project: Project, closing: str) -> None:
    project.desks([1, 2, 3])
    ended = shell(project, f"pnsync apply --auto-approve --result v.json {closing}")
    assert ended.returncode == 0, ended.stderr
    assert b"Traceback" not in ended.stderr
    assert json.loads((project.folder / "v.json").read_text())["done"] == 3
    project.program.empty()
    assert project.live == 3


@pytest.fixture
def heard_hangups() -> Iterator[None]:
    """A program started here hears of a closed terminal, though the tests may run where nobody does (nohup)."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def test_a_terminal_that_is_closed_at_the_question(project: Project, heard_hangups: None) -> None:
    project.desks([1, 2])
    with terminal(project.folder, "apply", **KEYS) as shown:
        shown.until("Only 'yes' will be accepted")
        shown.process.send_signal(signal.SIGHUP)
        assert shown.process.wait(PATIENCE_SECONDS) != 0
    assert project.live == 0
    project.program.apply()
    project.program.empty()


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "env",
    [
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"TZ": "Asia/Kolkata"},
        {"HOME": "/nonexistent", "USER": "", "LOGNAME": ""},
        {"COLUMNS": "20", "TERM": "dumb"},
    ],
    ids=["C", "zone", "no-home", "narrow"],
)
def test_a_plan_reads_the_same_everywhere(project: Project, env: dict[str, str]) -> None:
    project.desks([1])
    project.program.apply()
    project.desks([1, 2])
    here, there = project.program.run("plan", code=0), project.program.run("plan", code=0, env=env)
    assert here.out.partition("Holds until")[0] == there.out.partition("Holds until")[0]
    assert "→" in there.out
    assert "\x1b" not in there.out + there.err


@pytest.mark.sampled(2)
@pytest.mark.parametrize("columns", ["20", "40", "80", "200"])
def test_any_width_of_a_terminal(project: Project, columns: str) -> None:
    project.desks([1, 2])
    project.bindings["a-ride-with-quite-a-long-name"] = flow(mode="axb", phone_a=PHONES[3], phone_b=PHONES[4])
    project.write()
    with terminal(project.folder, "plan", COLUMNS=columns, NO_COLOR="1", **KEYS) as shown:
        assert shown.end() == 0
    text = plain(shown.shown).replace("\r", "")
    assert "Plan: 3 to bind" in " ".join(text.split())
    if int(columns) >= 80:
        assert max(len(line) for line in text.split("\n")) <= int(columns)


def test_options_from_the_environment_and_v_after_the_command(project: Project) -> None:
    project.desks([1])
    found = project.program.run("plan", env={"PNSYNC_PLAN_DETAILED_EXITCODE": "1"}, code=2)
    assert "because:" not in found.out
    assert "because:" in project.program.run("plan", "-v", code=0).out
    assert "because:" in project.program.run("-v", "plan", code=0).out
    assert json.loads(project.program.run("plan", env={"PNSYNC_PLAN_FORMAT": "json"}, code=0).out)
    granted = {
        "PNSYNC_APPLY_AUTO_APPROVE": "1",
        "PNSYNC_APPLY_RESULT": "v.json",
        "PNSYNC_APPLY_PARALLELISM": "2",
    }
    project.program.run("apply", env=granted, code=0)
    assert json.loads((project.folder / "v.json").read_text())["done"] == 1
    project.program.run("plan", env={"PNSYNC_PLAN_DETAILED_EXITCODE": "perhaps"}, code=8)
    # What grants something is asked for on the command line alone.
    del project.bindings["desk-1"]
    project.desks([2])
    del project.bindings["desk-2"]
    project.bindings["ride"] = flow(mode="axb", phone_a=PHONES[3], phone_b=PHONES[4])
    project.write()
    granted = {"PNSYNC_PLAN_ALLOW_UNBIND": "1", "PNSYNC_PLAN_REVEAL": "1"}
    assert "--allow-unbind 1" in project.program.run("plan", env=granted, code=4).out


def test_the_folder_and_the_root_file_can_be_named(project: Project) -> None:
    project.desks([1])
    (project.folder / "pnsync.yaml").rename(project.folder / "pnsync.prod.yaml")
    inner = project.folder / "inner"
    inner.mkdir()
    project.program.folder = inner
    found = project.program.run("-C", "..", "-c", "pnsync.prod.yaml", "plan", code=0)
    assert "    pnsync -C .. -c pnsync.prod.yaml apply" in found.out
    assert project.program.run("plan", code=8).err
