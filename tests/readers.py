"""Worlds to read in: a state in memory, vendors that list rows and take no call, and a clock that moves by sleeping."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from stores.clocks import StepClock
from stores.memory import MemoryBackend, MemoryPlace
from stores.values import holder

from pnsync.dispatch import ThreadDispatcher
from pnsync.errors import PnsyncError
from pnsync.interfaces import Reached, Reading
from pnsync.journal import Event, Outcome
from pnsync.model import Desired, Listing, LiveBinding, LiveGroup, ProviderConfig
from pnsync.phone import Phone
from pnsync.planning import World
from pnsync.state import Account, Intent, State
from pnsync.store.store import Store
from pnsync.verdict import Reporter
from tests.worlds import NOW, PROVIDERS, desired


class Silent:
    """No signal comes."""

    signal: int | None = None


class Vendor:
    """An account that lists these rows, or fails; asked for so many scans it makes so many."""

    def __init__(
        self,
        config: ProviderConfig,
        rows: Iterable[LiveBinding] = (),
        groups: Iterable[LiveGroup] = (),
        *,
        failure: PnsyncError | None = None,
        account: str = "ours",
    ) -> None:
        self.config = config
        self._rows, self._groups = tuple(rows), tuple(groups)
        self._failure, self._account = failure, account
        self.scans: list[int] = []

    def account(self, key: bytes) -> Account:
        return Account("vendor.example", f"{self._account} under {key.hex()[:8]}")

    def vendor_now(self) -> float:
        return NOW

    def list(self, *, scans: int, reading: Reading) -> Listing:
        self.scans.append(scans)
        if self._failure is not None:
            raise self._failure
        return Listing(self.config.name, self._rows, self._groups, scans=scans, started_at=NOW - 1.0)

    def pace(self) -> float:
        return 0.0

    def send(self, intent: Intent) -> Outcome:
        raise AssertionError("nothing is called")

    def query(self, *, caller: Phone, did: str, extension: str | None) -> Reached:
        raise AssertionError("nothing is asked")

    def close(self) -> None:
        """Nothing is open."""


def vendors(*rows: LiveBinding, names: Iterable[str] = ("nx", "la")) -> dict[str, Vendor]:
    """An account of each name with its rows."""
    return {one: Vendor(PROVIDERS[one], [row for row in rows if row.provider == one]) for one in names}


def world(
    place: MemoryPlace,
    declared: Desired | None = None,
    providers: Mapping[str, Vendor] | None = None,
    *,
    clock: StepClock | None = None,
    report: Reporter = lambda _: None,
    signal: Silent | None = None,
) -> World:
    """A command's world over a state in memory."""
    time = clock or StepClock()
    store = Store(MemoryBackend(place), time, pinned_lineage=None, heartbeat=lambda _: lambda: None)
    return World(
        desired=declared or desired(),
        store=store,
        providers=dict(providers or {}),
        clock=time,
        report=report,
        interrupt=signal or Silent(),
        dispatcher=ThreadDispatcher,
        holder=holder(),
        environ={},
        version="0",
        folder=Path(),
    )


def record(place: MemoryPlace, *events: Event) -> State:
    """What a run before this one left."""
    with world(place).store.hold(holder(), timeout=0) as session:
        session.record(*events)
        return session.finish()


def stored(place: MemoryPlace) -> State:
    """What stands there now."""
    found = world(place).store.load()
    assert found is not None
    return found
