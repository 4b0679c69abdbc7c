"""explain, completion: commands that need no files."""

import re
from pathlib import Path

import pytest

from pnsync.cli.pages import page, titles
from tests.cli.conftest import Run


def test_explain_lists_every_code(run: Run) -> None:
    found = run("explain")
    assert found.exit_code == 0
    assert [line.split()[0] for line in found.stdout.splitlines()] == list(titles())


def test_explain_one_in_any_case(run: Run) -> None:
    found = run("explain", "e105")
    assert found.exit_code == 0
    assert found.stdout.startswith("E105: YAML anchors are refused\n\n")
    assert run("explain", "E105").stdout == found.stdout


def test_no_line_of_a_page_is_too_wide_for_a_terminal(run: Run) -> None:
    for code in titles():
        lines = run("explain", code).stdout.splitlines()
        assert max(map(len, lines)) <= 110, code


def test_explain_an_unknown_code(run: Run) -> None:
    found = run("explain", "E999X")
    assert found.exit_code == 8
    assert found.stderr == "error: there is no such code\n  All of them:\n      pnsync explain\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(run: Run, shell: str) -> None:
    found = run("completion", shell)
    assert found.exit_code == 0
    assert "_PNSYNC_COMPLETE" in found.stdout


def test_every_code_that_is_reported_has_its_page() -> None:
    sources = Path(__file__).parents[2] / "pnsync"
    found = {
        code: file.name
        for file in sources.rglob("*.py")
        for code in re.findall(r'"([AEPSW]\d{3})"', file.read_text())
    }
    missing = {code: name for code, name in sorted(found.items()) if page(code) is None}
    assert missing == {}


def test_no_page_is_empty() -> None:
    for code, title in titles().items():
        found = page(code)
        assert found is not None
        assert title
        assert len(found.text) > 20, code
