"""A plan that shows every kind of change, as a document: what renderers are tried on."""

from typing import Any

from pnsync.errors import Diagnostic, Severity, SourceSpan
from pnsync.masking import Masker
from pnsync.model import DAY
from pnsync.phone import Phone
from pnsync.plan import Action, Attributes, Cause, Change, Deferred, Order, Plan, Step, document
from pnsync.state import Operation

MADE_AT = 1_795_305_600
KEY = bytes(range(32))
LINEAGE = "7c4d1a2b"


def desk(phone: str, x: str, extension: str, **more: Any) -> Attributes:
    """The attributes of an extension binding."""
    return {
        "mode": "axb_extension",
        "phone_a": Phone(phone),
        "phone_x": x,
        "extension": extension,
        "recording": False,
        "expires_in": "1d",
    } | more


def ride(a: str, b: str, **more: Any) -> Attributes:
    """The attributes of a binding of two people."""
    found = {"mode": "axb", "phone_a": Phone(a), "phone_b": Phone(b), "recording": True}
    return found | more


CHANGES = (
    Change(
        "bindings.desk-down",
        Action.BIND,
        Cause.RECOVERY,
        "down since 2026-11-21T23:58:00Z: its unbind is done and its bind is not",
        "nx",
        after=desk("447700900131", "447401264117", "131"),
        calls=1,
    ),
    Change(
        "bindings.driver-4",
        Action.RENEW,
        Cause.EXPIRY,
        "expires at 2026-11-22T09:12:00Z",
        "la",
        before=ride("918067700900", "918067700901", mode="axxb", pool_number="918806", expires_in="3d"),
        after=ride("918067700900", "918067700901", mode="axxb", pool_number="918806", expires_in="3d"),
        order=Order.UNBIND_FIRST,
        gap_seconds=0.4,
        calls=2,
        x_may_change=True,
        source=SourceSpan("drivers.yaml", 4),
    ),
    Change(
        "groups.couriers",
        Action.UPDATE_GROUP,
        Cause.CONFIG,
        "phones changed",
        "nx",
        before={"group_name": "couriers", "holds": "people", "phones": (Phone("447700900101"),)},
        after={
            "group_name": "couriers",
            "holds": "people",
            "phones": (Phone("447700900101"), Phone("447700900102")),
        },
        changed=("phones",),
        calls=1,
        source=SourceSpan("pnsync.yaml", 9),
    ),
    Change(
        "bindings.desk-old",
        Action.UNBIND,
        Cause.CONFIG,
        "no longer declared",
        "nx",
        before=desk("447700900109", "447401264117", "118"),
        calls=1,
    ),
    Change(
        "bindings.desk-3",
        Action.REBIND,
        Cause.DRIFT,
        "phone_a differs at the vendor",
        "nx",
        before=desk("447700900140", "447401264117", "103"),
        after=desk("447700900141", "447401264117", "103"),
        changed=("phone_a",),
        order=Order.UNBIND_FIRST,
        gap_seconds=0.3,
        calls=2,
        source=SourceSpan("desks.yaml", 40),
    ),
    Change(
        "bindings.desk-7",
        Action.REBIND,
        Cause.CONFIG,
        "phone_a and extension changed",
        "nx",
        before=desk("447700900112", "447401264117", "107"),
        after=desk("447700900198", "447401264117", "207"),
        changed=("phone_a", "extension"),
        order=Order.BIND_FIRST,
        calls=2,
        source=SourceSpan("desks.yaml", 88),
    ),
    Change(
        "bindings.desk-london",
        Action.BIND,
        Cause.CONFIG,
        "not in state",
        "nx",
        after=desk("447700900123", "447401264118", "101", expires_in="never"),
        calls=1,
        source=SourceSpan("desks.yaml", 12),
    ),
    Change(
        "bindings.ride-17",
        Action.BIND,
        Cause.CONFIG,
        "not in state",
        "nx",
        after=ride("447700900111", "447700900122", expires_at="2026-12-24T18:00:00Z"),
        calls=1,
        source=SourceSpan("rides.yaml", 3),
    ),
    Change(
        "bindings.ride-9",
        Action.FORGET,
        Cause.EXPIRY,
        "expired, and no longer declared",
        "nx",
        before=ride("447700900113", "447700900124", expires_in="1d", phone_x="447401264119"),
    ),
)
DEFERRED = (
    Deferred(
        "bindings.desk-9",
        Action.BIND,
        "nx",
        "extension 204 in quarantine",
        MADE_AT + DAY + 7 * 3600,
        SourceSpan("desks.yaml", 90),
    ),
)
FINDINGS = (
    Diagnostic(
        "W410",
        "the phone of two bindings may be dialled as one",
        Severity.WARNING,
        SourceSpan("rides.yaml", 3),
        advice="give each its own X",
    ),
)


def steps(changes: tuple[Change, ...]) -> tuple[Step, ...]:
    """As many calls as the changes say."""
    return tuple(
        Step(i, Operation.BIND, one.provider, frozenset())
        for i, one in enumerate(changes)
        for _ in range(one.calls)
    )


def plan(**more: Any) -> Plan:
    """The plan, with other values where given."""
    values: dict[str, Any] = {
        "made_at": MADE_AT,
        "lineage": LINEAGE,
        "serial": 41,
        "config_digest": "sha256:00",
        "changes": CHANGES,
        "deferred": DEFERRED,
        "diagnostics": FINDINGS,
        "valid_until": MADE_AT + 19 * 3600 + 720,
        "unchanged": 1198,
        "unmanaged": 6,
    } | more
    return Plan(steps=steps(values["changes"]), **values)


def plan_document(**more: Any) -> dict[str, Any]:
    """The plan's document under a fixed key."""
    return document(plan(**more), Masker(KEY, LINEAGE), pnsync_version="0.1.0")
