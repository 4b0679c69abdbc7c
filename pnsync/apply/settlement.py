"""The end of an apply: waiting for windows, asking the listing what became of calls, and comparing it all once more.

Works on recovery's verdicts: what the listing shows counts at once, what it does not show only after the window.
An address whose attempt turned out to have had no effect is tried once more in the same run.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from pnsync.apply.applying import Applying
from pnsync.apply.batch import Record
from pnsync.apply.progress import Tally
from pnsync.apply.proofs import Proofs
from pnsync.errors import Diagnostic, ExitCode
from pnsync.interfaces import Clock, Interrupt
from pnsync.journal import Event, Noted, Recorded, Resolved, Verdict
from pnsync.matching import Matched, listed_note, match
from pnsync.model import Desired, Mode, Observed
from pnsync.plan import Plan, expiry_text, instant
from pnsync.planner.quarantine import rests_after_recovery
from pnsync.recovery import settle, zone_note, zone_of
from pnsync.state import Entry, Intent, Operation, Pending
from pnsync.verdict import Done, Reporter, Verified, Waiting

REREADS = (1.0, 2.0, 4.0)
"""Seconds between readings of the listing while an acknowledged bind is not in it yet."""
STEP_SECONDS = 1.0
"""How much longer than a window apply waits, so that the listing begins after it."""
LONGEST_STEP_SECONDS = 60.0
"""How long apply waits at most between two readings that settle nothing."""

ENDED: Mapping[Operation, tuple[str, str]] = {
    Operation.UNBIND: ("unbound", "no longer in the listing"),
    Operation.UPDATE_GROUP: ("updated", "found in the listing"),
    Operation.DELETE_GROUP: ("deleted", "no longer in the listing"),
}
"""What is told of a call that turned out to have taken effect: its result, and how that is known."""


@dataclass(slots=True)
class Ending:
    """What the end of an apply works with."""

    session: Record
    desired: Desired
    clock: Clock
    interrupt: Interrupt
    report: Reporter
    tally: Tally
    proofs: Proofs
    observe: Callable[[Collection[str]], Observed]
    """Two agreeing scans of the named providers."""
    replan: Callable[[Observed, Collection[str]], Plan]
    """Plan again for these addresses alone."""
    apply: Callable[[Plan], Applying]
    """Run another plan's steps in the same run."""
    mine: Callable[[str | None], bool] = lambda _: True
    """Whether an address is this run's to settle."""

    def settle(self, budget_seconds: float) -> tuple[Diagnostic, ...]:
        """Settle this run's open attempts, waiting at most so long; what a person must decide comes back."""
        until = self.clock.monotonic() + budget_seconds
        retried: set[str] = set()
        decisions: tuple[Diagnostic, ...] = ()
        patience = STEP_SECONDS
        while True:
            open_ = self._open()
            if not open_ or self.interrupt.signal is not None:
                return decisions
            before = set(open_)
            observed, decisions = self._ask(open_)
            still = self._open()
            free = {one for one in before - set(still) if one not in self.tally.done and one not in retried}
            if free and self.interrupt.signal is None:
                retried |= free
                together = set[str]().union(*(self.tally.circles.get(one, ()) for one in free))
                self._retry(observed, free | together)
                continue
            asked = {one.address for one in decisions}
            # What a person must decide does not settle by waiting.
            waiting = [one for address, one in still.items() if one.uncertain and address not in asked]
            if not waiting:
                return decisions
            wait = min(one.intent.not_before for one in waiting) - self.clock.now() + STEP_SECONDS
            if wait <= 0:
                # Its window has passed and the listing does not settle it: who asks every second learns no more.
                wait = patience
                patience = min(2 * patience, LONGEST_STEP_SECONDS)
            if self.clock.monotonic() + wait > until:
                return decisions
            ready = instant(self.clock.now() + wait)
            self.report(Waiting(len(waiting), ready, round(wait, 1)))
            self.clock.sleep(wait)

    def _open(self) -> dict[str, Pending]:
        return {name: one for name, one in self.session.state.blocking().items() if self.mine(name)}

    def _ask(self, open_: dict[str, Pending]) -> tuple[Observed, tuple[Diagnostic, ...]]:
        """Read the listings concerned and record what they settle."""
        began = self.clock.monotonic()
        observed = self.observe({one.intent.provider for one in open_.values()})
        self.proofs.renew(observed.listings, began)
        declared = {one.address: one for one in self.desired.bindings.values()}
        attempts = self.session.state.pending
        settled = settle(self.session.state, observed, declared, self.clock.now())
        if settled.events:
            seconds = self.desired.policy.quarantine_seconds
            before, now = self.session.state, self.clock.now()
            rested = rests_after_recovery(before, settled.events, now=now, seconds=seconds)
            self.session.record(*settled.events, *rested)
        for address in open_:
            if address in settled.adopted:
                self._found(address)
        for event in settled.events:
            if isinstance(event, Resolved) and event.verdict is Verdict.APPLIED:
                self._took_effect(attempts[event.attempt].intent, open_)
        decisions = tuple(one for one in settled.decisions if self.mine(one.address))
        if decisions:
            self.tally.codes.add(ExitCode.DECISION)
        return observed, decisions

    def _found(self, address: str) -> None:
        entry = self.session.state.entries.get(address)
        binding = entry if isinstance(entry, Entry) else None
        self.tally.bound.add(address)
        self.tally.done[address] = "bound"
        self.tally.failures.pop(address, None)
        self.report(
            Done(
                address,
                "bind",
                "" if entry is None else entry.provider,
                "bound" if binding is not None else "created",
                0.0,
                None if binding is None else binding.phone_x,
                None if binding is None else binding.extension,
                None if binding is None else expiry_text(binding.expires_at),
                "found in the listing",
            )
        )

    def _took_effect(self, intent: Intent, open_: Collection[str]) -> None:
        """An unbind for good, or a group's change, that was open and turned out to have taken effect."""
        half = intent.operation is Operation.UNBIND and intent.target is not None
        if half or intent.operation not in ENDED or intent.address not in open_:
            return
        result, note = ENDED[intent.operation]
        self.tally.done[intent.address] = result
        self.tally.failures.pop(intent.address, None)
        self.report(Done(intent.address, intent.operation.value, intent.provider, result, 0.0, note=note))

    def _retry(self, observed: Observed, addresses: Collection[str]) -> None:
        plan = self.replan(observed, addresses)
        if plan.bookkeeping:
            self.session.record(*plan.bookkeeping)
        if plan.changes:
            self.apply(plan).go()

    # -- verification ------------------------------------------------------------------------------------------------

    def verify(self) -> tuple[str, ...]:
        """Compare what was acknowledged with the listing; the addresses that it does not show."""
        bound = {one for one in self.tally.bound if self._entry(one) is not None}
        if not bound:
            return ()
        missing: tuple[str, ...] = ()
        for pause in (*REREADS, None):
            providers = {entry.provider for one in bound if (entry := self._entry(one)) is not None}
            observed = self.observe(providers)
            matched = match(self.session.state, observed)
            self._learn(matched)
            missing = tuple(sorted(one for one in bound if one not in matched.rows))
            if not missing or pause is None or self.interrupt.signal is not None:
                break
            self.clock.sleep(pause)
        if missing:
            self.tally.codes.add(ExitCode.PARTIAL)
        self.report(Verified(len(bound), missing))
        return missing

    def _entry(self, address: str) -> Entry | None:
        entry = self.session.state.entries.get(address)
        return entry if isinstance(entry, Entry) and not entry.down else None

    def _learn(self, matched: Matched) -> None:
        """Record exact expiries, a vendor's zone, and which modes a vendor lists."""
        state = self.session.state
        events: list[Event] = []
        noted = dict(state.notes)
        for address, row in matched.rows.items():
            entry = state.entries[address]
            assert isinstance(entry, Entry)
            if row.naive_expiry is not None and row.expires_at is None and entry.expires_at is not None:
                zone = zone_of(row.naive_expiry, entry.expires_at)
                key = zone_note(entry.provider)
                if zone is not None and address in self.tally.prompt and key not in noted:
                    noted[key] = str(zone)
                    events.append(Noted(key, str(zone)))
            if entry.mode in (Mode.AXG, Mode.AXB_EXTENSION):
                key = listed_note(entry.provider, entry.mode)
                if key not in noted:
                    noted[key] = "yes"
                    events.append(Noted(key, "yes"))
            if row.expires_at is not None and row.expires_at != entry.expires_at:
                events.append(Recorded(address, replace(entry, expires_at=row.expires_at)))
        if events:
            self.session.record(*events)
