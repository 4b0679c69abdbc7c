"""A state whose journal is cut at any byte, has any bit flipped, or any garbage behind it: exactly right, or refused.

Read as a run reads it: the local backend's file, its frames and chain, every event folded into the snapshot.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from stores.clocks import StepClock
from stores.values import events_of_a_run, holder

from pnsync.backends.local import LocalBackend
from pnsync.errors import StateError
from pnsync.journal import Noted
from pnsync.state import State
from pnsync.statefile.record import frame, scan
from pnsync.store.store import Store
from tests.profile import either

STEPS = [*events_of_a_run(3), (Noted("turn", "1"),)]
TAILS = 20_000
JOURNALS = either(100, 2)
"""Drawn journals whose every bit is flipped."""


def store(path: Path) -> Store:
    return Store(LocalBackend(str(path), StepClock()), StepClock(), pinned_lineage=None)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, list[State]]:
    """A state with records behind it, its journal, and the states after none, one, two.. of its records."""
    path = tmp_path_factory.mktemp("damage") / "state.json"
    states = []
    with store(path).hold(holder(), timeout=0) as session:
        for step in STEPS:
            session.record(*step)
            found = store(path).load()
            assert found is not None
            states.append(found)
    journal = Path(f"{path}.journal")
    data = journal.read_bytes()
    journal.write_bytes(b"")
    nothing = store(path).load()
    assert nothing is not None
    return path, data, [nothing, *states]


def found_with(path: Path, data: bytes) -> State | str:
    """The state with another journal, or the code of its refusal."""
    Path(f"{path}.journal").write_bytes(data)
    try:
        found = store(path).load()
    except StateError as error:
        assert error.exit_code == 9
        return error.code
    assert found is not None
    return found


def ends(data: bytes) -> list[int]:
    """Where its records end, the beginning first."""
    return [0, *(at + 1 for at, byte in enumerate(data) if byte == 0x0A)]


def test_every_prefix_is_the_state_of_its_whole_records(written: tuple[Path, bytes, list[State]]) -> None:
    path, data, states = written
    last = ends(data)
    assert len(last) == len(states)
    for end in sorted({*range(0, len(data) + 1, either(1, 7)), *last, *(one - 1 for one in last[1:])}):
        whole = sum(one <= end for one in last) - 1
        assert found_with(path, data[:end]) == states[whole], end


def test_every_flipped_bit_is_refused_or_costs_the_last_record_alone(
    written: tuple[Path, bytes, list[State]],
) -> None:
    path, data, states = written
    before_last = ends(data)[-2]
    for place in range(0, 8 * len(data), either(1, 41)):
        damaged = bytearray(data)
        damaged[place // 8] ^= 1 << place % 8
        found = found_with(path, bytes(damaged))
        if place // 8 >= before_last:
            assert found == states[-2], place
        else:
            assert found in ("S911", "S912"), (place, found)


def test_what_stands_behind_the_last_record_is_never_taken_for_one(
    written: tuple[Path, bytes, list[State]],
) -> None:
    """Twenty thousand tails: read as frames, and one in a hundred as a state."""
    path, data, states = written
    lines = tuple(scan(data, "j").lines)
    for number, tail in enumerate(tails(data, Random("tails"))):
        try:
            seen = scan(data + tail, "j")
            assert (seen.lines, seen.end) == (lines, len(data)), tail
        except StateError as error:
            assert error.code in ("S911", "S912")
        if number % 100 == 0:
            assert found_with(path, data + tail) in (states[-1], "S911", "S912"), tail


def tails(data: bytes, random: Random) -> Iterator[bytes]:
    """Garbage, zeros, pieces of records, and records of before with something wrong in them."""
    records = data.splitlines(keepends=True)
    for _ in range(TAILS):
        record = random.choice(records)
        at = random.randrange(len(record))
        made = [
            random.randbytes(random.randrange(1, 200)),
            bytes(random.randrange(1, 4096)),
            record[at:],
            record[:at] + random.randbytes(3) + record[at:],
            record[:at] + b"\n" + record[at:],
            record[: len(record) // 2] + bytes(random.randrange(600)),
            b"pnj1 %d " % (len(records) + 1) + record[7:],
        ]
        yield random.choice(made)


@pytest.mark.parametrize("number", range(JOURNALS))
def test_no_journal_passes_with_a_bit_flipped(number: int) -> None:
    """Drawn ones, of other lengths and with other bytes; a flipped bit in the last record costs that record."""
    random = Random(f"journal {number}")
    previous, lines = "", []
    for seq in range(first := random.randrange(1, 10**6), first + random.randrange(2, 6)):
        body = random.randbytes(random.randrange(60)).replace(b"\n", b" ")
        line, previous = frame(seq, previous, body)
        lines.append(line)
    data = b"".join(lines)
    before_last = len(data) - len(lines[-1])
    for place in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[place // 8] ^= 1 << place % 8
        try:
            found = scan(bytes(damaged), "j")
        except StateError as error:
            assert error.code in ("S911", "S912") and place // 8 < before_last
        else:
            assert [line for _, line in found.lines] == lines[:-1] and place // 8 >= before_last
