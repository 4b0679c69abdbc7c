"""One HTTP exchange with a vendor: sent once, bounded in time and size, never a redirect followed.

`Channel.exchange` makes one attempt and says what came of it: an `Answer`, `NotSent` or `Unknown`. It retries
nothing, interprets no body and raises nothing for what a network does; calls.py decides what is tried again.
Logs hold method, host, operation, status and sizes, never headers, bodies or numbers.
"""

import logging
import ssl
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx

from pnsync.interfaces import Clock
from pnsync.journal import NotSent, Unknown
from pnsync.providers.network import Guard, Stale, is_loopback, socket_transport
from pnsync.providers.transport_errors import classify, permanent
from pnsync.tls import tls_context

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 20.0
WRITE_LIMIT_BYTES: Final = 4 * 1024 * 1024
LISTING_LIMIT_BYTES: Final = 64 * 1024 * 1024
SIGNATURE_SECONDS: Final = 20.0
"""A request whose signature is older is not sent."""

_log = logging.getLogger("pnsync.http")


@dataclass(frozen=True, slots=True)
class Request:
    """A call as bytes, unsigned. `operation` is the vendor's name for it; `limit_bytes` bounds the answer."""

    operation: str
    url: str
    body: bytes
    limit_bytes: int = WRITE_LIMIT_BYTES


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a request was signed: the vendor's time it carries, and both local clocks then."""

    vendor: float
    wall: float
    monotonic: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole. `began` and `ended` frame the exchange by the local wall clock."""

    status: int
    body: bytes
    content_type: str
    date: str
    retry_after: str
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer: what that proves about the request, and whether trying again cannot help."""

    outcome: NotSent | Unknown
    permanent: bool = False


Signer = Callable[[Request, float], dict[str, str]]
"""The headers that sign a request for a vendor's time, epoch seconds."""


class Channel:
    """HTTP to one vendor: a connection for each thread, or an injected transport that serves them all."""

    def __init__(
        self,
        host: str,
        clock: Clock,
        *,
        transport: httpx.BaseTransport | None = None,
        ca_file: str | None = None,
        private_addresses: bool = False,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self.host = host
        self._clock = clock
        self._injected = transport
        self._ca_file = ca_file
        self._private_addresses = private_addresses or is_loopback(host)
        self._total = total_seconds
        self._local = threading.local()
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._opened: list[httpx.BaseTransport] = []
        self._closed = False

    def stamp(self, vendor: float) -> Stamp:
        """A stamp for a request that is to be signed now."""
        return Stamp(vendor, self._clock.now(), self._clock.monotonic())

    def exchange(self, request: Request, signed: dict[str, str], stamp: Stamp) -> Answer | Failed:
        """Send once and read the answer whole. Raises nothing for what a network or a vendor does."""
        began, started = self._clock.now(), self._clock.monotonic()
        if self._closed:
            return self._failed(request, started, NotSent("the run is ending"), True)
        try:
            transport, guard = self._connection()
        except OSError:
            return self._failed(
                request, started, NotSent("the file that PNSYNC_CA_FILE names holds no certificates"), True
            )
        guard.begin(self._total, lambda: self._fresh(stamp))
        if not self._fresh(stamp):
            return self._failed(
                request, started, NotSent("the signature had grown too old before it was sent")
            )
        message = httpx.Request(
            "POST",
            request.url,
            headers={**_HEADERS, **signed},
            content=request.body,
            extensions={"timeout": _timeouts(self._total)},
        )
        try:
            response = transport.handle_request(message)
            try:
                body = _read(response, request.limit_bytes, lambda: self._over(started))
            finally:
                response.close()
        except Stale:
            return self._failed(
                request, started, NotSent("the signature had grown too old before it was sent")
            )
        except _Unusable as error:
            return self._failed(request, started, Unknown(str(error)))
        except Exception as error:
            return self._failed(request, started, classify(error), permanent(error))
        if self._over(started):
            return self._failed(request, started, Unknown("no complete answer came in time"))
        headers = response.headers
        answer = Answer(
            status=response.status_code,
            body=body,
            content_type=headers.get("content-type", ""),
            date=headers.get("date", ""),
            retry_after=headers.get("retry-after", ""),
            began=began,
            ended=self._clock.now(),
        )
        if _log.isEnabledFor(logging.DEBUG):
            milliseconds = (self._clock.monotonic() - started) * 1000
            _log.debug(
                "POST %s %s: %d, %d bytes, %.0f ms",
                self.host,
                request.operation,
                answer.status,
                len(body),
                milliseconds,
            )
        return answer

    def close(self) -> None:
        """End it for good: what another thread waits for breaks off at once, and nothing new is sent."""
        with self._lock:
            self._closed = True
            opened, self._opened = self._opened, []
        for one in opened:
            one.close()
        if self._injected is not None:
            self._injected.close()

    def _fresh(self, stamp: Stamp) -> bool:
        wall = self._clock.now() - stamp.wall
        monotonic = self._clock.monotonic() - stamp.monotonic
        return max(wall, monotonic) <= SIGNATURE_SECONDS

    def _over(self, started: float) -> bool:
        return self._clock.monotonic() - started > self._total

    def _failed(
        self, request: Request, started: float, outcome: NotSent | Unknown, lasting: bool = False
    ) -> Failed:
        if _log.isEnabledFor(logging.DEBUG):
            milliseconds = (self._clock.monotonic() - started) * 1000
            _log.debug(
                "POST %s %s: %s, %.0f ms: %s",
                self.host,
                request.operation,
                "not sent" if isinstance(outcome, NotSent) else "no answer",
                milliseconds,
                outcome.reason,
            )
        return Failed(outcome, lasting)

    def _connection(self) -> tuple[httpx.BaseTransport, Guard]:
        known: tuple[httpx.BaseTransport, Guard] | None = getattr(self._local, "connection", None)
        if known is not None:
            return known
        guard = Guard()
        if self._injected is not None:
            transport = self._injected
        else:
            with self._lock:
                if self._context is None:
                    self._context = tls_context(self._ca_file)
                transport = socket_transport(self._context, guard, private_addresses=self._private_addresses)
                self._opened.append(transport)
        self._local.connection = (transport, guard)
        return transport, guard


_HEADERS: Final = {"User-Agent": "pnsync", "Accept": "application/json", "Accept-Encoding": "gzip"}


def _timeouts(total: float) -> dict[str, float]:
    return {"connect": min(CONNECT_SECONDS, total), "read": total, "write": total, "pool": CONNECT_SECONDS}


class _Unusable(Exception):
    """An answer that is too long, too slow or compressed in a way that was not asked for."""


def _read(response: httpx.Response, limit: int, over: Callable[[], bool]) -> bytes:
    """The body, decompressed, of at most `limit` bytes; a bomb is never inflated beyond that."""
    if response.is_stream_consumed:
        if len(response.content) > limit:
            raise _Unusable(f"the answer is longer than {limit} bytes")
        return response.content
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise _Unusable("the answer is compressed in a way that was not asked for")
    inflate = zlib.decompressobj(wbits=31) if "gzip" in encoding else None
    chunks: list[bytes] = []
    size = 0
    for raw in response.iter_raw():
        chunk = raw
        if inflate is not None:
            try:
                chunk = inflate.decompress(raw, limit + 1 - size)
            except zlib.error:
                raise _Unusable("the answer's compression is damaged") from None
        size += len(chunk)
        if size > limit:
            raise _Unusable(f"the answer is longer than {limit} bytes")
        if over():
            raise _Unusable("no complete answer came in time")
        chunks.append(chunk)
    if inflate is not None and not inflate.eof:
        raise _Unusable("the answer's compression ends too early")
    return b"".join(chunks)
