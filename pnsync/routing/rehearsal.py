"""A plan's steps rehearsed on the routing model, one after the other: what calls will do, and that none goes astray.

Promises: every way of calling that a step touches is looked at before the first step, after each step and after the
last. A misroute is a call that would ring a phone which it reaches neither before nor after the plan, or a number that
two bindings claim at once because one comes before the other's unbind. Each names the change that has to wait and the
one it waits for. Plain dialling without an extension is left out: whoever rings then is a counterpart anyhow. Pure.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from pnsync.model import LiveBinding, Mode
from pnsync.phone import Phone
from pnsync.plan import Change, Step
from pnsync.reach import LISTED, Gaps, Misroute, RoutingSummary
from pnsync.routing.contrast import Bound, Calls, Dial, Facts, summarise
from pnsync.routing.following import Following, Live
from pnsync.routing.table import (
    Nobody,
    Rings,
    Route,
    at,
    of_party,
)
from pnsync.state import GroupEntry, Operation

MISROUTES_KEPT = 20
CHOSEN_LATER = "?"
"""What a number begins with that stands for one which a vendor is yet to choose."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What was found: the summary, and for each misroute which change should wait for which (indices of changes)."""

    summary: RoutingSummary
    waits: frozenset[tuple[int, int]]


def rehearse(steps: Sequence[Step], changes: Sequence[Change], live: Live) -> Rehearsal:
    """Go through the steps; nothing is called."""
    gaps = _gaps(changes)
    if not steps:
        return Rehearsal(RoutingSummary(gaps=gaps), frozenset())
    return _Rehearsing(steps, changes, live).run(gaps)


class _Rehearsing:
    def __init__(self, steps: Sequence[Step], changes: Sequence[Change], live: Live) -> None:
        self.steps = steps
        self.changes = changes
        self.live = live
        self.unbound_at: dict[tuple[str, str], int] = {}
        for index, step in enumerate(steps):
            if step.unbinds is not None:
                self.unbound_at.setdefault((step.provider, step.unbinds.bind_id), index)
        self.before: dict[Dial, Facts] = {}
        self.latest: dict[Dial, tuple[int, Facts]] = {}
        self.between: list[tuple[Dial, int, Facts]] = []
        self.by: dict[Dial, int] = {}
        """The change that touched a way of calling last."""
        self.misroutes: list[Misroute] = []
        self.waits: set[tuple[int, int]] = set()
        self.pairs: set[tuple[str, str]] = set()
        """Who reaches whom after the plan by what the plan binds, whatever X it gets."""
        self.made: list[Route] = []
        """What the plan binds."""
        self.unsure: set[tuple[str, str]] = set()
        """Of these, the ones whose X the vendor is yet to choose."""
        self.connected: set[tuple[str, str]] | None = None
        self.chosen_later = 0
        self.following = Following(live, only=self._touched())
        self.table = self.following.table
        self.people: dict[str, frozenset[str]] = {}
        """Of groups that the plan changes: who was in them before."""

    # -- the beginning ---------------------------------------------------------------------------------------------

    def _touched(self) -> Callable[[LiveBinding], bool]:
        """Whether a live binding can be touched by a step; the others are only looked through."""
        groups = any(isinstance(step.target, GroupEntry) for step in self.steps)
        extensions: set[tuple[str | None, str | None]] = set()
        numbers: set[str] = set()
        for step in self.steps:
            for made in (step.unbinds, step.target):
                if made is None or isinstance(made, GroupEntry):
                    continue
                if made.extension:
                    extensions.add((made.phone_x, made.extension))
                elif made.phone_x is not None:
                    numbers.add(made.phone_x)

        def touched(row: LiveBinding) -> bool:
            if row.key in self.unbound_at:
                return True
            if row.extension:
                return (row.phone_x, row.extension) in extensions
            return groups or row.phone_x in numbers or row.phone_x_b in numbers

        return touched

    # -- the steps -------------------------------------------------------------------------------------------------

    def run(self, gaps: Gaps) -> Rehearsal:
        """All of them, then the comparison."""
        for index, step in enumerate(self.steps):
            match step.operation:
                case Operation.UNBIND:
                    self._unbind(index, step)
                case Operation.BIND:
                    self._bind(index, step)
                case _:
                    self._group(index, step)
        self._connect()
        known = [dial for dial in self.before if not dial[0].startswith(CHOSEN_LATER)]
        before = {dial: self.before[dial] for dial in known}
        after = {dial: self.latest[dial][1] for dial in known}
        by = {dial: self.changes[self.by[dial]].address for dial in known}
        summary = summarise(Calls(before, after, by), Bound(self.pairs, self.unsure), self._untouched)
        self._check_between()
        kept = tuple(sorted(self.misroutes, key=lambda one: one.step)[:MISROUTES_KEPT])
        summary = replace(summary, gaps=gaps, chosen_later=self.chosen_later, misroutes=kept)
        return Rehearsal(summary, frozenset(self.waits))

    def _untouched(self, pairs: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Of these pairs of caller and callee, the ones that a binding connects which the plan leaves alone."""
        found: set[tuple[str, str]] = set()
        if not pairs:
            return found
        parties = {one for pair in pairs for one in pair}
        for row, address in self.following.rest:
            b = None if row.phone_b is None else row.phone_b.digits
            if row.phone_a.digits in parties or b in parties:
                found.update(self._pairs(self.live.route(row, address)))
        for key, route in self.following.bound.items():
            if key not in self.unbound_at:
                found.update(self._pairs(route, self._before(route) & self.table.members(route.group)))
        return found.intersection(pairs)

    def _before(self, route: Route) -> frozenset[str]:
        """The people of a binding's group when the plan begins."""
        name = route.group or ""
        return self.people[name] if name in self.people else self.table.members(name)

    def _unbind(self, index: int, step: Step) -> None:
        route = self.following.unbinds(step)
        if route is not None:
            self._do(index, step, self._dials(route))

    def _bind(self, index: int, step: Step) -> None:
        address = self.changes[step.change].address
        route = self.following.binds(step, address)
        number = None
        if route.x_a is None:
            # A number that stands for the one which its vendor will choose: nobody else's, and never shown.
            number = f"{CHOSEN_LATER}{address}"
            route = at(route, number, None)
            self.chosen_later += 1
        self.made.append(route)
        dials = self._dials(route)
        self._check_claims(index, step, route, dials)
        self._do(index, step, dials, number)

    def _group(self, index: int, step: Step) -> None:
        """A group's people change: whoever joins or leaves calls differently on every X that reaches the group."""
        name, people, later = self.following.joins_and_leaves(step, self.changes[step.change].address)
        self.people.setdefault(name, people)
        routes = [one for one in self.table.of_group(name) if one.x_a is not None]
        self._do(
            index, step, [(one.x_a or "", "", digits) for one in routes for digits in sorted(people ^ later)]
        )

    def _do(self, index: int, step: Step, dials: Sequence[Dial], number: str | None = None) -> None:
        """Look at the ways of calling that a step touches, do it, and look again."""
        for dial in dials:
            if dial not in self.before:
                self.before[dial] = self._facts(dial)
        self.following.follow(step, self.changes[step.change].address, number)
        for dial in dials:
            known = self.latest.get(dial)
            if known is not None:
                self.between.append((dial, *known))
            self.latest[dial] = (index, self._facts(dial))
            self.by[dial] = step.change

    def _dials(self, route: Route) -> list[Dial]:
        """The ways of calling that a binding decides."""
        if route.x_a is None:
            return []
        if route.mode is Mode.AXB_EXTENSION:
            return [(route.x_a, route.extension, "")]
        found: list[Dial] = [(route.x_a, "", route.phone_a.digits)]
        if route.mode is Mode.AXG:
            found.extend((route.x_a, "", one) for one in sorted(self.table.members(route.group)))
        elif route.phone_b is not None and route.x_b is not None:
            found.append((route.x_b, "", route.phone_b.digits))
        return found

    def _connect(self) -> None:
        """Who reaches whom by what the plan binds, with the groups as they are at the end."""
        for route in self.made:
            pairs = self._pairs(route)
            self.pairs.update(pairs)
            if route.x_a is not None and route.x_a.startswith(CHOSEN_LATER):
                self.unsure.update(pairs)

    def _pairs(self, route: Route, members: frozenset[str] | None = None) -> list[tuple[str, str]]:
        """Who reaches whom by a binding, with these people in its group or those of now."""
        a, b = route.phone_a.digits, None if route.phone_b is None else route.phone_b.digits
        found: list[tuple[str, str]] = []
        if b is not None:
            found.append((a, b))
            if route.mode is not Mode.AXG:
                found.append((b, a))
        elif route.mode is Mode.AXB_EXTENSION:
            found.append(("", a))
        people = self.table.members(route.group) if members is None else members
        found.extend((one, a) for one in people)
        return found

    def _facts(self, dial: Dial) -> Facts:
        x, extension, digits = dial
        if extension:
            routes = self.table.by_extension(x, extension)
            if not routes:
                return ()
            one = routes[-1]
            if one.phone_b is None:
                return (("", one.phone_a),)
            return ((one.phone_b.digits, one.phone_a), (one.phone_a.digits, one.phone_b))
        rings = self._by_caller(x, digits)
        return ((digits, rings.phone),) if isinstance(rings, Rings) else ()

    def _by_caller(self, x: str, digits: str) -> Rings | Nobody:
        routes = self.table.by_caller(x, digits)
        if routes:
            return of_party(routes[-1], digits, x)
        for one in reversed(self.table.to_groups(x)):
            if digits in self.table.members(one.group):
                return Rings(one.phone_a, x, one)
        return Nobody("nothing is bound to this number for this caller")

    # -- what must not be ------------------------------------------------------------------------------------------

    def _check_claims(self, index: int, step: Step, route: Route, dials: Sequence[Dial]) -> None:
        """Nothing else may be live on what a bind takes, where this plan unbinds it later."""
        for dial in dials:
            x, extension, digits = dial
            others = (
                self.table.by_extension(x, extension) if extension else self._callers_on(x, digits, route)
            )
            for other in others:
                unbound = self.unbound_at.get((other.provider, other.bind_id or ""))
                if unbound is not None and unbound > index:
                    self.waits.add((step.change, self.steps[unbound].change))
                    self._astray(index, dial, step.change, other, "two bindings would claim this call")

    def _callers_on(self, x: str, digits: str, route: Route) -> list[Route]:
        found = list(self.table.by_caller(x, digits))
        if route.mode is Mode.AXG:
            found += [one for one in self.table.to_groups(x) if digits in self.table.members(one.group)]
        return found

    def _check_between(self) -> None:
        """Between two steps everybody reaches whom they reach before or after, or nobody."""
        for dial, index, facts in self.between:
            allowed = {*self.before[dial], *self.latest[dial][1]}
            for caller, callee in facts:
                fine = (caller, callee) in allowed or ("", callee) in allowed
                if fine or self._reached(caller, callee):
                    continue
                step = self.steps[index]
                culprit = self._ringing(dial, callee, index)
                if culprit is not None:
                    waits, on = self._remedy(index, step.change, culprit)
                    self.waits.add((waits, on))
                self._astray(
                    index,
                    dial,
                    step.change,
                    culprit,
                    "the caller would reach a phone that is not theirs to reach",
                )

    def _reached(self, caller: str, callee: Phone) -> bool:
        """Whether these two are connected before or after the plan anyhow, over whatever number."""
        pair = (caller, callee.digits)
        if self.connected is None:
            before = self.following.bound.values()
            self.connected = {pair for one in before for pair in self._pairs(one, self._before(one))}
            self.connected |= self.pairs
        return pair in self.connected or pair in self._untouched({pair})

    def _ringing(self, dial: Dial, callee: Phone, index: int) -> Route | None:
        """The binding that connects a call which goes astray: one that this plan unbinds later, or that it has bound."""
        known = [one for one in self.following.bound.values() if _connects(one, dial, callee)]
        later = [one for one in known if self.unbound_at.get((one.provider, one.bind_id or ""), -1) > index]
        made = [one for one in self.made if _connects(one, dial, callee)]
        return next(iter((*later, *made[-1:], *known)), None)

    def _remedy(self, index: int, change: int, culprit: Route) -> tuple[int, int]:
        """Which change has to wait for which, so that the call never goes astray."""
        unbound = self.unbound_at.get((culprit.provider, culprit.bind_id or ""))
        if unbound is not None and self.steps[unbound].change != change:
            return change, self.steps[unbound].change
        groups = [
            self.steps[later].change
            for later in range(index + 1, len(self.steps))
            if isinstance(self.steps[later].target, GroupEntry)
            and self.changes[self.steps[later].change].address == f"groups.{culprit.group}"
        ]
        return change, groups[0] if groups else change

    def _astray(self, index: int, dial: Dial, change: int, other: Route | None, reason: str) -> None:
        number = "" if dial[0].startswith(CHOSEN_LATER) else dial[0]
        address, others = self.changes[change].address, None if other is None else other.address
        self.misroutes.append(Misroute(index, number, dial[1], address, others, reason))


def _connects(route: Route, dial: Dial, callee: Phone) -> bool:
    """Whether a binding is one by which a call may reach this phone."""
    x, extension, _ = dial
    if x not in (route.x_a, route.x_b) or callee not in (route.phone_a, route.phone_b):
        return False
    return (route.mode is Mode.AXB_EXTENSION) == bool(extension) and route.extension == extension


def _gaps(changes: Sequence[Change]) -> Gaps:
    found = sorted(
        ((one.address, one.gap_seconds) for one in changes if one.gap_seconds),
        key=lambda one: (-one[1], one[0]),
    )
    longest = found[0][1] if found else 0.0
    return Gaps(len(found), longest, tuple(found[:LISTED]))
