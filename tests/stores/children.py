"""`stores.child` as another process that tests talk to, a line each way."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests import forking
from tests.profile import QUICK

TESTS = Path(__file__).parents[1]


class Process:
    """A run in another process; `words` are those of `stores.child`."""

    def __init__(self, *words: str) -> None:
        argv = [sys.executable, "-m", "stores.child", *words]
        env = {**os.environ, "PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.running: subprocess.Popen[bytes] | forking.Running
        if QUICK:
            self.running = forking.start(argv, cwd=Path.cwd(), env=env, **pipes)
        else:
            self.running = subprocess.Popen(argv, env=env, **pipes)
        assert self.answer() == "ready"

    def tell(self, words: str) -> None:
        """Send an order."""
        assert self.running.stdin is not None
        self.running.stdin.write(words.encode() + b"\n")
        self.running.stdin.flush()

    def answer(self) -> str:
        """Its next answer."""
        assert self.running.stdout is not None
        return self.running.stdout.readline().decode().strip()

    def ask(self, words: str) -> str:
        """Send an order, and wait for the answer."""
        self.tell(words)
        return self.answer()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; when this returns from a SIGSTOP, all of it stands still."""
        self.running.send_signal(number)
        while number == signal.SIGSTOP and not self._stopped():
            os.sched_yield()

    def _stopped(self) -> bool:
        status = Path(f"/proc/{self.running.pid}/stat").read_text()
        return status.rpartition(")")[2].split()[0] == "T"

    def end(self) -> None:
        """Kill it, and wait for its end."""
        self.running.kill()
        self.running.wait()
        for stream in (self.running.stdin, self.running.stdout):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()
