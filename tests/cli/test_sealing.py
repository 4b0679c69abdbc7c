"""Sealed states through whole commands, and clear ones that Git would commit."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.cli import projects
from tests.cli.conftest import Run
from tests.sealing.keyholders import Holder

ANNA, BEN = Holder(), Holder()
NUMBER = re.compile(rb"447700900\d{3}")


def sealed(*recipients: str, more: str = "") -> str:
    return f"state: {{encryption: {{recipients: [{', '.join(recipients or (ANNA.recipient,))}]{more}}}}}\n"


@pytest.fixture(autouse=True)
def anna(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", ANNA.secret)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))


def clear(folder: Path) -> list[str]:
    """The files with a number in clear, but for the simulated vendor's own."""
    return [
        str(one.relative_to(folder))
        for one in folder.rglob("*")
        if one.is_file() and not one.name.startswith("sandbox-") and NUMBER.search(one.read_bytes())
    ]


def state_of(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "state/pnsync.state.json").read_text())
    return found


@pytest.mark.parametrize("more", ["", ", enforced: true", ", whole: true", ", whole: true, enforced: true"])
def test_apply_plan_and_show_work_on_a_sealed_state(run: Run, tmp_path: Path, more: str) -> None:
    projects.write(tmp_path, projects.SEVEN, projects.RIDE, extra=sealed(more=more))
    assert run("apply", "--auto-approve").exit_code == 0
    assert clear(tmp_path) == ["pnsync.yaml"]
    assert run("plan", "--detailed-exitcode").exit_code == 0
    assert "desk-7" in run("state", "list").output
    projects.write(tmp_path, projects.SEVEN, extra=sealed(more=more))
    assert run("apply", "--auto-approve").exit_code == 0
    assert clear(tmp_path) == ["pnsync.yaml"]


def test_without_the_identity_nothing_is_called(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    projects.write(tmp_path, projects.SEVEN, extra=sealed())
    monkeypatch.delenv("PNSYNC_AGE_IDENTITY")
    assert run("apply", "--auto-approve").exit_code == 8
    assert not (tmp_path / "state/pnsync.state.json").exists()
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", BEN.secret)
    found = run("apply", "--auto-approve")
    assert found.exit_code == 9
    assert "none of the recipients" in found.output
    assert BEN.secret not in found.output
    assert not (tmp_path / "state/pnsync.state.json").exists()


def test_the_identity_comes_from_a_file(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    projects.write(tmp_path, projects.SEVEN, extra=sealed())
    keys = tmp_path / "key.txt"
    keys.write_text(f"# created: 2026-11-22\n# public key: {ANNA.recipient}\n{ANNA.secret}\n")
    monkeypatch.delenv("PNSYNC_AGE_IDENTITY")
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY_FILE", str(keys))
    assert run("apply", "--auto-approve").exit_code == 0
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", ANNA.secret)
    assert "two age identities" in run("plan").stderr
    monkeypatch.delenv("PNSYNC_AGE_IDENTITY")
    keys.write_text(ANNA.secret[:-9])
    found = run("plan")
    assert found.exit_code == 8
    assert ANNA.secret[:-9] not in found.output


def test_rekey_seals_a_plain_state_whose_enforced_sealing_refuses_it(run: Run, tmp_path: Path) -> None:
    projects.write(tmp_path, projects.SEVEN)
    assert run("apply", "--auto-approve").exit_code == 0
    before = state_of(tmp_path)
    projects.write(tmp_path, projects.SEVEN, extra=sealed(more=", enforced: true"))
    refused = run("plan")
    assert refused.exit_code == 9
    assert "pnsync state rekey" in refused.output
    done = run("state", "rekey")
    assert done.exit_code == 0, done.output
    assert "sealed to 1 recipient" in done.output
    assert clear(tmp_path) == ["pnsync.yaml"]
    assert run("plan", "--detailed-exitcode").exit_code == 0
    after = state_of(tmp_path)
    assert before["notes"]["key"].encode() not in (tmp_path / "state/pnsync.state.json").read_bytes()  # type: ignore[index]
    assert before["accounts"] != after["accounts"], "known again under the new key"
    assert "already" in run("state", "rekey").output


def test_recipients_come_and_go_by_rekey(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    projects.write(tmp_path, projects.SEVEN, extra=sealed())
    assert run("apply", "--auto-approve").exit_code == 0
    projects.write(tmp_path, projects.SEVEN, extra=sealed(ANNA.recipient, BEN.recipient))
    assert "pnsync state rekey" in run("plan").output, "other recipients than the files name are told"
    assert run("state", "rekey").exit_code == 0
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", BEN.secret)
    assert run("plan", "--detailed-exitcode").exit_code == 0
    projects.write(tmp_path, projects.SEVEN, extra=sealed(BEN.recipient))
    done = run("state", "rekey")
    assert "Still readable, until --retire" in done.output
    assert "Still readable" not in run("state", "rekey", "--retire").output
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", ANNA.secret)
    assert run("plan").exit_code == 9


def test_a_typing_error_in_a_recipient_is_found_where_it_stands(run: Run, tmp_path: Path) -> None:
    wrong = ANNA.recipient[:20] + ("q" if ANNA.recipient[20] != "q" else "p") + ANNA.recipient[21:]
    projects.write(tmp_path, projects.SEVEN, extra=sealed(BEN.recipient, wrong))
    found = run("validate")
    assert found.exit_code == 8
    assert "E242" in found.output
    assert "checksum" in found.output


def test_an_identity_among_the_recipients_is_not_shown(run: Run, tmp_path: Path) -> None:
    projects.write(tmp_path, projects.SEVEN, extra=sealed(BEN.secret))
    found = run("validate")
    assert found.exit_code == 8
    assert BEN.secret[10:] not in found.output


# -- what Git would commit -------------------------------------------------------------------------------------------


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)


def test_a_clear_state_that_git_would_commit_is_refused(run: Run, tmp_path: Path) -> None:
    projects.write(tmp_path, projects.SEVEN)
    git(tmp_path, "init", "--quiet")
    refused = run("apply", "--auto-approve")
    assert refused.exit_code == 9
    assert "S935" in refused.output
    assert "echo '/state/' >> .gitignore" in refused.output
    assert not (tmp_path / "state/pnsync.state.json").exists()
    (tmp_path / ".gitignore").write_text("/state/\n")
    assert run("apply", "--auto-approve").exit_code == 0
    git(tmp_path, "add", "--force", "state/pnsync.state.json")
    assert run("apply", "--auto-approve").exit_code == 9, "ignored, and tracked all the same"


@pytest.mark.parametrize("settings", ["{plain_in_git: true}", "{encryption: {recipients: [RECIPIENT]}}"])
def test_sealed_or_accepted_it_may_be_committed(run: Run, tmp_path: Path, settings: str) -> None:
    git(tmp_path, "init", "--quiet")
    extra = f"state: {settings}\n".replace("RECIPIENT", ANNA.recipient)
    projects.write(tmp_path, projects.SEVEN, extra=extra)
    assert run("apply", "--auto-approve").exit_code == 0


@pytest.mark.parametrize("value", ['"true"', "yes", "1", "[true]", "", "false"])
def test_nothing_but_true_accepts_real_numbers_in_git(run: Run, tmp_path: Path, value: str) -> None:
    git(tmp_path, "init", "--quiet")
    projects.write(tmp_path, projects.SEVEN, extra=f"state:\n  plain_in_git: {value}\n")
    found = run("apply", "--auto-approve")
    place = "pnsync.yaml:" if value != "false" else "lies in a Git work tree"
    assert found.exit_code == (8 if value != "false" else 9) and place in found.stderr
    assert ("plain_in_git" in found.stderr) and not (tmp_path / "state").exists()


@pytest.mark.parametrize("value", ['"true"', "1", ""])
def test_a_new_place_accepts_real_numbers_in_git_by_true_alone_too(
    run: Run, tmp_path: Path, value: str
) -> None:
    projects.write(tmp_path, projects.SEVEN)
    assert run("apply", "--auto-approve").exit_code == 0
    found = run("state", "migrate", "--to", f"{{backend: local, path: other.json, plain_in_git: {value}}}")
    assert found.exit_code == 8 and "plain_in_git" in found.stderr and "--to:1:" in found.stderr
    assert not (tmp_path / "other.json").exists()


def test_what_init_writes_is_ignored_by_git(run: Run, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert run("init").exit_code == 0
    assert run("apply", "--auto-approve").exit_code == 0


def test_only_the_journal_ignored_is_not_enough(run: Run, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("*.journal\n")
    projects.write(tmp_path, projects.SEVEN)
    assert run("apply", "--auto-approve").exit_code == 9
    (tmp_path / ".gitignore").write_text("*.state.json\n")
    assert run("apply", "--auto-approve").exit_code == 9


def test_the_backup_of_a_clear_state_is_looked_at_too(run: Run, tmp_path: Path) -> None:
    """`state push` leaves the state before it beside the new one, with all its numbers."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("*.state.json\n*.state.json.journal\n")
    projects.write(tmp_path, projects.SEVEN)
    assert run("apply", "--auto-approve").exit_code == 0
    assert run("state", "pull", "state/one.state.json").exit_code == 0
    assert run("state", "push", "state/one.state.json").exit_code == 0
    assert "pnsync.state.json.backup" in clear(tmp_path / "state")
    refused = run("apply", "--auto-approve")
    assert refused.exit_code == 9 and "pnsync.state.json.backup holds real numbers" in refused.output
    (tmp_path / ".gitignore").write_text("/state/\n")
    assert run("apply", "--auto-approve").exit_code == 0
