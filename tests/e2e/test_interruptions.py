"""SIGINT and SIGTERM in every phase of an apply, while the vendor hangs: out in time, and the next run converges."""

import json
import signal
import subprocess
import time

import pytest

from tests.e2e.conftest import Tapped
from tests.e2e.program import PATIENCE_SECONDS, kill
from tests.e2e.projects import Project
from tests.e2e.tap import Fate
from tests.e2e.test_kills import after, before, converges

LIMIT_SECONDS = 5.0
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}

PHASES = {
    "reading": ("getAXBList", 1, Fate.DROPPED, signal.SIGINT),
    "second-scan-at-the-other-vendor": ("pns/queryBindPage", 2, Fate.DROPPED, signal.SIGTERM),
    "first-call": ("unbindAXB", 1, Fate.LATE, signal.SIGTERM),
    "half-a-rebind": ("bindAXBExtension", 1, Fate.ANSWER_LOST, signal.SIGINT),
    "other-vendor": ("pns/bind", 1, Fate.DROPPED, signal.SIGTERM),
    "comparison-at-the-end": ("getAXBList", 7, Fate.DROPPED, signal.SIGINT),
}


def ends(process: "subprocess.Popen[bytes]", number: signal.Signals) -> tuple[str, str]:
    """Interrupt a run; it is gone within five seconds with the signal's exit code."""
    began = time.monotonic()
    kill(process, number)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    took = time.monotonic() - began
    assert process.returncode == CODES[number], (out, err)
    assert took < LIMIT_SECONDS + 0.5, f"took {took:.1f} s"
    assert b"Traceback" not in err
    return (out or b"").decode(), err.decode()


def prepared(project: Project) -> None:
    before(project)
    project.program.apply()
    after(project)


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("operation", "nth", "fate", "number"), PHASES.values(), ids=PHASES)
def test_a_signal_while_the_vendor_hangs(
    tapped: Tapped, operation: str, nth: int, fate: Fate, number: signal.Signals
) -> None:
    project, tap = tapped
    prepared(project)
    tap.hold(operation, nth, fate)
    process = project.program.start("apply", "--auto-approve", "--result", "v.json")
    tap.wait()
    ends(process, number)
    verdict = json.loads((project.folder / "v.json").read_text())
    assert (verdict["command"], verdict["exit"]) == ("apply", CODES[number])
    tap.release()
    converges(project)


def heard(process: "subprocess.Popen[bytes]", text: str) -> None:
    """Read standard error until a run says something."""
    assert process.stderr is not None
    for line in process.stderr:
        if text.encode() in line:
            return
    raise AssertionError(f"ended without {text!r}")


def test_a_second_signal_ends_at_once(tapped: Tapped) -> None:
    project, tap = tapped
    prepared(project)
    tap.hold("bindAXBExtension", 2, Fate.ANSWER_LOST)
    process = project.program.start("apply", "--auto-approve", stdout=subprocess.DEVNULL)
    tap.wait()
    kill(process, signal.SIGINT)
    heard(process, "A second signal ends at once")
    began = time.monotonic()
    kill(process, signal.SIGTERM)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 143
    assert time.monotonic() - began < 3
    tap.release()
    converges(project)


def test_a_signal_while_apply_waits_for_the_window(tapped: Tapped) -> None:
    project, _ = tapped
    project.settle_window = "3s"
    prepared(project)
    project.nx.fault("broken_before", operation="bindAXB")
    process = project.program.start(
        "apply", "--auto-approve", "--result", "v.json", stdout=subprocess.DEVNULL
    )
    heard(process, "Waiting until")
    ends(process, signal.SIGTERM)
    assert json.loads((project.folder / "v.json").read_text())["unknown"] == 1
    converges(project)


@pytest.mark.parametrize(
    ("asked", "environ", "seconds"), [(("--lock-timeout", "1m"), {}, 60), ((), {"CI": "true"}, 900)]
)
def test_a_signal_while_waiting_for_the_lock(
    tapped: Tapped, asked: tuple[str, ...], environ: dict[str, str], seconds: int
) -> None:
    project, tap = tapped
    prepared(project)
    tap.hold("getAXBList", 1, Fate.DROPPED)
    first = project.program.start("apply", "--auto-approve")
    tap.wait()
    second = project.program.start("apply", "--auto-approve", *asked, env=environ)
    heard(second, f"waiting up to {seconds} s for the other run")
    _, told = ends(second, signal.SIGINT)
    assert told == "error: stopped by a signal\n"
    kill(first)
    first.communicate()
    tap.release()
    converges(project)


@pytest.mark.parametrize("fate", [Fate.DROPPED, Fate.ANSWER_LOST])
def test_a_plan_made_while_an_outcome_is_unknown_is_applied_when_it_is_known(
    tapped: Tapped, fate: Fate
) -> None:
    """What the interrupted run was to do had been approved with it: it joins, and is neither lost nor made twice."""
    project, tap = tapped
    project.settle_window = "20s"
    project.desks([1])
    tap.hold("bindAXBExtension", 1, fate)
    process = project.program.start("apply", "--auto-approve")
    tap.wait()
    kill(process)
    process.communicate()
    tap.release()
    project.desks([1, 2])
    if fate is Fate.DROPPED:
        [waiting] = project.program.plan("--out", "reviewed.pnsplan")["deferred"]
        assert waiting["address"] == "bindings.desk-1" and waiting["not_before"]
    else:
        project.program.run("plan", "--out", "reviewed.pnsplan", code=0)
    project.program.ahead_seconds = 25
    verdict = project.program.verdict("apply", "reviewed.pnsplan", code=0)
    assert verdict["done"] == 2
    assert (project.nx.count("bind"), project.nx.made_twice()) == (2, [])
    project.program.empty()
