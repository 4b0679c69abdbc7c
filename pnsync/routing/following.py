"""What is live when a plan begins as a table of calls, and the table after each of its steps. Pure.

`Following` is the one place that says what a step does to calls; a rehearsal, `who --after-plan` and the comparison
with a vendor's switchboard all follow it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from pnsync.matching import Matched, alive
from pnsync.model import BindKey, Desired, LiveBinding, Mode, Observed
from pnsync.plan import Change, Step
from pnsync.routing.table import Route, Table, add_listed_groups, at, of_entry, of_row
from pnsync.state import Entry, GroupEntry, Operation, State


@dataclass(frozen=True, slots=True)
class Live:
    """What is live when the plan begins: every row, with its address and entry where it is ours."""

    desired: Desired
    state: State
    observed: Observed
    matched: Matched
    now: int

    def rows(self) -> Iterable[tuple[LiveBinding, str | None]]:
        """Every live row with its address, ours first."""
        for rows in (self.matched.rows, self.matched.believed):
            yield from ((row, address) for address, row in rows.items() if alive(row, self.now))
        for key, row in self.matched.superseded.items():
            if alive(row, self.now):
                yield row, self.state.superseded[key].address
        yield from ((row, None) for row in self.matched.unmanaged if alive(row, self.now))

    def route(self, row: LiveBinding, address: str | None) -> Route:
        """A row's route; an entry tells its mode and group only where the row is the one it records."""
        entry = None if address is None else self.state.entries.get(address)
        if isinstance(entry, Entry) and entry.key == row.key:
            return of_row(row, address, entry)
        found = of_row(row, address)
        old = self.state.superseded.get(row.key)
        if old is not None and old.group is not None:
            return replace(found, mode=Mode.AXG, group=old.group)
        return found


class Following:
    """A table of calls that goes with a plan, step by step."""

    def __init__(self, live: Live, *, only: Callable[[LiveBinding], bool] | None = None) -> None:
        """`only` leaves out rows that nobody will ask for; they stand in `rest`."""
        self.table = Table()
        self.rest: list[tuple[LiveBinding, str | None]] = []
        self.bound: dict[BindKey, Route] = {}
        """The live bindings of the table that were there at the beginning."""
        self._live = live
        add_listed_groups(
            self.table,
            live.desired.groups.values(),
            live.state,
            [one for listing in live.observed.listings.values() for one in listing.groups],
        )
        for row, address in live.rows():
            if only is not None and not only(row):
                self.rest.append((row, address))
                continue
            route = live.route(row, address)
            self.table.add(route)
            self.bound[row.key] = route

    def unbinds(self, step: Step) -> Route | None:
        """The live binding that a step takes away; None where nothing of it is live."""
        return None if step.unbinds is None else self.bound.get((step.provider, step.unbinds.bind_id))

    def binds(self, step: Step, address: str, x_a: str | None = None, x_b: str | None = None) -> Route:
        """The binding that a step makes, with the numbers that its vendor chose where they are known."""
        assert isinstance(step.target, Entry)
        route = of_entry(address, step.target)
        return route if x_a is None else at(route, x_a, x_b)

    def joins_and_leaves(self, step: Step, address: str) -> tuple[str, frozenset[str], frozenset[str]]:
        """For a group's step: its name, its people now and after it, as digits."""
        assert isinstance(step.target, GroupEntry)
        name = address.removeprefix("groups.")
        deleted = step.operation is Operation.DELETE_GROUP
        people = frozenset() if deleted else frozenset(one.digits for one in step.target.phones)
        return name, self.table.members(name), people

    def follow(self, step: Step, address: str, x_a: str | None = None, x_b: str | None = None) -> None:
        """Do to the table what a step does at the vendor."""
        match step.operation:
            case Operation.UNBIND:
                route = self.unbinds(step)
                if route is not None:
                    self.table.remove(route)
            case Operation.BIND:
                self.table.add(self.binds(step, address, x_a, x_b))
            case _:
                name, _, people = self.joins_and_leaves(step, address)
                self.table.set_members(name, people)


def after(steps: Sequence[Step], changes: Sequence[Change], live: Live) -> Table:
    """What calls do once every step is done; a binding whose X its vendor is yet to choose is reached by no number."""
    found = Following(live)
    for step in steps:
        found.follow(step, changes[step.change].address)
    return found.table
