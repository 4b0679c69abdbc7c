"""A small world with one of everything, for readers to be fed with."""

from pnsync.config import load_source
from pnsync.journal import (
    Accepted,
    Applied,
    Began,
    Closed,
    Doubled,
    Event,
    Noted,
    NotSent,
    Opened,
    Recorded,
    Refusal,
    Refused,
    Resolved,
    Rested,
    Unknown,
    Verdict,
    superseded_by,
)  # fmt: skip
from pnsync.model import NEVER, Desired, Holds, Lifetime, Listing, LiveBinding, Mode, Observed
from pnsync.phone import Phone
from pnsync.state import Account, Entry, GroupEntry, Intent, Operation, Resting, State

NOW = 1_790_000_000
ENTRY = Entry(
    "nx", Mode.AXB_EXTENSION, Phone("447700900123"), Phone("447700900124"), Lifetime(86400), 1, phone_x="447401264117",
    extension="101", customer_bind_id="pns-7c4d1a2b-000000000000-1", bind_id="b1", bound_at=NOW - 9, expires_at=NOW + 86391,
    labels=(("team", "west"),), file="bindings/one.yaml",
)  # fmt: skip
OTHER = Entry("la", Mode.AXXB, Phone("9188067701"), Phone("9188067799"), Lifetime(3600, keep=False), 2, bind_id="7", x_chosen=True,
              phone_x="9188061024", phone_x_b="9188061025", pool_number="918806", expires_at=NEVER, protect=True)  # fmt: skip
GROUP = GroupEntry("nx", "g1", "couriers", (Phone("85211111114"),), Holds.PEOPLE, "Number Group A")


def state() -> State:
    """A state with one of everything."""
    return State(
        "7c4d1a2b",
        4,
        {"bindings.desk": ENTRY, "bindings.driver": OTHER, "groups.couriers": GROUP},
        superseded={("nx", "b0"): superseded_by("bindings.desk", ENTRY)},
        quarantine=(Resting("nx", "447401264117", "bindings.gone", NOW + 60, extension="102"),),
        accounts={"nx": Account("number.nxcloud.com", "sha256:00")},
        generations={"bindings.desk": 3},
        unbound={("nx", "b9"): NOW - 5},
        notes={"key": "00" * 32},
    )


def intent() -> Intent:
    """A bind that is about to be sent."""
    return Intent("r.1", "bindings.new", Operation.BIND, "nx", NOW, NOW + 5, NOW + 180, NOW + 180, target=ENTRY,
                  customer_bind_id="pns-7c4d1a2b-000000000000-1", expire_seconds=86400)  # fmt: skip


def events() -> list[Event]:
    """One of every kind."""
    return [
        Began("maria", "pnsync apply", NOW),
        Opened(intent()),
        Closed("r.1", Applied("b2", "447401264117", request_id="1"), NOW),
        Closed("r.2", NotSent("no route"), NOW),
        Closed("r.3", Refused(Refusal.CAPACITY, "10010", "no number left"), NOW),
        Closed("r.4", Unknown("time-out", rate_limited=True), NOW),
        Resolved("r.1", Verdict.APPLIED, NOW, Applied("b2"), NOW + 60),
        Recorded("bindings.desk", ENTRY),
        Recorded("groups.couriers", GROUP),
        Recorded("bindings.driver", None),
        Doubled(("nx", "b0"), superseded_by("bindings.desk", ENTRY)),
        Rested((Resting("nx", "447401264117", "bindings.gone", NOW + 60, party=Phone("447700900125")),), NOW),
        Accepted("nx", Account("number.nxcloud.com", "sha256:00")),
        Noted("colour", "blue"),
    ]


class _File:
    def read(self, path: str, limit: int) -> bytes:
        return (
            b"version: 1\nproviders:\n  nx: {type: nxcloud, endpoint: sandbox}\ndefaults: {provider: nx, expires_in: 1d}\nbindings:\n"
            b"  desk: {mode: axb_extension, phone_a: 447700900126, phone_x: 447401264117, extension: 101}\n"
            b"  new: {mode: axb, phone_a: 447700900127, phone_b: 447700900128}\n"
        )

    def glob(self, pattern: str) -> list[str]:
        return []


def desired() -> Desired:
    """A change and a new binding."""
    return load_source(_File(), environ={})


def observed() -> Observed:
    """What the vendor lists."""
    row = LiveBinding("nx", "b1", ENTRY.phone_a, ENTRY.phone_b, ENTRY.phone_x, extension="101",
                      customer_bind_id=ENTRY.customer_bind_id, expires_at=ENTRY.expires_at)  # fmt: skip
    return Observed({"nx": Listing("nx", (row,), started_at=NOW, scans=2)})
