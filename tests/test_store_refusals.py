"""Every refusal of a state, as a person reads it: what is wrong, why it matters, what to do next, and the command."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from stores.clocks import StepClock
from stores.memory import MemoryBackend, MemoryPlace
from stores.values import holder

from pnsync.errors import Fenced, Locked, PnsyncError, StateError, UsageError
from pnsync.journal import Noted
from pnsync.state import State
from pnsync.statefile.codes import REBUILD, refusal, summary
from pnsync.statefile.document import dumps, loads
from pnsync.statefile.record import chained, frame, scan, unframe
from pnsync.store.history import MOVED_NOTE
from pnsync.store.store import Session, Store

NAME = "state.json.journal"
COPY = "Restore state file and journal together from a copy, or derive the state from the vendor's listing:"
DISTRUST = (
    "Nothing is called, and both files are left as they are. Bring back the copy that ran last, whole, or:"
)
OMAR = holder("omar", "aaaaaaaa")


def store(place: MemoryPlace, pinned: str | None = None) -> Store:
    return Store(
        MemoryBackend(place), StepClock(), pinned_lineage=pinned, heartbeat=lambda lease: lambda: None
    )


def hold(place: MemoryPlace, pinned: str | None = None) -> Session:
    return store(place, pinned).hold(holder(), timeout=0)


@pytest.fixture
def place() -> MemoryPlace:
    return MemoryPlace()


def told(error: PnsyncError) -> tuple[str, tuple[str, ...], str]:
    """Code, lines and command; the summary is the code's own."""
    assert error.summary == summary(error.code)
    return error.code, error.detail, error.command


def refused(
    call: Callable[[], object], kind: type[PnsyncError] = StateError
) -> tuple[str, tuple[str, ...], str]:
    with pytest.raises(kind) as caught:
        call()
    return told(caught.value)


def run(place: MemoryPlace, *turns: str, finish: bool = True, lineage: str = "7c4d1a2b") -> State:
    """A run that notes these turns, one a record."""
    if "snapshot" not in place.documents:
        store(place).create(holder(), lineage=lineage)
    with hold(place) as session:
        for turn in turns:
            session.record(Noted("turn", turn))
        return session.finish() if finish else session.state


# -- a journal as a file -----------------------------------------------------------------------------------------------


def lines(count: int, first: int = 1) -> list[bytes]:
    previous, made = "", []
    for seq in range(first, first + count):
        line, previous = frame(seq, previous, b'{"n":%d}' % seq)
        made.append(line)
    return made


def test_damage_in_the_middle_of_a_journal() -> None:
    one, two, three = lines(3)
    damaged = one + two.replace(b"{", b"[") + three
    assert refused(lambda: scan(damaged, NAME)) == (
        "S911",
        (
            f"{NAME}, line 2, fails its checksum, and whole records follow it: no crash leaves that.",
            "What happened after it cannot be told, so nothing is called. The file is left as it is.",
            COPY,
        ),
        REBUILD,
    )


def test_records_of_a_journal_that_are_missing() -> None:
    one, two, _, four = lines(4, first=7)
    assert refused(lambda: scan(one + two + four, NAME)) == (
        "S912",
        (
            f"{NAME}, line 3, is record 10 after record 8.",
            "Records are missing or stand twice, so nothing is called. The file is left as it is.",
            COPY,
        ),
        REBUILD,
    )


@pytest.mark.parametrize("first", [0, 1, 2])
def test_a_damaged_line_is_found_wherever_it_stands(first: int) -> None:
    made = lines(4)
    made[first] = made[first].replace(b"{", b"[")
    assert refused(lambda: scan(b"".join(made), NAME))[1][0].startswith(f"{NAME}, line {first + 1}, fails")


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_whole_record_behind_any_remains_of_another_is_found(cut: int) -> None:
    one, two = lines(2)
    assert refused(lambda: scan(one[:cut] + two, NAME))[0] == "S911"
    assert refused(lambda: scan(one[:-cut] + two, NAME))[0] == "S911"


def test_a_whole_record_is_found_behind_words_that_look_like_one() -> None:
    one, two = lines(2)
    for between in (b"pnj1 pnj1 ", b"pnj1 x\npnj1 ", b"ppnj1 1 1 "):
        assert refused(lambda between=between: scan(one[:5] + between + two, NAME))[0] == "S911"
        assert refused(lambda between=between: scan(between + two + between, NAME))[0] == "S911"


def test_the_longest_number_and_length_are_read() -> None:
    for seq in (1, 10**18, 10**19 - 1):
        body = b"x" * 3
        line, digest = frame(seq, "f" * 32, body)
        one = unframe(line)
        assert (
            one is not None
            and (one.seq, one.hash) == (seq, digest)
            and digest == chained("f" * 32, seq, body)
        )
    beyond, _ = frame(10**19, "", b"x")
    assert unframe(beyond) is None


# -- a state at its place ----------------------------------------------------------------------------------------------


def test_a_state_is_made_once(place: MemoryPlace) -> None:
    run(place)
    assert refused(lambda: store(place).create(holder())) == ("S919", ("memory is there.",), "")


def test_a_journal_without_its_state(place: MemoryPlace) -> None:
    run(place, "1", finish=False)
    del place.documents["snapshot"]
    assert refused(store(place).load) == ("S918", ("memory is missing, and its journal is there.",), REBUILD)


def test_a_missing_state_that_the_files_name(place: MemoryPlace) -> None:
    assert refused(store(place, "7c4d1a2b").load) == (
        "S915",
        (
            "The root file names the lineage 7c4d1a2b, and memory is missing.",
            "Without it every binding would be made again. Bring it back, or derive it from the listing:",
        ),
        REBUILD,
    )


def test_another_state_than_the_files_name(place: MemoryPlace) -> None:
    run(place)
    assert refused(store(place, "00000000").load) == (
        "S916",
        (
            "memory has the lineage 7c4d1a2b; the root file names 00000000.",
            "Check `state:` and the root file (-c): this is another environment's state.",
        ),
        "",
    )


def test_a_record_that_is_damaged(place: MemoryPlace) -> None:
    run(place, "1", "2", finish=False)
    place.log[2] = place.log[2].replace(b"turn", b"torn")
    assert refused(store(place).load) == (
        "S911",
        ("Record 2 of the journal fails its checksum.", DISTRUST),
        REBUILD,
    )


def test_a_record_in_another_s_slot(place: MemoryPlace) -> None:
    run(place, "1", "2", finish=False)
    place.log[1], place.log[2] = place.log[2], place.log[1]
    assert refused(store(place).load)[1][0] == "Record 1 of the journal fails its checksum."


def test_a_record_that_does_not_follow(place: MemoryPlace) -> None:
    run(place, "1", "2", finish=False)
    place.log[2], _ = frame(2, "0" * 32, b'{"serial":1}')
    assert refused(store(place).load) == (
        "S912", ("Record 2 of the journal does not follow the one before.", DISTRUST), REBUILD,
    )  # fmt: skip


def test_a_state_and_a_journal_that_both_went_on(place: MemoryPlace) -> None:
    run(place, "1")
    place.log[2], _ = frame(2, "0" * 32, b'{"serial":1}')
    assert refused(store(place).load) == (
        "S914", ("State file (serial 1) and journal differ in record 2.", DISTRUST), REBUILD,
    )  # fmt: skip


@pytest.mark.parametrize(("body", "serial"), [(b'{"serial":8}', 8), (b"{}", 0), (b"[8]", 0)])
def test_a_state_that_is_older_than_its_journal(place: MemoryPlace, body: bytes, serial: int) -> None:
    run(place, "1")
    place.log = {9: frame(9, "0" * 32, body)[0]}
    assert refused(store(place).load) == (
        "S913",
        (
            f"memory has serial 1 and ends with record 2; its journal is at serial {serial} and begins with record 9.",
            DISTRUST,
        ),
        REBUILD,
    )


def test_records_that_are_missing_between(place: MemoryPlace) -> None:
    run(place, "1", "2", "3", finish=False)
    del place.log[2]
    assert refused(store(place).load)[1][0] == (
        "memory has serial 0 and ends with record 0; its journal is at serial 0 and begins with record 3."
    )


def rewritten(place: MemoryPlace, **changed: object) -> None:
    """The only record of the journal, with another body and all its checksums right."""
    one = unframe(place.log[1])
    assert one is not None
    body = json.loads(one.body) | changed
    place.log[1], _ = frame(1, "", json.dumps(body).encode())


def test_a_journal_of_another_state(place: MemoryPlace) -> None:
    run(place, "1", finish=False)
    rewritten(place, lineage="00000000")
    assert refused(store(place).load) == (
        "S912", ("The journal is of the lineage 00000000, the state of 7c4d1a2b.", DISTRUST), REBUILD,
    )  # fmt: skip


def test_a_journal_whose_records_are_sealed(place: MemoryPlace) -> None:
    run(place, "1", finish=False)
    rewritten(place, sealed="s1.whatever")
    assert refused(store(place).load) == (
        "S917",
        (
            "The journal holds sealed numbers, and this configuration names no key for them.",
            "Name the recipients in `state.encryption`, and the identity in PNSYNC_AGE_IDENTITY.",
        ),
        "",
    )


@pytest.mark.parametrize(
    "events",
    [[{"k": "prolonged"}], [{"k": "noted"}], None, 7, ["noted"]],
    ids=["unknown", "fields", "none", "number", "text"],
)
def test_a_journal_of_a_newer_version(place: MemoryPlace, events: object) -> None:
    run(place, "1", finish=False)
    rewritten(place, events=events)
    assert refused(store(place).load) == (
        "S907",
        (
            "Record 1 of the journal says what this pnsync does not know: a newer one has written it.",
            "Install that version, here and wherever this state is used; or derive the state anew:",
        ),
        REBUILD,
    )


def test_a_state_that_was_moved(place: MemoryPlace) -> None:
    run(place)
    with hold(place) as session:
        session.record(Noted(MOVED_NOTE, "postgres:prod"))
        session.finish()
    wanted = (
        "S971",
        (
            "What lies in memory was moved to postgres:prod, at serial 1.",
            "Let `state:` in the root file name that place, on this branch too.",
        ),
        "",
    )
    assert refused(store(place).load) == wanted
    assert refused(lambda: hold(place)) == wanted
    with store(place).hold(OMAR, timeout=0, moved_allowed=True) as session:
        assert session.state.notes[MOVED_NOTE] == "postgres:prod"


def test_a_state_that_can_be_read_is_not_begun_anew(place: MemoryPlace) -> None:
    run(place, "1")
    assert refused(lambda: store(place).hold_unreadable(holder(), timeout=0)) == (
        "S919",
        ("memory can be read: serial 1.", "To begin anew all the same, move it and its journal away first."),
        "",
    )


def test_another_lineage_in_the_place_of_this_one(place: MemoryPlace) -> None:
    done = run(place, "1")
    other = replace(done, lineage="00000000")
    with hold(place) as session:
        assert refused(lambda: session.replace(other)) == (
            "S916",
            ("The new state has the lineage 00000000; the one to be replaced, or the root file, 7c4d1a2b.",),
            "",
        )
    empty = MemoryPlace()
    with store(empty).hold(holder(), timeout=0) as fresh:
        fresh.replace(other)
    with store(MemoryPlace(), None).hold(holder(), timeout=0) as fresh:
        fresh._store.pinned_lineage = "7c4d1a2b"
        assert refused(lambda: fresh.replace(other))[1] == (
            "The new state has the lineage 00000000; the one to be replaced, or the root file, 7c4d1a2b.",
        )


# -- a run that may not go on ------------------------------------------------------------------------------------------


def test_a_snapshot_that_somebody_wrote_meanwhile(place: MemoryPlace) -> None:
    run(place)
    with hold(place) as session:
        session.record(Noted("turn", "2"))
        data, version = place.documents["snapshot"]
        place.documents["snapshot"] = (data, version + 100)
        assert refused(session.finish) == (
            "S925",
            (
                "memory is not the file that this run began with.",
                "What this run did is in the journal beside it. Find out who writes the file before the next run.",
            ),
            "",
        )


def test_a_state_that_another_run_made_meanwhile(place: MemoryPlace) -> None:
    with hold(place) as session:
        other = State(lineage="7c4d1a2b")
        MemoryBackend(place).write("snapshot", dumps(other), None)
        wanted = ("S924", ("Another run has made the state meanwhile.",), "")
        assert refused(lambda: session.record(Noted("a", "b")), Fenced) == wanted
        assert refused(session.check, Fenced) == wanted, "and it stays so"
    assert loads(place.documents["snapshot"][0]) == other


def test_a_slot_that_another_run_took(place: MemoryPlace) -> None:
    run(place)
    with hold(place) as session:
        place.log[1] = b"another's"
        wanted = ("S924", ("The next record of its journal is another run's.",), "")
        assert refused(lambda: session.record(Noted("a", "b")), Fenced) == wanted
        assert refused(session.finish, Fenced) == wanted


def test_a_lease_that_is_lost(place: MemoryPlace) -> None:
    run(place)
    with hold(place) as session:
        store(place).unlock("3f2c9a10")
        session._guard._lock._lost = True  # type: ignore[attr-defined]
        wanted = ("S924", ("Its lock was broken, or its lease could not be renewed in time.",), "")
        assert refused(session.check, Fenced) == wanted
        assert refused(lambda: session.record(Noted("a", "b")), Fenced) == wanted


class Full(MemoryBackend):
    """A place that takes nothing any more."""

    def append(self, seq: int, record: bytes) -> None:
        raise refusal("S920", "the disk is full")


def test_after_a_failure_the_first_one_is_named(place: MemoryPlace) -> None:
    run(place)
    full = Store(Full(place), StepClock(), pinned_lineage=None, heartbeat=lambda lease: lambda: None)
    with full.hold(holder(), timeout=0) as session:
        assert refused(lambda: session.record(Noted("a", "b")))[:2] == ("S920", ("the disk is full",))
        wanted = ("S926", (f"The first failure: {summary('S920')}.",), "")
        assert refused(session.check) == wanted
        assert refused(session.finish) == wanted
    assert refused(session.check) == wanted, "also after it was left"


def test_a_session_that_was_left(place: MemoryPlace) -> None:
    with hold(place) as session:
        pass
    assert refused(session.check) == ("S926", (f"The first failure: {summary('S926')}.",), "")
    with pytest.raises(StateError) as caught:
        raise session._broken or AssertionError
    assert told(caught.value) == ("S926", ("The state was released.",), "")


def test_a_lock_that_is_not_held(place: MemoryPlace) -> None:
    wanted = ("S941", ("The state is not locked.", "Who holds it is shown by:"), "pnsync status")
    assert refused(lambda: store(place).unlock("3f2c9a10"), UsageError) == wanted
    with hold(place):
        assert refused(lambda: store(place).unlock("00000000"), UsageError) == (
            "S941",
            ("The state is held under the id 3f2c9a10.", "Who holds it is shown by:"),
            "pnsync status",
        )


def test_a_state_that_somebody_else_holds(place: MemoryPlace) -> None:
    with hold(place), pytest.raises(Locked) as caught:
        store(place).hold(OMAR, timeout=0)
    assert told(caught.value) == (
        "S940",
        (
            "maria on ci-runner-7 (pid 4411) has held it for 12 minutes, running pnsync apply.",
            "Wait for it, with --lock-timeout, or, if that process is gone or stands still:",
        ),
        "pnsync unlock 3f2c9a10",
    )
