"""How full groups are and when they run out, as text below `groups` and `forecast`. Works on documents, all escaped."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pnsync.render.text import escape
from pnsync.render.units import counted, moment, number

BAR_CELLS: Final = 24

Document = Mapping[str, Any]


def capacity_lines(
    outlooks: Sequence[Document], parties: Sequence[Document], now: str, *, bars: bool = False
) -> list[str]:
    """A bar for each group on a terminal; what drains, what runs out, and parties in several bindings, where there are any."""
    lines: list[str] = []
    for one in outlooks:
        slots, told = one["slots"], _runs_out(one["per_day"], one["runs_out_at"], now)
        if bars or told:
            bar = f"{_bar(slots - one['free'], slots)}  " if bars else ""
            words = f"{number(slots - one['free'])} of {counted(slots, 'slot')} taken"
            lines.append(f"{escape(one['name'])}: {bar}{words}" + (f" · {told}" if told else ""))
        for x in one["draining"]:
            lines.append(f"{escape(one['name'])}: {_draining(x, now)}")
    for one in parties:
        if one["bindings"] > 1:
            lines.append(
                f"{escape(one['provider'])} +{escape(one['country_code'])}: {escape(one['party'])} is in "
                f"{counted(one['bindings'], 'binding')} without extension, and needs an X for each; "
                f"{counted(one['numbers'], 'number')} known"
            )
    return lines


def trend_lines(trends: Sequence[Document], now: str) -> list[str]:
    """One line for each group whose applies tell a rate."""
    return [
        f"{escape(one['group'])}: {counted(one['free'], 'slot')} free at {moment(one['at'], now)} · "
        + _runs_out(one["per_day"], one["runs_out_at"], now)
        for one in trends
    ]


def _bar(taken: int, slots: int) -> str:
    cells = round(BAR_CELLS * taken / slots) if slots else BAR_CELLS
    return "█" * cells + "░" * (BAR_CELLS - cells)


def _runs_out(per_day: float | None, at: str | None, now: str) -> str:
    if per_day is None:
        return ""
    if at is None:
        return f"{per_day:+,.1f} a day, so it does not run out"
    return f"{per_day:+,.1f} a day, full {moment(at, now)}"


def _draining(x: Document, now: str) -> str:
    if not x["live"]:
        return f"{escape(x['phone_x'])} is drained and empty"
    when = f"empty {moment(x['empty_at'], now)}" if x["empty_at"] else "when it is empty is not known"
    return f"{escape(x['phone_x'])} is drained, {counted(x['live'], 'binding')} left, {when}"
