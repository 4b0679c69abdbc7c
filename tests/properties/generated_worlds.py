"""Worlds for the planner, drawn: files as they were and as they are, what was made, lost, changed, interrupted, foreign."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from pnsync.matching import alive, row_of
from pnsync.model import Binding, Desired, Group, Lifetime, LiveBinding, Mode
from pnsync.planner.resources import row_holds
from pnsync.state import Entry, GroupEntry, Pending, State
from tests.properties.model_vendor import EXCLUSIVE, ModelVendor
from tests.worlds import (
    DAILY,
    DAY,
    FOREVER,
    NOW,
    X2,
    X,
    attempt,
    axb,
    axg,
    desired,
    desk,
    foreign,
    group,
    live_group,
    made,
    made_group,
    pending,
    phone,
    ride,
    state,
    superseded,
)

NAMES = ("a", "b", "c", "d", "e", "f")
PARTIES = st.integers(1, 5)
LIFETIMES = st.sampled_from(
    [
        DAILY, FOREVER, replace(DAILY, keep=False), Lifetime(None, until=NOW + 500), Lifetime(None, until=NOW - 500),
        Lifetime(3600, until=NOW + 2 * DAY, renew_before_seconds=600),
    ]
)  # fmt: skip
LEASES = st.sampled_from([DAILY, replace(DAILY, lease_seconds=3 * DAY), Lifetime(DAY, until=NOW + 900)])


@dataclass(frozen=True)
class Drawn:
    """A world: the files, the state, and the vendors."""

    files: Desired
    known: State
    vendor: ModelVendor


@st.composite
def bindings(draw: st.DrawFn, name: str, groups: tuple[str, ...]) -> Binding | None:
    """A declaration of any mode, or none."""
    kind = draw(st.sampled_from(["none", "axb", "desk", "desk", "desk", "ride", "ride", "axxb", "axg"]))
    a, b = draw(PARTIES), draw(PARTIES.map(lambda one: one + 5))
    more: dict[str, Any] = {"lifetime": draw(LIFETIMES), "recording": draw(st.booleans())}
    more["enabled"] = draw(st.integers(0, 9)) > 0
    more["protect"] = draw(st.integers(0, 9)) == 0
    if kind == "axb":
        return axb(name, a, b, provider=draw(st.sampled_from(["nx", "nx2"])), **more)
    if kind == "desk":
        extension = draw(st.sampled_from(["101", "102", "103"]))
        return desk(name, extension, a, phone_x=draw(st.sampled_from([X, X2])), **more)
    if kind in ("ride", "axxb"):
        parts = {**more, "lifetime": draw(LEASES), "recording": False}
        return ride(name, a, b, mode=Mode.AXB if kind == "ride" else Mode.AXXB, **parts)
    if kind == "axg" and groups:
        return axg(name, draw(st.sampled_from(groups)), a, **more)
    return None


def valid(found: Iterable[Binding | None]) -> list[Binding]:
    """What configuration lets pass: an (X, extension) once, a pair at LAAFFIC once."""
    taken: set[Any] = set()
    kept = []
    for one in found:
        if one is None:
            continue
        key: Any = one.name
        if one.mode is Mode.AXB_EXTENSION:
            key = (one.phone_x, one.extension)
        elif one.provider == "la":
            key = frozenset((one.phone_a, one.phone_b))
        if key not in taken:
            taken.add(key)
            kept.append(one)
    return kept


@st.composite
def group_sets(draw: st.DrawFn) -> list[Group]:
    """Some managed groups."""
    names = draw(st.lists(st.sampled_from(["crew", "team"]), unique=True))
    return [group(name, draw(st.sets(st.integers(21, 24), min_size=1))) for name in names]


@st.composite
def worlds(draw: st.DrawFn) -> Drawn:
    """A world in which anything may have happened since the last apply."""
    old_groups, new_groups = draw(group_sets()), draw(group_sets())
    before = valid(draw(bindings(name, tuple(one.name for one in old_groups))) for name in NAMES)
    kept = {one.name: one for one in before}
    names_now = tuple(one.name for one in new_groups)
    after: list[Binding | None] = []
    for name in draw(st.permutations(NAMES)):
        same = kept.get(name) if draw(st.booleans()) else None
        if same is not None and (same.group is None or same.group in names_now):
            after.append(same)
        else:
            after.append(draw(bindings(name, names_now)))
    vendor = ModelVendor(NOW)
    entries: dict[str, Entry | GroupEntry] = {}
    ids: dict[str, str] = {}
    for one in old_groups:
        entry = made_group(one, f"g-{one.name}")
        entries[one.address] = entry
        ids[one.name] = entry.group_id
        fate = draw(st.sampled_from(["live", "live", "live", "gone", "changed"]))
        if fate == "live":
            vendor.groups[entry.group_id] = live_group(entry)
        elif fate == "changed":
            vendor.groups[entry.group_id] = live_group(entry, phones=(phone(29),))
    twins: dict[str, Any] = {}
    for binding in before:
        fate = draw(
            st.sampled_from(
                ["live", "live", "due", "late", "expired", "down", "lost", "drift", "twin", "new"]
            )
        )
        if fate == "new" or binding.lifetime.until == NOW - 500:
            continue
        age = {"due": DAY - 9000, "late": DAY - 30, "expired": 3 * DAY + 60}.get(fate, 7200)
        entry = made(
            binding,
            age=age,
            protect=binding.protect,
            **({"group_id": ids[binding.group]} if binding.group else {}),
        )
        if binding.mode is Mode.AXXB:
            entry = replace(entry, phone_x_b="447700900699")
        if fate == "down":
            entry = replace(entry, bind_id=None, down_since=NOW - 60)
        row = None if fate in ("down", "lost") else row_of(entry)
        if row is not None and binding.provider == "la":
            row = replace(row, recording=None)
        if row is not None and fate == "drift":
            row = replace(row, recording=not binding.recording)
        if row is not None and not add(vendor, row):
            continue
        entries[binding.address] = entry
        if fate == "twin" and binding.mode is Mode.AXB and binding.provider != "la":
            other = replace(entry, bind_id=f"twin-{binding.name}", customer_bind_id=None)
            twins |= superseded(binding.address, other)
            add(vendor, replace(row_of(other), customer_bind_id=None))
    attempts: dict[str, Pending] = {}
    for place, binding in enumerate(valid([*before, *after])):
        if draw(st.integers(0, 5)) or binding.address in {one.intent.address for one in attempts.values()}:
            continue
        fate = draw(st.sampled_from(["young", "old", "effect"]))
        intent = attempt(binding, generation=5, ago=10 if fate == "young" else 3000, attempt=f"old.{place}")
        target = intent.target
        assert isinstance(target, Entry)
        if binding.group is not None:
            continue
        if fate == "effect":
            row = replace(
                row_of(replace(target, bind_id=f"late-{place}")), phone_x=target.phone_x or "447700900650"
            )
            life = intent.expire_seconds
            row = replace(
                row,
                expires_at=row_of(replace(made(binding), bind_id="")).expires_at
                if not life
                else int(intent.signed_at) + life,
            )
            if binding.mode is Mode.AXXB:
                row = replace(row, phone_x_b="447700900651")
            if not add(vendor, row):
                continue
        attempts |= pending(intent)
    for place in range(draw(st.integers(0, 2))):
        stranger = draw(
            st.sampled_from(
                [
                    foreign(f"foreign-{place}", 1, 6),
                    foreign(f"foreign-{place}", 9, None, phone_x=X, extension="101"),
                    foreign(f"foreign-{place}", 2, 7, provider="la", recording=None),
                ]
            )
        )
        add(vendor, stranger)
    known = state(
        entries,
        superseded=twins,
        pending=attempts,
        generations={one.intent.address: 5 for one in attempts.values()},
    )
    return Drawn(desired(valid(after), new_groups), known, vendor)


def add(vendor: ModelVendor, row: LiveBinding) -> bool:
    """List a row where no live one holds what it holds."""
    held = {
        resource for one in vendor.rows.values() if alive(one, NOW) for resource in row_holds(one, EXCLUSIVE)
    }
    if held.isdisjoint(row_holds(row, EXCLUSIVE)):
        vendor.rows[(row.provider, row.bind_id)] = row
        return True
    return False
