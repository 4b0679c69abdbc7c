"""Refresh: what is recorded of a listing, on which grounds, and of whose account."""

from dataclasses import replace

import pytest
from stores.memory import MemoryPlace

from pnsync.comparing import run_refresh, run_verify
from pnsync.errors import StateError
from pnsync.journal import Opened, Recorded
from pnsync.matching import row_of
from pnsync.surgery import accept_account
from tests.readers import Vendor, record, stored, vendors, world
from tests.worlds import PROVIDERS, attempt, axb, desired, desk, made

ORDER, DESK = axb("order"), desk("desk")


@pytest.fixture
def place() -> MemoryPlace:
    """A state with a binding, and an attempt of which nothing is known."""
    found = MemoryPlace()
    record(found, Recorded(DESK.address, made(DESK)), Opened(attempt(ORDER)))
    return found


def test_what_the_listing_shows_is_recorded_after_two_scans(place: MemoryPlace) -> None:
    rows = [row_of(made(DESK)), row_of(made(ORDER, generation=2, age=10))]
    found = vendors(*rows)
    _, verdict = run_refresh(world(place, desired([ORDER, DESK]), found))
    assert [one.scans for one in found.values()] == [[2], [2]]
    assert ORDER.address in stored(place).entries and not stored(place).blocking()
    assert verdict.serial is not None and verdict.serial[1] > verdict.serial[0]


def test_another_account_is_not_listed_into_this_state(place: MemoryPlace) -> None:
    files = desired([ORDER, DESK])
    accept_account(world(place, files, vendors()), "nx")
    before = stored(place)
    with pytest.raises(StateError) as caught:
        run_refresh(world(place, files, {"nx": Vendor(PROVIDERS["nx"], account="theirs")}))
    assert caught.value.code == "A150" and stored(place) == before


def test_what_will_be_renewed_is_no_difference() -> None:
    place = MemoryPlace()
    late = replace(made(ORDER, age=0), expires_at=1_790_000_000 + 60, bound_at=1_790_000_000 - 86_000)
    record(place, Recorded(ORDER.address, late))
    found = run_verify(world(place, desired([ORDER]), vendors(row_of(late))))
    assert found.plan.changes == ()
    moved = replace(row_of(late), phone_x="447700900999")
    assert run_verify(world(place, desired([DESK, ORDER]), vendors(moved))).plan.changes != ()
