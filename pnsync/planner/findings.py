"""What one planning looks at and what it has found so far, with the conclusions that a listing cannot carry. Pure.

Filled by cases.py, undeclared.py and table.py, each once for every address; must not decide what is to be done.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pnsync.errors import Diagnostic, Severity
from pnsync.journal import Event
from pnsync.matching import Matched, alive
from pnsync.model import Binding, Desired, LiveBinding, Observed
from pnsync.plan import Action, Deferred
from pnsync.planner.draft import Draft, why_hidden
from pnsync.planner.occupancy import Occupancy
from pnsync.planner.question import Question
from pnsync.state import Entry, Pending, State, Superseded

NOT_LISTED_YET = "bound a moment ago and not listed yet"
"""Why nothing is concluded of a binding that a listing does not show."""
NOT_PROVEN = "cannot be proven ours for its unbind; it is bound again when it has expired"
"""Why a binding is not renewed that no listing is known to show."""


@dataclass(slots=True)
class Findings:
    """What one planning looks at, and what it has found so far."""

    desired: Desired
    state: State
    observed: Observed
    matched: Matched
    occupancy: Occupancy
    now: int
    question: Question
    adopted: Mapping[str, str]
    drafts: list[Draft] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)
    decisions: list[Diagnostic] = field(default_factory=list)
    deferred: list[Deferred] = field(default_factory=list)
    config_waits: list[Deferred] = field(default_factory=list)
    """Those of `deferred` that become a change of cause config when their time has come."""
    until: list[int] = field(default_factory=list)
    """Instants at which time alone brings a change of cause config."""
    bookkeeping: list[Event] = field(default_factory=list)
    unchanged: int = 0
    blocking: Mapping[str, Pending] = field(init=False)

    def __post_init__(self) -> None:
        self.blocking = self.state.blocking()

    def trusted(self, provider: str) -> bool:
        """Whether an absence in the provider's listing may be believed."""
        listing = self.observed.listings.get(provider)
        return not self.question.refreshed or (listing is not None and listing.trustworthy)

    def hidden(self, provider: str, address: str, action: Action) -> bool:
        """Whether the provider's listing cannot carry this conclusion; then it is deferred."""
        if self.trusted(provider):
            return False
        listing = self.observed.listings.get(provider)
        name = address.removeprefix("bindings.")
        binding = self.desired.bindings.get(name)
        source = None if binding is None else binding.span
        self.deferred.append(Deferred(address, action, provider, why_hidden(provider, listing), None, source))
        return True

    def ended(self, expires: int, row: LiveBinding | None) -> bool:
        """Whether a binding has ended: by our clock, and by its vendor's while that lists it."""
        return expires <= self.now if row is None else self.over(expires, row.provider)

    def over(self, expires: int, provider: str) -> bool:
        """Whether an instant has passed by our clock and, where its listing was read, by the vendor's."""
        listing = self.observed.listings.get(provider)
        behind = 0.0 if listing is None else max(0.0, -listing.clock_ahead)
        return expires <= self.now - behind

    def vendors_now(self, provider: str) -> float:
        """The later of our clock and the vendor's: by it has ended what the vendor lists no more."""
        listing = self.observed.listings.get(provider)
        return self.now + (0.0 if listing is None else max(0.0, listing.clock_ahead))

    def fresh(self, address: str, entry: Entry, action: Action, binding: Binding | None) -> bool:
        """Whether an entry was bound so lately that a listing may not show it yet; then nothing is concluded."""
        config = self.desired.providers.get(entry.provider)
        if config is None or not self.question.refreshed:
            return False
        listing = self.observed.listings[entry.provider]
        bound_at = (entry.bound_at or 0) - int(
            listing.clock_ahead
        )  # the vendor's clock stamped it, ours reads lists
        visible_from = bound_at + config.settle_seconds(entry.mode)
        if listing.started_at >= visible_from:
            return False
        source = None if binding is None else binding.span
        self.defer(
            Deferred(address, action, entry.provider, NOT_LISTED_YET, visible_from, source),
            config=binding is None,
        )
        return True

    def defer(self, one: Deferred, *, config: bool = False) -> None:
        """Note what is postponed; `config`: it becomes a change of cause config."""
        self.deferred.append(one)
        if config:
            self.config_waits.append(one)

    def replaced(self, address: str, entry: Entry) -> None:
        """Say where another binding is listed under the id of one that is gone."""
        row = self.matched.other.get(address)
        if row is not None and alive(row, self.now):
            self.notes.append(
                Diagnostic(
                    "P342",
                    f"{address}: {entry.provider} lists another binding under its id {entry.bind_id}; it is taken for "
                    "somebody else's and left as it is",
                    Severity.WARNING,
                    advice="if somebody changed the binding at the vendor, unbind it there: it still connects calls",
                    address=address,
                )
            )

    def unproven(self, address: str, made: Entry | Superseded) -> None:
        """Say that an unbind has no proof, as no listing of the provider shows the binding."""
        self.notes.append(
            Diagnostic(
                "P341",
                f"{address}: {made.provider} was never seen to list a binding like {made.bind_id}, so nothing "
                "proves it ours and apply will not unbind it",
                Severity.WARNING,
                advice="unbind it at the vendor, then `pnsync state rm` the address; or wait until it has expired",
                address=address,
            )
        )
