"""Journal records as lines: whole ones are read back, every damage is found or is a torn tail."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnsync.errors import StateError
from pnsync.statefile.record import Scan, chained, follows, frame, scan, unframe

NAME = "pnsync.state.json.journal"
BODIES = st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b" "))


def journal(bodies: list[bytes], first: int = 1) -> list[bytes]:
    previous, lines = "", []
    for seq, body in enumerate(bodies, first):
        line, previous = frame(seq, previous, body)
        lines.append(line)
    return lines


SAMPLE = journal([b'{"a":1}', b"{}", b'{"events":["pnj1 7 2 00000000"]}', b'{"b":"x"}', b'{"end":true}'])
WHOLE = b"".join(SAMPLE)


def reading(data: bytes) -> Scan | str:
    try:
        return scan(data, NAME)
    except StateError as error:
        return error.code


def test_an_empty_journal_holds_nothing() -> None:
    assert scan(b"", NAME) == Scan((), 0, 0)


@given(st.lists(BODIES, max_size=6), st.integers(1, 10**9))
def test_what_was_framed_is_read_back_and_chains(bodies: list[bytes], first: int) -> None:
    lines = journal(bodies, first)
    found = scan(b"".join(lines), NAME)
    assert found == Scan(tuple(enumerate(lines, first)), sum(map(len, lines)), 0)
    previous = ""
    for line, body in zip(lines, bodies, strict=True):
        one = unframe(line)
        assert one is not None
        assert one.body == body
        assert follows(one, previous)
        previous = one.hash


def test_a_record_follows_only_its_predecessor() -> None:
    one, other = unframe(SAMPLE[1]), unframe(SAMPLE[0])
    assert one is not None
    assert other is not None
    assert follows(one, other.hash)
    assert not follows(one, "")
    assert not follows(other, one.hash)
    assert chained("", 1, b"x") != chained("", 2, b"x")


@pytest.mark.parametrize("end", range(len(WHOLE) + 1))
def test_a_journal_cut_at_any_byte_holds_every_whole_record(end: int) -> None:
    whole = [line for index, line in enumerate(SAMPLE) if sum(map(len, SAMPLE[: index + 1])) <= end]
    kept = sum(map(len, whole))
    assert scan(WHOLE[:end], NAME) == Scan(tuple(enumerate(whole, 1)), kept, end - kept)


def test_every_flipped_bit_is_refused_or_costs_the_last_record_alone() -> None:
    last = len(WHOLE) - len(SAMPLE[-1])
    outcomes = {"refused": 0, "torn": 0}
    for position in range(len(WHOLE)):
        for bit in range(8):
            damaged = bytearray(WHOLE)
            damaged[position] ^= 1 << bit
            found = reading(bytes(damaged))
            if position >= last:
                assert found == Scan(tuple(enumerate(SAMPLE[:-1], 1)), last, len(SAMPLE[-1])), (position, bit)
                outcomes["torn"] += 1
            else:
                assert found in ("S911", "S912"), (position, bit)
                outcomes["refused"] += 1
    assert outcomes == {"refused": last * 8, "torn": len(SAMPLE[-1]) * 8}


@settings(max_examples=1000)
@given(st.binary(max_size=200))
def test_garbage_behind_the_last_record_is_a_torn_tail(garbage: bytes) -> None:
    assert reading(WHOLE + garbage) == Scan(tuple(enumerate(SAMPLE, 1)), len(WHOLE), len(garbage))


@settings(max_examples=500)
@given(st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)), st.binary(max_size=30))
def test_a_splice_never_passes_for_something_that_was_not_recorded(start: int, end: int, put: bytes) -> None:
    found = reading(WHOLE[:start] + put + WHOLE[end:])
    if isinstance(found, Scan):
        assert [line for _, line in found.lines] == SAMPLE[: len(found.lines)] or found.lines[0][0] > 1


def test_zeros_of_a_lost_write_are_a_torn_tail() -> None:
    assert reading(WHOLE + bytes(4096)) == Scan(tuple(enumerate(SAMPLE, 1)), len(WHOLE), 4096)


def test_two_records_merged_by_a_lost_line_end_are_not_both_dropped() -> None:
    merged = b"".join(SAMPLE[:3]) + SAMPLE[3][:-1] + b"x" + SAMPLE[4]
    assert reading(merged) == "S911"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        pytest.param([0, 2, 3], "S912", id="one-missing"),
        pytest.param([0, 1, 1, 2], "S912", id="one-twice"),
        pytest.param([1, 0], "S912", id="swapped"),
    ],
)
def test_records_that_are_not_dense_break_the_chain(lines: list[int], code: str) -> None:
    assert reading(b"".join(SAMPLE[one] for one in lines)) == code


def test_a_refusal_names_file_and_line_and_the_way_out() -> None:
    damaged = SAMPLE[0] + SAMPLE[1].replace(b"{}", b"[]") + SAMPLE[2]
    with pytest.raises(StateError) as caught:
        scan(damaged, NAME)
    assert caught.value.exit_code == 9
    assert f"{NAME}, line 2," in caught.value.detail[0]
    assert caught.value.command == "pnsync state rebuild"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"pnj1",
        SAMPLE[0][:-1],
        SAMPLE[0] + b"\n",
        b" " + SAMPLE[0],
        SAMPLE[0].replace(b"pnj1 1", b"pnj1 01"),
        SAMPLE[0].replace(b"pnj1", b"pnj2"),
    ],
)
def test_what_is_not_exactly_a_line_is_no_record(line: bytes) -> None:
    assert unframe(line) is None
