"""What policy and protection refuse, and the exact counts that permit it."""

from dataclasses import replace

import pytest

from pnsync.matching import row_of
from pnsync.model import Binding, Limit, Policy
from pnsync.plan import Plan
from pnsync.policy.limits import Permissions
from pnsync.scope import Scope
from tests.worlds import (
    DAY,
    axb,
    bound,
    codes,
    desired,
    group,
    live_group,
    made,
    made_group,
    observed,
    planned,
    rows_of,
    state,
    superseded,
    what,
)


def many(count: int, start: int = 0) -> list[Binding]:
    """So many bindings of different pairs."""
    return [axb(f"o{one:03d}", one, one + 500) for one in range(start, start + count)]


def dropping(total: int, dropped: int, **question: object) -> Plan:
    """A plan that unbinds some."""
    return planned(many(total)[dropped:], bound(*many(total)), **question)  # type: ignore[arg-type]


def rebinding(total: int, changed: int, **question: object) -> Plan:
    """A plan that rebinds some."""
    after = [replace(one, recording=place < changed) for place, one in enumerate(many(total))]
    return planned(after, bound(*many(total)), **question)  # type: ignore[arg-type]


def missing(total: int, lost: int, **question: object) -> Plan:
    """A plan after some were lost at the vendor."""
    known = state(bound(*many(total)))
    return planned(many(total), known, rows_of(known)[lost:], **question)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("plan_of", "total", "count", "code"),
    [
        (dropping, 100, 30, None), (dropping, 100, 31, "P402"), (dropping, 6, 5, None), (dropping, 10, 6, "P402"),
        (dropping, 3, 2, None), (dropping, 3, 3, "P402"), (dropping, 1, 1, "P402"), (dropping, 5, 5, "P402"),
        (rebinding, 100, 30, None), (rebinding, 100, 31, "P403"), (rebinding, 5, 5, None), (rebinding, 10, 6, "P403"),
        (missing, 100, 20, None), (missing, 100, 21, "P404"), (missing, 5, 5, None), (missing, 10, 6, "P404"),
    ],
)  # fmt: skip
def test_defaults(plan_of: object, total: int, count: int, code: str | None) -> None:
    found = plan_of(total, count)  # type: ignore[operator]
    assert len(found.changes) == count
    assert [one.code for one in found.refusals] == ([] if code is None else [code])


@pytest.mark.parametrize(
    ("plan_of", "word"), [(dropping, "unbind"), (rebinding, "rebind"), (missing, "missing")]
)
def test_a_permission_names_exactly_the_count(plan_of: object, word: str) -> None:
    def refused(number: int | None) -> Plan:
        return plan_of(100, 40, permissions=Permissions(**{word: number}))  # type: ignore[operator]

    assert not refused(40).refusals
    for number in (39, 41, 0):
        (refusal,) = refused(number).refusals
        assert f"--allow-{word} {number} names another count" in refusal.summary
        assert f"--allow-{word} 40" in refusal.advice
    assert refused(None).refusals


def test_unbinding_all_is_over_with_any_policy_and_any_others_bound() -> None:
    free = Policy(max_unbind=Limit(percent=100))
    found = planned(desired(many(3, 10), policy=free), bound(*many(3)))
    assert codes(found) == ["P402"] and "all of them" in found.refusals[0].summary
    entries = {**bound(*many(2)), **bound(*many(3, 5), age=2 * DAY)}
    known = state(entries)
    assert codes(planned(desired([], policy=free), known, rows_of(known))) == ["P402"]


def test_limits_of_ones_own() -> None:
    strict = Policy(max_unbind=Limit(count=1), max_rebind=Limit(percent=10), max_missing=Limit(count=0))
    assert not planned(desired(many(10)[1:], policy=strict), bound(*many(10))).refusals
    assert codes(planned(desired(many(10)[2:], policy=strict), bound(*many(10)))) == ["P402"]
    known = state(bound(*many(10)))
    assert codes(planned(desired(many(10), policy=strict), known, rows_of(known)[1:])) == ["P404"]


def test_what_is_lost_and_no_longer_declared_is_missing_too() -> None:
    known = state(bound(*many(10)))
    found = planned(many(4), known, rows_of(known)[:4])
    assert what(found) == [("forget", f"o{one:03d}") for one in range(4, 10)]
    assert codes(found) == ["P404"]


def test_renewals_and_what_expired_do_not_count() -> None:
    late = state(bound(*many(50), age=DAY - 60))
    assert len(planned(many(50), late).changes) == 50 and not planned(many(50), late).refusals
    ended = state(bound(*many(50), age=2 * DAY))
    assert not planned(many(50), ended, []).refusals
    assert not planned([], ended, []).refusals


def test_recovery_does_not_count_but_what_nobody_remembers_does() -> None:
    twins = {}
    rows = []
    for one in many(9):
        twin = replace(
            made(one), bind_id=f"{one.name}-0", customer_bind_id=f"pns-7c4d1a2b-000000000000-{one.name[1:]}1"
        )
        twins |= superseded(one.address, twin)
        rows.append(row_of(twin))
    known = state(bound(*many(9)), superseded=twins)
    assert not planned(many(9), known, [*rows_of(known), *rows]).refusals
    lost = [
        replace(
            row_of(made(one)),
            bind_id=f"lost-{one.name}",
            customer_bind_id=f"pns-7c4d1a2b-{'0' * 9}{one.name[1:]}-1",
        )
        for one in many(9)
    ]
    known = state(bound(*many(9, 20)))
    found = planned(many(9, 20), known, [*rows_of(known), *lost])
    assert len(found.changes) == 9 and codes(found) == ["P402"]


def test_destroy_is_its_own_permission_and_protection_stands() -> None:
    assert not dropping(50, 0, destroy=True).refusals
    guarded = planned([], bound(axb("o", protect=True)), destroy=True)
    assert codes(guarded) == ["P401"]


GUARDED = axb("order", protect=True)


def test_the_state_remembers_protection() -> None:
    assert "P401" in codes(planned([], bound(GUARDED)))
    assert codes(planned([axb("order", b=3)], bound(GUARDED))) == ["P401"]
    assert codes(planned([axb("order", b=3, protect=True)], bound(axb("order")))) == ["P401"]
    assert "P401" in codes(planned([replace(GUARDED, enabled=False)], bound(GUARDED)))
    assert "P401" in codes(planned([GUARDED], bound(GUARDED), replace=frozenset({"bindings.order"})))


def test_protect_false_is_applied_first_and_alone() -> None:
    found = planned([axb("order")], bound(GUARDED))
    assert found.empty and len(found.bookkeeping) == 1 and not found.refusals


def test_protection_lets_time_and_recovery_pass() -> None:
    late = {"bindings.order": made(GUARDED, age=DAY - 60)}
    assert what(planned([GUARDED], late)) == [("renew", "order")] and not planned([GUARDED], late).refusals
    lost = planned([GUARDED], bound(GUARDED), [])
    assert what(lost) == [("bind", "order")] and not lost.refusals
    twin = replace(made(GUARDED), bind_id="order-0", customer_bind_id="pns-7c4d1a2b-000000000000-1")
    known = state(bound(GUARDED), superseded=superseded("bindings.order", twin))
    assert not planned([GUARDED], known, [*rows_of(known), row_of(twin)]).refusals


def test_a_protected_group_is_not_deleted() -> None:
    crew = made_group(group("crew"), protect=True)
    found = planned(desired(), state({"groups.crew": crew}), observed([], [live_group(crew)]))
    assert codes(found) == ["P401"] and "delete group" in found.refusals[0].summary
    plain, guarded = made_group(group("crew")), replace(group("crew"), protect=True)
    seen = observed([], [live_group(plain)])
    gone = planned(desired([], [guarded]), state({"groups.crew": plain}), seen, destroy=True)
    assert "P401" in codes(gone), "protected from the commit on that says so"


def test_only_what_was_asked_for_is_counted() -> None:
    found = dropping(100, 40, scope=Scope(targets=("bindings.o00?",)))
    assert len(found.changes) == 10 and not found.refusals
