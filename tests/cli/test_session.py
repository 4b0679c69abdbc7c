"""What stands between the files and the world: endpoints, keys, the state's place, what is imported when."""

import json
import logging
import resource
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from pnsync.cli.command import Invocation
from pnsync.cli.output import Output
from pnsync.cli.session import lock_timeout_seconds
from pnsync.sandbox.server import SandboxServer
from tests import forking
from tests.cli.conftest import Run, environment, quickly
from tests.cli.projects import LONDON, REAL, SEVEN, write

KEYS = {"NXCLOUD_ACCESS_KEY": "sandbox", "NXCLOUD_ACCESS_SECRET": "sandbox"}


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def served(folder: Path, url: str, *bindings: str) -> None:
    """A project whose vendor is a server on loopback."""
    write(folder, *bindings)
    text = (folder / "pnsync.yaml").read_text()
    endpoint = f'"{url}/nxcloud/api/pns/", settle_window: 0s'
    (folder / "pnsync.yaml").write_text(text.replace("sandbox", endpoint))


def test_a_vendor_over_http(run: Run, tmp_path: Path, keys: None) -> None:
    with SandboxServer() as server:
        served(tmp_path, server.url, LONDON, SEVEN)
        assert "Applied: 2 bound" in run("apply", "--auto-approve").stdout
        assert "No changes." in run("plan").stdout
        request = f"{server.url}/_sandbox/nxcloud/bindings"
        assert len(httpx.get(request, trust_env=False).json()) == 2


def test_missing_keys_are_named(run: Run, tmp_path: Path) -> None:
    served(tmp_path, "http://127.0.0.1:9", LONDON)
    found = run("plan")
    assert found.exit_code == 8
    assert "NXCLOUD_ACCESS_KEY" in found.stderr


def test_wrong_keys_are_exit_10(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NXCLOUD_ACCESS_KEY", "sandbox")
    monkeypatch.setenv("NXCLOUD_ACCESS_SECRET", "wrong-secret-1234")
    with SandboxServer() as server:
        served(tmp_path, server.url, LONDON)
        for args in (("plan",), ("apply", "--auto-approve"), ("verify",), ("groups",)):
            found = run(*args)
            assert found.exit_code == 10, found.output
            assert "wrong-secret-1234" not in found.output


def test_a_vendor_that_is_not_there_is_a_failure_that_changed_nothing(
    run: Run, tmp_path: Path, keys: None
) -> None:
    served(tmp_path, "http://127.0.0.1:9", LONDON)
    found = run("plan")
    assert found.exit_code == 1
    assert "nx was not read" in found.stderr


def test_looking_at_the_state_needs_no_keys_and_no_http(tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    subprocess.run(
        quickly("apply", "--auto-approve"), cwd=tmp_path, env=environment(), check=True, capture_output=True
    )
    served(tmp_path, "http://127.0.0.1:9", LONDON)
    code = (
        "import sys; from pnsync.cli.main import program\n"
        "try: program.main(['state', 'list'])\n"
        "except SystemExit as end: print(end.code, 'httpx' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.splitlines()[-1] == "0 False"


def test_two_v_log_every_request_without_numbers_and_keys(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    found = run("apply", "--auto-approve", "-vv")
    assert "debug: pnsync.http: POST" in found.stderr
    assert not any(one in found.output for one in REAL)
    assert "debug: " not in run("plan").stderr
    assert logging.getLogger("pnsync").handlers == []


def test_warnings_about_the_files_are_not_lost(run: Run, tmp_path: Path) -> None:
    write(
        tmp_path,
        LONDON,
        'desk-9: {mode: axb_extension, phone_a: 447700900112, phone_x: 447401264117, extension: "109"}',
    )
    text = (tmp_path / "pnsync.yaml").read_text()
    (tmp_path / "pnsync.yaml").write_text(text + "schedule: {every: 20h, late_by: 8h}\n")
    assert "warning" in run("validate").stdout
    assert "about the files; see pnsync validate" in run("plan").stderr
    assert "warning[W" in run("plan", "-v").stderr


def test_the_rate_is_bounded_by_the_command_line(run: Run, tmp_path: Path) -> None:
    """And so is what the plan that it shows tells."""
    write(tmp_path, LONDON)
    assert "at 1000 calls/s" in run("plan").stdout
    found = run("apply", "--auto-approve", "--rate", "500")
    assert found.exit_code == 0 and "at 500 calls/s" in found.stdout


@pytest.mark.parametrize(
    ("environ", "asked", "seconds"),
    [({}, None, 0), ({"CI": "true"}, None, 900), ({"CI": "true"}, 0, 0), ({}, 60, 60), ({"CI": ""}, None, 0)],
)
def test_how_long_another_run_is_waited_for(
    environ: dict[str, str], asked: int | None, seconds: float
) -> None:
    assert lock_timeout_seconds(Invocation(environ, Output(environ)), asked) == seconds


def test_a_state_held_by_another_run(tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    env = environment()
    subprocess.run(quickly("apply", "--auto-approve"), cwd=tmp_path, env=env, check=True, capture_output=True)
    write(tmp_path, LONDON, SEVEN)
    hold = (
        "import sys, time\n"
        "from pnsync.backends.local import LocalBackend\n"
        "from pnsync.cli.signals import Signals, SystemClock\n"
        "from pnsync.holder import Holder\n"
        "from pnsync.store.store import Store\n"
        "with Signals(gentle=True) as signals:\n"
        "    clock = SystemClock(signals)\n"
        "    store = Store(LocalBackend('state/pnsync.state.json', clock, root='.'), clock, pinned_lineage=None)\n"
        "    with store.hold(Holder('3f2c9a10', 'maria', 'ci-runner-7', 4411, 'pnsync apply', 0), timeout=0):\n"
        "        print('held', flush=True)\n"
        "        sys.stdin.read()\n"
    )
    with subprocess.Popen(
        forking.command("-c", hold), cwd=tmp_path, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        found = subprocess.run(
            quickly("apply", "--auto-approve", "--result", "v.json"),
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
        )
        assert found.returncode == 6
        assert "maria on ci-runner-7 (pid 4411)" in found.stderr
        assert "pnsync unlock 3f2c9a10" in found.stderr
        assert json.loads((tmp_path / "v.json").read_text())["exit"] == 6
        plan = subprocess.run(quickly("plan"), cwd=tmp_path, env=env, capture_output=True, text=True)
        assert plan.returncode == 0
        unlocked = subprocess.run(
            quickly("unlock", "3f2c9a10"), cwd=tmp_path, env=env, capture_output=True, text=True
        )
        assert unlocked.returncode == 0, unlocked.stderr
        again = subprocess.run(
            quickly("apply", "--auto-approve"), cwd=tmp_path, env=env, capture_output=True, text=True
        )
        assert again.returncode == 0, again.stderr
        holder.communicate()


def test_no_core_is_dumped_and_files_are_private(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    for words in (("apply", "--auto-approve"), ("validate",), ("numbers", "list"), ("no-such-command",)):
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        run(*words)
        assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0, words
    for one in (tmp_path / "state").iterdir():
        assert one.stat().st_mode & 0o077 == 0, one


def test_the_sandbox_serves_until_it_is_stopped(tmp_path: Path) -> None:
    with subprocess.Popen(
        quickly("sandbox", "serve", "--port", "0"),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("nxcloud  http://127.0.0.1:")
        port = int(line.split(":")[2].split("/")[0])
        assert (
            httpx.get(f"http://127.0.0.1:{port}/_sandbox/nxcloud/bindings", trust_env=False).status_code
            == 200
        )
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with SandboxServer() as server:
        found = subprocess.run(
            quickly("sandbox", "serve", "--port", str(server.port)),
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=20,
        )
    assert found.returncode == 1
    assert "cannot be taken" in found.stderr and "in use" in found.stderr
    assert "pnsync sandbox serve --port 0" in found.stderr


def test_a_partial_apply_names_what_failed_and_what_was_not_tried(
    run: Run, tmp_path: Path, keys: None
) -> None:
    desks = [
        f"desk-{i}: {{mode: axb_extension, phone_a: 44770090010{i}, phone_x: 447401264117, extension: 10{i}}}"
        for i in range(4)
    ]
    with SandboxServer() as server:
        served(tmp_path, server.url, *desks)
        fault = {"operation": "bindAXB*", "nth": 2, "reply": "code", "code": 10010, "effect": "never"}
        httpx.post(f"{server.url}/_sandbox/nxcloud/faults", json=[fault], trust_env=False).raise_for_status()
        found = run("apply", "--auto-approve", "--settle", "0", "--result", "v.json")
    assert found.exit_code == 3
    assert "  ! bindings.desk-1  failed     10010: " in found.stdout
    assert "\nNot tried: bindings.desk-2, bindings.desk-3\n" in found.stdout
    body = json.loads((tmp_path / "v.json").read_text())
    assert (body["done"], body["failed"]) == (1, 1)
    assert body["failures"][0]["vendor_code"] == "10010"
