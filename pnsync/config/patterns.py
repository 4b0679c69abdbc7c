"""Patterns of paths, as `include`, `numbers` and `tables` write them: `*` and `?` within a name, `**` for any folders.

Promises: whatever the pattern and the path, a step of the one is held against a name of the other once, so that no
pattern of a pull request keeps a run busy. Must not look at files.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Reach:
    """What a name leads to: whether the pattern may end with it, and the steps that may come next."""

    ends: bool
    next: frozenset[int]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern's steps, None being `**`, and whether each may fit a hidden name."""

    steps: tuple[Callable[[str], object] | None, ...]
    dotted: tuple[bool, ...]

    @property
    def start(self) -> frozenset[int]:
        """The steps that the first name may fit."""
        return self._open({0})

    def reach(self, name: str, active: frozenset[int]) -> Reach:
        """Where a name leads from the steps that it may fit."""
        hidden, ends, found = name.startswith("."), False, set[int]()
        for i in active:
            step = self.steps[i]
            if hidden and not self.dotted[i]:
                continue
            if step is None:
                found.add(i)
            elif step(name):
                ends = ends or i == len(self.steps) - 1
                found.add(i + 1)
        return Reach(ends, self._open(found))

    def fits(self, names: Sequence[str]) -> bool:
        """Whether a whole path fits, given as its names."""
        active, ends = self.start, False
        for name in names:
            if not active:
                return False
            reach = self.reach(name, active)
            active, ends = reach.next, reach.ends
        return ends

    def _open(self, found: set[int]) -> frozenset[int]:
        """With what stands behind `**`, which may be no folder at all; without what lies behind the end."""
        last = len(self.steps) - 1
        for i in sorted(found):
            here = i
            while here < last and self.steps[here] is None:
                here += 1
                found.add(here)
        return frozenset(one for one in found if one <= last)


def pattern(text: str) -> Pattern:
    """A pattern of `include` or `numbers`; behind a last `**` any file."""
    words = text.split("/")
    if words[-1] == "**":
        words.append("*")
    steps = tuple(None if one == "**" else _step(one) for one in words)
    return Pattern(steps, tuple(one.startswith(".") for one in words))


def table_pattern(text: str) -> Pattern:
    """A pattern of `tables`: held against files that were included, so that hidden names and brackets are plain."""
    words = text.split("/")
    steps = tuple(None if one == "**" else _step(one.replace("[", "[[]")) for one in words)
    return Pattern(steps, (True,) * len(words))


@lru_cache(maxsize=1000)
def _step(word: str) -> Callable[[str], object]:
    return re.compile(translate(word)).match
