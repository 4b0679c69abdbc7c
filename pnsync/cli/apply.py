"""`pnsync apply`, `destroy`, `renew`: the commands that call vendors, after a person or a saved plan has said yes."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click

from pnsync.cli.actions import annotate_failures
from pnsync.cli.command import Invocation, command
from pnsync.cli.formats import render
from pnsync.cli.options import (
    DEADLINE,
    DURATION,
    RATE,
    Decorator,
    allow_options,
    json_option,
    limit_option,
    lock_timeout_option,
    scope_options,
    shard_option,
    together,
)
from pnsync.cli.plan import plan_options, plan_style, saved_plan
from pnsync.cli.tracked import refuse_clear_in_git
from pnsync.errors import ExitCode, UsageError
from pnsync.render.colour import Palette
from pnsync.render.outcome import verdict_text
from pnsync.render.text import folded_lines
from pnsync.verdict import Verdict

if TYPE_CHECKING:
    from pnsync.cli.session import Opened

Document = Mapping[str, Any]

NAME_COLUMNS: Final = 36
"""The widest column of addresses in the lines of what is done, which then fit into 80 columns."""

conduct_options: Decorator = together(
    click.option("--auto-approve", is_flag=True, help="Do not ask."),
    click.option(
        "--parallelism",
        type=click.IntRange(1, 256),
        default=1,
        show_default=True,
        metavar="N",
        help="Calls in flight at once.",
    ),
    click.option("--rate", type=RATE, metavar="N", help="Calls a second at each provider, at most."),
    click.option("--fail-fast", is_flag=True, help="Stop at the first failure."),
    click.option(
        "--settle",
        type=DURATION,
        default="5m",
        show_default=True,
        metavar="T",
        help="How long to wait at the end for outcomes that are not known.",
    ),
    click.option("--no-verify", is_flag=True, help="Do not compare with the listing at the end."),
    lock_timeout_option,
    click.option("--max-age", type=DURATION, metavar="T", help="Refuse a saved plan that is older."),
    click.option(
        "--canary",
        type=click.IntRange(1),
        metavar="N",
        help="N changes first; the rest only where the listing shows those as they should be.",
    ),
    click.option(
        "--deadline",
        type=DEADLINE,
        metavar="T",
        help="Begin no change after so long (25m), or after that instant (RFC 3339).",
    ),
    limit_option,
    shard_option,
    scope_options,
    allow_options,
    json_option,
)


@command("apply")
@click.argument("file", required=False)
@conduct_options
@click.option(
    "--allow-older", is_flag=True, help="Apply although the checkout lacks commits that were applied."
)
@click.pass_obj
def apply(invocation: Invocation, /, file: str | None, **asked: Any) -> Verdict:
    """Make the vendor calls: of the saved plan FILE, or of a new one that a person approves."""
    return _run(invocation, file, asked)


@command("destroy")
@conduct_options
@click.pass_obj
def destroy(invocation: Invocation, /, **asked: Any) -> Verdict:
    """Unbind all that this state made."""
    return _run(invocation, None, asked, destroy=True)


@command("renew")
@conduct_options
@click.pass_obj
def renew(invocation: Invocation, /, **asked: Any) -> Verdict:
    """Renew, recover and finish what is down, from the state; binds and unbinds nothing for good."""
    return _run(invocation, None, asked, renew_only=True)


def _run(invocation: Invocation, file: str | None, asked: dict[str, Any], **kind: bool) -> Verdict:
    from pnsync.cli.session import lock_timeout_seconds, opened
    from pnsync.workflow import ApplyOptions, run_apply

    json, approved = asked.pop("json"), asked.pop("auto_approve")
    scope = {name: asked.pop(name) for name in ("target", "exclude", "limit", *ALLOWING)}
    if file is not None and any(value not in (None, ()) for value in scope.values()):
        raise UsageError(
            "a saved plan is applied as it was approved",
            "Targets, limits and permissions belong to the plan; give them to `pnsync plan --out FILE`.",
        )
    if file is None and not approved and (json or not invocation.output.interactive):
        raise UsageError(
            f"pnsync {invocation.command} needs a yes",
            "Nobody can be asked here: standard input or error is no terminal"
            + (", or --json is on." if json else "."),
            "Save a plan, have it approved, and apply the file; or say yes beforehand:",
            command=f"pnsync {invocation.command} --auto-approve",
        )
    saved = None if file is None else saved_plan(invocation, file)
    options = ApplyOptions(
        plan=plan_options(shard=asked["shard"], **scope, **kind),
        parallelism=asked["parallelism"],
        fail_fast=asked["fail_fast"],
        settle_seconds=asked["settle"],
        verify=not asked["no_verify"],
        lock_timeout_seconds=lock_timeout_seconds(invocation, asked["lock_timeout"]),
        max_age_seconds=asked["max_age"],
        canary=asked["canary"],
        deadline_seconds=asked["deadline"],
        allow_older=asked.get("allow_older", False),
    )
    with opened(invocation, gentle=True, json=json, rate=asked["rate"], shard=asked["shard"]) as session:
        refuse_clear_in_git(session.world.desired.state, invocation)
        confirming = _Confirming(session, approved=approved or saved is not None)
        verdict = run_apply(
            session.world, options, saved=saved, confirm=confirming, command=invocation.command
        )
        annotate_failures(invocation, verdict, session.world.desired)
        if confirming.declined:
            session.tell("Not applied.")
            if session.signals.signal is not None:
                verdict = replace(verdict, codes=(ExitCode(128 + session.signals.signal),))
        elif not json and (verdict.exit or not confirming.empty):
            paint = Palette(invocation.output.out_colour)
            again = invocation.again(invocation.command)
            told = verdict_text(verdict, paint, again, not_tried=confirming.not_tried(verdict))
            session.show("\n" + folded_lines(told, invocation.output.columns, "    "))
    return verdict


ALLOWING: Final = ("allow_unbind", "allow_rebind", "allow_missing")


class _Confirming:
    """Shows the plan, and asks unless it is approved or empty."""

    def __init__(self, session: "Opened", *, approved: bool) -> None:
        self._session = session
        self._approved = approved
        self._addresses: list[str] = []
        self.empty = False
        self.declined = False

    def __call__(self, document: Document) -> bool:
        """Whether the calls may be made."""
        self.empty = not document["changes"]
        session = self._session
        if session.lines is None:
            session.invocation.event({"event": "plan", "plan": document})
        else:
            self._addresses = [one["address"] for one in document["changes"]]
            session.lines.address_columns = min(max(map(len, self._addresses), default=0), NAME_COLUMNS)
            style = plan_style(session.invocation, session.world.desired, document)
            session.show(render("text", document, style) + ("" if self.empty else "\n"))
        self.declined = not (self._approved or self.empty or _ask(session))
        return not self.declined

    def not_tried(self, verdict: Verdict) -> list[str]:
        """The addresses of the plan of which nothing was told; where no outcome is left unknown, also those whose
        call turned out to have had no effect and was not made again.
        """
        lines = self._session.lines
        if lines is None:
            return []
        told = lines.ended | (lines.unknown if verdict.unknown else set())
        return [one for one in self._addresses if one not in told]


def _ask(session: "Opened") -> bool:
    output = session.invocation.output
    output.err("Make these calls? Only 'yes' will be accepted: ", end="")
    if not session.signals.readable(sys.stdin):
        output.err("")
        return False
    return sys.stdin.readline().strip() == "yes"
