"""`pnsync doctor` as a whole command: reads only, and says what to do."""

import json
from pathlib import Path

import pytest

from pnsync.sandbox.server import SandboxServer
from tests.cli.conftest import Run
from tests.cli.projects import LONDON, REAL, write
from tests.cli.test_lifecycle import ok, snapshot
from tests.cli.test_session import served

SCHEDULE = "schedule: {every: 1h, late_by: 1h}\n"


def health(text: str) -> dict[str, str]:
    """The health of each subject."""
    return {one["subject"]: one["health"] for one in json.loads(text)["checks"]}


def test_a_project_that_is_well(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON, extra=SCHEDULE)
    ok(run("apply", "--auto-approve"))
    before = snapshot(tmp_path)
    assert ok(run("doctor")).endswith("All is well.\n")
    assert set(health(ok(run("doctor", "--json"))).values()) == {"ok"}
    assert snapshot(tmp_path) == before


def test_files_that_are_wrong_are_exit_8(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON.replace("101", "1x"))
    found = run("doctor")
    assert found.exit_code == 8 and "pnsync validate" in found.output


def test_a_state_that_is_cut_off_is_exit_9_and_vendors_are_checked_all_the_same(
    run: Run, tmp_path: Path
) -> None:
    write(tmp_path, LONDON)
    ok(run("apply", "--auto-approve"))
    path = tmp_path / "state" / "pnsync.state.json"
    path.write_bytes(path.read_bytes()[:100])
    found = run("doctor", "--json")
    assert found.exit_code == 9
    told = health(found.stdout)
    assert told["state"] == "failed" and told["nx: listing"] == "ok"
    assert "nx: account" not in told, "which account it is of is not known"


def test_missing_and_wrong_keys(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SandboxServer() as server:
        served(tmp_path, server.url, LONDON)
        found = run("doctor")
        assert found.exit_code == 8 and "NXCLOUD_ACCESS_KEY" in found.output
        monkeypatch.setenv("NXCLOUD_ACCESS_KEY", "sandbox")
        monkeypatch.setenv("NXCLOUD_ACCESS_SECRET", "wrong-secret-1234")
        found = run("doctor")
        assert found.exit_code == 10 and "wrong-secret-1234" not in found.output
        monkeypatch.setenv("NXCLOUD_ACCESS_SECRET", "sandbox")
        assert "accepted by the vendor" in ok(run("doctor"))


def test_a_vendor_that_does_not_answer(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NXCLOUD_ACCESS_KEY", "NXCLOUD_ACCESS_SECRET"):
        monkeypatch.setenv(name, "sandbox")
    served(tmp_path, "http://127.0.0.1:9", LONDON)
    found = run("doctor", "--json")
    assert found.exit_code == 1 and health(found.stdout)["nx: listing"] == "failed"
    assert '"pnsync doctor"' not in found.stdout, "who reads this has just done that"
    assert not any(number in found.output for number in REAL)
