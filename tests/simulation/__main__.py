"""`python -m tests.simulation`: one history again, or as many as fit into a time."""

import argparse
import gc
import logging
import sys
import time
from pathlib import Path

from .figures import Figures, load
from .history import play, program, shrink

SAVED_EVERY = 25
"""Worlds between two writes of the figures' file."""


def main() -> int:
    """Run what is asked for; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seed", type=int, help="one history; with --seconds or --worlds the first of many")
    parser.add_argument("--steps", help="of that history only these, by number: 0,3,5")
    parser.add_argument("--seconds", type=float, help="histories for so long")
    parser.add_argument("--worlds", type=int, help="so many histories")
    parser.add_argument(
        "--figures",
        type=Path,
        help="a file to which the figures are added; without --seed it goes on after the last seed there",
    )
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first failure")
    parser.add_argument("--no-shrink", action="store_true", help="print failures as they come")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if asked.seconds is None and asked.worlds is None:
        if asked.figures is not None:
            print(load(asked.figures).table())
            return 0
        seed = asked.seed or 0
        only = None if asked.steps is None else [int(one) for one in asked.steps.split(",") if one]
        universe, failure = play(seed, only)
        print(f"seed {seed}: {', '.join(program(seed))}")
        print(failure or "every promise was kept")
        print(universe.figures.table())
        return int(failure is not None)
    return _Campaign(asked.figures, keep_going=asked.keep_going, shrinking=not asked.no_shrink).run(
        asked.seed, asked.seconds, asked.worlds
    )


class _Campaign:
    """Histories one after the other; prints failures as they come, and the figures."""

    def __init__(self, file: Path | None, *, keep_going: bool, shrinking: bool) -> None:
        self.file = file
        self.keep_going = keep_going
        self.shrinking = shrinking
        self.figures = Figures() if file is None else load(file)
        self.told: dict[str, int] = {}
        self.failures = 0

    def run(self, first: int | None, seconds: float | None, worlds: int | None) -> int:
        """Play the seeds that broke before, then those that follow; 1 where a promise was broken."""
        ends = time.monotonic() + (float("inf") if seconds is None else seconds)
        for seed in sorted(self.figures.broken):
            del self.figures.broken[seed]
            self._play(seed)
        seed = first if first is not None else max((last + 1 for _, last in self.figures.ranges), default=0)
        # What was imported stays; collecting it again and again would cost a tenth of the time.
        gc.collect()
        gc.freeze()
        last = float("inf") if worlds is None else seed + worlds - 1
        while seed <= last and time.monotonic() < ends and (self.keep_going or not self.failures):
            self.figures.played(seed)
            self._play(seed)
            seed += 1
            if seed % SAVED_EVERY == 0:
                self._save()
        self._save()
        print(f"seeds {self.figures.ranges}, broken: {self.figures.broken or 0}")
        print(self.figures.table())
        return int(self.failures > 0)

    def _play(self, seed: int) -> None:
        began = time.process_time()
        universe, failure = play(seed)
        self.figures.cpu_seconds += time.process_time() - began
        if failure is None:
            self.figures.add(universe.figures)
            return
        self.failures += 1
        self.figures.broken[seed] = failure.rule
        self.told[failure.rule] = self.told.get(failure.rule, 0) + 1
        if self.told[failure.rule] <= 3:
            print(shrink(failure) if self.shrinking else failure, flush=True)

    def _save(self) -> None:
        if self.file is not None:
            self.figures.save(self.file)


if __name__ == "__main__":
    sys.exit(main())
