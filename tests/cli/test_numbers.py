"""`pnsync numbers` and `pnsync find -`: plain and sealed files changed by people, and nothing left behind in clear."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.conftest import Run
from tests.sealing.keyholders import Holder

ANNA, BEN = Holder(), Holder()
NUMBER = re.compile(rb"44\W?7700\W?900\W?\d{3}")
ROOT = """\
version: 1
numbers: {numbers}
state: {{encryption: {{recipients: [{recipient}], enforced: true}}}}
providers:
  nx: {{type: nxcloud, endpoint: sandbox, rate: 1000}}
defaults: {{provider: nx, expires_in: 1d}}
policy: {{numbers: named}}
bindings:
  desk: {{mode: axb_extension, phone_a: alice, phone_x: 447401264117, extension: 101}}
"""
SEALED = pytest.mark.parametrize("name", ["numbers.yaml", "numbers.yaml.age"])


@pytest.fixture(autouse=True)
def anna(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", ANNA.secret)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    (tmp_path / "runtime").mkdir()


def project(folder: Path, name: str = "numbers.yaml.age") -> None:
    (folder / "pnsync.yaml").write_text(ROOT.format(numbers=name, recipient=ANNA.recipient))


def ok(found: Result) -> str:
    assert found.exit_code == 0, found.output
    assert not NUMBER.search(found.output.encode())
    return found.output


def clear(folder: Path) -> list[str]:
    """The files with a number in clear, but for the simulated vendor's own."""
    return [
        str(one.relative_to(folder))
        for one in folder.rglob("*")
        if one.is_file() and not one.name.startswith("sandbox-") and NUMBER.search(one.read_bytes())
    ]


@SEALED
def test_a_number_is_added_listed_used_found_and_removed(run: Run, tmp_path: Path, name: str) -> None:
    project(tmp_path, name)
    ok(run("numbers", "add", "alice", input="+44 7700 900123\n"))
    ok(run("numbers", "add", "bob", input="447700900456"))
    assert [one.split() for one in ok(run("numbers", "list")).splitlines()] == [
        ["alice", "44••••23", name],
        ["bob", "44••••56", name],
    ]
    assert clear(tmp_path) == ([] if name.endswith(".age") else [name])
    if not name.endswith(".age"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    planned = ok(run("plan", "-v"))
    assert "(alice)" in planned
    assert "nothing uses the number bob" in planned
    ok(run("apply", "--auto-approve"))
    found = ok(run("find", "-", input="447700900123"))
    assert re.search(
        r"44••••23~[0-9a-z]{7} \(alice\)\n  bindings\.desk  phone_a in the files, phone_a in the state", found
    )
    assert "No address uses it" in ok(run("find", "-", input="447700900999"))
    ok(run("numbers", "rm", "bob"))
    assert "bob" not in ok(run("numbers", "list"))
    assert clear(tmp_path) == ([] if name.endswith(".age") else [name])
    assert ok(run("plan", "--detailed-exitcode"))


@SEALED
def test_what_cannot_be_added_is_told_and_changes_nothing(run: Run, tmp_path: Path, name: str) -> None:
    project(tmp_path, name)
    ok(run("numbers", "add", "alice", input="447700900123"))
    before = (tmp_path / name).read_bytes()
    for words, given in (
        (("alice",), "447700900124"),
        (("12345678",), "447700900124"),
        (("a b",), "447700900124"),
        (("null",), "447700900124"),
        (("carol",), "nobody 447700900124"),
        (("carol",), ""),
        (("carol",), "000447700900124"),
        (("carol", "--file", "../x.yaml"), "447700900124"),
    ):
        refused = run("numbers", "add", *words, input=given)
        assert refused.exit_code == 8, words
        assert "900124" not in refused.output
    assert run("numbers", "rm", "carol").exit_code == 8
    assert (tmp_path / name).read_bytes() == before


def test_a_phone_on_the_command_line_is_no_argument(run: Run, tmp_path: Path) -> None:
    project(tmp_path)
    refused = run("find", "447700900123")
    assert refused.exit_code == 8
    assert "standard input" in refused.stderr and "pnsync find -" in refused.stderr


def test_a_sealed_file_is_not_written_for_others_alone(run: Run, tmp_path: Path) -> None:
    project(tmp_path)
    refused = run("numbers", "add", "alice", "--recipient", BEN.recipient, input="447700900123")
    assert refused.exit_code == 8
    assert not (tmp_path / "numbers.yaml.age").exists()


def test_each_team_has_a_file_for_its_own(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipients of a file stand in it, so that whoever adds a number keeps the team's."""
    project(tmp_path, "numbers/*.yaml.age")
    west = "numbers/west.yaml.age"
    both = ("--recipient", ANNA.recipient, "--recipient", BEN.recipient)
    ok(run("numbers", "add", "alice", "--file", west, *both, input="447700900123"))
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", BEN.secret)
    ok(run("numbers", "add", "bob", "--file", west, input="447700900456"))
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", ANNA.secret)
    assert "bob" in ok(run("numbers", "list"))
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", Holder().secret)
    assert run("numbers", "list").exit_code == 8


EDITOR = """\
import os, pathlib, stat, sys
path = pathlib.Path(sys.argv[1])
assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
text = path.read_text()
path.with_name("numbers.yaml~").write_text(text)
path.write_text(eval(os.environ["CHANGE"])(text))
sys.exit(int(os.environ.get("ENDS", "0")))
"""


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    (tmp_path / "editor.py").write_text(EDITOR)
    monkeypatch.setenv("EDITOR", f"{sys.executable} {tmp_path / 'editor.py'}")
    monkeypatch.delenv("VISUAL", raising=False)
    return monkeypatch


@SEALED
def test_an_edit_is_sealed_again_and_leaves_nothing(
    run: Run, tmp_path: Path, editor: pytest.MonkeyPatch, name: str
) -> None:
    project(tmp_path, name)
    ok(run("numbers", "add", "alice", input="447700900123"))
    editor.setenv(
        "CHANGE", "lambda text: '# team west\\n' + text.replace('900123', '900124') + 'bob: 447700900456\\n'"
    )
    assert "Wrote" in ok(run("numbers", "edit"))
    assert clear(tmp_path) == ([] if name.endswith(".age") else [name])
    assert not any((tmp_path / "runtime").iterdir())
    assert ["alice", "44••••24", name] in [one.split() for one in ok(run("numbers", "list")).splitlines()]
    editor.setenv("CHANGE", "lambda text: text")
    before = (tmp_path / name).read_bytes()
    assert "Nothing was changed" in ok(run("numbers", "edit"))
    for change, ends in (("lambda text: text + 'x: [\\n'", "0"), ("lambda text: text + '447700900777'", "1")):
        editor.setenv("CHANGE", change)
        editor.setenv("ENDS", ends)
        refused = run("numbers", "edit")
        assert refused.exit_code == 8
        assert not NUMBER.search(refused.output.encode())
        assert (tmp_path / name).read_bytes() == before
        assert not any((tmp_path / "runtime").iterdir())


AGE = pytest.mark.skipif(
    shutil.which("age") is None and not os.environ.get("CI"), reason="Debian's age is not installed"
)


@AGE
def test_the_age_program_opens_what_is_written_and_the_other_way_round(run: Run, tmp_path: Path) -> None:
    project(tmp_path)
    ok(run("numbers", "add", "alice", input="447700900123"))
    keys = tmp_path / "runtime" / "key.txt"
    subprocess.run(["age-keygen", "-o", str(keys)], check=True, capture_output=True)
    keys.write_text(ANNA.secret + "\n")
    sealed = tmp_path / "numbers.yaml.age"
    opened = subprocess.run(
        ["age", "-d", "-i", str(keys), str(sealed)], check=True, capture_output=True
    ).stdout
    assert opened == b"alice: 447700900123\n"
    for armour in ([], ["-a"]):
        words = ["age", *armour, "-r", BEN.recipient, "-r", ANNA.recipient, "-o", str(sealed)]
        subprocess.run(words, input=opened + b"bob: 447700900456\n", check=True, capture_output=True)
        assert len(ok(run("numbers", "list")).splitlines()) == 2
    ok(run("numbers", "rm", "bob"))
    again = subprocess.run(
        ["age", "-d", "-i", str(keys), str(sealed)], check=True, capture_output=True
    ).stdout
    assert again == opened
