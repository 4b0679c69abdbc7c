"""`pnsync plan` and `pnsync show`: what would change, as a person or a program reads it. Neither changes anything."""

import json as jsonlib
import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click

from pnsync.bounded import read_file
from pnsync.cli import VERSION
from pnsync.cli.actions import annotate, running, summarise
from pnsync.cli.command import Invocation, command
from pnsync.cli.ending import message
from pnsync.cli.files import PRIVATE, replace_file
from pnsync.cli.formats import FORMATS, render
from pnsync.cli.options import (
    INSTANT,
    allow_options,
    detailed_exitcode_option,
    json_option,
    limit_option,
    marker_option,
    max_chars_option,
    scope_options,
    shard_option,
)
from pnsync.errors import ExitCode, PnsyncError, UsageError
from pnsync.masking import Masker
from pnsync.plan import Plan, document
from pnsync.render.terminal import Style
from pnsync.render.text import escape
from pnsync.render.units import counted, number
from pnsync.verdict import Verdict

if TYPE_CHECKING:
    from pnsync.cli.session import Opened
    from pnsync.model import Desired, Observed
    from pnsync.planning import PlanOptions

Document = Mapping[str, Any]

format_option: Final = click.option(
    "--format", type=click.Choice(list(FORMATS)), default="text", show_default=True, help="How it is written."
)


@command("plan")
@click.option("--out", metavar="FILE", help="Save the plan, to be applied as it was approved.")
@detailed_exitcode_option
@format_option
@max_chars_option
@marker_option
@scope_options
@limit_option
@shard_option
@click.option("--replace", metavar="ADDR", multiple=True, help="Bind this one anew.")
@click.option("--at", type=INSTANT, metavar="INSTANT", help="Plan for another time (RFC 3339).")
@click.option("--no-refresh", is_flag=True, help="Believe the state; do not read the vendors.")
@click.option("--destroy", is_flag=True, help="Plan to unbind all that this state made.")
@allow_options
@click.option("--reveal", is_flag=True, help="Show phones in full; on a terminal only.")
@json_option
@click.pass_obj
def plan(
    invocation: Invocation,
    /,
    *,
    out: str | None,
    detailed_exitcode: bool,
    format: str,
    max_chars: int | None,
    marker: str,
    reveal: bool,
    json: bool,
    no_refresh: bool,
    **asked: Any,
) -> Verdict:
    """Compute what would change. Makes no writing call, takes no lock, writes no state."""
    from pnsync.cli.session import opened
    from pnsync.planning import make_plan
    from pnsync.savedplan import seal

    if reveal:
        refuse_revealing(invocation)
    with opened(invocation, gentle=False, json=json, shard=asked["shard"]) as session:
        options = plan_options(refresh=not no_refresh, **asked)
        planned = make_plan(session.world, options)
        shown = _revealed(planned.plan) if reveal else planned.document
        named = shown
        tell_unread(session, planned.observed)
        if out:
            sealed = seal(planned.document, planned.plan, options.saved(), planned.keys)
            replace_file(invocation.target(out), saved_bytes(sealed), mode=PRIVATE)
            if format != "json":  # which is the document with its own digest; people look for the file's
                named = shown | {"digest": sealed["digest"]}
        if json:
            invocation.event({"event": "plan", "plan": shown})
        else:
            style = plan_style(invocation, session.world.desired, shown, next_step(invocation, out, asked))
            whole = invocation.again(f"show {shlex.quote(out)} --format html") if out else ""
            style = replace(style, max_chars=max_chars, whole=whole, marker=marker)
            session.show(render(format, named, style))
        if running(invocation.environ):
            from pnsync.render.markdown import render_step_summary

            annotate(invocation, (*planned.plan.refusals, *planned.plan.decisions, *planned.plan.diagnostics))
            rate = plan_style(invocation, session.world.desired, planned.document).rate
            summarise(
                invocation, render_step_summary(planned.document | {"digest": named["digest"]}, rate=rate)
            )
    codes = list(planned.codes)
    if detailed_exitcode and planned.plan.changes:
        codes.append(ExitCode.DIFFERENCES)
    return Verdict("plan", tuple(codes), deferred=len(planned.plan.deferred))


def tell_unread(session: "Opened", observed: "Observed") -> None:
    """Name the providers that could not be read, for which nothing is planned, and why."""
    for name, failure in sorted(observed.failures.items()):
        session.tell(f"{escape(name)} was not read, so nothing is concluded about it:")
        session.tell(message(failure, session.invocation))


def plan_options(**asked: Any) -> "PlanOptions":
    """What a command line asks a plan for."""
    from pnsync.planning import PlanOptions

    named = {"target": "targets", "exclude": "excludes"}
    return PlanOptions(**{named.get(name, name): value for name, value in asked.items()})


def refuse_revealing(invocation: Invocation) -> None:
    """Refuse `--reveal` where what is shown is kept: in a log, in a file, in CI."""
    if not invocation.output.out_is_terminal or invocation.environ.get("CI"):
        raise UsageError(
            "--reveal shows phones on a terminal only",
            "Standard output is a file, a pipe or the log of a CI job, where they would be kept.",
        )


def _revealed(plan: Plan) -> dict[str, Any]:
    return document(plan, Masker(b"", "", reveal=True), pnsync_version=VERSION)


def saved_bytes(found: Document) -> bytes:
    """A document as `--out` saves it."""
    return jsonlib.dumps(found, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass") + b"\n"


def next_step(invocation: Invocation, out: str | None, asked: Mapping[str, Any]) -> str:
    """The command that applies this plan; "" where none would (another time, another truth)."""
    if out:
        shard = f" --shard {asked['shard']}" if asked.get("shard") else ""
        return invocation.again(f"apply {shlex.quote(out)}{shard}")
    if asked.get("at") is not None or asked.get("replace"):
        return ""
    words = ["destroy" if asked.get("destroy") else "apply"]
    for name in ("target", "exclude"):
        for one in asked.get(name, ()):
            words += [f"--{name}", shlex.quote(one)]
    for name in ("limit", "shard"):
        if asked.get(name) is not None:
            words += [f"--{name}", str(asked[name])]
    for name in ("unbind", "rebind", "missing"):
        if asked.get(f"allow_{name}") is not None:
            words += [f"--allow-{name}", str(asked[f"allow_{name}"])]
    return invocation.again(" ".join(words))


def plan_style(
    invocation: Invocation, desired: "Desired | None", found: Document, step: str = "", *, title: str = "Plan"
) -> Style:
    """How a plan is shown on this standard output."""
    output = invocation.output
    parts = [invocation.root]
    rate = found.get("rate")
    if desired is not None:
        parts += [
            counted(len(desired.providers), "provider"),
            counted(len(desired.bindings), "binding") + " declared",
        ]
        used = {one["provider"] for one in found["changes"]}
        rates = [one.rate for name, one in desired.providers.items() if name in used]
        rate = rate or min(rates, default=None)
    state = (
        f"lineage {found['lineage']} serial {number(found['serial'])}" if found["lineage"] else "no state yet"
    )
    return Style(
        columns=output.columns,
        colour=output.out_colour,
        verbose=invocation.verbosity > 0,
        rate=rate,
        heading=escape(" · ".join([*parts, state])),
        next_step=step,
        title=title,
        origin=origin(invocation.environ),
    )


def origin(environ: Mapping[str, str]) -> str:
    """What a branch is called where its plan is read."""
    return "this merge request" if environ.get("GITLAB_CI") else "this pull request"


def saved_plan(invocation: Invocation, file: str) -> bytes:
    """The bytes of a saved plan. Raises PnsyncError where nothing is there, and OSError where it cannot be read."""
    from pnsync.savedplan import LIMIT_BYTES

    try:
        return read_file(invocation.path(file), LIMIT_BYTES)
    except FileNotFoundError:
        raise PnsyncError(
            "there is no such plan",
            f"Nothing is at {file}. A plan is saved with:",
            command=f"pnsync plan --out {shlex.quote(file)}",
        ) from None


@command("show")
@click.argument("file", required=False)
@format_option
@max_chars_option
@marker_option
@click.pass_obj
def show(invocation: Invocation, file: str | None, format: str, max_chars: int | None, marker: str) -> int:
    """Show a saved plan, or, without FILE, the state."""
    if file is None:
        if format not in ("text", "json"):
            raise UsageError("the state is shown as text or json", "The other formats show saved plans.")
        from pnsync.cli.state import show_state

        show_state(invocation, format)
        return ExitCode.DONE
    from pnsync.errors import StalePlan
    from pnsync.savedplan import read

    saved = read(saved_plan(invocation, file))
    step = invocation.again(f"apply {shlex.quote(file)}")
    whole = invocation.again(f"show {shlex.quote(file)} --format html")
    try:
        style = plan_style(invocation, None, saved.document, step)
        style = replace(style, max_chars=max_chars, whole=whole, marker=marker)
        text = render(format, saved.document, style)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise StalePlan(
            "the saved plan cannot be shown",
            "It is not as pnsync writes it.",
            command="pnsync plan --out FILE",
        ) from None
    invocation.output.out(text)
    return ExitCode.DONE
