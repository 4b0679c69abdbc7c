"""`pnsync init` and those who come after it: a fresh clone, a pipeline, a fork, and the colleague with the key."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_lifecycle import ok, snapshot
from tests.sealing.keyholders import Holder

ANNA, BEN = Holder(), Holder()


def git(*words: str) -> None:
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], env=env, check=True, capture_output=True)


def cloned(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commit what Git takes, and go on in a fresh clone."""
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "x")
    here = Path.cwd()
    git("clone", "-q", str(here), str(here / "clone"))
    monkeypatch.chdir(here / "clone")
    return here / "clone"


def health(run: Run) -> dict[str, tuple[str, str, str]]:
    found = json.loads(run("doctor", "--json").stdout)
    return {one["subject"]: (one["health"], one["advice"], one["command"]) for one in found["checks"]}


@pytest.fixture(autouse=True)
def home(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))


def test_sealed_to_recipients_everything_but_the_state_is_committed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", ANNA.secret)
    told = ok(run("init", "--recipient", ANNA.recipient, "--recipient", BEN.recipient, "--github"))
    assert "numbers.yaml.age, an empty state" in told
    assert "in clear" not in told
    assert not any(b"447700" in data for data in snapshot(tmp_path).values())
    cloned(monkeypatch)
    assert Path("numbers.yaml.age").exists() and not Path("state").exists()
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", BEN.secret)
    assert ok(run("validate")).startswith("ok: ")
    assert "example-phone" in ok(run("numbers", "list"))
    assert health(run)["numbers: numbers.yaml.age"][0] == "ok"
    shutil.copytree(tmp_path / "state", "state")
    assert "(example-phone)" in ok(run("plan"))
    ok(run("apply", "--auto-approve"))
    assert "447700" not in Path("state/pnsync.state.json").read_text()


def test_a_fork_s_clone_of_a_sealed_project_is_validated_and_compared(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", ANNA.secret)
    ok(run("init", "--recipient", ANNA.recipient))
    cloned(monkeypatch)
    monkeypatch.delenv("PNSYNC_AGE_IDENTITY")
    assert "W411" in ok(run("validate"))
    assert "no difference" in ok(run("diff", "HEAD"))
    found = health(run)["numbers: numbers.yaml.age"]
    assert (found[0], "PNSYNC_AGE_IDENTITY" in found[1]) == ("failed", True)
    assert run("plan").exit_code == 8


def test_a_fresh_clone_of_a_plain_project_is_told_how_to_get_the_numbers(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok(run("init"))
    assert health(run)["numbers: numbers.yaml"][0] == "ok"
    told = ok(run("init", "--github"))
    assert "numbers.yaml is in clear and Git does not carry it" in told
    command = "age -a -r age1… -o numbers.yaml.age numbers.yaml"
    assert f"    {command}\n" in told
    cloned(monkeypatch)
    assert "W411" in ok(run("validate"))
    assert "no difference" in ok(run("diff", "HEAD"))
    assert (health(run)["numbers: numbers.yaml"][0], health(run)["numbers: numbers.yaml"][2]) == (
        "failed",
        command,
    )
    assert run("doctor").exit_code in (8, 9)
    refused = run("plan")
    assert refused.exit_code == 8
    assert "E236" in refused.output and "age -a -r" in refused.output
    monkeypatch.chdir(tmp_path)
    assert health(run)["numbers: numbers.yaml"][0] == "warning"
    Path(".gitignore").write_text("/state/\n")
    assert "Git would commit" in health(run)["numbers: numbers.yaml"][1]


def test_the_command_that_it_tells_makes_a_file_that_is_read(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("age") is None and not os.environ.get("CI"):
        pytest.skip("Debian's age is not installed")
    told = ok(run("init", "--github"))
    command = next(one for one in told.splitlines() if "age -a" in one).replace("age1…", ANNA.recipient)
    subprocess.run(command.split(), check=True)
    root = Path("pnsync.yaml")
    root.write_text(root.read_text().replace("numbers: numbers.yaml", "numbers: numbers.yaml.age"))
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", ANNA.secret)
    assert "(example-phone)" in ok(run("plan"))
    assert re.search(r"^example-phone +44••••23 ", ok(run("numbers", "list")))


def test_what_cannot_be_sealed_writes_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = ANNA.recipient[:-1] + ("q" if ANNA.recipient[-1] != "q" else "p")
    for recipient, identity in (
        (wrong, ANNA.secret),
        (ANNA.secret, ANNA.secret),
        (ANNA.recipient, BEN.secret),
    ):
        monkeypatch.setenv("PNSYNC_AGE_IDENTITY", identity)
        refused = run("init", "--recipient", recipient)
        assert refused.exit_code in (8, 9)
        assert ANNA.secret not in refused.output
    monkeypatch.delenv("PNSYNC_AGE_IDENTITY")
    assert run("init", "--recipient", ANNA.recipient).exit_code == 8
    assert [one for one in snapshot(tmp_path) if not one.endswith(".lock")] == []


def test_numbers_that_are_there_stay(run: Run, tmp_path: Path) -> None:
    (tmp_path / "numbers.yaml").write_text("alice: 447700900123\n")
    told = run("init")
    assert told.exit_code == 0
    assert "numbers.yaml was there" in told.output
    assert (tmp_path / "numbers.yaml").read_text() == "alice: 447700900123\n"
    ok(run("numbers", "add", "example-phone", input="447700900124"))
    ok(run("plan"))
