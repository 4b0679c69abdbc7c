"""Worker threads: every call's end is told once, at most `width` run at a time, and waiting can be cut short."""

import threading
import time

import pytest

from pnsync.dispatch import ThreadDispatcher
from pnsync.journal import Applied, Outcome


def collect(dispatcher: ThreadDispatcher, many: int) -> dict[int, Outcome]:
    found: dict[int, Outcome] = {}
    while len(found) < many:
        for ticket, outcome in dispatcher.wait(5):
            assert ticket not in found
            found[ticket] = outcome
    return found


@pytest.mark.parametrize("width", [1, 3, 50])
def test_every_call_ends_once(width: int) -> None:
    dispatcher = ThreadDispatcher(width)
    for ticket in range(200):
        dispatcher.submit(ticket, lambda ticket=ticket: Applied(str(ticket)))
    assert collect(dispatcher, 200) == {i: Applied(str(i)) for i in range(200)}
    assert dispatcher.wait(0) == []


def test_no_more_than_width_at_a_time() -> None:
    dispatcher = ThreadDispatcher(3)
    gate, running, most, lock = threading.Semaphore(0), [0], [0], threading.Lock()
    three = threading.Barrier(4)

    def call() -> Outcome:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        three.wait(5)
        gate.acquire()
        with lock:
            running[0] -= 1
        return Applied()

    for ticket in range(3):
        dispatcher.submit(ticket, call)
    three.wait(5)
    dispatcher.submit(3, Applied)
    assert dispatcher.wait(0.05) == []
    gate.release(3)
    assert len(collect(dispatcher, 4)) == 4
    assert most == [3]


def test_one_at_a_time_keeps_the_order() -> None:
    dispatcher = ThreadDispatcher(1)
    order: list[int] = []

    def call(ticket: int) -> Outcome:
        order.append(ticket)
        return Applied()

    for ticket in range(50):
        dispatcher.submit(ticket, lambda ticket=ticket: call(ticket))
    collect(dispatcher, 50)
    assert order == list(range(50))


def test_waiting_ends_with_its_time() -> None:
    dispatcher = ThreadDispatcher(1)
    gate = threading.Event()
    dispatcher.submit(0, lambda: Applied(str(gate.wait(60))))
    began = time.monotonic()
    assert dispatcher.wait(0.05) == []
    assert time.monotonic() - began < 20
    gate.set()
    assert collect(dispatcher, 1) == {0: Applied("True")}


def test_waiting_is_cut_short() -> None:
    dispatcher = ThreadDispatcher(1)
    threading.Timer(0.05, dispatcher.wake).start()
    assert dispatcher.wait(None) == []


def test_a_bug_in_a_call_is_not_lost() -> None:
    def call() -> Outcome:
        raise ZeroDivisionError

    dispatcher = ThreadDispatcher(1)
    dispatcher.submit(0, call)
    with pytest.raises(ZeroDivisionError):
        dispatcher.wait(5)
    dispatcher.submit(1, Applied)
    assert dispatcher.wait(5) == [(1, Applied())]


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_what_would_end_a_thread_is_raised_where_it_is_waited_for(kind: type[BaseException]) -> None:
    def call() -> Outcome:
        raise kind

    dispatcher = ThreadDispatcher(1)
    dispatcher.submit(1, call)
    with pytest.raises(kind):
        dispatcher.wait(5)
    dispatcher.submit(2, Applied)
    assert dispatcher.wait(5) == [(2, Applied())]
