"""`PYTHONPATH=tests python -m mutants`: makes each mutant, and prints what caught it alone and with its layers off."""

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .judging import Effort, Judged, judge
from .mutants import MUTANTS
from .page import written


def main() -> int:
    """Judge the mutants; 1 where one lives."""
    parser = argparse.ArgumentParser(prog="python -m mutants")
    parser.add_argument("--only", default="", help="mutants whose name holds this")
    parser.add_argument("--worlds", type=int, default=Effort().worlds, help="histories of each at most")
    parser.add_argument("--jobs", type=int, default=idle(), help="mutants at once")
    parser.add_argument("--page", type=Path, help="put the table into this page (docs/mutants.md)")
    asked = parser.parse_args()
    chosen = [one for one in MUTANTS if asked.only in one.name]
    effort = Effort(worlds=asked.worlds)
    with ThreadPoolExecutor(asked.jobs) as pool:
        judged = []
        for one in pool.map(lambda mutant: judge(mutant, effort), chosen):
            tell(one)
            judged.append(one)
    alive = sum(one.alive for one in judged)
    print(f"{len(judged)} mutants, {alive} alive, {sum(one.cpu for one in judged):.0f} CPU seconds")
    if asked.page is not None:
        asked.page.write_text(written(asked.page.read_text("utf-8"), judged), "utf-8")
    return int(alive > 0)


def idle() -> int:
    """Two where two processors have little to do, else one."""
    return 2 if (os.cpu_count() or 1) > 1 and os.getloadavg()[0] < 1 else 1


def tell(one: Judged) -> None:
    """What caught a mutant."""
    print(f"{one.mutant.name} ({one.cpu:.1f} s)", flush=True)
    print(f"    alone: {one.alone or 'ALIVE'}")
    if one.mutant.unseen:
        print(f"    no history shows harm: {one.mutant.unseen}")
    else:
        off = ", ".join(layer.name for layer in one.mutant.off)
        print(
            f"    {f'without {off}' if off else 'harm, with every layer on'}: {one.harm or 'ALIVE'}",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
