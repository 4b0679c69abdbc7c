"""The store on real servers, among real processes: races for slots and leases, SIGKILL, SIGSTOP past the lease."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sealing.keyholders import Holder as Keyholder
from stores import servers
from stores.child import FastClock, sealing
from stores.children import Process
from stores.places import bare, open_place
from stores.state_server import StateServer
from stores.values import holder

from pnsync.errors import Locked
from pnsync.journal import Noted
from pnsync.statefile.record import follows, unframe
from pnsync.store.store import Store
from tests.profile import either

SPEED = 20.0
"""A lease of 60 s ends after 3."""


Start = Callable[[str], Process]


def postgres(folder: Path) -> str:
    return f"postgres {servers.postgres().folder} {uuid4()}"


def seaweed(folder: Path) -> str:
    return f"object {servers.seaweed().endpoint} s3://{servers.BUCKET}/{uuid4()}"


def git(folder: Path) -> str:
    return f"git {bare(folder)} refs/pnsync/prod"


def http(folder: Path) -> str:
    return f"http {StateServer().address}/{uuid4()} free"


POSTGRES = pytest.param(postgres, marks=[pytest.mark.needs_postgres, pytest.mark.xdist_group("postgres")])
SEAWEED = pytest.param(seaweed, marks=[pytest.mark.needs_seaweed, pytest.mark.xdist_group("object")])


@pytest.fixture(params=[POSTGRES, SEAWEED, git, http])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    made: str = request.param(tmp_path)
    return made


@pytest.fixture
def start(place: str) -> Iterator[Start]:
    started: list[Process] = []

    def begin(name: str) -> Process:
        started.append(Process(place, name, str(SPEED)))
        return started[-1]

    yield begin
    for one in started:
        one.signal(signal.SIGCONT)
        one.end()


def store(place: str) -> Store:
    clock = FastClock(SPEED)
    return Store(
        open_place(place, clock), clock, pinned_lineage=None, codec=sealing(), heartbeat=clock.heartbeat
    )


def test_processes_that_race_for_slots_never_share_one(place: str, start: Start) -> None:
    count = either(12, 5, 12) if place.startswith("git") else either(40, 15, 40)
    racers = [start(name) for name in ("a", "b", "c")]
    for one in racers:
        one.tell(f"race {count}")
    acknowledged = [json.loads(one.answer()) for one in racers]
    numbers = sorted(number for one in acknowledged for number in one)
    assert numbers == list(range(1, 3 * count + 1)), "dense, and each acknowledged once"
    found = store(place).backend.records(0)
    assert [seq for seq, _ in found] == numbers
    previous = ""
    for _, line in found:
        record = unframe(line)
        assert record is not None
        assert follows(record, previous)
        previous = record.hash


def test_whole_runs_of_several_processes_come_one_after_the_other(place: str, start: Start) -> None:
    turns = 2 if place.startswith("git") else either(4, 2, 4)
    workers = [start(name) for name in ("a", "b", "c")]
    for one in workers:
        one.tell(f"runs {turns}")
    assert [one.answer() for one in workers] == ["done"] * 3
    found = store(place).load()
    assert found is not None
    assert found.serial == 3 * turns
    assert found.notes["turns"] == str(3 * turns), "no update is lost"


def test_a_process_that_stood_still_past_its_lease_is_fenced(place: str, start: Start) -> None:
    child = start("a")
    assert child.ask("hold") == "held"
    assert child.ask("record colour blue") == "recorded"
    child.signal(signal.SIGSTOP)
    with pytest.raises(Locked) as caught:
        store(place).hold(holder(), timeout=0)
    assert f"a on here (pid {child.running.pid})" in caught.value.detail[0]
    with store(place).hold(holder(), timeout=75) as session:
        assert session.state.notes["colour"] == "blue"
        session.record(Noted("colour", "red"))
        child.signal(signal.SIGCONT)
        assert child.ask("check") == "Fenced S924", "before its next call"
        assert child.ask("record colour green") == "Fenced S924"
        assert child.ask("leave") == "left"
        session.check()
        session.record(Noted("size", "9"))
        session.finish()
    found = store(place).load()
    assert found is not None
    assert (found.notes["colour"], found.notes["size"], found.serial) == ("red", "9", 1)


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here and in every process that is started, the state is sealed."""
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", Keyholder().secret)


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize("place", [POSTGRES, SEAWEED], indirect=True)
def test_a_process_that_stood_still_over_a_sealed_state_is_fenced(place: str, start: Start) -> None:
    """The one that took over reads what it had sealed; what it seals afterwards comes into no record."""
    test_a_process_that_stood_still_past_its_lease_is_fenced(place, start)
    found = open_place(place, FastClock(SPEED)).read("snapshot")
    assert found is not None
    assert b'"sealing"' in found.data


@pytest.mark.parametrize("ahead", ["-7200", "7200"])
@pytest.mark.parametrize("place", [POSTGRES], indirect=True)
def test_a_clock_that_is_hours_off_neither_holds_nor_loses_a_lease(
    place: str, start: Start, monkeypatch: pytest.MonkeyPatch, ahead: str
) -> None:
    """No two clocks are compared: a contender watches with its own."""
    monkeypatch.setenv("CLOCK_AHEAD", ahead)
    child = start("a")
    monkeypatch.delenv("CLOCK_AHEAD")
    assert child.ask("hold") == "held"
    with pytest.raises(Locked):
        store(place).hold(holder(), timeout=70)
    assert child.ask("record colour blue") == "recorded", "it was renewed all the while"
    child.signal(signal.SIGSTOP)
    began = time.monotonic()
    with store(place).hold(holder(), timeout=75) as session:
        assert (time.monotonic() - began) * SPEED >= 60 - 15, "not before it was watched for a minute"
        assert session.state.notes["colour"] == "blue"


def test_a_process_that_goes_on_without_asking_is_fenced_by_the_log(place: str, start: Start) -> None:
    child = start("a")
    assert child.ask("hold") == "held"
    assert child.ask("record colour blue") == "recorded"
    child.signal(signal.SIGSTOP)
    with store(place).hold(holder(), timeout=75) as session:
        session.record(Noted("colour", "red"))
        session.finish()
        child.signal(signal.SIGCONT)
        assert child.ask("record colour green") == "Fenced S924"
    found = store(place).load()
    assert found is not None
    assert found.notes["colour"] == "red"


def test_the_lease_of_a_killed_process_is_taken_over_in_its_time(place: str, start: Start) -> None:
    child = start("a")
    assert child.ask("hold") == "held"
    assert child.ask("record colour blue") == "recorded"
    child.end()
    with store(place).hold(holder(), timeout=75) as session:
        assert session.state.notes["colour"] == "blue"


@pytest.mark.parametrize("place", [POSTGRES], indirect=True)
def test_a_lease_is_renewed_while_a_long_call_runs(place: str, start: Start) -> None:
    child = start("a")
    assert child.ask("hold") == "held"
    child.tell("long 5")
    with pytest.raises(Locked):
        store(place).hold(holder(), timeout=90)
    assert child.answer() == "woke"
    assert child.ask("check") == "checked"
    assert child.ask("record colour blue") == "recorded"


def test_a_broken_lease_fences_its_holder(place: str, start: Start) -> None:
    child = start("a")
    assert child.ask("hold") == "held"
    found = store(place).holder()
    assert found is not None
    store(place).unlock(found.id)
    with store(place).hold(holder(), timeout=0) as session:
        session.record(Noted("colour", "red"))
        assert child.ask("record colour green") == "Fenced S924"
        session.finish()
    found_state = store(place).load()
    assert found_state is not None
    assert found_state.notes["colour"] == "red"
