"""The local lock where somebody else's hand is in it: a holder who changed meanwhile, a signal, a folder that became a link."""

from pathlib import Path

import pytest
from stores.clocks import StepClock
from stores.values import holder

from pnsync.backends.disk import SystemDisk
from pnsync.backends.local import LocalBackend
from pnsync.errors import Locked, StateError
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
