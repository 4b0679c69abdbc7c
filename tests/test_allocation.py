"""Which X and extension a binding gets: the least used and lowest, what stays, what moves, and why there is none."""

from dataclasses import replace
from typing import Any

import pytest

from pnsync.errors import Severity
from pnsync.journal import Rested
from pnsync.matching import match
from pnsync.model import NEVER, Binding, Desired, Group, Holds, Lifetime, LiveGroup, Moved, Observed, Policy
from pnsync.phone import Phone
from pnsync.plan import Action, Cause, Order
from pnsync.planner.allocation import Allocation, Chosen, allocate
from pnsync.planner.quarantine import Quarantine, rests, rests_after_end, warnings
from pnsync.state import Entry, Operation, Resting, State, Superseded
from tests.worlds import (
    DAILY,
    DAY,
    FOREVER,
    NOW,
    attempt,
    axg,
    bound,
    codes,
    desired,
    desk,
    foreign,
    group,
    intent,
    made,
    observed,
    only,
    pending,
    phone,
    planned,
    rows_of,
    state,
    superseded,
    what,
)

N1, N2, N3 = "447700900900", "447700900901", "447700900902"
AT_ONCE = Policy(quarantine_seconds=0)


def numbers(*xs: str, **more: Any) -> Group:
    """A read-only group of X numbers."""
    return group("pool", None, holds=Holds.NUMBERS, **more)


def listing(*xs: str, rows: Any = (), groups: tuple[LiveGroup, ...] = ()) -> Observed:
    live = LiveGroup("nx", "g-pool", "pool", tuple(Phone(one) for one in xs))
    return observed(rows, (live, *groups))


def auto(name: str, a: int = 1, **more: Any) -> Binding:
    """A desk that leaves X and extension to pnsync."""
    given = {"phone_x": None, "x_group": "pool", "extension_auto": True, "lifetime": FOREVER, **more}
    return desk(name, given.pop("extension", None), a, **given)


def choose(
    bindings: list[Binding],
    known: State | None = None,
    *,
    xs: tuple[str, ...] = (N1, N2, N3),
    pool: Group | None = None,
    rows: Any = None,
    others: tuple[Group, ...] = (),
    groups: tuple[LiveGroup, ...] = (),
    now: int = NOW,
    **more: Any,
) -> Allocation:
    before = known or state()
    seen = listing(*xs, rows=rows_of(before) if rows is None else rows, groups=groups)
    files = desired(bindings, [pool or numbers(), *others], **more)
    return allocate(files, before, seen, match(before, seen), now)


def got(found: Allocation) -> dict[str, tuple[str, str | None]]:
    return {one.partition(".")[2]: (it.phone_x, it.extension) for one, it in found.chosen.items()}


def on(x: str, extension: str, name: str = "a", **more: Any) -> dict[str, Any]:
    """The entry of a desk that was given these numbers."""
    return bound(auto(name), phone_x=x, extension=extension, **more)


# -- the choice ------------------------------------------------------------------------------------------------------


def test_the_least_used_number_and_its_lowest_extension() -> None:
    found = choose([auto(one) for one in "abcd"])
    assert got(found) == {"a": (N1, "000"), "b": (N2, "000"), "c": (N3, "000"), "d": (N1, "001")}


def test_what_others_hold_counts_as_use_and_is_not_given() -> None:
    rows = [foreign(f"f{n}", 9, phone_x=N1, extension=f"00{n}", b=None) for n in range(2)]
    found = choose([auto("a"), auto("b"), auto("c")], xs=(N1, N2), rows=rows)
    assert got(found) == {"a": (N2, "000"), "b": (N2, "001"), "c": (N1, "002")}


def test_what_has_expired_at_the_vendor_is_free() -> None:
    rows = [foreign(phone_x=N1, extension="000", b=None, expires_at=NOW)]
    assert got(choose([auto("a")], xs=(N1,), rows=rows)) == {"a": (N1, "000")}


def test_range_and_reserve_of_the_group() -> None:
    pool = numbers(extension_range=(100, 103), reserved_extensions=frozenset({"100", "102"}))
    found = choose([auto("a"), auto("b"), auto("c")], xs=(N1,), pool=pool)
    assert got(found) == {"a": (N1, "101"), "b": (N1, "103")}
    assert set(found.impossible) == {"bindings.c"}


def test_a_fixed_number_keeps_to_the_reserve_of_the_group_that_holds_it() -> None:
    pool = numbers(extension_range=(0, 1), reserved_extensions=frozenset({"000"}))
    found = choose([auto("a", phone_x=N1, x_group=None)], pool=pool)
    assert got(found) == {"a": (N1, "001")}


def test_an_extension_that_a_file_fixes_is_not_given() -> None:
    fixed = desk("fixed", "000", phone_x=N1)
    assert got(choose([auto("a"), fixed], xs=(N1,)))["a"] == (N1, "001")
    assert got(choose([auto("a"), replace(fixed, enabled=False)], xs=(N1,)))["a"] == (N1, "000")


def test_only_numbers_of_the_country() -> None:
    found = choose([auto("a"), auto("b", phone_a=Phone("85211111114"))], xs=("85235753351", N1))
    assert got(found) == {"a": (N1, "000"), "b": ("85235753351", "000")}
    missing = choose([auto("a")], xs=("85235753351",)).impossible["bindings.a"]
    assert "country code 44" in missing.advice


def test_a_fixed_extension_on_any_number_of_a_group() -> None:
    one = auto("a", extension="101", extension_auto=False)
    rows = [foreign(a=9, phone_x=N1, extension="101", b=None)]
    assert got(choose([one], xs=(N1, N2), rows=rows)) == {"a": (N2, "101")}


def test_earlier_choices_make_room() -> None:
    """The wide one would take the only extension that the narrow one can have."""
    narrow = numbers(extension_range=(0, 0))
    wide = group("wide", None, holds=Holds.NUMBERS, extension_range=(0, 1))
    live = LiveGroup("nx", "g-wide", "wide", (Phone(N1),))
    found = choose(
        [auto("a", x_group="wide"), auto("b")], xs=(N1,), pool=narrow, others=(wide,), groups=(live,)
    )
    assert got(found) == {"a": (N1, "001"), "b": (N1, "000")}
    assert not found.impossible


def test_what_moves_to_another_group_makes_no_room_where_it_was() -> None:
    """a leaves N1 000 for the other group; b, which can have nothing else, waits, and a stays where it was put."""
    other = group("other", None, holds=Holds.NUMBERS, extension_range=(0, 1))
    live = LiveGroup("nx", "g-other", "other", (Phone(N2),))
    found = choose(
        [auto("a", x_group="other"), auto("b")],
        state(on(N1, "000")),
        xs=(N1,),
        pool=numbers(extension_range=(0, 0)),
        others=(other,),
        groups=(live,),
    )
    assert got(found) == {"a": (N2, "000")}
    assert found.deferred["bindings.b"].not_before == NOW + DAY


def test_an_open_attempt_holds_what_it_asked_for() -> None:
    target = replace(auto("a"), phone_x=N1, extension="000")
    known = state(pending=pending(attempt(target)))
    found = choose([auto("b"), auto("a")], known, xs=(N1,))
    assert got(found) == {"a": (N1, "000"), "b": (N1, "001")}


def test_the_numbers_of_a_group_that_is_not_listed_are_not_known() -> None:
    files = desired([auto("a")], [numbers()])
    for seen in (observed(), observed(providers=())):
        found = allocate(files, state(), seen, match(state(), seen), NOW)
        assert not found.chosen
        assert found.deferred["bindings.a"].not_before is None
    assert planned(files, seen=observed()).deferred


def test_a_managed_group_is_known_before_it_is_created() -> None:
    pool = group("pool", (900, 901), holds=Holds.NUMBERS)
    files = desired([auto("a")], [pool])
    found = planned(files)
    assert what(found) == [("create_group", "pool"), ("bind", "a")]
    assert found.changes[1].after is not None
    assert (found.changes[1].after["phone_x"], found.changes[1].after["extension"]) == (N1, "000")


def test_equal_input_equal_answer_in_whatever_order_the_state_is_kept() -> None:
    known = state({**on(N1, "005", "x"), **on(N2, "000", "y")})
    turned = state(dict(reversed(known.entries.items())))
    bindings = [auto(one) for one in "xyabc"]
    assert choose(bindings, known) == choose(bindings, turned)


# -- what stays ------------------------------------------------------------------------------------------------------


def test_a_choice_once_made_stays() -> None:
    known = state({**on(N3, "077", "a"), **on(N3, "078", "b")})
    found = choose([auto("new"), auto("a"), auto("b")], known)
    assert got(found) == {"a": (N3, "077"), "b": (N3, "078"), "new": (N1, "000")}
    assert (
        what(planned(desired([auto("a"), auto("b")], [numbers()]), known, listing(N3, rows=rows_of(known))))
        == []
    )


@pytest.mark.parametrize(
    "pool",
    [
        pytest.param(numbers(extension_range=(100, 200)), id="narrower range"),
        pytest.param(numbers(reserved_extensions=frozenset({"077"})), id="reserved since"),
    ],
)
def test_what_the_group_reserves_later_moves_nobody(pool: Group) -> None:
    assert got(choose([auto("a")], state(on(N1, "077")), pool=pool)) == {"a": (N1, "077")}


def test_an_x_that_has_left_its_group_is_kept_with_one_warning() -> None:
    known = state({**on(N3, "001", "a"), **on(N3, "002", "b")})
    found = choose([auto("a"), auto("b")], known, xs=(N1,))
    assert got(found) == {"a": (N3, "001"), "b": (N3, "002")}
    (note,) = found.notes
    assert (note.code, note.severity) == ("P330", Severity.WARNING)
    assert "bindings.a, bindings.b" in note.summary


@pytest.mark.parametrize(
    "declared",
    [
        pytest.param(auto("a", phone_x=N2, x_group=None), id="another X"),
        pytest.param(auto("a", extension="005", extension_auto=False), id="another extension"),
        pytest.param(auto("a", phone_a=Phone("85211111114")), id="another country"),
        pytest.param(auto("a", provider="nx2"), id="another provider"),
    ],
)
def test_what_no_longer_answers_the_declaration_is_chosen_anew(declared: Binding) -> None:
    live = LiveGroup("nx", "g-pool", "pool", (Phone(N1), Phone(N2), Phone("85235753351")))
    two = replace(live, provider="nx2")
    known = state(on(N1, "000"))
    pool = numbers(provider=declared.provider)
    seen = observed(rows_of(known), (live, two))
    found = allocate(desired([declared], [pool]), known, seen, match(known, seen), NOW)
    assert found.chosen.get(declared.address) != Chosen(N1, "000") or declared.provider == "nx2"


def test_a_number_that_another_group_holds_too_is_kept() -> None:
    other = group("other", None, holds=Holds.NUMBERS)
    live = LiveGroup("nx", "g-other", "other", (Phone(N2), Phone(N1)))
    found = choose([auto("a", x_group="other")], state(on(N1, "007")), others=(other,), groups=(live,))
    assert got(found) == {"a": (N1, "007")}


def test_another_group_without_the_number_means_another_number() -> None:
    other = group("other", None, holds=Holds.NUMBERS)
    live = LiveGroup("nx", "g-other", "other", (Phone(N2),))
    found = choose([auto("a", x_group="other")], state(on(N1, "007")), others=(other,), groups=(live,))
    assert got(found) == {"a": (N2, "007")}


def test_a_fixed_extension_beside_an_auto_that_has_it() -> None:
    """The file decides; who had it by choice gets another, with a warning, and the unbind comes first."""
    known = state(on(N1, "101"))
    files = desired([auto("a"), desk("fixed", "101", phone_x=N1, lifetime=FOREVER)], [numbers()])
    found = planned(files, known, listing(N1, rows=rows_of(known)))
    assert "P336" in codes(found)
    assert what(found) == [("rebind", "a"), ("bind", "fixed")]
    assert found.changes[0].order is Order.BIND_FIRST
    assert found.changes[0].after is not None and found.changes[0].after["extension"] == "000"


def test_what_is_live_with_the_same_parties_is_offered_for_import() -> None:
    rows = [foreign(phone_x=N2, extension="044", b=None)]
    found = planned(desired([auto("a")], [numbers()]), seen=listing(N1, N2, rows=rows))
    assert what(found) == []
    assert codes(found) == ["P311"]


# -- quarantine ------------------------------------------------------------------------------------------------------


def rest(extension: str, until: int = NOW + 3600, address: str = "bindings.gone", x: str = N1) -> Resting:
    return Resting("nx", x, address, until, extension=extension)


def test_what_rests_is_passed_over() -> None:
    known = state(quarantine=(rest("000"), rest("001", NOW)))
    assert got(choose([auto("a")], known, xs=(N1,))) == {"a": (N1, "001")}


def test_its_own_numbers_are_taken_back() -> None:
    known = state(quarantine=(rest("555", address="bindings.a"),))
    assert got(choose([auto("a")], known)) == {"a": (N1, "555")}
    both = state(quarantine=(rest("555", address="bindings.a"), rest("555")))
    assert got(choose([auto("a")], both)) == {"a": (N1, "000")}


def test_a_renamed_address_takes_its_own_back_too() -> None:
    known = state(quarantine=(rest("555", address="bindings.old"),))
    found = choose([auto("a")], known, moved=(Moved("bindings.old", "bindings.a"),))
    assert got(found) == {"a": (N1, "555")}


def test_quarantine_defers_to_the_instant_at_which_it_ends() -> None:
    pool = numbers(extension_range=(0, 1))
    known = state(quarantine=(rest("000", NOW + 500), rest("001", NOW + 200)))
    found = choose([auto("a"), auto("b"), auto("c")], known, xs=(N1,), pool=pool)
    assert {one: it.not_before for one, it in found.deferred.items()} == {
        "bindings.a": NOW + 200,
        "bindings.b": NOW + 500,
    }
    assert set(found.impossible) == {"bindings.c"}
    plan = planned(desired([auto("a")], [pool]), known, listing(N1))
    assert (plan.changes, plan.deferred[0].not_before, plan.valid_until) == ((), NOW + 200, NOW + 200)


def test_what_this_plan_frees_rests_first() -> None:
    pool = numbers(extension_range=(0, 0))
    found = choose([auto("b")], state(on(N1, "000", "gone")), xs=(N1,), pool=pool)
    assert found.deferred["bindings.b"].not_before == NOW + DAY


def test_what_expired_rests_from_its_end() -> None:
    pool = numbers(extension_range=(0, 0))
    ended = state(on(N1, "000", "gone", expires_at=NOW - 1000))
    assert (
        choose([auto("b")], ended, xs=(N1,), pool=pool).deferred["bindings.b"].not_before == NOW - 1000 + DAY
    )
    long_ago = state(on(N1, "000", "gone", expires_at=NOW - DAY))
    assert got(choose([auto("b")], long_ago, xs=(N1,), pool=pool)) == {"b": (N1, "000")}


def test_without_quarantine_what_this_plan_frees_is_used_last() -> None:
    known = state(on(N1, "000", "gone"))
    pool = numbers(extension_range=(0, 1))
    found = choose([auto("b"), auto("c")], known, xs=(N1,), pool=pool, policy=AT_ONCE)
    assert got(found) == {"b": (N1, "001"), "c": (N1, "000")}
    files = desired([auto("b"), auto("c")], [pool], policy=replace(AT_ONCE))
    assert what(planned(files, known, listing(N1, rows=rows_of(known)))) == [
        ("unbind", "gone"),
        ("bind", "b"),
        ("bind", "c"),
    ]


def test_fixed_numbers_that_rest_are_a_warning() -> None:
    known = state(quarantine=(rest("101"),))
    found = planned([desk("a", "101", phone_x=N1)], known)
    assert what(found) == [("bind", "a")]
    (note,) = (one for one in found.diagnostics if one.code == "P332")
    assert note.severity is Severity.WARNING
    assert "bindings.a" in note.summary and "101" in note.summary


def test_desks_that_swap_fixed_numbers_are_a_warning_each_and_unchanged_ones_none() -> None:
    before = [
        desk("a", "101", 1, phone_x=N1),
        desk("b", "102", 2, phone_x=N1),
        desk("c", "103", 3, phone_x=N1),
    ]
    after = [replace(before[0], extension="102"), replace(before[1], extension="101"), before[2]]
    found = planned(after, bound(*before))
    assert [one.address for one in found.diagnostics if one.code == "P332"] == ["bindings.a", "bindings.b"]
    calm = desired(after, policy=AT_ONCE)
    assert "P332" not in codes(planned(calm, bound(*before)))


def test_many_warnings_are_counted() -> None:
    bindings = [desk(f"d{n}", f"{n:03d}", n, phone_x=N1) for n in range(30)]
    known = state(quarantine=tuple(rest(f"{n:03d}") for n in range(30)))
    found = [one for one in planned(bindings, known).diagnostics if one.code == "P332"]
    assert len(found) == 21
    assert "10 more" in " ".join(one.summary for one in found)


def old(**more: Any) -> Superseded:
    given = {"phone_a": phone(1), "phone_b": None, "phone_x": N1, "extension": "101", **more}
    return Superseded("bindings.a", "nx", "b1", **given)


def test_what_an_unbind_frees() -> None:
    until = NOW + DAY
    target = made(desk("a", "101", phone_x=N1))
    assert rests(old(), None, until=until) == (Resting("nx", N1, "bindings.a", until, extension="101"),)
    assert rests(old(), target, until=until) == ()
    assert len(rests(old(), replace(target, extension="102"), until=until)) == 1
    assert len(rests(old(), replace(target, provider="nx2"), until=until)) == 1
    assert rests(old(phone_x=None), None, until=until) == ()
    pair = old(extension=None, phone_b=phone(2))
    assert [one.party for one in rests(pair, None, until=until)] == [phone(1), phone(2)]
    assert rests(pair, target, until=until) == ()
    to_group = old(extension=None, group="team")
    assert rests(to_group, None, until=until) == (Resting("nx", N1, "bindings.a", until),)
    same = made(axg("a", "team", phone_x=N1))
    assert rests(to_group, same, until=until) == ()
    assert len(rests(to_group, replace(same, group="other"), until=until)) == 1
    assert rests(to_group, replace(same, phone_x=None, group="other"), until=until) == ()


def test_what_an_end_frees() -> None:
    entry = made(desk("a", "101", phone_x=N1))
    given = {"ended_at": NOW - 100, "now": NOW, "seconds": DAY}
    (one,) = rests_after_end("bindings.a", entry, None, **given)
    assert one.until == NOW - 100 + DAY
    assert rests_after_end("bindings.a", entry, entry, **given) == ()
    assert rests_after_end("bindings.a", entry, None, **{**given, "seconds": 0}) == ()
    assert rests_after_end("bindings.a", entry, None, **{**given, "ended_at": NOW - DAY}) == ()
    assert rests_after_end("bindings.a", replace(entry, bind_id=None), None, **given) == (one,)
    (lost,) = rests_after_end("bindings.a", entry, None, **{**given, "ended_at": NEVER})
    assert lost.until == NOW + DAY


def test_an_unbind_whose_outcome_came_late_rests_too() -> None:
    """The listing no longer shows it: what it held is not given to the next in the same plan."""
    known = state(on(N1, "000", "gone"))
    entry = known.entries["bindings.gone"]
    assert isinstance(entry, Entry) and entry.bind_id is not None
    taken = replace(old(), address="bindings.gone", bind_id=entry.bind_id, extension="000")
    open_ = intent(
        None, "bindings.gone", operation=Operation.UNBIND, bind_id=entry.bind_id, provider="nx", unbinds=taken
    )
    known = replace(known, pending=pending(open_))
    pool = numbers(extension_range=(0, 0))
    found = planned(desired([auto("b")], [pool]), known, listing(N1))
    assert found.changes == ()
    assert (found.deferred[0].address, found.deferred[0].not_before) == ("bindings.b", NOW + DAY)
    assert Rested((Resting("nx", N1, "bindings.gone", NOW + DAY, extension="000"),), NOW) in found.bookkeeping
    at_once = planned(desired([auto("b")], [pool], policy=AT_ONCE), known, listing(N1))
    assert what(at_once) == [("bind", "b")]


def test_an_unbind_that_turned_out_to_have_had_no_effect_frees_nothing() -> None:
    known = state(on(N1, "000", "gone"))
    entry = known.entries["bindings.gone"]
    assert isinstance(entry, Entry) and entry.bind_id is not None
    taken = replace(old(), address="bindings.gone", bind_id=entry.bind_id, extension="000")
    open_ = intent(
        None,
        "bindings.gone",
        ago=400,
        operation=Operation.UNBIND,
        bind_id=entry.bind_id,
        provider="nx",
        unbinds=taken,
    )
    known = replace(known, pending=pending(open_))
    found = planned(desired([auto("b")], [numbers()]), known, listing(N1, rows=rows_of(known)))
    assert not [one for one in found.bookkeeping if isinstance(one, Rested)]


def test_forgotten_bindings_rest_by_event() -> None:
    known = state(on(N1, "000", "gone", expires_at=NOW - 1000))
    (change,) = planned(desired([], [numbers()]), known, listing(N1)).changes
    assert [one for one in change.events if isinstance(one, Rested)] == [
        Rested((rest("000", NOW - 1000 + DAY),), NOW)
    ]


def test_quarantine_of_callers() -> None:
    found = Quarantine(
        [Resting("nx", N1, "bindings.a", NOW + 5, party=phone(1)), Resting("nx", N2, "bindings.b", NOW + 7)],
        now=NOW,
    )
    digits = phone(1).digits
    assert found.until_for_callers("nx", N1, [digits], "bindings.c") == NOW + 5
    assert found.until_for_callers("nx", N1, [digits], "bindings.a") is None
    assert found.until_for_callers("nx", N1, [phone(2).digits], "bindings.c") is None
    assert found.until_for_callers("nx", N2, [], "bindings.c") == NOW + 7
    assert found.until_for_callers("nx", N3, [digits], "bindings.c") is None


def test_a_fixed_number_of_a_group_binding_that_rests_is_a_warning() -> None:
    resting = Quarantine([Resting("nx", N1, "bindings.b", NOW + 7)], now=NOW)
    files = desired([axg("a", "team", phone_x=N1)], [group("team")])
    (note,) = warnings(files, state(), resting)
    assert note.code == "P332"
    assert warnings(files, state(bound(axg("a", "team", phone_x=N1))), resting) == ()


# -- drain -----------------------------------------------------------------------------------------------------------


def drained(*xs: str, **more: Any) -> Group:
    return numbers(drain=frozenset(xs), **more)


def plan_drained(binding: Binding, entry: dict[str, Any], *xs: str, now: int = NOW) -> Any:
    known = state(entry)
    files = desired([binding], [drained(N1)])
    return planned(files, known, listing(*(xs or (N1, N2)), rows=rows_of(known)), now=now)


def test_nothing_new_on_a_drained_number() -> None:
    assert got(choose([auto("a"), auto("b")], xs=(N1, N2), pool=drained(N1))) == {
        "a": (N2, "000"),
        "b": (N2, "001"),
    }


def test_what_never_expires_leaves_a_drained_number_at_once() -> None:
    found = plan_drained(auto("a"), on(N1, "042"))
    change = only(found)
    assert (change.action, change.cause, change.order) == (Action.REBIND, Cause.CONFIG, Order.BIND_FIRST)
    assert change.after is not None
    assert (change.after["phone_x"], change.after["extension"]) == (N2, "042")
    assert "drains" in change.reason
    assert [one.summary for one in found.diagnostics if one.code == "P333"] == [
        f"groups.pool drains {N1}: 1 binding leaves it with this plan, then it is empty"
    ]


def test_what_is_renewed_leaves_with_its_renewal() -> None:
    entry = bound(auto("a", lifetime=DAILY), phone_x=N1, extension="042")
    early = plan_drained(auto("a", lifetime=DAILY), entry)
    assert early.changes == ()
    (note,) = (one for one in early.diagnostics if one.code == "P333")
    assert "1 binding leaves it by " in note.summary
    late = bound(auto("a", lifetime=DAILY), age=DAY - 60, phone_x=N1, extension="042")
    change = only(plan_drained(auto("a", lifetime=DAILY), late))
    assert (change.action, change.cause) == (Action.RENEW, Cause.EXPIRY)
    assert change.changed == ("phone_x", "expires_at")
    assert change.after is not None
    assert (change.after["phone_x"], change.after["extension"], change.order) == (N2, "042", Order.BIND_FIRST)
    protected = replace(auto("a", lifetime=DAILY), protect=True)
    assert (
        plan_drained(protected, {one: replace(it, protect=True) for one, it in late.items()}).refusals == ()
    )


def test_what_ends_by_itself_stays_until_then() -> None:
    ends = Lifetime(None, until=NOW + 500)
    entry = bound(auto("a", lifetime=ends), phone_x=N1, extension="042")
    assert plan_drained(auto("a", lifetime=ends), entry).changes == ()


def test_what_is_rebound_anyhow_leaves_on_that_occasion() -> None:
    entry = bound(auto("a", lifetime=DAILY), phone_x=N1, extension="042")
    change = only(plan_drained(auto("a", 7, lifetime=DAILY), entry))
    assert change.after is not None and change.after["phone_x"] == N2


def test_a_drain_without_room_moves_nobody_and_says_so() -> None:
    found = plan_drained(auto("a"), on(N1, "042"), N1)
    assert found.changes == ()
    assert {"P333", "P334"} <= set(codes(found))
    assert found.decisions == ()


def test_an_empty_drained_number_is_said_to_be_empty() -> None:
    (note,) = choose([auto("a")], pool=drained(N1)).notes
    assert note.summary.endswith("it is empty")


def test_a_number_that_left_its_group_is_drained_by_name() -> None:
    known = state(on(N3, "042"))
    files = desired([auto("a")], [drained(N3)])
    found = planned(files, known, listing(N1, rows=rows_of(known)))
    assert only(found).after is not None
    assert "P330" not in codes(found)


# -- exhaustion ------------------------------------------------------------------------------------------------------


def test_a_shortage_is_said_once_with_what_would_free_numbers() -> None:
    pool = numbers(extension_range=(0, 5), reserved_extensions=frozenset({"005"}), drain=frozenset({N2}))
    rows = [foreign("f1", 9, phone_x=N1, extension="000", b=None)]
    known = state(quarantine=(rest("001", NOW + 60),))
    found = choose([auto(one) for one in "abcdef"], known, xs=(N1, N2), pool=pool, rows=rows)
    assert len(found.chosen) == 3
    assert set(found.deferred) == {"bindings.d"}
    assert set(found.impossible) == {"bindings.e", "bindings.f"}
    (one,) = set(found.impossible.values())
    assert one.code == "P331"
    assert one.summary.startswith(
        "groups.pool is exhausted: 6 bindings ask for a number and extension and 3 are free"
    )
    for part in (
        "1 held by bindings that pnsync did not make",
        "1 in quarantine",
        "1 number is drained",
        "1 extension",
    ):
        assert part in one.advice
    plan = planned(desired([auto(one) for one in "abcdef"], [pool]), known, listing(N1, N2, rows=rows))
    assert [one.code for one in plan.decisions] == ["P331"]


def test_one_fixed_number_that_is_full_is_named() -> None:
    rows = [foreign(f"f{n}", 9, phone_x=N1, extension=f"{n:03d}", b=None) for n in range(1000)]
    (one,) = choose([auto("a", phone_x=N1, x_group=None)], rows=rows).impossible.values()
    assert one.summary == (
        f"X {N1} is exhausted: 1 binding asks for a number and extension and none is free, "
        "so 1 goes without: bindings.a"
    )
    assert "1,000 held by bindings that pnsync did not make" in one.advice


# -- groups of people ------------------------------------------------------------------------------------------------


def team(name: str, *people: int) -> Group:
    return group(name, people)


def call(name: str, people: str, a: int, **more: Any) -> Binding:
    return axg(name, people, a, x_group="pool", lifetime=FOREVER, **more)


def test_no_party_stands_twice_on_one_number() -> None:
    teams = (team("t1", 11, 12), team("t2", 12, 13), team("t3", 14))
    bindings = [call("a", "t1", 1), call("b", "t2", 2), call("c", "t3", 3)]
    found = choose(bindings, xs=(N1, N2), others=teams)
    assert got(found) == {"a": (N1, None), "b": (N2, None), "c": (N1, None)}


def test_another_assignment_is_searched_where_the_first_does_not_fit_all() -> None:
    """a is put on N1, which is all that c can have: so a gives way."""
    teams = (team("t1", 11), team("t2", 12), team("t3", 11))
    other = group("other", None, holds=Holds.NUMBERS)
    live = LiveGroup("nx", "g-other", "other", (Phone(N1),))
    bindings = [call("a", "t1", 1), call("b", "t2", 2), replace(call("c", "t3", 3), x_group="other")]
    found = choose(bindings, xs=(N1, N2), others=(*teams, other), groups=(live,))
    assert got(found)["c"] == (N1, None)
    assert got(found)["a"] == (N2, None)


def test_parties_of_unmanaged_and_of_vendor_chosen_bindings_count() -> None:
    rows = [foreign("f1", a=1, b=9, phone_x=N1)]
    found = choose([call("a", "t1", 1)], xs=(N1, N2), others=(team("t1", 11),), rows=rows)
    assert got(found) == {"a": (N2, None)}
    known = state(bound(replace(axg("b", "t2", 2), phone_b=None), phone_x=N1))
    found = choose(
        [call("a", "t1", 1), axg("b", "t2", 2)], known, xs=(N1, N2), others=(team("t1", 2), team("t2", 5))
    )
    assert got(found) == {"a": (N2, None)}


def test_group_bindings_that_find_no_number() -> None:
    bindings = [call("a", "t1", 1), call("b", "t1", 2)]
    found = choose(bindings, xs=(N1,), others=(team("t1", 11),))
    assert got(found) == {"a": (N1, None)}
    (one,) = found.impossible.values()
    assert "groups.pool is exhausted" in one.summary
    assert "called by one of the parties already" in one.advice


def test_callers_that_rest_defer_a_group_binding() -> None:
    known = state(quarantine=(Resting("nx", N1, "bindings.gone", NOW + 99),))
    found = choose([call("a", "t1", 1)], known, xs=(N1,), others=(team("t1", 11),))
    assert found.deferred["bindings.a"].not_before == NOW + 99
    assert got(choose([call("a", "t1", 1)], known, xs=(N1, N2), others=(team("t1", 11),))) == {
        "a": (N2, None)
    }


def test_a_group_binding_keeps_its_number() -> None:
    known = state(bound(call("a", "t1", 1), phone_x=N3))
    found = choose([call("a", "t1", 1), call("b", "t2", 2)], known, others=(team("t1", 11), team("t2", 12)))
    assert got(found) == {"a": (N3, None), "b": (N1, None)}


# -- corners ---------------------------------------------------------------------------------------------------------


def test_an_attempt_of_an_unbind_that_is_open_frees_nothing_yet() -> None:
    known = state(on(N1, "000", "gone"))
    entry = known.entries["bindings.gone"]
    assert isinstance(entry, Entry)
    open_ = intent(None, "bindings.gone", operation=Operation.UNBIND, bind_id=entry.bind_id, provider="nx")
    known = replace(known, pending=pending(open_))
    found = choose([auto("b")], known, xs=(N1,), pool=numbers(extension_range=(0, 0)))
    assert set(found.impossible) == {"bindings.b"}


def test_an_old_half_still_holds_its_numbers() -> None:
    entry = made(auto("a"), phone_x=N2, extension="000")
    before = replace(entry, phone_x=N1, extension="000", bind_id="old", customer_bind_id="old")
    known = state({"bindings.a": entry}, superseded=superseded("bindings.a", before))
    assert got(choose([auto("a"), auto("b")], known, xs=(N1, N2)))["b"] in {(N1, "001"), (N2, "001")}


def test_no_binding_asks_and_nothing_is_looked_at() -> None:
    files: Desired = desired([desk("a", "101")])
    assert allocate(files, state(), observed(), match(state(), observed()), NOW) == Allocation()


def test_messages_hold_no_personal_number() -> None:
    pool = numbers(extension_range=(0, 0))
    found = choose([auto("a", 1), auto("b", 2)], xs=(N1,), pool=pool)
    text = repr([found.impossible, found.notes, found.deferred])
    assert phone(1).digits not in text and phone(2).digits not in text
