"""The steps of a plan as vendor calls, in order, each between a durable intent and a durable outcome.

The protocol (docs/reliability.md): an intent is durable before its call, its outcome after; what one change ended with
and what the next begins with travel in one record, and where a record costs more than a call, the intents of several
that do not depend on each other (`ahead`). Nothing is repeated blindly. No clean-up code carries a promise:
a run that is killed anywhere leaves what the next one needs. One thread decides; calls run behind a Dispatcher.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping

from pnsync.apply.attempts import Moment, intent_of
from pnsync.apply.batch import Batch, Record
from pnsync.apply.outcomes import Outcomes
from pnsync.apply.progress import Conduct, Progress, Standing, Tally
from pnsync.apply.proofs import Proofs
from pnsync.apply.starting import Starting
from pnsync.apply.telling import Telling
from pnsync.errors import Interrupted
from pnsync.interfaces import Clock, Dispatcher, Interrupt, Provider
from pnsync.journal import Applied, Closed, Event, NotSent, Opened, Refused, Unknown
from pnsync.lifetimes import over
from pnsync.model import Listing
from pnsync.plan import Plan, Step
from pnsync.state import EARLIER_SECONDS, Entry, Intent, Operation
from pnsync.verdict import Reporter

GRACE_SECONDS = 4.0
"""What calls in flight, and the second half of a change, are given after a signal (5 s in all)."""
AHEAD_SECONDS = 5.0
"""How long the calls of one record may take by their providers' rates."""
OUTCOME_WAITS_SECONDS = 10.0
"""How long an outcome waits at most for the record of the next intents, where one record serves several calls."""


class Applying:
    """One run over the steps of one plan."""

    def __init__(
        self,
        plan: Plan,
        *,
        session: Record,
        providers: Mapping[str, Provider],
        dispatcher: Dispatcher,
        clock: Clock,
        interrupt: Interrupt,
        report: Reporter,
        conduct: Conduct,
        proofs: Proofs,
        relist: Callable[[str], Mapping[str, Listing]],
        tally: Tally,
        run: str,
    ) -> None:
        self.plan = plan
        self.session = session
        self.providers = providers
        self.dispatcher = dispatcher
        self.clock = clock
        self.interrupt = interrupt
        self.conduct = conduct
        self.proofs = proofs
        self.relist = relist
        self.tally = tally
        self.run_name = run
        self.progress = Progress(plan, tally)
        self.batch = Batch(session)
        self.telling = Telling(self.progress, session, report, conduct.fail_fast)
        self.starting = Starting(self.progress, session, providers, clock, conduct)
        self.outcomes = Outcomes(
            self.progress, self.batch, self.telling, proofs, clock, conduct, again=self._again
        )
        self.waiting: deque[int] = deque(range(len(plan.steps)))
        self.ahead: deque[int] = deque()
        """Tickets of calls whose intents are durable and whose turn has not come."""
        self.intents: dict[int, Intent] = {}
        """Of tickets that are ahead or in flight."""
        self.flying: set[int] = set()
        self.step_of_ticket: dict[int, int] = {}
        self.written_at = clock.monotonic()

    # -- the loop --------------------------------------------------------------------------------------------------

    def go(self) -> None:
        """Make the calls. Raises StateError where the record cannot be written: then no call follows."""
        self._without_calls()
        while True:
            self._notice_interrupt()
            delay = self._start()
            if self.flying:
                self._write(more_follows=self.conduct.calls_a_record > 1)
                self._collect(delay)
            elif delay is not None:
                self._write(more_follows=bool(self.ahead))
                self.clock.sleep(delay)
            else:
                break
        self._write()
        self._leave_rest()

    def _without_calls(self) -> None:
        """Adoptions and forgotten entries: recorded before the first call."""
        events: list[Event] = []
        for change in self.plan.changes:
            if change.calls == 0:
                events.extend(change.events)
        if events:
            self.session.record(*events)
        for change in self.plan.changes:
            if change.calls == 0:
                self.telling.done(change, 0.0)

    def _notice_interrupt(self) -> None:
        if self.progress.deadline is None and self.interrupt.signal is not None:
            self.progress.deadline = self.clock.monotonic() + GRACE_SECONDS

    def _write(self, *, more_follows: bool = False) -> None:
        """Make what has ended durable; where more follows soon it may wait a little for that one's record."""
        recent = self.clock.monotonic() - self.written_at < OUTCOME_WAITS_SECONDS
        if not (more_follows and recent) or self.progress.closing:
            self.batch.flush()
            self.written_at = self.clock.monotonic()

    def _start(self) -> float | None:
        """Start what may start now, in plan order; the seconds until more may, None when nothing waits for time."""
        soonest = self._send_ahead()
        while soonest is None and not self.ahead and len(self.flying) < self.conduct.parallelism:
            soonest, made = self._prepare()
            if not made:
                break
            soonest = self._send_ahead(fresh=True)
        return soonest

    def _prepare(self) -> tuple[float | None, bool]:
        """Record the intents of the next calls that may start; the seconds until any may, and whether any was made."""
        soonest: float | None = None
        passed: set[str] = set()
        skipped: list[int] = []
        most = self._calls_a_record()
        horizon = 8 * max(self.conduct.parallelism, most) + 8
        while self.waiting and len(self.ahead) < most and len(skipped) < horizon:
            index = self.waiting.popleft()
            step = self.plan.steps[index]
            obstacle = self.starting.obstacle(step)
            if obstacle is not None:
                self.telling.left(index, obstacle)
                continue
            delay = self.starting.delay(step, passed)
            if delay == 0 and not self.ahead:
                delay = self.starting.pace(step.provider)
            if delay == math.inf:
                passed |= step.keys
                skipped.append(index)
                continue
            if delay > 0 or (self.ahead and self._stands_alone(step)):
                soonest = delay
                skipped.append(index)
                break
            try:
                grounded = self._grounded(index, step)
            except Interrupted:  # while a new proof was read
                self._notice_interrupt()
                self.telling.left(index, "the run was stopped")
                continue
            if grounded:
                self._intend(index, step)
                if self._stands_alone(step) or self.starting.begins(step):
                    break
        self.waiting.extendleft(reversed(skipped))
        if self.ahead:
            self.session.check()
            self._write()
        return (None if self.ahead else soonest), bool(self.ahead)

    def _stands_alone(self, step: Step) -> bool:
        """Whether a call's intent shares no record: its seconds are counted to an instant, or a listing comes first."""
        if isinstance(step.target, Entry) and step.target.lifetime.until is not None:
            return True
        return step.unbinds is not None and self.proofs.stale(step.provider, self.clock.monotonic())

    def _calls_a_record(self) -> int:
        """How many intents the next record may hold: no more than may leave before the last of them is too old."""
        slowest = min((one.config.rate for one in self.providers.values()), default=1.0)
        return max(1, min(self.conduct.calls_a_record, int(slowest * AHEAD_SECONDS)))

    def _leave_rest(self) -> None:
        for index in list(self.waiting):
            self.telling.left(index, "what it depends on did not end")
        self.waiting.clear()
        self.batch.flush()

    # -- one call --------------------------------------------------------------------------------------------------

    def _intend(self, index: int, step: Step) -> None:
        """Let the intent of a step's call wait for the next record, and the call for its turn."""
        provider = self.providers[step.provider]
        progress, change = self.progress, self.progress.change(step)
        ticket = next(self.tally.tickets)
        moment = Moment(self.clock.now(), provider.vendor_now())
        intent = intent_of(
            step,
            change.address,
            attempt=f"{self.run_name}.{ticket}",
            state=self.session.state,
            provider=provider.config,
            moment=moment,
            listed=self.proofs.bindings(step.provider),
            groups=self.proofs.groups(step.provider),
            within=self.conduct.send_within_seconds,
        )
        self.batch.add(Opened(intent))
        progress.standing[index] = Standing.FLYING
        progress.asked_at[index] = moment.ours
        self.intents[ticket] = intent
        self.step_of_ticket[ticket] = index
        for key in step.keys:
            progress.held[key] = ticket
        self.ahead.append(ticket)

    def _send_ahead(self, *, fresh: bool = False) -> float | None:
        """Make the calls whose turn has come; the seconds until the next one's, None when none waits for time.

        `fresh`: their intents were recorded just now, after the hold was checked, so that the first may go as it is.
        """
        late: list[int] = []
        soonest: float | None = None
        while self.ahead and len(self.flying) < self.conduct.parallelism:
            ticket = self.ahead[0]
            index = self.step_of_ticket[ticket]
            step, intent = self.plan.steps[index], self.intents[ticket]
            provider = self.providers[step.provider]
            obstacle = self.starting.obstacle(step)
            if obstacle is not None:
                self._give_up(ticket, obstacle)
                self.telling.left(index, obstacle)
                continue
            stamp = provider.vendor_now()
            if not fresh and (stamp > intent.latest_at or stamp < intent.signed_at - EARLIER_SECONDS):
                self._give_up(ticket, "its turn came too late")
                self.progress.standing[index] = Standing.WAITING
                late.append(index)
                continue
            soonest = self.starting.pace(step.provider) or None
            if soonest is not None:
                break
            if not fresh:
                self.session.check()
            fresh = False
            self.ahead.popleft()
            self._send(ticket, index, step)
        self.waiting.extendleft(reversed(late))
        return soonest

    def _send(self, ticket: int, index: int, step: Step) -> None:
        progress, provider, intent = self.progress, self.providers[step.provider], self.intents[ticket]
        progress.slots.pop(step.provider, None)
        progress.tries[index] += 1
        progress.began.setdefault(step.change, self.clock.monotonic())
        self.flying.add(ticket)
        self.tally.calls += 1
        self.dispatcher.submit(ticket, lambda: provider.send(intent))

    def _give_up(self, ticket: int, reason: str) -> None:
        """Close an attempt that is not made after all: no byte of it was sent."""
        self.ahead.remove(ticket)
        ended = NotSent(reason, withdrawn=True)
        self.batch.add(Closed(self.intents[ticket].attempt, ended, int(self.clock.now())))
        self._release(ticket)

    def _release(self, ticket: int) -> Intent:
        held = self.progress.held
        self.progress.held = {key: holder for key, holder in held.items() if holder != ticket}
        return self.intents.pop(ticket)

    def _grounded(self, index: int, step: Step) -> bool:
        """Whether a step's call still has what it rests on; where not, the step has failed."""
        target = step.target if isinstance(step.target, Entry) else None
        if step.operation is Operation.BIND and target is not None:
            vendors = self.providers[step.provider].vendor_now()
            if over(target.lifetime, vendors):
                self.telling.failed(index, "A110", "its expires_at has passed meanwhile", "plan again")
                return False
        if step.unbinds is not None and not self._proven(step):
            self.telling.failed(
                index,
                "A111",
                f"the listing does not show {step.unbinds.bind_id} as ours, so it is not unbound",
                "plan again; if it stays, `pnsync state rm` it and look at it at the vendor",
            )
            return False
        if step.operation is Operation.BIND and target is not None and target.group is not None:
            group = self.session.state.entries.get(f"groups.{target.group}")
            if group is None and target.group_id is None:
                self.telling.failed(index, "A112", f"groups.{target.group} has no id yet", "plan again")
                return False
        return True

    def _proven(self, step: Step) -> bool:
        """Whether a listing of this run, not older than ten minutes, shows the binding as the state recorded it."""
        assert step.unbinds is not None
        name = step.unbinds.provider
        if self.proofs.stale(name, self.clock.monotonic()):
            self.batch.flush()
            began = self.clock.monotonic()
            self.proofs.renew(self.relist(name), began)
            # A run that stood still while it read has seen what was, not what is.
            if self.proofs.stale(name, self.clock.monotonic()):
                return False
        return self.proofs.show(step.unbinds)

    def _collect(self, delay: float | None) -> None:
        timeout = delay
        if self.progress.deadline is not None:
            left = self.progress.deadline - self.clock.monotonic()
            if left <= 0:
                self._abandon()
                return
            timeout = left if timeout is None else min(timeout, left)
        for ticket, outcome in self.dispatcher.wait(timeout):
            if ticket in self.flying:
                assert isinstance(outcome, Applied | NotSent | Refused | Unknown)
                self.flying.remove(ticket)
                self.outcomes.take(self.step_of_ticket[ticket], self._release(ticket), outcome)

    def _abandon(self) -> None:
        """Out of time after a signal: what is in flight stays an open intent, which the next run settles."""
        for ticket in sorted(self.flying):
            reason = "the run was stopped before an answer came"
            self.telling.uncertain(self.step_of_ticket[ticket], self._release(ticket), reason)
        self.flying.clear()

    def _again(self, index: int) -> None:
        """Try a step once more, after what is known of it is recorded: a new attempt has a new generation."""
        self.batch.flush()
        self.progress.standing[index] = Standing.WAITING
        self.waiting.appendleft(index)
