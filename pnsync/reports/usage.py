"""How groups and pools are used: bindings on each X, extensions that rest and that are free. Pure.

What `pnsync groups` tells. Counts what the vendors list, ours or not; must not decide what to allocate, which is
planner/allocation.py's.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pnsync.model import BindKey, Desired, Group, Holds, Listing, LiveBinding, Observed
from pnsync.state import State


@dataclass(frozen=True, slots=True)
class NumberUse:
    """One X: live bindings on it, how many of them are ours, extensions in quarantine, extensions free."""

    phone_x: str
    live: int
    ours: int
    resting: int
    free: int | None
    """None in a LAAFFIC pool, whose numbers have no extensions."""


@dataclass(frozen=True, slots=True)
class GroupUse:
    """One group or pool; phones that are or may be personal are counted only. `address` is None for what no file declares."""

    provider: str
    name: str
    address: str | None
    holds: str
    """`numbers`, `people`, `pool`, or `unknown` for a group that no file declares: its phones may be personal."""
    phones: int = 0
    bindings: int = 0
    """Bindings in the state that use it."""
    live: int = 0
    """Listed bindings over its numbers, and how many of them are `ours`."""
    ours: int = 0
    numbers: tuple[NumberUse, ...] = ()


def usage(desired: Desired, state: State, observed: Observed, *, now: float) -> tuple[GroupUse, ...]:
    """Every group and pool that the vendors list, by provider and name."""
    ours = {entry.key for entry in state.bindings().values()}
    found: list[GroupUse] = []
    for name, listing in sorted(observed.listings.items()):
        rows = _rows_by_number(listing)
        resting = _resting(state, name, now)
        declared = _declared(desired, listing)
        for live in sorted(listing.groups, key=lambda one: one.name):
            group = declared.get(live.group_id)
            if group is None:
                found.append(GroupUse(name, live.name, None, "unknown", len(live.phones)))
            elif group.holds is Holds.PEOPLE:
                used = _users(state, group.name, x=False)
                found.append(GroupUse(name, live.name, group.address, "people", len(live.phones), used))
            else:
                phones = [one.digits for one in live.phones]
                numbers = tuple(_number(one, rows, resting, ours, group) for one in phones)
                used = _users(state, group.name, x=True)
                found.append(
                    GroupUse(
                        name,
                        live.name,
                        group.address,
                        "numbers",
                        len(phones),
                        used,
                        *_over(phones, rows, ours),
                        numbers,
                    )
                )
        for pool in sorted(listing.pools, key=lambda one: one.pool_number):
            pooled = tuple(_pooled(one, rows, ours) for one in pool.numbers)
            used = sum(1 for one in state.bindings().values() if one.pool_number == pool.pool_number)
            counts = _over(pool.numbers, rows, ours)
            found.append(GroupUse(name, pool.pool_number, None, "pool", len(pooled), used, *counts, pooled))
    return tuple(found)


def _declared(desired: Desired, listing: Listing) -> dict[str, Group]:
    """The declared groups by the vendor's id."""
    found: dict[str, Group] = {}
    for group in desired.groups.values():
        if group.provider != listing.provider:
            continue
        for live in listing.groups:
            if live.group_id == group.group_id or (group.group_id is None and live.name == group.group_name):
                found[live.group_id] = group
    return found


def _over(
    numbers: Iterable[str], rows: Mapping[str, Sequence[LiveBinding]], ours: set[BindKey | None]
) -> tuple[int, int]:
    """Listed bindings over these numbers, each counted once, and how many are ours."""
    ids = {row.key for one in numbers for row in rows.get(one, ())}
    return len(ids), len(ids & ours)


def _users(state: State, name: str, *, x: bool) -> int:
    entries = state.bindings().values()
    return sum(1 for one in entries if (one.x_group if x else one.group) == name)


def _rows_by_number(listing: Listing) -> dict[str, list[LiveBinding]]:
    found: dict[str, list[LiveBinding]] = {}
    for row in listing.bindings:
        for number in {row.phone_x, row.phone_x_b} - {None}:
            assert number is not None
            found.setdefault(number, []).append(row)
    return found


def _resting(state: State, provider: str, now: float) -> Counter[tuple[str, str]]:
    return Counter(
        (one.phone_x, one.extension)
        for one in state.quarantine
        if one.provider == provider and one.extension is not None and one.until > now
    )


def _number(
    phone_x: str,
    rows: Mapping[str, Sequence[LiveBinding]],
    resting: Counter[tuple[str, str]],
    ours: set[BindKey | None],
    group: Group,
) -> NumberUse:
    live = list(rows.get(phone_x, ()))
    rested = {extension for x, extension in resting if x == phone_x}
    low, high = group.extension_range
    taken = {row.extension for row in live if row.extension is not None} | rested | group.reserved_extensions
    free = 0 if phone_x in group.drain else sum(1 for one in range(low, high + 1) if f"{one:03}" not in taken)
    return NumberUse(phone_x, len(live), sum(1 for row in live if row.key in ours), len(rested), free)


def _pooled(phone_x: str, rows: Mapping[str, Sequence[LiveBinding]], ours: set[BindKey | None]) -> NumberUse:
    live = list(rows.get(phone_x, ()))
    return NumberUse(phone_x, len(live), sum(1 for row in live if row.key in ours), 0, None)
