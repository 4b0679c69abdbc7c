"""Which X and which extension a binding gets where the files leave the choice to pnsync. Pure.

Promises: the same input gives the same answer; a choice once made stays, so that an unchanged binding never moves
and adding one moves none; new ones get the least used X of their group and its lowest free extension, and go without
only when no choice could serve them (slots.py, disjoint.py); nobody gets what another binding holds, ours or not, what
a file fixes for somebody else, what is reserved, drained or resting. A drained X is left at the renewal, at once by
what is not renewed for want of an end, and by what has an end of its own never. What cannot be had is said once for
each group, with what would free numbers. Must not decide what is bound: the planner does.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pnsync.errors import Diagnostic
from pnsync.lifetimes import due_at
from pnsync.matching import Matched, live_expiry
from pnsync.model import NEVER, Binding, Desired, Group, Mode, Observed
from pnsync.phone import country_code
from pnsync.plan import Action, Deferred
from pnsync.planner.disjoint import Asking
from pnsync.planner.holdings import Holdings
from pnsync.planner.quarantine import Quarantine, unbound_at, warnings
from pnsync.planner.shortage import Drains, Shortages, left_group, taken_away
from pnsync.planner.slots import Demand, Number, Slots, share_of
from pnsync.scope import Shard, shard_of
from pnsync.state import Entry, State

ALL_EXTENSIONS = (0, 999)
_OTHERS_SHARE = (
    "this shard's share of the free numbers is used up; the rest is given by a run without --shard"
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What an address gets."""

    phone_x: str
    extension: str | None


@dataclass(frozen=True, slots=True)
class Allocation:
    """Choices by address, and what could not be chosen now or at all."""

    chosen: Mapping[str, Chosen] = field(default_factory=dict)
    deferred: Mapping[str, Deferred] = field(default_factory=dict)
    impossible: Mapping[str, Diagnostic] = field(default_factory=dict)
    """By address; those of one group share one diagnostic."""
    moving: Mapping[str, str] = field(default_factory=dict)
    """Addresses that leave a drained X now, with the reason: at their renewal, or because they never have one."""
    notes: tuple[Diagnostic, ...] = ()


def allocate(
    desired: Desired, state: State, observed: Observed, matched: Matched, now: int, *, shards: int = 1
) -> Allocation:
    """Choose for every declared binding that leaves X or extension open; `now` is epoch seconds.

    With several `shards`, whose runs choose at once, each gives new bindings only slots of its own share.
    """
    renamed = {one.source: one.target for one in desired.moved}
    resting = state.quarantine if desired.policy.quarantine_seconds else ()
    quarantine = Quarantine(resting, now=now, renamed=renamed)
    fixed = warnings(desired, state, quarantine)
    asking = [one for one in desired.bindings.values() if one.enabled and (one.x_group or one.extension_auto)]
    if not asking:
        return Allocation(notes=fixed)
    work = _Allocating(desired, state, observed, matched, now, quarantine, shards)
    for binding in asking:
        work.keep(binding)
    work.free_what_leaves()
    new = [one for one in asking if one.address not in work.chosen]
    for binding in new:
        if binding.mode is not Mode.AXG:
            work.choose(binding)
    work.choose_for_groups([one for one in new if one.mode is Mode.AXG])
    return work.done(new, fixed)


class _Allocating:
    def __init__(
        self,
        desired: Desired,
        state: State,
        observed: Observed,
        matched: Matched,
        now: int,
        quarantine: Quarantine,
        shards: int,
    ) -> None:
        self.desired = desired
        self.shards = shards
        self.state = state
        self.matched = matched
        self.now = now
        self.quarantine = quarantine
        self.slots = Slots(quarantine, now=now, quarantine_seconds=desired.policy.quarantine_seconds)
        self.holdings = Holdings(desired, state, observed, matched, now, self.slots)
        self.parties = self.holdings.parties
        self.chosen: dict[str, Chosen] = {}
        self.deferred: dict[str, Deferred] = {}
        self.moving: dict[str, str] = {}
        self.notes: list[Diagnostic] = []
        self.shortages = Shortages(desired)
        self.drains = Drains()
        self.left: dict[tuple[str, str], list[Binding]] = {}
        self.blocking = state.blocking()
        self._leavers: dict[str, Chosen] = {}
        self._demands: dict[tuple[str, str, str | None, Shard | None], Demand] = {}
        self._texts: dict[tuple[int, int, frozenset[str]], tuple[str, ...]] = {}

    # -- what a group offers ---------------------------------------------------------------------------------------

    def _demand(self, binding: Binding) -> Demand | None:
        """The slots that a binding may get; None where the group's numbers are not known."""
        place = f"groups.{binding.x_group}" if binding.x_group is not None else f"{binding.phone_x}"
        share = None
        if self.shards != 1:
            share = Shard(shard_of(binding.address, self.shards), self.shards)
        key = (f"{binding.provider} {place}", binding.phone_a.country_code, binding.extension, share)
        found = self._demands.get(key)
        if found is None:
            group = None if binding.x_group is None else self.desired.groups[binding.x_group]
            pool = self._pool(binding, group)
            if pool is None:
                return None
            numbers = tuple(self.slots.number(binding.provider, x) for x in pool if country_code(x) == key[1])
            texts = (
                (binding.extension,) if binding.extension is not None else self._extensions(binding, group)
            )
            found = self._demands[key] = Demand(place, numbers, texts, share)
        return found

    def _pool(self, binding: Binding, group: Group | None) -> tuple[str, ...] | None:
        if group is None:
            assert binding.phone_x is not None
            return (binding.phone_x,)
        pool = self.holdings.numbers_of(group)
        return None if pool is None else tuple(x for x in pool if x not in group.drain)

    def _extensions(self, binding: Binding, group: Group | None) -> tuple[str, ...]:
        """The extensions that `auto` may give on an X: of its group, or of the groups that hold a fixed X."""
        groups = (
            [group]
            if group is not None
            else [
                one
                for one in self.desired.groups.values()
                if one.provider == binding.provider
                and binding.phone_x in (self.holdings.numbers_of(one) or ())
            ]
        )
        low = max((one.extension_range[0] for one in groups), default=ALL_EXTENSIONS[0])
        high = min((one.extension_range[1] for one in groups), default=ALL_EXTENSIONS[1])
        reserved = frozenset(text for one in groups for text in one.reserved_extensions)
        key = (low, high, reserved)
        found = self._texts.get(key)
        if found is None:
            texts = (f"{value:03d}" for value in range(low, high + 1))
            found = self._texts[key] = tuple(text for text in texts if text not in reserved)
        return found

    # -- what stays ------------------------------------------------------------------------------------------------

    def keep(self, binding: Binding) -> None:
        """A choice once made stays, as long as it still answers the declaration and nobody else was given it."""
        address = binding.address
        entry = self.state.entries.get(address)
        for made in (entry, self.holdings.attempted.get(address)):
            if isinstance(made, Entry) and self._answers(binding, made):
                assert made.phone_x is not None
                extension = made.extension if binding.mode is Mode.AXB_EXTENSION else None
                kept = Chosen(made.phone_x, extension)
                group = None if binding.x_group is None else self.desired.groups[binding.x_group]
                if group is not None and kept.phone_x in group.drain and self._leaves(binding, group, kept):
                    self._leavers[address] = kept
                else:
                    self.chosen[address] = kept
                return

    def _answers(self, binding: Binding, made: Entry) -> bool:
        x, extension = made.phone_x, made.extension
        if made.provider != binding.provider or x is None:
            return False
        if binding.phone_x is not None and x != binding.phone_x:
            return False
        if binding.mode is Mode.AXB_EXTENSION:
            if not extension or (binding.extension is not None and extension != binding.extension):
                return False
            holder = self.slots.holder(made.provider, x, extension)
            if holder != binding.address:
                if holder is not None:
                    self.notes.append(taken_away(binding, x, extension, holder))
                return False
        if binding.x_group is None:
            return True
        if country_code(x) != binding.phone_a.country_code:
            return False
        numbers = self.holdings.numbers_of(self.desired.groups[binding.x_group])
        if numbers is None or x in numbers:
            return True
        if made.x_group != binding.x_group:
            return False
        if x not in self.desired.groups[binding.x_group].drain:
            self.left.setdefault((binding.x_group, x), []).append(binding)
        return True

    def _leaves(self, binding: Binding, group: Group, kept: Chosen) -> bool:
        """Whether a binding leaves the drained X that it has now; what stays for a while is noted."""
        address = binding.address
        row = self.matched.rows.get(address) or self.matched.believed.get(address)
        entry = self.state.entries.get(address)
        if address in self.blocking or not isinstance(entry, Entry):
            self.drains.stays(group, kept.phone_x, None)
            return False
        expires = live_expiry(entry, row)
        due = due_at(binding.lifetime, expires, address, self.desired.schedule)
        if entry.down or row is None or expires <= self.now or _redeclared(binding, entry):
            self.drains.leaves(group, kept.phone_x)
            return True
        if due is None and expires < NEVER:
            self.drains.stays(group, kept.phone_x, expires)
            return False
        if due is not None and due > self.now:
            self.drains.stays(group, kept.phone_x, due)
            return False
        self.drains.leaves(group, kept.phone_x)
        self.moving[address] = f"leaves {kept.phone_x}, which {group.address} drains"
        return True

    def free_what_leaves(self) -> None:
        """Note the slots of ours that no declaration keeps: this plan frees them, and they rest before they are used."""
        fixed = {one.address: one for one in self.desired.bindings.values() if one.enabled and one.extension}
        for address, entry in self.state.entries.items():
            if not isinstance(entry, Entry) or entry.phone_x is None or not entry.extension:
                continue
            stays: Chosen | Binding | None = self.chosen.get(address) or fixed.get(address)
            if stays is not None and (stays.phone_x, stays.extension) == (entry.phone_x, entry.extension):
                continue
            if address not in self.blocking:
                ended = (
                    unbound_at(entry, self.now)
                    if entry.down
                    else live_expiry(entry, self.matched.rows.get(address))
                )
                self.slots.leave(entry.provider, entry.phone_x, entry.extension, address, ended_at=ended)

    # -- what is new -----------------------------------------------------------------------------------------------

    def choose(self, binding: Binding) -> None:
        """An X and extension for a binding that has none to keep."""
        demand = self._demand(binding)
        if demand is None:
            self._unknown_group(binding)
            return
        address = binding.address
        self.shortages.ask(demand.place)
        twin = self.holdings.take_twin(binding, demand)
        if twin is not None:
            self.chosen[address] = Chosen(*twin)
        elif not self.slots.prefer(address, demand, self._had(binding, demand)):
            self.slots.give(address, demand)

    def _had(self, binding: Binding, demand: Demand) -> Iterator[tuple[Number, str]]:
        """What a binding gave up lately, and on a move the extension that people know, on the least used X."""
        for provider, x, extension in self.quarantine.own(binding.address):
            if provider == binding.provider:
                yield self.slots.number(provider, x), extension
        entry = self.state.entries.get(binding.address)
        if isinstance(entry, Entry) and entry.extension and entry.provider == binding.provider:
            for number in sorted(demand.numbers, key=lambda one: one.load):
                yield number, entry.extension

    def choose_for_groups(self, new: list[Binding]) -> None:
        """An X for each axg that picks from a group, so that no party stands twice on one."""
        asking: list[Asking] = []
        for binding in new:
            demand = self._demand(binding)
            if demand is None:
                self._unknown_group(binding)
                continue
            self.shortages.ask(demand.place)
            parties = self.holdings.callers(binding)
            free = tuple(
                one
                for one in demand.numbers
                if self.quarantine.until_for_callers(one.provider, one.x, parties, binding.address) is None
                and (demand.shard is None or share_of(one.x, None, demand.shard.count) == demand.shard.index)
            )
            asking.append(Asking(binding.address, free, parties))
        found = self.parties.assign(asking)
        self.chosen.update({address: Chosen(number.x, None) for address, number in found.items()})

    def _unknown_group(self, binding: Binding) -> None:
        reason = f"the numbers of groups.{binding.x_group} are not known"
        self.deferred[binding.address] = Deferred(
            binding.address, Action.BIND, binding.provider, reason, None, binding.span
        )

    # -- the answer ------------------------------------------------------------------------------------------------

    def done(self, new: Iterable[Binding], fixed: Iterable[Diagnostic]) -> Allocation:
        """The choices, and what is said of those that got none."""
        for address, (number, extension) in self.slots.chosen.items():
            self.chosen[address] = Chosen(number.x, extension)
        for binding in new:
            if binding.address not in self.chosen and binding.address not in self.deferred:
                self._without(binding)
        impossible = self.shortages.told(self.parties)
        notes = [left_group(self.desired.groups[name], x, found) for (name, x), found in self.left.items()]
        for group in self.desired.groups.values():
            notes.extend(self.drains.told(group, self.matched))
        return Allocation(self.chosen, self.deferred, impossible, self.moving, (*fixed, *self.notes, *notes))

    def _without(self, binding: Binding) -> None:
        """For a binding that got nothing: it stays on a drained X, waits for what rests, or is short of numbers."""
        address = binding.address
        kept = self._leavers.get(address)
        if kept is not None and binding.x_group is not None and self._still_its(binding, kept):
            group = self.desired.groups[binding.x_group]
            self.moving.pop(address, None)
            self.drains.stuck(group, kept.phone_x, binding)
            self.chosen[address] = kept
            return
        demand = self._demand(binding)
        assert demand is not None
        until = self._wait(binding, demand)
        if until is None:
            if self._others_share(binding, demand):
                self.deferred[address] = Deferred(
                    address, Action.BIND, binding.provider, _OTHERS_SHARE, None, binding.span
                )
                return
            self.shortages.miss(binding, demand)
            return
        self.shortages.wait(demand.place)
        entry = self.state.entries.get(address)
        live = isinstance(entry, Entry) and not entry.down
        action = Action.REBIND if live else Action.BIND
        reason = "every free number is in quarantine or about to be"
        self.deferred[address] = Deferred(address, action, binding.provider, reason, until, binding.span)

    def _others_share(self, binding: Binding, demand: Demand) -> bool:
        """Whether a run that has every slot to give could serve a binding that a shard's run cannot."""
        if demand.shard is None:
            return False
        if binding.mode is not Mode.AXG:
            return demand.exists_elsewhere()
        parties = self.holdings.callers(binding)
        return any(self.parties.clash(one, parties, binding.address) is None for one in demand.numbers)

    def _still_its(self, binding: Binding, kept: Chosen) -> bool:
        if kept.extension is None:
            return True
        return self.slots.holder(binding.provider, kept.phone_x, kept.extension) == binding.address

    def _wait(self, binding: Binding, demand: Demand) -> int | None:
        if binding.mode is not Mode.AXG:
            return self.slots.wait(demand)
        parties = self.holdings.callers(binding)
        ends = [
            self.quarantine.until_for_callers(one.provider, one.x, parties, binding.address)
            for one in demand.numbers
            if self.parties.clash(one, parties, binding.address) is None
        ]
        return min((one for one in ends if one is not None), default=None)


def _redeclared(binding: Binding, entry: Entry) -> bool:
    """Whether a binding is rebound anyhow, so that it leaves a drained X on this occasion."""
    wanted = (binding.mode, binding.phone_a, binding.phone_b, binding.group, binding.recording)
    made = (entry.mode, entry.phone_a, entry.phone_b, entry.group, entry.recording)
    return wanted != made
