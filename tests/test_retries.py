"""What an interrupted run had begun, and what its listing shows to have had no effect, is done again as recovery."""

from dataclasses import replace
from typing import Any

import pytest

from pnsync.journal import Resolved, Verdict, replay
from pnsync.model import Binding, Moved
from pnsync.plan import Action, Cause, Plan
from pnsync.planner.retries import again, interrupted, still_wanted
from pnsync.state import Entry, GroupEntry, Intent, Operation, Standing, State
from tests.drafts import binding, grouping, unbinding
from tests.worlds import (
    NOW,
    attempt,
    axb,
    axg,
    bound,
    codes,
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
    planned,
    ride,
    rows_of,
    state,
    superseded,
)

LONG_AGO = 4000.0
ORDER, RIDE = axb("order"), ride("ride")


def causes(found: Plan) -> list[tuple[str, str]]:
    """Action and cause of each change."""
    return [(one.action.value, one.cause.value) for one in found.changes]


def open_(one: Intent, entries: Any = None, standing: Standing = Standing.UNKNOWN) -> State:
    """A state with one attempt."""
    return state(entries, pending=pending(one, standing=standing))


@pytest.mark.parametrize("declared", [ORDER, RIDE, desk("desk"), axg("team", "crew")])
@pytest.mark.parametrize("standing", [Standing.OPEN, Standing.UNKNOWN, Standing.DOUBTFUL])
def test_a_bind_that_had_no_effect_is_recovery(declared: Binding, standing: Standing) -> None:
    crew = made_group(group("crew"))
    entries: dict[str, Entry | GroupEntry] = {"groups.crew": crew}
    one = attempt(declared, ago=LONG_AGO)
    if declared.group is not None:
        assert isinstance(one.target, Entry)
        one = replace(one, target=replace(one.target, group_id="g1"))
    known = open_(one, entries, standing)
    files = desired([declared], [group("crew")])
    change = only(planned(files, known, observed([], [live_group(crew)], started_at=float(NOW))))
    assert (change.action, change.cause) == (Action.BIND, Cause.RECOVERY)
    assert change.reason == "an interrupted bind had no effect (not in state)"


@pytest.mark.parametrize(
    "declared",
    [axb("order", b=9), axb("order", recording=True), axb("order", customer_bind_id="66"), desk("order")],
)
def test_other_values_than_were_begun_are_of_the_files(declared: Binding) -> None:
    known = open_(attempt(ORDER, ago=LONG_AGO))
    assert causes(planned([declared], known, [])) == [("bind", "config")]


@pytest.mark.parametrize("standing", [Standing.REFUSED, Standing.ECHO])
def test_an_attempt_that_blocked_nothing_is_no_reason(standing: Standing) -> None:
    """Later calls of the address may have had other values."""
    known = open_(attempt(ORDER, ago=LONG_AGO), standing=standing)
    assert causes(planned([ORDER], known, [])) == [("bind", "config")]


def test_without_an_interrupted_run_a_bind_is_of_the_files() -> None:
    assert causes(planned([ORDER])) == [("bind", "config")]


def test_both_ways_of_a_rebind() -> None:
    wanted = axb("order", b=9)
    entries = bound(ORDER)
    entry = entries["bindings.order"]
    assert isinstance(entry, Entry)
    down = replace(made(wanted, generation=2), bind_id=None, phone_x=None)
    unbinding = intent(
        down, "bindings.order", operation=Operation.UNBIND, bind_id=entry.bind_id, ago=LONG_AGO
    )
    binding = attempt(wanted, ago=LONG_AGO, replaces=entry.bind_id)
    for one in (unbinding, binding):
        known = open_(one, entries)
        assert causes(planned([wanted], known, rows_of(known))) == [("rebind", "recovery")]
        assert causes(planned([axb("order", b=8)], known, rows_of(known))) == [("rebind", "config")]
        assert planned([ORDER], known, rows_of(known)).empty
        again = planned(
            [wanted], replay(known, planned([wanted], known, rows_of(known)).bookkeeping), rows_of(known)
        )
        assert causes(again) == [("rebind", "config")]


def test_an_unbind_for_good() -> None:
    entries = bound(ORDER, axb("other", 3, 4))
    entry = entries["bindings.order"]
    assert isinstance(entry, Entry)
    one = intent(None, "bindings.order", operation=Operation.UNBIND, bind_id=entry.bind_id, ago=LONG_AGO)
    known = open_(one, entries)
    found = planned([axb("other", 3, 4)], known, rows_of(known))
    assert causes(found) == [("unbind", "recovery")]
    assert causes(planned([], known, rows_of(known))) == [("unbind", "recovery"), ("unbind", "config")]


def test_limits_and_protection_count_what_is_done_again() -> None:
    """The permission of the interrupted run was its own."""
    entries = bound(ORDER)
    entry = entries["bindings.order"]
    assert isinstance(entry, Entry)
    one = intent(None, "bindings.order", operation=Operation.UNBIND, bind_id=entry.bind_id, ago=LONG_AGO)
    known = open_(one, entries)
    assert codes(planned([], known, rows_of(known))) == ["P402"]
    guarded = open_(one, bound(replace(ORDER, protect=True)))
    assert "P401" in codes(planned([], guarded, rows_of(guarded)))
    wanted = axb("order", b=9)
    rebinding = open_(attempt(wanted, ago=LONG_AGO, replaces=entry.bind_id), entries)
    assert codes(planned([replace(wanted, protect=True)], rebinding, rows_of(rebinding))) == ["P401"]
    double = made(ORDER, generation=2)
    twice = state(bound(replace(ORDER, protect=True)), superseded=superseded("bindings.order", double))
    rows = [*rows_of(twice), *rows_of(state({"bindings.order": double}))]
    again = planned([replace(ORDER, protect=True)], twice, rows)
    assert causes(again) == [("unbind", "recovery")] and codes(again) == []


def test_a_renamed_address() -> None:
    files = desired([axb("new")], moved=(Moved("bindings.order", "bindings.new"),))
    known = open_(attempt(ORDER, ago=LONG_AGO))
    found = planned(files, known, [])
    assert [one.address for one in found.changes] == ["bindings.new"]
    assert causes(found) == [("bind", "recovery")]


@pytest.mark.parametrize(
    ("operation", "phones", "expected"),
    [
        (Operation.CREATE_GROUP, (11, 12), ("create_group", "recovery")),
        (Operation.CREATE_GROUP, (11, 13), ("create_group", "config")),
        (Operation.UPDATE_GROUP, (11, 12), ("update_group", "recovery")),
        (Operation.UPDATE_GROUP, (11, 13), ("update_group", "config")),
        (Operation.DELETE_GROUP, (11, 12), ("delete_group", "recovery")),
    ],
)
def test_groups(operation: Operation, phones: tuple[int, ...], expected: tuple[str, str]) -> None:
    wanted = group("crew")
    before = made_group(group("crew", (11,)))
    target = None if operation is Operation.DELETE_GROUP else made_group(group("crew", phones))
    one = intent(target, "groups.crew", operation=operation, group_id="g1", ago=LONG_AGO)
    entries: dict[str, Entry | GroupEntry] = (
        {} if operation is Operation.CREATE_GROUP else {"groups.crew": before}
    )
    declared = [] if operation is Operation.DELETE_GROUP else [wanted]
    live = [] if operation is Operation.CREATE_GROUP else [live_group(before)]
    found = planned(desired((), declared), open_(one, entries), observed([], live, started_at=float(NOW)))
    assert causes(found) == [expected]


def test_a_run_that_renews_takes_none_of_it_up() -> None:
    wanted = axb("order", b=9)
    known = open_(attempt(wanted, ago=LONG_AGO, replaces="order-1"), bound(ORDER))
    found = planned(desired([wanted]), known, rows_of(known), renew_only=True)
    assert found.empty
    assert any(isinstance(one, Resolved) for one in found.bookkeeping)


def test_an_allocated_extension_is_the_one_that_was_begun() -> None:
    declared = desk("desk", None, extension_auto=True)
    one = attempt(replace(declared, extension="101"), ago=LONG_AGO)
    assert isinstance(one.target, Entry)
    for extension, cause in (("000", "recovery"), ("101", "config")):
        begun = replace(one, target=replace(one.target, extension=extension, extension_auto=True))
        assert causes(planned([declared], open_(begun), [])) == [("bind", cause)]


# -- the pure parts ------------------------------------------------------------------------------------------------------


def without_effect(*attempts: Intent) -> tuple[Resolved, ...]:
    """What a listing told of them."""
    return tuple(Resolved(one.attempt, Verdict.ABSENT, NOW) for one in attempts)


def test_every_interrupted_call_is_found_by_its_address_old_and_new() -> None:
    one, two = attempt(ORDER, attempt="run.1"), attempt(RIDE, attempt="run.2")
    known = state(pending=pending(one, two))
    found = interrupted(known, without_effect(one, two), {"bindings.order": "bindings.new"})
    assert found == {"bindings.order": one, "bindings.new": one, "bindings.ride": two}


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (intent(None, "groups.crew", operation=Operation.DELETE_GROUP, provider="nx", group_id="g1"), "delete group"),
        (attempt(ORDER), "bind"),
    ],
)  # fmt: skip
def test_what_is_done_again_is_told_in_words(done: Intent, words: str) -> None:
    draft = grouping("crew", Action.DELETE_GROUP)
    if isinstance(done.target, Entry):
        draft = replace(binding(ORDER), target=done.target)
    draft = replace(draft, reason="no longer declared")
    found = again(draft, done)
    assert (found.cause, found.reason) == (
        Cause.RECOVERY, f"an interrupted {words} had no effect (no longer declared)",
    )  # fmt: skip


def test_only_what_asks_for_the_same_is_done_again() -> None:
    unbind = intent(None, "bindings.order", operation=Operation.UNBIND, bind_id="order-1", provider="nx")
    half = replace(unbind, target=attempt(ORDER).target)
    assert again(unbinding(ORDER), unbind).cause is Cause.RECOVERY
    assert again(unbinding(ORDER), half).cause is Cause.CONFIG, "the first half of a rebind"
    assert again(unbinding(ORDER), attempt(ORDER)).cause is Cause.CONFIG
    assert again(unbinding(ORDER), replace(attempt(ORDER), target=None)).cause is Cause.CONFIG
    assert again(binding(ORDER), unbind).cause is Cause.CONFIG
    forgotten = replace(unbinding(ORDER), action=Action.FORGET, old=None)
    assert again(forgotten, attempt(ORDER)).cause is Cause.CONFIG


def test_an_attempt_is_still_wanted_as_long_as_its_declaration_stays() -> None:
    talk = axg("talk", "crew")
    one = attempt(talk, generation=7)
    assert isinstance(one.target, Entry)
    to_group = replace(one, target=replace(one.target, group_id="g1"))
    assert still_wanted(to_group, talk) and still_wanted(attempt(ORDER), ORDER)
    assert not still_wanted(to_group, axg("talk", "other"))
    assert not still_wanted(replace(one, target=None), talk)
