"""One simulated world: a machine, its disk, two vendors, declarations, and runs of the real program in it."""

import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from pnsync.backends.local import LocalBackend
from pnsync.errors import PnsyncError
from pnsync.holder import Holder
from pnsync.phone import Phone
from pnsync.planning import Planned, PlanOptions, World, make_plan
from pnsync.providers.credentials import Credentials, Secret
from pnsync.providers.laaffic.provider import LaafficProvider
from pnsync.providers.nxcloud.provider import NxCloudProvider
from pnsync.state import Intent, Operation, State
from pnsync.store.store import Store
from pnsync.verdict import Report, Verdict, report_document
from pnsync.workflow import ApplyOptions, run_apply

from . import faults
from .declarations import CANARIES, Declarations, both, providers
from .disk import Image, SimDisk
from .dispatcher import SimDispatcher
from .figures import LOOKED, Figures
from .ledger import Ledger
from .process import Killed, Process
from .timeline import SimClock, Timeline
from .vendors import Link, Made, Vendor, open_vendor

PATH = "/simulated/state/pnsync.state.json"
PROOF_SECONDS = 690
"""Ten minutes, and what passes between a page of a listing and its end, or an intent and its call."""
MANY_SHARE = 0.004
"""How many worlds have two to four hundred bindings: one costs as much as twenty others."""
SECRET = "canary-secret-7d1f"
KEY = "canary-key-90aa"
_DIGITS = re.compile(r"\d{10,}")


class Violation(BaseException):
    """A promise was broken. `rule` names it; the text holds no personal number.

    No Exception, as the program turns those that a network raises into outcomes.
    """

    def __init__(self, rule: str, what: str) -> None:
        super().__init__(f"{rule}: {what}")
        self.rule = rule


@dataclass
class Run:
    """How a run of the program ended: a verdict, a refusal, or death."""

    verdict: Verdict | None = None
    error: PnsyncError | None = None
    killed: bool = False
    calls: int = 0
    boundaries: int = 0
    names: list[str] = field(default_factory=list)


@contextmanager
def seeded(random: Random) -> Iterator[None]:
    """Names and keys that the program draws come from the seed too."""
    hexes, raw = secrets.token_hex, secrets.token_bytes
    secrets.token_hex = lambda n=32: random.randbytes(n).hex()  # type: ignore[assignment]
    secrets.token_bytes = lambda n=32: random.randbytes(n)  # type: ignore[assignment]
    try:
        yield
    finally:
        secrets.token_hex, secrets.token_bytes = hexes, raw


CLOCK_SECONDS = 5
"""How well a run knows when a binding ends: answers carry the time in whole seconds, and a call takes some."""


class Universe:
    """Everything there is, under one seed."""

    def __init__(
        self, seed: int | str, *, size: int | None = None, plain: Mapping[str, Any] | None = None
    ) -> None:
        """`plain` are the switches of both vendors by provider, {} for none: a small world for one scenario."""
        random = Random(f"{seed}/world")
        self.figures = Figures()
        self.time = Timeline()
        self.image = Image()
        self.ledger = Ledger(self.image, f"{PATH}.journal")
        nx, la = providers(random) if plain is None else both()
        if size is None:
            size = random.choice((1, 2, 4, 8, 8, 16, 16, 30, 120))
            many = Random(f"{seed}/many")
            if many.random() < MANY_SHARE:
                size = many.choice((200, 300, 400))
            elif size > 30 and many.random() < 0.8:
                size = 20
            self.figures.counts["worlds of hundreds of bindings"] += size > 100
        self.files = Declarations(random, size=size, nx=nx, la=la)
        if plain is None and Random(f"{seed}/place").random() < 0.3:
            self.files.place = "object"
            self.figures.counts["worlds in which calls share records"] += 1
        self.page_size = max(random.choice((3, 7, 50, 1000)), size // 4)
        """Rows that come in another order each time can be read only when one page holds them all."""
        self.skew = random.choice((0.0, 0.0, 0.0, 0.4, -0.4, 5.0, -5.0, 45.0, -45.0, 300.0, -300.0))
        if plain is not None:
            self.page_size, self.skew = 1000, plain.get("skew", 0.0)
        self.vendors: dict[str, Vendor] = {}
        for name, config in self.files.providers.items():
            kind = config.type.value
            switches: Any = faults.nx_switches(random) if kind == "nxcloud" else faults.la_switches(random)
            if plain is not None:
                switches = plain.get(name)
            elif switches.list_order == "random" and self.page_size < 1000:
                switches = replace(switches, list_order="newest")
            self.vendors[name] = open_vendor(
                name, kind, self.time, switches, {KEY: SECRET}, random.randrange(1 << 30), self.skew
            )
            self.vendors[name].on_bind.append(self._bound)
            self.vendors[name].on_end.append(self._ended)
        self.relaxed = False
        """Whether a state was put back whole, so that what LAAFFIC made since cannot be known."""
        self.serial = -1
        self.lineage: str | None = None
        self.violations: list[Violation] = []
        self.active: Process | None = None
        self.old: dict[str, bytes] = {}
        """Files of some time ago."""
        self.backup: dict[str, bytes] = {}

    # -- what a run is made of -------------------------------------------------------------------------------------

    def store(self, process: Process, clock: SimClock, disk: SimDisk | None = None) -> Store:
        """The state's place as a process sees it."""
        backend = LocalBackend(PATH, clock, disk=disk or SimDisk(self.image, process))
        return Store(backend, clock, pinned_lineage=None)

    def world(self, process: Process, random: Random, disk: SimDisk | None = None) -> World:
        """The program's world, put together as cli/session.py does it."""
        clock = SimClock(self.time, process)
        made: dict[str, Any] = {}
        links: list[Link] = []
        for name, config in self.files.providers.items():
            link = Link(
                self.vendors[name],
                process,
                clock,
                lambda vendor, op, fields: self._before_write(process, vendor, op, fields),
            )
            links.append(link)
            build = NxCloudProvider if config.type.value == "nxcloud" else LaafficProvider
            made[name] = build(
                config,
                Credentials(Secret(KEY), Secret(SECRET)),
                clock=clock,
                random=Random(random.random()),
                transport=link,
                page_size=min(self.page_size, 100 if name == "la" else 1000),
            )

        def owed() -> float:
            return sum(one.owed() for one in links)

        return World(
            desired=self.files.desired(),
            store=self.store(process, clock, disk),
            providers=made,
            clock=clock,
            report=self._report,
            interrupt=process,
            dispatcher=lambda width: SimDispatcher(process, clock, random, owed),
            holder=Holder(secrets.token_hex(4), "somebody", "machine", 1, "pnsync apply", int(clock.now())),
            environ={},
            version="0",
            folder=Path("/simulated"),
        )

    def _report(self, report: Report) -> None:
        self.tell(json.dumps(report_document(report)))

    def tell(self, text: str) -> None:
        """An output of the program: no real number and no secret may be in it (I9)."""
        if SECRET in text or KEY in text:
            raise Violation("I9", "a secret stands in an output")
        for found in _DIGITS.findall(text):
            if any(found[at : at + 12] in CANARIES for at in range(max(1, len(found) - 11))):
                raise Violation("I9", "a personal number stands in an output")

    # -- runs ------------------------------------------------------------------------------------------------------

    def apply(
        self,
        random: Random,
        *,
        process: Process | None = None,
        disk: SimDisk | None = None,
        options: ApplyOptions | None = None,
        saved: bytes | None = None,
    ) -> Run:
        """One `pnsync apply`; afterwards its locks are free, as its process is gone."""
        process = process or Process()
        world = self.world(process, random, disk)
        run = Run()
        before = sum(len(one.requests) for one in self.vendors.values())
        self.figures.counts["applies"] += 1
        try:
            run.verdict = run_apply(world, options or ApplyOptions(), saved=saved, confirm=self._confirm)
            self.tell(json.dumps(run.verdict.document()))
            for code in run.verdict.codes:
                self.figures.counts[f"exit {int(code)}"] += 1
        except Killed:
            run.killed = True
        except PnsyncError as error:
            run.error = error
            self.tell("\n".join((str(error), *error.detail)))
            self.figures.counts[f"error {int(error.exit_code)}"] += 1
        finally:
            process.dead = True
            self.image.release(process)
        run.calls = sum(len(one.requests) for one in self.vendors.values()) - before
        run.boundaries, run.names = process.count, process.names
        self.figures.counts["calls"] += run.calls
        self.figures.counts["boundaries"] += run.boundaries
        if run.killed:
            self.figures.counts["killed"] += 1
        return run

    def _confirm(self, document: dict[str, Any]) -> bool:
        self.tell(json.dumps(document))
        return True

    def plan(self, random: Random, options: PlanOptions | None = None) -> Planned:
        """One `pnsync plan`; raises what it raises. It makes no writing call and writes nothing."""
        process = Process()
        files = self.image.copy()
        before = sum(len(one.requests) for one in self.vendors.values())
        try:
            found = make_plan(self.world(process, random), options or PlanOptions())
        finally:
            self.image.release(process)
        if sum(len(one.requests) for one in self.vendors.values()) != before:
            raise Violation("plan", "a plan made a writing call")
        if self.image.copy() != files:
            raise Violation("plan", "a plan wrote a file")
        self.tell(json.dumps(found.document))
        self.figures.counts["plans"] += 1
        return found

    def state(self) -> State | None:
        """The state as the next run would find it."""
        process = Process()
        try:
            return self.store(process, SimClock(self.time, process)).load()
        finally:
            self.image.release(process)

    # -- watching --------------------------------------------------------------------------------------------------

    def _before_write(
        self, process: Process, vendor: Vendor, operation: Operation, fields: dict[str, Any]
    ) -> Intent | None:
        reached = {
            one.intent.attempt
            for one in vendor.requests
            if one.intent is not None and not one.refused_connection
        }
        intent = self.ledger.intent_of(vendor.name, operation, fields, reached)
        if intent is None:
            raise Violation("I5", f"{vendor.name}: {operation.value} was sent before its intent was durable")
        if process.storage_failed:
            raise Violation("I8", f"{vendor.name}: {operation.value} was sent after a write had failed")
        sent = [
            one for one in vendor.requests if one.intent is not None and one.intent.attempt == intent.attempt
        ]
        if any(not one.refused_connection for one in sent):
            raise Violation("one attempt, one request", f"{intent.address}: {operation.value} was sent again")
        if operation is Operation.UNBIND:
            self._shown(process, vendor, intent)
        if operation is Operation.BIND and fields.get("extension"):
            self._free(vendor, intent, fields)
        return intent

    def _shown(self, process: Process, vendor: Vendor, intent: Intent) -> None:
        """An unbind has a listing of this run behind it, not older than ten minutes."""
        if self.time.true + self.skew - intent.signed_at > 100:
            return  # the run stood still between its intent and this
        at = process.listed.get((vendor.name, str(intent.bind_id)))
        if at is None or self.time.seconds - at > PROOF_SECONDS:
            raise Violation("apply", f"{intent.address}: unbound without a fresh listing that shows it")

    def _free(self, vendor: Vendor, intent: Intent, fields: dict[str, Any]) -> None:
        """X and extension are another's only when what had them is known to have ended: by its unbind, or by itself."""
        wanted = (fields["phoneX"], fields["extension"])
        for other in self.ledger.open.values():
            old = other.unbinds
            same = (
                old is not None and other.provider == vendor.name and (old.phone_x, old.extension) == wanted
            )
            if not same or other.operation is not Operation.UNBIND:
                continue
            if old is not None and old.expires_at is not None and old.expires_at <= self.time.true:
                continue  # it ended by itself
            # The ledger looks at calls only, and so may not have seen its end; the state tells.
            state = self.state()
            pending = None if state is None else state.pending.get(other.attempt)
            if pending is not None and pending.blocks:
                raise Violation("plan", f"{intent.address}: takes an extension whose unbind is still open")

    def _bound(self, vendor: Vendor, made: Made) -> None:
        """I2: one live binding of an address, but for the halves of a bind-first change and what was delivered twice."""
        intent = made.sent.intent
        assert intent is not None
        if made.delivery > 1 or made.sent.distrusted or self.relaxed:
            return
        self.figures.counts[f"{LOOKED}binds"] += 1
        for other in self.vendors.values():
            for bind_id, one in other.made.items():
                twin = one.sent.intent
                itself = other is vendor and bind_id == made.effect.bind_id
                if itself or bind_id not in other.board.bindings or twin is None:
                    continue
                if twin.address != intent.address or one.delivery > 1 or one.sent.distrusted:
                    continue
                ends = other.board.bindings[bind_id].expires_at
                if ends and ends <= self.time.true + abs(self.skew) + CLOCK_SECONDS:
                    continue  # it has ended, by the clock of the machine at least
                if intent.replaces == bind_id:
                    continue
                state = self.state()
                if state is not None and (other.name, bind_id) in state.superseded:
                    continue
                what = f"{intent.address} is bound twice: generation {_generation(twin)} and {_generation(intent)}"
                raise Violation("I2", what)

    def _ended(self, vendor: Vendor, made: Made) -> None:
        """I3: what pnsync's requests did not make is not unbound."""
        self.figures.counts[f"{LOOKED}unbinds"] += 1
        if made.effect.bind_id not in vendor.made:
            raise Violation("I3", f"{vendor.name}: a binding that is not ours was unbound")

    # -- after every step ------------------------------------------------------------------------------------------

    def check(self) -> State | None:
        """The invariants on what is durable and what is live now."""
        for vendor in self.vendors.values():
            vendor.transport.console.bindings()  # carries out what was on its way
        try:
            state = self.state()
        except PnsyncError as error:
            raise Violation("I4", f"the state cannot be read: {error.code} {error}") from None
        if state is None:
            state = State(lineage="")
        else:
            if self.lineage is not None and state.lineage != self.lineage:
                raise Violation("I4", "the lineage changed")
            for address, entry in state.bindings().items():
                vendor = self.vendors.get(entry.provider)
                self.figures.counts[f"{LOOKED}entries"] += entry.bind_id is not None
                if vendor is not None and entry.bind_id is not None and entry.bind_id not in vendor.ever:
                    raise Violation("G6", f"{address}: the state holds a binding that no call of pnsync made")
            if state.serial < self.serial:
                raise Violation("I4", f"the serial fell from {self.serial} to {state.serial}")
            self.serial = max(self.serial, self._durable_serial())
            if self.serial >= 0:
                self.lineage = state.lineage
        self._known(state)
        return state

    def _durable_serial(self) -> int:
        """What a power failure now would leave; a serial that only seems to be written may fall with it."""
        file = self.image.durable.get(PATH)
        return -1 if file is None or not file.durable else int(json.loads(file.durable)["serial"])

    def _known(self, state: State) -> None:
        """I1: each live binding of ours is in the state or an open attempt."""
        held = {*(one.key for one in state.bindings().values()), *state.superseded}
        open_ids = {one.intent.customer_bind_id for one in state.pending.values()}
        pairs = {
            _pair(one.intent) for one in state.pending.values() if one.intent.operation is Operation.BIND
        }
        for vendor in self.vendors.values():
            for bind_id, row in vendor.board.bindings.items():
                made = vendor.made.get(bind_id)
                self.figures.counts[f"{LOOKED}live bindings of ours"] += made is not None
                if made is None or (vendor.name, bind_id) in held:
                    continue
                if vendor.kind == "nxcloud":
                    ours = f"pns-{state.lineage[:8]}-"
                    if row.client_id in open_ids:
                        continue
                    if self.relaxed and not row.client_id.startswith(ours):
                        continue
                    again = made.delivery > 1 or made.sent.distrusted or self.relaxed
                    if again and row.client_id.startswith(ours):
                        continue
                elif ("la", row.phone_a, row.phone_b) in pairs:
                    continue
                elif made.delivery > 1 or made.sent.distrusted:
                    continue  # no id tells it from a stranger's: a person was asked while its window was open
                if self.relaxed and vendor.kind != "nxcloud":
                    continue
                intent = made.sent.intent
                where = "?" if intent is None else intent.address
                again_text = "delivered again" if made.delivery > 1 else "made"
                raise Violation("I1", f"{where}: its binding at {vendor.name} was {again_text} and is lost")


def _generation(intent: Intent) -> object:
    return getattr(intent.target, "generation", "?")


def _pair(intent: Intent) -> tuple[str, str, str]:
    target = intent.target
    a: Phone | None = getattr(target, "phone_a", None)
    b: Phone | None = getattr(target, "phone_b", None)
    return (intent.provider, "" if a is None else a.digits, "" if b is None else b.digits)


Step = Callable[[Universe, Random], None]
