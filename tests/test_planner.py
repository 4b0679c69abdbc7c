"""The planner's table, row by row, and what a change says: cause, reason, before and after, calls, X."""

import gc
import sys
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest

from pnsync.errors import Severity, SourceSpan
from pnsync.journal import Doubled, Recorded
from pnsync.masking import Masker
from pnsync.matching import GHOST_SECONDS, row_of
from pnsync.model import Binding, Holds, Lifetime, LiveGroup, Mode, Moved, Schedule
from pnsync.phone import Phone
from pnsync.plan import Action, Cause, Order, Plan, document
from pnsync.planner.table import desired_of_state, plan
from pnsync.scope import Scope
from pnsync.state import Entry
from tests.worlds import (
    DAILY,
    DAY,
    FOREVER,
    LINEAGE,
    NOW,
    X2,
    X,
    attempt,
    axb,
    axg,
    bound,
    calls,
    codes,
    desired,
    desk,
    foreign,
    group,
    live_group,
    made,
    made_group,
    observed,
    only,
    pending,
    phone,
    planned,
    ride,
    rows_of,
    state,
    superseded,
    what,
)

ORDER = axb("order")
OURS = made(ORDER)
OLD = made(ORDER, age=2 * DAY)
LATE = made(ORDER, age=DAY - 3600)


@pytest.mark.parametrize(
    ("declared", "recorded", "live", "action", "cause"),
    [
        pytest.param(ORDER, None, None, Action.BIND, Cause.CONFIG, id="new"),
        pytest.param(ORDER, None, row_of(OURS), Action.ADOPT, Cause.RECOVERY, id="live with our id"),
        pytest.param(ORDER, None, foreign(), None, None, id="live, equal, not provably ours"),
        pytest.param(ORDER, OURS, row_of(OURS), None, None, id="equal, life left"),
        pytest.param(ORDER, LATE, row_of(LATE), Action.RENEW, Cause.EXPIRY, id="equal, life nearly over"),
        pytest.param(
            axb("order", b=3), OURS, row_of(OURS), Action.REBIND, Cause.CONFIG, id="declared otherwise"
        ),
        pytest.param(
            ORDER,
            OURS,
            replace(row_of(OURS), phone_b=phone(9)),
            Action.REBIND,
            Cause.DRIFT,
            id="differs live",
        ),
        pytest.param(ORDER, OLD, None, Action.BIND, Cause.EXPIRY, id="expired"),
        pytest.param(ORDER, OLD, row_of(OLD), Action.BIND, Cause.EXPIRY, id="expired and still listed"),
        pytest.param(ORDER, OURS, None, Action.BIND, Cause.DRIFT, id="lost"),
        pytest.param(None, OURS, row_of(OURS), Action.UNBIND, Cause.CONFIG, id="no longer declared"),
        pytest.param(None, OURS, None, Action.FORGET, Cause.CONFIG, id="neither declared nor listed"),
        pytest.param(None, OLD, None, Action.FORGET, Cause.EXPIRY, id="neither declared nor alive"),
        pytest.param(None, None, foreign(), None, None, id="unmanaged"),
    ],
)
def test_the_table(
    declared: Binding | None, recorded: Entry | None, live: object, action: Action | None, cause: Cause | None
) -> None:
    found = planned(
        [] if declared is None else [declared],
        {} if recorded is None else {"bindings.order": recorded},
        [] if live is None else [live],
    )
    assert [(one.action, one.cause) for one in found.changes] == ([] if action is None else [(action, cause)])
    assert all(
        one.calls == {Action.RENEW: 2, Action.REBIND: 2, Action.ADOPT: 0, Action.FORGET: 0}.get(one.action, 1)
        for one in found.changes
    )
    assert sum(one.calls for one in found.changes) == found.calls == len(found.steps)
    assert found.made_at == NOW and found.lineage == LINEAGE and found.serial == 4


@pytest.mark.parametrize("collecting", [True, False])
def test_the_collector_is_left_as_it_was(collecting: bool) -> None:
    usual = gc.isenabled()
    (gc.enable if collecting else gc.disable)()
    try:
        planned([ORDER])
        assert gc.isenabled() is collecting
        with pytest.raises(AttributeError):
            plan(desired([ORDER]), state(), None, now=NOW)  # type: ignore[arg-type]
        assert gc.isenabled() is collecting
    finally:
        (gc.enable if usual else gc.disable)()


WIDE = replace(DAILY, renew_before_seconds=DAY // 2)
POOL = group("pool", None, holds=Holds.NUMBERS)
CREW = group("crew", None, group_id="g1")
FIXED = desk("d", extension="101")
AUTO = desk("d", None, phone_x=None, x_group="pool", extension_auto=True)
GIVEN = {"phone_x": X, "extension": "101"}


@pytest.mark.parametrize(
    ("one", "recorded", "listed"),
    [
        pytest.param(ORDER, {}, {}, id="axb"),
        pytest.param(ORDER, {"bound_at": None}, {}, id="bound when nobody knows"),
        pytest.param(axb("order", lifetime=FOREVER), {}, {}, id="for ever"),
        pytest.param(ride("r"), {}, {"expires_at": None, "recording": None}, id="no end is listed"),
        pytest.param(
            ride("r"), {"expires_at": None}, {"expires_at": NOW + DAY - 3600}, id="no end is recorded"
        ),
        pytest.param(FIXED, {}, {}, id="fixed numbers"),
        pytest.param(AUTO, GIVEN, {}, id="numbers from a pool"),
        pytest.param(replace(AUTO, x_group=None, phone_x=X), GIVEN, {}, id="an extension from a pool"),
        pytest.param(axg("t", "crew"), {"group_id": "g1"}, {}, id="a group"),
        pytest.param(axb("sueyasec", lifetime=WIDE), {"expires_at": NOW + DAY // 2}, {}, id="the last share"),
    ],
)
def test_what_is_unchanged_is_told_by_one_comparison(
    one: Binding, recorded: dict[str, Any], listed: dict[str, Any]
) -> None:
    """A hundred thousand unchanged bindings are what most plans look at: for none of them is a new entry made."""
    entry = made(one, **recorded)
    rows = [replace(row_of(entry), **listed)]
    live = (live_group(made_group(CREW)), LiveGroup("nx", "p1", "pool", (Phone(X),)))
    compared: list[str] = []

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.endswith("wanted.py"):
            compared.extend([frame.f_code.co_name] if "target" in frame.f_code.co_name else [])

    def looked_at(declared: Binding) -> Plan:
        files = desired([declared], [POOL, CREW], schedule=Schedule(3600, 3600))
        sys.setprofile(watch)
        try:
            return planned(files, {one.address: entry}, observed(rows, live))
        finally:
            sys.setprofile(None)

    found = looked_at(one)
    assert found.empty and found.unchanged == 1 and compared == []
    assert looked_at(replace(one, protect=True)).unchanged == 1 and compared


def test_a_plan_says_of_which_files_and_state_it_is() -> None:
    found = planned([ORDER], state(serial=7), config_digest="sha256:1")
    assert (found.made_at, found.lineage, found.serial, found.config_digest) == (NOW, LINEAGE, 7, "sha256:1")
    assert found.routing.chosen_later == 1


def test_what_is_adopted_is_shown_as_it_is() -> None:
    after = only(planned([ORDER], None, [row_of(OURS)])).after
    assert after is not None and (after["phone_a"], after["phone_x"]) == (phone(1), X2)


def test_a_first_bind() -> None:
    change = only(planned([ORDER]))
    assert change.before is None and change.order is None and change.gap_seconds == 0
    assert change.reason == "not in state" and not change.x_may_change and change.changed == ()
    assert change.after is not None
    assert dict(change.after) == {
        "mode": "axb", "phone_a": phone(1), "phone_b": phone(2), "recording": False, "expires_in": "1d",
    }  # fmt: skip


def test_a_declared_change_names_what_changed() -> None:
    change = only(planned([axb("order", b=3, recording=True)], {"bindings.order": OURS}))
    assert change.changed == ("phone_b", "recording")
    assert change.reason == "declared with other values: phone_b, recording"
    assert change.order is Order.UNBIND_FIRST and change.gap_seconds > 0 and change.x_may_change
    assert change.before is not None and change.before["phone_b"] == phone(2)
    assert change.before["phone_x"] == X2 and change.before["expires_at"] == "2027-01-16T07:00:00Z"


@pytest.mark.parametrize(
    ("declared", "changed"),
    [
        (axb("order", a=5), ("phone_a",)),
        (axb("order", recording=True), ("recording",)),
        (axb("order", customer_bind_id="66666666"), ("customer_bind_id",)),
        (axb("order", lifetime=replace(DAILY, lease_seconds=3600)), ("expires_in",)),
        (axb("order", lifetime=FOREVER), ("expires_in",)),
        (axb("order", lifetime=Lifetime(None, until=NOW + 9 * DAY)), ("expires_at", "expires_in")),
        (desk("order"), ("mode", "phone_x", "extension", "phone_b")),
    ],
)
def test_every_attribute_is_a_rebind(declared: Binding, changed: tuple[str, ...]) -> None:
    change = only(planned([declared], {"bindings.order": OURS}))
    assert (change.action, change.cause, change.changed) == (Action.REBIND, Cause.CONFIG, changed)


@pytest.mark.parametrize(
    "declared",
    [
        axb("order", protect=True),
        axb("order", labels=(("team", "west"),)),
        axb("order", lifetime=replace(DAILY, renew_before_seconds=60)),
        axb("order", lifetime=replace(DAILY, keep=False)),
        axb("order", span=SourceSpan("bindings/a.yaml", 3)),
    ],
)
def test_what_no_vendor_holds_is_recorded_without_a_change(declared: Binding) -> None:
    found = planned([declared], {"bindings.order": OURS})
    assert found.empty and found.unchanged == 1
    (event,) = found.bookkeeping
    assert isinstance(event, Recorded) and isinstance(event.entry, Entry)
    assert (event.entry.protect, event.entry.labels, event.entry.lifetime) == (
        declared.protect, declared.labels, declared.lifetime,
    )  # fmt: skip
    again = planned([declared], {"bindings.order": event.entry}, [row_of(OURS)])
    assert again.empty and again.bookkeeping == ()


def test_the_vendor_shows_what_is_declared_by_now() -> None:
    live = replace(row_of(OURS), recording=True)
    found = planned([axb("order", recording=True)], {"bindings.order": OURS}, [live])
    assert found.empty and found.unchanged == 1
    (event,) = found.bookkeeping
    assert isinstance(event, Recorded) and isinstance(event.entry, Entry) and event.entry.recording


def test_a_listed_expiry_is_learned_once() -> None:
    live = replace(row_of(OURS), expires_at=(OURS.expires_at or 0) + 2)
    found = planned([ORDER], {"bindings.order": OURS}, [live])
    assert found.empty
    (event,) = found.bookkeeping
    assert isinstance(event, Recorded) and isinstance(event.entry, Entry)
    assert event.entry.expires_at == live.expires_at
    assert planned([ORDER], {"bindings.order": event.entry}, [live]).bookkeeping == ()


def test_a_vendor_that_lists_no_expiry_and_no_flag_is_believed() -> None:
    live = replace(row_of(OURS), expires_at=None, recording=None)
    assert planned([ORDER], {"bindings.order": OURS}, [live]).empty


def test_drift_names_what_differs_and_what_it_was() -> None:
    live = replace(row_of(made(desk("d"))), extension="102")
    change = only(planned([desk("d")], bound(desk("d")), [live]))
    assert change.reason == "differs at the vendor: extension"
    assert change.before is not None and change.before["extension"] == "102"
    assert change.order is Order.BIND_FIRST and change.gap_seconds == 0


def test_an_extension_binding_keeps_its_declared_x() -> None:
    assert not only(planned([desk("d")], bound(desk("d", "102")))).x_may_change
    assert not only(planned([desk("d")], bound(desk("d"), age=2 * DAY), [])).x_may_change
    assert only(planned([ORDER], {"bindings.order": OLD}, [])).x_may_change


@pytest.mark.parametrize(
    ("before", "after", "order"),
    [
        (desk("d"), desk("d", "102"), Order.BIND_FIRST),
        (desk("d"), desk("d", phone_x=X2), Order.BIND_FIRST),
        (desk("d"), desk("d", a=5), Order.UNBIND_FIRST),
        (desk("d"), desk("d", provider="nx2"), Order.BIND_FIRST),
        (axb("d"), axb("d", provider="nx2"), Order.BIND_FIRST),
        (axb("d"), axb("d", b=5), Order.UNBIND_FIRST),
        (axb("d"), desk("d"), Order.UNBIND_FIRST),
        (desk("d"), axb("d"), Order.UNBIND_FIRST),
        (ride("d"), axb("d"), Order.BIND_FIRST),
        (ride("d"), ride("d", mode=Mode.AXXB), Order.UNBIND_FIRST),
    ],
)
def test_which_half_comes_first(before: Binding, after: Binding, order: Order) -> None:
    found = planned([after], bound(before))
    change = only(found)
    assert change.order is order and (change.gap_seconds > 0) == (order is Order.UNBIND_FIRST)
    first = ["bind", "unbind"] if order is Order.BIND_FIRST else ["unbind", "bind"]
    assert [operation for operation, _ in calls(found)] == first
    assert found.steps[1].after == (0,) and found.steps[1].finishes == (order is Order.UNBIND_FIRST)
    bind = found.steps[first.index("bind")]
    assert (bind.replaces is not None) == (order is Order.BIND_FIRST)
    assert {one.provider for one in found.steps} == {before.provider, after.provider}


def test_enabled_false_unbinds_and_says_why() -> None:
    change = only(planned([axb("order", enabled=False)], {"bindings.order": OURS}))
    assert (change.action, change.reason) == (Action.UNBIND, "declared with enabled: false")
    assert planned([axb("order", enabled=False)]).empty


def test_what_is_down_is_bound_and_says_since_when() -> None:
    down = replace(OURS, bind_id=None, down_since=NOW - 60)
    change = only(planned([ORDER], {"bindings.order": down}))
    assert (change.action, change.cause, change.before) == (Action.BIND, Cause.RECOVERY, None)
    assert "2027-01-15T07:59:00Z" in change.reason
    gone = only(planned([], {"bindings.order": down}))
    assert (gone.action, gone.calls) == (Action.FORGET, 0)


def test_a_superseded_binding_is_unbound_and_a_gone_one_forgotten() -> None:
    twin = replace(OURS, bind_id="order-0", customer_bind_id="pns-7c4d1a2b-000000000000-1")
    known = state({"bindings.order": OURS}, superseded=superseded("bindings.order", twin))
    change = only(planned([ORDER], known, [row_of(OURS), row_of(twin)]))
    assert (change.action, change.cause, change.calls) == (Action.UNBIND, Cause.RECOVERY, 1)
    found = planned([ORDER], known, [row_of(OURS)])
    assert found.empty and found.bookkeeping == (Doubled(("nx", "order-0"), None),)
    ended = replace(row_of(twin), expires_at=NOW - 1)
    assert planned([ORDER], known, [row_of(OURS), ended]).empty


@pytest.mark.parametrize("ours", [OURS, made(ride("order"))], ids=["nxcloud", "laaffic"])
@pytest.mark.parametrize("declared", [True, False])
def test_another_binding_under_the_id_of_ours_is_told_and_left(ours: Entry, declared: bool) -> None:
    """Either the vendor has given the id again, or somebody changed the binding there: it connects people still."""
    one = ORDER if ours is OURS else ride("order")
    changed = replace(row_of(ours), phone_a=phone(8), phone_b=phone(9), customer_bind_id=None)
    found = planned([one] if declared else [], {"bindings.order": ours}, [changed])
    change = only(found)
    assert change.action is (Action.BIND if declared else Action.FORGET)
    assert codes(found) == ["P342"] and found.unmanaged == 1
    (note,) = found.diagnostics
    assert (note.address, note.severity) == ("bindings.order", Severity.WARNING)
    assert f" {ours.bind_id};" in note.summary and phone(8).digits not in f"{note.summary} {note.advice}"


@pytest.mark.parametrize("declared", [True, False])
def test_who_has_the_id_of_one_that_has_ended_is_nobodys_business(declared: bool) -> None:
    other = replace(row_of(OURS), customer_bind_id=None, phone_a=phone(8))
    for ours, row in (
        (replace(OURS, expires_at=NOW - 5), other),
        (OURS, replace(other, expires_at=NOW - 5)),
        (OURS, replace(row_of(OURS), bind_id="another")),
    ):
        found = planned([ORDER] if declared else [], {"bindings.order": ours}, [row])
        assert "P342" not in codes(found)


def test_what_was_unbound_and_is_listed_still_is_unbound_again_where_an_id_proves_it() -> None:
    row = row_of(OURS)
    known = state(unbound={row.key: NOW - GHOST_SECONDS - 1}, generations={"bindings.order": 1})
    change = only(planned([], known, [row]))
    assert (change.address, change.action, change.cause) == ("bindings.order", Action.UNBIND, Cause.RECOVERY)
    assert change.reason == "unbound before, and its vendor lists it still"
    lagging = planned([], state(unbound={row.key: NOW - 60}), [row])
    assert lagging.empty and lagging.unmanaged == 0 and not lagging.diagnostics


@pytest.mark.parametrize(("count", "more"), [(1, ""), (5, ""), (7, " and 2 more")])
def test_what_was_unbound_and_is_listed_still_is_told_where_no_id_proves_it(count: int, more: str) -> None:
    rows = [row_of(made(ride(f"r{one}", 2 * one, 2 * one + 1))) for one in range(1, count + 1)]
    for ago, told in ((GHOST_SECONDS + 1, True), (60, False)):
        known = state(unbound={one.key: NOW - ago for one in rows})
        found = planned([], known, [*rows, foreign("f1", a=90, b=91)])
        assert found.empty and found.unmanaged == 1 + (count if told else 0)
        assert codes(found) == (["P343"] if told else [])
        for note in found.diagnostics:
            named = ", ".join(sorted(one.bind_id for one in rows)[:5])
            assert note.severity is Severity.WARNING and note.address is None
            assert note.summary == f"la lists live bindings under ids that pnsync has unbound: {named}{more}"


def test_what_was_unbound_and_has_ended_since_is_told_no_more() -> None:
    row = replace(row_of(made(ride("r"))), expires_at=NOW)
    assert codes(planned([], state(unbound={row.key: NOW - DAY}), [row])) == []


def test_equal_strangers_are_named_in_one_diagnostic() -> None:
    bindings = [axb(f"order-{one}", a=one, b=one + 100) for one in range(7)]
    found = planned(bindings, None, [foreign(f"f{one}", a=one, b=one + 100) for one in range(7)])
    assert found.empty and codes(found) == ["P311"] and found.unmanaged == 7
    (note,) = found.diagnostics
    assert "7 declared bindings" in note.summary and "and 2 more" in note.summary
    assert "pnsync import --match" in note.advice


@pytest.mark.parametrize(
    ("declared", "row"),
    [
        (desk("d"), foreign(a=9, b=None, phone_x=X, extension="101")),
        (axb("d"), foreign(recording=True)),
        (axb("d"), foreign(a=2, b=1)),
        (ride("d"), foreign(b=9, provider="la", recording=None)),
        (ride("d", mode=Mode.AXXB), foreign(provider="la", recording=None)),
    ],
)
def test_what_a_stranger_holds_is_a_decision(declared: Binding, row: object) -> None:
    found = planned([declared], None, [row])
    assert found.empty and codes(found) == ["P310"]
    (decision,) = found.decisions
    assert "foreign-1" in decision.summary
    assert "pnsync import bindings.d foreign-1" in decision.advice and "2027-01-16" in decision.advice
    assert found.valid_until == NOW + DAY


def test_a_limit_leaves_out_no_decision() -> None:
    files = [axb("a", a=11, b=12), axb("b", a=13, b=14), desk("d")]
    found = planned(files, None, [foreign(a=9, b=None, phone_x=X, extension="101")], limit=1)
    assert [one.address for one in found.changes] == ["bindings.a"]
    assert [one.address for one in found.decisions] == ["bindings.d"]


def test_a_stranger_beside_ours_does_not_stop_its_renewal() -> None:
    late = made(ride("d"), age=DAY - 3600)
    row = foreign(provider="la", b=9, recording=None)
    found = planned([ride("d")], {"bindings.d": late}, [row_of(late), row])
    assert what(found) == [("renew", "d")] and not found.decisions


def test_strangers_are_counted_and_the_expired_are_not() -> None:
    found = planned([], None, [foreign("f1"), foreign("f2", a=7), foreign("f3", a=8, expires_at=NOW - 5)])
    assert found.empty and found.unmanaged == 2 and found.bookkeeping == ()


def test_moved_is_no_change_and_no_id_is_used_twice() -> None:
    old, new = axb("old", customer_bind_id="66"), axb("new", customer_bind_id="66")
    files = desired([new], moved=(Moved("bindings.old", "bindings.new"),))
    known = state(bound(old, generation=2), generations={"bindings.old": 5})
    found = planned(files, known)
    assert found.empty and found.unchanged == 1
    removed, recorded = found.bookkeeping
    assert removed == Recorded("bindings.old", None)
    assert isinstance(recorded, Recorded) and isinstance(recorded.entry, Entry)
    assert recorded.entry.generation == 5 and recorded.entry.bind_id == "old-2"
    renewed = planned(files, known, now=NOW + DAY - 3601)
    assert renewed.steps[1].target is not None
    assert renewed.steps[1].target.customer_bind_id == "66.6"  # type: ignore[union-attr]


def test_moved_in_a_chain_and_only_where_the_name_is_free() -> None:
    moved = (Moved("bindings.b", "bindings.c"), Moved("bindings.a", "bindings.b"))
    files = desired([axb("c", 1, 2), axb("b", 3, 4)], moved=moved)
    found = planned(files, bound(axb("b", 1, 2), axb("a", 3, 4)))
    assert found.empty and found.unchanged == 2
    taken = desired([axb("b", 3, 4)], moved=(Moved("bindings.a", "bindings.b"),))
    assert what(planned(taken, bound(axb("a"), axb("b", 3, 4)))) == [("unbind", "a")]


def test_moved_waits_for_an_open_attempt() -> None:
    files = desired([axb("new")], moved=(Moved("bindings.old", "bindings.new"),))
    known = state(bound(axb("old")), pending=pending(attempt(axb("old"))))
    found = planned(files, known, rows_of(known))
    assert found.empty and [one.address for one in found.deferred] == ["bindings.new", "bindings.old"]


def test_no_number_of_a_person_is_in_the_document() -> None:
    found = planned(
        [axb("order", b=3), axb("second", 5, 6)], {"bindings.order": OURS}, [row_of(OURS), foreign()]
    )
    text = repr(document(found, Masker(b"k" * 32, LINEAGE), pnsync_version="0"))
    assert "447700900001" not in text and X2 in text and "44••••01~" in text


def test_renew_keeps_what_an_interrupted_run_made() -> None:
    short = axb("order", b=3, lifetime=replace(DAILY, lease_seconds=3600, renew_before_seconds=600))
    one = attempt(short, ago=3100)
    known = state({"bindings.order": made(axb("order", lifetime=FOREVER))}, pending=pending(one))
    row = replace(row_of(made(short, generation=2)), expires_at=NOW + 500)
    found = planned(desired_of_state(desired(), known), known, [*rows_of(known), row], renew_only=True)
    assert what(found) == [("unbind", "order"), ("renew", "order")]
    assert found.steps[0].unbinds is not None and found.steps[0].unbinds.bind_id == "order-1"


def test_renew_leaves_what_the_files_and_others_changed() -> None:
    late = made(axb("late", 3, 4), age=DAY - 60)
    known = state({**bound(ORDER, axb("gone", 5, 6)), "bindings.late": late})
    rows = [replace(row_of(OURS), recording=True), replace(row_of(late), recording=True)]
    found = planned(desired_of_state(desired(), known), known, rows, renew_only=True)
    assert what(found) == [("renew", "late")] and found.refusals == ()


def test_renew_binds_to_no_group_that_is_gone() -> None:
    down = made(axg("talk", "crew"), group_id="g1", bind_id=None)
    known = state({"bindings.talk": down})
    found = planned(desired_of_state(desired(), known), known, [], renew_only=True)
    assert found.empty and [one.address for one in found.deferred] == ["bindings.talk"]


def test_renew_keeps_what_only_the_files_know() -> None:
    one = desk("d", None, phone_x=None, x_group="pool", extension_auto=True, span=SourceSpan("a.yaml", 1))
    entry = made(one, age=DAY - 60, phone_x=X, extension="101")
    known = state({"bindings.d": entry})
    target = planned(desired_of_state(desired(), known), known, renew_only=True).steps[1].target
    assert isinstance(target, Entry)
    assert (target.x_group, target.extension_auto, target.file, target.phone_x) == ("pool", True, "a.yaml", X)


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ("bindings.order", True), ("bindings.ord*", True), ("ord*", True), ("team=north", True), ("label.team=north", True),
        ("provider=nx", True), ("groups.crew", True), ("groups.cr?w", True), ("bindings.kept", True), ("kept*", True),
        ("bindings.odr*", False), ("team=south", False), ("provider=ny", False), ("groups.crow*", False),
    ],
)  # fmt: skip
def test_a_selector_that_fits_nothing_is_told(selector: str, fits: bool) -> None:
    files = desired([replace(ORDER, labels=(("team", "north"),))], [CREW])
    known = state({"bindings.kept": made(axb("kept", 3, 4)), "groups.old": made_group(group("old"))})
    for option, does, scope in (
        ("target", "selects", Scope((selector,))), ("exclude", "leaves out", Scope((), (selector,))),
    ):  # fmt: skip
        found = planned(files, known, scope=scope)
        told = [one.summary for one in found.diagnostics if one.code == "P204"]
        assert [one.startswith(f"--{option} {selector} {does} nothing: ") for one in told] == (
            [] if fits else [True]
        )


def test_what_only_an_open_call_knows_can_be_selected() -> None:
    known = state(pending=pending(attempt(axb("lost"))))
    for selector, told in (("bindings.los*", False), ("bindings.lots*", True)):
        found = planned([], known, [], scope=Scope((selector,)))
        assert [one.address for one in found.deferred] == ([] if told else ["bindings.lost"])
        assert ("P204" in codes(found)) is told


@pytest.mark.parametrize(
    "selector", ["*447700900123*", "447700900123?", "who=447700900123", "bindings.447700900123*"]
)
def test_a_phone_in_a_selector_is_masked(selector: str) -> None:
    (note,) = planned([ORDER], scope=Scope((), (selector,))).diagnostics
    assert note.code == "P204" and "447700900123" not in note.summary and "44••••23" in note.summary


def test_what_is_said_is_in_the_order_of_codes_and_addresses() -> None:
    """An address comes before those that begin with it, whatever its sentence goes on with."""
    asked = frozenset({"bindings.order-b", "bindings.order", "bindings.a"})
    found = planned([axb("order", enabled=False)], state(), replace=asked)
    told = [(one.code, one.address) for one in found.diagnostics]
    assert told == [("P203", "bindings.a"), ("P203", "bindings.order"), ("P203", "bindings.order-b")]


def test_what_a_limit_leaves_out_refuses_nothing() -> None:
    """No order mends one number at two providers: without it, the rest goes."""
    files = desired([desk("d", provider="nx2")], [group("crew")])
    known = state(bound(desk("d")))
    assert codes(planned(files, known)) == ["P350"]
    part = planned(files, known, limit=1)
    assert (what(part), codes(part)) == ([("create_group", "crew")], [])
