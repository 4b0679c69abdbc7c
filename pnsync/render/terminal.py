"""A plan's document as the text that people read in a terminal.

Promises: grouped by cause, the dangerous first; one line a change, which is folded only where the terminal is too
narrow for it, never cut; every count with its noun; nothing that a file or a vendor wrote reaches the terminal
unescaped. Works on the JSON document alone, so that `pnsync plan` and `pnsync show FILE` say the same.
"""

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pnsync.render.colour import ACTION_STYLES, Palette
from pnsync.render.review import FROZEN
from pnsync.render.text import escape
from pnsync.render.units import counted, duration, moment, number
from pnsync.render.wording import (
    SEVERITY,
    SIGNS,
    TITLES,
    action_word,
    aside,
    difference,
    hidden,
    instants,
    source,
    value_text,
    what,
    why,
)

Document = Mapping[str, Any]

NAME_COLUMNS: Final = 40
"""The widest column that addresses get; a longer one pushes its own line only."""
WHAT_COLUMNS: Final = 72
REPEATED_FINDINGS: Final = 10
"""Findings of one code that are told one by one; the rest is counted, unless more is asked for."""
NOTHING: Final = {"Drift": "No drift.", "Different": "No differences."}
_INDENT: Final = "  "
_FOLD: Final = "        "


@dataclass(frozen=True, slots=True)
class Style:
    """How a plan is shown: `columns` None folds nothing, `rate` is calls a second, `verbose` adds attributes."""

    columns: int | None = None
    colour: bool = False
    verbose: bool = False
    rate: float | None = None
    heading: str = ""
    next_step: str = ""
    """A command line that applies this plan."""
    advice: str = "Apply it with:"
    title: str = "Plan"
    """What the summary line begins with."""
    max_chars: int | None = None
    """The room of formats that have a limit; None for what the format takes by itself."""
    whole: str = ""
    """A command line that shows all, for formats that leave something out."""
    marker: str = ""
    """What tells a comment from those of other configurations; "" for the lineage."""
    origin: str = "this pull request"
    """What the changes of cause config come from, in a comment."""


@dataclass(frozen=True, slots=True)
class _Row:
    action: str
    sign: str
    address: str
    provider: str
    word: str
    what: str
    aside: str
    source: str
    details: tuple[str, ...] = ()
    many: int = 1
    """How many addresses it stands for."""


@dataclass(frozen=True, slots=True)
class _Widths:
    """The columns that are aligned over all sections; what does not fit into a narrow terminal pushes its own line only."""

    address: int
    provider: int
    """0 where all rows have the same provider, which then is not shown."""
    word: int
    what: int
    aside: int


def plan_text(document: Document, style: Style) -> str:
    """The whole plan."""
    paint = Palette(style.colour)
    now = document["made_at"]
    blocks: list[list[str]] = []
    if style.heading:
        blocks.append([paint.paint("dim", one) for one in folded(style.heading, style.columns)])
    findings = document["diagnostics"]
    refusals = [one for one in findings if one["severity"] == "error"]
    top = [one for one in findings if one["severity"] != "error" or one["code"] == FROZEN]
    blocks.append(_findings(top, style, paint, now))
    sections = [
        (TITLES[cause], [_row(one, now, style) for one in changes])
        for cause, changes in _by_cause(document["changes"]).items()
    ]
    sections.append(("Later", _later(document["deferred"], now, verbose=style.verbose)))
    blocks.extend(_sections([one for one in sections if one[1]], style, paint))
    blocks.append(_closing(document, style, paint))
    if refusals:
        # Last, where a person's eye is when a long plan has scrolled by.
        told = paint.paint("error", "Refused until this is decided:")
        blocks.append([told, *_findings(refusals, style, paint, now)])
    return "\n\n".join("\n".join(lines) for lines in blocks if lines)


def folded(line: str, columns: int | None) -> list[str]:
    """A line of parts between middle dots, folded at them, or else at spaces, where the terminal is too narrow."""
    if columns is None or len(line) <= columns:
        return [line]
    lines: list[str] = []
    for part in line.split(" · "):
        if lines and len(lines[-1]) + 3 + len(part) <= columns:
            lines[-1] += f" · {part}"
        else:
            lines += textwrap.wrap(
                part, columns, initial_indent="  " if lines else "", subsequent_indent="  "
            )
    return lines


def _by_cause(changes: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {cause: [] for cause in TITLES}
    for one in changes:
        found[one["cause"]].append(one)
    for among in found.values():
        among.sort(key=lambda one: SEVERITY.index(one["action"]))
    return found


def _row(change: Mapping[str, Any], now: str, style: Style) -> _Row:
    action = change["action"]
    return _Row(
        action,
        SIGNS[action],
        escape(change["address"]),
        escape(change["provider"]),
        action_word(action),
        what(change, now),
        aside(change, now),
        source(change),
        tuple(_details(change)) if style.verbose else (),
    )


def _details(change: Mapping[str, Any]) -> Iterable[str]:
    before, after = change["before"] or {}, change["after"] or {}
    for name in dict.fromkeys([*before, *after]):
        if before and after and before.get(name) != after.get(name):
            yield escape(difference(name, before.get(name), after.get(name)))
        else:
            yield f"{escape(name)} {value_text(after.get(name, before.get(name)))}"
    yield f"because: {escape(change['reason'])}; {counted(change['calls'], 'call')}"


def _deferred_row(one: Mapping[str, Any], now: str) -> _Row:
    until = f"not before {escape(moment(one['not_before'], now))}" if one["not_before"] else ""
    return _Row(
        one["action"],
        " ",
        escape(one["address"]),
        escape(one["provider"]),
        action_word(one["action"]),
        escape(why(one["reason"], now)),
        until,
        source(one),
    )


def _later(deferred: Sequence[Mapping[str, Any]], now: str, *, verbose: bool) -> list[_Row]:
    """What is postponed; where a listing tells nothing, a line for all of it, as what would be done is not known."""
    if verbose:
        return [_deferred_row(one, now) for one in deferred]
    rows = [_deferred_row(one, now) for one in deferred if not hidden(one)]
    why_not = Counter((one["provider"], one["reason"]) for one in deferred if hidden(one))
    for (provider, reason), many in why_not.items():
        about = counted(many, "address", "addresses")
        rows.append(_Row("", " ", about, escape(provider), "", escape(why(reason, now)), "", "", many=many))
    return rows


def _sections(
    sections: Sequence[tuple[str, Sequence[_Row]]], style: Style, paint: Palette
) -> Iterable[list[str]]:
    widths = _widths([row for _, among in sections for row in among], style.columns)
    for title, among in sections:
        lines = [
            f"{paint.paint('strong', title)} {paint.paint('dim', f'({number(sum(one.many for one in among))})')}"
        ]
        for row in among:
            lines.extend(_lines(row, widths, style.columns, paint))
        yield lines


def _widths(rows: Sequence[_Row], columns: int | None) -> _Widths:
    names = NAME_COLUMNS if columns is None else min(NAME_COLUMNS, columns * 3 // 10)
    several = len({row.provider for row in rows}) > 1
    address = min(max((len(row.address) for row in rows), default=0), names)
    provider = max(len(row.provider) for row in rows) if several else 0
    word = max((len(row.word) for row in rows), default=0)
    aside = max((len(row.aside) for row in rows), default=0)
    room = WHAT_COLUMNS
    if columns is not None:
        taken = len(_INDENT) + 2 + address + 2 + (provider + 2 if provider else 0) + word + 2
        room = min(room, columns - taken - aside - max((len(row.source) for row in rows), default=0) - 4)
    what = max((len(row.what) for row in rows if len(row.what) <= room), default=0)
    return _Widths(address, provider, word, what if columns else min(_longest(rows), WHAT_COLUMNS), aside)


def _longest(rows: Sequence[_Row]) -> int:
    return max((len(row.what) for row in rows), default=0)


def _lines(row: _Row, widths: _Widths, columns: int | None, paint: Palette) -> Iterable[str]:
    """One line where the terminal is wide enough, else what it is and what stands beside it on lines of their own."""
    colour = ACTION_STYLES.get(row.action, "") if row.sign.strip() else "dim"
    head = (f"{_INDENT}", row.sign, f" {row.address:<{widths.address}}  ")
    provider = f"{row.provider:<{widths.provider}}  " if widths.provider else ""
    word = f"{row.word:<{widths.word}}"
    start = f"{head[0]}{paint.paint(colour, head[1])}{head[2]}{paint.paint('dim', provider)}{paint.paint(colour, word)}"
    taken = len(head[0]) + len(head[1]) + len(head[2]) + len(provider) + len(word) + 2
    aligned = f"{row.what:<{widths.what}}  {row.aside:<{widths.aside}}  {row.source}".rstrip()
    close = "  ".join(filter(None, (row.what, row.aside, row.source)))
    for whole in (aligned, close):
        if columns is None or taken + len(whole) <= columns:
            yield f"{start}  {row.what}{paint.paint('dim', whole[len(row.what) :])}".rstrip()
            break
    else:
        if taken + len(row.what) <= (columns or 0):
            yield f"{start}  {row.what}".rstrip()
        else:
            yield start.rstrip()
            room = max((columns or 0) - len(_FOLD), 20)
            for line in textwrap.wrap(row.what, room, break_long_words=False, break_on_hyphens=False):
                yield _FOLD + line
        rest = " · ".join(filter(None, (row.aside, row.source)))
        if rest:
            yield _FOLD + paint.paint("dim", rest)
    for detail in row.details:
        yield _FOLD + paint.paint("dim", detail)


def _findings(found: Sequence[Mapping[str, Any]], style: Style, paint: Palette, now: str) -> list[str]:
    lines: list[str] = []
    told: dict[str, int] = {}
    for one in sorted(found, key=lambda one: ("error", "warning", "note").index(one["severity"])):
        code = one["code"]
        told[code] = told.get(code, 0) + 1
        if told[code] > REPEATED_FINDINGS and not style.verbose:
            continue
        head, where = f"{one['severity']}[{escape(code)}]:", source(one)
        told_of = escape(instants(one["summary"], now))
        first, *rest = _wrapped(f"{head} {told_of}" + (f"  {where}" if where else ""), style)
        if not rest and where:
            first = first.removesuffix(where) + paint.paint("dim", where)
        lines += [paint.paint(one["severity"], head[:-1]) + first[len(head) - 1 :], *rest]
        if one["advice"]:
            lines += _wrapped(f"{_INDENT}{escape(one['advice'])}", style)
    lines += [
        f"… and {number(many - REPEATED_FINDINGS)} more of {escape(code)}; -v tells each"
        for code, many in told.items()
        if many > REPEATED_FINDINGS and not style.verbose
    ]
    return lines


def _wrapped(line: str, style: Style) -> list[str]:
    """A line, folded at spaces where the terminal is too narrow."""
    if style.columns is None or len(line) <= style.columns:
        return [line]
    room = max(style.columns, 20)
    return textwrap.wrap(
        line,
        room,
        subsequent_indent=_INDENT,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )


def summary_line(summary: Mapping[str, int], rate: float | None = None, title: str = "Plan") -> str:
    """`Plan: 2 to bind, 1 to unbind · 3 calls, about 1 s at 20 calls/s · 12 unchanged, 3 unmanaged`."""
    actions = ("bind", "rebind", "renew", "unbind", "adopt", "forget")
    parts = [f"{number(summary[one])} to {one}" for one in actions if summary[one]]
    for one in ("create", "update", "delete"):
        many = summary[f"{one}_group"]
        if many:
            parts.append(f"{counted(many, 'group')} to {one}")
    calls = counted(summary["calls"], "call")
    if rate and summary["calls"]:
        calls += f", about {duration(max(round(summary['calls'] / rate), 1))} at {rate:g} calls/s"
    rest = [f"{number(summary['unchanged'])} unchanged", f"{number(summary['unmanaged'])} unmanaged"]
    if summary["deferred"]:
        rest.insert(0, f"{number(summary['deferred'])} later")
    told = [", ".join(parts), *([] if title in NOTHING else [calls]), ", ".join(rest)]
    return f"{title}: {' · '.join(told)}"


def _closing(document: Document, style: Style, paint: Palette) -> list[str]:
    summary = document["summary"]
    refused = any(one["severity"] == "error" for one in document["diagnostics"])
    if not document["changes"]:
        kept = f"{number(summary['unchanged'])} unchanged, {number(summary['unmanaged'])} unmanaged"
        nothing = NOTHING.get(style.title, "No changes.")
        unseen = sum(map(hidden, document["deferred"]))
        if unseen:
            nothing = f"Nothing is concluded about {counted(unseen, 'address', 'addresses')}."
        lines = [f"{paint.paint('strong', nothing)} {kept}."]
        waiting = summary["deferred"] - unseen
        if waiting:
            lines.append(f"{counted(waiting, 'change waits', 'changes wait')} for a later run.")
        return [*lines, *_until(document, "Nothing is due before")]
    told = folded(summary_line(summary, style.rate, style.title), style.columns)
    lines = [paint.paint("strong", told[0]), *told[1:]]
    if refused:
        return lines
    if style.title not in NOTHING:
        lines += _until(document, "Holds until")
    if style.next_step:
        if lines[-1].startswith("Holds"):
            lines[-1] += f" {style.advice}"
        else:
            lines.append(style.advice)
        lines.append(f"    {style.next_step}")
    return lines


def _until(document: Document, words: str) -> list[str]:
    until = document["valid_until"]
    return [f"{words} {escape(moment(until, document['made_at']))}."] if until else []
