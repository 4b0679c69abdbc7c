"""`pnsync who`: who is reached by a number, from the state, as it will be after the plan, or asked of the vendor."""

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from pnsync.cli.command import Invocation, command
from pnsync.errors import ExitCode, UsageError
from pnsync.phone import Phone
from pnsync.render.text import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pnsync.interfaces import Provider
    from pnsync.masking import Masker
    from pnsync.planning import World
    from pnsync.state import State

Answers = list[dict[str, Any]]


@command("who")
@click.option("--dial", metavar="X", required=True, help="The number that is dialled.")
@click.option("--ext", metavar="E", default="", help="The extension after it.")
@click.option(
    "--caller",
    metavar="P",
    help="Who dials; `-` reads the phone from standard input, so that no history keeps it.",
)
@click.option("--after-plan", is_flag=True, help="As it will be once the plan of now is applied.")
@click.option("--live", is_flag=True, help="Ask the vendor's switch (one call, which it may bill).")
@click.option("--json", is_flag=True, help="Write JSON.")
@click.pass_obj
def who(
    invocation: Invocation,
    /,
    *,
    dial: str,
    ext: str,
    caller: str | None,
    after_plan: bool,
    live: bool,
    json: bool,
) -> int:
    """Tell who rings when a number is dialled, and which number is shown."""
    if live and after_plan:
        raise UsageError(
            "--live and --after-plan exclude each other", "The vendor knows what is, not what will be."
        )
    if ext and not _is_digits(ext):
        raise UsageError("--ext takes an extension", "It is digits, like 101.")
    dialled, party = _digits(dial, "--dial"), None if caller is None else _caller(caller)
    if live:
        source, found = "vendor", _live(invocation, dialled, ext, party)
    elif after_plan:
        source, found = "plan", _after_plan(invocation, dialled, ext, party)
    else:
        source, found = "state", _recorded(invocation, dialled, ext, party)
    if json:
        answer = {"dialled": dialled, "source": source, "answers": found}
        invocation.output.out(json_text(answer))
    else:
        from pnsync.render.inquiry import inquiry_text

        invocation.output.told(inquiry_text(dialled, found))
    return ExitCode.DONE


def _recorded(invocation: Invocation, dialled: str, extension: str, caller: Phone | None) -> Answers:
    from pnsync.cli.offline import read_offline
    from pnsync.pseudonyms import masker_of
    from pnsync.routing.inquiry import answers
    from pnsync.routing.table import of_state

    state = read_offline(invocation).state
    table, masker = of_state(state, time.time()), masker_of(state)
    return [one.document(masker) for one in answers(table, dialled, extension, caller)]


def _after_plan(invocation: Invocation, dialled: str, extension: str, caller: Phone | None) -> Answers:
    from pnsync.cli.plan import tell_unread
    from pnsync.cli.session import opened
    from pnsync.matching import match
    from pnsync.planning import PlanOptions, make_plan
    from pnsync.routing.following import Live, after
    from pnsync.routing.inquiry import answers
    from pnsync.state import State

    with opened(invocation, gentle=False) as session:
        planned = make_plan(session.world, PlanOptions())
        tell_unread(session, planned.observed)
        state = planned.state or State(lineage="")
        matched = match(state, planned.observed)
        live = Live(session.world.desired, state, planned.observed, matched, int(session.world.clock.now()))
        table = after(planned.plan.steps, planned.plan.changes, live)
        return [one.document(planned.masker) for one in answers(table, dialled, extension, caller)]


def _live(invocation: Invocation, dialled: str, extension: str, caller: Phone | None) -> Answers:
    from pnsync.cli.session import opened
    from pnsync.pseudonyms import masker_of

    if caller is None:
        raise UsageError("--live needs --caller", "The vendor's switch answers for one caller at a time.")
    with opened(invocation, gentle=False) as session:
        state = session.world.store.load()
        provider = _owner(session.world, state, dialled)
        return [_asked(provider, dialled, extension, caller, masker_of(state))]


def _asked(
    provider: "Provider", dialled: str, extension: str, caller: Phone, masker: "Masker"
) -> dict[str, Any]:
    reached = provider.query(caller=caller, did=dialled, extension=extension or None)
    return {
        "caller": masker.show(caller),
        "extension": extension or None,
        "rings": None if reached.callee is None else masker.show(reached.callee),
        "reason": reached.reason or None,
        "request_id": reached.request_id,
    }


def _owner(world: "World", state: "State | None", dialled: str) -> "Provider":
    """The provider whose X this is, as the state knows; the only one that can be asked where it does not."""
    from pnsync.state import Entry

    for entry in () if state is None else state.entries.values():
        if isinstance(entry, Entry) and dialled in (entry.phone_x, entry.phone_x_b):
            found = world.providers.get(entry.provider)
            if found is not None:
                return found
    askable: Mapping[str, Provider] = {
        name: one for name, one in world.providers.items() if one.config.capabilities.client_ids
    }
    if len(askable) == 1:
        return next(iter(askable.values()))
    raise UsageError(
        "which provider owns this number is not known",
        "No binding in the state uses it, and not exactly one configured vendor can be asked.",
    )


def _caller(given: str) -> Phone:
    if given == "-":
        given = sys.stdin.buffer.readline(200).decode("ascii", "replace")
    return Phone(_digits(given, "--caller"))


def _digits(given: str, option: str) -> str:
    from pnsync.config.scalars import phone_digits

    digits = phone_digits(given.strip())
    if not _is_digits(digits) or len(digits) > 20:
        raise UsageError(f"{option} takes a phone", "It is 1 to 20 digits with their country code.")
    return digits


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()
