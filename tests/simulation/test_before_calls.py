"""What stands before a call: the state that is held, a listing that is read under it and fresh, room for its record."""

import errno
from typing import Any

import pytest

from pnsync.errors import ExitCode

from .disk import SimDisk
from .process import Process
from .test_directed import DRIVER, RIDE, Scenario


def applied() -> Scenario:
    """Two bindings, of which the files have dropped one."""
    one = Scenario(RIDE, DRIVER)
    one.apply()
    del one.universe.files.bindings["ride"]
    return one


def test_nothing_is_asked_of_a_vendor_before_the_state_is_held() -> None:
    """A listing from before could show what another run has unbound and bound since."""
    one = applied()
    process = Process()
    held: list[bool] = []

    def point(name: str) -> bool:
        if name == "send":
            locks = one.universe.image.locks.values()
            held.append(any(holder == id(process) for holder, _ in locks))
        return Process.point(process, name)

    process.point = point  # type: ignore[method-assign]
    one.universe.apply(one.random, process=process)
    assert one.live("nx") == [] and len(held) > 3 and all(held)
    one.end()


@pytest.mark.parametrize(("seconds", "again"), [(500, False), (700, True)])
def test_a_listing_that_grew_old_while_a_person_thought_is_read_again(seconds: int, again: bool) -> None:
    one = applied()
    process = Process()
    before: list[str] = []

    def confirm(document: dict[str, Any]) -> bool:
        one.universe.time.seconds += seconds
        before.extend(process.names)
        return True

    one.universe._confirm = confirm  # type: ignore[method-assign]
    run = one.universe.apply(one.random, process=process)
    assert run.verdict is not None and run.verdict.exit is ExitCode.DONE
    assert one.live("nx") == []
    sent = process.names[len(before) :].count("send")
    assert (sent > 1) is again, "the unbind alone, or a listing before it"


class Full(SimDisk):
    """A disk with room for a little, and not for what is reserved."""

    asked = 0

    def allocate(self, fd: int, offset: int, size: int) -> None:
        self.asked = size
        raise OSError(errno.ENOSPC, "no space")


@pytest.mark.parametrize("first", [False, True], ids=["later", "first"])
def test_without_room_for_all_its_records_no_call_is_made(first: bool) -> None:
    one = Scenario(RIDE) if first else applied()
    process = Process()
    disk = Full(one.universe.image, process)
    calls = len(one.universe.vendors["nx"].requests)
    run = one.universe.apply(one.random, process=process, disk=disk)
    assert run.error is not None and (run.error.code, run.error.exit_code) == ("S920", ExitCode.STATE)
    assert len(one.universe.vendors["nx"].requests) == calls and disk.asked > 1 << 20
    one.end()
