"""A sealed state of which single bytes were altered by somebody who can make its checksums right again: none is taken."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pnsync.errors import StateError
from pnsync.statefile.record import frame, unframe
from tests.profile import either
from tests.sealing.test_store import ANNA, BEN, WAYS, Dead, Place, assert_ended, checked, rekey, run

STRIDE = either(full=1, quick=9)


def taken(place: Place, whole: bool) -> bool:
    """Whether a fresh run takes the state for whole."""
    try:
        place.store(ANNA.codec(enforced=True, whole=whole)).load()
    except StateError as error:
        assert error.exit_code == 9
        return False
    return True


def altered(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The data with one byte altered, for every byte but those of the checksum, which is made right again."""
    start = data.find(b'  "checksum"')
    lines = range(start, data.find(b"\n", start) + 1) if start >= 0 else range(0)
    for at in range(0, len(data), STRIDE):
        if at not in lines:
            yield at, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@WAYS
def test_no_byte_of_a_snapshot_can_be_altered(whole: bool) -> None:
    place = Place()
    run(place.store(ANNA.codec(whole=whole)), phones=2)
    data, version = place.documents["snapshot"]
    assert taken(place, whole)
    tried = 0
    for at, changed in altered(data):
        place.documents["snapshot"] = (checked(changed), version)
        assert not taken(place, whole), f"byte {at}: {data[at - 20 : at + 20]!r}"
        tried += 1
    assert tried > 1500 // STRIDE


def test_no_byte_of_a_record_that_is_sealed_as_a_whole_can_be_altered() -> None:
    """Framed and chained anew, as anybody can."""
    place = Place()
    run(place.store(ANNA.codec(whole=True)), finish=False, phones=2)
    last = max(place.log)
    good, before = unframe(place.log[last]), unframe(place.log[last - 1])
    assert good is not None
    assert before is not None
    names = {"nonce"}  # of the run, which tells a lost acknowledgement; it means nothing to a reader
    body = json.loads(good.body)
    harmless = [good.body.find(str(body[one]).encode()) for one in names]
    accepted = set()
    for at, changed in altered(good.body):
        line, _ = frame(last, before.hash, changed)
        if b"\n" in changed:
            continue
        place.log[last] = line
        if taken(place, True):
            accepted.add(at)
    spare = {at for start in harmless for at in range(start - len('"nonce":"'), start + 18)}
    assert accepted <= spare, [good.body[at - 10 : at + 10] for at in sorted(accepted - spare)]


def test_a_record_with_a_number_in_clear_is_no_record_of_a_sealed_state() -> None:
    """Framed and chained anew, as anybody can; also where a state that was never sealed would be read."""
    place = Place()
    run(place.store(ANNA.codec()), finish=False, phones=2)
    last = max(seq for seq, line in place.log.items() if b'"s1.' in line)
    place.log = {seq: line for seq, line in place.log.items() if seq <= last}
    good, before = unframe(place.log[last]), unframe(place.log[last - 1])
    assert good is not None and before is not None
    assert place.store(ANNA.codec()).load()
    body, count = re.subn(rb"s1\.[0-9a-f]{8}\.[\w=-]+", b"447700900999", good.body, count=1)
    assert count == 1
    place.log[last] = frame(last, before.hash, body)[0]
    with pytest.raises(StateError) as caught:
        place.store(ANNA.codec()).load()
    assert caught.value.code == "S930"


def test_neither_keys_nor_identities_show_in_a_text_form() -> None:
    codec = ANNA.codec(ANNA.recipient, BEN.recipient)
    codec.header("7c4d1a2b")
    (root,) = codec._ring.roots  # type: ignore[union-attr]
    shown = f"{codec!r} {codec._ring!r} {root!r} {codec._identity!r} {vars(codec)!r}"
    for secret in (repr(root.secret), root.secret.hex(), ANNA.secret):
        assert secret not in shown
    assert repr(root) == f"_Root({root.key.id})"


@WAYS
def test_retiring_a_key_killed_at_every_step_loses_nothing(whole: bool) -> None:
    died = 0
    for dies_at in range(100):
        place = Place()
        place.watched = False
        done = run(place.store(ANNA.codec(whole=whole)))
        first = ANNA.codec(whole=whole)
        rekey(place.store(first), first, rotate=True)
        place.documents["backup"] = place.documents["snapshot"]
        codec = ANNA.codec(whole=whole)
        try:
            rekey(place.store(codec, dies_at), codec, retire=True)
        except Dead:
            died += 1
            place.documents.pop("lease", None)
        else:
            break
        reader = ANNA.codec(whole=whole)
        found = place.store(reader).load()
        assert found is not None
        assert found.entries == done.entries
        assert 1 <= len(reader.key_ids) <= 2
        rekey(place.store(reader), reader, retire=True)
        assert len(reader.key_ids) == 1
        assert_ended(place, done, (ANNA.recipient,), whole)
    assert died >= 5
    assert BEN.recipient not in str(place.documents)


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_wrapped_key_that_is_cut_short_is_told(cut: int) -> None:
    """As where a paste or a template broke it: S931 or S933, never a traceback, never another state."""
    place = Place()
    run(place.store(ANNA.codec()))
    data, version = place.documents["snapshot"]
    document = json.loads(data)
    (wrapped,) = document["sealing"]["keys"].values()
    shorter = wrapped[: len(wrapped) * cut // 12]
    place.documents["snapshot"] = (checked(data.replace(wrapped.encode(), shorter.encode())), version)
    with pytest.raises(StateError) as caught:
        place.store(ANNA.codec()).load()
    assert caught.value.code in ("S931", "S933")


def test_what_a_run_wrote_last_is_remembered_without_another_run(tmp_path: Path) -> None:
    """The old state is put back right after the run that made it old."""
    place, marks = Place(), {"XDG_STATE_HOME": str(tmp_path)}
    run(place.store(ANNA.codec(**marks)))
    old = dict(place.documents), dict(place.log)
    run(place.store(ANNA.codec(**marks)))
    place.documents, place.log = old
    with pytest.raises(StateError) as caught:
        place.store(ANNA.codec(**marks)).load()
    assert caught.value.code == "S932"
    assert "serial 1; this machine has seen 2" in caught.value.detail[0]
