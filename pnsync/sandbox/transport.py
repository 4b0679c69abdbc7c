"""A simulated vendor in httpx's place of a network: one account, any URL, no socket."""

from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from pnsync.sandbox.account import Account
from pnsync.sandbox.answers import SandboxRequest, lower_headers
from pnsync.sandbox.clock import SandboxClock
from pnsync.sandbox.console import Console
from pnsync.sandbox.exchange import Line, Lost, Silence, open_line
from pnsync.sandbox.faults import FaultPlan
from pnsync.sandbox.switches import LaSwitches, NxSwitches


class SandboxTransport(httpx.BaseTransport):
    """The simulated vendor as an httpx transport; safe to share between threads.

    `vendor` is nxcloud or laaffic; `path` the account's file, None for memory. `clock` is any source of
    epoch seconds, real time by default; a `SandboxClock`, which the caller can share, is moved by slow answers
    and time-outs, as nobody sleeps. `console` is what a
    person at the vendor's web console sees and does.
    """

    def __init__(
        self,
        vendor: str,
        *,
        path: Path | None = None,
        switches: NxSwitches | LaSwitches | None = None,
        faults: FaultPlan | None = None,
        clock: Callable[[], float] | None = None,
        credentials: Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> None:
        self.clock = SandboxClock.over(clock)
        self.line: Line = open_line(
            vendor,
            path=path,
            switches=switches,
            faults=faults,
            clock=self.clock,
            waits=isinstance(clock, SandboxClock),
            credentials=credentials,
            seed=seed,
        )

    @property
    def faults(self) -> FaultPlan:
        """What goes wrong with the requests to come."""
        return self.line.faults

    @property
    def account(self) -> Account:
        """The account itself."""
        return self.line.account

    @property
    def console(self) -> Console:
        """The account as a person sees and edits it."""
        return self.line.console

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """httpx's seam: the vendor's answer, or the exception that a network would have raised."""
        call = SandboxRequest(
            request.method, request.url.path, lower_headers(request.headers), request.read()
        )
        patience = request.extensions.get("timeout", {}).get("read")
        try:
            answer = self.line.send(call, patience=patience)
        except Lost as lost:
            raise _as_httpx(lost, request) from None
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body, request=request)

    def close(self) -> None:
        """Let go of the account's file."""
        self.line.account.close()


def _as_httpx(lost: Lost, request: httpx.Request) -> httpx.TransportError:
    match lost.how:
        case Silence.REFUSED:
            return httpx.ConnectError("connection refused", request=request)
        case Silence.BROKEN:
            return httpx.RemoteProtocolError(
                "server disconnected without sending a response", request=request
            )
        case _:
            return httpx.ReadTimeout("timed out", request=request)
