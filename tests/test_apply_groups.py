"""Intents that share a record, where one costs more than a call: what each call promises alone holds in company too."""

import itertools
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnsync.apply.progress import GROUP_WITHIN_SECONDS
from pnsync.apply.proofs import Proofs
from pnsync.errors import Fenced
from pnsync.journal import Applied, Closed, NotSent, Opened, Outcome, Refusal
from pnsync.model import Lifetime
from pnsync.plan import Plan
from pnsync.state import EARLIER_SECONDS, Intent
from pnsync.statefile.codes import refusal as state_refusal
from tests.applying import Answer, Bench, Called, Recorded, binds, not_sent, refused, unknown
from tests.worlds import NOW, axb, bound, planned, state

MANY = [axb(f"n{place:02}", 100 + place, 200 + place) for place in range(40)]
ANSWERS: tuple[Answer | None, ...] = (
    None,
    None,
    unknown(),
    unknown("429", rate_limited=True),
    refused(Refusal.VALIDATION),
    refused(Refusal.AUTHENTICATION),
    refused(Refusal.CAPACITY),
    not_sent,
)


def plan_of_many(count: int, keys: list[set[str]] | None = None) -> Plan:
    return binds(*((one, keys[at] if keys else ()) for at, one in enumerate(MANY[:count])))


def protocol_holds(bench: Bench, plan: Plan, parallelism: int, group: int) -> None:
    """An intent is durable before its call and closed in the end; what was not called says that no byte left."""
    opened: dict[str, float] = {}
    closed: dict[str, object] = {}
    called: set[str] = set()
    flying: dict[str, frozenset[str]] = {}
    keys = {one.address: plan.steps[number].keys for number, one in enumerate(plan.changes)}
    for one in bench.happened:
        if isinstance(one, Recorded):
            assert sum(isinstance(event, Opened) for event in one.events) <= group
            for event in one.events:
                if isinstance(event, Opened):
                    assert event.intent.attempt not in opened
                    opened[event.intent.attempt] = event.intent.latest_at
                elif isinstance(event, Closed):
                    assert event.attempt not in closed
                    closed[event.attempt] = event.outcome
                    flying.pop(event.attempt, None)
        elif isinstance(one, Called):
            name = one.intent.attempt
            assert name in opened and name not in called
            assert NOW + one.at <= opened[name], "its time has not passed"
            called.add(name)
            flying[name] = keys[one.intent.address]
    open_still = opened.keys() - closed.keys()
    assert open_still <= called, "what was never sent is closed"
    assert not open_still or bench.signal_at < float("inf")
    for name in opened.keys() - called:
        assert closed[name] == NotSent(closed[name].reason, withdrawn=True)  # type: ignore[attr-defined]
    assert bench.tally.calls == len(called)


@settings(max_examples=80, deadline=None)
@given(st.data(), st.integers(1, 4), st.integers(2, 24), st.sampled_from((2, 3, 10)))
def test_the_protocol_holds_whatever_vendors_answer(
    data: st.DataObject, parallelism: int, count: int, group: int
) -> None:
    keys = [data.draw(st.sets(st.sampled_from("uvwxyz"), max_size=1)) for _ in range(count)]
    plan, bench = plan_of_many(count, keys), Bench()
    for one in MANY[:count]:
        drawn = data.draw(st.lists(st.sampled_from(ANSWERS), max_size=3))
        bench.answers[f"bind {one.name}"] = [
            answer or (lambda asked: bench.vendor.call(asked)) for answer in drawn
        ]
        bench.seconds[f"bind {one.name}"] = data.draw(st.sampled_from((0.1, 1.0, 8.0)))
    bench.accounts["nx"].paces = data.draw(st.lists(st.sampled_from((0.0, 0.05, 2.0)), max_size=20))
    bench.signal_at = data.draw(st.sampled_from((float("inf"), 0.5, 3.0)))
    bench.go(plan, parallelism=parallelism, calls_a_record=group)
    protocol_holds(bench, plan, parallelism, group)
    told = Counter([*bench.done, *bench.failed, *bench.uncertain, *bench.left])
    assert told == Counter(one.name for one in MANY[:count]), "every change is told or left, once"
    assert all(at <= bench.signal_at for at in bench.times), "nothing is begun after a signal"


@pytest.mark.parametrize("parallelism", [1, 4, 10])
def test_ten_calls_take_one_record(parallelism: int) -> None:
    bench = Bench()
    for one in MANY:
        bench.seconds[f"bind {one.name}"] = 0.1
    bench.go(plan_of_many(40), parallelism=parallelism, calls_a_record=10)
    assert bench.calls == [f"bind {one.name}" for one in MANY], "in plan order"
    assert len(bench.records) == 5
    assert [sum(isinstance(one, Opened) for one in record) for record in bench.records] == [10] * 4 + [0]


def test_each_call_has_its_own_record_where_that_is_cheap() -> None:
    bench = Bench().go(plan_of_many(10))
    assert [sum(isinstance(one, Opened) for one in record) for record in bench.records] == [1] * 10 + [0]


def test_a_refusal_ends_those_behind_it_that_were_announced() -> None:
    """What a provider would refuse as well is not sent; its intent says so."""
    bench = Bench()
    bench.answers["bind n02"] = [refused(Refusal.CAPACITY)]
    bench.go(plan_of_many(8), calls_a_record=10)
    assert bench.calls == ["bind n00", "bind n01", "bind n02"]
    closed = [one for record in bench.records for one in record if isinstance(one, Closed)]
    assert [type(one.outcome) for one in closed[:2]] == [Applied, Applied]
    assert sum(isinstance(one.outcome, NotSent) for one in closed) == 5
    assert [one.intent.address for one in bench.state.pending.values()] == ["bindings.n02"]
    assert set(bench.state.failures) == {"bindings.n02"}, "the others did not fail"
    assert bench.left == [one.name for one in MANY[3:8]]


def test_a_signal_leaves_no_open_attempt_of_what_was_not_sent() -> None:
    bench = Bench()
    bench.signal_at = 2.5
    bench.go(plan_of_many(10), calls_a_record=10)
    assert bench.calls == ["bind n00", "bind n01", "bind n02"]
    assert not bench.state.pending
    assert bench.done == ["n00", "n01", "n02"]


def test_what_waits_too_long_gets_another_intent_and_is_not_counted_as_tried() -> None:
    bench = Bench()
    for one in MANY[:10]:
        bench.seconds[f"bind {one.name}"] = 6.0
    bench.go(plan_of_many(10), calls_a_record=10)
    assert bench.calls == [f"bind {one.name}" for one in MANY[:10]]
    assert all(NOW + one.at <= one.intent.latest_at for one in bench.happened if isinstance(one, Called))
    assert len(bench.done) == 10
    assert len(bench.records) > 3


def test_a_vendor_that_takes_few_calls_a_second_is_not_announced_more_than_fit() -> None:
    bench = Bench()
    slow = bench.accounts["nx"]
    slow.config = replace(slow.config, rate=0.5)
    bench.go(plan_of_many(6), calls_a_record=10)
    assert max(sum(isinstance(one, Opened) for one in record) for record in bench.records) == 2


def test_between_the_halves_of_a_change_nothing_else_comes() -> None:
    """An unbind-first change ends its record; its bind begins the next."""
    old = [axb(f"n{place:02}", 100 + place, 200 + place) for place in range(3)]
    known = state(bound(*old))
    bench = Bench(known)
    bench.go(planned([replace(one, recording=True) for one in old], known), calls_a_record=10)
    assert bench.calls == [f"{half} {one.name}" for one in old for half in ("unbind", "bind")]
    assert len(bench.done) == 3
    assert len(bench.records) == 5, "U | B U | B U | B | the end"


def test_a_lifetime_that_ends_at_an_instant_waits_for_no_other_call() -> None:
    """Its seconds are counted at its intent."""
    until = [replace(one, lifetime=Lifetime(None, NOW + 9000)) for one in MANY[1:3]]
    bench = Bench().go(binds((MANY[0], ()), (until[0], ()), (until[1], ()), (MANY[3], ())), calls_a_record=10)
    counts = [sum(isinstance(one, Opened) for one in record) for record in bench.records]
    assert counts == [1, 1, 1, 1, 0]


def test_a_hold_that_is_lost_among_them_stops_before_the_next_call() -> None:
    bench = Bench()

    def lose(intent: Any) -> Any:
        bench.fenced = Fenced("the state was taken over", "Another run has begun.")
        return bench.vendor.call(intent)

    bench.answers["bind n03"] = [lose]
    with pytest.raises(Fenced):
        bench.go(plan_of_many(8), calls_a_record=10)
    assert bench.calls == [f"bind {one.name}" for one in MANY[:4]]


def test_a_record_that_fails_lets_none_of_its_calls_out() -> None:
    bench = Bench()
    bench.broken = state_refusal("S970", "no push takes effect")
    with pytest.raises(type(bench.broken)):
        bench.go(plan_of_many(8), calls_a_record=10)
    assert bench.calls == []


def test_the_window_of_an_attempt_counts_from_its_latest_stamp() -> None:
    alone, company = Bench().go(plan_of_many(1)), Bench().go(plan_of_many(1), calls_a_record=10)
    one, other = alone.intents[0], company.intents[0]
    assert other.latest_at == NOW + GROUP_WITHIN_SECONDS
    assert other.latest_at - one.latest_at == other.not_before - one.not_before


def test_an_outcome_waits_ten_seconds_at_most_for_a_record_that_serves_others() -> None:
    bench = Bench()
    for one in MANY[:8]:
        bench.seconds[f"bind {one.name}"] = 2.5
    bench.go(plan_of_many(8), parallelism=1, calls_a_record=10)
    written = [one.at for one in bench.happened if isinstance(one, Recorded)]
    assert written[:2] == [0.0, 10.0]
    assert max(later - earlier for earlier, later in itertools.pairwise(written)) <= 10.0


def test_in_company_a_request_may_leave_fifteen_seconds_after_its_intent() -> None:
    (asked,) = Bench().go(plan_of_many(1), calls_a_record=2).intents
    assert asked.latest_at - asked.signed_at == 15.0


def counted(bench: Bench) -> list[int]:
    """How many intents each record holds."""
    return [sum(isinstance(one, Opened) for one in record) for record in bench.records]


def test_alone_an_outcome_waits_for_nothing() -> None:
    bench = Bench()
    bench.seconds = {"bind n00": 1.0, "bind n01": 5.0}
    bench.go(plan_of_many(2), parallelism=2)
    assert [one.at for one in bench.happened if isinstance(one, Recorded)] == [0.0, 0.0, 1.0, 5.0]


def test_two_calls_a_record_are_company() -> None:
    bench = Bench()
    bench.passed = 100.0
    assert counted(bench.go(plan_of_many(4), calls_a_record=2)) == [2, 2, 0]


def test_between_calls_that_were_announced_nothing_is_written() -> None:
    bench = Bench()
    bench.accounts["nx"].paces = [0.0, 2.0, 2.0]
    assert counted(bench.go(plan_of_many(3), calls_a_record=10)) == [3, 0]
    assert bench.times == [0.0, 3.0, 6.0]


def test_binds_need_no_listing_and_keep_company_without_one() -> None:
    bench = Bench()
    bench.passed = 1000.0
    bench.applying(plan_of_many(3), proofs=Proofs(bench.listing(), 0.0), calls_a_record=10).go()
    assert counted(bench) == [3, 0] and bench.relisted == []


def test_an_unbind_whose_proof_is_too_old_waits_until_those_announced_are_made() -> None:
    known = state(bound(MANY[5]))
    bench = Bench(known)
    bench.passed = 1000.0
    removal = planned([], known)
    plan = plan_of_many(2)
    plan = replace(
        plan,
        changes=(*plan.changes, *removal.changes),
        steps=(*plan.steps, replace(removal.steps[0], change=2)),
    )
    bench.applying(plan, proofs=Proofs(bench.listing(), 0.0), calls_a_record=10).go()
    assert bench.calls == ["bind n00", "bind n01", "unbind n05"]
    assert counted(bench) == [2, 0, 1, 0], "all that is known is durable before the reading"
    assert bench.relisted == ["nx"]


def given_up(bench: Bench) -> list[Closed]:
    """Attempts that were closed without a call."""
    closed = [one for record in bench.records for one in record if isinstance(one, Closed)]
    return [one for one in closed if isinstance(one.outcome, NotSent)]


def test_an_attempt_that_is_not_made_after_all_is_closed_with_the_reason() -> None:
    bench = Bench()
    bench.signal_at = 0.5
    bench.go(plan_of_many(2), calls_a_record=10)
    assert given_up(bench) == [Closed("run.1", NotSent("the run was stopped", withdrawn=True), NOW + 1)]
    late = Bench()
    late.seconds["bind n00"] = 16.0
    late.go(plan_of_many(2), calls_a_record=10)
    assert given_up(late) == [Closed("run.1", NotSent("its turn came too late", withdrawn=True), NOW + 16)]
    assert late.calls == ["bind n00", "bind n01"]


@pytest.mark.parametrize(("back", "made_anew"), [(1 + EARLIER_SECONDS, False), (1.5 + EARLIER_SECONDS, True)])
def test_a_call_is_not_stamped_before_its_intent(back: float, made_anew: bool) -> None:
    """An answer may set the vendor's time back: the effect of such a stamp would not be known again."""
    bench = Bench()

    def answered(asked: Intent) -> Outcome:
        bench.accounts["nx"].ahead = -back  # a second after the intents
        return bench.call(asked)

    bench.answers["bind n00"] = [answered]
    bench.go(plan_of_many(2), calls_a_record=10)
    assert bench.calls == ["bind n00", "bind n01"]
    assert [one.outcome.withdrawn for one in given_up(bench)] == [True] * made_anew


def test_a_call_may_leave_at_the_last_moment_of_its_stamp() -> None:
    bench = Bench()
    bench.seconds["bind n00"] = GROUP_WITHIN_SECONDS
    bench.go(plan_of_many(2), calls_a_record=10)
    assert bench.times == [0.0, 15.0] and given_up(bench) == []


@pytest.mark.parametrize("parallelism", [1, 2, 4])
def test_the_hold_is_checked_for_every_call(parallelism: int) -> None:
    bench = Bench().go(plan_of_many(8), parallelism=parallelism, calls_a_record=4)
    assert bench.happened.count("check") == len(bench.calls) == 8
    for place, one in enumerate(bench.happened):
        if isinstance(one, Called):
            before = [
                other for other in bench.happened[:place] if other == "check" or isinstance(other, Called)
            ]
            assert before[-1] == "check", "between any two calls"


def test_a_part_that_was_announced_and_not_made_leaves_its_change_half_done() -> None:
    plan = plan_of_many(2)
    plan = replace(plan, steps=(plan.steps[0], replace(plan.steps[1], change=0)))
    bench = Bench()
    bench.signal_at = 0.5
    bench.go(plan, calls_a_record=10)
    assert bench.calls == ["bind n00"]
    assert bench.failed == {"n00": ("A130", "half done: the run was stopped")}
