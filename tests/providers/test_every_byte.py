"""A connection that ends after any byte, of the request or of the answer: not sent is told only where no byte left.

All of it through the real HTTP stack on a wire in memory, whose every byte a test decides; what only a socket does, on one.
"""

import itertools
import socket
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import pytest

from pnsync.journal import Applied, NotSent, Outcome, Unknown
from pnsync.providers.network import Guard, Stale
from tests.profile import either

from .server import RealClock, Server, config, response, send, serving
from .world import golden_la_intents, golden_nx_intents, la_config, laaffic, nx_config, nxcloud

LONGEST = 4096
"""Bytes of an answer at each of which it is cut."""
BOTH = (
    b'{"code": 0, "status": "0", "reason": "ok", "data": {"bindId": "10027", "did": "85235753351", '
    b'"pnsNumberA": "918806", "pnsNumberB": "918807"}}'
)
"""What is success to either vendor."""
ANSWER = response(BOTH.ljust(LONGEST))
CUTS = [*range(300), *range(300, LONGEST + 1, either(1, 23)), len(ANSWER) - 1]


class Wire(httpcore.NetworkStream):
    """Takes so many bytes of a request and gives so many of an answer; then it breaks, or is closed by the other side."""

    def __init__(self, network: "Network") -> None:
        self.network = network
        self.given = 0

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        room = self.network.takes - self.network.left
        self.network.left += min(room, len(buffer))
        self.network.request += buffer[:room]
        if room < len(buffer):
            raise httpcore.WriteError("broken pipe")

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        part = ANSWER[: self.network.gives][self.given : self.given + max_bytes]
        self.given += len(part)
        if not part and self.network.breaks:
            raise httpcore.ReadError("connection reset by peer")
        return part

    def close(self) -> None:
        return None

    def get_extra_info(self, info: str) -> Any:
        return None


class Network(httpcore.NetworkBackend):
    """Connects to a wire, or, where it `refuses`, to nobody."""

    def __init__(self) -> None:
        self.becomes()

    def becomes(
        self, *, takes: int = 1 << 30, gives: int = 1 << 30, breaks: bool = True, refuses: bool = False
    ) -> None:
        """How the next call fares."""
        self.takes, self.gives, self.breaks, self.refuses = takes, gives, breaks, refuses
        self.left = 0
        self.request = b""
        self.connections = 0

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self.connections += 1
        if self.refuses:
            raise httpcore.ConnectError("refused")
        return Wire(self)


class Caller:
    """An account of a vendor over such a network, and its bind."""

    def __init__(self, vendor: str, network: Network) -> None:
        self.network = network
        if vendor == "nxcloud":
            self.provider: Any = nxcloud(None, config=nx_config(endpoint="http://127.0.0.1:80/api/pns/"))
            self.intent = golden_nx_intents()["bindAXB"]
        else:
            self.provider = laaffic(None, config=la_config(endpoint="http://127.0.0.1:80/v3/number"))
            self.intent = golden_la_intents()["pns/bind"]

    def bind(self, **fate: Any) -> Outcome:
        """What a bind comes to."""
        self.network.becomes(**fate)
        found: Outcome = self.provider.send(self.intent)
        return found


@pytest.fixture(params=["nxcloud", "laaffic"])
def caller(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Caller]:
    network = Network()
    monkeypatch.setattr("pnsync.providers.network.httpcore.SyncBackend", lambda: network)
    made = Caller(request.param, network)
    yield made
    made.provider.close()


@pytest.mark.parametrize("breaks", [True, False], ids=["reset", "closed"])
def test_an_answer_cut_at_any_byte_is_unknown(breaks: bool, caller: Caller) -> None:
    for cut in CUTS:
        found = caller.bind(gives=cut, breaks=breaks)
        assert isinstance(found, Unknown), cut
        assert caller.network.connections == 1, "it is not sent again"
    assert isinstance(caller.bind(), Applied)


def test_a_request_that_breaks_off_at_any_byte_is_unknown(caller: Caller) -> None:
    caller.bind(gives=0)
    whole = caller.network.left
    assert caller.network.request.startswith(b"POST ") and 200 < whole < LONGEST
    for taken in range(1, whole):
        found = caller.bind(takes=taken, gives=0)
        assert isinstance(found, Unknown), (taken, found)
        assert (caller.network.left, caller.network.connections) == (taken, 1)


def test_where_nobody_answers_no_byte_left(caller: Caller) -> None:
    assert isinstance(caller.bind(refuses=True), NotSent)
    assert (caller.network.left, caller.network.connections) == (0, 3), "and it is tried again"


def test_the_last_look_comes_before_the_first_byte(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def stale(_: Guard) -> None:
        raise Stale

    monkeypatch.setattr(Guard, "leave", stale)
    assert isinstance(caller.bind(), NotSent)
    assert caller.network.left == 0


@pytest.mark.parametrize(
    "direction", [socket.SHUT_WR, socket.SHUT_RD], ids=["answers-no-more", "reads-no-more"]
)
def test_a_connection_that_is_closed_in_one_direction(direction: int) -> None:
    def talk(server: Server, connection: socket.socket, _: int) -> None:
        connection.shutdown(direction)
        server.request(connection)

    with serving(talk) as server:
        assert isinstance(send(server.port), Unknown)
        assert server.connections == 1


def test_a_kept_connection_that_breaks_under_the_second_request() -> None:
    """It looked whole when it was chosen: what became of the request is not known, and it is not sent again."""

    def talk(server: Server, connection: socket.socket, _: int) -> None:
        server.request(connection)
        connection.sendall(response())
        connection.recv(1, socket.MSG_PEEK)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    with serving(talk) as server:
        provider = nxcloud(None, RealClock(), config=config(server.port))
        outcomes = [provider.send(golden_nx_intents()["bindAXB"]) for _ in range(2)]
        provider.close()
        assert [type(one) for one in outcomes] == [Applied, Unknown]
        assert server.connections == 1


def test_a_body_of_a_gibibyte_is_not_read() -> None:
    sent = []

    def talk(server: Server, connection: socket.socket, _: int) -> None:
        server.request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 30))
        for _ in itertools.repeat(None, 1 << 14):
            connection.sendall(b" " * (1 << 16))
            sent.append(1 << 16)

    with serving(talk) as server:
        began = time.process_time()
        outcome = send(server.port)
        assert isinstance(outcome, Unknown)
        assert "longer than" in outcome.reason
        assert sum(sent) < 64 << 20
        assert time.process_time() - began < 2
