"""The difference of two commits as text for a terminal and as Markdown for a comment, from its document.

Promises: what goes comes first, one by one while there is room; what a changed default explains is told by the default;
nothing is left out without its count; no text of the files can break out of its place. Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pnsync.render.markdown import marker_comment
from pnsync.render.markup import code, sized
from pnsync.render.text import escape
from pnsync.render.units import counted

Document = Mapping[str, Any]
ORDER: Final = ("removed", "changed", "moved", "added")
SIGNS: Final = {"removed": "-", "changed": "~", "moved": "→", "added": "+"}
MAX_CHARS: Final = 60_000
_NOTE: Final = "Compared offline: what the files declare, not what is live."


def _headline(document: Document) -> str:
    parts = [f"{document['summary'][action]:,} {action}" for action in ORDER if document["summary"][action]]
    parts += [counted(len(document["settings"]), "setting") + " changed"] if document["settings"] else []
    numbers = len(document.get("numbers", ()))
    parts += [counted(numbers, "change") + " of numbers"] if numbers else []
    return ", ".join(parts) or "no difference"


def _rows(document: Document) -> list[Mapping[str, Any]]:
    """The changes that no default explains, what goes first."""
    rows = [one for one in document["changes"] if not one["by_default"]]
    return sorted(rows, key=lambda one: ORDER.index(one["action"]))


def _explained(document: Document) -> int:
    return sum(one["by_default"] for one in document["changes"])


def _values(change: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    before, after = change["before"], change["after"]
    for name in {**before, **after}:
        old, new = _word(before.get(name)), _word(after.get(name))
        if change["action"] in ("added", "removed"):
            yield name, new if change["action"] == "added" else old
        else:
            yield name, f"{old} → {new}"


def _word(value: object) -> str:
    if value is None:
        return "(unset)"
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _default(one: Mapping[str, Any]) -> tuple[str, str, str]:
    reach = counted(one["bindings"], "binding")
    section = "tables" if one["file"].endswith(".csv") else "defaults"
    return f"{section}.{one['key']}", f"{_word(one['before'])} → {_word(one['after'])}", reach


def _number(one: Mapping[str, Any]) -> tuple[str, str]:
    """What a file of numbers says otherwise, and whom it reaches."""
    if one["name"] is None:
        return f"{one['action']}; it is sealed, so that no more is told", "unknown"
    return f"{one['name']} {one['before']} → {one['after']}", counted(one["bindings"], "binding")


def difference_text(document: Document) -> str:
    """The difference for a terminal."""
    lines = [f"{escape(document['from'])} → {escape(document['to'])}: {_headline(document)}"]
    lines += [f"  ~ {escape(one)}" for one in document["settings"]]
    for one in document.get("numbers", ()):
        what, reach = _number(one)
        tail = "" if one["name"] is None else f", which reaches {reach}"
        lines.append(f"  ~ {escape(one['file'])}: {escape(what)}{tail}")
    for one in document["defaults"]:
        key, values, reach = _default(one)
        lines.append(f"  ~ {escape(one['file'])}: {key} {escape(values)}, which reaches {reach}")
    for one in _rows(document):
        lines.append(f"  {SIGNS[one['action']]} {escape(one['address'])}")
        if one["action"] != "removed":
            lines += [f"      {name}: {escape(value)}" for name, value in _values(one)]
    if _explained(document):
        lines.append(f"  {counted(_explained(document), 'binding')} changed by these defaults alone")
    return "\n".join(lines)


def difference_markdown(document: Document, *, max_chars: int = MAX_CHARS) -> str:
    """The difference for a comment of at most `max_chars`."""
    head = [
        marker_comment("diff"),
        f"### pnsync diff: {_headline(document)}",
        "",
        f"{_NOTE} From {code(document['from'])} to {code(document['to'])}.",
    ]
    if document["settings"]:
        head += ["", f"Changed in the root file: {', '.join(code(one) for one in document['settings'][:20])}"]
    numbers = document.get("numbers", ())
    if numbers:
        head += ["", "| numbers | change | reaches |", "| --- | --- | --- |"]
        for one in numbers[:50]:
            what, reach = _number(one)
            head.append(f"| {code(one['file'])} | {code(what)} | **{reach}** |")
        if len(numbers) > 50:
            head += ["", f"and {counted(len(numbers) - 50, 'more change')} of numbers"]
    if document["defaults"]:
        head += ["", "| default | change | reaches |", "| --- | --- | --- |"]
        for one in document["defaults"][:50]:
            key, values, reach = _default(one)
            head.append(f"| {code(one['file'] + ': ' + key)} | {code(values)} | **{reach}** |")
        left = len(document["defaults"]) - 50
        if left > 0:
            head += ["", f"and {counted(left, 'more default')}"]
    rows = _rows(document)
    lines = [_row(one) for one in rows]
    table = ["", "| | address | declares |", "| --- | --- | --- |"] if rows else []
    tail_room = 400
    room = max_chars - sum(sized(one) + 1 for one in (*head, *table)) - tail_room
    shown: list[str] = []
    for line in lines:
        room -= sized(line) + 1
        if room < 0:
            break
        shown.append(line)
    if len(shown) < len(rows):
        left_out = [one["action"] for one in rows[len(shown) :]]
        told = ", ".join(f"{left_out.count(action):,} {action}" for action in ORDER if action in left_out)
        head.insert(3, f"**Not shown for want of room: {told}.**\n")
    tail = (
        [f"\n{counted(_explained(document), 'binding')} changed by these defaults alone."]
        if _explained(document)
        else []
    )
    return "\n".join([*head, *(table if shown else []), *shown, *tail]) + "\n"


def _row(one: Mapping[str, Any]) -> str:
    values = "; ".join(f"{name}: {value}" for name, value in _values(one))
    return f"| {SIGNS[one['action']]} {one['action']} | {code(one['address'])} | {code(values, 400)} |"
