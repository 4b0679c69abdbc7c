"""Holds and freezes: what a plan makes of them, and what may be written as a reason."""

from collections.abc import Mapping

import pytest

from pnsync.journal import Noted, replay
from pnsync.model import Moved
from pnsync.plan import Action, Cause
from pnsync.policy.holds import Freeze, Hold, freeze_of, holds_of, may_be_phone
from pnsync.state import Entry, GroupEntry, State
from tests.worlds import DAY, NOW, axb, bound, codes, desired, planned, state, what

ORDER = axb("order")
HELD = Hold("bindings.order", "inquiry", NOW - 60)


def notes(*events: Noted) -> dict[str, str]:
    """The state's notes after these events."""
    return dict(replay(state(), events).notes)


def noted(*events: Noted, entries: Mapping[str, Entry | GroupEntry] | None = None) -> State:
    """A state after these events."""
    return state(entries, notes=notes(*events))


def test_a_held_binding_is_unbound_and_kept_so() -> None:
    found = planned([ORDER], noted(HELD.note(), entries=bound(ORDER)))
    assert what(found) == [("unbind", "order")]
    assert found.changes[0].cause is Cause.CONFIG and found.changes[0].reason == "on hold"
    assert "inquiry" in next(one.summary for one in found.diagnostics if one.code == "P406")
    assert planned([ORDER], noted(HELD.note())).empty


def test_a_hold_ends_at_its_instant_and_the_plan_says_until_when_it_holds() -> None:
    ending = Hold("bindings.order", "inquiry", NOW - 60, NOW + 500)
    found = planned([ORDER], noted(ending.note()))
    assert found.empty and found.valid_until == NOW + 500
    over = Hold("bindings.order", "inquiry", NOW - 60, NOW)
    found = planned([ORDER], noted(over.note()))
    assert what(found) == [("bind", "order")] and "P406" not in codes(found)
    assert over.released() in found.bookkeeping


def test_a_hold_follows_a_rename() -> None:
    known = noted(HELD.note(), entries=bound(ORDER))
    files = desired([axb("job")], moved=(Moved("bindings.order", "bindings.job"),))
    found = planned(files, known)
    assert [one.action for one in found.changes] == [Action.UNBIND]
    assert set(holds_of(replay(known, found.bookkeeping))) == {"bindings.job"}


def test_renew_leaves_a_held_binding_to_the_next_apply() -> None:
    old = bound(ORDER, age=DAY - 60)
    assert what(planned([ORDER], old, renew_only=True)) == [("renew", "order")]
    assert planned([ORDER], noted(HELD.note(), entries=old), renew_only=True).empty


def test_a_freeze_refuses_every_plan_also_an_empty_one() -> None:
    frozen = Freeze("release", NOW).note()
    for known in (noted(frozen), noted(frozen, entries=bound(ORDER))):
        found = planned([ORDER], known)
        assert [one.code for one in found.refusals] == ["P407"] and "release" in found.refusals[0].summary
        assert planned([ORDER], known, renew_only=True).refusals
    allowing = noted(Freeze("release", NOW, ("renew",)).note(), entries=bound(ORDER))
    assert not planned([ORDER], allowing, renew_only=True).refusals
    assert planned([ORDER], allowing).refusals


def test_a_freeze_that_cannot_be_read_counts() -> None:
    found = freeze_of(state(notes={"freeze": "{"}))
    assert found is not None and found.allowed == ()
    assert freeze_of(state()) is None


def test_what_was_noted_is_read_again() -> None:
    one = Hold("bindings.a", 'a "quoted" reason', 1, 2)
    two = Hold("bindings.b", "ü", 3)
    known = noted(one.note(), two.note())
    assert holds_of(known) == {"bindings.a": one, "bindings.b": two}
    assert holds_of(replay(known, [one.released()])) == {"bindings.b": two}
    freeze = Freeze("why", 5, ("renew",))
    assert freeze_of(noted(freeze.note())) == freeze


@pytest.mark.parametrize(
    ("reason", "phone"),
    [
        ("call +44 7700 900123", True),
        ("447700900123", True),
        ("07700-900-123 is theirs", True),
        ("(0770) 0900123", True),
        ("INC0012345678", False),
        ("until 2026-11-22", False),
        ("12 desks, 3 rides", False),
        ("JIRA-4711", False),
    ],
)
def test_a_reason_with_a_number_is_known(reason: str, phone: bool) -> None:
    assert may_be_phone(reason) is phone


# -- --limit ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_a_limit_keeps_the_first_changes_in_plan_order(limit: int) -> None:
    declared = [axb(f"o{i}", i * 2 + 1, i * 2 + 2) for i in range(3)]
    kept = axb("kept", 50, 51)
    known = bound(axb("gone", 40, 41), kept)
    whole = planned([*declared, kept], known)
    part = planned([*declared, kept], known, limit=limit)
    assert len(whole.changes) == 4 and what(part) == what(whole)[:limit]
    assert len(part.deferred) == 4 - limit
    assert all("--limit" in one.reason for one in part.deferred)


def test_a_limit_does_not_count_what_time_makes_due() -> None:
    old = bound(ORDER, age=DAY - 60)
    found = planned([ORDER, axb("a", 11, 12), axb("b", 13, 14)], old, limit=1)
    assert sorted(what(found)) == [("bind", "a"), ("renew", "order")]
