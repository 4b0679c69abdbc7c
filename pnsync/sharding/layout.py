"""In which parts a state lies: a small document beside it, moved by compare-and-set alone. Pure.

Each generation has parts of its own, and its number is never used again: a run that puts a state into other parts takes
the next number first, and makes it the present one when all parts are written. Where there is no document the state
lies whole in the place itself, which is generation 0.
"""

import json
from dataclasses import dataclass, replace
from typing import Any, Final

from pnsync.errors import StateError
from pnsync.interfaces import Blob
from pnsync.statefile.codes import refusal

NAME: Final = "layout"
FORMAT: Final = "pnsync-layout"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Layout:
    """Which generation counts, in how many parts, and the serial that they began with.

    `attempt` is the highest number ever taken. `left` are generations that do not count, and may lie about still.
    """

    generation: int = 0
    shards: int = 1
    serial: int = 0
    attempt: int = 0
    left: tuple[tuple[int, int], ...] = ()

    def begun(self, shards: int) -> "Layout":
        """With the next number taken, for so many parts."""
        attempt = self.attempt + 1
        return replace(self, attempt=attempt, left=(*self.left, (attempt, shards)))

    def committed(self, serial: int) -> "Layout":
        """With the number taken last as the present one, whose parts begin at `serial`."""
        *left, (generation, shards) = self.left
        assert generation == self.attempt, "the attempt begun last is the one that ends"
        old = (self.generation, self.shards)
        return replace(self, generation=generation, shards=shards, serial=serial, left=(*left, old))

    def cancelled(self) -> "Layout":
        """With no attempt that could still end."""
        return replace(self, attempt=self.attempt + 1)

    def cleared(self, gone: tuple[tuple[int, int], ...]) -> "Layout":
        """Without generations of which nothing lies about any more."""
        return replace(self, left=tuple(one for one in self.left if one not in gone))

    def dump(self) -> bytes:
        """Its JSON."""
        found = {
            "attempt": self.attempt,
            "format": FORMAT,
            "generation": self.generation,
            "left": [list(one) for one in self.left],
            "serial": self.serial,
            "shards": self.shards,
            "version": VERSION,
        }
        return json.dumps(found, sort_keys=True).encode() + b"\n"


def parts(generation: int, shards: int) -> tuple[str, ...]:
    """The names of a generation's parts below the place; "" is the place itself."""
    if generation == 0:
        return ("",)
    return tuple(f"g{generation}/{index}-of-{shards}" for index in range(shards))


def load(blob: Blob | None, where: str) -> Layout:
    """The layout of a document. Raises StateError (S973)."""
    if blob is None:
        return Layout()
    try:
        found: Any = json.loads(blob.data)
        if found["format"] != FORMAT or found["version"] != VERSION:
            raise _unknown(where)
        left = tuple((_count(a), _count(b)) for a, b in found["left"])
        generation, shards = _count(found["generation"]), _count(found["shards"])
        made = Layout(generation, shards, _count(found["serial"]), _count(found["attempt"]), left)
    except (ValueError, KeyError, TypeError):
        raise _unknown(where) from None
    if not made.shards or made.generation > made.attempt:
        raise _unknown(where)
    return made


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value


def _unknown(where: str) -> StateError:
    return refusal("S973", f"The document `{NAME}` in {where} is not what this version of pnsync writes.")
