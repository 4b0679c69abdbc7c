"""A state that moves to another place: whole, compared, and never in use at both."""

from dataclasses import replace
from pathlib import Path

import pytest
from stores.clocks import StepClock
from stores.places import open_place
from stores.values import events_of_a_run, holder, opened

from pnsync.errors import Locked, StateError, UsageError
from pnsync.interfaces import Backend
from pnsync.journal import Noted
from pnsync.state import Head, State
from pnsync.store.store import Store
from pnsync.surgery import migrate


def store(folder: Path, name: str, pinned: str | None = None) -> Store:
    return Store(place(folder, name), StepClock(), pinned_lineage=pinned)


def place(folder: Path, name: str) -> Backend:
    return open_place(f"local {folder / name / 'pnsync.state.json'}", StepClock())


def content(state: State | None) -> State:
    assert state is not None
    return replace(state, serial=0, head=Head())


@pytest.fixture
def old(tmp_path: Path) -> State:
    with store(tmp_path, "old").hold(holder(), timeout=0) as session:
        for step in events_of_a_run(6):
            session.record(*step)
        session.record(opened(77))
        return session.finish()


def test_all_is_there_with_what_is_pending(tmp_path: Path, old: State) -> None:
    assert old.pending
    moved = migrate(store(tmp_path, "old"), store(tmp_path, "new"), holder())
    assert store(tmp_path, "new").load() == moved
    assert content(moved) == content(old)
    assert moved.serial > old.serial


def test_the_old_place_refuses_and_names_the_new(tmp_path: Path, old: State) -> None:
    migrate(store(tmp_path, "old"), store(tmp_path, "new"), holder())
    for use in (
        lambda one: one.load(),
        lambda one: one.hold(holder(), timeout=0),
        lambda one: one.hold_unreadable(holder(), timeout=0),
    ):
        with pytest.raises(StateError) as caught:
            use(store(tmp_path, "old"))
        assert caught.value.code in ("S971", "S919")
    with pytest.raises(StateError) as caught:
        store(tmp_path, "old").load()
    assert str(tmp_path / "new") in caught.value.detail[0]


def test_the_way_back_is_a_migration(tmp_path: Path, old: State) -> None:
    first = migrate(store(tmp_path, "old"), store(tmp_path, "new"), holder())
    back = migrate(store(tmp_path, "new"), store(tmp_path, "old"), holder())
    assert content(back) == content(old)
    assert back.serial > first.serial
    assert store(tmp_path, "old").load() == back
    with pytest.raises(StateError):
        store(tmp_path, "new").load()


def test_another_state_is_not_overwritten(tmp_path: Path, old: State) -> None:
    with store(tmp_path, "new").hold(holder(), timeout=0) as session:
        session.record(Noted("colour", "blue"))
        other = session.finish()
    with pytest.raises(StateError) as caught:
        migrate(store(tmp_path, "old"), store(tmp_path, "new"), holder())
    assert caught.value.code == "S919"
    assert store(tmp_path, "new").load() == other
    assert store(tmp_path, "old").load() == old


def test_a_migration_that_ended_before_the_old_was_retired_may_be_repeated(
    tmp_path: Path, old: State
) -> None:
    with store(tmp_path, "new").hold(holder(), timeout=0) as session:
        session.replace(old)
    moved = migrate(store(tmp_path, "old"), store(tmp_path, "new"), holder())
    assert content(moved) == content(old)
    with pytest.raises(StateError):
        store(tmp_path, "old").load()


def test_a_state_does_not_move_to_where_it_is(tmp_path: Path, old: State) -> None:
    with pytest.raises(UsageError):
        migrate(store(tmp_path, "old"), store(tmp_path, "old"), holder())
    assert store(tmp_path, "old").load() == old


def test_a_state_in_use_does_not_move(tmp_path: Path, old: State) -> None:
    with store(tmp_path, "old").hold(holder("omar", "aaaaaaaa"), timeout=0), pytest.raises(Locked):
        migrate(store(tmp_path, "old"), store(tmp_path, "new"), holder())
    assert store(tmp_path, "new").load() is None


def test_a_copy_that_is_not_right_leaves_the_old_in_use(tmp_path: Path, old: State) -> None:
    class Meddling(Store):
        def load(self) -> State | None:
            found = super().load()
            return None if found is None else replace(found, notes={**found.notes, "colour": "blue"})

    target = Meddling(place(tmp_path, "new"), StepClock(), pinned_lineage=None)
    with pytest.raises(StateError) as caught:
        migrate(store(tmp_path, "old"), target, holder())
    assert caught.value.code == "S972"
    assert store(tmp_path, "old").load() == old


def test_nothing_to_move_and_nowhere_to_go_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        migrate(store(tmp_path, "old"), store(tmp_path, "new"), holder())
    assert store(tmp_path, "new").load() is None
    with pytest.raises(UsageError):
        migrate(store(tmp_path, "old"), store(tmp_path, "old"), holder())
