"""Folding events into a state: pure, total, the same from disk as in memory, and one step at a time or all at once."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stores.values import EVENTS, NOW, applied, entry, opened, states

from pnsync.journal import (
    Applied,
    Began,
    Closed,
    Doubled,
    Event,
    NotSent,
    Opened,
    Recorded,
    Refusal,
    Refused,
    Resolved,
    Rested,
    Unknown,
    Verdict,
    open_intents,
    replay,
)
from pnsync.model import NEVER, Holds
from pnsync.state import Entry, GroupEntry, Operation, Resting, Standing, State
from pnsync.statefile.document import dumps, loads
from pnsync.statefile.eventcodec import decode_event, encode_event
from pnsync.statefile.phonecodec import CLEAR

EMPTY = State(lineage="7c4d1a2b")
DESK = "bindings.desk-1"
LIVE = replay(EMPTY, [opened(1), applied(1)])


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Events in any order over few addresses: what runs record, and what a confused one would."""
    one = st.integers(1, 3)
    outcome = st.sampled_from(
        [
            NotSent("connect"),
            Unknown("no answer in 20 s", rate_limited=True),
            Refused(Refusal.VALIDATION, "10001", "phone"),
            Refused(Refusal.CAPACITY, "10010", "no number"),
        ]
    )
    kinds: list[st.SearchStrategy[Event]] = [
        st.builds(Began, st.just("3f2c9a10"), st.just("pnsync apply"), st.integers(NOW, NOW + 30 * 86400)),
        one.map(opened),
        one.map(applied),
        one.map(lambda number: opened(number, Operation.UNBIND)),
        one.map(lambda number: applied(number, Operation.UNBIND)),
        st.builds(Closed, one.map(lambda number: f"bind-{number}"), outcome, st.just(NOW + 1)),
        st.builds(
            Resolved,
            one.map(lambda number: f"bind-{number}"),
            st.sampled_from(Verdict),
            st.just(NOW + 2),
            st.just(Applied(bind_id="b9")),
            st.none() | st.just(NOW + 86400),
        ),
        st.builds(Recorded, one.map(lambda number: f"bindings.desk-{number}"), st.none() | one.map(entry)),
    ]
    return draw(st.lists(st.one_of(kinds), max_size=25))


@settings(max_examples=300)
@given(states(), histories())
def test_folding_is_pure_and_the_same_from_disk(state: State, events: list[Event]) -> None:
    before = dumps(state)
    folded = replay(state, events)
    assert dumps(state) == before, "neither argument is changed"
    written = [decode_event(encode_event(event, CLEAR), CLEAR) for event in events]
    assert replay(loads(before), written) == folded
    assert loads(dumps(folded)) == folded


@settings(max_examples=300)
@given(histories(), st.data())
def test_folding_in_parts_is_folding_at_once(events: list[Event], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(events)))
    parts = replay(replay(EMPTY, events[:cut]), events[cut:])
    assert parts == replay(EMPTY, events)


@settings(max_examples=300)
@given(histories())
def test_no_live_binding_is_lost_and_no_generation_falls(events: list[Event]) -> None:
    """G1: what was acknowledged is in the state until an event takes it out; numbers of binds only grow."""
    state = EMPTY
    for event in events:
        after = replay(state, [event])
        held = {one.key for one in state.bindings().values() if one.key} | set(state.superseded)
        holds = {one.key for one in after.bindings().values() if one.key} | set(after.superseded)
        lost = held - holds
        if isinstance(event, Recorded | Doubled):
            pass
        elif isinstance(event, Closed | Resolved):
            assert lost <= set(after.unbound)
        else:
            assert not lost
        for address, number in state.generations.items():
            dropped = isinstance(event, Closed) and isinstance(event.outcome, NotSent)
            assert after.generations[address] >= number - dropped
        assert after.lineage == state.lineage
        assert after.serial == state.serial
        state = after


@given(EVENTS, states())
def test_every_event_but_a_malformed_one_can_be_folded(event: Event, state: State) -> None:
    if isinstance(event, Closed | Resolved):
        return
    replay(state, [event])


def test_an_intent_is_pending_until_its_answer() -> None:
    state = replay(EMPTY, [opened(1)])
    assert list(open_intents(state)) == ["bind-1"]
    assert state.blocking().keys() == {DESK}
    assert state.generations == {DESK: 1}
    assert not state.entries


def test_an_acknowledged_bind_is_the_entry() -> None:
    found = LIVE.bindings()[DESK]
    assert not LIVE.blocking()
    assert (found.bind_id, found.bound_at, found.expires_at) == ("b1", NOW, NOW + 86400)


def test_a_bind_without_a_lifetime_never_expires() -> None:
    asked = replace(opened(1).intent, expire_seconds=None)
    state = replay(EMPTY, [Opened(asked), applied(1)])
    assert state.bindings()[DESK].expires_at == NEVER


def test_an_acknowledged_unbind_takes_the_entry_and_remembers_its_id() -> None:
    state = replay(LIVE, [opened(1, Operation.UNBIND), applied(1, Operation.UNBIND)])
    assert not state.entries
    assert state.unbound == {("nx", "b1"): NOW + 1}
    assert state.generations == {DESK: 1}, "so that no customerBindId is used twice"


def test_a_declared_id_that_comes_to_another_address_is_not_used_twice() -> None:
    intent = opened(1).intent
    declared = replace(intent, target=entry(1, declared_id="order-7", generation=3))
    gone = replay(
        EMPTY, [Opened(declared), applied(1), opened(1, Operation.UNBIND), applied(1, Operation.UNBIND)]
    )
    assert not gone.entries
    assert gone.next_generation("bindings.other", "order-7") == 4
    assert gone.next_generation("bindings.other", "order-8") == 1
    unsent = replay(EMPTY, [Opened(declared), Closed("bind-1", NotSent("no route"), NOW)])
    assert unsent.next_generation("bindings.other", "order-7") == 3


def test_an_unbind_that_a_bind_follows_leaves_the_entry_down() -> None:
    wanted = entry(1, generation=2, bind_id=None)
    unbind = Opened(replace(opened(1, Operation.UNBIND).intent, target=wanted))
    state = replay(LIVE, [unbind, applied(1, Operation.UNBIND)])
    assert state.bindings()[DESK].down
    assert state.bindings()[DESK].down_since == NOW + 1


def test_a_bind_over_a_live_binding_remembers_the_old_half() -> None:
    again = Opened(replace(opened(1).intent, attempt="bind-1b", target=entry(1, generation=2, bind_id=None)))
    state = replay(LIVE, [again, Closed("bind-1b", Applied(bind_id="b2"), NOW + 5)])
    assert state.bindings()[DESK].bind_id == "b2"
    assert state.superseded.keys() == {("nx", "b1")}
    done = replay(state, [opened(1, Operation.UNBIND), applied(1, Operation.UNBIND)])
    assert done.bindings()[DESK].bind_id == "b2"
    assert not done.superseded


@pytest.mark.parametrize(
    ("outcome", "standing"),
    [
        (NotSent("connect"), None),
        (Unknown("no answer in 20 s"), Standing.UNKNOWN),
        (Refused(Refusal.CAPACITY, "10010", "no number left"), Standing.DOUBTFUL),
        (Refused(Refusal.CONFLICT, "-35", "exists"), Standing.DOUBTFUL),
        (Refused(Refusal.ABSENT, "10013", "no such binding"), Standing.DOUBTFUL),
        (Refused(Refusal.VALIDATION, "10001", "phone"), Standing.REFUSED),
        (Refused(Refusal.AUTHENTICATION, "1003", "key"), Standing.REFUSED),
        (Refused(Refusal.CLOCK, "1004", "stale"), Standing.REFUSED),
    ],
)
def test_only_proof_that_nothing_was_sent_settles_a_failed_attempt(
    outcome: NotSent | Unknown | Refused, standing: Standing | None
) -> None:
    state = replay(EMPTY, [opened(1), Closed("bind-1", outcome, NOW + 1)])
    assert [one.standing for one in state.pending.values()] == ([] if standing is None else [standing])
    assert bool(state.blocking()) is (standing in (Standing.UNKNOWN, Standing.DOUBTFUL))
    assert state.failures[DESK].count == 1
    assert not state.entries


def test_an_attempt_that_was_not_sent_gives_its_generation_back() -> None:
    state = replay(EMPTY, [opened(1), Closed("bind-1", NotSent("connect"), NOW + 1)])
    assert state.next_generation(DESK) == 1


def test_failures_count_from_the_first_and_end_with_a_success() -> None:
    tries: list[Event] = [opened(1), Closed("bind-1", NotSent("connect"), NOW + 1)]
    state = replay(EMPTY, [*tries, opened(1), Closed("bind-1", NotSent("connect"), NOW + 90)])
    assert (state.failures[DESK].since, state.failures[DESK].count) == (NOW + 1, 2)
    assert not replay(state, [opened(1), applied(1)]).failures


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_listing_settles_an_attempt(verdict: Verdict) -> None:
    state = replay(EMPTY, [opened(1), Closed("bind-1", Unknown("reset"), NOW + 1)])
    told = Resolved("bind-1", verdict, NOW + 200, Applied(bind_id="b7", phone_x="447401264118"), NOW + 99)
    after = replay(state, [told])
    assert not after.blocking()
    if verdict is Verdict.APPLIED:
        found = after.bindings()[DESK]
        assert (found.bind_id, found.phone_x, found.expires_at) == ("b7", "447401264118", NOW + 99)
    else:
        assert not after.entries
    assert bool(after.pending) is (verdict in (Verdict.LAPSED, Verdict.APPLIED))


def test_a_bind_without_a_client_id_is_remembered_while_a_second_delivery_may_come() -> None:
    asked = opened(1).intent
    within, after = int(asked.adoptable_until) - 2, int(asked.adoptable_until)
    echo = replay(EMPTY, [Opened(asked), Closed("bind-1", Applied(bind_id="b1"), within)])
    assert [one.standing for one in echo.pending.values()] == [Standing.ECHO]
    assert not echo.blocking()
    assert not replay(EMPTY, [Opened(asked), Closed("bind-1", Applied(bind_id="b1"), after)]).pending
    named = replace(asked, customer_bind_id="pns-00000000-abcdefghijkl-1")
    assert not replay(EMPTY, [Opened(named), Closed("bind-1", Applied(bind_id="b1"), within)]).pending


def test_an_answer_to_no_known_attempt_changes_nothing() -> None:
    assert replay(LIVE, [Closed("bind-9", Applied(bind_id="b9"), NOW)]) == LIVE
    assert replay(LIVE, [Resolved("bind-9", Verdict.APPLIED, NOW, Applied(bind_id="b9"))]) == LIVE


def test_unbound_ids_are_forgotten_after_a_week() -> None:
    gone = replay(LIVE, [opened(1, Operation.UNBIND), applied(1, Operation.UNBIND)])
    soon = replay(gone, [Began("h", "pnsync apply", NOW + 6 * 86400)])
    late = replay(gone, [Began("h", "pnsync apply", NOW + 8 * 86400)])
    assert soon.unbound
    assert not late.unbound


def test_numbers_rest_until_their_time_and_once_each() -> None:
    resting = Resting("nx", "447401264117", DESK, NOW + 100, extension="001")
    state = replay(EMPTY, [Rested((resting,), NOW), Rested((resting,), NOW + 1)])
    assert state.quarantine == (resting,)
    assert replay(state, [Rested((), NOW + 100)]).quarantine == ()


def test_groups_are_made_changed_and_deleted() -> None:
    group = GroupEntry("nx", "", "couriers", (), holds=Holds.PEOPLE)
    intent = replace(
        opened(1).intent,
        attempt="g",
        address="groups.couriers",
        operation=Operation.CREATE_GROUP,
        target=group,
    )
    made = replay(EMPTY, [Opened(intent), Closed("g", Applied(group_id="77"), NOW)])
    assert made.groups()["groups.couriers"].group_id == "77"
    delete = replace(intent, operation=Operation.DELETE_GROUP, target=None)
    assert not replay(made, [Opened(delete), Closed("g", Applied(), NOW)]).entries


def test_entries_can_be_recorded_and_removed() -> None:
    state = replay(EMPTY, [Recorded(DESK, entry(1, generation=4))])
    assert isinstance(state.entries[DESK], Entry)
    assert state.next_generation(DESK) == 5
    assert not replay(state, [Recorded(DESK, None)]).entries
