"""The local place where somebody else's hand is in it: a holder who changed meanwhile, a signal, a file that was swapped."""

import os
import stat
from pathlib import Path

import pytest
from stores.clocks import StepClock
from stores.values import holder

from pnsync.backends.disk import Status, SystemDisk
from pnsync.backends.folder import MOMENT_SECONDS
from pnsync.backends.local import LocalBackend
from pnsync.errors import Locked, StateError
from pnsync.journal import Noted
from pnsync.store.store import Store

MARIA, OMAR = holder(), holder("omar", "aaaaaaaa")


def backend(folder: Path, clock: StepClock | None = None) -> LocalBackend:
    return LocalBackend(str(folder / "state" / "pnsync.state.json"), clock or StepClock())


def test_a_lock_is_broken_for_the_holder_it_was_looked_up_for_alone(tmp_path: Path) -> None:
    """Between the look and the hand another run may have taken it."""
    place = backend(tmp_path)
    lock = place.exclusive(MARIA.dump(), 0)
    assert not backend(tmp_path).evict(OMAR.dump()) and lock.still_held()
    assert backend(tmp_path).occupant() == MARIA.dump()
    assert backend(tmp_path).evict(MARIA.dump()) and not lock.still_held()


def test_who_is_interrupted_while_waiting_waits_no_longer(tmp_path: Path) -> None:
    class Cut(StepClock):
        """A sleep that a signal ends at once."""

        slept = 0

        def sleep(self, seconds: float) -> None:
            self.slept += 1
            assert self.slept < 3, "it goes on"

    clock = Cut()
    lock = backend(tmp_path).exclusive(MARIA.dump(), 0)
    with pytest.raises(Locked) as caught:
        backend(tmp_path, clock).exclusive(OMAR.dump(), 900)
    assert clock.slept == 1 and lock.still_held()
    assert MARIA.id in caught.value.command


def test_a_folder_that_becomes_a_link_while_it_is_made_is_refused(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "repository", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()

    class Swapped(SystemDisk):
        """Somebody is faster than the run that makes the folder."""

        def mkdir(self, path: str) -> None:
            Path(path).symlink_to(elsewhere)

    place = LocalBackend(
        str(root / "state" / "pnsync.state.json"), StepClock(), root=str(root), disk=Swapped()
    )
    with pytest.raises(StateError) as caught:
        Store(place, StepClock(), pinned_lineage=None).hold(MARIA, timeout=0)
    assert caught.value.code == "S923" and list(elsewhere.iterdir()) == []


class Sipping(SystemDisk):
    """A disk that takes a few bytes at a time, as the kernel may."""

    def write(self, fd: int, data: bytes) -> int:
        return super().write(fd, data[:7])


def test_what_is_written_in_portions_is_written_whole(tmp_path: Path) -> None:
    path = str(tmp_path / "state" / "pnsync.state.json")
    store = Store(LocalBackend(path, StepClock(), disk=Sipping()), StepClock(), pinned_lineage=None)
    with store.hold(MARIA, timeout=0) as session:
        session.record(Noted("colour", "blue"))
        left = session.state
    plain = Store(LocalBackend(path, StepClock()), StepClock(), pinned_lineage=None)
    assert plain.load() == left and plain.holder() is None
    with store.hold(OMAR, timeout=0) as session:
        session.record(Noted("colour", "green"))
        assert plain.holder() == OMAR
        done = session.finish()
    assert plain.load() == done


def test_numbers_are_written_into_no_file_that_somebody_else_made(tmp_path: Path) -> None:
    """Under the temporary name, between the look and the opening: its mode and owner would be theirs."""

    class Swapped(SystemDisk):
        """Somebody is faster."""

        def stat(self, path: str) -> Status | None:
            found = super().stat(path)
            if path.endswith(".new") and found is None:
                Path(path).write_text("theirs")
                Path(path).chmod(0o666)
            return found

    path = tmp_path / "state" / "pnsync.state.json"
    store = Store(LocalBackend(str(path), StepClock(), disk=Swapped()), StepClock(), pinned_lineage=None)
    with store.hold(MARIA, timeout=0) as session, pytest.raises(StateError) as caught:
        session.record(Noted("colour", "blue"))
    assert caught.value.code == "S920"
    assert not path.exists() and Path(f"{path}.new").read_text() == "theirs"


def test_a_writer_that_stands_still_in_a_write_is_not_waited_for_longer_than_a_moment(tmp_path: Path) -> None:
    class Busy(SystemDisk):
        """The folder is another's for as long as one looks."""

        looks = 0

        def flock(self, fd: int, *, shared: bool = False) -> bool:
            self.looks += 1
            assert self.looks < 5000, "it goes on"
            return False if stat.S_ISDIR(os.fstat(fd).st_mode) else super().flock(fd, shared=shared)

    clock = StepClock()
    path = str(tmp_path / "state" / "pnsync.state.json")
    place = LocalBackend(path, clock, disk=Busy())
    with pytest.raises(StateError) as caught:
        place.append(1, b"x\n")
    assert caught.value.code == "S927" and MOMENT_SECONDS <= clock.passed < MOMENT_SECONDS + 1
    assert not Path(f"{path}.journal").exists()
