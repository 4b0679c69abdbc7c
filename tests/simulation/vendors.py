"""The simulated vendors in process, and the truth about them: which request had which effect, how often, and when.

A request goes the real way: provider, signing, httpx's seam, sandbox. Time on the way is simulated; what a write
takes is owed to the dispatcher, so that calls in flight overlap.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Any

import httpx

from pnsync.sandbox.answers import SandboxRequest, SandboxResponse
from pnsync.sandbox.faults import Effect as Effects
from pnsync.sandbox.faults import Fault, FaultPlan, Reply
from pnsync.sandbox.records import Effect
from pnsync.sandbox.switches import LaSwitches, NxSwitches
from pnsync.sandbox.transport import SandboxTransport
from pnsync.state import Intent, Operation

from .process import Abandoned, Process
from .timeline import START, SimClock, Timeline

_BIND_ID = re.compile(rb'"bindId":"?([0-9a-z]+)')
_SUCCESS = re.compile(rb'\{"(?:code|status)":"?0\b')

OPERATIONS = {
    "bindAXB": Operation.BIND,
    "bindAXBExtension": Operation.BIND,
    "bindAXG": Operation.BIND,
    "unbindAXB": Operation.UNBIND,
    "createGroup": Operation.CREATE_GROUP,
    "updateGroup": Operation.UPDATE_GROUP,
    "deleteGroup": Operation.DELETE_GROUP,
    "pns/bind": Operation.BIND,
    "pns/unbind": Operation.UNBIND,
}


@dataclass
class Sent:
    """One writing request that left a run."""

    number: int
    provider: str
    operation: Operation
    fields: dict[str, Any]
    at: float
    intent: Intent | None
    deliveries: int = 0
    refused_connection: bool = False
    distrusted: bool = False
    """Its answer belied its effect, as where the network delivered it twice and the second answer arrived."""


@dataclass
class Made:
    """One effect of a request of ours."""

    sent: Sent
    delivery: int
    effect: Effect


@dataclass
class Vendor:
    """One account with its truth."""

    name: str
    kind: str
    transport: SandboxTransport
    made: dict[str, Made] = field(default_factory=dict)
    """Bind id to what made it; ids of bindings that pnsync's requests made."""
    ever: set[str] = field(default_factory=set)
    """Every id of them that there ever was."""
    ended: list[Made] = field(default_factory=list)
    requests: list[Sent] = field(default_factory=list)
    current: Sent | None = None
    """The request that is about to be sent."""
    on_bind: list[Callable[["Vendor", Made], None]] = field(default_factory=list)
    on_end: list[Callable[["Vendor", Made], None]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    latency: Callable[[], float] = field(default=lambda: 0.05)

    @property
    def board(self) -> Any:
        return self.transport.account.board

    @property
    def switches(self) -> NxSwitches | LaSwitches:
        """How this account behaves where the vendor's pages leave it open."""
        found: NxSwitches | LaSwitches = self.transport.line.vendor.switches
        return found


def open_vendor(
    name: str,
    kind: str,
    time: Timeline,
    switches: NxSwitches | LaSwitches,
    credentials: dict[str, str],
    seed: int,
    skew: float,
) -> Vendor:
    """An account in memory whose clock is `skew` seconds ahead of the truth."""
    transport = SandboxTransport(
        kind,
        switches=switches,
        clock=lambda: START + time.seconds + skew,
        credentials=credentials,
        faults=FaultPlan(),
        seed=seed,
    )
    vendor = Vendor(name, kind, transport)
    _watch(vendor)
    return vendor


def _watch(vendor: Vendor) -> None:
    """Note what every delivery of a request does."""
    line = vendor.transport.line
    deliver, send = line._deliver, line.send
    of_call: dict[int, tuple[SandboxRequest, Sent]] = {}

    def watched_send(call: SandboxRequest, *, patience: float | None = None) -> SandboxResponse:
        sent, vendor.current = vendor.current, None
        if sent is not None:
            of_call[id(call)] = (call, sent)
        try:
            answer = send(call, patience=patience)
            if sent is not None and sent.operation is Operation.UNBIND:
                _distrust(vendor, str(sent.fields.get("bindId")), answer)
            return answer
        finally:
            last = getattr(line.faults, "last", None)
            if sent is not None and last is not None and last.reply is Reply.CODE:
                sent.distrusted = last.effect is not Effects.NEVER

    def watched_deliver(call: SandboxRequest, now: float) -> SandboxResponse:
        board = vendor.transport.account.board
        before = len(board.history)
        answer = deliver(call, now)
        known = of_call.get(id(call))
        if known is not None:
            sent = known[1]
            sent.deliveries += 1
            for effect in board.history[before:]:
                if effect.by != "api":
                    continue
                made = Made(sent, sent.deliveries, effect)
                if effect.kind in ("bind", "prolong"):
                    for told in vendor.on_bind:
                        told(vendor, made)
                    vendor.made[effect.bind_id] = made
                    vendor.ever.add(effect.bind_id)
                elif effect.kind == "unbind":
                    vendor.ended.append(made)
                    for told in vendor.on_end:
                        told(vendor, made)
        return answer

    line.send = watched_send  # type: ignore[method-assign]
    line._deliver = watched_deliver  # type: ignore[method-assign]


def _distrust(vendor: Vendor, bind_id: str, answer: SandboxResponse) -> None:
    """What an unbind left live though its answer is a success: only a later listing can tell."""
    made = vendor.made.get(bind_id)
    if made is not None and bind_id in vendor.board.bindings and _SUCCESS.match(answer.body):
        made.sent.distrusted = True


class Link(httpx.BaseTransport):
    """One process's way to one vendor."""

    def __init__(
        self,
        vendor: Vendor,
        process: Process,
        clock: SimClock,
        before_write: Callable[[Vendor, Operation, dict[str, Any]], Intent | None],
    ) -> None:
        self._vendor = vendor
        self._process = process
        self._clock = clock
        self._before_write = before_write
        self._owed = 0.0

    def owed(self) -> float:
        """The seconds that writes since the last question took."""
        owed, self._owed = self._owed, 0.0
        return owed

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        vendor, process = self._vendor, self._process
        process.check()
        body = request.read()
        lowered = {name.decode().lower(): value.decode() for name, value in request.headers.raw}
        operation = vendor.transport.line.vendor.operation(request.url.path, lowered)
        writes = OPERATIONS.get(operation)
        if writes is None and process.signal is not None:
            raise Abandoned
        process.point("send")
        sent = None
        if writes is not None:
            fields = json.loads(body)
            intent = self._before_write(vendor, writes, fields)
            sent = Sent(len(vendor.requests) + 1, vendor.name, writes, fields, self._clock.now(), intent)
            vendor.requests.append(sent)
            vendor.current = sent
            process.calls[vendor.name] += 1
        try:
            response = vendor.transport.handle_request(request)
        except httpx.ReadTimeout:
            self._take(20.0, sent)
            raise
        except httpx.ConnectError:
            if sent is not None:
                sent.refused_connection = True
            raise
        else:
            self._take(vendor.latency(), sent)
            if operation in ("getAXBList", "pns/queryBindPage"):
                self._read(response.content)
        finally:
            if not process.dead:
                process.point("answer")
        return response

    def _read(self, content: bytes) -> None:
        now = self._clock.time.seconds
        for found in _BIND_ID.findall(content):
            self._process.listed[self._vendor.name, found.decode()] = now

    def _take(self, seconds: float, sent: Sent | None) -> None:
        if sent is None:
            self._clock.advance(seconds)
        else:
            self._owed += seconds


def drawn(random: Random, menu: list[Fault], rate: float, counts: Counter[str]) -> FaultPlan:
    """A plan that draws from `menu` for a share of the requests, and counts what it drew."""
    return _Drawn(random, menu, rate, counts)


class _Drawn(FaultPlan):
    def __init__(self, random: Random, menu: list[Fault], rate: float, counts: Counter[str]) -> None:
        super().__init__()
        self._draw = random
        self._choices = menu
        self._share = rate
        self._counts = counts
        self.last: Fault | None = None

    def quiet(self) -> None:
        super().quiet()
        self._share = 0.0

    def take(self, operation: str) -> Fault | None:
        scripted = super().take(operation)
        if scripted is not None or not self._choices or self._draw.random() >= self._share:
            self.last = scripted
            return scripted
        fitting = [one for one in self._choices if fnmatchcase(operation, one.operation)]
        self.last = self._draw.choice(fitting) if fitting else None
        if self.last is not None:
            self._counts[f"{self.last.effect.value}/{self.last.reply.value}"] += 1
        return self.last
