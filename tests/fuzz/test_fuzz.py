"""A share of fresh inputs for every reader, and every input that once went wrong."""

from random import Random

import pytest

from tests.fuzz.__main__ import CORPUS, feed
from tests.fuzz.targets import TARGETS

FRESH = 300


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_bytes_are_read_or_refused(name: str) -> None:
    target = TARGETS[name]
    for seed in target.seeds:
        assert feed(target, seed) == ""
    random = Random(20261122)
    for _ in range(FRESH):
        data = target.make(random, target.seeds)
        assert feed(target, data) == "", data


@pytest.mark.parametrize("name", TARGETS)
def test_what_once_went_wrong(name: str) -> None:
    target = TARGETS[name]
    folder = CORPUS / name.replace(", ", "-").replace(" ", "-")
    for path in sorted(folder.glob("*")) if folder.is_dir() else []:
        assert feed(target, path.read_bytes()) == "", path.name
