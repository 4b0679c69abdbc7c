"""What has to change: (desired, state, observed, now) -> the plan. Pure.

No clock, no I/O, no randomness, no mutation; equal inputs give equal bytes. It is a table over three questions:

    declared  in state  live                            action            cause
    yes       no        no                              bind              config
    yes       no        yes, with our customerBindId    adopt             recovery
    yes       no        yes, equal, not provably ours   none; named once  -
    yes       yes       equal, life left                none              -
    yes       yes       equal, life nearly over         renew             expiry
    yes       yes       differs                         rebind            config or drift
    yes       yes       no, expired                     bind              expiry
    yes       yes       no, not expired                 bind              drift
    no        yes       yes                             unbind            config
    no        yes       no                              forget            config or expiry
    no        no        yes                             none; unmanaged   -

An incomplete or inconsistent listing never leads to an unbind or a second bind: what it leaves open is deferred.
What a declared binding needs is decided in cases.py, what becomes of the others in undeclared.py, what fits together and in
which order in fitting.py, limits and protection in policy/limits.py.
"""

import gc
from dataclasses import replace

from pnsync.errors import Diagnostic, Severity
from pnsync.journal import Event, Noted, replay
from pnsync.matching import alive, listed_note, match, unrefreshed
from pnsync.model import NEVER, Desired, Observed
from pnsync.plan import Action, Cause, Plan, binding_attributes, group_attributes
from pnsync.planner.allocation import Allocation, allocate
from pnsync.planner.cases import Declared
from pnsync.planner.draft import Draft
from pnsync.planner.drafting import adopt_draft
from pnsync.planner.findings import Findings
from pnsync.planner.fitting import Fitting
from pnsync.planner.groups import plan_groups
from pnsync.planner.occupancy import Occupancy
from pnsync.planner.quarantine import rests_after_recovery
from pnsync.planner.question import Question, desired_of_state
from pnsync.planner.renaming import rename
from pnsync.planner.retries import again, interrupted
from pnsync.planner.undeclared import Undeclared
from pnsync.policy.holds import freeze_findings, freeze_of, hold_findings, holds_of, switched_off
from pnsync.policy.limits import findings
from pnsync.recovery import settle
from pnsync.reports.capacity import sampled
from pnsync.scope import selects, shown
from pnsync.state import Entry, GroupEntry, State

__all__ = ["Question", "desired_of_state", "plan"]


def plan(
    desired: Desired, state: State, observed: Observed, *, now: int, question: Question | None = None
) -> Plan:
    """The changes that turn observed into desired, in the order of their calls; `now` is epoch seconds."""
    collecting = gc.isenabled()
    gc.disable()  # many small objects, nearly all of them kept: a collection would only walk them
    try:
        return _Planning(desired, state, observed, now, question or Question()).plan()
    finally:
        if collecting:
            gc.enable()


class _Planning:
    """One planning: the state after recovery, its matched rows, and what has been found so far."""

    def __init__(
        self, desired: Desired, state: State, observed: Observed, now: int, question: Question
    ) -> None:
        names = {one.source: one.target for one in desired.moved}
        every = {names.get(address, address): one for address, one in holds_of(state).items()}
        self.held = {
            address: replace(one, address=address) for address, one in every.items() if one.holds(now)
        }
        self.desired = desired = switched_off(desired, self.held)
        self.given = state
        self.now = now
        self.question = question
        self.bindings = {} if question.destroy else {one.address: one for one in desired.bindings.values()}
        owners = {
            one.source: self.bindings[one.target] for one in desired.moved if one.target in self.bindings
        }
        self.settled = settle(state, observed, {**owners, **self.bindings}, now)
        seconds = desired.policy.quarantine_seconds
        rested = rests_after_recovery(state, self.settled.events, now=now, seconds=seconds)
        self.interrupted = {} if question.renew_only else interrupted(state, self.settled.events, names)
        self.renamed = rename(replay(self.settled.state, rested), desired.moved)
        self.state = self.renamed.state
        if question.renew_only:
            # What an interrupted run turns out to have made is what is kept, not what was recorded before.
            self.desired = desired = switched_off(desired_of_state(desired, self.state), self.held)
            self.bindings = {one.address: one for one in desired.bindings.values()}
        self.observed = observed if question.refreshed else unrefreshed(self.state, now)
        self.matched = match(self.state, self.observed)
        self.occupancy = Occupancy(desired, self.matched, self.state, now)
        self.adopted = {
            one if one in self.state.entries else names.get(one, one): why
            for one, why in self.settled.adopted.items()
        }
        self.found = Findings(
            desired, self.state, self.observed, self.matched, self.occupancy, now, question, self.adopted
        )
        self.bookkeeping: list[Event] = [*self.settled.events, *rested, *self.renamed.events]
        for address, hold in every.items():
            if address not in self.held:
                self.bookkeeping.append(hold.released())
            elif address != hold.address:
                self.bookkeeping += [hold.released(), replace(hold, address=address).note()]
        self.found.until.extend(
            one.until
            for address, one in self.held.items()
            if one.until is not None and address in self.bindings
        )
        if question.refreshed:
            seen = sorted(listed_note(*one) for one in self.matched.seen)
            self.bookkeeping += [Noted(one, "yes") for one in seen if one not in self.state.notes]

    def plan(self) -> Plan:
        """Walk the table, arrange what was found."""
        found, question = self.found, self.question
        found.notes.extend(self.settled.notes)
        found.decisions.extend(self.settled.decisions)
        group_ids = self._groups()
        allocation = Allocation()
        if not question.destroy:
            shards = 1 if question.shard is None else question.shard.count
            allocation = allocate(
                self.desired, self.state, self.observed, self.matched, self.now, shards=shards
            )
        found.notes.extend(allocation.notes)
        declared = Declared(found, allocation, group_ids, self.renamed.waiting)
        for position, (address, binding) in enumerate(self.bindings.items()):
            if binding.enabled:
                declared.decide(address, binding, position)
        found.notes.extend(declared.summaries())
        # Told of a group or of its first: what was asked for may be any of those that go without.
        short = [one for one, without in declared.short() if any(map(self._concerns, without))]
        Undeclared(found, self.bindings, self.held).decide()
        found.drafts = [again(one, self.interrupted.get(one.address)) for one in found.drafts]
        self._adoptions()
        selected = self._selected()
        missing = sum(one.missing for one in selected)
        found.notes.extend(self.occupancy.twins_note())
        found.notes.extend(self._not_replaced())
        found.notes.extend(self._selects_nothing())
        found.notes.extend(hold_findings(self.held))
        fitting, shard = Fitting(found), question.shard
        fitted = whole = fitting.fit(selected)
        if shard is not None:
            selected, fitted = fitting.of_shard(shard, whole)
        fitted = fitting.limited(selected, fitted, question.limit)
        drafts, needs, staged = fitted.drafts, fitted.needs, fitted.staged
        changes, steps = staged.changes, staged.steps
        deferred = [one for one in found.deferred if self._in_scope(one.address, one.provider)]
        deferred += fitted.deferred
        if shard is not None:
            deferred = [one for one in deferred if shard.holds(one.address)]
        return Plan(
            made_at=self.now,
            lineage=self.given.lineage,
            serial=self.given.serial,
            config_digest=question.config_digest,
            changes=changes,
            steps=steps,
            deferred=tuple(sorted(deferred, key=lambda one: (one.address, one.action, one.reason))),
            diagnostics=tuple(sorted(found.notes, key=_by_code)),
            valid_until=self._valid_until(drafts, needs.until),
            unchanged=found.unchanged,
            unmanaged=sum(1 for row in self.matched.unmanaged if alive(row, self.now)),
            bookkeeping=(*self.bookkeeping, *found.bookkeeping, *(self._samples() if changes else ())),
            declared=len(self.bindings),
            refusals=(
                *freeze_findings(freeze_of(self.given), renewing=question.renew_only),
                *(staged if shard is None else whole.staged).refusals,
                *findings(
                    changes if shard is None else whole.staged.changes,
                    self.state,
                    self.desired,
                    missing=missing,
                    permissions=question.permissions,
                    destroy=question.destroy,
                ),
            ),
            routing=staged.routing,
            decisions=tuple(sorted((*self._decisions(needs.decisions), *short), key=_by_code)),
        )

    def _samples(self) -> tuple[Event, ...]:
        """How full groups of numbers are before this plan, for the rate of their use."""
        if not self.question.refreshed:
            return ()
        return sampled(self.desired, self.state, self.observed, self.matched, self.now)

    def _groups(self) -> dict[str, str | None]:
        """Plan the groups; the id of each by name. `renew` leaves them alone: its bindings keep what they have."""
        if self.question.renew_only:
            return {}
        found = self.found
        groups = plan_groups(
            self.desired,
            self.state,
            self.observed,
            self.question.destroy,
            refreshed=self.question.refreshed,
        )
        found.notes.extend(groups.notes)
        found.decisions.extend(groups.decisions)
        found.drafts.extend(groups.drafts)
        found.deferred.extend(groups.deferred)
        found.bookkeeping.extend(groups.bookkeeping)
        found.unchanged += groups.unchanged
        return groups.ids

    def _adoptions(self) -> None:
        """Adoptions that need nothing further are changes of their own; the others are part of their change."""
        busy = {one.address for one in self.found.drafts}
        for address, reason in sorted(self.adopted.items()):
            entry = self.state.entries.get(address)
            if address in busy or entry is None:
                continue
            after = binding_attributes(entry) if isinstance(entry, Entry) else group_attributes(entry)
            binding = self.bindings.get(address)
            self.found.drafts.append(adopt_draft(address, after, entry.provider, reason, binding))

    # -- the whole -------------------------------------------------------------------------------------------------

    def _in_scope(self, address: str, provider: str) -> bool:
        scope = self.question.scope
        return scope.whole or scope.holds(address, provider, self._labels(address))

    def _labels(self, address: str) -> tuple[tuple[str, str], ...]:
        known = self.bindings.get(address) or self.state.entries.get(address)
        return () if known is None or isinstance(known, GroupEntry) else known.labels

    def _selected(self) -> list[Draft]:
        found = [
            one
            for one in self.found.drafts
            if self._in_scope(one.address, one.provider) and one.address not in self.question.moving
        ]
        approved = self.question.approved
        if approved is not None:
            found = [one for one in found if one.cause is not Cause.DRIFT or one.address in approved]
        if self.question.renew_only:
            found = [
                one
                for one in found
                if one.cause in (Cause.EXPIRY, Cause.RECOVERY) and one.action is not Action.FORGET
            ]
        return found

    def _decisions(self, needs: tuple[Diagnostic, ...]) -> list[Diagnostic]:
        """What a person must decide about what was asked for."""
        return [one for one in (*self.found.decisions, *needs) if self._concerns(one.address)]

    def _concerns(self, address: str | None) -> bool:
        if address is None:
            return True
        if self.question.shard is not None and not self.question.shard.holds(address):
            return False
        if self.question.scope.whole:
            return True
        declared = self.bindings.get(address) or self.desired.groups.get(address.removeprefix("groups."))
        known = declared or self.state.entries.get(address)
        return known is None or self._in_scope(address, known.provider)

    def _not_replaced(self) -> list[Diagnostic]:
        """Addresses of `--replace` that no change answers."""
        changing = {one.address for one in self.found.drafts}
        return [
            Diagnostic(
                "P203",
                f"--replace {address}: nothing of that address is live, so there is nothing to replace",
                Severity.WARNING,
                advice="`pnsync state list` shows the addresses",
                address=address,
            )
            for address in sorted(self.question.replace - changing)
        ]

    def _selects_nothing(self) -> list[Diagnostic]:
        """Selectors that fit no address: as likely a slip of the pen as a pattern whose time has not come."""
        scope = self.question.scope
        if scope.whole:
            return []
        known = (self.desired.bindings.values(), self.desired.groups.values())
        providers = {one.address: one.provider for part in known for one in part}
        providers |= {address: one.provider for address, one in self.state.entries.items()}
        providers |= {address: one.intent.provider for address, one in self.found.blocking.items()}
        asked = [("target", "selects", one) for one in scope.targets]
        asked += [("exclude", "leaves out", one) for one in scope.excludes]
        return [
            Diagnostic(
                "P204",
                f"--{option} {shown(selector)} {does} nothing: no address of the files or the state fits it",
                Severity.WARNING,
                advice="`pnsync state list` shows the addresses; a selector is one, a glob, label=value or provider=name",
            )
            for option, does, selector in asked
            if not any(
                selects(selector, address, provider, self._labels(address))
                for address, provider in providers.items()
            )
        ]

    def _valid_until(self, drafts: list[Draft], freed: tuple[int, ...]) -> int | None:
        """The instant from which time alone would make apply refuse this plan.

        A due renewal joins a plan and so does not end it. The end of a binding that a change replaces or unbinds
        does, and so do the declared end of one to be bound, and the end of what postpones a change of cause config.
        """
        instants = [*self.found.until, *freed]
        for wait in self.found.config_waits:
            if wait.not_before is not None and self._in_scope(wait.address, wait.provider):
                instants.append(wait.not_before)
        for one in drafts:
            if one.old is not None and one.expires_at is not None and one.expires_at < NEVER:
                instants.append(one.expires_at)
            if one.target is not None and one.until is not None:
                instants.append(one.until)
        return min((one for one in instants if one > self.now), default=None)


def _by_code(one: Diagnostic) -> tuple[str, str, str]:
    return (one.code, one.address or "", one.summary)
