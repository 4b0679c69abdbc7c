"""When a step may start: what it waits for, whose life it waits out, and what keeps it from ever starting."""

from dataclasses import replace
from typing import Any

import pytest

from pnsync.apply.applying import GRACE_SECONDS
from pnsync.apply.starting import CLOCK_ERROR_SECONDS
from pnsync.journal import Refusal
from pnsync.plan import Action, Cause, Plan
from tests.applying import Bench, bind, binds, change, plan_of, refused, unknown
from tests.worlds import NOW, axb, bound, desired, desk, group, made, planned, ride, state

A, B, C = (axb(name, 2 * place, 2 * place + 1) for place, name in enumerate("abc", 10))
LA_RIDE = ride("ride", 41, 42)


def after(*others: int) -> Plan:
    """Two binds, of which the second comes after `others`."""
    plan = binds((A, ()), (B, ()))
    return replace(plan, steps=(plan.steps[0], replace(plan.steps[1], after=others)))


# -- what it depends on ------------------------------------------------------------------------------------------------


def test_what_comes_after_a_failure_is_left() -> None:
    bench = Bench()
    bench.answers["bind a"] = [refused(Refusal.VALIDATION)]
    bench.go(after(0))
    assert (bench.calls, list(bench.failed), bench.left) == (["bind a"], ["a"], ["b"])


def test_what_comes_after_something_unsettled_is_left() -> None:
    bench = Bench()
    bench.answers["bind a"] = [unknown()]
    bench.go(after(0))
    assert (bench.calls, list(bench.uncertain), bench.left) == (["bind a"], ["a"], ["b"])


def test_what_comes_after_something_left_is_left() -> None:
    plan = binds((LA_RIDE, ()), (B, ()))
    bench = Bench(providers=["nx"])
    bench.go(replace(plan, steps=(plan.steps[0], replace(plan.steps[1], after=(0,)))))
    assert (bench.calls, bench.left) == ([], ["ride", "b"])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refused(Refusal.VALIDATION), "what it depends on failed"),
        (unknown(), "what it depends on is not settled"),
    ],
    ids=["failed", "unsettled"],
)
def test_a_half_that_is_done_says_what_the_other_waited_for(answer: Any, reason: str) -> None:
    """A change of two calls, of which the second also comes after another change's."""
    target = replace(made(A), bind_id=None)
    other = replace(made(B), bind_id=None)
    plan = plan_of(
        [change("a", Action.REBIND, calls=2), change("b")],
        [bind(0, target), bind(1, other), bind(0, target, after=(0, 1))],
    )
    bench = Bench()
    bench.answers["bind b"] = [answer]
    bench.go(plan)
    assert bench.failed["a"] == ("A130", f"half done: {reason}")


# -- what stops a run or a provider ------------------------------------------------------------------------------------


def test_fail_fast_leaves_the_rest_and_finishes_what_is_half_done() -> None:
    known = state(bound(A))
    changed = planned([replace(A, recording=True)], known)
    plan = plan_of(
        [*changed.changes, change("b"), change("c")],
        [
            *changed.steps,
            bind(1, replace(made(B), bind_id=None)),
            bind(2, replace(made(C), bind_id=None)),
        ],
    )
    order = (0, 2, 1, 3)
    plan = replace(plan, steps=tuple(plan.steps[one] for one in order))
    plan = replace(plan, steps=(*plan.steps[:2], replace(plan.steps[2], after=(0,)), plan.steps[3]))
    bench = Bench(known)
    bench.answers["bind b"] = [refused(Refusal.VALIDATION)]
    bench.go(plan, fail_fast=True)
    assert bench.calls == ["unbind a", "bind b", "bind a"]
    assert (list(bench.failed), bench.done, bench.left) == (["b"], ["a"], ["c"])


def test_where_a_vendor_takes_no_more_binds_what_was_bound_first_is_unbound_all_the_same() -> None:
    known = state(bound(desk("d", "101")))
    changed = planned([desk("d", "102")], known)
    first, second = changed.steps
    plan = plan_of(
        [*changed.changes, change("b")],
        [first, bind(1, replace(made(B), bind_id=None)), replace(second, after=(0,))],
    )
    bench = Bench(known)
    bench.answers["bind b"] = [refused(Refusal.CAPACITY)]
    bench.go(plan)
    assert bench.calls == ["bind d", "bind b", "unbind d"]
    assert (list(bench.failed), bench.done, bench.left) == (["b"], ["d"], [])


def test_without_fail_fast_the_rest_goes_on() -> None:
    bench = Bench()
    bench.answers["bind a"] = [refused(Refusal.VALIDATION)]
    bench.go(binds((A, ()), (B, ())))
    assert (list(bench.failed), bench.done, bench.left) == (["a"], ["b"], [])


@pytest.mark.parametrize(("not_after", "begun"), [(1.0, 1), (1.5, 2), (0.0, 0)])
def test_from_its_deadline_no_change_is_begun(not_after: float, begun: int) -> None:
    bench = Bench().go(binds((A, ()), (B, ()), (C, ())), not_after=not_after)
    assert len(bench.calls) == begun and len(bench.left) == 3 - begun


def test_a_change_that_is_half_done_is_finished_after_the_deadline() -> None:
    known = state(bound(A))
    bench = Bench(known).go(planned([replace(A, recording=True), B], known), not_after=0.5)
    assert (bench.calls, bench.left) == (["unbind a", "bind a"], ["b"])


@pytest.mark.parametrize(
    ("signal_at", "not_after", "reason"),
    [(0.5, None, "the run was stopped"), (float("inf"), 0.5, "the deadline has passed")],
    ids=["signal", "deadline"],
)
def test_an_old_half_that_was_left_is_told_with_the_reason(
    signal_at: float, not_after: float | None, reason: str
) -> None:
    """Bound first, so that nobody is unreached while the old half waits for the next run."""
    known = state(bound(desk("d", "101")))
    bench = Bench(known)
    bench.signal_at = signal_at
    bench.go(planned([desk("d", "102")], known), not_after=not_after)
    assert bench.calls == ["bind d"]
    assert bench.failed == {"d": ("A130", f"half done: {reason}")}
    assert bench.state.superseded.keys() == {("nx", "d-1")}


def test_at_the_end_of_its_four_seconds_nothing_is_begun() -> None:
    known = state(bound(A))
    bench = Bench(known)
    bench.signal_at = 0.5
    bench.seconds["unbind a"] = 4.5
    bench.go(planned([replace(A, recording=True)], known))
    assert bench.calls == ["unbind a"]
    assert bench.failed["a"] == ("A130", "half done: the run was stopped")


def test_an_unread_provider_gets_no_call_and_the_others_do() -> None:
    bench = Bench(providers=["nx"]).go(binds((LA_RIDE, ()), (B, ())))
    assert (bench.calls, bench.left) == (["bind b"], ["ride"])


def test_where_no_provider_can_be_read_all_is_left() -> None:
    bench = Bench(providers=[]).go(binds((LA_RIDE, ()), (B, ())))
    assert (bench.calls, bench.left) == ([], ["ride", "b"])


def half_elsewhere(provider: str) -> Plan:
    """A change with a first half that is made and a second at a provider that is not there."""
    one = replace(made(A), bind_id=None)
    return plan_of(
        [change("a", Action.REBIND, calls=2)],
        [bind(0, one), bind(0, replace(one, provider=provider), after=(0,))],
    )


def test_why_a_half_was_left_is_told_provider_missing() -> None:
    bench = Bench(providers=["nx"]).go(half_elsewhere("la"))
    assert bench.failed["a"] == ("A130", "half done: provider la is not configured or could not be read")


def test_a_stopped_provider_gets_no_further_call_and_says_why() -> None:
    bench = Bench()
    bench.tally.stopped["la"] = "la is out"
    bench.go(half_elsewhere("la"))
    assert bench.failed["a"] == ("A130", "half done: la is out")
    again = Bench()
    again.tally.stopped["la"] = "la is out"
    again.go(binds((LA_RIDE, ()), (B, ())))
    assert (again.calls, again.left) == (["bind b"], ["ride"])


@pytest.mark.parametrize(("barred", "finished"), [(False, True), (True, False)])
def test_a_half_done_change_is_finished_at_a_stopped_provider_unless_it_bars_us(
    barred: bool, finished: bool
) -> None:
    known = state(bound(A))
    bench = Bench(known)

    def stops(asked: Any) -> Any:
        bench.tally.stopped["nx"] = "nx is out"
        if barred:
            bench.tally.barred.add("nx")
        return bench.call(asked)

    bench.answers["unbind a"] = [stops]
    bench.go(planned([replace(A, recording=True)], known))
    assert bench.calls == ["unbind a", "bind a"][: 1 + finished]


@pytest.mark.parametrize(("left", "begun"), [(0.1, True), (-0.1, False)])
def test_after_a_signal_the_second_half_may_begin_to_the_last_moment(left: float, begun: bool) -> None:
    known = state(bound(A))
    bench = Bench(known)
    bench.signal_at = 0.5
    bench.seconds["unbind a"] = 0.5 + GRACE_SECONDS - left
    bench.go(planned([replace(A, recording=True)], known))
    assert bench.calls == ["unbind a", "bind a"][: 1 + begun]


def test_what_an_earlier_run_left_half_done_is_begun_like_any_other_change() -> None:
    known = state({"bindings.a": replace(made(A), bind_id=None)})
    plan = binds((B, ()), (A, ()))
    bench = Bench(known)
    bench.answers["bind b"] = [refused(Refusal.VALIDATION)]
    bench.go(plan, fail_fast=True)
    assert (bench.calls, list(bench.failed), bench.left) == (["bind b"], ["b"], ["a"])


# -- a circle ------------------------------------------------------------------------------------------------------------

ONE, TWO = desk("one", "101", 1), desk("two", "102", 2)


def swap(count: int = 2) -> tuple[Any, Plan]:
    """Desks of which each gets the extension of the next, and a bind for later."""
    desks = [desk(f"d{one}", str(101 + one), one) for one in range(count)]
    known = state(bound(*desks))
    wanted = [replace(one, extension=str(101 + (place + 1) % count)) for place, one in enumerate(desks)]
    return known, planned([*wanted, B], known)


def down(bench: Bench) -> list[str]:
    return [one.partition(".")[2] for one, entry in bench.state.bindings().items() if entry.down]


@pytest.mark.parametrize("answer", [refused(Refusal.VALIDATION), unknown()], ids=["failed", "unsettled"])
def test_where_a_circle_does_not_begin_nobody_else_of_it_is_taken_down(answer: Any) -> None:
    known, plan = swap()
    bench = Bench(known)
    bench.answers["unbind d0"] = [answer]
    bench.go(plan)
    assert (bench.calls, bench.left, down(bench)) == (["unbind d0", "bind b"], ["d1"], [])


def test_what_is_not_settled_of_a_circle_is_noted_of_all_of_it_beside_what_was_noted_before() -> None:
    """The listing tells later what became of them; until then the second halves of all of these are not new changes."""
    known = state(bound(ONE, TWO, C))
    plan = planned([replace(ONE, extension="102"), replace(TWO, extension="101")], known)
    bench = Bench(known)
    bench.answers = {"unbind c": [unknown()], "unbind one": [unknown()]}
    bench.go(plan)
    assert bench.calls == ["unbind c", "unbind one"]
    assert bench.tally.attempted == {"bindings.c", "bindings.one", "bindings.two"}
    assert bench.tally.circles == {"bindings.one": {"bindings.one", "bindings.two"}}


@pytest.mark.parametrize("stop", ["signal", "deadline", "fail fast"])
def test_a_circle_that_has_begun_is_finished(stop: str) -> None:
    known, plan = swap()
    bench = Bench(known)
    bench.signal_at = 0.5 if stop == "signal" else float("inf")
    bench.seconds = dict.fromkeys(("unbind d0", "unbind d1", "bind d0", "bind d1"), 0.8)
    if stop == "fail fast":
        first = replace(plan.steps[-1], after=())
        steps = [plan.steps[0], first, *(replace(one, after=_moved(one.after)) for one in plan.steps[1:-1])]
        plan = replace(plan, steps=tuple(steps))
        bench.answers["bind b"] = [refused(Refusal.VALIDATION)]
    bench.go(plan, not_after=0.5 if stop == "deadline" else None, fail_fast=stop == "fail fast")
    expected = ["unbind d0", "unbind d1", "bind d0", "bind d1"]
    assert [one for one in bench.calls if one != "bind b"] == expected
    assert down(bench) == [] and (bench.left == ["b"] or stop == "fail fast")


def _moved(after: tuple[int, ...]) -> tuple[int, ...]:
    """The places of steps before which one more stands, behind the first."""
    return tuple(one + (one > 0) for one in after)


def test_after_a_signal_no_more_of_a_circle_is_taken_down_than_can_be_put_up_again() -> None:
    """Ten desks: what is unbound by then and has its number free is bound, the rest stays as it is."""
    known, plan = swap(10)
    bench = Bench(known)
    bench.signal_at = 2.5
    bench.go(plan)
    assert bench.calls == ["unbind d0", "unbind d1", "unbind d2", "bind d0", "bind d1"]
    assert down(bench) == ["d2"]


@pytest.mark.parametrize("what", ["full", "stopped", "barred", "unread"])
@pytest.mark.parametrize("where", ["nx", "nx2"])
def test_a_circle_is_not_begun_where_one_of_its_binds_cannot_be_made(what: str, where: str) -> None:
    known = state(bound(ONE, replace(TWO, extension="101", provider="nx2")))
    plan = planned([replace(ONE, provider="nx2"), replace(TWO, extension="101")], known)
    bench = Bench(known, providers=[one for one in ("nx", "nx2") if (what, one) != ("unread", where)])
    if what == "full":
        bench.tally.no_binds.add(where)
    if what in ("stopped", "barred"):
        bench.tally.stopped[where] = "why"
    if what == "barred":
        bench.tally.barred.add(where)
    bench.go(plan)
    assert (bench.calls, bench.left, down(bench)) == ([], ["one", "two"], [])


def test_of_a_circle_no_more_is_taken_down_at_a_provider_that_stops_meanwhile() -> None:
    known, plan = swap()
    bench = Bench(known)

    def stops(asked: Any) -> Any:
        bench.tally.stopped["nx"] = "why"
        return bench.call(asked)

    bench.answers["unbind d0"] = [stops]
    bench.go(plan)
    assert (bench.calls, down(bench)) == (["unbind d0"], ["d0"])


# -- capacity ------------------------------------------------------------------------------------------------------------


def full(known: Any, plan: Plan) -> Bench:
    """A bench whose vendor has refused binds for want of capacity."""
    bench = Bench(known)
    bench.tally.no_binds.add("nx")
    return bench.go(plan)


def test_a_full_vendor_gets_no_bind_and_another_does() -> None:
    bench = full(state(), binds((A, ()), (LA_RIDE, ())))
    assert (bench.calls, bench.left) == (["bind ride"], ["a"])


def test_why_a_bind_was_left_at_a_full_vendor_is_told() -> None:
    one = replace(made(A), bind_id=None)
    plan = plan_of(
        [change("a", Action.REBIND, calls=2)],
        [bind(0, replace(one, provider="la")), bind(0, one, after=(0,))],
    )
    bench = full(state(), plan)
    assert bench.failed["a"] == ("A130", "half done: nx refuses binds for want of capacity")


def test_a_full_vendor_gets_unbinds_for_good_and_no_unbind_that_a_bind_is_to_follow() -> None:
    known = state(bound(A, B))
    bench = full(known, planned([replace(A, recording=True)], known))
    assert (bench.calls, bench.left) == (["unbind b"], ["a"])


def test_the_bind_that_finishes_a_change_is_tried_at_a_full_vendor() -> None:
    known = state(bound(A))
    bench = Bench(known)

    def fills(asked: Any) -> Any:
        bench.tally.no_binds.add("nx")
        return bench.call(asked)

    bench.answers["unbind a"] = [fills]
    bench.go(planned([replace(A, recording=True), B], known))
    assert (bench.calls, bench.left) == (["unbind a", "bind a"], ["b"])


def test_groups_are_made_at_a_vendor_that_is_full() -> None:
    bench = full(state(), planned(desired([], [group("crew")]), state(), []))
    assert bench.calls == ["create_group crew"]


# -- time ----------------------------------------------------------------------------------------------------------------


def expired(ends_in: int, **more: Any) -> tuple[Bench, Plan]:
    """A binding that ends so many seconds from now by our clock, and a bind that its expiry causes."""
    entry = replace(made(A), expires_at=NOW + ends_in)
    bench = Bench(state({"bindings.a": replace(entry, **more)}))
    return bench, binds((A, ()), cause=Cause.EXPIRY)


def test_an_old_binding_is_waited_out_by_its_vendors_clock() -> None:
    bench, plan = expired(-2)
    bench.go(plan)
    assert bench.slept == [3.0], "and five seconds more, as a request may be stamped so much later"
    bench, plan = expired(-2)
    bench.accounts["nx"].ahead = -60.0
    bench.go(plan)
    assert bench.slept == [63.0]
    bench, plan = expired(-2)
    bench.accounts["nx"].ahead = 10.0
    bench.go(plan)
    assert bench.slept == []


def test_an_end_is_waited_out_to_the_last_half_second() -> None:
    bench, plan = expired(-5)
    bench.accounts["nx"].ahead = -0.5
    bench.go(plan)
    assert (bench.slept, bench.times) == ([0.5], [0.5])


@pytest.mark.parametrize(("left", "waits"), [(CLOCK_ERROR_SECONDS - 1, True), (CLOCK_ERROR_SECONDS, False)])
def test_a_vendors_clock_that_is_far_off_is_not_waited_for(left: float, waits: bool) -> None:
    assert CLOCK_ERROR_SECONDS == 900
    bench, plan = expired(int(left) - 5)
    bench.go(plan)
    assert bench.slept == ([left] if waits else [])
    assert bench.calls == ["bind a"]


@pytest.mark.parametrize(
    "other", ["action", "cause", "down", "no expiry", "unknown provider", "nothing recorded"]
)
def test_only_the_bind_that_expiry_causes_waits_for_an_end(other: str) -> None:
    bench, plan = expired(60)
    if other == "action":
        plan = replace(plan, changes=(replace(plan.changes[0], action=Action.REBIND),))
    if other == "cause":
        plan = replace(plan, changes=(replace(plan.changes[0], cause=Cause.DRIFT),))
    if other == "down":
        bench, plan = expired(60, bind_id=None)
    if other == "no expiry":
        bench, plan = expired(60, expires_at=None)
    if other == "unknown provider":
        bench, plan = expired(60, provider="elsewhere")
    if other == "nothing recorded":
        bench = Bench()
    bench.go(plan)
    assert bench.slept == [] and bench.calls == ["bind a"]


def test_beside_one_that_waits_for_an_end_nothing_later_overtakes() -> None:
    bench, _ = expired(-2)
    plan = binds((A, ()), (B, ()))
    plan = replace(plan, changes=(replace(plan.changes[0], cause=Cause.EXPIRY), plan.changes[1]))
    bench.go(plan, parallelism=2)
    assert bench.calls == ["bind a", "bind b"]


def test_while_others_need_the_state_no_change_is_begun_and_one_that_is_half_done_is_finished() -> None:
    known = state(bound(A))
    bench = Bench(known)
    bench.go(
        planned([replace(A, recording=True), B], known),
        wait=lambda: 30.0 if 0.5 < bench.passed < 30.0 else 0.0,
    )
    assert bench.calls == ["unbind a", "bind a", "bind b"]
    assert bench.times == [0.0, 1.0, 32.0] and bench.slept == [30.0]


def test_a_slot_is_asked_for_once_for_a_call() -> None:
    bench = Bench()
    asked: list[str] = []
    vendor = bench.accounts["nx"]
    paces = iter([0.5, 0.0, 0.0])

    def pace() -> float:
        asked.append("pace")
        return next(paces)

    vendor.pace = pace  # type: ignore[method-assign]
    bench.go(binds((A, ()), (B, ())))
    assert asked == ["pace", "pace"]


def test_vendors_have_slots_of_their_own() -> None:
    bench = Bench()
    bench.accounts["nx"].paces = [0.0, 5.0]
    bench.accounts["la"].paces = [0.0]
    bench.go(binds((A, ()), (B, ()), (LA_RIDE, ())), parallelism=3)
    assert bench.times == [0.0, 5.0, 5.0], "in plan order all the same"
