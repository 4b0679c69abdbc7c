"""One request on its way to a simulated vendor and back, through the faults planned for it.

It is what both ways in (transport.py, server.py) have in common: an answer, or `Lost` where none arrives. It never
sleeps; requests that take effect later wait here until the clock has reached their time.
"""

import heapq
import itertools
import threading
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from pnsync.sandbox.account import Account
from pnsync.sandbox.answers import SandboxRequest, SandboxResponse, page_answer
from pnsync.sandbox.clock import SandboxClock
from pnsync.sandbox.console import Console
from pnsync.sandbox.faults import Effect, Fault, FaultPlan, Reply
from pnsync.sandbox.laaffic import LaafficSandbox
from pnsync.sandbox.nxcloud import NxCloudSandbox
from pnsync.sandbox.seeds import CREDENTIALS
from pnsync.sandbox.switches import LaSwitches, NxSwitches


class Silence(StrEnum):
    """How no answer arrives."""

    REFUSED = "refused"
    TIMEOUT = "timeout"
    BROKEN = "broken"


class Lost(Exception):
    """No answer arrives at the caller; whether the vendor acted is not said."""

    def __init__(self, how: Silence) -> None:
        super().__init__(how.value)
        self.how = how


class Line:
    """The way to one account, one request at a time; its lock makes the exchange, the faults and the account consistent."""

    def __init__(
        self,
        vendor: NxCloudSandbox | LaafficSandbox,
        account: Account,
        faults: FaultPlan,
        clock: SandboxClock,
        waits: bool,
    ) -> None:
        self.vendor = vendor
        self.account = account
        self.faults = faults
        self.clock = clock
        self.console = Console(account, clock, settle=self.settle)
        self._waits = waits
        self._lock = threading.RLock()
        self._later: list[tuple[float, int, SandboxRequest]] = []
        self._order = itertools.count()

    def send(self, call: SandboxRequest, *, patience: float | None = None) -> SandboxResponse:
        """The answer as it arrives; `patience` is how many seconds the caller waits for it, None for ever."""
        with self._lock:
            self.settle()
            fault = self.faults.take(self.vendor.operation(call.path, call.headers))
            if fault is None:
                return self._deliver(call, self.clock())
            return self._send_badly(call, fault, patience)

    def settle(self) -> None:
        """Carry out what was to take effect by now, each at its own time."""
        with self._lock:
            now = self.clock()
            while self._later and self._later[0][0] <= now:
                at, _, call = heapq.heappop(self._later)
                self._deliver(call, at)

    def add_fault(self, fault: Fault) -> None:
        """Plan one more fault."""
        with self._lock:
            self.faults.add(fault)

    def quiet(self) -> None:
        """End all faults; what is still on its way arrives in its time."""
        with self._lock:
            self.faults.quiet()

    def _send_badly(self, call: SandboxRequest, fault: Fault, patience: float | None) -> SandboxResponse:
        if patience is not None and fault.slow_seconds > patience:
            self._postpone(call, fault.slow_seconds)
            self._wait(patience)
            raise Lost(Silence.TIMEOUT)
        if fault.slow_seconds:
            self._wait(fault.slow_seconds)
            self.settle()
        now = self.clock() + fault.skew_seconds
        answer: SandboxResponse | None = None
        if fault.effect in (Effect.ONCE, Effect.TWICE, Effect.AGAIN):
            answer = self._deliver(call, now)
        if fault.effect == Effect.TWICE:
            self._deliver(call, now)
        if fault.effect in (Effect.LATER, Effect.AGAIN):
            self._postpone(call, fault.after_seconds)
        return self._reply(fault, answer, now, patience)

    def _reply(
        self, fault: Fault, answer: SandboxResponse | None, now: float, patience: float | None
    ) -> SandboxResponse:
        match fault.reply:
            case Reply.REFUSED:
                raise Lost(Silence.REFUSED)
            case Reply.LOST:
                self._wait(patience or 0)
                raise Lost(Silence.TIMEOUT)
            case Reply.BROKEN:
                raise Lost(Silence.BROKEN)
            case Reply.STATUS:
                more = {"Retry-After": str(fault.retry_after)} if fault.retry_after else {}
                if fault.location:
                    more["Location"] = fault.location
                return page_answer(now, fault.status, "out of order", more=more)
            case Reply.CODE:
                return self.vendor.refusal(fault.code, now)
            case Reply.HTML:
                return page_answer(now, 200, "Please sign in to this network")
            case Reply.GARBAGE:
                return SandboxResponse(200, {"Content-Type": "application/json"}, b"\xff\xfe\x00{]garbage")
            case Reply.TEXT:
                return SandboxResponse(200, {"Content-Type": "application/json"}, fault.text.encode())
            case Reply.EMPTY:
                return SandboxResponse(200, {"Content-Type": "application/json"}, b"")
        if answer is None:
            raise Lost(Silence.BROKEN)
        if fault.reply == Reply.TRUNCATED:
            return SandboxResponse(answer.status, answer.headers, answer.body[: len(answer.body) // 2])
        return answer

    def _wait(self, seconds: float) -> None:
        """Let time pass for a caller that waits; a clock that the caller does not share would only go wrong by it."""
        if self._waits:
            self.clock.advance(seconds)

    def _postpone(self, call: SandboxRequest, seconds: float) -> None:
        heapq.heappush(self._later, (self.clock() + seconds, next(self._order), call))

    def _deliver(self, call: SandboxRequest, now: float) -> SandboxResponse:
        operation = self.vendor.operation(call.path, call.headers)
        opened = self.account.writing if self.vendor.writes(operation) else self.account.reading
        with opened(now) as board:
            self.vendor.board = board
            return self.vendor.handle(call.method, call.path, call.headers, call.body, now=now)


def open_line(
    vendor: str,
    *,
    path: Path | None = None,
    switches: NxSwitches | LaSwitches | None = None,
    faults: FaultPlan | None = None,
    clock: SandboxClock,
    waits: bool = False,
    credentials: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Line:
    """The line to an account of `vendor` (nxcloud or laaffic), kept at `path` or in memory.

    With `waits`, slow answers and time-outs move the clock, which then has to be the caller's too.
    """
    keys = CREDENTIALS if credentials is None else credentials
    faults = faults if faults is not None else FaultPlan()
    if vendor == "nxcloud":
        nx = switches or NxSwitches()
        if not isinstance(nx, NxSwitches):
            raise TypeError("NXCloud takes NxSwitches")
        account = Account(vendor, nx.rules(), path=path, seed=seed)
        simulated: NxCloudSandbox | LaafficSandbox = NxCloudSandbox(
            account.board, switches=nx, clock=clock, credentials=keys
        )
    else:
        la = switches or LaSwitches()
        if not isinstance(la, LaSwitches):
            raise TypeError("LAAFFIC takes LaSwitches")
        account = Account(vendor, la.rules(), path=path, seed=seed)
        simulated = LaafficSandbox(account.board, switches=la, clock=clock, credentials=keys)
    return Line(simulated, account, faults, clock, waits)
