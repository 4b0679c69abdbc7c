"""`pnsync state …` and `unlock`: looking at the state and mending it; none of them makes a writing call."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from pnsync.cli.command import Family, Invocation, command
from pnsync.cli.files import PRIVATE, replace_file
from pnsync.cli.offline import existing, opened_offline, read_offline
from pnsync.cli.options import lock_timeout_option
from pnsync.errors import ExitCode, UsageError
from pnsync.plan import instant
from pnsync.render.text import escape, json_text
from pnsync.render.units import counted

if TYPE_CHECKING:
    from pnsync.planning import World

COMMON: Final = ("encryption", "plain_in_git")
"""What `state:` says of every place, and holds for the new one too."""


def show_state(invocation: Invocation, format: str) -> None:
    """Show the whole state, phones masked."""
    from pnsync.pseudonyms import masker_of
    from pnsync.render.inventory import state_document, state_text

    state = read_offline(invocation).state
    shown = state_document(state, masker_of(state))
    output = invocation.output
    if format == "json":
        output.out(json_text(shown))
    else:
        output.told(state_text(shown, instant(time.time()), colour=output.out_colour), "        ")


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
    from pnsync.pseudonyms import masker_of
    from pnsync.render.inventory import entry_document, entry_text

    state = read_offline(invocation).state
    found = state.entries.get(address) or state.entries.get(f"bindings.{address}")
    if found is None:
        raise UsageError(
            "the state holds no such address",
            "An address is bindings.NAME or groups.NAME; all of them:",
            command="pnsync state list",
        )
    named = address if address in state.entries else f"bindings.{address}"
    shown = entry_document(found, masker_of(state))
    invocation.output.out(json_text({"address": named, **shown}) if json else entry_text(named, shown))
    return ExitCode.DONE


@command("unlock")
@click.argument("lock_id")
@click.pass_obj
def unlock(invocation: Invocation, lock_id: str) -> int:
    """Break the lock of a run that is gone or stands still; if it lives, it stops before its next call."""
    with opened_offline(invocation) as (_, store):
        store.unlock(lock_id)
    invocation.output.out("Unlocked.")
    return ExitCode.DONE


@contextmanager
def _world(invocation: Invocation, lock_timeout: int | None) -> "Iterator[tuple[World, float]]":
    """The world of a command that writes the state, and how long it waits for it."""
    from pnsync.cli.session import lock_timeout_seconds, opened

    with opened(invocation, gentle=True) as session:
        yield session.world, lock_timeout_seconds(invocation, lock_timeout)


@state.command("mv")
@click.argument("source")
@click.argument("target")
@lock_timeout_option
@click.pass_obj
def move(invocation: Invocation, source: str, target: str, lock_timeout: int | None) -> int:
    """Rename an address in the state; makes no call."""
    from pnsync import surgery

    with _world(invocation, lock_timeout) as (world, timeout):
        surgery.move(world, _address(source), _address(target), timeout=timeout)
    invocation.output.out(f"{escape(_address(source))} is {escape(_address(target))} now.")
    return ExitCode.DONE


@state.command("rm")
@click.argument("address", nargs=-1, required=True)
@lock_timeout_option
@click.pass_obj
def remove(invocation: Invocation, address: tuple[str, ...], lock_timeout: int | None) -> int:
    """Forget addresses; what is live at the vendor stays there, unmanaged."""
    from pnsync import surgery

    named = [_address(one) for one in address]
    with _world(invocation, lock_timeout) as (world, timeout):
        surgery.remove(world, named, timeout=timeout)
    invocation.output.out(f"Forgot {counted(len(named), 'address', 'addresses')}; nothing was unbound.")
    return ExitCode.DONE


@state.command("account")
@click.argument("name", required=False)
@click.option("--accept", is_flag=True, help="Record the account that is configured now.")
@lock_timeout_option
@click.pass_obj
def account(invocation: Invocation, name: str | None, accept: bool, lock_timeout: int | None) -> int:
    """Show the accounts that the state belongs to; with --accept record another one."""
    output = invocation.output
    if not accept:
        accounts = read_offline(invocation).state.accounts
        if name is not None and name not in accounts:
            raise UsageError(
                "the state knows no account of such a provider",
                f"It knows those of {escape(', '.join(sorted(accounts)))}." if accounts else "It knows none.",
            )
        for provider, known in sorted(accounts.items()):
            if name in (None, provider):
                output.out(f"{escape(provider)}  {escape(known.host)}  {escape(known.fingerprint[:19])}…")
        return ExitCode.DONE
    if name is None:
        raise UsageError("--accept needs the provider's name", command="pnsync state account NAME --accept")
    from pnsync import surgery

    with _world(invocation, lock_timeout) as (world, timeout):
        surgery.accept_account(world, name, timeout=timeout)
    output.out(f"The account of {escape(name)} is recorded.")
    return ExitCode.DONE


@state.command("pull")
@click.argument("file")
@click.pass_obj
def pull(invocation: Invocation, file: str) -> int:
    """Write the whole state to FILE (mode 0600): it holds real numbers."""
    from pnsync.statefile import document

    with opened_offline(invocation) as (_, store):
        found = existing(store)
        replace_file(invocation.target(file), document.dumps(found, store.codec), mode=PRIVATE)
    invocation.output.out(f"Wrote serial {found.serial} of lineage {escape(found.lineage)}.")
    return ExitCode.DONE


@state.command("push")
@click.argument("file")
@lock_timeout_option
@click.pass_obj
def push(invocation: Invocation, file: str, lock_timeout: int | None) -> int:
    """Put FILE in the state's place, guarded by lineage and serial; the old one is kept as a backup."""
    from pnsync import surgery

    data = invocation.path(file).read_bytes()
    with _world(invocation, lock_timeout) as (world, timeout):
        found = surgery.push(world, data, timeout=timeout)
    invocation.output.out(f"The state is at serial {found.serial} now.")
    return ExitCode.DONE


@state.command("migrate")
@click.option(
    "--to",
    metavar="PLACE",
    required=True,
    help="As in the root file: '{backend: postgres, dsn: …}'.",
)
@lock_timeout_option
@click.pass_obj
def migrate(invocation: Invocation, to: str, lock_timeout: int | None) -> int:
    """Move the state to another place; the old one then refuses and names the new."""
    from pnsync import surgery
    from pnsync.cli.logs import shown_logs
    from pnsync.cli.session import lock_timeout_seconds, new_holder, open_store
    from pnsync.cli.signals import Signals, SystemClock
    from pnsync.config import load, read_place

    with Signals(gentle=True) as signals, shown_logs(invocation):
        clock = SystemClock(signals)
        desired = load(invocation.folder, invocation.root, environ=invocation.environ)
        asked = read_place(to, "--to")
        # Sealed stays sealed: only what is said otherwise changes.
        shared = {key: desired.state.settings[key] for key in COMMON if key in desired.state.settings}
        target = replace(asked, settings={**shared, **asked.settings})
        moved = surgery.migrate(
            open_store(desired.state, desired.lineage, invocation, clock),
            open_store(target, desired.lineage, invocation, clock),
            new_holder(invocation, clock),
            timeout=lock_timeout_seconds(invocation, lock_timeout),
        )
    output = invocation.output
    output.out(f"Moved to serial {moved.serial} of lineage {escape(moved.lineage)}, read back and compared.")
    output.out(f"The old place refuses from now on. In {escape(invocation.root)}, on every branch:")
    output.out(f"    state: {escape(to.strip())}")
    if stays := [key for key in shared if key not in asked.settings]:
        output.out(f"and leave {' and '.join(stays)} there as it stands.")
    return ExitCode.DONE


@state.command("rebuild")
@click.option("--lineage", metavar="LINEAGE", help="The lineage, where the listed ids show several.")
@lock_timeout_option
@click.pass_obj
def rebuild(invocation: Invocation, lineage: str | None, lock_timeout: int | None) -> int:
    """Recreate a lost or unreadable state from what the vendors list; refused where a readable one is."""
    from pnsync import surgery

    with _world(invocation, lock_timeout) as (world, timeout):
        built = surgery.rebuild(world, lineage=lineage, timeout=timeout)
    output = invocation.output
    taken = counted(len(built.taken), "binding")
    output.out(f"Rebuilt: {taken} · lineage {escape(built.state.lineage)} serial {built.state.serial}")
    if built.proposals:
        equal = counted(len(built.proposals), "listed binding equals", "listed bindings equal")
        output.out(f"{equal} a declared one and cannot be proved to be ours:")
        for one in built.proposals:
            output.out(f"  {escape(one)}")
    output.out(f"See what is left to do:\n    {invocation.again('plan')}")
    return ExitCode.DONE


@state.command("rekey")
@click.option("--rotate", is_flag=True, help="Make a new key, also where no recipient is gone.")
@click.option("--retire", is_flag=True, help="Forget the older keys.")
@lock_timeout_option
@click.pass_obj
def rekey(invocation: Invocation, rotate: bool, retire: bool, lock_timeout: int | None) -> int:
    """Seal the state to the recipients that the root file names; makes no writing call."""
    from pnsync import surgery

    with _world(invocation, lock_timeout) as (world, timeout):
        done = surgery.rekey(world, rotate=rotate, retire=retire, timeout=timeout)
    current, *older = done.key_ids
    sealed = f"sealed to {counted(done.recipients, 'recipient')} under the key {current}"
    invocation.output.out(f"The state is {sealed}{'' if done.changed else ' already'}.")
    if older:
        invocation.output.out(f"Still readable, until --retire: {', '.join(older)}")
    return ExitCode.DONE


def _address(given: str) -> str:
    """An address, also where its kind is left out."""
    return given if given.startswith(("bindings.", "groups.")) else f"bindings.{given}"
