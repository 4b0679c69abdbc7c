"""Telephone numbers: the `Phone` type, whose text forms are masked, and country codes.

A `Phone` is personal data by default: `str`, `repr` and `format` show country code, dots and the last two
digits, so that a number cannot slip into a log or a traceback. The digits are read only by asking for
`.digits`. X numbers (dids) are not personal and stay plain `str`. No I/O; standard library only.
"""

import re
from functools import cache
from typing import Final

DOTS = "••••"
_TYPED: Final = re.compile(r"((?:bindings\.|groups\.)?)([0-9 +().-]+)")

# The E.164 country calling codes, as ITU-T assigns them (zones 1 and 7 are whole; the rest by two or three digits).
_TWO_DIGIT_CODES = (
    "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 "
    "81 82 84 86 90 91 92 93 94 95 98"
)
_THREE_DIGIT_CODES = (
    "211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 238 239 240 "
    "241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 266 267 "
    "268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 372 373 374 375 376 377 378 "
    "379 380 381 382 383 385 386 387 389 420 421 423 500 501 502 503 504 505 506 507 508 509 590 591 592 593 "
    "594 595 596 597 598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 "
    "692 800 808 850 852 853 855 856 870 878 880 881 882 883 886 888 960 961 962 963 964 965 966 967 968 970 "
    "971 972 973 974 975 976 977 979 992 993 994 995 996 998"
)
_TWO_DIGIT = frozenset(_TWO_DIGIT_CODES.split())
_THREE_DIGIT = frozenset(_THREE_DIGIT_CODES.split())


def country_code(digits: str) -> str:
    """The country calling code that an international number begins with, or "" when none is assigned."""
    return _code_of(digits[:3])


@cache
def _code_of(head: str) -> str:
    if head[:1] in ("1", "7"):
        return head[:1]
    if head[:2] in _TWO_DIGIT:
        return head[:2]
    return head if head in _THREE_DIGIT else ""


def mask(digits: str) -> str:
    """Country code, dots and the last two digits; a number too short to hide anything shows dots alone."""
    code = country_code(digits)
    if len(digits) < len(code) + 5:
        return DOTS
    return f"{code}{DOTS}{digits[-2:]}"


def typed(name: str) -> str:
    """What was typed in the place of a name: masked where it can only be a phone, as no name is one."""
    found = _TYPED.fullmatch(name)
    digits = "".join(filter(str.isdigit, found[2])) if found else ""
    return f"{found[1]}{mask(digits)}" if found and len(digits) >= 7 else name


class Phone:
    """A real number: 1 to 20 digits with country code, no sign. Equal by digits; shows itself masked."""

    __slots__ = ("digits",)
    digits: str

    def __init__(self, digits: str) -> None:
        self.digits = digits

    @property
    def country_code(self) -> str:
        """The calling code, "" when none is assigned."""
        return country_code(self.digits)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Phone) and other.digits == self.digits

    def __hash__(self) -> int:
        return hash(self.digits)

    def __lt__(self, other: "Phone") -> bool:
        return self.digits < other.digits

    def __repr__(self) -> str:
        return f"Phone({mask(self.digits)})"

    def __str__(self) -> str:
        return mask(self.digits)

    def __format__(self, spec: str) -> str:
        return format(mask(self.digits), spec)

    def __reduce__(self) -> tuple[type["Phone"], tuple[str]]:
        return (Phone, (self.digits,))
