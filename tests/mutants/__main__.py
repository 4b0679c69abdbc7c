"""`PYTHONPATH=tests python -m mutants`: makes each mutant and lets the histories and crash points look for it."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .patches import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
COVERED = "kept by another layer"


def main() -> int:
    """Print what caught each mutant; 1 where one lives that no other layer covers for."""
    parser = argparse.ArgumentParser(prog="python -m mutants")
    parser.add_argument("--only", default="", help="mutants whose name holds this")
    parser.add_argument("--worlds", type=int, default=1500)
    parser.add_argument("--seconds", type=float, default=150)
    asked = parser.parse_args()
    alive = 0
    unpatched = tried(Mutant("none", ()), 40, 30)
    if unpatched:
        print(f"the program itself is caught: {unpatched}")
        return 1
    chosen = [one for one in MUTANTS if asked.only in one.name]
    for mutant in chosen:
        began = time.monotonic()
        caught = tried(mutant, asked.worlds, asked.seconds)
        if not caught and not mutant.covered:
            alive += 1
        verdict = caught or (f"alone {COVERED}: {mutant.covered}" if mutant.covered else "ALIVE")
        print(f"{mutant.name:58} {time.monotonic() - began:6.1f} s  {verdict}", flush=True)
    print(f"{len(chosen)} mutants, {alive} alive")
    return int(alive > 0)


def tried(mutant: Mutant, worlds: int, seconds: float) -> str:
    """What caught it, "" when nothing did."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shutil.copytree(ROOT / "pnsync", folder / "pnsync", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("simulation", "crash"):
            shutil.copytree(
                ROOT / "tests" / name, folder / "tests" / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        for file, old, new in mutant.patches:
            path = folder / "pnsync" / file
            text = path.read_text("utf-8")
            if text.count(old) != 1:
                return f"DOES NOT FIT: {file} holds what it replaces {text.count(old)} times"
            path.write_text(text.replace(old, new), "utf-8")
        looks = (
            (
                "history",
                ["tests.simulation", "--worlds", str(worlds), "--seconds", str(seconds), "--no-shrink"],
            ),
            ("crash point", ["crash", "--nested", "0", "--first", "--seconds", "60"]),
            (
                "crash point with a power failure",
                ["crash", "--nested", "0", "--power", "--first", "--seconds", "60"],
            ),
        )
        named = directed(folder)
        if named:
            return f"scenario: {named}"
        for name, command in looks:
            found = looked(folder, command)
            if found:
                return f"{name}: {found}"
    return ""


def directed(folder: Path) -> str:
    """The first directed scenario that fails on the mutant."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{folder}{os.pathsep}{folder / 'tests'}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "tests/simulation/test_directed.py",
    ]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    failed = [one for one in done.stdout.splitlines() if one.startswith(("FAILED", "ERROR"))]
    return failed[0].split("::")[-1][:110] if failed else ""


def looked(folder: Path, command: list[str]) -> str:
    """The first line of what a campaign on the mutant found."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{folder}{os.pathsep}{folder / 'tests'}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return ""
    lines = [one for one in done.stdout.splitlines() if "breaks" in one or one.startswith("Case(")]
    return lines[0][:150] if lines else f"it does not run: {done.stderr.strip().splitlines()[-1:]}"


if __name__ == "__main__":
    sys.exit(main())
