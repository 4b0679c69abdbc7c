"""A job that is cancelled in any phase: as GitHub ends it, with the step's own script, and what the next runs find."""

import subprocess
from pathlib import Path

import pytest

from pnsync.cli.pipelines import pipelines
from tests.e2e.conftest import Tapped
from tests.e2e.forge import Forge, cancel
from tests.e2e.projects import HOTLINE, PHONES, Project, desk
from tests.e2e.tap import Fate
from tests.e2e.test_interruptions import PHASES, prepared
from tests.e2e.test_kills import converges
from tests.e2e.vendors import KEYS

ENDED = (130, 143, -15, -9)
"""What the runner sees: an end after SIGINT, after SIGTERM (also of what was ending already), or SIGKILL."""
AHEAD_SECONDS = 5


def forge_of(project: Project, home: Path) -> Forge:
    """A repository with the workflows."""
    for path, text in pipelines("github", "7c4d1a2b").items():
        (project.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / path).write_text(text)
    (project.folder / ".gitignore").write_text("/state/\n")
    return Forge(home, project.folder, dict(KEYS))


def cancelled(tapped: Tapped, home: Path, place: tuple[str, str, str], hold: tuple[str, int, Fate]) -> str:
    """Do a step, cancel it where a call is held, and see that it ended in time; what it wrote."""
    project, tap = tapped
    forge = forge_of(project, home)
    step = forge.step(*place)
    run = forge.home / "cancelled"
    run.mkdir()
    forge.ahead(AHEAD_SECONDS)
    tap.hold(*hold)
    with subprocess.Popen(
        forge.shell(step, run),
        cwd=project.folder,
        env=forge.step_environment(step, forge.context("push"), run, "0" * 40),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        tap.wait()
        cancel(process)
        tap.release()
        out = (process.stdout.read() if process.stdout else b"").decode()
    assert process.returncode in ENDED, out
    assert "Traceback" not in out
    return out


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("operation", "nth", "fate"), [one[:3] for one in PHASES.values()], ids=PHASES)
def test_an_apply_of_the_reviewed_plan(
    tapped: Tapped, tmp_path: Path, operation: str, nth: int, fate: Fate
) -> None:
    project, _ = tapped
    prepared(project)
    project.program.run("plan", "--out", "reviewed.pnsplan", code=0)
    cancelled(tapped, tmp_path / "forge", ("pnsync-apply.yml", "apply", "Apply"), (operation, nth, fate))
    converges(project)


@pytest.mark.sampled
@pytest.mark.parametrize(("operation", "nth"), [("getAXBList", 1), ("unbindAXB", 1), ("bindAXBExtension", 2)])
@pytest.mark.parametrize("fate", [Fate.DROPPED, Fate.ANSWER_LOST])
def test_a_renewal(tapped: Tapped, tmp_path: Path, operation: str, nth: int, fate: Fate) -> None:
    project, _ = tapped
    for number in (1, 2, 3):
        due_at_once = {"renew_before": "86398s"}
        project.bindings[f"desk-{number}"] = desk(PHONES[number], HOTLINE[0], 100 + number, **due_at_once)
    project.write()
    project.program.apply()
    cancelled(tapped, tmp_path / "forge", ("pnsync-renew.yml", "renew", "Renew"), (operation, nth, fate))
    project.program.ahead_seconds = 2 * AHEAD_SECONDS
    project.program.run("renew", "--auto-approve", code=0)
    assert len(project.nx.bindings()) == 3
    assert project.nx.made_twice() == []
