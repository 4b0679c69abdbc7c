"""Which addresses a command is about: the selectors of `--target` and `--exclude`, and the shard of `--shard`. Pure.

A selector is an address, a glob (`bindings.clinic-*`), `label=value` or `provider=NAME`. A shard is a fixed part of all
addresses: the same on every machine, whatever else is declared.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Final

from pnsync.phone import typed

Labels = Iterable[tuple[str, str]]
MOST_SHARDS: Final = 64
_PARTS: Final = re.compile(r"([*?=\[\]]|bindings\.|label\.)")


@dataclass(frozen=True, slots=True)
class Scope:
    """Targets (none: everything) less what is excluded."""

    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    def holds(self, address: str, provider: str, labels: Labels = ()) -> bool:
        """Whether an address is selected."""
        chosen = not self.targets or any(selects(one, address, provider, labels) for one in self.targets)
        return chosen and not any(selects(one, address, provider, labels) for one in self.excludes)

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return not self.targets and not self.excludes


def selects(selector: str, address: str, provider: str, labels: Labels) -> bool:
    """Whether one selector names this address."""
    name, sign, value = selector.partition("=")
    if not sign:
        return fnmatchcase(address, selector) or fnmatchcase(address, f"bindings.{selector}")
    if name == "provider":
        return provider == value
    return (name.removeprefix("label."), value) in tuple(labels)


def shown(selector: str) -> str:
    """A selector as a message may repeat it: what can only be a phone is masked."""
    return "".join(map(typed, _PARTS.split(selector)))


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` runs that work on one state at once, numbered from 0: it acts on its own addresses alone."""

    index: int
    count: int

    def holds(self, address: str) -> bool:
        """Whether an address is this one's."""
        return shard_of(address, self.count) == self.index

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def shard_of(address: str, count: int) -> int:
    """The shard of an address. Groups, which many bindings need, are the first one's."""
    if count == 1 or address.startswith("groups."):
        return 0
    return int.from_bytes(sha256(address.encode()).digest()[:8]) % count


def read_shard(text: str) -> Shard:
    """The shard that `i/n` names. Raises ValueError."""
    index, slash, count = text.partition("/")
    plain = slash and all(one.isascii() and one.isdecimal() and len(one) < 4 for one in (index, count))
    if not plain or not int(index) < int(count) <= MOST_SHARDS:
        raise ValueError(f"write i/n with 0 <= i < n <= {MOST_SHARDS}: 0/4 is the first of four")
    return Shard(int(index), int(count))
