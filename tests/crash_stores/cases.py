"""The cases: at which call to the place of its state an apply is ended or disturbed, how, and its recovery too.

Each runs in a fork of the prepared world of `crash.points`, on a fresh place of a real server.
"""

import os
import pickle
import select
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from crash.points import prepared
from simulation.history import converge
from simulation.world import Run, Universe, Violation, seeded
from stores.severing import ANSWER, REQUEST

from pnsync.errors import StateError
from pnsync.workflow import ApplyOptions

from .elsewhere import Client, Disturbance, Elsewhere
from .sites import Master, PostgresSite, Site

DEATHS = ("dies before", "dies after")
CUTS = ("request cut", "answer cut")
SHAKEN = {"postgres": ("terminated", "restarted"), "object": ("restarted",), "git": ()}
"""What else happens to a kind of server."""


@dataclass(frozen=True)
class Case:
    """The n-th call of the apply, what happens there (`byte` is where it is cut), and the call at which its recovery dies."""

    seed: str
    parallelism: int
    first: int
    way: str
    byte: int = 0
    second: int = 0


@dataclass(frozen=True)
class Found:
    """How a case went. `broken` is "" or the promise that was broken."""

    broken: str
    went_on: bool = False
    """Whether the disturbed run ended as if nothing had been."""
    refused: str = ""
    """The code with which it ended otherwise."""
    struck: bool = True
    """Whether the disturbance took place: a byte to be cut at may not come."""


def disturbance(case: Case, site: Site, master: Master) -> Disturbance:
    """What a case does to a run."""
    if case.way == "dies before":
        return Disturbance(case.first, before=Client.die)
    if case.way == "dies after":
        return Disturbance(case.first, after=Client.die)
    if case.way in CUTS:
        proxy = site.proxy
        assert proxy is not None
        side = REQUEST if case.way == "request cut" else ANSWER
        return Disturbance(
            case.first,
            before=lambda client: proxy.arm(side, case.byte),
            after=lambda client: proxy.disarm(),
        )
    if case.way == "terminated":
        assert isinstance(site, PostgresSite)
        return Disturbance(case.first, before=lambda client: site.terminate())

    def restart(client: Client) -> None:
        master.ask("stop")
        client.sleeping_hooks.append(lambda: master.ask("start"))

    return Disturbance(case.first, before=restart)


def apply(universe: Universe, case: Case, client: Client) -> Run:
    """The apply that is disturbed, or its recovery."""
    options = ApplyOptions(parallelism=case.parallelism, settle_seconds=0)
    return universe.apply(Random(f"{case.seed}/apply"), process=client, options=options)


def try_case(prepared: Universe, case: Case, site: Site, master: Master) -> Found:
    """Disturb the apply there, end its recovery, recover, converge."""
    random = Random(f"{case}")
    universe = Elsewhere(prepared, site.kind, site.opens, site.direct)
    went_on, refused, struck = False, "", True
    try:
        if case.first:
            client = Client(disturbance(case, site, master))
            run = apply(universe, case, client)
            if client.sleeping_hooks:
                master.ask("start")
            struck = case.way not in CUTS or (site.proxy is not None and site.proxy.cuts > 0)
            went_on = run.verdict is not None
            if run.error is not None:
                if not isinstance(run.error, StateError):
                    raise run.error
                refused = run.error.code
                if case.way in CUTS and client.asked > 3:
                    return Found(f"one cut connection ended the run with {refused}")
            universe.check()
        if case.second:
            apply(universe, case, Client(Disturbance(case.second, before=Client.die)))
            universe.check()
        recovered = apply(universe, case, Client())
        if recovered.error is not None:
            return Found(f"the next run ends with {recovered.error.code} {recovered.error}")
        universe.check()
        converge(universe, random)
    except Violation as broken:
        return Found(str(broken))
    except Exception as error:
        return Found(f"{type(error).__name__}: {error}")
    return Found("", went_on, refused, struck)


def calls_of(universe: Universe, case: Case, site: Site, master: Master) -> list[int]:
    """The calls to the place of a run that nothing disturbs, or of the recovery of a case: how long each answer is."""
    elsewhere = Elsewhere(universe, site.kind, site.opens, site.direct)
    if case.first:
        apply(elsewhere, case, Client(disturbance(case, site, master)))
    client, proxy = Client(), site.proxy
    lengths: list[int] = []
    passed = 0

    def measure(name: str) -> None:
        nonlocal passed
        before, passed = passed, 0 if proxy is None else proxy.answered
        if name != "read lease":
            lengths.append(passed - before)

    client.meter = measure
    run = apply(elsewhere, case, client)
    assert run.verdict is not None, run
    assert len(lengths) == client.asked
    return lengths


class Cases:
    """The prepared world, and a fork of it for each case."""

    def __init__(self, seed: str, kind: str, site: Callable[[], Site], master: Master) -> None:
        self.seed, self.kind = seed, kind
        self._site, self._master = site, master
        with seeded(Random(seed)):
            self._prepared = prepared(seed)

    def calls(self, case: Case) -> list[int]:
        """What `calls_of` tells."""
        found = self._forked(case, lambda site, master: calls_of(self._prepared, case, site, master))
        assert isinstance(found, list), found
        return found

    def drawn(
        self, parallelism: int, *, stride: int, nested: int, random: Random, only: str | None = None
    ) -> Iterator[Case]:
        """Every `stride`-th call in every way (or `only` one); after a death every `nested`-th of the recovery (0: none)."""
        answers = self.calls(Case(self.seed, parallelism, 0, ""))
        calls = len(answers)
        ways = (*DEATHS, *(CUTS if self.kind != "git" else ()), *SHAKEN[self.kind])
        for turn, way in enumerate(ways):
            if only not in (None, way):
                continue
            step = stride * (4 if way == "restarted" else 1)
            for first in range(1 + turn % step, calls + 1, step):
                # The end of an answer tells that what was asked for is durable: losing that is the hardest.
                last = max(0, answers[first - 1] - 1 - random.randrange(16))
                anywhere = (0, 1, random.randrange(40), random.randrange(200), random.randrange(900))
                byte = random.choice((last, last, last, *anywhere) if way == "answer cut" else anywhere)
                case = Case(self.seed, parallelism, first, way, byte if way in CUTS else 0)
                yield case
                if nested and way == "dies after":
                    again = len(self.calls(case))
                    for second in range(1 + first % nested, again + 1, nested):
                        yield replace(case, second=second)

    def run(self, case: Case) -> Found:
        """One case."""

        def go(site: Site, master: Master) -> object:
            # Another random than the prepared world's: no two runs may have one name.
            with seeded(Random(f"{case}")):
                return try_case(self._prepared, case, site, master)

        found = self._forked(case, go)
        assert isinstance(found, Found), found
        return found

    def _forked(self, case: Case, work: Callable[[Site, Master], object]) -> object:
        ours, theirs = socket.socketpair()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                ours.close()
                made = pickle.dumps(work(self._site(), _Asking(theirs)))
                theirs.sendall(b"=" + made)
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        with ours:
            found = self._served(ours)
        os.waitpid(child, 0)
        assert found, f"{case}: the child ended without an answer"
        return pickle.loads(found)

    def _served(self, child: socket.socket) -> bytes:
        """Do what the child asks for; what it found in the end."""
        while True:
            select.select([child], [], [])
            kind = child.recv(1)
            if kind in (b"s", b"g"):
                self._master.ask("stop" if kind == b"s" else "start")
                child.sendall(b"!")
                continue
            found = b""
            while more := child.recv(65536):
                found += more
            return found if kind == b"=" else b""


class _Asking:
    """The server's owner, as a fork reaches it."""

    def __init__(self, pipe: socket.socket) -> None:
        self._pipe = pipe

    def ask(self, what: str) -> None:
        self._pipe.sendall(b"s" if what == "stop" else b"g")
        assert self._pipe.recv(1) == b"!"


def figures(kind: str, done: Counter[Any]) -> str:
    """A line a way."""
    lines = []
    for way in dict.fromkeys(way for way, _ in done):
        counts = ", ".join(f"{what} {count}" for (its, what), count in sorted(done.items()) if its == way)
        lines.append(f"{kind} · {way}: {counts}")
    return "\n".join(lines)
