"""A proxy on loopback between pnsync and the simulated vendors: it sees every request, and can hold one of them.

A held request stands at a chosen point of a run, so that the run can be killed exactly there; what becomes of the
request is decided afterwards: it never arrives, arrives late, or has arrived already and only its answer is lost.
"""

import hashlib
import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.program import PATIENCE_SECONDS

HOP = frozenset({"connection", "content-length", "transfer-encoding", "host", "keep-alive"})
WRITES = ("bindAX*", "unbindAXB", "createGroup", "updateGroup", "deleteGroup", "pns/bind", "pns/unbind")
LISTINGS = ("getAXBList", "pns/queryBindPage")


class Fate(StrEnum):
    """What becomes of the held request."""

    DROPPED = "dropped"
    """It never reaches the vendor."""
    LATE = "late"
    """It reaches the vendor after the run has ended."""
    ANSWER_LOST = "answer lost"
    """It has reached the vendor at once; the answer never arrives."""


@dataclass
class Tap:
    """What passes between pnsync and the vendors."""

    upstream: str
    url: str = ""
    operations: list[str] = field(default_factory=list)
    signatures: set[str] = field(default_factory=set)
    keys: dict[str, str] = field(default_factory=dict)
    """The keys that a run signs with, by their variables, where they are not the vendors': calls are signed anew."""
    reached: threading.Event = field(default_factory=threading.Event)
    """Set as soon as the chosen request is held."""
    _hold: tuple[str, int, Fate] | None = None
    _open: threading.Event = field(default_factory=threading.Event)
    _settled: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hold(self, operation: str, nth: int, fate: Fate) -> None:
        """Hold the nth request from now on (from 1) whose operation matches a glob."""
        with self._lock:
            for event in (self.reached, self._open, self._settled):
                event.clear()
            self._hold = (operation, nth, fate)

    def wait(self) -> None:
        """Wait until the request is held."""
        assert self.reached.wait(PATIENCE_SECONDS), f"never came; seen: {self.operations}"

    def release(self) -> None:
        """Let the held request meet its fate, and wait until it has."""
        self._open.set()
        assert self._settled.wait(PATIENCE_SECONDS)

    def writes(self) -> list[str]:
        """The writing calls that came by."""
        return [one for one in self.operations if any(fnmatchcase(one, glob) for glob in WRITES)]

    def passed(self, operation: str, headers: Any) -> Fate | None:
        """Note a request; its fate where it is the one to be held."""
        with self._lock:
            self.operations.append(operation)
            signature = headers.get("sign") or headers.get("Sign")
            if signature:
                self.signatures.add(signature)
            if self._hold is None or not fnmatchcase(operation, self._hold[0]):
                return None
            glob, left, fate = self._hold
            self._hold = (glob, left - 1, fate) if left > 1 else None
            return fate if left == 1 else None

    def held(self) -> None:
        """Stand still until `release`."""
        self.reached.set()
        self._open.wait(2 * PATIENCE_SECONDS)

    def settled(self) -> None:
        """The held request has met its fate."""
        self._settled.set()


def sign_anew(headers: dict[str, str], body: bytes, keys: dict[str, str]) -> None:
    """Check a call's signature and put the simulated vendors' own in its place (docs/vendors.md, 1.2, 2.2)."""
    if "accessKey" in headers:
        text = "&".join(f"{name}={headers[name]}" for name in ("accessKey", "action", "bizType", "ts"))
        text += f"&body={body.decode()}" if body else ""
        secret = keys["NXCLOUD_ACCESS_SECRET"]
        good = headers["accessKey"] == keys["NXCLOUD_ACCESS_KEY"] and headers["sign"] == digest(
            headers, f"{text}&accessSecret={secret}"
        )
        text = text.replace(f"accessKey={headers['accessKey']}", "accessKey=sandbox", 1)
        headers["accessKey"] = "sandbox"
        headers["sign"] = digest(headers, f"{text}&accessSecret={'sandbox' if good else 'wrong'}")
    else:
        stamp = headers["Timestamp"]
        signed = keys["LAAFFIC_API_KEY"] + keys["LAAFFIC_API_SECRET"] + stamp
        good = headers["Sign"] == digest({}, signed)
        headers["Api-Key"] = "sandbox"
        headers["Sign"] = digest({}, f"sandbox{'sandbox' if good else 'wrong'}{stamp}")


def digest(headers: dict[str, str], text: str) -> str:
    """The digest that a call's `algorithm` names."""
    return hashlib.new(headers.get("algorithm", "md5"), text.encode()).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Listener"

    def do_POST(self) -> None:
        tap = self.server.tap
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        operation = self.headers.get("action") or "/".join(
            part for part in self.path.split("/")[-2:] if part not in ("number", "v3")
        )
        fate = tap.passed(operation, self.headers)
        if fate is None:
            answer = self._forward(tap, body)
            if answer is not None:
                self._answer(*answer)
            return
        if fate is Fate.ANSWER_LOST:
            self._forward(tap, body)
        tap.held()
        if fate is Fate.LATE:
            self._forward(tap, body)
        self.close_connection = True
        tap.settled()

    def _forward(self, tap: Tap, body: bytes) -> tuple[int, dict[str, str], bytes] | None:
        place = urlsplit(tap.upstream)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE_SECONDS)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        if tap.keys:
            sign_anew(headers, body, tap.keys)
        try:
            connection.request("POST", self.path, body, headers)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        except (OSError, http.client.HTTPException):
            self.close_connection = True
            return None
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    tap: Tap

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A killed run hangs up: that is no event."""


@contextmanager
def tapping(upstream: str) -> Iterator[Tap]:
    """A tap in front of the vendors' server."""
    server = _Listener(("127.0.0.1", 0), _Handler)
    server.tap = Tap(upstream, f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.tap
    finally:
        server.tap._open.set()
        server.shutdown()
        server.server_close()
        thread.join()
