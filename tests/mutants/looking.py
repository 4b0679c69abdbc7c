"""`python -P -m mutants.looking`: looks for what a copy of pnsync breaks; a process of its own for each copy.

Reads its jobs from standard input as a line of JSON, and writes as such lines what each finds first, or that it found
nothing. With `wait` it looks on, after each finding, when a line tells it to. What it finds is a test that fails, a history or a crash point that
breaks a promise; each is named so that it can be tried again on another copy.
"""

import contextlib
import io
import json
import logging
import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import pytest

import pnsync

from .judging import SCENARIOS

Found = dict[str, Any]
"""`by` (test, history, crash point), `name`, `what`, and `again`: the job that tries it again."""


class _First:
    """Notes what fails in a run of pytest; `violations` only what an invariant of the simulation says."""

    def __init__(self, violations: bool) -> None:
        self.violations = violations
        self.failed: list[tuple[str, str]] = []

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        yield
        if call.excinfo is None or call.excinfo.errisinstance(pytest.skip.Exception):
            return
        if self.violations and call.excinfo.typename != "Violation":
            return
        said = str(call.excinfo.value).strip().splitlines()
        self.failed.append(
            (item.nodeid, f"{call.excinfo.typename}: {said[0]}" if said else call.excinfo.typename)
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            raise RuntimeError(f"{report.nodeid} cannot be collected: {report.longrepr}")


def tests(names: list[str], *, violations: bool = False) -> Iterator[Found]:
    """Tests that fail, the first only where any failure counts."""
    noted = _First(violations)
    arguments = [
        "-q",
        "--tb=no",
        "--assert=plain",
        "-p",
        "tests.mutation.brief",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        *names,
    ]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = pytest.main(arguments if violations else ["-x", *arguments], plugins=[noted])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"pytest {names} ends with {code}: {said.getvalue()[-2000:]}")
    for name, what in noted.failed:
        kind = "directed" if name.startswith(SCENARIOS) else "test"
        yield {"by": "test", "name": name, "what": what, "again": {kind: [name]}}


def histories(seeds: list[int]) -> Iterator[Found]:
    """Histories that break a promise."""
    from simulation.history import play

    logging.disable(logging.CRITICAL)
    for seed in seeds:
        _, failure = play(seed)
        # An exception is a fault of the patch, and no promise.
        if failure is not None and failure.rule != "exception":
            yield {
                "by": "history",
                "name": f"seed {seed}",
                "what": failure.what,
                "again": {"histories": [seed]},
            }


def crashes(trees: list[dict[str, Any]], every: int) -> Iterator[Found]:
    """Crash points of one apply that break a promise."""
    from crash.points import Case
    from crash.tree import Plan, grown

    logging.disable(logging.CRITICAL)
    for more in trees:
        tally = grown(Case("crash-0", **more), Plan((every, 0)))
        for case, what in tally.broken:
            yield {
                "by": "crash point",
                "name": _named(case),
                "what": what,
                "again": {"cases": [asdict(case)]},
            }


def cases(asked: list[dict[str, Any]]) -> Iterator[Found]:
    """Single crash points, again."""
    from crash.points import Case, prepared, try_case
    from simulation.world import seeded

    for one in asked:
        case = Case(**one)
        with seeded(Random(case.seed)):
            what = try_case(prepared(case.seed), case)
        if what:
            yield {"by": "crash point", "name": _named(case), "what": what, "again": {}}


def _named(case: Any) -> str:
    power = ", the power fails" if case.power else ""
    shared = ", shared records" if case.shared else ""
    torn = " half way" if case.torn_first else ""
    flying = f", {case.parallelism} in flight" if case.parallelism > 1 else ""
    return f"boundary {case.first}{torn}{power}{flying}{shared}"


def looked(job: dict[str, Any]) -> Iterator[Found]:
    """What a job's stages find, in their order."""
    for stage, asked in job.items():
        match stage:
            case "tests" | "test" if asked:
                yield from tests(asked)
            case "directed" | "scenarios" if asked:
                yield from tests(asked, violations=True)
            case "histories" | "more histories":
                yield from histories(asked)
            case "crashes":
                yield from crashes(asked, job["every"])
            case "cases":
                yield from cases(asked)
            case _:
                pass


def spent() -> float:
    """CPU seconds of this process and of those it forked."""
    own, forked = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + forked.ru_utime + forked.ru_stime


def main() -> int:
    """Look; a line for each job."""
    line = json.loads(sys.stdin.readline())
    home = Path(pnsync.__file__).parents[1].resolve()
    assert home == Path(line["copy"]).resolve(), f"the program of {home} would be tried"
    resource.setrlimit(resource.RLIMIT_CPU, (line["seconds"], line["seconds"] + 5))
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for job in line["jobs"]:
        for found in looked(job):
            print(json.dumps({**found, "cpu": spent()}), file=out, flush=True)
            if not line["wait"] or not sys.stdin.readline():
                break
        else:
            print(json.dumps({"end": True, "cpu": spent()}), file=out, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
