"""Events as records hold them: read back as they were, whole, and refused where they are not as they were written."""

import json
from typing import Any

import pytest
from hypothesis import given
from stores.values import EVENTS

from pnsync.journal import (
    Applied,
    Closed,
    Event,
    Noted,
    NotSent,
    Opened,
    Outcome,
    Recorded,
    Refusal,
    Refused,
    Resolved,
    Unknown,
    Verdict,
)
from pnsync.state import Operation
from pnsync.statefile.eventcodec import decode_event, decode_outcome, encode_event, encode_outcome
from pnsync.statefile.phonecodec import CLEAR
from tests.worlds import attempt, axb, intent, made, ride, superseded

OUTCOMES: list[Outcome] = [
    Applied(),
    Applied("b1", "447700900950", "447700900951", "g1", "r-1"),
    NotSent("refused"),
    NotSent("its turn came too late", withdrawn=True),
    Refused(Refusal.CAPACITY, "10010", "exhausted", "r-2"),
    Unknown("no answer"),
    Unknown("fewer calls", "-15", "r-3", rate_limited=True),
]


def again(event: Event) -> Event:
    """An event as it comes back from a record."""
    return decode_event(json.loads(json.dumps(encode_event(event, CLEAR))), CLEAR)


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda one: type(one).__name__.lower())
def test_an_outcome_is_read_back_whole(outcome: Outcome) -> None:
    """What a call came to decides what the next run may do: nothing of it is left in memory alone."""
    assert decode_outcome(json.loads(json.dumps(encode_outcome(outcome)))) == outcome
    assert again(Closed("run.1", outcome, 7)) == Closed("run.1", outcome, 7)


@given(EVENTS)
def test_an_event_is_read_back_whole(event: Event) -> None:
    assert again(event) == event


def test_what_belongs_to_an_attempt_is_read_back_whole() -> None:
    one = attempt(ride("ride"), known_ids=("7", "8"), replaces="nx/old")
    assert again(Opened(one)) == Opened(one)
    entry = made(
        ride("ride"), protect=True, recording=True, declared_id="6", down_since=7, labels=(("a", "b"),)
    )
    (old,) = superseded("bindings.ride", entry).values()
    ends = intent(
        None, "bindings.ride", operation=Operation.UNBIND, bind_id=old.bind_id, unbinds=old, provider="la"
    )
    assert again(Opened(ends)) == Opened(ends)
    assert again(Recorded("bindings.ride", entry)) == Recorded("bindings.ride", entry)


def changed(event: Event, path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """An event's form with one value in it replaced."""
    found: dict[str, Any] = json.loads(json.dumps(encode_event(event, CLEAR)))
    place: Any = found
    for one in path[:-1]:
        place = place[one]
    place[path[-1]] = value
    return found


OPENED = Opened(attempt(ride("ride"), known_ids=("7",)))
SETTLED = Resolved("run.1", Verdict.APPLIED, 7, Applied("b1"))
HELD = Recorded("bindings.a", made(axb("a", labels=(("team", "west"),))))


@pytest.mark.parametrize(
    ("event", "path", "value"),
    [
        (OPENED, ("intent", "known_ids"), [7]),
        (OPENED, ("intent", "known_ids"), [["7"]]),
        (OPENED, ("intent", "not_before"), "soon"),
        (OPENED, ("intent", "operation"), "sell"),
        (OPENED, ("intent", "colour"), "blue"),
        (HELD, ("entry", "labels"), [["team", 7]]),
        (HELD, ("entry", "labels"), [["team"]]),
        (SETTLED, ("outcome",), encode_outcome(Refused(Refusal.CONFLICT, "-35", "exists", ""))),
        (SETTLED, ("outcome",), {"o": "sold"}),
        (SETTLED, ("verdict",), "perhaps"),
        (Noted("zone.la", "28800"), ("value",), "east"),
        (Noted("a", "b"), ("k",), "nodded"),
    ],
)
def test_what_is_not_as_it_was_written_is_refused(event: Event, path: tuple[str, ...], value: Any) -> None:
    assert again(event) == event
    with pytest.raises((KeyError, TypeError, ValueError)):
        decode_event(changed(event, path, value), CLEAR)
