"""`python -m tests.mutation [MODULE…]`: a table of the mutants of each module, and those that live."""

import argparse
import io
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

from tests.mutation.explained import PAGE, explained
from tests.mutation.modules import MODULES, Module
from tests.mutation.results import Mutant, forget_survivors, mutants_of

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".mutation"
COPIED = ("pnsync", "tests", "docs", "examples", "pyproject.toml")
LEAST = 95.0
SECTION = "[tool.mutmut]\n"


def main() -> int:
    """Measure the modules asked for; 1 where too many mutants live."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument(
        "modules", nargs="*", choices=[*MODULES, []], metavar="MODULE", help=", ".join(MODULES)
    )
    parser.add_argument("--fresh", action="store_true", help="forget earlier results, killed mutants too")
    parser.add_argument("--commit", action="store_true", help="take HEAD, not the work tree")
    parser.add_argument(
        "--only", default="", help="mutants of these functions alone: `Class.method,function`"
    )
    parser.add_argument("--jobs", type=int, default=1, help="mutants tried at once")
    asked = parser.parse_args()
    page = PAGE.read_text("utf-8")
    revision = _revision(committed=asked.commit)
    rows, short = [], False
    for name in asked.modules or MODULES:
        module = MODULES[name]
        before = _spent()
        folder = WORK / name
        if asked.fresh:
            shutil.rmtree(folder, ignore_errors=True)
        _copy(folder, committed=asked.commit)
        for tests in (module.first, module.tests):
            if tests:
                _configure(folder, module.file, tests)
                forget_survivors(folder, module.file)
                _run(folder, asked.only, asked.jobs)
        found = mutants_of(folder, module.file)
        known = explained(module.file, page)
        live = [one for one in found if not one.killed and one.exit_code is not None]
        unexplained = [one for one in live if one.key not in known]
        rows.append(_row(module, found, live, unexplained, _spent() - before))
        short |= _score(found, live, unexplained) < LEAST
        print(f"\n{module.file}: {len(unexplained)} alive and not explained")
        for one in unexplained:
            print(f"{one}   [{one.name.rpartition('__mutmut_')[2]}]")
        for key in sorted(known - {one.key for one in live}):
            print(f"explained, but no survivor: {' | '.join(key)}")
        sys.stdout.flush()
    print(f"\nat {revision}")
    print("| file | mutants | killed | survived | of those equivalent | score | CPU s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    print("\n".join(rows))
    return int(short)


def _score(found: list[Mutant], live: list[Mutant], unexplained: list[Mutant]) -> float:
    killed = sum(1 for one in found if one.killed)
    counted = killed + len(unexplained)
    return 100 * killed / counted if counted else 100.0


def _row(
    module: Module, found: list[Mutant], live: list[Mutant], unexplained: list[Mutant], seconds: float
) -> str:
    killed = sum(1 for one in found if one.killed)
    equivalent = len(live) - len(unexplained)
    score = _score(found, live, unexplained)
    untried = sum(1 for one in found if one.exit_code is None)
    more = f" ({untried} not tried)" if untried else ""
    return f"| {module.file} | {len(found)}{more} | {killed} | {len(live)} | {equivalent} | {score:.1f} % | {seconds:.0f} |"


def _copy(folder: Path, *, committed: bool) -> None:
    """Bring the working copy up to date; files that did not change keep their times, so mutmut keeps its results."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = _committed() if committed else _work_tree()
    for path in sorted(folder.rglob("*"), reverse=True):
        relative = path.relative_to(folder)
        if relative.parts[0] != "mutants" and path.is_file() and relative.as_posix() not in wanted:
            path.unlink()
    for relative, content in wanted.items():
        path = folder / relative
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _work_tree() -> dict[str, bytes]:
    found = {}
    for name in COPIED:
        top = ROOT / name
        for path in [top] if top.is_file() else top.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                found[path.relative_to(ROOT).as_posix()] = path.read_bytes()
    return found


def _committed() -> dict[str, bytes]:
    packed = subprocess.run(
        ["git", "archive", "HEAD", *COPIED], cwd=ROOT, check=True, stdout=subprocess.PIPE
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return {
            one.name: file.read() for one in archive if one.isfile() and (file := archive.extractfile(one))
        }


def _configure(folder: Path, file: str, tests: tuple[str, ...]) -> None:
    """The module's part of the configuration; mutmut's own copies are made anew but for the mutated file."""
    path = folder / "pyproject.toml"
    chosen = ", ".join(f'"{one}"' for one in tests)
    own = f'only_mutate = ["{file}"]\npytest_add_cli_args_test_selection = [{chosen}]\n'
    before, _, rest = path.read_text("utf-8").partition(SECTION)
    rest = "".join(
        line
        for line in rest.splitlines(keepends=True)
        if not line.startswith(("only_mutate", "pytest_add_cli_args_test"))
    )
    path.write_text(f"{before}{SECTION}{own}{rest}", "utf-8")
    made = folder / "mutants"
    if made.exists():
        kept = {made / file, made / f"{file}.meta", made / f"{file}.spans"}
        for one in made.rglob("*"):
            if one.is_file() and one not in kept:
                one.unlink()


def _run(folder: Path, only: str, jobs: int) -> None:
    wanted = [f"*{one.replace('.', 'ǁ')}__mutmut_*" for one in only.split(",") if one]
    environment = {
        **os.environ,
        "PYTHONPATH": "",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": ".",
    }
    program = Path(sys.executable).with_name("mutmut")
    began = time.monotonic()
    done = subprocess.run(
        ["nice", "-n", "10", str(program), "run", "--max-children", str(jobs), *wanted],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        last = "\n".join(done.stdout.replace("\r", "\n").splitlines()[-60:])
        raise SystemExit(
            f"mutmut ended with {done.returncode} after {time.monotonic() - began:.0f} s\n{last}"
        )


def _revision(*, committed: bool) -> str:
    asked = ["git", "describe", "--always", "--exclude=*", *([] if committed else ["--dirty"])]
    return subprocess.run(asked, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
