"""Reading observed: every provider's listing, side by side.

A provider that cannot be read is a failure of its own and takes nothing from the others; what a listing is worth
stands in it (`Listing.problems`). Makes no writing call.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import cast

from pnsync.errors import Interrupted, PnsyncError
from pnsync.interfaces import Clock, Dispatcher, Interrupt, Provider
from pnsync.model import Listing, Observed
from pnsync.verdict import Read, Reading, Reporter


def observe(
    providers: Mapping[str, Provider],
    *,
    scans: int,
    report: Reporter,
    clock: Clock,
    dispatcher: Callable[[int], Dispatcher],
    interrupt: Interrupt,
    only: Collection[str] | None = None,
) -> Observed:
    """Read the listings of all providers, or of those named; `scans=2` where an absence is to count.

    Raises Interrupted as soon as a signal comes, even when a vendor hangs.
    """
    names = sorted(name for name in providers if only is None or name in only)
    listings: dict[str, Listing] = {}
    failures: dict[str, PnsyncError] = {}
    if not names:
        return Observed(listings, failures)

    def progress(provider: str, rows: int, total: int | None, pages: int) -> None:
        report(Reading(provider, rows, total, pages))

    def read(name: str) -> tuple[Listing | PnsyncError, float]:
        began = clock.monotonic()
        try:
            return providers[name].list(scans=scans, reading=progress), clock.monotonic() - began
        except PnsyncError as error:
            return error, clock.monotonic() - began

    readers = dispatcher(len(names))
    found: dict[str, tuple[Listing | PnsyncError, float]] = {}
    for ticket, name in enumerate(names):
        readers.submit(ticket, partial(read, name))
    while len(found) < len(names):
        for ticket, result in readers.wait(None):
            found[names[ticket]] = cast(tuple[Listing | PnsyncError, float], result)
        if interrupt.signal is not None and len(found) < len(names):
            raise Interrupted(interrupt.signal)
    for name in names:
        listing, seconds = found[name]
        if isinstance(listing, PnsyncError):
            failures[name] = listing
            continue
        listings[name] = listing
        report(
            Read(
                name,
                providers[name].config.type.value,
                len(listing.bindings),
                len(listing.groups) + len(listing.pools),
                listing.pages,
                round(seconds, 3),
                listing.problems,
            )
        )
    return Observed(listings, failures)


def calibrated(observed: Observed, zones: Mapping[str, int]) -> Observed:
    """The listings with naive expiry texts turned into instants, for providers whose zone is known.

    `zones` are seconds east of UTC by provider; LAAFFIC's texts name no zone (docs/vendors.md, 2.7 rule 5).
    """
    listings: dict[str, Listing] = {}
    for name, listing in observed.listings.items():
        zone = zones.get(name)
        if zone is None:
            listings[name] = listing
            continue
        rows = tuple(
            replace(row, expires_at=row.naive_expiry - zone)
            if row.expires_at is None and row.naive_expiry is not None
            else row
            for row in listing.bindings
        )
        listings[name] = replace(listing, bindings=rows)
    return Observed(listings, observed.failures)
