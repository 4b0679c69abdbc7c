"""A part of all crash points; the rest runs with `make soak`."""

import pytest

from tests.profile import either

from .points import Case
from .tree import Plan, grown

SEED = "crash-0"
STRIDE = either(4, 8, 4)
"""Of the worlds of an apply every so many-th is tried."""
DURABLE = {"send", "answer", "write", "sync", "rename"}


@pytest.mark.parametrize(
    "case",
    [
        Case(SEED),
        Case(SEED, power=True),
        Case(SEED, parallelism=4),
        Case(SEED, parallelism=4, power=True),
        Case(SEED, shared=True, power=True),
    ],
)
def test_an_apply_that_ends_anywhere_is_recovered(case: Case) -> None:
    found = grown(case, Plan((STRIDE, 0)))
    assert not found.broken, found.broken[0]
    assert found.deaths[1] > 10 and found.boundaries.keys() >= DURABLE


def test_a_recovery_that_ends_anywhere_is_recovered() -> None:
    found = grown(Case(SEED), Plan((3 * STRIDE, 2 * STRIDE)))
    assert not found.broken, found.broken[0]
    assert found.deaths[2] > 10
