"""Both simulated vendors over real HTTP on 127.0.0.1, for programs that have no transport seam.

`/nxcloud/api/pns/` and `/laaffic/v3/number/..` are the vendors; a path name after the vendor's chooses another account
(`/nxcloud/west/api/pns/`). `/_sandbox/<vendor>[/<account>]/..` is the tests' side: clock, faults, edit, history,
bindings. It listens on loopback only, prints nothing, and keeps accounts in `folder` or in memory.
"""

import json
import re
import select
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pnsync.errors import PnsyncError
from pnsync.sandbox.answers import SandboxRequest, SandboxResponse, json_answer, lower_headers, page_answer
from pnsync.sandbox.clock import SandboxClock
from pnsync.sandbox.exchange import Line, Lost, Silence, open_line
from pnsync.sandbox.faults import Fault
from pnsync.sandbox.switches import LaSwitches, NxSwitches

HOST = "127.0.0.1"
LARGEST_BODY = 4 * 1024 * 1024
VENDORS = ("nxcloud", "laaffic")
ADMIN = "_sandbox"
DEFAULT_ACCOUNT = "default"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_API_STARTS = frozenset({"api", "v1", "v3", "number", "pns"})
_ADMIN_ENDS = frozenset({"clock", "faults", "edit", "history", "bindings"})


class NotFound(Exception):
    """No vendor, account or endpoint of that path."""


class SandboxServer:
    """Both vendors on one loopback port, with one clock; a context manager that serves in a thread of its own.

    `port` 0 takes a free one. An account called NAME is kept in `folder/sandbox-NAME.json`, the default ones in
    `sandbox-nxcloud.json` and `sandbox-laaffic.json`.
    """

    def __init__(
        self,
        port: int = 0,
        folder: Path | None = None,
        *,
        nx: NxSwitches | None = None,
        la: LaSwitches | None = None,
        clock: Callable[[], float] | None = None,
        seed: int = 0,
    ) -> None:
        self.clock = SandboxClock.over(clock)
        self._waits = isinstance(clock, SandboxClock)
        self._folder = folder
        self._switches: dict[str, NxSwitches | LaSwitches | None] = {"nxcloud": nx, "laaffic": la}
        self._seed = seed
        self._lines: dict[tuple[str, str], Line] = {}
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self._http = _Listener((HOST, port), _Handler)
        self._http.sandbox = self
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The bound port."""
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """The server's address, without a slash at its end."""
        return f"http://{HOST}:{self.port}"

    def line(self, vendor: str, account: str = DEFAULT_ACCOUNT) -> Line:
        """The line to an account, opened on first use; NotFound for an unknown vendor or a name of other characters."""
        if vendor not in VENDORS or not _NAME.fullmatch(account):
            raise NotFound
        with self._lock:
            found = self._lines.get((vendor, account))
            if found is None:
                kept = vendor if account == DEFAULT_ACCOUNT else account
                path = self._folder / f"sandbox-{kept}.json" if self._folder else None
                switches = self._switches[vendor]
                found = open_line(
                    vendor, path=path, switches=switches, clock=self.clock, waits=self._waits, seed=self._seed
                )
                self._lines[vendor, account] = found
            return found

    def run(self) -> None:
        """Serve until `close`."""
        self._http.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        """Stop serving and free the port; connections held open by a lost answer are closed."""
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        if self._thread is not None:
            self._thread.join()
        for line in self._lines.values():
            line.account.close()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.run, name="pnsync-sandbox", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def serve(
    port: int = 0, folder: Path | None = None, *, on_bound: Callable[[int], None] | None = None
) -> None:
    """Serve both vendors until interrupted; `on_bound` gets the port as soon as connections are accepted."""
    server = SandboxServer(port, folder)
    try:
        if on_bound is not None:
            on_bound(server.port)
        server.run()
    finally:
        server.closing.set()
        server._http.server_close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    sandbox: SandboxServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a caller that hangs up is no event, and a traceback could hold phones."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Listener

    def do_GET(self) -> None:
        """Any method takes the same way."""
        self._answer()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        sandbox = self.server.sandbox
        body = self._body()
        if body is None:
            return
        headers = lower_headers(dict(self.headers.items()))
        parts = [one for one in self.path.split("?")[0].split("/") if one]
        try:
            if parts[:1] == [ADMIN]:
                answer = self._administer(sandbox, parts[1:], body)
            else:
                line = sandbox.line(parts[0] if parts else "", _account_of(parts))
                answer = line.send(SandboxRequest(self.command, self.path, headers, body))
        except NotFound:
            answer = page_answer(sandbox.clock(), 404, "Not Found")
        except PnsyncError as error:
            answer = page_answer(sandbox.clock(), 500, error.summary)
        except Lost as lost:
            if lost.how == Silence.TIMEOUT:
                self._hold(sandbox)
            self.close_connection = True
            return
        self._write(answer)

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not length.isdecimal() or int(length) > LARGEST_BODY:
            self.close_connection = True
            self._write(
                page_answer(self.server.sandbox.clock(), 411, "Content-Length is needed, of 4 MiB at most")
            )
            return None
        return self.rfile.read(int(length))

    def _write(self, answer: SandboxResponse) -> None:
        # send_response would add the machine's own Date; ours is the simulated vendor's clock.
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)
        self.wfile.flush()

    def _hold(self, sandbox: SandboxServer) -> None:
        """Keep the connection open without an answer until the caller hangs up or the server closes."""
        while not sandbox.closing.is_set():
            readable, _, _ = select.select([self.connection], [], [], 0.1)
            if readable:
                if not self._still_there():
                    return
                sandbox.closing.wait(0.1)

    def _still_there(self) -> bool:
        try:
            return bool(self.connection.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    # -- the tests' side ---------------------------------------------------------------------------------

    def _administer(self, sandbox: SandboxServer, parts: list[str], body: bytes) -> SandboxResponse:
        now = sandbox.clock()
        if not 2 <= len(parts) <= 3 or parts[-1] not in _ADMIN_ENDS:
            raise NotFound
        line = sandbox.line(parts[0], *parts[1:-1])
        wanted = "GET" if parts[-1] in ("history", "bindings") else "POST"
        if self.command != wanted:
            return page_answer(now, 405, "Method Not Allowed")
        try:
            return json_answer(now, _carry_out(sandbox, line, parts[-1], body))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            problem = (
                str(error.args[0])
                if error.args and not isinstance(error, json.JSONDecodeError)
                else "not JSON"
            )
            return json_answer(now, {"error": problem}, status=400)


def _account_of(parts: list[str]) -> str:
    """The account that a vendor's path names: what stands between the vendor and the API's own path."""
    if len(parts) > 2 and parts[1] not in _API_STARTS:
        return parts[1]
    return DEFAULT_ACCOUNT


def _carry_out(sandbox: SandboxServer, line: Line, what: str, body: bytes) -> Any:
    match what:
        case "history":
            return line.console.history()
        case "bindings":
            return line.console.bindings()
    given = json.loads(body)
    match what, given:
        case "clock", {"advance_seconds": int() | float() as seconds}:
            sandbox.clock.advance(seconds)
            line.settle()
            return {"now": sandbox.clock()}
        case "faults", list():
            faults = [Fault.from_json(one) for one in given]
            if not faults:
                line.quiet()
            for one in faults:
                line.add_fault(one)
            return {"faults": len(faults)}
        case "edit", dict():
            return line.console.edit(given)
    raise ValueError("not what this endpoint takes")
