"""Signals, in processes of their own: gentle, raising, a second one, and a main thread that hangs."""

import signal
import subprocess
import sys
import time

import pytest

from pnsync.apply import applying
from pnsync.cli import signals
from tests import forking
from tests.cli.conftest import environment

PROGRAM = """
import os, sys, time
from pnsync.cli import signals as module
from pnsync.cli.signals import Signals, Stopped, SystemClock
from pnsync.dispatch import ThreadDispatcher
module.GRACE_SECONDS = 0.5
def last_words(code):
    print("last words", code, flush=True)
with Signals(gentle={gentle}, last_words=last_words) as signals:
    clock = SystemClock(signals)
    print("ready", flush=True)
    {body}
print("left", flush=True)
"""


def start(body: str, *, gentle: bool) -> "subprocess.Popen[bytes]":
    program = PROGRAM.format(gentle=gentle, body=body.strip().replace("\n", "\n    "))
    process = subprocess.Popen(forking.command("-c", program), stdout=subprocess.PIPE, env=environment())
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def ended(process: "subprocess.Popen[bytes]") -> tuple[int, bytes]:
    out, _ = process.communicate(timeout=20)
    return process.returncode, out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_gentle_run_sees_the_signal_and_its_sleep_ends(number: int) -> None:
    process = start(
        "clock.sleep(60)\nclock.sleep(60)\nprint('seen', signals.signal)\nsys.exit(7)", gentle=True
    )
    process.send_signal(number)
    assert ended(process) == (7, f"seen {int(number)}\n".encode())


def test_waiting_for_calls_ends() -> None:
    body = "d = ThreadDispatcher(1)\nsignals.subscribe(d.wake)\nd.submit(1, lambda: time.sleep(60))\nprint(d.wait(None), signals.signal)"
    process = start(body, gentle=True)
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (0, b"[] 15\nleft\n")


def test_who_begins_to_wait_after_the_signal_is_woken_too() -> None:
    body = "clock.sleep(60)\nd = ThreadDispatcher(1)\nsignals.subscribe(d.wake)\nprint(d.wait(None))"
    process = start(body, gentle=True)
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (0, b"[]\nleft\n")


def test_a_reading_command_is_stopped_where_it_is() -> None:
    body = "try:\n    print('reading', flush=True)\n    time.sleep(60)\nexcept Stopped as stop:\n    print('stopped', stop.signal)"
    process = start(body, gentle=False)
    assert process.stdout is not None
    assert process.stdout.readline() == b"reading\n"
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (0, b"stopped 15\nleft\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_hangs_is_ended_when_the_grace_is_over(number: int, code: int) -> None:
    process = start("while True: time.sleep(60)", gentle=True)
    process.send_signal(number)
    assert ended(process) == (code, f"last words {code}\n".encode())


def test_a_main_thread_deep_in_a_system_call_is_ended_too() -> None:
    # A nested interpreter lock holder: the handler in Python cannot run, the watching thread can.
    body = "import ctypes\nlibc = ctypes.CDLL(None)\nwhile True: libc.sleep(60)"
    process = start(body, gentle=True)
    process.send_signal(signal.SIGINT)
    assert ended(process)[0] == 130


def test_a_second_signal_ends_at_once() -> None:
    body = "module.GRACE_SECONDS = 60\nclock.sleep(60)\nprint('seen', flush=True)\nwhile True: time.sleep(60)"
    process = start(body, gentle=True)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == b"seen\n"
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (143, b"")
    assert time.monotonic() - began < 5


def test_handlers_are_put_back() -> None:
    from pnsync.cli.signals import Signals

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Signals(gentle=True):
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


MANY = """
import gc, os, time
from pnsync.cli.signals import Signals, SystemClock
def runs(count):
    for _ in range(count):
        with Signals(gentle=True) as signals:
            SystemClock(signals).sleep(0.0001)
    del signals
    until = time.monotonic() + 10
    while (left := len(os.listdir("/proc/self/fd"))) > 5 and time.monotonic() < until:
        gc.collect()
        time.sleep(0.01)
    return left
print(runs(3), runs(50))
"""


def test_many_runs_in_one_process_leave_no_descriptor_open() -> None:
    told = subprocess.run(
        [sys.executable, "-c", MANY],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.split()
    assert told[0] == told[1]


def test_the_grace_is_over_before_the_five_seconds_that_are_promised() -> None:
    """And after the four that a call in flight is waited for, so that a run may end by itself."""
    assert applying.GRACE_SECONDS + 0.5 < signals.GRACE_SECONDS < 5
