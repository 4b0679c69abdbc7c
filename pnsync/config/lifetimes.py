"""How long a binding lives, from its own words, its file's defaults, the schedule and the vendor.

Pure: texts in, a `Lifetime` and what is wrong with it out, so that equal words are resolved once. Must not know
where the words stand; a `Problem` names the key and the caller finds its place.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

from pnsync.config import scalars
from pnsync.config.scalars import shown_duration
from pnsync.model import CAPABILITIES, HOUR, Lifetime, Schedule, VendorType

DEFAULT_RENEW_PERCENT: Final = 20.0
SHORTEST_KEPT_SECONDS: Final = HOUR
"""Without a schedule: a lease below this is unlikely to be renewed in time by any job that runs now and then."""


@dataclass(frozen=True, slots=True)
class Words:
    """What decides a lifetime: a binding's own words, and those of its file's defaults."""

    expires_in: str | None
    expires_at: str | None
    renew_before: str | None
    keep: bool
    default_expires_in: str | None = None
    default_renew_before: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a lifetime: `key` is the word at fault, the binding's own or its defaults'."""

    code: str
    key: str
    summary: str
    label: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A lifetime, None where there is none to be had, and what is wrong."""

    lifetime: Lifetime | None
    problems: tuple[Problem, ...] = ()


@cache
def resolve(words: Words, vendor: VendorType, schedule: Schedule | None) -> Resolved:
    """The lifetime that these words mean at a vendor under a schedule."""
    problems: list[Problem] = []
    until = _until(words, problems)
    if words.expires_at is not None and words.expires_in is None:
        lease = CAPABILITIES[vendor].max_lease_seconds
    else:
        text = words.expires_in or words.default_expires_in
        if text is None:
            problems.append(
                Problem(
                    "E215",
                    "",
                    "the binding has no lifetime",
                    "expires_in or expires_at is missing",
                    "add expires_in: 1d, or expires_in: never, here or under defaults",
                )
            )
            return Resolved(None, tuple(problems))
        lease = _lease(text, words, vendor, problems)
    if problems:
        return Resolved(None, tuple(problems))
    only_end = words.expires_at is not None and words.expires_in is None and words.renew_before is None
    told = words.keep and not only_end
    renew = 0 if lease is None else _renew_before(words, lease, schedule, problems, told=told)
    broken = any(one.code[0] == "E" for one in problems)
    lifetime = None if broken else Lifetime(lease, until, renew, words.keep)
    return Resolved(lifetime, tuple(problems))


def _until(words: Words, problems: list[Problem]) -> int | None:
    if words.expires_at is None:
        return None
    if words.expires_in == "never":
        problems.append(
            Problem("E216", "expires_in", "expires_in: never contradicts expires_at", "delete one of the two")
        )
    try:
        return scalars.instant(words.expires_at)
    except ValueError as error:
        problems.append(Problem("E213", "expires_at", "expires_at must be an RFC 3339 instant", str(error)))
        return None


def _lease(text: str, words: Words, vendor: VendorType, problems: list[Problem]) -> int | None:
    """The seconds of one bind, None for never."""
    abilities = CAPABILITIES[vendor]
    most = abilities.max_lease_seconds
    advice = "" if most is None else f"write {most} or less: pnsync keeps the binding alive by renewing it"
    if text == "never":
        if not abilities.never_expires and words.expires_at is None:
            problems.append(
                Problem(
                    "E217",
                    "expires_in",
                    f"{vendor} has no bindings that never expire",
                    "give a lifetime",
                    advice,
                )
            )
        return None
    try:
        seconds = scalars.duration(text)
    except ValueError as error:
        problems.append(Problem("E212", "expires_in", "expires_in must be a duration or never", str(error)))
        return None
    if seconds == 0:
        problems.append(
            Problem("E212", "expires_in", "expires_in must be 1 second or more", "for no expiry write never")
        )
    elif most is not None and seconds > most:
        problems.append(
            Problem(
                "E217",
                "expires_in",
                f"{vendor} takes at most {most} seconds",
                f"this is {seconds} seconds",
                advice,
            )
        )
    return seconds


def _renew_before(
    words: Words, lease: int, schedule: Schedule | None, problems: list[Problem], *, told: bool
) -> int:
    """The remaining life at which a renewal is due; what is too short for it is told where `told`."""
    text = words.renew_before or words.default_renew_before
    gap = schedule.every_seconds + schedule.late_by_seconds if schedule else 0
    floor = gap + HOUR if schedule else 0
    try:
        if text is None or text.endswith("%"):
            share = DEFAULT_RENEW_PERCENT if text is None else scalars.percent(text)
            if not 0 < share < 100:
                raise ValueError("write a percentage above 0% and below 100%")
            seconds = int(lease * share / 100)
        else:
            seconds = scalars.duration(text)
    except ValueError as error:
        problems.append(
            Problem("E214", "renew_before", "renew_before must be a duration or a percentage", str(error))
        )
        return 0
    explicit = text is not None and not text.endswith("%")
    if explicit and seconds < gap and words.keep:
        problems.append(
            Problem(
                "E218",
                "renew_before",
                "renew_before is shorter than the time between two runs",
                f"schedule.every and late_by make {shown_duration(gap)}",
                f"write {shown_duration(floor)} or more, or a percentage",
            )
        )
        return 0
    if explicit and words.renew_before and words.expires_in and seconds >= lease:
        problems.append(
            Problem(
                "E219",
                "renew_before",
                "renew_before must be shorter than expires_in",
                "a renewal would be due at once and for ever",
            )
        )
        return 0
    wanted = max(seconds, floor)
    short = wanted >= lease if schedule or explicit else lease < SHORTEST_KEPT_SECONDS
    if short and told:
        why = (
            f"a run can be as late as {shown_duration(gap)} after the one before"
            if schedule
            else f"below {shown_duration(SHORTEST_KEPT_SECONDS)} few scheduled jobs come in time"
        )
        problems.append(
            Problem(
                "W400",
                "expires_in",
                "this lifetime is too short to be kept alive",
                why,
                "lengthen it, run more often, or write keep: false if it shall end by itself",
            )
        )
    return min(wanted, lease // 2) if wanted >= lease else wanted
