"""`pnsync doctor`: files, state, lock, schedule, keys, clocks and listings, looked at one by one. Reads only."""

from typing import TYPE_CHECKING

import click

from pnsync.cli.command import Invocation, command
from pnsync.errors import ConfigError, ExitCode, PnsyncError
from pnsync.render.text import json_text
from pnsync.reports.doctor import (
    Check,
    Health,
    document,
    exit_code,
    failed,
    judge_account,
    judge_clock,
    judge_files,
    judge_listing,
    judge_lock,
    judge_numbers,
    judge_schedule,
    judge_standing,
    judge_state,
    well,
)
from pnsync.verdict import Verdict

if TYPE_CHECKING:
    from pnsync.interfaces import Clock
    from pnsync.model import Desired, ProviderConfig
    from pnsync.state import State


@command("doctor")
@click.option("--json", is_flag=True, help="Write JSON.")
@click.pass_obj
def doctor(invocation: Invocation, /, *, json: bool) -> Verdict:
    """Check keys, clocks, listings, state, lock, schedule and sealing, and say what to do. Reads only."""
    from pnsync.cli.logs import shown_logs
    from pnsync.cli.signals import Signals, SystemClock
    from pnsync.render.checks import checks_text

    with Signals(gentle=False) as signals, shown_logs(invocation):
        found = document(checks := _checks(invocation, SystemClock(signals)))
    output = invocation.output
    if json:
        output.out(json_text(found))
    else:
        output.out(checks_text(found, colour=output.out_colour, columns=output.columns))
    return Verdict("doctor", (exit_code(checks),))


def _checks(invocation: Invocation, clock: "Clock") -> list[Check]:
    from pnsync.config import Reading, load

    try:
        desired = load(
            invocation.folder, invocation.root, environ=invocation.environ, reading=Reading.AVAILABLE
        )
    except ConfigError as error:
        advice = "nothing else can be checked before that; every finding is told by:"
        return [Check("files", Health.FAILED, error.summary, advice, "pnsync validate", ExitCode.USAGE)]
    except PnsyncError as error:
        return [failed("files", error)]
    checks, state = _state_checks(invocation, desired, clock)
    unreadable = any(one.subject == "state" and one.health is Health.FAILED for one in checks)
    checks[1:1] = _number_checks(invocation)
    for config in desired.providers.values():
        found = _provider_checks(invocation, config, state, clock)
        # Which account a state is of, and whether it has one, is not known of one that cannot be read.
        checks += [one for one in found if not (unreadable and one.subject == f"{config.name}: account")]
    return checks


def _number_checks(invocation: Invocation) -> list[Check]:
    """Whether this run has the files of numbers, and whether a fresh clone would."""
    from pnsync.checkout import GitCheckout
    from pnsync.cli.numberfiles import files, rooted
    from pnsync.config.numbers import GLOB
    from pnsync.config.opening import Opener, sealed
    from pnsync.sealing.identity import NoKey

    found = rooted(invocation)
    missing = [one for one in found.patterns if not GLOB.search(one) and not invocation.path(one).exists()]
    checks = [
        judge_numbers(one, here=False, sealed=False, opens=False, ignored=False, tracked=False)
        for one in missing
    ]
    opener = Opener(invocation.environ)
    checkout = GitCheckout(invocation.folder, path=invocation.environ.get("PATH"))
    for name in files(invocation, found):
        path = invocation.path(name)
        data = path.read_bytes()
        opens, closed = True, sealed(data, name)
        try:
            opener.open(name, data)
        except NoKey:
            opens = False
        tracked = not closed and checkout.would_commit(path)
        checks.append(
            judge_numbers(
                name,
                here=True,
                sealed=closed,
                opens=opens,
                ignored=not tracked and checkout.head() is not None,
                tracked=tracked,
            )
        )
    return checks


def _state_checks(
    invocation: Invocation, desired: "Desired", clock: "Clock"
) -> tuple[list[Check], "State | None"]:
    from pnsync.cli.session import open_store
    from pnsync.reports.status import status
    from pnsync.state import State

    checks = [judge_files(desired)]
    try:
        store = open_store(desired.state, desired.lineage, invocation, clock)
        state = store.load()
        found = status(desired, state or State(lineage=""), store.holder(), now=int(clock.now()))
    except PnsyncError as error:
        return [*checks, failed("state", error)], None
    checks += judge_state(desired, state)
    return [*checks, judge_lock(found), judge_schedule(found), *judge_standing(found)], state


def _provider_checks(
    invocation: Invocation, config: "ProviderConfig", state: "State | None", clock: "Clock"
) -> list[Check]:
    from pnsync.cli.session import open_provider
    from pnsync.masking import derive
    from pnsync.pseudonyms import pseudonym_key

    try:
        provider = open_provider(config, invocation, clock)
    except PnsyncError as error:
        return [failed(f"{config.name}: keys", error)]
    try:
        recorded = None if state is None else state.accounts.get(config.name)
        same = (
            None
            if recorded is None
            else recorded == provider.account(derive(pseudonym_key(state), "account"))
        )
        checks = [judge_account(config, state, same=same)]
        began = clock.monotonic()
        try:
            listing = provider.list(scans=1, reading=_unheard)
        except PnsyncError as error:
            return [*checks, failed(f"{config.name}: listing", error)]
        seconds = clock.monotonic() - began
        keys = "none needed: the simulated vendor" if config.sandbox else "accepted by the vendor"
        return [
            well(f"{config.name}: keys", keys),
            *checks,
            judge_clock(config.name, provider.vendor_now() - clock.now()),
            judge_listing(config.name, listing, seconds, config.rate),
        ]
    finally:
        provider.close()


def _unheard(provider: str, rows: int, total: int | None, pages: int) -> None:
    """Nobody follows the progress of a check."""
