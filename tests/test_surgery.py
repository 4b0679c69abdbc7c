"""Hands on a state: what a rename and a removal take with them, and what they refuse."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from stores.clocks import StepClock
from stores.memory import MemoryBackend, MemoryPlace
from stores.values import holder

from pnsync.errors import UsageError
from pnsync.journal import Doubled, Event, Opened, Recorded
from pnsync.planning import World
from pnsync.state import Entry, GroupEntry, State
from pnsync.store.store import Store
from pnsync.surgery import move, remove
from tests.worlds import attempt, axb, desired, desk, group, made, made_group, superseded

ORDER, DESK, CREW = axb("order"), desk("desk"), group("crew")
ENTRIES: Mapping[str, Entry | GroupEntry] = {
    ORDER.address: made(ORDER), DESK.address: made(DESK), "groups.crew": made_group(CREW),
}  # fmt: skip


class Quiet:
    """No signal comes."""

    signal: int | None = None

    def subscribe(self, wake: object) -> None:
        """Nothing ever wakes."""


def world(place: MemoryPlace) -> World:
    """A world without vendors."""
    clock = StepClock()
    store = Store(MemoryBackend(place), clock, pinned_lineage=None, heartbeat=lambda _: lambda: None)
    return World(
        desired([ORDER, DESK], [CREW], providers={}), store, {}, clock, lambda _: None, Quiet(),
        lambda _: (_ for _ in ()).throw(AssertionError("nothing is called")), holder(), {}, "0", Path(),
    )  # fmt: skip


@pytest.fixture
def place() -> MemoryPlace:
    """A state with two bindings and a group."""
    found = MemoryPlace()
    record(found, *(Recorded(address, entry) for address, entry in ENTRIES.items()))
    return found


def record(place: MemoryPlace, *events: Event) -> State:
    with world(place).store.hold(holder(), timeout=0) as session:
        session.record(*events)
        return session.finish()


def stored(place: MemoryPlace) -> State:
    found = world(place).store.load()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("source", "target"),
    [(ORDER.address, DESK.address), (ORDER.address, "groups.order"), ("bindings.none", "bindings.other")],
)
def test_a_rename_that_would_lose_something_is_refused(place: MemoryPlace, source: str, target: str) -> None:
    before = stored(place)
    with pytest.raises(UsageError):
        move(world(place), source, target)
    assert stored(place) == before


def test_a_rename_takes_the_whole_entry_along(place: MemoryPlace) -> None:
    move(world(place), ORDER.address, "bindings.new")
    after = stored(place).entries
    assert after["bindings.new"] == ENTRIES[ORDER.address] and ORDER.address not in after


def test_what_is_forgotten_leaves_no_attempt_and_no_second_binding_behind(place: MemoryPlace) -> None:
    one, other = attempt(ORDER), attempt(DESK, attempt="run.2")
    doubles = superseded(ORDER.address, made(ORDER, bind_id="second"))
    kept = superseded(DESK.address, made(DESK, bind_id="theirs"))
    double = [Doubled(key, old) for key, old in (doubles | kept).items()]
    record(place, Opened(one), Opened(other), *double)
    remove(world(place), [ORDER.address])
    after = stored(place)
    assert sorted(after.entries) == [DESK.address, "groups.crew"]
    assert list(after.pending) == [other.attempt] and after.superseded == kept


def test_what_is_only_half_known_can_be_forgotten_and_what_nobody_knows_cannot(place: MemoryPlace) -> None:
    record(place, Recorded(ORDER.address, None), Opened(attempt(ORDER)))
    remove(world(place), [ORDER.address])
    assert not stored(place).pending
    with pytest.raises(UsageError):
        remove(world(place), [ORDER.address])
