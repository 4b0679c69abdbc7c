"""A proxy on loopback before the simulated vendor: it lets some binds through, and withholds the answers of the rest.

A withheld bind has taken effect. It stands there until `open`, so that whoever waits for it can be killed in that
very moment; then its connection is closed.
"""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HOP = frozenset({"connection", "content-length", "transfer-encoding", "host", "keep-alive"})
WITHIN_SECONDS = 60.0


class Gate:
    """What passes. `answered` binds get their answers; `answered` None: all."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.url = ""
        self.answered: int | None = None
        self.binds = 0
        self.withheld = 0
        self._changed = threading.Condition()

    def passes(self, action: str) -> bool:
        """Whether a request gets its answer."""
        with self._changed:
            if not action.startswith("bind"):
                return True
            self.binds += 1
            return self.answered is None or self.binds <= self.answered

    def stand(self) -> None:
        """Withhold an answer until the gate is opened."""
        with self._changed:
            self.withheld += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.answered is None)

    def wait(self, count: int) -> None:
        """Wait until so many answers are withheld."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.withheld >= count, WITHIN_SECONDS):
                raise SystemExit(f"{self.withheld} answers are withheld, {count} were expected")

    def open(self) -> None:
        """Withhold nothing more."""
        with self._changed:
            self.answered = None
            self._changed.notify_all()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Listener"

    def do_POST(self) -> None:
        gate = self.server.gate
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        passes = gate.passes(self.headers.get("action") or "")
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        vendor = http.client.HTTPConnection(
            gate.upstream.hostname or "", gate.upstream.port, timeout=WITHIN_SECONDS
        )
        vendor.request("POST", self.path, body, headers)
        answer = vendor.getresponse()
        data = answer.read()
        vendor.close()
        if not passes:
            gate.stand()
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    gate: Gate

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who was killed hangs up: that is no event."""


@contextmanager
def gated(upstream: str) -> Iterator[Gate]:
    """A gate before the vendor's server."""
    server = _Listener(("127.0.0.1", 0), _Handler)
    server.gate = Gate(upstream)
    server.gate.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server.gate
    finally:
        server.gate.open()
        server.shutdown()
        server.server_close()
