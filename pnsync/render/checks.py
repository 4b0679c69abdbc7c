"""The checks of `doctor` as text: what is well in a line, what is not with what to do. Works on the document; escapes. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from pnsync.render.colour import Palette
from pnsync.render.text import escape, folded_lines
from pnsync.render.units import counted

_STYLES: Final = {"ok": "bind", "warning": "warning", "failed": "error"}


_BELOW: Final = " " * 9


def checks_text(document: Mapping[str, Any], *, colour: bool = False, columns: int | None = None) -> str:
    """One line a check, and below it what to do; the count of what is not well at the end."""
    paint, checks = Palette(colour), document["checks"]
    width = max((len(escape(one["subject"])) for one in checks), default=0)
    lines: list[str] = []
    for one in checks:
        health = paint.paint(_STYLES[one["health"]], f"{one['health']:<7}")
        line = f"{health}  {escape(one['subject']):<{width}}  {escape(one['found'])}".rstrip()
        lines.append(folded_lines(line, columns, _BELOW))
        if one["advice"]:
            lines.append(folded_lines(f"{_BELOW}{escape(one['advice'])}", columns, _BELOW))
        if one["command"]:
            lines.append(f"             {escape(one['command'])}")
    wrong = sum(one["health"] == "failed" for one in checks)
    doubtful = sum(one["health"] == "warning" for one in checks)
    told = [counted(wrong, "failure")] * bool(wrong) + [counted(doubtful, "warning")] * bool(doubtful)
    return "\n".join([*lines, "", ", ".join(told) + "." if told else "All is well."])
