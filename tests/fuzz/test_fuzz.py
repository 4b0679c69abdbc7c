"""A share of fresh inputs for every reader, every input that once went wrong, and those that reach most of it."""

import time
from collections.abc import Callable
from random import Random

import pytest

from tests.fuzz.corpus import once_wrong, reaching
from tests.fuzz.gates import passed
from tests.fuzz.mutations import inflated
from tests.fuzz.program import FILES, targets
from tests.fuzz.reach import Reach
from tests.fuzz.targets import TARGETS, Target
from tests.fuzz.trial import Hung, feed
from tests.profile import either

FRESH = 300
RUNS = either(300, 40)
KINDS = sorted(FILES)


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
        assert feed(target, data, weighed=True) == "", data


def test_a_file_of_nothing_but_lines_takes_little() -> None:
    data = b"version: 1%YAML 1.2" + b"\n" * 99_900 + b"providers:\n"
    assert feed(TARGETS["yaml"], data, weighed=True) == ""


@pytest.mark.parametrize("name", TARGETS)
def test_what_reaches_most(name: str) -> None:
    target = TARGETS[name]
    for data in reaching(target):
        assert feed(target, data) == "", data


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_file_makes_no_call(kind: str) -> None:
    target = targets()[f"program, {kind}"]
    random = Random(20261122)
    pool = [*target.seeds, *once_wrong(target), *reaching(target)]
    for data in pool:
        assert feed(target, data) == "", data
    for _ in range(RUNS):
        data = target.make(random, pool)
        assert feed(target, data) == "", data


def taking(feed_: Callable[[bytes], object]) -> Target:
    return Target("a reader", [b"seed"], feed_, lambda random, seeds: seeds[0])


def hangs(data: bytes) -> None:
    while True:
        pass


def works_long(data: bytes) -> None:
    until = time.process_time() + 0.06
    while time.process_time() < until:
        pass


@pytest.mark.parametrize(
    ("reader", "told"),
    [
        (lambda data: None, ""),
        (lambda data: data.decode("utf-16"), "UnicodeDecodeError"),
        (hangs, Hung.__name__),
        (works_long, "s of CPU"),
        (lambda data: bytearray(3 << 20), "bytes of memory"),
    ],
    ids=["well", "raises", "hangs", "slow", "heavy"],
)
def test_what_a_trial_notices(reader: Callable[[bytes], object], told: str) -> None:
    found = [feed(taking(reader), b"x", weighed=weighed, slow=0.05) for weighed in (False, True)]
    assert any(told in one for one in found) and (told or found == ["", ""])


def test_an_input_that_reaches_more_is_noticed() -> None:
    reach = Reach("tests.fuzz.gates")
    seen = []
    with reach:
        reach.follow({})
        for data in (b"x", b"y", b"ax", b"abx", b"ay", b"abc", b"abc"):
            passed(data)
            seen.append(reach.grown())
    assert seen == [True, False, True, True, False, True, False]
    with reach:
        reach.follow(reach.seen())
        passed(b"abc")
        assert not reach.grown()
