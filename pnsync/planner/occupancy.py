"""Who holds what at a vendor now, and whether a plan's binds can have what they need.

A bind that needs what another live binding of ours holds comes after its unbind where this plan frees it and is
deferred where it does not; a holder that is not ours is a person's decision. A phone that another binding of ours
keeps is no obstacle: whether the vendor takes a second one is asked of the vendor. What an open attempt may have bound
counts as held. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pnsync.errors import Diagnostic, Severity
from pnsync.matching import Matched, alive
from pnsync.model import NEVER, Desired, LiveBinding
from pnsync.plan import Deferred, instant
from pnsync.planner.draft import Draft
from pnsync.planner.resources import (
    Resource,
    collisions_of,
    foreign_holds,
    has_one_number,
    held_by,
    needs_of,
    row_holds,
    surely_exclusive,
)
from pnsync.state import Entry, Operation, State


@dataclass(frozen=True, slots=True)
class Needs:
    """What settling the needs of drafts left behind; `until` are instants at which time alone frees something."""

    deferred: tuple[Deferred, ...] = ()
    decisions: tuple[Diagnostic, ...] = ()
    until: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Holder:
    """A binding of ours, by its id, or an attempt of one that may be live (no id)."""

    address: str
    bind_id: str | None
    not_before: int | None = None


class Occupancy:
    """The holders of every resource now: bindings of ours, attempts, and rows that are not ours."""

    def __init__(self, desired: Desired, matched: Matched, state: State, now: int) -> None:
        self.matched = matched
        self.state = state
        self.now = now
        self.exclusive = frozenset(
            name for name, one in desired.providers.items() if one.capabilities.phone_is_exclusive
        )
        self.twins: list[tuple[str, LiveBinding]] = []
        self.others: dict[Resource, list[LiveBinding]] = {}
        """Rows that are not ours, by what they hold."""
        self._ours: dict[Resource, list[_Holder]] | None = None
        for row in matched.unmanaged:
            if alive(row, now):
                for resource in foreign_holds(row, self.exclusive):
                    self.others.setdefault(resource, []).append(row)

    def holders(self) -> dict[Resource, list[_Holder]]:
        """Bindings of ours, and attempts, by what they hold; built when first asked for, as most plans bind nothing."""
        if self._ours is None:
            self._ours = {}
            for rows in (self.matched.rows, self.matched.believed):
                for address, row in rows.items():
                    if alive(row, self.now):
                        self._hold(row_holds(row, self.exclusive), _Holder(address, row.bind_id))
            for key, old in self.state.superseded.items():
                listed = self.matched.superseded.get(key)
                if listed is not None and alive(listed, self.now):
                    self._hold(row_holds(listed, self.exclusive), _Holder(old.address, old.bind_id))
            for one in self.state.blocking().values():
                intent = one.intent
                if intent.operation is Operation.BIND and isinstance(intent.target, Entry):
                    holder = _Holder(intent.address, None, int(intent.not_before) + 1)
                    self._hold(needs_of(intent.target, self.exclusive), holder)
        return self._ours

    def _hold(self, resources: Sequence[Resource], holder: _Holder) -> None:
        assert self._ours is not None
        for resource in resources:
            self._ours.setdefault(resource, []).append(holder)

    def equal_unmanaged(self, target: Entry) -> LiveBinding | None:
        """A live row that is what the target asks for, and not provably ours."""
        if not self.others:
            return None
        for resource in collisions_of(target, self.exclusive):
            for row in self.others.get(resource, ()):
                if _equal(row, target, self.exclusive):
                    return row
        return None

    def settle_needs(self, drafts: list[Draft]) -> tuple[list[Draft], Needs]:
        """The drafts whose needs can be met by this plan, and what is said of the others."""
        found = _Settling(self, drafts)
        found.settle()
        return found.kept, Needs(tuple(found.deferred), tuple(found.decisions), tuple(found.until))

    def twins_note(self) -> tuple[Diagnostic, ...]:
        """One diagnostic for every declared binding that is live and not provably made by us."""
        return (_twins(sorted(address for address, _ in self.twins)),) if self.twins else ()


class _Settling:
    """One search for the drafts that fit together."""

    def __init__(self, occupancy: Occupancy, drafts: list[Draft]) -> None:
        self.occupancy = occupancy
        self.kept = drafts
        self.deferred: list[Deferred] = []
        self.decisions: list[Diagnostic] = []
        self.until: list[int] = []
        exclusive = occupancy.exclusive
        self.needs = {id(one): needs_of(one.target, exclusive) for one in drafts if one.target is not None}

    def settle(self) -> None:
        """Leave out what cannot have what it needs, until nothing more has to be left out."""
        if not any(one.target is not None for one in self.kept):
            return
        self.kept = [one for one in self.kept if not self._conflicts(one)]
        while True:
            before = len(self.kept)
            freed = {(one.old.provider, one.old.bind_id) for one in self.kept if one.old is not None}
            self.kept = [one for one in self.kept if not self._held(one, freed)]
            if len(self.kept) == before:
                self.kept = self._first_claims()
                if len(self.kept) == before:
                    return

    def _conflicts(self, draft: Draft) -> bool:
        others = self.occupancy.others
        if draft.target is None or not others:
            return False
        exclusive = self.occupancy.exclusive
        # What the live binding holds together with a stranger it will hold again: renewing makes nothing worse.
        shared = () if draft.old is None else collisions_of(_like(draft), exclusive)
        for resource in collisions_of(draft.target, exclusive):
            rows = None if resource in shared else others.get(resource)
            if rows:
                self.decisions.append(_conflict(draft, rows[0]))
                end = _end(rows[0])
                if end is not None:
                    self.until.append(end)
                return True
        return False

    def _held(self, draft: Draft, freed: set[tuple[str, str]]) -> bool:
        needs = self.needs.get(id(draft))
        if not needs:
            return False
        holders = self.occupancy.holders()
        # What an address binds anew has ended, also where its row is still listed and does not tell its end.
        entry = self.occupancy.state.entries.get(draft.address)
        own = entry.bind_id if isinstance(entry, Entry) else None
        for resource in needs:
            for holder in holders.get(resource, ()):
                if holder.bind_id is None:
                    self._defer(
                        draft, f"needs what an open attempt of {holder.address} may hold", holder.not_before
                    )
                    return True
                ended = holder.address == draft.address and holder.bind_id == own
                if surely_exclusive(resource) and not ended and (resource[1], holder.bind_id) not in freed:
                    self._defer(draft, f"needs what {holder.address} holds, and this plan does not free it")
                    return True
        return False

    def _first_claims(self) -> list[Draft]:
        """Of drafts that want the same, the one that has it or comes first gets it."""
        owners: dict[Resource, str] = {}
        lost: set[int] = set()
        for one in sorted(self.kept, key=self._claim):
            needs = [need for need in self.needs.get(id(one), ()) if surely_exclusive(need)]
            owner = next((owners[need] for need in needs if need in owners), None)
            if owner is not None:
                self._defer(one, f"needs what {owner} gets, and both cannot have it")
                lost.add(id(one))
                continue
            owners.update(dict.fromkeys(needs, one.address))
        return [one for one in self.kept if id(one) not in lost]

    def _claim(self, draft: Draft) -> tuple[bool, bool, int, str]:
        """Who comes first: what keeps a number that it has, what is down, then file order."""
        return (not self._keeps(draft), not draft.down, draft.position, draft.address)

    def _keeps(self, draft: Draft) -> bool:
        needs = self.needs.get(id(draft))
        if draft.old is None or not needs:
            return False
        mode = None if draft.entry is None else draft.entry.mode
        return not set(held_by(draft.old, self.occupancy.exclusive, mode)).isdisjoint(needs)

    def _defer(self, draft: Draft, reason: str, not_before: int | None = None) -> None:
        self.deferred.append(
            Deferred(draft.address, draft.action, draft.provider, reason, not_before, draft.source)
        )


def _like(draft: Draft) -> Entry:
    """The target with the numbers of the live binding that it replaces: what that one holds."""
    assert draft.target is not None and draft.old is not None
    mode = draft.target.mode if draft.entry is None else draft.entry.mode
    old = draft.old
    return replace(
        draft.target,
        provider=old.provider,
        mode=mode,
        phone_a=old.phone_a,
        phone_b=old.phone_b,
        phone_x=old.phone_x,
        extension=old.extension,
    )


def _equal(row: LiveBinding, target: Entry, exclusive: frozenset[str]) -> bool:
    pairs = (row.phone_a, row.phone_b) == (target.phone_a, target.phone_b)
    x = target.phone_x is None or row.phone_x == target.phone_x
    recording = row.recording is None or row.recording == target.recording
    mode = row.provider not in exclusive or has_one_number(row) == (target.mode.value == "axb")
    return pairs and x and (row.extension or None) == (target.extension or None) and recording and mode


def _end(row: LiveBinding) -> int | None:
    """When a row ends by itself; None where it never does or does not tell."""
    return row.expires_at if row.expires_at is not None and row.expires_at < NEVER else None


def _conflict(draft: Draft, row: LiveBinding) -> Diagnostic:
    what = "one of its phones or its pair is bound"
    if row.extension:
        what = f"{row.phone_x} extension {row.extension} is taken"
    end = _end(row)
    wait = "" if end is None else f", or wait until it expires at {instant(end)}"
    return Diagnostic(
        "P310",
        f"{draft.address}: {what} by binding {row.bind_id}, which pnsync did not make",
        Severity.ERROR,
        draft.source,
        advice=f"take it over with `pnsync import {draft.address} {row.bind_id}`{wait}",
        address=draft.address,
    )


def _twins(addresses: Sequence[str]) -> Diagnostic:
    names = ", ".join(addresses[:5])
    more = f" and {len(addresses) - 5} more" if len(addresses) > 5 else ""
    return Diagnostic(
        "P311",
        f"{len(addresses)} declared binding{'s are' if len(addresses) > 1 else ' is'} live already and not provably "
        f"made by pnsync: {names}{more}",
        Severity.WARNING,
        advice="take them over with `pnsync import --match`; until then they are not renewed",
    )
