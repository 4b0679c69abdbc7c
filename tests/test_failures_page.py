"""docs/failures.md names a test for every failure; each of them exists, and no row of the list is left out."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PAGE = (TOP / "docs" / "failures.md").read_text("utf-8")
ROWS = re.findall(r"^\| ([A-Z])(\d+) \|.*\| ([^|]+) \|$", PAGE, re.MULTILINE)
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)))
WANTED = {"P": 21, "B": 13, "V": 26, "H": 13, "S": 10, "A": 104}


def test_every_failure_has_a_row_and_every_row_a_test() -> None:
    for kind, count in WANTED.items():
        assert [int(number) for one, number, _ in ROWS if one == kind] == list(range(1, count + 1))
    assert all("::test_" in cell for _, _, cell in ROWS)


@cache
def functions(file: str) -> frozenset[str]:
    tree = ast.parse((TOP / "tests" / file).read_text("utf-8"))
    return frozenset(one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_named_test_exists(file: str, name: str) -> None:
    assert name in functions(file)
