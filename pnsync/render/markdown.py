"""A plan's document as Markdown for a comment: read in ten seconds, and within a limit at any size.

Promises: a hidden marker first, by which a comment is found and updated in place; then the figures, what keeps
apply from running, and who is reached by another person or no more; then the changes, the dangerous named one by
one while there is room. What is left out is counted on top, each action by itself. Nothing that a file or a vendor
wrote is read as Markdown or HTML (`render.markup`). Works on the JSON document alone. Must not read clocks.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pnsync.render.headline import FACT_NAMES, NOUNS, actions, facts, figures, refusals, standing
from pnsync.render.markup import code, prose, sized
from pnsync.render.review import ENDING, Review, by_severity, findings, review
from pnsync.render.sentences import change_row, deferred_row, finding_row
from pnsync.render.units import counted, moment, number
from pnsync.render.wording import SEVERITY, TITLES

Document = Mapping[str, Any]
Row = Mapping[str, Any]

MAX_CHARS: Final = 60_000
"""What GitHub's comments (65,536) hold with room to spare."""
LEAST_CHARS: Final = 1_500
"""Below this not even the counts of what is left out would surely fit."""
SUMMARY_CHARS: Final = 250_000
"""What a GitHub job summary (1 MiB) holds, whatever the characters are."""

HEADER: Final = "| | binding | change | where |\n|---|---|---|---|\n"
FOLDED_PLACES: Final = 5
_MARKER: Final = "pnsync-plan"


@dataclass(frozen=True, slots=True)
class _Section:
    """A table: `kind` of a row is what its count on top is called when the row is left out."""

    title: str
    rows: Sequence[Row]
    line: Callable[[Row], str]
    kind: Callable[[Row], str]
    header: str = HEADER
    open: bool = False
    """Whether it is shown unfolded."""

    def text(self, shown: int, names: int) -> str:
        """The section with its first `shown` rows, and the others counted by where they come from."""
        left = self.rows[shown:]
        counts = f"\n{_places(left, names)}\n" if left and names else ""
        table = f"\n{self.header}{''.join(map(self.line, self.rows[:shown]))}" if shown else ""
        if self.open:
            title = f"\n**{self.title}**\n" if self.title else ""
            return f"{title}{table}{counts}".lstrip("\n")
        return f"<details><summary>{self.title}</summary>\n{table}{counts}\n</details>\n"


def render_markdown(
    document: Document,
    *,
    max_chars: int = MAX_CHARS,
    rate: float | None = None,
    marker: str = "",
    origin: str = "this pull request",
    whole: str = "",
) -> str:
    """The plan as a comment of at most `max_chars` UTF-16 units, emoji counted as two.

    `rate` is calls a second; `marker` tells comments of several configurations apart (default: the lineage);
    `origin` is what the changes of cause `config` come from; `whole` is a command that shows all. Raises ValueError
    for less room than LEAST_CHARS.
    """
    if max_chars < LEAST_CHARS:
        raise ValueError(f"a comment needs {LEAST_CHARS} characters")
    found = review(document)
    head = marker_comment(marker or document["lineage"]) + "\n" + _title(document, found, origin)
    closing = _closing(document)
    for names in FACT_NAMES:
        top = [
            head,
            figures(document, found, rate),
            refusals(found, names),
            standing(found, names),
            facts(found, names),
        ]
        sections = _sections(document, found, origin) if names else []
        everything = _compose(top, sections, [0] * len(sections), document, closing, names, whole)
        if sized(everything) <= max_chars:
            break
    room = max_chars - sized(everything)
    shown = _fitted(sections, room)
    text = _compose(top, sections, shown, document, closing, names, whole)
    # What is left may stand in files with longer names than what was counted first.
    while sized(text) > max_chars:
        last = max(i for i, many in enumerate(shown) if many)
        shown[last] -= max(shown[last] // 50, 1)
        text = _compose(top, sections, shown, document, closing, names, whole)
    assert sized(text) <= max_chars, "what is left out was counted in the room that is left"
    return text


def render_step_summary(document: Document, *, rate: float | None = None) -> str:
    """The plan for `$GITHUB_STEP_SUMMARY`, which is no comment and so holds more."""
    return render_markdown(document, max_chars=SUMMARY_CHARS, rate=rate, origin="this commit")


def marker_comment(key: str) -> str:
    """The hidden first line of a comment: whoever updates it in place looks for this line and its own authorship."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", key).strip("-")[:64]
    return f"<!-- {_MARKER} {plain} -->" if plain else f"<!-- {_MARKER} -->"


def _title(document: Document, found: Review, origin: str) -> str:
    ours = actions(found.counts["config"])
    if found.refusals:
        told = f"refused, nothing can be applied: {ours or 'no change'} from {origin}"
    elif ours:
        told = f"{ours} from {origin}"
    elif document["changes"]:
        told = f"nothing from {origin}"
    else:
        told = "no changes"
    return f"### pnsync: {told}\n"


def _closing(document: Document) -> str:
    state = (
        f"lineage {code(document['lineage'], 40)} serial {number(document['serial'])}"
        if document["lineage"]
        else "no state yet"
    )
    made = moment(document["made_at"], document["made_at"])
    digest = str(document.get("digest", "")).removeprefix("sha256:")[:12]
    return f"\nPlanned {prose(made, 40)} by pnsync {code(document['pnsync_version'], 40)} · {state} · digest {code(digest)}\n"


def _sections(document: Document, found: Review, origin: str) -> list[_Section]:
    """The tables, in the order in which they are read; what is first in the priority stands first too."""
    now = document["made_at"]
    several = len({one["provider"] for one in document["changes"]}) > 1
    by_cause: dict[str, list[Row]] = {cause: [] for cause in TITLES}
    for one in document["changes"]:
        by_cause.setdefault(one["cause"], []).append(one)

    def line(change: Row) -> str:
        return change_row(change, now, provider=several)

    def kind(change: Row) -> str:
        return str(change["action"])

    ending: list[_Section] = []
    others: list[_Section] = []
    for cause, changes in by_cause.items():
        ordered = by_severity(changes)
        first = [one for one in ordered if one["action"] in ENDING]
        rest = [one for one in ordered if one["action"] not in ENDING]
        source = f"from {origin}" if cause == "config" else _lower(TITLES.get(cause, "from elsewhere"))
        if first:
            title = "" if cause == "config" else f"{_upper(actions(_counted(first)))} {source}"
            ending.append(_Section(title, first, line, kind, open=True))
        if rest:
            others.append(_Section(f"{actions(_counted(rest))} {source}", rest, line, kind))
    later = document["deferred"]
    if later:
        title = f"{counted(len(later), 'change')} later"
        others.append(_Section(title, later, lambda one: deferred_row(one, now), lambda _: "later"))
    if found.findings:
        title = counted(len(found.findings), "warning or note", "warnings and notes")
        header = "| | about | finding | where |\n|---|---|---|---|\n"
        others.append(_Section(title, found.findings, finding_row, lambda _: "finding", header))
    return [*ending, *others]


def _counted(changes: Sequence[Row]) -> Counter[str]:
    return Counter(one["action"] for one in changes)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _fitted(sections: Sequence[_Section], room: int) -> list[int]:
    """How many rows of each section there is room for, the first section first."""
    shown: list[int] = []
    for section in sections:
        left = room - sized(section.header) - 1
        many = 0
        for row in section.rows:
            size = sized(section.line(row))
            if size > left:
                break
            left -= size
            many += 1
        shown.append(many)
        if many:
            room = left
    return shown


def _compose(
    top: Sequence[str],
    sections: Sequence[_Section],
    shown: Sequence[int],
    document: Document,
    closing: str,
    names: int,
    whole: str,
) -> str:
    parts = [top[0], top[1], _left_out(sections, shown, document, names, whole), *top[2:]]
    parts += [section.text(many, names) for section, many in zip(sections, shown, strict=True)]
    return "\n".join(part.rstrip("\n") + "\n" for part in (*parts, closing) if part)


def _left_out(
    sections: Sequence[_Section], shown: Sequence[int], document: Document, names: int, whole: str
) -> str:
    """What is not named, counted: what ends or alters bindings by itself, so that nobody overlooks it."""
    totals: Counter[str] = Counter(one["action"] for one in document["changes"])
    totals["later"] = len(document["deferred"])
    totals["finding"] = len(findings(document))
    missing: Counter[str] = +totals
    for section, many in zip(sections, shown, strict=True):
        missing.subtract(map(section.kind, section.rows[:many]))
    dangerous = [_left_of(kind, missing[kind], totals[kind]) for kind in ENDING if missing[kind] > 0]
    routine = [
        _left_of(kind, missing[kind], totals[kind])
        for kind in (*SEVERITY, "later", "finding")
        if kind not in ENDING and missing[kind] > 0
    ]
    if not dangerous and not routine:
        return ""
    lines = []
    if dangerous:
        lines.append(f"⚠️ **Not named here, for lack of room: {', '.join(dangerous)}.**")
    if routine:
        lines.append(f"Counted, not named: {', '.join(routine)}.")
    if whole and names:
        lines.append(f"All of it: {code(whole)}")
    return "\\\n".join(lines) + "\n"


def _left_of(kind: str, left: int, total: int) -> str:
    noun = NOUNS[kind][left != 1] if left == total else NOUNS[kind][1]
    return f"{number(left)} {noun}" if left == total else f"{number(left)} of {number(total)} {noun}"


def _places(rows: Sequence[Row], names: int) -> str:
    """Rows that are not named, by action, provider and file, the largest share first."""
    shares: Counter[tuple[str, str, str]] = Counter(
        (
            str(one.get("action") or one.get("code")),
            str(one.get("provider") or ""),
            str((one.get("source") or {}).get("file") or ""),
        )
        for one in rows
    )
    most = shares.most_common(min(names, FOLDED_PLACES))
    told = []
    for (what, provider, file), many in most:
        where = f" from {code(file, 80)}" if file else ""
        on = f" on {code(provider, 40)}" if provider else ""
        noun = NOUNS[what][many != 1] if what in NOUNS else code(what, 20)
        told.append(f"{number(many)} {noun}{on}{where}")
    rest = sum(shares.values()) - sum(many for _, many in most)
    if rest:
        told.append(f"{number(rest)} elsewhere")
    return f"Not named: {', '.join(told)}."
