"""Several runners that start the same command at once: processes of their own, in folders of their own or in one.

    python -m stores.runners SECONDS FOLDER… -- WORD…

Imports once, forks a process a folder, lets all of them begin at one instant, and prints a line of JSON
as each ends: its number and its exit code.
"""

import contextlib
import io
import json
import os
import signal
import sys
import time
from pathlib import Path

from tests.forking import learn

PATIENCE = 240
"""Seconds after which a runner that hangs is ended."""


def run(folder: Path, number: int, words: list[str], begin: float) -> int:
    """One runner; what it says goes to `said-NUMBER` in its folder."""
    from pnsync.cli.main import main

    os.chdir(folder)
    said = io.StringIO()
    sys.argv = ["pnsync", *words]
    time.sleep(max(0.0, begin - time.monotonic()))
    code: object = 0
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main()
        except SystemExit as end:
            code = end.code
    (folder / f"said-{number}").write_text(said.getvalue())
    return int(code) if isinstance(code, int) else 99


if __name__ == "__main__":
    learn()
    split = sys.argv.index("--")
    lead, folders, words = float(sys.argv[1]), sys.argv[2:split], sys.argv[split + 1 :]
    begin = time.monotonic() + lead
    children = {}
    for number, folder in enumerate(folders):
        pid = os.fork()
        if pid == 0:
            status = 98
            signal.alarm(PATIENCE)
            try:
                status = run(Path(folder), number, words, begin)
            finally:
                os._exit(status)
        children[pid] = number
    while children:
        pid, status = os.wait()
        if pid in children:
            print(json.dumps([children.pop(pid), os.waitstatus_to_exitcode(status)]), flush=True)
