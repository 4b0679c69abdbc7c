"""Every crash point of an apply, and every crash point of the recovery of each: one tree of forks.

The apply runs once. At each boundary that leaves another world than the one before (what the disk holds and would keep,
what the vendors did), a child is forked that dies there; it checks the promises and recovers, and its recovery forks at
each of its own boundaries in turn. A write is ended twice: before it, and half way.
"""

import gc
import os
import pickle
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from simulation.history import converge
from simulation.process import Process
from simulation.world import Run, Universe, Violation, seeded

from .points import Case, apply, prepared

DEPTH = 2


@dataclass
class Tally:
    """What a tree came to."""

    boundaries: Counter[str] = field(default_factory=Counter)
    """Boundaries of the apply, by name."""
    deaths: Counter[int] = field(default_factory=Counter)
    """Ends tried, by depth: 1 for the apply, 2 for a recovery."""
    passed: Counter[int] = field(default_factory=Counter)
    """Boundaries passed, by depth; one that changed nothing was not tried on its own."""
    broken: list[tuple[Case, str]] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Count another tree in."""
        self.boundaries.update(other.boundaries)
        self.deaths.update(other.deaths)
        self.passed.update(other.passed)
        self.broken.extend(other.broken)


@dataclass(frozen=True)
class Plan:
    """How much of a tree is tried: every n-th world of the apply and of each recovery (0: none), until when."""

    strides: tuple[int, int] = (1, 1)
    ends: float = float("inf")
    first_only: bool = False
    """Whether to stop at what is broken first."""


class Forking(Process):
    """A run that forks at its boundaries, as far as the plan asks for it."""

    def __init__(self, universe: Universe, case: Case, depth: int, tally: Tally, plan: "Plan") -> None:
        super().__init__()
        self.universe, self.case, self.depth, self.tally = universe, case, depth, tally
        self.plan = plan
        self.last: object = None
        self.differ = 0
        self.child: Callable[[bytes], None] | None = None
        """In a child: where its tally goes."""

    def point(self, name: str) -> bool:
        if self.child is None:
            self.tally.passed[self.depth] += 1
            if self.depth == 1:
                self.tally.boundaries[name] += 1
            for torn in (False, True) if name == "write" else (False,):
                if self._due(name) and self._fork(torn):
                    if torn:
                        super().point(name)
                        return True
                    self.die()
        return super().point(name)

    def _due(self, name: str) -> bool:
        """Whether this boundary leaves another world than the last that was tried."""
        found = world(self.universe)
        if found == self.last and name != "write":
            return False
        self.last = found
        self.differ += 1
        over = time.monotonic() > self.plan.ends or (self.plan.first_only and bool(self.tally.broken))
        return not over and self.differ % self.plan.strides[self.depth - 1] == 0

    def _fork(self, torn: bool) -> bool:
        """True in the child, which is to die here; the parent has its findings when this returns."""
        read, write = os.pipe()
        number = self.count + 1
        child = os.fork()
        if child == 0:
            os.close(read)
            self.case = at(self.case, self.depth, number, torn)
            self.child = lambda data: _send(write, data)
            return True
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            data = pipe.read()
        os.waitpid(child, 0)
        self.tally.deaths[self.depth] += 1
        if data:
            self.tally.add(pickle.loads(data))
        else:
            self.tally.broken.append((at(self.case, self.depth, number, torn), "it ended without an answer"))
        return False


def at(case: Case, depth: int, number: int, torn: bool) -> Case:
    """The case that ends its apply, or its recovery, at this boundary."""
    if depth == 1:
        return replace(case, first=number, torn_first=torn)
    return replace(case, second=number, torn_second=torn)


def world(universe: Universe) -> object:
    """What a death now would leave: files as seen, as the platter holds them, and what vendors have done."""
    image = universe.image
    return (
        tuple((path, one.number, hash(one.content), hash(one.durable)) for path, one in image.names.items()),
        tuple((path, one.number, hash(one.durable)) for path, one in image.durable.items()),
        len(image.moves),
        tuple(len(one.board.history) for one in universe.vendors.values()),
    )


def explore(universe: Universe, case: Case, plan: Plan, depth: int = 1) -> Tally:
    """End the apply everywhere, and its recovery everywhere; the caller's world has then had the whole apply."""
    tally = Tally()
    process = Forking(universe, case, depth, tally, plan) if plan.strides[depth - 1] else Process()
    run = apply(universe, case, process)
    child = process.child if isinstance(process, Forking) else None
    if child is None:
        _settled(universe, case, run, tally)
        return tally
    assert isinstance(process, Forking)
    found = Tally()
    try:
        found = _died(universe, process.case, plan, depth)
    except BaseException as error:
        found.broken.append((process.case, f"{type(error).__name__}: {error}"))
    finally:
        child(pickle.dumps(found))
        os._exit(0)


def _died(universe: Universe, case: Case, plan: Plan, depth: int) -> Tally:
    """What follows a death."""
    found = Tally()
    random = Random(f"{case}")
    if case.power:
        universe.image.lose_power(random)
    universe.check()
    if depth < DEPTH:
        return explore(universe, case, plan, depth + 1)
    converge(universe, random)
    return found


def _settled(universe: Universe, case: Case, run: Run, tally: Tally) -> None:
    """What follows a run that came to its end."""
    try:
        if run.error is not None:
            raise Violation("G1", f"the next run ends with {run.error.code} {run.error}")
        universe.check()
        if case.first:
            converge(universe, Random(f"{case}"))
    except Violation as broken:
        tally.broken.append((case, str(broken)))


def grown(case: Case, plan: Plan) -> Tally:
    """The tree of one prepared world."""
    with seeded(Random(case.seed)):
        universe = prepared(case.seed)
        gc.collect()
        gc.freeze()
        return explore(universe, case, plan)


def _send(pipe: int, data: bytes) -> None:
    with os.fdopen(pipe, "wb") as file:
        file.write(data)
