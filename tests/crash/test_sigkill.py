"""A real process on the real file system, killed with SIGKILL in the middle of an apply; the next one makes it right."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pnsync.sandbox.transport import SandboxTransport
from tests import forking
from tests.profile import FULL

KILLED = Path(__file__).with_name("killed.py")
FIRST = {
    "desk-1": "{mode: axb_extension, phone_a: 447700900101, phone_x: 447401264117, extension: 101}",
    "desk-2": "{mode: axb_extension, phone_a: 447700900102, phone_x: 447401264117, extension: 102}",
    "ride-1": "{mode: axb, phone_a: 447700900103, phone_b: 447700900104}",
    "ride-2": "{mode: axb, phone_a: 447700900105, phone_b: 447700900106, recording: true}",
    "driver-1": "{provider: la, mode: axb, phone_a: 447700900107, phone_b: 447700900108, pool_number: 918806}",
}
THEN = {
    "desk-1": "{mode: axb_extension, phone_a: 447700900101, phone_x: 447401264117, extension: 102}",
    "desk-2": "{mode: axb_extension, phone_a: 447700900102, phone_x: 447401264117, extension: 101}",
    "ride-2": "{mode: axb, phone_a: 447700900105, phone_b: 447700900116}",
    "ride-3": "{mode: axb, phone_a: 447700900109, phone_b: 447700900110}",
    "driver-1": "{provider: la, mode: axb, phone_a: 447700900107, phone_b: 447700900118, pool_number: 918806}",
    "driver-2": "{provider: la, mode: axxb, phone_a: 447700900111, phone_b: 447700900112, pool_number: 918806}",
}
ROOT = """\
version: 1
providers:
  nx: {{type: nxcloud, endpoint: sandbox, rate: 1000}}
  la: {{type: laaffic, endpoint: sandbox, rate: 1000, app_id: 4luaKsL2}}
defaults: {{provider: nx, expires_in: 1d}}
policy: {{max_unbind: 100, max_rebind: 100}}
bindings:
{bindings}
"""
PARTS = 10


def declare(folder: Path, bindings: dict[str, str]) -> None:
    lines = "\n".join(f"  {name}: {value}" for name, value in bindings.items())
    (folder / "pnsync.yaml").write_text(ROOT.format(bindings=lines), "utf-8")


def run(folder: Path, at: int, *args: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(KILLED.parents[2])}
    command = [sys.executable, str(KILLED), str(at), *args]
    if FULL:
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = forking.start(command, cwd=folder, env=environment, **streams)
    out, err = process.communicate()
    return subprocess.CompletedProcess(command, process.wait(), (out or b"").decode(), (err or b"").decode())


@pytest.mark.sampled(4)
@pytest.mark.parametrize("part", range(PARTS))
def test_a_killed_apply_is_made_right_by_the_next(part: int, tmp_path: Path) -> None:
    declare(tmp_path, FIRST)
    whole = run(tmp_path, 0, "apply", "--auto-approve")
    assert whole.returncode == 0, whole.stderr
    boundaries = (
        160  # about as many as the apply below has; a later one is never reached, and nothing is killed
    )
    declare(tmp_path, THEN)
    at = 1 + (2 * part + 1) * boundaries // (2 * PARTS)
    ended = run(tmp_path, at, "apply", "--auto-approve")
    assert ended.returncode == -9, (at, ended.returncode, ended.stderr)
    again = run(tmp_path, 0, "apply", "--auto-approve")
    assert again.returncode == 0, again.stdout + again.stderr
    assert run(tmp_path, 0, "plan", "--detailed-exitcode").returncode == 0
    # What the killed run recorded may still stand in the journal: the run after it had nothing to add.
    pulled = tmp_path / "pulled.json"
    assert run(tmp_path, 0, "state", "pull", str(pulled)).returncode == 0
    state = json.loads(pulled.read_text("utf-8"))
    assert not state["pending"] and set(state["entries"]) == {f"bindings.{one}" for one in THEN}
    live = {
        row["bind_id"]
        for name, kind in (("nx", "nxcloud"), ("la", "laaffic"))
        for row in SandboxTransport(kind, path=tmp_path / "state" / f"sandbox-{name}.json").console.bindings()
    }
    assert live == {one["bind_id"] for one in state["entries"].values()}
