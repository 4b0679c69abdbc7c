"""The order of changes and calls: ranks, what waits for what, circles, pairs that nothing comes between."""

from dataclasses import replace

import pytest

from pnsync.model import Binding, Mode
from pnsync.plan import Order, Plan
from pnsync.state import Operation, State
from tests.worlds import (
    DAY,
    X2,
    X,
    axb,
    axg,
    bound,
    calls,
    desired,
    desk,
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
    superseded,
    what,
)


def of(declared: list[Binding], *before: Binding) -> Plan:
    """A plan from bindings as they were to bindings as they are wanted."""
    return planned(declared, bound(*before))


def position(found: Plan, operation: str, name: str) -> int:
    """Where a step stands."""
    return calls(found).index((operation, name))


def test_the_ranks_of_spec_4() -> None:
    crew, late = group("crew"), axb("late", 21, 22)
    entries = {
        **bound(axb("gone", 5, 6), axb("other", 7, 8), axb("due", 11, 12)),
        "bindings.down": replace(made(axb("down", 31, 32)), bind_id=None),
        "bindings.late": made(late, age=DAY - 40),
        "bindings.due": made(axb("due", 11, 12), age=DAY - 9000),
        "groups.old": made_group(group("old"), "g7"),
    }
    files = desired(
        [
            axb("new-2", 41, 42), axb("new-1", 43, 44), axb("down", 31, 32), late,
            axb("other", 7, 9), axb("due", 11, 12),
        ],
        [crew],
    )  # fmt: skip
    before = state(entries)
    seen = observed(rows_of(before), [live_group(made_group(group("old"), "g7"))])
    assert what(planned(files, before, seen)) == [
        ("bind", "down"), ("renew", "late"), ("create_group", "crew"), ("unbind", "gone"),
        ("renew", "due"), ("rebind", "other"), ("bind", "new-2"), ("bind", "new-1"), ("delete_group", "old"),
    ]  # fmt: skip


def test_binds_come_in_file_order() -> None:
    names = ["z", "a", "m"]
    found = planned([axb(name, 10 + place, 20 + place) for place, name in enumerate(names)])
    assert [name for _, name in what(found)] == names


def test_two_desks_that_swap_are_a_circle() -> None:
    found = of([desk("a", "102", 1), desk("b", "101", 2)], desk("a", "101", 1), desk("b", "102", 2))
    assert calls(found) == [("unbind", "a"), ("unbind", "b"), ("bind", "a"), ("bind", "b")]
    assert {one.order for one in found.changes} == {Order.UNBIND_FIRST}
    assert all(one.gap_seconds == 0.6 for one in found.changes)
    assert found.steps[2].after == (1, 0) and set(found.steps[3].after) == {0, 1}
    assert [one.finishes for one in found.steps] == [False, True, True, True]
    assert [one.circle and one.circle.calls for one in found.steps] == [4, 3, None, None]


@pytest.mark.parametrize("size", [3, 40])
def test_a_longer_circle(size: int) -> None:
    before = [desk(f"d{one:02d}", f"{100 + one}", one) for one in range(size)]
    after = [desk(f"d{one:02d}", f"{100 + (one + 1) % size}", one) for one in range(size)]
    found = of(after, *before)
    assert [operation for operation, _ in calls(found)] == ["unbind"] * size + ["bind"] * size


def test_a_circle_is_begun_after_all_that_any_of_it_waits_for_and_unbinds_one_after_the_other() -> None:
    """Where something fails nobody else of the circle is taken down for it."""
    found = of([ride("a", 1, 4), ride("b", 5, 2)], ride("a", 1, 2), ride("b", 3, 4), ride("c", 5, 6))
    assert calls(found) == [
        ("unbind", "c"), ("unbind", "a"), ("unbind", "b"), ("bind", "a"), ("bind", "b"),
    ]  # fmt: skip
    assert [one.after for one in found.steps[:3]] == [(), (0,), (1,)]
    assert [one.finishes for one in found.steps] == [False, False, True, True, True]
    assert [one.circle and one.circle.calls for one in found.steps] == [None, 4, 3, None, None]
    circles = [one.circle for one in found.steps if one.circle is not None]
    assert {(one.addresses, one.binds_at) for one in circles} == {
        (frozenset({"bindings.a", "bindings.b"}), frozenset({"la"}))
    }


def test_a_circle_over_two_providers_names_both() -> None:
    found = of(
        [desk("a", provider="nx2"), desk("b", a=2)],
        desk("a"),
        desk("b", a=2, provider="nx2"),
    )
    assert calls(found) == [("unbind", "a"), ("unbind", "b"), ("bind", "a"), ("bind", "b")]
    assert [one.circle and one.circle.binds_at for one in found.steps] == [
        {"nx", "nx2"},
        {"nx", "nx2"},
        None,
        None,
    ]


def test_a_chain_frees_from_its_end_and_has_no_gap() -> None:
    found = of(
        [desk("a", "102", 1), desk("b", "103", 2), desk("new", "101", 3)],
        desk("a", "101", 1),
        desk("b", "102", 2),
    )
    assert calls(found) == [
        ("bind", "b"), ("unbind", "b"), ("bind", "a"), ("unbind", "a"), ("bind", "new"),
    ]  # fmt: skip
    assert all(one.order in (Order.BIND_FIRST, None) and one.gap_seconds == 0 for one in found.changes)
    assert found.steps[2].after == (1,) and found.steps[4].after == (3,)


def test_two_circles_and_a_chain_that_waits_for_one() -> None:
    before = [
        desk("a", "101", 1),
        desk("b", "102", 2),
        desk("c", "103", 3),
        desk("d", "104", 4),
        desk("e", "105", 5),
    ]
    after = [
        desk("a", "102", 1),
        desk("b", "101", 2),
        desk("c", "104", 3),
        desk("d", "103", 4),
        desk("e", "105", 6),
    ]
    found = of([*after, desk("f", "106", 7)], *before)
    assert calls(found)[:4] == [("unbind", "a"), ("unbind", "b"), ("bind", "a"), ("bind", "b")]
    assert calls(found)[4:8] == [("unbind", "c"), ("unbind", "d"), ("bind", "c"), ("bind", "d")]
    assert calls(found)[8:] == [("unbind", "e"), ("bind", "e"), ("bind", "f")]


def test_a_bind_waits_for_the_unbind_that_frees_its_extension() -> None:
    found = of([desk("new", a=7)], desk("old"))
    assert calls(found) == [("unbind", "old"), ("bind", "new")] and found.steps[1].after == (0,)


@pytest.mark.parametrize(
    ("new", "waits"),
    [
        (ride("new", 1, 2), True), (ride("new", 2, 1), True), (ride("new", 9, 2), True),
        (ride("new", 1, 2, mode=Mode.AXXB), True), (ride("new", 1, 9, mode=Mode.AXXB), False),
        (ride("new", 8, 9), False), (axb("new", 1, 2), False),
    ],
)  # fmt: skip
def test_what_laaffic_frees(new: Binding, waits: bool) -> None:
    found = of([new], ride("old", 1, 2))
    assert what(found) == [("unbind", "old"), ("bind", "new")]
    assert found.steps[1].after == ((0,) if waits else ())


def test_a_party_that_moves_on_at_laaffic() -> None:
    found = of([ride("a", 1, 3), ride("b", 2, 4)], ride("a", 1, 2), ride("b", 3, 4))
    assert calls(found) == [("unbind", "a"), ("unbind", "b"), ("bind", "a"), ("bind", "b")]


def test_a_rebind_may_come_before_what_would_expire_sooner_when_that_needs_it() -> None:
    late = {"bindings.b": made(desk("b", "102", 2), age=DAY - 10), **bound(desk("a", "101", 1))}
    found = planned([desk("a", "103", 1), desk("b", "101", 2)], late)
    assert calls(found) == [("bind", "a"), ("unbind", "a"), ("bind", "b"), ("unbind", "b")]


def test_two_bindings_that_hold_one_extension_are_both_waited_for() -> None:
    twin = replace(made(desk("old")), bind_id="old-0", customer_bind_id="pns-7c4d1a2b-000000000000-1")
    known = state(bound(desk("old")), superseded=superseded("bindings.old", twin))
    from pnsync.matching import row_of

    found = planned([desk("new", a=7)], known, [*rows_of(known), row_of(twin)])
    assert calls(found) == [("unbind", "old"), ("unbind", "old"), ("bind", "new")]
    assert found.steps[2].after == (0, 1)


def test_pairs_of_an_unbind_first_change_are_adjacent() -> None:
    before = [axb(f"o{one}", one, one + 100) for one in range(20)]
    after = [axb(f"o{one}", one, one + 200) for one in range(20)]
    found = of(after, *before)
    assert [operation for operation, _ in calls(found)] == ["unbind", "bind"] * 20
    assert all(found.steps[place + 1].after == (place,) for place in range(0, 40, 2))


def test_keys_of_steps_name_what_they_touch() -> None:
    found = of([desk("a", "102", 1), axb("n", 1, 5)], desk("a", "101", 1))
    bind_first = found.steps[0]
    assert {"address:bindings.a", f"x:{X}:101", f"x:{X}:102"} <= bind_first.keys
    assert not bind_first.keys.isdisjoint(found.steps[2].keys)
    apart = of([axb("n", 8, 5), axb("m", 9, 6)])
    assert apart.steps[0].keys.isdisjoint(apart.steps[1].keys)


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (axb("a", 1, 2), axb("b", 1, 3), True),
        (axb("a", 1, 2), axb("b", 3, 1), True),
        (axb("a", 1, 2), axb("b", 3, 2), True),
        (axb("a", 1, 2), ride("b", 1, 3), True),
        (axb("a", 1, 2), axb("b", 3, 4), False),
        (desk("a", "101", 1), desk("b", "102", 2), False),
        (axb("a", 1, 2, customer_bind_id="66"), axb("b", 3, 4, customer_bind_id="67"), False),
        (axg("a", "crew", 1), axg("b", "crew", 2), True),
        (axg("a", "crew", 1), axg("b", "night", 2), False),
    ],
    ids=["phone a", "a as b", "phone b", "two vendors", "none", "one x", "ids", "one group", "two groups"],
)
def test_two_changes_share_a_key_where_they_touch_the_same(
    one: Binding, other: Binding, shared: bool
) -> None:
    groups = [group(name, (), group_id=f"id-{name}") for name in ("crew", "night")]
    known = state({f"groups.{each.name}": made_group(each, f"id-{each.name}") for each in groups})
    live = [live_group(known.entries[f"groups.{each.name}"]) for each in groups]  # type: ignore[arg-type]
    found = planned(desired([one, other], groups), known, observed([], live))
    first, second = found.steps
    assert first.keys.isdisjoint(second.keys) is not shared


def test_a_declared_id_that_comes_to_another_address_is_a_key_of_both() -> None:
    found = of([axb("b", 3, 4, customer_bind_id="66")], axb("a", 1, 2, customer_bind_id="66"))
    first, second = found.steps
    assert first.keys & second.keys == {"id:66"}


def test_a_group_and_what_rings_it_share_a_key() -> None:
    found = planned(desired([axg("a", "crew", 1)], [group("crew")]), state())
    create, bind = found.steps
    assert create.keys & bind.keys == {"group:groups.crew"}


@pytest.mark.parametrize("before", [None, (1, 5)], ids=["create", "update"])
def test_a_change_of_a_group_touches_the_phones_that_its_call_names(before: tuple[int, ...] | None) -> None:
    known, rows = state(), observed([])
    if before is not None:
        entry = made_group(group("crew", before))
        known, rows = state({"groups.crew": entry}), observed([], [live_group(entry)])
    found = planned(desired([axb("a", 6, 2), axb("b", 3, 4)], [group("crew", (1, 6))]), known, rows)
    change, one, other = found.steps
    assert change.keys & one.keys == {f"phone:{phone(6).digits}"}
    assert change.keys.isdisjoint(other.keys)


def test_a_step_is_sent_to_the_provider_that_holds_its_half() -> None:
    found = of([desk("a", provider="nx2")], desk("a"))
    assert [(one.operation, one.provider) for one in found.steps] == [
        (Operation.BIND, "nx2"), (Operation.UNBIND, "nx"),
    ]  # fmt: skip


def test_a_circle_at_the_vendors_x_and_a_bystander() -> None:
    before = [desk("a", "101", 1), desk("b", "101", 2, phone_x=X2), axb("o", 5, 6)]
    after = [desk("a", "101", 1, phone_x=X2), desk("b", "101", 2), axb("o", 5, 7)]
    found = of(after, *before)
    assert calls(found) == [
        ("unbind", "a"), ("unbind", "b"), ("bind", "a"), ("bind", "b"), ("unbind", "o"), ("bind", "o"),
    ]  # fmt: skip
    assert position(found, "bind", "o") == position(found, "unbind", "o") + 1


def test_nothing_is_left_out_of_a_large_plan() -> None:
    known: State = state(bound(*[desk(f"a{one}", f"{one:03d}", one % 500) for one in range(900)]))
    after = [desk(f"b{one}", f"{(one * 7) % 900:03d}", one % 500) for one in range(900)]
    found = planned(after, known)
    assert len(found.changes) == 1800 == found.calls
    assert all(before < place for place, step in enumerate(found.steps) for before in step.after)
