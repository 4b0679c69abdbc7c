"""Groups as resources: declared ones against listGroup, and the ids that bindings refer to. Pure.

A managed group is created, updated with the fewest calls and deleted; a read-only one is found by id or by name.
Two groups of one name, or none, are a person's decision, never a guess.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pnsync.errors import Diagnostic, Severity, SourceSpan
from pnsync.journal import Event, Recorded
from pnsync.model import Desired, Group, Listing, LiveGroup, Mode, Observed
from pnsync.plan import Action, Cause, Deferred, group_attributes
from pnsync.planner.draft import Draft, open_attempt, why_hidden
from pnsync.state import Entry, GroupChange, GroupEntry, State


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """What is to be done about groups. `ids` maps a group's name to its id, None where it is yet to be created."""

    drafts: tuple[Draft, ...]
    ids: dict[str, str | None]
    notes: tuple[Diagnostic, ...]
    decisions: tuple[Diagnostic, ...]
    bookkeeping: tuple[Event, ...]
    deferred: tuple[Deferred, ...]
    unchanged: int


def plan_groups(
    desired: Desired, state: State, observed: Observed, destroy: bool, *, refreshed: bool = True
) -> GroupPlan:
    """Compare every declared and recorded group with what is listed; not `refreshed`: with what the state believes."""
    work = _Groups(desired, state, observed, refreshed)
    declared = {} if destroy else desired.groups
    for position, group in enumerate(declared.values()):
        if group.managed:
            work.managed(group, position)
        else:
            work.read_only(group)
    addresses = {one.address for one in declared.values() if one.managed}
    recorded = state.groups()
    unrecorded = [one for one in work.blocking if one not in recorded and one.startswith("groups.")]
    for address in sorted((*recorded, *unrecorded)):
        if address in addresses:
            continue
        if address in work.blocking:
            work.open_attempt(address, None)
        else:
            work.undeclared(address, recorded[address])
    return GroupPlan(
        tuple(work.drafts),
        work.ids,
        tuple(work.notes),
        tuple(work.decisions),
        tuple(work.bookkeeping),
        tuple(work.deferred),
        work.unchanged,
    )


def find_group(group: Group, listing: Listing) -> list[LiveGroup]:
    """The listed groups that a read-only declaration names: by id where it gives one, else by name."""
    if group.group_id is not None:
        return [one for one in listing.groups if one.group_id == group.group_id]
    return [one for one in listing.groups if one.name == group.group_name]


class _Groups:
    def __init__(self, desired: Desired, state: State, observed: Observed, refreshed: bool) -> None:
        self.desired = desired
        self.refreshed = refreshed
        self.state = state
        self.observed = observed
        self.blocking = state.blocking()
        self.drafts: list[Draft] = []
        self.ids: dict[str, str | None] = {}
        self.notes: list[Diagnostic] = []
        self.decisions: list[Diagnostic] = []
        self.bookkeeping: list[Event] = []
        self.deferred: list[Deferred] = []
        self.unchanged = 0

    def read_only(self, group: Group) -> None:
        """Find a group that others keep."""
        listing = self.observed.listings.get(group.provider)
        if listing is None or not self.refreshed:
            self._remembered(group)
            return
        found = find_group(group, listing)
        wanted = f"group_id {group.group_id}" if group.group_id else f'the name "{group.group_name}"'
        if len(found) == 1:
            self.ids[group.name] = found[0].group_id
        elif not found and not listing.trustworthy:
            self._remembered(group)
        elif not found:
            self._decide(
                "P320",
                group,
                f"{group.address}: {group.provider} lists no group with {wanted}",
                "create it at the vendor, correct the name, or declare its phones so that pnsync creates it",
            )
        else:
            ids = ", ".join(one.group_id for one in found)
            self._decide(
                "P321",
                group,
                f"{group.address}: {group.provider} lists {len(found)} groups with {wanted}: {ids}",
                "name one of them with `group_id:`",
            )

    def _remembered(self, group: Group) -> None:
        bound = (one for one in self.state.entries.values() if isinstance(one, Entry))
        known = (one for one in bound if (one.provider, one.group) == (group.provider, group.name))
        found = next((one.group_id for one in known if one.group_id is not None), None)
        if found is not None:
            self.ids[group.name] = found

    def managed(self, group: Group, position: int) -> None:
        """Create, update, or leave a group of ours."""
        entry = self.state.entries.get(group.address)
        if group.address in self.blocking:
            self.open_attempt(group.address, group.span)
            if isinstance(entry, GroupEntry):
                self.ids[group.name] = entry.group_id
            return
        if isinstance(entry, GroupEntry) and entry.provider != group.provider:
            self._decide(
                "P324",
                group,
                f"{group.address}: it was made at {entry.provider} and is declared at {group.provider}, and a group "
                "cannot move",
                "declare a new group, move its bindings there, and remove this one",
            )
            return
        listing = self.observed.listings.get(group.provider)
        if listing is None and not self.refreshed:
            listing = Listing(group.provider, ())
        if listing is None or not listing.trustworthy:
            if isinstance(entry, GroupEntry):
                self.ids[group.name] = entry.group_id
            else:
                self._hidden(group.address, Action.CREATE_GROUP, group.provider, group.span)
            return
        if not isinstance(entry, GroupEntry):
            self._first(group, listing, position)
            return
        live = next((one for one in listing.groups if one.group_id == entry.group_id), None)
        shown = live is not None and set(live.phones) == set(entry.phones)
        action = Action.CREATE_GROUP if live is None else Action.UPDATE_GROUP
        if not shown and self._fresh(group.address, action, entry, listing, group.span):
            self.ids[group.name] = entry.group_id
            return
        if live is None:
            reason = "the vendor no longer lists it"
            self._create(group, Cause.DRIFT, reason, position)
            return
        self.ids[group.name] = entry.group_id
        wanted = set(group.phones or ())
        if set(live.phones) != wanted:
            self._update(group, entry, live, position)
            return
        self.unchanged += 1
        if (group.group_name, group.remark) != (entry.group_name, entry.remark):
            self.notes.append(
                Diagnostic(
                    "P322",
                    f"{group.address}: a group's name and remark cannot be changed at the vendor; "
                    "the new ones are not sent",
                    Severity.WARNING,
                    group.span,
                    advice="declare a new group, move its bindings there, and remove this one",
                    address=group.address,
                )
            )
        kept = replace(
            entry,
            phones=group.phones or (),
            protect=group.protect,
            holds=group.holds,
            file=group.span.file if group.span else None,
        )
        if kept != entry:
            self.bookkeeping.append(Recorded(group.address, kept))

    def _first(self, group: Group, listing: Listing, position: int) -> None:
        same = [one for one in listing.groups if one.name == group.group_name]
        if not same:
            self._create(group, Cause.CONFIG, "not in state", position)
            return
        self._decide(
            "P323",
            group,
            f"{group.address}: {group.provider} has a group of that name that pnsync did not make: "
            + ", ".join(one.group_id for one in same),
            f"take it over with `pnsync import {group.address} {same[0].group_id}`, or choose another `group_name`",
        )

    def _create(self, group: Group, cause: Cause, reason: str, position: int) -> None:
        self.ids[group.name] = None
        target = _entry(group, "")
        self.drafts.append(
            Draft(
                address=group.address,
                action=Action.CREATE_GROUP,
                cause=cause,
                reason=reason,
                provider=group.provider,
                after=group_attributes(target),
                group=target,
                source=group.span,
                position=position,
            )
        )

    def _update(self, group: Group, entry: GroupEntry, live: LiveGroup, position: int) -> None:
        wanted = group.phones or ()
        added = tuple(one for one in wanted if one not in live.phones)
        removed = tuple(one for one in live.phones if one not in wanted)
        by_config = set(entry.phones) != set(wanted)
        target = _entry(group, entry.group_id)
        change, phones = GroupChange.REPLACE, wanted
        if not removed:
            change, phones = GroupChange.ADD, added
        elif not added:
            change, phones = GroupChange.REMOVE, removed
        words = [f"{len(added)} to add"] * bool(added) + [f"{len(removed)} to remove"] * bool(removed)
        self.drafts.append(
            Draft(
                address=group.address,
                action=Action.UPDATE_GROUP,
                cause=Cause.CONFIG if by_config else Cause.DRIFT,
                reason=("declared" if by_config else "differs at the vendor") + ": " + ", ".join(words),
                provider=group.provider,
                before=group_attributes(replace(entry, phones=live.phones)),
                after=group_attributes(target),
                changed=("phones",),
                group=target,
                group_change=change,
                group_phones=phones,
                source=group.span,
                position=position,
            )
        )

    def undeclared(self, address: str, entry: GroupEntry) -> None:
        """Delete a group of ours that the files no longer declare, or forget one that is gone."""
        listing = self.observed.listings.get(entry.provider)
        if listing is None or not listing.trustworthy:
            self._hidden(address, Action.DELETE_GROUP, entry.provider, None)
            return
        live = any(one.group_id == entry.group_id for one in listing.groups)
        if not live and self._fresh(address, Action.DELETE_GROUP, entry, listing, None):
            return
        self.drafts.append(
            Draft(
                address=address,
                action=Action.DELETE_GROUP if live else Action.FORGET,
                cause=Cause.CONFIG,
                reason="no longer declared" if live else "no longer listed and no longer declared",
                provider=entry.provider,
                before=group_attributes(entry),
                group=entry if live else None,
                events=() if live else (Recorded(address, None),),
            )
        )

    def _fresh(
        self, address: str, action: Action, entry: GroupEntry, listing: Listing, span: SourceSpan | None
    ) -> bool:
        """Whether the last call about a group is so recent that a listing may not show it; then nothing is concluded."""
        config = self.desired.providers.get(entry.provider)
        if entry.changed_at is None or config is None or not self.refreshed:
            return False
        # The vendor's clock stamped the call, ours the listing.
        visible_from = entry.changed_at - int(listing.clock_ahead) + config.settle_seconds(Mode.AXG)
        if listing.started_at >= visible_from:
            return False
        told = "changed a moment ago and not listed so yet"
        reason = told if action is Action.UPDATE_GROUP else "created a moment ago and not listed yet"
        self.deferred.append(Deferred(address, action, entry.provider, reason, visible_from, span))
        return True

    def open_attempt(self, address: str, span: SourceSpan | None) -> None:
        """The outcome of a call of it is not known yet."""
        self.deferred.append(open_attempt(address, self.blocking[address].intent, span))

    def _hidden(self, address: str, action: Action, provider: str, span: SourceSpan | None) -> None:
        listing = self.observed.listings.get(provider)
        self.deferred.append(Deferred(address, action, provider, why_hidden(provider, listing), None, span))

    def _decide(self, code: str, group: Group, summary: str, advice: str) -> None:
        self.decisions.append(
            Diagnostic(code, summary, Severity.ERROR, group.span, advice=advice, address=group.address)
        )


def _entry(group: Group, group_id: str) -> GroupEntry:
    return GroupEntry(
        provider=group.provider,
        group_id=group_id,
        group_name=group.group_name,
        phones=group.phones or (),
        holds=group.holds,
        remark=group.remark,
        protect=group.protect,
        file=group.span.file if group.span else None,
    )


def settle_groups(drafts: Sequence[Draft], state: State, now: int) -> tuple[list[Draft], list[Deferred]]:
    """Defer binds to groups that this plan does not create, and deletions of groups that bindings still refer to."""
    creates = {one.address for one in drafts if one.action is Action.CREATE_GROUP}
    deferred: list[Deferred] = []
    kept: list[Draft] = []
    for one in drafts:
        target = one.target
        missing = target is not None and target.group is not None and target.group_id is None
        if missing and target is not None and f"groups.{target.group}" not in creates:
            reason = f"needs groups.{target.group}, and this plan does not create it"
            deferred.append(Deferred(one.address, one.action, one.provider, reason, None, one.source))
        else:
            kept.append(one)
    if not any(one.action is Action.DELETE_GROUP for one in kept):
        return kept, deferred
    freed = {one.old.key for one in kept if one.old is not None}
    not_live = {one.address for one in kept if one.action in (Action.BIND, Action.FORGET)}
    users: dict[tuple[str, str], str] = {}
    for address, entry in state.entries.items():
        if address in not_live:
            continue
        if isinstance(entry, Entry) and entry.group_id is not None and not entry.down:
            ended = entry.expires_at is not None and entry.expires_at <= now
            if not ended and entry.key not in freed:
                users.setdefault((entry.provider, entry.group_id), address)
    for key, old in state.superseded.items():
        if old.group is not None and key not in freed:
            users.setdefault((old.provider, f"groups.{old.group}"), old.address)
    fitting: list[Draft] = []
    for one in kept:
        user = None
        if one.action is Action.DELETE_GROUP and one.group is not None:
            user = users.get((one.provider, one.group.group_id)) or users.get((one.provider, one.address))
        if user is None:
            fitting.append(one)
        else:
            reason = f"{user} still refers to it, and this plan does not unbind that"
            deferred.append(Deferred(one.address, one.action, one.provider, reason, None, one.source))
    return fitting, deferred
