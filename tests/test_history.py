"""A state and its log as they are read: a finding is believed when it is found twice, and the end of a log is known."""

import json
from collections.abc import Sequence

import pytest
from stores.clocks import StepClock
from stores.memory import MemoryBackend, MemoryPlace
from stores.values import holder

from pnsync.errors import StateError
from pnsync.interfaces import Blob
from pnsync.journal import Noted
from pnsync.state import Head, State
from pnsync.statefile.codec import encode_intent
from pnsync.statefile.codes import refusal
from pnsync.statefile.document import dumps
from pnsync.statefile.phonecodec import CLEAR
from pnsync.statefile.record import frame, unframe
from pnsync.store.history import SNAPSHOT, History, Loaded, record_about
from pnsync.store.store import Store
from tests.fuzz.seeds import intent


class Moving(MemoryBackend):
    """A place that another run writes: `shows` are the snapshots that each reading finds, the last one from then on."""

    def __init__(self, shows: list[tuple[bytes, str]]) -> None:
        super().__init__(MemoryPlace())
        self.shows = shows
        self.reads = 0

    def read(self, name: str) -> Blob | None:
        assert name == SNAPSHOT
        data, version = self.shows[min(self.reads, len(self.shows) - 1)]
        self.reads += 1
        return Blob(data, version)


WHOLE = dumps(State(lineage="7c4d1a2b"))


def loading(backend: MemoryBackend) -> tuple[History, StepClock]:
    clock = StepClock()
    return History(backend, clock, CLEAR, None), clock


@pytest.mark.parametrize(
    ("shows", "reads", "code"),
    [
        pytest.param([(WHOLE, "1")], 1, None, id="whole"),
        pytest.param([(b"", "1"), (WHOLE, "2")], 2, None, id="once-wrong"),
        pytest.param([(b"", "1"), (b"", "2"), (WHOLE, "3")], 3, None, id="wrong-and-another"),
        pytest.param([(b"", "1"), (WHOLE[:-9], "1"), (WHOLE, "3")], 3, None, id="wrong-otherwise"),
        pytest.param([(b"", "1"), (b"", "1"), (WHOLE, "2")], 2, "S901", id="twice-the-same"),
        pytest.param([(b"", str(one)) for one in range(30)], 20, "S901", id="never-still"),
        pytest.param([(b"", str(one)) for one in range(19)] + [(WHOLE, "x")], 20, None, id="at-last"),
    ],
)
def test_a_finding_is_believed_when_the_same_is_found_twice(
    shows: list[tuple[bytes, str]], reads: int, code: str | None
) -> None:
    backend = Moving(shows)
    history, clock = loading(backend)
    if code is None:
        found = history.load()
        assert found is not None and found.state == State(lineage="7c4d1a2b")
        assert found.version == shows[min(reads, len(shows)) - 1][1]
    else:
        with pytest.raises(StateError) as caught:
            history.load()
        assert caught.value.code == code
    assert backend.reads == reads
    assert clock.passed == pytest.approx(0.05 * (reads - 1)), "and a run gets a moment to end its write"


def test_a_refusal_names_the_place() -> None:
    history, _ = loading(Moving([(b"", "1")]))
    with pytest.raises(StateError) as caught:
        history.load()
    assert any(line.startswith("memory ") for line in caught.value.detail)


def noted(count: int) -> MemoryPlace:
    """A place with a state and so many records."""
    place = MemoryPlace()
    store = Store(
        MemoryBackend(place), StepClock(), pinned_lineage=None, heartbeat=lambda lease: lambda: None
    )
    store.create(holder(), lineage="7c4d1a2b")
    with store.hold(holder(), timeout=0) as session:
        for turn in range(count):
            session.record(Noted("turn", str(turn)))
    return place


@pytest.mark.parametrize("count", [0, 1, 3])
def test_what_is_read_ends_with_the_last_record(count: int) -> None:
    place = noted(count)
    history, _ = loading(MemoryBackend(place))
    found = history.load()
    assert isinstance(found, Loaded)
    last = unframe(place.log[count]) if count else None
    assert found.state.head == (Head() if last is None else Head(count, last.hash))
    assert found.anchored
    assert history.end_of_log() == (found.state.head, True)


def test_a_log_that_is_gone_is_no_anchor() -> None:
    place = noted(2)
    with Store(MemoryBackend(place), StepClock(), pinned_lineage=None).hold(holder(), timeout=0) as session:
        session.record(Noted("turn", "9"))
        done = session.finish()
    place.log.clear()
    history, _ = loading(MemoryBackend(place))
    found = history.load()
    assert found is not None and found.state == done and not found.anchored


class Refusing(MemoryBackend):
    """A place whose log cannot be read."""

    def __init__(self, code: str) -> None:
        super().__init__(MemoryPlace())
        self.code = code

    def records(self, after: int) -> Sequence[tuple[int, bytes]]:
        raise refusal(self.code, "it cannot be read")


@pytest.mark.parametrize("code", ["S911", "S912"])
def test_the_end_of_a_damaged_log_is_not_known(code: str) -> None:
    assert loading(Refusing(code))[0].end_of_log() == (Head(), False)


def test_a_place_that_does_not_work_is_no_damaged_log() -> None:
    with pytest.raises(StateError) as caught:
        loading(Refusing("S920"))[0].end_of_log()
    assert caught.value.code == "S920"


def test_the_end_of_a_log_whose_last_record_is_damaged_is_not_known() -> None:
    place = noted(2)
    place.log[2] = place.log[2].replace(b"turn", b"torn")
    assert loading(MemoryBackend(place))[0].end_of_log() == (Head(), False)


def test_the_end_of_a_log_that_begins_late_is_known() -> None:
    place = MemoryPlace()
    place.log = {7: frame(7, "f" * 32, b"{}")[0], 8: frame(8, "e" * 32, b"{}")[0]}
    last = unframe(place.log[8])
    assert last is not None
    assert loading(MemoryBackend(place))[0].end_of_log() == (Head(8, last.hash), True)


def test_what_a_sealed_record_is_bound_to() -> None:
    assert record_about({"serial": 8, "epoch": 3}, 5) == ("record", "8", "3", "5")


def behind(*events: object, number: int = 1) -> MemoryBackend:
    """A place with a state and, in records whose sums are right, whatever is given."""
    place = MemoryPlace()
    place.documents[SNAPSHOT] = (WHOLE, 1)
    body = {"epoch": 1, "events": list(events), "lineage": "7c4d1a2b", "nonce": "0", "serial": 0}
    place.log[number], _ = frame(number, "", json.dumps(body).encode())
    return MemoryBackend(place)


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([{"k": "began", "holder": "a", "command": "b", "at": None}], id="no-instant"),
        pytest.param(
            [
                {"k": "opened", "intent": encode_intent(intent(), CLEAR)},
                {
                    "k": "resolved",
                    "attempt": "r.1",
                    "verdict": "applied",
                    "at": 2,
                    "outcome": None,
                    "expires_at": 3,
                },
            ],
            id="applied-without-an-id",
        ),
        pytest.param([{"k": "doubled", "bind_id": "b", "superseded": 7}], id="of-another-type"),
    ],
)
def test_a_record_that_cannot_be_folded_is_refused_as_a_newer_ones(events: list[object]) -> None:
    with pytest.raises(StateError) as caught:
        loading(behind(*events))[0].load()
    assert caught.value.code == "S907" and caught.value.detail[0].startswith("Record 1 of the journal says")


def test_a_gap_before_a_record_that_cannot_be_read_is_a_gap() -> None:
    backend = behind()
    backend.place.log = {7: frame(7, "", b"no json")[0]}
    with pytest.raises(StateError) as caught:
        loading(backend)[0].load()
    assert caught.value.code == "S913"
    assert caught.value.detail[0].endswith("its journal is at serial 0 and begins with record 7.")
