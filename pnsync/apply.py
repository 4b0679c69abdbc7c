"""The steps of a plan as vendor calls, in order, each between a durable intent and a durable outcome.

The protocol is RELIABILITY 3: an intent is durable before its call, its outcome after; what one change ended with
and what the next begins with travel in one record. Nothing is repeated blindly. No clean-up code carries a promise:
a run that is killed anywhere leaves what the next one needs. One thread decides; calls run behind a Dispatcher.
"""

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from pnsync.attempts import SEND_WITHIN_SECONDS, Moment, intent_of
from pnsync.errors import ExitCode
from pnsync.interfaces import Clock, Dispatcher, Interrupt, Provider
from pnsync.journal import (
    Applied,
    Closed,
    Event,
    NotSent,
    Opened,
    Outcome,
    Refusal,
    Refused,
    Rested,
    Unknown,
)
from pnsync.lifetimes import over
from pnsync.matching import same_identity
from pnsync.model import Listing
from pnsync.plan import Action, Cause, Change, Plan, Step, expiry_text, instant
from pnsync.quarantine import rests
from pnsync.state import Entry, Intent, Operation, State
from pnsync.verdict import Done, Failed, Reporter, Uncertain

PROOF_SECONDS = 600
"""How old the listing may be that proves an unbind's binding to be ours (SPEC 5)."""
BREAKER_UNKNOWNS = 3
"""Unknown outcomes in a row after which a vendor gets no further call in this run."""
GRACE_SECONDS = 4.0
"""What calls in flight, and the second half of a change, are given after a signal (5 s in all, SPEC 3)."""
NOT_SENT_TRIES = 3
CLOCK_ERROR_SECONDS = 900.0
"""How far a vendor's clock may be behind ours for the end of a binding to be waited for."""

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


class Record(Protocol):
    """The held state: `record` is durable when it returns, `check` raises when the hold is lost."""

    @property
    def state(self) -> State: ...

    def record(self, *events: Event) -> None: ...

    def check(self) -> None: ...


class Standing(StrEnum):
    """How far a step has come."""

    WAITING = "waiting"
    FLYING = "flying"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Conduct:
    """How an apply behaves: calls in flight at once, and whether the first failure ends it."""

    parallelism: int = 1
    fail_fast: bool = False
    quarantine_seconds: int = 0
    not_after: float | None = None
    """The monotonic instant from which no change is begun."""


@dataclass(slots=True)
class Tally:
    """What an apply has done so far, over all its plans."""

    done: dict[str, str] = field(default_factory=dict)
    """Address to result."""
    failures: dict[str, Failed] = field(default_factory=dict)
    left: dict[str, Change] = field(default_factory=dict)
    x_changed: set[str] = field(default_factory=set)
    bound: set[str] = field(default_factory=set)
    """Addresses with a bind that was acknowledged, to be compared with the listing afterwards."""
    codes: set[ExitCode] = field(default_factory=set)
    stopped: dict[str, str] = field(default_factory=dict)
    """Providers that get no further call, with the reason."""
    barred: set[str] = field(default_factory=set)
    """Providers that refused the credentials."""
    no_binds: set[str] = field(default_factory=set)
    """Providers that refuse binds for want of capacity."""
    attempted: set[str] = field(default_factory=set)
    """Addresses with a call of this run whose outcome was not known at once."""
    calls: int = 0
    tickets: Iterator[int] = field(default_factory=itertools.count)
    """Numbers of attempts: a run that plans again goes on counting, so that no attempt has another's name."""


class Proofs:
    """The latest trusted listing of each provider, for the proof that every unbind needs."""

    def __init__(self, listings: Mapping[str, Listing], read_at: float) -> None:
        self.read_at = dict.fromkeys(listings, read_at)
        self.listings = dict(listings)
        self.rows = {
            name: {row.bind_id: row for row in listing.bindings} for name, listing in listings.items()
        }

    def renew(self, listings: Mapping[str, Listing], read_at: float) -> None:
        """Take newer listings in place of what was known of their providers."""
        fresh = Proofs(listings, read_at)
        self.read_at.update(fresh.read_at)
        self.listings.update(fresh.listings)
        self.rows.update(fresh.rows)


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
        self.report = report
        self.conduct = conduct
        self.proofs = proofs
        self.relist = relist
        self.tally = tally
        self.run_name = run
        self.standing = [Standing.WAITING] * len(plan.steps)
        self.tries = [0] * len(plan.steps)
        self.flying: dict[int, Intent] = {}
        self.held: dict[str, int] = {}
        self.waiting: deque[int] = deque(range(len(plan.steps)))
        self.steps_of: dict[int, list[int]] = {}
        for index, step in enumerate(plan.steps):
            self.steps_of.setdefault(step.change, []).append(index)
        self.began: dict[int, float] = {}
        self.slots: dict[str, float] = {}
        self.unknowns: dict[str, int] = {}
        self.buffer: list[Event] = []
        self.tellings: list[Callable[[], None]] = []
        """What is told once the buffered events are durable."""
        self.deadline: float | None = None
        self.failed_fast = False
        self.step_of_ticket: dict[int, int] = {}

    # -- the loop --------------------------------------------------------------------------------------------------

    def go(self) -> None:
        """Make the calls. Raises StateError where the record cannot be written: then no call follows."""
        self._without_calls()
        while True:
            self._notice_interrupt()
            delay = self._start()
            if self.flying:
                self._flush()
                self._collect(delay)
            elif delay is not None:
                self._flush()
                self.clock.sleep(delay)
            else:
                break
        self._flush()
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
                self._tell_done(change, 0.0)

    def _notice_interrupt(self) -> None:
        if self.deadline is None and self.interrupt.signal is not None:
            self.deadline = self.clock.monotonic() + GRACE_SECONDS

    @property
    def _closing(self) -> bool:
        return self.deadline is not None or self.failed_fast

    def _start(self) -> float | None:
        """Start what may start now, in plan order; the seconds until more may, None when nothing waits for time."""
        soonest: float | None = None
        passed: set[str] = set()
        skipped: list[int] = []
        horizon = 8 * self.conduct.parallelism + 8
        while self.waiting and len(self.flying) < self.conduct.parallelism and len(skipped) < horizon:
            index = self.waiting.popleft()
            step = self.plan.steps[index]
            verdict = self._may_start(index, step, passed)
            if verdict is None:
                continue
            if verdict == math.inf:
                passed |= step.keys
                skipped.append(index)
                continue
            if verdict > 0:
                soonest = verdict
                skipped.append(index)
                break
            self._launch(index, step)
        self.waiting.extendleft(reversed(skipped))
        return soonest

    def _may_start(self, index: int, step: Step, passed: set[str]) -> float | None:
        """0: now; a number of seconds; infinity: when something else has ended; None: never (and it is so marked)."""
        standing = [self.standing[one] for one in step.after]
        obstacle = self._obstacle(step, standing)
        if obstacle is not None:
            self._leave(index, obstacle)
            return None
        if any(one is not Standing.DONE for one in standing):
            return math.inf
        if step.keys & self.held.keys() or step.keys & passed:
            return math.inf
        rest = self._life_left(step)
        if rest > 0:
            return rest
        now = self.clock.monotonic()
        slot = self.slots.get(step.provider)
        if slot is None:
            slot = self.slots[step.provider] = now + self.providers[step.provider].pace()
        return max(0.0, slot - now)

    def _life_left(self, step: Step) -> float:
        """How long the old binding of a bind that expiry causes may still live by its vendor's clock, which decides."""
        change = self.plan.changes[step.change]
        if change.action is not Action.BIND or change.cause is not Cause.EXPIRY:
            return 0.0
        entry = self.session.state.entries.get(change.address)
        if not isinstance(entry, Entry) or entry.down or entry.expires_at is None:
            return 0.0
        provider = self.providers.get(entry.provider)
        if provider is None:
            return 0.0
        left = entry.expires_at + SEND_WITHIN_SECONDS - provider.vendor_now()
        return left if left < CLOCK_ERROR_SECONDS else 0.0

    def _obstacle(self, step: Step, standing: list[Standing]) -> str | None:
        """Why a step will never start in this run; None where it may."""
        if Standing.UNCERTAIN in standing:
            return "what it depends on is not settled"
        if Standing.FAILED in standing or Standing.LEFT in standing:
            return "what it depends on failed"
        finishing = self._finishing(step)
        if self._closing and not finishing:
            return "the run was stopped"
        if self.deadline is not None and self.clock.monotonic() >= self.deadline:
            return "the run was stopped"
        late = self.conduct.not_after is not None and self.clock.monotonic() >= self.conduct.not_after
        if late and not finishing:
            return "the deadline has passed"
        if step.provider not in self.providers:
            return f"provider {step.provider} is not configured or could not be read"
        stopped = self.tally.stopped.get(step.provider)
        if stopped is not None and not (finishing and step.provider not in self.tally.barred):
            return stopped
        if self._refuses_bind(step):
            return f"{step.provider} refuses binds for want of capacity"
        return None

    def _finishing(self, step: Step) -> bool:
        """Whether a step is the second half of a change whose unbind is done."""
        return step.finishes and any(self.standing[one] is Standing.DONE for one in step.after)

    def _refuses_bind(self, step: Step) -> bool:
        binds = step.operation is Operation.BIND
        begins = step.operation is Operation.UNBIND and isinstance(step.target, Entry) and not step.replaces
        if binds and step.finishes:
            return False
        return step.provider in self.tally.no_binds and (binds or begins)

    # -- one call --------------------------------------------------------------------------------------------------

    def _launch(self, index: int, step: Step) -> None:
        change = self.plan.changes[step.change]
        if step.operation is Operation.BIND and isinstance(step.target, Entry):
            vendors = self.providers[step.provider].vendor_now()
            if over(step.target.lifetime, vendors):
                self._fail(index, "A110", "its expires_at has passed meanwhile", "plan again")
                return
        if step.unbinds is not None and not self._proven(step):
            self._fail(
                index,
                "A111",
                f"the listing does not show {step.unbinds.bind_id} as ours, so it is not unbound",
                "plan again; if it stays, `pnsync state rm` it and look at it at the vendor",
            )
            return
        if (
            isinstance(step.target, Entry)
            and step.operation is Operation.BIND
            and step.target.group is not None
        ):
            group = self.session.state.entries.get(f"groups.{step.target.group}")
            if group is None and step.target.group_id is None:
                self._fail(index, "A112", f"groups.{step.target.group} has no id yet", "plan again")
                return
        provider = self.providers[step.provider]
        self.slots.pop(step.provider, None)
        ticket = next(self.tally.tickets)
        listing = self.proofs.listings.get(step.provider)
        intent = intent_of(
            step,
            change.address,
            attempt=f"{self.run_name}.{ticket}",
            state=self.session.state,
            provider=provider.config,
            moment=Moment(self.clock.now(), provider.vendor_now()),
            listed=self.proofs.rows.get(step.provider, {}).values(),
            groups=() if listing is None else listing.groups,
        )
        self.session.check()
        self.buffer.append(Opened(intent))
        self._flush()
        self.standing[index] = Standing.FLYING
        self.tries[index] += 1
        self.flying[ticket] = intent
        self.step_of_ticket[ticket] = index
        for key in step.keys:
            self.held[key] = ticket
        self.began.setdefault(step.change, self.clock.monotonic())
        self.tally.calls += 1
        self.dispatcher.submit(ticket, lambda: provider.send(intent))

    def _proven(self, step: Step) -> bool:
        """Whether a listing of this run, not older than ten minutes, shows the binding as the state recorded it."""
        assert step.unbinds is not None
        name = step.unbinds.provider
        age = self.clock.monotonic() - self.proofs.read_at.get(name, float("-inf"))
        if age > PROOF_SECONDS:
            self._flush()
            self.proofs.renew(self.relist(name), self.clock.monotonic())
        listing = self.proofs.listings.get(name)
        row = self.proofs.rows.get(name, {}).get(step.unbinds.bind_id)
        trusted = listing is not None and listing.trustworthy
        return trusted and row is not None and same_identity(row, step.unbinds)

    def _flush(self) -> None:
        if self.buffer:
            events, self.buffer = self.buffer, []
            self.session.record(*events)
        tellings, self.tellings = self.tellings, []
        for tell in tellings:
            tell()

    def _collect(self, delay: float | None) -> None:
        timeout = delay
        if self.deadline is not None:
            left = self.deadline - self.clock.monotonic()
            if left <= 0:
                self._abandon()
                return
            timeout = left if timeout is None else min(timeout, left)
        for ticket, outcome in self.dispatcher.wait(timeout):
            if ticket in self.flying:
                assert isinstance(outcome, Applied | NotSent | Refused | Unknown)
                self._ended(ticket, outcome)

    def _abandon(self) -> None:
        """Out of time after a signal: what is in flight stays an open intent, which the next run settles."""
        for ticket in list(self.flying):
            index = self.step_of_ticket[ticket]
            intent = self.flying.pop(ticket)
            self.standing[index] = Standing.UNCERTAIN
            self._tell_uncertain(index, intent, "the run was stopped before an answer came")
        self.held.clear()

    def _ended(self, ticket: int, outcome: Outcome) -> None:
        intent = self.flying.pop(ticket)
        index = self.step_of_ticket[ticket]
        step = self.plan.steps[index]
        self.held = {key: holder for key, holder in self.held.items() if holder != ticket}
        now = int(self.clock.now())
        self.buffer.append(Closed(intent.attempt, outcome, now))
        if not isinstance(outcome, Unknown):
            self.unknowns[step.provider] = 0
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
        self.standing[index] = Standing.DONE
        if step.operation is Operation.BIND:
            self.tally.bound.add(intent.address)
            before = self.plan.changes[step.change].before or {}
            old_x = before.get("phone_x")
            if old_x is not None and applied.phone_x is not None and applied.phone_x != old_x:
                self.tally.x_changed.add(intent.address)
        if step.unbinds is not None:
            target = step.target if isinstance(step.target, Entry) else None
            if self.conduct.quarantine_seconds and not step.replaces:
                freed = rests(step.unbinds, target, until=now + self.conduct.quarantine_seconds)
                if freed:
                    self.buffer.append(Rested(freed, now))
            self.proofs.rows.get(step.provider, {}).pop(step.unbinds.bind_id, None)
        if all(self.standing[one] is Standing.DONE for one in self.steps_of[step.change]):
            change = self.plan.changes[step.change]
            seconds = self.clock.monotonic() - self.began[step.change]
            self.tellings.append(lambda: self._tell_done(change, seconds))
        if step.operation in (Operation.CREATE_GROUP, Operation.UPDATE_GROUP):
            self._flush()

    def _again(self, index: int) -> None:
        """Try a step once more, after what is known of it is recorded: a new attempt has a new generation."""
        self._flush()
        self.standing[index] = Standing.WAITING
        self.waiting.appendleft(index)

    def _not_sent(self, index: int, step: Step, reason: str) -> None:
        if self.tries[index] < NOT_SENT_TRIES and self.deadline is None:
            self._again(index)
            return
        self._fail(index, "A120", reason, "check the network and the endpoint, then apply again")
        self.unknowns[step.provider] = self.unknowns.get(step.provider, 0) + 1
        self._break_circuit(step.provider)

    def _refused(self, index: int, step: Step, intent: Intent, refused: Refused) -> None:
        retried = self.tries[index] > 1
        match refused.refusal:
            case Refusal.CLOCK | Refusal.AUTHENTICATION if not retried and self.deadline is None:
                self._again(index)
                return
            case Refusal.AUTHENTICATION:
                self.tally.stopped[step.provider] = f"{step.provider} refused the credentials"
                self.tally.barred.add(step.provider)
                self.tally.codes.add(ExitCode.CREDENTIALS)
            case Refusal.CAPACITY:
                if step.operation is Operation.BIND:
                    self.tally.no_binds.add(step.provider)
            case Refusal.ABSENT if step.operation in (Operation.UNBIND, Operation.DELETE_GROUP):
                self.standing[index] = Standing.UNCERTAIN
                self._tell_uncertain(
                    index, intent, "the vendor says that it is not there; the listing will tell"
                )
                return
            case _:
                pass
        advice = _ADVICE.get(refused.refusal, "see the vendor's message for this code")
        self._fail(index, _CODES[refused.refusal], refused.reason, advice, refused)

    def _unknown(self, index: int, step: Step, intent: Intent, unknown: Unknown) -> None:
        self.standing[index] = Standing.UNCERTAIN
        self._tell_uncertain(index, intent, unknown.reason)
        self.unknowns[step.provider] = self.unknowns.get(step.provider, 0) + 1
        if unknown.rate_limited:
            pause = min(10.0, 2.0 ** self.unknowns[step.provider])
            self.slots[step.provider] = self.clock.monotonic() + pause
        self._break_circuit(step.provider)

    def _break_circuit(self, provider: str) -> None:
        if self.unknowns.get(provider, 0) >= BREAKER_UNKNOWNS:
            self.tally.stopped.setdefault(
                provider, f"{BREAKER_UNKNOWNS} calls in a row at {provider} got no usable answer"
            )

    # -- what is told ----------------------------------------------------------------------------------------------

    def _tell_done(self, change: Change, seconds: float) -> None:
        result = RESULTS[change.action]
        self.tally.done[change.address] = result
        self.tally.failures.pop(change.address, None)
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

    def _tell_uncertain(self, index: int, intent: Intent, reason: str) -> None:
        change = self.plan.changes[self.plan.steps[index].change]
        self.tally.attempted.add(change.address)
        self.report(
            Uncertain(
                change.address,
                change.action.value,
                change.provider,
                reason,
                instant(intent.not_before),
            )
        )

    def _fail(self, index: int, code: str, reason: str, advice: str, refused: Refused | None = None) -> None:
        change = self.plan.changes[self.plan.steps[index].change]
        self.standing[index] = Standing.FAILED
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
        self.tally.failures[change.address] = failed
        self.report(failed)
        if self.conduct.fail_fast:
            self.failed_fast = True

    def _leave(self, index: int, reason: str) -> None:
        """Never started. What it belongs to is told once, unless a part of it was done, failed or is uncertain."""
        step = self.plan.steps[index]
        self.standing[index] = Standing.LEFT
        others = {self.standing[one] for one in self.steps_of[step.change]} - {
            Standing.LEFT,
            Standing.WAITING,
        }
        if not others:
            change = self.plan.changes[step.change]
            self.tally.left[change.address] = change
        elif others == {Standing.DONE}:
            self._fail(index, "A130", f"half done: {reason}", "apply again: it comes first then")

    def _leave_rest(self) -> None:
        for index in list(self.waiting):
            self._leave(index, "what it depends on did not end")
        self.waiting.clear()
        self._flush()


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
    Refusal.CONFLICT: "`pnsync plan` shows which binding holds it",
    Refusal.ABSENT: "plan again; it is not at the vendor any more",
}
