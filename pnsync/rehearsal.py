"""A plan's steps rehearsed on the routing model, one after the other: what calls will do, and that none goes astray.

Promises: every way of calling that a step touches is looked at before the first step, after each step and after the
last. A misroute is a call that would ring a phone which it reaches neither before nor after the plan, or a number that
two bindings claim at once because one comes before the other's unbind. Each names the change that has to wait and the
one it waits for. Plain dialling without an extension is left out: whoever rings then is a counterpart anyhow. Pure.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from pnsync.contrast import Calls, Dial, Facts, summarise
from pnsync.matching import Matched, alive
from pnsync.model import Desired, LiveBinding, Mode, Observed
from pnsync.phone import Phone
from pnsync.plan import Change, Step
from pnsync.reach import LISTED, Gaps, Misroute, RoutingSummary
from pnsync.routing import (
    Nobody,
    Rings,
    Route,
    Table,
    add_listed_groups,
    of_entry,
    of_party,
    of_row,
)
from pnsync.state import Entry, GroupEntry, Operation, State

MISROUTES_KEPT = 20


@dataclass(frozen=True, slots=True)
class Live:
    """What is live when the plan begins: every row, with its address and entry where it is ours."""

    desired: Desired
    state: State
    observed: Observed
    matched: Matched
    now: int

    def rows(self) -> Iterable[tuple[LiveBinding, str | None]]:
        """Every live row, ours first."""
        for rows in (self.matched.rows, self.matched.believed):
            yield from ((row, address) for address, row in rows.items() if alive(row, self.now))
        for bind_id, row in self.matched.superseded.items():
            if alive(row, self.now):
                yield row, self.state.superseded[bind_id].address
        yield from ((row, None) for row in self.matched.unmanaged if alive(row, self.now))

    def route(self, row: LiveBinding, address: str | None) -> Route:
        """A row's route; an entry tells its mode and group only where the row is the one it records."""
        entry = None if address is None else self.state.entries.get(address)
        its = isinstance(entry, Entry) and entry.bind_id == row.bind_id
        found = of_row(row, address, entry if its and isinstance(entry, Entry) else None)
        old = self.state.superseded.get(row.bind_id)
        if not its and old is not None and old.group is not None:
            found = replace(found, mode=Mode.AXG, group=old.group)
        return found


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
        self.table = Table()
        self.bound: dict[tuple[str, str], Route] = {}
        """Live bindings that this plan unbinds, by provider and bind id."""
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
        self.connected: set[tuple[str, str]] | None = None
        self.chosen_later = 0
        self.rest: list[tuple[LiveBinding, str | None]] = []
        self._set_up()

    # -- the beginning ---------------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        """The live bindings that the steps can touch, in a table of their own; the rest is only looked through."""
        groups = {step.target.group_name for step in self.steps if isinstance(step.target, GroupEntry)}
        extensions: set[tuple[str | None, str | None]] = set()
        numbers: set[str | None] = set()
        for step in self.steps:
            for made in (step.unbinds, step.target):
                if made is None or isinstance(made, GroupEntry):
                    continue
                if made.extension:
                    extensions.add((made.phone_x, made.extension))
                else:
                    numbers.add(made.phone_x)
        add_listed_groups(
            self.table,
            self.live.desired.groups.values(),
            self.live.state,
            (one for listing in self.live.observed.listings.values() for one in listing.groups),
        )
        for row, address in self.live.rows():
            touched = (
                (row.phone_x, row.extension) in extensions
                if row.extension
                else row.phone_x in numbers or row.phone_x_b in numbers or bool(groups)
            )
            key = (row.provider, row.bind_id)
            if not touched and key not in self.unbound_at:
                self.rest.append((row, address))
                continue
            route = self.live.route(row, address)
            self.table.add(route)
            if key in self.unbound_at:
                self.bound[key] = route
            else:
                self.rest.append((row, address))

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
        after = {dial: facts for dial, (_, facts) in self.latest.items()}
        by = {dial: self.changes[change].address for dial, change in self.by.items()}
        summary = summarise(Calls(self.before, after, by), self.pairs, self._untouched)
        self._check_between()
        kept = tuple(sorted(self.misroutes, key=lambda one: one.step)[:MISROUTES_KEPT])
        summary = replace(summary, gaps=gaps, chosen_later=self.chosen_later, misroutes=kept)
        return Rehearsal(summary, frozenset(self.waits))

    def _untouched(self, pairs: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Of these pairs of caller and callee, the ones that a binding connects which the plan leaves alone."""
        parties = {one for pair in pairs for one in pair}
        found: set[tuple[str, str]] = set()
        for row, address in self.rest if pairs else ():
            b = None if row.phone_b is None else row.phone_b.digits
            if row.phone_a.digits in parties or b in parties:
                found.update(self._pairs(self.live.route(row, address)))
        return found.intersection(pairs)

    def _unbind(self, index: int, step: Step) -> None:
        assert step.unbinds is not None
        route = self.bound.get((step.provider, step.unbinds.bind_id))
        if route is None:
            return
        dials = self._dials(route)
        self._first_look(dials)
        self.table.remove(route)
        self._look(index, step, dials)

    def _bind(self, index: int, step: Step) -> None:
        assert isinstance(step.target, Entry)
        address = self.changes[step.change].address
        route = of_entry(address, step.target)
        self._connect(route)
        if route.x_a is None:
            self.chosen_later += 1
            return
        dials = self._dials(route)
        self._first_look(dials)
        self._check_claims(index, step, route, dials)
        self.table.add(route)
        self._look(index, step, dials)

    def _group(self, index: int, step: Step) -> None:
        """A group's people change: whoever joins or leaves calls differently on every X that reaches the group."""
        assert isinstance(step.target, GroupEntry)
        name = self.changes[step.change].address.removeprefix("groups.")
        deleted = step.operation is Operation.DELETE_GROUP
        people = frozenset() if deleted else frozenset(one.digits for one in step.target.phones)
        differ = self.table.members(name) ^ people
        dials = [
            (route.x_a, "", digits)
            for route in self.table.of_group(name)
            if route.x_a is not None
            for digits in sorted(differ)
        ]
        self._first_look(dials)
        self.table.set_members(name, people)
        self._look(index, step, dials)

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

    def _connect(self, route: Route) -> None:
        a = route.phone_a.digits
        if route.group is not None:
            self.pairs.update(self._pairs(route))
        elif route.phone_b is not None:
            b = route.phone_b.digits
            self.pairs.add((a, b))
            self.pairs.add((b, a))
        elif route.mode is Mode.AXB_EXTENSION:
            self.pairs.add(("", a))

    def _pairs(self, route: Route) -> list[tuple[str, str]]:
        """Who reaches whom by a binding."""
        a, b = route.phone_a.digits, None if route.phone_b is None else route.phone_b.digits
        found: list[tuple[str, str]] = []
        if b is not None:
            found += [(a, b), (b, a)]
        elif route.mode is Mode.AXB_EXTENSION:
            found.append(("", a))
        found.extend((one, a) for one in self.table.members(route.group))
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

    def _first_look(self, dials: Sequence[Dial]) -> None:
        for dial in dials:
            if dial not in self.before:
                self.before[dial] = self._facts(dial)

    def _look(self, index: int, step: Step, dials: Sequence[Dial]) -> None:
        for dial in dials:
            known = self.latest.get(dial)
            if known is not None:
                self.between.append((dial, *known))
            self.latest[dial] = (index, self._facts(dial))
            self.by[dial] = step.change

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
                culprit = self._ringing(dial, callee)
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
            self.connected = {pair for one in self.bound.values() for pair in self._pairs(one)} | self.pairs
        return pair in self.connected or pair in self._untouched({pair})

    def _ringing(self, dial: Dial, callee: Phone) -> Route | None:
        """The binding that connects a call which goes astray: one that this plan unbinds, or that it has bound."""
        x = dial[0]
        known = [one for one in self.bound.values() if one.x_a == x and one.phone_a == callee]
        if known:
            return known[0]
        for step in self.steps:
            target = step.target
            binds = isinstance(target, Entry) and step.operation is Operation.BIND
            if isinstance(target, Entry) and binds and (target.phone_x, target.phone_a) == (x, callee):
                return of_entry(self.changes[step.change].address, replace(target, bind_id=None))
        return None

    def _remedy(self, index: int, change: int, culprit: Route) -> tuple[int, int]:
        """Which change has to wait for which, so that the call never goes astray."""
        unbound = self.unbound_at.get((culprit.provider, culprit.bind_id or ""))
        if unbound is not None and self.steps[unbound].change != change:
            return change, self.steps[unbound].change
        later = [
            self.steps[at].change
            for at in range(index + 1, len(self.steps))
            if isinstance(self.steps[at].target, GroupEntry)
            and self.changes[self.steps[at].change].address == f"groups.{culprit.group}"
        ]
        return change, later[0] if later else change

    def _astray(self, index: int, dial: Dial, change: int, other: Route | None, reason: str) -> None:
        address = self.changes[change].address
        self.misroutes.append(
            Misroute(index, dial[0], dial[1], address, None if other is None else other.address, reason)
        )


def _gaps(changes: Sequence[Change]) -> Gaps:
    found = sorted(
        ((one.address, one.gap_seconds) for one in changes if one.gap_seconds),
        key=lambda one: (-one[1], one[0]),
    )
    longest = found[0][1] if found else 0.0
    return Gaps(len(found), longest, tuple(found[:LISTED]))
