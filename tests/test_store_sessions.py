"""What a session writes at its place, call by call, and in which order: nothing more, nothing less."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from stores.clocks import StepClock
from stores.memory import MemoryBackend, MemoryPlace
from stores.values import NOW, holder

from pnsync.errors import Locked, StateError
from pnsync.interfaces import Blob
from pnsync.journal import Event, Noted
from pnsync.state import State
from pnsync.statefile.codes import refusal
from pnsync.statefile.document import dumps, loads
from pnsync.statefile.record import unframe
from pnsync.store import lease as leases
from pnsync.store.lease import Lease
from pnsync.store.store import Session, Store
from tests.sealing.keyholders import Holder as KeyHolder

ANNA = KeyHolder()
OMAR = holder("omar", "aaaaaaaa", "pnsync renew")


class Watched(MemoryBackend):
    """A place that notes what is asked of it but reading; leases apart."""

    def __init__(self, place: MemoryPlace) -> None:
        super().__init__(place)
        self.asked: list[tuple[Any, ...]] = []

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        if name != leases.NAME:
            self.asked.append(("write", name, expected is not None))
        return super().write(name, data, expected)

    def append(self, seq: int, record: bytes) -> None:
        self.asked.append(("append", seq))
        super().append(seq, record)

    def drop(self, through: int) -> None:
        self.asked.append(("drop", through))
        super().drop(through)

    def reserve(self, size: int) -> None:
        self.asked.append(("reserve", size))


class Beats:
    """The heartbeats that a store starts and stops."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.lease: Lease | None = None

    def __call__(self, lease: Lease) -> Any:
        assert isinstance(lease, Lease)
        self.lease = lease
        self.happened.append("started")

        def stop() -> None:
            assert lease.still_held(), "stopped before the lease is given up"
            self.happened.append("stopped")

        return stop


@pytest.fixture
def place() -> MemoryPlace:
    return MemoryPlace()


def store(
    place: MemoryPlace,
    *,
    pinned: str | None = None,
    backend: MemoryBackend | None = None,
    clock: StepClock | None = None,
    **more: Any,
) -> Store:
    given = {"heartbeat": lambda lease: lambda: None, **more}
    return Store(backend or MemoryBackend(place), clock or StepClock(), pinned_lineage=pinned, **given)


def watched(place: MemoryPlace, **more: Any) -> tuple[Watched, Session]:
    backend = Watched(place)
    return backend, store(place, backend=backend, **more).hold(OMAR, timeout=0)


def made(place: MemoryPlace, *turns: str, finish: bool = True, **more: Any) -> State:
    if "snapshot" not in place.documents:
        store(place, **more).create(holder(), lineage="7c4d1a2b")
    with store(place, **more).hold(holder(), timeout=0) as session:
        for turn in turns:
            session.record(Noted("turn", turn))
        return session.finish() if finish else session.state


def note(value: str) -> Event:
    return Noted("turn", value)


def bodies(place: MemoryPlace) -> dict[int, dict[str, Any]]:
    found = {}
    for seq, line in place.log.items():
        one = unframe(line)
        assert one is not None
        found[seq] = json.loads(one.body)
    return found


# -- making one --------------------------------------------------------------------------------------------------------


def test_a_state_is_made_with_the_lineage_that_is_asked_for_or_that_the_files_name() -> None:
    assert store(MemoryPlace(), pinned="11111111").create(holder()).lineage == "11111111"
    assert store(MemoryPlace(), pinned="11111111").create(holder(), lineage="22222222").lineage == "22222222"


def test_making_one_does_not_wait_for_who_holds_the_place(place: MemoryPlace) -> None:
    clock = StepClock()
    with store(place).hold(holder(), timeout=0), pytest.raises(Locked):
        store(place, clock=clock).create(OMAR)
    assert clock.passed == 0.0


def test_making_one_lets_go_of_the_place(place: MemoryPlace) -> None:
    store(place).create(holder())
    with pytest.raises(StateError):
        store(place).create(holder())
    assert store(place).holder() is None


def test_a_first_run_writes_the_state_and_then_its_records(place: MemoryPlace) -> None:
    backend, session = watched(place)
    with session:
        assert not session.exists
        session.record(note("1"))
        assert session.exists
        session.record(note("2"))
    assert backend.asked == [("write", "snapshot", False), ("append", 1), ("append", 2)]


def test_a_later_run_writes_records_then_the_closing_one_then_the_snapshot_and_drops_what_it_holds(
    place: MemoryPlace,
) -> None:
    made(place, "1")
    backend, session = watched(place)
    with session:
        assert session.exists
        session.record(note("2"))
        session.record(note("3"))
        done = session.finish()
    assert backend.asked == [
        ("append", 3), ("append", 4), ("append", 5), ("write", "snapshot", True), ("drop", 4),
    ]  # fmt: skip
    assert done.serial == 2 and done.head.seq == 5


def test_what_a_record_says(place: MemoryPlace) -> None:
    made(place, "1")
    clock = StepClock()
    clock.passed = 7.9
    _, session = watched(place, clock=clock)
    with session:
        session.record(note("2"))
        session.record(note("3"))
    first, second = (bodies(place)[one] for one in (3, 4))
    assert first == {
        "epoch": 3,
        "events": [
            {"at": NOW + 7, "command": "pnsync renew", "holder": "aaaaaaaa", "k": "began"},
            {"k": "noted", "key": "turn", "value": "2"},
        ],
        "lineage": "7c4d1a2b",
        "nonce": first["nonce"],
        "serial": 1,
    }
    assert second == {
        "epoch": 3, "events": [{"k": "noted", "key": "turn", "value": "3"}], "lineage": "7c4d1a2b",
        "nonce": first["nonce"], "serial": 1,
    }  # fmt: skip


def test_no_two_runs_write_the_same_record_though_they_say_the_same() -> None:
    nonces = set()
    for _ in range(3):
        place = MemoryPlace()
        made(place, "1", finish=False)
        nonces.add(bodies(place)[1]["nonce"])
    assert len(nonces) == 3 and all(len(bytes.fromhex(one)) == 8 for one in nonces)


def test_a_session_goes_on_after_its_checkpoint_as_another_run_would(place: MemoryPlace) -> None:
    made(place, "1")
    backend, session = watched(place)
    with session:
        session.record(note("2"))
        middle = session.finish()
        assert session.state == middle
        backend.asked.clear()
        assert session.finish() == middle
        assert backend.asked == [], "nothing was recorded since"
        session.record(note("3"))
        assert [one["k"] for one in bodies(place)[5]["events"]] == ["began", "noted"]
        assert (bodies(place)[5]["epoch"], bodies(place)[5]["serial"]) == (5, 2)
        done = session.finish()
    assert (middle.serial, done.serial) == (2, 3)
    assert store(place).load() == done


def test_the_closing_record_carries_the_new_serial_and_nothing_else(place: MemoryPlace) -> None:
    made(place, "1")
    (closing,) = bodies(place).values()
    assert (closing["events"], closing["serial"], closing["epoch"]) == ([], 1, 1)


def test_a_state_brought_from_elsewhere_begins_its_log_anew_once(place: MemoryPlace) -> None:
    made(place, "1")
    place.log.clear()
    backend, session = watched(place)
    with session:
        session.record(note("2"))
        session.finish()
        session.record(note("3"))
    assert backend.asked == [
        ("drop", 2), ("append", 3), ("append", 4), ("write", "snapshot", True), ("drop", 3), ("append", 5),
    ]  # fmt: skip
    found = store(place).load()
    assert found is not None and found.notes["turn"] == "3"


# -- holding -----------------------------------------------------------------------------------------------------------


def test_a_place_without_a_lock_is_held_by_a_lease_that_is_kept_alive(place: MemoryPlace) -> None:
    beats = Beats()
    with store(place, heartbeat=beats).hold(OMAR, timeout=0) as session:
        assert beats.happened == ["started"]
        assert store(place).holder() == OMAR
        session.check()
    assert beats.happened == ["started", "stopped"]
    assert store(place).holder() is None


def test_it_is_given_up_where_the_state_is_refused(place: MemoryPlace) -> None:
    made(place, "1")
    place.documents["snapshot"] = (b"", 99)
    for take in (store(place).hold, store(place, pinned="7c4d1a2b").hold):
        with pytest.raises(StateError):
            take(OMAR, timeout=0)
        assert store(place).holder() is None


def test_a_lease_is_broken_by_its_id(place: MemoryPlace) -> None:
    with store(place).hold(OMAR, timeout=0):
        store(place).unlock("aaaaaaaa")
        assert store(place).holder() is None


def test_what_is_to_be_reserved_is_asked_of_the_place(place: MemoryPlace) -> None:
    backend, session = watched(place)
    with session:
        session.reserve(4711)
    assert backend.asked == [("reserve", 4711)]


def test_a_place_that_cannot_reserve_ends_the_session(place: MemoryPlace) -> None:
    class Full(MemoryBackend):
        def reserve(self, size: int) -> None:
            raise refusal("S920", "the disk is full")

    with store(place, backend=Full(place)).hold(OMAR, timeout=0) as session:
        with pytest.raises(StateError):
            session.reserve(1)
        with pytest.raises(StateError):
            session.record(note("1"))


def test_a_session_stays_ended_with_what_ended_it(place: MemoryPlace) -> None:
    made(place)
    with store(place).hold(OMAR, timeout=0) as session:
        place.log[1] = b"another's"
        with pytest.raises(StateError):
            session.record(note("1"))
        first = session._broken
    assert session._broken is first and first is not None


def test_what_was_recorded_stays_where_the_next_record_fails(place: MemoryPlace) -> None:
    made(place)
    with store(place).hold(OMAR, timeout=0) as session:
        session.record(note("1"))
        before = session.state
        place.log[2] = b"another's"
        with pytest.raises(StateError):
            session.record(note("2"))
        assert session.state == before


# -- another state in its place ------------------------------------------------------------------------------------


def unreadable(place: MemoryPlace, *, pinned: str | None = None, **more: Any) -> tuple[Watched, Session]:
    backend = Watched(place)
    return backend, store(place, pinned=pinned, backend=backend, **more).hold_unreadable(OMAR, timeout=0)


def test_a_state_that_cannot_be_read_is_replaced_first(place: MemoryPlace) -> None:
    made(place, "1")
    place.documents["snapshot"] = (b"", 99)
    _, session = unreadable(place)
    with session, pytest.raises(AssertionError, match=r"^a state that cannot be read is replaced first$"):
        session.record(note("2"))


def test_the_place_of_a_missing_state_offers_the_lineage_that_the_files_name(place: MemoryPlace) -> None:
    _, session = unreadable(place, pinned="11111111")
    with session:
        assert session.state.lineage == "11111111"
        assert not session.exists


def test_a_replacement_closes_the_log_under_its_own_lineage_and_goes_on(place: MemoryPlace) -> None:
    made(place, "1", "2", finish=False)
    place.documents["snapshot"] = (b"", 99)
    backend, session = unreadable(place)
    with session:
        assert session.exists and session.state.head.seq == 2
        done = session.replace(State(lineage="22222222", serial=7))
        assert backend.asked == [
            ("write", "backup", False), ("append", 3), ("write", "snapshot", True), ("drop", 2),
        ]  # fmt: skip
        (closing,) = bodies(place).values()
        assert (closing["lineage"], closing["serial"], closing["epoch"], closing["events"]) == (
            "22222222", 8, 3, [],
        )  # fmt: skip
        assert done.serial == 8
        session.record(note("3"))
        assert bodies(place)[4]["events"][0]["holder"] == "aaaaaaaa"
        final = session.finish()
    assert store(place).load() == final
    assert place.documents["backup"][0] == b""


class Deaf(Watched):
    """A place whose log cannot be read until it is dropped."""

    deaf = True

    def records(self, after: int) -> Sequence[tuple[int, bytes]]:
        if self.deaf:
            raise refusal("S911", "line 1 fails its checksum")
        return super().records(after)

    def drop(self, through: int) -> None:
        self.deaf = False
        super().drop(through)


def test_a_log_that_cannot_be_read_is_dropped_whole_before_another_begins(place: MemoryPlace) -> None:
    made(place, "1", "2", finish=False)
    backend = Deaf(place)
    with store(place, backend=backend).hold_unreadable(OMAR, timeout=0) as session:
        assert session.state.head.seq == 0
        session.replace(State(lineage="7c4d1a2b"))
    assert backend.asked == [
        ("write", "backup", False), ("drop", 2**62 - 1), ("append", 1), ("write", "snapshot", True), ("drop", 0),
    ]  # fmt: skip
    assert store(place).load() is not None


def test_the_backup_is_what_was_there_last(place: MemoryPlace) -> None:
    first = made(place, "1")
    for serial in (20, 40):
        before = place.documents["snapshot"][0]
        with store(place).hold(holder(), timeout=0) as session:
            session.replace(replace(first, serial=serial))
        assert place.documents["backup"][0] == before


def test_a_replacement_is_later_than_both(place: MemoryPlace) -> None:
    done = made(place, "1")
    for serial, wanted in ((0, 2), (2, 3), (9, 10)):
        with store(place).hold(holder(), timeout=0) as session:
            assert session.replace(replace(done, serial=serial)).serial == wanted
    with store(place).hold(holder(), timeout=0) as session:
        assert session.state.serial == 10


def test_a_replacement_of_a_held_state_is_announced_like_any_run(place: MemoryPlace) -> None:
    done = made(place, "1")
    backend, session = watched(place)
    with session:
        session.replace(replace(done, notes={"turn": "9"}))
    assert backend.asked == [
        ("write", "backup", False), ("append", 3), ("append", 4), ("write", "snapshot", True), ("drop", 3),
    ]  # fmt: skip


# -- sealed ------------------------------------------------------------------------------------------------------------


def codec(**more: Any) -> Any:
    return ANNA.codec(whole=True, **more)


def test_a_sealed_record_says_nothing_but_where_it_belongs(place: MemoryPlace) -> None:
    made(place, "1", finish=False, codec=codec())
    (body,) = bodies(place).values()
    assert body.keys() == {"epoch", "lineage", "nonce", "sealed", "serial"}
    found = store(place, codec=codec()).load()
    assert found is not None and found.notes["turn"] == "1"


def test_a_lost_state_is_replaced_by_a_sealed_one(place: MemoryPlace) -> None:
    mine = codec()
    with store(place, codec=mine).hold_unreadable(OMAR, timeout=0) as session:
        done = session.replace(State(lineage="22222222", notes={"turn": "5"}))
    assert store(place, codec=codec()).load() == done


def test_keys_are_durable_before_the_first_record_that_needs_them(place: MemoryPlace) -> None:
    made(place, "1")
    backend, session = watched(place, codec=codec())
    with session:
        session.record(note("2"))
    assert backend.asked == [("write", "snapshot", True), ("append", 3)]
    backend, session = watched(place, codec=codec())
    with session:
        session.record(note("3"))
    assert backend.asked == [("append", 4)]


def test_new_keys_come_with_a_checkpoint_and_the_backup_goes_with_them(place: MemoryPlace) -> None:
    done = made(place, "1")
    plain = place.documents["snapshot"]
    mine = codec()
    backend, session = watched(place, codec=mine)
    with session:
        place.documents["backup"] = (plain[0], 500)
        assert mine.prepare(done.lineage, rotate=False, retire=False)
        after = session.rekey(session.state)
    assert (after.serial, after.head.seq) == (2, 4)
    assert backend.asked == [
        ("write", "snapshot", True), ("append", 3), ("append", 4), ("write", "snapshot", True), ("drop", 3),
        ("write", "backup", True),
    ]  # fmt: skip
    reader = codec()
    assert store(place, codec=reader).load() == after
    assert loads(place.documents["backup"][0], reader) == after


def test_where_no_keys_are_ready_only_a_backup_under_others_is_written(place: MemoryPlace) -> None:
    done = made(place, "1", codec=codec())
    backend, session = watched(place, codec=codec())
    with session:
        assert session.rekey(None) == done
        assert backend.asked == [], "there is no backup"
        place.documents["backup"] = (dumps(done), 500)
        session.rekey(None)
        assert backend.asked == [("write", "backup", True)]
        backend.asked.clear()
        session.rekey(None)
        assert backend.asked == [], "which is under this key already"


# -- what is no reason to begin anew -----------------------------------------------------------------------------------

DAMAGED = [f"S9{number:02}" for number in (*range(1, 9), 10, 11, 12, 13, 14, 31)]
"""The state itself is damaged: `state rebuild` may take its place."""
SOUND = ["S909", *(f"S9{number}" for number in (16, 17, 20, 21, 22, 23, 30, 32, 33, 34, 36, *range(60, 80)))]
"""It is well and not for us, or its place does not work."""


class Wrong(Watched):
    """A place whose snapshot is refused with a code, each time that a state is looked for: twice."""

    def __init__(self, code: str) -> None:
        super().__init__(MemoryPlace())
        self.code = code
        self.refusals = 2

    def read(self, name: str) -> Blob | None:
        if name == "snapshot" and self.refusals:
            self.refusals -= 1
            raise StateError("refused", code=self.code)
        return super().read(name)


@pytest.mark.parametrize("code", SOUND)
def test_what_is_sound_or_out_of_reach_is_not_begun_anew(code: str) -> None:
    backend = Wrong(code)
    with pytest.raises(StateError) as caught:
        store(MemoryPlace(), backend=backend).hold_unreadable(OMAR, timeout=0)
    assert caught.value.code == code
    assert leases.read(MemoryBackend(backend.place).read(leases.NAME)).holder is None


@pytest.mark.parametrize("code", DAMAGED)
def test_what_is_damaged_may_be_begun_anew(code: str) -> None:
    with store(MemoryPlace(), backend=Wrong(code)).hold_unreadable(OMAR, timeout=0) as session:
        assert not session.exists
