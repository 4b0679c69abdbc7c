"""Judges one mutant: what catches it alone, and which promise it breaks with the layers off that cover for it.

The harm must be the mutant's: what breaks a promise on a copy with the layers off alone is passed over.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .copies import ROOT, copy
from .mutant import DIRECTED, LISTINGS, RULES, Mutant, Patch

Job = Mapping[str, Any]

SCENARIOS = (DIRECTED, RULES, LISTINGS)
TREES = ({}, {"power": True}, {"parallelism": 4}, {"shared": True, "power": True})
FEW = 12
"""Histories that cost as much as the scenarios do, and are played before them."""
EVERY = 6
"""Of the boundaries of an apply, each so-manieth is tried."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is tried at most: histories of each mutant, and CPU seconds of one look."""

    worlds: int = 300
    seconds: int = 240
    crashes: bool = True


@dataclass(frozen=True, slots=True)
class Caught:
    """What noticed a mutant. `by` is "test", "history" or "crash point"."""

    by: str
    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name if self.by == 'test' else f'{self.by} {self.name}'}: {self.what}"


@dataclass(frozen=True, slots=True)
class Judged:
    """A mutant and what noticed it; None where nothing did. `harm` is what the simulation saw."""

    mutant: Mutant
    alone: Caught | None
    harm: Caught | None
    cpu: float

    @property
    def alive(self) -> bool:
        """Whether a test or a promise is missing."""
        return self.alone is None or (self.harm is None and not self.mutant.unseen)


def judge(mutant: Mutant, effort: Effort) -> Judged:
    """Try a mutant alone, then, where it can do harm, with its layers off. Raises DoesNotFit."""
    seeds = [one for one in mutant.shown if isinstance(one, int)]
    campaign: dict[str, Any] = {
        "directed": [one for one in mutant.shown if isinstance(one, str)],
        "histories": [*seeds, *range(min(effort.worlds, FEW))],
        "scenarios": SCENARIOS,
        "crashes": TREES if effort.crashes else [],
        "more histories": list(range(FEW, effort.worlds)),
        "every": EVERY,
    }
    # Alone any failure of a scenario counts, and where no history shows harm there is no use in playing them.
    tests = [*mutant.tests, *SCENARIOS]
    alone = (
        {"tests": tests} if mutant.unseen else {**campaign, "directed": [], "scenarios": [], "tests": tests}
    )
    alone = dict(sorted(alone.items(), key=lambda one: one[0] != "tests"))
    layers = [patch for layer in mutant.off for patch in layer.patches]
    jobs = [alone] if layers or mutant.unseen else [alone, campaign]
    harm: Caught | None = None
    with Looker(mutant.patches, jobs, effort.seconds) as look:
        caught = look.next()
        if len(jobs) == 2:
            harm = look.next()
        cpu = look.cpu
    if layers and not mutant.unseen:
        with Looker([*mutant.patches, *layers], [campaign], effort.seconds, wait=True) as look:
            harm = look.next()
            while harm is not None:
                with Looker(layers, [look.again], effort.seconds) as covered:
                    missed = covered.next()
                cpu += covered.cpu
                if missed is None:
                    break
                harm = look.next()
            cpu += look.cpu
    return Judged(mutant, caught, harm, cpu)


class Looker:
    """A process that looks at a copy."""

    def __init__(
        self, patches: Sequence[Patch], jobs: Sequence[Job], seconds: int, *, wait: bool = False
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        home = Path(self._folder.name).resolve()
        copy(patches, home)
        path = os.pathsep.join((str(home), str(ROOT), str(ROOT / "tests")))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "mutants.looking"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path, "PNSYNC_TEST_PROFILE": "check"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._asked = {"copy": str(home), "jobs": list(jobs), "wait": wait, "seconds": seconds}
        self._begun = False
        self.cpu = 0.0
        self.again: Job = {}
        """The job that tries again what was found last."""

    def next(self) -> Caught | None:
        """What is found next, by the next job or, with `wait`, by the same; None where nothing is."""
        assert self._process.stdin is not None and self._process.stdout is not None
        if not self._begun or self._asked["wait"]:
            self._process.stdin.write("\n" if self._begun else json.dumps(self._asked) + "\n")
            self._process.stdin.flush()
        self._begun = True
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            assert self._process.stderr is not None
            said = self._process.stderr.read().strip().splitlines()
            raise RuntimeError(f"a look ended by itself, with {self._process.returncode}: {said[:12]}")
        found = json.loads(line)
        self.cpu = found["cpu"]
        if "end" in found:
            return None
        self.again = found["again"]
        return Caught(found["by"], found["name"], found["what"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()
