"""Attempts settled against three declared bindings, for tests of what a listing tells."""

from pnsync.journal import Resolved, Verdict
from pnsync.model import Observed
from pnsync.recovery import Settled, settle
from pnsync.state import State
from tests.worlds import NOW, axb, desk, ride

ORDER, DESK, RIDE = axb("order"), desk("desk"), ride("ride")
FILES = {one.address: one for one in (ORDER, DESK, RIDE)}


def settled(known: State, seen: Observed, now: float = NOW) -> Settled:
    """Settle against the files above."""
    return settle(known, seen, FILES, now)


def verdicts(found: Settled) -> list[tuple[str, Verdict]]:
    """Which attempts were settled, and how."""
    return [(one.attempt, one.verdict) for one in found.events if isinstance(one, Resolved)]
