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
Order and calls are ordering.py's; limits and protection limits.py's.
"""

from dataclasses import dataclass, replace

from pnsync.allocation import Allocation, allocate
from pnsync.comparison import changed_names, differences
from pnsync.draft import Draft
from pnsync.drafting import (
    Case,
    adopt_draft,
    bind_draft,
    forget_draft,
    replace_draft,
    seen_entry,
    superseded_draft,
    unbind_draft,
)
from pnsync.errors import Diagnostic, Severity
from pnsync.groups import plan_groups
from pnsync.identity import customer_bind_id
from pnsync.journal import Doubled, Event, Recorded
from pnsync.lifetimes import due_at, outlives, over, wanted_again
from pnsync.limits import Permissions, findings
from pnsync.matching import live_expiry, match, unrefreshed
from pnsync.model import NEVER, Binding, Desired, LiveBinding, Observed
from pnsync.occupancy import Occupancy
from pnsync.ordering import arrange
from pnsync.plan import Action, Cause, Deferred, Plan, binding_attributes, group_attributes, instant
from pnsync.recovery import settle
from pnsync.scope import Scope
from pnsync.state import Entry, GroupEntry, State, target_of


@dataclass(frozen=True, slots=True)
class Question:
    """What a plan is asked for beside the files: a part of it, permissions, and what to leave out."""

    scope: Scope = Scope()
    permissions: Permissions = Permissions()
    replace: frozenset[str] = frozenset()
    destroy: bool = False
    renew_only: bool = False
    refreshed: bool = True
    config_digest: str = ""
    approved: frozenset[str] | None = None
    """The addresses of an approved plan: drift elsewhere is left alone."""


def plan(
    desired: Desired, state: State, observed: Observed, *, now: int, question: Question | None = None
) -> Plan:
    """The changes that turn observed into desired, in the order of their calls; `now` is epoch seconds."""
    return _Planning(desired, state, observed, now, question or Question()).plan()


def desired_of_state(desired: Desired, state: State) -> Desired:
    """What `renew` wants: exactly what the state holds, with the providers and policy of the files."""
    bindings = {}
    for address, entry in state.bindings().items():
        name = address.removeprefix("bindings.")
        bindings[name] = Binding(
            name=name,
            provider=entry.provider,
            mode=entry.mode,
            phone_a=entry.phone_a,
            phone_b=entry.phone_b,
            lifetime=entry.lifetime,
            phone_x=None if entry.x_chosen else entry.phone_x,
            extension=entry.extension,
            group=entry.group,
            pool_number=entry.pool_number,
            customer_bind_id=entry.declared_id,
            recording=entry.recording,
            protect=entry.protect,
            labels=entry.labels,
        )
    return replace(desired, bindings=bindings, moved=())


class _Planning:
    """One planning: the state after recovery, its matched rows, and what has been found so far."""

    def __init__(
        self, desired: Desired, state: State, observed: Observed, now: int, question: Question
    ) -> None:
        self.desired = desired
        self.given = state
        self.now = now
        self.question = question
        self.bindings = {} if question.destroy else {one.address: one for one in desired.bindings.values()}
        self.notes: list[Diagnostic] = []
        self.decisions: list[Diagnostic] = []
        self.deferred: list[Deferred] = []
        self.drafts: list[Draft] = []
        self.bookkeeping: list[Event] = []
        self.recorded: dict[str, Entry] = {}
        self.unchanged = 0
        self.missing = 0
        moved = self._moved(state)
        self.settled = settle(moved, observed, self.bindings, now)
        self.state = self.settled.state
        self.decisions.extend(self.settled.decisions)
        self.observed = observed if question.refreshed else unrefreshed(self.state, now)
        self.matched = match(self.state, self.observed)
        self.blocking = self.state.blocking()
        self.occupancy = Occupancy(self.matched, self.state, now)
        self.allocation: Allocation = allocate(desired, self.state, self.observed, self.matched, now)
        self.notes.extend(self.allocation.notes)

    def _moved(self, state: State) -> State:
        """Rename entries as `moved` says; a rename alone is no change."""
        entries = dict(state.entries)
        generations = dict(state.generations)
        for one in self.desired.moved:
            if one.source not in entries or one.target in entries:
                continue
            entry = entries[one.target] = entries.pop(one.source)
            self.bookkeeping += [Recorded(one.source, None), Recorded(one.target, entry)]
            generations[one.target] = max(generations.get(one.source, 0), generations.get(one.target, 0))
        return replace(state, entries=entries, generations=generations)

    def plan(self) -> Plan:
        """Walk the table, arrange what was found."""
        groups = plan_groups(self.desired, self.state, self.observed, self.question.destroy)
        self.notes.extend(groups.notes)
        self.decisions.extend(groups.decisions)
        self.drafts.extend(groups.drafts)
        self.bookkeeping.extend(groups.bookkeeping)
        self.unchanged += groups.unchanged
        self.group_ids = groups.ids
        for position, (address, binding) in enumerate(self.bindings.items()):
            if binding.enabled:
                self._declared(address, binding, position)
        for address, entry in sorted(self.state.bindings().items()):
            declared = self.bindings.get(address)
            if declared is None or not declared.enabled:
                self._undeclared(address, entry, declared)
        self._superseded()
        self._adopted()
        drafts, needs = self.occupancy.settle_needs(self._selected())
        self.notes.extend(self.occupancy.twins_note())
        changes, steps = arrange(drafts, self.desired, now=self.now)
        deferred = tuple(one for one in (*self.deferred, *needs.deferred) if self._in_scope(one))
        return Plan(
            made_at=self.now,
            lineage=self.given.lineage,
            serial=self.given.serial,
            config_digest=self.question.config_digest,
            changes=changes,
            steps=steps,
            deferred=deferred,
            diagnostics=tuple(self.notes),
            valid_until=self._valid_until(drafts, deferred),
            unchanged=self.unchanged,
            unmanaged=len(self.matched.unmanaged),
            bookkeeping=(*self.bookkeeping, *self.settled.events, *self._learned()),
            declared=len(self.bindings),
            refusals=findings(
                changes,
                self.state,
                self.desired,
                missing=self.missing,
                permissions=self.question.permissions,
                destroy=self.question.destroy,
            ),
            decisions=(*self.decisions, *needs.decisions),
        )

    # -- declared --------------------------------------------------------------------------------------------------

    def _declared(self, address: str, binding: Binding, position: int) -> None:
        entry = self.state.entries.get(address)
        if address in self.blocking:
            self._open_attempt(address, binding)
            return
        if isinstance(entry, GroupEntry):
            return
        target = self._target(address, binding)
        if target is None:
            return
        row = self.matched.rows.get(address)
        case = Case(
            address,
            binding,
            position,
            target,
            address in self.allocation.chosen,
            entry,
            row,
            NEVER if entry is None else live_expiry(entry, row),
        )
        if entry is None:
            self._first(case)
        elif entry.down:
            self._down(case, entry)
        elif case.expires <= self.now:
            self._expired(case)
        elif row is None:
            self._gone(case, entry)
        else:
            self._live(case, entry, row)

    def _target(self, address: str, binding: Binding) -> Entry | None:
        """The entry that the declaration asks for; None where it cannot be made now, which is then said."""
        if address in self.allocation.deferred:
            self.deferred.append(self.allocation.deferred[address])
            return None
        if address in self.allocation.impossible:
            self.decisions.append(self.allocation.impossible[address])
            return None
        if binding.group is not None and binding.group not in self.group_ids:
            self._defer(address, Action.BIND, binding, f"groups.{binding.group} is not settled yet", None)
            return None
        generation = self.state.next_generation(address)
        ours = None
        if self.desired.providers[binding.provider].capabilities.client_ids and self.state.lineage:
            ours = customer_bind_id(self.state.lineage, address, generation, binding.customer_bind_id)
        target = target_of(binding, generation=generation, customer_bind_id=ours)
        chosen = self.allocation.chosen.get(address)
        if chosen is not None:
            target = replace(target, phone_x=chosen.phone_x, extension=chosen.extension)
        if binding.group is not None:
            target = replace(target, group_id=self.group_ids[binding.group])
        return target

    def _first(self, case: Case) -> None:
        if over(case.binding.lifetime, self.now):
            self._note("P201", f"{case.address} has ended: its expires_at has passed, nothing is due", case)
            self.unchanged += 1
            return
        if self._hidden(case.binding.provider, case.address, Action.BIND):
            return
        twin = self.occupancy.equal_unmanaged(case.target)
        if twin is not None:
            self.occupancy.twins.append((case.address, twin))
            return
        self.drafts.append(bind_draft(case, Cause.CONFIG, "not in state"))

    def _down(self, case: Case, entry: Entry) -> None:
        if over(case.binding.lifetime, self.now):
            reason = "down, and its expires_at has passed"
            self.drafts.append(forget_draft(case.address, entry, Cause.EXPIRY, reason))
        elif not self._hidden(case.binding.provider, case.address, Action.BIND):
            since = "" if entry.down_since is None else f" since {instant(entry.down_since)}"
            reason = f"down{since}: its unbind is done and its bind is not"
            self.drafts.append(bind_draft(case, Cause.RECOVERY, reason, down=True))

    def _expired(self, case: Case) -> None:
        lifetime = case.binding.lifetime
        if wanted_again(lifetime, self.now):
            reason = f"expired at {instant(case.expires)}"
            self.drafts.append(bind_draft(case, Cause.EXPIRY, reason))
            return
        why = "its expires_at has passed" if over(lifetime, self.now) else "keep is false"
        self._note("P202", f"{case.address} has expired and is left alone: {why}", case)
        self.unchanged += 1

    def _gone(self, case: Case, entry: Entry) -> None:
        if self._hidden(entry.provider, case.address, Action.BIND):
            return
        settle_seconds = self.desired.providers[entry.provider].settle_seconds(entry.mode)
        visible_from = (entry.bound_at or 0) + settle_seconds
        if self.question.refreshed and self.observed.listings[entry.provider].started_at < visible_from:
            reason = "bound a moment ago and not listed yet"
            self._defer(case.address, Action.BIND, case.binding, reason, visible_from)
            return
        self.missing += 1
        reason = "the vendor no longer lists it, and it has not expired"
        self.drafts.append(bind_draft(case, Cause.DRIFT, reason))

    def _live(self, case: Case, entry: Entry, row: LiveBinding) -> None:
        lifetime = case.binding.lifetime
        seen = seen_entry(entry, row)
        asked = case.address in self.question.replace
        by_config = differences(entry, case.target)
        by_drift = differences(seen, case.target)
        too_long = outlives(lifetime, case.expires, self.now)
        due = due_at(lifetime, case.expires)
        if by_config or by_drift or asked or too_long:
            action, cause = Action.REBIND, Cause.CONFIG if by_config or asked else Cause.DRIFT
            changed = changed_names(binding_attributes(seen), binding_attributes(case.target))
            if cause is Cause.DRIFT and not by_drift:
                changed, reason = ("expires_at",), "would outlive its declared lifetime"
            elif cause is Cause.DRIFT:
                reason = "differs at the vendor: " + ", ".join(by_drift)
            elif by_config:
                reason = "declared with other values: " + ", ".join(by_config)
            else:
                reason = "asked for by --replace"
        elif due is not None and due <= self.now:
            action, cause, changed = Action.RENEW, Cause.EXPIRY, ("expires_at",)
            reason = f"expires at {instant(case.expires)}"
        else:
            self._kept(case, entry)
            return
        if any(self._hidden(one, case.address, action) for one in {entry.provider, case.binding.provider}):
            return
        if over(lifetime, self.now):
            self.unchanged += 1
            return
        self.drafts.append(replace_draft(case, action, cause, reason, changed))

    def _kept(self, case: Case, entry: Entry) -> None:
        """Nothing to do; what only the state knows follows the declaration."""
        if case.address not in self.settled.adopted:
            self.unchanged += 1
        target = case.target
        kept = replace(
            entry,
            lifetime=target.lifetime,
            protect=target.protect,
            labels=target.labels,
            file=target.file,
            declared_id=target.declared_id,
            x_group=target.x_group,
            x_chosen=target.x_chosen,
            extension_auto=target.extension_auto,
        )
        if kept != entry:
            self.recorded[case.address] = kept

    # -- not declared ----------------------------------------------------------------------------------------------

    def _undeclared(self, address: str, entry: Entry, declared: Binding | None) -> None:
        if address in self.blocking:
            self._open_attempt(address, declared)
            return
        row = self.matched.rows.get(address)
        cause, reason = Cause.CONFIG, ""
        if entry.down:
            reason = "down and no longer declared"
        elif live_expiry(entry, row) <= self.now:
            cause, reason = Cause.EXPIRY, "expired and no longer declared"
        elif row is None:
            reason = "no longer listed and no longer declared"
        if reason:
            if (
                entry.down
                or cause is Cause.EXPIRY
                or not self._hidden(entry.provider, address, Action.FORGET)
            ):
                self.drafts.append(forget_draft(address, entry, cause, reason))
            return
        assert row is not None
        if self._hidden(entry.provider, address, Action.UNBIND):
            return
        reason = "no longer declared"
        if self.question.destroy:
            reason = "destroy was asked for"
        elif declared is not None:
            reason = "declared with enabled: false"
        self.drafts.append(unbind_draft(address, entry, row, reason, declared))

    def _superseded(self) -> None:
        for bind_id, old in sorted(self.state.superseded.items()):
            if old.address in self.blocking:
                continue
            row = self.matched.superseded.get(bind_id)
            if row is not None:
                if not self._hidden(old.provider, old.address, Action.UNBIND):
                    self.drafts.append(superseded_draft(old, row))
            elif self._trusted(old.provider):
                self.bookkeeping.append(Doubled(bind_id, None))

    def _adopted(self) -> None:
        """Adoptions that need nothing further are changes of their own; the others are part of their change."""
        busy = {one.address for one in self.drafts}
        for address, reason in sorted(self.settled.adopted.items()):
            entry = self.state.entries.get(address)
            if address in busy or entry is None:
                continue
            after = binding_attributes(entry) if isinstance(entry, Entry) else group_attributes(entry)
            binding = self.bindings.get(address)
            self.drafts.append(adopt_draft(address, after, entry.provider, reason, binding))

    # -- what may not be concluded ---------------------------------------------------------------------------------

    def _trusted(self, provider: str) -> bool:
        listing = self.observed.listings.get(provider)
        return not self.question.refreshed or (listing is not None and listing.trustworthy)

    def _hidden(self, provider: str, address: str, action: Action) -> bool:
        """Whether the provider's listing cannot carry this conclusion; then it is deferred."""
        if self._trusted(provider):
            return False
        listing = self.observed.listings.get(provider)
        why = "was not read" if listing is None else "cannot be trusted: " + "; ".join(listing.problems)
        binding = self.bindings.get(address)
        source = None if binding is None else binding.span
        self.deferred.append(
            Deferred(address, action, provider, f"the listing of {provider} {why}", None, source)
        )
        return True

    def _open_attempt(self, address: str, binding: Binding | None) -> None:
        intent = self.blocking[address].intent
        reason = f"the outcome of an earlier {intent.operation.value} is not known yet; a later listing tells"
        source = None if binding is None else binding.span
        action = Action(intent.operation.value)
        not_before = int(intent.not_before) + 1
        self.deferred.append(Deferred(address, action, intent.provider, reason, not_before, source))

    def _defer(
        self, address: str, action: Action, binding: Binding, reason: str, not_before: int | None
    ) -> None:
        self.deferred.append(Deferred(address, action, binding.provider, reason, not_before, binding.span))

    def _note(self, code: str, summary: str, case: Case) -> None:
        self.notes.append(Diagnostic(code, summary, Severity.NOTE, case.binding.span, address=case.address))

    # -- the whole -------------------------------------------------------------------------------------------------

    def _in_scope(self, one: Draft | Deferred) -> bool:
        if self.question.scope.whole:
            return True
        labels: tuple[tuple[str, str], ...] = ()
        binding = self.bindings.get(one.address)
        entry = self.state.entries.get(one.address)
        if binding is not None:
            labels = binding.labels
        elif isinstance(entry, Entry):
            labels = entry.labels
        return self.question.scope.holds(one.address, one.provider, labels)

    def _selected(self) -> list[Draft]:
        found = [one for one in self.drafts if self._in_scope(one)]
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

    def _learned(self) -> list[Event]:
        """What the listing and the declaration tell of bindings that stay: their exact expiry, their policy."""
        busy = {one.address for one in self.drafts} | set(self.blocking)
        events: list[Event] = []
        for address, row in self.matched.rows.items():
            if address in busy:
                continue
            entry = self.state.entries[address]
            assert isinstance(entry, Entry)
            known = self.recorded.get(address, entry)
            if row.expires_at is not None and row.expires_at != known.expires_at:
                known = replace(known, expires_at=row.expires_at)
            if known is not entry:
                events.append(Recorded(address, known))
        return events

    def _valid_until(self, drafts: list[Draft], deferred: tuple[Deferred, ...]) -> int | None:
        """The instant from which time alone would make apply refuse this plan (SPEC 4).

        A due renewal joins a plan and so does not end it. The end of a binding that a change replaces or unbinds
        does, and so do the declared end of one to be bound and the end of what postpones a change.
        """
        found: list[int] = []
        for one in drafts:
            if one.old is not None and one.expires_at is not None and one.expires_at < NEVER:
                found.append(one.expires_at)
            if one.target is not None and one.until is not None:
                found.append(one.until)
        found.extend(one.not_before for one in deferred if one.not_before is not None)
        return min((one for one in found if one > self.now), default=None)
