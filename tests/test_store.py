"""The store on local files: what it refuses, what it keeps, and that nothing is written where nothing happened."""

import json
import os
import re
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stores.clocks import StepClock
from stores.values import applied, entry, events_of_a_run, holder, opened

from pnsync.backends.disk import SystemDisk
from pnsync.backends.local import LocalBackend
from pnsync.errors import Fenced, Locked, StateError, UsageError
from pnsync.holder import Holder, load, locked
from pnsync.interfaces import Changed, Taken
from pnsync.journal import Applied, Closed, Event, Noted, Recorded, replay
from pnsync.phone import Phone
from pnsync.state import State
from pnsync.statefile.document import dumps, loads
from pnsync.statefile.record import frame, scan, unframe
from pnsync.store.store import KEY_NOTE, Session, Store


class Place:
    """A state's files in a folder, and stores that look at them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "state"
        self.path = self.folder / "pnsync.state.json"
        self.journal = self.folder / "pnsync.state.json.journal"
        self.lock = self.folder / "pnsync.state.json.lock"
        self.backup = self.folder / "pnsync.state.json.backup"

    def store(self, pinned: str | None = None, **options: Any) -> Store:
        return Store(LocalBackend(str(self.path), StepClock(), **options), StepClock(), pinned_lineage=pinned)

    def run(self, *steps: tuple[Event, ...], finish: bool = True) -> State:
        with self.store().hold(holder(), timeout=0) as session:
            for step in steps:
                session.record(*step)
            return session.finish() if finish else session.state

    def files(self) -> dict[str, bytes]:
        return {one.name: one.read_bytes() for one in self.folder.iterdir()} if self.folder.exists() else {}

    def refused(self, pinned: str | None = None) -> StateError:
        before = self.files()
        with pytest.raises(StateError) as caught:
            self.store(pinned).load()
        assert self.files() == before, "a refusal leaves the files as they are"
        with pytest.raises(StateError) as held:
            self.store(pinned).hold(holder(), timeout=0)
        assert held.value.code == caught.value.code
        assert caught.value.exit_code == 9
        return caught.value


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def note(value: str) -> tuple[Event, ...]:
    return (Noted("turn", value),)


# -- what is kept ------------------------------------------------------------------------------------------------


def test_the_first_record_makes_the_state_and_later_ones_one_line_each(place: Place) -> None:
    place.run(note("1"), note("2"), note("3"), finish=False)
    lines = place.journal.read_bytes().splitlines()
    assert len(lines) == 3
    assert loads(place.path.read_bytes()).serial == 0
    first = unframe(lines[0] + b"\n")
    assert first is not None
    body = json.loads(first.body)
    assert [one["k"] for one in body["events"]] == ["began", "noted"]
    assert body["epoch"] == 1


def test_the_end_folds_the_journal_in_and_leaves_its_closing_line(place: Place) -> None:
    done = place.run(*events_of_a_run(4))
    assert loads(place.path.read_bytes()) == done
    assert len(place.journal.read_bytes().splitlines()) == 1
    assert b"447700900" not in place.journal.read_bytes()
    assert done.serial == 1


def test_a_run_that_records_nothing_leaves_every_file_byte_for_byte(place: Place) -> None:
    place.run(note("1"))
    before = place.files()
    place.run()
    assert place.files() == before
    place.run(note("2"), finish=False)
    before = place.files()
    place.run()
    assert place.files() == before, "also where an earlier run has left records"


def test_files_are_private(place: Place) -> None:
    place.run(note("1"))
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700
    for one in place.folder.iterdir():
        assert stat.S_IMODE(one.stat().st_mode) == 0o600, one.name


def test_a_fresh_state_has_a_lineage_and_a_key_of_its_own(tmp_path: Path) -> None:
    states = [Place(tmp_path / name).run(note("1")) for name in ("a", "b")]
    assert len({one.lineage for one in states}) == 2
    assert all(re.fullmatch("[0-9a-f]{8}", one.lineage) for one in states)
    assert len({one.notes[KEY_NOTE] for one in states}) == 2
    assert all(len(bytes.fromhex(one.notes[KEY_NOTE])) == 32 for one in states)


def test_init_makes_an_empty_state_once(place: Place) -> None:
    made = place.store().create(holder(), lineage="7c4d1a2b")
    assert place.store("7c4d1a2b").load() == made
    assert (made.serial, made.lineage) == (0, "7c4d1a2b")
    with pytest.raises(StateError) as caught:
        place.store().create(holder())
    assert caught.value.code == "S919"
    assert place.run(note("1")).lineage == "7c4d1a2b"


def test_a_torn_last_record_is_left_out_and_cut_off_by_the_next_write(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.run(note("1"), note("2"), finish=False)
    whole = place.journal.read_bytes()
    place.journal.write_bytes(whole[:-7])
    found = place.store().load()
    assert found is not None
    assert found.notes["turn"] == "1"
    assert not caplog.records, "a reader may look while a run writes"
    place.run(note("3"), finish=False)
    assert "cut short" in caplog.text
    after = scan(place.journal.read_bytes(), "j")
    assert [seq for seq, _ in after.lines] == [1, 2]
    assert after.torn == 0


def test_numbers_go_on_over_runs(place: Place) -> None:
    heads = [place.run(note(str(turn))).head.seq for turn in range(4)]
    assert heads == [2, 4, 6, 8]


def test_a_snapshot_brought_from_elsewhere_goes_on_without_its_journal(place: Place) -> None:
    done = place.run(note("1"))
    place.journal.unlink()
    assert place.store().load() == done
    again = place.run(note("2"))
    assert again.serial == 2
    assert place.store().load() == again


def test_a_newer_snapshot_brought_beside_an_older_journal_goes_on(place: Place) -> None:
    place.run(note("1"))
    older = place.journal.read_bytes()
    newer = place.run(note("2"))
    place.journal.write_bytes(older)
    assert place.store().load() == newer
    assert place.run(note("3")).serial == 3
    found = place.store().load()
    assert found is not None
    assert found.notes["turn"] == "3"


# -- what is refused ---------------------------------------------------------------------------------------------


def test_an_older_snapshot_put_back_is_refused_with_both_serials(place: Place) -> None:
    place.run(note("1"))
    older = place.path.read_bytes()
    place.run(note("2"))
    place.run(note("3"))
    place.path.write_bytes(older)
    error = place.refused()
    assert error.code == "S913"
    assert "serial 1 " in error.detail[0]
    assert "serial 3 " in error.detail[0]
    assert error.command == "pnsync state rebuild"


def test_two_copies_that_were_both_used_are_a_fork(place: Place, tmp_path: Path) -> None:
    place.run(note("1"))
    copy = Place(tmp_path / "copy")
    copy.folder.mkdir(parents=True)
    for one in place.folder.iterdir():
        (copy.folder / one.name).write_bytes(one.read_bytes())
    place.run(note("here"))
    copy.run(note("there"))
    place.path.write_bytes(copy.path.read_bytes())
    assert place.refused().code == "S914"


def test_a_journal_without_its_state_is_refused(place: Place) -> None:
    place.run(note("1"), finish=False)
    place.path.unlink()
    error = place.refused()
    assert error.code == "S918"
    assert error.command == "pnsync state rebuild"


def test_a_pinned_lineage_makes_a_missing_state_an_error(place: Place) -> None:
    error = place.refused(pinned="7c4d1a2b")
    assert error.code == "S915"
    assert "7c4d1a2b" in error.detail[0]
    assert not place.path.exists()


def test_a_pinned_lineage_refuses_another_state(place: Place) -> None:
    place.run(note("1"))
    assert place.refused(pinned="7c4d1a2b").code == "S916"


def test_a_journal_of_another_state_is_refused(place: Place, tmp_path: Path) -> None:
    other = Place(tmp_path / "other")
    for one in (place, other):
        one.run(note("1"), finish=False)
    place.journal.write_bytes(other.journal.read_bytes())
    error = place.refused()
    assert error.code == "S912"


def test_damage_in_the_middle_of_the_journal_is_refused(place: Place) -> None:
    place.run(note("1"), note("2"), note("3"), finish=False)
    data = place.journal.read_bytes()
    place.journal.write_bytes(data.replace(b'"1"', b'"7"', 1))
    error = place.refused()
    assert error.code == "S911"
    assert "line 1" in error.detail[0]


def rechained(data: bytes, change: Callable[[dict[str, Any]], None], *, previous: str = "") -> bytes:
    """A journal whose records were changed by somebody who can compute checksums, but not the hash they began with."""
    made = []
    for seq, line in scan(data, "j").lines:
        one = unframe(line)
        assert one is not None
        body = json.loads(one.body)
        change(body)
        text, previous = frame(seq, previous, json.dumps(body).encode())
        made.append(text)
    return b"".join(made)


def test_a_record_that_does_not_chain_is_refused(place: Place) -> None:
    place.run(note("1"), note("2"), finish=False)
    data = place.journal.read_bytes()
    place.journal.write_bytes(rechained(data, lambda body: None, previous="0" * 32))
    assert place.refused().code == "S912"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda body: body["events"].append({"k": "prolonged"}), id="unknown-event"),
        pytest.param(lambda body: body["events"].append({"k": "noted"}), id="unknown-form"),
        pytest.param(lambda body: body.pop("events"), id="no-events"),
    ],
)
def test_records_of_a_newer_version_are_refused(
    place: Place, change: Callable[[dict[str, Any]], None]
) -> None:
    place.run(note("1"), finish=False)
    place.journal.write_bytes(rechained(place.journal.read_bytes(), change))
    assert place.refused().code == "S907"


def test_a_state_changed_by_hand_is_refused(place: Place) -> None:
    place.run(note("1"))
    place.path.write_bytes(place.path.read_bytes().replace(b'"serial": 1', b'"serial": 7'))
    assert place.refused().code == "S906"


def test_a_snapshot_replaced_while_a_run_works_ends_the_run(place: Place) -> None:
    place.run(note("1"))
    with place.store().hold(holder(), timeout=0) as session:
        session.record(*note("2"))
        place.path.write_bytes(dumps(replace(session.state, serial=9)))
        with pytest.raises(StateError) as caught:
            session.finish()
    assert caught.value.code == "S925"


@pytest.mark.parametrize("name", ["path", "journal", "lock"])
def test_symbolic_links_are_not_followed(place: Place, tmp_path: Path, name: str) -> None:
    place.run(note("1"))
    path: Path = getattr(place, name)
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    with pytest.raises(StateError) as caught:
        place.run(note("2"))
    assert caught.value.code == "S923"


def test_a_folder_that_leads_out_of_the_root_is_refused(place: Place, tmp_path: Path) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    (root / "state").symlink_to(tmp_path)
    path = root / "state" / "pnsync.state.json"
    backend = LocalBackend(str(path), StepClock(), root=str(root))
    with pytest.raises(StateError) as caught:
        Store(backend, StepClock(), pinned_lineage=None).hold(holder(), timeout=0)
    assert caught.value.code == "S923"
    assert not (tmp_path / "pnsync.state.json.lock").exists()


def test_a_folder_that_leads_out_of_the_root_is_not_read(place: Place, tmp_path: Path) -> None:
    place.run(note("1"))
    root = tmp_path / "repository"
    root.mkdir()
    (root / "state").symlink_to(place.folder)
    backend = LocalBackend(str(root / "state" / "pnsync.state.json"), StepClock(), root=str(root))
    with pytest.raises(StateError) as caught:
        Store(backend, StepClock(), pinned_lineage=None).load()
    assert caught.value.code == "S923"


@pytest.mark.parametrize("name", ["path", "journal"])
def test_what_is_larger_than_any_state_is_not_read(place: Place, name: str) -> None:
    place.run(note("1"), finish=False)
    os.truncate(getattr(place, name), 20 << 30)  # holds nothing, and reading it would never end
    with pytest.raises(StateError) as caught:
        place.store().load()
    assert caught.value.code == "S921"


class Mounted(SystemDisk):
    """A disk that says to be of another kind."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def file_system(self, path: str) -> str:
        return self.kind


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "fuse.sshfs"])
def test_a_network_file_system_is_refused_unless_allowed(place: Place, kind: str) -> None:
    with pytest.raises(StateError) as caught:
        place.store(disk=Mounted(kind)).hold(holder(), timeout=0)
    assert caught.value.code == "S922"
    assert "PNSYNC_STATE_ON_NETWORK_FS=1" in caught.value.command
    place.store(disk=Mounted(kind), network_allowed=True).hold(holder(), timeout=0)
    assert SystemDisk().file_system(str(place.folder)) not in ("", kind)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
def test_a_place_that_may_not_be_written_is_refused(place: Place) -> None:
    place.run(note("1"))
    place.folder.chmod(0o500)
    try:
        assert place.store().load() is not None, "and can be read all the same"
        with pytest.raises(StateError) as caught:
            place.run(note("2"))
        assert caught.value.code == "S920"
    finally:
        place.folder.chmod(0o700)


# -- after an error ----------------------------------------------------------------------------------------------


def test_what_cannot_be_folded_never_comes_into_the_journal(place: Place) -> None:
    with place.store().hold(holder(), timeout=0) as session:
        session.record(opened(1))
        before = session.state
        with pytest.raises(AssertionError):
            session.record(Noted("turn", "1"), Closed("bind-1", Applied(bind_id=None), 0))
        assert session.state == before
        assert_broken(session)
    assert place.store().load() == before


def assert_broken(session: Session) -> None:
    for call in (
        session.check,
        session.finish,
        lambda: session.record(Noted("a", "b")),
        lambda: session.reserve(1),
    ):
        with pytest.raises(StateError):
            call()


def test_a_session_that_was_left_records_nothing_more(place: Place) -> None:
    with place.store().hold(holder(), timeout=0) as session:
        session.record(Noted("a", "b"))
    before = place.files()
    assert_broken(session)
    assert place.files() == before


def test_a_fenced_session_stays_fenced(place: Place) -> None:
    with place.store().hold(holder(), timeout=0) as session:
        session.check()
        place.store().unlock("3f2c9a10")
        for _ in range(2):
            with pytest.raises(Fenced):
                session.check()
        with pytest.raises(Fenced):
            session.record(Noted("a", "b"))
    assert not place.path.exists()


# -- locks -------------------------------------------------------------------------------------------------------


def test_unlock_breaks_only_the_lock_it_names(place: Place) -> None:
    with pytest.raises(UsageError) as free:
        place.store().unlock("3f2c9a10")
    assert "not locked" in free.value.detail[0]
    with place.store().hold(holder(), timeout=0) as session:
        with pytest.raises(UsageError) as caught:
            place.store().unlock("00000000")
        assert "3f2c9a10" in caught.value.detail[0]
        session.check()
        place.store().unlock("3f2c9a10")
        with pytest.raises(UsageError):
            place.store().unlock("3f2c9a10")


def test_a_write_of_an_evicted_run_is_refused_though_nobody_else_has_begun(place: Place) -> None:
    with place.store().hold(holder(), timeout=0) as session:
        session.record(Noted("a", "1"))
        before = place.journal.read_bytes(), place.path.read_bytes()
        place.store().unlock("3f2c9a10")
        with pytest.raises(Fenced):
            session.record(Noted("a", "2"))
    assert (place.journal.read_bytes(), place.path.read_bytes()) == before


def test_an_evicted_run_changes_nothing_at_its_place(place: Place) -> None:
    backend = LocalBackend(str(place.path), StepClock())
    lock = backend.exclusive(holder().dump(), 0)
    version = backend.write("snapshot", b"one", None)
    backend.append(1, frame(1, "", b"{}")[0])
    assert LocalBackend(str(place.path), StepClock()).evict(holder().dump())
    before = place.files()
    with pytest.raises(Taken):
        backend.append(2, frame(2, "", b"{}")[0])
    with pytest.raises(Taken):
        backend.drop(1)
    with pytest.raises(Taken):
        backend.reserve(100)
    with pytest.raises(Changed):
        backend.write("snapshot", b"two", version)
    lock.release()
    assert place.files() == before


class Overtaken(SystemDisk):
    """A disk on which the lock file is put anew between its opening and its locking."""

    def __init__(self, lock: Path) -> None:
        self.lock = lock
        self.times = 0

    def flock(self, fd: int, *, shared: bool = False) -> bool:
        if self.times == 0 and self.lock.exists():
            self.times = 1
            self.lock.unlink()
            self.lock.touch(0o600)
        return super().flock(fd, shared=shared)


def test_a_lock_on_a_file_that_was_just_replaced_is_none(place: Place) -> None:
    disk = Overtaken(place.lock)
    with place.store(disk=disk).hold(holder(), timeout=0) as session:
        assert disk.times == 1
        session.check()
        with pytest.raises(Locked):
            place.store().hold(holder("omar", "aaaaaaaa"), timeout=0)


def test_a_lock_file_that_somebody_removed_fences_its_holder(place: Place) -> None:
    with place.store().hold(holder(), timeout=0) as session:
        place.lock.unlink()
        with place.store().hold(holder("omar", "aaaaaaaa"), timeout=0) as other:
            with pytest.raises(Fenced):
                session.check()
            other.record(Noted("a", "b"))


def test_waiting_for_a_lock_ends_when_it_is_freed(place: Place) -> None:
    first = place.store().hold(holder(), timeout=0)

    def during(clock: StepClock) -> None:
        if clock.passed > 3:
            first.__exit__(None, None, None)

    clock = StepClock(during)
    store = Store(LocalBackend(str(place.path), clock), clock, pinned_lineage=None)
    with store.hold(holder("omar", "aaaaaaaa"), timeout=10):
        assert 3 < clock.passed < 4


def test_waiting_for_a_lock_ends_with_its_time(place: Place) -> None:
    clock = StepClock()
    with place.store().hold(holder(), timeout=0), pytest.raises(Locked):
        Store(LocalBackend(str(place.path), clock), clock, pinned_lineage=None).hold(holder(), timeout=20)
    assert 20 <= clock.passed < 21


def test_a_refused_state_frees_its_lock_again(place: Place) -> None:
    place.folder.mkdir()
    place.path.write_bytes(b"")
    for _ in range(2):
        with pytest.raises(StateError) as caught:
            place.store().hold(holder(), timeout=0)
        assert caught.value.code == "S901"
    assert place.store().holder() is None


@pytest.mark.parametrize("data", [b"", b"x", b"[]", b'{"id": 1}', b'{"id":"a","pid":"x"}', b"\xff"])
def test_a_lock_whose_holder_is_writing_its_name_is_a_lock_all_the_same(data: bytes) -> None:
    assert load(data) is None
    told = locked(load(data), 0.0)
    assert told.exit_code == 6
    assert told.code == "S940"


def test_a_holder_whose_clock_is_ahead_has_held_it_for_no_time() -> None:
    told = locked(Holder("3f2c9a10", "maria", "desk", 1, "pnsync apply", 100), 40.0)
    assert "for 0 seconds," in told.detail[0]


def test_a_holder_cannot_write_on_others_terminals() -> None:
    wild = Holder("3f2c9a10", "\x1b[31mroot\n", "h" * 500, 1, "pnsync\u202eylppa", 0)
    found = load(wild.dump())
    assert found is not None
    assert (found.user, len(found.host), found.command) == ("?[31mroot?", 80, "pnsync?ylppa")


# -- another state in its place ----------------------------------------------------------------------------------


DAMAGES = {
    "missing": lambda place: [one.unlink() for one in (place.path, place.journal)],
    "snapshot-missing": lambda place: place.path.unlink(),
    "empty": lambda place: place.path.write_bytes(b""),
    "truncated": lambda place: place.path.write_bytes(place.path.read_bytes()[:200]),
    "newer": lambda place: place.path.write_bytes(
        place.path.read_bytes().replace(b'"version": 1', b'"version": 2')
    ),
    "journal-damaged": lambda place: place.journal.write_bytes(
        place.journal.read_bytes().replace(b'"turn"', b'"torn"', 1)
    ),
    "journal-gap": lambda place: place.journal.write_bytes(
        b"".join(place.journal.read_bytes().splitlines(keepends=True)[2:])
    ),
}


def test_an_empty_file_is_no_first_run(place: Place) -> None:
    """Not even where no journal tells otherwise."""
    place.run(note("1"))
    place.journal.unlink()
    place.path.write_bytes(b"")
    assert place.refused().code == "S901"
    with pytest.raises(StateError):
        place.store().hold(holder(), timeout=0)
    assert place.path.read_bytes() == b""


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_state_that_cannot_be_read_can_be_replaced(place: Place, damage: str) -> None:
    place.run(note("1"))
    place.run(note("2"), note("3"), note("4"), finish=False)
    DAMAGES[damage](place)
    broken = place.path.read_bytes() if place.path.exists() else None
    rebuilt = State(lineage="7c4d1a2b", entries={"bindings.a": entry()}, generations={"bindings.a": 1})
    with place.store().hold_unreadable(holder(), timeout=0) as session:
        done = session.replace(replace(rebuilt, notes=dict(session.state.notes), generation_base=4))
    found = place.store("7c4d1a2b").load()
    assert found == done
    assert found is not None
    assert found.entries == rebuilt.entries
    assert broken is None or place.backup.read_bytes() == broken
    after = place.run(note("5"))
    assert after.serial == done.serial + 1
    assert place.store().load() == after


def test_a_damaged_journal_that_is_replaced_is_kept_aside(place: Place) -> None:
    place.run(note("1"), note("2"), finish=False)
    DAMAGES["journal-damaged"](place)
    damaged = place.journal.read_bytes()
    with place.store().hold_unreadable(holder(), timeout=0) as session:
        session.replace(State(lineage="7c4d1a2b"))
    assert (place.folder / "pnsync.state.json.journal.damaged").read_bytes() == damaged


def test_a_readable_state_is_not_rebuilt(place: Place) -> None:
    place.run(note("1"))
    with pytest.raises(StateError) as caught:
        place.store().hold_unreadable(holder(), timeout=0)
    assert caught.value.code == "S919"
    assert place.store().holder() is None


def test_a_foreign_file_is_not_overwritten(place: Place) -> None:
    place.folder.mkdir()
    place.path.write_bytes(b'{"name": "package"}\n')
    with pytest.raises(StateError) as caught:
        place.store().hold_unreadable(holder(), timeout=0)
    assert caught.value.code == "S909"


def test_a_state_of_another_lineage_is_not_pushed(place: Place) -> None:
    done = place.run(note("1"))
    other = replace(done, lineage="00000000")
    with place.store().hold(holder(), timeout=0) as session, pytest.raises(StateError) as caught:
        session.replace(other)
    assert caught.value.code == "S916"
    assert place.store().load() == done


def test_a_state_can_be_pushed_where_there_is_none(place: Place) -> None:
    pushed = State(lineage="7c4d1a2b", serial=9, notes={KEY_NOTE: "00" * 32})
    with place.store().hold(holder(), timeout=0) as session:
        done = session.replace(pushed)
    assert (done.lineage, done.serial) == ("7c4d1a2b", 10)
    assert place.store("7c4d1a2b").load() == done


# -- readers while a run works -----------------------------------------------------------------------------------


class Busy(LocalBackend):
    """A reader's backend between whose reads the run goes on."""

    def __init__(self, path: str, going_on: Callable[[], None]) -> None:
        super().__init__(path, StepClock())
        self.going_on = going_on

    def records(self, after: int) -> Any:
        self.going_on()
        return super().records(after)


def test_a_reader_between_snapshot_and_journal_of_a_run_that_ends_sees_a_whole_state(place: Place) -> None:
    with place.store().hold(holder(), timeout=0) as session:
        session.record(*note("0"))
        left = iter(range(1, 4))

        def go_on() -> None:
            for turn in left:
                session.record(*note(str(turn)))
                session.finish()
                break

        reader = Store(Busy(str(place.path), go_on), StepClock(), pinned_lineage=None)
        found = reader.load()
        assert found == session.state


def test_a_reader_sees_every_state_between(place: Place) -> None:
    seen = []
    with place.store().hold(holder(), timeout=0) as session:
        expected = []
        for step in events_of_a_run(5):
            session.record(*step)
            expected.append(session.state)
            seen.append(place.store().load())
    assert seen == expected


def test_a_run_of_a_thousand_records_folds_as_it_was_recorded(place: Place) -> None:
    with place.store().hold(holder(), timeout=0) as session:
        session.record(*(Recorded(f"bindings.desk-{number}", entry(number)) for number in range(300)))
        for number in range(300, 330):
            session.record(opened(number))
            session.record(applied(number))
        state = session.state
        assert place.store().load() == state
        done = session.finish()
    assert len(done.entries) == 330
    assert done.entries == replay(state, []).entries
    assert isinstance(done.bindings()["bindings.desk-7"].phone_a, Phone)
