"""When a step of a plan may start, what keeps it waiting, and why it never will.

Order, keys that a call in flight holds, a vendor's pace, the life left to an old binding, and what stops a run or a
provider. Decides from what is known; starts nothing.
"""

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass

from pnsync.apply.batch import Record
from pnsync.apply.progress import Conduct, Progress, Standing
from pnsync.interfaces import Clock, Provider
from pnsync.plan import Action, Cause, Order, Step
from pnsync.planner.steps import CALL_SECONDS
from pnsync.state import Entry, Operation

CLOCK_ERROR_SECONDS = 900.0
"""How far a vendor's clock may be behind ours for the end of a binding to be waited for."""


@dataclass(frozen=True, slots=True)
class Starting:
    """What decides of one pass over a plan."""

    progress: Progress
    session: Record
    providers: Mapping[str, Provider]
    clock: Clock
    conduct: Conduct

    def obstacle(self, step: Step) -> str | None:
        """Why a step will never start in this run; None where it may."""
        progress, tally = self.progress, self.progress.tally
        standing = {progress.standing[one] for one in step.after}
        if Standing.UNCERTAIN in standing:
            return "what it depends on is not settled"
        if Standing.FAILED in standing or Standing.LEFT in standing:
            return "what it depends on failed"
        if Standing.FLYING in standing:
            return None  # how that call ends decides what this step is
        finishing = self._finishing(step)
        if progress.closing and not finishing:
            return "the run was stopped"
        # Of a circle no more is taken down than there is time to put up again.
        calls = 0 if step.circle is None else step.circle.calls
        ends = self.clock.monotonic() + calls * CALL_SECONDS
        if progress.deadline is not None and ends >= progress.deadline:
            return "the run was stopped"
        late = self.conduct.not_after is not None and self.clock.monotonic() >= self.conduct.not_after
        if late and not finishing:
            return "the deadline has passed"
        also = frozenset() if step.circle is None else step.circle.binds_at
        for name in (step.provider, *sorted(also - {step.provider})):
            if name not in self.providers:
                return f"provider {name} is not configured or could not be read"
            stopped = tally.stopped.get(name)
            tried = finishing and step.circle is None and name not in tally.barred
            if stopped is not None and not tried:
                return stopped
        full = self._full(step)
        return None if full is None else f"{full} refuses binds for want of capacity"

    def delay(self, step: Step, passed: Set[str]) -> float:
        """0: now; a number of seconds; infinity: when something else has ended. `passed` are keys of steps before it."""
        progress = self.progress
        if any(progress.standing[one] is not Standing.DONE for one in step.after):
            return math.inf
        if step.keys & progress.held.keys() or step.keys & passed:
            return math.inf
        others = 0.0 if self._finishing(step) else self.conduct.wait()
        return max(0.0, self._life_left(step), others)

    def pace(self, provider: str) -> float:
        """The seconds until a provider's next call may leave."""
        now, slots = self.clock.monotonic(), self.progress.slots
        if provider not in slots:
            slots[provider] = now + self.providers[provider].pace()
        return max(0.0, slots[provider] - now)

    def _finishing(self, step: Step) -> bool:
        """Whether a step finishes a change that this run has half done, also where only the listing told that."""
        if self.progress.finishing(step):
            return True
        address = self.progress.change(step).address
        if step.operation is not Operation.BIND or address not in self.progress.tally.attempted:
            return False
        entry = self.session.state.entries.get(address)
        return isinstance(entry, Entry) and entry.down

    def _life_left(self, step: Step) -> float:
        """How long the old binding of a bind that expiry causes may still live by its vendor's clock, which decides."""
        change = self.progress.change(step)
        if change.action is not Action.BIND or change.cause is not Cause.EXPIRY:
            return 0.0
        entry = self.session.state.entries.get(change.address)
        if not isinstance(entry, Entry) or entry.down or entry.expires_at is None:
            return 0.0
        provider = self.providers.get(entry.provider)
        if provider is None:
            return 0.0
        left = entry.expires_at + self.conduct.send_within_seconds - provider.vendor_now()
        return left if left < CLOCK_ERROR_SECONDS else 0.0

    def _full(self, step: Step) -> str | None:
        """The full provider that keeps a step from being begun: a bind, or an unbind that a bind is to follow."""
        binds = step.operation is Operation.BIND
        if not (binds or self.begins(step)) or (binds and (step.finishes or self._finishing(step))):
            return None
        at = {step.provider} if step.circle is None else step.circle.binds_at
        return min(at & self.progress.tally.no_binds, default=None)

    def begins(self, step: Step) -> bool:
        """Whether a step is the first half of an unbind-first change."""
        bound_first = self.progress.change(step).order is Order.BIND_FIRST
        return step.operation is Operation.UNBIND and isinstance(step.target, Entry) and not bound_first
