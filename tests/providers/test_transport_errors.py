"""The one table: which failures of the transport prove that nothing was sent, walked over all that httpx has."""

import socket
import ssl
from collections.abc import Iterator

import httpx
import pytest

from pnsync.journal import NotSent, Unknown
from pnsync.providers.network import AddressRefused, is_public
from pnsync.providers.transport_errors import classify, permanent

from .world import golden_nx_intents, nxcloud

NOT_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"}


def subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


WALKED = sorted(
    {one for one in subclasses(httpx.RequestError) if one.__module__ == "httpx"}, key=lambda one: one.__name__
)


def test_the_walk_finds_what_httpx_has() -> None:
    assert {one.__name__ for one in WALKED} >= NOT_SENT | {
        "ReadTimeout",
        "WriteTimeout",
        "ReadError",
        "WriteError",
        "CloseError",
        "RemoteProtocolError",
        "LocalProtocolError",
        "DecodingError",
        "TooManyRedirects",
    }


@pytest.mark.parametrize("kind", WALKED)
def test_each_failure_of_httpx(kind: type[httpx.RequestError]) -> None:
    sent: list[httpx.Request] = []

    def fail(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        raise kind("details with 447700900123")

    outcome = nxcloud(httpx.MockTransport(fail)).send(golden_nx_intents()["bindAXB"])
    assert isinstance(outcome, NotSent if kind.__name__ in NOT_SENT else Unknown)
    assert type(classify(kind("x"))) is type(outcome)
    assert len(sent) == (3 if isinstance(outcome, NotSent) else 1)
    assert "4477" not in outcome.reason


@pytest.mark.parametrize(
    "error", [ValueError("x"), RuntimeError("447700900123"), OSError(5, "x"), MemoryError()]
)
def test_a_failure_that_is_not_httpx_s_is_unknown(error: Exception) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    outcome = nxcloud(httpx.MockTransport(fail)).send(golden_nx_intents()["bindAXB"])
    assert isinstance(outcome, Unknown)
    assert "4477" not in outcome.reason


def chained(cause: Exception) -> httpx.ConnectError:
    try:
        try:
            raise cause
        except Exception as inner:
            raise httpx.ConnectError("x") from inner
    except httpx.ConnectError as error:
        return error


@pytest.mark.parametrize(
    ("cause", "words", "lasting"),
    [
        (socket.gaierror(-2, "unknown"), "check DNS", False),
        (ssl.SSLCertVerificationError("bad"), "PNSYNC_CA_FILE", True),
        (ssl.SSLError("bad"), "TLS 1.2", False),
        (ConnectionRefusedError(111, "refused"), "host and port", False),
        (OSError(101, "unreachable"), "cannot be reached", False),
        (AddressRefused(), "PNSYNC_ALLOWED_HOSTS", True),
        (OSError(5, "other"), "check the network", False),
    ],
)
def test_a_failure_to_connect_names_cause_and_remedy(cause: Exception, words: str, lasting: bool) -> None:
    error = chained(cause)
    found = classify(error)
    assert isinstance(found, NotSent)
    assert words in found.reason
    assert "\n" not in found.reason
    assert permanent(error) is lasting


def test_a_lasting_failure_is_not_tried_again() -> None:
    sent: list[httpx.Request] = []

    def fail(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        raise chained(ssl.SSLCertVerificationError("bad"))

    assert isinstance(nxcloud(httpx.MockTransport(fail)).send(golden_nx_intents()["bindAXB"]), NotSent)
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("47.88.1.1", True),
        ("2606:4700:4700::1111", True),
        ("64:ff9b::808:808", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.3.4", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("198.18.0.1", False),
        ("240.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("fd12:3456::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("2002:0a00:0001::", False),
        ("64:ff9b::a00:1", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
        ("2001:db8::1", False),
        ("nonsense", False),
    ],
)
def test_private_addresses_are_seen_through_their_forms(address: str, public: bool) -> None:
    assert is_public(address) is public
