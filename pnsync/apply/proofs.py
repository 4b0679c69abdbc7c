"""The latest listing of each provider, for the proof that every unbind needs: what is unbound is seen to be ours.

Works on what `refresh` read; does not read itself. What was unbound since is taken out, as it proves nothing more.
"""

from collections.abc import Collection, Mapping

from pnsync.matching import same_identity
from pnsync.model import Listing, LiveBinding, LiveGroup
from pnsync.state import Superseded

PROOF_SECONDS = 600
"""How old the listing may be that proves an unbind's binding to be ours."""


class Proofs:
    """What the vendors were last seen to hold, and when reading it began (monotonic seconds)."""

    def __init__(self, listings: Mapping[str, Listing], read_at: float) -> None:
        self._read_at = dict.fromkeys(listings, read_at)
        self._listings = dict(listings)
        self._rows = {
            name: {row.bind_id: row for row in listing.bindings} for name, listing in listings.items()
        }

    def renew(self, listings: Mapping[str, Listing], read_at: float) -> None:
        """Take newer listings in place of what was known of their providers."""
        fresh = Proofs(listings, read_at)
        self._read_at.update(fresh._read_at)
        self._listings.update(fresh._listings)
        self._rows.update(fresh._rows)

    def stale(self, provider: str, now: float) -> bool:
        """Whether the listing is too old to prove anything."""
        return now - self._read_at.get(provider, float("-inf")) > PROOF_SECONDS

    def show(self, binding: Superseded) -> bool:
        """Whether a complete listing shows the binding as the state recorded it."""
        listing = self._listings.get(binding.provider)
        row = self._rows.get(binding.provider, {}).get(binding.bind_id)
        trusted = listing is not None and listing.trustworthy
        return trusted and row is not None and same_identity(row, binding)

    def gone(self, provider: str, bind_id: str) -> None:
        """A binding was unbound."""
        self._rows.get(provider, {}).pop(bind_id, None)

    def bindings(self, provider: str) -> Collection[LiveBinding]:
        """The live bindings of a provider, as far as is known."""
        return self._rows.get(provider, {}).values()

    def groups(self, provider: str) -> Collection[LiveGroup]:
        """The live groups of a provider, as far as is known."""
        listing = self._listings.get(provider)
        return () if listing is None else listing.groups
