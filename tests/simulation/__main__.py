"""`python -m tests.simulation`: one history again, or as many as fit into a time."""

import argparse
import logging
import sys
import time
from collections import Counter

from .history import play, program, shrink
from .world import Figures


def main() -> int:
    """Run what is asked for; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seed", type=int, help="one history; with --seconds or --worlds the first of many")
    parser.add_argument("--steps", help="of that history only these, by number: 0,3,5")
    parser.add_argument("--seconds", type=float, help="histories for so long")
    parser.add_argument("--worlds", type=int, help="so many histories")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first failure")
    parser.add_argument("--no-shrink", action="store_true", help="print failures as they come")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if asked.seconds is None and asked.worlds is None:
        seed = asked.seed or 0
        only = None if asked.steps is None else [int(one) for one in asked.steps.split(",") if one]
        universe, failure = play(seed, only)
        print(f"seed {seed}: {', '.join(program(seed))}")
        print(failure or "every promise was kept")
        print(table(universe.figures))
        return int(failure is not None)
    return campaign(
        asked.seed or 0,
        asked.seconds,
        asked.worlds,
        keep_going=asked.keep_going,
        shrinking=not asked.no_shrink,
    )


def campaign(
    first: int, seconds: float | None, worlds: int | None, *, keep_going: bool, shrinking: bool
) -> int:
    """Histories one after the other; prints failures as they come, and the figures."""
    figures, began, seed, failed = Figures(), time.monotonic(), first, Counter[str]()
    while (seconds is None or time.monotonic() - began < seconds) and (
        worlds is None or seed < first + worlds
    ):
        universe, failure = play(seed)
        figures.add(universe.figures)
        if failure is not None:
            failed[failure.rule] += 1
            if failed[failure.rule] <= 3:
                print(shrink(failure) if shrinking else failure, flush=True)
            if not keep_going:
                break
        seed += 1
    figures.counts["seconds"] = int(time.monotonic() - began)
    print(f"seeds {first} to {seed - 1}, broken: {dict(failed) or 0}")
    print(table(figures))
    return int(bool(failed))


def table(figures: Figures) -> str:
    """Figures as two columns."""
    rows = [
        *sorted(figures.counts.items()),
        *(("fault " + one, count) for one, count in sorted(figures.faults.items())),
    ]
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join(f"{name:{width}}  {count:>12,}" for name, count in rows)


if __name__ == "__main__":
    sys.exit(main())
