"""`python -m benchmarks.places [SIZE ..]`: what the places of a state cost, and where a plan's work goes, by size.

First what a record takes at each place: a run records binds one by one, as an apply does, with nothing in between. Then,
for each size, the state's own bytes (plain and sealed), what writing and reading a snapshot costs this process, and the
CPU seconds and memory of a whole `plan --no-refresh`, alone and as one of four shards. Servers are started here: their
programs must be installed. Wall time tells of the machine and what else it does; CPU seconds tell of pnsync.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from stores import places, servers
from stores.state_server import StateServer
from stores.values import events_of_a_run, holder

from benchmarks.__main__ import measured, write_repository
from pnsync.config import load
from pnsync.identity import customer_bind_id
from pnsync.interfaces import Backend
from pnsync.model import NEVER
from pnsync.scope import Shard
from pnsync.sharding.sharded import ShardedStore
from pnsync.state import State, target_of
from pnsync.statefile import document
from pnsync.store.store import Store, new_state
from pnsync.workflow import CALLS_A_RECORD

RECORDS = 200
POSTGRES = "{backend: postgres, dsn: {env: STATE_DSN}, name: %s}"


class WallClock:
    """The machine's time."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


def each_place(work: Path) -> dict[str, tuple[Backend, int]]:
    """A fresh place of each kind, and how many calls an apply lets share a record there."""
    clock = WallClock()
    endpoint = servers.seaweed().endpoint
    texts = {
        "local": f"local {work / 'state' / 'pnsync.state.json'}",
        "postgres": f"postgres {servers.postgres().folder} {uuid4()}",
        "object": f"object {endpoint} s3://{servers.BUCKET}/{uuid4()}",
        "http": f"http {StateServer().address}/{uuid4()} locked",
        "git": f"git {places.bare(work)} refs/pnsync/{uuid4()}",
    }
    return {
        name: (places.open_place(text, clock), CALLS_A_RECORD.get(name, 1)) for name, text in texts.items()
    }


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and CPU seconds of this process and the programs it began."""
    before, began = os.times(), time.monotonic()
    work()
    after = os.times()
    return time.monotonic() - began, sum(after[:4]) - sum(before[:4])


def records(name: str, place: Backend, calls: int, filled: State) -> None:
    """Record binds one by one in a state of 1,000 bindings."""
    store = Store(place, WallClock(), pinned_lineage=None)
    store.write(filled, None)
    steps = events_of_a_run(RECORDS)
    with store.hold(holder(), timeout=0) as session:
        session.record(*steps[0])

        def run() -> None:
            for step in steps[1:]:
                session.record(*step)

        seconds, cpu = timed(run)
        session.finish()
    each = 1000 / (len(steps) - 1)
    print(
        f"{name:10}{1000 / (seconds * each):>12.0f}{1000 * calls / (seconds * each):>12.0f}{cpu * each:>12.2f}",
        flush=True,
    )


def full(folder: Path) -> State:
    """The state of a repository all of whose bindings are live."""
    desired = load(folder, "pnsync.yaml", environ={})
    empty = new_state()
    entries = {}
    for one in desired.bindings.values():
        ours = customer_bind_id(empty.lineage, one.address, 1, None)
        target = target_of(one, generation=1, customer_bind_id=ours)
        entries[one.address] = replace(target, bind_id=one.name, bound_at=1_700_000_000, expires_at=NEVER)
    return replace(empty, entries=entries, generations=dict.fromkeys(entries, 1))


def sealed(state: State) -> int:
    """The size of a state whose numbers are sealed one by one."""
    from tests.sealing.keyholders import Holder

    return len(document.dumps(state, Holder().codec()))


def sizes(size: int, work: Path) -> None:
    """What a state of so many bindings costs."""
    folder = work / str(size)
    write_repository(folder, size)
    state = full(folder)
    data = document.dumps(state)
    _, writing = timed(lambda: document.dumps(state))
    _, reading = timed(lambda: document.loads(data))
    os.environ["STATE_DSN"] = servers.postgres().dsn
    name = uuid4()
    root = folder / "pnsync.yaml"
    text = root.read_text()
    text = text.replace("{backend: local, path: state/pnsync.state.json}", POSTGRES % name)
    root.write_text(text.replace("endpoint: sandbox", 'endpoint: "http://127.0.0.1:9/"'))
    os.environ |= {"NXCLOUD_ACCESS_KEY": "sandbox", "NXCLOUD_ACCESS_SECRET": "sandbox"}
    place = places.open_place(f"postgres {servers.postgres().folder} {name}", WallClock())
    store = ShardedStore(place, WallClock(), pinned_lineage=None)
    store.write(state, None)
    alone, memory = measured(folder, "plan", "--no-refresh")
    _, parting = timed(lambda: store.hold_part(Shard(0, 4), holder(), timeout=0).__exit__(None, None, None))
    part, part_memory = measured(folder, "plan", "--no-refresh", "--shard", "0/4")
    print(
        f"{size:>8,}{len(data) / 1e6:>9.1f}{sealed(state) / 1e6:>9.1f}{writing:>9.2f}{reading:>9.2f}"
        f"{alone:>9.2f}{memory:>7.0f}{part:>9.2f}{part_memory:>7.0f}{parting:>9.2f}",
        flush=True,
    )


def main(wanted: list[int]) -> None:
    """Measure, and print two tables."""
    servers.postgres()
    with tempfile.TemporaryDirectory() as made:
        work = Path(made)
        write_repository(work / "thousand", 1000)
        filled = full(work / "thousand")
        print(f"{'place':10}{'records/s':>12}{'calls/s':>12}{'CPU ms each':>12}")
        for name, (place, calls) in each_place(work).items():
            records(name, place, calls, filled)
        print()
        print(f"{'':8}{'MB':>9}{'sealed':>9}{'write s':>9}{'read s':>9}{'plan s':>9}{'MiB':>7}", end="")
        print(f"{'of 4 s':>9}{'MiB':>7}{'parts s':>9}")
        for size in wanted:
            sizes(size, work)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [1000, 10_000, 100_000])
