"""A part of all crash points; the rest runs with `make soak`."""

import pytest

from .points import Case
from .tree import Plan, grown

SEED = "crash-0"
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
    found = grown(case, Plan((4, 0)))
    assert not found.broken, found.broken[0]
    assert found.deaths[1] > 10 and found.boundaries.keys() >= DURABLE


def test_a_recovery_that_ends_anywhere_is_recovered() -> None:
    found = grown(Case(SEED), Plan((12, 8)))
    assert not found.broken, found.broken[0]
    assert found.deaths[2] > 10
