"""Listings that move, repeat, lie or do not end: what is concluded, and what becomes a problem."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnsync.providers import scanning
from pnsync.providers.decoding import Unreadable
from pnsync.providers.scanning import Page, Scanned, scan_listing

from .world import ManualClock

Fetch = Callable[[int, int], Page]


def row(raw: Any, flaws: Counter[str]) -> tuple[str, Any]:
    if raw == "flawed":
        flaws["its expiry is not an instant"] += 1
    if raw == "broken":
        raise Unreadable("its id is missing")
    return str(raw), raw


def scan(fetch: Fetch, scans: int = 1, clock: ManualClock | None = None) -> Scanned[Any]:
    clock = clock or ManualClock()

    def timed(number: int, offset: int) -> Page:
        clock.pass_time(1)
        return fetch(number, offset)

    return scan_listing("rows", timed, row, scans=scans, clock=clock, reading=lambda *_: None)


class Vendor:
    """Serves rows by offset, a list for each scan; the last one for ever."""

    def __init__(self, *scans: list[Any], size: int = 2, total: str = "all") -> None:
        self.scans = list(scans)
        self.size = size
        self.total = total
        self.begun = 0

    def __call__(self, _: int, offset: int) -> Page:
        if offset == 0:
            self.begun += 1
        rows = self.scans[min(self.begun, len(self.scans)) - 1]
        page = rows[offset : offset + self.size]
        total = {
            "all": len(rows),
            "page": len(page),
            "none": None,
            "more": len(rows) + 1,
            "zero": 0,
            "less": min(1, len(rows)),
        }
        return Page(page, total[self.total])


@given(
    st.lists(st.integers(0, 50), unique=True),
    st.integers(1, 7),
    st.sampled_from(["all", "page", "none", "zero", "less"]),
)
def test_a_listing_that_stands_still_is_whole(rows: list[int], size: int, total: str) -> None:
    vendor = Vendor(rows, size=size, total=total)
    found = scan(vendor, scans=2)
    assert (list(found.rows), found.scans, found.problems) == (rows, 2, ())
    assert found.pages == 2 * (-(-len(rows) // size) + 1)
    assert vendor.begun == 2


def test_a_total_that_promises_more_is_a_problem() -> None:
    found = scan(Vendor([1, 2, 3], total="more"))
    assert list(found.rows) == [1, 2, 3]
    assert "fewer rows" in found.problems[0]


def test_two_scans_that_differ_are_followed_by_others() -> None:
    clock = ManualClock()
    began = clock.now()
    vendor = Vendor([1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 4])
    found = scan(vendor, 2, clock)
    assert (list(found.rows), found.scans, found.problems) == ([1, 2, 3, 4], 2, ())
    # Each scan here takes three pages of a second: absence may be judged by when the first agreeing one began.
    assert found.started_at == began + 3
    assert vendor.begun == 3


@pytest.mark.parametrize(
    ("first", "then", "clocks", "trusted"),
    [
        ([1, 2], [], (0.0, -2000.0), False),
        ([1, 2], [2, 3], (0.0, 61.0), False),
        ([1, 2], [2, 3], (0.0, 60.0), True),
        ([2], [1, 2], (0.0, -2000.0), True),
        ([1, 2], [2], (300.0, 300.0), True),
    ],
    ids=["empty", "apart", "nearly", "more", "one clock"],
)
def test_what_a_server_with_another_clock_lacks_is_not_gone(
    first: list[int], then: list[int], clocks: tuple[float, float], trusted: bool
) -> None:
    """It may be behind in what it lists, too; two scans of it agree."""
    vendor, clock = Vendor(first, then, then), ManualClock()
    found = scan_listing(
        "rows", vendor, row, scans=2, clock=clock, reading=lambda *_: None,
        ahead=lambda: clocks[min(vendor.begun, 2) - 1],
    )  # fmt: skip
    assert (list(found.rows), found.scans, not found.problems) == (then, 2, trusted)


def test_one_scan_begins_when_it_began() -> None:
    clock = ManualClock()
    assert scan(Vendor([1]), 1, clock).started_at == clock.now() - 2


@pytest.mark.parametrize("scans", [1, 2])
def test_a_row_that_comes_twice_is_scanned_again(scans: int) -> None:
    vendor = Vendor([1, 2, 2, 3], [1, 2, 3], [1, 2, 3])
    found = scan(vendor, scans)
    assert (list(found.rows), found.problems) == ([1, 2, 3], ())
    assert vendor.begun == scans + 1


def test_a_row_that_comes_twice_tells_even_where_no_total_does() -> None:
    vendor = Vendor([1, 2, 2, 3], [1, 2, 3], total="none")
    assert (list(scan(vendor).rows), vendor.begun) == ([1, 2, 3], 2)


def test_a_scan_that_moved_parts_those_around_it() -> None:
    vendor = Vendor([1, 2, 3], [1, 2, 2, 3], [1, 2, 3], [1, 2, 3])
    assert (scan(vendor, 2).problems, vendor.begun) == ((), 4)


def test_a_listing_that_never_holds_still_is_a_problem() -> None:
    vendor = Vendor([1], [2], [3], [4], [5], [6])
    found = scan(vendor, 2)
    assert vendor.begun == 5
    assert list(found.rows) == [5]
    assert found.scans == 1
    assert "would not hold still" in found.problems[0]
    # Seen alone, each of its scans is consistent.
    assert not scan(Vendor([1], [2])).problems


def test_the_scans_that_agree_must_follow_each_other() -> None:
    assert scan(Vendor([1], [2], [1], [2], [1], [2]), 2).problems


def test_pages_without_end_are_left() -> None:
    calls: list[int] = []

    def fetch(_: int, offset: int) -> Page:
        calls.append(offset)
        return Page(["a", "b"], 2)

    found = scan(fetch)
    assert "do not end" in found.problems[0]
    assert list(found.rows) == ["a", "b"]
    assert len(calls) == 5 * 4


def test_a_total_that_changes_between_pages_is_scanned_again() -> None:
    totals = iter([4, 3, 3, 3, 3, 3])

    def fetch(_: int, offset: int) -> Page:
        return Page([1, 2, 3][offset : offset + 2], next(totals))

    assert scan(fetch).problems == ()
    assert next(totals, None) is None


def test_an_end_told_too_early_is_scanned_again() -> None:
    ends = iter([True, False])

    def fetch(_: int, offset: int) -> Page:
        if offset >= 2 and next(ends, offset >= 4):
            return Page((), past_end=True)
        return Page([1, 2, 3, 4][offset : offset + 2], 4)

    found = scan(fetch)
    assert (list(found.rows), found.problems) == ([1, 2, 3, 4], ())


def test_rows_that_cannot_be_read_are_counted_by_kind() -> None:
    found = scan(Vendor([1, "broken", "flawed", "broken"], total="all"), 2)
    assert list(found.rows) == [1, "flawed"]
    assert found.problems == (
        "1 row of the rows: its expiry is not an instant",
        "2 rows of the rows: its id is missing",
    )
    assert found.scans == 2


@pytest.mark.parametrize("overflow", [[3, 4], [4, 3], [1, 2]])
def test_a_last_page_that_repeats_past_the_end_is_the_end(overflow: list[int]) -> None:
    def fetch(number: int, _: int) -> Page:
        return Page([[1, 2], [3, 4]][number] if number < 2 else overflow, 4, 2)

    found = scan(fetch, 2)
    assert (list(found.rows), found.problems) == ([1, 2, 3, 4], ())


@pytest.mark.parametrize("total", [3, None])
def test_a_repeated_page_is_no_end_where_no_total_says_so(total: int | None) -> None:
    def fetch(number: int, _: int) -> Page:
        return Page([1, 2] if number == 0 else [2, 1], total, 1)

    assert scan(fetch).problems


def test_scans_agree_on_rows_that_cannot_be_read_too() -> None:
    vendor = Vendor([1, "broken"], [1], [1], total="none")
    assert (scan(vendor, 2).problems, vendor.begun) == ((), 3)


def test_pages_may_lie_as_long_as_rows_come() -> None:
    def fetch(number: int, _: int) -> Page:
        return Page([number] if number < 5 else [], 5, 1)

    found = scan(fetch)
    assert (list(found.rows), found.problems) == ([0, 1, 2, 3, 4], ())


def test_watchers_are_told_of_each_page() -> None:
    told: list[tuple[int, int | None, int]] = []
    scan_listing(
        "rows",
        Vendor([1, 2, 3]),
        row,
        scans=1,
        clock=ManualClock(),
        reading=lambda rows, total, pages: told.append((rows, total, pages)),
    )
    assert told == [(2, 3, 1), (3, 3, 2)]


def test_a_listing_that_brings_new_rows_for_ever_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "MAX_ROWS", 20)

    def fetch(number: int, offset: int) -> Page:
        assert number < 20, "nothing ends it"
        return Page([offset, offset + 1])

    assert "more than 20 rows" in scan(fetch).problems[0]
