"""docs/security.md names tests for every threat; each of them exists, and the locks are what the page says."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PAGE = (TOP / "docs" / "security.md").read_text("utf-8")
ROWS = re.findall(r"^\| (\d+) \|.*\| ([^|]+) \|$", PAGE, re.MULTILINE)
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)


def test_every_threat_has_a_test() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(1, len(ROWS) + 1))
    assert len(ROWS) >= 45
    assert all("::test_" in cell for _, cell in ROWS)
    assert not re.search(r"^\| \d+ \|(?!.*::test_)", PAGE, re.MULTILINE)
    # What is quoted like a test is one, so that a slip of the pen hides none.
    assert len(NAMED) == PAGE.count("::")


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_the_named_test_exists(file: str, name: str) -> None:
    assert [one.name for one in functions(file)].count(name) == 1


@cache
def functions(file: str) -> list[ast.FunctionDef]:
    """The functions of a test's file."""
    tree = ast.parse((TOP / "tests" / file).read_text("utf-8"))
    return [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]


def test_weaknesses_are_reported_in_private() -> None:
    page = (TOP / "SECURITY.md").read_text("utf-8")
    assert "privately" in page and "docs/security.md" in page and "SECURITY.md" in PAGE


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock", "requirements-build.lock"])
def test_the_locks_pin_every_package_by_hash_and_name_no_index(lock: str) -> None:
    text = (TOP / lock).read_text("utf-8")
    assert not re.search(r"--(?:extra-)?index-url|--find-links|https?://|file:", text)
    packages = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"(?m)^\s*#.*\n?", "", text).strip())
    assert len(packages) > (0 if "build" in lock else 10)
    for package in packages:
        assert re.match(r"[A-Za-z0-9._-]+(\[[\w,-]+\])?==[^\s;\\]+", package), package[:60]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", package), package[:60]
