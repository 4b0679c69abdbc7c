"""Terraform's protocol while others are at the same document: nobody's record is written over, and no lock is left or kept wrongly."""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from stores.clocks import StepClock
from stores.state_server import StateServer
from stores.values import holder

from pnsync.backends.http import HttpBackend, HttpSettings
from pnsync.errors import Locked, StateError
from pnsync.interfaces import Changed, Taken
from pnsync.statefile.record import frame
from pnsync.store.store import Store

MARIA, OMAR = holder(), holder("omar", "aaaaaaaa")


@dataclass
class Busy(StateServer):
    """A server at which somebody else's document lands just before the n-th call of a kind is answered."""

    method: str = ""
    left: int = 0
    lands: bytes = b""

    def answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes, bool]:
        if method == self.method:
            self.left -= 1
            if self.left == 0:
                self.kept[urlsplit(target).path].data = self.lands
        return super().answer(method, target, headers, body)


def record(seq: int, text: bytes = b"ours") -> bytes:
    return frame(seq, "", b'{"n":"%s"}' % text)[0]


def backend(address: str, *, lock: bool = True, clock: StepClock | None = None) -> HttpBackend:
    locking = f"{address}/lock" if lock else None
    settings = HttpSettings(address, lock_address=locking, username="u", password="p")
    return HttpBackend(settings, clock or StepClock())


def prepared(server: Busy, method: str, number: int, *, records: int) -> str:
    """An address with so many records, at which another run's next one lands with the n-th call of a kind."""
    address, theirs = f"{server.address}/{uuid4()}", f"{server.address}/{uuid4()}"
    for one in (address, theirs):
        for seq in range(1, records + 1):
            backend(one).append(seq, record(seq))
    backend(theirs).append(records + 1, record(records + 1, b"theirs"))
    data = server.kept[urlsplit(theirs).path].data
    assert data is not None
    server.method, server.left, server.lands = method, number, data
    return address


@pytest.mark.parametrize("records", [0, 1])
def test_a_record_that_lands_before_ours_is_not_written_over(records: int) -> None:
    """By the condition of the post alone: no lock is asked for."""
    server = Busy(etags=True)
    address = prepared(server, "POST", 1, records=records)
    with pytest.raises(Taken):
        backend(address, lock=False).append(records + 1, record(records + 1))
    assert backend(address).records(records) == [(records + 1, record(records + 1, b"theirs"))]


def test_without_conditions_what_stands_there_is_looked_at_again_before_a_post() -> None:
    server = Busy(etags=False)
    address = prepared(server, "GET", 2, records=1)
    with pytest.raises(Taken):
        backend(address).append(2, record(2))
    assert backend(address).records(1) == [(2, record(2, b"theirs"))]


def test_a_document_that_lands_before_ours_is_not_written_over() -> None:
    server = Busy(etags=True)
    address, theirs = f"{server.address}/{uuid4()}", f"{server.address}/{uuid4()}"
    version = backend(address).write("lease", b"free", None)
    backend(theirs).write("lease", b"omar", None)
    server.method, server.left = "POST", 1
    server.lands = server.kept[urlsplit(theirs).path].data or b""
    with pytest.raises(Changed):
        backend(address, lock=False).write("lease", b"maria", version)
    found = backend(address).read("lease")
    assert found is not None and found.data == b"omar"


def test_the_serial_that_servers_look_at_rises_with_every_post() -> None:
    server = Busy()
    address = f"{server.address}/{uuid4()}"
    for seq in (1, 2, 3):
        backend(address).append(seq, record(seq))
        assert json.loads(server.kept[urlsplit(address).path].data or b"")["serial"] == seq


# -- the lock ------------------------------------------------------------------------------------------------------------------


def test_a_lock_that_a_write_shows_to_be_broken_is_held_no_more_and_not_given_up_for_others() -> None:
    server = Busy()
    address = f"{server.address}/{uuid4()}"
    one = backend(address)
    lock = one.exclusive(MARIA.dump(), 0)
    assert lock is not None and lock.still_held()
    assert backend(address).unlock(MARIA.id) and backend(address).exclusive(OMAR.dump(), 0) is not None
    with pytest.raises(Taken):
        one.append(1, record(1))
    assert not lock.still_held()
    before = server.asked.count("UNLOCK")
    lock.release()
    assert server.asked.count("UNLOCK") == before
    assert (server.kept[urlsplit(address).path].lock or {})["ID"] == OMAR.id


def test_a_lock_that_was_given_up_is_held_no_more() -> None:
    address = f"{Busy().address}/{uuid4()}"
    lock = backend(address).exclusive(MARIA.dump(), 0)
    assert lock is not None
    lock.release()
    assert not lock.still_held()


def test_whoever_looks_for_a_holder_leaves_no_lock() -> None:
    server = Busy()
    address = f"{server.address}/{uuid4()}"
    assert Store(backend(address), StepClock(), pinned_lineage=None).holder() is None
    assert server.kept[urlsplit(address).path].lock is None and "LOCK" in server.asked


class Cut(StepClock):
    """A clock whose sleeps a signal ends at once."""

    slept = 0

    def sleep(self, seconds: float) -> None:
        self.slept += 1
        assert self.slept < 3, "it goes on"


def test_who_is_interrupted_while_waiting_waits_no_longer() -> None:
    address, clock = f"{Busy().address}/{uuid4()}", Cut()
    assert backend(address).exclusive(MARIA.dump(), 0) is not None
    with pytest.raises(Locked):
        backend(address, clock=clock).exclusive(OMAR.dump(), 900)
    assert clock.slept == 1


# -- what is told ----------------------------------------------------------------------------------------------------------------


def test_a_server_that_never_answered_is_not_waited_for() -> None:
    server, clock = Busy(), StepClock()
    server.server.shutdown()
    server.server.server_close()
    with pytest.raises(StateError) as caught:
        backend(f"{server.address}/{uuid4()}", clock=clock).append(1, record(1))
    assert caught.value.code == "S967" and clock.passed == 0


def test_an_address_is_told_without_user_and_query() -> None:
    one = backend("http://maria:gh7-secret@127.0.0.1:1/state?token=gh8-secret")
    assert one.location == "http://127.0.0.1/state"
