"""A sealed state in parts: no number in clear in any of them, one key for all, and marks that no other part trips."""

import re
from pathlib import Path

import pytest
from stores.clocks import StepClock
from stores.roomy import Room, RoomyBackend
from stores.values import entry, holder

from pnsync.errors import StateError
from pnsync.journal import Recorded
from pnsync.scope import Shard, shard_of
from pnsync.sharding.sharded import ShardedStore
from tests.sealing.keyholders import Holder

NUMBER = re.compile(rb"447700900\d{3}")
ANNA = Holder()
ADDRESSES = [f"bindings.desk-{number}" for number in range(1, 13)]
WAYS = pytest.mark.parametrize("whole", [False, True], ids=["numbers", "whole"])


def store(room: Room, *, whole: bool = False, **environ: str) -> ShardedStore:
    return ShardedStore(
        RoomyBackend(room),
        StepClock(),
        pinned_lineage=None,
        codec=ANNA.codec(enforced=True, whole=whole, **environ),
        heartbeat=lambda _: lambda: None,
    )


def filled(room: Room, whole: bool, **environ: str) -> None:
    with store(room, whole=whole, **environ).hold(holder(), timeout=0) as session:
        session.record(*(Recorded(one, entry(number)) for number, one in enumerate(ADDRESSES, 1)))
        session.finish()


def numbers_in(room: Room) -> list[str]:
    return [
        name
        for name, place in room.places.items()
        for data in (*(one for one, _ in place.documents.values()), *place.log.values())
        if NUMBER.search(data)
    ]


@WAYS
def test_parts_are_sealed_with_the_key_of_the_whole(whole: bool) -> None:
    room = Room()
    filled(room, whole)
    keys = set()
    for count in (3, 2, 1):
        for index in range(count):
            codec = store(room, whole=whole)
            if count == 1:
                with codec.hold(holder(), timeout=0) as session:
                    found = session.state
            else:
                with codec.hold_part(Shard(index, count), holder(), timeout=0) as held:
                    mine = next(one for one in ADDRESSES if shard_of(one, count) == index)
                    held.record(Recorded(mine, entry(900 + index)))
                    found = held.finish()
            keys.add(codec.codec.key_ids)  # type: ignore[attr-defined]
            assert set(found.entries) == set(ADDRESSES)
            assert numbers_in(room) == []
    assert len(keys) == 1


@WAYS
def test_a_part_that_was_put_back_is_noticed(whole: bool, tmp_path: Path) -> None:
    """Each part has a mark of its own: others that are behind it are well, an older one of its own is not."""
    room, environ = Room(), {"XDG_STATE_HOME": str(tmp_path)}
    filled(room, whole, **environ)
    place = "/g1/1-of-2"
    mine = next(one for one in ADDRESSES if shard_of(one, 2) == 1)
    kept = None
    for round_ in range(3):
        with store(room, whole=whole, **environ).hold_part(Shard(1, 2), holder(), timeout=0) as held:
            if round_ == 1:
                kept = dict(room.places[place].documents), dict(room.places[place].log)
            held.record(Recorded(mine, entry(round_ + 1)))
            held.finish()
    assert store(room, whole=whole, **environ).load() is not None
    assert kept is not None
    room.places[place].documents, room.places[place].log = kept
    with pytest.raises(StateError) as caught:
        store(room, whole=whole, **environ).load()
    assert caught.value.code == "S932"
    assert "1-of-2" in " ".join(caught.value.detail)


def test_the_whole_place_put_back_to_before_its_parts_is_noticed(tmp_path: Path) -> None:
    room, environ = Room(), {"XDG_STATE_HOME": str(tmp_path)}
    filled(room, False, **environ)
    before = {name: (dict(one.documents), dict(one.log)) for name, one in room.places.items()}
    with store(room, **environ).hold_part(Shard(0, 2), holder(), timeout=0) as held:
        held.record(Recorded(next(one for one in ADDRESSES if shard_of(one, 2) == 0), None))
        held.finish()
    store(room, **environ).load()
    for name, place in room.places.items():
        place.documents, place.log = before.get(name, ({}, {}))
    with pytest.raises(StateError) as caught:
        store(room, **environ).load()
    assert caught.value.code == "S932"


def test_the_least_serial_is_that_of_all_parts_together() -> None:
    room = Room()
    filled(room, False)
    serial = 0
    for index in range(3):
        with store(room).hold_part(Shard(index, 3), holder(), timeout=0) as held:
            held.record(Recorded(next(one for one in ADDRESSES if shard_of(one, 3) == index), None))
            serial = held.finish().serial
    found = store(room, PNSYNC_STATE_MIN_SERIAL=str(serial)).load()
    assert found is not None and found.serial == serial
    with pytest.raises(StateError) as caught:
        store(room, PNSYNC_STATE_MIN_SERIAL=str(serial + 1)).load()
    assert caught.value.code == "S932"
