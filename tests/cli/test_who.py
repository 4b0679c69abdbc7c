"""`who`, `output`, `directory` against the simulated vendor."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.projects import LONDON, REAL, RIDE, SEVEN, write
from tests.cli.test_lifecycle import ok

X = "447401264117"


@pytest.fixture
def applied(run: Run, tmp_path: Path) -> Run:
    write(tmp_path, LONDON, SEVEN, RIDE)
    ok(run("apply", "--auto-approve"))
    return run


def test_who_answers_from_the_state(applied: Run) -> None:
    assert f"anyone dials {X} ext 107 → 44••••12~" in ok(applied("who", "--dial", X, "--ext", "107"))
    told = json.loads(ok(applied("who", "--dial", f"+{X}", "--ext", "107", "--json")))
    assert (told["source"], told["answers"][0]["address"]) == ("state", "bindings.desk-7")
    assert "nobody rings" in ok(applied("who", "--dial", X, "--ext", "999"))


def test_who_reads_the_caller_from_standard_input(applied: Run) -> None:
    found = applied("who", "--dial", X, "--ext", "107", "--caller", "-", input="+44 7700 900131\n")
    assert "44••••31~" in ok(found)


def test_who_after_the_plan(applied: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON, SEVEN.replace("900112", "900132"), RIDE)
    assert "44••••12~" in ok(applied("who", "--dial", X, "--ext", "107"))
    assert "44••••32~" in ok(applied("who", "--dial", X, "--ext", "107", "--after-plan"))


def test_who_asks_the_vendor(applied: Run) -> None:
    found = ok(applied("who", "--dial", X, "--ext", "107", "--caller", "447700900131", "--live"))
    assert "44••••12~" in found
    missing = ok(applied("who", "--dial", X, "--ext", "999", "--caller", "447700900131", "--live"))
    assert "nobody rings" in missing


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("--live",), id="no caller"),
        pytest.param(("--live", "--after-plan", "--caller", "447700900131"), id="both"),
        pytest.param(("--caller", "nobody"), id="no phone"),
        pytest.param(("--ext", "abcd"), id="no extension"),
        pytest.param(("--ext", "١٠٧"), id="digits of another script"),
    ],
)
def test_who_refuses_what_cannot_be_asked(applied: Run, options: tuple[str, ...]) -> None:
    found = applied("who", "--dial", X, *options)
    assert found.exit_code == 8
    assert not any(number in found.output for number in REAL)


def test_without_a_state_there_is_nothing_to_tell(run: Run, tmp_path: Path) -> None:
    write(tmp_path, SEVEN)
    for words in (("who", "--dial", X), ("output",), ("directory",)):
        assert run(*words).exit_code == 8


def test_output_and_directory(applied: Run) -> None:
    rows = json.loads(ok(applied("output")))["bindings"]
    assert [one["address"] for one in rows] == ["bindings.desk-7", "bindings.desk-london", "bindings.ride-17"]
    assert (
        ok(applied("output", "bindings.desk-7", "--format", "csv"))
        .splitlines()[1]
        .startswith("bindings.desk-7,,")
    )
    assert "| `desk-7` | `447401264117` | `107` |" in ok(applied("directory"))
    assert "<b>desk-london</b>" in ok(applied("directory", "--format", "html", "bindings.desk-*"))
