"""Numbers apart from bindings: files that map names to phones, plain YAML or sealed (`….age`, or SOPS).

Promises: a phone written as a name becomes the number of that name, and is known as named; names that are missing,
stand twice or are used by nothing are told, and no sealed line enters a snippet. Where names suffice, or a run has no
key, a stand-in takes the number's place, which never leaves what was asked for it. Must not write a file.
"""

import hashlib
import re
from collections.abc import Mapping as MappingLike
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from pnsync import yamlfile
from pnsync.config import scalars
from pnsync.config.complaints import kind_of
from pnsync.config.findings import Findings, quoted
from pnsync.config.opening import Opener, sealed
from pnsync.config.sources import Source, SourceRefused
from pnsync.errors import SourceSpan
from pnsync.phone import country_code
from pnsync.sealing.identity import NoKey
from pnsync.yamlfile import Limits, Mapping, Sequence

KEY: Final = "numbers"
_PHONE: Final = re.compile(scalars.PHONE)
GLOB: Final = re.compile(r"[*?\[]")
"""What makes a path a pattern of many."""
_NAME: Final = re.compile(r"(?=[0-9._-]*[A-Za-z])[A-Za-z0-9._-]{1,100}")


class Reading(Enum):
    """What is read of files of numbers."""

    NUMBERS = "every file; a name without a number is an error"
    AVAILABLE = "what is there and can be opened; a stand-in for what may be in the rest"
    NAMES = "nothing: each name gets a stand-in"


UNPROVEN: Final = frozenset({"E310", "E316"})
"""Findings that a stand-in makes: a phone not in a group, a group of another country."""
STAND_IN_DIGITS: Final = 16
"""Of a stand-in behind its country code: longer than any number of a number plan."""


def stand_in(name: str, code: str = "1") -> str:
    """Digits in the place of a number that is not known, the same for the same name behind the country code."""
    made = int.from_bytes(hashlib.sha256(name.encode()).digest())
    return code + str(made)[-STAND_IN_DIGITS:]


def is_number_name(text: object) -> bool:
    """Whether a text may name a number: what a name of anything is, with a letter in it."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def blank(text: str) -> bool:
    """Whether a file holds no number: nothing at all, or comments."""
    return all(not line.strip() or line.lstrip().startswith("#") for line in text.split("\n"))


@dataclass(frozen=True, slots=True)
class Named:
    """One number of a file."""

    name: str
    digits: str = field(repr=False)
    span: SourceSpan
    sealed: bool


@dataclass(slots=True)
class Book:
    """The numbers of all files by name. `whole` False: a file could not be read, so that a name may be in it.

    `closed`: a name without a number gets a stand-in.
    """

    numbers: dict[str, Named] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    whole: bool = True
    closed: bool = False

    def resolve(
        self, holder: Mapping | Sequence, keys: MappingLike[str | int, str], findings: Findings
    ) -> "Resolved":
        """Put the numbers of names into a mapping or sequence; what has no number stays, and is told.

        `keys` are the places to look at, each with how it is called in a message.
        """
        places: Any = holder
        span: Any = holder.span_of_value if isinstance(holder, Mapping) else holder.span_of_item
        names: dict[str | int, str] = {}
        missing: set[str | int] = set()
        for key, called in keys.items():
            value = places[key]
            if not is_number_name(value):
                continue
            found = self.numbers.get(value)
            if found is None and self.closed:
                names[key] = value
                places[key] = stand_in(value, _country(holder))
                continue
            if found is None:
                missing.add(key)
                if self.whole:
                    findings.report(
                        "E270",
                        f"{called} names no number: {quoted(value)}",
                        span(key),
                        label=findings.nearest(value, self.numbers),
                    )
                continue
            self.used.add(value)
            names[key] = value
            places[key] = found.digits
        return Resolved(names, frozenset(missing))

    def report_unused(self, findings: Findings) -> None:
        """Tell the names that nothing uses."""
        if not self.whole:
            return
        for name, one in self.numbers.items():
            if name not in self.used:
                findings.report("W410", f"nothing uses the number {name}", one.span, secret=one.sealed)


def _country(holder: Mapping | Sequence) -> str:
    """The country code that a stand-in beside real numbers needs, as all phones of a binding share one."""
    beside = (
        [holder.get(key) for key in ("phone_x", "phone_a", "phone_b")]
        if isinstance(holder, Mapping)
        else holder
    )
    codes = (
        country_code(scalars.phone_digits(one))
        for one in beside
        if isinstance(one, str) and _PHONE.fullmatch(one)
    )
    return next(filter(None, codes), "1")


@dataclass(frozen=True, slots=True)
class Resolved:
    """The names that stood at places and have their numbers there now, and the places whose names are missing."""

    names: MappingLike[str | int, str]
    missing: frozenset[str | int]


NOTHING: Final = Resolved({}, frozenset())


def number_patterns(root: Mapping, findings: Findings) -> list[tuple[str, SourceSpan]]:
    """The files or patterns under `numbers`, each with its place."""
    value = root.get(KEY)
    if KEY not in root:
        return []
    if isinstance(value, str):
        return [(value, root.span_of_value(KEY))]
    if isinstance(value, Sequence) and value and all(isinstance(one, str) for one in value):
        return [(str(one), value.span_of_item(i)) for i, one in enumerate(value)]
    findings.incomplete = True
    findings.report(
        "E235", f"numbers must be a path or a list of them, got {kind_of(value)}", root.span_of_key(KEY),
        label="like numbers.yaml, or numbers/*.yaml.age",
    )  # fmt: skip
    return []


def read_book(
    root: Mapping,
    source: Source,
    environ: MappingLike[str, str],
    limits: Limits,
    findings: Findings,
    reading: Reading = Reading.NUMBERS,
) -> Book | None:
    """The numbers that the root file names; None where it names none. Raises UsageError for what cannot be opened."""
    if KEY not in root:
        return None
    book = Book(closed=reading is Reading.NAMES, whole=reading is not Reading.NAMES)
    opener = Opener(environ)
    seen: set[str] = set()
    for pattern, span in number_patterns(root, findings):
        try:
            files = source.glob(pattern)
        except SourceRefused as error:
            book.whole = False
            findings.report(error.code, error.summary, span, label=error.label)
            continue
        if reading is Reading.NAMES:
            continue
        if not files:
            book.whole = False
            if reading is Reading.AVAILABLE and not GLOB.search(pattern):
                _leave_closed(book, pattern, "it is not here", span, findings)
            else:
                _report_missing(pattern, span, findings)
        for name in files:
            if name not in seen:
                seen.add(name)
                try:
                    _read_file(name, span, source, opener, limits, book, findings)
                except NoKey:
                    if reading is not Reading.AVAILABLE:
                        raise
                    _leave_closed(
                        book, name, "it is sealed, and this run has no age identity", span, findings
                    )
    return book


def _report_missing(pattern: str, span: SourceSpan, findings: Findings) -> None:
    findings.report(
        "E236",
        "this pattern matches no file" if GLOB.search(pattern) else "the file of numbers is not here",
        span,
        label="relative to the folder of the root file",
        advice="a plain one is ignored by Git: copy it here, write it from a secret of the CI, or seal it, so that it can "
        "be committed: age -a -r age1… -o numbers.yaml.age numbers.yaml",
    )


def _leave_closed(book: Book, name: str, why: str, span: SourceSpan, findings: Findings) -> None:
    book.closed, book.whole = True, False
    findings.report(
        "W411", f"the numbers of {name} were not read", span, label=why,
        advice="names were not checked against them; plan and apply need them",
    )  # fmt: skip


def _read_file(
    name: str,
    span: SourceSpan,
    source: Source,
    opener: Opener,
    limits: Limits,
    book: Book,
    findings: Findings,
) -> None:
    try:
        data = source.read(name, limits.bytes_left)
    except SourceRefused as error:
        book.whole = False
        findings.report(error.code, f"{error.summary}: {name}", span, label=error.label)
        return
    _read_numbers(opener.open(name, data), name, sealed(data, name), limits, book, findings)


def _read_numbers(
    data: bytes, name: str, sealed: bool, limits: Limits, book: Book, findings: Findings
) -> None:
    if blank(data.decode("utf-8", "replace")):
        return
    node, found = yamlfile.load(data, name, limits)
    for one in found:
        findings.report(
            one.code, one.summary, one.span, label="" if sealed else one.label, advice=one.advice, secret=sealed or one.secret
        )  # fmt: skip
    if node is None:
        book.whole = False
        return
    for key, value in node.items():
        place = node.span_of_value(key) if value is not None else node.span_of_key(key)
        if not is_number_name(key):
            findings.report(
                "E271", "a number's name must have a letter", node.span_of_key(key), secret=sealed,
                label="1 to 100 letters, digits, dots, underscores and hyphens, one letter at least",
            )  # fmt: skip
        elif isinstance(value, str) and value.startswith("ENC["):
            findings.report(
                "E202", f"the number {key} is a value of SOPS, without what opens it", place, secret=True,
                label="the file was cut off: its last part begins with `sops:`",
            )  # fmt: skip
        elif not isinstance(value, str) or not _PHONE.fullmatch(value):
            findings.report(
                "E202", f"the number {key} must be a phone of 1 to 20 digits", place, secret=sealed
            )
        elif not country_code(scalars.phone_digits(value)):
            findings.report("E206", f"the number {key} begins with no country code", place, secret=sealed)
        elif key in book.numbers:
            other = book.numbers[key].span
            findings.report(
                "E272", f"two numbers are named {key}", node.span_of_key(key), secret=sealed,
                label=f"also at {other.file}:{other.line}",
            )  # fmt: skip
        else:
            book.numbers[key] = Named(key, scalars.phone_digits(value), node.span_of_key(key), sealed)
