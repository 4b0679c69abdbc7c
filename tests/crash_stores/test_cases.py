"""A part of all cases on each kind of server; the rest runs with `python -m crash_stores`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.profile import either

TESTS = Path(__file__).parents[1]
KINDS = [
    pytest.param("postgres", either(11, 67, 29), either(13, 83, 43), marks=pytest.mark.needs_postgres),
    pytest.param("object", either(9, 25), either(11, 37), marks=pytest.mark.needs_seaweed),
    pytest.param("git", either(8, 90, 40), 0),
]


@pytest.mark.parametrize(("kind", "stride", "nested"), KINDS)
def test_an_apply_that_is_ended_or_disturbed_at_any_call_is_recovered(
    kind: str, stride: int, nested: int
) -> None:
    """In a process of its own, as it forks and its servers are stopped."""
    done = subprocess.run(
        [sys.executable, "-m", "crash_stores", kind, "--stride", str(stride), "--nested", str(nested)],
        env={**os.environ, "PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}"},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    found = re.search(r"^(\d+) cases; broken: 0;", done.stdout, re.MULTILINE)
    assert found is not None, done.stdout
    assert int(found[1]) >= either(5, 2)
    if kind != "git":
        assert "answer cut: cases" in done.stdout
        assert "restarted: cases" in done.stdout
