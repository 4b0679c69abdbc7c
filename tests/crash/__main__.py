"""`PYTHONPATH=tests python -m crash`: all crash points, or as many as fit into a time."""

import argparse
import logging
import sys
import time

from .points import Case, boundaries, cases_of, run


def main() -> int:
    """Run the cases, print what was broken and the figures; 1 where something was."""
    parser = argparse.ArgumentParser(prog="python -m crash")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", default="crash-0", help="the world")
    parser.add_argument("--parallelism", type=int, default=1)
    parser.add_argument("--power", action="store_true", help="the power fails at each point, too")
    parser.add_argument("--first", action="store_true", help="stop at what is broken first")
    parser.add_argument("--nested", type=int, default=1, help="every n-th boundary of each recovery; 0: none")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    began, tried, nested, broken = time.monotonic(), 0, 0, 0
    count, kinds = boundaries(Case(asked.seed, asked.parallelism, 0))
    print(f"{count} boundaries: {dict(kinds)}")
    cases = cases_of(asked.seed, asked.parallelism, power=asked.power, nested_stride=asked.nested)
    done = 0
    for case, found in run(cases):
        tried += 1
        nested += case.second > 0
        done = case.first
        if found:
            broken += 1
            print(case, found, flush=True)
            if asked.first:
                break
        if time.monotonic() - began > asked.seconds:
            break
    print(
        f"{tried} cases ({nested} of them in a recovery), up to boundary {done} of {count}; broken: {broken}"
    )
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
