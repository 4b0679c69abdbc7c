"""Ways to run the program: in this process, and as one of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests import forking

REPOSITORY = Path(__file__).parents[2]
KEPT = ("PATH", "TMPDIR", "LANG", "LC_ALL", "COVERAGE_PROCESS_START")

Run = Callable[..., Result]
Spawn = Callable[..., "subprocess.CompletedProcess[bytes]"]


def environment(**more: str) -> dict[str, str]:
    """A small environment for a process of its own."""
    found = {name: os.environ[name] for name in KEPT if name in os.environ}
    return found | {"PYTHONPATH": str(REPOSITORY)} | more


def argv(*args: str) -> list[str]:
    """The command line of the program as a process."""
    return [sys.executable, "-m", "pnsync", *args]


def quickly(*args: str) -> list[str]:
    """The same, in the quick profile of a fork; for what is not about how a process begins or ends."""
    return forking.command("-m", "pnsync", *args)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the program in this process, in an empty folder and without anything of ours in the environment."""
    from pnsync.cli.main import program

    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("PNSYNC_", "NXCLOUD_", "LAAFFIC_", "GITHUB_")) or name in ("CI", "NO_COLOR"):
            monkeypatch.delenv(name)

    def runs(*args: str, **kwargs: str) -> Result:
        return CliRunner().invoke(program, list(args), **kwargs)

    return runs


@pytest.fixture
def spawn(tmp_path: Path) -> Spawn:
    """Run the program as a process of its own."""

    def spawns(
        *args: str, env: dict[str, str] | None = None, **kwargs: object
    ) -> "subprocess.CompletedProcess[bytes]":
        values = {"cwd": tmp_path, "capture_output": True, "timeout": 30} | kwargs
        return subprocess.run(argv(*args), env=environment() if env is None else env, **values)

    return spawns
