"""The lock of places that have none of their own: a lease, renewed while its holder lives.

It is politeness: what keeps two runs apart is that a record's slot is taken once. The lease is a document with a
counter; its holder raises the counter every 15 seconds, and a contender takes over once it has itself watched it
unchanged for 60 seconds on its own monotonic clock, so that no two clocks are compared. It is given up by writing that it is free,
never by removing it. A holder that has not been confirmed for 40 seconds starts no call.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from pnsync import holder as holders
from pnsync.errors import StateError
from pnsync.holder import Holder
from pnsync.interfaces import Backend, Blob, Changed, Clock
from pnsync.statefile.codes import refusal

NAME: Final = "lease"
VERSION: Final = 1
"""Of the document, which names it from the second on."""
TTL_SECONDS: Final = 60.0
RENEW_SECONDS: Final = 15.0
CONFIRMED_SECONDS: Final = 40.0
_POLL_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 1.0

Stop = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Terms:
    """What the document says: who holds it (None: nobody), for the how-manieth time, renewed how often."""

    holder: Holder | None
    epoch: int
    counter: int

    def dump(self) -> bytes:
        """Its JSON."""
        holder = None if self.holder is None else asdict(self.holder)
        return json.dumps(
            {"counter": self.counter, "epoch": self.epoch, "holder": holder}, sort_keys=True
        ).encode()


_FREE: Final = Terms(None, 0, 0)


def read(blob: Blob | None) -> Terms:
    """The terms of a document; one that is missing or cannot be read is free, as the log decides anyway.

    Raises StateError (S942) for one of a newer version, to whose holder this one could not keep.
    """
    if blob is None:
        return _FREE
    try:
        found: Any = json.loads(blob.data)
        version = int(found.get("version", VERSION))
        if version > VERSION:
            raise refusal("S942", f"It has version {version}, and this pnsync knows {VERSION}.")
        holder = holders.load(json.dumps(found["holder"]).encode())
        return Terms(holder, int(found["epoch"]), int(found["counter"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return _FREE


class Lease:
    """A lease that is held. `renew` may be called from a thread of its own."""

    def __init__(self, backend: Backend, clock: Clock, terms: Terms, version: str, confirmed: float) -> None:
        self._backend = backend
        self._clock = clock
        self._terms = terms
        self._version = version
        self._confirmed = confirmed
        self._lost = False
        self._guard = threading.Lock()

    def still_held(self) -> bool:
        """Whether it is ours and was confirmed less than 40 seconds ago."""
        return not self._lost and self._clock.monotonic() - self._confirmed < CONFIRMED_SECONDS

    def renew(self) -> None:
        """Raise the counter. A place that cannot be reached is no loss yet; time tells."""
        with self._guard:
            if self._lost:
                return
            asked = self._clock.monotonic()
            terms = Terms(self._terms.holder, self._terms.epoch, self._terms.counter + 1)
            try:
                self._write(terms)
            except StateError:
                return
            if not self._lost:
                self._confirmed = asked

    def release(self) -> None:
        """Write that it is free. Where that fails it ends by itself."""
        # A renewal that hangs is not waited for: a run that was told to stop has seconds.
        if not self._guard.acquire(timeout=_PATIENCE_SECONDS):
            return
        try:
            if not self._lost:
                self._write(Terms(None, self._terms.epoch, self._terms.counter + 1))
        except StateError:
            return
        finally:
            self._lost = True
            self._guard.release()

    def _write(self, terms: Terms) -> None:
        try:
            self._version = self._backend.write(NAME, terms.dump(), self._version)
            self._terms = terms
        except Changed:
            # Ours all the same where an earlier write took effect and its answer was lost.
            found = self._backend.read(NAME)
            if found is None or not self._own(read(found)):
                self._lost = True
                return
            self._version, self._terms = found.version, read(found)

    def _own(self, terms: Terms) -> bool:
        holder, mine = terms.holder, self._terms.holder
        return (
            holder is not None
            and mine is not None
            and holder.id == mine.id
            and terms.epoch == self._terms.epoch
        )


def acquire(backend: Backend, clock: Clock, holder: Holder, timeout: float) -> Lease:
    """Take the lease, waiting up to `timeout` seconds. Raises Locked."""
    until = clock.monotonic() + timeout
    watched: tuple[Terms, float] | None = None
    while True:
        asked = clock.monotonic()
        blob = backend.read(NAME)
        terms = read(blob)
        if watched is None or watched[0] != terms:
            watched = (terms, asked)
        if terms.holder is None or asked - watched[1] >= TTL_SECONDS:
            wanted = Terms(holder, terms.epoch + 1, terms.counter + 1)
            try:
                version = backend.write(NAME, wanted.dump(), None if blob is None else blob.version)
                return Lease(backend, clock, wanted, version, asked)
            except Changed:
                continue
        if asked >= until:
            raise holders.locked(terms.holder, clock.now())
        pause = min(_POLL_SECONDS, max(until - asked, 0.01))
        slept = clock.monotonic()
        clock.sleep(pause)
        # A sleep that was cut short is an interrupted run's, which waits no longer.
        if clock.monotonic() - slept < pause / 2:
            raise holders.locked(terms.holder, clock.now())


def free(backend: Backend, lock_id: str) -> bool:
    """Break the lease with this id; False where it is not held under it."""
    while True:
        blob = backend.read(NAME)
        terms = read(blob)
        if blob is None or terms.holder is None or terms.holder.id != lock_id:
            return False
        try:
            backend.write(NAME, Terms(None, terms.epoch, terms.counter + 1).dump(), blob.version)
            return True
        except Changed:
            continue


def heartbeat(lease: Lease, every: float = RENEW_SECONDS) -> Stop:
    """Renew every 15 seconds from a thread, until stopped."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(every):
            lease.renew()

    thread = threading.Thread(target=beat, name="pnsync-lease", daemon=True)
    thread.start()

    def stop() -> None:
        done.set()
        thread.join(timeout=_PATIENCE_SECONDS)

    return stop
