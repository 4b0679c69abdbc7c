"""Reading observed: every provider's listing, side by side.

A provider that cannot be read is a failure of its own and takes nothing from the others; what a listing is worth
stands in it (`Listing.problems`). Makes no writing call.
"""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from pnsync.errors import PnsyncError
from pnsync.interfaces import Clock, Provider
from pnsync.model import Listing, Observed
from pnsync.verdict import Read, Reading, Reporter


def observe(
    providers: Mapping[str, Provider],
    *,
    scans: int,
    report: Reporter,
    clock: Clock,
    only: Collection[str] | None = None,
) -> Observed:
    """Read the listings of all providers, or of those named; `scans=2` where an absence is to count."""
    names = sorted(name for name in providers if only is None or name in only)
    listings: dict[str, Listing] = {}
    failures: dict[str, PnsyncError] = {}

    def progress(provider: str, rows: int, total: int | None, pages: int) -> None:
        report(Reading(provider, rows, total, pages))

    def read(name: str) -> tuple[Listing | PnsyncError, float]:
        began = clock.monotonic()
        try:
            return providers[name].list(scans=scans, reading=progress), clock.monotonic() - began
        except PnsyncError as error:
            return error, clock.monotonic() - began

    if len(names) > 1:
        with ThreadPoolExecutor(len(names), thread_name_prefix="pnsync-read") as pool:
            found = list(pool.map(read, names))
    else:
        found = [read(name) for name in names]
    for name, (result, seconds) in zip(names, found, strict=True):
        if isinstance(result, PnsyncError):
            failures[name] = result
            continue
        listings[name] = result
        report(
            Read(
                name,
                providers[name].config.type.value,
                len(result.bindings),
                len(result.groups) + len(result.pools),
                result.pages,
                round(seconds, 3),
                result.problems,
            )
        )
    return Observed(listings, failures)


def calibrated(observed: Observed, zones: Mapping[str, int]) -> Observed:
    """The listings with naive expiry texts turned into instants, for providers whose zone is known.

    `zones` are seconds east of UTC by provider; LAAFFIC's texts name no zone (VENDORS 2.7 rule 5).
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
