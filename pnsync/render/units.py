"""Figures as people read them: counts with separators, durations in two units, instants without what is known.

Pure; everything is in English and UTC whatever the machine's locale is.
"""

from datetime import UTC, datetime
from typing import Final

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SIZES: Final = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
NEAR_DAYS: Final = 300
"""Instants nearer than this are told without their year."""


def number(count: int) -> str:
    """A count with thousands separators: `1,204`."""
    return f"{count:,}"


def counted(count: int, one: str, many: str = "") -> str:
    """A count with its noun: `1 binding`, `1,204 bindings`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """A duration in its two largest units: `<0.1 s`, `0.3 s`, `12 s`, `9 h 12 m`, `3 d`."""
    if 0 < seconds < 0.05:
        return "<0.1 s"
    if seconds < 10:
        tenths = f"{max(seconds, 0):.1f}"
        return f"{tenths.removesuffix('.0')} s"
    rest = int(seconds)
    parts: list[str] = []
    for size, unit in _SIZES:
        many, rest = divmod(rest, size)
        if many:
            parts.append(f"{many:,} {unit}")
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts)


def moment(instant: str, now: str) -> str:
    """An RFC 3339 instant to the minute, seconds where they are not 0, the year where it is far: `24 Dec 18:00Z`."""
    then = parsed(instant)
    reference = parsed(now)
    if then is None:
        return instant
    clock = then.strftime("%H:%M:%SZ" if then.second else "%H:%MZ")
    far = reference is None or abs((then - reference).days) > NEAR_DAYS
    year = f" {then.year}" if far else ""
    return f"{then.day} {_MONTHS[then.month - 1]}{year} {clock}"


def parsed(instant: str | None) -> datetime | None:
    """An RFC 3339 instant, None where it is none."""
    if not isinstance(instant, str):
        return None
    try:
        found = datetime.fromisoformat(instant)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None
