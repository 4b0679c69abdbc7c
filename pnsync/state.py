"""What pnsync made and recorded: the state as frozen data.

Entries by address, attempts whose outcome is not settled, numbers in quarantine, the accounts they belong to.
Every change of a state is a new value; `journal.replay` and the planner are its only writers. Its JSON form is
in statefile/. No I/O, no clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pnsync.model import Binding, BindKey, Holds, Lifetime, Mode
from pnsync.phone import Phone


@dataclass(frozen=True, slots=True)
class Entry:
    """One binding that pnsync made, as recorded.

    `bind_id` None means that it is down: unbound, and to be bound with these values. `expires_at` is `NEVER`, an
    instant, or None where the vendor's zone is not known yet. `phone_x` is the X that A dials, `phone_x_b` B's
    where it is another. `x_chosen` tells that the vendor or a pool chose X, so that another X is no difference.
    """

    provider: str
    mode: Mode
    phone_a: Phone
    phone_b: Phone | None
    lifetime: Lifetime
    generation: int
    phone_x: str | None = None
    phone_x_b: str | None = None
    x_chosen: bool = False
    x_group: str | None = None
    extension: str | None = None
    extension_auto: bool = False
    group: str | None = None
    group_id: str | None = None
    pool_number: str | None = None
    recording: bool = False
    protect: bool = False
    declared_id: str | None = None
    """The `customer_bind_id` that the file declares, without its generation suffix."""
    customer_bind_id: str | None = None
    bind_id: str | None = None
    bound_at: int | None = None
    expires_at: int | None = None
    down_since: int | None = None
    labels: tuple[tuple[str, str], ...] = ()
    file: str | None = None

    @property
    def down(self) -> bool:
        """Whether its unbind is done and its bind is not."""
        return self.bind_id is None

    @property
    def key(self) -> BindKey | None:
        """Which live binding it records; None while it is down."""
        return None if self.bind_id is None else (self.provider, self.bind_id)


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """One group that pnsync made."""

    provider: str
    group_id: str
    group_name: str
    phones: tuple[Phone, ...]
    holds: Holds
    remark: str = ""
    protect: bool = False
    file: str | None = None
    changed_at: int | None = None
    """When the last call that created or changed it was signed, by the vendor's clock."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """A live binding of ours that is to be unbound: the old half of a bind-first rebind, or a duplicate."""

    address: str
    provider: str
    bind_id: str
    phone_a: Phone
    phone_b: Phone | None
    phone_x: str | None = None
    extension: str | None = None
    customer_bind_id: str | None = None
    expires_at: int | None = None
    group: str | None = None
    """The group of people of an axg binding."""

    @property
    def key(self) -> BindKey:
        """Which live binding it is."""
        return self.provider, self.bind_id


class Operation(StrEnum):
    """A writing call."""

    BIND = "bind"
    UNBIND = "unbind"
    CREATE_GROUP = "create_group"
    UPDATE_GROUP = "update_group"
    DELETE_GROUP = "delete_group"


class GroupChange(StrEnum):
    """How updateGroup treats the phones it is given (docs/vendors.md, 1.4, operateType)."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


EARLIER_SECONDS = 5.0
"""How much earlier than `Intent.signed_at` a request may be stamped: what answers teach of a vendor's time moves it a little."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One attempt of one writing call, recorded before it is sent.

    `target` is the entry as it will be when the call has taken effect: for a bind the new binding, for an unbind
    what stays (None: the entry goes; with `bind_id` None: down). `signed_at` is the vendor's time that the request is
    stamped with, `latest_at` the latest stamp it may carry, `not_before` when its absence in a listing starts to
    count, `adoptable_until` until when a late effect is still taken for its own (not before `not_before`). `known_ids` are bindings of the same pair that were listed before, where the vendor knows no client id.
    """

    attempt: str
    address: str
    operation: Operation
    provider: str
    signed_at: float
    latest_at: float
    not_before: float
    adoptable_until: float
    target: Entry | GroupEntry | None = None
    bind_id: str | None = None
    customer_bind_id: str | None = None
    expire_seconds: int | None = None
    group_id: str | None = None
    group_change: GroupChange | None = None
    group_phones: tuple[Phone, ...] = ()
    known_ids: tuple[str, ...] = ()
    replaces: str | None = None
    """The bind id of the old half, where the new one is bound first."""
    unbinds: Superseded | None = None
    """What an unbind takes away, so that its numbers can rest in quarantine."""


class Standing(StrEnum):
    """What is known of an attempt that is not settled."""

    OPEN = "open"
    """Recorded, and no answer recorded: the run ended in between."""
    UNKNOWN = "unknown"
    """The answer does not tell whether it took effect."""
    DOUBTFUL = "doubtful"
    """Refused with a code that proves little, as a second delivery may have been the refused one: blocks its address
    until a listing has told, but nobody waits for it."""
    REFUSED = "refused"
    """Refused or not listed in time, but a late delivery may take effect: adoptable for a while, blocking nothing."""
    ECHO = "echo"
    """It took effect, and a second delivery of it may make another, which no id would tell apart: blocks nothing."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An attempt whose outcome is not settled."""

    intent: Intent
    standing: Standing = Standing.OPEN
    reason: str = ""
    vendor_code: str = ""
    request_id: str = ""

    @property
    def blocks(self) -> bool:
        """Whether its address gets no other call until it is settled."""
        return self.standing not in (Standing.REFUSED, Standing.ECHO)

    @property
    def uncertain(self) -> bool:
        """Whether nothing at all is known of its outcome, so that a run waits for it."""
        return self.standing in (Standing.OPEN, Standing.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Resting:
    """A freed number: (X, extension) where `extension` is given, (party, X) where `party` is, else X for all who call it.

    Not another's before `until`.
    """

    provider: str
    phone_x: str
    address: str
    until: int
    extension: str | None = None
    party: Phone | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Which vendor account the entries of a provider live in: endpoint host and a keyed fingerprint of the key."""

    host: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Since when, and with which code, the calls for an address fail."""

    since: int
    count: int
    code: str


@dataclass(frozen=True, slots=True)
class Head:
    """The last journal record that a snapshot holds: its number (0: none) and its chained hash."""

    seq: int = 0
    hash: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """One lineage's record. `serial` is raised by every write of the snapshot; mappings are never mutated."""

    lineage: str
    serial: int = 0
    entries: Mapping[str, Entry | GroupEntry] = field(default_factory=dict)
    pending: Mapping[str, Pending] = field(default_factory=dict)
    superseded: Mapping[BindKey, Superseded] = field(default_factory=dict)
    quarantine: tuple[Resting, ...] = ()
    accounts: Mapping[str, Account] = field(default_factory=dict)
    generations: Mapping[str, int] = field(default_factory=dict)
    """The highest generation ever used by each of `counters`, so that no customerBindId is used twice."""
    generation_base: int = 0
    """Where generations start in a state that was rebuilt, so that a forgotten one is not used again."""
    unbound: Mapping[BindKey, int] = field(default_factory=dict)
    """When we unbound what: a row that a lagging listing still shows is never adopted."""
    failures: Mapping[str, Failure] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Small facts by name: the pseudonym key, plans used, the commit applied, a vendor's calibrated zone."""
    head: Head = Head()

    def bindings(self) -> dict[str, Entry]:
        """The entries that are bindings."""
        return {address: one for address, one in self.entries.items() if isinstance(one, Entry)}

    def groups(self) -> dict[str, GroupEntry]:
        """The entries that are groups."""
        return {address: one for address, one in self.entries.items() if isinstance(one, GroupEntry)}

    def next_generation(self, address: str, declared_id: str | None = None) -> int:
        """The generation that the next bind of an address gets, with the customer_bind_id that it declares."""
        used = [self.generations.get(one, 0) for one in counters(address, declared_id)]
        return max(*used, self.generation_base) + 1

    def blocking(self) -> dict[str, Pending]:
        """Addresses with an attempt that is not settled, by address."""
        return {one.intent.address: one for one in self.pending.values() if one.blocks}


def counters(address: str, declared_id: str | None) -> tuple[str, ...]:
    """What a bind's generation counts for: its address, and a declared id, which may come to another address."""
    return (address,) if declared_id is None else (address, f"ids.{declared_id}")


def target_of(
    binding: Binding,
    *,
    generation: int,
    customer_bind_id: str | None,
    phone_x: str | None = None,
    extension: str | None = None,
    group_id: str | None = None,
) -> Entry:
    """The entry that a bind of this declaration would make; X, extension and ids that others decide are given."""
    return Entry(
        provider=binding.provider,
        mode=binding.mode,
        phone_a=binding.phone_a,
        phone_b=binding.phone_b,
        lifetime=binding.lifetime,
        generation=generation,
        phone_x=phone_x or binding.phone_x,
        x_chosen=binding.phone_x is None and binding.x_group is None,
        x_group=binding.x_group,
        extension=extension or binding.extension,
        extension_auto=binding.extension_auto,
        group=binding.group,
        group_id=group_id,
        pool_number=binding.pool_number,
        recording=binding.recording,
        protect=binding.protect,
        declared_id=binding.customer_bind_id,
        customer_bind_id=customer_bind_id,
        labels=binding.labels,
        file=binding.span.file if binding.span else None,
    )
