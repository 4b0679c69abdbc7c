"""A change before it has a place in the order: what the planner found, with what ordering needs to know.

Frozen data; made by drafting.py and groups.py, read by occupancy.py, policy/limits.py and ordering.py. What cannot become
a draft now is deferred, in the same words wherever it is found.
"""

from dataclasses import dataclass

from pnsync.errors import SourceSpan
from pnsync.journal import Event
from pnsync.model import Listing
from pnsync.phone import Phone
from pnsync.plan import Action, Attributes, Cause, Deferred
from pnsync.state import Entry, GroupChange, GroupEntry, Intent, Superseded


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
    events: tuple[Event, ...] = ()
    missing: bool = False
    """Whether it follows from an unexpired binding's absence in the listing (max_missing)."""


def open_attempt(address: str, intent: Intent, source: SourceSpan | None) -> Deferred:
    """Nothing is called for an address while the outcome of a call of it is not known."""
    reason = f"the outcome of an earlier {intent.operation.value} is not known yet; a later listing tells"
    not_before = int(intent.not_before) + 1
    action = Action(intent.operation.value)
    return Deferred(address, action, intent.provider, reason, not_before, source)


def why_hidden(provider: str, listing: Listing | None) -> str:
    """Why nothing is concluded from a provider's listing."""
    why = "was not read" if listing is None else "cannot be trusted: " + "; ".join(listing.problems)
    return f"the listing of {provider} {why}"
