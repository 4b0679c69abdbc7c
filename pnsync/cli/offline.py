"""The files and the state as they are, for commands that ask no vendor: no provider and no credential is needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pnsync.cli.command import Invocation
from pnsync.errors import UsageError
from pnsync.model import Desired
from pnsync.state import State

if TYPE_CHECKING:
    from pnsync.store.store import Store


@dataclass(frozen=True, slots=True)
class Offline:
    """What is declared and what was recorded."""

    desired: Desired
    state: State


@contextmanager
def opened_offline(invocation: Invocation) -> Iterator[tuple[Desired, "Store"]]:
    """What the files declare, and the state's place as they name it. Raises ConfigError."""
    from pnsync.cli.logs import shown_logs
    from pnsync.cli.session import open_store
    from pnsync.cli.signals import Signals, SystemClock
    from pnsync.config import load

    with Signals(gentle=False) as signals, shown_logs(invocation):
        desired = load(invocation.folder, invocation.root, environ=invocation.environ)
        yield desired, open_store(desired.state, desired.lineage, invocation, SystemClock(signals))


def read_offline(invocation: Invocation) -> Offline:
    """Read files and state. Raises ConfigError, StateError, and UsageError where there is no state yet."""
    with opened_offline(invocation) as (desired, store):
        return Offline(desired, existing(store))


def existing(store: "Store") -> State:
    """The state at its place. Raises StateError, and UsageError where there is none yet."""
    state = store.load()
    if state is None:
        raise UsageError(
            "there is no state yet",
            f"{store.backend.location} does not exist; the first apply makes it.",
            command="pnsync apply",
        )
    return state
