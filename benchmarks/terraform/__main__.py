"""`python -m benchmarks.terraform [--provider-python P] [--json FILE]`: both programs, killed at the same points.

Each case: twenty bindings are declared, an apply is killed with SIGKILL together with all its children, then the same
command is given once more, as a scheduled job would. Where a lock is left that the second run does not overcome, it is
broken as a person would break it, and the command given a third time. What lives at the vendor is counted by the vendor.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic, sleep

from benchmarks.terraform.gate import Gate, gated
from benchmarks.terraform.tools import BINDINGS, LOCK_SECONDS, PAIRS, Pnsync, Terraform, Tool, kill
from tests.e2e.vendors import Account, serving

PLACES = ("local", "postgres", "http")
WITHIN_SECONDS = 60.0
Scenario = Callable[[Tool, Gate], None]


@dataclass(frozen=True, slots=True)
class Found:
    """What one case came to."""

    scenario: str
    place: str
    tool: str
    live: int
    """At the vendor after the kill."""
    recorded: int | None
    """Of those, in the state as bound; None: the state cannot be read."""
    attempts: int
    """Noted in the state as begun, with everything that is needed to find out what became of them."""
    lock_left: bool
    """Whether a person had to break a lock before anything could go on."""
    exit: int
    """Of the run after the kill, once the lock was free."""
    live_after: int
    lost: int
    """At the vendor after that run, and in no state."""
    doubled: int
    """Pairs that have more than one binding then, counted by the bindings that are too many."""
    missing: int
    """Declared pairs that have no binding then."""
    empty: bool
    """Whether a plan then finds nothing to do."""


def answer_withheld(tool: Tool, gate: Gate) -> None:
    """Nine are bound; the tenth has taken effect, and its answer has not arrived."""
    gate.answered = 9
    process = tool.start(tool.apply(1))
    gate.wait(1)
    kill(process)


def not_recorded(tool: Tool, _: Gate) -> None:
    """The tenth answer has arrived, and is not recorded yet."""
    file = tool.folder / "answered"
    process = tool.start(tool.apply(1, held=(10, file)))
    until = monotonic() + WITHIN_SECONDS
    while not file.exists():
        if monotonic() > until or process.poll() is not None:
            raise SystemExit((tool.folder / "killed.log").read_text(errors="replace"))
        sleep(0.05)
    kill(process)


def in_parallel(tool: Tool, gate: Gate) -> None:
    """Five are bound; ten more are in flight, and all have taken effect."""
    gate.answered = 5
    process = tool.start(tool.apply(10))
    gate.wait(10)
    kill(process)


def while_recording(number: int) -> Scenario:
    """Killed by the kernel as it begins the n-th write to the local file that is written during an apply."""

    def kills(tool: Tool, _: Gate) -> None:
        inject = f"inject=write,pwrite64:signal=KILL:when={number}"
        traced = [
            "strace",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-P",
            str(tool.journal),
            "-e",
            "trace=write,pwrite64",
            "-e",
            inject,
        ]
        process = tool.start([*traced, *tool.apply(1)])
        process.wait(WITHIN_SECONDS * 2)
        kill_rest(process)

    return kills


def kill_rest(process: "subprocess.Popen[bytes]") -> None:
    """End the children of a process that has been killed."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


SCENARIOS: dict[str, tuple[Scenario, tuple[str, ...]]] = {
    "effect, no answer": (answer_withheld, PLACES),
    "answer, not recorded": (not_recorded, PLACES),
    "ten in flight": (in_parallel, PLACES),
    **{f"write {number} of the state": (while_recording(number), ("local",)) for number in (1, 3, 6, 9)},
}


def case(tool_type: type[Tool], scenario: str, place: str, url: str, folder: Path) -> Found:
    """Kill, look, run again, look."""
    name = "-".join((tool_type.name, scenario, place)).lower().replace(" ", "-").replace(",", "")
    account = Account(url, "nxcloud", name)
    with gated(url) as gate:
        tool = tool_type(folder / name, f"{gate.url}/nxcloud/{name}/api/pns/", place)
        SCENARIOS[scenario][0](tool, gate)
        gate.open()
        live = {str(row["bind_id"]) for row in account.bindings()}
        before = tool.recorded()
        again = tool.run(tool.apply(4))
        lock = tool.lock_left(again)
        if lock is not None:
            tool.run(tool.unlock(lock))
            again = tool.run(tool.apply(4))
        rows = account.bindings()
        pairs = Counter((row["phone_a"], row["phone_b"]) for row in rows)
        known, _ = tool.recorded() or (set(), 0)
        (tool.folder / "again.log").write_text(again.stdout + again.stderr)
        return Found(
            scenario,
            place,
            tool.name,
            len(live),
            None if before is None else len(live & before[0]),
            0 if before is None else before[1],
            lock is not None,
            again.returncode,
            len(rows),
            sum(str(row["bind_id"]) not in known for row in rows),
            sum(times - 1 for times in pairs.values()),
            len(set(PAIRS) - pairs.keys()),
            tool.empty(),
        )


def table(found: list[Found]) -> str:
    """All cases, as Markdown."""
    lines = [
        "| killed | state | program | live | in the state | attempts noted | lock to break | next exit | live then | lost | doubled | missing | plan empty |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in found:
        known = "unreadable" if one.recorded is None else one.recorded
        cells = (
            one.scenario, one.place, one.tool, one.live, known, one.attempts, "yes" if one.lock_left else "no", one.exit,
            one.live_after, one.lost, one.doubled, one.missing, "yes" if one.empty else "no",
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run all cases, three at a time, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.terraform", description=__doc__)
    parser.add_argument("--provider-python", default=sys.executable, help="a Python with grpcio and msgpack")
    parser.add_argument("--json", type=Path, help="the figures, for programs")
    parser.add_argument("--keep", type=Path, help="a new folder for everything that the cases leave")
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    given = parser.parse_args()
    os.environ["PROVIDER_PYTHON"] = given.provider_python
    if shutil.which("terraform") is None:
        sys.exit("Terraform is not installed.")
    with tempfile.TemporaryDirectory() as work:
        folder = given.keep or Path(work)
        folder.mkdir(exist_ok=True)
        Terraform.write_provider(folder / "mirror")
        with serving(folder / "vendors") as vendors, ThreadPoolExecutor(3) as pool:
            begun = [
                pool.submit(case, tool, scenario, place, vendors.url, folder)
                for scenario, (_, places) in SCENARIOS.items()
                if given.only in scenario and (shutil.which("strace") or not scenario.startswith("write"))
                for place in places
                for tool in (Terraform, Pnsync)
            ]
            found = [one.result() for one in begun]
    version = subprocess.run(
        ["terraform", "version"], capture_output=True, text=True, check=True
    ).stdout.splitlines()[0]
    print(f"{version}; {BINDINGS} bindings; the second run waits up to {LOCK_SECONDS} s for the lock.\n")
    print(table(found))
    if given.json:
        given.json.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n")


if __name__ == "__main__":
    main()
