"""Another process that works on a state: told what to do on stdin, a line each; answers with a line each.

    python -m stores.child PLACE NAME [SPEED]

PLACE is as in places.py; with SPEED its clock runs so many times faster, and with it leases and their heartbeats. What is
sealed is so to the identity in PNSYNC_AGE_IDENTITY, where that is set; CLOCK_AHEAD tells how wrong its wall clock is.
"""

import json
import os
import sys
import time

from pnsync.backends.local import LocalBackend
from pnsync.backends.postgres import PostgresBackend
from pnsync.errors import PnsyncError
from pnsync.holder import Holder
from pnsync.interfaces import Taken
from pnsync.journal import Noted
from pnsync.sealing.codec import SealingCodec, SealingSettings
from pnsync.sealing.identity import Identity
from pnsync.sealing.mark import Mark
from pnsync.statefile.phonecodec import CLEAR, PhoneCodec
from pnsync.statefile.record import frame, unframe
from pnsync.store.lease import RENEW_SECONDS, Lease, Stop, heartbeat
from pnsync.store.store import Session, Store
from stores.places import open_place


class FastClock:
    """The real time, `speed` times faster."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._ahead = float(os.environ.get("CLOCK_AHEAD", "0"))

    def now(self) -> float:
        return time.time() + self._ahead

    def monotonic(self) -> float:
        return time.monotonic() * self._speed

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self._speed)

    def heartbeat(self, lease: Lease) -> Stop:
        return heartbeat(lease, RENEW_SECONDS / self._speed)


def sealing() -> PhoneCodec:
    """How the environment says that the state is sealed."""
    if "PNSYNC_AGE_IDENTITY" not in os.environ:
        return CLEAR
    identity = Identity(os.environ)
    return SealingCodec(SealingSettings(identity.recipients(), enforced=True), identity, mark=Mark({}))


class Child:
    """A run of its own."""

    def __init__(self, place: str, name: str, speed: float = 1.0) -> None:
        clock = FastClock(speed)
        self.backend = open_place(place if " " in place else f"local {place}", clock)
        self.store = Store(
            self.backend, clock, pinned_lineage=None, codec=sealing(), heartbeat=clock.heartbeat
        )
        self.holder = Holder(
            f"{os.getpid():08x}", name, "here", os.getpid(), "pnsync apply", int(time.time())
        )
        self.session: Session | None = None

    def do(self, word: str, rest: list[str]) -> str:
        try:
            return str(getattr(self, word)(*rest))
        except PnsyncError as error:
            return f"{type(error).__name__} {error.code}"

    def hold(self, timeout: str = "0") -> str:
        self.session = self.store.hold(self.holder, timeout=float(timeout))
        return "held"

    def record(self, key: str, value: str) -> str:
        assert self.session is not None
        self.session.record(Noted(key, value))
        return "recorded"

    def check(self) -> str:
        assert self.session is not None
        self.session.check()
        return "checked"

    def finish(self) -> int:
        assert self.session is not None
        return self.session.finish().serial

    def leave(self) -> str:
        assert self.session is not None
        self.session.__exit__(None, None, None)
        return "left"

    def long(self, seconds: str) -> str:
        """Be in one long call to the place."""
        assert isinstance(self.backend, PostgresBackend)
        self.backend._ask(lambda one: one.execute("select pg_sleep(%s)", (float(seconds),)))
        return "woke"

    def moment(self) -> str:
        """Stay in the moment of a write."""
        assert isinstance(self.backend, LocalBackend)
        self.inside = self.backend._folder.moment()
        self.inside.__enter__()
        return "inside"

    def race(self, count: str) -> str:
        """Append `count` records without any lock; the numbers that were acknowledged."""
        acknowledged: list[int] = []
        while len(acknowledged) < int(count):
            records = self.backend.records(0)
            last = unframe(records[-1][1]) if records else None
            seq, previous = (last.seq + 1, last.hash) if last else (1, "")
            line, _ = frame(seq, previous, json.dumps([self.holder.user, len(acknowledged)]).encode())
            try:
                self.backend.append(seq, line)
            except Taken:
                continue
            acknowledged.append(seq)
        return json.dumps(acknowledged)

    def runs(self, count: str) -> str:
        """Whole runs, one after the other."""
        for turn in range(int(count)):
            with self.store.hold(self.holder, timeout=600) as session:
                seen = int(session.state.notes.get("turns", "0"))
                session.record(Noted(f"{self.holder.user}-{turn}", "1"))
                session.record(Noted("turns", str(seen + 1)))
                session.finish()
        return "done"


if __name__ == "__main__":
    child = Child(sys.argv[1], sys.argv[2], *map(float, sys.argv[3:]))
    print("ready", flush=True)
    for line in sys.stdin:
        word, *rest = line.split()
        print(child.do(word, rest), flush=True)
