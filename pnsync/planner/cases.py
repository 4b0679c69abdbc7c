"""What each declared binding needs: the upper half of the planner's table, a function for each kind of case. Pure.

Decides binding after binding into `Findings`. An unchanged binding is told by one cheap comparison; everything else
goes through a `Case`.
"""

from collections.abc import Mapping
from dataclasses import replace

from pnsync.errors import Diagnostic, Severity
from pnsync.journal import Recorded, Rested
from pnsync.lifetimes import due_at, outlives, over, wanted_again
from pnsync.matching import known_expiry
from pnsync.model import NEVER, Binding, LiveBinding
from pnsync.plan import Action, Cause, Deferred, binding_attributes, instant
from pnsync.planner.allocation import Allocation
from pnsync.planner.comparison import GROUP_ID, changed_names, differences, plainly_equal
from pnsync.planner.draft import open_attempt
from pnsync.planner.drafting import Case, bind_draft, forget_draft, replace_draft, seen_entry, unbind_draft
from pnsync.planner.findings import NOT_PROVEN, Findings
from pnsync.planner.quarantine import rests_after_end, unbound_at
from pnsync.planner.retries import still_wanted
from pnsync.planner.wanted import Wanted
from pnsync.state import Entry, GroupEntry, Pending


class Declared:
    """Decides what the declared bindings need, one by one."""

    def __init__(
        self,
        found: Findings,
        allocation: Allocation,
        group_ids: Mapping[str, str | None],
        waiting: Mapping[str, Pending],
    ) -> None:
        self.found = found
        self.allocation = allocation
        self.group_ids = group_ids
        self.waiting = waiting
        self.now = found.now
        self.renewing = found.question.renew_only
        self.wanted = Wanted(found, allocation, group_ids)
        self.believed: dict[tuple[str, str], int] = {}

    def decide(self, address: str, binding: Binding, position: int) -> None:
        """Find what this binding needs; `position` is its place in the files."""
        found = self.found
        entry = found.state.entries.get(address)
        row = found.matched.rows.get(address)
        if address in found.blocking or address in self.waiting:
            pending = found.blocking.get(address) or self.waiting[address]
            config = not still_wanted(pending.intent, binding)
            found.defer(open_attempt(address, pending.intent, binding.span), config=config)
            return
        if isinstance(entry, Entry) and row is not None and self._stays(address, binding, entry, row):
            self._count_unchanged(address)
            if row.expires_at is not None and row.expires_at != entry.expires_at:
                found.bookkeeping.append(Recorded(address, replace(entry, expires_at=row.expires_at)))
            return
        if isinstance(entry, GroupEntry):
            return
        target = self.wanted.target(address, binding, entry)
        expires = None if entry is None else known_expiry(entry, row)
        if target is None:
            # `renew` wants what is recorded: without that it has nothing to keep alive but a group that is gone.
            if entry is not None and row is not None and not self.renewing:
                self._keep_alive(address, binding, position, entry, row)
            return
        ends = NEVER if expires is None else expires
        self._decide(Case(address, binding, position, target, entry=entry, row=row, expires=ends))

    def _decide(self, case: Case) -> None:
        entry, row = case.entry, case.row
        if entry is None:
            self._first(case)
        elif entry.down:
            self._down(case, entry)
        elif case.expires <= self.now:
            self._expired(case, entry, self.now)
        elif row is not None:
            self._live(case, entry, row)
        elif case.address in self.found.matched.believed:
            self._believed(case, entry)
        else:
            self._gone(case, entry)

    def summaries(self) -> list[Diagnostic]:
        """What is said once for all bindings that it concerns."""
        return [
            Diagnostic(
                "P340",
                f"{count} binding{'s' if count > 1 else ''} of mode {mode} at {provider} {'are' if count > 1 else 'is'} "
                "not listed, and none was ever seen listed: believed live as recorded",
                Severity.NOTE,
                advice="they are bound again when they have expired; nothing can be verified of them meanwhile",
            )
            for (provider, mode), count in sorted(self.believed.items())
        ]

    def short(self) -> list[tuple[Diagnostic, list[str]]]:
        """What is said of numbers that run out, each with the addresses that go without."""
        return self.wanted.short()

    # -- the common case -------------------------------------------------------------------------------------------

    def _stays(self, address: str, binding: Binding, entry: Entry, row: LiveBinding) -> bool:
        """Whether all agrees and there is life left; False says nothing."""
        expires = row.expires_at if row.expires_at is not None else entry.expires_at
        if expires is None or expires <= self.now or not plainly_equal(entry, row, binding):
            return False
        if (binding.x_group is not None or binding.extension_auto) and not self._keeps_choice(address, entry):
            return False
        if binding.group is not None and self.group_ids.get(binding.group) != entry.group_id:
            return False
        lifetime = binding.lifetime
        due = due_at(lifetime, expires, address, self.found.desired.schedule)
        ends_in_time = not over(lifetime, self.now) and not outlives(
            lifetime, expires, self.now if entry.bound_at is None else entry.bound_at
        )
        return (due is None or due > self.now) and ends_in_time and address not in self.found.question.replace

    def _keeps_choice(self, address: str, entry: Entry) -> bool:
        chosen = self.allocation.chosen.get(address)
        return chosen is not None and (chosen.phone_x, chosen.extension) == (entry.phone_x, entry.extension)

    def _count_unchanged(self, address: str) -> None:
        if address not in self.found.adopted:
            self.found.unchanged += 1

    # -- not live --------------------------------------------------------------------------------------------------

    def _first(self, case: Case) -> None:
        found = self.found
        if over(case.binding.lifetime, self.now):
            self._note("P201", f"{case.address} has ended: its expires_at has passed, nothing is due", case)
            found.unchanged += 1
            return
        if found.hidden(case.binding.provider, case.address, Action.BIND):
            return
        twin = found.occupancy.equal_unmanaged(case.target)
        if twin is not None:
            found.occupancy.twins.append((case.address, twin))
            if twin.expires_at is not None and twin.expires_at < NEVER:
                found.until.append(twin.expires_at)
            return
        found.drafts.append(bind_draft(case, Cause.CONFIG, "not in state"))

    def _down(self, case: Case, entry: Entry) -> None:
        if over(case.binding.lifetime, self.now):
            reason = "down, and its expires_at has passed"
            draft = forget_draft(case.address, entry, Cause.EXPIRY, reason)
            rested = self._rested(case, entry, None, unbound_at(entry, self.now))
            self.found.drafts.append(replace(draft, events=(*draft.events, *rested)))
        elif not self.found.hidden(case.binding.provider, case.address, Action.BIND):
            since = "" if entry.down_since is None else f" since {instant(entry.down_since)}"
            reason = f"down{since}: its unbind is done and its bind is not"
            self.found.bookkeeping.extend(self._rested(case, entry, case.target, unbound_at(entry, self.now)))
            self.found.drafts.append(bind_draft(case, Cause.RECOVERY, reason, down=True))

    def _expired(self, case: Case, entry: Entry, now: float) -> None:
        """Ended at `now`, which is by our clock or by the vendor's."""
        lifetime = case.binding.lifetime
        ends = None if case.row is None else case.row.expires_at
        if ends is not None and ends != entry.expires_at:
            # Somebody moved its end at the vendor, and apply waits for the end that the state records.
            self.found.bookkeeping.append(Recorded(case.address, replace(entry, expires_at=ends)))
        if not wanted_again(lifetime, now):
            why = "its expires_at has passed" if over(lifetime, now) else "keep is false"
            self._note("P202", f"{case.address} has expired and is left alone: {why}", case)
            self._count_unchanged(case.address)
            self.found.bookkeeping.extend(self._rested(case, entry, None, case.expires))
        elif not self.found.hidden(case.binding.provider, case.address, Action.BIND):
            self.found.bookkeeping.extend(self._rested(case, entry, case.target, case.expires))
            self.found.drafts.append(bind_draft(case, Cause.EXPIRY, f"expired at {instant(case.expires)}"))

    def _gone(self, case: Case, entry: Entry) -> None:
        """Not listed although it has not expired."""
        found, lifetime = self.found, case.binding.lifetime
        if over(lifetime, self.now):
            self._note("P201", f"{case.address} has ended: its expires_at has passed, nothing is due", case)
            found.unchanged += 1
            return
        providers = dict.fromkeys((entry.provider, case.binding.provider))
        if any(found.hidden(one, case.address, Action.BIND) for one in providers):
            return
        if found.fresh(case.address, entry, Action.BIND, case.binding):
            return
        now = found.vendors_now(entry.provider)
        if case.expires <= now:
            self._expired(case, entry, now)
            return
        found.replaced(case.address, entry)
        found.bookkeeping.extend(self._rested(case, entry, case.target, case.expires))
        reason = "the vendor no longer lists it, and it has not expired"
        found.drafts.append(replace(bind_draft(case, Cause.DRIFT, reason), missing=True))

    def _rested(self, case: Case, entry: Entry, target: Entry | None, ended_at: int) -> tuple[Rested, ...]:
        """Numbers that a binding gave up by ending enter quarantine, once."""
        resting = rests_after_end(
            case.address,
            entry,
            target,
            ended_at=ended_at,
            now=self.now,
            seconds=self.found.desired.policy.quarantine_seconds,
        )
        new = any(one not in self.found.state.quarantine for one in resting)
        return (Rested(resting, self.now),) if new else ()

    # -- live ------------------------------------------------------------------------------------------------------

    def _live(self, case: Case, entry: Entry, row: LiveBinding) -> None:
        found, lifetime = self.found, case.binding.lifetime
        seen = seen_entry(entry, row)
        known = case.expires if known_expiry(entry, row) is not None else None
        too_long = known is not None and outlives(
            lifetime, known, self.now if entry.bound_at is None else entry.bound_at
        )
        due = due_at(lifetime, case.expires, case.address, found.desired.schedule)
        is_due = due is not None and due <= self.now
        by_config = tuple(one for one in differences(entry, case.target) if one != GROUP_ID)
        if over(lifetime, self.now):
            if too_long and not found.hidden(entry.provider, case.address, Action.UNBIND):
                cause = Cause.CONFIG if by_config else Cause.DRIFT
                reason = "its expires_at has passed, and it would last longer"
                found.drafts.append(unbind_draft(case.address, entry, row, reason, case.binding, cause))
            elif not too_long:
                self._kept(case, entry, seen)
            return
        different = differences(seen, case.target)
        asked = case.address in found.question.replace
        moving = self.allocation.moving.get(case.address)
        if moving is not None and is_due and set(different) <= {"phone_x", "extension"} and not asked:
            action, cause = Action.RENEW, Cause.EXPIRY
            reason = f"expires at {instant(case.expires)}; {moving}"
            changed = (*different, "expires_at")
        elif (different or asked or too_long) and not (self.renewing and is_due):
            action = Action.REBIND
            cause, reason, changed = self._why(case, seen, different, by_config, asked)
        elif is_due:
            action, cause, changed = Action.RENEW, Cause.EXPIRY, ("expires_at",)
            reason = f"expires at {instant(case.expires)}"
        else:
            self._kept(case, entry, seen)
            return
        providers = dict.fromkeys((entry.provider, case.binding.provider))
        if not any(found.hidden(one, case.address, action) for one in providers):
            found.drafts.append(replace_draft(case, action, cause, reason, changed))

    def _why(
        self, case: Case, seen: Entry, different: tuple[str, ...], by_config: tuple[str, ...], asked: bool
    ) -> tuple[Cause, str, tuple[str, ...]]:
        """Cause, reason and changed attributes of a rebind."""
        changed = changed_names(binding_attributes(seen), binding_attributes(case.target))
        moving = self.allocation.moving.get(case.address)
        if different == (GROUP_ID,):
            cause = Cause.CONFIG if asked else Cause.DRIFT
            return cause, f"groups.{case.target.group} has another id now", ("group",)
        if moving is not None and set(by_config) <= {"phone_x", "extension"}:
            return (Cause.CONFIG if case.expires >= NEVER else Cause.EXPIRY), moving, changed
        if by_config and different:
            return Cause.CONFIG, "declared with other values: " + ", ".join(different), changed
        if asked:
            return Cause.CONFIG, "asked for by --replace", changed
        if different:
            return Cause.DRIFT, "differs at the vendor: " + ", ".join(different), changed
        return Cause.DRIFT, "would outlive its declared lifetime", ("expires_at",)

    def _believed(self, case: Case, entry: Entry) -> None:
        """No listing shows it, and none can be expected to: live as recorded, and no unbind of it can be proven."""
        found = self.found
        key = (entry.provider, entry.mode.value)
        self.believed[key] = self.believed.get(key, 0) + 1
        if over(case.binding.lifetime, self.now):
            self._kept(case, entry, entry)
            return
        different = differences(entry, case.target)
        asked = case.address in found.question.replace
        due = due_at(case.binding.lifetime, case.expires, case.address, found.desired.schedule)
        if (different or asked) and not self.renewing:
            found.unproven(case.address, entry)
            by_config = tuple(one for one in different if one != GROUP_ID)
            cause, reason, changed = self._why(case, entry, different, by_config, asked)
            found.drafts.append(replace_draft(case, Action.REBIND, cause, reason, changed))
        elif due is not None and due <= self.now:
            found.defer(
                Deferred(
                    case.address, Action.RENEW, entry.provider, NOT_PROVEN, case.expires, case.binding.span
                )
            )
        else:
            self._kept(case, entry, entry)

    def _keep_alive(
        self, address: str, binding: Binding, position: int, entry: Entry, row: LiveBinding
    ) -> None:
        """What it is to become cannot be had now: meanwhile it is renewed with the values that it has."""
        expires = known_expiry(entry, row)
        config = self.found.desired.providers.get(entry.provider)
        if expires is None or expires <= self.now or config is None or over(binding.lifetime, self.now):
            return
        due = due_at(binding.lifetime, expires, address, self.found.desired.schedule)
        if due is None or due > self.now or self.found.hidden(entry.provider, address, Action.RENEW):
            return
        target = self.wanted.numbered(replace(entry, lifetime=binding.lifetime), address)
        case = Case(address, binding, position, target, entry=entry, row=row, expires=expires)
        reason = f"expires at {instant(expires)}; what it is to become cannot be had yet"
        draft = replace_draft(case, Action.RENEW, Cause.EXPIRY, reason, ("expires_at",))
        self.found.drafts.append(replace(draft, provider=entry.provider))

    def _kept(self, case: Case, entry: Entry, seen: Entry) -> None:
        """Nothing to do; what only the state knows follows the declaration and the listing."""
        self._count_unchanged(case.address)
        target = case.target
        kept = replace(
            seen,
            expires_at=known_expiry(entry, case.row),
            lifetime=target.lifetime,
            protect=target.protect,
            labels=target.labels,
            file=target.file,
            declared_id=target.declared_id,
            x_group=target.x_group,
            x_chosen=target.x_chosen,
            extension_auto=target.extension_auto,
            group_id=target.group_id if entry.group_id is None else entry.group_id,
        )
        if kept != entry:
            self.found.bookkeeping.append(Recorded(case.address, kept))

    # -- words -----------------------------------------------------------------------------------------------------

    def _note(self, code: str, summary: str, case: Case) -> None:
        self.found.notes.append(
            Diagnostic(code, summary, Severity.NOTE, case.binding.span, address=case.address)
        )
