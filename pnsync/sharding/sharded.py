"""A state that several runs may work on at once: in parts, each an ordinary state with a log, lease and fence of its own.

Reading puts the parts together and takes no lock. A run of `--shard i/n` holds part i; every other run that writes holds
the whole. Who finds the state in other parts than it needs puts it into those first: it holds all old parts, fences
them with a last record, writes the new ones under a number that nobody else ever has, and one compare-and-set of the
layout makes those count. Promises: before that the old parts count, after it the new ones, whenever a run dies or
stands still; nobody goes on in parts that do not count. Everything else is store.py's, unchanged.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

from pnsync.errors import StateError, UsageError
from pnsync.holder import Holder
from pnsync.interfaces import Backend, Changed, Clock
from pnsync.journal import Noted
from pnsync.scope import Shard
from pnsync.sealing.codec import SealingCodec
from pnsync.sharding import layout as layouts
from pnsync.sharding.layout import Layout
from pnsync.sharding.part import Part
from pnsync.sharding.quiet import Quiet
from pnsync.sharding.shards import RESHAPING_NOTE, divide, seen_by, unite
from pnsync.state import State
from pnsync.statefile import document
from pnsync.statefile.codes import refusal
from pnsync.statefile.phonecodec import CLEAR, PhoneCodec
from pnsync.store import lease as leases
from pnsync.store.history import SNAPSHOT
from pnsync.store.lease import Lease, Stop
from pnsync.store.store import Session, Store

_LOOKS: Final = 20
"""How often a reader looks again while the state is being put into other parts."""


@runtime_checkable
class Spacious(Backend, Protocol):
    """A place that has room for others below it."""

    def within(self, name: str) -> "Spacious":
        """The place of this name below it; it shares connections."""
        ...

    def retire(self) -> None:
        """Forget all that lies here but the lease and the last record, which keeps out who held it. Best effort."""
        ...


class ShardedStore(Store):
    """One state at a place with room, whole or in parts."""

    def __init__(
        self,
        backend: Spacious,
        clock: Clock,
        *,
        pinned_lineage: str | None,
        codec: PhoneCodec = CLEAR,
        heartbeat: Callable[[Lease], Stop] = leases.heartbeat,
    ) -> None:
        super().__init__(backend, clock, pinned_lineage=pinned_lineage, codec=codec, heartbeat=heartbeat)
        self._place = backend
        self._stores: dict[tuple[int, int], list[_PartStore]] = {}

    # -- reading -----------------------------------------------------------------------------------------------------

    def load(self) -> State | None:
        """The whole state now, None where there is none. Takes no lock."""
        found, layout = self._parts()
        return None if found is None else self._whole(found, layout)

    def view(self, shard: Shard) -> State | None:
        """The whole state as the run of a shard would see it."""
        found, layout = self._parts()
        if found is None or layout.shards != shard.count:
            return None if found is None else self._whole(found, layout)
        return seen_by(found[shard.index], _without(found, shard), serial=layout.serial)

    def _parts(self) -> tuple[list[State] | None, Layout]:
        """The parts that count, of one generation; None where there is no state."""
        for look in range(_LOOKS, 0, -1):
            layout, version = self._layout()
            try:
                found = [one.load() for one in self._all(layout)]
            except StateError:
                if look == 1 or self._layout()[1] == version:
                    raise
                continue
            if layout.generation == 0 and found == [None]:
                return None, layout
            present = [one for one in found if one is not None]
            ended = any(RESHAPING_NOTE in one.notes for one in present) or len(present) < len(found)
            if ended and self._layout()[1] != version:
                continue
            if len(present) < len(found):
                raise self._missing(layout)
            return present, layout
        raise self._missing(layout)

    def _whole(self, parts: Sequence[State], layout: Layout) -> State:
        if len(parts) == 1:
            notes = parts[0].notes
            kept = {name: value for name, value in notes.items() if name != RESHAPING_NOTE}
            return parts[0] if len(kept) == len(notes) else replace(parts[0], notes=kept)
        found = unite(parts, serial=layout.serial)
        if isinstance(self.codec, SealingCodec):
            self.codec.passed(found.serial, began=layout.serial)
        return found

    def holder(self) -> Holder | None:
        """Who holds the state, or the first part that is held."""
        layout, _ = self._layout()
        return next((found for one in self._all(layout) if (found := one.holder()) is not None), None)

    # -- holding -----------------------------------------------------------------------------------------------------

    def create(self, holder: Holder, *, lineage: str | None = None) -> State:
        """Make an empty state. Raises StateError where there is one."""
        layout, _ = self._layout()
        if layout.generation:
            raise refusal("S919", f"{self.backend.location} is there.")
        return super().create(holder, lineage=lineage)

    def hold(self, holder: Holder, *, timeout: float, moved_allowed: bool = False) -> Session:
        """Take the whole state for one run; one that lies in parts is put together first. Raises as Store's."""
        until = self.clock.monotonic() + timeout
        while True:
            layout, _ = self._layout()
            if layout.shards > 1:
                self._reshape(layout, 1, holder, until)
                continue
            store = self._all(layout)[0]
            with self._still(layout):
                session = store.hold(holder, timeout=self._left(until), moved_allowed=moved_allowed)
                with _released_on_error(session):
                    if self._counts(session, layout):
                        return session
                session.__exit__(None, None, None)

    def hold_unreadable(self, holder: Holder, *, timeout: float) -> Session:
        """Take a place whose state is missing or cannot be read, as Store does, where it is whole."""
        layout, _ = self._layout()
        if layout.shards > 1:
            raise UsageError(
                "a state in parts is not rebuilt",
                f"{self.backend.location} lies in {layout.shards} parts, and one of them cannot be read.",
                "Bring the place back from a backup, all parts together.",
            )
        return self._all(layout)[0].hold_unreadable(holder, timeout=timeout)

    def unlock(self, lock_id: str) -> None:
        """Break the lock with this id, on whichever part. Raises UsageError where it is not held."""
        layout, _ = self._layout()
        stores = self._all(layout)
        for store in stores[:-1]:
            with contextlib.suppress(UsageError):
                return store.unlock(lock_id)
        return stores[-1].unlock(lock_id)

    def hold_part(self, shard: Shard, holder: Holder, *, timeout: float) -> Part:
        """Take one part; a state that lies in others is put into so many first. Raises as `hold`."""
        until = self.clock.monotonic() + timeout
        while True:
            layout, _ = self._layout()
            if layout.shards != shard.count:
                self._reshape(layout, shard.count, holder, until)
                continue
            store = self._all(layout)[shard.index]
            with self._still(layout):
                session = store.hold(holder, timeout=self._left(until))
                with _released_on_error(session):
                    if self._counts(session, layout):
                        return self._part(session, shard, layout, holder)
                session.__exit__(None, None, None)

    def _part(self, session: Session, shard: Shard, layout: Layout, holder: Holder) -> Part:
        parts = [one.backend for one in self._all(layout)]
        quiet = Quiet(self.backend, parts, shard.index, holder.id, self.clock)
        return Part(session, shard, layout.serial, lambda: self._others(shard, layout), quiet)

    def _others(self, shard: Shard, held: Layout) -> list[State]:
        """The other parts now. Raises StateError where the state was put into others, which is only after a fence."""
        found, layout = self._parts()
        if layout.generation != held.generation:
            raise refusal("S925", f"{self.backend.location} was put into {layout.shards} parts meanwhile.")
        return [] if found is None else _without(found, shard)

    def _counts(self, session: Session, layout: Layout) -> bool:
        """Whether a session's part counts; an attempt to replace it that was never ended can end no more."""
        if RESHAPING_NOTE not in session.state.notes:
            return True
        again, version = self._layout()
        if again.generation != layout.generation:
            return False
        try:
            self.backend.write(layouts.NAME, again.cancelled().dump(), version)
        except Changed:
            return False
        session.record(Noted(RESHAPING_NOTE, None))
        return True

    @contextlib.contextmanager
    def _still(self, layout: Layout) -> Iterator[None]:
        """Lets a part that cannot be read be, where the state was put into others meanwhile."""
        try:
            yield
        except StateError:
            if self._layout()[0].generation == layout.generation:
                raise

    # -- other parts -------------------------------------------------------------------------------------------------

    def _reshape(self, layout: Layout, count: int, holder: Holder, until: float) -> None:
        """Put the state into `count` parts, unless somebody else does meanwhile. Raises Locked, StateError."""
        with contextlib.ExitStack() as held, self._still(layout):
            sessions = [
                held.enter_context(one.hold(holder, timeout=self._left(until))) for one in self._all(layout)
            ]
            now, version = self._layout()
            if now.generation != layout.generation:
                return
            try:
                version = self._moved(begun := now.begun(count), version)
                for one in sessions:
                    # The last record of a part: who held it before is fenced, and who comes later is told.
                    one.record(Noted(RESHAPING_NOTE, str(begun.attempt)))
                whole = unite([one.state for one in sessions], serial=now.serial)
                committed = begun.committed(whole.serial + 1)
                new = divide(whole, count, serial=committed.serial)
                for store, part in zip(self._all(committed), new, strict=True):
                    # Not by the store, which would note that such a serial was reached: it is only once these count.
                    data = document.dumps(part, self.codec)
                    store.backend.write(SNAPSHOT, data, None)
                    copy = store.backend.read(SNAPSHOT)
                    if copy is None or copy.data != data:
                        raise refusal("S972", f"{store.backend.location} holds something else.")
                for one in sessions:
                    one.check()
                version = self._moved(committed, version)
            except Changed:
                return
            self._clear(committed, version)

    def _moved(self, layout: Layout, version: str | None) -> str:
        return self.backend.write(layouts.NAME, layout.dump(), version)

    def _clear(self, layout: Layout, version: str) -> None:
        """Forget what does not count any more; what stays for want of time or permission harms nobody."""
        with contextlib.suppress(StateError, Changed):
            for generation, shards in layout.left:
                for name in layouts.parts(generation, shards):
                    self._at(name).retire()
            self._moved(layout.cleared(layout.left), version)

    # -- places ------------------------------------------------------------------------------------------------------

    def _layout(self) -> tuple[Layout, str | None]:
        blob = self.backend.read(layouts.NAME)
        return layouts.load(blob, self.backend.location), None if blob is None else blob.version

    def _at(self, name: str) -> Spacious:
        return self._place if not name else self._place.within(name)

    def _all(self, layout: Layout) -> "list[_PartStore]":
        """The stores of a generation's parts."""
        key = (layout.generation, layout.shards)
        if key not in self._stores:
            self._stores[key] = [
                _PartStore(
                    self._at(name),
                    self.clock,
                    pinned_lineage=self.pinned_lineage,
                    codec=self.codec,
                    heartbeat=self._heartbeat,
                    part=name if layout.shards > 1 else "",
                )
                for name in layouts.parts(*key)
            ]
        return self._stores[key]

    def _left(self, until: float) -> float:
        return max(0.0, until - self.clock.monotonic())

    def _missing(self, layout: Layout) -> StateError:
        return refusal(
            "S974", f"{self.backend.location} lies in {layout.shards} parts (g{layout.generation})."
        )


class _PartStore(Store):
    """A part as a store; one codec, which is told whose serial it reads, serves all of them."""

    def __init__(
        self,
        backend: Backend,
        clock: Clock,
        *,
        pinned_lineage: str | None,
        codec: PhoneCodec,
        heartbeat: Callable[[Lease], Stop],
        part: str,
    ) -> None:
        super().__init__(backend, clock, pinned_lineage=pinned_lineage, codec=codec, heartbeat=heartbeat)
        self._part = part

    def load(self) -> State | None:
        """As Store's."""
        self._name()
        return super().load()

    def hold(self, holder: Holder, *, timeout: float, moved_allowed: bool = False) -> Session:
        """As Store's."""
        self._name()
        return super().hold(holder, timeout=timeout, moved_allowed=moved_allowed)

    def write(self, state: State, expected: str | None) -> str:
        """As Store's."""
        self._name()
        return super().write(state, expected)

    def hold_unreadable(self, holder: Holder, *, timeout: float) -> Session:
        """As Store's."""
        self._name()
        return super().hold_unreadable(holder, timeout=timeout)

    def _name(self) -> None:
        if isinstance(self.codec, SealingCodec):
            self.codec.part = self._part


Held = Session | Part
"""A state that a run of `apply` or `refresh` holds, whole or its shard's part."""


def hold(store: Store, shard: Shard | None, holder: Holder, *, timeout: float) -> Held:
    """Take what a run needs: the whole state, or the part of its shard. Raises as Store.hold, and UsageError."""
    if shard is None:
        return store.hold(holder, timeout=timeout)
    return _roomy(store).hold_part(shard, holder, timeout=timeout)


def quietly(held: Held) -> AbstractContextManager[None]:
    """While listings are read: no other run that shares the state begins anything."""
    return held.reading() if isinstance(held, Part) else contextlib.nullcontext()


def view(store: Store, shard: Shard | None) -> State | None:
    """The state as a run of this shard would see it. Takes no lock. Raises UsageError."""
    return store.load() if shard is None else _roomy(store).view(shard)


def _roomy(store: Store) -> ShardedStore:
    if isinstance(store, ShardedStore):
        return store
    raise UsageError(
        "this place of the state takes one run at a time",
        f"--shard needs a place where parts lie side by side, and {store.backend.location} has no room for them.",
        "PostgreSQL and object stores have. Move the state there first, whole:",
        command="pnsync state migrate --to '{backend: postgres, dsn: {env: PNSYNC_STATE_DSN}}'",
    )


def _without(parts: Sequence[State], shard: Shard) -> list[State]:
    return [*parts[: shard.index], *parts[shard.index + 1 :]]


@contextlib.contextmanager
def _released_on_error(session: Session) -> Iterator[None]:
    try:
        yield
    except BaseException:
        session.__exit__(None, None, None)
        raise
