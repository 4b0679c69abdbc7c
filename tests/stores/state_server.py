"""A server of Terraform's HTTP state protocol, written from its description: documents in memory, one lock each.

GET gives the document (404: none), POST replaces it, DELETE removes it; LOCK and UNLOCK carry the lock's JSON, answer
423 with the present one, and a write to a locked document needs its id as `?ID=`, else 409. With `etags` answers carry
ETags, and If-Match and If-None-Match are honoured with 412.
"""

import base64
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

AUTHORIZATION = "Basic " + base64.b64encode(b"u:p").decode()


@dataclass
class Kept:
    """One document and its lock."""

    data: bytes | None = None
    lock: dict[str, Any] | None = None


@dataclass
class StateServer:
    """The server, at `address`; `cut` is asked before a write is answered and may cut its answer off."""

    etags: bool = True
    kept: dict[str, Kept] = field(default_factory=dict)
    lose_answers: int = 0
    """How many writes take effect without an answer."""
    asked: list[str] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, format: str, *words: object) -> None:
                """Silent."""

            def handle_any(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size)
                with outer.guard:
                    status, data, lost = outer.answer(self.command, self.path, dict(self.headers), body)
                    etag = outer.etag(urlsplit(self.path).path)
                if lost:
                    self.close_connection = True
                    self.connection.close()
                    return
                self.send_response(status)
                if etag is not None:
                    self.send_header("ETag", etag)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = do_LOCK = do_UNLOCK = handle_any

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """A client that was cut off, or cut itself off, is what is tested."""

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def etag(self, path: str) -> str | None:
        """The tag of what lies at a path."""
        data = self.kept.get(path, Kept()).data
        return f'"{hashlib.sha256(data).hexdigest()}"' if self.etags and data is not None else None

    def answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes, bool]:
        """Status, body, and whether the answer is lost."""
        url = urlsplit(target)
        self.asked.append(method)
        if headers.get("Authorization") != AUTHORIZATION:
            return 401, b"", False
        one = self.kept.setdefault(url.path.removesuffix("/lock"), Kept())
        given = parse_qs(url.query).get("ID", [""])[0]
        if method == "LOCK":
            if one.lock is not None:
                return 423, json.dumps(one.lock).encode(), False
            one.lock = json.loads(body)
            return 200, b"", False
        if method == "UNLOCK":
            if one.lock is None or one.lock["ID"] != json.loads(body or b"{}").get("ID", given):
                return 409, json.dumps(one.lock).encode(), False
            one.lock = None
            return 200, b"", False
        if method == "GET":
            return (404, b"", False) if one.data is None else (200, one.data, False)
        if (one.lock is None and given) or (one.lock is not None and one.lock["ID"] != given):
            return 409, json.dumps(one.lock).encode(), False
        now = self.etag(url.path)
        if self.etags and headers.get("If-Match", now) != now:
            return 412, b"", False
        if self.etags and headers.get("If-None-Match") == "*" and one.data is not None:
            return 412, b"", False
        one.data = None if method == "DELETE" else body
        lost, self.lose_answers = self.lose_answers > 0, max(0, self.lose_answers - 1)
        return 200, b"", lost
