"""`pnsync refresh` and `verify`: what the vendors list, against the state and against the files. No writing calls."""

from dataclasses import replace

import click

from pnsync.cli.command import Invocation, command
from pnsync.cli.formats import render
from pnsync.cli.options import DURATION, detailed_exitcode_option, json_option
from pnsync.cli.plan import plan_style, tell_unread
from pnsync.errors import ExitCode
from pnsync.verdict import Verdict


@command("refresh")
@detailed_exitcode_option
@click.option(
    "--lock-timeout", type=DURATION, metavar="T", help="How long to wait for another run (0s; 15m in CI)."
)
@json_option
@click.pass_obj
def refresh(
    invocation: Invocation, /, *, detailed_exitcode: bool, lock_timeout: int | None, json: bool
) -> Verdict:
    """Record in the state what the vendors list, and report the drift."""
    from pnsync.cli.session import lock_timeout_seconds, opened
    from pnsync.workflow import run_refresh

    with opened(invocation, gentle=True, json=json) as session:
        timeout = lock_timeout_seconds(invocation, lock_timeout)
        found, verdict = run_refresh(session.world, lock_timeout_seconds=timeout)
        tell_unread(session, found)
        if json:
            invocation.event({"event": "drift", "plan": found.document})
        else:
            style = plan_style(invocation, session.world.desired, found.document, title="Drift")
            session.show(render("text", found.document, style))
    if detailed_exitcode and found.plan.changes:
        return replace(verdict, codes=(*verdict.codes, ExitCode.DIFFERENCES))
    return verdict


@command("verify")
@json_option
@click.pass_obj
def verify(invocation: Invocation, /, *, json: bool) -> Verdict:
    """Compare what the vendors list with the files; exit 2 where they differ. Writes nothing."""
    from pnsync.cli.session import opened
    from pnsync.workflow import run_verify

    with opened(invocation, gentle=False, json=json) as session:
        found = run_verify(session.world)
        tell_unread(session, found)
        if json:
            invocation.event({"event": "differences", "plan": found.document})
        else:
            style = plan_style(invocation, session.world.desired, found.document, title="Different")
            session.show(render("text", found.document, style))
    codes = list(found.codes)
    if found.plan.changes:
        codes.append(ExitCode.DIFFERENCES)
    return Verdict("verify", tuple(codes), deferred=len(found.plan.deferred))
