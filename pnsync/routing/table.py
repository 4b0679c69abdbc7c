"""What a call does: who rings when somebody dials an X, and which number is shown. Pure.

A `Table` holds live bindings as a switch sees them; `route` asks it. Where an extension is dialled it decides; else
the caller does, as a party or as a member of an axg's group; a party of exactly one extension binding on X may leave
the extension out. Of two bindings that claim one call the later one wins. From the vendors' pages alone: whether an
extension binding without B lets everybody through is an inference (docs/vendors.md, 1.4). Must not import the sandbox, which
is the other reading of the same facts.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from pnsync.model import Group, LiveBinding, LiveGroup, Mode
from pnsync.phone import Phone, country_code
from pnsync.state import Entry, GroupEntry, State


@dataclass(frozen=True, slots=True)
class Route:
    """One live binding. `x_a` is the X that A dials, `x_b` the one that B dials; None where a vendor is yet to choose.

    `address` is None where it is not ours. `group` names the people of an axg.
    """

    mode: Mode
    phone_a: Phone
    phone_b: Phone | None
    x_a: str | None
    x_b: str | None
    extension: str = ""
    group: str | None = None
    address: str | None = None
    provider: str = ""
    bind_id: str | None = None


@dataclass(frozen=True, slots=True)
class Rings:
    """A phone rings and shows this number."""

    phone: Phone
    shown: str
    by: Route


@dataclass(frozen=True, slots=True)
class Nobody:
    """No phone rings; `reason` is fixed text without numbers."""

    reason: str


def of_entry(address: str, entry: Entry) -> Route:
    """The route that a binding of ours makes."""
    x_b = entry.phone_x_b if entry.phone_x_b is not None else entry.phone_x
    return Route(
        entry.mode,
        entry.phone_a,
        entry.phone_b,
        entry.phone_x,
        None if entry.mode is Mode.AXXB and entry.phone_x_b is None else x_b,
        entry.extension or "" if entry.mode is Mode.AXB_EXTENSION else "",
        entry.group,
        address,
        entry.provider,
        entry.bind_id,
    )


def of_row(row: LiveBinding, address: str | None = None, entry: Entry | None = None) -> Route:
    """The route of a listed binding; a row does not tell its mode, so the entry does where it is ours."""
    mode = entry.mode if entry is not None else _mode_of(row)
    x_b = row.phone_x_b if row.phone_x_b is not None else row.phone_x
    group = None if entry is None else entry.group
    extension = row.extension or "" if mode is Mode.AXB_EXTENSION else ""
    return Route(
        mode, row.phone_a, row.phone_b, row.phone_x, x_b, extension, group, address, row.provider, row.bind_id
    )


def _mode_of(row: LiveBinding) -> Mode:
    if row.extension:
        return Mode.AXB_EXTENSION
    if row.phone_b is None:
        return Mode.AXG
    return Mode.AXB if row.phone_x_b in (None, row.phone_x) else Mode.AXXB


class Table:
    """Live bindings by what is dialled. Changed only by `add`, `remove` and `set_members`."""

    def __init__(self, routes: Iterable[Route] = ()) -> None:
        self._routes: dict[tuple[str, ...], list[Route]] = {}
        self._members: dict[str, frozenset[str]] = {}
        for one in routes:
            self.add(one)

    def add(self, route: Route) -> None:
        """A binding goes live."""
        for key in _keys(route):
            self._routes.setdefault(key, []).append(route)

    def remove(self, route: Route) -> None:
        """A binding ends; one that is not live is no error."""
        for key in _keys(route):
            held = self._routes.get(key)
            if held and route in held:
                held.remove(route)
                if not held:
                    del self._routes[key]

    def set_members(self, group: str, members: Iterable[str]) -> None:
        """The people of a group are these from now on, as digits."""
        self._members[group] = frozenset(members)

    def members(self, group: str | None) -> frozenset[str]:
        """The people of a group as digits; nobody where it is not known."""
        return self._members.get(group or "", frozenset())

    def by_extension(self, x: str, extension: str) -> list[Route]:
        """Live bindings of an X and extension, the latest last."""
        return self._routes.get(("extension", x, extension), [])

    def by_caller(self, x: str, digits: str) -> list[Route]:
        """Live bindings without extension through which a party calls by this X, the latest last."""
        return self._routes.get(("caller", x, digits), [])

    def on(self, x: str) -> list[Route]:
        """Every live binding that is dialled by an X, each once."""
        held = (
            routes
            for key, routes in self._routes.items()
            if key[0] in ("extension", "caller") and key[1] == x
        )
        return list(dict.fromkeys(one for routes in held for one in routes))

    def to_groups(self, x: str) -> list[Route]:
        """Live group bindings on an X, the latest last."""
        return self._routes.get(("to groups", x), [])

    def of_group(self, group: str) -> list[Route]:
        """Live bindings to a group."""
        return self._routes.get(("of group", group), [])

    def with_extension(self, x: str, digits: str) -> list[Route]:
        """Live extension bindings on an X in which a phone is a party."""
        return self._routes.get(("party", x, digits), [])


def _keys(route: Route) -> list[tuple[str, ...]]:
    """Where a binding is looked up: by X and extension, or by X and caller, by its parties, by its group."""
    x_a, x_b = route.x_a, route.x_b
    if route.mode is Mode.AXB_EXTENSION:
        if x_a is None:
            return []
        found: list[tuple[str, ...]] = [
            ("extension", x_a, route.extension),
            ("party", x_a, route.phone_a.digits),
        ]
        if route.phone_b is not None:
            found.append(("party", x_a, route.phone_b.digits))
        return found
    found = [] if x_a is None else [("caller", x_a, route.phone_a.digits)]
    if route.mode is Mode.AXG:
        if x_a is not None:
            found.append(("to groups", x_a))
        if route.group is not None:
            found.append(("of group", route.group))
    elif x_b is not None and route.phone_b is not None:
        found.append(("caller", x_b, route.phone_b.digits))
    return found


def route(
    table: Table, caller: Phone, dialled: str, extension: str = "", *, strangers: bool = False
) -> Rings | Nobody:
    """Who rings when `caller` dials `dialled`, and `extension` after it.

    `caller` may lack its country code. `strangers` supposes that a binding with a B lets others reach A too.
    """
    code = country_code(dialled)
    callers = [caller.digits]
    if code and not caller.digits.startswith(code):
        callers.append(code + caller.digits.lstrip("0"))
    if extension:
        found = table.by_extension(dialled, extension)
        if not found:
            return Nobody("nothing is bound to this number and extension")
        return by_extension(found[-1], callers, strangers=strangers)
    return _by_caller(table, callers, dialled)


def by_extension(found: Route, callers: Collection[str], *, strangers: bool = False) -> Rings | Nobody:
    """Who rings at an extension binding."""
    assert found.x_a is not None
    if found.phone_a.digits in callers:
        if found.phone_b is None:
            return Nobody("A calls, and the binding names no B")
        return Rings(found.phone_b, found.x_a, found)
    if found.phone_b is not None and found.phone_b.digits not in callers and not strangers:
        return Nobody("the caller is not a party of the binding")
    return Rings(found.phone_a, found.x_a, found)


def _by_caller(table: Table, callers: list[str], dialled: str) -> Rings | Nobody:
    for digits in callers:
        found = table.by_caller(dialled, digits)
        if found:
            return of_party(found[-1], digits, dialled)
    for one in reversed(table.to_groups(dialled)):
        if not table.members(one.group).isdisjoint(callers):
            return Rings(one.phone_a, dialled, one)
    mine = {
        (one.x_a, one.extension): one for digits in callers for one in table.with_extension(dialled, digits)
    }
    if len(mine) == 1:
        return by_extension(next(iter(mine.values())), callers)
    if mine:
        return Nobody("the caller has several extensions on this number and dialled none")
    return Nobody("nothing is bound to this number for this caller")


def of_party(found: Route, digits: str, dialled: str) -> Rings | Nobody:
    """Who rings when a party of a binding without extension calls."""
    if found.mode is Mode.AXG:
        if found.phone_b is None:
            return Nobody("A calls, and the binding names no B")
        return Rings(found.phone_b, dialled, found)
    if digits == found.phone_a.digits and dialled == found.x_a and found.phone_b is not None:
        return Rings(found.phone_b, found.x_b or dialled, found)
    return Rings(found.phone_a, found.x_a or dialled, found)


def of_state(state: State, now: float) -> Table:
    """What calls do as far as the state knows: its live bindings and its groups."""
    table = Table()
    for address, entry in state.entries.items():
        if isinstance(entry, GroupEntry):
            table.set_members(address.removeprefix("groups."), (one.digits for one in entry.phones))
        elif not entry.down and (entry.expires_at is None or entry.expires_at > now):
            table.add(of_entry(address, entry))
    return table


def add_listed_groups(
    table: Table, declared: Iterable[Group], state: State, listed: Iterable[LiveGroup]
) -> None:
    """Take the people of groups from a listing, under the names that files and state give them."""
    groups = list(listed)
    by_id = {one.group_id: one for one in groups}
    names: dict[str, str] = {}
    for group in declared:
        found = [one for one in groups if one.group_id == group.group_id or one.name == group.group_name]
        if len(found) == 1 and not group.managed:
            names[group.name] = found[0].group_id
    names.update(
        (address.removeprefix("groups."), entry.group_id)
        for address, entry in state.entries.items()
        if isinstance(entry, GroupEntry)
    )
    for name, group_id in names.items():
        live = by_id.get(group_id)
        if live is not None:
            table.set_members(name, (one.digits for one in live.phones))


def at(found: Route, x_a: str | None, x_b: str | None) -> Route:
    """A route with the numbers that its vendor chose."""
    return replace(found, x_a=x_a, x_b=x_b if x_b is not None else x_a)
