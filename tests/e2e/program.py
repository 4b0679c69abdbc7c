"""The program as a process of its own, in a project's folder, with a small environment.

Every output of every run is searched for the real numbers of the tests: whatever a test is about, a leak fails it.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import forking
from tests.profile import FULL

REPOSITORY = Path(__file__).parents[2]
PATIENCE_SECONDS = 30

REAL = re.compile(r"7700\W?900\W?\d{3}|(?:446075|448646)\d{6}|9188067[67]\d\d|852(?:1111|2222)\d{4}")
"""The real numbers of the tests: Ofcom's numbers for drama, and the parties of the published samples."""

KEPT = ("PATH", "TMPDIR", "LANG", "LC_ALL")


def environment(**more: str) -> dict[str, str]:
    """A small environment for a process of its own."""
    found = {name: os.environ[name] for name in KEPT if name in os.environ}
    return found | {"PYTHONPATH": str(REPOSITORY)} | more


@dataclass(frozen=True)
class Finished:
    """A run that has ended."""

    args: tuple[str, ...]
    code: int
    out: str
    err: str
    seconds: float

    def events(self) -> list[dict[str, Any]]:
        """Standard output as a stream of JSON events, each line one."""
        return [json.loads(line) for line in self.out.splitlines()]

    def __str__(self) -> str:
        return f"pnsync {' '.join(self.args)}: exit {self.code}\n{self.out}\n--- stderr\n{self.err}"


@dataclass
class Program:
    """Runs pnsync in one folder. `ahead_seconds` is how far its clock is ahead of the machine's."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    ahead_seconds: float = 0.0

    def argv(self, *args: str) -> list[str]:
        """The command line of one run."""
        if self.ahead_seconds:
            return [sys.executable, "-m", "tests.e2e.shifted", str(self.ahead_seconds), *args]
        return [sys.executable, "-m", "pnsync", *args]

    def start(
        self, *args: str, env: Mapping[str, str] | None = None, anew: bool = FULL, **kwargs: Any
    ) -> "subprocess.Popen[bytes] | forking.Running":
        """Begin a run in a process group of its own; `anew` with a new interpreter and its own command line."""
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | kwargs
        whole = environment(**(self.env | dict(env or {})))
        if not anew:
            return forking.start(self.argv(*args), cwd=self.folder, env=whole, **given)
        return subprocess.Popen(self.argv(*args), cwd=self.folder, env=whole, start_new_session=True, **given)

    def run(
        self,
        *args: str,
        code: int | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        leaks: bool = False,
    ) -> Finished:
        """Run to the end; with `code` the exit code is checked. `leaks` is for outputs that hold real numbers."""
        began = time.monotonic()
        kwargs: dict[str, Any] = {} if stdin is None else {"stdin": subprocess.PIPE}
        with self.start(*args, env=env, **kwargs) as process:
            try:
                out, err = process.communicate(stdin, timeout=PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                raise AssertionError(f"not ended in time: {args}\n{out.decode()}\n{err.decode()}") from None
        found = Finished(args, process.returncode, out.decode(), err.decode(), time.monotonic() - began)
        if not leaks:
            assert not REAL.search(found.out + found.err), "a real number stands in an output"
        assert "This is a bug in pnsync" not in found.err, str(found)
        assert "Traceback" not in found.err, str(found)
        assert code is None or found.code == code, str(found)
        return found

    # -- what tests ask for again and again ----------------------------------------------------------------

    def plan(self, *args: str) -> dict[str, Any]:
        """The document of a plan."""
        found: dict[str, Any] = json.loads(self.run("plan", "--format", "json", *args).out)
        return found

    def apply(self, *args: str, code: int = 0, **kwargs: Any) -> Finished:
        """Apply without asking."""
        return self.run("apply", "--auto-approve", *args, code=code, **kwargs)

    def empty(self) -> Finished:
        """See that nothing is left to do."""
        return self.run("plan", "--detailed-exitcode", code=0)

    def verdict(self, *args: str, code: int | None = None, **kwargs: Any) -> dict[str, Any]:
        """The verdict of a run, from its file."""
        path = self.folder / "verdict.json"
        path.unlink(missing_ok=True)
        ended = self.run(*args, "--result", "verdict.json", code=code, **kwargs)
        text = path.read_text()
        assert not REAL.search(text)
        found: dict[str, Any] = json.loads(text)
        assert found["format"] == "pnsync-result"
        assert found["exit"] == ended.code
        return found

    def state(self) -> dict[str, Any]:
        """The state file's document."""
        found: dict[str, Any] = json.loads((self.folder / "state" / "pnsync.state.json").read_text())
        return found


def kill(process: "subprocess.Popen[bytes] | forking.Running", number: int = signal.SIGKILL) -> None:
    """Send a signal to a run that is still there."""
    if process.poll() is None:
        os.kill(process.pid, number)
