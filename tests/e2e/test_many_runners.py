"""Twenty runners start an apply of the same changes at once: every binding is made once, whoever works."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from stores import places, servers

from pnsync.sandbox.exchange import Line
from pnsync.sandbox.server import SandboxServer
from tests.profile import either

TESTS = Path(__file__).parents[1]
RUNNERS = 20
CHANGES = either(500, 40, 120)
ROOT = """\
version: 1
state: {state}
providers:
  nx: {{type: nxcloud, endpoint: "{url}/nxcloud/api/pns/", settle_window: 0s, rate: 1000}}
defaults: {{provider: nx, expires_in: 1d}}
bindings:
{bindings}
"""
RIDE = "  ride-{n}: {{mode: axb, phone_a: 4477009{a:05}, phone_b: 4477008{n:05}}}"


def postgres() -> str:
    return f"{{backend: postgres, dsn: {{env: STATE_DSN}}, name: {uuid4()}}}"


def seaweed() -> str:
    url = f"s3://{servers.BUCKET}/{uuid4()}"
    return f"{{backend: object, url: '{url}', endpoint: '{servers.seaweed().endpoint}', region: us-east-1}}"


class Busy(SandboxServer):
    """Vendors that answer nobody before one of the runners was turned away: who has the lock keeps it that long."""

    def __init__(self) -> None:
        super().__init__()
        self.turned_away = threading.Event()

    def line(self, vendor: str, account: str = "default") -> Line:
        self.turned_away.wait(60)
        return super().line(vendor, account)


def run(folders: list[Path], *words: str, on_end: Callable[[int], None] = lambda code: None) -> list[int]:
    """How each runner ended; `on_end` hears of each as it ends."""
    environ = {
        **{name: os.environ[name] for name in ("PATH", "TMPDIR", "LANG") if name in os.environ},
        **places.CREDENTIALS,
        "PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}",
        "NXCLOUD_ACCESS_KEY": "sandbox",
        "NXCLOUD_ACCESS_SECRET": "sandbox",
        "STATE_DSN": servers.postgres().dsn,
    }
    ended: dict[int, int] = {}
    command = [sys.executable, "-m", "stores.runners", "1.5", *map(str, folders), "--", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ) as runners:
        assert runners.stdout is not None
        for line in runners.stdout:
            number, code = json.loads(line)
            ended[number] = code
            on_end(code)
    assert runners.returncode == 0
    return [ended[number] for number in range(len(folders))]


def project(folder: Path, url: str, state: str, changes: int) -> Path:
    folder.mkdir()
    bindings = "\n".join(RIDE.format(n=n, a=n + 50_000) for n in range(changes))
    (folder / "pnsync.yaml").write_text(ROOT.format(state=state, url=url, bindings=bindings))
    return folder


def said(folders: list[Path]) -> list[str]:
    """What each of them said."""
    return [(one / f"said-{number}").read_text() for number, one in enumerate(folders)]


def otherwise(folders: list[Path], codes: list[int], expected: set[int]) -> str:
    """What those said that ended otherwise."""
    return "\n".join(
        text[-800:] for text, code in zip(said(folders), codes, strict=True) if code not in expected
    )


def made_once(folders: list[Path], server: Busy, changes: int) -> None:
    """All begin an apply of the same changes at once: one applies, the others meet the lock or find nothing to do."""

    def on_end(code: int) -> None:
        if code == 6:
            server.turned_away.set()

    codes = run(
        folders, "apply", "--auto-approve", "--parallelism", "8", "--lock-timeout", "0", on_end=on_end
    )
    assert set(codes) <= {0, 6}, otherwise(folders, codes, {0, 6})
    assert 6 in codes, "with no patience somebody meets the lock"
    applied = [text for text in said(folders) if "Applied:" in text]
    assert len(applied) == 1, "one applied; the others met the lock or had nothing to do"
    listed = httpx.get(f"{server.url}/_sandbox/nxcloud/bindings", trust_env=False).json()
    assert len(listed) == changes
    again = run(folders[:1], "plan", "--detailed-exitcode")
    assert again == [0], otherwise(folders[:1], again, {0})


@pytest.mark.needs_postgres
@pytest.mark.needs_seaweed
@pytest.mark.xdist_group("runners")
@pytest.mark.parametrize("place", [postgres, seaweed])
def test_every_binding_is_made_once(tmp_path: Path, place: Callable[[], str]) -> None:
    state = place()
    with Busy() as server:
        folders = [project(tmp_path / f"r{n}", server.url, state, CHANGES) for n in range(either(20, 8, 20))]
        made_once(folders, server, CHANGES)


@pytest.mark.xdist_group("runners")
@pytest.mark.parametrize(("runners", "changes"), [(2, 60), (RUNNERS, CHANGES)])
def test_every_binding_is_made_once_on_one_machine(tmp_path: Path, runners: int, changes: int) -> None:
    """The local state, in one folder."""
    with Busy() as server:
        folder = project(tmp_path / "here", server.url, "{backend: local}", changes)
        made_once([folder] * runners, server, changes)


@pytest.mark.xdist_group("runners")
def test_every_one_that_waits_has_its_turn(tmp_path: Path) -> None:
    """With patience nobody is turned away; the first applies, the others find nothing to do."""
    with SandboxServer() as server:
        folder = project(tmp_path / "here", server.url, "{backend: local}", 40)
        folders = [folder] * 6
        codes = run(folders, "apply", "--auto-approve", "--lock-timeout", "2m")
        assert codes == [0] * 6, otherwise(folders, codes, {0})
        assert sum("Applied:" in text for text in said(folders)) == 1
        assert len(httpx.get(f"{server.url}/_sandbox/nxcloud/bindings", trust_env=False).json()) == 40
