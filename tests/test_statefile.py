"""The state file: whole in both directions, one entry a line, and every damage refused by its own name."""

import hashlib
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stores.values import EVENTS, entry, every_field, states

from pnsync.errors import StateError
from pnsync.journal import Event
from pnsync.model import NEVER, Holds
from pnsync.phone import Phone
from pnsync.state import Entry, GroupEntry, State
from pnsync.statefile.codec import _Draft
from pnsync.statefile.codes import STATE_CODES
from pnsync.statefile.document import checksum, dumps, loads
from pnsync.statefile.eventcodec import decode_event, encode_event
from pnsync.statefile.phonecodec import CLEAR

SAMPLE = State(
    lineage="7c4d1a2b",
    serial=41,
    entries={f"bindings.desk-{number}": entry(number) for number in (2, 1, 3)},
    generations={f"bindings.desk-{number}": 1 for number in (1, 2, 3)} | {"bindings.gone": 4},
    notes={"key": "00" * 32},
)
DATA = dumps(SAMPLE)


def code_of(data: bytes) -> str:
    with pytest.raises(StateError) as caught:
        loads(data, name="pnsync.state.json")
    assert caught.value.exit_code == 9
    assert caught.value.code in STATE_CODES
    told = " ".join((caught.value.summary, *caught.value.detail))
    assert "pnsync.state.json" in told
    assert not re.search(r"447700900\d{3}", told), "no number leaves in a refusal"
    return caught.value.code


@settings(max_examples=300)
@given(states())
def test_every_state_is_read_back_as_it_was(state: State) -> None:
    data = dumps(state)
    assert loads(data) == state
    assert dumps(loads(data)) == data


@settings(max_examples=500)
@given(EVENTS)
def test_every_event_is_read_back_as_it_was(event: Event) -> None:
    made = json.loads(json.dumps(encode_event(event, CLEAR)))
    assert decode_event(made, CLEAR) == event


@given(every_field(Entry))
def test_an_entry_read_back_is_an_entry_in_every_way(one: Entry) -> None:
    state = replace(SAMPLE, entries={"bindings.a": one}, generations={"bindings.a": one.generation})
    found = loads(dumps(state)).entries["bindings.a"]
    assert type(found) is Entry
    assert hash(found) == hash(one)
    assert replace(one, protect=True) == replace(found, protect=True)  # type: ignore[type-var]
    with pytest.raises(AttributeError):
        found.protect = True  # type: ignore[misc]


def test_a_draft_has_the_slots_of_an_entry() -> None:
    assert _Draft.__slots__ == Entry.__slots__


def test_equal_states_give_equal_bytes_whatever_the_order_of_their_keys() -> None:
    backwards = replace(SAMPLE, entries=dict(reversed(list(SAMPLE.entries.items()))))
    assert dumps(backwards) == DATA


def test_the_file_is_sorted_json_with_an_entry_a_line() -> None:
    document = json.loads(DATA)
    assert list(document) == sorted(document)
    assert list(document["entries"]) == sorted(document["entries"])
    assert all(list(one) == sorted(one) for one in document["entries"].values())
    assert document["format"] == "pnsync-state"
    assert document["version"] == 1
    assert DATA.endswith(b"}\n")
    assert sum(line.startswith(b'    "bindings.desk-') for line in DATA.splitlines()) == 3
    assert document["generations"] == {"bindings.gone": 4}, "an entry's own generation stands in the entry"


@given(states())
def test_every_item_of_a_state_has_a_line_of_its_own(state: State) -> None:
    lines = dumps(state).split(b"\n")
    for name in ("entries", "pending", "superseded", "accounts", "failures", "unbound", "notes"):
        for item in getattr(state, name):
            key = "/".join(item) if isinstance(item, tuple) else item
            assert (
                sum(line.startswith(b"    " + json.dumps(key, ensure_ascii=False).encode()) for line in lines)
                >= 1
            )


@pytest.mark.parametrize(
    ("expires_at", "written"),
    [
        (NEVER, "never"),
        (None, None),
        (1_790_000_000, "2026-09-21T14:13:20Z"),
        (NEVER + 5, NEVER + 5),
        (0, "1970-01-01T00:00:00Z"),
    ],
)
def test_instants_are_written_for_people(expires_at: int | None, written: object) -> None:
    state = replace(
        SAMPLE, entries={"bindings.a": entry(expires_at=expires_at)}, generations={"bindings.a": 1}
    )
    data = dumps(state)
    assert json.loads(data)["entries"]["bindings.a"]["expires_at"] == written
    assert loads(data) == state


def test_one_changed_entry_changes_its_line_and_the_checksum_alone() -> None:
    after = dumps(replace(SAMPLE, entries={**SAMPLE.entries, "bindings.desk-2": entry(2, protect=True)}))
    pairs = list(zip(DATA.splitlines(), after.splitlines(), strict=True))
    changed = [old for old, new in pairs if old != new]
    assert len(changed) == 2
    assert changed[0].startswith(b'  "checksum"')
    assert changed[1].startswith(b'    "bindings.desk-2"')


def test_text_that_utf8_cannot_hold_is_replaced_and_never_stops_a_record() -> None:
    state = replace(SAMPLE, notes={"remark": "a\ud800b"})
    assert loads(dumps(state)).notes["remark"] == "a?b"


def test_the_checksum_can_be_asked_for() -> None:
    assert checksum(DATA) == json.loads(DATA)["checksum"]
    assert checksum(b"{}") == ""


class Reversing:
    """A codec that is none of pnsync's: digits backwards, marked with their address and field."""

    settled = True

    def encode(self, phone: Phone, address: str, field: str) -> str:
        return f"{address}|{field}|{phone.digits[::-1]}"

    def decode(self, text: str, address: str, field: str) -> Phone:
        marked, _, digits = text.rpartition("|")
        assert marked == f"{address}|{field}"
        return Phone(digits[::-1])

    def hide(self, secret: str) -> str:
        return secret[::-1]

    def reveal(self, text: str) -> str:
        return text[::-1]

    def header(self, lineage: str) -> dict[str, str] | None:
        return {"way": "backwards"}

    def open(self, header: dict[str, str] | None, lineage: str) -> None:
        assert header == {"way": "backwards"}

    def mac(self, digest: bytes) -> str:
        return digest.hex()[::-1]

    def trust(self, digest: bytes, mac: str, serial: int) -> None:
        assert mac == self.mac(digest)

    def wrap(self, data: bytes, about: tuple[str, ...]) -> str | None:
        return None

    def unwrap(self, text: str, about: tuple[str, ...]) -> bytes:
        raise AssertionError

    def turn(self) -> None:
        return None


@given(states())
def test_every_number_passes_through_the_codec_with_its_address(state: State) -> None:
    data = dumps(state, Reversing())
    assert not re.search(rb"447700900\d{3}", data)
    assert loads(data, Reversing()) == state


def test_sealed_numbers_without_their_key_are_refused() -> None:
    assert code_of(dumps(SAMPLE, Reversing())) == "S917"


def conflict(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join(
        [*lines[:5], b"<<<<<<< HEAD\n", lines[5], b"=======\n", lines[6], b">>>>>>> theirs\n", *lines[7:]]
    )


DAMAGES = [
    pytest.param(b"", "S901", id="empty"),
    pytest.param(b"\n \n", "S901", id="blank"),
    pytest.param(bytes(4096), "S901", id="zeros"),
    pytest.param(DATA[:1], "S902", id="cut-after-one-byte"),
    pytest.param(DATA[:-1], "S902", id="last-line-end-lost"),
    pytest.param(DATA[:-3], "S902", id="cut-at-the-end"),
    pytest.param(DATA[: len(DATA) // 2], "S902", id="cut-in-the-middle"),
    pytest.param(b"state\n", "S903", id="a-word"),
    pytest.param(b"version: 1\nlineage: 7c4d1a2b\n}\n", "S903", id="yaml"),
    pytest.param(b"\x80\x81\x82 binary", "S903", id="binary"),
    pytest.param(DATA.replace(b'"serial": 41,', b'"serial": 41'), "S903", id="comma-lost"),
    pytest.param(DATA + DATA, "S903", id="twice"),
    pytest.param(DATA + b"x", "S903", id="something-behind"),
    pytest.param(b"\x1f\x8b\x08" + DATA, "S903", id="compressed"),
    pytest.param(DATA.decode().encode("utf-16"), "S908", id="utf-16"),
    pytest.param(b"[" * 100_000, "S903", id="deep"),
    pytest.param(conflict(DATA), "S904", id="conflict"),
    pytest.param(conflict(DATA).replace(b"\n", b"\r\n"), "S904", id="conflict-with-crlf"),
    pytest.param(
        DATA.replace(b"=", b"=").replace(b'  "lineage"', b"||||||| base\n" + b'  "lineage"'),
        "S904",
        id="diff3",
    ),
    pytest.param(DATA.replace(b'  "serial": 41,\n', b'  "serial": 41,\n' * 2), "S905", id="line-twice"),
    pytest.param(DATA.replace(b'"mode":', b'"mode":"axb","mode":', 1), "S905", id="key-twice"),
    pytest.param(DATA.replace(b'"serial": 41', b'"serial": 40'), "S906", id="serial-by-hand"),
    pytest.param(DATA.replace(b'"101"', b'"102"').replace(b"desk-3", b"desk-4"), "S906", id="name-by-hand"),
    pytest.param(DATA.replace(b'  "serial"', b'   "serial"'), "S906", id="space-added"),
    pytest.param(json.dumps(json.loads(DATA), indent=2).encode() + b"\n", "S906", id="reformatted"),
    pytest.param(json.dumps(json.loads(DATA)).encode() + b"\n", "S906", id="on-one-line"),
    pytest.param(DATA.replace(b'  "serial": 41,\n', b""), "S906", id="line-lost"),
    pytest.param(re.sub(rb'  "checksum": [^\n]*\n', b"", DATA), "S906", id="checksum-lost"),
    pytest.param(DATA + b"\n", "S906", id="line-end-added"),
    pytest.param(DATA.replace(b'"version": 1\n', b'"version": 2\n'), "S907", id="newer"),
    pytest.param(DATA.replace(b"\n", b"\r\n"), "S908", id="crlf"),
    pytest.param(DATA.replace(b"\n", b"\r"), "S908", id="cr"),
    pytest.param(b"\xef\xbb\xbf" + DATA, "S908", id="bom"),
    pytest.param(b"{}\n", "S909", id="object"),
    pytest.param(b"[]\n", "S909", id="list"),
    pytest.param(b"null\n", "S909", id="null"),
    pytest.param(b'{"version": 4, "terraform_version": "1.9.0", "serial": 3}\n', "S909", id="terraform"),
]


@pytest.mark.parametrize(("data", "code"), DAMAGES)
def test_each_damage_is_refused_by_its_own_name(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_a_file_cut_at_any_byte_is_refused() -> None:
    assert {code_of(DATA[:end]) for end in range(1, len(DATA))} == {"S902"}


def test_every_flipped_bit_is_refused() -> None:
    for position in range(len(DATA)):
        for bit in range(8):
            damaged = bytearray(DATA)
            damaged[position] ^= 1 << bit
            with pytest.raises(StateError):
                loads(bytes(damaged))


@settings(max_examples=500)
@given(st.integers(0, len(DATA)), st.integers(0, len(DATA)), st.binary(max_size=40))
def test_no_splice_is_taken_for_a_state(start: int, end: int, put: bytes) -> None:
    damaged = DATA[:start] + put + DATA[end:]
    if damaged != DATA:
        with pytest.raises(StateError):
            loads(damaged)


def resigned(change: tuple[bytes, bytes]) -> bytes:
    """A file whose checksum is right and whose content is not what pnsync writes."""
    bare = re.sub(rb'  "checksum": [^\n]*\n', b"", DATA.replace(*change))
    digest = hashlib.sha256(bare).hexdigest().encode()
    return bare.replace(b'  "entries"', b'  "checksum": "sha256:' + digest + b'",\n  "entries"', 1)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param((b'"mode":"axb_extension"', b'"mode":"axy"'), "S910", id="unknown-mode"),
        pytest.param((b'"provider":', b'"colour":'), "S910", id="unknown-key"),
        pytest.param((b'"expires_at":"2026', b'"expires_at":"soon'), "S910", id="no-instant"),
        pytest.param((b'"pending": {}', b'"pending": 7'), "S910", id="wrong-type"),
        pytest.param((b'"lease_seconds":86400', b'"lease_seconds":false'), "S910", id="no-duration"),
        pytest.param((b'"generation":1', b'"generation":"1"'), "S910", id="text-for-number"),
        pytest.param((b'"extension":"001"', b'"extension":101'), "S910", id="number-for-text"),
        pytest.param((b'"bindings.gone": 4', b'"bindings.gone": "4"'), "S910", id="generation"),
        pytest.param((b'"generation":1', b'"generation":true'), "S910", id="flag-for-number"),
        pytest.param((b'"generation":1', b'"generation":1' + b"0" * 18), "S910", id="a-count-beyond-measure"),
        pytest.param(
            (b'"bindings.gone": 4', b'"bindings.gone": ' + b"4" * 18), "S910", id="generation-beyond-measure"
        ),
        pytest.param(
            (b'"expires_at":"2026', b'"down_since":1e308,"expires_at":"2026'),
            "S910",
            id="an-instant-beyond-measure",
        ),
        pytest.param((b'"key": "00', b'"key": "zz'), "S910", id="no-key"),
        pytest.param((b'"key": "', b'"zone.la": "west", "key": "'), "S910", id="no-zone"),
        pytest.param((b'"version": 1', b'"version": 9'), "S907", id="newer"),
    ],
)
def test_content_that_pnsync_does_not_write_is_refused_even_with_a_right_checksum(
    change: tuple[bytes, bytes], code: str
) -> None:
    assert resigned((b"x", b"x")) == DATA
    assert code_of(resigned(change)) == code


def test_conflict_markers_are_named_by_line() -> None:
    with pytest.raises(StateError) as caught:
        loads(conflict(DATA), name="s.json")
    assert "lines 6, 8, 10" in caught.value.detail[0]


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize("strategy", ["conflict", "union", "ours", "theirs"])
def test_states_merged_by_git_are_refused(tmp_path: Path, strategy: str) -> None:
    def git(*words: str) -> int:
        return subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        ).returncode

    path = tmp_path / "pnsync.state.json"
    git("init", "-q", "-b", "main")
    if strategy == "union":
        (tmp_path / ".gitattributes").write_text("*.json merge=union\n")
    for branch, number in (("main", 0), ("other", 7), ("main", 8)):
        if number:
            git("checkout", "-q", branch) and git("checkout", "-q", "-b", branch)
        # Far apart, so that a strategy that settles conflicts takes an entry of each side.
        added = {0: {}, 7: {"bindings.a": entry(7)}, 8: {"bindings.z": entry(8)}}[number]
        made = {**SAMPLE.entries, **added}
        path.write_bytes(dumps(replace(SAMPLE, serial=41 + number, entries=made)))
        git("add", "-A")
        assert git("commit", "-q", "-m", "state") == 0
    git("merge", *(["-X", strategy] if strategy in ("ours", "theirs") else []), "other")
    expected = {"conflict": ("S904",), "union": ("S903", "S905"), "ours": ("S906",), "theirs": ("S906",)}
    assert code_of(path.read_bytes()) in expected[strategy]


def test_groups_and_bindings_are_told_apart() -> None:
    group = GroupEntry("nx", "99", "couriers", (Phone("447700900001"),), holds=Holds.PEOPLE, file="p.yaml")
    state = replace(SAMPLE, entries={"groups.couriers": group}, generations={})
    found = loads(dumps(state)).entries["groups.couriers"]
    assert isinstance(found, GroupEntry)
    assert found.phones == group.phones


def test_every_code_has_a_page_that_says_what_to_do() -> None:
    assert all(len(page) > 80 for page in STATE_CODES.values())
