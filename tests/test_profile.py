"""The profiles do what they say, and every process that collects the tests finds the same ones."""

import itertools
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import sampling
from tests.conftest import well_named
from tests.profile import either

TOP = Path(__file__).parent.parent
COLLECTING = """
import sys, time
ahead, now = float(sys.argv.pop(1)), time.time
time.time = lambda: now() + ahead
import pytest
sys.exit(pytest.main(["--collect-only", "-p", "no:cacheprovider"]))
"""
drawn: list[int] = []


@settings(max_examples=200)
@given(st.integers())
def test_examples_are_drawn(number: int) -> None:
    drawn.append(number)


def test_the_profile_says_how_many_are_drawn() -> None:
    drawn.clear()
    test_examples_are_drawn()
    assert len(drawn) == either(200, 20, 40)
    first = list(drawn)
    drawn.clear()
    test_examples_are_drawn()
    assert either(1, int(drawn == first)), "quick draws the same ones each time"


@pytest.mark.parametrize(
    ("name", "well"),
    [
        ("test_it[word]", True),
        ("test_it[" + "a" * 130 + "]", False),
        ("test_it[\\x1f\\x8b]", False),
        ("test_it[a\x07]", False),
    ],
    ids=["a word", "long", "escaped bytes", "a bell"],
)
def test_names_are_short_and_readable(name: str, well: bool) -> None:
    assert well_named(name) is well


def cases(**values: int) -> list[Any]:
    """The cases of a test with so many values of each parameter."""
    return [
        SimpleNamespace(
            name=f"test_it{indices}",
            callspec=SimpleNamespace(params=dict(zip(values, indices, strict=True))),
        )
        for indices in itertools.product(*map(range, values.values()))
    ]


def test_a_sample_has_every_value_of_every_parameter() -> None:
    every = cases(place=7, way=3, signal=2)
    left = sampling.unneeded(every)
    kept = [one.callspec.params for one in every if one not in left]
    assert {name: {one[name] for one in kept} for name in kept[0]} == {
        "place": set(range(7)),
        "way": set(range(3)),
        "signal": set(range(2)),
    }
    assert 7 <= len(kept) <= 10, "of 42"
    assert sampling.unneeded(every[::-1]) == left, "the order of collection does not matter"
    assert sampling.unneeded(cases(text=40)) == []


def test_a_sample_of_a_number_has_so_many() -> None:
    every = cases(text=40)
    assert len(sampling.unneeded(every, 12)) == 28
    assert sampling.unneeded(every, 50) == []


@pytest.mark.slow
def test_every_process_finds_the_same_tests_at_every_hour() -> None:
    found = []
    for seed, ahead in (("1", 0), ("2", 5 * 3600 + 61)):
        ended = subprocess.run(
            [sys.executable, "-c", COLLECTING, str(ahead)],
            cwd=TOP,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout[-2000:]
        found.append([line for line in ended.stdout.splitlines() if "::" in line])
    assert found[0] == found[1]
    assert len(found[0]) > 1000
