"""Allocation line by line: who leaves a drained X at which second, what a plan frees, and what is said of those without."""

from dataclasses import replace
from typing import Any

import pytest

from pnsync.errors import SourceSpan
from pnsync.journal import Rested, replay
from pnsync.matching import match, row_of
from pnsync.model import Binding, Group, Lifetime, LiveGroup, Schedule
from pnsync.phone import Phone
from pnsync.plan import Action, Deferred, instant
from pnsync.planner.allocation import Allocation, Chosen, allocate
from pnsync.state import Entry, Resting, Standing, State
from tests.test_allocation import (
    AT_ONCE,
    N1,
    N2,
    N3,
    auto,
    call,
    choose,
    drained,
    got,
    listing,
    numbers,
    on,
    team,
)
from tests.test_slots_edges import work
from tests.worlds import (
    DAILY,
    DAY,
    FOREVER,
    NOW,
    attempt,
    axb,
    bound,
    desired,
    desk,
    foreign,
    only,
    pending,
    planned,
    rows_of,
    state,
)

ONE = numbers(extension_range=(0, 0))
TWO = numbers(extension_range=(0, 1))
HERE = SourceSpan("pnsync.yaml", 7)


def other(*xs: str, provider: str = "nx", **more: Any) -> tuple[Group, LiveGroup]:
    """Another group of X numbers, and how it is listed."""
    found = replace(numbers(provider=provider, **more), name="other", group_name="other")
    return found, LiveGroup(provider, "g-other", "other", tuple(Phone(one) for one in xs))


def rest(x: str, extension: str | None, *, until: int = NOW + 60, address: str = "bindings.gone") -> Resting:
    return Resting("nx", x, address, until, extension=extension)


# -- the choice ----------------------------------------------------------------------------------------------------------


def test_without_a_quarantine_nothing_rests_any_more() -> None:
    known = state(quarantine=(rest(N1, "000"),))
    assert got(choose([auto("a")], known, policy=AT_ONCE)) == {"a": (N1, "000")}


def test_a_fixed_number_keeps_to_no_range_of_a_group_without_it_or_of_another_provider() -> None:
    elsewhere, live = other(N1, provider="nx2", extension_range=(7, 9))
    found = choose(
        [auto("a", phone_x=N1, x_group=None)],
        xs=(N2,), pool=numbers(extension_range=(5, 9)), others=(elsewhere,), groups=(live,),
    )  # fmt: skip
    assert got(found) == {"a": (N1, "000")}


@pytest.mark.parametrize(("fixed", "most"), [(False, 500), (True, 1500)])
def test_what_many_may_get_is_listed_once(fixed: bool, most: int) -> None:
    """Calls for a binding more: fewer than extensions; on an X of its own, fewer than those and the reserve."""
    xs = tuple(f"44770090{n:04d}" for n in range(14))
    few = numbers(reserved_extensions=frozenset(f"{n:03d}" for n in range(1, 1000)))

    def calls(count: int) -> int:
        own: list[dict[str, Any]] = [{"phone_x": x, "x_group": None} if fixed else {} for x in xs]
        bindings = [auto(f"b{n}", **own[n]) for n in range(count)]
        return work(bindings, **({"xs": xs, "pool": few} if fixed else {}))

    assert calls(14) - calls(4) < 10 * most


# -- what stays ----------------------------------------------------------------------------------------------------------


def test_what_becomes_a_group_binding_keeps_its_number_and_no_extension() -> None:
    found = choose([call("a", "t1", 1)], state(on(N2, "005")), others=(team("t1", 11),))
    assert got(found) == {"a": (N2, None)}


@pytest.mark.parametrize(
    "entry",
    [
        on(N1, "007"),
        bound(axb("a"), provider="nx2", phone_x=None),
    ],
    ids=["elsewhere", "no X known"],
)
def test_what_is_bound_elsewhere_or_to_no_known_number_is_chosen_anew(entry: dict[str, Any]) -> None:
    files = desired([auto("a", provider="nx2")], [numbers(provider="nx2")])
    known = state(entry)
    seen = listing()
    nx2 = replace(seen.listings["nx2"], groups=(LiveGroup("nx2", "g", "pool", (Phone(N1),)),))
    seen = replace(seen, listings={**seen.listings, "nx2": nx2})
    assert got(allocate(files, known, seen, match(known, seen), NOW)) == {"a": (N1, "000")}


def test_a_group_binding_without_a_known_number_is_chosen_anew() -> None:
    known = state(bound(axb("a"), phone_x=None))
    assert got(choose([call("a", "t1", 1)], known, others=(team("t1", 11),))) == {"a": (N1, None)}


def test_an_extension_reserved_later_moves_nobody_off_a_fixed_number() -> None:
    pool = numbers(reserved_extensions=frozenset({"077"}))
    one = auto("a", phone_x=N1, x_group=None)
    assert got(choose([one], state(on(N1, "077")), pool=pool)) == {"a": (N1, "077")}


def test_a_number_that_has_left_its_group_is_named() -> None:
    (note,) = choose([auto("a")], state(on(N3, "001")), xs=(N1,)).notes
    assert note.summary == f"{N3} has left groups.pool, and bindings.a keeps it"


# -- drain ---------------------------------------------------------------------------------------------------------------


BEFORE = DAILY.renew_before_seconds
GONE = "1 binding leaves it with this plan, then it is empty"
UNKNOWN = "when it is empty is not known yet"


def daily(ends: int, **more: Any) -> dict[str, Any]:
    """A desk on the drained number that ends so many seconds from now."""
    return bound(auto("a", lifetime=DAILY), phone_x=N1, extension="042", expires_at=NOW + ends, **more)


def by(seconds: int) -> str:
    return f"1 binding leaves it by {instant(NOW + seconds)}, then it is empty"


def drain(binding: Binding, known: State, rows: Any = None, **more: Any) -> tuple[bool, bool, list[str]]:
    """Whether a desk stays, whether it is moved for the drain, and what is said of the number."""
    found = choose([binding], known, xs=(N1, N2), pool=drained(N1), rows=rows, **more)
    said = [one.summary.partition(": ")[2] for one in found.notes if one.code == "P333"]
    assert got(found)["a"][1] == "042"
    return got(found)["a"][0] == N1, bool(found.moving), said


@pytest.mark.parametrize(
    ("ends", "listed", "expected"),
    [
        pytest.param(BEFORE + 1, BEFORE + 1, (True, False, [by(1)]), id="renewed in a second"),
        pytest.param(BEFORE, BEFORE, (False, True, [GONE]), id="renewed now"),
        pytest.param(DAY, BEFORE, (False, True, [GONE]), id="ends sooner at the vendor"),
        pytest.param(BEFORE, DAY, (True, False, [by(DAY - BEFORE)]), id="ends later at the vendor"),
        pytest.param(DAY, None, (False, False, [GONE]), id="no longer listed"),
        pytest.param(1, 1, (False, True, [GONE]), id="the last second"),
        pytest.param(0, 0, (False, False, [GONE]), id="has ended"),
    ],
)  # fmt: skip
def test_a_drained_number_is_left_when_it_is_due(
    ends: int, listed: int | None, expected: tuple[bool, bool, list[str]]
) -> None:
    known = state(daily(ends))
    rows = [] if listed is None else [replace(row_of(made_of(known)), expires_at=NOW + listed)]
    assert drain(auto("a", lifetime=DAILY), known, rows) == expected


def made_of(known: State) -> Entry:
    entry = known.entries["bindings.a"]
    assert isinstance(entry, Entry)
    return entry


def test_a_schedule_spreads_those_that_leave() -> None:
    known = state(daily(BEFORE - 10))
    stays, moves, (said,) = drain(auto("a", lifetime=DAILY), known, schedule=Schedule(60, 0))
    assert (stays, moves) == (True, False)
    assert said.startswith("1 binding leaves it by ")


def test_what_has_an_end_of_its_own_stays_until_the_last_second_and_leaves_after_it() -> None:
    for end, expected in ((1, (True, False, [by(1)])), (0, (False, False, [GONE]))):
        binding = auto("a", lifetime=Lifetime(None, until=NOW + end))
        known = state(bound(binding, phone_x=N1, extension="042"))
        assert drain(binding, known, [row_of(made_of(known))]) == expected


def test_what_has_an_open_attempt_stays_and_nobody_knows_how_long() -> None:
    target = replace(auto("a"), phone_x=N1, extension="042")
    for entries in ({}, on(N1, "042")):
        known = state(entries, pending=pending(attempt(target)))
        assert drain(auto("a"), known) == (True, False, [UNKNOWN])
    refused = state(pending=pending(attempt(target), standing=Standing.REFUSED))
    assert drain(auto("a"), refused) == (True, False, [UNKNOWN])


def stuck(binding: Binding, entry: dict[str, Any], **more: Any) -> Allocation:
    found = choose([binding], state(entry), xs=(N1,), pool=drained(N1), **more)
    assert [one.code for one in found.notes] == ["P334", "P333"]
    assert "no room for bindings.a" in found.notes[0].summary
    return found


def test_where_there_is_no_room_nobody_moves() -> None:
    found = stuck(auto("a"), on(N1, "042"))
    assert (found.chosen, found.moving) == ({"bindings.a": Chosen(N1, "042")}, {})
    rebound = stuck(auto("a", 7), on(N1, "042"))
    assert (rebound.chosen, rebound.moving) == ({"bindings.a": Chosen(N1, "042")}, {})
    one = call("a", "t1", 1)
    grouped = stuck(one, bound(one, phone_x=N1), others=(team("t1", 11),))
    assert (grouped.chosen, grouped.moving) == ({"bindings.a": Chosen(N1, None)}, {})


def test_what_leaves_cannot_stay_where_its_extension_was_given_to_another() -> None:
    """The other group does not drain the number, and there is no quarantine."""
    second, live = other(N1, extension_range=(0, 0))
    found = choose(
        [auto("a"), auto("b", x_group="other")], state(on(N1, "000")),
        xs=(N1,), pool=drained(N1), others=(second,), groups=(live,), policy=AT_ONCE,
    )  # fmt: skip
    assert got(found) == {"b": (N1, "000")}
    assert set(found.impossible) == {"bindings.a"}


# -- what a plan frees ---------------------------------------------------------------------------------------------------


def test_what_is_disabled_is_freed() -> None:
    fixed = desk("gone", "000", phone_x=N1, lifetime=FOREVER)
    found = choose(
        [replace(fixed, enabled=False), auto("b")], state(bound(fixed)), xs=(N1,), pool=ONE, policy=AT_ONCE
    )
    assert got(found) == {"b": (N1, "000")}


def test_what_is_fixed_and_what_is_kept_is_not_freed() -> None:
    """Nothing will rest here, so that there is nothing to wait for."""
    fixed = desk("fixed", "000", phone_x=N1, lifetime=FOREVER)
    for stays in (auto("a"), fixed):
        known = state(bound(stays, phone_x=N1, extension="000"))
        found = choose([stays, auto("b")], known, xs=(N1,), pool=ONE)
        assert (set(found.impossible), found.deferred) == ({"bindings.b"}, {})


def test_what_stays_and_what_has_no_extension_hide_nothing_that_is_freed() -> None:
    known = state({**bound(axb("pair", 7, 8)), **on(N1, "000"), **on(N1, "001", "gone")})
    found = choose([auto("a"), auto("b")], known, xs=(N1,), pool=TWO, policy=AT_ONCE)
    assert got(found) == {"a": (N1, "000"), "b": (N1, "001")}


def test_what_is_down_is_free_where_nothing_rests() -> None:
    """What is live is given only after all that was free before."""
    for down, extension in ((True, "000"), (False, "001")):
        entries = on(N1, "000", "gone", **({"bind_id": None} if down else {}))
        found = choose([auto("b")], state(entries), xs=(N1,), pool=TWO, rows=[], policy=AT_ONCE)
        assert got(found) == {"b": (N1, extension)}


@pytest.mark.parametrize("since", [NOW - 100, None])
def test_what_is_down_and_no_longer_declared_rests_from_its_unbind(since: int | None) -> None:
    """That left the numbers to its own bind, which never came: whoever dials them still expects it."""
    known = state(on(N1, "000", "gone", bind_id=None, down_since=since, expires_at=None))
    until = (NOW if since is None else since) + DAY
    found = planned(desired([auto("b")], [ONE]), known, listing(N1))
    change = only(found)
    assert change.action is Action.FORGET
    freed = Rested((rest(N1, "000", until=until),), NOW)
    assert freed in change.events
    assert found.deferred[0].not_before == until
    (after,) = (
        one for one in choose([auto("b")], replay(known, change.events), xs=(N1,), pool=ONE).deferred.values()
    )
    assert after.not_before == until
    at_once = planned(desired([], [ONE], policy=AT_ONCE), known, listing(N1))
    assert [one for one in only(at_once).events if isinstance(one, Rested)] == []


def test_what_is_freed_rests_from_the_end_that_the_vendor_tells() -> None:
    known = state(on(N1, "000", "gone"))
    (row,) = rows_of(known)
    found = choose([auto("b")], known, xs=(N1,), pool=ONE, rows=[replace(row, expires_at=NOW - 1000)])
    assert found.deferred["bindings.b"].not_before == NOW - 1000 + DAY


# -- groups of people ----------------------------------------------------------------------------------------------------


def test_an_unknown_group_of_numbers_keeps_no_other_binding_waiting() -> None:
    nowhere, _ = other()
    lost = replace(call("a", "t1", 1), x_group="other", span=HERE)
    found = choose([lost, call("b", "t2", 2)], others=(nowhere, team("t1", 11), team("t2", 12)))
    assert got(found) == {"b": (N1, None)}
    why = "the numbers of groups.other are not known"
    assert found.deferred == {"bindings.a": Deferred("bindings.a", Action.BIND, "nx", why, None, HERE)}


def test_a_shortage_counts_all_group_bindings_that_ask() -> None:
    found = choose([call("a", "t1", 1), call("b", "t1", 2)], xs=(N1,), others=(team("t1", 11),))
    assert "2 bindings ask for a number and 1 is free" in found.impossible["bindings.b"].summary


def test_its_own_number_rests_for_no_group_binding_and_anothers_until_the_others_end() -> None:
    mine = rest(N1, None, until=NOW + 500, address="bindings.a")
    theirs = rest(N1, None, until=NOW + 99)
    given: dict[str, Any] = {"xs": (N1,), "others": (team("t1", 11),)}
    assert got(choose([call("a", "t1", 1)], state(quarantine=(mine,)), **given)) == {"a": (N1, None)}
    waiting = choose([call("a", "t1", 1)], state(quarantine=(mine, theirs)), **given).deferred["bindings.a"]
    assert (waiting.not_before, waiting.action) == (NOW + 99, Action.BIND)


def halved() -> dict[str, Any]:
    """What a carries through N1 as B's number."""
    return bound(axb("a"), phone_x=N3, phone_x_b=N1)


def test_what_a_binding_carries_itself_keeps_it_from_no_number_that_rests() -> None:
    known = state(halved(), quarantine=(rest(N1, None),))
    found = choose([call("a", "t1", 1)], known, xs=(N1,), others=(team("t1", 11),))
    assert found.deferred["bindings.a"].not_before == NOW + 60


# -- those without -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "action"),
    [({}, Action.BIND), (on(N1, "000"), Action.REBIND), (on(N1, "000", bind_id=None), Action.BIND)],
    ids=["new", "live", "down"],
)
def test_what_waits_for_a_quarantine_is_told_in_full(entries: dict[str, Any], action: Action) -> None:
    second, live = other(N2, extension_range=(0, 0))
    known = state(entries, quarantine=(rest(N2, "000"),))
    one = auto("a", x_group="other", span=HERE)
    found = choose([one], known, others=(second,), groups=(live,))
    why = "every free number is in quarantine or about to be"
    assert found.deferred == {"bindings.a": Deferred("bindings.a", action, "nx", why, NOW + 60, HERE)}


def sharded(
    bindings: list[Binding], known: State | None = None, *, rows: Any = None, **more: Any
) -> Allocation:
    """The second of two runs, which a is part of; it gives N2, and 001 of N1. The first has c, N1 and its 000."""
    before = known or state()
    seen = listing(*more.pop("xs", (N1,)), rows=rows_of(before) if rows is None else rows)
    files = desired(bindings, [more.pop("pool", numbers()), team("t1", 11), team("t2", 12)], **more)
    return allocate(files, before, seen, match(before, seen), NOW, shards=2)


OTHERS = "this shard's share of the free numbers is used up; the rest is given by a run without --shard"
LEFT_TO_OTHERS = {"bindings.a": Deferred("bindings.a", Action.BIND, "nx", OTHERS, None, HERE)}


def test_a_shard_gives_extensions_of_its_share_and_leaves_the_others_to_others() -> None:
    given: dict[str, Any] = {"pool": TWO, "xs": (N1,)}
    a, c = auto("a", span=HERE), auto("c")
    assert got(sharded([a, c], **given)) == {"a": (N1, "001"), "c": (N1, "000")}
    taken = [foreign("f", 90, None, phone_x=N1, extension="001")]
    found = sharded([a], rows=taken, **given)
    assert (found.deferred, found.impossible) == (LEFT_TO_OTHERS, {})
    both = [*taken, foreign("g", 91, None, phone_x=N1, extension="000")]
    found = sharded([a], rows=both, **given)
    assert (found.deferred, set(found.impossible)) == ({}, {"bindings.a"})


def test_a_shard_gives_group_bindings_numbers_of_its_share() -> None:
    a, c = call("a", "t1", 1, span=HERE), call("c", "t2", 2)
    assert got(sharded([a, c], xs=(N1, N2))) == {"a": (N2, None), "c": (N1, None)}
    busy = [foreign("f", 90, 91, phone_x=N1)]
    found = sharded([a], rows=busy)
    assert (found.deferred, found.impossible) == (LEFT_TO_OTHERS, {})
    found = sharded([a], rows=[foreign("f", 11, 91, phone_x=N1)])
    assert (found.deferred, set(found.impossible)) == ({}, {"bindings.a"})
    own = sharded([a], state(halved()))
    assert own.deferred == LEFT_TO_OTHERS
