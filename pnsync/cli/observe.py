"""`pnsync refresh`, `verify`, `groups`: what the vendors list, against state and files. No writing calls."""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from pnsync.cli.command import Invocation, command
from pnsync.cli.formats import render
from pnsync.cli.options import detailed_exitcode_option, json_option, lock_timeout_option, shard_option
from pnsync.cli.plan import plan_style, tell_unread
from pnsync.errors import ExitCode, UsageError
from pnsync.render.text import json_text
from pnsync.verdict import Verdict

if TYPE_CHECKING:
    from pnsync.scope import Shard


@command("refresh")
@detailed_exitcode_option
@lock_timeout_option
@shard_option
@json_option
@click.pass_obj
def refresh(
    invocation: Invocation,
    /,
    *,
    detailed_exitcode: bool,
    lock_timeout: int | None,
    shard: "Shard | None",
    json: bool,
) -> Verdict:
    """Record in the state what the vendors list, and report the drift."""
    from pnsync.cli.session import lock_timeout_seconds, opened
    from pnsync.comparing import run_refresh

    with opened(invocation, gentle=True, json=json, shard=shard) as session:
        timeout = lock_timeout_seconds(invocation, lock_timeout)
        found, verdict = run_refresh(session.world, lock_timeout_seconds=timeout, shard=shard)
        tell_unread(session, found.observed)
        if json:
            invocation.event({"event": "drift", "plan": found.document})
        else:
            style = plan_style(invocation, session.world.desired, found.document, title="Drift")
            session.show(render("text", found.document, style))
    if detailed_exitcode and found.plan.changes:
        return replace(verdict, codes=(*verdict.codes, ExitCode.DIFFERENCES))
    return verdict


@command("verify")
@click.argument("addresses", metavar="[ADDR]...", nargs=-1)
@click.option(
    "--call", is_flag=True, help="Ask the vendor's switch who rings for A, B and a stranger; it may bill."
)
@click.option(
    "--sample", type=click.IntRange(min=1), metavar="N", help="With --call: ask about N bindings only."
)
@click.option("--auto-approve", is_flag=True, help="With --call: do not ask before it.")
@json_option
@click.pass_obj
def verify(
    invocation: Invocation,
    /,
    *,
    addresses: tuple[str, ...],
    call: bool,
    sample: int | None,
    auto_approve: bool,
    json: bool,
) -> Verdict:
    """Compare what the vendors list with the files; exit 2 where they differ. Writes nothing."""
    from pnsync.cli.calling import verify_calls
    from pnsync.cli.session import opened
    from pnsync.comparing import run_verify

    if not call and (addresses or sample or auto_approve):
        raise UsageError(
            "addresses, --sample and --auto-approve belong to --call", command="pnsync verify --help"
        )
    with opened(invocation, gentle=False, json=json) as session:
        if call:
            return verify_calls(invocation, session, wanted=addresses, sample=sample, approved=auto_approve)
        found = run_verify(session.world)
        tell_unread(session, found.observed)
        if json:
            invocation.event({"event": "differences", "plan": found.document})
        else:
            style = plan_style(invocation, session.world.desired, found.document, title="Different")
            session.show(render("text", found.document, style))
    codes = list(found.codes)
    if found.plan.changes:
        codes.append(ExitCode.DIFFERENCES)
    return Verdict("verify", tuple(codes), deferred=len(found.plan.deferred))


@command("groups")
@click.option("--json", is_flag=True, help="Write JSON.")
@click.pass_obj
def groups(invocation: Invocation, /, *, json: bool) -> Verdict:
    """Show number groups and pools: their use, and free extensions (-v: of each number)."""
    from pnsync.cli.session import opened
    from pnsync.plan import instant
    from pnsync.planning import failure_codes, read_listings
    from pnsync.pseudonyms import masker_of
    from pnsync.render.capacity import capacity_lines
    from pnsync.render.usage import usage_text
    from pnsync.reports.capacity import busiest, outlooks
    from pnsync.reports.usage import usage
    from pnsync.state import State

    with opened(invocation, gentle=False) as session:
        world = session.world
        recorded = world.store.load()
        state = recorded or State(lineage="")
        observed = read_listings(world, state, scans=1)
        tell_unread(session, observed)
        now = int(world.clock.now())
        masker = masker_of(recorded)
        found = [asdict(one) for one in usage(world.desired, state, observed, now=now)]
        ahead = [one.document() for one in outlooks(world.desired, state, observed, now=now)]
        parties = [one.document(masker) for one in busiest(observed, now=now)]
        if json:
            told = {"groups": found, "outlooks": ahead, "parties": parties}
            session.show(json_text(told))
        else:
            output = invocation.output
            text = usage_text(found, colour=output.out_colour, verbose=invocation.verbosity > 0)
            lines = capacity_lines(ahead, parties, instant(now), bars=output.out_is_terminal)
            output.told("\n".join([text, *([""] if lines else []), *lines]), "        ")
    return Verdict("groups", tuple(failure_codes(observed)))
