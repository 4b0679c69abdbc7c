"""What a failure of the transport proves about a request: the one table, and its words.

Nothing of the request left before these four: connecting failed or timed out, no connection was free, the proxy
refused. Every other failure may have come after the vendor acted, so the outcome is unknown.
"""

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import Final

import httpx

from pnsync.journal import NotSent, Unknown
from pnsync.providers.network import AddressRefused

NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""The failures that prove that not a byte of the request left."""


def classify(error: Exception) -> NotSent | Unknown:
    """What a transport's exception proves; with one line of cause and one of remedy."""
    if isinstance(error, NOT_SENT):
        return NotSent(_cause(error))
    if isinstance(error, httpx.TimeoutException):
        return Unknown("no complete answer came in time")
    if isinstance(error, httpx.ReadError | httpx.WriteError | httpx.CloseError):
        return Unknown("the connection broke before the answer was complete")
    if isinstance(error, httpx.RemoteProtocolError):
        return Unknown("the server ended the connection without a valid HTTP answer")
    if isinstance(error, httpx.DecodingError):
        return Unknown("the answer's compression is damaged")
    return Unknown(f"the exchange failed: {type(error).__name__}")


def permanent(error: Exception) -> bool:
    """Whether trying again cannot help: a certificate that does not hold, an address that is refused."""
    return any(isinstance(one, ssl.SSLCertVerificationError | AddressRefused) for one in _chain(error))


def _cause(error: Exception) -> str:
    if isinstance(error, httpx.UnsupportedProtocol):
        return "the endpoint's scheme is neither https nor http; correct `endpoint`"
    if isinstance(error, httpx.ProxyError):
        return "a proxy refused the connection; pnsync uses none by itself, so check the network"
    for one in _chain(error):
        match one:
            case AddressRefused():
                return (
                    "the vendor's name leads to an address of a private network;"
                    " check DNS, or list the host in PNSYNC_ALLOWED_HOSTS"
                )
            case ssl.SSLCertVerificationError():
                return (
                    "the server's certificate does not hold; check the endpoint and this machine's clock, and name"
                    " a company's own CA in PNSYNC_CA_FILE"
                )
            case ssl.SSLError():
                return "TLS could not be agreed; check that the endpoint speaks HTTPS with TLS 1.2 or later"
            case socket.gaierror() | UnicodeError():
                return "the vendor's name could not be resolved; check DNS and the endpoint's spelling"
            case ConnectionRefusedError():
                return "the connection was refused; check the endpoint's host and port"
            case OSError(errno=errno.ENETUNREACH | errno.EHOSTUNREACH):
                return "the vendor's network cannot be reached; check this machine's connection"
    if isinstance(error, httpx.TimeoutException):
        return "no connection could be made in time; check the network and any firewall"
    return "no connection could be made; check the network and the endpoint"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__
