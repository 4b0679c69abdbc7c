"""Nothing is written to a state but through the seam at which crashes are tried: the kernel counts what the hook counts.

strace sees every process and thread of a run, C code included; without it Python's own audit events tell of every file
that is opened to be written, renamed or removed.
"""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.crash.test_sigkill import FIRST, KILLED, THEN, declare
from tests.e2e.program import environment

CALLS = {
    "write": "write",
    "fsync": "fsync",
    "fdatasync": "fdatasync",
    "truncate": "ftruncate",
    "allocate": "fallocate",
    "rename": "rename",
    "unlink": "unlink",
}
"""What the seam calls a change, and what the kernel does."""
SEEN = "write,pwrite64,writev,pwritev,pwritev2,sendfile,copy_file_range,fsync,fdatasync,sync_file_range,msync,ftruncate,truncate,"
SEEN += "fallocate,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mknod,mknodat,chmod,fchmod"
_SAME = {"renameat": "rename", "renameat2": "rename", "unlinkat": "unlink"}


def strace_works() -> bool:
    """Whether a process may be traced here."""
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return tried.returncode == 0


def applied(folder: Path, *before: str) -> dict[str, int]:
    """Run an apply of mixed changes, behind some words of a command line; what the hook counted."""
    command = [*before, sys.executable, str(KILLED), "0", "apply", "--auto-approve"]
    ended = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, int] = json.loads(ended.stderr.splitlines()[-1])
    return found


def changes(trace: str, folder: Path) -> Counter[str]:
    """The changes of a state's files and of their folder; what the simulated vendors keep there is theirs."""
    found: Counter[str] = Counter()
    for line in trace.splitlines():
        call = re.match(r"\d+ +(\w+)\((.*)", line)
        if call is None or " = -1 " in line or not re.search(rf'{folder}/state[/>]|"state/', call[2]):
            continue
        if re.search(r"state/\.?sandbox-", call[2]):
            continue
        found[_SAME.get(call[1], call[1])] += 1
    return found


@pytest.mark.skipif(not strace_works(), reason="no process may be traced here")
def test_the_kernel_sees_no_change_that_the_seam_did_not_ask_for(tmp_path: Path) -> None:
    declare(tmp_path, FIRST)
    applied(tmp_path)
    declare(tmp_path, THEN)
    asked = applied(
        tmp_path, "strace", "-f", "--seccomp-bpf", "-y", "-e", f"trace={SEEN}", "-s", "0", "-o", "trace"
    )
    seen = changes((tmp_path / "trace").read_text("utf-8", "replace"), tmp_path)
    assert seen == {CALLS[name]: times for name, times in asked.items() if name in CALLS}
    assert seen["write"] > 10 and seen["fdatasync"] > 10 and seen["rename"] > 0


def test_python_sees_no_change_that_the_seam_did_not_ask_for(tmp_path: Path) -> None:
    declare(tmp_path, FIRST)
    watching = Path(__file__).with_name("audited.py")
    ended = subprocess.run(
        [sys.executable, str(watching), str(tmp_path / "state"), "apply", "--auto-approve"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stderr.splitlines()[-1])
    assert found["outside"] == []
    assert found["inside"] > 10
