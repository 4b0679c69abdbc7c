"""Carrying a plan out: every call between a durable intent and a durable outcome, in order, and nothing without ground."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnsync.apply.proofs import PROOF_SECONDS, Proofs
from pnsync.errors import Interrupted, StateError
from pnsync.journal import Applied, Closed, Opened, Refusal, open_intents
from pnsync.journal import Recorded as RecordedEntry
from pnsync.model import Lifetime, Listing
from pnsync.plan import Action, Plan
from pnsync.state import Entry, State
from pnsync.statefile.codes import refusal as state_refusal
from pnsync.verdict import Done, Failed
from tests.applying import (
    Answer,
    Bench,
    Called,
    Recorded,
    bind,
    binds,
    change,
    not_sent,
    plan_of,
    refused,
    short,
    unknown,
)
from tests.worlds import (
    NOW,
    X,
    axb,
    axg,
    bound,
    desired,
    desk,
    group,
    live_group,
    made,
    made_group,
    planned,
    ride,
    state,
)

A, B, C, D = (axb(name, 2 * place, 2 * place + 1) for place, name in enumerate("abcd", 10))
MORE = [axb(f"n{place:02}", 100 + place, 200 + place) for place in range(40)]
ANSWERS: tuple[tuple[str, Answer | None], ...] = (
    ("done", None),
    ("unknown", unknown()),
    ("lost", unknown("reset")),
    ("limited", unknown("429", rate_limited=True)),
    ("refused", refused(Refusal.VALIDATION)),
    ("clock", refused(Refusal.CLOCK)),
    ("conflict", refused(Refusal.CONFLICT)),
    ("full", refused(Refusal.CAPACITY)),
    ("away", not_sent),
)


# -- the protocol --------------------------------------------------------------------------------------------------


def protocol_holds(bench: Bench, plan: Plan, parallelism: int) -> None:
    """What is true of every run whatever the vendors answer."""
    opened: dict[str, int] = {}
    closed: set[str] = set()
    attempts: list[str] = []
    flying: dict[str, frozenset[str]] = {}
    keys = {one.address: plan.steps[number].keys for number, one in enumerate(plan.changes)}
    for place, one in enumerate(bench.happened):
        if isinstance(one, Recorded):
            for event in one.events:
                if isinstance(event, Opened):
                    opened[event.intent.attempt] = place
                elif isinstance(event, Closed):
                    closed.add(event.attempt)
                    flying.pop(event.attempt)
        elif isinstance(one, Called):
            name = one.intent.attempt
            attempts.append(name)
            before = opened[name]
            assert all(isinstance(told, Done) for told in bench.happened[before + 1 : place])
            assert bench.happened[before - 1] == "check", "nothing between the question and the intent"
            mine = keys[one.intent.address]
            assert not any(mine & others for others in flying.values()), "what shares a key never overlaps"
            flying[name] = mine
            assert len(flying) <= parallelism
        elif isinstance(one, Done):
            last = [name for name in attempts if opened_for(bench, name) == one.address][-1]
            assert last in closed, "told only when its outcome is durable"
    assert len(attempts) == len(set(attempts)), "no attempt has another's name"
    assert closed == set(attempts), "every outcome is recorded in the end"
    assert bench.tally.calls == len(attempts)


def opened_for(bench: Bench, name: str) -> str:
    return next(one.address for one in bench.intents if one.attempt == name)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 4), st.integers(2, 9))
def test_every_call_stands_between_its_intent_and_its_outcome(
    data: st.DataObject, parallelism: int, count: int
) -> None:
    keys = [data.draw(st.sets(st.sampled_from("uvwxyz"), max_size=2)) for _ in range(count)]
    plan = binds(*((one, mine) for one, mine in zip(MORE, keys, strict=False)))
    bench = Bench()
    for one in MORE[:count]:
        drawn = data.draw(st.lists(st.sampled_from(ANSWERS), max_size=4))
        bench.answers[f"bind {one.name}"] = [
            answer or (lambda asked: bench.call(asked)) for _, answer in drawn
        ]
        bench.seconds[f"bind {one.name}"] = data.draw(st.sampled_from((0.5, 1.0, 3.0)))
    bench.go(plan, parallelism=parallelism)
    protocol_holds(bench, plan, parallelism)
    told = Counter([*bench.done, *bench.failed, *bench.uncertain, *bench.left])
    assert told == Counter(one.name for one in MORE[:count]), "every change is told or left, once"
    for one in MORE[:count]:
        entry = bench.state.entries.get(one.address)
        assert (one.name in bench.done) is isinstance(entry, Entry)


def test_a_change_is_recorded_called_recorded_and_told() -> None:
    bench = Bench().go(binds((A, ())))
    check, opened, called, closed, done = bench.happened
    (asked,) = bench.intents
    assert check == "check"
    assert opened == Recorded((Opened(asked),))
    assert called == Called(asked, 0.0)
    assert isinstance(closed, Recorded)
    (ended,) = closed.events
    assert isinstance(ended, Closed) and isinstance(ended.outcome, Applied)
    assert (ended.attempt, ended.at) == (asked.attempt, NOW + 1)
    entry = bench.state.bindings()["bindings.a"]
    assert done == Done(
        "bindings.a", "bind", "nx", "bound", 1.0, entry.phone_x, None, "2027-01-16T08:00:00Z", ""
    )
    assert bench.tally.bound == {"bindings.a"} and bench.tally.done == {"bindings.a": "bound"}


def test_the_answer_of_one_change_and_the_intent_of_the_next_are_one_record() -> None:
    bench = Bench().go(binds((A, ()), (B, ()), (C, ())))
    assert [[type(one) for one in events] for events in bench.records] == [
        [Opened], [Closed, Opened], [Closed, Opened], [Closed],
    ]  # fmt: skip


def test_an_intent_says_what_it_is_made_from() -> None:
    bench = Bench()
    bench.accounts["nx"].ahead = 5.0
    bench.passed = 7.0
    bench.go(binds((A, ()), (B, ())))
    first, second = bench.intents
    assert (first.attempt, second.attempt) == ("run.0", "run.1")
    assert (first.signed_at, first.not_before) == (NOW + 12.0, NOW + 187.0)
    assert first.customer_bind_id is not None and first.address == "bindings.a"


def test_attempts_of_a_run_that_plans_again_go_on_counting() -> None:
    bench = Bench().go(binds((A, ())))
    bench.go(binds((B, ())))
    assert [one.attempt for one in bench.intents] == ["run.0", "run.1"]


def test_a_bind_without_client_ids_knows_what_was_listed_before() -> None:
    one, twin = ride("r", 1, 2), made(ride("old", 1, 2))
    bench = Bench(state({"bindings.old": twin})).go(binds((one, ())))
    assert bench.intents[0].known_ids == ("old-1",)


def test_a_group_knows_what_was_listed_before() -> None:
    crew = group("crew")
    bench = Bench()
    bench.vendor.groups = {
        number: live_group(made_group(crew, number), name=name)
        for number, name in (("g9", crew.group_name), ("g8", "others"))
    }
    bench.go(planned(desired([], [crew]), state(), []))
    assert bench.intents[0].known_ids == ("g9",)


# -- order -----------------------------------------------------------------------------------------------------------


def test_calls_leave_in_plan_order_one_at_a_time() -> None:
    bench = Bench().go(binds(*((one, ()) for one in MORE[:5])))
    assert bench.calls == [f"bind {one.name}" for one in MORE[:5]]
    assert bench.times == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_with_several_in_flight_what_is_free_goes_on_and_what_shares_a_key_waits() -> None:
    bench = Bench()
    bench.seconds["bind a"] = 5.0
    bench.go(binds((A, "k"), (B, "k"), (C, "l"), (D, "m")), parallelism=2)
    assert list(zip(bench.calls, bench.times, strict=True)) == [
        ("bind a", 0.0), ("bind c", 0.0), ("bind d", 1.0), ("bind b", 5.0),
    ]  # fmt: skip


def test_nobody_overtakes_one_that_waits_and_shares_a_key_with_it() -> None:
    bench = Bench()
    bench.seconds["bind a"] = 5.0
    bench.go(binds((A, "k"), (B, "kl"), (C, "l"), (D, "m")), parallelism=3)
    assert bench.calls == ["bind a", "bind d", "bind b", "bind c"]


def test_nobody_overtakes_any_of_several_that_wait() -> None:
    bench = Bench()
    bench.seconds["bind a"] = 5.0
    bench.go(binds((A, "k"), (B, "kx"), (C, "ky"), (D, "x"), (MORE[0], "y"), (MORE[1], "z")), parallelism=3)
    assert bench.calls[:2] == ["bind a", "bind n01"]
    assert bench.times[2] == 5.0


@pytest.mark.parametrize(("blocked", "begins"), [(23, 0.0), (24, 5.0)])
def test_how_far_ahead_it_looks_is_bounded(blocked: int, begins: float) -> None:
    bench = Bench()
    bench.seconds["bind a"] = 5.0
    bench.go(binds((A, "k"), *((one, "k") for one in MORE[:blocked]), (B, "m")), parallelism=2)
    assert dict(zip(bench.calls, bench.times, strict=True))["bind b"] == begins


def test_a_step_waits_for_what_it_comes_after() -> None:
    plan = binds((A, ()), (B, ()), (C, ()))
    plan = replace(plan, steps=(*plan.steps[:2], replace(plan.steps[2], after=(0,))))
    bench = Bench()
    bench.seconds["bind a"] = 3.0
    bench.go(plan, parallelism=3)
    assert bench.calls == ["bind a", "bind b", "bind c"]
    assert bench.times == [0.0, 0.0, 3.0]


def test_a_vendors_pace_is_kept() -> None:
    bench = Bench()
    bench.accounts["nx"].paces = [0.0, 0.25, 4.0]
    bench.go(binds((A, ()), (B, ()), (C, ())), parallelism=2)
    assert bench.times == [0.0, 0.25, 5.0]


def test_while_nothing_flies_a_pace_is_slept_with_all_recorded() -> None:
    bench = Bench()
    bench.accounts["nx"].paces = [2.5, 3.0]
    bench.go(binds((A, ()), (B, ())))
    assert (bench.slept, bench.times) == ([2.5, 3.0], [2.5, 6.5])
    assert [len(one) for one in bench.records] == [1, 1, 1, 1], "the first answer does not wait out the pause"


def test_a_plan_without_steps_does_nothing() -> None:
    assert Bench().go(plan_of([], [])).happened == []


def test_what_can_never_start_is_left() -> None:
    plan = binds((A, ()), (B, ()))
    waiting = [replace(one, after=(1 - number,)) for number, one in enumerate(plan.steps)]
    bench = Bench().go(replace(plan, steps=tuple(waiting)))
    assert (bench.calls, bench.left) == ([], ["a", "b"])


def test_why_the_other_half_of_a_change_never_came_is_told() -> None:
    one = replace(made(A), bind_id=None)
    circle = [bind(0, one), bind(0, one, after=(0, 2)), bind(0, one, after=(0, 1))]
    bench = Bench().go(plan_of([change("a", Action.REBIND, calls=3)], circle))
    assert bench.calls == ["bind a"]
    assert bench.failed == {"a": ("A130", "half done: what it depends on did not end")}


# -- without calls -----------------------------------------------------------------------------------------------------


def test_adoptions_are_recorded_together_before_the_first_call_and_told() -> None:
    adopted = [RecordedEntry(f"bindings.{one.name}", made(one)) for one in (B, C)]
    lines = [
        change(short(one.address), Action.ADOPT, calls=0, events=(one,), reason="ours by its id")
        for one in adopted
    ]
    plan = binds((A, ()))
    plan = replace(plan, changes=(*plan.changes, *lines))
    bench = Bench().go(plan)
    assert bench.happened[0] == Recorded(tuple(adopted))
    told = bench.happened[1:3]
    assert [(one.address, one.result, one.note, one.seconds) for one in told if isinstance(one, Done)] == [
        ("bindings.b", "adopted", "ours by its id", 0.0),
        ("bindings.c", "adopted", "ours by its id", 0.0),
    ]
    assert bench.done == ["b", "c", "a"]


def test_the_events_of_a_change_with_calls_are_not_recorded_ahead() -> None:
    plan = binds((A, ()), events=(RecordedEntry("bindings.z", made(D)),))
    assert "bindings.z" not in Bench().go(plan).state.entries


# -- ground ------------------------------------------------------------------------------------------------------------


def test_a_bind_whose_end_has_passed_at_the_vendor_is_not_made() -> None:
    late = axb("late", lifetime=Lifetime(None, until=NOW + 10))
    for ahead, made_ in ((9.0, True), (10.0, False), (60.0, False)):
        bench = Bench()
        bench.accounts["nx"].ahead = ahead
        bench.go(binds((late, ()), (B, ())))
        assert ("bind late" in bench.calls) is made_
        assert bench.calls[-1] == "bind b", "the rest goes on"
    (told,) = bench.told(Failed)
    assert told == Failed(
        "bindings.late", "bind", "nx", "A110", "", "", "its expires_at has passed meanwhile", "plan again"
    )


def test_what_is_bound_goes_though_the_end_of_what_was_to_come_has_passed() -> None:
    known = state(bound(A))
    bench = Bench(known)
    bench.accounts["nx"].ahead = 60.0
    bench.go(planned([replace(A, lifetime=Lifetime(None, until=NOW + 40), recording=True)], known))
    assert bench.calls == ["unbind a"]
    assert bench.failed["a"][0] == "A110"


def removal(**more: Any) -> tuple[Bench, Plan]:
    """A bench with one binding that is to be unbound."""
    known = state(bound(A))
    return Bench(known), planned([], known, **more)


def test_an_unbind_is_made_when_the_listing_shows_the_binding_as_recorded() -> None:
    bench, plan = removal()
    bench.go(plan)
    assert bench.calls == ["unbind a"] and bench.state.entries == {}
    assert bench.relisted == []
    assert bench.intents[0].unbinds is not None


@pytest.mark.parametrize("other", ["gone", "foreign id", "untrusted", "unread"])
def test_nothing_is_unbound_that_the_listing_does_not_show_as_ours(other: str) -> None:
    bench, plan = removal()
    key = ("nx", "a-1")
    if other == "gone":
        del bench.vendor.rows[key]
    elif other == "foreign id":
        bench.vendor.rows[key] = replace(bench.vendor.rows[key], customer_bind_id="somebody-else")
    listings = dict(bench.listing())
    if other == "untrusted":
        listings["nx"] = replace(listings["nx"], problems=("a row that cannot be read",))
    if other == "unread":
        del listings["nx"]
        bench.listed = {}
    bench.applying(plan, proofs=Proofs(listings, 0.0)).go()
    assert bench.calls == []
    (told,) = bench.told(Failed)
    assert told == Failed(
        "bindings.a", "unbind", "nx", "A111", "", "",
        "the listing does not show a-1 as ours, so it is not unbound",
        "plan again; if it stays, `pnsync state rm` it and look at it at the vendor",
    )  # fmt: skip
    assert bench.relisted == (["nx"] if other == "unread" else [])


@pytest.mark.parametrize(("age", "again"), [(PROOF_SECONDS, False), (PROOF_SECONDS + 0.5, True)])
def test_a_proof_older_than_ten_minutes_is_read_again(age: float, again: bool) -> None:
    assert PROOF_SECONDS == 600
    bench, plan = removal()
    proofs = Proofs(bench.listing(), 0.0)
    bench.passed = age
    del bench.vendor.rows[("nx", "a-1")]
    bench.answers["unbind a"] = [lambda asked: Applied()]
    bench.applying(plan, proofs=proofs).go()
    assert bench.relisted == (["nx"] if again else [])
    assert bench.calls == ([] if again else ["unbind a"])


def test_a_new_proof_is_read_with_all_recorded_and_serves_the_rest() -> None:
    known = state(bound(A, B, C))
    bench = Bench(known)
    proofs = Proofs(bench.listing(), 0.0)
    bench.seconds["unbind a"] = 700.0
    bench.applying(planned([], known), proofs=proofs).go()
    assert bench.calls == ["unbind a", "unbind b", "unbind c"]
    assert bench.relisted == ["nx"], "once"
    before = bench.happened[: bench.happened.index("relist nx")]
    assert isinstance(before[-2], Recorded), "what is known is durable before the long reading"


def test_a_listing_during_which_the_run_stood_still_proves_nothing() -> None:
    bench, plan = removal()
    proofs = Proofs(bench.listing(), 0.0)
    bench.passed = PROOF_SECONDS + 1
    read = bench.relist

    def slowly(name: str) -> Mapping[str, Listing]:
        found = read(name)
        bench.passed += PROOF_SECONDS + 1
        return found

    bench.relist = slowly  # type: ignore[method-assign]
    bench.applying(plan, proofs=proofs).go()
    assert (bench.calls, bench.failed["a"][0]) == ([], "A111")


def hanging(known: State) -> Bench:
    """A bench on which a new proof is never read: a signal comes instead."""
    bench = Bench(known)

    def hangs(name: str) -> Mapping[str, Listing]:
        bench.signal_at = bench.passed
        raise Interrupted(2)

    bench.relist = hangs  # type: ignore[method-assign]
    return bench


def test_a_signal_while_a_new_proof_is_read_lets_what_flies_land_and_begins_nothing() -> None:
    """The vendor hangs: what had begun is counted and recorded, and the rest was not tried."""
    known = state(bound(A, B, C))
    bench = hanging(known)
    bench.seconds = {"unbind a": 700.0, "unbind b": 702.0}
    bench.go(planned([axb("d", 51, 52)], known), parallelism=2)
    assert bench.calls == ["unbind a", "unbind b"] and bench.passed == 702.0
    assert (bench.done, bench.left, bench.failed) == (["a", "b"], ["c", "d"], {})
    assert bench.state.entries.keys() == {"bindings.c"} and not bench.state.blocking()


def test_a_second_half_is_made_after_a_signal_while_another_s_new_proof_is_read() -> None:
    known = state(bound(A, B))
    bench = hanging(known)
    bench.seconds["unbind a"] = 700.0
    plan = planned([replace(A, recording=True), replace(B, recording=True)], known)
    first, second, other, last = plan.steps
    assert (second.after, last.after) == ((0,), (2,))
    bench.go(replace(plan, steps=(first, other, second, replace(last, after=(1,)))))
    assert bench.calls == ["unbind a", "bind a"]
    assert (bench.done, bench.left, bench.failed) == (["a"], ["b"], {})


def test_an_old_half_that_waits_for_a_new_proof_leaves_its_change_half_done_when_a_signal_comes() -> None:
    """Nothing is unbound that was not seen to be ours; the next run finds what has to go."""
    known = state(bound(desk("d", "101")))
    bench = hanging(known)
    bench.seconds["bind d"] = PROOF_SECONDS + 1.0
    bench.go(planned([desk("d", "102")], known))
    assert bench.calls == ["bind d"] and bench.failed == {"d": ("A130", "half done: the run was stopped")}
    assert [one.extension for one in bench.state.superseded.values()] == ["101"]


def test_what_was_unbound_proves_nothing_more() -> None:
    known = state(bound(A))
    bench = Bench(known)
    plan = planned([], known)
    bench.answers["unbind a"] = [lambda asked: Applied()]
    proofs = Proofs(bench.listing(), 0.0)
    bench.applying(plan, proofs=proofs).go()
    bench.applying(plan, proofs=proofs).go()
    assert bench.calls == ["unbind a"]
    assert bench.failed["a"][0] == "A111"


def talk(group_id: str | None = None) -> Plan:
    """A bind to a group whose id is not known to the plan."""
    target = replace(made(axg("talk", "crew")), bind_id=None, group_id=group_id)
    return plan_of([change("talk")], [bind(0, target)])


def test_a_bind_to_a_group_without_an_id_is_not_made() -> None:
    bench = Bench().go(talk())
    assert bench.calls == []
    (told,) = bench.told(Failed)
    assert (told.code, told.reason, told.next) == ("A112", "groups.crew has no id yet", "plan again")


@pytest.mark.parametrize("known", [True, False])
def test_a_bind_to_a_group_takes_the_id_that_is_known(known: bool) -> None:
    crew = made_group(group("crew"), "g1")
    bench = Bench(state({"groups.crew": crew} if known else {}))
    bench.answers["bind talk"] = [lambda asked: Applied("t1", X)]
    bench.go(talk(None if known else "g1"))
    assert bench.calls == ["bind talk"]
    target = bench.intents[0].target
    assert isinstance(target, Entry) and target.group_id == "g1"


# -- what stops --------------------------------------------------------------------------------------------------------


def test_where_the_intent_cannot_be_written_no_call_is_made() -> None:
    bench = Bench()
    bench.broken = state_refusal("S920", "the disk is full")
    with pytest.raises(StateError):
        bench.go(binds((A, ()), (B, ())))
    assert bench.calls == []


def test_where_an_outcome_cannot_be_written_no_further_call_is_made() -> None:
    bench = Bench()

    def breaks(asked: Any) -> Applied:
        bench.broken = state_refusal("S920", "the disk is full")
        return Applied("a1", X)

    bench.answers["bind a"] = [breaks]
    with pytest.raises(StateError):
        bench.go(binds((A, ()), (B, ())))
    assert bench.calls == ["bind a"] and bench.done == []
    assert list(open_intents(bench.state)) == ["run.0"]


def test_a_lost_hold_stops_before_the_intent() -> None:
    bench = Bench()
    bench.fenced = state_refusal("S924", "another run has begun")
    with pytest.raises(StateError):
        bench.go(binds((A, ())))
    assert bench.records == [] and bench.calls == []


def test_after_a_signal_nothing_new_begins_and_what_flies_may_still_land() -> None:
    bench = Bench()
    bench.seconds["bind a"] = 3.0
    bench.signal_at = 0.5
    bench.go(binds((A, ()), (B, ())))
    assert (bench.calls, bench.done, bench.left) == (["bind a"], ["a"], ["b"])
    assert bench.passed == 3.0
    assert bench.waited == [None, 4.0]


def test_what_has_not_answered_four_seconds_after_a_signal_stays_an_open_intent() -> None:
    bench = Bench()
    bench.hanging = {"bind a", "bind b"}
    bench.signal_at = 0.5
    bench.go(binds((A, "k"), (B, "l"), (C, "k")), parallelism=2)
    assert bench.passed == 4.5
    assert bench.calls == ["bind a", "bind b"]
    assert bench.uncertain == dict.fromkeys("ab", "the run was stopped before an answer came")
    assert bench.left == ["c"]
    assert bench.state.blocking().keys() == {"bindings.a", "bindings.b"}
    assert bench.tally.attempted == {"bindings.a", "bindings.b"}


def test_the_four_seconds_are_for_all_that_flies() -> None:
    bench = Bench()
    bench.seconds = {"bind a": 4.0, "bind b": 4.4, "bind c": 4.6}
    bench.signal_at = 0.5
    bench.go(binds((A, ()), (B, ()), (C, ())), parallelism=3)
    assert (bench.done, list(bench.uncertain)) == (["a", "b"], ["c"])
    assert bench.passed == 4.5


def test_after_a_signal_a_second_half_leaves_when_its_slot_opens_whatever_else_flies() -> None:
    known = state(bound(A))
    bench = Bench(known)
    bench.hanging = {"bind b"}
    bench.signal_at = 0.5
    bench.accounts["nx"].paces = [0.0, 0.0, 2.0]
    bench.go(planned([replace(A, recording=True), B], known), parallelism=2)
    assert dict(zip(bench.calls, bench.times, strict=True)) == {"unbind a": 0.0, "bind b": 0.0, "bind a": 3.0}
    assert (bench.done, list(bench.uncertain)) == (["a"], ["b"])


def test_an_answer_to_one_that_was_given_up_changes_nothing() -> None:
    bench = Bench()
    bench.hanging = {"bind a"}
    bench.signal_at = 0.5
    running = bench.applying(binds((A, ())))
    running.go()
    before = list(bench.happened)
    bench._ends.append((bench.passed + 0.5, 0, Applied("late", X)))
    running.progress.deadline = None
    running._collect(None)
    running.batch.flush()
    assert bench.happened == before


def test_a_signal_before_the_first_call_leaves_all() -> None:
    bench = Bench()
    bench.signal_at = 0.0
    bench.go(binds((A, ()), (B, ())))
    assert (bench.calls, bench.left) == ([], ["a", "b"])


def test_a_wait_for_a_slot_ends_with_a_signal() -> None:
    bench = Bench()
    bench.accounts["nx"].paces = [60.0]
    bench.signal_at = 1.5
    bench.go(binds((A, ())))
    assert (bench.calls, bench.left, bench.passed) == ([], ["a"], 1.5)


def test_the_second_half_of_a_change_is_made_after_a_signal() -> None:
    known = state(bound(A))
    changed = replace(A, recording=True)
    bench = Bench(known)
    bench.signal_at = 0.5
    bench.go(planned([changed, B], known))
    assert bench.calls == ["unbind a", "bind a"]
    assert (bench.done, bench.left) == (["a"], ["b"])
    assert not bench.state.bindings()["bindings.a"].down


def test_a_second_half_that_has_no_time_left_is_told_as_half_done() -> None:
    known = state(bound(A))
    bench = Bench(known)
    bench.signal_at = 0.5
    bench.seconds["unbind a"] = 4.5
    bench.accounts["nx"].paces = [0.0, 60.0]
    bench.go(planned([replace(A, recording=True)], known))
    assert bench.calls == ["unbind a"]
    assert bench.state.bindings()["bindings.a"].down
    (told,) = bench.told(Failed)
    assert told == Failed(
        "bindings.a", "rebind", "nx", "A130", "", "",
        "half done: the run was stopped", "apply again: it comes first then",
    )  # fmt: skip


def test_a_wait_in_flight_ends_with_the_next_slot_or_the_grace() -> None:
    bench = Bench()
    bench.accounts["nx"].paces = [0.0, 2.0]
    bench.seconds = {"bind a": 10.0, "bind b": 10.0}
    bench.signal_at = 3.0
    bench.go(binds((A, ()), (B, ())), parallelism=2)
    assert bench.waited == [2.0, None, 4.0]
    assert bench.times == [0.0, 2.0]
    assert bench.state.blocking().keys() == {"bindings.a", "bindings.b"}
