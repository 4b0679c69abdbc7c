"""The whole program on a folder with one hostile file in it: refused means that no vendor was asked for anything.

`apply` is run in this process on a state with bindings, a journal that a run left, and something to do. What is refused
as a file, a configuration or a state makes no call at all; what is refused as a plan or by a limit makes no writing one.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import httpx
from click.testing import CliRunner

from pnsync.backends.local import LocalBackend
from pnsync.cli.main import program
from pnsync.errors import ExitCode
from pnsync.holder import Holder
from pnsync.journal import Noted
from pnsync.sandbox.transport import SandboxTransport
from pnsync.store.store import Store
from tests.e2e.tap import WRITES
from tests.fuzz.targets import Make, Target, damaged, rightly_summed_plan, rightly_summed_state
from tests.stores.clocks import StepClock

ROOT = """version: 1
numbers: numbers.yaml
providers:
  nx: {{type: nxcloud, endpoint: sandbox, rate: 1000}}
  la: {{type: laaffic, endpoint: sandbox, rate: 1000, app_id: 4luaKsL2}}
defaults: {{provider: nx, expires_in: 1d}}
bindings:
  desk: {{mode: axb_extension, phone_a: alice, phone_x: 447401264117, extension: 101}}
  driver: {{provider: la, mode: axb, phone_a: carol, phone_b: dave, pool_number: 918806, expires_in: 2d}}
{more}"""
NEW = "  ride: {mode: axb, phone_a: alice, phone_b: bob}\n"
NUMBERS = b"alice: 447700900123\nbob: +44 7700 900124\ncarol: 447700900125\ndave: 447700900126\n"
FILES = {
    "yaml": "pnsync.yaml",
    "numbers": "numbers.yaml",
    "state": "state/pnsync.state.json",
    "journal": "state/pnsync.state.json.journal",
    "plan": "reviewed.pnsplan",
}
UNASKED = {ExitCode.USAGE, ExitCode.STATE}
"""A run that ends so has asked nobody anything."""
UNWRITTEN = {ExitCode.STALE_PLAN, ExitCode.POLICY}
"""A run that ends so has changed nothing."""


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """The calls to the simulated vendors, "write" and "read"."""
    calls: Counter[str] = Counter()
    original = SandboxTransport.handle_request

    def counting(self: SandboxTransport, request: httpx.Request) -> httpx.Response:
        name = request.headers.get("action") or "/".join(request.url.path.split("/")[-2:])
        calls["write" if any(fnmatchcase(name, one) for one in WRITES) else "read"] += 1
        return original(self, request)

    SandboxTransport.handle_request = counting  # type: ignore[method-assign]
    try:
        yield calls
    finally:
        SandboxTransport.handle_request = original  # type: ignore[method-assign]


class Folder:
    """A project's folder as it is before each run."""

    def __init__(self) -> None:
        self._kept = tempfile.TemporaryDirectory(prefix="pnsync-fuzz-")
        self.path = Path(self._kept.name)
        (self.path / "pnsync.yaml").write_text(ROOT.format(more=""))
        (self.path / "numbers.yaml").write_bytes(NUMBERS)
        self.run("apply", "--auto-approve", code=0)
        (self.path / "pnsync.yaml").write_text(ROOT.format(more=NEW))
        store = Store(
            LocalBackend(str(self.path / FILES["state"]), StepClock()), StepClock(), pinned_lineage=None
        )
        with store.hold(Holder("7d1f90aa", "maria", "here", 1, "pnsync apply", 1), timeout=0) as session:
            session.record(Noted("colour", "blue"))
        self.run("plan", "--out", FILES["plan"], code=0)
        self.files = {
            one.relative_to(self.path): one.read_bytes() for one in self.path.rglob("*") if one.is_file()
        }

    def run(self, *words: str, code: int | None = None) -> int:
        """Run a command; its exit code."""
        ended = CliRunner().invoke(program, ["-C", str(self.path), *words], env={"PNSYNC_PLAN_KEY": None})
        told = ended.output
        assert isinstance(ended.exception, SystemExit | None), ended.exception
        assert "Traceback" not in told and "This is a bug" not in told, told
        assert code is None or ended.exit_code == code, told
        return int(ended.exit_code)

    def restore(self) -> None:
        """As it was."""
        for one in self.path.iterdir():
            shutil.rmtree(one) if one.is_dir() else one.unlink()
        for path, data in self.files.items():
            (self.path / path).parent.mkdir(mode=0o700, exist_ok=True)
            (self.path / path).write_bytes(data)

    def apply(self, kind: str, data: bytes) -> tuple[int, Counter[str]]:
        """Apply with one file as given; how that ends, and the calls."""
        self.restore()
        (self.path / FILES[kind]).write_bytes(data)
        with counted() as calls:
            return self.run("apply", *([FILES[kind]] if kind == "plan" else ["--auto-approve"])), calls


@cache
def folder() -> Folder:
    """One for a process."""
    return Folder()


def feed_to(kind: str) -> Callable[[bytes], None]:
    """Run with this file."""

    def feed(data: bytes) -> None:
        code, calls = folder().apply(kind, data)
        assert code in list(ExitCode), code
        assert not calls or code not in UNASKED, (code, calls)
        assert not calls["write"] or code not in UNWRITTEN, (code, calls)

    return feed


def or_else(make: Make) -> Make:
    """Damaged bytes, or, as often, a damaged content with its sum made right."""
    return lambda random, seeds: (damaged if random.random() < 0.5 else make)(random, seeds)


MAKES = {"state": or_else(rightly_summed_state), "plan": or_else(rightly_summed_plan)}


def targets() -> dict[str, Target]:
    """The program with each of the files that it reads."""
    return {
        one.name: one
        for one in (
            Target(
                f"program, {kind}",
                [folder().files[Path(path)]],
                feed_to(kind),
                MAKES.get(kind, damaged),
                share=0.3,
                floor_bytes=16 << 20,
            )
            for kind, path in FILES.items()
        )
    }
