"""Texts of the files -> values: phones, names, durations, percentages, instants.

Every reader takes a scalar as it was written. What it cannot read is a `ValueError` whose text can stand
under the snippet's carets: it says what to write instead and never repeats the value, which may be personal.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from pnsync.model import NEVER

PHONE: Final = r"^\+?[ -]*(?:[0-9][ -]*){1,20}$"
NAME: Final = r"^[A-Za-z0-9._-]{1,100}$"
DURATION: Final = r"^[0-9]{1,10}[smhdw]?$"
LIFETIME: Final = r"^(?:never|[0-9]{1,10}[smhdw]?)$"
PERCENT: Final = r"^[0-9]{1,3}(?:\.[0-9]{1,3})?%$"
RENEW_BEFORE: Final = r"^(?:[0-9]{1,3}(?:\.[0-9]{1,3})?%|[0-9]{1,10}[smhdw]?)$"

MAX_SECONDS: Final = 100 * 365 * 86_400
"""The longest duration that is read: a century; what is meant to be longer is `never`."""

_SAFE_NAME = re.compile(r"(?=[0-9._-]*[A-Za-z])[A-Za-z0-9._-]{1,100}")
_ANY_NAME = re.compile(NAME)
_DURATION = re.compile(DURATION)
_PERCENT = re.compile(PERCENT)
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?([Zz]|([+-])(\d\d):(\d\d))?", re.ASCII
)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SIGNS = str.maketrans("", "", "+ -")


def phone_digits(text: str) -> str:
    """The digits of a phone that has the form PHONE, in which `+`, spaces and hyphens do not count."""
    return text if text.isdigit() else text.translate(_SIGNS)


def is_name(text: str) -> bool:
    """Whether a text may be the name of something, phone-like ones included."""
    return _ANY_NAME.fullmatch(text) is not None


def is_safe_name(text: str) -> bool:
    """Whether a text may be a name and cannot be a phone: 7 to 15 digits without a letter are refused."""
    if _SAFE_NAME.fullmatch(text):
        return True
    return is_name(text) and not 7 <= sum(map(str.isdigit, text)) <= 15


@cache
def duration(text: str) -> int:
    """The seconds of `86400`, `90s`, `15m`, `24h`, `3d` or `2w`."""
    if not _DURATION.fullmatch(text):
        raise ValueError("write seconds, or a number with s, m, h, d or w: 90s, 15m, 24h, 3d, 2w")
    unit = _UNITS.get(text[-1])
    seconds = int(text) if unit is None else int(text[:-1]) * unit
    if seconds > MAX_SECONDS:
        raise ValueError("a century is the most")
    return seconds


@cache
def percent(text: str) -> float:
    """The figure of `20%`, 0 to 100."""
    if not _PERCENT.fullmatch(text) or float(text[:-1]) > 100:
        raise ValueError("write a percentage from 0% to 100%")
    return float(text[:-1])


@cache
def instant(text: str) -> int:
    """The epoch seconds of an RFC 3339 instant, a fraction cut off, a leap second taken as the second after it."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError("write date, time and zone: 2026-12-24T18:00:00Z")
    if match[7] is None:
        raise ValueError("a zone is missing: add Z for UTC, or an offset like +08:00")
    year, month, day, hours, minutes, seconds = (int(match[i]) for i in range(1, 7))
    leap = seconds == 60
    zone_hours, zone_minutes = int(match[9] or 0), int(match[10] or 0)
    if zone_hours > 23 or zone_minutes > 59:
        raise ValueError("this offset does not exist")
    offset = timedelta(hours=zone_hours, minutes=zone_minutes) * (-1 if match[8] == "-" else 1)
    try:
        local = datetime(year, month, day, hours, minutes, 59 if leap else seconds, tzinfo=UTC)
    except ValueError:
        raise ValueError("this date or time does not exist") from None
    at = int(local.timestamp()) - int(offset.total_seconds()) + leap
    if not 0 < at < NEVER:
        raise ValueError("the year must lie between 1970 and 9999")
    return at


def shown_duration(seconds: int) -> str:
    """Seconds as people write them, exact: `15h`, `3d`, `90s`."""
    for unit in "dhm":
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"
