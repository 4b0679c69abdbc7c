"""A part of all histories that ends within a minute; the rest runs with `make soak`."""

import pytest

from .history import play

WORLDS = 100
PARTS = 10


@pytest.mark.parametrize("part", range(PARTS))
def test_every_promise_is_kept_in_every_history(part: int) -> None:
    for seed in range(part, WORLDS, PARTS):
        _, failure = play(seed)
        assert failure is None, str(failure)
