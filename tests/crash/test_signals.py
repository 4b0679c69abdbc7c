"""An apply that is interrupted at any boundary, once, twice, or as a cancelled job is: out in time, and nothing is lost.

The time is simulated. A second signal ends the process at once, as a kill does; a cancelled job gets SIGINT, seven and a half
seconds later SIGTERM, and after two and a half more it is killed.
"""

import gc
import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest
from simulation.history import converge
from simulation.process import Process
from simulation.world import Universe, Violation, seeded

from tests.profile import either

from .points import Case, apply, prepared

SEED = "crash-0"
POINTS = either(250, 5, 25)
LIMIT_SECONDS = 5.5
"""Four seconds for what is in flight, and what a turn of a loop takes."""


@contextmanager
def world() -> Iterator[Universe]:
    with seeded(Random(SEED)):
        universe = prepared(SEED)
        gc.collect()
        gc.freeze()
        try:
            yield universe
        finally:
            gc.unfreeze()


def interrupted(universe: Universe, case: Case, at: int, second: int, number: int) -> str:
    """Signal an apply at a boundary, and again so many boundaries later (0: no more); what was broken."""
    process = Process()
    process.signal_number = number
    told = []

    def tell() -> None:
        process.signal = number
        told.append(universe.time.seconds)

    process.hooks[at] = tell
    if second:
        process.hooks[at + second] = process.die
    try:
        run = apply(universe, case, process)
        if not told:
            return "the apply has fewer boundaries"
        if universe.time.seconds - told[0] > LIMIT_SECONDS:
            return f"it went on for {universe.time.seconds - told[0]:.1f} s"
        whole = run.verdict is not None and run.verdict.exit == 0
        if run.verdict is not None and not whole and run.verdict.exit != 128 + number:
            return f"it exits with {int(run.verdict.exit)}"
        if run.error is not None and run.error.exit_code != 128 + number:
            return f"it ends with {run.error.code} {run.error}"
        universe.check()
        again = apply(universe, case)
        if again.error is not None:
            return f"the next run ends with {again.error.code}"
        if whole and again.calls:
            return "it exits with 0 and left something to do"
        universe.check()
        converge(universe, Random(f"{at}"))
    except Violation as broken:
        return str(broken)
    return ""


def forked(universe: Universe, case: Case, at: int, second: int, number: int) -> str:
    """The same in a process of its own, as a world is used up by it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        found = "it ended without an answer"
        try:
            found = interrupted(universe, case, at, second, number)
        finally:
            os.write(writing, pickle.dumps(found))
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return str(pickle.loads(answer))


@pytest.mark.parametrize("parallelism", [1, 4])
def test_an_apply_that_is_interrupted_anywhere_loses_nothing(parallelism: int) -> None:
    case = Case(SEED, parallelism)
    with world() as universe:
        boundaries = 250
        for point in range(POINTS):
            at = 1 + point * boundaries // POINTS
            second = (0, 1, 2, 5, 0)[point % 5]
            number = (2, 15)[point // 5 % 2]
            found = forked(universe, case, at, second, number)
            assert not found, (at, second, number, found)
