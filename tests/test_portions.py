"""A plan in two parts: the order of calls is kept, and nothing is left half done in between."""

import pytest

from pnsync.apply.portions import split
from tests.worlds import axb, bound, calls, desk, made, planned, rows_of, state


def test_the_beginning_completes_that_many_changes() -> None:
    declared = [axb(f"o{i}", 2 * i + 1, 2 * i + 2) for i in range(5)]
    whole = planned(declared)
    for count in range(1, 5):
        first, rest = split(whole, count)
        assert len(first.changes) == len(first.steps) == count
        assert calls(first) + calls(rest) == calls(whole)
    first, rest = split(whole, 5)
    assert calls(first) == calls(whole) and not rest.steps and not rest.changes


def test_two_halves_stay_together() -> None:
    declared = [axb(f"o{i}", 2 * i + 1, 2 * i + 2) for i in range(3)]
    whole = planned([axb(f"o{i}", 2 * i + 1, 20 + i) for i in range(3)], bound(*declared))
    assert len(whole.steps) == 6
    first, rest = split(whole, 1)
    assert len(first.changes) == 1 and len(first.steps) == 2
    assert calls(first) + calls(rest) == calls(whole)
    want = [tuple(one - 2 for one in step.after if one >= 2) for step in whole.steps[2:]]
    assert [step.after for step in rest.steps] == want and (0,) in want
    for part in (first, rest):
        for index, step in enumerate(part.steps):
            assert all(0 <= one < index for one in step.after)


def test_a_cycle_is_not_cut() -> None:
    before = bound(desk("a", "101", 1), desk("b", "102", 2))
    whole = planned([desk("a", "102", 1), desk("b", "101", 2), desk("c", "103", 3)], before)
    first, rest = split(whole, 1)
    names = {one.address for one in first.changes}
    if "bindings.a" in names or "bindings.b" in names:
        assert {"bindings.a", "bindings.b"} <= names
    assert calls(first) + calls(rest) == calls(whole)


def test_changes_without_a_call_come_first() -> None:
    gone = made(axb("gone"), age=10 * 86400)
    whole = planned([axb("a", 11, 12), axb("b", 13, 14)], {"bindings.gone": gone})
    first, rest = split(whole, 1)
    assert ("forget", "bindings.gone") in {(one.action.value, one.address) for one in first.changes}
    assert [one.address for one in rest.changes] == ["bindings.b"]


@pytest.mark.parametrize("count", [1, 9])
def test_an_empty_plan_has_empty_parts(count: int) -> None:
    known = state(bound(axb("a")))
    whole = planned([axb("a")], known, rows_of(known))
    first, rest = split(whole, count)
    assert not first.steps and not rest.steps and not rest.changes
