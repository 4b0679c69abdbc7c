"""A part of all crash points; the rest runs with `make soak`."""

from dataclasses import replace

import pytest

from tests.profile import either

from .points import Case, boundaries, cases_of, run

SEED = "crash-0"


@pytest.mark.parametrize("parallelism", [1, 4])
@pytest.mark.parametrize("power", [False, True])
def test_an_apply_that_ends_anywhere_is_recovered(parallelism: int, power: bool) -> None:
    tried = 0
    for case, broken in run(cases_of(SEED, parallelism, power=power, stride=either(11, 29))):
        assert not broken, (case, broken)
        tried += 1
    assert tried > either(20, 7)


def test_a_recovery_that_ends_anywhere_is_recovered() -> None:
    base = Case(SEED, 1, 0)
    count, kinds = boundaries(base)
    assert {"send", "answer", "write", "sync", "rename"} <= kinds.keys()
    tried, stride = 0, either(23, 67)
    for first in range(40, count, 61):
        one = replace(base, first=first)
        nested, _ = boundaries(one)
        cases = [replace(one, second=second) for second in range(1 + first % stride, nested, stride)]
        for case, broken in run(iter(cases)):
            assert not broken, (case, broken)
            tried += 1
    assert tried > either(20, 7)
