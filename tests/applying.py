"""An apply in small: a plan, vendors that answer as they are told, and all that happened, in order."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pnsync.apply.applying import Applying
from pnsync.apply.progress import Conduct, Tally
from pnsync.apply.proofs import Proofs
from pnsync.interfaces import Reached, Reading
from pnsync.journal import (
    Applied,
    Event,
    NotSent,
    Outcome,
    Refusal,
    Refused,
    Unknown,
    replay,
)
from pnsync.model import Binding, Listing, ProviderConfig
from pnsync.phone import Phone
from pnsync.plan import Action, Cause, Change, Plan, Step
from pnsync.state import Account, Entry, Intent, Operation, State
from pnsync.verdict import Done, Failed, Report, Uncertain
from tests.properties.model_vendor import ModelVendor
from tests.worlds import NOW, PROVIDERS, made, rows_of, state

Answer = Callable[[Intent], Outcome]
BIND, UNBIND = Operation.BIND, Operation.UNBIND
ENDLESS = 500
"""A run on the bench that waits so often never ends."""


@dataclass(frozen=True)
class Recorded:
    """One durable write, and when."""

    events: tuple[Event, ...]
    at: float = field(default=0.0, compare=False)


@dataclass(frozen=True)
class Called:
    """One call, as it leaves."""

    intent: Intent
    at: float


Happening = Recorded | Called | Report | str


def refused(refusal: Refusal, code: str = "10099") -> Answer:
    """The vendor says no, and does nothing."""
    return lambda intent: Refused(refusal, code, f"no: {refusal.value}", "request-7")


def unknown(reason: str = "no answer in 20 s", *, rate_limited: bool = False) -> Answer:
    """No usable answer, and no effect."""
    return lambda intent: Unknown(reason, rate_limited=rate_limited)


def not_sent(intent: Intent) -> Outcome:
    """No byte left."""
    return NotSent("connection refused")


class Bench:
    """The world of one apply. `answers` are by "operation name", each list in order; without one a call takes effect.

    A call takes `seconds` (one by default); with `hang` in `answers` it never ends. `signal_at` is when somebody
    interrupts, in seconds from the beginning.
    """

    def __init__(self, known: State | None = None, *, providers: Iterable[str] = ("nx", "nx2", "la")) -> None:
        self.state = known or state()
        self.passed = 0.0
        self.asked = 0
        self.happened: list[Happening] = []
        self.answers: dict[str, list[Answer]] = {}
        self.seconds: dict[str, float] = {}
        self.hanging: set[str] = set()
        self.signal_at = float("inf")
        self.jump = 0.0
        self.slept: list[float] = []
        self.waited: list[float | None] = []
        self.relisted: list[str] = []
        self.listed: Mapping[str, Listing] | None = None
        self.broken: Exception | None = None
        self.fenced: Exception | None = None
        self.vendor = ModelVendor(NOW)
        for row in rows_of(self.state):
            self.vendor.rows[(row.provider, row.bind_id)] = row
        self.accounts = {name: Vendor(self, PROVIDERS[name]) for name in providers}
        self.tally = Tally()
        self._ends: list[tuple[float, int, Outcome]] = []
        self._told = False

    # -- clock, interrupt ----------------------------------------------------------------------------------------

    def now(self) -> float:
        self._asked()
        return NOW + self.passed + self.jump

    def monotonic(self) -> float:
        self._asked()
        return self.passed

    def _asked(self) -> None:
        self.asked += 1
        assert self.asked < 10 * ENDLESS

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        assert len(self.slept) < ENDLESS
        end = self.passed + seconds
        self.passed = self.signal_at if self.passed < self.signal_at < end else end

    @property
    def signal(self) -> int | None:
        return 2 if self.passed >= self.signal_at else None

    # -- the record ----------------------------------------------------------------------------------------------

    def record(self, *events: Event) -> None:
        assert events, "no empty write"
        if self.broken is not None:
            raise self.broken
        self.state = replay(self.state, events)
        self.happened.append(Recorded(events, self.passed))

    def check(self) -> None:
        self.happened.append("check")
        if self.fenced is not None:
            raise self.fenced

    # -- the dispatcher ------------------------------------------------------------------------------------------

    def submit(self, ticket: int, call: Callable[[], object]) -> None:
        intent_at = len(self.happened)
        outcome = call()
        called = self.happened[intent_at]
        assert isinstance(called, Called)
        name = named(called.intent)
        if name in self.hanging:
            return
        assert isinstance(outcome, Applied | NotSent | Refused | Unknown)
        self._ends.append((self.passed + self.seconds.get(name, 1.0), ticket, outcome))

    def wait(self, timeout: float | None) -> list[tuple[int, object]]:
        self.waited.append(timeout)
        assert len(self.waited) < ENDLESS
        assert timeout is None or timeout > 0
        until = float("inf") if timeout is None else self.passed + timeout
        first = min((end for end, _, _ in self._ends), default=float("inf"))
        if self.passed < self.signal_at <= min(first, until):
            self.passed = self.signal_at
            return []
        assert min(first, until) < float("inf"), "waits for a call that nobody makes"
        self.passed = max(self.passed, min(first, until))
        ended = sorted(one for one in self._ends if one[0] <= self.passed)
        self._ends = [one for one in self._ends if one[0] > self.passed]
        return [(ticket, outcome) for _, ticket, outcome in ended]

    # -- what is run ---------------------------------------------------------------------------------------------

    def report(self, report: Report) -> None:
        self.happened.append(report)

    def listing(self) -> Mapping[str, Listing]:
        self.vendor.now = int(self.now())
        return self.vendor.listing().listings

    def call(self, intent: Intent) -> Applied:
        """The call takes effect now."""
        self.vendor.now = int(self.now())
        return self.vendor.call(intent)

    def relist(self, name: str) -> Mapping[str, Listing]:
        self.relisted.append(name)
        self.happened.append(f"relist {name}")
        found = self.listing() if self.listed is None else self.listed
        return {one: listing for one, listing in found.items() if one == name}

    def applying(self, plan: Plan, *, proofs: Proofs | None = None, **conduct: Any) -> Applying:
        """An apply of a plan, ready to go."""
        return Applying(
            plan,
            session=self,
            providers=self.accounts,
            dispatcher=self,
            clock=self,
            interrupt=self,
            report=self.report,
            conduct=Conduct(**conduct),
            proofs=proofs or Proofs(self.listing(), self.passed),
            relist=self.relist,
            tally=self.tally,
            run="run",
        )

    def go(self, plan: Plan, **conduct: Any) -> "Bench":
        """Apply a plan."""
        self.applying(plan, **conduct).go()
        return self

    # -- what is looked at ---------------------------------------------------------------------------------------

    @property
    def calls(self) -> list[str]:
        """The calls in the order they left."""
        return [named(one.intent) for one in self.happened if isinstance(one, Called)]

    @property
    def times(self) -> list[float]:
        """When they left."""
        return [one.at for one in self.happened if isinstance(one, Called)]

    @property
    def intents(self) -> list[Intent]:
        """What they were to do."""
        return [one.intent for one in self.happened if isinstance(one, Called)]

    @property
    def records(self) -> list[tuple[Event, ...]]:
        """The durable writes."""
        return [one.events for one in self.happened if isinstance(one, Recorded)]

    def told(self, kind: type[Any]) -> list[Any]:
        """The reports of a kind."""
        return [one for one in self.happened if isinstance(one, kind)]

    @property
    def done(self) -> list[str]:
        """Addresses that were told done, in order."""
        return [short(one.address) for one in self.told(Done)]

    @property
    def failed(self) -> dict[str, tuple[str, str]]:
        """Code and reason of what was told failed."""
        return {short(one.address): (one.code, one.reason) for one in self.told(Failed)}

    @property
    def uncertain(self) -> dict[str, str]:
        """The reason for what was told uncertain."""
        return {short(one.address): one.reason for one in self.told(Uncertain)}

    @property
    def left(self) -> list[str]:
        """Addresses that were never begun."""
        return [short(one) for one in self.tally.left]


class Vendor:
    """One account on the bench. `ahead` is how far its clock is before ours."""

    def __init__(self, bench: Bench, config: ProviderConfig) -> None:
        self.bench = bench
        self.config = config
        self.ahead = 0.0
        self.paces: list[float] = []

    def account(self, key: bytes) -> Account:
        return Account("sandbox", key.hex())

    def vendor_now(self) -> float:
        return self.bench.now() + self.ahead

    def list(self, *, scans: int, reading: Reading) -> Listing:
        return self.bench.listing()[self.config.name]

    def pace(self) -> float:
        return self.paces.pop(0) if self.paces else 0.0

    def send(self, intent: Intent) -> Outcome:
        self.bench.happened.append(Called(intent, self.bench.passed))
        answers = self.bench.answers.get(named(intent))
        if answers:
            return answers.pop(0)(intent)
        return self.bench.call(intent)

    def query(self, *, caller: Phone, did: str, extension: str | None) -> Reached:
        return Reached(None)

    def close(self) -> None:
        return None


def short(address: str) -> str:
    """An address without its kind."""
    return address.partition(".")[2]


def named(intent: Intent) -> str:
    """A call as tests name it."""
    return f"{intent.operation.value} {short(intent.address)}"


def change(name: str, action: Action = Action.BIND, **more: Any) -> Change:
    """A line of a plan."""
    given = {"cause": Cause.CONFIG, "reason": "not in state", "provider": "nx", "calls": 1, **more}
    return Change(name if "." in name else f"bindings.{name}", action, **given)


def bind(number: int, target: Entry, keys: Iterable[str] = (), **more: Any) -> Step:
    """A bind of change `number`."""
    return Step(number, BIND, target.provider, frozenset(keys), target=target, **more)


def plan_of(changes: Iterable[Change], steps: Iterable[Step]) -> Plan:
    """A plan made by hand."""
    return Plan(NOW, "7c4d1a2b", 4, "sha256:0", tuple(changes), tuple(steps))


def binds(*targets: tuple[Binding, Iterable[str]], **more: Any) -> Plan:
    """A plan of binds, each with the keys it holds."""
    wanted = [replace(made(one), bind_id=None, bound_at=None, expires_at=None) for one, _ in targets]
    changes = [change(one.name, provider=one.provider, **more) for one, _ in targets]
    steps = [
        bind(number, target, keys)
        for number, (target, (_, keys)) in enumerate(zip(wanted, targets, strict=True))
    ]
    return plan_of(changes, steps)
