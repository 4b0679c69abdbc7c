"""The plan: ordered changes that turn observed into desired, and its one JSON form.

In memory a plan holds real numbers; `document` is the only way out of it and masks them. Renderers and
saved plans work on the document alone, so that what a person sees is what was saved. Frozen data, no I/O.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from pnsync.errors import Diagnostic, SourceSpan
from pnsync.journal import Event
from pnsync.masking import Masker
from pnsync.model import NEVER, Holds, Lifetime
from pnsync.phone import Phone
from pnsync.reach import RoutingSummary
from pnsync.state import Entry, GroupChange, GroupEntry, Operation, Superseded

FORMAT: Final = "pnsync-plan"
VERSION: Final = 1

Value = Phone | str | int | bool | None | tuple[Phone, ...]
Attributes = Mapping[str, Value]
Document = Mapping[str, Any]


class Action(StrEnum):
    """What a change does."""

    BIND = "bind"
    REBIND = "rebind"
    RENEW = "renew"
    UNBIND = "unbind"
    ADOPT = "adopt"
    FORGET = "forget"
    CREATE_GROUP = "create_group"
    UPDATE_GROUP = "update_group"
    DELETE_GROUP = "delete_group"


class Cause(StrEnum):
    """Why a change is due: a commit, the vendor, time, or an interrupted run."""

    CONFIG = "config"
    DRIFT = "drift"
    EXPIRY = "expiry"
    RECOVERY = "recovery"


class Order(StrEnum):
    """Which half of a replacement comes first: bind-first has no gap."""

    BIND_FIRST = "bind-first"
    UNBIND_FIRST = "unbind-first"


@dataclass(frozen=True, slots=True)
class Circle:
    """Changes that wait for each other, and so unbind all and then bind all, seen from one of their unbinds.

    `binds_at` are the providers at which they bind, `calls` what they take from this unbind on.
    """

    addresses: frozenset[str]
    binds_at: frozenset[str]
    calls: int


@dataclass(frozen=True, slots=True)
class Step:
    """One writing call of a change. `after` are the indices of steps that must have succeeded before it.

    `keys` name what the call touches (phones, X and extension, ids, groups): steps that share one never overlap.
    """

    change: int
    operation: Operation
    provider: str
    keys: frozenset[str]
    after: tuple[int, ...] = ()
    unbinds: Superseded | None = None
    target: Entry | GroupEntry | None = None
    group_change: GroupChange | None = None
    group_phones: tuple[Phone, ...] = ()
    replaces: str | None = None
    finishes: bool = False
    """Whether the step is the second half of an unbind-first change and so comes before anything else.

    In a circle of changes that unbind all and then bind all it is each step but the first.
    """
    circle: Circle | None = None
    """Of an unbind in a circle."""


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a plan. `before` and `after` hold real numbers; `gap_seconds` is how long nobody is reached."""

    address: str
    action: Action
    cause: Cause
    reason: str
    provider: str
    before: Attributes | None = None
    after: Attributes | None = None
    changed: tuple[str, ...] = ()
    order: Order | None = None
    gap_seconds: float = 0.0
    calls: int = 0
    x_may_change: bool = False
    source: SourceSpan | None = None
    events: tuple[Event, ...] = ()
    """What is recorded without a call (adopt, forget)."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """A change that quarantine, a settle window, a drain or a hold postpones."""

    address: str
    action: Action
    provider: str
    reason: str
    not_before: int | None = None
    source: SourceSpan | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """What a span of time from `at` brings: ends of leases if no run came, and renewals that fall due."""

    at: int
    expiries: int
    renewals: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What apply would do now. Equal inputs give equal plans."""

    made_at: int
    lineage: str
    serial: int
    config_digest: str
    changes: tuple[Change, ...]
    steps: tuple[Step, ...]
    deferred: tuple[Deferred, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    valid_until: int | None = None
    unchanged: int = 0
    unmanaged: int = 0
    bookkeeping: tuple[Event, ...] = ()
    """What the state learns without a change: renames, protection, what was refreshed."""
    declared: int = 0
    refusals: tuple[Diagnostic, ...] = ()
    """Why policy or protection refuse it (exit 4); empty when apply may run."""
    decisions: tuple[Diagnostic, ...] = ()
    """What a person must decide (exit 11)."""
    routing: RoutingSummary = RoutingSummary()
    """What calls will do otherwise than before."""
    rate: float | None = None
    """Calls a second of the slowest provider that it calls, as this run may make them; None where it calls none."""
    timeline: tuple["Moment", ...] = ()
    """When bindings end and are renewed once the plan is applied, in equal spans; empty where that was not asked."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.changes

    @property
    def calls(self) -> int:
        """Writing calls that apply makes when nothing fails."""
        return len(self.steps)


def instant(seconds: int | float) -> str:
    """An instant as RFC 3339 in UTC, whole seconds; what a calendar does not hold as its nearest end."""
    shown = min(max(int(seconds), 0), NEVER - 1)
    return datetime.fromtimestamp(shown, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(seconds: int) -> str:
    """A duration in the largest unit that divides it, as configuration writes it: 86400 is `1d`."""
    for unit, size in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def lifetime_attributes(lifetime: Lifetime) -> dict[str, Value]:
    """The lifetime as it is declared: `expires_in` and `expires_at`, without anything that moves with time."""
    found: dict[str, Value] = {}
    if lifetime.never:
        found["expires_in"] = "never"
    elif lifetime.lease_seconds is not None and lifetime.until is None:
        found["expires_in"] = duration(lifetime.lease_seconds)
    if lifetime.until is not None:
        found["expires_at"] = instant(lifetime.until)
    return found


def binding_attributes(entry: Entry) -> dict[str, Value]:
    """What is compared and shown of a binding: declared values, and X and extension once they are known."""
    found: dict[str, Value] = {"mode": entry.mode.value, "phone_a": entry.phone_a}
    if entry.phone_b is not None:
        found["phone_b"] = entry.phone_b
    if entry.phone_x is not None:
        found["phone_x"] = entry.phone_x
    if entry.phone_x_b is not None and entry.phone_x_b != entry.phone_x:
        found["phone_x_b"] = entry.phone_x_b
    if entry.extension is not None:
        found["extension"] = entry.extension
    if entry.group is not None:
        found["group"] = entry.group
    if entry.pool_number is not None:
        found["pool_number"] = entry.pool_number
    found["recording"] = entry.recording
    if entry.declared_id is not None:
        found["customer_bind_id"] = entry.declared_id
    found.update(lifetime_attributes(entry.lifetime))
    return found


def group_attributes(entry: GroupEntry) -> dict[str, Value]:
    """What is compared and shown of a group: people as phones, numbers in full."""
    phones: Value = entry.phones
    if entry.holds is Holds.NUMBERS:
        phones = ", ".join(one.digits for one in entry.phones)
    found: dict[str, Value] = {"group_name": entry.group_name, "holds": entry.holds.value, "phones": phones}
    if entry.remark:
        found["remark"] = entry.remark
    return found


def shown(attributes: Attributes | None, masker: Masker) -> dict[str, Any] | None:
    """Attributes as JSON, phones masked."""
    if attributes is None:
        return None
    return {name: _shown_value(value, masker) for name, value in attributes.items()}


def _shown_value(value: Value, masker: Masker) -> Any:
    if isinstance(value, Phone):
        return masker.show(value)
    if isinstance(value, tuple):
        return [masker.show(one) for one in value]
    return value


SUMMARY_ACTIONS: Final = tuple(Action)


def document(plan: Plan, masker: Masker, *, pnsync_version: str) -> dict[str, Any]:
    """The plan's JSON form, digest included. Real numbers appear only where the masker reveals them."""
    changes = [_change(one, masker) for one in plan.changes]
    summary: dict[str, int] = dict.fromkeys((action.value for action in SUMMARY_ACTIONS), 0)
    for one in plan.changes:
        summary[one.action.value] += 1
    summary |= {
        "deferred": len(plan.deferred),
        "unchanged": plan.unchanged,
        "unmanaged": plan.unmanaged,
        "calls": plan.calls,
    }
    found: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "pnsync_version": pnsync_version,
        "made_at": instant(plan.made_at),
        "valid_until": None if plan.valid_until is None else instant(plan.valid_until),
        "lineage": plan.lineage,
        "serial": plan.serial,
        "config_digest": plan.config_digest,
        "summary": summary,
        "rate": plan.rate,
        "changes": changes,
        "routing": plan.routing.document(masker),
        "timeline": [
            {"at": instant(one.at), "expiries": one.expiries, "renewals": one.renewals}
            for one in plan.timeline
        ],
        "deferred": [_deferred(one) for one in plan.deferred],
        "diagnostics": [_diagnostic(one) for one in (*plan.refusals, *plan.decisions, *plan.diagnostics)],
    }
    found["digest"] = digest(found)
    return found


def digest(found: Document) -> str:
    """SHA-256 over the canonical JSON of a document without its digest and signature."""
    body = {key: value for key, value in found.items() if key not in ("digest", "signature")}
    return f"sha256:{hashlib.sha256(canonical(body)).hexdigest()}"


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces, UTF-8: the bytes that digests and signatures cover."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def _source(span: SourceSpan | None) -> dict[str, Any] | None:
    return None if span is None else {"file": span.file, "line": span.line}


def _change(change: Change, masker: Masker) -> dict[str, Any]:
    return {
        "address": change.address,
        "action": change.action.value,
        "cause": change.cause.value,
        "reason": change.reason,
        "provider": change.provider,
        "before": shown(change.before, masker),
        "after": shown(change.after, masker),
        "changed": list(change.changed),
        "order": None if change.order is None else change.order.value,
        "gap_seconds": change.gap_seconds,
        "calls": change.calls,
        "x_may_change": change.x_may_change,
        "source": _source(change.source),
    }


def _deferred(one: Deferred) -> dict[str, Any]:
    return {
        "address": one.address,
        "action": one.action.value,
        "provider": one.provider,
        "reason": one.reason,
        "not_before": None if one.not_before is None else instant(one.not_before),
        "source": _source(one.source),
    }


def _diagnostic(one: Diagnostic) -> dict[str, Any]:
    return {
        "code": one.code,
        "severity": one.severity.value,
        "summary": one.summary,
        "advice": one.advice,
        "address": one.address,
        "source": _source(one.span),
    }


def expiry_text(expires_at: int | None) -> str | None:
    """An expiry as documents show it: an instant, `never`, or None where it is not known."""
    if expires_at is None:
        return None
    return "never" if expires_at >= NEVER else instant(expires_at)


def by_address(changes: Sequence[Change]) -> dict[str, Change]:
    """The changes by address; an address has at most one change besides its recovery."""
    return {one.address: one for one in changes}
