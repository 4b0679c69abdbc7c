"""Whole commands against the simulated vendor: what they say, how they end, what they leave."""

import json
import os
import stat
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.conftest import Run
from tests.cli.projects import LONDON, REAL, RIDE, SEVEN, write


def ok(found: Result, code: int = 0) -> str:
    """What a command wrote to standard output, when it ended as it should and named no real number."""
    assert found.exit_code == code, found.output
    for number in REAL:
        assert number not in found.output
    return found.stdout


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_init_validates_plans_and_applies_as_it_is(run: Run, tmp_path: Path) -> None:
    assert "pnsync plan" in ok(run("init"))
    assert ok(run("validate")) == "ok: 1 binding, 0 groups, 1 provider in 1 file\n"
    assert "bindings.example-desk" in ok(run("plan", "--detailed-exitcode"), 2)
    assert "Applied: 1 bound" in ok(run("apply", "--auto-approve"))
    assert "No changes." in ok(run("plan", "--detailed-exitcode"))
    assert (tmp_path / ".gitignore").read_text() == "/state/\n*.pnsplan\n/numbers.yaml\n"


def test_init_overwrites_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pnsync.yaml").write_text("mine")
    (tmp_path / ".gitignore").write_text("*.log")
    assert run("init").exit_code == 8
    assert snapshot(tmp_path) == {"pnsync.yaml": b"mine", ".gitignore": b"*.log"}
    (tmp_path / "pnsync.yaml").unlink()
    ok(run("init"))
    assert (tmp_path / ".gitignore").read_text() == "*.log\n/state/\n*.pnsplan\n/numbers.yaml\n"


def test_init_of_another_root_file_has_a_state_of_its_own(run: Run, tmp_path: Path) -> None:
    ok(run("init"))
    ok(run("-c", "pnsync.prod.yaml", "init"))
    assert (tmp_path / "state" / "pnsync.prod.state.json").exists()
    assert "lineage" in ok(run("-c", "pnsync.prod.yaml", "state", "list"))


def test_init_does_not_take_over_a_state(run: Run, tmp_path: Path) -> None:
    ok(run("init"))
    (tmp_path / "pnsync.yaml").unlink()
    assert run("init").exit_code == 9
    assert not (tmp_path / "pnsync.yaml").exists()


def test_a_missing_state_is_no_first_run(run: Run, tmp_path: Path) -> None:
    ok(run("init"))
    (tmp_path / "state" / "pnsync.state.json").unlink()
    found = run("plan")
    assert found.exit_code == 9
    assert "pnsync state rebuild" in found.stderr


def test_a_plan_writes_nothing(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON, RIDE)
    before = snapshot(tmp_path)
    ok(run("plan"))
    assert snapshot(tmp_path) == before


def test_a_plan_of_an_applied_project_changes_no_byte(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON, RIDE)
    ok(run("apply", "--auto-approve"))
    before = snapshot(tmp_path)
    for args in (
        ("plan",),
        ("verify",),
        ("show",),
        ("state", "list"),
        ("apply", "--auto-approve"),
        ("validate",),
    ):
        ok(run(*args))
        assert snapshot(tmp_path) == before, args


def test_changes_of_every_kind(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON, SEVEN, *(RIDE.replace("ride-17", f"ride-{i}") for i in range(1)))
    ok(run("apply", "--auto-approve"))
    write(tmp_path, LONDON.replace("101", "102"), RIDE.replace("ride-17", "ride-0"))
    text = ok(run("plan"))
    assert text.index("desk-7") < text.index("desk-london")
    assert "extension 101 → 102" in text
    assert "no gap" in text
    assert "Plan: 1 to rebind, 1 to unbind · 3 calls" in text
    text = ok(run("apply", "--auto-approve"))
    assert "Applied: 1 rebound, 1 unbound" in text or "Applied: 1 unbound, 1 rebound" in text


def test_at_the_end_it_is_compared_with_the_listing_unless_told_not_to(run: Run, tmp_path: Path) -> None:
    checked = "against the vendor's listing"
    write(tmp_path, LONDON)
    assert checked in ok(run("apply", "--auto-approve"))
    write(tmp_path, LONDON, SEVEN)
    assert checked not in ok(run("apply", "--auto-approve", "--no-verify"))


def test_a_saved_plan_is_applied_once(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    text = ok(run("plan", "--out", "p.pnsplan"))
    assert text.endswith("Apply it with:\n    pnsync apply p.pnsplan\n")
    assert stat.S_IMODE((tmp_path / "p.pnsplan").stat().st_mode) == 0o600
    document = json.loads((tmp_path / "p.pnsplan").read_text())
    assert document["format"] == "pnsync-plan"
    assert not any(number in (tmp_path / "p.pnsplan").read_text() for number in REAL)
    assert "1 to bind" in ok(run("show", "p.pnsplan"))
    assert json.loads(ok(run("show", "p.pnsplan", "--format", "json"))) == document
    assert "Applied: 1 bound" in ok(run("apply", "p.pnsplan"))
    again = run("apply", "p.pnsplan")
    assert again.exit_code == 5
    assert again.stderr.startswith("error[A50")


def test_a_changed_plan_is_refused(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    ok(run("plan", "--out", "p.pnsplan"))
    text = (tmp_path / "p.pnsplan").read_text()
    (tmp_path / "p.pnsplan").write_text(text.replace("desk-london", "desk-paris"))
    assert run("apply", "p.pnsplan").exit_code == 5
    assert run("show", "p.pnsplan").exit_code == 5


def test_a_saved_plan_takes_no_targets(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    ok(run("plan", "--out", "p.pnsplan"))
    assert run("apply", "p.pnsplan", "--target", "desk-london").exit_code == 8


def test_a_plan_that_is_not_there(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    for command in ("show", "apply"):
        told = run(command, "nothing.pnsplan")
        assert (told.exit_code, told.stdout) == (1, "")
        assert "there is no such plan" in told.stderr and "pnsync plan --out nothing.pnsplan" in told.stderr


def test_targets(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON, SEVEN, RIDE)
    text = ok(run("plan", "--target", "bindings.desk-*", "--exclude", "desk-7"))
    assert "desk-london" in text
    assert "desk-7 " not in text
    assert text.endswith("    pnsync apply --target 'bindings.desk-*' --exclude desk-7\n")


def test_a_refused_plan_exits_4_and_names_the_permission(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    ok(run("apply", "--auto-approve"))
    write(tmp_path, SEVEN)
    found = run("plan")
    assert "error[P402]" in ok(found, 4)
    assert "--allow-unbind 1" in found.stdout
    assert run("apply", "--auto-approve").exit_code == 4
    text = ok(run("plan", "--allow-unbind", "1"))
    assert text.endswith("    pnsync apply --allow-unbind 1\n")
    ok(run("apply", "--auto-approve", "--allow-unbind", "1"))


def test_the_environment_grants_nothing(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, LONDON)
    ok(run("apply", "--auto-approve"))
    write(tmp_path, SEVEN)
    monkeypatch.setenv("PNSYNC_PLAN_ALLOW_UNBIND", "1")
    monkeypatch.setenv("PNSYNC_PLAN_REVEAL", "1")
    ok(run("plan"), 4)


def test_options_from_the_environment(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, LONDON)
    monkeypatch.setenv("PNSYNC_PLAN_DETAILED_EXITCODE", "1")
    monkeypatch.setenv("PNSYNC_PLAN_FORMAT", "json")
    assert json.loads(ok(run("plan"), 2))["summary"]["bind"] == 1
    monkeypatch.setenv("PNSYNC_APPLY_AUTO_APPROVE", "true")
    ok(run("apply"))


def test_reveal_needs_a_terminal(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    ok(run("plan", "--reveal"), 8)
    ok(run("plan", "--reveal", "--json"), 8)


def test_apply_needs_a_yes(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    for name in ("apply", "destroy", "renew"):
        found = run(name, input="yes\n")
        ok(found, 8)
        assert f"pnsync {name} --auto-approve" in found.stderr
    assert snapshot(tmp_path).keys() == {"pnsync.yaml"}


def test_the_verdict_of_an_apply(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON, SEVEN)
    ok(run("apply", "--auto-approve", "--result", "v.json"))
    body = json.loads((tmp_path / "v.json").read_text())
    assert (body["command"], body["exit"], body["done"], body["failed"]) == ("apply", 0, 2, 0)
    assert body["serial"] == [0, 1]
    assert body["counts"] == {"bound": 2}


def test_events_end_with_the_verdict(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, LONDON)
    for args, last in (
        (("plan", "--json"), 0),
        (("apply", "--auto-approve", "--json"), 0),
        (("refresh", "--json"), 0),
    ):
        lines = [json.loads(line) for line in ok(run(*args)).splitlines()]
        assert lines[-1]["event"] == "verdict"
        assert lines[-1]["exit"] == last
        assert lines[0]["event"] in ("reading", "read")
    monkeypatch.setenv("PNSYNC_DESTROY_JSON", "1")
    events = [json.loads(line)["event"] for line in ok(run("destroy", "--auto-approve")).splitlines()]
    assert [one for one in events if one != "reading"] == ["read", "plan", "applying", "done", "verdict"]


def test_a_failure_in_json_still_ends_with_the_verdict(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pnsync.yaml").write_text("version: 2\n")
    lines = [json.loads(line) for line in ok(run("plan", "--json"), 8).splitlines()]
    assert (lines[-1]["event"], lines[-1]["exit"]) == ("verdict", 8)


def test_destroy(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON, SEVEN)
    ok(run("apply", "--auto-approve"))
    assert "2 to unbind" in ok(run("plan", "--destroy"))
    assert "Applied: 2 unbound" in ok(run("destroy", "--auto-approve"))
    assert ok(run("state", "list")).startswith("0 bindings, 0 groups")


def test_verify_and_refresh_without_differences(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    ok(run("apply", "--auto-approve"))
    assert "No differences." in ok(run("verify"))
    assert "No drift." in ok(run("refresh", "--detailed-exitcode"))
    write(tmp_path, LONDON, SEVEN)
    assert "Different: 1 to bind" in ok(run("verify"), 2)


def test_the_account_of_a_provider_that_the_state_does_not_know(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    ok(run("apply", "--auto-approve"))
    assert ok(run("state", "account", "nx")).startswith("nx  ")
    told = run("state", "account", "nope")
    assert told.exit_code == 8 and "It knows those of nx." in told.stderr


def test_state_commands(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON, SEVEN)
    ok(run("apply", "--auto-approve"))
    assert "phone_a           44••••12~" in ok(run("state", "show", "desk-7"))
    assert "447401264117 ext 107 → 44••••12~" in ok(run("state", "list"))
    assert json.loads(ok(run("state", "show", "desk-7", "--json")))["address"] == "bindings.desk-7"
    assert set(json.loads(ok(run("state", "list", "--json")))["entries"]) == {
        "bindings.desk-7",
        "bindings.desk-london",
    }
    ok(run("state", "mv", "desk-7", "desk-8"))
    assert "desk-8" in ok(run("state", "list"))
    ok(run("state", "rm", "bindings.desk-8"))
    assert "desk-8" not in ok(run("state", "list"))
    ok(run("state", "show", "desk-8"), 8)
    assert "sandbox" in ok(run("state", "account"))
    ok(run("state", "account", "nx", "--accept"))
    ok(run("state", "pull", "copy.json"))
    assert stat.S_IMODE((tmp_path / "copy.json").stat().st_mode) == 0o600
    assert (tmp_path / "copy.json").read_bytes() == (tmp_path / "state/pnsync.state.json").read_bytes()


def test_a_state_is_rebuilt(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    ok(run("apply", "--auto-approve"))
    ok(run("state", "rebuild"), 9)
    for one in (tmp_path / "state").glob("pnsync.*"):
        one.unlink()
    assert "Rebuilt: 1 binding" in ok(run("state", "rebuild"))
    assert "No changes." in ok(run("plan"))


def test_a_state_is_put_back_but_not_back_in_time(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    ok(run("apply", "--auto-approve"))
    ok(run("state", "pull", "one.json"))
    assert "serial 2" in ok(run("state", "push", "one.json"))
    found = run("state", "push", "one.json")
    ok(found, 9)
    assert "older than the state" in found.stderr
    ok(run("state", "pull", "two.json"))
    (tmp_path / "state/pnsync.state.json").write_bytes(b"")
    ok(run("plan"), 9)
    ok(run("state", "push", "two.json"))
    assert "No changes." in ok(run("plan"))
    (tmp_path / "three.json").write_bytes((tmp_path / "two.json").read_bytes()[:-20])
    ok(run("state", "push", "three.json"), 9)
    told = run("state", "push", "pnsync.yaml").stderr
    assert (
        "error[S903]: the file is no state that could be put in the state's place\n  the file is not JSON"
        in told
    )
    assert "Nothing was changed." in told
    assert "rebuild" not in told, "the state itself is sound"


def test_groups(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    ok(run("apply", "--auto-approve"))
    assert ok(run("groups")).startswith(
        "hotline-pool  nx  numbers  3 numbers · 1 live binding, 1 of them ours"
    )
    (group,) = json.loads(ok(run("groups", "--json")))["groups"]
    assert (group["name"], group["live"], len(group["numbers"])) == ("hotline-pool", 1, 3)


def test_unlocking_what_is_not_locked(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    ok(run("apply", "--auto-approve"))
    ok(run("unlock", "3f2c9a10"), 8)


def test_there_is_no_state_yet(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    for args in (("show",), ("state", "list"), ("state", "pull", "x")):
        ok(run(*args), 8)


@pytest.mark.parametrize("format", ["text", "json", "github"])
def test_findings_of_every_file_are_told(run: Run, tmp_path: Path, format: str) -> None:
    write(tmp_path, SEVEN.replace("107", "12"), LONDON.replace("101", "1"))
    found = run("validate", "--format", format)
    assert found.exit_code == 8
    assert found.output.count("E2") >= 2
    assert "447700900112" not in found.output


def test_wrong_values_of_options(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    for args in (
        ("plan", "--at", "tomorrow"),
        ("plan", "--format", "pdf"),
        ("apply", "--parallelism", "0"),
        ("apply", "--rate", "0"),
        ("apply", "--settle", "soon"),
        ("plan", "--allow-unbind", "-1"),
    ):
        ok(run(*args), 8)


def test_another_time(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    ok(run("apply", "--auto-approve"))
    text = ok(run("plan", "--at", "2199-01-01T00:00:00Z"))
    assert "From time (1)" in text
    assert "pnsync apply" not in text


def test_without_write_permission_nothing_is_called(run: Run, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    write(tmp_path, LONDON)
    tmp_path.chmod(0o500)
    try:
        assert run("apply", "--auto-approve").exit_code == 9
    finally:
        tmp_path.chmod(0o700)
