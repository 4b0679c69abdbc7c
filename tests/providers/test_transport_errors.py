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


PUBLIC = """8.8.8.8 47.88.1.1 11.0.0.1 9.255.255.255 172.32.0.1 172.15.255.255 192.167.255.255 100.128.0.1 223.255.255.255
    2606:4700:4700::1111 2a00:1450::1 64:ff9b::808:808 ::ffff:8.8.8.8 2002:808:808::1 2606:4700::5efe:808:808"""
PRIVATE = """127.0.0.1 127.255.255.254 10.0.0.1 10.255.255.255 172.16.3.4 172.31.255.255 192.168.1.1 169.254.169.254 169.254.170.2
    100.64.0.1 100.100.100.200 100.127.255.255 0.0.0.0 0.1.2.3 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    192.0.0.1 192.0.0.9 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.5 168.63.129.16 192.88.99.1
    :: ::1 ::10.0.0.1 ::127.0.0.1 ::8.8.8.8 fe80::1 fe80::1%eth0 fec0::1 fc00::1 fd12:3456::1 fd00:ec2::254 ff02::1 ff0e::1
    ::ffff:10.0.0.1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:7f00:1 ::ffff:0:10.0.0.1 ::ffff:0:808:808
    2002:a00:1:: 2002:7f00:1::1 2002:a9fe:a9fe:: 64:ff9b::a00:1 64:ff9b::7f00:1 64:ff9b:1::a00:1 64:ff9b:1::808:808
    2606:4700::5efe:7f00:1 2606:4700::200:5efe:a00:1 fe80::5efe:808:808 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001::1
    2001:2::1 2001:10::1 2001:20::1 2001:db8::1 3fff::1 5f00::1 100::1 400::1
    nonsense 2130706433 0x7f000001 0177.0.0.1 127.1 [::1] 127.0.0.1:80"""


def test_many_forms_are_tried() -> None:
    assert len({*PUBLIC.split(), *PRIVATE.split()}) >= 80


@pytest.mark.parametrize(
    ("address", "public"),
    [*((one, True) for one in PUBLIC.split()), *((one, False) for one in PRIVATE.split())],
)
def test_private_addresses_are_seen_through_their_forms(address: str, public: bool) -> None:
    assert is_public(address) is public
