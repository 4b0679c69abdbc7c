"""What each event leaves in the state, field by field; and that a state being folded is seen as it is."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores.values import EVENTS, NOW, applied, entry, opened, states

from pnsync.journal import (
    UNBOUND_MEMORY_SECONDS,
    Accepted,
    Applied,
    Began,
    Closed,
    Doubled,
    Event,
    Fold,
    Noted,
    NotSent,
    Opened,
    Outcome,
    Recorded,
    Refusal,
    Refused,
    Resolved,
    Rested,
    Unknown,
    Verdict,
    replay,
    superseded_by,
)
from pnsync.model import Holds
from pnsync.phone import Phone
from pnsync.state import (
    Account,
    Entry,
    Failure,
    GroupEntry,
    Operation,
    Pending,
    Resting,
    Standing,
    State,
    Superseded,
)

EMPTY = State(lineage="7c4d1a2b")
DESK = "bindings.desk-1"
B1, B2, B7, B9 = (("nx", one) for one in ("b1", "b2", "b7", "b9"))
LIVE = replay(EMPTY, [opened(1), applied(1)])
UNBIND = opened(1, Operation.UNBIND)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(states(), st.lists(EVENTS.filter(lambda one: not isinstance(one, Closed | Resolved)), max_size=4))
def test_the_state_being_folded_is_seen_as_it_is(state: State, events: list[Event]) -> None:
    fold = Fold(state)
    for event in events:
        fold.fold(event)
        assert fold.view() == fold.done()
    assert fold.done() == replay(state, events)


def test_what_was_frozen_stays_when_folding_goes_on() -> None:
    fold = Fold(LIVE)
    before = fold.done()
    for event in (
        opened(2), Recorded("bindings.desk-3", entry(3)), Noted("a", "b"), Accepted("nx", Account("h", "f")),
        Doubled(B7, superseded_by(DESK, entry(1))), Closed("bind-2", NotSent("x"), NOW),
        Rested((Resting("nx", "447401264117", DESK, NOW + 9),), NOW), UNBIND, applied(1, Operation.UNBIND),
    ):  # fmt: skip
        fold.fold(event)
        assert fold.view() == fold.done()
    assert before == LIVE
    assert fold.done() != LIVE


def test_small_facts_are_set_replaced_and_removed() -> None:
    known = replay(EMPTY, [Noted("a", "1"), Noted("b", "2"), Noted("a", "3")])
    assert known == replace(EMPTY, notes={"a": "3", "b": "2"})
    assert replay(known, [Noted("a", None), Noted("never", None)]) == replace(EMPTY, notes={"b": "2"})


def test_an_account_is_recorded_by_its_provider() -> None:
    account = Account("number.nxcloud.com", "f00d")
    assert replay(EMPTY, [Accepted("nx", account)]) == replace(EMPTY, accounts={"nx": account})


def test_a_second_live_binding_is_remembered_and_forgotten_by_its_id() -> None:
    old = superseded_by(DESK, entry(1))
    known = replay(EMPTY, [Doubled(B1, old), Doubled(B2, old)])
    assert known == replace(EMPTY, superseded={B1: old, B2: old})
    assert replay(known, [Doubled(B1, None), Doubled(("nx", "never"), None)]).superseded == {B2: old}


def test_the_old_half_is_remembered_with_all_that_tells_it_apart() -> None:
    old = entry(1, phone_b=Phone("447700900777"), group="crew", expires_at=NOW + 5)
    assert superseded_by(DESK, old) == Superseded(
        address=DESK,
        provider="nx",
        bind_id="b1",
        phone_a=Phone("447700900001"),
        phone_b=Phone("447700900777"),
        phone_x="447401264117",
        extension="001",
        customer_bind_id="pns-7c4d1a2b-000000000001-1",
        expires_at=NOW + 5,
        group="crew",
    )
    again = Opened(replace(opened(1).intent, attempt="again", target=entry(1, generation=2)))
    state = replay(replace(EMPTY, entries={DESK: old}), [again, Closed("again", Applied("b2"), NOW)])
    assert state.superseded == {B1: superseded_by(DESK, old)}


@pytest.mark.parametrize(
    ("ends", "remembered"), [(NOW - 1, False), (NOW, False), (NOW + 1, True), (None, True)]
)
def test_an_old_half_that_had_ended_when_the_new_was_asked_for_is_not_remembered(
    ends: int | None, remembered: bool
) -> None:
    state = replace(EMPTY, entries={DESK: entry(1, expires_at=ends)})
    again = Opened(replace(opened(1).intent, attempt="again", target=entry(1, generation=2)))
    assert bool(replay(state, [again, Closed("again", Applied("b2"), NOW)]).superseded) is remembered


def test_unbound_ids_are_remembered_for_a_week_to_the_second() -> None:
    assert UNBOUND_MEMORY_SECONDS == 604800
    state = replace(EMPTY, unbound={B1: NOW, B2: NOW + 1})
    assert replay(state, [Began("h", "pnsync apply", NOW + 604800)]).unbound == {B2: NOW + 1}


def test_an_id_that_a_bind_was_given_is_neither_superseded_nor_unbound_any_more() -> None:
    old = superseded_by(DESK, entry(1))
    state = replace(EMPTY, superseded={B1: old, B2: old}, unbound={B1: NOW, B2: NOW})
    after = replay(state, [opened(1), applied(1)])
    assert (after.superseded, after.unbound) == ({B2: old}, {B2: NOW})


@pytest.mark.parametrize("number", [0, 1, 4])
def test_generations_only_grow(number: int) -> None:
    state = replace(EMPTY, generations={DESK: 3})
    asked = opened(1).intent
    begun = Opened(replace(asked, target=entry(1, generation=number)))
    for event in (begun, Recorded(DESK, entry(1, generation=number))):
        assert replay(state, [event]).generations == {DESK: max(3, number)}
        assert replay(EMPTY, [event]).generations == {DESK: number}
    unbinds = Opened(replace(UNBIND.intent, target=entry(1, generation=9)))
    assert replay(state, [unbinds]).generations == {DESK: 3}, "an unbind uses no number"


@pytest.mark.parametrize(
    ("outcome", "standing", "failure"),
    [
        (Refused(Refusal.CAPACITY, "10010", "no number left", "r-7"), Standing.DOUBTFUL, "10010"),
        (Refused(Refusal.VALIDATION, "10001", "phone", "r-8"), Standing.REFUSED, "10001"),
        (Unknown("no answer in 20 s", "", "r-9"), Standing.UNKNOWN, "unknown"),
        (Unknown("server error", "500", "r-0"), Standing.UNKNOWN, "500"),
    ],
)
def test_what_the_vendor_said_is_kept_with_the_attempt(
    outcome: Refused | Unknown, standing: Standing, failure: str
) -> None:
    state = replay(EMPTY, [opened(1), Closed("bind-1", outcome, NOW + 7)])
    kept = Pending(opened(1).intent, standing, outcome.reason, outcome.vendor_code, outcome.request_id)
    assert state.pending == {"bind-1": kept}
    assert state.failures == {DESK: Failure(NOW + 7, 1, failure)}


def test_since_when_and_with_what_an_address_fails() -> None:
    def failing(state: State, outcome: Outcome, at: int) -> State:
        return replay(state, [opened(1), Closed("bind-1", outcome, at)])

    state = failing(EMPTY, NotSent("no route"), NOW + 1)
    assert state.failures == {DESK: Failure(NOW + 1, 1, "not sent")}
    state = failing(state, Refused(Refusal.CAPACITY, "10010", "no number"), NOW + 60)
    assert state.failures == {DESK: Failure(NOW + 1, 2, "10010")}
    state = failing(state, Unknown("reset"), NOW + 90)
    assert state.failures == {DESK: Failure(NOW + 1, 3, "unknown")}
    assert replay(state, [Recorded("bindings.desk-2", None)]).failures == state.failures
    assert replay(state, [Recorded(DESK, None)]).failures == {}


@pytest.mark.parametrize(("left", "remembered"), [(0.0, False), (0.5, False), (1.0, True), (1.5, True)])
def test_an_echo_is_awaited_while_a_whole_second_of_its_time_is_left(left: float, remembered: bool) -> None:
    asked = replace(opened(1).intent, adoptable_until=NOW + 1 + left)
    state = replay(EMPTY, [Opened(asked), applied(1)])
    assert state.pending == ({"bind-1": Pending(asked, Standing.ECHO)} if remembered else {})


def test_no_echo_of_an_unbind_is_awaited() -> None:
    assert replay(LIVE, [UNBIND, applied(1, Operation.UNBIND)]).pending == LIVE.pending


def test_an_unbind_that_was_not_sent_changes_nothing_but_that_it_failed() -> None:
    state = replay(LIVE, [UNBIND, Closed("unbind-1", NotSent("no route"), NOW + 5)])
    assert state == replace(LIVE, failures={DESK: Failure(NOW + 5, 1, "not sent")})
    assert LIVE.generations == {DESK: 1}


def test_an_attempt_that_was_overtaken_gives_no_generation_back() -> None:
    later = Opened(replace(opened(1).intent, attempt="later", target=entry(1, generation=5)))
    state = replay(EMPTY, [opened(1), later, Closed("bind-1", NotSent("no route"), NOW)])
    assert state.generations == {DESK: 5}


def test_a_listing_that_shows_an_unbind_done_is_the_time_of_it() -> None:
    told = Resolved("unbind-1", Verdict.APPLIED, NOW + 500, None)
    state = replay(LIVE, [UNBIND, told])
    assert (state.entries, state.unbound) == ({}, {B1: NOW + 500})


def test_what_lapsed_keeps_what_the_vendor_said() -> None:
    closed = Closed("bind-1", Unknown("reset", "502", "r-1"), NOW + 1)
    state = replay(EMPTY, [opened(1), closed, Resolved("bind-1", Verdict.LAPSED, NOW + 200)])
    assert state.pending == {"bind-1": Pending(opened(1).intent, Standing.REFUSED, "reset", "502", "r-1")}


def test_a_bind_leaves_what_was_asked_for_and_what_the_vendor_gave() -> None:
    wanted = entry(1, bind_id=None, bound_at=None, expires_at=None, down_since=NOW - 50, x_chosen=True)
    begun = Opened(replace(opened(1).intent, target=wanted, signed_at=NOW + 0.9))
    given_ = Closed("bind-1", Applied("b1", "447401264118", "447401264119"), NOW + 1)
    state = replay(EMPTY, [begun, given_])
    assert state.entries == {
        DESK: replace(
            wanted,
            bind_id="b1",
            phone_x="447401264118",
            phone_x_b="447401264119",
            bound_at=NOW,
            expires_at=NOW + 86400,
            down_since=None,
        )
    }


@pytest.mark.parametrize(
    ("told_at", "end", "began"),
    [
        (NOW + 200, NOW + 86400 + 45, NOW + 45), (NOW + 200, NOW + 86400 + 200, NOW + 200),
        (NOW + 200, NOW + 86400 + 201, NOW + 200), (NOW + 200, NOW + 86400, NOW), (NOW + 200, NOW + 86400 - 9, NOW),
        (NOW + 200, None, NOW), (NOW - 5, NOW + 86400 + 45, NOW),
    ],
)  # fmt: skip
def test_a_bind_that_took_effect_late_began_when_its_end_tells(
    told_at: int, end: int | None, began: int
) -> None:
    """Not before it was asked for, nor after it was known."""
    told = Resolved(opened(1).intent.attempt, Verdict.APPLIED, told_at, Applied("b1"), end)
    found = replay(EMPTY, [opened(1), told]).entries[DESK]
    assert isinstance(found, Entry)
    assert (found.bound_at, found.expires_at) == (began, NOW + 86400 if end is None else end)


def test_what_never_ends_began_when_it_was_asked_for() -> None:
    asked = Opened(replace(opened(1).intent, expire_seconds=0))
    told = Resolved(asked.intent.attempt, Verdict.APPLIED, NOW + 200, Applied("b1"), NOW + 500)
    found = replay(EMPTY, [asked, told]).entries[DESK]
    assert isinstance(found, Entry) and found.bound_at == NOW


def test_an_unbind_of_a_change_leaves_what_comes_down_since_then() -> None:
    wanted = entry(1, generation=2, recording=True)
    begun = Opened(replace(UNBIND.intent, target=wanted))
    state = replay(LIVE, [begun, applied(1, Operation.UNBIND)])
    assert state.entries == {DESK: replace(wanted, bind_id=None, down_since=NOW + 1)}


def test_an_unbind_of_another_binding_leaves_the_entry() -> None:
    begun = Opened(replace(UNBIND.intent, bind_id="b9"))
    state = replay(LIVE, [begun, applied(1, Operation.UNBIND)])
    assert (state.entries, state.unbound) == (LIVE.entries, {B9: NOW + 1})
    gone = replay(EMPTY, [begun, applied(1, Operation.UNBIND)])
    assert (gone.entries, gone.unbound) == ({}, {B9: NOW + 1})


CREW = GroupEntry("nx", "", "couriers", (Phone("447700900111"),), holds=Holds.PEOPLE)
GROUP = "groups.couriers"


def group_call(operation: Operation, target: GroupEntry | None, outcome: Applied) -> list[Event]:
    asked = replace(opened(1).intent, attempt="g", address=GROUP, operation=operation, target=target)
    return [Opened(asked), Closed("g", outcome, NOW)]


def test_a_group_gets_the_id_that_it_was_given_and_keeps_it() -> None:
    made = replay(EMPTY, group_call(Operation.CREATE_GROUP, CREW, Applied(group_id="77")))
    wider = replace(CREW, group_id="77", phones=())
    changed = replay(made, group_call(Operation.UPDATE_GROUP, wider, Applied()))
    for state, phones in ((made, CREW.phones), (changed, ())):
        assert state == replace(EMPTY, entries=state.entries)
        assert state.entries.keys() == {GROUP}
        found = state.groups()[GROUP]
        assert (found.group_id, found.group_name, found.phones) == ("77", "couriers", phones)
        assert found.changed_at == NOW, "when its call was signed"


def test_a_group_that_is_deleted_is_gone_whether_it_was_recorded_or_not() -> None:
    known = replace(EMPTY, entries={GROUP: CREW, DESK: entry(1)})
    for before in (known, replace(EMPTY, entries={DESK: entry(1)})):
        after = replay(before, group_call(Operation.DELETE_GROUP, None, Applied()))
        assert after.entries == {DESK: entry(1)}


def test_a_bind_that_no_id_came_back_from_is_not_folded() -> None:
    for outcome in (Applied(), Applied(phone_x="447401264117")):
        with pytest.raises(AssertionError):
            replay(EMPTY, [opened(1), Closed("bind-1", outcome, NOW)])


def test_only_the_oldest_that_rest_are_looked_at() -> None:
    def resting(number: int, until: int) -> Resting:
        return Resting("nx", f"44740126411{number}", DESK, NOW + until)

    ended, later, ended_behind = resting(1, 10), resting(2, 90), resting(3, 10)
    state = replace(EMPTY, quarantine=(ended, later, ended_behind))
    assert replay(state, [Rested((), NOW + 9)]).quarantine == (ended, later, ended_behind)
    assert replay(state, [Rested((), NOW + 10)]).quarantine == (later, ended_behind)
    added = resting(4, 500)
    assert replay(state, [Rested((added,), NOW + 90)]).quarantine == (added,)


def test_a_bind_over_a_group_supersedes_nothing() -> None:
    state = replace(EMPTY, entries={DESK: CREW})
    after = replay(state, [opened(1), applied(1)])
    assert after.superseded == {} and isinstance(after.entries[DESK], Entry)


# -- two accounts that give out the same ids -------------------------------------------------------------------------


def test_an_id_of_another_account_is_another_binding() -> None:
    """A rebind to another provider whose id is the old one's: both are remembered, and each goes by itself."""
    moved = entry(1, generation=2, provider="other", bind_id=None)
    bind = Opened(replace(opened(1).intent, attempt="moved", provider="other", target=moved))
    both = replay(LIVE, [bind, Closed("moved", Applied("b1"), NOW + 5)])
    assert both.bindings()[DESK].key == ("other", "b1")
    assert both.superseded.keys() == {B1}
    done = replay(both, [opened(1, Operation.UNBIND), applied(1, Operation.UNBIND)])
    assert done.bindings()[DESK].key == ("other", "b1") and not done.superseded
    assert done.unbound.keys() == {B1}


def test_an_unbind_leaves_an_entry_that_has_its_id_at_another_account() -> None:
    elsewhere = replace(EMPTY, entries={DESK: entry(1, provider="other")})
    after = replay(elsewhere, [opened(1, Operation.UNBIND), applied(1, Operation.UNBIND)])
    assert after.entries == elsewhere.entries


@pytest.mark.parametrize("signed", [NOW + 3, NOW - 3])
def test_an_unbind_that_is_settled_late_leaves_the_binding_that_has_its_id_again(signed: int) -> None:
    """The vendor gave the id again before a listing told that the old binding is gone."""
    wanted = entry(1, generation=2, bind_id=None)
    slow = replace(opened(1, Operation.UNBIND).intent, attempt="slow", target=wanted, signed_at=float(NOW))
    newer = replace(wanted, generation=2 if signed > NOW else 3)
    again = replace(opened(1).intent, attempt="again", target=newer, signed_at=float(signed))
    before = replay(LIVE, [Opened(slow), Opened(again), Closed("again", Applied("b1"), NOW + 5)])
    assert before.bindings()[DESK].generation == newer.generation
    after = replay(before, [Resolved("slow", Verdict.APPLIED, NOW + 9)])
    assert (after.entries, after.unbound) == (before.entries, {})
    assert "slow" not in after.pending


@pytest.mark.parametrize("down", [True, False])
def test_an_unbind_that_was_answered_is_of_the_binding_that_is_there_whatever_servers_say_the_time_is(
    down: bool,
) -> None:
    """No other call of an address is made meanwhile; a server whose clock was ahead has stamped the bind."""
    ahead = replace(EMPTY, entries={DESK: entry(1, bound_at=NOW + 2000)})
    gone = replace(opened(1, Operation.UNBIND).intent, target=entry(1, bind_id=None) if down else None)
    after = replay(
        ahead, [Opened(replace(gone, signed_at=float(NOW))), Closed(gone.attempt, Applied(), NOW + 1)]
    )
    assert after.unbound == {B1: NOW + 1}
    assert after.bindings()[DESK].down if down else after.entries == {}


def test_a_binding_of_the_second_in_which_its_unbind_was_signed_goes_with_it() -> None:
    """As where a binding is put on hold right after its bind: the entry is kept, with its generation, and is down."""
    held = replace(opened(1, Operation.UNBIND).intent, target=entry(1, bind_id=None), signed_at=float(NOW))
    after = replay(
        replace(EMPTY, entries={DESK: entry(1, bound_at=NOW)}),
        [Opened(held), Closed(held.attempt, Applied(), NOW + 1)],
    )
    assert after.bindings()[DESK].down and after.unbound == {B1: NOW + 1}


def test_an_unbind_for_good_that_is_settled_late_leaves_a_binding_of_other_phones() -> None:
    gone = opened(1, Operation.UNBIND).intent
    slow = Opened(replace(gone, attempt="slow", target=None, unbinds=superseded_by(DESK, entry(1))))
    other = entry(1, generation=2, phone_b=Phone("447700900778"))
    before = replay(LIVE, [slow, Recorded(DESK, other)])
    after = replay(before, [Resolved("slow", Verdict.APPLIED, NOW + 9)])
    assert (after.entries, after.unbound) == (before.entries, {})
