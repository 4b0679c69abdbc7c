"""Several runners that start the same command at once: processes of their own, in folders of their own or in one.

    python -m stores.runners SECONDS FOLDER… -- WORD…

Imports once, forks a process a folder, lets all of them begin at one instant, and prints how each ended as JSON.
"""

import contextlib
import io
import json
import os
import sys
import time
from pathlib import Path

from tests.forking import learn


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
            try:
                status = run(Path(folder), number, words, begin)
            finally:
                os._exit(status)
        children[pid] = number
    ended = {}
    while children:
        pid, status = os.wait()
        if pid in children:
            ended[children.pop(pid)] = os.waitstatus_to_exitcode(status)
    print(json.dumps([ended[number] for number in range(len(folders))]))
