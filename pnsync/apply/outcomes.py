"""What a call's outcome means: for its step, for what may still be called at its provider, and for who is told.

The outcome itself is recorded as it is; nothing here turns an error into a failure that the vendor did not state.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pnsync.apply.batch import Batch
from pnsync.apply.progress import Conduct, Progress, Standing
from pnsync.apply.proofs import Proofs
from pnsync.apply.telling import Telling
from pnsync.errors import ExitCode
from pnsync.interfaces import Clock
from pnsync.journal import Applied, Closed, NotSent, Outcome, Refusal, Refused, Rested, Unknown
from pnsync.plan import Step
from pnsync.planner.quarantine import rests
from pnsync.state import Entry, Intent, Operation
from pnsync.zones import CERTAIN_SECONDS

BREAKER_UNKNOWNS = 3
"""Unknown outcomes in a row after which a vendor gets no further call in this run."""
NOT_SENT_TRIES = 3


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Takes the outcomes of one pass over a plan."""

    progress: Progress
    batch: Batch
    telling: Telling
    proofs: Proofs
    clock: Clock
    conduct: Conduct
    again: Callable[[int], None]
    """Let a step start once more."""

    def take(self, index: int, intent: Intent, outcome: Outcome) -> None:
        """A step's call has ended."""
        step = self.progress.plan.steps[index]
        now = int(self.clock.now())
        self.batch.add(Closed(intent.attempt, outcome, now))
        if not isinstance(outcome, Unknown | NotSent):
            self.progress.unknowns[step.provider] = 0
        match outcome:
            case Applied():
                self._applied(index, step, intent, outcome, now)
            case NotSent(reason=reason):
                self._not_sent(index, step, reason)
            case Refused():
                self._refused(index, step, intent, outcome)
            case Unknown():
                self._unknown(index, step, intent, outcome)

    def _applied(self, index: int, step: Step, intent: Intent, applied: Applied, now: int) -> None:
        progress, change = self.progress, self.progress.change(step)
        progress.standing[index] = Standing.DONE
        if step.operation is Operation.BIND:
            progress.tally.bound.add(intent.address)
            # By the wall clock: a machine that slept between call and answer may not have counted it otherwise.
            if now - progress.asked_at[index] <= CERTAIN_SECONDS:
                progress.tally.prompt.add(intent.address)
            else:
                progress.tally.prompt.discard(intent.address)
            before = change.before or {}
            old_x = before.get("phone_x")
            if old_x is not None and applied.phone_x is not None and applied.phone_x != old_x:
                progress.tally.x_changed.add(intent.address)
        if step.unbinds is not None:
            target = step.target if isinstance(step.target, Entry) else None
            if self.conduct.quarantine_seconds:
                freed = rests(step.unbinds, target, until=now + self.conduct.quarantine_seconds)
                if freed:
                    self.batch.add(Rested(freed, now))
            self.proofs.gone(step.provider, step.unbinds.bind_id)
        if progress.whole(step):
            seconds = self.clock.monotonic() - progress.began[step.change]
            self.batch.then(lambda: self.telling.done(change, seconds))
        if step.operation in (Operation.CREATE_GROUP, Operation.UPDATE_GROUP):
            self.batch.flush()

    def _not_sent(self, index: int, step: Step, reason: str) -> None:
        progress = self.progress
        if progress.tries[index] < NOT_SENT_TRIES and progress.deadline is None:
            self.again(index)
            return
        self.telling.failed(index, "A120", reason, "check the network and the endpoint, then apply again")
        self._count_unknown(step.provider)

    def _refused(self, index: int, step: Step, intent: Intent, refused: Refused) -> None:
        progress, tally = self.progress, self.progress.tally
        retried = progress.tries[index] > 1
        match refused.refusal:
            case Refusal.CLOCK | Refusal.AUTHENTICATION if not retried and progress.deadline is None:
                self.again(index)
                return
            case Refusal.AUTHENTICATION:
                tally.stopped[step.provider] = f"{step.provider} refused the credentials"
                tally.barred.add(step.provider)
                tally.codes.add(ExitCode.CREDENTIALS)
            case Refusal.CAPACITY:
                if step.operation is Operation.BIND:
                    tally.no_binds.add(step.provider)
            case Refusal.ABSENT if step.operation in (Operation.UNBIND, Operation.DELETE_GROUP):
                self.telling.uncertain(
                    index, intent, "the vendor says that it is not there; the listing will tell"
                )
                return
            case _:
                pass
        advice = _ADVICE.get(refused.refusal, "see the vendor's message for this code")
        self.telling.failed(index, _CODES[refused.refusal], refused.reason, advice, refused)

    def _unknown(self, index: int, step: Step, intent: Intent, unknown: Unknown) -> None:
        progress = self.progress
        self.telling.uncertain(index, intent, unknown.reason)
        self._count_unknown(step.provider)
        if unknown.rate_limited:
            pause = min(10.0, 2.0 ** progress.unknowns[step.provider])
            progress.slots[step.provider] = self.clock.monotonic() + pause

    def _count_unknown(self, provider: str) -> None:
        unknowns = self.progress.unknowns
        unknowns[provider] = unknowns.get(provider, 0) + 1
        if unknowns[provider] >= BREAKER_UNKNOWNS:
            self.progress.tally.stopped.setdefault(
                provider, f"{BREAKER_UNKNOWNS} calls in a row at {provider} got no usable answer"
            )


_CODES: Mapping[Refusal, str] = {
    Refusal.VALIDATION: "A121",
    Refusal.AUTHENTICATION: "A122",
    Refusal.CLOCK: "A123",
    Refusal.CAPACITY: "A124",
    Refusal.CONFLICT: "A125",
    Refusal.ABSENT: "A126",
}

_ADVICE: Mapping[Refusal, str] = {
    Refusal.VALIDATION: "correct the declaration; the vendor does not take these values",
    Refusal.AUTHENTICATION: "check the key, its secret and the vendor's address list",
    Refusal.CLOCK: "set this machine's clock",
    Refusal.CAPACITY: "order numbers, or free some; the next apply tries again",
    Refusal.CONFLICT: "another binding holds it: `pnsync plan` names one that is not ours, `pnsync validate` the "
    "phones that two of ours share",
    Refusal.ABSENT: "plan again; it is not at the vendor any more",
}
