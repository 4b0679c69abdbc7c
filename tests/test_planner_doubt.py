"""What the planner must not conclude: open attempts, listings that cannot be trusted, modes that no listing shows."""

from dataclasses import replace

import pytest

from pnsync.errors import VendorError
from pnsync.journal import Doubled, Noted
from pnsync.matching import row_of
from pnsync.model import Binding, Moved, Observed
from pnsync.plan import Action, Plan
from pnsync.state import Operation, Standing, State
from tests.worlds import (
    DAY,
    NOW,
    PROVIDERS,
    X2,
    X,
    attempt,
    axb,
    axg,
    bound,
    codes,
    desired,
    desk,
    foreign,
    intent,
    made,
    observed,
    only,
    pending,
    planned,
    ride,
    rows_of,
    state,
    superseded,
    what,
)


def postponed(found: Plan) -> list[tuple[str, str, int | None]]:
    """Action, address and instant of what is deferred."""
    return [(one.action.value, one.address, one.not_before) for one in found.deferred]


# -- open attempts -----------------------------------------------------------------------------------------------------


def test_an_open_attempt_defers_its_address_and_no_other() -> None:
    known = state(pending=pending(attempt(axb("order"))))
    found = planned([axb("order"), axb("other", 3, 4)], known, [])
    assert what(found) == [("bind", "other")]
    assert postponed(found) == [("bind", "bindings.order", NOW + 171)]


@pytest.mark.parametrize("off", [True, False], ids=["switched off", "dropped"])
def test_an_open_first_bind_of_what_the_files_dropped(off: bool) -> None:
    """It may live already, so that the plan must not look as if all were done; what follows would be an unbind."""
    known = state(pending=pending(attempt(axb("order"))))
    found = planned([axb("order", enabled=False)] if off else [], known, [])
    assert found.empty and postponed(found) == [("bind", "bindings.order", NOW + 171)]
    assert found.valid_until == NOW + 171
    assert (found.deferred[0].source is not None) == (off and axb("order").span is not None)


def test_an_open_unbind_of_what_the_files_dropped() -> None:
    entry = made(axb("order"))
    one = intent(None, "bindings.order", operation=Operation.UNBIND, bind_id=entry.bind_id)
    known = state({"bindings.order": entry}, pending=pending(one))
    found = planned([], known)
    assert found.empty and postponed(found) == [("unbind", "bindings.order", NOW + 171)]


def test_a_refused_attempt_defers_nothing() -> None:
    known = state(pending=pending(attempt(axb("order")), standing=Standing.REFUSED))
    change = only(planned([axb("order")], known, []))
    assert change.action is Action.BIND


@pytest.mark.parametrize(
    ("lost", "wants"),
    [
        (desk("old"), desk("new", a=7)),
        (ride("old"), ride("new", a=2, b=9)),
        (ride("old"), ride("new", a=2, b=1)),
    ],
)
def test_what_an_attempt_may_have_bound_is_taken(lost: Binding, wants: Binding) -> None:
    known = state(pending=pending(attempt(lost)))
    found = planned([wants], known, [])
    window = 120 if lost.provider == "la" else 180
    assert found.empty and ("bind", "bindings.new", NOW - 10 + window + 1) in postponed(found)
    assert any("open attempt of bindings.old" in one.reason for one in found.deferred)


# -- listings ----------------------------------------------------------------------------------------------------------


def untrusted(known: State) -> Observed:
    """A listing of nx with a row that nobody can read; la is fine."""
    seen = observed(rows_of(known))
    problem = replace(seen.listings["nx"], problems=("row 3 has no bindId",))
    return Observed({**seen.listings, "nx": problem})


def unread(known: State) -> Observed:
    """nx does not answer."""
    seen = observed(rows_of(known), providers=("la", "nx2"))
    return Observed(seen.listings, {"nx": VendorError("no answer")})


@pytest.mark.parametrize("seeing", [untrusted, unread])
def test_nothing_is_concluded_from_a_listing_that_cannot_carry_it(seeing: object) -> None:
    late = made(axb("late", 21, 22), age=DAY - 60)
    known = state(
        {**bound(axb("gone", 5, 6), axb("changed", 7, 8), axb("kept", 9, 10)), "bindings.late": late}
    )
    files = [
        axb("new", 3, 4),
        axb("changed", 7, 11),
        axb("kept", 9, 10),
        axb("late", 21, 22),
        ride("other", 1, 2),
    ]
    found = planned(files, known, seeing(known))  # type: ignore[operator]
    assert what(found) == [("bind", "other")]
    said = {one.address for one in found.deferred}
    assert {"bindings.new", "bindings.gone", "bindings.changed", "bindings.late"} <= said
    assert all("the listing of nx" in one.reason and one.not_before is None for one in found.deferred)
    assert found.bookkeeping == ()


def test_what_is_missing_in_a_flawed_listing_is_not_missing() -> None:
    known = state(bound(axb("order")))
    broken = replace(observed().listings["nx"], problems=("two scans differ",))
    found = planned([axb("order")], known, Observed({"nx": broken}))
    assert found.empty and [one.action for one in found.deferred] == [Action.BIND]


def test_what_was_bound_a_moment_ago_may_not_be_listed_yet() -> None:
    known = state(bound(axb("order"), age=100))
    found = planned([axb("order")], known, [])
    assert found.empty and postponed(found) == [("bind", "bindings.order", NOW + 80)]
    forgotten = planned([], known, [])
    assert forgotten.empty and postponed(forgotten) == [("forget", "bindings.order", NOW + 80)]
    assert what(planned([axb("order")], state(bound(axb("order"), age=181)), [])) == [("bind", "order")]


def test_another_binding_under_a_used_id_is_not_ours() -> None:
    entry = made(ride("r"))
    other = replace(row_of(entry), phone_a=made(ride("x", 8, 9)).phone_a)
    found = planned([], {"bindings.r": entry}, [other])
    assert what(found) == [("forget", "r")] and found.unmanaged == 1


def test_a_ghost_of_what_was_unbound_is_nobodys() -> None:
    entry = made(axb("order"))
    known = state(unbound={("nx", "order-1"): NOW - 5}, generations={"bindings.order": 1})
    found = planned([], known, [row_of(entry)])
    assert found.empty and found.unmanaged == 0 and found.bookkeeping == ()


def test_an_id_that_a_vendor_uses_again_is_ours_where_the_state_says_so() -> None:
    known = state(bound(ride("r")), unbound={("la", "r-1"): NOW - 9000})
    assert planned([ride("r")], known).unchanged == 1


def test_moving_to_a_provider_that_cannot_be_read_waits() -> None:
    known = state(bound(axb("order", provider="nx2")))
    found = planned([axb("order")], known, unread(known))
    assert found.empty and [one.provider for one in found.deferred] == ["nx"]


def test_without_refresh_the_state_is_believed() -> None:
    known = state(bound(axb("kept"), axb("gone", 3, 4)))
    found = planned([axb("kept"), axb("new", 5, 6)], known, Observed({}), refreshed=False)
    assert what(found) == [("unbind", "gone"), ("bind", "new")] and found.unchanged == 1
    expired = state(bound(axb("kept"), age=2 * DAY))
    assert what(planned([axb("kept")], expired, Observed({}), refreshed=False)) == [("bind", "kept")]
    assert what(planned([axb("new")], state(), Observed({}), refreshed=False)) == [("bind", "new")]


# -- modes that were never seen listed -----------------------------------------------------------------------------------

UNLISTED = [desk("d"), axg("d", "crew")]


def never_seen(*bindings: Binding, **more: object) -> State:
    """A state whose provider has not yet shown an extension or axg binding."""
    entries = {
        address: replace(one, group_id="g1" if one.group else None)  # type: ignore[union-attr, call-arg]
        for address, one in bound(*bindings, **more).items()
    }
    return state(entries, notes={})


def crewed(*bindings: Binding) -> object:
    from tests.worlds import group

    return desired(bindings, [group("crew", None, group_id="g1")])


def listed(*rows: object) -> Observed:
    from tests.worlds import group, live_group, made_group

    return observed(rows, [live_group(made_group(group("crew")))])  # type: ignore[arg-type]


@pytest.mark.parametrize("one", UNLISTED)
def test_an_absent_binding_of_a_mode_never_listed_is_believed_live(one: Binding) -> None:
    found = planned(crewed(one), never_seen(one), listed())  # type: ignore[arg-type]
    assert found.empty and found.unchanged == 1 and codes(found) == ["P340"]


@pytest.mark.parametrize("one", UNLISTED)
def test_it_is_bound_again_when_it_has_expired_not_renewed(one: Binding) -> None:
    due = planned(crewed(one), never_seen(one, age=DAY - 60), listed())  # type: ignore[arg-type]
    assert due.empty and postponed(due) == [("renew", "bindings.d", NOW + 60)]
    ended = planned(crewed(one), never_seen(one, age=DAY + 60), listed())  # type: ignore[arg-type]
    assert what(ended) == [("bind", "d")]


def test_an_unbind_of_it_has_no_proof_and_the_plan_says_so() -> None:
    found = planned([], never_seen(desk("d")), [])
    assert what(found) == [("unbind", "d")] and codes(found) == ["P402", "P341"]
    rebind = planned([desk("d", a=8)], never_seen(desk("d")), [])
    assert what(rebind) == [("rebind", "d")] and codes(rebind) == ["P340", "P341"]


def test_it_holds_its_extension_all_the_same() -> None:
    found = planned([desk("d"), desk("e")], never_seen(desk("d")), [])
    assert found.empty and [one.address for one in found.deferred] == ["bindings.e"]


def test_once_one_is_listed_an_absence_counts() -> None:
    known = never_seen(desk("d"), desk("e", "102", a=3))
    found = planned([desk("d"), desk("e", "102", a=3)], known, [row_of(made(desk("d")))])
    assert what(found) == [("bind", "e")] and codes(found) == []
    assert found.bookkeeping == (Noted("lists.nx.axb_extension", "yes"),)
    noted = replace(known, notes={"lists.nx.axb_extension": "yes"})
    both = planned([desk("d"), desk("e", "102", a=3)], noted, [])
    assert what(both) == [("bind", "d"), ("bind", "e")]


def test_a_listing_that_was_not_read_believes_nothing() -> None:
    found = planned([desk("d")], never_seen(desk("d")), Observed({}))
    assert codes(found) == [] and found.empty and len(found.deferred) == 1


def no_page(name: str) -> Observed:
    """Listings of which that provider's has a hole."""
    seen = observed()
    return Observed({**seen.listings, name: replace(seen.listings[name], problems=("page 2 is missing",))})


@pytest.mark.parametrize(
    ("seen", "forgotten"),
    [
        (observed(), True), (observed(providers=("la",)), False), (no_page("nx"), False),
        (observed(clock_ahead=-1.0), False), (observed(clock_ahead=100.0), True),
    ],
    ids=["read", "not read", "with a hole", "vendor behind", "vendor ahead"],
)  # fmt: skip
@pytest.mark.parametrize("declared", [True, False])
def test_a_superseded_one_has_ended_by_both_clocks_in_a_listing(
    seen: Observed, forgotten: bool, declared: bool
) -> None:
    """Ours may be ahead; a vendor that was not read may have told that. One that is gone from the files nobody can ask."""
    old = made(desk("d", "101"))
    (memory,) = superseded("bindings.d", old).values()
    known = replace(state(superseded={memory.key: replace(memory, expires_at=NOW)}), notes={})
    files = desired([], providers=PROVIDERS if declared else {})
    found = planned(files, known, seen if declared else observed(providers=()))
    assert (Doubled(memory.key, None) in found.bookkeeping) is (forgotten or not declared)


def test_a_superseded_one_is_not_forgotten_while_it_may_live() -> None:
    old = made(desk("d"))
    known = replace(
        never_seen(desk("d", "102")), superseded=superseded("bindings.d", replace(old, bind_id="d-0"))
    )
    found = planned([desk("d", "102")], known, [])
    assert found.bookkeeping == () and codes(found) == ["P340", "P341"]
    later = planned([desk("d", "102")], known, [], now=NOW + 2 * DAY)
    assert Doubled(("nx", "d-0"), None) in later.bookkeeping


# -- needs -------------------------------------------------------------------------------------------------------------


def test_what_ours_hold_and_this_plan_does_not_free_is_deferred() -> None:
    found = planned([desk("old"), desk("new", a=9)], bound(desk("old")))
    assert found.empty and postponed(found) == [("bind", "bindings.new", None)]


def test_a_second_binding_of_one_phone_at_laaffic_is_tried() -> None:
    """Its -35 may cover the pair alone: the vendor is asked, not second-guessed."""
    found = planned([ride("a", 1, 2), ride("b", 1, 3)])
    assert what(found) == [("bind", "a"), ("bind", "b")] and not found.deferred
    found = planned([ride("a", 1, 2), ride("b", 1, 3)], bound(ride("a", 1, 2)))
    assert what(found) == [("bind", "b")] and not found.deferred


def test_a_binding_that_shares_its_phone_is_renewed() -> None:
    late = made(ride("z", 1, 2), age=DAY - 60)
    files = [ride("a", 1, 3), ride("z", 1, 2)]
    found = planned(files, {"bindings.z": late, "bindings.a": made(ride("a", 1, 3))})
    assert what(found) == [("renew", "z")] and not found.deferred


def test_what_has_ended_is_bound_again_though_its_row_is_listed_with_an_end_in_no_zone() -> None:
    over = made(ride("z", 1, 2), age=2 * DAY)
    row = replace(row_of(over), expires_at=None, naive_expiry=NOW - DAY)
    found = planned([ride("z", 1, 2)], state({"bindings.z": over}), [row])
    assert what(found) == [("bind", "z")] and not found.deferred


def test_a_pair_at_laaffic_is_bound_once() -> None:
    """Nothing would tell two of them apart."""
    found = planned([ride("b", 1, 2)], bound(ride("gone", 1, 2)))
    assert what(found) == [("unbind", "gone"), ("bind", "b")]
    found = planned([ride("a", 1, 2), ride("b", 2, 1)])
    assert what(found) == [("bind", "a")] and [one.address for one in found.deferred] == ["bindings.b"]


def test_a_freed_phone_comes_first() -> None:
    found = planned([ride("b", 1, 3)], bound(ride("gone", 1, 2)))
    assert what(found) == [("unbind", "gone"), ("bind", "b")]
    unbind, bind = found.steps
    assert bind.after == (0,) and unbind.after == ()


def test_two_numbers_at_laaffic_share_a_phone() -> None:
    from pnsync.model import Mode

    found = planned([ride("a", 1, 2, mode=Mode.AXXB), ride("b", 1, 3, mode=Mode.AXXB)])
    assert what(found) == [("bind", "a"), ("bind", "b")]


def test_a_freed_extension_of_the_same_address_frees_no_other() -> None:
    old = replace(made(desk("d", "101")), bind_id="d-0", customer_bind_id="pns-7c4d1a2b-000000000000-1")
    known = state(bound(desk("d", "102"), generation=2), superseded=superseded("bindings.d", old))
    rows = [*rows_of(known), row_of(old)]
    found = planned([desk("d", "102"), desk("e", "102", a=5), desk("f", "101", a=6)], known, rows)
    assert what(found) == [("unbind", "d"), ("bind", "f")]
    assert [one.address for one in found.deferred] == ["bindings.e"]


def test_a_source_of_moved_that_is_unknown_changes_nothing() -> None:
    files = desired([axb("order")], moved=(Moved("bindings.nothing", "bindings.order"),))
    assert what(planned(files)) == [("bind", "order")]
    assert foreign(phone_x=X).phone_x != X2
