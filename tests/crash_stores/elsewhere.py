"""The simulated world with its state on a real server: time and vendors are simulated, what is stored is not.

The invariants are those of the simulation; what is durable is read from the server by a connection of its own.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any, TypeVar

from pydantic_core import from_json
from simulation.ledger import Ledger
from simulation.process import Process
from simulation.timeline import SimClock
from simulation.world import PATH, Run, Universe, Violation

from pnsync.backends.local import LocalBackend
from pnsync.backends.postgres import PostgresBackend
from pnsync.errors import StateError
from pnsync.interfaces import Backend, Blob, Clock, Exclusive
from pnsync.model import StateConfig
from pnsync.planning import Planned, PlanOptions, World
from pnsync.state import State
from pnsync.statefile import record as framing
from pnsync.store.lease import RENEW_SECONDS, Lease, Stop
from pnsync.store.store import Store
from pnsync.workflow import ApplyOptions

TAKEN_OVER_WITHIN = 75.0
"""No lock outlives its holder by more (G5)."""
Open = Callable[[Clock], Backend]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Disturbance:
    """What happens at the n-th call to the place: `before` it is made, `after` it took effect and nobody knows yet."""

    at: int
    before: Callable[["Client"], None] = lambda client: None
    after: Callable[["Client"], None] = lambda client: None


class Client(Process):
    """A run whose calls to the place are counted, but for looks at the lease, of which a waiting run makes many."""

    def __init__(self, disturbance: Disturbance | None = None) -> None:
        super().__init__()
        self.disturbance = disturbance
        self.asked = 0
        self.asked_for: list[str] = []
        self.meter: Callable[[str], None] = lambda name: None
        """Is told of each call that was answered."""

    def due(self, name: str) -> Disturbance | None:
        """Count a call; what is to happen at it."""
        if name == "read lease":
            return None
        self.asked += 1
        self.asked_for.append(name)
        one = self.disturbance
        return one if one is not None and one.at == self.asked else None


class Watched:
    """A backend as one run uses it; each call is a boundary before and after its effect."""

    def __init__(self, backend: Backend, client: Process, universe: "Elsewhere") -> None:
        self.backend = backend
        self.location = backend.location
        self._client = client
        self._universe = universe

    def _ask(self, name: str, ask: Callable[[], Answer]) -> Answer:
        client = self._client
        due = client.due(name) if isinstance(client, Client) else None
        client.point(name)
        if due is not None:
            due.before(client)
        try:
            found = ask()
        except StateError:
            if name.startswith(("append", "write snapshot")):
                client.storage_failed = True
            raise
        finally:
            if due is not None and not client.dead:
                due.after(client)
        client.point(f"{name}, answered")
        if isinstance(client, Client):
            client.meter(name)
        return found

    def read(self, name: str) -> Blob | None:
        return self._ask(f"read {name}", lambda: self.backend.read(name))

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        return self._ask(f"write {name}", lambda: self.backend.write(name, data, expected))

    def records(self, after: int) -> Any:
        return self._ask("records", lambda: self.backend.records(after))

    def append(self, seq: int, record: bytes) -> None:
        self._ask("append", lambda: self.backend.append(seq, record))

    def drop(self, through: int) -> None:
        self._universe.ledger.catch_up()
        self._ask("drop", lambda: self.backend.drop(through))

    def reserve(self, size: int) -> None:
        self._ask("reserve", lambda: self.backend.reserve(size))

    def exclusive(self, holder: bytes, timeout: float) -> Exclusive | None:
        return self.backend.exclusive(holder, timeout)

    def occupant(self) -> bytes | None:
        return self.backend.occupant()

    def evict(self, holder: bytes) -> bool:
        return self.backend.evict(holder)


class StoredLedger(Ledger):
    """The intents that the server holds."""

    def __init__(self, server: Backend) -> None:
        self._server = server
        self._seen = 0
        self.intents, self.open, self.unanswered = {}, {}, {}

    def catch_up(self) -> None:
        """Take in what was stored since."""
        for seq, line in self._server.records(self._seen):
            found = framing.unframe(line)
            assert found is not None, "a record that is not whole"
            self.take_in(from_json(found.body)["events"])
            self._seen = seq


class Elsewhere(Universe):
    """A prepared world that goes on with its state at another place; `direct` opens that undisturbed."""

    def __init__(self, prepared: Universe, kind: str, opens: Open, direct: Open) -> None:
        self.__dict__.update(prepared.__dict__)
        self._kind = kind
        self._opens, self._opened = opens, list[Backend]()
        self._direct: Backend = direct(SimClock(self.time, Process()))
        before = LocalBackend(PATH, SimClock(self.time, Process()), disk=_disk(prepared))
        snapshot = before.read("snapshot")
        assert snapshot is not None
        self._direct.write("snapshot", snapshot.data, None)
        for seq, line in before.records(0):
            self._direct.append(seq, line)
        self.ledger = StoredLedger(self._direct)
        for vendor in self.vendors.values():
            vendor.on_bind, vendor.on_end = [self._bound], [self._ended]

    def store(self, process: Process, clock: SimClock, disk: object = None) -> Store:
        """The state's place as a run sees it, whose lease is renewed as simulated time passes."""
        backend = self._opens(clock)
        self._opened.append(backend)
        return Store(
            Watched(backend, process, self),
            clock,
            pinned_lineage=None,
            heartbeat=lambda lease: beating(lease, clock, process),
        )

    def world(self, process: Process, random: Random, disk: Any = None) -> World:
        """The program's world, in which the files name this kind of place."""
        made = super().world(process, random, disk)
        return replace(made, desired=replace(made.desired, state=StateConfig(self._kind, {})))

    def apply(
        self,
        random: Random,
        *,
        process: Process | None = None,
        options: ApplyOptions | None = None,
        **more: Any,
    ) -> Run:
        """One `pnsync apply` that waits for the lease of a dead one as long as that may last."""
        patient = replace(options or ApplyOptions(), lock_timeout_seconds=TAKEN_OVER_WITHIN)
        try:
            return super().apply(random, process=process or Client(), options=patient, **more)
        finally:
            self._hang_up()

    def plan(self, random: Random, options: PlanOptions | None = None) -> Planned:
        """One `pnsync plan`, which writes nothing there."""
        before = self._stored()
        try:
            found = super().plan(random, options)
        finally:
            self._hang_up()
        if self._stored() != before:
            raise Violation("plan", "a plan wrote at the state's place")
        return found

    def state(self) -> State | None:
        """The state as the next run would find it."""
        return Store(self._direct, SimClock(self.time, Process()), pinned_lineage=None).load()

    def _stored(self) -> object:
        documents = [self._direct.read(name) for name in ("snapshot", "lease", "backup")]
        return documents, list(self._direct.records(0))

    def _durable_serial(self) -> int:
        found = self._direct.read("snapshot")
        return -1 if found is None else int(json.loads(found.data)["serial"])

    def _hang_up(self) -> None:
        """What the system does when a process ends: its connections are closed."""
        for one in self._opened:
            if isinstance(one, PostgresBackend):
                one._close()
        self._opened.clear()


def beating(lease: Lease, clock: SimClock, process: Process) -> Stop:
    """Renew as its thread would: whenever 15 seconds have passed."""
    advance, last, busy = clock.advance, clock.monotonic(), False

    def advancing(seconds: float) -> None:
        nonlocal last, busy
        advance(seconds)
        if busy or process.dead or clock.monotonic() - last < RENEW_SECONDS:
            return
        busy, last = True, clock.monotonic()
        try:
            lease.renew()
        finally:
            busy = False

    def stop() -> None:
        clock.advance = advance  # type: ignore[method-assign]

    clock.advance = advancing  # type: ignore[method-assign]
    return stop


def _disk(prepared: Universe) -> Any:
    from simulation.disk import SimDisk

    return SimDisk(prepared.image, Process())
