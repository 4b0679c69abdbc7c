"""`moved`: entries take their new address; no call is made, and that alone is no change. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pnsync.journal import Event, Recorded
from pnsync.model import Moved
from pnsync.state import Entry, Pending, State


@dataclass(frozen=True, slots=True)
class Renamed:
    """The state under the new addresses. `waiting` are new addresses whose entry has an attempt that is not settled."""

    state: State
    events: tuple[Event, ...] = ()
    waiting: Mapping[str, Pending] = field(default_factory=dict)


def rename(state: State, moved: Sequence[Moved]) -> Renamed:
    """Rename what `moved` names, in chains too; an address with an open attempt keeps its name until that is settled.

    The entry's generation becomes the highest that either address used: a declared customer_bind_id moves along, and
    `ID.n` must not be sent twice.
    """
    if not any(one.source in state.entries or one.source in state.generations for one in moved):
        return Renamed(state)
    blocking = state.blocking()
    entries = dict(state.entries)
    generations = dict(state.generations)
    events: list[Event] = []
    left = list(moved)
    while True:
        one = next((one for one in left if one.source in entries and one.target not in entries), None)
        if one is None:
            break
        left.remove(one)
        if one.source in blocking:
            continue
        entry = entries.pop(one.source)
        if isinstance(entry, Entry):
            used = max(generations.get(one.source, 0), generations.get(one.target, 0), entry.generation)
            entry = replace(entry, generation=used)
            generations[one.target] = used
        entries[one.target] = entry
        events += [Recorded(one.source, None), Recorded(one.target, entry)]
    waiting = {one.target: blocking[one.source] for one in moved if one.source in blocking}
    return Renamed(replace(state, entries=entries, generations=generations), tuple(events), waiting)
