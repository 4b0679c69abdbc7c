"""`pnsync status` and `forecast` as whole commands: offline, and without a trace."""

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.projects import RIDE, SEVEN, write
from tests.cli.test_lifecycle import ok, snapshot


def test_status_and_forecast_write_nothing_and_ask_nobody(run: Run, tmp_path: Path) -> None:
    write(tmp_path, SEVEN, RIDE, extra="schedule: {every: 1h, late_by: 1h}\n")
    assert "none is recorded" in ok(run("status"))
    ok(run("forecast"))
    ok(run("apply", "--auto-approve"))
    before = snapshot(tmp_path)
    text = ok(run("status"))
    assert "2 bindings" in text and "apply, exit 0" in text and "every 1 h, late by 1 h at most" in text
    assert len([one for one in ok(run("forecast", "--days", "3")).splitlines() if "renewed" in one]) == 3
    found = json.loads(ok(run("status", "--json")))
    assert (found["bindings"], found["last_run"]["command"], found["lock"]) == (2, "apply", None)
    assert len(json.loads(ok(run("forecast", "--json")))["days"]) == 14
    assert snapshot(tmp_path) == before


def test_metrics_are_replaced_as_a_whole(run: Run, tmp_path: Path) -> None:
    write(tmp_path, SEVEN)
    ok(run("status", "--metrics", "pnsync.prom"))
    assert "pnsync_bindings 0\n" in (tmp_path / "pnsync.prom").read_text()
    ok(run("apply", "--auto-approve"))
    ok(run("status", "--metrics", "pnsync.prom"))
    assert "pnsync_bindings 1\n" in (tmp_path / "pnsync.prom").read_text()
    assert (tmp_path / "pnsync.prom").stat().st_mode & 0o777 == 0o644
