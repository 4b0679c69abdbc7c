"""explain, completion: commands that need no files."""

import pytest

from pnsync.cli.pages import titles
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
    assert found.stderr == "error: there is no such code\n      pnsync explain\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(run: Run, shell: str) -> None:
    found = run("completion", shell)
    assert found.exit_code == 0
    assert "_PNSYNC_COMPLETE" in found.stdout
