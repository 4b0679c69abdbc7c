"""Groups in a plan: created, updated with one call, deleted last, and the bindings that refer to them."""

from dataclasses import replace

import pytest

from pnsync.journal import Recorded
from pnsync.matching import row_of
from pnsync.model import Binding, Group, Holds, Observed
from pnsync.phone import Phone
from pnsync.plan import Action, Cause, Plan
from pnsync.scope import Scope
from pnsync.state import Entry, GroupChange, GroupEntry, Operation, State
from tests.worlds import (
    DAY,
    NOW,
    axg,
    calls,
    codes,
    desired,
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
    rows_of,
    state,
    what,
)

CREW = group("crew")
TALK = axg("talk", "crew")


def known(*bindings: Binding, groups: tuple[Group, ...] = (CREW,), **more: object) -> State:
    """A state with these groups and bindings to them."""
    entries: dict[str, Entry | GroupEntry] = {}
    for place, one in enumerate(groups):
        entries[one.address] = made_group(one, f"g{place + 1}")
    ids = {one.name: f"g{place + 1}" for place, one in enumerate(groups)}
    for binding in bindings:
        entries[binding.address] = made(binding, group_id=ids.get(binding.group or "", "r1"), **more)
    return state(entries)


def of(groups: list[Group], bindings: list[Binding], before: State, live: list[object] | None = None) -> Plan:
    """A plan; without `live` the groups are listed as recorded."""
    seen = [live_group(one) for one in before.groups().values()] if live is None else live
    return planned(desired(bindings, groups), before, observed(rows_of(before), seen))  # type: ignore[arg-type]


def test_a_group_is_created_before_its_bindings() -> None:
    found = of([CREW], [TALK], state())
    assert calls(found) == [("create_group", "crew"), ("bind", "talk")]
    assert found.steps[1].after == (0,)
    change = found.changes[0]
    assert change.after is not None and change.after["phones"] == (phone(11), phone(12))
    assert (change.cause, change.calls, change.before) == (Cause.CONFIG, 1, None)


def test_nothing_to_do() -> None:
    found = of([CREW], [TALK], known(TALK))
    assert found.empty and found.unchanged == 2 and found.bookkeeping == ()


@pytest.mark.parametrize(
    ("numbers", "change", "sent"),
    [
        ((11, 12, 13), GroupChange.ADD, (13,)),
        ((12,), GroupChange.REMOVE, (11,)),
        ((12, 13, 14), GroupChange.REPLACE, (12, 13, 14)),
    ],
)
def test_an_update_is_exactly_one_call(
    numbers: tuple[int, ...], change: GroupChange, sent: tuple[int, ...]
) -> None:
    found = of([group("crew", numbers)], [TALK], known(TALK))
    update = only(found)
    assert (update.action, update.cause, update.calls) == (Action.UPDATE_GROUP, Cause.CONFIG, 1)
    (step,) = found.steps
    assert (step.group_change, step.group_phones) == (change, tuple(phone(one) for one in sent))
    assert isinstance(step.target, GroupEntry) and set(step.target.phones) == {phone(one) for one in numbers}


def test_a_group_that_somebody_changed_is_drift() -> None:
    live = live_group(made_group(CREW), phones=(phone(11), phone(12), phone(13)))
    found = of([CREW], [], known(), [live])
    update = only(found)
    assert (update.cause, found.steps[0].group_change) == (Cause.DRIFT, GroupChange.REMOVE)
    assert update.before is not None and len(update.before["phones"]) == 3  # type: ignore[arg-type]


def test_order_of_phones_is_no_difference() -> None:
    assert of([group("crew", (12, 11))], [], known()).empty


def test_a_group_is_deleted_after_what_refers_to_it() -> None:
    found = of([], [], known(TALK))
    assert calls(found) == [("unbind", "talk"), ("delete_group", "crew")]
    assert found.steps[1].after == (0,)
    moved = of([group("other", (21, 22))], [axg("talk", "other")], known(TALK))
    assert calls(moved) == [
        ("create_group", "other"), ("unbind", "talk"), ("bind", "talk"), ("delete_group", "crew"),
    ]  # fmt: skip


def test_a_group_in_use_is_not_deleted() -> None:
    before = known(TALK)
    seen = observed(rows_of(before), [live_group(made_group(CREW))])
    found = planned(desired([], []), before, seen, scope=Scope(excludes=("bindings.talk",)))
    assert found.empty
    assert [(one.address, "bindings.talk" in one.reason) for one in found.deferred] == [("groups.crew", True)]


def test_a_group_that_is_gone_is_forgotten_or_made_again() -> None:
    forgotten = only(of([], [], known(), []))
    assert (forgotten.action, forgotten.calls) == (Action.FORGET, 0)
    found = of([CREW], [TALK], known(TALK), [])
    assert calls(found) == [("create_group", "crew"), ("unbind", "talk"), ("bind", "talk")]
    create, rebind = found.changes
    assert (create.cause, rebind.cause, rebind.changed) == (Cause.DRIFT, Cause.DRIFT, ("group",))
    assert "another id" in rebind.reason


def test_a_group_that_was_made_again_rebinds_what_has_the_old_id() -> None:
    before = known(TALK)
    after = replace(before, entries={**before.entries, "groups.crew": made_group(CREW, "g9")})
    assert what(of([CREW], [TALK], after)) == [("rebind", "talk")]


def test_a_group_of_that_name_that_is_not_ours() -> None:
    found = of([CREW], [TALK], state(), [live_group(made_group(CREW, "theirs"))])
    assert found.empty and codes(found) == ["P323"]
    assert "pnsync import groups.crew theirs" in found.decisions[0].advice
    assert [one.address for one in found.deferred] == ["bindings.talk"]


HELD = group("crew", None)


def test_a_read_only_group_is_found_by_name_or_id() -> None:
    live = [live_group(made_group(CREW, "r1")), live_group(made_group(CREW, "r2"), name="another")]
    assert what(of([HELD], [TALK], state(), live)) == [("bind", "talk")]  # type: ignore[arg-type]
    two = [live[0], replace(live[1], name="crew")]
    found = of([HELD], [TALK], state(), two)  # type: ignore[arg-type]
    assert found.empty and codes(found) == ["P321"] and "r1, r2" in found.decisions[0].summary
    named = group("crew", None, group_id="r2")
    (step,) = of([named], [TALK], state(), two).steps  # type: ignore[arg-type]
    assert isinstance(step.target, Entry) and step.target.group_id == "r2"


def test_a_read_only_group_that_vanished_is_a_decision_and_unbinds_nothing() -> None:
    before = known(TALK, groups=())
    found = of([HELD], [TALK], before, [])
    assert found.empty and codes(found) == ["P320"] and found.unchanged == 1
    late = known(TALK, groups=(), age=DAY - 60)
    assert what(of([HELD], [TALK], late, [])) == [("renew", "talk")]


def test_a_read_only_group_with_another_id_is_a_rebind() -> None:
    before = known(TALK, groups=())
    found = of([HELD], [TALK], before, [live_group(made_group(CREW, "r7"))])
    assert [(one.action, one.cause) for one in found.changes] == [(Action.REBIND, Cause.DRIFT)]


@pytest.mark.parametrize("operation", [Operation.CREATE_GROUP, Operation.UPDATE_GROUP])
def test_an_open_attempt_of_a_group_defers_it_and_what_is_new(operation: Operation) -> None:
    target = made_group(group("crew", (11, 13)), "" if operation is Operation.CREATE_GROUP else "g1")
    one = intent(target, "groups.crew", operation=operation, group_id=target.group_id or None)
    before = state() if operation is Operation.CREATE_GROUP else known(TALK)
    before = replace(before, pending=pending(one))
    found = of([CREW], [TALK], before)
    assert found.empty and "groups.crew" in [one.address for one in found.deferred]
    assert (found.unchanged == 1) == (operation is Operation.UPDATE_GROUP)


def test_every_group_that_the_files_dropped_goes_wherever_it_stands_in_the_order() -> None:
    dropped = (group("alpha", (21, 22)), group("zulu", (23, 24)))
    found = of([CREW], [TALK], known(TALK, groups=(dropped[0], CREW, dropped[1])))
    assert sorted(calls(found)) == [("delete_group", "alpha"), ("delete_group", "zulu")]


def test_an_open_first_attempt_of_a_group_that_the_files_dropped_waits() -> None:
    one = intent(made_group(CREW, ""), "groups.crew", operation=Operation.CREATE_GROUP)
    found = of([], [], state(pending=pending(one)))
    assert found.empty
    assert [(told.address, told.action) for told in found.deferred] == [("groups.crew", Action.CREATE_GROUP)]


def test_groups_of_a_provider_that_cannot_be_read_wait() -> None:
    found = planned(desired([TALK], [CREW]), state(), Observed({}))
    assert {one.address for one in found.deferred} == {"groups.crew", "bindings.talk"} and found.empty
    kept = planned(desired([TALK], [CREW]), known(TALK), Observed({}))
    assert kept.empty and not kept.decisions
    dropped = planned(desired([], []), known(), Observed({}))
    assert [one.action for one in dropped.deferred] == [Action.DELETE_GROUP]


def test_groups_without_refresh_are_believed() -> None:
    found = planned(desired([TALK], [CREW]), known(TALK), Observed({}), refreshed=False)
    assert found.empty and found.unchanged == 2
    new = planned(desired([TALK], [CREW]), state(), Observed({}), refreshed=False)
    assert calls(new) == [("create_group", "crew"), ("bind", "talk")]
    read_only = planned(desired([TALK], [HELD]), known(TALK, groups=()), Observed({}), refreshed=False)
    assert read_only.empty and read_only.unchanged == 1 and not read_only.decisions


def test_binds_to_a_group_that_this_plan_leaves_out_wait() -> None:
    found = planned(desired([TALK], [CREW]), state(), observed(), scope=Scope(targets=("bindings.talk",)))
    assert found.empty and [one.address for one in found.deferred] == ["bindings.talk"]
    assert "groups.crew" in found.deferred[0].reason


def test_name_and_remark_cannot_be_changed_and_policy_is_recorded() -> None:
    found = of([replace(CREW, remark="new")], [], known())
    assert found.empty and codes(found) == ["P322"]
    kept = of([replace(CREW, protect=True)], [], known())
    (event,) = kept.bookkeeping
    assert isinstance(event, Recorded) and isinstance(event.entry, GroupEntry) and event.entry.protect


def test_destroy_unbinds_then_deletes() -> None:
    found = planned(
        desired([TALK], [CREW]),
        known(TALK),
        observed([row_of(made(TALK, group_id="g1"))], [live_group(made_group(CREW))]),
        destroy=True,
    )
    assert calls(found) == [("unbind", "talk"), ("delete_group", "crew")] and not found.refusals


def test_an_adopted_group_binding_is_not_rebound_for_an_id_that_no_listing_shows() -> None:
    before = known()
    row = row_of(made(TALK))
    found = planned(desired([TALK], [CREW]), before, observed([row], [live_group(made_group(CREW))]))
    assert what(found) == [("adopt", "talk")]
    entries = {**before.entries, "bindings.talk": made(TALK, group_id=None)}
    again = planned(desired([TALK], [CREW]), state(entries), observed([row], [live_group(made_group(CREW))]))
    assert again.empty
    (event,) = again.bookkeeping
    assert isinstance(event, Recorded) and isinstance(event.entry, Entry) and event.entry.group_id == "g1"


def test_numbers_of_people_in_a_group_are_phones() -> None:
    change = of([CREW], [], state()).changes[0]
    assert change.after is not None and all(isinstance(one, Phone) for one in change.after["phones"])  # type: ignore[union-attr]
    numbers = of([replace(CREW, holds=Holds.NUMBERS)], [], state()).changes[0]
    assert numbers.after is not None and numbers.after["phones"] == "447700900011, 447700900012"


# -- listings that lag ---------------------------------------------------------------------------------------------


def lately(seconds: int) -> State:
    """A state with a group whose last call was signed so long ago."""
    return state({CREW.address: replace(made_group(CREW, "g1"), changed_at=NOW - seconds)})


@pytest.mark.parametrize(("seconds", "waits"), [(0, True), (180, True), (181, False)])
def test_a_group_of_a_moment_ago_is_not_made_twice(seconds: int, waits: bool) -> None:
    """A listing may lag by as long as a call may take effect."""
    found = of([CREW], [], lately(seconds), [])
    if waits:
        assert found.empty
        (postponed,) = found.deferred
        assert (postponed.address, postponed.action) == (CREW.address, Action.CREATE_GROUP)
        assert postponed.not_before == NOW - seconds + 180
    else:
        assert what(found) == [("create_group", "crew")]


def test_a_group_of_a_moment_ago_is_not_forgotten() -> None:
    assert of([], [], lately(10), []).empty
    assert what(of([], [], lately(181), [])) == [("forget", "crew")]


def test_an_update_of_a_moment_ago_is_not_repeated() -> None:
    before = lately(10)
    stale = replace(live_group(before.groups()[CREW.address]), phones=(phone(77),))
    assert of([CREW], [], before, [stale]).empty
    older = of([CREW], [], lately(181), [stale])
    assert what(older) == [("update_group", "crew")]


def test_a_group_that_is_listed_as_it_was_left_is_changed_at_once() -> None:
    more = replace(CREW, phones=(*(CREW.phones or ()), phone(77)))
    assert what(of([more], [], lately(1))) == [("update_group", "crew")]
