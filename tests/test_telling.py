"""What is told of a change that ended, and what the tally keeps of it."""

from dataclasses import replace

from pnsync.journal import Refusal
from pnsync.plan import Action
from pnsync.verdict import Done, Failed
from tests.applying import Bench, bind, binds, change, plan_of, refused
from tests.worlds import X, axb, bound, desired, desk, group, live_group, made, planned, state

A, B = axb("a", 20, 21), axb("b", 22, 23)


def test_a_binding_is_told_with_what_was_chosen_for_it() -> None:
    bench = Bench().go(binds((desk("d", "101"), ())))
    assert bench.told(Done) == [
        Done("bindings.d", "bind", "nx", "bound", 1.0, X, "101", "2027-01-16T08:00:00Z")
    ]


def test_what_ended_well_in_the_end_has_not_failed() -> None:
    bench = Bench()
    for name in ("bindings.a", "bindings.z"):
        bench.tally.failures[name] = Failed(name, "bind", "nx", "A120", "", "", "no route", "")
    bench.go(binds((A, ())))
    assert bench.tally.failures.keys() == {"bindings.z"}


def test_of_an_unbind_no_numbers_are_told() -> None:
    known = state(bound(desk("d", "101")))
    bench = Bench(known).go(planned([], known))
    assert bench.told(Done) == [Done("bindings.d", "unbind", "nx", "unbound", 1.0)]


def test_groups_are_told_by_what_was_done() -> None:
    bench = Bench()
    bench.go(planned(desired([], [group("crew")]), state(), []))
    wider = desired([], [group("crew", (11, 12, 13))])
    bench.go(planned(wider, bench.state, now=int(bench.now()) + 3600))
    entry = next(iter(bench.state.groups().values()))
    bench.vendor.groups[entry.group_id] = live_group(entry)
    bench.go(planned(desired(), bench.state, now=int(bench.now()) + 7200))
    assert [(one.action, one.result, one.phone_x) for one in bench.told(Done)] == [
        ("create_group", "created", None), ("update_group", "updated", None), ("delete_group", "deleted", None),
    ]  # fmt: skip


def test_what_is_renewed_is_told_so() -> None:
    known = state(bound(A, age=80000))
    bench = Bench(known).go(planned([A], known))
    assert [(one.action, one.result) for one in bench.told(Done)] == [("renew", "renewed")]


def test_what_was_left_is_kept_as_the_change_it_is() -> None:
    bench = Bench()
    bench.answers["bind a"] = [refused(Refusal.VALIDATION)]
    plan = binds((A, ()), (B, ()))
    bench.go(plan, fail_fast=True)
    assert bench.tally.left == {"bindings.b": plan.changes[1]}


def test_a_change_of_which_a_part_is_unsettled_is_neither_left_nor_half_done() -> None:
    one = replace(made(A), bind_id=None)
    plan = plan_of(
        [change("a", Action.REBIND, calls=2)],
        [bind(0, one), bind(0, replace(one, provider="la"), after=(0,))],
    )
    bench = Bench()
    bench.answers["bind a"] = [refused(Refusal.VALIDATION)]
    bench.go(plan)
    assert bench.failed["a"][0] == "A121" and len(bench.told(Failed)) == 1
    assert bench.left == []


def test_a_change_is_left_once_whatever_its_parts() -> None:
    known = state(bound(A))
    bench = Bench(known, providers=["la"]).go(planned([replace(A, recording=True)], known))
    assert bench.left == ["a"] and bench.told(Failed) == []
