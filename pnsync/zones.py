"""LAAFFIC's expiry texts name no zone: which zones explain one, and the note that keeps a calibrated zone. Pure.

A zone is in seconds east of UTC, a multiple of 15 minutes within 14 hours (docs/vendors.md, 2.7 rule 5).
"""

ZONE_STEP_SECONDS = 900
ZONE_LIMIT_SECONDS = 14 * 3600
ZONE_RESIDUE_SECONDS = 120
CERTAIN_SECONDS = ZONE_STEP_SECONDS - ZONE_RESIDUE_SECONDS
"""How late at most a bind took effect whose end tells the zone: one that was later could pass for another zone."""


def zone_note(provider: str) -> str:
    """The name of the note that holds a provider's calibrated zone, in seconds east of UTC."""
    return f"zone.{provider}"


def zone_of(naive: int, expected: float) -> int | None:
    """The zone, in seconds east of UTC, that explains a naive expiry (docs/vendors.md, 2.7 rule 5); None when none does."""
    offset = naive - expected
    zone = round(offset / ZONE_STEP_SECONDS) * ZONE_STEP_SECONDS
    fits = abs(offset - zone) < ZONE_RESIDUE_SECONDS and abs(zone) <= ZONE_LIMIT_SECONDS
    return zone if fits else None


def zone_between(naive: int, earliest: float, latest: float) -> int | None:
    """A zone under which a naive expiry falls between two instants, None when there is none."""
    first = zone_of(naive, earliest)
    if first is not None:
        return first
    steps = range(-ZONE_LIMIT_SECONDS, ZONE_LIMIT_SECONDS + 1, ZONE_STEP_SECONDS)
    return next((zone for zone in steps if earliest <= naive - zone <= latest), None)
