"""`python -m benchmarks [SIZE ..]`: plans of 1,000 and 10,000 bindings, measured as a user would run them.

Each figure is the command's own CPU time (user and system, of its process) and its peak memory; wall time is not
shown, as it tells more of the machine than of pnsync. The vendor is the sandbox in the same process, whose share is
told apart by `plan --no-refresh`.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = """\
version: 1
include: ["bindings/*.yaml"]
state: {{backend: local, path: state/pnsync.state.json}}
providers:
  nx: {{type: nxcloud, endpoint: sandbox, rate: 10000}}
defaults: {{provider: nx, expires_in: never}}
policy: {{max_rebind: {size}, max_unbind: {size}, max_missing: {size}}}
"""

NUMBERS = [f"4420794600{number:02d}" for number in range(100)]
"""X numbers of the range that Ofcom keeps for fiction."""


def write_repository(folder: Path, size: int) -> None:
    """A root file and `size` extension bindings in files of a thousand, seven keys each."""
    (folder / "bindings").mkdir(parents=True)
    (folder / "pnsync.yaml").write_text(ROOT.format(size=size))
    for start in range(0, size, 1000):
        lines = ["bindings:"]
        for number in range(start, min(start + 1000, size)):
            lines += [
                f"  desk-{number}:",
                "    mode: axb_extension",
                f"    phone_a: 447700900{number % 1000:03d}",
                f"    phone_b: 447700900{(number + 1) % 1000:03d}",
                f"    phone_x: {NUMBERS[number // 1000]}",
                f"    extension: {number % 1000:03d}",
                f"    recording: {'true' if number % 2 else 'false'}",
                "    expires_in: never",
            ]
        (folder / "bindings" / f"desks-{start // 1000:03d}.yaml").write_text("\n".join(lines) + "\n")


def measured(folder: Path, *words: str) -> tuple[float, float]:
    """CPU seconds and peak MiB of one `pnsync` command."""
    command = [sys.executable, "-m", "pnsync", *words]
    with subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "CI": ""},
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 2):
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode} in {folder}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main(sizes: list[int]) -> None:
    """Measure every size and print a table."""
    print(f"{'':28}{'CPU s':>10}{'peak MiB':>10}")

    def row(name: str, folder: Path, *words: str) -> None:
        seconds, mebibytes = measured(folder, *words)
        print(f"{name:28}{seconds:>10.2f}{mebibytes:>10.0f}", flush=True)

    with tempfile.TemporaryDirectory() as work:
        row("version", Path(work), "version")
        for size in sizes:
            folder = Path(work) / str(size)
            write_repository(folder, size)
            row(f"validate {size:,}", folder, "validate")
            row(f"plan {size:,} new", folder, "plan")
            row(f"apply {size:,}", folder, "apply", "--auto-approve")
            row(f"plan {size:,} unchanged", folder, "plan", "--detailed-exitcode")
            row(f"plan {size:,} --no-refresh", folder, "plan", "--no-refresh")


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [1000, 10_000])
