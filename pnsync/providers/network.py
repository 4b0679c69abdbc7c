"""Sockets under HTTP: certificates always checked, addresses checked before they are connected to, one deadline.

`socket_transport` makes an httpx transport over one connection of one thread. A `Guard`, set for each request,
bounds the whole exchange, drip by drip, and has the last word before the first byte leaves. Nothing here reads
the environment: no proxy, no certificate file, no key log.
"""

import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import httpcore
import httpx

KEEP_ALIVE_SECONDS: Final = 2.0
"""An idle connection that is older is not used again: a half-closed one makes needless unknown outcomes."""


class AddressRefused(OSError):
    """A vendor's name leads to an address inside a private network."""


class Stale(Exception):
    """The request's signature had grown too old when the connection stood; not a byte of it was sent."""


class Guard:
    """What one exchange may still do: its deadline, and a last check before the first byte is written."""

    def __init__(self) -> None:
        self._deadline = float("inf")
        self._check: Callable[[], bool] = lambda: True
        self._sent = False

    def begin(self, seconds: float, check: Callable[[], bool]) -> None:
        """Start an exchange of at most `seconds`; `check` tells, before the first byte, whether it may still go."""
        self._deadline = time.monotonic() + seconds
        self._check = check
        self._sent = False

    def bounded(self, timeout: float | None) -> float:
        """A timeout that does not outlive the deadline; at least a millisecond, as 0 would mean not to block."""
        left = self._deadline - time.monotonic()
        return max(0.001, left if timeout is None else min(timeout, left))

    @property
    def over(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self._deadline

    def leave(self) -> None:
        """Called before bytes are written. Raises Stale before the first of them when they must not go."""
        if not self._sent:
            if not self._check():
                raise Stale
            self._sent = True


class _GuardedStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, guard: Guard) -> None:
        self._inner = inner
        self._guard = guard

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._guard.over:
            raise httpcore.ReadTimeout("total deadline")
        return self._inner.read(max_bytes, self._guard.bounded(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._guard.leave()
        self._inner.write(buffer, self._guard.bounded(timeout))

    def close(self) -> None:
        # Another thread may be waiting for bytes here: closing alone would not wake it.
        found = self._inner.get_extra_info("socket")
        if isinstance(found, socket.socket):
            with contextlib.suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._guard.bounded(timeout))
        return _GuardedStream(inner, self._guard)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _CheckedNetwork(httpcore.NetworkBackend):
    """Resolves a name once, refuses private addresses unless allowed, and connects to the very address checked."""

    def __init__(self, guard: Guard, *, private_addresses: bool) -> None:
        self._inner = httpcore.SyncBackend()
        self._guard = guard
        self._private_addresses = private_addresses

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception | None = None
        deadline = time.monotonic() + self._guard.bounded(timeout)
        addresses = self._addresses(host, port)
        for number, address in enumerate(addresses):
            # An address that does not answer leaves time for those after it.
            left = max(0.001, deadline - time.monotonic()) / (len(addresses) - number)
            try:
                inner = self._inner.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _GuardedStream(inner, self._guard)
        assert failure is not None
        raise failure

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
            if not self._private_addresses and not all(is_public(one) for one in addresses):
                raise AddressRefused
        except (OSError, UnicodeError) as error:
            # The pool cuts causes off and keeps contexts: what happened is told by being raised in here.
            raise httpcore.ConnectError("no address") from error
        return addresses


def is_public(address: str) -> bool:
    """Whether an address belongs to the public Internet, seen through IPv6 forms that wrap an IPv4 one."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        wrapped = found.ipv4_mapped or found.sixtofour
        inside = found not in _GLOBAL_UNICAST or any(found in one for one in _NOT_HOSTS)
        if wrapped is None and (found in _NAT64 or (_is_isatap(found) and not inside)):
            wrapped = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if wrapped is None and inside:
            return False
        found = wrapped or found
    return found.is_global and not found.is_multicast and not any(found in one for one in _NEAREST)


def _is_isatap(address: ipaddress.IPv6Address) -> bool:
    """Whether the address is an IPv4 one inside a site's tunnel (RFC 5214): its last half is [02]00:5efe:a.b.c.d."""
    return int(address) >> 32 & 0xFDFFFFFF == 0x5EFE


_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST: Final = ipaddress.ip_network("2000::/3")
"""What IANA gives to hosts; all other forms (compatible, translated, site-local, local NAT64) lead somewhere inside."""
_NOT_HOSTS: Final = tuple(ipaddress.ip_network(one) for one in ("2001::/23", "2001:db8::/32", "3fff::/20"))
"""Tunnels, benchmarks and examples."""
_NEAREST: Final = tuple(
    ipaddress.ip_network(one) for one in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24")
)
"""Public by their range alone: a cloud's own host in every machine's network, and whatever is nearest."""


def is_loopback(host: str) -> bool:
    """Whether a URL's host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _SocketTransport(httpx.HTTPTransport):
    def __init__(self, context: ssl.SSLContext, network: httpcore.NetworkBackend) -> None:
        super().__init__(verify=context, trust_env=False)
        # httpx has no parameter for the network below it; the pool is the one thing that is exchanged.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=1,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
            http1=True,
            http2=False,
            retries=0,
            network_backend=network,
        )


def socket_transport(
    context: ssl.SSLContext, guard: Guard, *, private_addresses: bool
) -> httpx.BaseTransport:
    """A transport for one thread: one connection, HTTP/1.1, no retries, no proxy, no redirect, no cookie."""
    return _SocketTransport(context, _CheckedNetwork(guard, private_addresses=private_addresses))
