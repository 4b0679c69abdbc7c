"""What time brings, against a walk through every renewal one by one."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnsync.lifetimes import due_at
from pnsync.model import NEVER, Binding, Lifetime, Schedule
from pnsync.reports.forecast import MOST_SPANS, SPANS, first_lapse, forecast, forecast_document, timeline
from pnsync.state import State
from tests.worlds import DAILY, DAY, FOREVER, NOW, axb, bound, desired, made, planned, rows_of, state

ORDER = axb("order")


def counted(known: State, *, days: int = 5, **more: object) -> list[tuple[int, int, int]]:
    """Renewals, lapses and ends by day."""
    found = forecast(desired(**more), known, now=NOW, days=days)
    return [(one.renewals, one.lapses, one.ends) for one in found.days]


def test_a_daily_binding_is_renewed_every_day() -> None:
    known = state(bound(ORDER, age=3600))
    found = forecast(desired(), known, now=NOW, days=5)
    assert [one.renewals for one in found.days] == [1, 1, 1, 2, 1]  # every 0.8 days
    assert [one.calls for one in found.days] == [2, 2, 2, 4, 2]
    assert [one.lapses for one in found.days] == [1, 0, 0, 0, 0]
    assert found.first_lapse is not None and found.first_lapse.at == NOW + DAY - 3600
    assert found.overdue == 0


def test_what_is_due_already_counts_today_and_is_told() -> None:
    found = forecast(desired(), state(bound(ORDER, age=DAY + 60)), now=NOW, days=2)
    assert found.overdue == 1 and found.days[0].renewals >= 1 and found.days[0].lapses == 1
    assert found.first_lapse is not None and found.first_lapse.at == NOW - 60


def test_what_ends_as_declared_is_no_lapse() -> None:
    once = axb("once", 1, 2, lifetime=replace(DAILY, keep=False))
    until = axb("until", 3, 4, lifetime=Lifetime(None, until=NOW + DAY + 60))
    entries = bound(once) | {"bindings.until": made(until, expires_at=NOW + DAY + 60)}
    assert counted(state(entries)) == [(0, 0, 1), (0, 0, 1), (0, 0, 0), (0, 0, 0), (0, 0, 0)]
    assert first_lapse(state(entries)) is None


def test_without_end_down_and_unknown() -> None:
    entries = {
        "bindings.a": made(axb("a", lifetime=FOREVER)),
        "bindings.b": made(axb("b"), expires_at=None),
        "bindings.c": made(axb("c"), bind_id=None),
    }
    assert entries["bindings.a"].expires_at == NEVER
    found = forecast(desired(), state(entries), now=NOW, days=1)
    assert (found.never, found.unknown, found.days[0].renewals, found.first_lapse) == (1, 1, 0, None)


@settings(max_examples=60)
@given(
    lease=st.integers(600, 3 * DAY),
    share=st.integers(1, 99),
    age=st.integers(0, DAY),
    until=st.one_of(st.none(), st.integers(60, 6 * DAY)),
    schedule=st.one_of(st.none(), st.builds(Schedule, st.integers(60, 9000), st.integers(0, 9000))),
)
def test_days_agree_with_renewing_one_by_one(
    lease: int, share: int, age: int, until: int | None, schedule: Schedule | None
) -> None:
    lifetime = Lifetime(lease, None if until is None else NOW + until, lease * min(share, 50) // 100)
    expires = NOW - min(age, lease - 1) + lease
    if until is not None:
        expires = min(expires, NOW + until)
    known = state({"bindings.order": made(axb("order", lifetime=lifetime), expires_at=expires)})
    want = [0] * 5
    while (due := due_at(lifetime, expires, "bindings.order", schedule)) is not None:
        at = max(due, NOW)
        if at >= NOW + 5 * DAY:
            break
        want[(at - NOW) // DAY] += 1
        expires = at + lease
        if lifetime.until is not None:
            expires = min(expires, lifetime.until)
    assert [one[0] for one in counted(known, schedule=schedule)] == want


@pytest.mark.parametrize("count", [20_000])
def test_many_short_leases_take_no_time_each(count: int) -> None:
    short = Lifetime(60, renew_before_seconds=12)
    one = made(axb("o", lifetime=short), expires_at=NOW + 60)
    known = state({f"bindings.o{i}": one for i in range(count)})
    found = forecast(desired(), known, now=NOW, days=7)
    assert found.days[3].renewals == count * 1800


def test_a_lease_that_outlasts_every_calendar_is_renewed_once() -> None:
    """No file declares one; a state that somebody wrote may hold it."""
    endless = Lifetime(NEVER, renew_before_seconds=12)
    known = state({"bindings.o": made(axb("o", lifetime=endless), expires_at=NOW + 60)})
    assert [one.renewals for one in forecast(desired(), known, now=NOW, days=3).days] == [1, 0, 0]


def test_the_document() -> None:
    found = forecast_document(forecast(desired(), state(bound(ORDER, age=3600)), now=NOW, days=1))
    assert found["format"] == "pnsync-forecast" and found["version"] == 1
    assert found["first_lapse"] == {"address": "bindings.order", "at": "2027-01-16T07:00:00Z"}
    assert found["days"] == [
        {"from": "2027-01-15T08:00:00Z", "renewals": 1, "calls": 2, "lapses": 1, "ends": 0}
    ]


# -- the time line of a plan -----------------------------------------------------------------------------------------


def moments(known: State, *bindings: Binding) -> list[tuple[int, int, int]]:
    """When something comes, counted from now in hours, and how many expiries and renewals."""
    plan = planned(list(bindings), known, rows_of(known))
    found = timeline(desired(bindings), known, plan, NOW)
    hour = NOW // 3600
    return [(one.at // 3600 - hour, one.expiries, one.renewals) for one in found]


def test_a_time_line_is_of_all_bindings_once_the_plan_is_applied() -> None:
    stays, goes, comes = axb("stays", 1, 2), axb("goes", 3, 4), axb("comes", 5, 6)
    known = state(bound(stays, goes, age=6 * 3600))
    # what is bound a day ago less six hours is renewed 20 % before its end
    assert moments(known, stays, goes) == [(13, 0, 2), (18, 2, 0)]
    assert moments(known, stays, comes) == [(13, 0, 1), (18, 1, 0), (19, 0, 1), (24, 1, 0)]
    assert moments(known, stays, axb("goes", 3, 7)) == [(13, 0, 1), (18, 1, 0), (19, 0, 1), (24, 1, 0)]


def test_what_has_no_end_and_what_is_down_or_over_is_not_in_it() -> None:
    entries = {
        "bindings.never": made(axb("never", 1, 2, lifetime=FOREVER)),
        "bindings.over": made(axb("over", 3, 4, lifetime=replace(DAILY, keep=False)), age=2 * DAY),
        "bindings.unknown": made(axb("unknown", 5, 6), expires_at=None),
    }
    bindings = [axb("never", 1, 2, lifetime=FOREVER), axb("over", 3, 4, lifetime=replace(DAILY, keep=False))]
    assert moments(state(entries), *bindings, axb("unknown", 5, 6)) == []
    down = state({"bindings.a": made(axb("a"), bind_id=None, down_since=NOW - 60)})
    assert moments(down, axb("a")) == [(19, 0, 1), (24, 1, 0)]
    once = axb("once", 7, 8, lifetime=replace(DAILY, keep=False))
    assert moments(state(), once) == [(24, 1, 0)]


@settings(max_examples=40)
@given(st.lists(st.integers(60, 20_000 * DAY), min_size=1, max_size=30))
def test_nothing_is_lost_between_the_spans(lives: list[int]) -> None:
    bindings = [
        axb(f"b-{i}", 100 + i, 200 + i, lifetime=Lifetime(one, renew_before_seconds=one // 5))
        for i, one in enumerate(lives)
    ]
    known = state(bound(*bindings, age=0))
    found = timeline(desired(bindings), known, planned(bindings, known), NOW)
    assert sum(one.expiries for one in found) == sum(one.renewals for one in found) == len(lives)
    assert all(one.at + SPANS[-1] > NOW for one in found)
    assert list(found) == sorted(found, key=lambda one: one.at)
    assert len(found) <= MOST_SPANS + 1
