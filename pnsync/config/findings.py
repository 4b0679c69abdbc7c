"""What is found wrong with the files, collected over one run.

Promises: nothing stops at the first finding; the same finding at the same place is kept once; a text quoted
from a file shows no run of digits that could be a phone. Must not decide what is wrong.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from itertools import islice

from pnsync.errors import Diagnostic, Severity, SourceSpan

MAX_FINDINGS = 1000
"""Errors, and warnings, kept in one run; what lies beyond is counted, so that a hostile file cannot exhaust memory."""

_PHONE_LIKE = re.compile(r"\+?\d(?:[^\w]{0,8}_?\d){6,}")
"""Seven digits and more, with whatever people put between them: spaces of all kinds, dashes, slashes, underscores."""
_SHOWN = 60


class Findings:
    """The diagnostics of one run."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, SourceSpan | None, str], Diagnostic] = {}
        self._kept = dict.fromkeys(Severity, 0)
        self._left_out = 0
        self.incomplete = False
        """Whether a file or section could not be read, so that a name that is missing may be declared in it."""

    def report(
        self,
        code: str,
        summary: str,
        span: SourceSpan | None = None,
        *,
        label: str = "",
        advice: str = "",
        address: str | None = None,
        secret: bool = False,
    ) -> None:
        """Notes a finding; a code with W is a warning. `secret` keeps the source line out of every output."""
        severity = Severity.WARNING if code[0] == "W" else Severity.ERROR
        self._add(Diagnostic(code, summary, severity, span, label, advice, address, secret))

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Takes over what another module found."""
        for one in diagnostics:
            self._add(one)

    def _add(self, one: Diagnostic) -> None:
        key = (one.code, one.span, one.summary)
        if key in self._found:
            return
        if self._kept[one.severity] >= MAX_FINDINGS:  # each by itself, so that warnings never hide an error
            self._left_out += 1
            return
        self._kept[one.severity] += 1
        self._found[key] = one

    def sorted(self, files: Sequence[str]) -> tuple[Diagnostic, ...]:
        """All findings by place, in the order of `files`; what has no place comes first."""
        order = {file: i for i, file in enumerate(files)}

        def place(one: Diagnostic) -> tuple[int, int, int, str, str]:
            span = one.span
            if span is None:
                return (-1, 0, 0, one.code, one.summary)
            return (order.get(span.file, len(order)), span.line, span.column, one.code, one.summary)

        found = sorted(self._found.values(), key=place)
        if self._left_out:
            found.append(
                Diagnostic(
                    "W499", f"{self._left_out} more findings are not shown; mend these first", Severity.NOTE
                )
            )
        return tuple(found)

    def nearest(self, word: str, known: Iterable[str]) -> str:
        """As `closest`; nothing once so much was found that it would not be shown."""
        return "" if self.full else closest(word, known)

    @property
    def full(self) -> bool:
        """Whether further errors are only counted."""
        return self._kept[Severity.ERROR] >= MAX_FINDINGS

    def withdraw(self, codes: Collection[str]) -> None:
        """Takes back the findings of some codes, which cannot be known after all."""
        for key, one in list(self._found.items()):
            if one.code in codes:
                del self._found[key]
                self._kept[one.severity] -= 1

    def skip(self, count: int) -> None:
        """Counts errors that nobody will read."""
        self._left_out += count

    @property
    def failed_count(self) -> int:
        """How many errors were kept; to be compared with itself."""
        return self._kept[Severity.ERROR] + self._left_out

    @property
    def failed(self) -> bool:
        """Whether anything is an error."""
        return self._kept[Severity.ERROR] > 0


def quoted(text: str) -> str:
    """A text of a file in quotes, cut to a readable length, with what could be a phone masked."""
    shown = _PHONE_LIKE.sub(lambda match: "•" * len(match[0]), text)
    return f'"{shown[:_SHOWN]}…"' if len(shown) > _SHOWN else f'"{shown}"'


def closest(word: str, known: Iterable[str]) -> str:
    """`did you mean "…"?` with the nearest of the known words, or nothing where none is near."""
    near = get_close_matches(word[:100].lower(), list(islice(known, 500)), n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else ""


def listed(words: Iterable[str]) -> str:
    """`a, b or c`."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
