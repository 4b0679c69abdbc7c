"""What `doctor` concludes: each check's verdict, and what to do where it is not well. Pure.

The command gathers the facts, by reading only, and this module judges them. Texts hold no personal number and no key.
"""

from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pnsync.errors import ExitCode, PnsyncError, worst
from pnsync.model import Desired, Listing, ProviderConfig
from pnsync.plan import instant
from pnsync.reports.status import Status
from pnsync.state import State

FORMAT: Final = "pnsync-doctor"
VERSION: Final = 1
CLOCK_NOTED_SECONDS: Final = 5.0
"""A skew below this is what a Date header's whole seconds and a slow answer make."""
CLOCK_REFUSED_SECONDS: Final = 60.0
"""NXCloud refuses a stamp that is further off (docs/vendors.md, 1.1)."""


class Health(StrEnum):
    """How a check came out."""

    WELL = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its subject, what was found, and what to do."""

    subject: str
    health: Health
    found: str
    advice: str = ""
    command: str = ""
    code: ExitCode = ExitCode.DONE
    """The exit code of a failure."""


def well(subject: str, found: str) -> Check:
    """Nothing to do."""
    return Check(subject, Health.WELL, found)


def failed(subject: str, error: PnsyncError) -> Check:
    """A check that ended with a foreseen failure."""
    advice = " ".join(error.detail)
    command = "" if error.command == "pnsync doctor" else error.command  # which is what runs
    return Check(subject, Health.FAILED, error.summary, advice, command, error.exit_code)


def judge_files(desired: Desired) -> Check:
    """The files are valid; how much they hold."""
    found = (
        f"{_many(desired.bindings, 'binding')}, {_many(desired.groups, 'group')}, "
        f"{_many(desired.providers, 'provider')} in {_many(desired.files, 'file')}"
    )
    if desired.diagnostics:
        many = f"{found}; {_many(desired.diagnostics, 'finding')}"
        return Check("files", Health.WARNING, many, "read them:", "pnsync validate")
    return well("files", found)


def judge_state(desired: Desired, state: State | None) -> list[Check]:
    """The state can be read; where it is kept, and whether its numbers are sealed."""
    checks: list[Check] = []
    backend = desired.state.backend
    if state is None:
        advice = "the first apply makes it; where there was one, bring it back or derive it from the listing:"
        checks.append(Check("state", Health.WARNING, f"none yet ({backend})", advice, "pnsync state rebuild"))
    else:
        size = f"{_many(state.bindings(), 'binding')}, serial {state.serial:,}"
        checks.append(well("state", f"{size}, lineage {state.lineage} ({backend})"))
    sandboxed = all(one.sandbox for one in desired.providers.values())
    if desired.state.settings.get("encryption") is not None:
        checks.append(well("sealing", "personal numbers are sealed"))
    elif backend == "local" or sandboxed:
        checks.append(
            well("sealing", "none: the file holds numbers in clear, for its owner alone (mode 0600)")
        )
    else:
        advice = "add `encryption: {recipients: [age1…], enforced: true}` to `state:` in the root file"
        checks.append(Check("sealing", Health.WARNING, "the state's numbers are kept in clear", advice))
    return checks


def judge_numbers(name: str, *, here: bool, sealed: bool, opens: bool, ignored: bool, tracked: bool) -> Check:
    """A file of numbers: whether this run has it, and whether others will.

    `ignored`: Git would not commit it; `tracked`: it would. Both False outside a repository.
    """
    subject = f"numbers: {name}"
    seal = f"age -a -r age1… -o {name}.age {name}"
    if not here:
        advice = (
            "a plain one is ignored by Git, so that a fresh clone has it not: copy it here, write it from a secret of the CI, or "
            "seal it where it is, commit the sealed file and name it under `numbers:`"
        )
        return Check(subject, Health.FAILED, "is not here", advice, seal, ExitCode.USAGE)
    if sealed and not opens:
        advice = "set PNSYNC_AGE_IDENTITY, or PNSYNC_AGE_IDENTITY_FILE to the file that age-keygen wrote"
        return Check(
            subject, Health.FAILED, "is sealed, and this run has no age identity", advice, code=ExitCode.USAGE
        )
    if sealed:
        return well(subject, "is sealed, and opens here")
    if tracked:
        advice = "Git would commit these real numbers: seal it, and name the sealed file under `numbers:`"
        return Check(subject, Health.WARNING, "is in clear", advice, seal)
    if ignored:
        advice = (
            "a fresh clone and CI have it not: seal it, commit the sealed file and name it under `numbers:`"
        )
        return Check(subject, Health.WARNING, "is in clear, and Git does not carry it", advice, seal)
    return well(subject, "is in clear, for its owner alone")


def judge_lock(status: Status) -> Check:
    """Whether a run holds the state, and for how long already."""
    holder = status.holder
    if holder is None:
        return well("lock", "free")
    found = f"held since {instant(holder.since)} by {holder.user} on {holder.host} (pid {holder.pid})"
    if status.now - holder.since < 3600:
        return well("lock", found)
    advice = "if that process is gone or stands still:"
    return Check("lock", Health.WARNING, found, advice, f"pnsync unlock {holder.id}")


def judge_schedule(status: Status) -> Check:
    """Whether runs come often enough for what is to be kept alive."""
    if status.lapsed:
        first = status.lapsed[0]
        return Check(
            "schedule",
            Health.FAILED,
            f"{_many(status.lapsed, 'lapse')}, {first.address} first, at {instant(first.at)}",
            "bind them again, and see that runs come:",
            "pnsync renew",
            ExitCode.DOWN,
        )
    if status.overdue:
        return Check(
            "schedule",
            Health.WARNING,
            f"{status.overdue:,} {'renewal has' if status.overdue == 1 else 'renewals have'} been due for longer than the "
            "schedule allows",
            "no run came in time, or none could make it; look at the CI job, then:",
            "pnsync renew",
        )
    if status.schedule is None:
        if status.next_due is None:
            return well("schedule", "none is declared, and nothing has to be renewed")
        return Check(
            "schedule",
            Health.WARNING,
            "none is declared, so that nothing tells whether runs come often enough",
            "declare how often CI runs pnsync, in the root file: `schedule: {every: 1h, late_by: 1h}`",
        )
    return well("schedule", "no renewal is overdue")


def judge_standing(status: Status) -> list[Check]:
    """What is down, unknown, failing or frozen."""
    checks: list[Check] = []
    if status.down:
        names = ", ".join(one.address for one in status.down[:5])
        found = f"{_many(status.down, 'binding')} down: {names}"
        advice = "the next run begins with them:"
        checks.append(Check("down", Health.FAILED, found, advice, "pnsync renew", ExitCode.DOWN))
    if status.unsettled:
        found = f"{_many(status.unsettled, 'call')} of unknown outcome"
        checks.append(
            Check("unknown", Health.WARNING, found, "the next run asks the listing:", "pnsync renew")
        )
    if status.failing:
        first = min(status.failing, key=lambda one: one.since)
        found = (
            f"calls for {_many(status.failing, 'binding')} fail, {first.address} since {instant(first.since)}"
        )
        checks.append(Check("failing", Health.WARNING, found, "see why:", "pnsync status"))
    if status.freeze is not None:
        found = f"every apply is refused since {instant(status.freeze.since)}"
        checks.append(Check("freeze", Health.WARNING, found, "when its reason has gone:", "pnsync unfreeze"))
    return checks


def judge_clock(name: str, offset: float) -> Check:
    """The local clock against the vendor's, `offset` seconds ahead; pnsync stamps requests with the vendor's time."""
    subject = f"{name}: clock"
    side = "behind" if offset > 0 else "ahead of"
    found = f"{abs(offset):.0f} s {side} the vendor's"
    if abs(offset) <= CLOCK_NOTED_SECONDS:
        return well(subject, "agrees with the vendor's")
    advice = "pnsync corrects for it; let the machine keep time (NTP), as other stamps and locks are its own"
    if abs(offset) < CLOCK_REFUSED_SECONDS:
        return Check(subject, Health.WARNING, found, advice)
    return Check(subject, Health.WARNING, f"{found}, more than vendors accept uncorrected", advice)


def judge_listing(name: str, listing: Listing, seconds: float, rate: float) -> Check:
    """Whether the whole listing could be read, page by page."""
    subject = f"{name}: listing"
    found = (
        f"{_many(listing.bindings, 'binding')}, {_many(listing.groups, 'group')} in {_many(range(listing.pages), 'page')}, "
        f"{seconds:.1f} s at {rate:g} calls/s at most"
    )
    if listing.problems:
        told = "; ".join(listing.problems[:3])
        advice = f"nothing is concluded from what it does not show, until it is whole: {told}"
        return Check(subject, Health.WARNING, found, advice)
    return well(subject, found)


def judge_account(config: ProviderConfig, state: State | None, *, same: bool | None) -> Check:
    """Whether the account is the one that the state recorded; `same` None: none is recorded."""
    subject = f"{config.name}: account"
    if state is None or same is None:
        return well(subject, "the first apply records it")
    if same:
        return well(subject, "is the one that the state recorded")
    advice = "its endpoint's host or its access key differs; if that is meant:"
    command = f"pnsync state account {config.name} --accept"
    return Check(
        subject, Health.FAILED, "is another than the state recorded", advice, command, ExitCode.STATE
    )


def exit_code(checks: Sequence[Check]) -> ExitCode:
    """The exit code of all: 0 where nothing failed."""
    return worst(one.code for one in checks if one.health is Health.FAILED)


def document(checks: Sequence[Check]) -> Mapping[str, Any]:
    """The checks as JSON."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "exit": int(exit_code(checks)),
        "checks": [
            {
                "subject": one.subject,
                "health": one.health.value,
                "found": one.found,
                "advice": one.advice,
                "command": one.command,
            }
            for one in checks
        ],
    }


def _many(found: Sized, one: str) -> str:
    return f"{len(found):,} {one}{'' if len(found) == 1 else 's'}"
