"""The words of pnsync as frozen data: what files declare (`Desired`), what vendors list (`Observed`).

Times are whole epoch seconds, UTC. `NEVER` stands for a binding without expiry; `None` for an expiry that is
not known. No I/O, no clock; nothing here imports a third-party library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from pnsync.errors import Diagnostic, PnsyncError, SourceSpan
from pnsync.phone import Phone

NEVER: Final = 253_402_300_800
"""The expiry of a binding that never expires: the first second of the year 10000."""

HOUR: Final = 3600
DAY: Final = 86400


class Mode(StrEnum):
    """How the parties are connected."""

    AXB = "axb"
    AXB_EXTENSION = "axb_extension"
    AXG = "axg"
    AXXB = "axxb"


class Holds(StrEnum):
    """What a group's phones are: X numbers to pick from, or people who may dial (personal data)."""

    NUMBERS = "numbers"
    PEOPLE = "people"


class VendorType(StrEnum):
    """The vendor whose API a provider speaks."""

    NXCLOUD = "nxcloud"
    LAAFFIC = "laaffic"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a vendor can do, as far as planning depends on it (docs/vendors.md, 3)."""

    modes: frozenset[Mode]
    max_lease_seconds: int | None
    """The longest lifetime of one bind, None where the vendor names none."""
    never_expires: bool
    client_ids: bool
    """Whether a binding carries our customerBindId."""
    groups: bool
    pools: bool
    phone_is_exclusive: bool
    """Whether a phone may stand in one binding at a time (LAAFFIC's -35: an AXB binding of A or B)."""
    settle_seconds: Mapping[Mode, int]
    """How long after its time stamp a request may still take effect, by mode (settle_window)."""


CAPABILITIES: Final[Mapping[VendorType, Capabilities]] = MappingProxyType(
    {
        VendorType.NXCLOUD: Capabilities(
            modes=frozenset({Mode.AXB, Mode.AXB_EXTENSION, Mode.AXG}),
            max_lease_seconds=None,
            never_expires=True,
            client_ids=True,
            groups=True,
            pools=False,
            phone_is_exclusive=False,
            settle_seconds=MappingProxyType(dict.fromkeys(Mode, 180)),
        ),
        VendorType.LAAFFIC: Capabilities(
            modes=frozenset({Mode.AXB, Mode.AXXB}),
            max_lease_seconds=259_200,
            never_expires=False,
            client_ids=False,
            groups=False,
            pools=True,
            phone_is_exclusive=True,
            settle_seconds=MappingProxyType(
                {Mode.AXB: 120, Mode.AXXB: 1920, Mode.AXG: 1920, Mode.AXB_EXTENSION: 1920}
            ),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a binding is wanted, and in leases of what length.

    `lease_seconds` is the length of one bind (None: the vendor's maximum, or never); `until` the declared end
    (`expires_at`), None when the binding is wanted for as long as it is declared. `renew_before_seconds` is the
    remaining life at which a renewal is due. `keep=False` binds once.
    """

    lease_seconds: int | None
    until: int | None = None
    renew_before_seconds: int = 0
    keep: bool = True

    @property
    def never(self) -> bool:
        """Whether one bind holds for ever."""
        return self.lease_seconds is None and self.until is None


@dataclass(frozen=True, slots=True)
class Binding:
    """A declared binding. `phone_x` is a fixed X; `x_group` a group pnsync picks X from; `group` an axg's people."""

    name: str
    provider: str
    mode: Mode
    phone_a: Phone
    phone_b: Phone | None
    lifetime: Lifetime
    phone_x: str | None = None
    x_group: str | None = None
    extension: str | None = None
    extension_auto: bool = False
    group: str | None = None
    pool_number: str | None = None
    customer_bind_id: str | None = None
    recording: bool = False
    protect: bool = False
    enabled: bool = True
    labels: tuple[tuple[str, str], ...] = ()
    span: SourceSpan | None = None
    phone_a_name: str | None = field(default=None, compare=False)
    """The name under which the files of numbers hold phone A, where the binding names it; no declared value."""
    phone_b_name: str | None = field(default=None, compare=False)

    @property
    def named(self) -> bool:
        """Whether no real number stands in the binding itself."""
        return self.phone_a_name is not None and (self.phone_b is None or self.phone_b_name is not None)

    @property
    def address(self) -> str:
        """`bindings.NAME`."""
        return f"bindings.{self.name}"


@dataclass(frozen=True, slots=True)
class Group:
    """A declared group: managed when `phones` are declared, else read only and found by `group_id` or `group_name`."""

    name: str
    provider: str
    holds: Holds
    phones: tuple[Phone, ...] | None
    group_name: str
    group_id: str | None = None
    remark: str = ""
    protect: bool = False
    drain: frozenset[str] = frozenset()
    extension_range: tuple[int, int] = (0, 999)
    reserved_extensions: frozenset[str] = frozenset()
    span: SourceSpan | None = None
    named: bool = field(default=False, compare=False)
    """Whether each of its phones is written as the name of a number."""

    @property
    def address(self) -> str:
        """`groups.NAME`."""
        return f"groups.{self.name}"

    @property
    def managed(self) -> bool:
        """Whether pnsync creates, updates and deletes it."""
        return self.phones is not None


@dataclass(frozen=True, slots=True)
class CredentialReference:
    """Where a credential is read from; never the credential itself. Exactly one of the environment's names is used."""

    env: str


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """One configured vendor account, without its keys. `endpoint` is a URL or the word `sandbox`."""

    name: str
    type: VendorType
    endpoint: str
    app_id: str | None = None
    algorithm: str = "md5"
    rate: float = 20.0
    """Calls a second, reads included."""
    settle_window_seconds: int | None = None
    """Overrides the vendor's settle window for every mode."""
    credentials: Mapping[str, CredentialReference] = field(default_factory=dict)
    span: SourceSpan | None = None

    @property
    def sandbox(self) -> bool:
        """Whether the simulated vendor inside pnsync answers."""
        return self.endpoint == "sandbox"

    @property
    def capabilities(self) -> Capabilities:
        """What its vendor can do."""
        return CAPABILITIES[self.type]

    def settle_seconds(self, mode: Mode) -> int:
        """How long after its time stamp a bind of this mode may still take effect."""
        if self.settle_window_seconds is not None:
            return self.settle_window_seconds
        return self.capabilities.settle_seconds[mode]


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound on how many bindings one plan may touch: a share of those in state, or a count; never below 5."""

    percent: float | None = None
    count: int | None = None

    def allowed(self, total: int) -> int:
        """The largest number that passes without an explicit permission."""
        if self.count is not None:
            return self.count
        return max(5, int(total * (self.percent or 0.0) / 100))


@dataclass(frozen=True, slots=True)
class Policy:
    """What a plan may do."""

    max_unbind: Limit = Limit(percent=30)
    max_rebind: Limit = Limit(percent=30)
    max_missing: Limit = Limit(percent=20)
    require_recording: bool = False
    allow_never_expire: bool = True
    allowed_country_codes: frozenset[str] | None = None
    quarantine_seconds: int = DAY
    max_lifetime_seconds: int | None = None
    numbers: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often CI runs pnsync and how late it may come, in seconds."""

    every_seconds: int
    late_by_seconds: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A rename that makes no vendor call: addresses before and after."""

    source: str
    target: str
    span: SourceSpan | None = None


@dataclass(frozen=True, slots=True)
class StateConfig:
    """Where the state is kept: a backend's name and its settings as written."""

    backend: str = "local"
    settings: Mapping[str, object] = field(default_factory=dict)
    span: SourceSpan | None = None


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything the files declare, checked. Bindings and groups are by name, in file order."""

    root: str
    """The root file's name, relative to its folder."""
    lineage: str | None
    providers: Mapping[str, ProviderConfig]
    bindings: Mapping[str, Binding]
    groups: Mapping[str, Group]
    moved: tuple[Moved, ...] = ()
    policy: Policy = Policy()
    schedule: Schedule | None = None
    state: StateConfig = StateConfig()
    diagnostics: tuple[Diagnostic, ...] = ()
    """Warnings and notes; errors are raised as `ConfigError`."""
    files: tuple[str, ...] = ()


BindKey = tuple[str, str]
"""Which binding of which account: the provider's name and the bind id, as two accounts may give out the same ids."""


@dataclass(frozen=True, slots=True)
class LiveBinding:
    """One binding as a vendor lists it. `expires_at` None means not known (unparsable, or a zone not calibrated)."""

    provider: str
    bind_id: str
    phone_a: Phone
    phone_b: Phone | None
    phone_x: str | None
    """The X that A dials."""
    phone_x_b: str | None = None
    """The X that B dials, where it is another (axxb)."""
    extension: str | None = None
    customer_bind_id: str | None = None
    recording: bool | None = None
    expires_at: int | None = None
    naive_expiry: int | None = None
    """LAAFFIC: the listed text read as if it were UTC; `expires_at` = this minus the zone's offset, once calibrated."""

    @property
    def key(self) -> BindKey:
        """Which it is among all that is listed."""
        return self.provider, self.bind_id


@dataclass(frozen=True, slots=True)
class LiveGroup:
    """One NXCloud group as listGroup shows it."""

    provider: str
    group_id: str
    name: str
    phones: tuple[Phone, ...]
    remark: str = ""


@dataclass(frozen=True, slots=True)
class LivePool:
    """One LAAFFIC number pool."""

    provider: str
    pool_number: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """What one provider lists, and how far it may be trusted.

    `scans` agreeing reads were made; two are needed before an absence counts. `started_at` is
    when the first of them began, epoch seconds with fraction by the local clock. `problems` name rows that could
    not be read and listings that would not hold still: with any, nothing is concluded from an absence.
    """

    provider: str
    bindings: tuple[LiveBinding, ...]
    groups: tuple[LiveGroup, ...] = ()
    pools: tuple[LivePool, ...] = ()
    started_at: float = 0.0
    scans: int = 1
    pages: int = 0
    problems: tuple[str, ...] = ()
    clock_ahead: float = 0.0
    """Seconds that the vendor's clock is ahead of ours, as its answers told: what it stamps is in its own time."""

    @property
    def trustworthy(self) -> bool:
        """Whether an absence in it may be believed."""
        return not self.problems

    @property
    def stable(self) -> bool:
        """Whether two agreeing scans stand behind it."""
        return self.scans >= 2 and not self.problems


@dataclass(frozen=True, slots=True)
class Observed:
    """What the vendors list now, by provider name. A provider that was not read is missing."""

    listings: Mapping[str, Listing]
    failures: Mapping[str, PnsyncError] = field(default_factory=dict)
    """Providers whose listing could not be read, with the cause."""
