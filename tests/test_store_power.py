"""The power fails at every change of the disk: whatever image is left opens, and holds all that was acknowledged (T3)."""

import copy
import itertools
from contextlib import suppress

import pytest
from stores.clocks import StepClock
from stores.disks import Killed
from stores.platter import Platter, PlatterDisk
from stores.values import events_of_a_run, holder

from pnsync.backends.local import LocalBackend
from pnsync.journal import Event, Noted
from pnsync.state import State
from pnsync.store.store import Store

PATH = "/state/pnsync.state.json"
STEPS: list[tuple[Event, ...]] = [*events_of_a_run(2), (Noted("turn", "1"),)]


def store(disk: PlatterDisk) -> Store:
    return Store(LocalBackend(PATH, StepClock(), disk=disk), StepClock(), pinned_lineage=None)


class Run:
    """Two checkpoints with records between; what it was told is durable, and the states it went through."""

    def __init__(self, platter: Platter, name: str, die_at: int = 0, *, room: int = 1000) -> None:
        self.room = room
        self.disk = PlatterDisk(platter, die_at)
        self.name = name
        self.acknowledged: State | None = None
        self.under_way: State | None = None

    def go(self) -> None:
        with store(self.disk).hold(holder(), timeout=0) as session:
            self.acknowledged = self.under_way = session.state if session.exists else None
            if self.room:
                session.reserve(self.room)
            for number, step in enumerate(STEPS):
                session.record(*step, Noted(self.name, str(number)))
                self.acknowledged = session.state
                if number == 1:
                    self.acknowledged = session.finish()
            self.acknowledged = session.finish()


def mark(state: State | None, name: str) -> int:
    """How far a run has come in a state: -1 before its first record."""
    return -1 if state is None else int(state.notes.get(name, "-1"))


def opened(image: Platter) -> State | None:
    return store(PlatterDisk(image)).load()


def test_an_image_is_made_of_what_was_synced_and_any_part_of_the_rest() -> None:
    platter = Platter()
    disk = PlatterDisk(platter)
    Run(platter, "a").go()
    assert len(list(platter.images())) == 1, "all is synced at the end but the names of locks"
    fd = disk.open(f"{PATH}.journal", 0o2002)
    disk.write(fd, b"something more")
    assert len(list(platter.images())) > 5


@pytest.mark.parametrize("room", [0, 1000])
def test_every_image_of_every_instant_opens_with_all_that_was_acknowledged(room: int) -> None:
    count = 0
    whole = Run(Platter(), "a", room=room)
    whole.go()
    for at in range(1, whole.disk.changes + 1):
        platter = Platter()
        run = Run(platter, "a", at, room=room)
        with suppress(Killed):
            run.go()
        assert run.disk.dead
        for image in platter.images():
            count += 1
            found = opened(image)
            reached = mark(run.acknowledged, "a")
            assert reached <= mark(found, "a") <= reached + 1
            if run.acknowledged is not None:
                assert found is not None
                assert found.serial >= run.acknowledged.serial
    assert count > 200


def test_a_run_goes_on_after_any_image() -> None:
    whole = Run(Platter(), "a")
    whole.go()
    for at in range(1, whole.disk.changes + 1):
        platter = Platter()
        with suppress(Killed):
            Run(platter, "a", at).go()
        for image in itertools.islice(platter.images(), 12):
            before = opened(copy.deepcopy(image))
            again = Run(image, "b")
            again.go()
            after = opened(image)
            assert after == again.acknowledged
            assert mark(after, "a") == mark(before, "a")
            assert after is not None
            assert after.serial == (before.serial if before else 0) + 2


def test_a_run_killed_and_then_the_power_lost_in_the_next_keeps_what_both_acknowledged() -> None:
    """What a killed run had not synced is seen by the next one, which must make it durable before it builds on it."""
    whole = Run(Platter(), "a")
    whole.go()
    count = 0
    for first in range(1, whole.disk.changes + 1, 2):
        for second in itertools.count(1 + first % 3, 3):
            platter, room = Platter(), second % 2
            one = Run(platter, "a", first, room=room)
            with suppress(Killed):
                one.go()
            seen = opened(platter)
            two = Run(platter, "b", second, room=room)
            with suppress(Killed):
                two.go()
            for image in itertools.islice(platter.images(), 0, None, 3):
                count += 1
                found = opened(image)
                assert mark(found, "b") >= mark(two.acknowledged, "b")
                if mark(two.acknowledged, "b") >= 0:
                    assert mark(found, "a") == mark(seen, "a")
                else:
                    assert mark(found, "a") >= mark(one.acknowledged, "a")
            if not two.disk.dead:
                break
    assert count > 500
