"""`pnsync hold`, `release`, `freeze`, `unfreeze`: what people keep from happening. They record; no vendor is called."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from pnsync.cli.command import Invocation, command
from pnsync.cli.options import INSTANT, lock_timeout_option
from pnsync.errors import ExitCode, UsageError
from pnsync.plan import instant
from pnsync.policy.holds import (
    REASON_CHARACTERS,
    RENEW,
    UNFREEZE,
    Freeze,
    Hold,
    freeze_of,
    holds_of,
    may_be_phone,
)

if TYPE_CHECKING:
    from pnsync.model import Desired
    from pnsync.store.store import Session

reason_option: Final = click.option(
    "--reason", metavar="TEXT", required=True, help="Shown on top of every plan."
)


@command("hold")
@click.argument("address")
@reason_option
@click.option("--until", type=INSTANT, metavar="INSTANT", help="When it ends by itself (RFC 3339).")
@lock_timeout_option
@click.pass_obj
def hold(
    invocation: Invocation, address: str, reason: str, until: int | None, lock_timeout: int | None
) -> int:
    """Keep a binding unbound whatever the files say; the next apply unbinds it."""
    told, now = _checked(reason), int(time.time())
    if until is not None and until <= now:
        raise UsageError("the hold would have ended already", "--until names an instant that has passed.")
    with _recording(invocation, lock_timeout) as (session, desired):
        full = _known(address, session, desired)
        session.record(Hold(full, told, now, until).note())
        session.finish()
    ends = "until it is released" if until is None else f"until {instant(until)}"
    invocation.output.out(f"{full} is on hold {ends}. The next apply unbinds it:")
    invocation.output.out(f"    {invocation.again('plan')}")
    return ExitCode.DONE


@command("release")
@click.argument("address")
@lock_timeout_option
@click.pass_obj
def release(invocation: Invocation, address: str, lock_timeout: int | None) -> int:
    """End a hold; the next apply binds what the files declare."""
    with _recording(invocation, lock_timeout) as (session, _):
        found = holds_of(session.state)
        held = found.get(address) or found.get(f"bindings.{address}")
        if held is None:
            names = ", ".join(found) or "nothing is"
            raise UsageError("that is not on hold", f"On hold: {names}.")
        session.record(held.released())
        session.finish()
    invocation.output.out(f"{held.address} is released. The next apply binds what the files declare:")
    invocation.output.out(f"    {invocation.again('plan')}")
    return ExitCode.DONE


@command("freeze")
@reason_option
@click.option(
    "--allow",
    type=click.Choice([RENEW]),
    multiple=True,
    help="A command that is not refused: `renew`, so that nothing lapses meanwhile.",
)
@lock_timeout_option
@click.pass_obj
def freeze(invocation: Invocation, reason: str, allow: tuple[str, ...], lock_timeout: int | None) -> int:
    """Refuse every plan and apply (exit 4) until `pnsync unfreeze`."""
    told = _checked(reason)
    with _recording(invocation, lock_timeout) as (session, _):
        session.record(Freeze(told, int(time.time()), tuple(dict.fromkeys(allow))).note())
        session.finish()
    more = "but for renewals" if allow else "renewals too, so that bindings will lapse"
    invocation.output.out(f"Frozen, {more}. It ends with:")
    invocation.output.out(f"    {invocation.again('unfreeze')}")
    return ExitCode.DONE


@command("unfreeze")
@lock_timeout_option
@click.pass_obj
def unfreeze(invocation: Invocation, lock_timeout: int | None) -> int:
    """End a freeze."""
    with _recording(invocation, lock_timeout) as (session, _):
        if freeze_of(session.state) is None:
            invocation.output.out("Nothing is frozen.")
            return ExitCode.DONE
        session.record(UNFREEZE)
        session.finish()
    invocation.output.out("No longer frozen.")
    return ExitCode.DONE


@contextmanager
def _recording(invocation: Invocation, timeout: int | None) -> Iterator[tuple["Session", "Desired"]]:
    """The held state and the files; no provider and no credential is needed."""
    from pnsync.cli.logs import shown_logs
    from pnsync.cli.session import lock_timeout_seconds, new_holder, open_store
    from pnsync.cli.signals import Signals, SystemClock
    from pnsync.config import load

    with Signals(gentle=True) as signals, shown_logs(invocation):
        desired = load(invocation.folder, invocation.root, environ=invocation.environ)
        clock = SystemClock(signals)
        store = open_store(desired.state, desired.lineage, invocation, clock)
        waiting = lock_timeout_seconds(invocation, timeout)
        with store.hold(new_holder(invocation, clock), timeout=waiting) as session:
            yield session, desired


def _known(address: str, session: "Session", desired: "Desired") -> str:
    """The full address of a binding that is declared or in the state."""
    full = address if address.startswith("bindings.") else f"bindings.{address}"
    if full.removeprefix("bindings.") in desired.bindings or full in session.state.bindings():
        return full
    raise UsageError(
        "no binding of that address is declared or in the state",
        "A hold that holds nothing would be taken for one that does.",
        command="pnsync state list",
    )


def _checked(reason: str) -> str:
    told = " ".join(reason.split())
    if not told or len(told) > REASON_CHARACTERS:
        raise UsageError(f"--reason takes 1 to {REASON_CHARACTERS} characters")
    if may_be_phone(told):
        raise UsageError(
            "--reason holds what may be a phone number",
            "It is kept in the state and stands on top of every plan, where no personal number may stand.",
            "Name the binding or the ticket instead.",
        )
    return told
