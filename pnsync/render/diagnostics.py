"""Diagnostics as people and CI jobs read them: text with the line of the file, JSON records, GitHub annotations.

Promises: what a file holds reaches an output masked (phones, credentials) and escaped, whatever it is; equal
diagnostics give equal text; columns point at what is shown, with tabs and wide characters. Must not read files:
`source` hands in their lines, or None where there are none.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pnsync.errors import Diagnostic, Severity, SourceSpan
from pnsync.render.text import COMMAND, escape, folded_lines, safe_line, shown, width, without_commands

Source = Callable[[str], Sequence[str] | None]

STYLES = {
    "error": "1;31",
    "warning": "1;33",
    "note": "1;36",
    "summary": "1",
    "gutter": "1;34",
}
"""The colours of the parts of a diagnostic, as parameters of the terminal's SGR sequence."""

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
"""GitHub's workflow command for each severity."""

BULLET = "•"

# Seven digits and more are a phone, whatever stands between them that is not YAML's own punctuation.
_DIGITS = re.compile(r"""\d(?:[^\w,;:\[\]{}"'#|]{0,8}_?\d){6,}""")
# The keys whose number is an X, which is not personal; it must be the value right behind its key.
_X_KEY = re.compile(r"""(?:^|[\s{,])(["']?)(?:phone_x|did|middle_number)\1\s*:\s+["']?\+?$""")
_DATE_KEY = re.compile(r"""(?:^|[\s{,])expires_at\s*:\s+["']?$""")
_DATE = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])-[0-3]\d(?: \d\d)?")
_X_DIGITS = 15

# Characters of a line to either side of a place that are looked at: a line may be the whole of a file.
_AROUND = 2000

_CREDENTIAL = re.compile(
    r"""(?:secret|passw|token|private_?key|api_?key|access_?key|credential|bearer)[\w-]*["']?\s*[:=]\s*(?=[^\s{])(?P<value>.*)""",
    re.IGNORECASE,
)
# The line of a remark, which is a sentence, and its colours.
_REMARK = re.compile(r"(?:\x1b\[[\d;]*m)? *=(?:\x1b\[0m)? (?:note|help): ")
_WORD = re.compile(r"[A-Za-z0-9+/_=-]{16,}")


def as_text(
    diagnostics: Iterable[Diagnostic],
    source: Source,
    *,
    color: bool = False,
    columns: int = 100,
    folded: bool = False,
) -> str:
    """The diagnostics one below the other, each with its line of the file, and their number at the end.

    A line of a file longer than `columns` is cut around the place that is meant, and with `folded` remarks are
    folded there. Nothing found is no text.
    """
    found = list(diagnostics)
    if not found:
        return ""
    paint = _paint if color else _plain
    lines_of: dict[str, Sequence[str] | None] = {}
    parts: list[str] = []
    for one in found:
        lines: Sequence[str] | None = None
        if one.span is not None:
            if one.span.file not in lines_of:
                lines_of[one.span.file] = source(one.span.file)
            lines = lines_of[one.span.file]
        block = _block(one, lines, columns, paint)
        if folded:
            hanging = " " * (len(str(one.span.line if one.span else 0)) + 3)
            block = (folded_lines(line, columns, hanging) if _REMARK.match(line) else line for line in block)
        parts.append("\n".join(block))
    return "\n\n".join([*parts, tally(found)]) + "\n"


def as_json(diagnostics: Iterable[Diagnostic]) -> str:
    """A JSON list, one record a line; what a diagnostic does not have is null or empty."""
    records = [json.dumps(_record(one)) for one in diagnostics]
    if not records:
        return "[]\n"
    return without_commands("[\n  " + ",\n  ".join(records) + "\n]\n")


def as_github(diagnostics: Iterable[Diagnostic], *, folder: str = "") -> str:
    """A workflow command a line, which GitHub shows at the line of the file.

    `folder` is the root file's folder as seen from the root of the repository, as GitHub knows files from there.
    """
    return "".join(f"{_annotation(one, folder)}\n" for one in diagnostics)


def tally(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`; nothing where there is nothing."""
    counts = Counter(one.severity for one in diagnostics)
    return ", ".join(
        f"{counts[severity]} {severity}{'s' if counts[severity] != 1 else ''}"
        for severity in Severity
        if counts[severity]
    )


def masked(line: str, *, cut: bool = False) -> str:
    """A line of a file, as long as before, with phones and what looks like a credential behind bullets.

    Of a phone the first two and last two digits stay. An X behind its key stays, as does the date of
    `expires_at`; in doubt a number is masked, so every X too where the line's beginning is `cut` off.
    """
    line = _WORD.sub(_hide_token, line)
    credential = _CREDENTIAL.search(line)
    if credential:
        start = credential.start("value")
        line = line[:start] + re.sub(r"[^\s{}\[\],]", BULLET, line[start:])
    return _DIGITS.sub(_hide_number if not cut else _hide_digits, line)


def _hide_token(match: re.Match[str]) -> str:
    word = match[0]
    mixed = any(map(str.islower, word)) and any(map(str.isupper, word)) and any(map(str.isdigit, word))
    return BULLET * len(word) if mixed else word


def _hide_number(match: re.Match[str]) -> str:
    run, before = match[0], match.string[: match.start()]
    if _DATE_KEY.search(before) and _DATE.fullmatch(run):
        return run
    key = _X_KEY.search(before)
    if key and sum(map(str.isdigit, run)) <= _X_DIGITS:
        around = before[: key.start()]  # neither a comment nor a text in quotes, which only look like a key
        if "#" not in around and around.count('"') % 2 == 0 and around.count("'") % 2 == 0:
            return run
    return _hide_digits(match)


def _hide_digits(match: re.Match[str]) -> str:
    run = match[0]
    places = [i for i, character in enumerate(run) if character.isdigit()]
    first, last = places[1] + 1, places[-2]
    return run[:first] + BULLET * (last - first) + run[last:]


@dataclass(frozen=True, slots=True)
class _Snippet:
    """A line as shown, with the cells before the carets and under them."""

    text: str
    before: int
    under: int


def _snippet(line: str, span: SourceSpan, columns: int) -> _Snippet:
    """The part of `line` around `span` that fits into `columns` cells; a carriage return at its end is no part of it."""
    line = line.removesuffix("\r")
    at = min(span.column - 1, len(line))
    cut = max(0, at - _AROUND)
    line = masked(line[cut : at + _AROUND], cut=cut > 0)
    cells = ["    " if character == "\t" else shown(character) for character in line]
    for match in COMMAND.finditer(line):
        cells[match.start()] = escape(match[0] + "#[")[:-2]
    widths = [width(cell) for cell in cells]
    start = at - cut
    end = min(max(span.end_column - 1 - cut, start + 1), max(len(cells), start + 1))
    first, last = 0, len(cells)
    if sum(widths) > columns:
        first, last = _window(widths, start, end, columns - 2)
    head = "…" if cut + first > 0 else ""
    tail = "…" if last < len(cells) else ""
    under = sum(widths[start : min(end, last)]) or 1
    return _Snippet(head + "".join(cells[first:last]) + tail, len(head) + sum(widths[first:start]), under)


def _window(widths: Sequence[int], start: int, end: int, room: int) -> tuple[int, int]:
    """The first and last (exclusive) cell to show: the start of the span always, then as much around it as fits."""
    first = last = start
    used = 0
    while last < len(widths) and (last < end or last == start) and used + widths[last] <= room:
        used += widths[last]
        last += 1
    while True:
        grown = False
        if first > 0 and used + widths[first - 1] <= room:
            first -= 1
            used += widths[first]
            grown = True
        if last < len(widths) and used + widths[last] <= room:
            used += widths[last]
            last += 1
            grown = True
        if not grown:
            return first, last


Paint = Callable[[str, str], str]


def _plain(text: str, part: str) -> str:  # noqa: ARG001 - the other painter looks at it
    return text


def _paint(text: str, part: str) -> str:
    return f"\x1b[{STYLES[part]}m{text}\x1b[0m"


def _block(one: Diagnostic, lines: Sequence[str] | None, columns: int, paint: Paint) -> Iterator[str]:
    """The lines of one diagnostic, laid out as rustc does."""
    yield paint(f"{one.severity}[{one.code}]", one.severity) + paint(f": {escape(one.summary)}", "summary")
    span, label = one.span, one.label
    margin = " " * (len(str(span.line)) if span else 1)
    bar = paint(f"{margin} |", "gutter")
    if span is not None:
        yield paint(f"{margin}-->", "gutter") + f" {escape(span.file)}:{span.line}:{span.column}"
        if one.secret:
            yield bar
            yield from _remark(margin, "note", "the line is not shown, as it may hold a credential", paint)
        elif lines is not None and 1 <= span.line <= len(lines):
            snippet = _snippet(lines[span.line - 1], span, columns)
            carets = paint(f"{'^' * snippet.under} {escape(label)}".rstrip(), one.severity)
            label = ""
            yield bar
            yield paint(f"{span.line} |", "gutter") + f" {snippet.text}".rstrip()
            yield f"{bar} {' ' * snippet.before}{carets}"
    elif one.address:
        yield paint(f"{margin}-->", "gutter") + f" {escape(one.address)}"
    if label:
        yield from _remark(margin, "note", label, paint)
    if one.advice:
        yield from _remark(margin, "help", one.advice, paint)


def _remark(margin: str, kind: str, text: str, paint: Paint) -> Iterator[str]:
    """A remark below the snippet; further lines of it, such as a command, are indented under the first."""
    first, *rest = text.split("\n")
    yield paint(f"{margin} =", "gutter") + f" {kind}: {escape(first)}"
    for line in rest:
        yield f"{margin}   {' ' * (len(kind) + 2)}{safe_line(line)}".rstrip()


def _record(one: Diagnostic) -> dict[str, str | int | None]:
    span = one.span
    return {
        "code": one.code,
        "severity": str(one.severity),
        "summary": one.summary,
        "file": span.file if span else None,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "end_column": span.end_column if span else None,
        "label": one.label,
        "advice": one.advice,
        "address": one.address,
    }


def _annotation(one: Diagnostic, folder: str) -> str:
    properties: dict[str, str | int] = {}
    if one.span is not None:
        properties["file"] = f"{folder.rstrip('/')}/{one.span.file}" if folder else one.span.file
        properties |= {"line": one.span.line, "col": one.span.column}
        if one.span.end_column > one.span.column:
            properties["endColumn"] = one.span.end_column
    properties["title"] = one.code
    written = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    about = f"{one.address}: " if one.address else ""
    lines = [about + one.summary, *filter(None, (one.label, *one.advice.split("\n")))]
    return f"::{COMMANDS[one.severity]} {written}::{_data(lines)}"


def _data(lines: Iterable[str]) -> str:
    """The message of a workflow command: its percent signs and line ends written as the runner reads them."""
    return "%0A".join(escape(line).replace("%", "%25").replace("\r", "%0D") for line in lines)


def _property(value: str) -> str:
    """The value of a workflow command's property, which ends at a comma or colon."""
    return _data([value]).replace(":", "%3A").replace(",", "%2C")
