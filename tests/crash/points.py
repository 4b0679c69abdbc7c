"""An apply of mixed changes, ended at each of its boundaries; then its recovery at each of its own.

A boundary is before and after every write, sync, rename, call and answer. Each case runs in a fork of the prepared
world, so that all begin alike; what it finds comes back through a pipe.
"""

import os
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from simulation.declarations import phone
from simulation.history import converge
from simulation.process import Process
from simulation.steps import settle_down
from simulation.world import Run, Universe, Violation, seeded

from pnsync.model import Lifetime
from pnsync.workflow import ApplyOptions

WORLD = "crash-7"


@dataclass(frozen=True)
class Case:
    """Where the apply ends, where its recovery ends (0: not at all), and whether the power fails too."""

    seed: str
    parallelism: int
    first: int
    second: int = 0
    power: bool = False


def prepared(seed: str) -> Universe:
    """A world in which an apply has some twenty changes to make: binds, unbinds, rebinds, renewals, a group."""
    random = Random(seed)
    for number in range(1000):
        universe = Universe(f"{seed}/{number}", size=14)
        if len(universe.vendors) == 2 and "couriers" in universe.files.groups and not _odd(universe):
            break
    settle_down(universe)
    universe.files.quarantine_seconds = 0
    first = universe.apply(random, options=ApplyOptions(settle_seconds=0))
    assert first.verdict is not None and not first.verdict.failed, first
    universe.check()
    universe.time.seconds += 700
    names = sorted(universe.files.bindings)
    for name in names[:3]:
        del universe.files.bindings[name]
    for name in names[3:9]:
        one = universe.files.bindings[name]
        changed = replace(one, lifetime=Lifetime(7200, None, 1440))
        if one.phone_b is not None and one.provider == "nx":
            changed = replace(changed, recording=not one.recording)
        elif one.phone_b is not None:
            changed = replace(changed, phone_b=phone(990 + names.index(name)))
        universe.files.bindings[name] = changed
    universe.files._swap(random)
    for _ in range(7):
        universe.files._add(random)
    couriers = universe.files.groups["couriers"]
    universe.files.groups["couriers"] = replace(couriers, phones=(phone(401), phone(402)))
    return universe


def _odd(universe: Universe) -> bool:
    """Whether a vendor lists late: then an apply ends with what it cannot verify, which is not what is tried here."""
    return any(one.transport.line.vendor.switches.list_lag_seconds for one in universe.vendors.values())


def apply(universe: Universe, case: Case, process: Process | None = None) -> Run:
    """The apply that is ended, or its recovery."""
    options = ApplyOptions(parallelism=case.parallelism, settle_seconds=0)
    return universe.apply(Random(f"{case.seed}/apply"), process=process, options=options)


def boundaries(case: Case) -> tuple[int, Counter[str]]:
    """How many boundaries an apply has, and of which kinds."""
    run = in_fork(lambda: _count(case))
    assert isinstance(run, tuple)
    return run


def _count(case: Case) -> tuple[int, Counter[str]]:
    with seeded(Random(case.seed)):
        universe = prepared(case.seed)
        if case.first:
            apply(universe, case, Process(die_at=case.first))
        run = apply(universe, case)
        assert run.verdict is not None, run
        return run.boundaries, Counter(run.names)


def cases_of(
    seed: str, parallelism: int, *, power: bool, stride: int = 1, nested_stride: int = 0
) -> Iterator[Case]:
    """The cases of one world: every `stride`-th boundary, and every `nested_stride`-th of each recovery."""
    base = Case(seed, parallelism, 0, power=power)
    count, _ = boundaries(base)
    for first in range(1, count + 1, stride):
        one = replace(base, first=first)
        yield one
        if nested_stride:
            nested, _ = boundaries(one)
            offset = first % nested_stride
            for second in range(1 + offset, nested + 1, nested_stride):
                yield replace(one, second=second)


def try_case(universe: Universe, case: Case) -> str:
    """End the apply there, recover, converge; "" or what was broken."""
    random = Random(f"{case.seed}/{case.first}/{case.second}")
    try:
        for at in (case.first, case.second):
            if at:
                apply(universe, case, Process(die_at=at, half=random.random() < 0.5))
                if case.power:
                    universe.image.lose_power(random)
                universe.check()
        recovered = apply(universe, case)
        if recovered.error is not None:
            return f"the next run ends with {recovered.error.code} {recovered.error}"
        universe.check()
        converge(universe, random)
    except Violation as broken:
        return str(broken)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def run(cases: Iterator[Case]) -> Iterator[tuple[Case, str]]:
    """Try cases, each in a fork of its prepared world."""
    worlds: dict[str, Universe] = {}
    for case in cases:
        if case.seed not in worlds:
            with seeded(Random(case.seed)):
                worlds[case.seed] = prepared(case.seed)
        universe = worlds[case.seed]
        # Another random than the prepared world's: no two runs may have one name.
        with seeded(Random(f"{case}")):
            found = in_fork(lambda universe=universe, case=case: try_case(universe, case))
        yield case, str(found)


def in_fork(work: Callable[[], object]) -> object:
    """What `work` returns in a child process; nothing of it stays here."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(read)
            with os.fdopen(write, "wb") as pipe:
                pickle.dump(work(), pipe)
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    assert data, "the child ended without an answer"
    return pickle.loads(data)
