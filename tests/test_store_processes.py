"""The store among real processes: races, SIGKILL, SIGSTOP and what readers see meanwhile."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stores.children import Process
from stores.clocks import StepClock
from stores.values import holder

from pnsync.backends.local import LocalBackend
from pnsync.errors import Locked, StateError
from pnsync.journal import Noted
from pnsync.statefile.record import follows, scan, unframe
from pnsync.store.store import Store

Start = Callable[[str], Process]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "pnsync.state.json"


@pytest.fixture
def start(path: Path) -> Iterator[Start]:
    started: list[Process] = []

    def begin(name: str) -> Process:
        started.append(Process(str(path), name))
        return started[-1]

    yield begin
    for one in started:
        one.end()


def store(path: Path) -> Store:
    return Store(LocalBackend(str(path), StepClock()), StepClock(), pinned_lineage=None)


def test_processes_that_race_for_slots_never_share_one(path: Path, start: Start) -> None:
    racers = [start(name) for name in ("a", "b", "c")]
    for one in racers:
        one.tell("race 60")
    acknowledged = [json.loads(one.answer()) for one in racers]
    numbers = sorted(number for one in acknowledged for number in one)
    assert numbers == list(range(1, 181)), "dense, and each acknowledged once"
    found = scan(Path(f"{path}.journal").read_bytes(), "j")
    assert [seq for seq, _ in found.lines] == numbers
    previous = ""
    for _, line in found.lines:
        record = unframe(line)
        assert record is not None
        assert follows(record, previous)
        previous = record.hash


def test_whole_runs_of_several_processes_come_one_after_the_other(path: Path, start: Start) -> None:
    workers = [start(name) for name in ("a", "b", "c")]
    for one in workers:
        one.tell("runs 8")
    assert [one.answer() for one in workers] == ["done"] * 3
    found = store(path).load()
    assert found is not None
    assert found.serial == 24
    assert found.notes["turns"] == "24", "no update is lost"
    assert all(found.notes[f"{name}-{turn}"] == "1" for name in "abc" for turn in range(8))


def test_the_lock_of_a_killed_process_is_free_at_once(path: Path, start: Start) -> None:
    child = start("a")
    assert child.ask("hold") == "held"
    assert child.ask("record colour blue") == "recorded"
    with pytest.raises(Locked) as caught:
        store(path).hold(holder(), timeout=0)
    assert f"a on here (pid {child.running.pid})" in caught.value.detail[0]
    child.signal(signal.SIGKILL)
    child.running.wait()
    assert store(path).holder() is None
    with store(path).hold(holder(), timeout=0) as session:
        assert session.state.notes["colour"] == "blue"
        session.record(Noted("colour", "red"))
        session.finish()


def test_a_stopped_process_blocks_until_it_is_unlocked_and_then_is_fenced(path: Path, start: Start) -> None:
    child = start("a")
    assert child.ask("hold") == "held"
    assert child.ask("record colour blue") == "recorded"
    child.signal(signal.SIGSTOP)
    with pytest.raises(Locked) as caught:
        store(path).hold(holder(), timeout=3600)
    lock_id = caught.value.command.split()[-1]
    store(path).unlock(lock_id)
    with store(path).hold(holder(), timeout=0) as session:
        assert session.state.notes["colour"] == "blue"
        child.signal(signal.SIGCONT)
        assert child.ask("check") == "Fenced S924"
        assert child.ask("record colour green") == "Fenced S924"
        session.record(Noted("colour", "red"))
        session.finish()
    assert child.ask("finish") == "Fenced S924"
    assert child.ask("leave") == "left"
    with store(path).hold(holder("omar", "aaaaaaaa"), timeout=0):
        child.end()
        assert store(path).holder() == holder("omar", "aaaaaaaa"), (
            "what a fenced run leaves is not another's lock"
        )
    found = store(path).load()
    assert found is not None
    assert found.notes["colour"] == "red"


def test_a_stopped_process_that_writes_on_without_asking_is_fenced_by_the_write(
    path: Path, start: Start
) -> None:
    child = start("a")
    assert child.ask("hold") == "held"
    child.signal(signal.SIGSTOP)
    child.tell("record colour green")
    found = store(path).holder()
    assert found is not None
    store(path).unlock(found.id)
    child.signal(signal.SIGCONT)
    assert child.answer() == "Fenced S924"
    assert store(path).load() is None


def test_a_process_that_stands_still_inside_a_write_cannot_be_unlocked(path: Path, start: Start) -> None:
    child = start("a")
    assert child.ask("hold") == "held"
    assert child.ask("moment") == "inside"
    child.signal(signal.SIGSTOP)
    found = store(path).holder()
    assert found is not None
    with pytest.raises(StateError) as caught:
        store(path).unlock(found.id)
    assert caught.value.code == "S927"
    assert "kill -9" in caught.value.detail[1]
    child.end()
    with store(path).hold(holder(), timeout=0) as session:
        session.record(Noted("colour", "red"))


def test_readers_see_whole_states_that_only_grow_while_runs_work(path: Path, start: Start) -> None:
    child = start("a")
    child.tell("runs 60")
    seen: list[tuple[int, int]] = []
    turns: list[int] = []
    while not turns or turns[-1] < 60:
        found = store(path).load()
        if found is not None:
            seen.append((found.serial, found.head.seq))
            turns.append(int(found.notes.get("turns", "0")))
    assert child.answer() == "done"
    assert seen == sorted(seen)
    assert turns == sorted(turns)
    assert len(set(seen)) > 5, "states in between were seen"


@pytest.mark.parametrize("after", [0.01, 0.03, 0.05, 0.08, 0.13, 0.21])
def test_runs_that_are_killed_at_any_time_leave_a_whole_state(path: Path, start: Start, after: float) -> None:
    turns = 0
    for kills in range(1, 4):
        child = start("a")
        child.tell("runs 100000")
        with pytest.raises(subprocess.TimeoutExpired):
            child.running.wait(timeout=after)
        child.signal(signal.SIGKILL)
        child.running.wait()
        found = store(path).load()
        if found is not None:
            now = int(found.notes.get("turns", "0"))
            assert now >= turns
            assert now <= found.serial + kills, "each death leaves at most one run unfinished"
            turns = now
    with store(path).hold(holder(), timeout=0) as session:
        session.record(Noted("after", "1"))
        session.finish()
