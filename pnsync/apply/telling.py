"""What is told and counted of the steps of a plan: done, uncertain, failed, left.

A change is told once, whatever number of calls it takes; one that is half done is a failure that says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pnsync.apply.batch import Record
from pnsync.apply.progress import Progress, Standing
from pnsync.journal import Refused
from pnsync.plan import Action, Change, expiry_text, instant
from pnsync.state import Entry, Intent
from pnsync.verdict import Done, Failed, Reporter, Uncertain

RESULTS: Mapping[Action, str] = {
    Action.BIND: "bound",
    Action.REBIND: "rebound",
    Action.RENEW: "renewed",
    Action.UNBIND: "unbound",
    Action.ADOPT: "adopted",
    Action.FORGET: "forgotten",
    Action.CREATE_GROUP: "created",
    Action.UPDATE_GROUP: "updated",
    Action.DELETE_GROUP: "deleted",
}


@dataclass(frozen=True, slots=True)
class Telling:
    """Marks steps, counts them in the tally, and tells the reporter."""

    progress: Progress
    session: Record
    report: Reporter
    fail_fast: bool

    def done(self, change: Change, seconds: float) -> None:
        """A change is done, `seconds` after its first call."""
        result = RESULTS[change.action]
        tally = self.progress.tally
        tally.done[change.address] = result
        tally.failures.pop(change.address, None)
        entry = self.session.state.entries.get(change.address)
        binding = entry if isinstance(entry, Entry) and change.action is not Action.UNBIND else None
        self.report(
            Done(
                address=change.address,
                action=change.action.value,
                provider=change.provider,
                result=result,
                seconds=round(seconds, 3),
                phone_x=None if binding is None else binding.phone_x,
                extension=None if binding is None else binding.extension,
                expires_at=None if binding is None else expiry_text(binding.expires_at),
                note=change.reason if change.calls == 0 else "",
            )
        )

    def uncertain(self, index: int, intent: Intent, reason: str) -> None:
        """The outcome of a step's call is not known."""
        progress = self.progress
        step = progress.plan.steps[index]
        change = progress.change(step)
        progress.standing[index] = Standing.UNCERTAIN
        progress.tally.attempted.add(change.address)
        if step.circle is not None:
            progress.tally.attempted |= step.circle.addresses
            progress.tally.circles[change.address] = step.circle.addresses
        self.report(
            Uncertain(
                change.address,
                change.action.value,
                change.provider,
                reason,
                instant(intent.not_before),
            )
        )

    def failed(self, index: int, code: str, reason: str, advice: str, refused: Refused | None = None) -> None:
        """A step failed, or was not begun for a reason of its own."""
        progress = self.progress
        change = progress.change(progress.plan.steps[index])
        progress.standing[index] = Standing.FAILED
        failed = Failed(
            change.address,
            change.action.value,
            change.provider,
            code,
            "" if refused is None else refused.vendor_code,
            "" if refused is None else refused.request_id,
            reason,
            advice,
        )
        progress.tally.failures[change.address] = failed
        self.report(failed)
        if self.fail_fast:
            progress.failed_fast = True

    def left(self, index: int, reason: str) -> None:
        """Never started. What it belongs to is told once, unless a part of it was done, failed or is uncertain."""
        progress = self.progress
        step = progress.plan.steps[index]
        progress.standing[index] = Standing.LEFT
        others = progress.others(step)
        if not others:
            change = progress.change(step)
            progress.tally.left[change.address] = change
        elif others == {Standing.DONE}:
            self.failed(index, "A130", f"half done: {reason}", "apply again: it comes first then")
