"""`PYTHONPATH=tests python -m crash_stores KIND`: every call of an apply to the place of its state, in every way."""

import argparse
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from stores import servers

from .cases import Cases, figures
from .sites import GitSite, Master, ObjectSite, PostgresSite, Site


class Owner:
    """Stops and starts a server of this process."""

    def __init__(self, server: servers.Postgres | servers.Seaweed | None) -> None:
        self._server = server

    def ask(self, what: str) -> None:
        assert self._server is not None
        self._server.stop() if what == "stop" else self._server.start()


def site_of(kind: str) -> tuple[Callable[[], Site], Master]:
    """Where the cases of a kind keep their states, and who owns the server."""
    if kind == "postgres":
        postgres = servers.postgres()
        return lambda: PostgresSite(postgres.folder), Owner(postgres)
    if kind == "object":
        weed = servers.seaweed()
        return lambda: ObjectSite(weed.endpoint), Owner(weed)
    folder = Path(tempfile.mkdtemp(prefix="pns-"))
    return lambda: GitSite(folder), Owner(None)


def main() -> int:
    """Run the cases, print what was broken and the figures; 1 where something was."""
    parser = argparse.ArgumentParser(prog="python -m crash_stores")
    parser.add_argument("kind", choices=("postgres", "object", "git"))
    parser.add_argument("--seed", default="crash-0", help="the world")
    parser.add_argument("--parallelism", type=int, default=1)
    parser.add_argument("--stride", type=int, default=1, help="every n-th call")
    parser.add_argument("--nested", type=int, default=0, help="every n-th call of the recoveries; 0: none")
    parser.add_argument("--way", help="only this one, as `answer cut`")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    began = time.process_time()
    cases = Cases(asked.seed, asked.kind, *site_of(asked.kind))
    drawn = cases.drawn(
        asked.parallelism,
        stride=asked.stride,
        nested=asked.nested,
        random=Random(asked.seed),
        only=asked.way,
    )
    done: Counter[tuple[str, str]] = Counter()
    broken = 0
    for case in drawn:
        found = cases.run(case)
        way = case.way + (", then its recovery dies" if case.second else "")
        done[way, "cases"] += 1
        done[way, "went on"] += found.went_on
        done[way, "not struck"] += not found.struck
        if found.refused:
            done[way, found.refused] += 1
        if found.broken:
            broken += 1
            print(case, found.broken, flush=True)
    total = sum(count for (_, what), count in done.items() if what == "cases")
    print(figures(asked.kind, +done))
    print(f"{total} cases; broken: {broken}; {time.process_time() - began:.0f} s of CPU in this process")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
