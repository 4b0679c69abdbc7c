"""A sealed state at its place: read, written, refused; no number in it in clear at any moment."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from stores.clocks import StepClock
from stores.memory import MemoryBackend, MemoryPlace
from stores.values import entry, events_of_a_run, holder

from pnsync.errors import StateError
from pnsync.journal import Noted, Recorded
from pnsync.phone import Phone
from pnsync.state import State
from pnsync.statefile.document import dumps, loads
from pnsync.statefile.phonecodec import CLEAR, PhoneCodec
from pnsync.store.store import KEY_NOTE, Store
from tests.sealing.keyholders import Holder

NUMBER = re.compile(rb"447700900\d{3}")
ANNA, BEN = Holder(), Holder()
WAYS = pytest.mark.parametrize("whole", [False, True], ids=["numbers", "whole"])


class Dead(BaseException):
    """The process is gone."""


class Place(MemoryPlace):
    """Documents and a log, in which no number ever stands in clear while `watched`."""

    watched = True

    def check(self, data: bytes) -> None:
        assert not (self.watched and NUMBER.search(data)), "a number in clear"

    def store(self, codec: PhoneCodec, dies_at: int | None = None) -> Store:
        return Store(
            Mortal(self, dies_at),
            StepClock(),
            pinned_lineage=None,
            codec=codec,
            heartbeat=lambda _: lambda: None,
        )

    def document(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.documents["snapshot"][0])
        return found


class Mortal(MemoryBackend):
    """A backend whose process dies before its n-th change, if it is to."""

    def __init__(self, place: Place, dies_at: int | None) -> None:
        super().__init__(place)
        self._left = count() if dies_at is None else iter(range(dies_at))

    def _step(self) -> None:
        if next(self._left, None) is None:
            raise Dead

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        self.place.check(data)  # type: ignore[attr-defined]
        self._step()
        return super().write(name, data, expected)

    def append(self, seq: int, record: bytes) -> None:
        self.place.check(record)  # type: ignore[attr-defined]
        self._step()
        super().append(seq, record)

    def drop(self, through: int) -> None:
        self._step()
        super().drop(through)


def run(store: Store, *, finish: bool = True, phones: int = 4) -> State:
    with store.hold(holder(), timeout=0) as session:
        for step in events_of_a_run(phones):
            session.record(*step)
        return session.finish() if finish else session.state


def code(store: Store) -> str:
    with pytest.raises(StateError) as caught:
        store.load()
    assert not re.search(r"447700900\d{3}|AGE-SECRET", f"{caught.value} {caught.value.detail}")
    assert caught.value.exit_code == 9
    return caught.value.code


@pytest.fixture
def place() -> Iterator[Place]:
    yield Place()


@WAYS
def test_what_was_sealed_is_read_again_by_another_run(place: Place, whole: bool) -> None:
    done = run(place.store(ANNA.codec(whole=whole)))
    assert place.store(ANNA.codec(whole=whole)).load() == done
    assert done.bindings()
    text = place.documents["snapshot"][0]
    assert done.notes[KEY_NOTE].encode() not in text
    assert (b'"entries"' in text) is not whole


@WAYS
def test_a_journal_that_was_left_is_folded(place: Place, whole: bool) -> None:
    left = run(place.store(ANNA.codec(whole=whole)), finish=False)
    assert place.store(ANNA.codec(whole=whole)).load() == left
    again = run(place.store(ANNA.codec(whole=whole)))
    assert again.serial == 1


def test_either_recipient_reads_and_nobody_else(place: Place) -> None:
    both = (ANNA.recipient, BEN.recipient)
    done = run(place.store(ANNA.codec(*both)))
    assert place.store(BEN.codec(*both)).load() == done
    assert code(place.store(Holder().codec(*both))) == "S933"
    assert code(place.store(CLEAR)) == "S917"


def test_a_run_that_could_not_read_what_it_writes_writes_nothing(place: Place) -> None:
    with pytest.raises(StateError) as caught:
        run(place.store(Holder().codec(ANNA.recipient)))
    assert caught.value.code == "S936"
    assert "snapshot" not in place.documents
    assert place.log == {}


def test_enforced_refuses_plain_text_with_no_fallback(place: Place) -> None:
    place.watched = False
    run(place.store(CLEAR))
    before = dict(place.documents)
    assert code(place.store(ANNA.codec(enforced=True))) == "S930"
    assert place.documents == before


def test_without_enforced_a_plain_state_is_sealed_by_its_next_run(place: Place) -> None:
    place.watched = False
    run(place.store(CLEAR))
    place.watched = True
    with place.store(ANNA.codec()).hold(holder(), timeout=0) as session:
        session.record(Recorded("bindings.more", entry(5)))
        left = session.state
    assert place.store(ANNA.codec(enforced=True)).load() == left, "its key is durable before its first record"
    assert not NUMBER.search(place.documents["snapshot"][0])


@WAYS
def test_a_plain_number_in_a_sealed_state_is_refused(place: Place, whole: bool) -> None:
    """Whoever writes the file without the key can neither put a number in nor take the sealing away."""
    done = run(place.store(ANNA.codec(whole=whole)))
    data, version = place.documents["snapshot"]
    if not whole:
        document = json.loads(data)
        sealed = next(one["phone_a"] for one in document["entries"].values())
        place.documents["snapshot"] = (checked(data.replace(sealed.encode(), b"447700900999")), version)
        assert code(place.store(ANNA.codec(whole=whole))) == "S931"
    place.documents["snapshot"] = (dumps(done), version)
    assert code(place.store(ANNA.codec(enforced=True, whole=whole))) == "S930"


def checked(data: bytes) -> bytes:
    """A document with its checksum made right again, as anybody can."""
    import hashlib

    lines = [one for one in data.splitlines(keepends=True) if not one.startswith(b'  "checksum"')]
    digest = hashlib.sha256(b"".join(lines)).hexdigest()
    return re.sub(rb'"checksum": "sha256:[0-9a-f]{64}"', b'"checksum": "sha256:%s"' % digest.encode(), data)


@WAYS
def test_no_line_of_a_sealed_state_can_be_changed_by_who_has_no_key(place: Place, whole: bool) -> None:
    """Serial, ids, addresses, recipients: the mac covers the whole file."""
    run(place.store(ANNA.codec(whole=whole)))
    data, version = place.documents["snapshot"]
    for old, new in (
        (b'"serial": 1', b'"serial": 9'),
        (b'"recipients":["age1', b'"recipients":["age2'),
        (b'"seq":', b'"seq": '),
    ):
        assert old in data
        place.documents["snapshot"] = (checked(data.replace(old, new)), version)
        assert code(place.store(ANNA.codec(whole=whole))) == "S931"


@WAYS
def test_every_truncation_and_flip_of_a_record_is_refused_or_dropped(place: Place, whole: bool) -> None:
    """A record with its checksum and chain made right again holds no other number than before."""
    from pnsync.statefile.record import frame, unframe

    run(place.store(ANNA.codec(whole=whole)), finish=False)
    last = max(place.log)
    good = unframe(place.log[last])
    before = unframe(place.log[last - 1])
    assert good is not None
    assert before is not None
    body = json.loads(good.body)
    texts = [body["sealed"]] if whole else re.findall(r"s1\.[^\"]+", json.dumps(body))
    for text in texts[:1]:
        for at in (-1, len(text) // 2, 15):
            swapped = text[:at] + ("A" if text[at] != "A" else "B") + (text[at:][1:])
            for altered in (swapped, text[:at]):
                line, _ = frame(last, before.hash, good.body.replace(text.encode(), altered.encode()))
                place.log[last] = line
                assert code(place.store(ANNA.codec(whole=whole))) == "S931"


def test_an_old_state_put_back_with_its_journal_is_noticed(place: Place, tmp_path: Path) -> None:
    marks = {"XDG_STATE_HOME": str(tmp_path)}
    run(place.store(ANNA.codec(**marks)))
    old = (dict(place.documents), dict(place.log))
    with place.store(ANNA.codec(**marks)).hold(holder(), timeout=0) as session:
        session.record(Noted("turn", "2"))
        session.finish()
    assert place.store(ANNA.codec(**marks)).load() is not None
    place.documents, place.log = old
    assert code(place.store(ANNA.codec(**marks))) == "S932"
    assert code(place.store(ANNA.codec(PNSYNC_STATE_MIN_SERIAL="2"))) == "S932"
    assert place.store(ANNA.codec(PNSYNC_STATE_MIN_SERIAL="1")).load() is not None


@pytest.mark.parametrize(
    ("address", "field", "lineage"),
    [
        ("bindings.b", "phone_a", "7c4d1a2b"),
        ("bindings.a", "phone_b", "7c4d1a2b"),
        ("bindings.a", "phone_a", "00c0ffee"),
    ],
    ids=["address", "field", "lineage"],
)
def test_a_sealed_number_opens_at_its_own_address_alone(address: str, field: str, lineage: str) -> None:
    """Whoever may write the file can put it elsewhere; that it says whom it reaches there is what must not be."""
    codec = ANNA.codec()
    header = codec.header("7c4d1a2b")
    text = codec.encode(Phone("447700900123"), "bindings.a", "phone_a")
    assert codec.decode(text, "bindings.a", "phone_a") == Phone("447700900123")
    other = ANNA.codec()
    with pytest.raises(StateError) as caught:
        other.open(header, lineage)
        other.decode(text, address, field)
    assert caught.value.code == "S931"


def test_one_change_is_a_small_difference(place: Place) -> None:
    """A Git diff of two states shows the binding that changed, not every number sealed anew."""
    state = State("7c4d1a2b", entries={f"bindings.d{n:03}": entry(n) for n in range(200)})
    codec = ANNA.codec()
    before = dumps(state, codec).decode().splitlines()
    changed = dict(state.entries) | {"bindings.d017": replace(entry(17), phone_a=Phone("447700900999"))}
    other = ANNA.codec()
    loads("\n".join([*before, ""]).encode(), other)
    after = dumps(replace(state, entries=changed, serial=1), other).decode().splitlines()
    assert len(before) == len(after) and len(set(after) - set(before)) == 4, (
        "the entry, the serial, checksum and mac"
    )


# -- keys that change ------------------------------------------------------------------------------------------------


def rekey(store: Store, codec: object, *, rotate: bool = False, retire: bool = False) -> None:
    codec.accepts_plain = True  # type: ignore[attr-defined]
    with store.hold(holder(), timeout=0) as session:
        ready = codec.prepare(session.state.lineage, rotate=rotate, retire=retire)  # type: ignore[attr-defined]
        session.rekey(session.state if ready else None)


def texts(place: Place) -> set[bytes]:
    return set(re.findall(rb"s1\.[^\"]+", place.documents["snapshot"][0]))


def test_a_recipient_more_leaves_every_number_as_it_is(place: Place) -> None:
    done = run(place.store(ANNA.codec()))
    before = texts(place)
    codec = ANNA.codec(ANNA.recipient, BEN.recipient)
    rekey(place.store(codec), codec)
    assert texts(place) == before
    found = place.store(BEN.codec(BEN.recipient)).load()
    assert found is not None
    assert found.entries == done.entries


def test_a_recipient_less_gets_a_new_key_and_the_old_one_is_readable_until_retired(place: Place) -> None:
    both = (ANNA.recipient, BEN.recipient)
    run(place.store(ANNA.codec(*both)))
    before = texts(place)
    codec = ANNA.codec()
    rekey(place.store(codec), codec)
    assert not texts(place) & before
    assert code(place.store(BEN.codec(*both))) == "S933"
    now = ANNA.codec()
    assert place.store(now).load() is not None
    assert len(now.key_ids) == 2
    rekey(place.store(now), now, retire=True)
    now = ANNA.codec()
    assert place.store(now).load() is not None
    assert len(now.key_ids) == 1
    assert not now.prepare("7c4d1a2b", rotate=False, retire=False), "nothing is left to do"


@WAYS
@pytest.mark.parametrize("step", ["seal", "add", "remove", "rotate"])
def test_rekey_killed_at_every_step_loses_nothing(step: str, whole: bool) -> None:
    """The process dies before each of its changes; the next one reads everything and ends what was begun."""
    both = (ANNA.recipient, BEN.recipient)
    was = {"seal": None, "add": (ANNA.recipient,), "remove": both, "rotate": both}[step]
    wants = (ANNA.recipient,) if step in ("seal", "remove") else both
    died = 0
    for dies_at in count():
        place = Place()
        place.watched = False
        done = run(place.store(CLEAR if was is None else ANNA.codec(*was, whole=whole)))
        place.documents["backup"] = place.documents["snapshot"]
        codec = ANNA.codec(*wants, whole=whole)
        codec.accepts_plain = True
        try:
            rekey(place.store(codec, dies_at), codec, rotate=step == "rotate")
        except Dead:
            died += 1
            place.documents.pop("lease", None)  # it runs out
        else:
            break
        reader = ANNA.codec(*wants, whole=whole)
        found = place.store(reader).load()
        assert found is not None
        assert found.entries == done.entries
        rekey(place.store(reader), reader, rotate=step == "rotate")
        assert_ended(place, done, wants, whole)
    assert died >= 5
    assert_ended(place, done, wants, whole)


def assert_ended(place: Place, done: State, wants: tuple[str, ...], whole: bool) -> None:
    codec = ANNA.codec(*wants, enforced=True, whole=whole)
    found = place.store(codec).load()
    assert found is not None
    assert found.entries == done.entries
    assert set(codec.recipients) == set(wants)
    assert not any(NUMBER.search(data) for data, _ in place.documents.values()), "nor in the backup"
