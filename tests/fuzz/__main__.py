"""`python -m tests.fuzz --seconds 60 [--seed 7] [--only NAME] [--keep]`: feed every reader, and print what was done.

Guided: an input after which a line of pnsync followed another as never before for its reader becomes one that others are
made from. `--keep` writes those that reach most to tests/fuzz/corpus. An input that raises, takes more than a second of
CPU or too much memory is written there too, and ends the run with 1.
"""

import argparse
import sys
import time
from dataclasses import dataclass, field
from random import Random

from tests.fuzz.corpus import LONGEST_KEPT, keep_reaching, keep_wrong, once_wrong, reaching
from tests.fuzz.mutations import inflated
from tests.fuzz.program import targets
from tests.fuzz.reach import Arcs, Reach
from tests.fuzz.targets import TARGETS, Target
from tests.fuzz.trial import feed

ROUND_SECONDS = 0.2
TRACED = 4
"""Of so many rounds of a reader one is traced, and finds what others are made from; the rest are twice as fast."""
WEIGHED = 40
"""Of so many inputs one is weighed."""
INFLATED = 400
"""Of so many inputs one is made as long as inputs get."""
MOST_WRONG = 20


@dataclass
class Work:
    """One reader, its inputs so far, and what they came to."""

    target: Target
    pool: list[bytes]
    arcs: Arcs = field(default_factory=dict)
    count: int = 0
    weighed: int = 0
    joined: int = 0
    reached: int = 0
    spent: float = 0.0
    wrong: int = 0
    rounds: int = 0
    slow: list[bytes] = field(default_factory=list)
    """What took long while it was traced."""
    told: set[str] = field(default_factory=set)
    """Where it went wrong: one input of each place is kept."""

    def make(self, random: Random) -> bytes:
        """The next input; the newest in the pool are most often made use of."""
        newest = [*self.target.seeds, *self.pool[-max(8, len(self.pool) // 5) :]]
        pool = self.pool if random.random() < 0.5 else newest
        data = self.target.make(random, pool)
        return inflated(random, data) if random.randrange(INFLATED) == 0 else data

    def round(self, random: Random, reach: Reach) -> None:
        """Feed it for a moment."""
        began = time.process_time()
        if self.rounds % TRACED == 0:
            with reach:
                reach.follow(self.arcs)
                while time.process_time() < began + ROUND_SECONDS:
                    data, problem = self.one(random)
                    if reach.grown() and len(data) <= LONGEST_KEPT:
                        self.pool.append(data)
                        self.joined += 1
                    if problem.startswith("took"):
                        continue  # being traced is no fault of the reader: it is fed again in the next round
                    self.note(data, problem)
                self.arcs, self.reached = reach.seen(), reach.count
        else:
            while time.process_time() < began + ROUND_SECONDS:
                self.note(*self.one(random))
        self.rounds += 1
        self.spent += time.process_time() - began

    def one(self, random: Random) -> tuple[bytes, str]:
        """One input, and what went wrong with it."""
        data = self.slow.pop() if self.slow and self.rounds % TRACED else self.make(random)
        weighed = random.randrange(WEIGHED) == 0
        problem = feed(self.target, data, weighed=weighed)
        if problem.startswith("took") and self.rounds % TRACED == 0:
            self.slow.append(data)
        self.count += 1
        self.weighed += weighed
        return data, problem

    def note(self, data: bytes, problem: str) -> None:
        """Keep and tell what went wrong, once for each place."""
        if not problem:
            return
        self.wrong += 1
        place = "\n".join(problem.splitlines()[-4:])
        if place not in self.told:
            self.told.add(place)
            print(f"{self.target.name}: {keep_wrong(self.target, data)}\n{problem}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--inputs", type=int, default=0, help="end when there were so many inputs, too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one reader, or those whose names begin so")
    parser.add_argument("--keep", action="store_true", help="write the inputs that reach most to the corpus")
    asked = parser.parse_args()
    works = [
        Work(one, [*one.seeds, *reaching(one), *once_wrong(one)])
        for name, one in {**TARGETS, **targets()}.items()
        if name.startswith(asked.only or "")
    ]
    random, reach = Random(asked.seed), Reach()
    until = time.monotonic() + asked.seconds
    while time.monotonic() < until and sum(one.wrong for one in works) < MOST_WRONG:
        if asked.inputs and sum(one.count for one in works) >= asked.inputs:
            break
        # The reader that has had the least of its share so far goes next; cheap ones get more inputs.
        min(works, key=lambda one: one.spent / one.target.share).round(random, reach)
    return report(works, asked.seed, keep=asked.keep)


def report(works: list[Work], seed: int, *, keep: bool) -> int:
    """Print what was done; 1 where something was wrong."""
    print(f"{'reader':24}{'inputs':>12}{'weighed':>10}{'joined':>8}{'arcs':>8}{'CPU s':>9}{'wrong':>7}")
    for one in works:
        print(
            f"{one.target.name:24}{one.count:>12,}{one.weighed:>10,}{one.joined:>8,}{one.reached:>8,}"
            f"{one.spent:>9.1f}{one.wrong:>7}"
        )
    wrong = sum(one.wrong for one in works)
    print(
        f"{'in all':24}{sum(one.count for one in works):>12,}{sum(one.weighed for one in works):>10,}"
        f"{sum(one.joined for one in works):>8,}{'':>8}{sum(one.spent for one in works):>9.1f}{wrong:>7}, seed {seed}"
    )
    if keep:
        for one in works:
            print(f"{one.target.name}: {keep_reaching(one.target, one.pool)} kept")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
