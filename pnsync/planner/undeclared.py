"""What becomes of that which is recorded and no longer declared: the lower half of the planner's table. Pure.

Unbound where it lives and a listing shows it, forgotten where it has ended; left for later where no listing can tell.
"""

from collections.abc import Container, Mapping
from dataclasses import replace

from pnsync.errors import Diagnostic, Severity
from pnsync.journal import Doubled, Rested
from pnsync.matching import alive, known_expiry, never_listed
from pnsync.model import Binding, BindKey, Mode
from pnsync.plan import Action, Cause
from pnsync.planner.draft import open_attempt
from pnsync.planner.drafting import forget_draft, superseded_draft, unbind_draft
from pnsync.planner.findings import Findings
from pnsync.planner.quarantine import rests_after_end, unbound_at
from pnsync.state import Entry, Operation, Superseded

NAMED = 5
"""Bind ids that a warning names; the rest is counted."""


class Undeclared:
    """Decides what the bindings need that nobody declares, or that are switched off."""

    def __init__(self, found: Findings, declared: Mapping[str, Binding], held: Container[str]) -> None:
        """`declared` by address; `held` are the addresses that somebody put on hold."""
        self.found = found
        self.declared = declared
        self.held = held
        self.now = found.now

    def decide(self) -> None:
        """Find what each needs, in the order of their addresses; then what is live besides and should not be."""
        self._decide_recorded()
        self._decide_superseded()
        self._tell_unbound()

    def _decide_recorded(self) -> None:
        recorded = self.found.state.bindings()
        unrecorded = [
            one for one in self.found.blocking if one not in recorded and not one.startswith("groups.")
        ]
        for address in sorted((*recorded, *unrecorded)):
            declared = self.declared.get(address)
            if declared is not None and declared.enabled:
                continue
            if address in self.found.blocking:
                self._open(address, declared)
            else:
                self._decide(address, recorded[address], declared)

    def _decide_superseded(self) -> None:
        """A second live binding of an address goes; the memory of one that is gone goes too."""
        for key, old in sorted(self.found.state.superseded.items()):
            if old.address not in self.found.blocking:
                self._superseded(key, old)

    def _tell_unbound(self) -> None:
        """Say what was unbound and is listed still, where no id of ours proves it; what one proves is superseded."""
        still: dict[str, list[str]] = {}
        for row in self.found.matched.unmanaged:
            if row.key in self.found.state.unbound and alive(row, self.now):
                still.setdefault(row.provider, []).append(row.bind_id)
        for provider, ids in sorted(still.items()):
            more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
            self.found.notes.append(
                Diagnostic(
                    "P343",
                    f"{provider} lists live bindings under ids that pnsync has unbound: {', '.join(sorted(ids)[:NAMED])}{more}",
                    Severity.WARNING,
                    advice="where nobody has bound them anew they connect calls still: unbind them at the vendor, or take one over with "
                    "`pnsync import`",
                )
            )

    def _open(self, address: str, declared: Binding | None) -> None:
        """The outcome of a call of it is not known yet."""
        intent = self.found.blocking[address].intent
        source = None if declared is None else declared.span
        resumed = intent.operation is Operation.UNBIND and intent.target is None
        self.found.defer(open_attempt(address, intent, source), config=not resumed)

    def _decide(self, address: str, entry: Entry, declared: Binding | None) -> None:
        found = self.found
        row = found.matched.rows.get(address)
        expires = known_expiry(entry, row)
        if entry.down:
            ended_at = unbound_at(entry, self.now)
            self._forget(address, entry, Cause.CONFIG, "down and no longer declared", ended_at=ended_at)
        elif expires is not None and found.ended(expires, row):
            # Somebody may have prolonged it at the vendor; where the provider is gone from the files nobody can look.
            unknown = entry.provider not in found.desired.providers
            if unknown or not found.hidden(entry.provider, address, Action.FORGET):
                self._forget(address, entry, Cause.EXPIRY, "expired and no longer declared", ended_at=expires)
        elif row is None and address not in found.matched.believed:
            self._unlisted(address, entry, declared, expires)
        elif not found.hidden(entry.provider, address, Action.UNBIND):
            if row is None:
                found.unproven(address, entry)
            reason = self._why(address, entry, declared)
            found.drafts.append(unbind_draft(address, entry, row, reason, declared))

    def _unlisted(self, address: str, entry: Entry, declared: Binding | None, expires: int | None) -> None:
        """Not listed, and by our clock it has not expired."""
        found = self.found
        if found.hidden(entry.provider, address, Action.FORGET):
            return
        if found.fresh(address, entry, Action.FORGET, declared):
            return
        if expires is not None and expires <= found.vendors_now(entry.provider):
            reason = "expired and no longer declared"
            self._forget(address, entry, Cause.EXPIRY, reason, ended_at=expires)
        else:
            found.replaced(address, entry)
            reason = "no longer listed and no longer declared"
            self._forget(address, entry, Cause.CONFIG, reason, ended_at=self.now, missing=True)

    def _why(self, address: str, entry: Entry, declared: Binding | None) -> str:
        """The reason of an unbind."""
        if self.found.question.destroy:
            return "destroy was asked for"
        if address in self.held:
            return "on hold"
        if declared is not None:
            return "declared with enabled: false"
        if entry.file is not None and entry.file not in (self.found.desired.files or (entry.file,)):
            return f"no longer declared: {entry.file} is gone"
        return "no longer declared"

    def _forget(
        self, address: str, entry: Entry, cause: Cause, reason: str, *, ended_at: int, missing: bool = False
    ) -> None:
        """Draft it, and let its numbers rest from when it ended."""
        seconds = self.found.desired.policy.quarantine_seconds
        resting = rests_after_end(address, entry, None, ended_at=ended_at, now=self.now, seconds=seconds)
        draft = forget_draft(address, entry, cause, reason)
        if resting:
            draft = replace(draft, events=(*draft.events, Rested(resting, self.now)))
        self.found.drafts.append(replace(draft, missing=missing))

    def _superseded(self, key: BindKey, old: Superseded) -> None:
        found = self.found
        row = found.matched.superseded.get(key)
        if row is not None:
            if alive(row, self.now) and not found.hidden(old.provider, old.address, Action.UNBIND):
                found.drafts.append(superseded_draft(old, row, again=key in found.state.unbound))
            return
        # Our clock alone tells nothing, but where the provider is gone from the files and nobody can look.
        known = old.provider not in found.desired.providers or found.trusted(old.provider)
        ended = known and old.expires_at is not None and found.over(old.expires_at, old.provider)
        mode = Mode.AXB_EXTENSION if old.extension else Mode.AXG if old.group else Mode.AXB
        if ended or (found.trusted(old.provider) and not never_listed(found.state, old.provider, mode)):
            found.bookkeeping.append(Doubled(key, None))
        elif found.trusted(old.provider):
            found.unproven(old.address, old)
