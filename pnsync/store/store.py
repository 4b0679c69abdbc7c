"""The record of what pnsync did: lock, load, journal, checkpoint; written once, over a Backend.

A state is a snapshot and a dense log of records, each appended only while its slot is free. That keeps two runs apart:
a run that was overtaken finds its next slot taken and stops. Promises: what `record` returned from is durable; after an
error nothing more is recorded; a session that records nothing writes nothing. A checkpoint is a closing record with the
new serial, then the snapshot that holds all records up to it, and only then are the earlier ones dropped: the closing
record stays as the log's anchor, which an older snapshot, put back, does not reach. Must not know vendors or plans.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Self

from pydantic_core import to_json

from pnsync import holder as holders
from pnsync.errors import Fenced, StateError, UsageError
from pnsync.holder import Holder
from pnsync.interfaces import Backend, Changed, Clock, Exclusive, Taken
from pnsync.journal import Began, Event, Fold, replay
from pnsync.masking import new_key
from pnsync.state import Head, State
from pnsync.statefile import document
from pnsync.statefile import record as framing
from pnsync.statefile.codec import serialise
from pnsync.statefile.codes import refusal, summary
from pnsync.statefile.eventcodec import encode_event
from pnsync.statefile.phonecodec import CLEAR, SECRET_NOTE, PhoneCodec
from pnsync.store import lease as leases
from pnsync.store.history import MOVED_NOTE, SNAPSHOT, History, Loaded, record_about
from pnsync.store.lease import Lease, Stop

BACKUP: Final = "backup"
KEY_NOTE: Final = SECRET_NOTE
"""The note that keeps the key of pseudonyms, digests and fingerprints, in hexadecimal."""
_ALL: Final = (1 << 62) - 1
_NO_DAMAGE: Final = frozenset(
    {"S909", "S916", "S917", "S920", "S921", "S922", "S923", "S930", "S932", "S933", "S934", "S936"}
    | {f"S{number}" for number in range(960, 980)}
)
"""Refusals of a state that is well and not for us, or of a place that does not work: no reason to write a new one."""


def new_lineage() -> str:
    """A fresh lineage: 8 hexadecimal digits."""
    return secrets.token_hex(4)


def new_state(lineage: str | None = None) -> State:
    """A state that holds nothing yet, with a key of its own."""
    return State(lineage=lineage or new_lineage(), notes={KEY_NOTE: new_key().hex()})


class Store:
    """One state at its place. `pinned_lineage` is the root file's `lineage`.

    `heartbeat` keeps a lease renewed, for places without a lock of their own; a simulation renews by itself.
    """

    def __init__(
        self,
        backend: Backend,
        clock: Clock,
        *,
        pinned_lineage: str | None,
        codec: PhoneCodec = CLEAR,
        heartbeat: Callable[[Lease], Stop] = leases.heartbeat,
    ) -> None:
        self.backend = backend
        self.clock = clock
        self.codec = codec
        self.pinned_lineage = pinned_lineage
        self._heartbeat = heartbeat
        self._history = History(backend, clock, codec, pinned_lineage)

    def load(self) -> State | None:
        """The state now, with what a run that is still going has recorded; None where there is none. Takes no lock.

        Raises StateError for a state that cannot be read or trusted, and, with a pinned lineage, for one that is
        missing or another's.
        """
        loaded = self._history.load()
        if loaded is None:
            return None
        self._refuse_moved(loaded.state)
        return loaded.state

    def create(self, holder: Holder, *, lineage: str | None = None) -> State:
        """Make an empty state (`init`). Raises StateError where there is one, Locked where a run is at it."""
        guard = self._locked(holder, 0.0)
        try:
            state = new_state(lineage or self.pinned_lineage)
            try:
                self.write(state, None)
            except Changed:
                raise refusal("S919", f"{self.backend.location} is there.") from None
            return state
        finally:
            guard.release()

    def hold(self, holder: Holder, *, timeout: float, moved_allowed: bool = False) -> "Session":
        """Take the state for one run, waiting up to `timeout` seconds. Raises Locked and what `load` raises.

        Where there is no state yet the session has an empty one, which becomes real with the first record. With
        `moved_allowed` one that has moved elsewhere is taken too, to be replaced.
        """
        guard = self._locked(holder, timeout)
        try:
            loaded = self._history.load() or Loaded(new_state(), None, anchored=True)
            if not moved_allowed:
                self._refuse_moved(loaded.state)
        except BaseException:
            guard.release()
            raise
        return Session(self, guard, holder, loaded)

    def hold_unreadable(self, holder: Holder, *, timeout: float) -> "Session":
        """Take a place whose state is missing or cannot be read; the session can `replace` it (`state rebuild`).

        Raises StateError where a readable one exists, or the place does not work.
        """
        guard = self._locked(holder, timeout)
        try:
            self._refuse_readable()
            blob = self.backend.read(SNAPSHOT)
            head, anchored = self._history.end_of_log()
            state = replace(new_state(self.pinned_lineage), head=head)
            loaded = Loaded(state, None if blob is None else blob.version, anchored)
        except BaseException:
            guard.release()
            raise
        return Session(self, guard, holder, loaded, readable=False)

    def holder(self) -> Holder | None:
        """Who holds the state now."""
        occupant = self.backend.occupant()
        if occupant is not None:
            return holders.load(occupant)
        return leases.read(self.backend.read(leases.NAME)).holder

    def unlock(self, lock_id: str) -> None:
        """Break the lock with this id; its holder, if it lives, is fenced. Raises UsageError where it is not held."""
        occupant = self.backend.occupant()
        if occupant is None:
            broken = leases.free(self.backend, lock_id)
        else:
            found = holders.load(occupant)
            broken = found is not None and found.id == lock_id and self.backend.evict(occupant)
        if broken:
            return
        held = self.holder()
        raise UsageError(
            summary("S941"),
            "The state is not locked." if held is None else f"The state is held under the id {held.id}.",
            "Who holds it is shown by:",
            command="pnsync status",
            code="S941",
        )

    def write(self, state: State, expected: str | None) -> str:
        """Write a snapshot over the version `expected`; for sessions. Raises Changed."""
        version = self.backend.write(SNAPSHOT, document.dumps(state, self.codec), expected)
        self.codec.kept(state.serial)
        return version

    def _locked(self, holder: Holder, timeout: float) -> "Guard":
        lock = self.backend.exclusive(holder.dump(), timeout)
        if lock is not None:
            return Guard(lock, None)
        lease = leases.acquire(self.backend, self.clock, holder, timeout)
        return Guard(lease, self._heartbeat(lease))

    def _refuse_moved(self, state: State) -> None:
        where = state.notes.get(MOVED_NOTE)
        if where is not None:
            raise refusal(
                "S971",
                f"What lies in {self.backend.location} was moved to {where}, at serial {state.serial}.",
                "Let `state:` in the root file name that place, on this branch too.",
            )

    def _refuse_readable(self) -> None:
        try:
            found = self._history.load()
        except StateError as error:
            if error.code in _NO_DAMAGE:
                raise
            return
        if found is not None:
            raise refusal(
                "S919",
                f"{self.backend.location} can be read: serial {found.state.serial}.",
                "To begin anew all the same, move it and its journal away first.",
            )


class Guard:
    """The lock or lease that a session holds, and what keeps it alive."""

    def __init__(self, lock: Exclusive, stop: Stop | None) -> None:
        self._lock = lock
        self._stop = stop

    def check(self) -> None:
        """Raises Fenced where it is lost."""
        if not self._lock.still_held():
            raise _fenced("Its lock was broken, or its lease could not be renewed in time.")

    def release(self) -> None:
        """Give it up."""
        if self._stop is not None:
            self._stop()
        self._lock.release()


class Session:
    """A state that is held: what happens is recorded in it. Leaving it releases the state and writes nothing more.

    The first record begins with `Began`, which claims the log. One thread records; `check` may be asked by any.
    """

    def __init__(
        self, store: Store, guard: Guard, holder: Holder, loaded: Loaded, *, readable: bool = True
    ) -> None:
        self._store = store
        self._guard = guard
        self._holder = holder
        self._version = loaded.version
        self._anchored = loaded.anchored
        self._readable = readable
        self._base = loaded.state
        self._head = loaded.state.head
        self._fold = Fold(loaded.state)
        self._events: list[Event] = []
        self._state: State | None = None
        self._epoch = 0
        self._nonce = secrets.token_hex(8)
        self._broken: BaseException | None = None

    @property
    def state(self) -> State:
        """The state with everything recorded so far."""
        if self._state is None:
            self._state = replace(self._fold.done(), head=self._head)
        return self._state

    @property
    def exists(self) -> bool:
        """Whether the state is at its place already, rather than to be made by the first record."""
        return self._version is not None

    def reserve(self, size: int) -> None:
        """See that `size` bytes of records can be written, before the first call. Raises StateError."""
        self._run(lambda: self._store.backend.reserve(size))

    def check(self) -> None:
        """To be asked before each call. Raises Fenced, or StateError after an error, where none may be made."""
        self._run(self._guard.check)

    def record(self, *events: Event) -> None:
        """Record events in one durable step. Raises Fenced, StateError; then nothing more is recorded."""
        self._run(lambda: self._record(events))

    def finish(self) -> State:
        """Fold what was recorded into the snapshot, whose serial rises; nothing at all where nothing was recorded."""
        self._run(self._finish)
        return self.state

    def replace(self, state: State) -> State:
        """Put another state in the place of this one (`state push`, `state rebuild`); the old file is kept as backup.

        Its serial becomes higher than both. Raises StateError for another lineage than the one held or pinned.
        """
        self._run(lambda: self._replace(state))
        return self.state

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._broken = self._broken or refusal("S926", "The state was released.")
        self._guard.release()

    def _run(self, step: Callable[[], None]) -> None:
        if isinstance(self._broken, Fenced):
            raise _fenced(*self._broken.detail)
        if self._broken is not None:
            raise refusal("S926", f"The first failure: {self._broken}.")
        try:
            step()
        except Taken:
            self._broken = _fenced("The next record of its journal is another run's.")
            raise self._broken from None
        except BaseException as error:
            self._broken = error
            raise

    def _record(self, events: Sequence[Event]) -> None:
        assert self._readable, "a state that cannot be read is replaced first"
        if self._epoch == 0:
            events = (self._begin(), *events)
        made = [encode_event(event, self._store.codec) for event in events]
        try:
            # Folded first: what cannot be folded must not come into the log, which every later run folds.
            for event in events:
                self._fold.fold(event)
            self._append(made, self._base.serial)
        except BaseException:
            self._state = replace(replay(self._base, self._events), head=self._head)
            raise
        self._events.extend(events)
        self._state = None

    def _begin(self) -> Began:
        if self._version is None:
            try:
                self._version = self._store.write(self._base, None)
            except Changed:
                raise _fenced("Another run has made the state meanwhile.") from None
        elif not self._store.codec.settled:
            # Keys are durable before the first record that needs them.
            self._version = self._write_over(self._base)
        if not self._anchored:
            # The log is behind the snapshot, as where the file was brought from elsewhere: it begins anew.
            self._store.backend.drop(self._head.seq)
            self._anchored = True
        self._epoch = self._head.seq + 1
        return Began(self._holder.id, self._holder.command, int(self._store.clock.now()))

    def _append(self, events: list[dict[str, Any]], serial: int) -> None:
        seq = self._head.seq + 1
        body = {
            "epoch": self._epoch,
            "events": events,
            "lineage": self._base.lineage,
            "nonce": self._nonce,
            "serial": serial,
        }
        codec = self._store.codec
        codec.header(self._base.lineage)
        sealed = codec.wrap(serialise(to_json, events), record_about(body, seq))
        if sealed is not None:
            del body["events"]
            body["sealed"] = sealed
        line, digest = framing.frame(seq, self._head.hash, serialise(to_json, body))
        self._store.backend.append(seq, line)
        self._head = Head(seq, digest)

    def _finish(self) -> None:
        if self._epoch != 0:
            self._checkpoint(self.state, self._base.serial + 1)

    def _checkpoint(self, state: State, serial: int) -> None:
        through = self._head.seq
        self._append([], serial)
        state = replace(state, serial=serial, head=self._head)
        self._store.codec.turn()
        self._version = self._write_over(state)
        self._base = self._state = state
        self._fold = Fold(state)
        self._events = []
        self._epoch = 0
        self._store.backend.drop(through)

    def _write_over(self, state: State) -> str:
        try:
            return self._store.write(state, self._version)
        except Changed:
            raise refusal(
                "S925",
                f"{self._store.backend.location} is not the file that this run began with.",
                "What this run did is in the journal beside it. Find out who writes the file before the next run.",
            ) from None

    def rekey(self, state: State | None) -> State:
        """Write the state under the keys that the codec has ready; None: it has none ready, the keys stay.

        The backup goes with it, which an earlier run may have left plain or under a key that others know.
        """
        self._run(lambda: self._rekey(state))
        return self.state

    def _rekey(self, state: State | None) -> None:
        if state is not None:
            self._record(())
            self._checkpoint(state, self._base.serial + 1)
        backend, codec = self._store.backend, self._store.codec
        before = backend.read(BACKUP)
        if before is not None and not document.same_sealing(before.data, codec.header(self._base.lineage)):
            backend.write(BACKUP, document.dumps(self.state, codec), before.version)

    def _replace(self, state: State) -> None:
        theirs = self._base.lineage if self._readable and self.exists else state.lineage
        allowed = self._store.pinned_lineage or theirs
        if state.lineage != allowed:
            raise refusal(
                "S916",
                f"The new state has the lineage {state.lineage}; the one to be replaced, or the root file, {allowed}.",
            )
        self._back_up()
        self._base = replace(self._base, lineage=state.lineage)
        if self._readable:
            self._record(())
        else:
            if not self._anchored:
                self._store.backend.drop(_ALL)
            self._epoch = self._head.seq + 1
            self._readable = True
        self._checkpoint(state, max(self._base.serial, state.serial) + 1)

    def _back_up(self) -> None:
        backend = self._store.backend
        old = backend.read(SNAPSHOT)
        if old is None:
            return
        before = backend.read(BACKUP)
        backend.write(BACKUP, old.data, None if before is None else before.version)


def _fenced(*detail: str) -> Fenced:
    return Fenced(summary("S924"), *detail, code="S924")
