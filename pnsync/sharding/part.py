"""One part of a state, as its shard's run holds it: the view is of the whole, and what is recorded is the part's alone."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType
from typing import Self

from pnsync.journal import Event, Fold
from pnsync.scope import Shard
from pnsync.sharding.quiet import Quiet
from pnsync.sharding.shards import changed_between, owned, seen_by
from pnsync.state import State
from pnsync.store.store import Session

Others = Callable[[], list[State]]


class Part:
    """A held part, and the whole state around it: what is recorded is recorded where it is this part's, else left out.

    The other parts are as they stood at the last `look`; their runs go on meanwhile.
    """

    def __init__(self, session: Session, shard: Shard, serial: int, others: Others, quiet: Quiet) -> None:
        self._quiet = quiet
        self._session = session
        self._shard = shard
        self._serial = serial
        self._look = others
        self._others = others()
        self._whole()

    def _whole(self) -> None:
        """The view anew, from this part as recorded and the others as last seen."""
        self._state: State | None = seen_by(self._session.state, self._others, serial=self._serial)
        self._fold = Fold(self._state)
        self._seen = self._state.serial - self._session.state.serial

    @property
    def state(self) -> State:
        """The whole state, with everything that was recorded here."""
        if self._state is None:
            serial = self._seen + self._session.state.serial
            self._state = replace(self._fold.done(), serial=serial)
        return self._state

    @property
    def others(self) -> Sequence[State]:
        """The other parts as last seen."""
        return self._others

    @property
    def exists(self) -> bool:
        """Whether anything was ever recorded of this part: one that was only made is as good as none."""
        own = self._session.state
        return own.serial > self._serial or bool(own.entries or own.generations or own.accounts)

    def look(self) -> frozenset[str]:
        """Look at the other parts again; the addresses that their runs are at, of which nothing is to be concluded."""
        before = self._others
        self._others = self._look()
        self._whole()
        pairs = zip(before, self._others, strict=True)
        return frozenset().union(*(changed_between(old, new) for old, new in pairs))

    def reading(self) -> AbstractContextManager[None]:
        """Let the other parts' runs begin nothing while a listing is read, so that it holds still."""
        return self._quiet.reading()

    def wait(self) -> float:
        """The seconds after which to ask again before a change is begun, as another part's run is reading; else 0."""
        return self._quiet.wait()

    def reserve(self, size: int) -> None:
        """See that `size` bytes of records can be written, before the first call. Raises StateError."""
        self._session.reserve(size)

    def check(self) -> None:
        """To be asked before each call. Raises Fenced, StateError."""
        self._session.check()

    def record(self, *events: Event) -> None:
        """Record what of these events is this part's, in one durable step. Raises Fenced, StateError."""
        mine = owned(events, self._shard, self._fold.view())
        if not mine:
            return
        self._session.record(*mine)
        for event in mine:
            self._fold.fold(event)
        self._state = None

    def finish(self) -> State:
        """Fold what was recorded into the part's snapshot; the whole state."""
        self._session.finish()
        self._state = None
        return self.state

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.__exit__(kind, error, trace)
