"""A share of fresh inputs for every reader, every input that once went wrong, and those that reach most of it."""

from random import Random

import pytest

from tests.fuzz.corpus import once_wrong, reaching
from tests.fuzz.mutations import inflated
from tests.fuzz.targets import TARGETS
from tests.fuzz.trial import feed

FRESH = 300


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_bytes_are_read_or_refused(name: str) -> None:
    target = TARGETS[name]
    pool = [*target.seeds, *reaching(target)]
    for seed in target.seeds:
        assert feed(target, seed) == ""
    random = Random(20261122)
    for number in range(FRESH):
        data = target.make(random, pool)
        if number % 100 == 99:
            data = inflated(random, data)
        assert feed(target, data, weighed=number % 10 == 0) == "", data


@pytest.mark.parametrize("name", TARGETS)
def test_what_once_went_wrong(name: str) -> None:
    target = TARGETS[name]
    for data in once_wrong(target):
        assert feed(target, data) == "", data


@pytest.mark.parametrize("name", TARGETS)
def test_what_reaches_most(name: str) -> None:
    target = TARGETS[name]
    for data in reaching(target):
        assert feed(target, data) == "", data
