"""A change before it has a place in the order: what the planner found, with what ordering needs to know.

Frozen data; made by planner.py and groups.py, read by occupancy.py, limits.py and ordering.py.
"""

from dataclasses import dataclass

from pnsync.errors import SourceSpan
from pnsync.journal import Event
from pnsync.phone import Phone
from pnsync.plan import Action, Attributes, Cause
from pnsync.state import Entry, GroupChange, GroupEntry, Superseded


@dataclass(frozen=True, slots=True)
class Draft:
    """One address's change. `old` is the live binding that goes, `target` the one that comes.

    `position` is the place in the files, `expires_at` when the live one ends, `until` the declared end.
    """

    address: str
    action: Action
    cause: Cause
    reason: str
    provider: str
    before: Attributes | None = None
    after: Attributes | None = None
    changed: tuple[str, ...] = ()
    target: Entry | None = None
    old: Superseded | None = None
    entry: Entry | None = None
    group: GroupEntry | None = None
    group_change: GroupChange | None = None
    group_phones: tuple[Phone, ...] = ()
    source: SourceSpan | None = None
    position: int = 0
    expires_at: int | None = None
    until: int | None = None
    down: bool = False
    x_may_change: bool = False
    allocated: bool = False
    events: tuple[Event, ...] = ()
