"""The rows of a page: every change, postponed change and finding as compact JSON, in the order of reading.

What repeats (actions, causes, providers, files, names of attributes) stands once in a table and is named by its
place there, so that ten thousand changes stay a small page. Every text is escaped (`render.text`); that nothing
in it is read as HTML is up to whoever puts it into a page. Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pnsync.render.review import by_severity
from pnsync.render.text import escape
from pnsync.render.units import moment
from pnsync.render.wording import SIGNS, TITLES, action_word, aside, instants, source, value_text, what, why

Document = Mapping[str, Any]
Row = Mapping[str, Any]

SECTIONS: Final = {**TITLES, "later": "Later", "finding": "Warnings and notes"}
"""The causes of changes, and what is no change."""

MEMBERS: Final = (
    "action",
    "section",
    "provider",
    "address",
    "what",
    "aside",
    "source",
    "reason",
    "attributes",
)
"""The places of a row, as the page's script reads them; attributes are triples of name, before and after."""

LIMIT: Final = 2_000
"""Characters of one text that are shown, so that what a vendor sent cannot fill the page."""


class Table:
    """Texts by their place, each once."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}

    def place(self, text: str) -> int:
        """The place of a text, which is added where it is new."""
        return self.texts.setdefault(text, len(self.texts))


def page_data(document: Document) -> dict[str, Any]:
    """Tables and rows for the page's script."""
    actions, sections, providers, names = Table(), Table(), Table(), Table()
    for one in SECTIONS:
        sections.place(one)
    now = document["made_at"]
    rows = []
    for section, row in _ordered(document):
        member = _finding if section == "finding" else _later if section == "later" else _change
        action, provider, address, heart, more, reason = member(row, now)
        rows.append(
            [
                actions.place(action),
                sections.place(section),
                providers.place(_cut(provider)),
                _cut(address),
                _cut(heart),
                _cut(more),
                _cut(source(row)),
                _cut(reason),
                _attributes(row, names),
            ]
        )
    return {
        "actions": [[one, action_word(one), SIGNS.get(one, "")] for one in actions.texts],
        "sections": [[one, escape(SECTIONS.get(one, one))] for one in sections.texts],
        "providers": list(providers.texts),
        "names": list(names.texts),
        "rows": rows,
    }


def _ordered(document: Document) -> Iterable[tuple[str, Row]]:
    by_cause: dict[str, list[Row]] = {cause: [] for cause in TITLES}
    for one in document["changes"]:
        by_cause.setdefault(one["cause"], []).append(one)
    for cause, changes in by_cause.items():
        yield from ((cause, one) for one in by_severity(changes))
    yield from (("later", one) for one in document["deferred"])
    yield from (("finding", one) for one in document["diagnostics"])


Told = tuple[str, str, str, str, str, str]


def _change(one: Row, now: str) -> Told:
    return (
        one["action"],
        one["provider"],
        one["address"],
        what(one, now),
        aside(one, now),
        why(one["reason"], now),
    )


def _later(one: Row, now: str) -> Told:
    until = f"not before {moment(one['not_before'], now)}" if one["not_before"] else ""
    return one["action"], one["provider"], one["address"], why(str(one["reason"]), now), until, ""


def _finding(one: Row, now: str) -> Told:
    advice = " ".join(str(one["advice"] or "").split())
    return (
        one["severity"],
        "",
        one["address"] or one["code"],
        instants(one["summary"], now),
        one["code"],
        advice,
    )


def _attributes(row: Row, names: Table) -> list[Any]:
    before, after = row.get("before"), row.get("after")
    found: list[Any] = []
    for name in dict.fromkeys([*(before or {}), *(after or {})]):
        found += [names.place(_cut(name)), _value(before, name), _value(after, name)]
    return found


def _value(attributes: Row | None, name: str) -> str | None:
    if attributes is None or name not in attributes:
        return None
    return _cut(value_text(attributes[name]))


def _cut(text: str) -> str:
    raw = str(text)
    return escape(raw) if len(raw) <= LIMIT else escape(raw[: LIMIT - 1]) + "…"
