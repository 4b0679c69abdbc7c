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
What a declared binding needs is decided in cases.py, order and calls in ordering.py, limits and protection in
policy/limits.py.
"""

import gc
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pnsync.errors import Diagnostic, Severity
from pnsync.journal import Doubled, Event, Noted, Rested, replay
from pnsync.matching import alive, known_expiry, listed_note, match, never_listed, unrefreshed
from pnsync.model import NEVER, Binding, BindKey, Desired, Mode, Observed
from pnsync.plan import Action, Cause, Deferred, Plan, binding_attributes, group_attributes
from pnsync.planner.allocation import Allocation, allocate
from pnsync.planner.cases import Declared
from pnsync.planner.draft import Draft, open_attempt
from pnsync.planner.drafting import adopt_draft, forget_draft, superseded_draft, unbind_draft
from pnsync.planner.findings import Findings
from pnsync.planner.groups import plan_groups, settle_groups
from pnsync.planner.occupancy import Needs, Occupancy
from pnsync.planner.quarantine import rests_after_end, rests_after_recovery
from pnsync.planner.question import Question, desired_of_state
from pnsync.planner.renaming import rename
from pnsync.planner.retries import again, interrupted
from pnsync.planner.staging import Staged, stage
from pnsync.policy.holds import freeze_findings, freeze_of, hold_findings, holds_of, switched_off
from pnsync.policy.limits import findings
from pnsync.recovery import settle
from pnsync.reports.capacity import sampled
from pnsync.routing.following import Live
from pnsync.scope import Shard
from pnsync.state import Entry, Operation, State, Superseded

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


@dataclass(frozen=True, slots=True)
class _Arranged:
    """Drafts that fit together, in their order, and what was left out of them."""

    drafts: list[Draft]
    needs: Needs
    staged: Staged
    deferred: tuple[Deferred, ...]


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
        for address, entry in sorted(self._undeclared()):
            self._gone_from_files(address, entry, self.bindings.get(address))
        for key, old in sorted(self.state.superseded.items()):
            self._superseded(key, old)
        found.drafts = [again(one, self.interrupted.get(one.address)) for one in found.drafts]
        self._adoptions()
        selected = self._selected()
        missing = sum(one.missing for one in selected)
        found.notes.extend(self.occupancy.twins_note())
        found.notes.extend(self._not_replaced())
        found.notes.extend(hold_findings(self.held))
        whole = self._arranged(selected)
        shard = question.shard
        arranged = self._limited(*((selected, whole) if shard is None else self._of_shard(shard, whole)))
        drafts, needs, staged = arranged.drafts, arranged.needs, arranged.staged
        changes, steps = staged.changes, staged.steps
        deferred = [one for one in found.deferred if self._in_scope(one.address, one.provider)]
        deferred += arranged.deferred
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

    def _arranged(self, selected: list[Draft], whole: Staged | None = None) -> _Arranged:
        """The selected drafts that fit together, in an order in which no call goes astray; of a `whole`, if a part."""
        drafts, unsettled = settle_groups(selected, self.state, self.now)
        drafts, needs = self.occupancy.settle_needs(drafts)
        live = Live(self.desired, self.state, self.observed, self.matched, self.now)
        return _Arranged(drafts, needs, stage(drafts, live, whole), (*unsettled, *needs.deferred))

    def _of_shard(self, shard: Shard, whole: _Arranged) -> tuple[list[Draft], _Arranged]:
        """The drafts of one shard that need nothing of what other shards' runs are to do, and their order."""
        drafts = [one for one in whole.drafts if shard.holds(one.address)]
        waiting: list[Deferred] = []
        while True:
            found = self._arranged(drafts, whole.staged)
            waiting += [replace(one, reason=f"{one.reason}; {_OTHERS}") for one in found.deferred]
            astray = {one.address for one in found.staged.refusals if one not in whole.staged.refusals}
            if not astray:
                break
            waiting += [
                Deferred(one.address, one.action, one.provider, _ORDER, None, one.source)
                for one in drafts
                if one.address in astray
            ]
            drafts = [one for one in drafts if one.address not in astray]
        return drafts, replace(
            found, needs=whole.needs, deferred=_without_repeats((*whole.deferred, *waiting))
        )

    def _limited(self, selected: list[Draft], whole: _Arranged) -> _Arranged:
        """The first changes of cause config up to the limit, in the order of the whole plan; the rest is deferred."""
        limit = self.question.limit
        config = [one for one in whole.staged.changes if one.cause is Cause.CONFIG]
        if limit is None or len(config) <= limit:
            return whole
        first = {(one.address, one.action) for one in config[:limit]}
        part = self._arranged(
            [one for one in selected if one.cause is not Cause.CONFIG or (one.address, one.action) in first]
        )
        told = {(one.address, one.action) for one in (*whole.deferred, *part.deferred)}
        reason = "left for the next run by --limit"
        left = [
            Deferred(one.address, one.action, one.provider, reason, None, one.source)
            for one in config[limit:]
            if (one.address, one.action) not in told
        ]
        return replace(
            part, needs=whole.needs, deferred=_without_repeats((*whole.deferred, *part.deferred, *left))
        )

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

    # -- not declared ----------------------------------------------------------------------------------------------

    def _undeclared(self) -> list[tuple[str, Entry]]:
        declared = self.bindings
        return [
            (address, entry)
            for address, entry in self.state.entries.items()
            if isinstance(entry, Entry) and not ((one := declared.get(address)) and one.enabled)
        ]

    def _gone_from_files(self, address: str, entry: Entry, declared: Binding | None) -> None:
        found = self.found
        if address in found.blocking:
            intent = found.blocking[address].intent
            source = None if declared is None else declared.span
            resumed = intent.operation is Operation.UNBIND and intent.target is None
            found.defer(open_attempt(address, intent, source), config=not resumed)
            return
        row = self.matched.rows.get(address)
        expires = known_expiry(entry, row)
        if entry.down:
            self._forget(address, entry, Cause.CONFIG, "down and no longer declared", ended_at=self.now)
        elif expires is not None and found.ended(expires, row):
            # Somebody may have prolonged it at the vendor; where the provider is gone from the files nobody can look.
            unknown = entry.provider not in self.desired.providers
            if unknown or not found.hidden(entry.provider, address, Action.FORGET):
                self._forget(address, entry, Cause.EXPIRY, "expired and no longer declared", ended_at=expires)
        elif row is None and address not in self.matched.believed:
            if not found.hidden(entry.provider, address, Action.FORGET) and not found.fresh(
                address, entry, Action.FORGET, declared
            ):
                if expires is not None and expires <= found.vendors_now(entry.provider):
                    reason = "expired and no longer declared"
                    self._forget(address, entry, Cause.EXPIRY, reason, ended_at=expires)
                else:
                    reason = "no longer listed and no longer declared"
                    self._forget(address, entry, Cause.CONFIG, reason, ended_at=self.now, missing=True)
        elif not found.hidden(entry.provider, address, Action.UNBIND):
            reason = "no longer declared"
            if self.question.destroy:
                reason = "destroy was asked for"
            elif address in self.held:
                reason = "on hold"
            elif declared is not None:
                reason = "declared with enabled: false"
            elif entry.file is not None and entry.file not in (self.desired.files or (entry.file,)):
                reason = f"no longer declared: {entry.file} is gone"
            if row is None:
                found.unproven(address, entry)
            found.drafts.append(unbind_draft(address, entry, row, reason, declared))

    def _forget(
        self, address: str, entry: Entry, cause: Cause, reason: str, *, ended_at: int, missing: bool = False
    ) -> None:
        seconds = self.desired.policy.quarantine_seconds
        resting = rests_after_end(address, entry, None, ended_at=ended_at, now=self.now, seconds=seconds)
        draft = forget_draft(address, entry, cause, reason)
        if resting:
            draft = replace(draft, events=(*draft.events, Rested(resting, self.now)))
        self.found.drafts.append(replace(draft, missing=missing))

    def _superseded(self, key: BindKey, old: Superseded) -> None:
        """A second live binding of an address goes; the memory of one that is gone goes too."""
        found = self.found
        if old.address in found.blocking:
            return
        row = self.matched.superseded.get(key)
        if row is not None:
            if alive(row, self.now) and not found.hidden(old.provider, old.address, Action.UNBIND):
                found.drafts.append(superseded_draft(old, row))
            return
        # Our clock alone tells nothing, but where the provider is gone from the files and nobody can look.
        known = old.provider not in self.desired.providers or found.trusted(old.provider)
        ended = known and old.expires_at is not None and found.over(old.expires_at, old.provider)
        mode = Mode.AXB_EXTENSION if old.extension else Mode.AXG if old.group else Mode.AXB
        if ended or (found.trusted(old.provider) and not never_listed(self.state, old.provider, mode)):
            found.bookkeeping.append(Doubled(key, None))
        elif found.trusted(old.provider):
            found.unproven(old.address, old)

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
        if scope.whole:
            return True
        binding = self.bindings.get(address)
        entry = self.state.entries.get(address)
        labels: tuple[tuple[str, str], ...] = ()
        if binding is not None:
            labels = binding.labels
        elif isinstance(entry, Entry):
            labels = entry.labels
        return scope.holds(address, provider, labels)

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


_OTHERS = "another shard's run may free it, and the next run goes on; what waits for each other needs a run without --shard"
_ORDER = "calls would go astray before another shard's change; the next run goes on, or one without --shard"


def _without_repeats(found: Sequence[Deferred]) -> tuple[Deferred, ...]:
    return tuple({(one.address, one.action): one for one in found}.values())


def _by_code(one: Diagnostic) -> tuple[str, str, str]:
    return (one.code, one.address or "", one.summary)
