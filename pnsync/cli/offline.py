"""The files and the state as they are, for commands that ask no vendor: no provider and no credential is needed."""

from dataclasses import dataclass

from pnsync.cli.command import Invocation
from pnsync.errors import UsageError
from pnsync.masking import Masker, new_key
from pnsync.model import Desired
from pnsync.state import State


@dataclass(frozen=True, slots=True)
class Offline:
    """What is declared and what was recorded."""

    desired: Desired
    state: State

    def masker(self) -> Masker:
        """How its people are shown: with the state's own key."""
        from pnsync.store.store import KEY_NOTE

        key = self.state.notes.get(KEY_NOTE)
        return Masker(bytes.fromhex(key) if key else new_key(), self.state.lineage)


def read_offline(invocation: Invocation) -> Offline:
    """Read files and state. Raises ConfigError, StateError, and UsageError where there is no state yet."""
    from pnsync.cli.logs import shown_logs
    from pnsync.cli.session import open_store
    from pnsync.cli.signals import Signals, SystemClock
    from pnsync.config import load

    with Signals(gentle=False) as signals, shown_logs(invocation):
        desired = load(invocation.folder, invocation.root, environ=invocation.environ)
        store = open_store(desired.state, desired.lineage, invocation, SystemClock(signals))
        state = store.load()
    if state is None:
        raise UsageError(
            "there is no state yet",
            f"{store.backend.location} does not exist; the first apply makes it.",
            command="pnsync apply",
        )
    return Offline(desired, state)
