"""What a campaign counts, the table it is printed as, and the file in which it grows over many runs.

The zeroes of the table are counted: what a check found broken, over how often it looked.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

LOOKED = "looked at: "
"""Begins the names of what the checks counted as they looked."""
BROKEN: Mapping[str, tuple[str, ...]] = {
    "lost": ("I1",),
    "doubled": ("I2", "one attempt, one request"),
    "foreign touched": ("I3",),
    "stuck locks": ("G5",),
    "wrong answers accepted": ("G6",),
}
"""Row to the rules that stand for it; all other rules are one row of their own."""
OTHERS = "other promises broken"
FIRST = (
    "worlds",
    "applies",
    "plans",
    "calls",
    "crashes",
    "power losses",
    "signals",
    "overtaken holders",
    *BROKEN,
    OTHERS,
    "CPU seconds",
)
"""The rows that stand first."""


@dataclass
class Figures:
    """Counts of worlds that kept every promise, and the seeds of those that did not, with the rule."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    broken: dict[int, str] = field(default_factory=dict)
    ranges: list[tuple[int, int]] = field(default_factory=list)
    """Seeds that were played, as first and last, in order."""
    cpu_seconds: float = 0.0

    def add(self, other: "Figures") -> None:
        """Count another's worlds in."""
        self.counts.update(other.counts)
        self.faults.update(other.faults)

    def played(self, seed: int) -> None:
        """Note a seed."""
        if self.ranges and self.ranges[-1][1] == seed - 1:
            self.ranges[-1] = (self.ranges[-1][0], seed)
        else:
            self.ranges.append((seed, seed))

    def rows(self) -> Iterable[tuple[str, str]]:
        """The table's rows."""
        rules = Counter(self.broken.values())
        named = {rule for each in BROKEN.values() for rule in each}
        zeroes = {row: sum(rules[one] for one in each) for row, each in BROKEN.items()}
        zeroes[OTHERS] = sum(count for rule, count in rules.items() if rule not in named)
        known = Counter(self.counts)
        known.update(zeroes)
        known["CPU seconds"] = round(self.cpu_seconds)
        rest = sorted(one for one in known if one not in FIRST)
        for name in (*FIRST, *rest):
            yield name, f"{known[name]:,}"
        yield "vendor faults", f"{self.faults.total():,}"
        for name, count in sorted(self.faults.items()):
            yield f"fault {name}", f"{count:,}"

    def table(self) -> str:
        """All figures as two columns."""
        rows = list(self.rows())
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:{width}}  {count:>14}" for name, count in rows)

    # -- the file ------------------------------------------------------------------------------------------------

    def save(self, path: Path) -> None:
        """Write everything down, in one step."""
        document = {
            "ranges": self.ranges,
            "broken": {str(seed): rule for seed, rule in sorted(self.broken.items())},
            "cpu_seconds": round(self.cpu_seconds, 1),
            "counts": dict(sorted(self.counts.items())),
            "faults": dict(sorted(self.faults.items())),
        }
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
        temporary.replace(path)


def load(path: Path) -> Figures:
    """What a file holds; nothing where there is none."""
    if not path.exists():
        return Figures()
    document = json.loads(path.read_text("utf-8"))
    return Figures(
        Counter(document["counts"]),
        Counter(document["faults"]),
        {int(seed): rule for seed, rule in document["broken"].items()},
        [(first, last) for first, last in document["ranges"]],
        document["cpu_seconds"],
    )
