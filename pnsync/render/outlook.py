"""A forecast as a bar chart for a terminal. Works on its document; every text is escaped. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from pnsync.render.colour import Palette
from pnsync.render.text import escape
from pnsync.render.units import counted, moment, number

Document = Mapping[str, Any]

BAR_COLUMNS: Final = 30
_EIGHTHS: Final = "▏▎▍▌▋▊▉█"


def forecast_text(document: Document, *, colour: bool = False, columns: int | None = None) -> str:
    """A line a day: a bar of its renewals, their calls, and what would lapse or ends as declared."""
    paint, now, days = Palette(colour), document["at"], document["days"]
    most = max((one["renewals"] for one in days), default=0)
    counts = [(number(one["renewals"]), number(one["calls"])) for one in days]
    first = max((len(one) for one, _ in counts), default=1)
    second = max((len(one) for _, one in counts), default=1)
    dates = [moment(one["from"], now) for one in days]
    date = max(map(len, dates), default=0)
    told = [
        f"{renewals:>{first}} renewed · {calls:>{second}} {'call' if calls == '1' else 'calls'}  {_ending(one)}".rstrip()
        for one, (renewals, calls) in zip(days, counts, strict=True)
    ]
    taken = date + 2 + max(map(len, told), default=0)
    room = BAR_COLUMNS if columns is None else max(4, min(BAR_COLUMNS, columns - taken))
    lines: list[str] = []
    for one, day, text in zip(days, dates, told, strict=True):
        drawn = bar(one["renewals"], most, room)
        lines.append(f"{day:<{date}} {paint.paint('renew', drawn)}{' ' * (room - len(drawn))} {text}")
    return "\n".join([*lines, "", *_closing(document)])


def _ending(day: Mapping[str, Any]) -> str:
    """What ends on a day as declared, and what would lapse if no run came."""
    ends, lapses = day["ends"], day["lapses"]
    rest = [f"{number(ends)} {'ends' if ends == 1 else 'end'}"] if ends else []
    rest += [f"{number(lapses)} {'lapses' if lapses == 1 else 'lapse'} without a run"] if lapses else []
    return ", ".join(rest)


def bar(value: int, most: int, columns: int) -> str:
    """A bar of block characters, in eighths of a column; a value above 0 is never without one."""
    if value <= 0 or most <= 0:
        return ""
    eighths = max(1, round(value * columns * 8 / most))
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[rest - 1] if rest else "")


def _closing(document: Document) -> list[str]:
    lapse, now = document["first_lapse"], document["at"]
    lines: list[str] = []
    if document["overdue"]:
        lines.append(f"{counted(document['overdue'], 'renewal is', 'renewals are')} due now.")
    if lapse is None:
        lines.append("Nothing lapses: no binding ends that is wanted for longer.")
    elif lapse["at"] <= now:
        lines.append(f"{escape(lapse['address'])} lapsed at {moment(lapse['at'], now)}.")
    else:
        lines.append(
            f"If no run came again, {escape(lapse['address'])} would lapse first, at {moment(lapse['at'], now)}."
        )
    if document["never"]:
        lines.append(f"{counted(document['never'], 'binding has', 'bindings have')} no end.")
    if document["unknown"]:
        lines.append(
            f"The end of {counted(document['unknown'], 'binding')} is not known; a refresh may tell it."
        )
    return lines
