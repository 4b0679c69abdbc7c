"""What a step of a GitHub workflow shows: annotations on standard error, the summary page."""

import json
from pathlib import Path

import httpx
import pytest

from pnsync.cli.actions import PAGE_BYTES
from pnsync.sandbox.server import SandboxServer
from tests.cli.conftest import Run
from tests.cli.projects import LONDON, REAL, RIDE, SEVEN, write
from tests.cli.test_lifecycle import ok
from tests.cli.test_session import keys, served

__all__ = ["keys"]


@pytest.fixture
def page(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The summary page of a step, in a workflow."""
    path = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    return path


def test_plan_and_apply_append_to_the_page(run: Run, tmp_path: Path, page: Path) -> None:
    write(tmp_path, LONDON, SEVEN)
    page.write_text("before\n\n")
    ok(run("plan"))
    ok(run("apply", "--auto-approve"))
    text = page.read_text()
    assert (
        text.startswith("before\n\n")
        and "### pnsync: 2 binds" in text
        and "`pnsync apply`: done (exit 0)" in text
    )
    assert not any(number in text for number in REAL)


def test_a_document_on_standard_output_stays_whole(run: Run, tmp_path: Path, page: Path) -> None:
    write(tmp_path, SEVEN, extra="policy: {require_recording: true}\n")
    found = run("plan", "--format", "json")
    assert found.exit_code == 4 and json.loads(found.stdout)["format"] == "pnsync-plan"
    (line,) = [one for one in found.stderr.splitlines() if one.startswith("::error")]
    assert "file=pnsync.yaml,line=8," in line and "title=P501" in line
    assert "refused" in page.read_text()


def test_files_that_are_wrong_are_annotated_at_their_lines(run: Run, tmp_path: Path, page: Path) -> None:
    write(tmp_path, LONDON.replace("101", "12"), RIDE)
    for args in (("validate",), ("plan",), ("apply", "--auto-approve"), ("validate", "--format", "json")):
        found = run(*args)
        assert found.exit_code == 8
        assert "::error file=pnsync.yaml,line=8," in found.stderr
    found = run("validate", "--format", "github")
    assert "::error file=" in found.stdout and "::error" not in found.stderr
    assert "wrong usage or invalid configuration (exit 8)" in page.read_text()


def test_failures_stand_where_the_bindings_are_declared(
    run: Run, tmp_path: Path, page: Path, keys: None
) -> None:
    with SandboxServer() as server:
        served(tmp_path, server.url, SEVEN, LONDON)
        fault = {"operation": "bindAXB*", "nth": 2, "reply": "code", "code": 10010, "effect": "never"}
        httpx.post(f"{server.url}/_sandbox/nxcloud/faults", json=[fault], trust_env=False).raise_for_status()
        found = run("apply", "--auto-approve", "--settle", "0")
    assert found.exit_code == 3
    assert "::error file=pnsync.yaml,line=9," in found.stderr and "bindings.desk-london" in found.stderr
    assert "a part of the plan was done (exit 3)" in page.read_text()


def test_a_refusal_without_a_place(run: Run, tmp_path: Path, page: Path) -> None:
    write(tmp_path, SEVEN)
    ok(run("apply", "--auto-approve"))
    ok(run("freeze", "--reason", "x ::set-output name=a::b%0A::error::"))
    found = run("apply", "--auto-approve")
    assert found.exit_code == 4
    lines = [one for one in found.output.splitlines() if one.lstrip().startswith("::")]
    assert len(lines) == 1 and lines[0].startswith("::error title=P407::")
    assert "%250A" in lines[0]


def test_without_actions_nothing_is_annotated_or_appended(
    run: Run, tmp_path: Path, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS")
    write(tmp_path, LONDON.replace("101", "12"))
    assert "::error" not in run("validate").output
    assert not page.exists()


def test_a_page_that_is_full_or_cannot_be_written_fails_nothing(
    run: Run, tmp_path: Path, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, SEVEN)
    page.write_bytes(b"x" * PAGE_BYTES)
    ok(run("plan"))
    assert page.stat().st_size == PAGE_BYTES
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "such"))
    found = run("plan")
    assert found.exit_code == 0 and "summary could not be written" in found.stderr
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    ok(run("plan"))
