"""What is live, as declarations: for each listed binding the line that declares it exactly as it is. Pure.

Promises: nothing is guessed: what the listing does not show stands in a comment, and a binding that it does not show well
enough is left out with the reason. Where the project keeps numbers apart, a line holds names: those that there are for
its numbers, else new ones, made from the binding's own name. No name holds a number of anybody's.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from pnsync.config import named_safely
from pnsync.model import NEVER, BindKey, Desired, Holds, LiveBinding, Mode, Observed, VendorType
from pnsync.phone import Phone
from pnsync.plan import instant

RINGS_GROUP: Final = "it rings a group, and no listing says which"
_TELLING: Final = 8
"""Digits of a number that tell whose it is."""
_DIGITS: Final = re.compile(r"\d{8,}")
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NAME_LENGTH: Final = 90
"""Of a binding's name in a number's, which may have 100 characters."""


class NumberNames:
    """Names for numbers: those that the files hold by name, and new ones for others."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._taken = set(known)
        self._names: dict[str, str] = {digits: name for name, digits in reversed(tuple(known.items()))}
        self.made: dict[str, str] = {}
        """New names with their digits, in the order in which they were needed."""

    def name(self, phone: Phone, binding: str, side: str) -> str:
        """The name of a number, made of a binding's where there is none; `side` is `a` or `b`."""
        found = self._names.get(phone.digits)
        if found is not None:
            return found
        stem = f"{binding[:_NAME_LENGTH]}-{side}"
        name, count = stem, 2
        while name in self._taken:
            name, count = f"{stem}{count}", count + 1
        self._taken.add(name)
        self._names[phone.digits] = name
        self.made[name] = phone.digits
        return name


@dataclass(frozen=True, slots=True)
class How:
    """What the listing does not say and a person does.

    `expires_in` is how long a lease is: a listing shows only when one ends, so that a binding is else declared to end
    then. `names` are the names of bindings, by provider and id; `left_out` those that were found not to hold, with the reason.
    """

    expires_in: str | None = None
    pool_number: str | None = None
    names: Mapping[BindKey, str] = field(default_factory=dict)
    left_out: Mapping[BindKey, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Declarations:
    """Entries for a file, one line each, by name, with their rows; and what cannot be declared, with the reason."""

    lines: Mapping[str, str]
    rows: Mapping[str, LiveBinding]
    left_out: tuple[tuple[LiveBinding, str], ...] = ()
    maybe_groups: Mapping[str, str] = field(default_factory=dict)
    """Names of bindings that may ring a group, as their phone B is one of its members, with the group's name."""
    numbers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """New names of numbers, with their digits."""


def declarations(
    desired: Desired,
    rows: list[LiveBinding],
    observed: Observed,
    how: How,
    known: Mapping[str, str] | None = None,
) -> Declarations:
    """What declares these live bindings exactly as they are.

    Names are the customerBindIds where they serve, else provider and bind id. `known` are the numbers of the files by
    name, None where the project keeps none apart and the lines hold digits.
    """
    lines: dict[str, str] = {}
    kept: dict[str, LiveBinding] = {}
    left_out: list[tuple[LiveBinding, str]] = []
    maybe_groups: dict[str, str] = {}
    ids = Counter(row.customer_bind_id for row in rows)
    tails = _tails({one.digits for row in rows for one in (row.phone_a, row.phone_b) if one is not None})
    pools = _pools(observed)
    members = _members(desired, observed)
    numbers = None if known is None else NumberNames(known)
    for row in rows:
        key = row.key
        vendor = desired.providers[row.provider].type
        pool = how.pool_number or pools.get((row.provider, row.phone_x or ""))
        reason = how.left_out.get(key) or _undeclarable(row, vendor, pool, how.expires_in)
        name = how.names.get(key) or _name(row, ids, tails, desired, kept)
        if reason or name is None:
            left_out.append((row, reason or "no name is free for it"))
            continue
        kept[name] = row
        group = (
            None if row.extension or row.phone_b is None else members.get((row.provider, row.phone_b.digits))
        )
        if group is not None:
            maybe_groups[name] = group
        words = _words(row, vendor, pool, how.expires_in, _people(row, name, numbers))
        lines[name] = f"{name}: {{{', '.join(words)}}}{_unknown(row, how.expires_in, group)}"
    return Declarations(lines, kept, tuple(left_out), maybe_groups, {} if numbers is None else numbers.made)


def _pools(observed: Observed) -> Mapping[tuple[str, str], str]:
    return {
        (name, x): pool.pool_number
        for name, listing in observed.listings.items()
        for pool in listing.pools
        for x in pool.numbers
    }


def _members(desired: Desired, observed: Observed) -> Mapping[tuple[str, str], str]:
    """The name of a vendor's group by its members; groups that are declared to hold X are none."""
    numbers = {
        (one.provider, what)
        for one in desired.groups.values()
        if one.holds is Holds.NUMBERS
        for what in (one.group_id, one.group_name)
        if what
    }
    return {
        (name, phone.digits): group.name
        for name, listing in observed.listings.items()
        for group in listing.groups
        if not {(name, group.group_id), (name, group.name)} & numbers
        for phone in group.phones
    }


def _undeclarable(row: LiveBinding, vendor: VendorType, pool: str | None, expires_in: str | None) -> str:
    if not all(phone.country_code for phone in (row.phone_a, row.phone_b) if phone is not None):
        return "one of its phones begins with no country code"
    if row.phone_b is None and not row.extension:
        return RINGS_GROUP
    if row.extension and row.phone_x is None:
        return "the listing does not show its X"
    if vendor is VendorType.LAAFFIC and pool is None:
        return "its number pool is not shown; name it with --pool-number"
    if row.expires_at is None and expires_in is None:
        return "when it ends is not known; say how long bindings last with --expires-in"
    return ""


def _name(
    row: LiveBinding,
    ids: Mapping[str | None, int],
    tails: frozenset[str],
    desired: Desired,
    kept: Mapping[str, LiveBinding],
) -> str | None:
    wanted = row.customer_bind_id
    unique = wanted is not None and ids[wanted] == 1 and not _tells(wanted, tails)
    for one in (
        wanted if unique else None,
        f"{row.provider}-{row.bind_id}",
        f"{row.provider}-x-{row.bind_id}",
    ):
        if one and named_safely(one) and one not in desired.bindings and one not in kept:
            return one
    return None


def _tails(people: Iterable[str]) -> frozenset[str]:
    """Each number as it may stand somewhere: whole, or from any of its digits on."""
    return frozenset(one[i:] for one in people for i in range(len(one) - _TELLING + 1))


def _tells(text: str, tails: frozenset[str]) -> bool:
    """Whether a text holds a number of somebody's, whole or without its country code."""
    return any(
        match[0][i:j] in tails
        for match in _DIGITS.finditer(text)
        for i in range(len(match[0]))
        for j in range(i + _TELLING, len(match[0]) + 1)
    )


def _people(row: LiveBinding, binding: str, numbers: NumberNames | None) -> list[str]:
    sides = [("a", row.phone_a), ("b", row.phone_b)]
    return [
        f"phone_{side}: {phone.digits if numbers is None else numbers.name(phone, binding, side)}"
        for side, phone in sides
        if phone is not None
    ]


def _words(
    row: LiveBinding, vendor: VendorType, pool: str | None, expires_in: str | None, people: list[str]
) -> list[str]:
    mode = Mode.AXB_EXTENSION if row.extension else Mode.AXB
    if row.phone_x_b not in (None, row.phone_x):
        mode = Mode.AXXB
    words = [f"provider: {row.provider}", f"mode: {mode}", *people]
    if row.extension:
        words += [f"phone_x: {_text(row.phone_x)}", f"extension: {_text(row.extension)}"]
    if vendor is VendorType.LAAFFIC:
        words.append(f"pool_number: {_text(pool)}")
    elif row.recording is not None:
        words.append(f"recording: {'true' if row.recording else 'false'}")
    if row.expires_at is not None and row.expires_at >= NEVER:
        words.append("expires_in: never")
    elif expires_in is not None:
        words.append(f"expires_in: {_text(expires_in)}")
    elif row.expires_at is not None:
        words.append(f"expires_at: {instant(row.expires_at)}")
    return words


def _text(value: str | None) -> str:
    """A value of a listing or of a person as YAML: in quotes unless it is a plain word, so that it stays one value."""
    return value if value is not None and _PLAIN.fullmatch(value) else json.dumps(value or "")


def _unknown(row: LiveBinding, expires_in: str | None, group: str | None) -> str:
    """A comment that names what the listing does not show."""
    names = ["mode"] if group is not None else []
    if row.recording is None:
        names.append("recording")
    if row.expires_at is None or (expires_in is None and row.expires_at < NEVER):
        names.append("expires_in")
    return f"  # unknown: {', '.join(names)}" if names else ""
