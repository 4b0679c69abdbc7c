"""Runs that share a state and let each other read: who waits for whom, and not for the dead."""

from stores.clocks import StepClock
from stores.roomy import Room, RoomyBackend
from stores.values import holder

from pnsync.sharding.quiet import NAME, NOTICE_SECONDS, POLL_SECONDS, Quiet
from pnsync.store import lease as leases
from pnsync.store.lease import Lease


class World:
    """A place with three parts, whose holders share one clock."""

    def __init__(self) -> None:
        self.room, self.clock = Room(), StepClock()
        self.place = RoomyBackend(self.room)
        self.parts = [self.place.within(f"g1/{index}-of-3") for index in range(3)]
        self.leases: list[Lease | None] = [None, None, None]

    def run(self, index: int) -> Quiet:
        self.leases[index] = leases.acquire(
            self.parts[index], self.clock, holder(f"r{index}", f"id{index}"), 0
        )
        return Quiet(self.place, self.parts, index, f"id{index}", self.clock)

    def later(self, seconds: float) -> None:
        """Time passes, and who lives renews."""
        self.clock.sleep(seconds)
        for one in self.leases:
            if one is not None:
                one.renew()


def test_nobody_waits_where_nobody_reads() -> None:
    world = World()
    first, second = world.run(0), world.run(1)
    assert (first.wait(), second.wait()) == (0.0, 0.0)


def test_the_others_wait_for_a_reader_and_it_for_nobody() -> None:
    world = World()
    first, second, third = (world.run(index) for index in range(3))
    with first.reading():
        assert world.clock.passed == NOTICE_SECONDS, "the others get time to notice"
        assert (second.wait(), third.wait()) == (POLL_SECONDS, POLL_SECONDS)
        assert first.wait() == 0.0
        with second.reading():
            assert third.wait() == POLL_SECONDS
        world.later(POLL_SECONDS)
        assert third.wait() == POLL_SECONDS
    assert third.wait() == POLL_SECONDS, "what was read lately is not asked again"
    world.later(POLL_SECONDS)
    assert (second.wait(), third.wait()) == (0.0, 0.0)


def test_who_is_alone_reads_at_once() -> None:
    world = World()
    with world.run(1).reading():
        assert world.clock.passed == 0


def test_a_reader_that_lives_is_waited_for_as_long_as_it_reads() -> None:
    world = World()
    first, second = world.run(0), world.run(1)
    with first.reading():
        for _ in range(100):
            assert second.wait() == POLL_SECONDS
            world.later(15)


def test_a_reader_that_died_is_waited_for_a_minute_at_most() -> None:
    world = World()
    first, second = world.run(0), world.run(1)
    reading = first.reading()
    reading.__enter__()
    world.leases[0] = None
    waited = 0
    while second.wait():
        world.later(10)
        waited += 10
    assert 50 <= waited <= 70


def test_a_reader_whose_part_has_another_holder_is_gone() -> None:
    world = World()
    first, second = world.run(0), world.run(1)
    reading = first.reading()
    reading.__enter__()
    assert world.leases[0] is not None
    world.leases[0].release()
    world.later(POLL_SECONDS)
    assert second.wait() == 0.0
    again = Quiet(world.place, world.parts, 0, "another", world.clock)
    world.run(0)
    world.later(POLL_SECONDS)
    assert second.wait() == POLL_SECONDS, "the same id holds it again"
    with again.reading():
        world.later(POLL_SECONDS)
        assert second.wait() == 0.0


def test_readers_of_other_generations_and_what_is_not_readable_hold_nobody_up() -> None:
    for data in (b"", b"[]", b'{"readers": {"7": "id7"}}', b'{"readers": {"x": "id7"}}', b'{"readers": 3}'):
        world = World()
        second = world.run(1)
        world.place.write(NAME, data, None)
        assert second.wait() == 0.0
        with second.reading():
            pass
        assert world.place.read(NAME) is not None
