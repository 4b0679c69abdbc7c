"""What a call does, what a plan changes about calls, and that no order of steps sends one astray."""

from dataclasses import replace
from typing import Any

import pytest

from pnsync.errors import Diagnostic
from pnsync.masking import Masker
from pnsync.matching import match, row_of
from pnsync.model import Holds, Lifetime, LiveBinding, LiveGroup, Mode
from pnsync.phone import Phone
from pnsync.plan import Plan, document
from pnsync.planner.staging import refusal
from pnsync.reach import LISTED, Gaps, Misroute, RoutingSummary
from pnsync.routing.following import Following, Live, after
from pnsync.routing.rehearsal import Rehearsal, rehearse
from pnsync.routing.table import (
    Nobody,
    Rings,
    Route,
    Table,
    add_listed_groups,
    of_entry,
    of_row,
    of_state,
    route,
)
from pnsync.state import Entry, State
from tests.worlds import (
    DAY,
    FOREVER,
    NOW,
    X2,
    X,
    axb,
    axg,
    bound,
    calls,
    codes,
    desired,
    desk,
    foreign,
    group,
    live_group,
    made,
    made_group,
    observed,
    phone,
    planned,
    ride,
    rows_of,
    state,
)

A, B, C, D = phone(1), phone(2), phone(3), phone(4)
MASKER = Masker(b"k" * 32, "lineage")


def rings(table: Table, caller: Phone, x: str, extension: str = "", **more: Any) -> tuple[Phone, str] | None:
    found = route(table, caller, x, extension, **more)
    return (found.phone, found.shown) if isinstance(found, Rings) else None


def one(
    mode: Mode, a: Phone = A, b: Phone | None = B, x_a: str | None = X, x_b: str | None = None, **more: Any
) -> Route:
    return Route(mode, a, b, x_a, x_b or x_a, **more)


# -- the model -------------------------------------------------------------------------------------------------------


def test_axb_connects_both_ways_and_nobody_else() -> None:
    table = Table([one(Mode.AXB)])
    assert rings(table, A, X) == (B, X)
    assert rings(table, B, X) == (A, X)
    assert rings(table, C, X) is None
    assert rings(table, A, X2) is None


def test_axxb_shows_each_the_number_that_it_dials_itself() -> None:
    table = Table([one(Mode.AXXB, x_b=X2)])
    assert rings(table, A, X) == (B, X2)
    assert rings(table, B, X2) == (A, X)
    assert rings(table, A, X2) is rings(table, B, X) is None


def test_an_extension_without_b_lets_everybody_reach_a() -> None:
    table = Table([one(Mode.AXB_EXTENSION, b=None, extension="101")])
    assert rings(table, C, X, "101") == (A, X)
    assert rings(table, C, X, "102") is rings(table, A, X, "101") is rings(table, C, X) is None


def test_an_extension_with_b_is_between_the_two() -> None:
    table = Table([one(Mode.AXB_EXTENSION, extension="101")])
    assert rings(table, B, X, "101") == (A, X)
    assert rings(table, A, X, "101") == (B, X)
    assert rings(table, C, X, "101") is None
    assert rings(table, C, X, "101", strangers=True) == (A, X)
    assert rings(table, B, X) == (A, X)


def test_a_party_of_several_extensions_has_to_dial_one() -> None:
    table = Table([one(Mode.AXB_EXTENSION, extension="101"), one(Mode.AXB_EXTENSION, C, extension="102")])
    found = route(table, B, X)
    assert isinstance(found, Nobody) and "several" in found.reason
    assert rings(table, B, X, "102") == (C, X)


def test_people_of_a_group_reach_a_and_a_reaches_b() -> None:
    table = Table([one(Mode.AXG, b=C, group="team")])
    table.set_members("team", [B.digits, C.digits])
    assert [rings(table, caller, X) for caller in (A, B, C, D)] == [(C, X), (A, X), (A, X), None]
    table.set_members("team", [D.digits])
    assert rings(table, D, X) == (A, X)
    assert rings(Table([one(Mode.AXG, b=None, group="team")]), A, X) is None


@pytest.mark.parametrize("caller", ["447700900002", "7700900002", "07700900002"])
def test_the_callers_country_code_may_be_missing(caller: str) -> None:
    assert rings(Table([one(Mode.AXB)]), Phone(caller), X) == (A, X)


def test_the_later_binding_wins_and_removing_it_brings_the_earlier_back() -> None:
    first, second = one(Mode.AXB_EXTENSION, extension="101"), one(Mode.AXB_EXTENSION, C, extension="101")
    table = Table([first, second])
    assert rings(table, B, X, "101") == (C, X)
    table.remove(second)
    table.remove(second)
    assert rings(table, B, X, "101") == (A, X)
    table.remove(first)
    assert rings(table, B, X, "101") is None


def test_of_two_groups_on_one_number_the_later_binding_wins() -> None:
    table = Table([one(Mode.AXG, b=None, group="team"), one(Mode.AXG, C, None, group="crew")])
    for name in ("team", "crew"):
        table.set_members(name, [D.digits])
    assert rings(table, D, X) == (C, X)


def test_an_x_that_is_not_known_is_reached_by_no_number() -> None:
    table = Table(
        [one(Mode.AXB, x_a=None), one(Mode.AXB_EXTENSION, x_a=None, extension="101"), one(Mode.AXG, x_a=None)]
    )
    assert rings(table, A, X) is None


def test_the_table_of_a_state() -> None:
    team = group("team", (11, 12))
    entries: dict[str, Any] = bound(desk("d", "101"), axg("g", "team", 2), ride("r", 3, 4, mode=Mode.AXXB))
    entries["bindings.r"] = replace(entries["bindings.r"], phone_x_b="447700900905")
    entries["bindings.old"] = made(desk("old", "102"), age=2 * DAY)
    entries["bindings.down"] = made(desk("down", "103"), bind_id=None)
    table = of_state(state({**entries, team.address: made_group(team)}), NOW)
    assert rings(table, D, X, "101") == (A, X)
    assert rings(table, D, X, "102") is rings(table, D, X, "103") is None
    assert rings(table, phone(11), X2) == (B, X2)
    assert rings(table, C, X2) == (D, "447700900905")


def test_a_row_tells_its_mode_as_far_as_it_can() -> None:
    entry = made(axg("g", "team", 1))
    assert of_row(row_of(entry)).mode is Mode.AXG
    assert of_row(row_of(entry), "bindings.g", entry).group == "team"
    assert of_row(foreign()).mode is Mode.AXB
    assert of_row(foreign(phone_x_b=X)).mode is Mode.AXXB
    assert of_row(foreign(extension="101")).mode is Mode.AXB_EXTENSION
    assert of_entry("bindings.r", replace(made(ride("r", mode=Mode.AXXB)), phone_x_b=None)).x_b is None


def test_people_are_taken_from_the_listing() -> None:
    team, other = group("team", (11,)), group("other", None, group_name="Others")
    table = Table()
    live = [
        LiveGroup("nx", "g1", "team", (phone(12),)),
        LiveGroup("nx", "g2", "Others", (phone(13),)),
        LiveGroup("nx", "g3", "twice", ()),
    ]
    add_listed_groups(table, [team, other], state({team.address: made_group(team)}), live)
    assert table.members("team") == {phone(12).digits}
    assert table.members("other") == {phone(13).digits}
    assert table.members(None) == frozenset()


def test_reasons_and_representations_hold_no_number() -> None:
    found = route(Table([one(Mode.AXB)]), C, X)
    assert isinstance(found, Nobody) and not any(each.isdigit() for each in found.reason)
    assert A.digits not in repr(Table([one(Mode.AXB)])) + repr(one(Mode.AXB))


# -- what a plan does ------------------------------------------------------------------------------------------------


def before_and_after(found: Plan) -> dict[str, list[tuple[str, str, str | None, str | None, str | None]]]:
    told = found.routing
    return {
        name: [
            (
                each.phone_x,
                each.extension,
                None if each.caller is None else each.caller.digits[-2:],
                None if each.before is None else each.before.digits[-2:],
                None if each.after is None else each.after.digits[-2:],
            )
            for each in getattr(told, name).listed
        ]
        for name in ("reaches_other", "loses", "gains", "redials")
        if getattr(told, name).count
    }


def test_who_reaches_somebody_else() -> None:
    found = planned([desk("d", "101", 2)], bound(desk("d", "101", 1)))
    assert before_and_after(found) == {"reaches_other": [(X, "101", None, "01", "02")]}
    assert found.routing.gaps.count == 1
    assert found.routing.gaps.listed[0] == ("bindings.d", found.changes[0].gap_seconds)


def test_who_gains_and_who_loses() -> None:
    found = planned([desk("new", "102", 2)], bound(desk("old", "101", 1)))
    assert before_and_after(found) == {
        "gains": [(X, "102", None, None, "02")],
        "loses": [(X, "101", None, "01", None)],
    }


def test_who_must_dial_another_number() -> None:
    found = planned([desk("d", "102", 1)], bound(desk("d", "101", 1)))
    assert before_and_after(found) == {"redials": [(X, "101", None, "01", None)]}
    assert found.routing.gaps.count == 0


def test_a_renewal_changes_nothing_but_has_a_gap() -> None:
    found = planned([desk("d", "101", 1)], bound(desk("d", "101", 1), age=DAY - 60))
    assert before_and_after(found) == {}
    assert (found.routing.gaps.count, found.routing.gaps.longest_seconds > 0) == (1, True)


def test_an_x_that_the_vendor_chooses_later_is_counted() -> None:
    found = planned([axb("a", 1, 2)], bound(axb("a", 1, 2), age=DAY - 60))
    assert (found.routing.chosen_later, before_and_after(found)) == (1, {})
    fresh = planned([axb("a", 1, 2)])
    assert (fresh.routing.chosen_later, fresh.routing.gains.count) == (1, 0)


def test_a_named_caller_of_a_binding_that_opens_to_all_loses_nothing() -> None:
    closed = desk("d", "101", 1, phone_b=phone(2))
    found = planned([desk("d", "101", 1)], bound(closed))
    assert before_and_after(found) == {
        "loses": [(X, "101", "01", "02", None)],
        "gains": [(X, "101", None, None, "01")],
    }


def team_world(
    before: tuple[int, ...], after_: tuple[int, ...], a: int = 1, then_a: int = 1, **more: Any
) -> Plan:
    """An axg on a group: who is in it, and who is A, before and after."""
    old, new = group("team", before), group("team", after_)
    was, becomes = axg("g", "team", a, phone_x=X), axg("g", "team", then_a, phone_x=X, **more)
    entry = made(was, group_id="g1")
    known = state({"bindings.g": entry, old.address: made_group(old)})
    seen = observed([row_of(entry)], [live_group(made_group(old))])
    return planned(desired([becomes], [new]), known, seen)


def test_people_who_join_and_leave_a_group() -> None:
    found = team_world((11, 12), (12, 13))
    assert before_and_after(found) == {
        "gains": [(X, "", "13", None, "01")],
        "loses": [(X, "", "11", "01", None)],
    }


def test_the_form_in_a_plan_is_masked() -> None:
    found = planned([desk("d", "101", 2, phone_b=phone(7))], bound(desk("d", "101", 1)))
    written = document(found, MASKER, pnsync_version="0")
    told = written["routing"]
    assert told["reaches_other"]["count"] == 0 or told["reaches_other"]["calls"]
    assert {"caller": "anyone", "phone_x": X, "extension": "101"}.items() <= told["loses"]["calls"][0].items()
    assert told["gaps"]["bindings"][0]["address"] == "bindings.d"
    assert not {phone(n).digits for n in (1, 2, 7)} & set(str(told).replace("'", " ").split())
    for number in (1, 2, 7):
        assert phone(number).digits not in str(told)


def test_long_lists_are_cut_and_counted_in_full() -> None:
    many = [desk(f"d{n}", f"{n:03d}", n) for n in range(LISTED + 7)]
    told = planned(many).routing.gains
    assert (told.count, len(told.listed)) == (LISTED + 7, LISTED)
    written = told.document(MASKER)
    assert (written["count"], len(written["calls"])) == (LISTED + 7, LISTED)


def test_the_longest_gap_is_in_the_form_of_a_plan() -> None:
    gaps = Gaps(2, 7.5, (("bindings.a", 7.5), ("bindings.b", 2.0)))
    assert RoutingSummary(gaps=gaps).document(MASKER)["gaps"] == {
        "count": 2, "longest_seconds": 7.5,
        "bindings": [{"address": "bindings.a", "seconds": 7.5}, {"address": "bindings.b", "seconds": 2.0}],
    }  # fmt: skip


# -- the order -------------------------------------------------------------------------------------------------------


def live_of(files: Any, known: State, rows: list[LiveBinding], groups: Any = ()) -> Live:
    seen = observed(rows, groups)
    return Live(files, known, seen, match(known, seen), NOW)


def again(found: Plan, order: list[int], live: Live) -> Rehearsal:
    """The same steps in another order."""
    return rehearse([found.steps[index] for index in order], found.changes, live)


def test_a_reversed_order_of_two_dependent_steps_is_caught() -> None:
    files = desired([desk("a", "101", 2), desk("b", "102", 3)])
    known = state(bound(desk("old", "101", 1), desk("b", "102", 3)))
    live = live_of(files, known, rows_of(known))
    found = planned(files, known)
    assert calls(found) == [("unbind", "old"), ("bind", "a")]
    assert found.routing.misroutes == ()
    turned = again(found, [1, 0], live)
    (misroute,) = turned.summary.misroutes
    assert (misroute.phone_x, misroute.extension, misroute.address, misroute.others) == (
        X,
        "101",
        "bindings.a",
        "bindings.old",
    )
    assert turned.waits == {(1, 0)}


def test_two_desks_that_swap() -> None:
    files = desired([desk("a", "102", 1), desk("b", "101", 2)])
    known = state(bound(desk("a", "101", 1), desk("b", "102", 2)))
    found = planned(files, known)
    assert calls(found) == [("unbind", "a"), ("unbind", "b"), ("bind", "a"), ("bind", "b")]
    assert found.routing.misroutes == ()
    assert again(found, [0, 2, 1, 3], live_of(files, known, rows_of(known))).summary.misroutes


@pytest.mark.parametrize(
    ("before", "now", "order"),
    [
        pytest.param((11,), (11, 12), ["update_group", "unbind", "bind"], id="joins, same A"),
        pytest.param((11, 12), (11,), ["update_group", "unbind", "bind"], id="leaves, same A"),
    ],
)
def test_a_group_that_changes_under_the_same_a(before: Any, now: Any, order: list[str]) -> None:
    found = team_world(before, now, recording=True)
    assert [each for each, _ in calls(found)] == order
    assert found.routing.misroutes == ()


def test_who_joins_a_group_never_reaches_its_former_a() -> None:
    """The update would come first, and 12 would reach 1: so the binding to 2 is made before 12 joins."""
    found = team_world((11,), (11, 12), 1, 2)
    assert [each for each, _ in calls(found)] == ["unbind", "bind", "update_group"]
    assert (found.routing.misroutes, found.refusals) == ((), ())


def test_who_leaves_a_group_never_reaches_its_next_a() -> None:
    found = team_world((11, 12), (11,), 1, 2)
    assert [each for each, _ in calls(found)] == ["update_group", "unbind", "bind"]
    assert found.routing.misroutes == ()


def test_a_group_that_is_replaced_under_another_a() -> None:
    """Neither before nor after the rebind is right: the group changes while nobody is bound to it."""
    found = team_world((11,), (12,), 1, 2)
    assert [each for each, _ in calls(found)] == ["unbind", "update_group", "bind"]
    assert (found.routing.misroutes, found.refusals) == ((), ())


@pytest.mark.parametrize(
    ("before", "now", "order"),
    [
        pytest.param((11,), (11, 12), ["unbind", "bind", "update_group"], id="joins"),
        pytest.param((11, 12), (11,), ["update_group", "unbind", "bind"], id="leaves"),
        pytest.param((11,), (12,), ["unbind", "update_group", "bind"], id="replaced"),
    ],
)
def test_an_x_that_the_vendor_chooses_is_rehearsed_too(before: Any, now: Any, order: list[str]) -> None:
    old, new = group("team", before), group("team", now)
    entry = made(axg("g", "team", 1), group_id="g1")
    known = state({"bindings.g": entry, old.address: made_group(old)})
    seen = observed([row_of(entry)], [live_group(made_group(old))])
    found = planned(desired([axg("g", "team", 2)], [new]), known, seen)
    assert [each for each, _ in calls(found)] == order
    assert (found.routing.misroutes, found.refusals, found.routing.chosen_later) == ((), (), 1)
    assert "?" not in str(document(found, MASKER, pnsync_version="0")["routing"])


def test_a_desk_of_the_same_phone_on_the_same_number_is_not_taken_for_the_culprit() -> None:
    """1 has a desk on X beside the group binding: it is the group binding that must go before the group changes."""
    old, new = group("team", (11,)), group("team", (12,))
    entry = made(axg("g", "team", 1, phone_x=X), group_id="g1")
    kept = made(desk("d", "101", 1))
    known = state({"bindings.d": kept, "bindings.g": entry, old.address: made_group(old)})
    seen = observed([row_of(kept), row_of(entry)], [live_group(made_group(old))])
    found = planned(desired([desk("d", "101", 1), axb("g", 1, 2)], [new]), known, seen)
    assert [each for each, _ in calls(found)] == ["unbind", "bind", "update_group"]
    assert (found.routing.misroutes, found.refusals) == ((), ())


def test_who_is_connected_before_the_plan_may_reach_between_its_steps() -> None:
    """12 joins the group while 1 is still its A; the two are bound to each other until this plan, so no stranger rings."""
    old, new = group("team", (11,)), group("team", (11, 12))
    entry, pair_ = made(axg("g", "team", 1, phone_x=X), group_id="g1"), made(axb("p", 1, 12))
    known = state({"bindings.g": entry, "bindings.p": pair_, old.address: made_group(old)})
    seen = observed([row_of(entry), row_of(pair_)], [live_group(made_group(old))])
    found = planned(desired([axg("g", "team", 2, phone_x=X)], [new]), known, seen)
    assert [each for each, _ in calls(found)] == ["update_group", "unbind", "unbind", "bind"]
    assert found.routing.misroutes == ()


def test_a_binding_that_goes_before_its_group_changes() -> None:
    old, new = group("team", (11,)), group("team", (12,))
    entry = made(axg("g", "team", 1, phone_x=X), group_id="g1")
    known = state({"bindings.g": entry, old.address: made_group(old)})
    found = planned(desired([], [new]), known, observed([row_of(entry)], [live_group(made_group(old))]))
    assert calls(found) == [("unbind", "g"), ("update_group", "team")]


def test_a_group_binding_waits_for_the_number_that_another_leaves() -> None:
    teams = [group("t1", (11,)), group("t2", (11, 12))]
    was = axg("a", "t1", 1, phone_x=X, lifetime=FOREVER)
    entry = made(was, group_id="g1")
    known = state(
        {
            "bindings.a": entry,
            teams[0].address: made_group(teams[0], "g1"),
            teams[1].address: made_group(teams[1], "g2"),
        }
    )
    files = desired([replace(was, phone_x=X2), axg("b", "t2", 2, phone_x=X, lifetime=FOREVER)], teams)
    groups = [live_group(made_group(teams[0], "g1")), live_group(made_group(teams[1], "g2"))]
    found = planned(files, known, observed([row_of(entry)], groups))
    assert found.routing.misroutes == ()
    turned = again(found, [2, 0, 1], live_of(files, known, [row_of(entry)], groups))
    assert turned.summary.misroutes


def test_a_plan_that_no_order_mends_would_be_refused() -> None:
    told = refusal(Misroute(3, X, "101", "bindings.a", "bindings.b", "two bindings would claim this call"))
    assert told == Diagnostic(
        "P350",
        f"between two calls of this plan {X} extension 101 would connect wrongly (bindings.a and bindings.b): two bindings "
        "would claim this call",
        advice="apply it in two parts: first without the one, with --exclude, then the rest",
        address="bindings.a",
    )
    unknown = refusal(Misroute(3, "", "", "bindings.a", None, "why")).summary
    assert (
        unknown
        == "between two calls of this plan the X that the vendor chooses would connect wrongly (bindings.a): why"
    )
    for others in (None, "bindings.a"):
        alone = refusal(Misroute(3, X, "", "bindings.a", others, "why")).summary
        assert alone == f"between two calls of this plan {X} would connect wrongly (bindings.a): why"
    assert "P350" not in codes(planned([desk("d")]))


def test_nothing_to_do_is_no_rehearsal() -> None:
    found = planned([desk("d")], bound(desk("d")))
    assert found.steps == ()
    assert found.routing.gains.count == 0


# -- after the plan --------------------------------------------------------------------------------------------------


def test_calls_after_a_plan() -> None:
    files = desired([desk("a", "101", 2), axb("b", 3, 4)])
    known = state(bound(desk("old", "101", 1)))
    found = planned(files, known)
    table = after(found.steps, found.changes, live_of(files, known, rows_of(known)))
    assert rings(table, D, X, "101") == (B, X)
    assert rings(table, C, X2) is None


def test_an_old_half_and_an_expired_row() -> None:
    entry = made(desk("a", "101", 1))
    old = replace(entry, bind_id="old", extension="102", customer_bind_id="old-id")
    from tests.worlds import superseded

    ghost = foreign(extension="103", phone_x=X, expires_at=NOW)
    known = state({"bindings.a": entry}, superseded=superseded("bindings.a", old))
    table = Following(live_of(desired(), known, [row_of(entry), row_of(old), ghost])).table
    assert [rings(table, D, X, each) for each in ("101", "102", "103")] == [(A, X), (A, X), None]


def test_an_old_half_of_a_group_binding_is_still_one() -> None:
    from tests.worlds import superseded

    old = made(axg("a", "team", 1), bind_id="old")
    team = group("team", (11,))
    known = state({team.address: made_group(team)}, superseded=superseded("bindings.a", old, group="team"))
    live = live_of(desired([], [team]), known, [row_of(old)], [live_group(made_group(team))])
    assert rings(Following(live).table, phone(11), X2) == (A, X2)


def test_numbers_that_a_vendor_chose_are_taken_in() -> None:
    files = desired([ride("r", 1, 2, mode=Mode.AXXB)])
    found = planned(files)
    following = Following(live_of(files, state(), []))
    following.follow(found.steps[0], "bindings.r", X, X2)
    assert rings(following.table, A, X) == (B, X2)
    assert rings(following.table, B, X2) == (A, X)


def test_a_managed_group_of_numbers_is_no_people() -> None:
    pool = group("pool", (900,), holds=Holds.NUMBERS)
    found = planned(desired([], [pool]))
    assert found.routing == replace(found.routing, misroutes=())


def test_a_drained_desk_is_reached_by_its_new_number() -> None:
    pool = group("pool", None, holds=Holds.NUMBERS, drain=frozenset({X}))
    one_ = desk("d", None, 1, phone_x=None, x_group="pool", extension_auto=True, lifetime=Lifetime(None))
    entry: Entry = made(one_, phone_x=X, extension="101")
    known = state({"bindings.d": entry})
    live = LiveGroup("nx", "g", "pool", (Phone(X), Phone(X2)))
    found = planned(desired([one_], [pool]), known, observed([row_of(entry)], [live]))
    assert before_and_after(found) == {"redials": [(X, "101", None, "01", None)]}
