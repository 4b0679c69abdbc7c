"""A state that somebody else wrote, sound in form, with every text of it meant for the reader's terminal or runner."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from pnsync.plan import digest
from pnsync.state import Account, Entry, Failure, Pending, Resting, Standing, State
from pnsync.statefile import document
from pnsync.statefile.phonecodec import CLEAR
from tests.cli.conftest import Run
from tests.cli.projects import LONDON, SEVEN, write
from tests.render.hostile import hostile_document, visible
from tests.worlds import NOW, attempt, axg, desk, group, made, made_group, phone, ride, superseded

HOSTILE = "x\x1b[31m\x1b]8;;https://evil.example\x07\x9b2J\u202edcba\u2066\u200b\ud800\n::error::boo\r##[error]boo\n::stop-commands::z"


def hostile() -> State:
    """A state whose every free text is hostile."""
    text = HOSTILE.replace("\ud800", "")
    one = made(desk("one", "101", 1), age=60)
    entries = {
        f"bindings.{text}": replace(
            one,
            provider="nx",
            bind_id=text,
            customer_bind_id=text,
            phone_x=text,
            extension=text,
            labels=((text, text),),
            group=text,
        ),
        "bindings.down": replace(made(desk("down", "102", 2)), bind_id=None, down_since=NOW, file=text),
        "bindings.ride": replace(made(ride("ride", 5, 6)), phone_x_b=text, pool_number=text),
        "bindings.axg": replace(made(axg("axg", text, 7)), provider=text),
        f"groups.{text}": replace(made_group(group("team")), group_name=text, remark=text, group_id=text),
    }
    intent = attempt(desk("open", "103", 3), ago=30)
    return State(
        lineage=text,
        serial=90,
        entries=entries,
        pending={
            text: Pending(
                replace(intent, attempt=text, address=f"bindings.{text}2"), Standing.UNKNOWN, text, text, text
            )
        },
        superseded=superseded(f"bindings.{text}", made(desk("two", "104", 4), generation=2)),
        quarantine=(Resting("nx", text, text, NOW + 9 * 10**8, text, phone(1)),),
        accounts={"nx": Account(text, text), text: Account(text, text)},
        failures={f"bindings.{text}": Failure(NOW, 3, text)},
        notes={"hold.bindings.down": text, "freeze": text, text: text, "commit": text},
    )


FORGED = re.compile(r"^\s*::(?:stop-commands|error::boo)")
"""A line that a runner would take for a command of the state's own."""

COMMANDS = [
    ("show",),
    ("state", "list"),
    ("state", "show", "bindings.down"),
    ("state", "show", f"bindings.{HOSTILE}"),
    ("state", "account"),
    ("show", "--format", "json"),
    ("state", "list", "--json"),
    ("state", "show", "bindings.down", "--json"),
    ("status", "--json"),
    ("output", "--format", "json"),
    ("plan", "--format", "json"),
    ("plan", "--json"),
    ("apply", "--auto-approve", "--json"),
    ("groups",),
    ("status",),
    ("forecast",),
    ("doctor",),
    ("output", "--format", "csv"),
    ("directory", "--format", "markdown"),
    ("directory", "--format", "html"),
    ("who", "--dial", "447401264117"),
    ("find", "-"),
    ("plan", "-vv"),
    ("plan", "--format", "markdown"),
    ("plan", "--format", "html"),
    ("plan", "--destroy"),
    ("verify",),
    ("refresh", "-vv"),
    ("renew", "--auto-approve", "-vv"),
    ("destroy", "--auto-approve"),
    ("state", "pull", "pulled.json"),
    ("state", "mv", "bindings.down", f"bindings.{HOSTILE}"),
    ("state", "rm", f"bindings.{HOSTILE}"),
]


PLANNING = ("plan", "verify", "refresh", "renew", "apply", "destroy", "doctor")
"""Commands that refuse another account."""


@pytest.mark.parametrize("actions", [False, True])
def test_no_text_of_a_state_reaches_a_terminal_or_runner(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, actions: bool
) -> None:
    write(tmp_path, LONDON, SEVEN)
    assert run("apply", "--auto-approve").exit_code == 0
    folder = tmp_path / "state"
    path = folder / "pnsync.state.json"
    made_here = document.loads(path.read_bytes(), CLEAR, name="state")
    wanted = hostile()
    if actions:
        # An account that is ours and nothing frozen: planning goes on to the end.
        wanted = replace(wanted, accounts=made_here.accounts, notes={**made_here.notes, "x": HOSTILE[:9]})
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    data = document.dumps(wanted)
    shown, faults = 0, []
    for words in COMMANDS if actions else (one for one in COMMANDS if one[0] not in PLANNING):
        (folder / "pnsync.state.json.journal").unlink(missing_ok=True)
        path.write_bytes(data)
        found = run(*words, "--result", str(tmp_path / "v.json"), input="447700900001")
        summary = tmp_path / "summary.md"
        for text in (found.stdout, found.stderr, summary.read_text() if summary.exists() else ""):
            lines = text.replace("\r\n", "\n").split("\n")
            faults += [(words, repr(line)[:300]) for line in lines if not visible(line)]
            faults += [(words, repr(line)[:300]) for line in lines if "##[" in line or FORGED.search(line)]
        shown += "\\u{1b}" in found.stdout + found.stderr
        faults += [(words, found.stderr)] * ("bug in pnsync" in found.stderr)
    assert not faults
    assert shown > 10, shown


@pytest.mark.parametrize("ends", [-62_135_683_140, 253_402_400_000, 10**14])
def test_an_end_outside_the_calendar_stops_nobody(run: Run, tmp_path: Path, ends: int) -> None:
    write(tmp_path, LONDON, SEVEN)
    assert run("apply", "--auto-approve").exit_code == 0
    path = tmp_path / "state" / "pnsync.state.json"
    found = document.loads(path.read_bytes(), CLEAR, name="state")
    entries = {
        address: replace(one, expires_at=ends) if isinstance(one, Entry) else one
        for address, one in found.entries.items()
    }
    data = document.dumps(replace(found, entries=entries))
    for words in (
        ("status",),
        ("forecast",),
        ("plan",),
        ("plan", "--no-refresh", "--format", "html"),
        ("verify",),
    ):
        (tmp_path / "state" / "pnsync.state.json.journal").unlink(missing_ok=True)
        path.write_bytes(data)
        shown = run(*words)
        assert "bug in pnsync" not in shown.stderr, (words, shown.stderr)


@pytest.mark.parametrize("format", ["text", "json", "markdown", "html"])
def test_no_text_of_a_plan_file_reaches_a_terminal_or_runner(run: Run, tmp_path: Path, format: str) -> None:
    text = HOSTILE.replace("\ud800", "")
    found = hostile_document(text)
    found |= {
        "options": {},
        "sameness": {"key": text, "salt": "0" * 32, "digest": text},
        "config_digest": text,
    }
    (tmp_path / "p").write_text(json.dumps(found | {"digest": digest(found)}))
    shown = run("show", "p", "-v", "--format", format)
    assert shown.exit_code == 0, shown.output
    lines = (shown.stdout + shown.stderr).split("\n")
    assert not [line for line in lines if not visible(line) or "##[" in line or FORGED.search(line)]
    write(tmp_path, LONDON)
    refused = run("apply", "p", "--auto-approve")
    assert refused.exit_code == 5
    lines = refused.output.split("\n")
    assert not [line for line in lines if not visible(line) or "##[" in line or FORGED.search(line)]
