"""Generated worlds: allocation is valid, deterministic, keeps what it gave, and gives whatever could be given at all."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pnsync.matching import match
from pnsync.model import Binding, Group, Holds, LiveBinding, LiveGroup, Policy
from pnsync.phone import Phone
from pnsync.planner.allocation import Allocation, allocate
from pnsync.state import Entry, Resting, State
from tests.worlds import (
    DAILY,
    DAY,
    FOREVER,
    NOW,
    axg,
    desired,
    desk,
    foreign,
    group,
    made,
    observed,
    rows_of,
    state,
)

XS = ("447700900900", "447700900901", "447700900902")
OTHER_COUNTRY = "85235753351"

thorough = settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
quick = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class World:
    """Groups of numbers, bindings that ask, and what is held already."""

    groups: tuple[Group, ...]
    live: tuple[LiveGroup, ...]
    bindings: tuple[Binding, ...]
    known: State
    rows: tuple[LiveBinding, ...]
    policy: Policy

    def allocate(self, bindings: tuple[Binding, ...] | None = None, known: State | None = None) -> Allocation:
        before = known or self.known
        seen = observed([*rows_of(before), *self.rows], self.live)
        files = desired(self.bindings if bindings is None else bindings, self.groups, policy=self.policy)
        return allocate(files, before, seen, match(before, seen), NOW)


def _two_digits(number: int) -> str:
    return f"{number:03d}"


@st.composite
def groups(draw: st.DrawFn, drains: bool = False) -> tuple[tuple[Group, ...], tuple[LiveGroup, ...]]:
    made_: list[Group] = []
    live: list[LiveGroup] = []
    for name in draw(st.sampled_from([("p",), ("p", "q"), ("p", "q", "r")])):
        xs = draw(st.lists(st.sampled_from((*XS, OTHER_COUNTRY)), min_size=1, max_size=3, unique=True))
        low = draw(st.integers(0, 3))
        high = draw(st.integers(low, min(low + 2, 4)))
        reserved = draw(st.frozensets(st.integers(0, 4).map(_two_digits), max_size=1))
        drained = draw(st.frozensets(st.sampled_from(xs), max_size=1)) if drains else frozenset()
        made_.append(
            group(
                name,
                None,
                holds=Holds.NUMBERS,
                extension_range=(low, high),
                reserved_extensions=reserved,
                drain=drained,
            )
        )
        live.append(LiveGroup("nx", f"g-{name}", name, tuple(Phone(one) for one in xs)))
    return tuple(made_), tuple(live)


@st.composite
def askers(draw: st.DrawFn, names: tuple[str, ...], most: int = 6) -> tuple[Binding, ...]:
    found = []
    for number in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(["auto", "auto", "auto", "fixed extension", "fixed x", "fixed"]))
        more = {"lifetime": draw(st.sampled_from([FOREVER, DAILY]))}
        extension = None
        if kind in ("auto", "fixed extension"):
            more |= {"phone_x": None, "x_group": draw(st.sampled_from(names))}
        else:
            more |= {"phone_x": draw(st.sampled_from(XS))}
        if kind in ("auto", "fixed x"):
            more |= {"extension_auto": True}
        else:
            extension = draw(st.integers(0, 4).map(_two_digits))
        found.append(desk(f"b{number}", extension, number + 1, **more))
    taken = Counter((one.phone_x, one.extension) for one in found if one.phone_x and one.extension)
    assume(all(count == 1 for count in taken.values()))
    return tuple(found)


@st.composite
def worlds(draw: st.DrawFn, *, entries: bool = True, drains: bool = False, quarantine: bool = True) -> World:
    declared, live = draw(groups(drains))
    bindings = draw(askers(tuple(one.name for one in declared)))
    slots = draw(
        st.lists(st.tuples(st.sampled_from(XS), st.integers(0, 4).map(_two_digits)), max_size=8, unique=True)
    )
    rows: list[LiveBinding] = []
    known: dict[str, Entry] = {}
    resting: list[Resting] = []
    for place, (x, extension) in enumerate(slots):
        kinds = ["foreign", "entry", "gone", "resting", "own rest"]
        kind = draw(st.sampled_from(kinds if entries else ["foreign", "resting"]))
        if kind == "foreign":
            rows.append(foreign(f"f{place}", 90 + place, None, phone_x=x, extension=extension))
        elif kind in ("entry", "gone"):
            one = draw(st.sampled_from(bindings))
            if kind == "gone":
                one = replace(one, name=f"gone{place}", x_group=None)
            if one.address not in known:
                age = draw(st.sampled_from([60, DAY - 60, DAY + 60, 3 * DAY]))
                known[one.address] = made(one, age=age, phone_x=x, extension=extension)
        elif quarantine:
            owner = "bindings.other" if kind == "resting" else draw(st.sampled_from(bindings)).address
            resting.append(Resting("nx", x, owner, NOW + 60 + place, extension=extension))
    seconds = draw(st.sampled_from([DAY, 0])) if quarantine else DAY
    before = state(known, quarantine=tuple(resting))
    return World(declared, live, bindings, before, tuple(rows), Policy(quarantine_seconds=seconds))


def asking(world: World) -> list[Binding]:
    return [one for one in world.bindings if one.x_group or one.extension_auto]


def slots_of(world: World, binding: Binding) -> list[tuple[str, str]]:
    """Read off the specification: which slots of a binding's group are for it, whoever has them now."""
    lives = {one.name: [phone.digits for phone in one.phones] for one in world.live}
    by_name = {one.name: one for one in world.groups}
    if binding.x_group is not None:
        holding = [by_name[binding.x_group]]
        xs = [one for one in lives[binding.x_group] if one.startswith("44") and one not in holding[0].drain]
    else:
        assert binding.phone_x is not None
        xs = [binding.phone_x]
        holding = [by_name[name] for name, those in lives.items() if binding.phone_x in those]
    if binding.extension is not None:
        texts = [binding.extension]
    else:
        texts = [
            _two_digits(number)
            for number in range(1000)
            if all(low <= number <= high for low, high in (one.extension_range for one in holding))
            and all(_two_digits(number) not in one.reserved_extensions for one in holding)
        ]
    return [(x, text) for x in xs for text in texts[:12]]


def held(world: World, found: Allocation) -> dict[tuple[str, str], str]:
    """Slots that nobody may be given: by whom they are held, what was kept included."""
    result: dict[tuple[str, str], str] = {}
    for row in world.rows:
        assert row.phone_x is not None and row.extension is not None
        result[(row.phone_x, row.extension)] = row.bind_id
    for binding in world.bindings:
        if binding.phone_x and binding.extension:
            result[(binding.phone_x, binding.extension)] = binding.address
    return result


@thorough
@given(worlds(drains=True))
def test_every_choice_is_valid(world: World) -> None:
    found = world.allocate()
    taken: dict[tuple[str, str], str] = {}
    before = held(world, found)
    for binding in asking(world):
        chosen = found.chosen.get(binding.address)
        told = [binding.address in one for one in (found.chosen, found.deferred, found.impossible)]
        assert sum(told) == 1
        if chosen is None:
            continue
        assert chosen.extension is not None
        slot = (chosen.phone_x, chosen.extension)
        assert slot not in taken
        taken[slot] = binding.address
        assert before.get(slot, binding.address) == binding.address
        entry = world.known.entries.get(binding.address)
        kept = isinstance(entry, Entry) and (entry.phone_x, entry.extension) == slot
        if kept:
            continue
        assert slot in slots_of(world, binding)
        if world.policy.quarantine_seconds:
            assert not any(
                (one.phone_x, one.extension) == slot and one.address != binding.address and one.until > NOW
                for one in world.known.quarantine
            )
        for address, other in world.known.entries.items():
            if isinstance(other, Entry) and (other.phone_x, other.extension) == slot:
                ended = other.expires_at is not None and other.expires_at <= NOW - DAY
                leaves = found.chosen.get(address) is None or found.chosen[address] != chosen
                assert leaves and (ended or world.policy.quarantine_seconds == 0)


@quick
@given(worlds(drains=True), st.randoms())
def test_equal_input_equal_answer(world: World, random: object) -> None:
    first = world.allocate()
    assert world.allocate() == first
    items = list(world.known.entries.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    turned = replace(world.known, entries=dict(items))
    assert world.allocate(known=turned).chosen == first.chosen


def applied(world: World, found: Allocation) -> State:
    """The state after an apply of what was chosen."""
    entries = {
        one.address: made(
            one,
            phone_x=found.chosen[one.address].phone_x,
            extension=found.chosen[one.address].extension,
        )
        for one in asking(world)
        if one.address in found.chosen
    }
    fixed = {one.address: made(one) for one in world.bindings if one.phone_x and one.extension}
    return state({**entries, **fixed})


@quick
@given(worlds(), st.data())
def test_what_was_given_stays_and_another_binding_moves_nobody(world: World, data: st.DataObject) -> None:
    first = world.allocate()
    after = applied(world, first)
    again = world.allocate(known=after)
    for address in first.chosen:
        assert again.chosen[address] == first.chosen[address]
    extra = data.draw(askers(tuple(one.name for one in world.groups), most=2))
    taken = {(one.phone_x, one.extension) for one in first.chosen.values()}
    taken |= {(one.phone_x, one.extension) for one in world.bindings if one.phone_x and one.extension}
    more = [
        replace(one, name=f"extra-{one.name}") for one in extra if (one.phone_x, one.extension) not in taken
    ]
    place = data.draw(st.integers(0, len(world.bindings)))
    bindings = (*world.bindings[:place], *more, *world.bindings[place:])
    assert all(
        world.allocate(bindings, after).chosen[address] == first.chosen[address] for address in first.chosen
    )


@quick
@given(worlds(), st.data())
def test_removing_bindings_moves_nobody(world: World, data: st.DataObject) -> None:
    first = world.allocate()
    after = applied(world, first)
    kept = tuple(data.draw(st.lists(st.sampled_from(world.bindings), unique_by=lambda one: one.name)))
    again = world.allocate(kept, after)
    for one in kept:
        if one.address in first.chosen:
            assert again.chosen[one.address] == first.chosen[one.address]


@thorough
@given(worlds(entries=False))
def test_possible_or_not_is_what_brute_force_says(world: World) -> None:
    """Every assignment of free slots is tried; allocation serves as many as the best of them."""
    found = world.allocate()
    blocked = set(held(world, found))
    if world.policy.quarantine_seconds:
        resting = {(one.phone_x, one.extension): one.address for one in world.known.quarantine}
    else:
        resting = {}
    options = []
    for binding in asking(world):
        free = [
            slot
            for slot in slots_of(world, binding)
            if slot not in blocked and resting.get(slot, binding.address) == binding.address
        ]
        options.append(tuple(free))
    assert len(found.chosen) == most_served(tuple(options))


def most_served(options: tuple[tuple[tuple[str, str], ...], ...]) -> int:
    """How many can have a slot of their own, by trying everything."""

    @cache
    def best(index: int, used: frozenset[tuple[str, str]]) -> int:
        if index == len(options):
            return 0
        found = best(index + 1, used)
        for slot in options[index]:
            if slot not in used:
                found = max(found, 1 + best(index + 1, used | {slot}))
        return found

    return best(0, frozenset())


@quick
@given(st.integers(1, 60), st.integers(1, 4), st.integers(0, 12))
def test_new_bindings_are_balanced(count: int, many: int, foreigners: int) -> None:
    xs = XS[:many]
    rows = tuple(foreign(f"f{n}", 90, None, phone_x=xs[0], extension=f"{900 + n}") for n in range(foreigners))
    pool = group("p", None, holds=Holds.NUMBERS)
    live = LiveGroup("nx", "g", "p", tuple(Phone(one) for one in xs))
    bindings = tuple(
        desk(f"b{n}", None, 1, phone_x=None, x_group="p", extension_auto=True) for n in range(count)
    )
    found = World((pool,), (live,), bindings, state(), rows, Policy()).allocate()
    use = Counter(dict.fromkeys(xs, 0)) + Counter(one.phone_x for one in found.chosen.values())
    new = Counter(one.phone_x for one in found.chosen.values())
    use[xs[0]] += foreigners
    loads = [use[one] for one in xs if new[one]]
    assert not loads or max(loads) - min(use[one] for one in xs) <= 1


@st.composite
def teams(draw: st.DrawFn) -> World:
    people = [
        draw(st.sets(st.integers(11, 16), min_size=1, max_size=3)) for _ in range(draw(st.integers(1, 5)))
    ]
    xs = draw(st.lists(st.sampled_from(XS), min_size=1, max_size=3, unique=True))
    pool = group("p", None, holds=Holds.NUMBERS)
    declared = tuple(group(f"t{n}", sorted(one)) for n, one in enumerate(people))
    bindings = tuple(
        axg(f"c{n}", f"t{n}", draw(st.integers(1, 4)), x_group="p", lifetime=FOREVER)
        for n in range(len(people))
    )
    live = LiveGroup("nx", "g", "p", tuple(Phone(one) for one in xs))
    rows = tuple(
        foreign(
            f"f{n}", draw(st.integers(1, 16)), draw(st.integers(17, 18)), phone_x=draw(st.sampled_from(xs))
        )
        for n in range(draw(st.integers(0, 2)))
    )
    return World((pool, *declared), (live,), bindings, state(), rows, Policy())


def parties(world: World, binding: Binding) -> set[str]:
    (team,) = (one for one in world.groups if one.name == binding.group)
    return {binding.phone_a.digits, *(one.digits for one in team.phones or ())}


@thorough
@given(teams())
def test_group_bindings_share_a_number_only_without_a_common_party(world: World) -> None:
    found = world.allocate()
    on: dict[str, set[str]] = {}
    for row in world.rows:
        assert row.phone_x is not None and row.phone_b is not None
        on.setdefault(row.phone_x, set()).update((row.phone_a.digits, row.phone_b.digits))
    foreign_parties = {x: set(those) for x, those in on.items()}
    for binding in world.bindings:
        chosen = found.chosen.get(binding.address)
        if chosen is not None:
            mine = parties(world, binding)
            assert not on.get(chosen.phone_x, set()) & mine
            on.setdefault(chosen.phone_x, set()).update(mine)
    everybody = len(found.chosen) == len(world.bindings)
    assert everybody == _possible(world, foreign_parties)


def _possible(world: World, on: dict[str, set[str]]) -> bool:
    xs = [one.digits for one in world.live[0].phones]
    for choice in product(xs, repeat=len(world.bindings)):
        used = {x: set(those) for x, those in on.items()}
        for binding, x in zip(world.bindings, choice, strict=True):
            mine = parties(world, binding)
            if used.get(x, set()) & mine:
                break
            used.setdefault(x, set()).update(mine)
        else:
            return True
    return False
