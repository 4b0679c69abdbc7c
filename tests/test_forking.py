"""A fork that stands for a new interpreter is given, does and ends as one."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forking

TOLD = """
import os, sys
sys.stderr.write("aside")
print(sys.argv[1:], os.getcwd(), os.environ["COLOUR"], __name__, sys.stdin.read())
sys.exit(7)
"""
WAITING = """
import os, time
print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("begin", ["-c", "file"])
def test_it_has_its_words_folder_environment_and_streams(begin: str, tmp_path: Path) -> None:
    (tmp_path / "told.py").write_text(TOLD)
    words = ["-c", TOLD] if begin == "-c" else [str(tmp_path / "told.py")]
    environ = {"COLOUR": "blue"}
    both = [
        subprocess.run(
            [*command, "a", "b c"], cwd=tmp_path, env=environ, input=b"said", capture_output=True, check=False
        )
        for command in (forking.forked(*words), [sys.executable, *words])
    ]
    for one in both:
        assert one.returncode == 7
        assert one.stdout.decode() == f"['a', 'b c'] {tmp_path} blue __main__ said\n"
        assert one.stderr == b"aside"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGKILL])
def test_a_signal_reaches_it_and_is_how_it_ends(number: signal.Signals) -> None:
    with subprocess.Popen(forking.forked("-c", WAITING), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert pid != process.pid
        process.send_signal(number)
        assert process.wait(20) == -number
        assert process.stdout.read() == b"", "its own end of the pipe is closed: it is gone too"
