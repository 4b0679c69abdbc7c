"""Line by line: the last second that still counts, and what is told where a listing leaves a doubt."""

from dataclasses import replace

import pytest

from pnsync.errors import Diagnostic, Severity
from pnsync.journal import Applied, Doubled, Noted, Resolved, Verdict
from pnsync.matching import row_of
from pnsync.model import Mode
from pnsync.recovery import CLOCK_SECONDS, LOST, STAMP_SLACK_SECONDS
from pnsync.state import GroupEntry, Intent, Operation, Standing, State
from pnsync.zones import CERTAIN_SECONDS
from tests.settling import DESK, ORDER, RIDE, settled, verdicts
from tests.worlds import (
    DAILY,
    DAY,
    FOREVER,
    LISTED,
    NOW,
    attempt,
    axb,
    bound,
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
    superseded,
)

CREW = group("crew")
DECIDE = "look at them at the vendor, then `pnsync import` the right one or `pnsync state rm` the address"


def open_(one: Intent, standing: Standing = Standing.UNKNOWN, **more: object) -> State:
    """A state with an attempt."""
    return state(pending=pending(one, standing=standing), **more)


# -- the last second ---------------------------------------------------------------------------------------------------

ENDING = {
    "unbind": intent(None, DESK.address, operation=Operation.UNBIND, provider="nx", bind_id="77"),
    "update": intent(
        made_group(CREW, "g1"), "groups.crew", operation=Operation.UPDATE_GROUP, provider="nx", group_id="g1"
    ),
    "delete": intent(None, "groups.crew", operation=Operation.DELETE_GROUP, provider="nx", group_id="g1"),
}
"""Calls without effect, as the listing below still shows what they were to end."""
STILL_THERE = [row_of(made(DESK, bind_id="77"))], [live_group(made_group(CREW, "g1"), phones=(phone(11),))]


@pytest.mark.parametrize("one", ENDING.values(), ids=ENDING)
@pytest.mark.parametrize(("late", "believed"), [(-0.5, False), (0.0, True)])
def test_what_is_still_there_is_believed_of_a_listing_that_begins_as_the_window_ends(
    one: Intent, late: float, believed: bool
) -> None:
    found = settled(open_(one), observed(*STILL_THERE, started_at=one.not_before + late))
    assert verdicts(found) == [("run.1", Verdict.ABSENT)] * believed


def test_a_group_that_is_gone_was_not_updated() -> None:
    one = ENDING["update"]
    assert settled(open_(one), observed()).events == ()
    assert verdicts(settled(open_(one), observed(started_at=one.not_before))) == [("run.1", Verdict.ABSENT)]


def test_an_updated_group_keeps_its_id() -> None:
    live = live_group(made_group(CREW, "g1"))
    entry = settled(open_(ENDING["update"]), observed([], [live])).state.entries["groups.crew"]
    assert isinstance(entry, GroupEntry) and (entry.group_id, entry.phones) == ("g1", made_group(CREW).phones)


@pytest.mark.parametrize("lease", [1, 600])
@pytest.mark.parametrize(("late", "verdict"), [(-0.5, Verdict.ABSENT), (0.0, Verdict.EXPIRED)])
def test_a_bind_may_have_expired_as_soon_as_its_window_and_its_lifetime_are_over(
    late: float, verdict: Verdict, lease: int
) -> None:
    one = attempt(axb("order", lifetime=replace(DAILY, lease_seconds=lease)))
    at = one.not_before + lease + late
    assert verdicts(settled(open_(one), observed(started_at=at), at)) == [("run.1", verdict)]


def test_what_has_no_end_does_not_expire() -> None:
    one = attempt(axb("order", lifetime=FOREVER))
    at = one.not_before + 100 * DAY
    assert verdicts(settled(open_(one), observed(started_at=at), at)) == [("run.1", Verdict.ABSENT)]


@pytest.mark.parametrize(("late", "taken"), [(-0.5, False), (0.0, True)])
def test_an_id_that_we_unbound_counts_again_in_a_listing_that_begins_as_the_window_ends(
    late: float, taken: bool
) -> None:
    """Before, the row may be a ghost of what was unbound."""
    one = attempt(RIDE)
    row = row_of(made(RIDE, generation=2, age=5, bind_id="77"))
    known = open_(one, unbound={row.key: NOW - 100})
    found = settled(known, observed([row], started_at=one.not_before + late))
    assert verdicts(found) == [("run.1", Verdict.APPLIED)] * taken


@pytest.mark.parametrize(
    ("standing", "late", "ended"),
    [
        (Standing.REFUSED, -1.0, False), (Standing.REFUSED, 0.0, True), (Standing.UNKNOWN, -1.0, True),
    ],
)  # fmt: skip
def test_a_late_effect_behind_a_newer_binding_ends_its_attempt_when_no_other_can_come(
    standing: Standing, late: float, ended: bool
) -> None:
    one = attempt(ORDER, generation=1)
    known = open_(one, standing, entries=bound(ORDER, generation=2))
    row = row_of(made(ORDER, generation=1, age=5, bind_id="late"))
    found = settled(known, observed([row]), one.adoptable_until + late)
    assert verdicts(found) == [("run.1", Verdict.ABSENT)] * ended
    assert [one for one in found.events if isinstance(one, Doubled)] == [
        Doubled(row.key, next(iter(superseded(ORDER.address, made(ORDER, generation=1, age=5, bind_id="late")).values())))
    ]  # fmt: skip
    assert found.notes == ()


LEASE = DAY
"""Seconds that the bindings of RIDE live."""


@pytest.mark.parametrize(
    ("expires", "ours"),
    [
        (-STAMP_SLACK_SECONDS - 1, False), (-STAMP_SLACK_SECONDS, True),
        (1920, True), (1921, False),
    ],
)  # fmt: skip
def test_a_row_is_the_outcome_of_a_call_by_when_it_ends(expires: int, ours: bool) -> None:
    """No earlier than its stamp allows, and no later than half an hour of tolerance and a margin."""
    one = attempt(RIDE)
    row = replace(
        row_of(made(RIDE, generation=2, bind_id="77")), expires_at=int(one.signed_at) + LEASE + expires
    )
    assert verdicts(settled(open_(one), observed([row]))) == [("run.1", Verdict.APPLIED)] * ours


@pytest.mark.parametrize(
    ("apart", "expires", "ours"),
    [
        (STAMP_SLACK_SECONDS, -STAMP_SLACK_SECONDS - 1, False),
        (STAMP_SLACK_SECONDS + 1, -STAMP_SLACK_SECONDS - 1, True),
        (STAMP_SLACK_SECONDS + 1, -CLOCK_SECONDS, True),
        (STAMP_SLACK_SECONDS + 1, -CLOCK_SECONDS - 1, False),
    ],
)
def test_where_the_vendor_s_time_and_ours_are_apart_more_rows_can_be_the_outcome(
    apart: int, expires: int, ours: bool
) -> None:
    one = attempt(RIDE)
    our_time = one.signed_at
    one = replace(one, signed_at=our_time + apart)
    row = replace(row_of(made(RIDE, generation=2, bind_id="77")), expires_at=int(our_time) + LEASE + expires)
    assert verdicts(settled(open_(one), observed([row]))) == [("run.1", Verdict.APPLIED)] * ours


def test_a_row_whose_end_nothing_tells_can_be_the_outcome() -> None:
    row = replace(row_of(made(RIDE, generation=2, bind_id="77")), expires_at=None)
    assert verdicts(settled(open_(attempt(RIDE)), observed([row]))) == [("run.1", Verdict.APPLIED)]


@pytest.mark.parametrize(("late", "told"), [(0.0, True), (1.0, False)])
def test_the_zone_is_learnt_from_a_bind_up_to_the_second_after_which_it_could_be_another(
    late: float, told: bool
) -> None:
    one = attempt(RIDE)
    naive = int(one.signed_at) + LEASE + 8 * 3600
    row = replace(row_of(made(RIDE, generation=2, bind_id="77")), expires_at=None, naive_expiry=naive)
    at = one.signed_at + CERTAIN_SECONDS + late
    found = settled(open_(one), observed([row], started_at=at), at)
    assert verdicts(found) == [("run.1", Verdict.APPLIED)]
    assert any(isinstance(event, Noted) for event in found.events) is told


@pytest.mark.parametrize(
    ("expires", "ours"),
    [
        (-CLOCK_SECONDS - 1, False), (-CLOCK_SECONDS, True),
        (180 + CLOCK_SECONDS, True), (180 + CLOCK_SECONDS + 1, False),
    ],
)  # fmt: skip
def test_a_row_with_our_id_ends_when_its_stamp_and_its_window_allow(expires: int, ours: bool) -> None:
    """Any other end was given by somebody else."""
    one = attempt(ORDER)
    row = replace(row_of(made(ORDER, generation=2)), expires_at=int(one.signed_at) + LEASE + expires)
    found = settled(open_(one), observed([row]))
    assert verdicts(found) == [("run.1", Verdict.APPLIED)] * ours
    assert [told.code for told in found.decisions] == ["P301"] * (not ours)


# -- deliveries and strays ---------------------------------------------------------------------------------------------


def test_another_delivery_of_an_answered_bind_goes_and_the_first_stays() -> None:
    one, entry = attempt(ORDER), made(ORDER, generation=2, age=10)
    second = replace(row_of(entry), bind_id="second")
    known = open_(one, Standing.ECHO, entries={ORDER.address: entry})
    found = settled(known, observed([row_of(entry), second]))
    assert [type(event) for event in found.events] == [Doubled]
    assert found.state.entries[ORDER.address] is entry and list(found.state.superseded) == [second.key]
    assert found.adopted == {}
    assert found.notes == (
        Diagnostic(
            "P304",
            "bindings.order: nx made more than one binding of one request; the first stays",
            Severity.WARNING,
            advice="the others are unbound; a network that delivers a request twice does this",
            address="bindings.order",
        ),
    )


def test_an_answered_bind_that_an_older_state_does_not_hold_is_taken_for_what_it_made() -> None:
    one, entry = attempt(ORDER), made(ORDER, generation=1, bind_id="old")
    row = replace(row_of(made(ORDER, generation=2, age=10)), bind_id="new")
    found = settled(open_(one, Standing.ECHO, entries={ORDER.address: entry}), observed([row]))
    assert verdicts(found) == [("run.1", Verdict.APPLIED)] and found.notes == ()


def test_a_stray_without_an_address_is_remembered_until_it_is_unbound() -> None:
    stray = row_of(made(axb("forgotten")))
    found = settled(state(), observed([stray]))
    (event,) = found.events
    assert isinstance(event, Doubled) and event.key == stray.key and event.superseded is not None
    assert event.superseded.address.startswith(LOST)


def test_a_stray_beside_the_binding_of_its_address_goes_under_that_address() -> None:
    entry = made(ORDER, generation=2)
    stray = row_of(made(ORDER, generation=1, bind_id="stray"))
    found = settled(state({ORDER.address: entry}), observed([row_of(entry), stray]))
    (event,) = found.events
    assert isinstance(event, Doubled) and event.superseded is not None
    assert event.superseded.address == ORDER.address and found.adopted == {}


@pytest.mark.parametrize("own", [True, False])
def test_a_binding_is_not_listed_where_another_has_its_id(own: bool) -> None:
    """A vendor answered with somebody else's id, or gave an id again: the binding that is ours is the stray."""
    entry = made(ORDER, generation=2, bind_id="77")
    under_it = row_of(entry) if own else replace(row_of(made(DESK, bind_id="77")), customer_bind_id="theirs")
    stray = row_of(made(ORDER, generation=2, bind_id="78"))
    found = settled(state({ORDER.address: entry}), observed([under_it, stray]))
    stands = found.state.entries[ORDER.address]
    assert not isinstance(stands, GroupEntry) and stands.bind_id == ("77" if own else "78")
    assert list(found.state.superseded) == [stray.key] * own


def test_a_stray_at_the_address_of_a_group_goes() -> None:
    """A name that a binding had is that of a group now, in a state from before the declaration."""
    stray = row_of(made(ORDER))
    found = settled(state({ORDER.address: made_group(CREW, "g1")}), observed([stray]))
    assert [type(event) for event in found.events] == [Doubled]


def test_a_stray_takes_what_no_row_tells_from_the_entry_before_the_declaration() -> None:
    entry = made(ORDER, generation=1, bind_id="old", age=2 * DAY, lifetime=replace(DAILY, keep=False))
    stray = row_of(made(ORDER, generation=2))
    found = settled(state({ORDER.address: entry}), observed([stray]))
    taken = found.state.entries[ORDER.address]
    assert not isinstance(taken, GroupEntry) and taken.lifetime == entry.lifetime != ORDER.lifetime
    assert found.adopted == {ORDER.address: "made by pnsync and not in the state: its id says so"}


@pytest.mark.parametrize(("left", "stands"), [(1, True), (0, False)])
def test_a_newer_binding_stands_before_a_stray_up_to_its_last_second(left: int, stands: bool) -> None:
    entry = replace(made(ORDER, generation=2, bind_id="newer"), expires_at=NOW + left)
    stray = row_of(made(ORDER, generation=1))
    found = settled(state({ORDER.address: entry}), observed([stray]))
    assert (found.state.entries[ORDER.address] is entry) is stands


def test_a_binding_of_the_same_generation_that_is_not_listed_does_not_stand_before_a_stray() -> None:
    entry = made(ORDER, generation=2, bind_id="gone")
    stray = row_of(made(ORDER, generation=2, bind_id="stray"))
    found = settled(state({ORDER.address: entry}), observed([stray]))
    assert found.state.entries[ORDER.address] != entry and found.state.superseded == {}


# -- what is told --------------------------------------------------------------------------------------------------------


def decision(code: str, address: str, summary: str) -> Diagnostic:
    """What a person has to decide."""
    return Diagnostic(code, f"{address}: {summary}", advice=DECIDE, address=address)


def test_other_values_than_were_sent_are_told() -> None:
    one = attempt(DESK)
    row = replace(row_of(made(DESK, generation=2, age=10)), extension="999")
    assert settled(open_(one), observed([row])).decisions == (
        decision(
            "P301",
            "bindings.desk",
            f"the vendor lists {one.customer_bind_id} with other values than were sent",
        ),
    )


def test_rows_that_could_be_the_outcome_are_told() -> None:
    rows = [row_of(made(RIDE, generation=2, age=5, bind_id=number)) for number in ("77", "78")]
    assert settled(open_(attempt(RIDE)), observed(rows)).decisions == (
        decision("P302", "bindings.ride", "77, 78 could be the outcome of one call; no id tells"),
    )
    own = made(RIDE, bind_id="76")
    known = open_(attempt(RIDE), Standing.ECHO, entries={RIDE.address: own})
    assert settled(known, observed([row_of(own), rows[0]])).decisions == (
        decision(
            "P302",
            "bindings.ride",
            "77 could be a second delivery of one call, or somebody else's; no id tells",
        ),
    )


def creating() -> Intent:
    """A group's creation."""
    return intent(made_group(CREW, ""), "groups.crew", operation=Operation.CREATE_GROUP, provider="nx")


def test_groups_that_could_be_the_outcome_are_told() -> None:
    live = [live_group(made_group(CREW, number)) for number in ("g1", "g2")]
    found = settled(open_(creating()), observed([], live))
    assert found.decisions == (
        decision("P303", "groups.crew", "two groups could be the outcome of one call"),
    )
    one = settled(open_(creating()), observed([], live[:1]))
    assert one.adopted == {"groups.crew": "an interrupted call took effect: its group is listed"}
    assert verdicts(settled(open_(creating()), observed(started_at=creating().not_before))) == [
        ("run.1", Verdict.ABSENT)
    ]


def test_two_bindings_of_one_request_are_told() -> None:
    one = attempt(ORDER)
    rows = [row_of(made(ORDER, generation=2, age=age, bind_id=str(age))) for age in (5, 9)]
    advice = "the others are unbound; tell the vendor, as its API is not idempotent on customerBindId"
    found = settled(open_(one), observed(rows))
    assert found.notes == (
        Diagnostic(
            "P304",
            "bindings.order: nx made 2 bindings of one request; the older stays",
            Severity.WARNING,
            advice=advice,
            address="bindings.order",
        ),
    )
    assert found.adopted == {"bindings.order": "an interrupted call took effect: its binding is listed"}
    assert settled(open_(one), observed(rows[:1])).notes == ()
    newer = settled(open_(one, entries=bound(ORDER, generation=3)), observed(rows))
    assert [note.summary for note in newer.notes] == [
        "bindings.order: nx made 2 bindings of one request; the newer one of its address stays"
    ]
    assert len(newer.state.superseded) == 2


def test_a_bind_that_is_believed_absent_where_its_mode_was_never_listed_is_told() -> None:
    one = attempt(DESK, ago=999)
    found = settled(open_(one, notes={}), observed())
    assert found.notes == (
        Diagnostic(
            "P305",
            "bindings.desk: its call is taken to have had no effect, but nx was never seen to list a binding of "
            "mode axb_extension",
            Severity.WARNING,
            advice="look for a second binding of it at the vendor",
            address="bindings.desk",
        ),
    )
    assert settled(open_(one, notes=LISTED), observed()).notes == ()


def test_both_numbers_of_a_row_are_in_the_outcome() -> None:
    double = ride("ride", mode=Mode.AXXB)
    row = replace(row_of(made(double, generation=2, age=5, bind_id="77")), phone_x_b="447700900951")
    (event,) = (
        one for one in settled(open_(attempt(double)), observed([row])).events if isinstance(one, Resolved)
    )
    assert event.outcome == Applied("77", row.phone_x, "447700900951")
