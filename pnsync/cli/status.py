"""`pnsync status` and `forecast`: how things stand and what time will bring, from the state alone, offline."""

import time

import click

from pnsync.cli.command import Invocation, command
from pnsync.cli.files import SHARED, replace_file
from pnsync.cli.offline import opened_offline
from pnsync.errors import ExitCode
from pnsync.render.text import json_text
from pnsync.state import State
from pnsync.verdict import Verdict


@command("status")
@click.option("--json", is_flag=True, help="Write JSON.")
@click.option("--metrics", metavar="FILE", help="Also write FILE in Prometheus' text form.")
@click.pass_obj
def status(invocation: Invocation, /, *, json: bool, metrics: str | None) -> Verdict:
    """Show what is down, unknown, failing, on hold or locked, offline; exit 12 and 7 where something is down or unknown."""
    from pnsync.render.standing import FACTS_COLUMN, status_metrics, status_text
    from pnsync.reports.status import status as judge
    from pnsync.reports.status import status_document

    with opened_offline(invocation) as (desired, store):
        state = store.load() or State(lineage="")
        found = judge(desired, state, store.holder(), now=int(time.time()))
    document = status_document(found)
    if metrics is not None:
        # Of another user's collector; counts and instants only.
        replace_file(invocation.target(metrics), status_metrics(document).encode(), mode=SHARED)
    output = invocation.output
    if json:
        output.out(json_text(document))
    else:
        text = status_text(document, colour=output.out_colour, verbose=invocation.verbosity > 0)
        output.told(text, " " * FACTS_COLUMN)
    codes = [ExitCode.DOWN] if found.down else []
    if found.unsettled:
        codes.append(ExitCode.UNSETTLED)
    return Verdict(
        "status", tuple(codes), unknown=len(found.unsettled), down=tuple(one.address for one in found.down)
    )


@command("forecast")
@click.option("--json", is_flag=True, help="Write JSON.")
@click.option(
    "--days", type=click.IntRange(1, 366), default=14, show_default=True, metavar="N", help="How far to look."
)
@click.pass_obj
def forecast(invocation: Invocation, /, *, json: bool, days: int) -> int:
    """Show what is renewed, ends and would lapse on each day, and the calls of it; offline."""
    from pnsync.plan import instant
    from pnsync.render.capacity import trend_lines
    from pnsync.render.outlook import forecast_text
    from pnsync.reports.capacity import trends
    from pnsync.reports.forecast import forecast as foresee
    from pnsync.reports.forecast import forecast_document

    with opened_offline(invocation) as (desired, store):
        state = store.load() or State(lineage="")
        now = int(time.time())
        found = foresee(desired, state, now=now, days=days)
    groups = [one.document() for one in trends(state)]
    document, output = {**forecast_document(found), "groups": groups}, invocation.output
    if json:
        output.out(json_text(document))
    else:
        output.out(forecast_text(document, colour=output.out_colour, columns=output.columns))
        lines = trend_lines(groups, instant(now))
        if lines:
            output.told("\n".join(["", *lines]))
    return ExitCode.DONE
