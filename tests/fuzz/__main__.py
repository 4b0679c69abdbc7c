"""`python -m tests.fuzz --seconds 60 [--seed 7] [--only NAME]`: feed every reader, and print what was done.

An input that raises, or that takes more than a second, is written to tests/fuzz/corpus and ends the run with 1.
"""

import argparse
import hashlib
import sys
import time
import traceback
from pathlib import Path
from random import Random

from tests.fuzz.targets import TARGETS, Target

CORPUS = Path(__file__).parent / "corpus"
SLOW_SECONDS = 1.0
ROUND = 200


def feed(target: Target, data: bytes) -> str:
    """What went wrong with one input, "" for nothing."""
    began = time.process_time()
    try:
        target.feed(data)
    except BaseException:
        return traceback.format_exc()
    spent = time.process_time() - began
    return f"took {spent:.1f} s of CPU" if spent > SLOW_SECONDS else ""


def keep(target: Target, data: bytes) -> Path:
    """Keep an input, to be fed again by the tests for ever."""
    folder = CORPUS / target.name.replace(", ", "-").replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(data).hexdigest()[:16]
    path.write_bytes(data)
    return path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=list(TARGETS))
    asked = parser.parse_args()
    chosen = [one for name, one in TARGETS.items() if asked.only in (None, name)]
    random = Random(asked.seed)
    counts = dict.fromkeys((one.name for one in chosen), 0)
    spent = dict.fromkeys(counts, 0.0)
    wrong = 0
    until = time.monotonic() + asked.seconds
    while time.monotonic() < until:
        # The reader that has had the least time so far goes next, so that cheap ones get more inputs.
        target = min(chosen, key=lambda one: spent[one.name])
        began = time.process_time()
        for _ in range(ROUND):
            data = target.make(random, target.seeds)
            problem = feed(target, data)
            counts[target.name] += 1
            if problem:
                wrong += 1
                print(f"{target.name}: {keep(target, data)}\n{problem}", file=sys.stderr)
                if wrong >= 20:
                    until = 0.0
                    break
        spent[target.name] += time.process_time() - began
    for name, count in counts.items():
        print(f"{name:24}{count:>12,} inputs{spent[name]:>10.1f} s CPU")
    print(f"{'in all':24}{sum(counts.values()):>12,} inputs, {wrong} wrong, seed {asked.seed}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
