"""A proxy on loopback in front of an object store, that meddles: drops conditions, loses answers, refuses."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Headers = dict[str, str]


@dataclass
class Meddler:
    """`refuse` may answer a request (method, path) in the store's place with a status; `lose` tells whose answers get lost."""

    store: str
    dropped: tuple[str, ...] = ()
    """Headers that do not reach the store."""
    refuse: Callable[[str, str], int | None] = lambda method, path: None
    lose: Callable[[str, str], bool] = lambda method, path: False
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *words: object) -> None:
                """Silent."""

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append((self.command, self.path))
                status = outer.refuse(self.command, self.path)
                headers, data = {}, b""
                if status is None:
                    status, headers, data = outer.forward(self.command, self.path, dict(self.headers), body)
                if outer.lose(self.command, self.path):
                    self.close_connection = True
                    self.connection.close()
                    return
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in (
                        "content-length",
                        "transfer-encoding",
                        "connection",
                        "date",
                        "server",
                    ):
                        self.send_header(name, value)
                self.send_header(
                    "Content-Length",
                    headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(data)),
                )
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_PUT = do_DELETE = do_HEAD = do_POST = handle_any

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """A client that was cut off, or cut itself off, is what is tested."""

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def forward(self, method: str, path: str, headers: Headers, body: bytes) -> tuple[int, Headers, bytes]:
        """What the store answers."""
        headers = {name: value for name, value in headers.items() if name.lower() not in self.dropped}
        connection = HTTPConnection(self.store.removeprefix("http://"), timeout=20)
        try:
            connection.request(method, path, body, {**headers, "Connection": "close"})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()
