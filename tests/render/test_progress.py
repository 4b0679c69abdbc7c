"""Reports as lines, and as bars on a terminal."""

import os
import pty
import subprocess
import sys
from pathlib import Path

from pnsync.render.progress import EVERY_SECONDS, Lines
from pnsync.verdict import (
    Applying,
    Done,
    Failed,
    Read,
    Reading,
    Report,
    Uncertain,
    Verified,
    Waiting,
    Warned,
)

REPOSITORY = Path(__file__).parents[2]
NOW = 1_795_305_600.0


class Told:
    """Lines with a clock of their own and what they wrote."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.err: list[str] = []
        self.time = NOW
        self.lines = Lines(self.out.append, self.err.append, now=lambda: self.time)

    def __call__(self, *reports: Report) -> None:
        for one in reports:
            self.lines(one)


def done(i: int) -> Done:
    return Done(f"bindings.d{i}", "bind", "nx", "bound", 0.1, "447401264117", f"{i % 1000:03}")


def test_a_listing_is_told_when_it_is_complete() -> None:
    told = Told()
    told(Reading("nx", 500, 1000, 1), Read("nx", "nxcloud", 1187, 3, 2, 0.41))
    assert told.err == ["Read nx (nxcloud): 1,187 bindings, 3 groups in 2 pages · 0.4 s"]
    assert told.out == []


def test_a_long_listing_is_told_every_few_seconds() -> None:
    told = Told()
    for page in range(100):
        told.time += EVERY_SECONDS / 10
        told(Reading("nx", page * 1000, 100_000, page))
    assert len(told.err) == 10
    assert told.err[0] == "Reading nx: 9,000 of 100,000 bindings"


def test_a_listing_that_cannot_be_trusted_says_why() -> None:
    told = Told()
    told(Read("nx", "nxcloud", 1, 0, 1, 0.1, ("2 rows could not be read",)))
    assert told.err[0].endswith("\n  not to be trusted: 2 rows could not be read")


def test_each_change_is_told_once_and_how_far_it_has_come_now_and_then() -> None:
    told = Told()
    told(Applying(1000, 1000))
    for i in range(1000):
        told.time += 0.125
        told(done(i))
    assert len(told.out) == 1000
    assert 20 <= len(told.err) <= 25
    assert told.err[0] == "Applying: 40 of 1,000 changes, 8.0 a second, 2 m left"


def test_every_report_has_its_words() -> None:
    told = Told()
    told(
        Failed("bindings.a", "bind", "nx", "A1", "", "", "refused", "correct it"),
        Uncertain("bindings.b", "bind", "nx", "no answer", "2026-11-22T02:09:30Z"),
        Waiting(2, "2026-11-22T02:09:30Z", 100.0),
        Verified(6, ()),
        Verified(6, ("bindings.a",)),
        Warned("W1", "something", "a detail"),
    )
    assert told.out[-2:] == [
        "Checked 6 bindings against the vendor's listing: all there.",
        "Checked 6 bindings against the vendor's listing: 1 is not there: bindings.a",
    ]
    assert told.err == [
        "Waiting until 22 Nov 02:09:30Z for the outcome of 2 calls; interrupting is safe.",
        "warning[W1]: something: a detail",
    ]


BARS = """
import sys
from pnsync.render.progress import Bars
from pnsync.verdict import *
out = lambda text: (sys.stdout.write(text + "\\n"), sys.stdout.flush())
err = lambda text: (sys.stderr.write(text + "\\n"), sys.stderr.flush())
with Bars(out, err, colour=True, redirect_stdout={redirect}) as bars:
    bars(Reading("nx", 1000, 2000, 1))
    bars(Read("nx", "nxcloud", 2000, 1, 2, 0.4))
    bars(Applying(3, 3))
    for i in range(3):
        bars(Done(f"bindings.d{{i}}", "bind", "nx", "bound", 0.1))
    bars.pause()
    out("the end")
"""


def terminal(redirect: bool, **streams: int) -> str:
    """What the program of bars shows on a terminal."""
    ours, theirs = pty.openpty()
    env = {
        "PYTHONPATH": str(REPOSITORY),
        "TERM": "xterm-256color",
        "COLUMNS": "100",
        "PATH": os.environ["PATH"],
    }
    given = {"stdout": theirs, "stderr": theirs} | streams
    program = BARS.format(redirect=redirect)
    with subprocess.Popen([sys.executable, "-c", program], env=env, **given) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(ours)
    assert process.returncode == 0
    return shown.decode()


def test_bars_on_a_terminal_leave_the_lines() -> None:
    shown = terminal(True)
    for text in ("Reading nx", "Read nx (nxcloud): 2,000 bindings", "Applying", "bindings.d2", "the end"):
        assert text in shown
    assert "\x1b[" in shown


def test_a_file_behind_standard_output_gets_no_bar(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as file:
        shown = terminal(False, stdout=file.fileno())
    assert "Applying" in shown
    kept = (tmp_path / "out").read_text()
    assert [line.split()[1] for line in kept.splitlines()] == [
        "bindings.d0",
        "bindings.d1",
        "bindings.d2",
        "end",
    ]
    assert "\x1b" not in kept.replace("\x1b[32m", "").replace("\x1b[0m", "").replace("\x1b[2m", "")
