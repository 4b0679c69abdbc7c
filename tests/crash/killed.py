"""The program, killed with SIGKILL at its n-th boundary on the real file system: `killed.py N ARGUMENT..`.

N 0 kills nothing. The last line of standard error then says how many boundaries there were, and how often each change of the
disk was asked for, as JSON.
"""

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from pnsync.backends.disk import SystemDisk
from pnsync.cli.main import main
from pnsync.sandbox.transport import SandboxTransport

CHANGES = ("write", "fsync", "fdatasync", "truncate", "rename", "unlink", "allocate")
count = 0
asked: Counter[str] = Counter()


def boundary(number: int) -> None:
    """One more; the end of the process at `number`, with nothing tidied."""
    global count
    count += 1
    if count == number:
        os.kill(os.getpid(), signal.SIGKILL)


def watch(owner: type, name: str, number: int) -> None:
    """Let a method pass a boundary before and after its effect."""
    original: Callable[..., Any] = getattr(owner, name)

    def watched(*args: Any, **kwargs: Any) -> Any:
        asked[name] += 1
        boundary(number)
        try:
            return original(*args, **kwargs)
        finally:
            boundary(number)

    setattr(owner, name, watched)


if __name__ == "__main__":
    at = int(sys.argv[1])
    for one in CHANGES:
        watch(SystemDisk, one, at)
    watch(SandboxTransport, "handle_request", at)
    sys.argv = ["pnsync", *sys.argv[2:]]
    try:
        main()
    finally:
        print(json.dumps({"boundaries": count, **asked}), file=sys.stderr)
