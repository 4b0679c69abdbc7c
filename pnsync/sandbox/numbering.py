"""Country calling codes, as the simulated vendors judge them (E.164: no code is the beginning of another).

Of codes of three digits only the zone is checked, not whether the code is in use today.
"""

_ONE_DIGIT = frozenset("17")
_ZONES_OF_THREE = frozenset(
    str(zone) for zone in (*range(21, 27), 29, 35, 37, 38, 42, 50, 59, 67, 68, 69, 80, 85, 87, 88, 96, 97, 99)
)
_UNUSED = frozenset({"28", "83", "89"})
_TWO_DIGITS = frozenset(map(str, range(20, 99))) - _ZONES_OF_THREE - _UNUSED


def country_code(number: str) -> str | None:
    """The calling code that `number` (digits) begins with, None where it begins with none."""
    if number[:1] in _ONE_DIGIT:
        return number[:1]
    zone = number[:2]
    if zone in _TWO_DIGITS:
        return zone
    if zone in _ZONES_OF_THREE and len(number) > 2:
        return number[:3]
    return None
