"""LAAFFIC's expireTime: epoch, text with a zone, or text without one, whose zone is calibrated (docs/vendors.md, 2.7 rows 4,
5). Pure.

Nothing documents the zone of the naive text, so it is never assumed: until a binding of ours has calibrated it,
such an expiry is not known.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

_NAIVE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)", re.ASCII)
_ZONED: Final = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:?\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Expiry:
    """An instant where the text names one; else `naive`, the text read as if it were UTC; else nothing."""

    instant: int | None = None
    naive: int | None = None


def parse_expiry(value: Any) -> Expiry:
    """What an expireTime says; both None where it cannot be read, which never means expired."""
    if isinstance(value, bool) or value is None:
        return Expiry()
    if isinstance(value, int):
        value = str(value)
    if not isinstance(value, str):
        return Expiry()
    if value.isascii() and value.isdigit():
        if len(value) == 10:
            return Expiry(instant=int(value))
        return Expiry(instant=int(value) // 1000) if len(value) == 13 else Expiry()
    try:
        if found := _NAIVE.fullmatch(value):
            year, month, day, hour, minute, second = (int(one) for one in found.groups())
            naive = int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
            return Expiry(naive=naive) if naive > 0 else Expiry()
        if _ZONED.fullmatch(value):
            instant = int(datetime.fromisoformat(value).timestamp())
            return Expiry(instant=instant) if instant > 0 else Expiry()
    except (ValueError, OverflowError):
        pass
    return Expiry()
