"""Small worlds to plan in: declarations, the entries that an apply of them would have left, and the rows a vendor lists."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pnsync.identity import customer_bind_id
from pnsync.matching import row_of
from pnsync.model import (
    NEVER,
    Binding,
    BindKey,
    Desired,
    Group,
    Holds,
    Lifetime,
    Listing,
    LiveBinding,
    LiveGroup,
    Mode,
    Observed,
    ProviderConfig,
    VendorType,
)
from pnsync.phone import Phone
from pnsync.plan import Change, Plan
from pnsync.planner.table import Question, plan
from pnsync.state import (
    Entry,
    GroupEntry,
    Intent,
    Operation,
    Pending,
    Standing,
    State,
    Superseded,
    target_of,
)

NOW = 1_800_000_000
DAY = 86400
LINEAGE = "7c4d1a2b-0000-4000-8000-000000000000"
X = "447700900900"
X2 = "447700900901"
NX = ProviderConfig("nx", VendorType.NXCLOUD, "sandbox", settle_window_seconds=180)
NX2 = replace(NX, name="nx2")
LA = ProviderConfig("la", VendorType.LAAFFIC, "sandbox", app_id="4luaKsL2", settle_window_seconds=120)
PROVIDERS = {"nx": NX, "nx2": NX2, "la": LA}
LISTED = {"lists.nx.axb_extension": "yes", "lists.nx.axg": "yes", "lists.nx2.axb_extension": "yes"}
DAILY = Lifetime(lease_seconds=DAY, renew_before_seconds=DAY // 5)
FOREVER = Lifetime(lease_seconds=None)


def phone(number: int) -> Phone:
    """A number of the range that no network assigns."""
    return Phone(f"447700900{number:03d}")


def axb(name: str, a: int = 1, b: int = 2, **more: Any) -> Binding:
    """A binding whose X the vendor picks."""
    return _binding(name, Mode.AXB, phone(a), phone(b), more)


def desk(name: str, extension: str | None = "101", a: int = 1, **more: Any) -> Binding:
    """An extension binding."""
    return _binding(name, Mode.AXB_EXTENSION, phone(a), None, {"phone_x": X, "extension": extension, **more})


def axg(name: str, group: str, a: int = 1, **more: Any) -> Binding:
    """A binding to a group."""
    return _binding(name, Mode.AXG, phone(a), None, {"group": group, **more})


def ride(name: str, a: int = 1, b: int = 2, **more: Any) -> Binding:
    """A binding at LAAFFIC."""
    mode = more.pop("mode", Mode.AXB)
    return _binding(name, mode, phone(a), phone(b), {"provider": "la", "pool_number": "918806", **more})


def _binding(name: str, mode: Mode, a: Phone, b: Phone | None, more: dict[str, Any]) -> Binding:
    given = {"provider": "nx", "lifetime": DAILY, **more}
    return Binding(
        name=name, mode=mode, phone_a=given.pop("phone_a", a), phone_b=given.pop("phone_b", b), **given
    )


def made(binding: Binding, *, age: int = 3600, generation: int = 1, **more: Any) -> Entry:
    """What an apply `age` seconds ago left in the state."""
    ours = None
    if PROVIDERS[binding.provider].type is VendorType.NXCLOUD:
        ours = customer_bind_id(LINEAGE, binding.address, generation, binding.customer_bind_id)
    bound = NOW - age
    lease = binding.lifetime.lease_seconds
    ends = [
        one for one in (None if lease is None else bound + lease, binding.lifetime.until) if one is not None
    ]
    entry = replace(
        target_of(binding, generation=generation, customer_bind_id=ours),
        bind_id=f"{binding.name}-{generation}",
        phone_x=binding.phone_x or X2,
        bound_at=bound,
        expires_at=min(ends, default=NEVER),
    )
    return replace(entry, **more)


def group(name: str, numbers: Iterable[int] | None = (11, 12), **more: Any) -> Group:
    """A managed group, or a read-only one without numbers."""
    phones = None if numbers is None else tuple(phone(one) for one in numbers)
    given = {"provider": "nx", "holds": Holds.PEOPLE, "group_name": name, **more}
    return Group(name=name, phones=phones, **given)


def made_group(one: Group, group_id: str = "g1", **more: Any) -> GroupEntry:
    """What an apply left of a group."""
    entry = GroupEntry(
        one.provider, group_id, one.group_name, one.phones or (), one.holds, one.remark, one.protect
    )
    return replace(entry, **more)


def live_group(entry: GroupEntry, **more: Any) -> LiveGroup:
    """The group as listed."""
    found = LiveGroup(entry.provider, entry.group_id, entry.group_name, entry.phones, entry.remark)
    return replace(found, **more)


def foreign(number: str = "foreign-1", a: int = 1, b: int | None = 2, **more: Any) -> LiveBinding:
    """A live binding that pnsync did not make."""
    given = {"provider": "nx", "phone_x": X2, "recording": False, "expires_at": NOW + DAY, **more}
    return LiveBinding(bind_id=number, phone_a=phone(a), phone_b=None if b is None else phone(b), **given)


def state(entries: Mapping[str, Entry | GroupEntry] | None = None, **more: Any) -> State:
    """A state that has seen every mode listed."""
    known = entries or {}
    generations = {address: one.generation for address, one in known.items() if isinstance(one, Entry)}
    given = {"serial": 4, "notes": LISTED, **more}
    given["generations"] = {**generations, **given.get("generations", {})}
    return State(lineage=LINEAGE, entries=known, **given)


def bound(*bindings: Binding, **more: Any) -> dict[str, Entry | GroupEntry]:
    """Entries of these bindings by address."""
    return {one.address: made(one, **more) for one in bindings}


def rows_of(known: State) -> list[LiveBinding]:
    """What a vendor lists of a state, expired bindings left out."""
    return [
        row_of(one)
        for one in known.entries.values()
        if isinstance(one, Entry) and one.bind_id is not None and (one.expires_at or NEVER) > NOW
    ]


def observed(
    rows: Iterable[LiveBinding] = (),
    groups: Iterable[LiveGroup] = (),
    *,
    providers: Iterable[str] = ("nx", "nx2", "la"),
    **more: Any,
) -> Observed:
    """Trustworthy listings of two scans that began just now."""
    found = list(rows)
    live = list(groups)
    given = {"scans": 2, "started_at": NOW - 1.0, **more}
    return Observed(
        {
            name: Listing(
                name,
                tuple(one for one in found if one.provider == name),
                tuple(one for one in live if one.provider == name),
                **given,
            )
            for name in providers
        }
    )


def desired(bindings: Iterable[Binding] = (), groups: Iterable[Group] = (), **more: Any) -> Desired:
    """What the files declare."""
    given = {"root": "pnsync.yaml", "lineage": None, "providers": PROVIDERS, **more}
    return Desired(
        bindings={one.name: one for one in bindings}, groups={one.name: one for one in groups}, **given
    )


def planned(
    declared: Desired | Iterable[Binding],
    known: State | Mapping[str, Entry | GroupEntry] | None = None,
    seen: Observed | Iterable[LiveBinding] | None = None,
    *,
    now: int = NOW,
    **question: Any,
) -> Plan:
    """A plan; without rows the vendor lists what the state holds."""
    files = declared if isinstance(declared, Desired) else desired(declared)
    before = known if isinstance(known, State) else state(known)
    rows = seen if seen is not None else [*rows_of(before)]
    groups = [live_group(one) for one in before.groups().values()]
    listings = rows if isinstance(rows, Observed) else observed(rows, groups)
    return plan(files, before, listings, now=now, question=Question(**question) if question else None)


def only(found: Plan) -> Change:
    """The one change of a plan that asks nothing else."""
    (change,) = found.changes
    assert change.calls == len(found.steps)
    return change


def what(found: Plan) -> list[tuple[str, str]]:
    """Actions and addresses in plan order."""
    return [(one.action.value, one.address.partition(".")[2]) for one in found.changes]


def calls(found: Plan) -> list[tuple[str, str]]:
    """Operations and addresses of the steps, in order."""
    return [(one.operation.value, found.changes[one.change].address.partition(".")[2]) for one in found.steps]


def codes(found: Plan) -> list[str]:
    """Codes of all that the plan says."""
    return [one.code for one in (*found.refusals, *found.decisions, *found.diagnostics)]


def intent(
    target: Entry | GroupEntry | None,
    address: str,
    *,
    ago: float = 10.0,
    operation: Operation = Operation.BIND,
    window: float = 180.0,
    adoptable: float | None = None,
    **more: Any,
) -> Intent:
    """An attempt that was made `ago` seconds ago."""
    at = NOW - ago
    lease = target.lifetime.lease_seconds if isinstance(target, Entry) else None
    given = {
        "attempt": "run.1",
        "address": address,
        "operation": operation,
        "provider": "nx" if target is None else target.provider,
        "signed_at": at,
        "latest_at": at + 5,
        "not_before": at + window,
        "adoptable_until": at + (window if adoptable is None else adoptable),
        "target": target,
        "expire_seconds": (lease or 0) if operation is Operation.BIND and isinstance(target, Entry) else None,
        "customer_bind_id": target.customer_bind_id
        if isinstance(target, Entry) and operation is Operation.BIND
        else None,
    }
    return Intent(**{**given, **more})


def attempt(binding: Binding, *, generation: int = 2, ago: float = 10.0, **more: Any) -> Intent:
    """A bind of a declaration whose outcome is not known."""
    target = replace(made(binding, generation=generation), bind_id=None, bound_at=None, expires_at=None)
    if binding.phone_x is None:
        target = replace(target, phone_x=None)
    window = 120.0 if binding.provider == "la" else 180.0
    adoptable = 1920.0 if binding.provider == "la" else None
    return intent(target, binding.address, ago=ago, **{"window": window, "adoptable": adoptable, **more})


def pending(*intents: Intent, standing: Standing = Standing.UNKNOWN) -> dict[str, Pending]:
    """Attempts that are not settled."""
    return {one.attempt: Pending(one, standing) for one in intents}


def superseded(address: str, entry: Entry, **more: Any) -> dict[BindKey, Superseded]:
    """An entry remembered as one that is to be unbound."""
    assert entry.bind_id is not None
    found = Superseded(
        address,
        entry.provider,
        entry.bind_id,
        entry.phone_a,
        entry.phone_b,
        entry.phone_x,
        entry.extension,
        customer_bind_id=entry.customer_bind_id,
        expires_at=entry.expires_at,
        **more,
    )
    return {found.key: found}
