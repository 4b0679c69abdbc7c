"""A part of all crash points; the rest runs with `make soak`."""

from dataclasses import replace

import pytest

from .points import Case, boundaries, cases_of, run

SEED = "crash-0"


@pytest.mark.parametrize("parallelism", [1, 4])
@pytest.mark.parametrize("power", [False, True])
def test_an_apply_that_ends_anywhere_is_recovered(parallelism: int, power: bool) -> None:
    tried = 0
    for case, broken in run(cases_of(SEED, parallelism, power=power, stride=13)):
        assert not broken, (case, broken)
        tried += 1
    assert tried > 20


def test_a_recovery_that_ends_anywhere_is_recovered() -> None:
    base = Case(SEED, 1, 0)
    count, kinds = boundaries(base)
    assert {"send", "answer", "write", "sync", "rename"} <= kinds.keys()
    tried = 0
    for first in range(40, count, 61):
        one = replace(base, first=first)
        nested, _ = boundaries(one)
        cases = [replace(one, second=second) for second in range(1 + first % 23, nested, 23)]
        for case, broken in run(iter(cases)):
            assert not broken, (case, broken)
            tried += 1
    assert tried > 20
