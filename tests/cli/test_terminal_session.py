"""Commands as a person meets them: on a terminal, with a question to answer, and with Ctrl-C."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cli.conftest import environment, quickly
from tests.cli.projects import LONDON, RIDE, SEVEN, write

PATIENCE_SECONDS = 20


@dataclass
class Terminal:
    """A program on a pseudo-terminal."""

    process: "subprocess.Popen[bytes]"
    number: int
    shown: str = ""
    _rest: bytes = field(default=b"")

    def until(self, text: str) -> str:
        """Read until a text is shown."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while text not in self.shown:
            assert time.monotonic() < ends, self.shown
            if not self._read(ends):
                raise AssertionError(f"ended without {text!r}: {self.shown}")
        return self.shown

    def type(self, text: str) -> None:
        """Type."""
        os.write(self.number, text.encode())

    def end(self) -> int:
        """Read to the end; the exit code."""
        while self._read(time.monotonic() + PATIENCE_SECONDS):
            pass
        return self.process.wait(PATIENCE_SECONDS)

    def _read(self, ends: float) -> bool:
        ready, _, _ = select.select([self.number], [], [], max(ends - time.monotonic(), 0))
        if not ready:
            return False
        with contextlib.suppress(OSError):
            part = os.read(self.number, 65536)
            self._rest += part
            self.shown = self._rest.decode("utf-8", "replace")
            return bool(part)
        return False


@contextlib.contextmanager
def terminal(folder: Path, *args: str, **env: str) -> Iterator[Terminal]:
    """Run the program on a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    given = environment(**({"TERM": "xterm-256color", "COLUMNS": "100"} | env))
    process = subprocess.Popen(
        quickly(*args),
        cwd=folder,
        env=given,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)


def plain(text: str) -> str:
    """What is shown, without colour."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_yes_applies(tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    with terminal(tmp_path, "apply") as shown:
        shown.until("Only 'yes' will be accepted")
        shown.type("yes\n")
        assert shown.end() == 0
        assert "Applied: 1 bound" in plain(shown.shown)


@pytest.mark.parametrize("answer", ["no\n", "y\n", "YES\n", "\n", "\x04"])
def test_anything_else_does_not(tmp_path: Path, answer: str) -> None:
    write(tmp_path, LONDON)
    with terminal(tmp_path, "apply", "--result", "v.json") as shown:
        shown.until("Only 'yes' will be accepted")
        shown.type(answer)
        assert shown.end() == 1
        assert "Not applied." in plain(shown.shown)
    assert not (tmp_path / "state" / "pnsync.state.json").exists()
    assert json.loads((tmp_path / "v.json").read_text())["not_tried"] == 1


@pytest.mark.parametrize(
    ("answer", "code", "told"), [("no", 8, "nothing was asked"), ("yes", 0, "Asked 2 of 2")]
)
def test_a_switch_that_may_bill_is_asked_after_a_yes_alone(
    tmp_path: Path, answer: str, code: int, told: str
) -> None:
    write(tmp_path, LONDON)
    with terminal(tmp_path, "apply", "--auto-approve") as shown:
        assert shown.end() == 0
    with terminal(tmp_path, "verify", "--call") as shown:
        shown.until("2 questions to the vendor's switch, which it may bill")
        shown.type(f"{answer}\n")
        assert shown.end() == code
        assert told in plain(shown.shown)
        assert ("Asked 2 of 2" in plain(shown.shown)) is (answer == "yes")


def test_ctrl_c_at_the_question(tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    with terminal(tmp_path, "apply") as shown:
        shown.until("Only 'yes' will be accepted")
        began = time.monotonic()
        shown.process.send_signal(signal.SIGINT)
        assert shown.end() == 130
        assert time.monotonic() - began < 5
    assert not (tmp_path / "state" / "pnsync.state.json").exists()


def test_nothing_to_do_asks_nothing(tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    with terminal(tmp_path, "apply", "--auto-approve") as shown:
        assert shown.end() == 0
    with terminal(tmp_path, "apply") as shown:
        assert shown.end() == 0
        assert "No changes." in plain(shown.shown)


def test_colour_on_a_terminal_unless_refused(tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    with terminal(tmp_path, "plan") as shown:
        assert shown.end() == 0
        assert "\x1b[32m" in shown.shown
    with terminal(tmp_path, "plan", NO_COLOR="1") as shown:
        assert shown.end() == 0
        assert "\x1b[32m" not in shown.shown


def test_reveal_shows_phones_on_a_terminal_only_outside_ci(tmp_path: Path) -> None:
    write(tmp_path, LONDON, RIDE)
    with terminal(tmp_path, "plan", "--reveal", "--out", "p.pnsplan") as shown:
        assert shown.end() == 0
        assert "447700900123" in shown.shown
    assert "447700900123" not in (tmp_path / "p.pnsplan").read_text()
    with terminal(tmp_path, "plan", "--reveal", CI="true") as shown:
        assert shown.end() == 8
        assert "447700900123" not in shown.shown


def test_sentences_are_folded_at_the_width(tmp_path: Path) -> None:
    """What is down at three in the morning is read on whatever screen there is."""
    (tmp_path / "pnsync.yaml").write_text("version: 1\nproviders: {nx: {type: nxcloud}}\nbindings: {}\n")
    for command, code in (("status", 0), ("plan", 8)):
        with terminal(tmp_path, command, COLUMNS="50") as shown:
            assert shown.end() == code
            lines = plain(shown.shown).replace("\r", "").split("\n")
        assert max(map(len, lines)) <= 50, (command, lines)
        assert any("NXCLOUD_ACCESS_KEY" in one for one in lines) == (code == 8)


def test_eighty_columns(tmp_path: Path) -> None:
    write(tmp_path, LONDON, SEVEN, RIDE)
    with terminal(tmp_path, "plan", NO_COLOR="1", COLUMNS="80") as shown:
        assert shown.end() == 0
        assert max(len(line.rstrip("\r")) for line in plain(shown.shown).split("\n")) <= 80


class SilentVendor(threading.Thread):
    """A port of loopback that takes connections and never answers."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._held: list[socket.socket] = []
        self.called = threading.Event()
        self.port = int(self._server.getsockname()[1])

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._held.append(self._server.accept()[0])
                self.called.set()

    def close(self) -> None:
        self._server.close()
        for one in self._held:
            one.close()


@pytest.fixture
def vendor() -> Iterator[SilentVendor]:
    found = SilentVendor()
    found.start()
    yield found
    found.close()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("name", ["plan", "apply"])
def test_a_vendor_that_hangs_does_not_hold_a_signal_up(
    tmp_path: Path, vendor: SilentVendor, name: str, number: signal.Signals, code: int
) -> None:
    write(tmp_path, LONDON)
    text = (tmp_path / "pnsync.yaml").read_text()
    (tmp_path / "pnsync.yaml").write_text(
        text.replace("sandbox", f'"http://127.0.0.1:{vendor.port}/api/pns/"')
    )
    env = environment(NXCLOUD_ACCESS_KEY="k" * 8, NXCLOUD_ACCESS_SECRET="s" * 8)
    args = [name, "--result", "v.json", *(["--auto-approve"] if name == "apply" else [])]
    with subprocess.Popen(quickly(*args), cwd=tmp_path, env=env, stderr=subprocess.PIPE) as process:
        called = vendor.called.wait(PATIENCE_SECONDS)
        assert called, process.communicate(timeout=PATIENCE_SECONDS)
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(PATIENCE_SECONDS) == code
        assert time.monotonic() - began < 5.5
    assert json.loads((tmp_path / "v.json").read_text())["exit"] == code
