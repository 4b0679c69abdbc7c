"""Live bindings that others made: which may be taken for which declared one, and what is recorded of them."""

from dataclasses import replace
from typing import Any

import pytest
from stores.clocks import StepClock
from stores.memory import MemoryPlace
from stores.values import holder

from pnsync.errors import PnsyncError, StateError, UsageError, VendorError
from pnsync.identity import customer_bind_id
from pnsync.importing import Import, Matches, free_rows, imported_entry, match_declared, unlike
from pnsync.journal import Event, Opened, Recorded, Resolved, Verdict
from pnsync.matching import GHOST_SECONDS, row_of
from pnsync.model import NEVER, Binding, Lifetime, LiveBinding
from pnsync.state import Entry, Operation, State
from pnsync.surgery import accept_account
from tests.readers import Vendor, record, stored, vendors, world
from tests.worlds import (
    DAILY,
    DAY,
    FOREVER,
    LINEAGE,
    NOW,
    PROVIDERS,
    X,
    attempt,
    axb,
    bound,
    desired,
    desk,
    foreign,
    group,
    intent,
    live_group,
    made,
    made_group,
    observed,
    pending,
    phone,
    ride,
    state,
)

ORDER, DESK, RIDE = axb("order"), desk("desk", a=3), ride("ride")
TWIN = foreign("theirs")
"""A live one that equals ORDER."""


def matched(declared: list[Binding], rows: list[LiveBinding], known: State | None = None) -> Matches:
    """What rows are to declared bindings."""
    return match_declared(desired(declared), known or state(), observed(rows), NOW)


# -- what may be taken ---------------------------------------------------------------------------------------------------------


def test_what_equals_a_declared_one_is_taken() -> None:
    assert matched([ORDER, DESK], [TWIN]) == Matches({ORDER.address: TWIN}, absent=1)


@pytest.mark.parametrize(
    ("row", "absent"),
    [
        (replace(TWIN, expires_at=NOW), 1), (replace(TWIN, provider="nx2"), 1),
        (replace(TWIN, customer_bind_id=customer_bind_id(LINEAGE, "bindings.order", 7)), 0),
    ],
    ids=["ended", "elsewhere", "ours"],
)  # fmt: skip
def test_what_has_ended_or_is_ours_by_its_id_is_not_for_an_import(row: LiveBinding, absent: int) -> None:
    """Ours is no absent one: the next plan adopts it, and nothing binds it."""
    assert matched([ORDER], [row]) == Matches({}, absent=absent)


def test_another_lineage_s_binding_may_be_taken() -> None:
    row = replace(TWIN, customer_bind_id=customer_bind_id("ffffffff", "bindings.order", 7))
    assert free_rows(state(), observed([row]), NOW) == [row]


@pytest.mark.parametrize(
    ("declared", "known"),
    [
        (replace(ORDER, enabled=False), state()),
        (ORDER, state(bound(ORDER))),
        (ORDER, state(pending=pending(attempt(ORDER)))),
    ],
    ids=["disabled", "known", "attempted"],
)
def test_an_address_that_wants_none_has_one_or_is_asking_takes_none(declared: Binding, known: State) -> None:
    assert matched([declared], [TWIN], known) == Matches({})


def test_of_two_that_equal_it_none_is_taken() -> None:
    found = matched([ORDER], [TWIN, replace(TWIN, bind_id="other")])
    assert found == Matches({}, ambiguous={ORDER.address: ("theirs", "other")})


def test_one_that_equals_two_declared_ones_is_taken_for_neither() -> None:
    found = matched([ORDER, axb("same")], [TWIN])
    assert found == Matches({}, ambiguous={ORDER.address: ("theirs",), "bindings.same": ("theirs",)})


CREW = group("crew", (11, 12))
IN_CREW = axb("order", x_group="crew")


@pytest.mark.parametrize(
    ("declared", "changes", "names"),
    [
        (ORDER, {}, ()),
        (ORDER, {"extension": "101"}, ("mode", "extension")),
        (ORDER, {"recording": True}, ("recording",)),
        (DESK, {"phone_a": phone(3), "phone_b": None, "phone_x": X, "extension": "101"}, ()),
        (DESK, {"phone_a": phone(3), "phone_b": None, "phone_x": X, "extension": "102"}, ("extension",)),
        (axb("order", customer_bind_id="6"), {"customer_bind_id": "6"}, ()),
        (axb("order", customer_bind_id="6"), {"customer_bind_id": "6.4"}, ()),
        (axb("order", customer_bind_id="6"), {"customer_bind_id": "7"}, ("customer_bind_id",)),
        (axb("order", customer_bind_id="6"), {"customer_bind_id": "6.x"}, ("customer_bind_id",)),
        (axb("order", customer_bind_id="6"), {"customer_bind_id": None}, ("customer_bind_id",)),
        (ORDER, {"expires_at": NEVER}, ("expires_in",)),
        (axb("order", lifetime=FOREVER), {"expires_at": NEVER}, ()),
        (axb("order", lifetime=FOREVER), {}, ("expires_in",)),
        (axb("order", lifetime=Lifetime(None, until=NOW + DAY)), {"expires_at": NOW + DAY + 60}, ()),
        (
            axb("order", lifetime=Lifetime(None, until=NOW + DAY)),
            {"expires_at": NOW + DAY + 61},
            ("expires_at",),
        ),
        (IN_CREW, {"phone_x": phone(11).digits}, ()),
        (IN_CREW, {"phone_x": phone(13).digits}, ("phone_x",)),
        (axb("order", x_group="none"), {"phone_x": phone(11).digits}, ("phone_x",)),
    ],
)
def test_what_differs_is_named(declared: Binding, changes: dict[str, Any], names: tuple[str, ...]) -> None:
    listing = observed([]).listings["nx"]
    assert unlike(declared, replace(TWIN, **changes), desired([declared], [CREW]), listing) == names


def test_the_numbers_of_a_group_that_is_declared_by_its_id_are_those_that_the_vendor_lists() -> None:
    pool = group("crew", None, group_id="g1")
    listing = observed([], [live_group(made_group(CREW, "g1"))]).listings["nx"]
    inside, outside = (replace(TWIN, phone_x=phone(one).digits) for one in (11, 13))
    files = desired([IN_CREW], [pool])
    assert unlike(IN_CREW, inside, files, listing) == ()
    assert unlike(IN_CREW, outside, files, listing) == ("phone_x",)
    other = observed([], [live_group(made_group(CREW, "g2"))]).listings["nx"]
    assert unlike(IN_CREW, inside, files, other) == ("phone_x",)


# -- what is recorded ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "listed", "known", "generation"),
    [
        (ORDER, None, {}, 0),
        (ORDER, None, {ORDER.address: 4}, 4),
        (axb("order", customer_bind_id="6"), "6", {}, 1),
        (axb("order", customer_bind_id="6"), "6.4", {ORDER.address: 2}, 4),
        (ORDER, customer_bind_id("ffffffff", "bindings.x", 9), {}, 9),
    ],
)
def test_the_next_bind_of_what_was_taken_uses_no_id_again(
    declared: Binding, listed: str | None, known: dict[str, int], generation: int
) -> None:
    row = replace(TWIN, customer_bind_id=listed)
    entry = imported_entry(row, declared, State(lineage=LINEAGE, generations=known))
    assert (entry.generation, entry.customer_bind_id, entry.bind_id) == (generation, listed, "theirs")


def prepared(*events: Event) -> MemoryPlace:
    """A state in which another binding stands, and these events."""
    place = MemoryPlace()
    record(place, Recorded(DESK.address, made(DESK)), *events)
    return place


def test_what_is_taken_is_recorded_with_its_account_and_ends_the_attempt_of_its_address() -> None:
    place = prepared(Opened(attempt(ORDER)), Opened(attempt(RIDE, attempt="run.2")))
    here = world(place, desired([ORDER, DESK, RIDE]), vendors(TWIN))
    with here.store.hold(holder(), timeout=0) as session:
        found = Import(here, session)
        assert (
            [row.bind_id for row in found.free()] == ["theirs"] == [one.bind_id for one in found.free("nx")]
        )
        assert found.free("la") == []
        found.take({ORDER.address: TWIN}, lambda _: ORDER)
    after = stored(place)
    entry = after.entries[ORDER.address]
    assert isinstance(entry, Entry) and entry.bind_id == "theirs" and entry.lifetime == DAILY
    assert list(after.pending) == ["run.2"] and list(after.accounts) == ["nx"]


def test_an_import_reads_twice_and_another_account_is_none_of_this_state() -> None:
    place, found = prepared(), vendors(TWIN)
    here = world(place, desired([ORDER]), found)
    accept_account(here, "nx")
    with here.store.hold(holder(), timeout=0) as session:
        Import(here, session)
    assert [one.scans for one in found.values()] == [[2], [2]]
    there = world(place, desired([ORDER]), {"nx": Vendor(PROVIDERS["nx"], [TWIN], account="theirs")})
    with there.store.hold(holder(), timeout=0) as session, pytest.raises(StateError) as caught:
        Import(there, session)
    assert caught.value.code == "A150"


def asked(
    place: MemoryPlace, rows: list[LiveBinding], address: str, number: str, provider: str | None
) -> Any:
    """The row that an import of one finds, or the refusal."""
    here = world(place, desired([ORDER, DESK]), vendors(*rows, names=("nx", "nx2")))
    with here.store.hold(holder(), timeout=0) as session:
        try:
            return Import(here, session).row(address, number, provider)
        except UsageError as error:
            return error.summary


def test_which_binding_an_address_may_become() -> None:
    other, elsewhere = replace(TWIN, bind_id="other"), replace(TWIN, provider="nx2")
    ended = replace(TWIN, expires_at=int(StepClock().now()))
    place = prepared()
    assert asked(place, [TWIN, other], ORDER.address, "theirs", None) == TWIN
    assert "several providers" in asked(place, [TWIN, elsewhere], ORDER.address, "theirs", None)
    assert asked(place, [TWIN, elsewhere], ORDER.address, "theirs", "nx2") == elsewhere
    assert "in the state already" in asked(place, [TWIN], DESK.address, "theirs", None), (
        "an address that lives"
    )
    ours = row_of(made(DESK))
    assert "in the state already" in asked(place, [ours], ORDER.address, ours.bind_id, None), (
        "a binding of ours"
    )
    assert "no live binding" in asked(place, [TWIN], ORDER.address, "unheard-of", None)
    assert "no live binding" in asked(place, [ended], ORDER.address, "theirs", None)


@pytest.mark.parametrize(("ago", "free"), [(60, False), (GHOST_SECONDS + 60, True)])
def test_what_was_unbound_and_is_listed_long_after_may_be_taken_over(ago: int, free: bool) -> None:
    place = prepared()
    call = intent(None, "bindings.gone", operation=Operation.UNBIND, bind_id="theirs")
    record(place, Opened(call), Resolved(call.attempt, Verdict.APPLIED, NOW - ago, None))
    assert {number for _, number in stored(place).unbound} == {"theirs"}
    found = asked(place, [TWIN], ORDER.address, "theirs", None)
    assert found == TWIN if free else "no live binding" in found


def test_what_is_down_may_become_another_binding_and_what_was_unbound_nothing() -> None:
    down = replace(made(ORDER), bind_id=None)
    place = prepared(Recorded(ORDER.address, down))
    assert asked(place, [TWIN], ORDER.address, "theirs", None) == TWIN
    gone = made(axb("gone"), bind_id="theirs")
    call = intent(None, "bindings.gone", operation=Operation.UNBIND, bind_id="theirs")
    record(place, Recorded("bindings.gone", gone), Opened(call))
    record(place, Resolved(call.attempt, Verdict.APPLIED, NOW, None))
    assert "theirs" in {number for _, number in stored(place).unbound}
    assert "no live binding" in asked(place, [TWIN], ORDER.address, "theirs", None)


def test_where_a_vendor_could_not_be_read_that_is_said_of_an_id_that_nobody_lists() -> None:
    error = VendorError("a vendor gives no answer")
    here = world(prepared(), desired([ORDER]), {"nx": Vendor(PROVIDERS["nx"], failure=error)})
    with here.store.hold(holder(), timeout=0) as session, pytest.raises(PnsyncError) as caught:
        Import(here, session).row(ORDER.address, "theirs", None)
    assert caught.value is error
