"""A state in parts at a place: reading, holding, and other parts, with a process that ends before any of its changes."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from stores.clocks import StepClock
from stores.roomy import Budget, Ended, Room, RoomyBackend
from stores.values import NOW, entry, holder, opened

from pnsync.errors import Fenced, Locked, StateError, UsageError
from pnsync.interfaces import Blob
from pnsync.journal import Applied, Closed, Event, Noted, Opened, Recorded
from pnsync.phone import Phone
from pnsync.scope import Shard, shard_of
from pnsync.sharding.layout import NAME, Layout, load, parts
from pnsync.sharding.part import Part
from pnsync.sharding.sharded import ShardedStore, hold, view
from pnsync.state import Entry, Head, Operation, State
from pnsync.store.history import SNAPSHOT
from pnsync.store.lease import Lease
from pnsync.store.store import Store

ADDRESSES = [f"bindings.desk-{number}" for number in range(1, 25)]


class BeatingClock(StepClock):
    """A clock whose sleeps let leases be renewed, as the threads of their holder would."""

    def __init__(self, during: Callable[[StepClock], None] | None = None) -> None:
        super().__init__(during)
        self.leases: list[Lease] = []

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        for one in self.leases:
            one.renew()

    def beat(self, lease: Lease) -> Callable[[], None]:
        self.leases.append(lease)

        def stop() -> None:
            self.leases = [one for one in self.leases if one is not lease]

        return stop


def over(backend: RoomyBackend, during: Callable[[StepClock], None] | None = None) -> ShardedStore:
    clock = BeatingClock(during)
    return ShardedStore(backend, clock, pinned_lineage=None, heartbeat=clock.beat)


def store(room: Room, changes: int | None = None) -> ShardedStore:
    return over(RoomyBackend(room, Budget(changes)))


def facts() -> list[Event]:
    """Something of every kind that belongs to addresses, and what belongs to none."""
    made: list[Event] = [Recorded(address, entry(number)) for number, address in enumerate(ADDRESSES, 1)]
    return [*made, opened(3), opened(9), Noted("commit", "c1"), Noted("use.hotline", "1=2/3")]


def filled(room: Room) -> State:
    with store(room).hold(holder(), timeout=0) as session:
        session.record(*facts())
        session.finish()
    found = store(room).load()
    assert found is not None
    return found


def content(state: State | None) -> State:
    assert state is not None
    return replace(state, serial=0, head=Head())


def layout(room: Room) -> Layout:
    return load(RoomyBackend(room).read(NAME), "")


@contextlib.contextmanager
def part(room: Room, index: int, count: int) -> Iterator[Part]:
    named = holder(f"r{index}", f"id{index}")
    with store(room).hold_part(Shard(index, count), named, timeout=0) as held:
        yield held


def test_a_state_that_nobody_shares_lies_in_the_place_itself() -> None:
    room = Room()
    filled(room)
    assert set(room.places) == {""}
    assert NAME not in room.places[""].documents


def test_an_empty_place_holds_no_state() -> None:
    assert store(Room()).load() is None
    assert store(Room()).view(Shard(0, 4)) is None
    assert store(Room()).holder() is None


@pytest.mark.parametrize("count", [2, 3, 8])
def test_parts_read_as_the_whole(count: int) -> None:
    room = Room()
    before = filled(room)
    with part(room, 1, count):
        assert layout(room).shards == count
        assert content(store(room).load()) == content(before)
    after = store(room).load()
    assert after is not None and after.serial > before.serial


@pytest.mark.parametrize(("index", "count"), [(2, 4), (0, 1)], ids=["one of four", "the only one"])
def test_the_first_run_of_all_may_be_a_shards(index: int, count: int) -> None:
    room = Room()
    address = next(one for one in ADDRESSES if shard_of(one, count) == index)
    with part(room, index, count) as held:
        assert held.look() == frozenset() and not held.exists
        held.record(Recorded(address, entry(1)))
        held.look()
        assert set(held.state.entries) == {address} and held.exists
        held.finish()
    found = store(room).load()
    assert found is not None and set(found.entries) == {address}


def test_every_part_is_held_by_itself() -> None:
    room = Room()
    filled(room)
    with part(room, 0, 3) as first, part(room, 1, 3) as second, part(room, 2, 3) as third:
        for held, index in ((first, 0), (second, 1), (third, 2)):
            mine = [one for one in ADDRESSES if shard_of(one, 3) == index]
            held.record(*(Recorded(one, None) for one in ADDRESSES))
            assert set(ADDRESSES) - set(held.state.entries) == set(mine)
            held.finish()
    found = store(room).load()
    assert found is not None and not found.entries


def test_a_part_sees_the_others_as_they_stood_when_it_looked() -> None:
    room = Room()
    filled(room)
    one = next(name for name in ADDRESSES if shard_of(name, 2) == 0)
    with part(room, 0, 2) as first, part(room, 1, 2) as second:
        first.record(Recorded(one, None))
        assert one in second.state.entries
        assert second.look() >= {one}
        assert one not in second.state.entries
        assert one not in second.look()


def made_call(address: str, number: int, at: int, *, given: str = "", ends: str = "") -> list[Event]:
    """A bind that was given this id, or an unbind of it, and its answer."""
    intent = opened(number, Operation.BIND if given else Operation.UNBIND).intent
    made = replace(intent, attempt=f"{at}", address=address, signed_at=float(at), bind_id=ends or None)
    return [Opened(made), Closed(made.attempt, Applied(bind_id=given or None), at)]


def test_an_id_that_one_part_unbound_and_another_was_given_again_is_the_other_s_in_every_view() -> None:
    """Who unbound it, who has it now, who replaces that, and runs of other parts, all see what a single run would."""
    room = Room()
    filled(room)
    ours = next(name for name in ADDRESSES if shard_of(name, 2) == 0)
    theirs = next(name for name in ADDRESSES if shard_of(name, 2) == 1)
    given = entry(ADDRESSES.index(ours) + 1).key
    assert given is not None
    with part(room, 0, 2) as first, part(room, 1, 2) as second:
        first.record(*made_call(ours, 1, NOW + 10, ends=given[1]))
        assert second.look() >= {ours} and given in second.state.unbound
        second.record(*made_call(theirs, 2, NOW + 20, given=given[1]))
        assert first.look() >= {theirs}
        for seen in (first.state, second.state, store(room).load()):
            assert seen is not None and seen.unbound == {} and ours not in seen.entries
            assert isinstance(now := seen.entries[theirs], Entry) and now.key == given
        second.record(*made_call(theirs, 2, NOW + 30, given="another"))
        first.look()
        second.look()
        for seen in (first.state, second.state):
            assert given in seen.superseded and given not in seen.unbound
        second.record(*made_call(theirs, 2, NOW + 40, ends=given[1]))
        first.look()
        assert first.state.unbound == second.state.unbound == {given: NOW + 40}
        for held in (first, second):
            held.finish()
    before = content(store(room).load())
    with part(room, 0, 3) as other:
        assert content(other.state) == before and before.unbound == {given: NOW + 40}


def test_a_part_that_is_held_locks_its_own_shard_out_and_whoever_needs_the_whole() -> None:
    room = Room()
    filled(room)
    with part(room, 0, 2):
        for taking in (
            lambda: store(room).hold_part(Shard(0, 2), holder(), timeout=0),
            lambda: store(room).hold_part(Shard(0, 3), holder(), timeout=0),
            lambda: store(room).hold(holder(), timeout=0),
        ):
            with pytest.raises(Locked) as caught:
                taking()
            assert "id0" in str(caught.value.command)
        assert store(room).holder() is not None
        with part(room, 1, 2):
            pass
    with store(room).hold(holder(), timeout=0):
        assert layout(room).shards == 1
    assert store(room).holder() is None


def test_a_lock_is_broken_by_its_id_on_whichever_part() -> None:
    room = Room()
    filled(room)
    with part(room, 1, 3) as held:
        with pytest.raises(UsageError):
            store(room).unlock("nobody")
        store(room).unlock("id1")
        with part(room, 1, 3) as other:
            other.record(Recorded(next(one for one in ADDRESSES if shard_of(one, 3) == 1), None))
            with pytest.raises(Fenced):
                held.record(Recorded(next(one for one in ADDRESSES if shard_of(one, 3) == 1), None))


def test_a_command_without_a_shard_puts_the_parts_together() -> None:
    room = Room()
    before = filled(room)
    with part(room, 1, 4):
        pass
    with store(room).hold(holder(), timeout=0) as session:
        assert content(session.state) == content(before)
        session.record(Noted("freeze", "{}"))
        session.finish()
    for index in range(4):
        with part(room, index, 4) as held:
            assert held.state.notes["freeze"] == "{}"


def test_what_does_not_count_any_more_is_forgotten_and_refuses() -> None:
    """Whoever looks at the place as one that has no parts finds no state to begin with."""
    room = Room()
    filled(room)
    old = Store(RoomyBackend(room), StepClock(), pinned_lineage=None, heartbeat=lambda lease: lambda: None)
    with part(room, 0, 2):
        pass
    with pytest.raises(StateError) as caught:
        old.load()
    assert caught.value.code == "S918"
    with pytest.raises(StateError):
        old.hold(holder(), timeout=0)
    with part(room, 0, 3):
        pass
    for name in parts(1, 2):
        assert SNAPSHOT not in room.places[f"/{name}"].documents
    assert layout(room).left == ()


def reshapes(room: Room, changes: int | None) -> bool:
    """Whether a process that ends after so many changes came to hold its part."""
    try:
        with store(room, changes).hold_part(Shard(1, 3), holder("first", "idfirst"), timeout=0):
            return True
    except Ended:
        return False


@pytest.mark.parametrize("start", ["whole", "parts"])
def test_a_process_may_end_anywhere_while_it_makes_other_parts(start: str) -> None:
    """Before each of its changes: the next run finds the whole state, in the old parts or the new ones."""
    ended = 0
    for changes in range(200):
        room = Room()
        before = filled(room)
        if start == "parts":
            with part(room, 0, 2):
                pass
        came = reshapes(room, changes)
        assert content(store(room).load()) == content(before), changes
        # The dead one's leases are free after a minute of being watched.
        waiting = store(room)
        again = waiting.hold_part(Shard(1, 3), holder(), timeout=1000)
        with again:
            assert content(again.state) == content(before), changes
            mine = next(one for one in ADDRESSES if shard_of(one, 3) == 1)
            again.record(Recorded(mine, None))
            again.finish()
        found = store(room).load()
        assert found is not None and set(found.entries) == set(ADDRESSES) - {mine}, changes
        if came:
            break
        ended += 1
    assert came and ended > 10, "every change was tried"


class PausedBackend(RoomyBackend):
    """One process's view that stands still before a change, while something else happens."""

    pauses: list[tuple[int, Callable[[], None]]]
    """Before which change, and what happens then."""

    def within(self, name: str) -> "PausedBackend":
        made = PausedBackend(self.room, self.budget, f"{self.name}/{name}")
        made.pauses = self.pauses
        return made

    def _tick(self) -> None:
        if self.pauses and self.budget.made >= self.pauses[0][0]:
            _, meanwhile = self.pauses.pop(0)
            meanwhile()

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        self._tick()
        return super().write(name, data, expected)

    def append(self, seq: int, record: bytes) -> None:
        self._tick()
        super().append(seq, record)


@pytest.mark.parametrize("deletes", [True, False], ids=["deletes", "may not delete"])
@pytest.mark.parametrize("other", ["same parts", "other parts", "the whole"])
def test_one_that_stood_still_while_it_made_other_parts_undoes_nothing(other: str, deletes: bool) -> None:
    """Another run takes its leases over, works, and what it did stays done, wherever the first one had stopped."""
    for at in range(60):
        room = Room(deletes=deletes)
        before = filled(room)
        with part(room, 0, 2):
            pass
        gone = next(one for one in ADDRESSES if shard_of(one, 2) == 1 and shard_of(one, 4) == 1)
        worked: list[int] = []

        def meanwhile(room: Room = room, gone: str = gone, worked: list[int] = worked) -> None:
            fresh = store(room)
            if other == "the whole":
                held = fresh.hold(holder("other", "idother"), timeout=1000)
            else:
                shard = Shard(1, 2) if other == "same parts" else Shard(1, 4)
                held = fresh.hold_part(shard, holder("other", "idother"), timeout=1000)
            with held as session:
                session.record(Recorded(gone, None))
                session.finish()
            worked.append(1)

        backend = PausedBackend(room)
        backend.pauses = [(at, meanwhile)]
        slow = over(backend)
        with (
            contextlib.suppress(StateError, Locked),
            slow.hold_part(Shard(2, 3), holder("slow", "idslow"), timeout=2000) as session,
        ):
            session.record(Recorded(next(one for one in ADDRESSES if shard_of(one, 3) == 2), None))
            session.finish()
        found = store(room).load()
        assert found is not None
        if not worked:
            break
        assert gone not in found.entries, at
        lost = set(before.entries) - set(found.entries) - {gone}
        assert len(lost) <= 1, at
    assert at > 5 and not worked, "every change was tried"


def test_runners_that_begin_at_once_wait_for_the_one_that_makes_the_parts() -> None:
    """Who loses the race for the whole state finds the parts made, and its own free."""
    room = Room()
    filled(room)
    with store(room).hold(holder("first", "idfirst"), timeout=0) as session:

        def release(clock: StepClock) -> None:
            if clock.passed > 5:
                session.__exit__(None, None, None)

        with over(RoomyBackend(room), release).hold_part(Shard(3, 4), holder(), timeout=60) as held:
            assert layout(room).shards == 4
            assert held.exists


def test_an_attempt_that_never_ended_is_cancelled_by_whoever_comes() -> None:
    room = Room()
    before = filled(room)
    with part(room, 0, 2):
        pass
    # Ends just before the commit: the fences are written, and all new parts.
    for changes in range(100):
        probe = Room()
        filled(probe)
        with part(probe, 0, 2):
            pass
        if reshapes(probe, changes):
            break
        if layout(probe).attempt > 1 and layout(probe).generation == 1:
            last = changes
    assert not reshapes(room, last)
    number = layout(room).attempt
    with store(room).hold_part(Shard(1, 2), holder(), timeout=1000) as held:
        assert layout(room).attempt > number, "the attempt can end no more"
        assert content(held.state) == content(before)
    assert layout(room).shards == 2


def test_a_place_without_room_says_where_there_is_some() -> None:
    from stores.memory import MemoryBackend, MemoryPlace

    plain = Store(MemoryBackend(MemoryPlace()), StepClock(), pinned_lineage=None)
    for use in (
        lambda: hold(plain, Shard(0, 2), holder(), timeout=0),
        lambda: view(plain, Shard(0, 2)),
    ):
        with pytest.raises(UsageError) as caught:
            use()
        assert "migrate" in str(caught.value.command)
        assert caught.value.exit_code == 8


def test_a_part_that_is_gone_is_told() -> None:
    room = Room()
    filled(room)
    with part(room, 0, 3):
        pass
    room.places["/g1/2-of-3"].documents.clear()
    room.places["/g1/2-of-3"].log.clear()
    with pytest.raises(StateError) as caught:
        store(room).load()
    assert caught.value.code == "S974"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"format": "pnsync-layout", "version": 2, "generation": 1, "shards": 2, "serial": 1, "attempt": 1, "left": []}',
        b'{"format": "pnsync-layout", "version": 1, "generation": 1, "shards": 0, "serial": 1, "attempt": 1, "left": []}',
        b'{"format": "pnsync-layout", "version": 1, "generation": 2, "shards": 2, "serial": 1, "attempt": 1, "left": []}',
        b'{"format": "pnsync-layout", "version": 1, "generation": true, "shards": 2, "serial": 1, "attempt": 1, "left": []}',
        b'{"format": "pnsync-layout", "version": 1, "generation": 1, "shards": 2, "serial": 1, "attempt": 1, "left": [1]}',
    ],
)
def test_a_layout_of_another_version_or_hand_is_refused(data: bytes) -> None:
    room = Room()
    filled(room)
    RoomyBackend(room).write(NAME, data, None)
    with pytest.raises(StateError) as caught:
        store(room).load()
    assert caught.value.code == "S973"


def test_a_layout_reads_as_it_was_written() -> None:
    made = Layout().begun(4).committed(17).begun(2).cancelled()
    room = Room()
    RoomyBackend(room).write(NAME, made.dump(), None)
    assert layout(room) == made
    assert made.left == ((0, 1), (2, 2))
    assert (made.generation, made.shards, made.serial, made.attempt) == (1, 4, 17, 3)


def test_phones_stay_what_they_are() -> None:
    room = Room()
    filled(room)
    with part(room, 0, 2):
        pass
    found = store(room).load()
    assert found is not None
    assert found.bindings()[ADDRESSES[0]].phone_a == Phone("447700900001")


def test_a_lease_is_asked_about_by_the_part_that_holds_it() -> None:
    """A part whose lease is gone makes no further call."""
    room = Room()
    filled(room)
    clock = StepClock()
    one = ShardedStore(RoomyBackend(room), clock, pinned_lineage=None, heartbeat=lambda _: lambda: None)
    with one.hold_part(Shard(0, 2), holder(), timeout=0) as held:
        held.check()
        clock.sleep(41)
        with pytest.raises(Fenced):
            held.check()


# -- a part that does not count, or not yet ----------------------------------------------------------------------------------


def mine(index: int, count: int, *others: tuple[int, int]) -> str:
    """An address of this shard, and of these others."""
    wanted = ((index, count), *others)
    return next(one for one in ADDRESSES if all(shard_of(one, count) == index for index, count in wanted))


@pytest.mark.parametrize("whole", [False, True], ids=["a part", "the whole"])
@pytest.mark.parametrize("dead", [False, True], ids=["parts at rest", "an attempt that never ended"])
def test_a_run_that_takes_what_others_replace_meanwhile_works_in_what_counts(dead: bool, whole: bool) -> None:
    """Wherever it stands still, and where old parts cannot be deleted: what both did stays done."""
    for at in range(30):
        room = Room(deletes=False)
        filled(room)
        if not whole:
            with part(room, 0, 2):
                pass
        if dead:
            with contextlib.suppress(Ended):  # after it has noted in both parts that they are being replaced
                store(room, 6).hold_part(Shard(1, 4), holder("dead", "iddead"), timeout=0)
        theirs, ours = mine(0, 3, (0, 2)), mine(1, 2, (1, 3))
        worked: list[int] = []

        def meanwhile(room: Room = room, theirs: str = theirs, worked: list[int] = worked) -> None:
            with store(room).hold_part(Shard(0, 3), holder("other", "idother"), timeout=1000) as held:
                held.record(Recorded(theirs, None))
                held.finish()
            worked.append(1)

        backend = PausedBackend(room)
        backend.pauses = [(at, meanwhile)]
        slow = over(backend)
        done = False
        shard = None if whole else Shard(1, 2)
        with (
            contextlib.suppress(StateError, Locked),
            hold(slow, shard, holder("slow", "idslow"), timeout=2000) as session,
        ):
            session.record(Recorded(ours, None))
            session.finish()
            done = True
        if not worked:
            break
        found = store(room).load()
        assert found is not None and theirs not in found.entries, at
        assert not done or ours not in found.entries, f"what was acknowledged is lost, at {at}"
    assert at > 2 and not worked, "every change was tried"


def test_a_run_whose_parts_were_replaced_concludes_nothing_from_the_new_ones() -> None:
    room = Room()
    filled(room)
    with part(room, 0, 2) as held:
        store(room).unlock("id0")
        with part(room, 0, 3):
            pass
        with pytest.raises(StateError) as caught:
            held.look()
        assert caught.value.code == "S925"


def test_beside_a_state_in_parts_none_is_made_and_none_is_rebuilt() -> None:
    room = Room()
    filled(room)
    with part(room, 0, 2):
        pass
    with pytest.raises(UsageError):
        store(room).hold_unreadable(holder(), timeout=0)
    with pytest.raises(StateError) as caught:
        store(room).create(holder())
    assert caught.value.code == "S919"
    with store(room).hold(holder(), timeout=0):
        pass
    with pytest.raises(StateError) as caught:
        store(room).create(holder())
    assert caught.value.code == "S919", "nor where it lies whole again, under a number of its own"


def test_parts_that_do_not_read_back_as_they_were_written_never_count() -> None:
    class Garbling(RoomyBackend):
        """What is written below it is another thing when it is read."""

        def within(self, name: str) -> "Garbling":
            return Garbling(self.room, self.budget, f"{self.name}/{name}")

        def read(self, name: str) -> Blob | None:
            found = super().read(name)
            garbled = name == SNAPSHOT and self.name and found is not None
            return Blob(found.data + b" ", found.version) if garbled and found is not None else found

    room = Room()
    before = filled(room)
    with pytest.raises(StateError) as caught:
        over(Garbling(room)).hold_part(Shard(0, 2), holder(), timeout=0)
    assert caught.value.code == "S972"
    assert layout(room).shards == 1 and content(store(room).load()) == content(before)


def test_what_is_all_others_to_record_is_no_record() -> None:
    room = Room()
    filled(room)
    with part(room, 0, 2) as held:
        place = room.places[f"/{parts(*(layout(room).generation, 2))[0]}"]
        before = dict(place.log), place.documents[SNAPSHOT]
        held.record(Recorded(mine(1, 2), None))
        held.finish()
        assert (dict(place.log), place.documents[SNAPSHOT]) == before


class Late(RoomyBackend):
    """A process that stands still before its last change: the one that makes new parts count."""

    moves: list[tuple[bytes, str | None]]

    def within(self, name: str) -> "Late":
        made = Late(self.room, self.budget, f"{self.name}/{name}")
        made.moves = self.moves
        return made

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        if name == NAME:
            self.moves.append((data, expected))
            if len(self.moves) == 2:
                raise Ended
        return super().write(name, data, expected)


class Overtaken(RoomyBackend):
    """A process that looks at the layout just before somebody else moves it."""

    moved: Callable[[], object] | None = None

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        moved, self.moved = (self.moved, None) if name == NAME else (None, self.moved)
        if moved is not None:
            moved()
        return super().write(name, data, expected)


def test_a_run_that_calls_an_attempt_off_too_late_works_in_the_parts_that_it_made() -> None:
    room = Room(deletes=False)
    filled(room)
    late = Late(room)
    late.moves = []
    with contextlib.suppress(Ended):
        over(late).hold_part(Shard(0, 3), holder("late", "idlate"), timeout=0)
    data, version = late.moves[1]
    overtaken = Overtaken(room)
    overtaken.moved = lambda: RoomyBackend(room).write(NAME, data, version)
    with over(overtaken).hold(holder(), timeout=1000) as session:
        session.record(Recorded(ADDRESSES[0], None))
        session.finish()
    assert overtaken.moved is None
    found = store(room).load()
    assert found is not None and set(found.entries) == set(ADDRESSES[1:])
