"""Planning and time: leases, renewals at the exact instant, declared ends, and until when a plan holds."""

from dataclasses import replace

import pytest

from pnsync.matching import live_expiry, row_of
from pnsync.model import NEVER, Binding, Lifetime, Limit, Policy
from pnsync.plan import Action, Cause
from pnsync.scope import Scope
from tests.worlds import (
    DAILY,
    DAY,
    FOREVER,
    NOW,
    X,
    attempt,
    axb,
    bound,
    codes,
    desired,
    desk,
    foreign,
    made,
    observed,
    only,
    pending,
    planned,
    ride,
    rows_of,
    state,
    what,
)

ONCE = replace(DAILY, keep=False)
ENDING = Lifetime(lease_seconds=None, until=NOW + 1000, renew_before_seconds=100)
LEASED = Lifetime(lease_seconds=DAY, until=NOW + 9 * DAY, renew_before_seconds=3600)


def until(instant: int) -> Binding:
    """A binding with a declared end."""
    return axb("order", lifetime=replace(ENDING, until=instant))


@pytest.mark.parametrize("left", [DAY // 5 + 1, DAY // 5, DAY // 5 - 1, 1])
def test_a_renewal_is_due_at_the_very_instant(left: int) -> None:
    entry = made(axb("order"), age=DAY - left)
    found = planned([axb("order")], {"bindings.order": entry})
    if left > DAY // 5:
        assert found.empty and found.unchanged == 1
        return
    change = only(found)
    assert (change.action, change.cause, change.changed) == (Action.RENEW, Cause.EXPIRY, ("expires_at",))
    assert change.calls == 2 and change.x_may_change and change.before and change.after
    assert found.valid_until == NOW + left


@pytest.mark.parametrize("left", [1, 0, -1])
def test_it_has_expired_at_the_very_instant(left: int) -> None:
    entry = made(axb("order"), age=DAY - left)
    change = only(planned([axb("order")], {"bindings.order": entry}, [row_of(entry)]))
    assert change.action is (Action.RENEW if left > 0 else Action.BIND)


def test_bound_once_is_left_alone_after_its_end() -> None:
    once = axb("order", lifetime=ONCE)
    assert planned([once], bound(once, age=DAY - 10)).empty
    found = planned([once], bound(once, age=DAY + 10), [])
    assert found.empty and codes(found) == ["P202"] and found.unchanged == 1
    assert what(planned([once], bound(once), [])) == [("bind", "order")]


def test_never_is_never_due() -> None:
    entry = made(axb("order", lifetime=FOREVER), age=900 * DAY)
    assert entry.expires_at == NEVER
    assert planned([axb("order", lifetime=FOREVER)], {"bindings.order": entry}).empty


def test_a_declared_end_is_renewed_in_leases_up_to_it() -> None:
    one = axb("order", lifetime=LEASED)
    entry = made(one, age=DAY - 3000)
    assert what(planned([one], {"bindings.order": entry})) == [("renew", "order")]
    last = replace(entry, expires_at=LEASED.until)
    late = (LEASED.until or 0) - 10
    assert planned([one], {"bindings.order": last}, [row_of(last)], now=late).empty


def test_what_has_ended_is_not_bound_and_says_so() -> None:
    found = planned([until(NOW)])
    assert found.empty and codes(found) == ["P201"] and found.unchanged == 1
    assert what(planned([until(NOW + 1)])) == [("bind", "order")]


def test_the_end_of_what_is_bound_bounds_the_plan() -> None:
    assert planned([until(NOW + 500)]).valid_until == NOW + 500
    assert planned([axb("order")]).valid_until is None


def test_ended_and_expired_is_left_alone() -> None:
    entry = made(until(NOW - 5), age=3600)
    found = planned([until(NOW - 5)], {"bindings.order": entry}, [row_of(entry)])
    assert found.empty and codes(found) == ["P202"]


def test_an_end_that_was_brought_forward_is_an_unbind() -> None:
    entry = made(until(NOW + 9000))
    change = only(planned([until(NOW - 5)], {"bindings.order": entry}))
    assert (change.action, change.cause) == (Action.UNBIND, Cause.CONFIG)
    assert what(planned([until(NOW + 800)], {"bindings.order": entry})) == [("rebind", "order")]


def test_a_second_or_two_beyond_the_end_is_no_difference() -> None:
    entry = replace(made(until(NOW + 800)), expires_at=NOW + 802)
    assert planned([until(NOW + 800)], {"bindings.order": entry}).empty
    over = planned([until(NOW + 800)], {"bindings.order": entry}, [row_of(entry)], now=NOW + 801)
    assert over.empty


def test_a_vendors_clock_that_is_ahead_is_no_drift() -> None:
    entry = made(axb("order"), age=0, bound_at=NOW + 55, expires_at=NOW + 55 + DAY)
    assert planned([axb("order")], {"bindings.order": entry}).empty


def test_what_would_outlive_its_declaration_is_drift() -> None:
    entry = made(axb("order"))
    live = replace(row_of(entry), expires_at=NOW + 9 * DAY)
    change = only(planned([axb("order")], {"bindings.order": entry}, [live]))
    assert (change.action, change.cause, change.changed) == (Action.REBIND, Cause.DRIFT, ("expires_at",))
    assert "outlive" in change.reason


def test_an_expiry_that_is_not_known_is_never_judged() -> None:
    entry = made(ride("r"), expires_at=None, bound_at=None)
    row = replace(row_of(entry), naive_expiry=NOW + 8 * 3600)
    found = planned([ride("r")], {"bindings.r": entry}, [row])
    assert found.empty and found.unchanged == 1
    before = only(planned([], {"bindings.r": entry}, [row])).before
    assert before is not None and before["expires_at"] is None
    assert live_expiry(entry, row) == NEVER


def test_what_a_plan_holds_until() -> None:
    """The instant from which time alone would make apply refuse it."""
    entry = made(axb("order"))
    assert planned([axb("order", b=7)], {"bindings.order": entry}).valid_until == entry.expires_at
    assert planned([], {"bindings.order": entry}).valid_until == entry.expires_at
    assert planned([axb("order")], {"bindings.order": entry}).valid_until is None
    assert planned([axb("order")], bound(axb("order"), age=2 * DAY), []).valid_until is None
    twin = planned([axb("order")], None, [foreign(expires_at=NOW + 77)])
    assert twin.valid_until == NOW + 77


@pytest.mark.parametrize(("declared", "until"), [(axb("order"), None), (axb("order", b=9), NOW + 171)])
def test_an_attempt_ends_a_plan_only_where_the_files_ask_for_something_else(
    declared: Binding, until: int | None
) -> None:
    known = state(pending=pending(attempt(axb("order"), ago=10)))
    assert planned([declared], known, []).valid_until == until


@pytest.mark.parametrize(("target", "until"), [("provider=nx", NOW + 171), ("provider=la", None)])
def test_what_ends_a_plan_is_in_its_scope(target: str, until: int | None) -> None:
    known = state(pending=pending(attempt(axb("order"), ago=10)))
    assert planned([axb("order", b=9)], known, [], scope=Scope((target,))).valid_until == until


def test_a_wait_that_ends_with_the_planning_ends_no_plan() -> None:
    """The listing began a second before a binding that nobody declares any more would have had to be in it."""
    known = state(bound(axb("order"), age=180))
    found = planned([], known, [])
    assert [one.not_before for one in found.deferred] == [NOW]
    assert found.valid_until is None


def test_an_attempt_to_renew_ends_no_plan() -> None:
    late = made(axb("order"), age=DAY - 3600)
    known = state({"bindings.order": late}, pending=pending(attempt(axb("order"))))
    found = planned([axb("order")], known, rows_of(known))
    assert found.valid_until is None and [one.not_before for one in found.deferred] == [NOW + 171]


def test_renewals_soonest_first_and_the_urgent_before_all() -> None:
    ages = {"a": DAY - 9000, "b": DAY - 8000, "c": DAY - 30, "d": DAY - 8000}
    bindings = [axb(name, 10 + place, 50 + place) for place, name in enumerate(ages)]
    entries = {one.address: made(one, age=ages[one.name]) for one in bindings}
    gone = made(axb("gone", 30, 31))
    found = planned([*bindings, axb("new", 40, 41)], {**entries, "bindings.gone": gone})
    assert what(found) == [
        ("renew", "c"), ("unbind", "gone"), ("renew", "b"), ("renew", "d"), ("renew", "a"), ("bind", "new"),
    ]  # fmt: skip


def test_what_expires_within_the_apply_is_urgent() -> None:
    soon = made(desk("soon", "100"), age=DAY - 90)
    many = [desk(f"d{one}", f"{one + 200}", a=one) for one in range(300)]
    assert what(planned([desk("soon", "100"), *many[:1]], {"bindings.soon": soon}))[0] == ("renew", "soon")
    later = made(desk("soon", "100"), age=DAY - 150)
    known = {"bindings.soon": later, **bound(axb("x", 800, 801))}
    assert what(planned([desk("soon", "100")], known))[0] == ("unbind", "x")
    assert what(planned([desk("soon", "100"), *many], known))[0] == ("renew", "soon")


@pytest.mark.parametrize(("behind", "action"), [(300.0, "unbind"), (9.0, "forget"), (0.0, "forget")])
def test_a_binding_lives_as_long_as_its_vendor_says(behind: float, action: str) -> None:
    """A vendor whose clock is behind goes on listing what has ended by ours: forgotten, nobody would unbind it."""
    entry = made(axb("gone", 30, 31), expires_at=NOW - 10)
    stays = made(axb("stays", 32, 33))
    known = state({"bindings.gone": entry, "bindings.stays": stays})
    seen = observed([row_of(entry), row_of(stays)], clock_ahead=-behind)
    assert what(planned([axb("stays", 32, 33)], known, seen)) == [(action, "gone")]


@pytest.mark.parametrize(
    ("ahead", "cause"), [(300.0, Cause.EXPIRY), (10.0, Cause.EXPIRY), (9.0, Cause.DRIFT)]
)
def test_what_its_vendor_lists_no_more_has_ended_by_its_vendors_clock(ahead: float, cause: Cause) -> None:
    """Ours is behind: nobody took the binding away, it counts among nothing missing, and `keep: false` holds."""
    entry = made(axb("gone", 30, 31), expires_at=NOW + 10)
    ended = cause is Cause.EXPIRY
    seen = observed([], clock_ahead=ahead)
    found = planned([axb("gone", 30, 31)], {"bindings.gone": entry}, seen)
    assert [(one.action, one.cause) for one in found.changes] == [(Action.BIND, cause)]
    once = axb("gone", 30, 31, lifetime=ONCE)
    assert planned([once], {"bindings.gone": made(once, expires_at=NOW + 10)}, seen).empty == ended
    strict = Policy(max_missing=Limit(count=0))
    assert (not planned(desired([], policy=strict), {"bindings.gone": entry}, seen).refusals) == ended
    last = until(NOW + 10)
    late = planned([last], {"bindings.order": made(last, expires_at=NOW + 10)}, seen)
    assert late.empty == ended and ("P202" in codes(late)) == ended
    left = planned([], {"bindings.gone": entry}, seen)
    assert [(one.action, one.cause is Cause.EXPIRY) for one in left.changes] == [(Action.FORGET, ended)]


def test_what_has_ended_is_not_forgotten_unseen() -> None:
    """Its end is what the state recorded; the vendor's, which somebody may have moved, was not read."""
    ended = made(axb("gone", 30, 31), expires_at=NOW - 10)
    known = state({"bindings.gone": ended})
    found = planned([], known, observed(providers=["la"]))
    assert found.empty and [one.address for one in found.deferred] == ["bindings.gone"]
    dropped = state({"bindings.gone": replace(ended, provider="former")})
    assert what(planned([], dropped)) == [("forget", "gone")]


def test_a_drained_x_is_left_with_the_renewal() -> None:
    from pnsync.model import Holds
    from tests.worlds import group, live_group, made_group, observed, phone

    pool = group("pool", (900, 901), holds=Holds.NUMBERS, drain=frozenset({X}))
    one = desk("d", None, phone_x=None, x_group="pool", extension_auto=True)
    entry = made(one, phone_x=X, extension="101")
    files = desired([one], [pool])
    held = made_group(pool)
    known = state({"bindings.d": entry, "groups.pool": held})
    seen = observed([row_of(entry)], [live_group(held)])
    assert planned(files, known, seen).empty
    late = replace(entry, expires_at=NOW + 100)
    found = planned(
        files, state({"bindings.d": late, "groups.pool": held}), observed([row_of(late)], [live_group(held)])
    )
    change = only(found)
    assert (change.action, change.cause) == (Action.RENEW, Cause.EXPIRY)
    assert change.after is not None and change.after["phone_x"] == phone(901).digits
