"""Whole commands: staged applies, holds, freezes, the policy's memory and the commit last applied."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from pnsync.sandbox.server import SandboxServer
from tests.cli.conftest import Run
from tests.cli.projects import REAL, RIDE, SEVEN, write
from tests.cli.test_lifecycle import ok
from tests.cli.test_session import keys, served

__all__ = ["keys"]

MANY = [f"ride-{i}: {{mode: axb, phone_a: 4477009002{i:02d}, phone_b: 4477009003{i:02d}}}" for i in range(6)]


def entries(run: Run) -> set[str]:
    """The addresses in the state."""
    found = json.loads(ok(run("state", "list", "--json")))
    return {one for one in found["entries"] if one.startswith("bindings.")}


def test_a_limit_leaves_the_rest_to_the_next_run(run: Run, tmp_path: Path) -> None:
    write(tmp_path, *MANY)
    assert "4 later" in ok(run("plan", "--limit", "2"))
    ok(run("apply", "--auto-approve", "--limit", "2"))
    assert entries(run) == {"bindings.ride-0", "bindings.ride-1"}
    ok(run("apply", "--auto-approve", "--limit", "4"))
    assert len(entries(run)) == 6


def test_a_saved_plan_keeps_its_limit(run: Run, tmp_path: Path) -> None:
    write(tmp_path, *MANY)
    ok(run("apply", "--auto-approve", "--target", "ride-5"))
    ok(run("plan", "--limit", "2", "--out", "p.pnsplan"))
    assert run("apply", "p.pnsplan", "--limit", "1").exit_code == 8
    ok(run("apply", "p.pnsplan"))
    assert len(entries(run)) == 3


def test_a_canary_that_is_listed_is_followed_by_the_rest(run: Run, tmp_path: Path) -> None:
    write(tmp_path, *MANY)
    found = ok(run("apply", "--auto-approve", "--canary", "2"))
    assert "Checked 2 bindings" in found and "Checked 6 bindings" in found
    assert len(entries(run)) == 6


@pytest.mark.parametrize(
    ("fault", "done"),
    [
        ({"operation": "bindAXB*", "nth": 2, "reply": "code", "code": 10010, "effect": "never"}, 1),
        ({"operation": "bindAXB*", "nth": 1, "reply": "code", "code": 10010, "effect": "never"}, 0),
        ({"operation": "bindAXB*", "nth": 2, "reply": "broken", "effect": "never", "times": 0}, 1),
    ],
)
def test_a_canary_that_fails_stops_the_run(
    run: Run, tmp_path: Path, keys: None, fault: dict[str, Any], done: int
) -> None:
    with SandboxServer() as server:
        served(tmp_path, server.url, *MANY)
        httpx.post(f"{server.url}/_sandbox/nxcloud/faults", json=[fault], trust_env=False).raise_for_status()
        found = run("apply", "--auto-approve", "--canary", "2", "--settle", "0", "--result", "r.json")
    assert found.exit_code == 3 and "A170" in found.output
    verdict = json.loads((tmp_path / "r.json").read_text())
    assert verdict["not_tried"] >= 4
    assert len(entries(run)) == done


def test_what_is_unbound_must_be_gone_from_the_listing(run: Run, tmp_path: Path, keys: None) -> None:
    with SandboxServer() as server:
        served(tmp_path, server.url, *MANY)
        ok(run("apply", "--auto-approve"))
        served(tmp_path, server.url, *MANY[3:])
        lying = {"operation": "unbind*", "nth": 2, "reply": "text", "text": '{"code":0}', "effect": "never"}
        httpx.post(f"{server.url}/_sandbox/nxcloud/faults", json=[lying], trust_env=False).raise_for_status()
        found = run("apply", "--auto-approve", "--canary", "2", "--settle", "0")
        assert found.exit_code == 3 and "still listed" in found.output
        assert len(entries(run)) == 4
        httpx.post(f"{server.url}/_sandbox/nxcloud/faults", json=[], trust_env=False).raise_for_status()
        ok(run("apply", "--auto-approve", "--canary", "1"))
        assert len(entries(run)) == 3


def test_after_the_deadline_nothing_is_begun(run: Run, tmp_path: Path) -> None:
    write(tmp_path, *MANY)
    found = run("apply", "--auto-approve", "--deadline", "2020-01-01T00:00:00Z", "--result", "r.json")
    assert found.exit_code == 1 and "A171" in found.output
    verdict = json.loads((tmp_path / "r.json").read_text())
    assert verdict["done"] == 0 and verdict["not_tried"] == 6
    ok(run("apply", "--auto-approve", "--deadline", "10m"))
    assert run("apply", "--auto-approve", "--deadline", "soon").exit_code == 8


def test_hold_and_release(run: Run, tmp_path: Path) -> None:
    write(tmp_path, SEVEN, RIDE)
    ok(run("apply", "--auto-approve"))
    assert "on hold" in ok(run("hold", "desk-7", "--reason", "inquiry [31m INC0012345"))
    text = ok(run("plan"))
    assert "unbind" in text and "P406" in text and "INC0012345" in text and "\x1b" not in text
    assert "; on hold" in text, "it is no change of the files"
    ok(run("apply", "--auto-approve"))
    assert entries(run) == {"bindings.ride-17"}
    assert "No changes" in ok(run("apply", "--auto-approve"))
    assert "desk-7" in ok(run("release", "bindings.desk-7"))
    ok(run("apply", "--auto-approve"))
    assert len(entries(run)) == 2


@pytest.mark.parametrize(
    "args",
    [
        ("hold", "desk-8", "--reason", "typing error"),
        ("hold", "desk-7", "--reason", " "),
        ("hold", "desk-7", "--reason", "x" * 501),
        ("hold", "desk-7", "--reason", f"+{REAL[1]}"),
        ("hold", "desk-7", "--reason", "late", "--until", "2020-01-01T00:00:00Z"),
        ("hold", "desk-7"),
        ("release", "desk-7"),
        ("freeze",),
        ("freeze", "--reason", "x", "--allow", "apply"),
    ],
)
def test_what_would_hold_nothing_is_wrong_usage(run: Run, tmp_path: Path, args: tuple[str, ...]) -> None:
    write(tmp_path, SEVEN)
    ok(run("init") if not (tmp_path / "pnsync.yaml").exists() else run("validate"))
    found = run(*args)
    assert found.exit_code == 8
    assert REAL[1] not in found.output


def test_freeze_refuses_plan_and_apply_alike(run: Run, tmp_path: Path) -> None:
    write(tmp_path, SEVEN)
    ok(run("apply", "--auto-approve"))
    ok(run("plan", "--out", "p.pnsplan"))
    assert "lapse" in ok(run("freeze", "--reason", "migration"))
    for args in (("plan",), ("apply", "--auto-approve"), ("renew", "--auto-approve"), ("apply", "p.pnsplan")):
        found = run(*args)
        assert found.exit_code == 4 and "migration" in found.output
    ok(run("freeze", "--reason", "migration", "--allow", "renew"))
    ok(run("renew", "--auto-approve"))
    assert run("apply", "--auto-approve").exit_code == 4
    ok(run("unfreeze"))
    assert "Nothing" in ok(run("unfreeze"))
    ok(run("apply", "--auto-approve"))


# -- policy ----------------------------------------------------------------------------------------------------------

RECORDED = "policy: {require_recording: true}\n"


def test_plan_and_apply_refuse_alike_what_the_policy_forbids(run: Run, tmp_path: Path) -> None:
    write(tmp_path, SEVEN, extra=RECORDED)
    for args in (("plan",), ("apply", "--auto-approve")):
        found = run(*args)
        assert found.exit_code == 4 and "P501" in found.output


def test_a_loosened_policy_counts_from_the_apply_after_the_one_that_records_it(
    run: Run, tmp_path: Path
) -> None:
    good = SEVEN.replace("extension: 107", "extension: 107, recording: true")
    write(tmp_path, good, extra=RECORDED)
    ok(run("apply", "--auto-approve"))
    write(tmp_path, good, RIDE)  # the policy is gone, and used at once
    found = run("plan")
    assert found.exit_code == 4 and "P501" in found.output and "P408" in found.output
    assert run("apply", "--auto-approve").exit_code == 4
    write(tmp_path, good)
    assert "P408" in ok(run("plan"))
    ok(run("apply", "--auto-approve"))
    write(tmp_path, good, RIDE)
    assert "P408" not in ok(run("plan"))
    ok(run("apply", "--auto-approve"))
    write(tmp_path, good, RIDE, extra=RECORDED)  # tightened: at once
    assert run("plan").exit_code == 4


def test_an_apply_that_changes_nothing_leaves_the_state_as_it_is(run: Run, tmp_path: Path) -> None:
    write(tmp_path, SEVEN)
    ok(run("apply", "--auto-approve"))
    path = tmp_path / "state" / "pnsync.state.json"
    before = path.read_bytes()
    ok(run("apply", "--auto-approve"))
    assert path.read_bytes() == before


# -- the commit last applied -----------------------------------------------------------------------------------------


def git(folder: Path, *words: str) -> str:
    """Run git in a folder."""
    environ = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_an_older_checkout_is_refused(run: Run, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / ".gitignore").write_text("/state/\n*.pnsplan\n")
    heads = []
    for declared in ((SEVEN,), (SEVEN, RIDE)):
        write(tmp_path, *declared)
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-q", "-m", "change")
        heads.append(git(tmp_path, "rev-parse", "HEAD"))
        ok(run("apply", "--auto-approve"))
    ok(run("plan", "--out", "p.pnsplan"))
    git(tmp_path, "checkout", "-q", heads[0])
    text = ok(run("plan"))
    assert "P409" in text and heads[1][:7] in text
    for args in (("apply", "--auto-approve"), ("apply", "p.pnsplan")):
        found = run(*args)
        assert found.exit_code == 5 and heads[1][:7] in found.output and "A511" in found.output
    ok(run("renew", "--auto-approve"))
    ok(run("apply", "--auto-approve", "--allow-older"))
    assert entries(run) == {"bindings.desk-7"}
    assert "P409" not in ok(run("plan"))
