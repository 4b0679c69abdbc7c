"""What a plan is written as for reviewers and programs, from the command line."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pnsync.render.schemas import SCHEMAS
from tests.cli.conftest import Run
from tests.cli.projects import LONDON, REAL, RIDE, SEVEN, write
from tests.cli.test_lifecycle import ok


def test_a_comment_is_all_that_standard_output_holds(run: Run, tmp_path: Path) -> None:
    write(tmp_path, SEVEN, RIDE)
    shown = ok(run("plan", "--format", "markdown", "--out", "p.pnsplan"))
    assert shown.startswith("<!-- pnsync-plan -->\n### pnsync: 2 binds from this pull request\n")
    assert "at 1000 calls/s" in shown
    saved = json.loads((tmp_path / "p.pnsplan").read_text())
    assert f"digest `{saved['digest'].removeprefix('sha256:')[:12]}`" in shown
    assert shown.endswith("\n")
    assert not shown.endswith("\n\n")


def test_a_saved_plan_is_shown_in_every_format(run: Run, tmp_path: Path) -> None:
    write(tmp_path, SEVEN, LONDON)
    ok(run("plan", "--out", "p.pnsplan"))
    assert "`desk-7`" in ok(run("show", "p.pnsplan", "--format", "markdown"))
    page = ok(run("show", "p.pnsplan", "--format", "html"))
    assert page.startswith("<!doctype html>\n")
    assert "bindings.desk-london" in page
    text = ok(run("show", "p.pnsplan", "--format", "json"))
    Draft202012Validator(SCHEMAS["plan"]()).validate(json.loads(text))


def test_the_room_of_a_comment_and_where_the_rest_is(run: Run, tmp_path: Path) -> None:
    bindings = [
        f"desk-{i}: {{mode: axb_extension, phone_a: 447700900112, phone_x: 447401264117, extension: {i}}}"
        for i in range(100, 200)
    ]
    write(tmp_path, *bindings)
    shown = ok(run("plan", "--format", "markdown", "--max-chars", "3000", "--out", "p.pnsplan"))
    assert len(shown) <= 3000
    assert "of 100 binds" in shown
    assert "All of it: `pnsync show p.pnsplan --format html`" in shown
    again = ok(run("show", "p.pnsplan", "--format", "markdown", "--max-chars", "3000"))
    assert again.partition("\n\n")[0] == shown.partition("\n\n")[0]
    assert run("plan", "--max-chars", "100").exit_code == 8


@pytest.mark.parametrize("format", ["markdown", "html"])
def test_the_state_has_no_format_of_plans(run: Run, tmp_path: Path, format: str) -> None:
    ok(run("init"))
    assert run("show", "--format", format).exit_code == 8


def test_the_stream_of_events_is_as_published(run: Run, tmp_path: Path) -> None:
    write(tmp_path, SEVEN, RIDE)
    events = Draft202012Validator(SCHEMAS["events"]())
    seen = set()
    for command in (["plan", "--json"], ["apply", "--auto-approve", "--json"], ["refresh", "--json"]):
        for line in ok(run(*command, "--result", "r.json")).splitlines():
            event = json.loads(line)
            events.validate(event)
            seen.add(event["event"])
        Draft202012Validator(SCHEMAS["result"]()).validate(json.loads((tmp_path / "r.json").read_text()))
    assert {"plan", "read", "applying", "done", "verified", "drift", "verdict"} <= seen
    assert not any(number in (tmp_path / "r.json").read_text() for number in REAL)


def test_the_verdict_of_a_failure_is_as_published(run: Run, tmp_path: Path) -> None:
    assert run("plan", "--result", "r.json").exit_code == 8
    Draft202012Validator(SCHEMAS["result"]()).validate(json.loads((tmp_path / "r.json").read_text()))
