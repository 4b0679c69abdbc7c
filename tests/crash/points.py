"""An apply of mixed changes that is ended at one of its boundaries, and its recovery at one of its own.

A boundary is before and after every write, sync, rename, call and answer. tree.py tries all of them.
"""

from dataclasses import dataclass, replace
from random import Random

from simulation.declarations import phone
from simulation.history import converge
from simulation.process import Process
from simulation.steps import settle_down
from simulation.world import Run, Universe, Violation

from pnsync.model import Lifetime
from pnsync.workflow import ApplyOptions


@dataclass(frozen=True)
class Case:
    """Where the apply ends, where its recovery ends (0: not at all), and whether the power fails too."""

    seed: str
    parallelism: int = 1
    power: bool = False
    shared: bool = False
    """Whether several calls share a record, as where the state is far away."""
    first: int = 0
    second: int = 0
    torn_first: bool = False
    """Whether the write that begins there is half done."""
    torn_second: bool = False


def prepared(seed: str) -> Universe:
    """A world in which an apply has some twenty changes to make: binds, unbinds, rebinds, renewals, a group."""
    random = Random(seed)
    for number in range(1000):
        universe = Universe(f"{seed}/{number}", size=14)
        if len(universe.vendors) == 2 and "couriers" in universe.files.groups and not _odd(universe):
            break
    settle_down(universe)
    universe.page_size = 1000
    universe.files.quarantine_seconds, universe.files.place = 0, "local"
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
    for _ in range(9):
        universe.files._add(random)
    couriers = universe.files.groups["couriers"]
    universe.files.groups["couriers"] = replace(couriers, phones=(phone(401), phone(402)))
    return universe


def _odd(universe: Universe) -> bool:
    """Whether a vendor lists late: then an apply ends with what it cannot verify, which is not what is tried here."""
    return any(one.transport.line.vendor.switches.list_lag_seconds for one in universe.vendors.values())


def apply(universe: Universe, case: Case, process: Process | None = None) -> Run:
    """The apply that is ended, or its recovery."""
    universe.files.place = "object" if case.shared else "local"
    options = ApplyOptions(parallelism=case.parallelism, settle_seconds=0)
    return universe.apply(Random(f"{case.seed}/apply"), process=process, options=options)


def try_case(universe: Universe, case: Case) -> str:
    """End the apply there, and its recovery; recover, converge; "" or what was broken."""
    random = Random(f"{case}")
    try:
        for at, torn in ((case.first, case.torn_first), (case.second, case.torn_second)):
            if at:
                apply(universe, case, Process(die_at=at, half=torn))
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
    return ""
