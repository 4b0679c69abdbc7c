"""`pnsync state …` and `unlock`: looking at the state and mending it; none of them makes a writing call."""

import json as jsonlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from pnsync.cli.command import Family, Invocation, command
from pnsync.errors import ExitCode, UsageError
from pnsync.plan import instant

if TYPE_CHECKING:
    from pnsync.masking import Masker
    from pnsync.state import State
    from pnsync.store import Store


@contextmanager
def _store(invocation: Invocation) -> Iterator["Store"]:
    """The state's place as the files name it; no provider and no credential is needed."""
    from pnsync.cli.session import open_store
    from pnsync.cli.signals import Signals, SystemClock
    from pnsync.config import load

    with Signals(gentle=False) as signals:
        desired = load(invocation.folder, invocation.root, environ=invocation.environ)
        yield open_store(desired.state, desired.lineage, invocation, SystemClock(signals))


def _loaded(invocation: Invocation) -> "State":
    with _store(invocation) as store:
        state = store.load()
        if state is None:
            raise UsageError(
                "there is no state yet",
                f"{store.backend.location} does not exist; the first apply makes it.",
                command="pnsync apply",
            )
    return state


def _masker(state: "State") -> "Masker":
    from pnsync.masking import Masker, new_key
    from pnsync.store import KEY_NOTE

    key = state.notes.get(KEY_NOTE)
    return Masker(bytes.fromhex(key) if key else new_key(), state.lineage)


def show_state(invocation: Invocation, format: str) -> None:
    """Show the whole state, phones masked."""
    from pnsync.render.inventory import state_document, state_text

    state = _loaded(invocation)
    shown = state_document(state, _masker(state))
    output = invocation.output
    if format == "json":
        output.out(jsonlib.dumps(shown, ensure_ascii=False, indent=2))
    else:
        output.out(state_text(shown, instant(time.time()), colour=output.out_colour))


@click.group("state", cls=Family)
def state() -> None:
    """Look at the state, and mend it."""


@state.command("list")
@click.option("--json", is_flag=True, help="Write JSON.")
@click.pass_obj
def list_entries(invocation: Invocation, json: bool) -> int:
    """List what the state holds, one line an entry."""
    show_state(invocation, "json" if json else "text")
    return ExitCode.DONE


@state.command("show")
@click.argument("address")
@click.option("--json", is_flag=True, help="Write JSON.")
@click.pass_obj
def show_entry(invocation: Invocation, address: str, json: bool) -> int:
    """Show one entry: what was bound, and what the vendor made of it."""
    from pnsync.render.inventory import entry_document, entry_text

    state = _loaded(invocation)
    found = state.entries.get(address) or state.entries.get(f"bindings.{address}")
    if found is None:
        raise UsageError(
            "the state holds no such address",
            "An address is bindings.NAME or groups.NAME; all of them:",
            command="pnsync state list",
        )
    named = address if address in state.entries else f"bindings.{address}"
    shown = entry_document(found, _masker(state))
    invocation.output.out(
        jsonlib.dumps({"address": named, **shown}, ensure_ascii=False, indent=2)
        if json
        else entry_text(named, shown)
    )
    return ExitCode.DONE


@command("unlock")
@click.argument("lock_id")
@click.pass_obj
def unlock(invocation: Invocation, lock_id: str) -> int:
    """Break the lock of a run that is gone or stands still; if it lives, it stops before its next call."""
    with _store(invocation) as store:
        store.unlock(lock_id)
    invocation.output.out("Unlocked.")
    return ExitCode.DONE
