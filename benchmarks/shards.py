"""`python -m benchmarks.shards [CHANGES] [RATE]`: one run, then four with --shard i/4, of the same calls a second each.

The vendor is the sandbox as a server over HTTP, the state lies in PostgreSQL (started here, so its programs must be
installed) and then in an object store (SeaweedFS). What is shown: seconds from the first to the last bind at the vendor,
by its clock, which the rate decides and not the machine; CPU seconds of the runs together; bindings made twice.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import httpx
from stores import places, servers

from pnsync.sandbox.server import SandboxServer

SHARDS = 4
ROOT = """\
version: 1
state: {state}
providers:
  nx: {{type: nxcloud, endpoint: "{url}/nxcloud/{account}/api/pns/", settle_window: 0s, rate: {rate}}}
defaults: {{provider: nx, expires_in: 1d}}
bindings:
{bindings}
"""


def states() -> dict[str, str]:
    """A new place of each kind, as `state:` names it."""
    url = f"s3://{servers.BUCKET}/{uuid4()}"
    endpoint = servers.seaweed().endpoint
    return {
        "postgres": f"{{backend: postgres, dsn: {{env: STATE_DSN}}, name: {uuid4()}}}",
        "object": f"{{backend: object, url: '{url}', endpoint: '{endpoint}', region: us-east-1}}",
    }


def write(folder: Path, url: str, account: str, state: str, changes: int, rate: float) -> None:
    """A root file with so many bindings."""
    lines = [
        f"  ride-{n}: {{mode: axb, phone_a: 4477009{n + 50_000:05}, phone_b: 4477008{n:05}}}"
        for n in range(changes)
    ]
    text = ROOT.format(state=state, url=url, account=account, rate=rate, bindings="\n".join(lines))
    folder.mkdir()
    (folder / "pnsync.yaml").write_text(text)


def run(folder: Path, shards: int) -> float:
    """Run them at once to their ends; their CPU seconds."""
    environ = {
        **os.environ,
        **places.CREDENTIALS,
        "CI": "",
        "NXCLOUD_ACCESS_KEY": "sandbox",
        "NXCLOUD_ACCESS_SECRET": "sandbox",
        "STATE_DSN": servers.postgres().dsn,
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    runs = []
    for index in range(shards):
        words = ["apply", "--auto-approve", "--lock-timeout", "5m"]
        words += ["--shard", f"{index}/{shards}"] if shards > 1 else []
        command = [sys.executable, "-m", "pnsync", *words]
        runs.append(subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.DEVNULL))
    for one in runs:
        if one.wait():
            raise SystemExit(f"a run ended with {one.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(changes: int, rate: float) -> None:
    """Measure both places and print a table."""
    servers.postgres()
    print(f"{changes:,} binds, {rate:g} calls a second and run")
    print(f"{'state':10}{'runs':>6}{'seconds':>10}{'CPU s':>8}{'made twice':>12}")
    with tempfile.TemporaryDirectory() as work, SandboxServer() as server:
        for shards in (1, SHARDS):
            for name, state in states().items():
                account = f"{name}-{shards}"
                folder = Path(work) / account
                write(folder, server.url, account, state, changes, rate * shards)
                cpu = run(folder, shards)
                url = f"{server.url}/_sandbox/nxcloud/{account}/history"
                found = httpx.get(url, trust_env=False, timeout=60).json()
                made = [one for one in found if one["kind"] == "bind"]
                instants = [one["at"] for one in made]
                twice = sum(n > 1 for n in Counter(one["client_id"] for one in made).values())
                assert len(made) == changes, len(made)
                seconds = max(instants) - min(instants)
                print(f"{name:10}{shards:>6}{seconds:>10.1f}{cpu:>8.1f}{twice:>12}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000, float(sys.argv[2]) if len(sys.argv) > 2 else 10.0)
