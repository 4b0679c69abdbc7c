"""Every I/O call of a session fails, or is the run's last: nothing acknowledged is lost, nothing is done after an error.

The same script runs once to be counted, then once for each call.
"""

import errno
import itertools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from stores.clocks import StepClock
from stores.disks import CountingDisk, DyingDisk, FailingDisk, Killed
from stores.values import events_of_a_run, holder

from pnsync.backends.local import LocalBackend
from pnsync.errors import StateError
from pnsync.journal import Began, Event, Noted, replay
from pnsync.state import State
from pnsync.store.store import Store
from tests.profile import FULL, either

STEPS: list[tuple[Event, ...]] = [*events_of_a_run(4), (Noted("turn", "done"),)]
Start = Callable[[str], None]
SOME = either(1, 3, 1)
"""Of the calls every so many-th is tried."""


def store(path: str, disk: CountingDisk | None = None) -> Store:
    return Store(
        LocalBackend(path, StepClock(), disk=disk or CountingDisk()), StepClock(), pinned_lineage=None
    )


def nothing(path: str) -> None:
    """No state yet."""


def finished(path: str) -> None:
    """A state that a run has finished."""
    with store(path).hold(holder(), timeout=0) as session:
        session.record(Noted("before", "1"))
        session.finish()


def interrupted(path: str) -> None:
    """A state whose last run died in the middle of a write."""
    finished(path)
    with store(path).hold(holder(), timeout=0) as session:
        session.record(Noted("before", "2"))
    journal = Path(f"{path}.journal")
    with journal.open("ab") as file:
        file.write(b"pnj1 4 99 0badc0de ")


STARTS = pytest.mark.parametrize("start", [nothing, finished, interrupted])


class Run:
    """An apply in small: what it was told is durable, and every call that it made after its intent was."""

    def __init__(self, path: str, disk: CountingDisk | None) -> None:
        self.store = store(path, disk)
        self.base: State | None = None
        self.acknowledged = 0
        self.calls = 0
        self.serial = -1

    def go(self) -> None:
        with self.store.hold(holder(), timeout=0) as session:
            self.base = session.state
            self.serial = session.state.serial
            session.reserve(4096)
            for step in STEPS:
                session.check()
                session.record(*step)
                self.acknowledged += 1
                session.check()
                self.calls += 1
                if self.acknowledged == 3:
                    self.serial = session.finish().serial
            self.serial = session.finish().serial


def content(state: State | None) -> object:
    """A state without what differs from run to run: key and lineage of a fresh one, numbers of its log."""
    if state is None:
        return None
    notes = {key: value for key, value in state.notes.items() if key != "key"}
    return (state.entries, state.pending, notes, state.generations, state.failures, state.superseded)


def expected(base: State | None, count: int) -> State | None:
    if base is None:
        return None
    return replay(base, [Began("", "", 0), *itertools.chain(*STEPS[:count])])


def counted(path: str, start: Start) -> list[str]:
    """The calls that the script makes when nothing fails."""
    start(path)
    disk = CountingDisk()
    Run(path, disk).go()
    assert not disk.fds
    return disk.calls


def boundaries(calls: list[str]) -> list[int]:
    """The numbers of the calls that change something; between two of them a death makes no difference."""
    return [number for number, name in enumerate(calls, 1) if name not in ("stat", "fstat", "read")]


def check(path: str, run: Run, before: State | None) -> State | None:
    """What is found afterwards: everything acknowledged and at most the step that was under way."""
    found = store(path).load()
    base = run.base or before
    prefixes = [content(expected(base, count)) for count in (run.acknowledged, run.acknowledged + 1)]
    if run.acknowledged == 0:
        prefixes += [content(before), content(base)]
    assert content(found) in prefixes
    if run.serial >= 0 and run.acknowledged:
        assert found is not None
        assert found.serial in (run.serial, run.serial + 1)
    return found


def go_on(path: str, found: State | None) -> None:
    """The next run works on it as if nothing had been."""
    with store(path).hold(holder(), timeout=0) as session:
        assert content(session.state) == content(found or session.state)
        session.record(Noted("after", "1"))
        done = session.finish()
    assert done.serial == (found.serial if found else 0) + 1
    assert store(path).load() == done
    names = {one.name for one in Path(path).parent.iterdir()}
    assert names <= {f"state.json{end}" for end in ("", ".journal", ".lock", ".new", ".journal.new")}


@STARTS
@pytest.mark.parametrize("moment", ["before", "half", "after"])
def test_a_run_that_dies_at_any_call_loses_nothing_acknowledged(
    tmp_path: Path, start: Start, moment: str
) -> None:
    for at in boundaries(counted(str(tmp_path / "state.json"), start))[::SOME]:
        path = str(tmp_path / str(at) / "state.json")
        start(path)
        before = store(path).load()
        disk = DyingDisk(at, moment)
        run = Run(path, disk)
        with pytest.raises(Killed):
            run.go()
        disk.bury()
        go_on(path, check(path, run, before))


def test_a_recovery_that_dies_at_any_call_is_recovered(tmp_path: Path) -> None:
    """A second death at every call of the run after the first, for a sample of the first's."""
    number = 0
    for at in boundaries(counted(str(tmp_path / "state.json"), nothing))[:: 5 * SOME]:
        for again in itertools.count(1, 4):
            number += 1
            path = str(tmp_path / str(number) / "state.json")
            runs = []
            for nth, moment in ((at, "half"), (again, "half")):
                before = store(path).load()
                disk = DyingDisk(nth, moment)
                run = Run(path, disk)
                with suppress(Killed):
                    run.go()
                disk.bury()
                check(path, run, before)
                runs.append(run)
            if runs[-1].acknowledged == len(STEPS) and not disk.dead:
                break
        go_on(path, store(path).load())
    assert number > 100 // SOME


@pytest.mark.parametrize(
    ("start", "number", "for_good"),
    [
        *itertools.product(
            (nothing, finished, interrupted) if FULL else (interrupted,),
            (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EINTR),
            (False, True),
        ),
        *itertools.product(() if FULL else (nothing, finished), (errno.EIO, errno.ENOSPC), (False, True)),
    ],
)
def test_any_call_that_fails_ends_the_run_and_loses_nothing_acknowledged(
    tmp_path: Path, start: Start, number: int, for_good: bool
) -> None:
    calls = counted(str(tmp_path / "state.json"), start)
    told = set()
    for at in (list(range(1, len(calls) + 1)) if number == errno.EIO else boundaries(calls))[::SOME]:
        path = str(tmp_path / str(at) / "state.json")
        start(path)
        before = store(path).load()
        disk = FailingDisk(at, number, for_good=for_good)
        run = Run(path, disk)
        try:
            run.go()
        except StateError as error:
            assert error.exit_code == 9
            told.add(error.code)
        else:
            # A read that failed once is tried again; a write never is.
            assert not for_good
            assert disk.failed in ("stat", "open", "read", "fstat")
            assert run.acknowledged == len(STEPS)
        assert run.calls <= run.acknowledged, "no call without its record"
        assert not disk.fds, (at, disk.failed)
        go_on(path, check(path, run, before))
    assert "S920" in told
    assert told <= {"S920", "S921", "S926"}


class Failing(CountingDisk):
    """Calls of one name fail while it is armed."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.armed = False

    def before(self, number: int, name: str) -> None:
        if self.armed and name == self.name:
            raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("name", ["write", "fdatasync"])
def test_after_a_failed_append_nothing_is_written_or_synced_again(tmp_path: Path, name: str) -> None:
    path, disk = str(tmp_path / "state.json"), Failing(name)
    session = store(path, disk).hold(holder(), timeout=0)
    session.record(Noted("turn", "1"))
    disk.armed = True
    with pytest.raises(StateError) as first:
        session.record(Noted("turn", "2"))
    assert first.value.code == "S920"
    assert session.state.notes["turn"] == "1"
    disk.armed = False
    before = len(disk.calls)
    for call in (session.check, session.finish, lambda: session.record(Noted("turn", "3"))):
        with pytest.raises(StateError) as later:
            call()
        assert later.value.code == "S926"
    assert len(disk.calls) == before, "not one call reaches the disk"
    session.__exit__(None, None, None)


@pytest.mark.parametrize("name", ["write", "fsync", "rename"])
def test_a_backend_that_failed_writes_no_more_even_without_a_session(tmp_path: Path, name: str) -> None:
    disk = Failing(name)
    backend = LocalBackend(str(tmp_path / "state.json"), StepClock(), disk=disk)
    version = backend.write("snapshot", b"one", None)
    disk.armed = True
    with pytest.raises(StateError) as first:
        backend.write("snapshot", b"two", version)
    assert first.value.code == "S920"
    disk.armed = False
    for call in (lambda: backend.write("snapshot", b"two", version), lambda: backend.append(1, b"x")):
        with pytest.raises(StateError) as later:
            call()
        assert later.value.code == "S926"
    assert backend.read("snapshot") is not None, "it can be looked at all the same"


def test_room_that_is_not_there_is_told_before_the_first_call(tmp_path: Path) -> None:
    with store(str(tmp_path / "state.json")).hold(holder(), timeout=0) as session:
        with pytest.raises(StateError) as caught:
            session.reserve(1 << 60)
        assert caught.value.code == "S920"
        with pytest.raises(StateError):
            session.check()
