"""Who holds what at a vendor: (X, extension), pairs and exclusive phones, by live row.

A bind that needs what another live binding holds is ordered after its unbind where this plan frees it, deferred
where it does not, and a person's decision where the holder is not ours. Pure.
"""

from dataclasses import dataclass

from pnsync.draft import Draft
from pnsync.errors import Diagnostic, Severity
from pnsync.matching import Matched
from pnsync.model import NEVER, LiveBinding, Mode
from pnsync.phone import Phone
from pnsync.plan import Deferred
from pnsync.state import Entry, State, Superseded

Resource = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Needs:
    """What settling the needs of drafts left behind."""

    deferred: tuple[Deferred, ...]
    decisions: tuple[Diagnostic, ...]


def x_extension(provider: str, phone_x: str, extension: str) -> Resource:
    """A number and extension, which one binding at a time may have."""
    return ("x", provider, phone_x, extension)


def pair(provider: str, a: Phone, b: Phone) -> Resource:
    """Two parties, in either order."""
    first, second = sorted((a.digits, b.digits))
    return ("pair", provider, first, second)


def exclusive(made: Entry | Superseded, *, vendor_phones: bool, mode: Mode | None) -> frozenset[Resource]:
    """What a binding holds that no other may hold at the same time.

    LAAFFIC refuses a second AXB binding of either phone (-35), and nothing tells two bindings of one pair apart.
    """
    found: set[Resource] = set()
    if made.phone_x is not None and made.extension:
        found.add(x_extension(made.provider, made.phone_x, made.extension))
    if vendor_phones and made.phone_b is not None:
        found.add(pair(made.provider, made.phone_a, made.phone_b))
        if mode in (Mode.AXB, None):
            found.update(("phone", made.provider, one.digits) for one in (made.phone_a, made.phone_b))
    return frozenset(found)


def row_resources(row: LiveBinding) -> frozenset[Resource]:
    """What a live row holds."""
    found: set[Resource] = set()
    if row.phone_x is not None and row.extension:
        found.add(x_extension(row.provider, row.phone_x, row.extension))
    elif row.phone_b is not None:
        found.add(pair(row.provider, row.phone_a, row.phone_b))
        if row.phone_x_b in (None, row.phone_x):
            found.update(("phone", row.provider, one.digits) for one in (row.phone_a, row.phone_b))
    return frozenset(found)


class Occupancy:
    """The holders of every resource now: an address of ours, or a row that is not ours."""

    def __init__(self, matched: Matched, state: State, now: int) -> None:
        self.matched = matched
        self.twins: list[tuple[str, LiveBinding]] = []
        self._ours: dict[Resource, str] = {}
        self._others: dict[Resource, LiveBinding] = {}
        for address, row in matched.rows.items():
            if row.expires_at is None or row.expires_at > now:
                self._ours.update(dict.fromkeys(row_resources(row), address))
        for bind_id, row in matched.superseded.items():
            address = state.superseded[bind_id].address
            for resource in row_resources(row):
                self._ours.setdefault(resource, address)
        for row in matched.unmanaged:
            if row.expires_at is None or row.expires_at > now:
                for resource in row_resources(row):
                    self._others.setdefault(resource, row)

    def equal_unmanaged(self, target: Entry) -> LiveBinding | None:
        """A live row that is what the target asks for, and not provably ours."""
        for resource in sorted(_collisions(target)):
            row = self._others.get(resource)
            if row is not None and _equal(row, target):
                return row
        return None

    def settle_needs(self, drafts: list[Draft]) -> tuple[list[Draft], Needs]:
        """The drafts whose needs can be met by this plan, and what is said of the others."""
        deferred: list[Deferred] = []
        decisions: list[Diagnostic] = []
        kept = list(drafts)
        while True:
            freeing = {one.address for one in kept if one.old is not None}
            fitting: list[Draft] = []
            for one in kept:
                holder = self._obstacle(one, freeing)
                if holder is None:
                    fitting.append(one)
                elif isinstance(holder, LiveBinding):
                    decisions.append(_conflict(one, holder))
                else:
                    reason = f"needs what {holder} holds, and this plan does not free it"
                    deferred.append(Deferred(one.address, one.action, one.provider, reason, None, one.source))
            if len(fitting) == len(kept):
                break
            kept = fitting
        return kept, Needs(tuple(deferred), tuple(decisions))

    def twins_note(self) -> tuple[Diagnostic, ...]:
        """One diagnostic for every declared binding that is live and not provably ours."""
        return (_twins(self.twins),) if self.twins else ()

    def _obstacle(self, draft: Draft, freeing: set[str]) -> LiveBinding | str | None:
        target = draft.target
        if target is None:
            return None
        for resource in sorted(_collisions(target)):
            row = self._others.get(resource)
            if row is not None:
                return row
        for resource in sorted(needs_of(target)):
            holder = self._ours.get(resource)
            if holder is not None and holder != draft.address and holder not in freeing:
                return holder
        return None


def needs_of(target: Entry) -> frozenset[Resource]:
    """What a bind of ours needs to be free among our own."""
    return exclusive(target, vendor_phones=target.pool_number is not None, mode=target.mode)


def frees_of(old: Superseded, entry: Entry | None) -> frozenset[Resource]:
    """What an unbind of ours frees."""
    vendor_phones = entry is not None and entry.pool_number is not None
    return exclusive(old, vendor_phones=vendor_phones, mode=None if entry is None else entry.mode)


def _collisions(target: Entry) -> frozenset[Resource]:
    found = set(needs_of(target))
    if target.mode in (Mode.AXB, Mode.AXXB) and target.phone_b is not None:
        found.add(pair(target.provider, target.phone_a, target.phone_b))
    return frozenset(found)


def _equal(row: LiveBinding, target: Entry) -> bool:
    pairs = (row.phone_a, row.phone_b) == (target.phone_a, target.phone_b)
    x = target.phone_x is None or row.phone_x == target.phone_x
    recording = row.recording is None or row.recording == target.recording
    return pairs and x and row.extension == target.extension and recording


def _conflict(draft: Draft, row: LiveBinding) -> Diagnostic:
    what = "the pair is bound"
    if row.extension:
        what = f"{row.phone_x} extension {row.extension} is taken"
    until = "" if row.expires_at in (None, NEVER) else ", until it expires"
    return Diagnostic(
        "P310",
        f"{draft.address}: {what} by binding {row.bind_id}, which pnsync did not make",
        Severity.ERROR,
        draft.source,
        advice=f"take it over with `pnsync import {draft.address} {row.bind_id}`, or wait{until}",
        address=draft.address,
    )


def _twins(twins: list[tuple[str, LiveBinding]]) -> Diagnostic:
    names = ", ".join(address for address, _ in twins[:5])
    more = f" and {len(twins) - 5} more" if len(twins) > 5 else ""
    return Diagnostic(
        "P311",
        f"{len(twins)} declared binding{'s are' if len(twins) > 1 else ' is'} live already and not provably made "
        f"by pnsync: {names}{more}",
        Severity.WARNING,
        advice="take them over with `pnsync import --match`; until then they are not renewed",
    )
