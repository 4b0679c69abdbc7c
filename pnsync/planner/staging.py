"""Drafts brought into an order in which no call goes astray: arranged, rehearsed, and arranged again. Pure.

Where a rehearsal finds a misroute it names which change has to wait for which; with those waits the drafts are
arranged anew. What no order mends is refused with an explanation: a person can apply it in two parts. A part that others
carry on is judged with the rest of the whole behind it, as nobody knows when that comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pnsync.errors import Diagnostic
from pnsync.plan import Change, Step
from pnsync.planner.draft import Draft
from pnsync.planner.ordering import Arranged, arrange
from pnsync.reach import Misroute, RoutingSummary
from pnsync.routing.following import Live
from pnsync.routing.rehearsal import Rehearsal, rehearse

ROUNDS = 4
"""How often a plan is arranged anew; each round adds waits, and every known case needs one or two."""


@dataclass(frozen=True, slots=True)
class Staged:
    """Changes and steps in their order, what they do to calls, and why they are refused."""

    changes: tuple[Change, ...]
    steps: tuple[Step, ...]
    routing: RoutingSummary
    refusals: tuple[Diagnostic, ...] = ()


def stage(drafts: Sequence[Draft], live: Live, whole: Staged | None = None) -> Staged:
    """The first order in which no call goes astray; the last one tried, with refusals, where there is none.

    Of a part, `whole` is the plan of which others do the rest.
    """
    waits: set[tuple[int, int]] = set()
    for _ in range(ROUNDS):
        found = arrange(drafts, live.desired, now=live.now, waits=waits)
        rehearsal = rehearse(found.steps, found.changes, live)
        if whole is not None:
            rehearsal = _before_the_rest(found, rehearsal, whole, live)
        more = {
            (found.places[waiter], found.places[awaited])
            for waiter, awaited in rehearsal.waits
            if waiter != awaited
        }
        if not rehearsal.summary.misroutes or more <= waits:
            break
        waits |= more
    refusals = tuple(refusal(one) for one in rehearsal.summary.misroutes)
    return Staged(found.changes, found.steps, rehearsal.summary, refusals)


def _before_the_rest(part: Arranged, alone: Rehearsal, whole: Staged, live: Live) -> Rehearsal:
    """What a part does to calls, and which of them go astray until the rest of the whole is done too."""
    mine = {one.address for one in part.changes}
    rest = [
        replace(one, change=len(part.changes) + one.change)
        for one in whole.steps
        if whole.changes[one.change].address not in mine
    ]
    both = rehearse((*part.steps, *rest), (*part.changes, *whole.changes), live)
    misroutes = tuple(one for one in both.summary.misroutes if one.step < len(part.steps))
    return replace(alone, summary=replace(alone.summary, misroutes=misroutes))


def refusal(one: Misroute) -> Diagnostic:
    """Why a plan with this misroute is not applied."""
    number = one.phone_x or "the X that the vendor chooses"
    if one.extension:
        number = f"{number} extension {one.extension}"
    beside = f" and {one.others}" if one.others is not None and one.others != one.address else ""
    return Diagnostic(
        "P350",
        f"between two calls of this plan {number} would connect wrongly ({one.address}{beside}): {one.reason}",
        advice="apply it in two parts: first without the one, with --exclude, then the rest",
        address=one.address,
    )
