"""`pnsync import`: live bindings that pnsync did not make come into the state, and into the files where asked."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from pnsync.cli.command import Invocation, command
from pnsync.cli.options import lock_timeout_option
from pnsync.config.declaring import RINGS_GROUP, How
from pnsync.errors import ExitCode, UsageError
from pnsync.render.text import escape
from pnsync.render.units import counted
from pnsync.verdict import Verdict

if TYPE_CHECKING:
    from pnsync.cli.session import Opened
    from pnsync.config.declaring import Declarations
    from pnsync.importing import Import, Matches
    from pnsync.model import Desired, LiveBinding

SHOWN = 20
"""How many lines of one kind are shown; -v shows them all."""


@command("import")
@click.argument("address", required=False)
@click.argument("bind_id", required=False)
@click.option("--all", is_flag=True, help="Take all live bindings that are not in the state.")
@click.option("--match", is_flag=True, help="Take the live bindings that equal a declared one.")
@click.option("--write", metavar="FILE", help="Declare what is taken in FILE: a new one, or added to it.")
@click.option("--dry-run", is_flag=True, help="Show what would be taken; write nothing.")
@click.option("--provider", metavar="NAME", help="Only what this provider lists.")
@click.option(
    "--expires-in",
    metavar="T",
    help="How long each binding lasts; without it, each is declared to end when the vendor says.",
)
@click.option("--pool-number", metavar="POOL", help="The LAAFFIC pool, where the vendor does not show it.")
@click.option(
    "--numbers", metavar="FILE", help="Which file of numbers gets new ones, where there are several."
)
@lock_timeout_option
@click.pass_obj
def import_(
    invocation: Invocation,
    /,
    *,
    address: str | None,
    bind_id: str | None,
    all: bool,
    match: bool,
    write: str | None,
    dry_run: bool,
    provider: str | None,
    expires_in: str | None,
    pool_number: str | None,
    numbers: str | None,
    lock_timeout: int | None,
) -> Verdict:
    """Take live bindings into the state: one, all, or those that equal a declared one. Makes no writing call."""
    from pnsync.cli.plan import tell_unread
    from pnsync.cli.session import lock_timeout_seconds, opened
    from pnsync.importing import Import
    from pnsync.planning import failure_codes

    _check_asked(address, bind_id, all, match, write)
    with opened(invocation, gentle=True) as session:
        world = session.world
        if provider is not None and provider not in world.providers:
            raise UsageError(
                "there is no such provider", f"The files declare: {', '.join(sorted(world.providers))}."
            )
        with world.store.hold(world.holder, timeout=lock_timeout_seconds(invocation, lock_timeout)) as held:
            found = Import(world, held)
            tell_unread(session, found.observed)
            before = held.state.serial
            if match:
                verdict = _match(session, found, provider, dry_run)
            else:
                rows, names = _asked(found, address, bind_id, provider, world.desired)
                how = How(expires_in, pool_number, names)
                if address and names and write is None:
                    verdict = _take_declared(session, found, address, rows[0], dry_run)
                else:
                    assert write is not None
                    verdict = _write(session, found, rows, write, dry_run, how, numbers)
            codes = (*verdict.codes, *failure_codes(found.observed))
            return Verdict("import", codes, done=verdict.done, serial=(before, held.state.serial))


def _check_asked(
    address: str | None, bind_id: str | None, everything: bool, matching: bool, write: str | None
) -> None:
    ways = [address is not None, everything, matching]
    if sum(ways) != 1 or (address is not None) != (bind_id is not None):
        raise UsageError(
            "say what to import",
            "One binding: `pnsync import ADDR BIND_ID`; all: `pnsync import --all --write FILE`.",
            "Those that equal a declared one:",
            command="pnsync import --match",
        )
    if everything and write is None:
        raise UsageError(
            "--all needs a file",
            "What is in the state and in no file would be unbound by the next apply:",
            command="pnsync import --all --write bindings/imported.yaml",
        )
    if matching and write is not None:
        raise UsageError("--match writes no file", "What it takes is declared already.")


def _asked(
    found: "Import", address: str | None, bind_id: str | None, provider: str | None, desired: "Desired"
) -> "tuple[list[LiveBinding], dict[tuple[str, str], str]]":
    """The rows that are asked for, and the name that one of them is given."""
    if address is None:
        return found.free(provider), {}
    assert bind_id is not None
    name = address.removeprefix("bindings.")
    declared = desired.bindings.get(name)
    row = found.row(f"bindings.{name}", bind_id, provider or (declared.provider if declared else None))
    return [row], {row.key: name}


def _take_declared(
    session: "Opened", found: "Import", address: str, row: "LiveBinding", dry_run: bool
) -> Verdict:
    """Take a live binding for a declared address; what differs is the next plan's."""
    from pnsync.importing import unlike

    desired = session.world.desired
    name = address.removeprefix("bindings.")
    binding = desired.bindings.get(name)
    if binding is None:
        raise UsageError(
            f"bindings.{name} is not declared",
            "The next apply would unbind it. Declare it first, or have it declared:",
            command=f"pnsync import {name} {row.bind_id} --write FILE",
        )
    names = unlike(binding, row, desired, found.observed.listings[row.provider])
    if not dry_run:
        found.take({binding.address: row}, lambda _: binding)
    session.show(f"{'Would take' if dry_run else 'Took'} {escape(row.bind_id)} as {binding.address}.")
    if names:
        session.show(f"It differs from its declaration in {', '.join(names)}; see what that means:")
        session.show(f"    {session.invocation.again('plan')}")
    return Verdict("import", done=0 if dry_run else 1)


def _match(session: "Opened", found: "Import", provider: str | None, dry_run: bool) -> Verdict:
    matches = found.matches()
    taken = {address: row for address, row in matches.taken.items() if provider in (None, row.provider)}
    declared = {one.address: one for one in session.world.desired.bindings.values()}
    if not dry_run and taken:
        found.take(taken, declared.__getitem__)
    word = "Would take" if dry_run else "Took"
    session.show(f"{word} {counted(len(taken), 'live binding')} that {_equals(len(taken))} a declared one.")
    _list(session, "", (f"{address}  {escape(row.bind_id)}" for address, row in sorted(taken.items())))
    _tell(session, matches)
    return Verdict(
        "import", (ExitCode.DECISION,) if matches.ambiguous else (), done=0 if dry_run else len(taken)
    )


def _equals(count: int) -> str:
    return "equals" if count == 1 else "equal"


def _tell(session: "Opened", matches: "Matches") -> None:
    if matches.different:
        count = len({one.address for one in matches.different})
        _list(
            session,
            f"{counted(count, 'declared binding')} with a live one of the same phones that differs:",
            (f"{one.address}  {escape(one.bind_id)}  {', '.join(one.names)}" for one in matches.different),
        )
    if matches.ambiguous:
        _list(
            session,
            f"{counted(len(matches.ambiguous), 'declared binding')} could be one of several; choose with "
            "pnsync import ADDR BIND_ID:",
            (f"{one}  {escape(', '.join(ids))}" for one, ids in sorted(matches.ambiguous.items())),
        )
    if matches.absent:
        session.show(_of(matches.absent, "not live; the next apply binds"))
    if matches.unread:
        session.show(_of(matches.unread, "at a provider that was not read; nothing is known of"))


def _of(count: int, what: str) -> str:
    """`2 declared bindings are not live; the next apply binds them.`"""
    verb, them = ("is", "it") if count == 1 else ("are", "them")
    return f"{counted(count, 'declared binding')} {verb} {what} {them}."


def _list(session: "Opened", title: str, lines: Iterable[str]) -> None:
    """Lines under a title, the first of them unless all are asked for."""
    found = list(lines)
    if title:
        session.show(title)
    shown = found if session.invocation.verbosity else found[:SHOWN]
    for one in shown:
        session.show(f"  {one}")
    if len(found) > len(shown):
        session.show(f"  and {counted(len(found) - len(shown), 'more', 'more')} (-v shows them)")


def _write(
    session: "Opened",
    found: "Import",
    rows: "list[LiveBinding]",
    file: str,
    dry_run: bool,
    how: "How",
    number_file: str | None,
) -> Verdict:
    """Declare rows in a file, then record them as what it declares, so that the next plan is empty."""
    from pnsync.cli.declarations import Target
    from pnsync.config.declaring import declarations

    desired = session.world.desired
    target = Target(session.invocation, file, number_file, desired.policy.numbers == "named")
    made = declarations(desired, rows, found.observed, how, target.known)
    if made.lines and not dry_run:
        made, declared = target.write(made, lambda more: declarations(
            desired, rows, found.observed, replace(how, left_out={**how.left_out, **more}), target.known
        ))  # fmt: skip
        by_address = {f"bindings.{name}": row for name, row in made.rows.items()}
        found.take(by_address, lambda address: declared.bindings[address.removeprefix("bindings.")])
    if how.names and made.left_out:
        row, why = made.left_out[0]
        raise UsageError(
            "the binding cannot be declared", f"{escape(row.bind_id)}: {escape(why)}.", *_axg_advice(why)
        )
    taken = counted(len(made.lines), "live binding")
    session.show(
        f"Would take {taken} and declare them in {escape(file)}."
        if dry_run
        else f"Took {taken}, declared in {escape(file)}."
    )
    if made.numbers:
        names = counted(len(made.numbers), "new name")
        session.show(
            f"{names} of numbers {'would stand' if dry_run else 'stand'} in {escape(target.numbers())}."
        )
    _tell_rest(session, made)
    if made.lines and not dry_run:
        session.show(f"Nothing should be left to do:\n    {session.invocation.again('plan')}")
    return Verdict("import", done=0 if dry_run else len(made.lines))


def _axg_advice(why: str) -> tuple[str, ...]:
    return (
        ("Declare it with `mode: axg` and its group, and import it under that name:",)
        if why == RINGS_GROUP
        else ()
    )


def _tell_rest(session: "Opened", made: "Declarations") -> None:
    """What was left out, by reason; what may be otherwise than it is declared; what ends nobody knows when."""
    reasons: dict[str, list[LiveBinding]] = {}
    for row, why in made.left_out:
        reasons.setdefault(why, []).append(row)
    for why, rows in reasons.items():
        _list(
            session,
            f"{counted(len(rows), 'live binding')} left out: {escape(why)}.",
            (f"{one.provider}  {escape(one.bind_id)}" for one in rows),
        )
        for line in _axg_advice(why):
            session.show(line)
            session.show(f"    pnsync import NAME {escape(rows[0].bind_id)}")
    if made.maybe_groups:
        count = counted(len(made.maybe_groups), "binding")
        _list(
            session,
            f"{count} may ring a group rather than phone B alone, as that is a member of one; a listing does not tell. "
            "Where it does, declare `mode: axg` before it is renewed:",
            (f"bindings.{name}  {escape(group)}" for name, group in sorted(made.maybe_groups.items())),
        )
    for provider in sorted({row.provider for row in made.rows.values() if row.expires_at is None}):
        _tell_of_zone(session, made, provider)


def _tell_of_zone(session: "Opened", made: "Declarations", provider: str) -> None:
    """What to do where ends are listed without a zone: nothing is judged by them, so that nothing is renewed by them."""
    from pnsync.plan import instant
    from pnsync.zones import ZONE_LIMIT_SECONDS

    ends = [
        (row.naive_expiry or 0, name)
        for name, row in made.rows.items()
        if row.provider == provider and row.expires_at is None
    ]
    first, name = min(ends)
    session.show(
        f"When {counted(len(ends), 'binding')} of {provider} {'end' if len(ends) > 1 else 'ends'} is not known: its listing names "
        "no time zone. The first binding that pnsync makes there tells it; until then these are not renewed."
    )
    if first:
        session.show(
            f"The first may end at any time from {instant(first - ZONE_LIMIT_SECONDS)}; to learn it at once, make that one anew:"
        )
    session.show(f"    {session.invocation.again('plan')} --replace bindings.{name} --out zone.pnsplan")
    session.show(f"    {session.invocation.again('apply')} zone.pnsplan")
