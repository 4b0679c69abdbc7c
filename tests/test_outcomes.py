"""What a call's outcome means: for its change, for what may still be called, and for who reads along."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from pnsync.errors import ExitCode
from pnsync.journal import Applied, Closed, Opened, Refusal, Rested
from pnsync.plan import Plan
from pnsync.state import Entry, Resting
from pnsync.verdict import Done, Failed, Uncertain
from pnsync.zones import CERTAIN_SECONDS
from tests.applying import Answer, Bench, binds, not_sent, refused, unknown
from tests.worlds import (
    NOW,
    X,
    axb,
    bound,
    desired,
    desk,
    group,
    live_group,
    made_group,
    planned,
    ride,
    state,
)

A, B, C, D = (axb(name, 2 * place, 2 * place + 1) for place, name in enumerate("abcd", 10))
TWO = binds((A, ()), (B, ()))
FOUR = binds((A, ()), (B, ()), (C, ()), (D, ()))


def answered(*answers: Answer, plan: Plan = TWO, name: str = "bind a", **conduct: Any) -> Bench:
    """A plan whose first call is answered so."""
    bench = Bench()
    bench.answers[name] = list(answers)
    return bench.go(plan, **conduct)


# -- applied ---------------------------------------------------------------------------------------------------------


def test_an_x_that_became_another_is_counted() -> None:
    known = state(bound(A))
    plan = planned([replace(A, recording=True)], known)
    for x, changed in (("447700900955", {"bindings.a"}), ("447700900901", set()), (None, set())):
        bench = Bench(known)
        bench.answers["bind a"] = [lambda asked, x=x: Applied("a2", x)]
        bench.go(plan)
        assert bench.tally.x_changed == changed
        assert bench.tally.bound == {"bindings.a"}


def test_a_first_x_is_no_changed_one() -> None:
    assert Bench().go(TWO).tally.x_changed == set()


def test_an_unbind_is_no_bind() -> None:
    known = state(bound(A))
    bench = Bench(known).go(planned([], known))
    assert bench.tally.bound == set() and bench.tally.done == {"bindings.a": "unbound"}


def rebound(**conduct: Any) -> Bench:
    """An extension binding that is unbound for good, and its numbers."""
    known = state(bound(desk("d", "101")))
    return Bench(known).go(planned([], known), **conduct)


def test_freed_numbers_rest_from_the_unbind_in_one_record_with_its_outcome() -> None:
    bench = rebound(quarantine_seconds=3600)
    (record,) = [one for one in bench.records if any(isinstance(event, Closed) for event in one)]
    assert record[1:] == (
        Rested((Resting("nx", X, "bindings.d", NOW + 1 + 3600, extension="101"),), NOW + 1),
    )


def test_without_quarantine_nothing_rests() -> None:
    assert rebound().state.quarantine == ()


def test_what_frees_nothing_records_no_rest() -> None:
    known = state(bound(desk("d", "101")))
    bench = Bench(known).go(planned([replace(desk("d", "101"), recording=True)], known), quarantine_seconds=9)
    assert bench.calls == ["unbind d", "bind d"]
    assert not any(isinstance(event, Rested) for record in bench.records for event in record)


def test_numbers_of_an_address_that_gets_others_rest() -> None:
    known = state(bound(desk("d", "101")))
    plan = planned([desk("d", "101", phone_x="447700900902")], known)
    plan = replace(plan, steps=tuple(replace(one, replaces=None) for one in plan.steps))
    bench = Bench(known).go(plan, quarantine_seconds=9)
    assert [one.extension for one in bench.state.quarantine] == ["101"]


def test_a_change_is_told_once_when_all_its_calls_are_done_with_their_time() -> None:
    known = state(bound(A))
    bench = Bench(known)
    bench.passed = 100.0
    bench.seconds = {"unbind a": 1.25, "bind a": 2.0004}
    bench.go(planned([replace(A, recording=True)], known))
    (told,) = bench.told(Done)
    assert (told.action, told.result, told.seconds) == ("rebind", "rebound", 3.25)


def test_a_group_is_durable_before_anything_that_needs_it_starts() -> None:
    crew = group("crew")
    bench = Bench().go(planned(desired([], [crew]), state(), []), parallelism=2)
    assert [[type(one) for one in events] for events in bench.records] == [[Opened], [Closed]]
    assert bench.done == ["crew"]
    bench = Bench()
    plan = planned(desired([B], [crew]), state(), [])
    bench.seconds["create_group crew"] = 0.5
    bench.go(plan, parallelism=2)
    before = [one for one in bench.records if isinstance(one[-1], Closed)]
    assert len(before) == 2, "its outcome waits for no other"


def test_a_changed_group_is_durable_at_once_too() -> None:
    crew = group("crew", (11, 12, 13))
    entry = made_group(group("crew"))
    bench = Bench(state({"groups.crew": entry}))
    bench.vendor.groups["g1"] = live_group(entry)
    bench.seconds["update_group crew"] = 0.5
    bench.go(planned(desired([B], [crew]), bench.state, None), parallelism=2)
    assert bench.calls[0] == "update_group crew"
    assert [len(one) for one in bench.records] == [1, 1, 1, 1]


@pytest.mark.parametrize("window", [0, 120, 4000])
@pytest.mark.parametrize(
    ("seconds", "jump", "prompt"),
    [(CERTAIN_SECONDS, 0, True), (CERTAIN_SECONDS + 1, 0, False), (1, 3600, False), (900, -900, True)],
    ids=["in-time", "late", "slept", "clock-set-back"],
)
def test_a_bind_is_prompt_by_the_wall_clock(seconds: int, jump: int, prompt: bool, window: int) -> None:
    rides = ride("r", 41, 42)
    bench = Bench()
    account = bench.accounts["la"]
    account.config = replace(account.config, settle_window_seconds=window)
    bench.seconds["bind r"] = float(seconds)

    def sleeps(asked: Any) -> Any:
        bench.jump = float(jump)
        return bench.call(asked)

    bench.answers["bind r"] = [sleeps]
    bench.tally.prompt.add("bindings.r")
    bench.go(binds((rides, ())))
    assert bench.tally.prompt == ({"bindings.r"} if prompt else set())
    assert bench.tally.bound == {"bindings.r"}


# -- not sent ----------------------------------------------------------------------------------------------------------


def test_what_was_not_sent_is_tried_three_times_and_then_failed() -> None:
    bench = answered(*[not_sent] * 9)
    assert bench.calls == ["bind a"] * 3 + ["bind b"]
    (told,) = bench.told(Failed)
    assert told == Failed(
        "bindings.a", "bind", "nx", "A120", "", "", "connection refused",
        "check the network and the endpoint, then apply again",
    )  # fmt: skip
    assert bench.done == ["b"]


def test_each_try_is_recorded_before_the_next() -> None:
    bench = answered(not_sent, plan=binds((A, ())))
    assert [[type(one) for one in events] for events in bench.records] == [
        [Opened], [Closed], [Opened], [Closed],
    ]  # fmt: skip
    assert bench.done == ["a"]
    first, second = (one.target for one in bench.intents)
    assert isinstance(first, Entry) and isinstance(second, Entry)
    assert first.generation == second.generation == 1, "its number was not used up"


def test_what_was_not_sent_comes_again_before_anything_else() -> None:
    bench = answered(not_sent)
    assert bench.calls == ["bind a", "bind a", "bind b"]


def test_after_a_signal_what_was_not_sent_is_not_tried_again() -> None:
    bench = Bench()
    bench.signal_at = 0.5
    bench.answers["bind a"] = [not_sent]
    bench.go(TWO)
    assert (bench.calls, bench.failed["a"][0], bench.left) == (["bind a"], "A120", ["b"])


# -- refused -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "tries", "code", "advice"),
    [
        (Refusal.VALIDATION, 1, "A121", "correct the declaration; the vendor does not take these values"),
        (Refusal.AUTHENTICATION, 2, "A122", "check the key, its secret and the vendor's address list"),
        (Refusal.CLOCK, 2, "A123", "set this machine's clock"),
        (Refusal.CAPACITY, 1, "A124", "order numbers, or free some; the next apply tries again"),
        (
            Refusal.CONFLICT,
            1,
            "A125",
            "another binding holds it: `pnsync plan` names one that is not ours, `pnsync validate` the phones that two "
            "of ours share",
        ),
        (Refusal.ABSENT, 1, "A126", "plan again; it is not at the vendor any more"),
    ],
    ids=[one.value for one in Refusal],
)
def test_a_refusal_is_told_with_the_vendors_code_and_what_to_do(
    refusal: Refusal, tries: int, code: str, advice: str
) -> None:
    bench = answered(*[refused(refusal, "10042")] * 5)
    assert bench.calls.count("bind a") == tries
    (told,) = bench.told(Failed)
    assert told == Failed(
        "bindings.a", "bind", "nx", code, "10042", "request-7", f"no: {refusal.value}", advice
    )
    assert bench.tally.failures == {"bindings.a": told}
    stops = refusal in (Refusal.AUTHENTICATION, Refusal.CAPACITY)
    assert (bench.done, bench.left) == (([], ["b"]) if stops else (["b"], []))
    wanted = {ExitCode.CREDENTIALS} if refusal is Refusal.AUTHENTICATION else set()
    assert bench.tally.codes == wanted


@pytest.mark.parametrize("refusal", [Refusal.CLOCK, Refusal.AUTHENTICATION])
def test_clock_and_key_are_tried_once_more(refusal: Refusal) -> None:
    bench = answered(refused(refusal))
    assert (bench.calls, bench.done, bench.failed) == (["bind a", "bind a", "bind b"], ["a", "b"], {})
    first, second = (one.target for one in bench.intents[:2])
    assert isinstance(first, Entry) and isinstance(second, Entry)
    assert (first.generation, second.generation) == (1, 2), (
        "a refused request may have been the second of two"
    )


@pytest.mark.parametrize("refusal", [Refusal.CLOCK, Refusal.AUTHENTICATION])
def test_after_a_signal_they_are_not(refusal: Refusal) -> None:
    bench = Bench()
    bench.signal_at = 0.5
    bench.answers["bind a"] = [refused(refusal)]
    bench.go(TWO)
    assert (bench.calls, list(bench.failed)) == (["bind a"], ["a"])


def test_refused_credentials_stop_that_provider_alone() -> None:
    rides = ride("r", 41, 42)
    bench = answered(*[refused(Refusal.AUTHENTICATION)] * 2, plan=binds((A, ()), (rides, ()), (B, ())))
    assert (bench.done, bench.left) == (["r"], ["b"])
    assert bench.tally.stopped == {"nx": "nx refused the credentials"}
    assert bench.tally.barred == {"nx"}


def test_a_capacity_refusal_of_a_bind_alone_stops_binds() -> None:
    bench = answered(refused(Refusal.CAPACITY))
    assert bench.tally.no_binds == {"nx"}
    known = state(bound(A, B))
    bench = Bench(known)
    bench.answers["unbind a"] = [refused(Refusal.CAPACITY)]
    bench.go(planned([], known))
    assert bench.tally.no_binds == set() and bench.calls == ["unbind a", "unbind b"]


def test_an_unbind_of_what_is_not_there_is_for_the_listing_to_tell() -> None:
    known = state(bound(A))
    bench = Bench(known)
    bench.answers["unbind a"] = [refused(Refusal.ABSENT)]
    bench.go(planned([], known))
    (told,) = bench.told(Uncertain)
    assert told == Uncertain(
        "bindings.a", "unbind", "nx", "the vendor says that it is not there; the listing will tell",
        "2027-01-15T08:03:00Z",
    )  # fmt: skip
    assert bench.failed == {} and "bindings.a" in bench.state.entries


def test_so_is_a_deleted_group() -> None:
    entry = made_group(group("crew"))
    bench = Bench(state({"groups.crew": entry}))
    bench.vendor.groups["g1"] = live_group(entry)
    bench.answers["delete_group crew"] = [refused(Refusal.ABSENT)]
    bench.go(planned(desired(), bench.state, None))
    assert list(bench.uncertain) == ["crew"]


def test_a_bind_that_is_told_to_be_absent_has_failed() -> None:
    bench = answered(refused(Refusal.ABSENT))
    assert list(bench.failed) == ["a"] and bench.uncertain == {}


# -- unknown -----------------------------------------------------------------------------------------------------------


def test_an_unknown_outcome_is_told_with_its_window_and_is_not_tried_again() -> None:
    bench = answered(unknown("no answer in 20 s"))
    (told,) = bench.told(Uncertain)
    assert told == Uncertain("bindings.a", "bind", "nx", "no answer in 20 s", "2027-01-15T08:03:00Z")
    assert (bench.calls, bench.done) == (["bind a", "bind b"], ["b"])
    assert bench.tally.attempted == {"bindings.a"}
    assert bench.tally.failures == {} and bench.tally.stopped == {}


def names(count: int) -> Plan:
    """So many binds at one vendor, and one at another at the end."""
    return binds(*((axb(f"n{one}", 100 + one, 200 + one), ()) for one in range(count)), (ride("r", 1, 2), ()))


def run_of(*answers: Answer | None) -> Bench:
    """Binds that are answered so, one each, and one more."""
    bench = Bench()
    for number, answer in enumerate(answers):
        if answer is not None:
            bench.answers[f"bind n{number}"] = [answer] * 3
    return bench.go(names(len(answers) + 1))


def test_three_unknown_outcomes_in_a_row_stop_that_provider_alone() -> None:
    bench = run_of(unknown(), unknown(), unknown())
    assert (bench.left, bench.done) == (["n3"], ["r"])
    assert bench.tally.stopped == {"nx": "3 calls in a row at nx got no usable answer"}


def test_what_could_not_be_sent_is_no_usable_answer_either() -> None:
    bench = run_of(not_sent, unknown(), unknown())
    assert (bench.left, bench.done) == (["n3"], ["r"])


@pytest.mark.parametrize("between", [None, refused(Refusal.VALIDATION)])
def test_an_answer_in_between_begins_the_count_anew(between: Answer | None) -> None:
    bench = run_of(unknown(), unknown(), between, unknown(), unknown())
    assert bench.left == [] and bench.tally.stopped == {}


def test_vendors_are_counted_apart() -> None:
    bench = Bench()
    plan = binds(
        (A, ()),
        (ride("p", 1, 2), ()),
        (B, ()),
        (ride("q", 3, 4), ()),
        (C, ()),
        (D, ()),
        (ride("r", 5, 6), ()),
    )
    for one in "apbqr":
        bench.answers[f"bind {one}"] = [unknown()]
    bench.go(plan)
    assert bench.tally.stopped == {"la": "3 calls in a row at la got no usable answer"}
    assert bench.done == ["c", "d"]


def test_why_a_provider_was_stopped_stays_the_first_reason() -> None:
    bench = Bench()
    bench.seconds = {"bind a": 2.0, "bind b": 2.5, "bind c": 3.0}
    bench.answers = {f"bind {one}": [unknown()] for one in "abc"}
    bench.answers["bind d"] = [refused(Refusal.AUTHENTICATION)] * 2
    bench.go(FOUR, parallelism=4)
    assert bench.tally.stopped == {"nx": "nx refused the credentials"}


@pytest.mark.parametrize(("before", "pause"), [(0, 2.0), (1, 4.0)])
def test_a_vendor_that_slows_us_down_is_given_time(before: int, pause: float) -> None:
    bench = run_of(*[unknown()] * before, unknown("429", rate_limited=True))
    calls = dict(zip(bench.calls, bench.times, strict=True))
    assert calls[f"bind n{before + 1}"] - calls[f"bind n{before}"] == 1.0 + pause


def test_the_time_it_is_given_is_bounded() -> None:
    """Six desks that pass their extensions on: all are unbound first, and their binds are tried whatever comes."""
    desks = [desk(f"d{one}", f"10{one}", one) for one in range(6)]
    known = state(bound(*desks))
    bench = Bench(known)
    turned = [replace(one, extension=desks[number - 1].extension) for number, one in enumerate(desks)]
    bench.answers = {f"bind d{one}": [unknown("429", rate_limited=True)] for one in range(6)}
    bench.go(planned(turned, known))
    assert [one.split()[0] for one in bench.calls] == ["unbind"] * 6 + ["bind"] * 6
    gaps = [later - earlier for earlier, later in itertools.pairwise(bench.times)]
    assert [one - 1.0 for one in gaps[6:]] == [2.0, 4.0, 8.0, 10.0, 10.0]
