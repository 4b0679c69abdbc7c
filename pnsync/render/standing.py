"""How things stand: the document of a status as text for people, and in Prometheus' text form.

Promises: every text of files and vendors is escaped; lists name a few and count the rest; metrics carry no address, so
that their number does not grow. Pure.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pnsync.render.colour import Palette
from pnsync.render.text import escape
from pnsync.render.units import counted, duration, moment, number, parsed

Document = Mapping[str, Any]

NAMED: Final = 10
"""How many of each list are named in the text, unless more is asked for."""
FACTS_COLUMN: Final = 13
"""Where the facts of a status begin, behind their names."""


def status_text(document: Document, *, colour: bool = False, verbose: bool = False) -> str:
    """The status for people, what needs them first."""
    paint, now = Palette(colour), document["at"]

    def when(value: str | None) -> str:
        return "unknown" if value is None else moment(value, now)

    lines: list[str] = []
    frozen = document["frozen"]
    if frozen:
        lines.append(
            paint.paint("error", "Frozen") + f" since {when(frozen['since'])}: {escape(frozen['reason'])}"
        )
    told: tuple[tuple[str, str, str, Callable[[Document], str]], ...] = (
        ("Down", "error", "down", lambda one: f"since {when(one['since'])}"),
        ("Lapsed", "error", "lapsed", lambda one: f"at {when(one['at'])}"),
        (
            "Unknown",
            "warning",
            "unknown",
            lambda one: (
                f"{one['operation']} of {when(one['since'])}, settles after {when(one['not_before'])}"
            ),
        ),
        (
            "Failing",
            "warning",
            "failing",
            lambda one: (
                f"since {when(one['since'])}, {counted(one['count'], 'time')}, last {escape(one['code'])}"
            ),
        ),
        (
            "On hold",
            "warning",
            "held",
            lambda one: (
                f"since {when(one['since'])}"
                + (f" until {when(one['until'])}" if one["until"] else "")
                + f": {escape(one['reason'])}"
            ),
        ),
    )
    for title, style, key, tell in told:
        among = document[key]
        if among:
            lines.append(f"{paint.paint(style, title)} ({number(len(among))})")
            shown = among if verbose else among[:NAMED]
            lines += [f"  {escape(one['address'])}  {tell(one)}" for one in shown]
            if len(among) > len(shown):
                lines.append(f"  … and {number(len(among) - len(shown))} more; -v names each")
    if not lines:
        lines.append(paint.paint("strong", "Nothing is down, unknown or failing."))
    rows = [*_facts(document, when)]
    return "\n".join([*lines, "", *(f"{name:<{FACTS_COLUMN}}{value}" for name, value in rows)])


def _facts(document: Document, when: Callable[[str | None], str]) -> Sequence[tuple[str, str]]:
    renewals, run, lock = document["renewals"], document["last_run"], document["lock"]
    lapse = document["first_lapse"]
    due = f"next {when(renewals['next'])}" if renewals["next"] else "none to come"
    if renewals["due"]:
        due = f"{number(renewals['due'])} due since {when(renewals['next'])}"
    if renewals["overdue"]:
        due += f", {number(renewals['overdue'])} for longer than the schedule allows: do its runs come?"
    schedule = document["schedule"]
    rows = [
        (
            "state",
            f"{counted(document['bindings'], 'binding')}, {counted(document['groups'], 'group')}"
            f" · lineage {escape(document['lineage'])} serial {number(document['serial'])}",
        ),
        (
            "last run",
            "none is recorded"
            if run is None
            else f"{when(run['at'])} {escape(run['command'])}, exit {run['exit']}; a run with nothing to do leaves no trace",
        ),
    ]
    if schedule is None:
        rows.append(("next run", "unknown: the files declare no schedule"))
    else:
        pace = f"every {duration(schedule['every_seconds'])}, late by {duration(schedule['late_by_seconds'])}"
        rows.append(("next run", f"{when(document['next_run'])} ({pace} at most)"))
    rows.append(("renewals", due))
    rows.append(
        (
            "first lapse",
            "none: nothing ends that is wanted for longer"
            if lapse is None
            else f"{when(lapse['at'])} {escape(lapse['address'])}, if no run came",
        )
    )
    rows.append(
        (
            "lock",
            "free"
            if lock is None
            else f"held since {when(lock['since'])} by {escape(lock['user'])} on {escape(lock['host'])}"
            f" (pid {lock['pid']}), {escape(lock['command'])}, id {escape(lock['id'])}",
        )
    )
    return rows


def status_metrics(document: Document) -> str:
    """The status in Prometheus' text form, for a textfile collector. Instants are epoch seconds; what is not known is absent."""
    run, lapse, renewals = document["last_run"], document["first_lapse"], document["renewals"]
    oldest = min((one["since"] for one in document["failing"]), default=None)
    rows: list[tuple[str, str, int | None]] = [
        ("status_timestamp_seconds", "When this was written.", _epoch(document["at"])),
        ("bindings", "Bindings in the state.", document["bindings"]),
        ("serial", "The state's serial.", document["serial"]),
        ("down", "Bindings whose unbind is done and whose bind is not.", len(document["down"])),
        ("unknown", "Calls whose outcome is not known.", len(document["unknown"])),
        ("failing", "Addresses whose calls fail.", len(document["failing"])),
        ("failing_since_timestamp_seconds", "Since when the first of them fails.", _epoch(oldest)),
        ("lapsed", "Bindings that are wanted and have ended.", len(document["lapsed"])),
        ("held", "Bindings on hold.", len(document["held"])),
        ("frozen", "Whether every apply is refused.", int(document["frozen"] is not None)),
        ("locked", "Whether a run holds the state.", int(document["lock"] is not None)),
        ("renewals_due", "Renewals that are due.", renewals["due"]),
        ("renewals_overdue", "Renewals due for longer than the schedule allows.", renewals["overdue"]),
        ("next_renewal_timestamp_seconds", "When the next renewal is due.", _epoch(renewals["next"])),
        (
            "first_lapse_timestamp_seconds",
            "When the next binding ends if no run comes.",
            None if lapse is None else _epoch(lapse["at"]),
        ),
        (
            "last_run_timestamp_seconds",
            "When the last run that recorded something ended.",
            None if run is None else _epoch(run["at"]),
        ),
        ("last_run_exit_code", "Its exit code.", None if run is None else run["exit"]),
        ("next_run_timestamp_seconds", "When the next run is expected.", _epoch(document["next_run"])),
    ]
    lines: list[str] = []
    for name, about, value in rows:
        if value is not None:
            full = f"pnsync_{name}"
            lines += [f"# HELP {full} {about}", f"# TYPE {full} gauge", f"{full} {value}"]
    return "\n".join(lines) + "\n"


def _epoch(value: str | None) -> int | None:
    found = parsed(value)
    return None if found is None else int(found.timestamp())
