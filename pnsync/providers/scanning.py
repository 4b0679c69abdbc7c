"""Listings read until they can be trusted: page by page to the empty one, again when they moved meanwhile.

Neither vendor's pages are a snapshot (docs/vendors.md, 1.7 and 2.6). One scan is consistent when no id came
twice and it holds as many rows as the vendor says there are. `scans=2` asks for two consistent scans in a row
with the same ids. Rows that are gone where another server answers, whose clock is another, are missing there and not gone.
Whatever stays in doubt is a problem, never a silent gap.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from pnsync.interfaces import Clock
from pnsync.providers.decoding import Unreadable

SCAN_TRIES: Final = 5
STALLED_PAGES: Final = 3
"""Pages in a row without a new id after which a listing is taken to have no end."""
MAX_ROWS: Final = 5_000_000
APART_SECONDS: Final = 60.0
"""Clocks of one vendor's servers that are further apart: such a server may be behind in what it lists, too."""

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page:
    """One page as the vendor sent it. `past_end`: the vendor said that the listing ends before it."""

    rows: Sequence[Any]
    total: int | None = None
    pages: int | None = None
    past_end: bool = False


@dataclass(slots=True)
class Scan(Generic[Row]):
    """One pass over a listing."""

    started_at: float
    rows: dict[str, Row] = field(default_factory=dict)
    flaws: Counter[str] = field(default_factory=Counter)
    pages: int = 0
    nameless: int = 0
    moved: str = ""
    """Why it is not consistent, "" when it is."""
    ahead: float = 0.0
    """Seconds that the vendor's clock was ahead when it ended."""


@dataclass(frozen=True, slots=True)
class Scanned(Generic[Row]):
    """What scanning came to. `started_at` is when the first of the agreeing scans began."""

    rows: tuple[Row, ...]
    started_at: float
    scans: int
    pages: int
    problems: tuple[str, ...]


def scan_listing(
    what: str,
    fetch: Callable[[int, int], Page],
    read_row: Callable[[Any, Counter[str]], tuple[str, Row]],
    *,
    scans: int,
    clock: Clock,
    reading: Callable[[int, int | None, int], None],
    ahead: Callable[[], float] = lambda: 0.0,
) -> Scanned[Row]:
    """Read a listing until `scans` scans in a row are consistent and agree, in at most 5 (but `scans`) tries.

    `fetch(page, offset)` reads a page: pages count from 0, `offset` is the rows received so far. `read_row` gives
    a row's id and the row, counts a flaw that leaves the row usable, and raises Unreadable where there is none. `ahead`
    tells the seconds that the vendor's clock is ahead, as its answers tell.
    """
    pages = 0
    agreeing: list[Scan[Row]] = []
    shown: list[tuple[float, frozenset[str]]] = []
    last: Scan[Row] | None = None
    for _ in range(max(SCAN_TRIES, scans)):
        last = _scan(fetch, read_row, clock, reading)
        last.ahead = ahead()
        shown.append((last.ahead, frozenset(last.rows)))
        pages += last.pages
        if last.moved:
            agreeing = []
            continue
        if agreeing and not _same(agreeing[-1], last):
            agreeing = []
        agreeing.append(last)
        if len(agreeing) >= scans:
            break
    assert last is not None
    problems = [
        f"{count} row{'s' if count > 1 else ''} of the {what}: {flaw}"
        for flaw, count in sorted(last.flaws.items())
    ]
    if len(agreeing) < scans:
        problems.append(
            f"the listing of {what} would not hold still: {last.moved or 'its rows kept changing'}"
        )
    elif any(_lost(*one, last) for one in shown):
        problems.append(f"the listing of {what} lacks rows that a server with another clock has just shown")
    first = agreeing[0] if agreeing else last
    return Scanned(tuple(last.rows.values()), first.started_at, max(1, len(agreeing)), pages, tuple(problems))


def _lost(ahead: float, names: frozenset[str], last: Scan[Row]) -> bool:
    """Whether rows are gone because another server answered, which may be behind."""
    return abs(ahead - last.ahead) > APART_SECONDS and not names <= last.rows.keys()


def _same(one: Scan[Row], other: Scan[Row]) -> bool:
    return one.rows.keys() == other.rows.keys() and one.nameless == other.nameless


def _scan(
    fetch: Callable[[int, int], Page],
    read_row: Callable[[Any, Counter[str]], tuple[str, Row]],
    clock: Clock,
    reading: Callable[[int, int | None, int], None],
) -> Scan[Row]:
    scan: Scan[Row] = Scan(clock.now())
    totals: list[tuple[int, int]] = []
    received = stalled = number = 0
    ends_at: int | None = None
    while True:
        page = fetch(number, received)
        scan.pages += 1
        if page.past_end:
            break  # before its total is reached, that is a fault like any row that is missing (docs/vendors.md, 1.6: 10012)
        if page.total is not None:
            totals.append((page.total, len(page.rows)))
        if not page.rows:
            break
        known = len(scan.rows)
        repeated = _take(page, scan, read_row)
        received += len(page.rows)
        number += 1
        reading(len(scan.rows), page.total, scan.pages)
        if repeated:
            overflow = ends_at is not None and number > ends_at and len(scan.rows) == known
            if overflow and page.total is not None:
                break  # a page past the last one shows the last one again (docs/vendors.md, 2.6: judge rows received)
            scan.moved = scan.moved or "a row came twice"
        ends_at = page.pages if page.pages is not None else ends_at
        stalled = stalled + 1 if len(scan.rows) == known else 0
        if stalled >= STALLED_PAGES:
            scan.moved = "its pages bring nothing new and do not end"
            break
        if received > MAX_ROWS:
            scan.moved = f"it holds more than {MAX_ROWS} rows"
            break
    if not scan.moved:
        scan.moved = _total_fault(totals, len(scan.rows) + scan.nameless)
    return scan


def _take(page: Page, scan: Scan[Row], read_row: Callable[[Any, Counter[str]], tuple[str, Row]]) -> bool:
    """Add a page's rows; whether one of them was there already."""
    repeated = False
    for raw in page.rows:
        try:
            name, row = read_row(raw, scan.flaws)
        except Unreadable as error:
            scan.flaws[str(error)] += 1
            scan.nameless += 1
            continue
        if name in scan.rows:
            repeated = True
        scan.rows[name] = row
    return repeated


def _total_fault(totals: Sequence[tuple[int, int]], count: int) -> str:
    """Why the totals tell that rows are missing; "" when they do not.

    A total may count the page (docs/vendors.md, 1.7); then it equals each page's rows. A grand total that is constant and
    greater than what came means missing rows; a smaller one contradicts nothing that was seen.
    """
    if not totals or all(total == rows for total, rows in totals):
        return ""
    grand = {total for total, rows in totals if rows or total}
    if len(grand) > 1:
        return "its total changed between pages"
    if grand and grand.pop() > count:
        return "it shows fewer rows than its total says"
    return ""
