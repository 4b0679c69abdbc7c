"""What an attempt's intent says: whose it is, when its request may leave, and from when its absence counts."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnsync.apply.attempts import Moment, intent_of
from pnsync.identity import customer_bind_id
from pnsync.model import Lifetime, Mode, ProviderConfig, VendorType
from pnsync.plan import Step
from pnsync.state import Entry, GroupChange, GroupEntry, Intent, Operation, State
from tests.worlds import (
    LA,
    LINEAGE,
    NOW,
    NX,
    axb,
    axg,
    desk,
    foreign,
    group,
    live_group,
    made,
    made_group,
    phone,
    ride,
    state,
    superseded,
)

ORDER, RIDE = axb("order"), ride("ride")
MOMENT = Moment(ours=NOW + 0.5, vendors=NOW + 40.25)
LA_BY_VENDOR = ProviderConfig("la", VendorType.LAAFFIC, "sandbox", app_id="4luaKsL2")


def wanted(binding: Any, **more: Any) -> Entry:
    """What a plan wants of a declaration."""
    return replace(
        made(binding), bind_id=None, bound_at=None, expires_at=None, customer_bind_id="planned", **more
    )


def binding(target: Entry, **more: Any) -> Step:
    return Step(0, Operation.BIND, target.provider, frozenset(), target=target, **more)


def intent(step: Step, known: State | None = None, *, provider: ProviderConfig = NX, **more: Any) -> Intent:
    given_ = {"attempt": "run.7", "state": known or state(), "provider": provider, "moment": MOMENT, **more}
    return intent_of(step, "bindings.order", **given_)


def test_a_bind_says_all_that_its_outcome_is_known_by() -> None:
    target = wanted(ORDER)
    ours = customer_bind_id(LINEAGE, "bindings.order", 5)
    made_ = intent(binding(target, replaces="b-old"), state(generations={"bindings.order": 4}))
    assert made_ == Intent(
        attempt="run.7",
        address="bindings.order",
        operation=Operation.BIND,
        provider="nx",
        signed_at=NOW + 40.25,
        latest_at=NOW + 45.25,
        not_before=NOW + 180.5,
        adoptable_until=NOW + 180.5,
        target=replace(target, generation=5, customer_bind_id=ours),
        customer_bind_id=ours,
        expire_seconds=86400,
        replaces="b-old",
    )


def test_a_bind_without_a_client_id_may_be_adopted_for_longer_and_knows_who_was_there() -> None:
    target = wanted(RIDE)
    pair = [replace(foreign(one, provider="la"), phone_a=phone(1), phone_b=phone(2)) for one in ("z", "m")]
    others = [
        replace(pair[0], bind_id="a", phone_b=phone(3)),
        replace(pair[0], bind_id="b", phone_a=phone(2)),
    ]
    made_ = intent(binding(target), provider=LA, listed=[*pair, *others])
    assert (made_.customer_bind_id, made_.known_ids) == (None, ("m", "z"))
    assert made_.target == replace(target, customer_bind_id=None)
    assert (made_.not_before, made_.adoptable_until) == (NOW + 120.5, NOW + 1920.5)


def test_a_bind_with_a_client_id_needs_to_know_nobody() -> None:
    twin = replace(foreign(), phone_a=phone(1), phone_b=phone(2))
    assert intent(binding(wanted(ORDER)), listed=[twin]).known_ids == ()


@pytest.mark.parametrize(
    ("mode", "window", "adoptable"), [(Mode.AXB, 120, 1920), (Mode.AXXB, 1920, 1920)], ids=["axb", "axxb"]
)
def test_its_window_is_its_mode_s(mode: Mode, window: int, adoptable: int) -> None:
    made_ = intent(binding(wanted(ride("r", mode=mode))), provider=LA_BY_VENDOR)
    assert (made_.not_before, made_.adoptable_until) == (NOW + window + 0.5, NOW + adoptable + 0.5)


@pytest.mark.parametrize(("declared", "adoptable"), [(0, 0), (1, 1920), (1920, 1920), (3000, 3000)])
def test_a_declared_window_counts_and_none_is_none(declared: int, adoptable: int) -> None:
    never_late = replace(LA, settle_window_seconds=declared)
    made_ = intent(binding(wanted(RIDE)), provider=never_late)
    assert (made_.not_before, made_.adoptable_until) == (NOW + declared + 0.5, NOW + adoptable + 0.5)


@pytest.mark.parametrize(("declared", "window"), [(180, 190), (0, 0)])
def test_a_request_that_may_leave_later_has_a_window_that_ends_later(declared: int, window: int) -> None:
    provider = replace(NX, settle_window_seconds=declared)
    made_ = intent(binding(wanted(ORDER)), provider=provider, within=15.0)
    assert made_.latest_at == NOW + 55.25
    assert made_.not_before == made_.adoptable_until == NOW + window + 0.5


def test_its_seconds_are_counted_by_the_vendors_clock() -> None:
    until = wanted(axb("a", lifetime=Lifetime(None, until=NOW + 100)))
    assert intent(binding(until)).expire_seconds == 59
    assert intent(binding(wanted(axb("a", lifetime=Lifetime(None))))).expire_seconds == 0
    assert intent(binding(wanted(ride("r", lifetime=Lifetime(10**6)))), provider=LA).expire_seconds == 259_200


@settings(max_examples=40)
@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.sampled_from([None, "order-7"]))
def test_no_client_id_is_used_twice(used: int, base: int, declared: int, given_id: str | None) -> None:
    counted = {"bindings.order": used} | ({} if given_id is None else {f"ids.{given_id}": declared})
    target = wanted(axb("order", customer_bind_id=given_id))
    found = intent(binding(target), State(LINEAGE, generations=counted, generation_base=base)).target
    assert isinstance(found, Entry)
    least = max(used, base, declared if given_id else 0) + 1
    assert found.generation == least
    assert found.customer_bind_id == customer_bind_id(LINEAGE, "bindings.order", least, given_id)


TALK = wanted(axg("talk", "crew"), group_id="planned")
CREW = made_group(group("crew"), "g7")


@pytest.mark.parametrize(
    ("entries", "known"),
    [({"groups.crew": CREW}, "g7"), ({}, "planned"), ({"groups.crew": made(ORDER)}, "planned")],
    ids=["made", "not-recorded", "no-group"],
)
def test_a_bind_to_a_group_takes_the_id_that_the_state_knows(entries: Any, known: str) -> None:
    made_ = intent(binding(TALK), state(entries))
    assert isinstance(made_.target, Entry) and made_.target.group_id == known
    assert made_.group_id is None


def test_a_bind_to_no_group_has_no_id_of_one() -> None:
    made_ = intent(binding(wanted(desk("d"))), state({"groups.None": CREW}))
    assert isinstance(made_.target, Entry) and made_.target.group_id is None


def test_an_unbind_says_what_it_takes_away() -> None:
    (old,) = superseded("bindings.order", made(ORDER)).values()
    target = wanted(ORDER)
    step = Step(0, Operation.UNBIND, "nx", frozenset(), unbinds=old, target=target)
    pair = replace(foreign(), phone_a=phone(1), phone_b=phone(2))
    assert intent(step, state(generations={"bindings.order": 4}), listed=[pair]) == Intent(
        attempt="run.7",
        address="bindings.order",
        operation=Operation.UNBIND,
        provider="nx",
        signed_at=NOW + 40.25,
        latest_at=NOW + 45.25,
        not_before=NOW + 180.5,
        adoptable_until=NOW + 180.5,
        target=target,
        bind_id="order-1",
        unbinds=old,
    )


def test_a_late_unbind_is_taken_for_its_own_no_longer_than_its_window() -> None:
    (old,) = superseded("bindings.r", made(RIDE)).values()
    step = Step(0, Operation.UNBIND, "la", frozenset(), unbinds=old)
    for provider in (LA, LA_BY_VENDOR):
        made_ = intent(step, provider=provider)
        assert made_.not_before == made_.adoptable_until == NOW + 120.5
        assert made_.target is None and made_.known_ids == ()


def group_step(operation: Operation, target: GroupEntry, **more: Any) -> Step:
    return Step(0, operation, "nx", frozenset(), target=target, **more)


def test_a_new_group_knows_who_had_its_name() -> None:
    new = replace(CREW, group_id="")
    others = [
        live_group(CREW, group_id=one, name=name) for one, name in (("z", "crew"), ("m", "crew"), ("a", "x"))
    ]
    made_ = intent(group_step(Operation.CREATE_GROUP, new), groups=others)
    assert (made_.known_ids, made_.group_id, made_.target) == (("m", "z"), None, new)
    changed = intent(group_step(Operation.UPDATE_GROUP, CREW), groups=others)
    assert changed.known_ids == ()


def test_a_changed_group_says_what_is_changed() -> None:
    step = group_step(
        Operation.UPDATE_GROUP, CREW, group_change=GroupChange.ADD, group_phones=(phone(11), phone(12))
    )
    made_ = intent(step)
    assert (made_.group_id, made_.group_change, made_.group_phones) == (
        "g7", GroupChange.ADD, (phone(11), phone(12)),
    )  # fmt: skip
    assert (made_.bind_id, made_.expire_seconds, made_.customer_bind_id) == (None, None, None)
