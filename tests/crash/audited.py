"""The program under Python's audit hook: `audited.py FOLDER ARGUMENT..`.

Every event by which a file below FOLDER is opened to be written, renamed, linked, removed or given a mode is told as inside
or outside a call of `SystemDisk`, on the last line of standard error. What the simulated vendors keep there is theirs.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from pnsync.backends.disk import SystemDisk
from pnsync.cli.main import main

CHANGING = frozenset(
    {"os.rename", "os.remove", "os.truncate", "os.link", "os.symlink", "os.chmod", "os.mkdir", "os.rmdir"}
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
SEAM = frozenset(function.__code__ for function in vars(SystemDisk).values() if hasattr(function, "__code__"))
inside = 0
outside: list[str] = []


def of_the_seam() -> bool:
    """Whether the event comes from a method of the disk."""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code in SEAM:
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def watch(folder: str) -> None:
    """Look at every event from now on."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        global inside
        if event == "open":
            if not isinstance(args[2], int) or not args[2] & WRITING:
                return
        elif event not in CHANGING:
            return
        path = Path(os.fsdecode(args[0])) if isinstance(args[0], str | bytes | os.PathLike) else Path()
        if Path(folder) not in path.absolute().parents or "sandbox-" in path.name:
            return
        if of_the_seam():
            inside += 1
        else:
            outside.append(f"{event} {path.name}")

    sys.addaudithook(hook)


if __name__ == "__main__":
    watch(sys.argv[1])
    sys.argv = ["pnsync", *sys.argv[2:]]
    try:
        main()
    finally:
        print(json.dumps({"inside": inside, "outside": outside}), file=sys.stderr)
