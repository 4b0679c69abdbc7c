"""A part of all histories that ends within a minute; the rest runs with `make soak`."""

import pytest

from tests.profile import either

from .history import play

WORLDS = either(100, 40, 100)
PARTS = 10
BROKEN_ONCE = (612, 300510)
"""Histories that broke a promise once. What each holds changes with what is drawn; the scenarios keep what they taught."""


@pytest.mark.parametrize("part", range(PARTS))
def test_every_promise_is_kept_in_every_history(part: int) -> None:
    for seed in range(part, WORLDS, PARTS):
        _, failure = play(seed)
        assert failure is None, str(failure)


@pytest.mark.parametrize("seed", BROKEN_ONCE)
def test_what_broke_once_is_kept(seed: int) -> None:
    _, failure = play(seed)
    assert failure is None, str(failure)
