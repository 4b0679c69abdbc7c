"""What a bind leaves in the state, told by the events around it; and the small rules that plans rest on."""

from dataclasses import replace

import pytest

from pnsync.journal import Applied, Closed, Doubled, NotSent, Opened, Recorded, Resolved, Verdict, replay
from pnsync.matching import row_of
from pnsync.model import Mode
from pnsync.plan import Cause
from pnsync.planner.comparison import changed_names
from pnsync.planner.resources import held_by, needs_of
from pnsync.recovery import settle
from pnsync.state import Entry, Operation, State
from tests.worlds import (
    DAY,
    NOW,
    X2,
    attempt,
    axb,
    axg,
    bound,
    desired,
    desk,
    group,
    intent,
    live_group,
    made,
    made_group,
    observed,
    only,
    pending,
    phone,
    planned,
    ride,
    rows_of,
    state,
    superseded,
)

ORDER = axb("order")


def after_bind(known: State, number: str = "new-1") -> State:
    """The state after an acknowledged bind."""
    one = attempt(ORDER, ago=0)
    return replay(known, [Opened(one), Closed(one.attempt, Applied(number, X2), NOW)])


def test_a_bind_supersedes_what_may_still_live() -> None:
    assert list(after_bind(state(bound(ORDER))).superseded) == [("nx", "order-1")]
    assert after_bind(state(bound(ORDER, age=2 * DAY))).superseded == {}
    assert after_bind(state()).superseded == {}


def test_an_id_that_comes_again_is_no_ghost() -> None:
    after = after_bind(state(unbound={("nx", "new-1"): NOW - 60, ("nx", "other"): NOW - 60}))
    assert dict(after.unbound) == {("nx", "other"): NOW - 60}
    entry = after.entries["bindings.order"]
    assert isinstance(entry, Entry) and (entry.bind_id, entry.bound_at, entry.expires_at) == (
        "new-1",
        NOW,
        NOW + DAY,
    )


def test_a_generation_that_was_not_sent_is_free_again() -> None:
    one = attempt(ORDER, generation=3)
    opened = replay(state(generations={"bindings.order": 2}), [Opened(one)])
    assert opened.next_generation("bindings.order") == 4
    assert (
        replay(opened, [Closed(one.attempt, NotSent("no route"), NOW)]).next_generation("bindings.order") == 3
    )


def test_what_is_forgotten_fails_no_longer() -> None:
    one = attempt(ORDER)
    failed = replay(state(bound(ORDER)), [Opened(one), Closed(one.attempt, NotSent("no route"), NOW)])
    assert "bindings.order" in failed.failures
    gone = replay(failed, [Recorded("bindings.order", None)])
    assert gone.failures == {} and gone.entries == {}


def test_an_unbind_of_a_superseded_binding_leaves_the_address() -> None:
    twin = replace(made(ORDER), bind_id="order-0")
    known = state(bound(ORDER), superseded=superseded("bindings.order", twin))
    one = intent(None, "bindings.order", operation=Operation.UNBIND, bind_id="order-0")
    after = replay(known, [Opened(one), Closed(one.attempt, Applied(), NOW)])
    assert after.entries == known.entries and after.superseded == {} and ("nx", "order-0") in after.unbound
    assert replay(known, [Doubled(("nx", "order-0"), None)]).superseded == {}
    assert replay(known, [Resolved("nothing", Verdict.APPLIED, NOW)]) == known


# -- small rules ---------------------------------------------------------------------------------------------------------


def test_bindings_that_share_little_are_compared_by_attribute() -> None:
    assert changed_names({"a": "1", "b": "2", "c": "3"}, {"d": "4", "e": "5", "f": "6"}) == (
        "d", "e", "f", "a", "b", "c",
    )  # fmt: skip
    assert changed_names({"phone_x": "1", "mode": "axb"}, {"mode": "axb"}) == ()
    phones = (phone(1), phone(2))
    assert changed_names({"phones": phones}, {"phones": phones[:1]}) == ("phones",)


def test_a_second_binding_at_laaffic_frees_all_that_it_may_hold() -> None:
    (old,) = superseded("bindings.ride", made(ride("ride"))).values()
    la = frozenset({"la"})
    assert (
        set(held_by(old, la)) == set(held_by(old, la, Mode.AXB)) == set(needs_of(made(ride("x", 2, 1)), la))
    )
    assert len(held_by(old, la, Mode.AXXB)) == 1 and held_by(old, frozenset()) == ()


def test_an_x_that_the_vendor_changed_under_its_own_choice_is_learned() -> None:
    live = replace(row_of(made(ORDER)), phone_x="447700900955")
    found = planned([ORDER], bound(ORDER), [live])
    assert found.empty
    (event,) = found.bookkeeping
    assert (
        isinstance(event, Recorded)
        and isinstance(event.entry, Entry)
        and event.entry.phone_x == "447700900955"
    )


def test_a_new_group_id_beside_drift_is_drift() -> None:
    talk = axg("talk", "crew")
    known = state(
        {"groups.crew": made_group(group("crew"), "g2"), "bindings.talk": made(talk, group_id="g1")}
    )
    row = replace(rows_of(known)[0], recording=True)
    seen = observed([row], [live_group(made_group(group("crew"), "g2"))])
    assert only(planned(desired([talk], [group("crew")]), known, seen)).cause is Cause.DRIFT


@pytest.mark.parametrize("age", [DAY, DAY + 1])
def test_what_ends_now_and_is_not_declared_has_expired(age: int) -> None:
    known = bound(ORDER, age=age)
    change = only(planned([], known, [row_of(made(ORDER, age=age))]))
    assert (change.action.value, change.cause) == ("forget", Cause.EXPIRY)


def test_a_plan_never_holds_until_the_past() -> None:
    known = state(pending=pending(attempt(ORDER, ago=500)))
    found = planned([ORDER], known, observed(scans=1))
    assert [one.not_before for one in found.deferred] == [NOW - 319] and found.valid_until is None


def test_renew_forgets_nothing_and_records_no_policy() -> None:
    from pnsync.model import Lifetime
    from pnsync.planner.table import desired_of_state

    ended = axb("ended", 3, 4, lifetime=Lifetime(60, until=NOW - 5))
    desk_entry = made(
        desk("d", None, phone_x=None, x_group="pool", extension_auto=True), extension="101", file="a"
    )
    known = state({"bindings.ended": replace(made(ended), bind_id=None), "bindings.d": desk_entry})
    found = planned(desired_of_state(desired(), known), known, rows_of(known), renew_only=True)
    assert found.empty and found.bookkeeping == ()


def test_a_group_of_another_address_is_no_outcome() -> None:
    target = made_group(group("crew"), "")
    one = intent(target, "groups.new", operation=Operation.CREATE_GROUP)
    known = state({"groups.crew": made_group(group("crew"))}, pending=pending(one))
    assert settle(known, observed([], [live_group(made_group(group("crew")))]), {}, NOW).events == ()


def test_beside_a_decision_no_stray_takes_the_address() -> None:
    one = attempt(desk("d"), generation=5)
    target = one.target
    assert isinstance(target, Entry)
    wrong = replace(row_of(replace(target, bind_id="w")), phone_a=phone(9))
    stray = row_of(made(desk("d"), generation=3))
    known = state(pending=pending(one), generations={"bindings.d": 5})
    found = settle(known, observed([wrong, stray]), {}, NOW)
    assert [decision.code for decision in found.decisions] == ["P301"]
    assert found.state.entries == {} and found.state.superseded["nx", "d-3"].address == "bindings.d"


def test_an_address_with_an_open_attempt_keeps_even_its_second_binding() -> None:
    twin = replace(made(ORDER), bind_id="order-0")
    known = state(
        bound(ORDER), superseded=superseded("bindings.order", twin), pending=pending(attempt(ORDER))
    )
    found = planned([ORDER], known, [*rows_of(known), row_of(twin)])
    assert found.empty and found.bookkeeping == ()


@pytest.mark.parametrize("age", [7200, 2 * DAY])
def test_a_group_is_deleted_with_a_binding_that_is_gone(age: int) -> None:
    entries = {
        "groups.crew": made_group(group("crew")),
        "bindings.t": made(axg("t", "crew"), age=age, group_id="g1"),
    }
    found = planned(desired(), state(entries), observed([], [live_group(made_group(group("crew")))]))
    assert [one.action.value for one in found.changes] == ["forget", "delete_group"]
