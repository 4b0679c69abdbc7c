"""The lease of places without a lock: taken, watched, taken over, given up; and that it is politeness alone."""

import threading
from collections.abc import Callable

import pytest
from stores.clocks import StepClock
from stores.memory import MemoryBackend, MemoryPlace
from stores.values import holder

from pnsync.errors import Fenced, Locked, StateError
from pnsync.interfaces import Blob
from pnsync.journal import Noted
from pnsync.statefile.codes import refusal
from pnsync.store import lease as leases
from pnsync.store.lease import Lease, Terms, acquire, free, heartbeat
from pnsync.store.store import Store

MARIA, OMAR = holder("maria", "3f2c9a10"), holder("omar", "aaaaaaaa")


@pytest.fixture
def place() -> MemoryPlace:
    return MemoryPlace()


def terms(place: MemoryPlace) -> Terms:
    return leases.read(MemoryBackend(place).read("lease"))


class Unreliable(MemoryBackend):
    """A place that cannot be reached for a while, or whose answers get lost."""

    down = False
    deaf = False

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        if self.down:
            raise refusal("S920", "the network is away")
        version = super().write(name, data, expected)
        if self.deaf:
            raise refusal("S920", "the answer was lost")
        return version


def test_a_free_lease_is_taken_and_given_up_by_writing(place: MemoryPlace) -> None:
    clock = StepClock()
    lease = acquire(MemoryBackend(place), clock, MARIA, 0)
    assert terms(place) == Terms(MARIA, 1, 1)
    assert lease.still_held()
    lease.release()
    assert not lease.still_held()
    assert terms(place).holder is None
    assert terms(place).epoch == 1
    acquire(MemoryBackend(place), clock, OMAR, 0)
    assert terms(place).epoch == 2, "epochs never start again"


def test_who_does_not_wait_is_told_at_once(place: MemoryPlace) -> None:
    clock = StepClock()
    acquire(MemoryBackend(place), clock, MARIA, 0)
    with pytest.raises(Locked) as caught:
        acquire(MemoryBackend(place), clock, OMAR, 0)
    assert caught.value.command == "pnsync unlock 3f2c9a10"
    assert clock.passed == 0


def test_a_dead_holder_is_taken_over_after_it_was_watched_for_a_minute(place: MemoryPlace) -> None:
    acquire(MemoryBackend(place), StepClock(), MARIA, 0)
    clock = StepClock()
    lease = acquire(MemoryBackend(place), clock, OMAR, 120)
    assert 60 <= clock.passed <= 75, "G5"
    assert lease.still_held()
    assert terms(place).holder == OMAR


def test_a_living_holder_is_never_taken_over(place: MemoryPlace) -> None:
    mine = StepClock()
    lease = acquire(MemoryBackend(place), mine, MARIA, 0)

    def alive(clock: StepClock) -> None:
        mine.passed += clock.passed - alive_until[0]
        alive_until[0] = clock.passed
        if clock.passed - beats[-1] >= leases.RENEW_SECONDS:
            beats.append(clock.passed)
            lease.renew()

    alive_until, beats = [0.0], [0.0]
    clock = StepClock(alive)
    with pytest.raises(Locked):
        acquire(MemoryBackend(place), clock, OMAR, 600)
    assert 600 <= clock.passed < 602
    assert lease.still_held()
    assert len(beats) >= 40


def test_a_holder_that_was_not_confirmed_for_forty_seconds_starts_no_call(place: MemoryPlace) -> None:
    clock = StepClock()
    lease = acquire(MemoryBackend(place), clock, MARIA, 0)
    clock.passed = 39.9
    assert lease.still_held()
    clock.passed = 40.0
    assert not lease.still_held()


def test_a_place_that_is_away_for_a_moment_costs_nothing(place: MemoryPlace) -> None:
    clock, backend = StepClock(), Unreliable(place)
    lease = acquire(backend, clock, MARIA, 0)
    backend.down = True
    clock.passed = 15.0
    lease.renew()
    assert lease.still_held()
    backend.down = False
    clock.passed = 30.0
    lease.renew()
    clock.passed = 69.0
    assert lease.still_held(), "confirmed at 30"


def test_a_renewal_whose_answer_was_lost_is_known_again(place: MemoryPlace) -> None:
    clock, backend = StepClock(), Unreliable(place)
    lease = acquire(backend, clock, MARIA, 0)
    backend.deaf = True
    lease.renew()
    backend.deaf = False
    clock.passed = 15.0
    lease.renew()
    lease.renew()
    clock.passed = 54.0
    assert lease.still_held()
    lease.release()
    assert terms(place).holder is None


def test_a_holder_that_was_taken_over_knows_it_at_its_next_renewal(place: MemoryPlace) -> None:
    lease = acquire(MemoryBackend(place), StepClock(), MARIA, 0)
    acquire(MemoryBackend(place), StepClock(), OMAR, 120)
    lease.renew()
    assert not lease.still_held()
    lease.renew()
    lease.release()
    assert terms(place).holder == OMAR, "what is another's is not given up"


def test_only_the_lease_of_that_id_is_broken(place: MemoryPlace) -> None:
    lease = acquire(MemoryBackend(place), StepClock(), MARIA, 0)
    assert not free(MemoryBackend(place), "aaaaaaaa")
    assert free(MemoryBackend(place), "3f2c9a10")
    assert not free(MemoryBackend(place), "3f2c9a10")
    lease.renew()
    assert not lease.still_held()


def test_the_document_is_the_same_text_for_the_same_terms() -> None:
    assert Terms(None, 2, 7).dump() == b'{"counter": 7, "epoch": 2, "holder": null}'
    assert Terms(MARIA, 2, 7).dump() == (
        b'{"counter": 7, "epoch": 2, "holder": {"command": "pnsync apply", "host": "ci-runner-7", '
        b'"id": "3f2c9a10", "pid": 4411, "since": 1789999280, "user": "maria"}}'
    )
    for terms in (Terms(None, 2, 7), Terms(MARIA, 2, 7)):
        assert leases.read(Blob(terms.dump(), "1")) == terms


def test_every_write_raises_the_counter_by_one_and_a_new_holder_the_epoch(place: MemoryPlace) -> None:
    lease = acquire(MemoryBackend(place), StepClock(), MARIA, 0)
    assert terms(place) == Terms(MARIA, 1, 1)
    lease.renew()
    assert terms(place) == Terms(MARIA, 1, 2)
    lease.release()
    assert terms(place) == Terms(None, 1, 3)
    acquire(MemoryBackend(place), StepClock(), OMAR, 0)
    assert terms(place) == Terms(OMAR, 2, 4)
    assert free(MemoryBackend(place), "aaaaaaaa")
    assert terms(place) == Terms(None, 2, 5)


def test_after_a_lost_answer_the_holder_goes_on_from_what_stands_there(place: MemoryPlace) -> None:
    backend = Unreliable(place)
    lease = acquire(backend, StepClock(), MARIA, 0)
    backend.deaf = True
    lease.renew()
    backend.deaf = False
    lease.renew()
    lease.renew()
    assert terms(place) == Terms(MARIA, 1, 3)


def test_a_dead_holder_is_taken_over_as_soon_as_it_was_watched_for_a_minute(place: MemoryPlace) -> None:
    acquire(MemoryBackend(place), StepClock(), MARIA, 0)
    clock = StepClock()
    acquire(MemoryBackend(place), clock, OMAR, 120)
    assert clock.passed == 60.0
    assert terms(place) == Terms(OMAR, 2, 2)


@pytest.mark.parametrize("timeout", [0.25, 1.5, 3.0])
def test_no_longer_is_waited_than_was_asked(place: MemoryPlace, timeout: float) -> None:
    acquire(MemoryBackend(place), StepClock(), MARIA, 0)
    clock = StepClock()
    clock.passed = 500.0
    with pytest.raises(Locked):
        acquire(MemoryBackend(place), clock, OMAR, timeout)
    assert clock.passed == 500.0 + timeout


class CutShort(StepClock):
    """A clock whose sleeps end early, as a signal ends them."""

    def __init__(self, part: float) -> None:
        super().__init__()
        self.passed = 500.0
        self.part = part
        self.sleeps = 0

    def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        super().sleep(seconds * self.part)


@pytest.mark.parametrize(("part", "ends"), [(0.0, True), (0.4, True), (0.5, False), (0.9, False)])
def test_a_sleep_that_was_cut_short_ends_the_waiting(place: MemoryPlace, part: float, ends: bool) -> None:
    acquire(MemoryBackend(place), StepClock(), MARIA, 0)
    clock = CutShort(part)
    with pytest.raises(Locked) as caught:
        acquire(MemoryBackend(place), clock, OMAR, 5.0)
    assert (clock.sleeps == 1) is ends
    assert caught.value.command == "pnsync unlock 3f2c9a10"
    assert caught.value.detail[0].startswith("maria on ci-runner-7 (pid 4411) has held it for ")


@pytest.mark.parametrize("more", [b'"holder": null', b'"owner": {"name": "maria"}'])
def test_a_lock_of_a_newer_version_is_neither_taken_nor_broken(place: MemoryPlace, more: bytes) -> None:
    """To its holder this version could not keep; it is left as it is."""
    place.documents["lease"] = (b'{"version": 2, "epoch": 4, "counter": 9, %s}' % more, 7)
    for use in (
        lambda: acquire(MemoryBackend(place), StepClock(), MARIA, 600),
        lambda: free(MemoryBackend(place), "3f2c9a10"),
        lambda: leases.read(MemoryBackend(place).read("lease")),
    ):
        with pytest.raises(StateError) as caught:
            use()
        assert (caught.value.code, caught.value.exit_code) == ("S942", 9)
        assert "version 2" in caught.value.detail[0]
    assert place.documents["lease"][1] == 7


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'"free"', b'{"holder": 7}', b'{"version": "x"}'])
def test_a_lock_that_nobody_could_have_written_is_free(place: MemoryPlace, data: bytes) -> None:
    """It is politeness: the log keeps two runs apart."""
    place.documents["lease"] = (data, 7)
    acquire(MemoryBackend(place), StepClock(), MARIA, 0)
    assert terms(place).holder == MARIA


def test_a_lease_that_is_renewed_while_it_is_broken_is_broken_all_the_same(place: MemoryPlace) -> None:
    lease = acquire(MemoryBackend(place), StepClock(), MARIA, 0)

    class Renewing(MemoryBackend):
        """The holder renews between this one's read and write, once."""

        renewed = False

        def write(self, name: str, data: bytes, expected: str | None) -> str:
            if not self.renewed:
                self.renewed = True
                lease.renew()
            return super().write(name, data, expected)

    assert free(Renewing(place), "3f2c9a10")
    assert terms(place) == Terms(None, 1, 3)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"epoch": "x"}',
        b'{"holder": 3}',
        b'{"holder": null, "epoch": 1}',
        b'{"holder": null, "epoch": 1, "counter": null}',
        b"\xff",
    ],
)
def test_a_lease_that_cannot_be_read_is_free_as_the_log_decides(place: MemoryPlace, data: bytes) -> None:
    MemoryBackend(place).write("lease", data, None)
    assert leases.read(Blob(data, "1")).holder is None
    assert acquire(MemoryBackend(place), StepClock(), MARIA, 0).still_held()


def test_of_many_contenders_one_takes_over(place: MemoryPlace) -> None:
    acquire(MemoryBackend(place), StepClock(), MARIA, 0)
    winners = []

    class Racing(MemoryBackend):
        """Another contender writes between this one's read and write."""

        raced = False

        def write(self, name: str, data: bytes, expected: str | None) -> str:
            if not self.raced:
                self.raced = True
                super().write(name, Terms(OMAR, 2, 2).dump(), expected)
                winners.append("omar")
            return super().write(name, data, expected)

    with pytest.raises(Locked):
        acquire(Racing(place), StepClock(), holder("third", "bbbbbbbb"), 70)
    assert winners == ["omar"]
    assert terms(place).holder == OMAR


def none(lease: Lease) -> Callable[[], None]:
    return lambda: None


def store(place: MemoryPlace, clock: StepClock) -> Store:
    return Store(MemoryBackend(place), clock, pinned_lineage=None, heartbeat=none)


def test_a_holder_that_slept_is_fenced_by_the_next_slot_alone(place: MemoryPlace) -> None:
    """The sleeper's clock has not moved, so its lease looks alive to it: the log tells."""
    with store(place, StepClock()).hold(MARIA, timeout=0) as asleep:
        asleep.record(Noted("turn", "1"))
        with store(place, StepClock()).hold(OMAR, timeout=120) as other:
            assert other.state.notes["turn"] == "1"
            other.record(Noted("turn", "2"))
            asleep.check()
            with pytest.raises(Fenced):
                asleep.record(Noted("turn", "3"))
            with pytest.raises(Fenced):
                asleep.check()
            done = other.finish()
    assert store(place, StepClock()).load() == done


def test_a_call_is_not_begun_on_a_lease_that_was_not_confirmed(place: MemoryPlace) -> None:
    clock = StepClock()
    with store(place, clock).hold(MARIA, timeout=0) as session:
        session.record(Noted("turn", "1"))
        clock.passed = 41.0
        with pytest.raises(Fenced):
            session.check()
        with pytest.raises(StateError):
            session.record(Noted("turn", "2"))


def test_the_heartbeat_renews_until_it_is_told_to_stop(place: MemoryPlace) -> None:
    beaten = threading.Event()

    class Watched(MemoryBackend):
        def write(self, name: str, data: bytes, expected: str | None) -> str:
            version = super().write(name, data, expected)
            if leases.read(self.read("lease")).counter >= 4:
                beaten.set()
            return version

    stop = heartbeat(acquire(Watched(place), StepClock(), MARIA, 0), every=0.001)
    assert beaten.wait(20)
    stop()
    assert terms(place).holder == MARIA


def test_the_heartbeat_keeps_no_process_alive_and_waits_for_no_renewal_that_hangs(
    monkeypatch: pytest.MonkeyPatch, place: MemoryPlace
) -> None:
    monkeypatch.setattr(leases, "_PATIENCE_SECONDS", 0.01)
    begun, hangs, ended = threading.Event(), threading.Event(), threading.Event()

    class Hanging(Lease):
        def renew(self) -> None:
            begun.set()
            hangs.wait(3)
            ended.set()

    stop = heartbeat(Hanging(MemoryBackend(place), StepClock(), Terms(MARIA, 1, 1), "1", 0.0), every=0.001)
    assert begun.wait(20)
    (thread,) = (one for one in threading.enumerate() if one.name == "pnsync-lease")
    assert thread.daemon
    stop()
    assert not ended.is_set()
    hangs.set()
    thread.join(20)
    assert not thread.is_alive()
