"""`PYTHONPATH=tests python -m crash`: all crash points, or as many as fit into a time."""

import argparse
import json
import logging
import sys
import time
from pathlib import Path
from random import Random

from simulation.world import seeded

from .points import Case, prepared, try_case
from .tree import Plan, Tally, grown


def main() -> int:
    """Run the cases, print what was broken and the figures; 1 where something was."""
    parser = argparse.ArgumentParser(prog="python -m crash")
    parser.add_argument("--seed", default="crash-0", help="the world")
    parser.add_argument("--parallelism", type=int, default=1)
    parser.add_argument("--power", action="store_true", help="the power fails at each point, too")
    parser.add_argument("--shared", action="store_true", help="several calls share a record")
    parser.add_argument("--every", type=int, default=1, help="every n-th boundary of the apply")
    parser.add_argument("--nested", type=int, default=1, help="every n-th boundary of each recovery; 0: none")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--first", action="store_true", help="stop at what is broken first")
    parser.add_argument("--figures", type=Path, help="a file to which the figures are added")
    parser.add_argument("--at", type=int, help="one case: the boundary at which the apply ends")
    parser.add_argument("--then", type=int, default=0, help="and that at which its recovery ends")
    parser.add_argument(
        "--torn", default="", help="which of the two ends half way through a write: 1, 2 or 12"
    )
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    case = Case(asked.seed, asked.parallelism, asked.power, asked.shared)
    if asked.at is not None:
        one = Case(
            case.seed, case.parallelism, case.power, case.shared, asked.at, asked.then,
            "1" in asked.torn, "2" in asked.torn,
        )  # fmt: skip
        with seeded(Random(case.seed)):
            found = try_case(prepared(case.seed), one)
        print(one, found or "every promise was kept")
        return int(bool(found))
    began = time.process_time(), time.monotonic()
    plan = Plan((asked.every, asked.nested), began[1] + asked.seconds, asked.first)
    tally = grown(case, plan)
    for one, found in tally.broken[:5]:
        print(f"{one} {found}")
    print(case, dict(tally.boundaries))
    print(
        f"{tally.passed[1]} boundaries of the apply, {tally.deaths[1]} ends that leave another world; "
        f"{tally.passed[2]} of their recoveries, {tally.deaths[2]} ends; broken: {len(tally.broken)}"
    )
    if asked.figures is not None:
        note(asked.figures, case, tally)
    return int(bool(tally.broken))


def note(file: Path, case: Case, tally: Tally) -> None:
    """Add a tree to a file of figures, by what was asked for."""
    known = json.loads(file.read_text("utf-8")) if file.exists() else {}
    known[f"{case.seed} parallelism {case.parallelism}{' power' * case.power}{' shared' * case.shared}"] = {
        "boundaries": tally.passed[1],
        "ends": tally.deaths[1],
        "boundaries of recoveries": tally.passed[2],
        "ends of recoveries": tally.deaths[2],
        "broken": len(tally.broken),
    }
    file.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
