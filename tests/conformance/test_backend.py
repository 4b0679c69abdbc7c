"""What every backend must do, in one body: documents by compare-and-set, a dense log, a lock or none.

A backend joins by a line in PLACES: a function that makes a place in a folder and returns how to look at it anew, as
another process would. Servers are real ones, on a socket or loopback.
"""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from sealing.keyholders import Holder as Keyholder
from stores import servers
from stores.clocks import StepClock
from stores.google_server import GoogleServer
from stores.memory import MemoryBackend, MemoryPlace
from stores.places import bare, open_place
from stores.state_server import StateServer
from stores.values import entry, events_of_a_run, holder

from pnsync.errors import Fenced, Locked, StateError
from pnsync.interfaces import Backend, Changed, Taken
from pnsync.journal import Noted, Recorded, replay
from pnsync.statefile.phonecodec import CLEAR, PhoneCodec
from pnsync.statefile.record import frame
from pnsync.store.lease import Lease
from pnsync.store.store import Store
from tests.profile import either

Look = Callable[[], Backend]


def at(place: str) -> Look:
    return lambda: open_place(place, StepClock())


def local(folder: Path) -> Look:
    return at(f"local {folder}/state/pnsync.state.json")


def memory(folder: Path) -> Look:
    place = MemoryPlace()
    return lambda: MemoryBackend(place)


def postgres(folder: Path) -> Look:
    return at(f"postgres {servers.postgres().folder} {uuid4()}")


def moto(folder: Path) -> Look:
    return at(f"object {servers.moto().endpoint} s3://{servers.BUCKET}/{uuid4()}")


def seaweed(folder: Path) -> Look:
    return at(f"object {servers.seaweed().endpoint} s3://{servers.BUCKET}/{uuid4()}")


def google(folder: Path) -> Look:
    return at(f"google {google_server().endpoint} gs://{servers.BUCKET}/{uuid4()}")


def http(folder: Path) -> Look:
    return at(f"http {state_server(etags=True).address}/{uuid4()} locked")


def http_without_etags(folder: Path) -> Look:
    return at(f"http {state_server(etags=False).address}/{uuid4()} locked")


def http_without_lock(folder: Path) -> Look:
    return at(f"http {state_server(etags=True).address}/{uuid4()} free")


def git(folder: Path) -> Look:
    return at(f"git {bare(folder)} refs/pnsync/prod")


@cache
def google_server() -> GoogleServer:
    return GoogleServer()


@cache
def state_server(*, etags: bool) -> StateServer:
    return StateServer(etags=etags)


PLACES = [
    local,
    memory,
    pytest.param(postgres, marks=[pytest.mark.needs_postgres, pytest.mark.xdist_group("postgres")]),
    pytest.param(moto, marks=pytest.mark.xdist_group("object")),
    pytest.param(seaweed, marks=[pytest.mark.needs_seaweed, pytest.mark.xdist_group("object")]),
    google,
    http,
    http_without_etags,
    http_without_lock,
    git,
]


@pytest.fixture(params=PLACES)
def look(request: pytest.FixtureRequest, tmp_path: Path) -> Look:
    made: Look = request.param(tmp_path)
    return made


def lines(count: int, first: int = 1, previous: str = "") -> list[bytes]:
    made = []
    for seq in range(first, first + count):
        line, previous = frame(seq, previous, b'{"n":%d}' % seq)
        made.append(line)
    return made


ONE, TWO, THREE, FOUR = lines(4)


CODECS: list[Callable[[], PhoneCodec]] = [lambda: CLEAR]
"""The last one makes the codec of each look at a state."""


def store(backend: Backend, pinned: str | None = None) -> Store:
    return Store(backend, StepClock(), pinned_lineage=pinned, heartbeat=no_heartbeat, codec=CODECS[-1]())


def no_heartbeat(lease: Lease) -> Callable[[], None]:
    return lambda: None


class TestDocuments:
    @pytest.mark.sampled
    @pytest.mark.parametrize("name", ["snapshot", "lease", "backup"])
    def test_there_is_none_until_one_is_written(self, look: Look, name: str) -> None:
        assert look().read(name) is None
        version = look().write(name, b"one", None)
        found = look().read(name)
        assert found is not None
        assert (found.data, found.version) == (b"one", version)

    def test_a_write_needs_the_version_that_is_there(self, look: Look) -> None:
        first = look().write("snapshot", b"one", None)
        second = look().write("snapshot", b"two", first)
        for stale in (None, first, "nonsense"):
            with pytest.raises(Changed):
                look().write("snapshot", b"three", stale)
        found = look().read("snapshot")
        assert found is not None
        assert (found.data, found.version) == (b"two", second)

    def test_a_document_that_is_not_there_cannot_be_replaced(self, look: Look) -> None:
        with pytest.raises(Changed):
            look().write("snapshot", b"one", "1")
        assert look().read("snapshot") is None

    def test_documents_are_apart(self, look: Look) -> None:
        look().write("snapshot", b"one", None)
        look().write("lease", b"two", None)
        found = look().read("snapshot")
        assert found is not None
        assert found.data == b"one"

    @pytest.mark.sampled
    @pytest.mark.parametrize("data", [b"", b"\0\xff\r\n", b"x" * 3_000_000])
    def test_bytes_come_back_as_they_are(self, look: Look, data: bytes) -> None:
        look().write("snapshot", data, None)
        found = look().read("snapshot")
        assert found is not None
        assert found.data == data


class TestLog:
    def test_records_come_back_in_order(self, look: Look) -> None:
        assert list(look().records(0)) == []
        for seq, line in enumerate((ONE, TWO, THREE), 1):
            look().append(seq, line)
        assert list(look().records(0)) == [(1, ONE), (2, TWO), (3, THREE)]
        assert list(look().records(2)) == [(3, THREE)]
        assert list(look().records(3)) == []

    def test_a_slot_is_taken_once(self, look: Look) -> None:
        backend = look()
        backend.append(1, ONE)
        look().append(2, TWO)
        (other,) = lines(1, 2, "another")
        for stale in (backend, look()):
            with pytest.raises(Taken):
                stale.append(2, other)
        assert list(look().records(0)) == [(1, ONE), (2, TWO)]

    def test_the_same_bytes_again_are_a_lost_acknowledgement(self, look: Look) -> None:
        look().append(1, ONE)
        look().append(2, TWO)
        look().append(2, TWO)
        look().append(1, ONE)
        look().append(3, THREE)
        assert list(look().records(0)) == [(1, ONE), (2, TWO), (3, THREE)]

    def test_no_slot_is_left_out(self, look: Look) -> None:
        look().append(1, ONE)
        with pytest.raises(Taken):
            look().append(3, THREE)
        assert list(look().records(0)) == [(1, ONE)]

    def test_dropped_slots_stay_taken_while_a_later_one_is(self, look: Look) -> None:
        late = look()
        for seq, line in enumerate((ONE, TWO, THREE), 1):
            look().append(seq, line)
        look().drop(2)
        assert [seq for seq, _ in look().records(0) if seq > 2] == [3]
        for seq in (1, 2):
            (other,) = lines(1, seq, "another")
            with pytest.raises(Taken):
                late.append(seq, other)
        look().append(4, FOUR)
        assert [seq for seq, _ in look().records(2)] == [3, 4]

    def test_dropping_nothing_is_nothing(self, look: Look) -> None:
        look().drop(5)
        look().append(1, ONE)
        look().drop(0)
        assert list(look().records(0)) == [(1, ONE)]

    def test_an_emptied_log_begins_at_any_number(self, look: Look) -> None:
        look().append(1, ONE)
        look().drop(1)
        look().append(7, lines(1, 7)[0])
        assert [seq for seq, _ in look().records(1)] == [7]

    def test_room_can_be_asked_for_and_leaves_the_log_as_it_is(self, look: Look) -> None:
        backend = look()
        backend.reserve(1 << 16)
        backend.append(1, ONE)
        backend.reserve(1 << 16)
        backend.append(2, TWO)
        assert list(look().records(0)) == [(1, ONE), (2, TWO)]


class TestStore:
    """The store on this backend: what is promised wherever a state lies."""

    def test_nothing_is_there_and_nothing_is_made_by_looking(self, look: Look) -> None:
        assert store(look()).load() is None
        with store(look()).hold(holder(), timeout=0) as session:
            assert not session.exists
            session.check()
            session.finish()
        assert store(look()).load() is None

    def test_what_is_recorded_is_there_at_once_and_after_the_end(self, look: Look) -> None:
        with store(look()).hold(holder(), timeout=0) as session:
            expected = session.state
            for step in events_of_a_run(6):
                session.record(*step)
                expected = replay(expected, step)
                assert session.state.entries == expected.entries
                assert session.state.pending == expected.pending
                assert store(look()).load() == session.state
            done = session.finish()
        assert done.serial == 1
        assert store(look()).load() == done

    def test_a_run_that_ends_without_finishing_loses_nothing(self, look: Look) -> None:
        with store(look()).hold(holder(), timeout=0) as session:
            session.record(Noted("colour", "blue"))
        with store(look()).hold(holder(), timeout=0) as session:
            assert session.state.notes["colour"] == "blue"
            assert session.state.serial == 0
            session.record(Noted("size", "9"))
            session.finish()
        found = store(look()).load()
        assert found is not None
        assert (found.notes["colour"], found.notes["size"], found.serial) == ("blue", "9", 1)

    def test_a_second_run_is_told_who_works(self, look: Look) -> None:
        with store(look()).hold(holder("maria"), timeout=0):
            assert store(look()).holder() == holder("maria")
            with pytest.raises(Locked) as caught:
                store(look()).hold(holder("omar", "aaaaaaaa"), timeout=0)
            assert "maria on ci-runner-7 (pid 4411) has held it for 12 minutes" in caught.value.detail[0]
            assert caught.value.command == "pnsync unlock 3f2c9a10"
        assert store(look()).holder() is None
        store(look()).hold(holder("omar", "aaaaaaaa"), timeout=0)

    def test_a_broken_lock_fences_its_holder_and_frees_the_state(self, look: Look) -> None:
        with store(look()).hold(holder(), timeout=0) as session:
            session.record(Noted("colour", "blue"))
            store(look()).unlock("3f2c9a10")
            with store(look()).hold(holder("omar", "aaaaaaaa"), timeout=0) as other:
                other.record(Noted("colour", "red"))
                with pytest.raises(Fenced):
                    session.record(Noted("colour", "green"))
                with pytest.raises(StateError):
                    session.finish()
                other.finish()
        found = store(look()).load()
        assert found is not None
        assert found.notes["colour"] == "red"
        assert found.serial == 1

    def test_ten_thousand_entries_are_kept_and_folded(self, look: Look) -> None:
        count = either(10_000, 400, 2_000)
        events = [Recorded(f"bindings.desk-{number}", entry(number % 1000)) for number in range(count)]
        with store(look()).hold(holder(), timeout=0) as session:
            for start in range(0, count, count // 10):
                session.record(*events[start : start + count // 10])
            seen = store(look()).load()
            assert seen is not None
            assert len(seen.entries) == count, "before they are folded"
            done = session.finish()
        found = store(look()).load()
        assert found == done
        assert len(found.entries) == count
        assert len(look().records(0)) == 1

    def test_a_log_that_was_cut_short_is_noticed_or_was_never_acknowledged(self, look: Look) -> None:
        with store(look()).hold(holder(), timeout=0) as session:
            for turn in range(4):
                session.record(Noted("turn", str(turn)))
        before = look().records(0)
        look().drop(2)
        with pytest.raises(StateError) as caught:
            store(look()).load()
        assert caught.value.code == "S913"
        assert [seq for seq, _ in look().records(2)] == [seq for seq, _ in before if seq > 2], "left as it is"

    def test_runs_after_each_other_are_one_history(self, look: Look) -> None:
        serials, lineages = [], set()
        for turn in range(5):
            with store(look()).hold(holder(), timeout=0) as session:
                session.record(Noted("turn", str(turn)))
                state = session.finish()
            serials.append(state.serial)
            lineages.add(state.lineage)
        assert serials == [1, 2, 3, 4, 5]
        assert len(lineages) == 1

    def test_a_session_goes_on_after_a_checkpoint(self, look: Look) -> None:
        with store(look()).hold(holder(), timeout=0) as session:
            session.record(Noted("a", "1"))
            assert session.finish().serial == 1
            assert session.finish().serial == 1
            session.record(Noted("b", "2"))
            assert session.finish().serial == 2
        assert store(look()).load() == session.state

    def test_another_state_can_take_its_place_and_the_old_is_kept(self, look: Look) -> None:
        with store(look()).hold(holder(), timeout=0) as session:
            session.record(Noted("colour", "blue"))
            old = session.finish()
        before = look().read("snapshot")
        with store(look()).hold(holder(), timeout=0) as session:
            session.replace(replay(old, [Noted("colour", "red")]))
        found, kept = store(look()).load(), look().read("backup")
        assert found is not None
        assert (found.notes["colour"], found.serial, found.lineage) == ("red", 2, old.lineage)
        assert before is not None
        assert kept is not None
        assert kept.data == before.data


@pytest.mark.sampled(4)
class TestSealedStore(TestStore):
    """The same with sealed numbers, and with everything sealed."""

    @pytest.fixture(autouse=True, params=[False, True], ids=["numbers", "whole"])
    def sealed(self, request: pytest.FixtureRequest) -> Iterator[None]:
        team = Keyholder()
        CODECS.append(lambda: team.codec(enforced=True, whole=request.param))
        yield
        CODECS.pop()

    def test_no_number_stands_in_what_is_kept(self, look: Look) -> None:
        with store(look()).hold(holder(), timeout=0) as session:
            session.record(Recorded("bindings.desk-7", entry(7)))
            kept = [data for _, data in look().records(0)]
            session.finish()
        found = look().read("snapshot")
        assert found is not None
        assert not any(b"447700900007" in data for data in (*kept, found.data))
