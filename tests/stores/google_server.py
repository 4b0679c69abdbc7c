"""Google's storage as its XML API documents it, in memory on loopback: generations, preconditions, listings in pages.

Written from Google's pages, not from the library that speaks with it: an object's generation rises with each put, and
`x-goog-if-generation-match` (0: there is none) decides whether a put takes place.
"""

import itertools
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 400


class GoogleServer:
    """Buckets that are made by naming them. `forgets_conditions` is a store that ignores preconditions."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, int]] = {}
        self.forgets_conditions = False
        self._guard = threading.Lock()
        self._generations = itertools.count(1_700_000_000_000_000)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *words: object) -> None:
                """Silent."""

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, data = outer.answer(self.command, self.path, self.headers, body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_PUT = do_DELETE = do_HEAD = do_POST = handle_any

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, method: str, target: str, asked: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """One request."""
        parts = urlsplit(target)
        bucket, _, name = unquote(parts.path).lstrip("/").partition("/")
        with self._guard:
            if not name:
                return self._list(bucket, {key: found[0] for key, found in parse_qs(parts.query).items()})
            key = f"{bucket}/{name}"
            present = self.objects.get(key)
            if method == "PUT":
                wanted = asked.get("x-goog-if-generation-match")
                found = 0 if present is None else present[1]
                if wanted is not None and int(wanted) != found and not self.forgets_conditions:
                    return 412, {}, b"<Error><Code>PreconditionFailed</Code></Error>"
                self.objects[key] = (body, next(self._generations))
                return 200, self._tags(key), b""
            if present is None:
                return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"
            if method == "DELETE":
                del self.objects[key]
                return 204, {}, b""
            return 200, {**self._tags(key), "Content-Type": "application/octet-stream"}, present[0]

    def _tags(self, key: str) -> dict[str, str]:
        generation = self.objects[key][1]
        return {
            "x-goog-generation": str(generation),
            "x-goog-metageneration": "1",
            "ETag": f'"{generation:x}"',
            "Last-Modified": formatdate(usegmt=True),
        }

    def _list(self, bucket: str, asked: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        prefix = f"{bucket}/{asked.get('prefix', '')}"
        after = f"{bucket}/{asked.get('continuation-token') or asked.get('start-after', '')}"
        names = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        page, more = names[:PAGE], len(names) > PAGE
        rows = "".join(
            f"<Contents><Key>{escape(key.partition('/')[2])}</Key><Generation>{self.objects[key][1]}</Generation>"
            f"<LastModified>2026-11-22T00:00:00.000Z</LastModified><ETag>&quot;{self.objects[key][1]:x}&quot;</ETag>"
            f"<Size>{len(self.objects[key][0])}</Size></Contents>"
            for key in page
        )
        token = (
            f"<NextContinuationToken>{escape(page[-1].partition('/')[2])}</NextContinuationToken>"
            if more
            else ""
        )
        text = f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}</ListBucketResult>"
        return 200, {"Content-Type": "application/xml"}, text.encode()
