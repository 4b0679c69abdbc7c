"""How groups and pools are used, as text. Works on documents; every text is escaped."""

from collections.abc import Mapping, Sequence
from typing import Any

from pnsync.render.colour import Palette
from pnsync.render.text import escape
from pnsync.render.units import counted, number


def usage_text(groups: Sequence[Mapping[str, Any]], *, colour: bool = False, verbose: bool = False) -> str:
    """One line a group; with `verbose`, or where there are few, a line for each of its numbers."""
    if not groups:
        return "The vendors list no groups and no pools."
    paint = Palette(colour)
    name = max(len(escape(one["name"])) for one in groups)
    provider = max(len(escape(one["provider"])) for one in groups)
    lines: list[str] = []
    for one in groups:
        head = f"{escape(one['name']):<{name}}  {escape(one['provider']):<{provider}}  {one['holds']:<7}"
        lines.append(f"{paint.paint('strong', head)}  {_told(one)}".rstrip())
        if verbose:
            lines += [f"  {_number_line(x)}" for x in one["numbers"]]
    return "\n".join(lines)


def _told(one: Mapping[str, Any]) -> str:
    if one["holds"] == "unknown":
        return f"{counted(one['phones'], 'phone')} · not declared"
    if one["holds"] == "people":
        parts = [counted(one["phones"], "person", "people")]
    else:
        parts = [
            counted(one["phones"], "number"),
            f"{counted(one['live'], 'live binding')}, {number(one['ours'])} of them ours",
        ]
        if one["holds"] == "numbers":
            parts.append(f"{counted(sum(x['free'] for x in one['numbers']), 'extension')} free")
        resting = sum(x["resting"] for x in one["numbers"])
        if resting:
            parts.append(f"{number(resting)} in quarantine")
    if one["bindings"]:
        parts.append(f"used by {counted(one['bindings'], 'binding')}")
    return " · ".join(parts)


def _number_line(x: Mapping[str, Any]) -> str:
    free = "" if x["free"] is None else f"  {number(x['free'])} free"
    resting = f"  {number(x['resting'])} in quarantine" if x["resting"] else ""
    return f"{escape(x['phone_x'])}  {counted(x['live'], 'live binding')}, {number(x['ours'])} ours{free}{resting}"
