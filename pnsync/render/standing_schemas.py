"""The published JSON Schemas of how things stand: `status`, `forecast` and `doctor` with --json. Version 1 of each.

Written beside the modules whose documents they describe, not derived from them, as readers rely on what they say. Pure.
"""

from typing import Final

from pnsync.errors import ExitCode
from pnsync.render.schema_parts import (
    COUNT,
    INSTANT,
    TEXT,
    Schema,
    array,
    nullable,
    obj,
    published,
    ref,
    said,
)  # fmt: skip

_LAPSE: Final[Schema] = obj({"address": TEXT, "at": INSTANT})
_EXIT: Final[Schema] = {"enum": sorted(int(one) for one in ExitCode)}
_FIRST_LAPSE: Final[Schema] = said(
    nullable(ref("lapse")), "The binding that ends first if no run came, although it is wanted for longer."
)

_STATUS: Final[Schema] = obj(
    {
        "format": {"const": "pnsync-status"},
        "version": {"const": 1},
        "at": INSTANT,
        "lineage": TEXT,
        "serial": COUNT,
        "bindings": COUNT,
        "groups": COUNT,
        "down": array(
            obj({"address": TEXT, "provider": TEXT, "since": nullable(INSTANT)}),
            "Unbound, and not bound again: nobody is reached.",
        ),
        "unknown": array(
            obj(
                {
                    "address": TEXT,
                    "provider": TEXT,
                    "operation": TEXT,
                    "since": INSTANT,
                    "not_before": INSTANT,
                }
            ),
            "Calls whose outcome a listing begun after `not_before` tells.",
        ),
        "failing": array(
            obj({"address": TEXT, "since": INSTANT, "count": COUNT, "code": TEXT}),
            "Addresses whose calls fail, with the last code.",
        ),
        "lapsed": array(ref("lapse"), "Bindings that are wanted and have ended, oldest first."),
        "first_lapse": _FIRST_LAPSE,
        "renewals": obj(
            {
                "due": COUNT,
                "overdue": said(COUNT, "Due for longer than the schedule allows."),
                "next": said(nullable(INSTANT), "When the first is due, or has been."),
            }
        ),
        "last_run": said(
            nullable(obj({"at": INSTANT, "command": TEXT, "exit": _EXIT})),
            "The last one that recorded something.",
        ),
        "next_run": said(nullable(INSTANT), "By the schedule, from the last run that is known."),
        "schedule": nullable(obj({"every_seconds": COUNT, "late_by_seconds": COUNT})),
        "held": array(
            obj({"address": TEXT, "reason": TEXT, "since": INSTANT, "until": nullable(INSTANT)}),
            "Kept unbound by `pnsync hold`.",
        ),
        "frozen": said(
            nullable(obj({"reason": TEXT, "since": INSTANT, "allowed": array(TEXT)})),
            "Every apply is refused, but for the commands allowed.",
        ),
        "lock": nullable(
            obj(
                {
                    "id": TEXT,
                    "user": TEXT,
                    "host": TEXT,
                    "pid": {"type": "integer"},
                    "command": TEXT,
                    "since": INSTANT,
                }
            )
        ),
    },
    "How things stand, from files and state alone.",
)


def status_schema() -> Schema:
    """`pnsync status --json`."""
    return published("status:1", "pnsync status", _STATUS, {"lapse": _LAPSE})


_FORECAST: Final[Schema] = obj(
    {
        "format": {"const": "pnsync-forecast"},
        "version": {"const": 1},
        "at": INSTANT,
        "first_lapse": _FIRST_LAPSE,
        "overdue": said(COUNT, "Renewals that are due already; they count in the first day."),
        "never": said(COUNT, "Bindings without end."),
        "unknown": said(COUNT, "Bindings whose end a refresh may tell."),
        "days": array(
            obj(
                {
                    "from": INSTANT,
                    "renewals": COUNT,
                    "calls": said(COUNT, "The writing calls of its renewals."),
                    "lapses": said(COUNT, "Bindings that would end if no run came any more."),
                    "ends": said(COUNT, "Bindings that end as declared."),
                }
            ),
            "24 hours each.",
        ),
        "groups": array(
            obj(
                {
                    "group": TEXT,
                    "at": said(INSTANT, "The last apply that told of its use."),
                    "free": said(COUNT, "Free slots then."),
                    "per_day": said(
                        {"type": "number"}, "Slots taken a day, at the rate of the last applies."
                    ),
                    "runs_out_at": nullable(INSTANT),
                }
            ),
            "Groups of numbers whose rate of use is known.",
        ),
    },
    "What time brings, from files and state alone.",
)


def forecast_schema() -> Schema:
    """`pnsync forecast --json`."""
    return published("forecast:1", "pnsync forecast", _FORECAST, {"lapse": _LAPSE})


_DOCTOR: Final[Schema] = obj(
    {
        "format": {"const": "pnsync-doctor"},
        "version": {"const": 1},
        "exit": _EXIT,
        "checks": array(
            obj(
                {
                    "subject": TEXT,
                    "health": {"enum": ["ok", "warning", "failed"]},
                    "found": TEXT,
                    "advice": said(TEXT, "What to do; empty where all is well."),
                    "command": said(TEXT, "A command that helps; empty where there is none."),
                }
            )
        ),
    },
    "What `pnsync doctor` found.",
)


def doctor_schema() -> Schema:
    """`pnsync doctor --json`."""
    return published("doctor:1", "pnsync doctor", _DOCTOR, {})
