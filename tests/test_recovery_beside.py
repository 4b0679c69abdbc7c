"""Line by line: an attempt's row beside other rows, attempts and entries of its address, or a ghost of one; who stays, who goes."""

from dataclasses import replace

import pytest

from pnsync.journal import Doubled, Noted, Recorded, Verdict
from pnsync.matching import GHOST_SECONDS, alive, match, row_of, unrefreshed
from pnsync.model import Mode
from pnsync.recovery import Settled
from pnsync.state import Entry, Intent, Operation, Standing
from tests.settling import DESK, ORDER, RIDE, settled, verdicts
from tests.worlds import (
    DAY,
    FOREVER,
    NOW,
    attempt,
    axb,
    desk,
    group,
    intent,
    live_group,
    made,
    made_group,
    observed,
    pending,
    phone,
    planned,
    ride,
    state,
    superseded,
    what,
)


def open_(one: Intent, standing: Standing = Standing.UNKNOWN) -> dict[str, object]:
    """The pending part of a state."""
    return {"pending": pending(one, standing=standing)}


def entry_at(found: Settled, address: str) -> Entry:
    """The binding that stands at an address now."""
    entry = found.state.entries[address]
    assert isinstance(entry, Entry)
    return entry


# -- ghosts and answered attempts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("standing", [Standing.UNKNOWN, Standing.ECHO])
def test_what_we_unbound_is_not_the_outcome_of_the_bind_that_made_it(standing: Standing) -> None:
    """A listing lags: the binding was made, seen and unbound while another delivery of its bind may still come."""
    one, entry = attempt(ORDER), made(ORDER, generation=2, age=10)
    known = state(**open_(one, standing), unbound={entry.key: NOW - 3})
    found = settled(known, observed([row_of(entry)]))
    assert found.events == () and found.decisions == ()


def test_what_others_changed_of_an_answered_binding_is_no_mismatch_of_its_call() -> None:
    one, entry = attempt(DESK), made(DESK, generation=2)
    known = state({DESK.address: entry}, **open_(one, Standing.ECHO))
    moved = replace(row_of(entry), extension="999")
    found = settled(known, observed([moved]))
    assert found.decisions == () and found.events == ()


def test_a_late_delivery_that_is_to_be_unbound_is_told_once() -> None:
    one, entry = attempt(ORDER, generation=1, ago=60), made(ORDER, generation=2)
    made_late = made(ORDER, generation=1, age=60)
    late = row_of(made_late)
    known = state({ORDER.address: entry}, **open_(one, Standing.REFUSED))
    found = settled(known, observed([late, row_of(entry)]))
    assert found.events == (Doubled(late.key, next(iter(superseded(ORDER.address, made_late).values()))),)
    assert entry_at(found, ORDER.address) is entry
    assert settled(found.state, observed([late, row_of(entry)])).events == ()


def test_a_late_delivery_that_its_window_s_end_shows_ends_its_attempt_too() -> None:
    one, entry = attempt(ORDER, generation=1, ago=500), made(ORDER, generation=2)
    late = row_of(made(ORDER, generation=1, age=500))
    known = state({ORDER.address: entry}, **open_(one, Standing.REFUSED))
    found = settled(known, observed([late, row_of(entry)]))
    assert verdicts(found) == [("run.1", Verdict.ABSENT)] and list(found.state.superseded) == [late.key]


def test_the_outcomes_of_two_attempts_that_come_together() -> None:
    """The later bind stands, and what the earlier one made goes, though both are learnt from one listing."""
    first = attempt(ORDER, generation=1, ago=60, attempt="run.1")
    second = attempt(ORDER, generation=2, ago=20, attempt="run.2")
    both = {**pending(first, standing=Standing.REFUSED), **pending(second)}
    rows = [row_of(made(ORDER, generation=1, age=60)), row_of(made(ORDER, generation=2, age=20))]
    found = settled(state(pending=both), observed(rows))
    assert entry_at(found, ORDER.address).generation == 2 and verdicts(found) == [("run.2", Verdict.APPLIED)]
    assert list(found.state.superseded) == [rows[0].key]


def test_a_bind_without_an_end_is_not_known_again_by_a_row_that_ends() -> None:
    one = attempt(axb("order", lifetime=FOREVER))
    row = row_of(made(axb("order", lifetime=FOREVER), generation=2))
    assert verdicts(settled(state(**open_(one)), observed([row]))) == [("run.1", Verdict.APPLIED)]
    ends = replace(row, expires_at=NOW + DAY)
    assert [one.code for one in settled(state(**open_(one)), observed([ends])).decisions] == ["P301"]


def test_both_numbers_of_a_double_binding_are_taken_from_the_listing() -> None:
    double = ride("ride", mode=Mode.AXXB)
    one = attempt(double)
    row = replace(row_of(made(double, generation=2, age=10)), phone_x_b="447700900951")
    assert entry_at(settled(state(**open_(one)), observed([row])), RIDE.address).phone_x_b == "447700900951"


@pytest.mark.parametrize(("ahead", "told"), [(79.0, True), (81.0, False)])
def test_how_late_a_bind_was_is_counted_by_the_clock_that_stamped_it(ahead: float, told: bool) -> None:
    one = attempt(RIDE, ago=700)
    row = replace(
        row_of(made(RIDE, generation=2, age=700)),
        expires_at=None, naive_expiry=int(one.signed_at) + DAY + 8 * 3600,
    )  # fmt: skip
    found = settled(state(**open_(one)), observed([row], clock_ahead=ahead))
    assert verdicts(found) == [("run.1", Verdict.APPLIED)]
    assert any(isinstance(event, Noted) for event in found.events) is told


def test_the_group_of_another_address_is_nobody_s_outcome() -> None:
    crew = group("crew")
    one = intent(made_group(crew, ""), "groups.crew", operation=Operation.CREATE_GROUP, provider="nx")
    theirs = made_group(crew, "g1")
    listed = observed([], [live_group(theirs)])
    known = state({"groups.other": theirs}, pending=pending(one))
    assert settled(known, listed).events == ()
    assert verdicts(settled(state(pending=pending(one)), listed)) == [("run.1", Verdict.APPLIED)]


# -- strays beside them ------------------------------------------------------------------------------------------------------


def test_a_stray_is_no_way_out_while_a_person_has_to_decide() -> None:
    one = attempt(DESK, generation=2)
    wrong = replace(row_of(made(DESK, generation=2, age=10)), phone_x="447700900999")
    stray = row_of(made(DESK, generation=1))
    found = settled(state(**open_(one)), observed([wrong, stray]))
    assert [one.code for one in found.decisions] == ["P301"]
    assert [type(one) for one in found.events] == [Doubled] and list(found.state.superseded) == [stray.key]


def test_a_binding_that_is_listed_stands_though_a_stray_is_newer() -> None:
    """The state is older than the vendor: what it holds is live, so that what it does not know is the second."""
    known, stray = made(DESK, generation=1), row_of(made(DESK, generation=2))
    found = settled(state({DESK.address: known}), observed([row_of(known), stray]))
    assert [type(one) for one in found.events] == [Doubled] and list(found.state.superseded) == [stray.key]


def test_a_newer_binding_that_has_ended_gives_way_to_a_stray() -> None:
    known, stray = made(DESK, generation=3, age=2 * DAY), row_of(made(DESK, generation=2))
    found = settled(state({DESK.address: known}), observed([stray]))
    assert [type(one) for one in found.events] == [Recorded] and entry_at(found, DESK.address).generation == 2


def test_a_stray_puts_up_again_what_was_down() -> None:
    down = replace(made(DESK), bind_id=None, down_since=NOW - 60)
    entry = entry_at(
        settled(state({DESK.address: down}), observed([row_of(made(DESK, generation=2))])), DESK.address
    )
    assert (entry.down, entry.down_since) == (False, None)


@pytest.mark.parametrize(
    ("ago", "again"), [(GHOST_SECONDS - 1, False), (GHOST_SECONDS, False), (GHOST_SECONDS + 1, True)]
)
@pytest.mark.parametrize("known", [True, False], ids=["known", "nobody"])
def test_what_was_unbound_and_is_listed_long_after_is_unbound_again(
    ago: int, again: bool, known: bool
) -> None:
    """Until then a lagging listing shows what is gone. `ago` is before now, and the listing began a second before that."""
    row = row_of(made(DESK if known else axb("elsewhere"), generation=1))
    found = settled(state(unbound={row.key: NOW - ago}), observed([row]))
    assert [type(one) for one in found.events] == ([Doubled] if again else [])
    assert list(found.state.superseded) == ([row.key] if again else []) and not found.adopted
    if again and known:
        assert found.state.superseded[row.key].address == DESK.address


def test_of_a_stray_that_nobody_declares_any_more_the_row_tells_who_chose_its_number() -> None:
    known = state(generations={"bindings.a": 1, "bindings.b": 1})
    rows = [row_of(made(axb("a"))), row_of(made(desk("b")))]
    found = settled(known, observed(rows))
    assert [entry_at(found, one).x_chosen for one in ("bindings.a", "bindings.b")] == [True, False]


# -- rows of what is to be unbound, of attempts, and of nobody --------------------------------------------------------------------------------------------


def test_another_binding_under_the_id_of_one_that_is_to_be_unbound_is_nobody_s() -> None:
    old = made(RIDE, bind_id="77")
    known = state(superseded=superseded(RIDE.address, old))
    other = replace(row_of(old), phone_a=phone(77))
    assert match(known, observed([row_of(old)])).superseded == {old.key: row_of(old)}
    found = match(known, observed([other]))
    assert found.superseded == {} and found.unmanaged == (other,)
    assert ("unbind", "ride") not in what(planned([], known, [other]))


def test_the_row_of_an_attempt_is_counted_as_nobody_s_by_none() -> None:
    one = attempt(ORDER)
    assert match(state(**open_(one)), observed([row_of(made(ORDER, generation=2))])).unmanaged == ()


def test_without_a_listing_what_has_ended_is_not_believed_live() -> None:
    fresh, ended = made(ORDER), made(DESK, age=2 * DAY)
    old, gone = made(RIDE, bind_id="77"), made(RIDE, bind_id="78", age=2 * DAY)
    double = superseded(RIDE.address, old) | superseded(RIDE.address, gone)
    known = state({ORDER.address: fresh, DESK.address: ended}, superseded=double)
    listings = unrefreshed(known, NOW).listings
    assert [row.bind_id for one in listings.values() for row in one.bindings] == [fresh.bind_id, "77"]


def test_a_binding_ends_at_the_very_second() -> None:
    row = row_of(made(ORDER))
    assert row.expires_at is not None
    assert alive(row, row.expires_at - 1) and not alive(row, row.expires_at)
