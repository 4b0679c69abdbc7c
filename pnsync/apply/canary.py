"""A plan carried out in two parts: a few changes first, the rest only where those are at the vendor as they should be.

What is looked at is the listing, not the vendor's acknowledgement: what was bound is in it, what was unbound is not.
Where the first part is not so nothing further is begun, and the run is partial (exit 3) whatever else happened.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from pnsync.apply.applying import Applying
from pnsync.apply.batch import Record
from pnsync.apply.portions import split
from pnsync.apply.progress import Tally
from pnsync.apply.settlement import REREADS, Ending
from pnsync.errors import ExitCode, Interrupted
from pnsync.interfaces import Clock, Interrupt
from pnsync.model import BindKey, Observed
from pnsync.plan import Plan
from pnsync.verdict import Reporter, Warned


@dataclass(slots=True)
class Canary:
    """What carrying out in two parts works with; `settle_seconds` bounds the waiting for unknown outcomes."""

    session: Record
    clock: Clock
    interrupt: Interrupt
    report: Reporter
    tally: Tally
    observe: Callable[[Collection[str]], Observed]
    apply: Callable[[Plan], Applying]
    ending: Ending
    settle_seconds: float

    def carry_out(self, plan: Plan, count: int) -> None:
        """Carry out `count` changes, look at them, and then the rest."""
        first, rest = split(plan, count)
        gone = set(self.session.state.unbound)
        self.apply(first).go()
        if not rest.steps:
            return
        try:
            why = [] if self.interrupt.signal is not None else self._failure(first, gone)
        except Interrupted:
            why = []
        if not why:
            self.apply(rest).go()  # which begins nothing where there was a signal, and says so
            return
        self.tally.left.update({one.address: one for one in rest.changes})
        self.tally.codes.add(ExitCode.PARTIAL)
        self.report(Warned("A170", "the canary failed, and nothing further was begun", "; ".join(why)))

    def _failure(self, first: Plan, gone: set[BindKey]) -> list[str]:
        """Why the first changes are not as they should be; empty where they are."""
        if any(map(self.ending.mine, self.session.state.blocking())):
            self.ending.settle(self.settle_seconds)
        done = self.tally.done
        why = [f"{one.address} is not done" for one in first.changes if one.address not in done]
        if not why:
            why = [f"{one} is not listed" for one in self.ending.verify()]
        unbound = set(self.session.state.unbound) - gone
        if unbound:
            why += [f"{one} is still listed" for one in self._still_listed(first, unbound)]
        return why

    def _still_listed(self, first: Plan, unbound: set[BindKey]) -> list[str]:
        """The unbound ids that the listing goes on to show."""
        still: list[str] = []
        for pause in (*REREADS, None):
            listings = self.observe({one.provider for one in first.changes}).listings
            listed = {row.key for one in listings.values() for row in one.bindings}
            still = sorted(bind_id for _, bind_id in listed & unbound)
            if not still or pause is None or self.interrupt.signal is not None:
                break
            self.clock.sleep(pause)
        return still
