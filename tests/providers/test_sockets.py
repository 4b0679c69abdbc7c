"""Real sockets on loopback: what the network can do to an exchange, byte by byte, and what is made of it."""

import gzip
import json
import socket
import threading
import time
import tracemalloc
import zlib

import httpx
import pytest

from pnsync.errors import VendorError
from pnsync.journal import Applied, NotSent, Outcome, Unknown
from pnsync.providers.http import Channel, Failed, Request
from pnsync.providers.network import Guard

from .server import BODY, RealClock, Server, config, response, send, serving
from .world import START, golden_nx_intents, nx_config, nxcloud, silent

FAR_FROM_FOREVER = 6
"""Seconds: what has no deadline here goes on for a minute at least, and a busy machine is late by less."""


def test_an_answer_arrives_and_the_connection_is_used_again() -> None:
    def talk(server: Server, connection: socket.socket, _: int) -> None:
        while True:
            server.request(connection)
            connection.sendall(response())

    with serving(talk) as server:
        provider = nxcloud(None, RealClock(), config=config(server.port))
        for _ in range(3):
            assert provider.send(golden_nx_intents()["bindAXB"]) == Applied("abc", "85235753351")
        provider.close()
        assert server.connections == 1
        head = server.requests[0]
        assert head.startswith(b"POST /api/pns/ HTTP/1.1\r\n")
        assert b"cookie" not in head.lower()
        assert b"python" not in head.lower()


@pytest.mark.parametrize("cut", [0, 1, 9, 17, 40, 80, len(response()) - 1])
@pytest.mark.parametrize("hard", [True, False])
def test_a_connection_that_breaks_anywhere_in_the_answer_is_unknown(cut: int, hard: bool) -> None:
    def talk(server: Server, connection: socket.socket, _: int) -> None:
        server.request(connection)
        connection.sendall(response()[:cut])
        if hard:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    with serving(talk) as server:
        assert isinstance(send(server.port), Unknown)
        assert server.connections == 1


def test_a_connection_broken_while_the_request_leaves_is_unknown() -> None:
    def talk(_: Server, connection: socket.socket, __: int) -> None:
        connection.recv(1, socket.MSG_PEEK)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    with serving(talk) as server:
        assert isinstance(send(server.port), Unknown)
        assert server.connections == 1


def test_nobody_listening_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    outcome = send(port)
    assert isinstance(outcome, NotSent)
    assert "refused" in outcome.reason


def test_a_name_that_does_not_exist_is_not_sent() -> None:
    provider = nxcloud(None, RealClock(), config=config(9, host="nothing.invalid"))
    outcome = provider.send(golden_nx_intents()["bindAXB"])
    assert isinstance(outcome, NotSent)
    assert "DNS" in outcome.reason


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "169.254.169.254", "[fe80::1]", "[::ffff:192.168.1.1]", "0.0.0.0"]
)
def test_a_private_address_is_not_connected_to(host: str) -> None:
    began = time.monotonic()
    provider = nxcloud(None, RealClock(), config=config(80, host=host))
    outcome = provider.send(golden_nx_intents()["bindAXB"])
    assert isinstance(outcome, NotSent)
    assert "PNSYNC_ALLOWED_HOSTS" in outcome.reason
    assert time.monotonic() - began < 4, "no connection was waited for"


@pytest.mark.parametrize("part", ["head", "body", "nothing"])
def test_a_slow_drip_ends_at_the_deadline(part: str) -> None:
    whole = response(BODY + b" " * 4000)
    start = 0 if part == "head" else whole.index(b"\r\n\r\n") + 4

    def talk(server: Server, connection: socket.socket, _: int) -> None:
        server.request(connection)
        if part == "nothing":
            connection.recv(1)
        connection.sendall(whole[:start])
        for one in whole[start:]:
            connection.sendall(bytes([one]))
            time.sleep(0.02)

    with serving(talk) as server:
        began = time.monotonic()
        outcome = send(server.port, total_seconds=0.5)
        assert isinstance(outcome, Unknown)
        assert "in time" in outcome.reason
        assert 0.4 < time.monotonic() - began < FAR_FROM_FOREVER


def test_late_first_bytes_and_then_silence_end_at_the_deadline() -> None:
    """Each of them comes within the time that is left for one byte."""

    def talk(server: Server, connection: socket.socket, _: int) -> None:
        server.request(connection)
        for one in b"HTTP/1.1":
            time.sleep(0.8)
            connection.sendall(bytes([one]))
        connection.recv(1)

    with serving(talk) as server:
        began = time.monotonic()
        assert isinstance(send(server.port, total_seconds=1), Unknown)
        assert time.monotonic() - began < FAR_FROM_FOREVER


def test_a_flood_of_interim_answers_ends_at_the_deadline() -> None:
    def talk(server: Server, connection: socket.socket, _: int) -> None:
        server.request(connection)
        while True:
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")

    with serving(talk) as server:
        began = time.monotonic()
        assert isinstance(send(server.port, total_seconds=0.5), Unknown)
        assert time.monotonic() - began < FAR_FROM_FOREVER


def test_an_endless_body_is_cut_off() -> None:
    def talk(server: Server, connection: socket.socket, _: int) -> None:
        server.request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")

    with serving(talk) as server:
        outcome = send(server.port)
        assert isinstance(outcome, Unknown)
        assert "longer than" in outcome.reason


def test_a_gzip_bomb_is_not_inflated() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(256)) + packer.flush()
    assert len(bomb) < 1 << 19

    def talk(server: Server, connection: socket.socket, _: int) -> None:
        server.request(connection)
        connection.sendall(response(bomb, "Content-Encoding: gzip"))

    with serving(talk) as server:
        outcome = send(server.port)
        assert isinstance(outcome, Unknown)
        assert "longer than" in outcome.reason


def test_a_bomb_in_one_piece_takes_no_more_memory_than_an_answer_may() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(128)) + packer.flush()
    answer = httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(bomb))
    provider = nxcloud(httpx.MockTransport(lambda _: answer))
    tracemalloc.start()
    try:
        outcome = provider.send(golden_nx_intents()["bindAXB"])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(outcome, Unknown)
    assert peak < 24 << 20


@pytest.mark.parametrize(
    ("body", "encoding", "good"),
    [
        (gzip.compress(BODY, mtime=0), "gzip", True),
        (gzip.compress(BODY, mtime=0)[:-4], "gzip", False),
        (BODY, "gzip", False),
        (zlib.compress(BODY), "deflate", False),
        (BODY, "br", False),
        (BODY, "identity", True),
    ],
    ids=["gzip", "gzip cut short", "not gzip", "unasked deflate", "unasked brotli", "identity"],
)
def test_compressed_answers(body: bytes, encoding: str, good: bool) -> None:
    def talk(server: Server, connection: socket.socket, _: int) -> None:
        server.request(connection)
        connection.sendall(response(body, f"Content-Encoding: {encoding}"))

    with serving(talk) as server:
        assert isinstance(send(server.port), Applied if good else Unknown)


ORIGINS = (
    "http://127.0.0.1:{0}/x", "http://localhost:{0}/x", "http://127.0.0.1:{1}/x", "//127.0.0.1:{1}/x", "/x",
    "https://127.0.0.1:{1}/x", "http://u:p@127.0.0.1:{1}/x", "file:///etc/passwd",
)  # fmt: skip


@pytest.mark.parametrize("status", range(300, 309))
def test_a_redirect_is_not_followed(status: int) -> None:
    """Neither to the same origin, where a repeated write would come twice, nor to another, which would see the keys."""
    locations = iter(ORIGINS)

    def elsewhere(server: Server, connection: socket.socket, _: int) -> None:
        server.request(connection)

    with serving(elsewhere) as other:

        def talk(server: Server, connection: socket.socket, _: int) -> None:
            while True:
                server.request(connection)
                location = f"Location: {next(locations).format(server.port, other.port)}"
                connection.sendall(response(BODY, location, status=f"{status} Moved"))

        with serving(talk) as server:
            provider = nxcloud(None, RealClock(), config=config(server.port))
            for number in range(len(ORIGINS)):
                assert isinstance(provider.send(golden_nx_intents()["bindAXB"]), Unknown)
                assert len(server.requests) == number + 1
            provider.close()
        assert other.connections == 0


class Names:
    """The system's name service and dialler, where each question is answered by the next of some lists of addresses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
        self.asked: list[str] = []
        self.dialled: list[str] = []
        self.waited: list[float] = []
        left = list(answers)

        def resolve(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
            self.asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in left.pop(0)]

        def dial(address: tuple[str, int], timeout: float, *_: object, **__: object) -> socket.socket:
            self.dialled.append(address[0])
            self.waited.append(timeout)
            raise ConnectionRefusedError

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        monkeypatch.setattr(socket, "create_connection", dial)


def asked_by_name(times: int = 1) -> list[Outcome]:
    provider = nxcloud(None, RealClock(), config=nx_config(endpoint="https://number.nxcloud.com/api/pns/"))
    try:
        return [provider.send(golden_nx_intents()["bindAXB"]) for _ in range(times)]
    finally:
        provider.close()


def test_a_name_is_asked_once_and_its_checked_address_is_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second question could be answered otherwise: by an address inside, which nobody has looked at."""
    names = Names(monkeypatch, ["8.8.8.8", "1.1.1.1"], ["127.0.0.1"])
    first, second = asked_by_name(2)
    assert isinstance(first, NotSent) and "refused" in first.reason
    assert names.dialled == ["8.8.8.8", "1.1.1.1"]
    assert isinstance(second, NotSent) and "PNSYNC_ALLOWED_HOSTS" in second.reason
    assert names.asked == ["number.nxcloud.com"] * 2
    first_waits, second_waits = names.waited
    assert first_waits <= 2.5 < second_waits <= 5, "an address that does not answer leaves time for the next"


@pytest.mark.parametrize(
    "answer", [["8.8.8.8", "10.0.0.1"], ["::ffff:169.254.169.254", "8.8.8.8"], ["::1"], ["fe80::1%eth0"]]
)
def test_a_name_that_leads_inside_too_is_not_dialled(
    monkeypatch: pytest.MonkeyPatch, answer: list[str]
) -> None:
    names = Names(monkeypatch, answer)
    [outcome] = asked_by_name()
    assert isinstance(outcome, NotSent) and "PNSYNC_ALLOWED_HOSTS" in outcome.reason
    assert names.dialled == [] and names.asked == ["number.nxcloud.com"]


def test_a_connection_idle_for_longer_than_two_seconds_is_not_used_again() -> None:
    def talk(server: Server, connection: socket.socket, _: int) -> None:
        while True:
            server.request(connection)
            connection.sendall(response())

    with serving(talk) as server:
        provider = nxcloud(None, RealClock(), config=config(server.port))
        provider.send(golden_nx_intents()["bindAXB"])
        time.sleep(2.1)
        assert isinstance(provider.send(golden_nx_intents()["bindAXB"]), Applied)
        provider.close()
        assert server.connections == 2


def test_a_connection_the_server_has_closed_is_not_used_again() -> None:
    def talk(server: Server, connection: socket.socket, _: int) -> None:
        server.request(connection)
        connection.sendall(response())

    with serving(talk) as server:
        provider = nxcloud(None, RealClock(), config=config(server.port))
        provider.send(golden_nx_intents()["bindAXB"])
        time.sleep(0.05)
        assert isinstance(provider.send(golden_nx_intents()["bindAXB"]), Applied)
        provider.close()


def test_a_signature_that_grew_old_while_connecting_leaves_no_byte() -> None:
    received: list[bytes] = []
    done = threading.Event()

    class Jumping(RealClock):
        """The wall clock jumps ahead by a minute after its first looks: while the connection is made."""

        looks = 0

        def now(self) -> float:
            self.looks += 1
            return super().now() + (60 if self.looks > 3 else 0)

    def talk(_: Server, connection: socket.socket, __: int) -> None:
        received.append(connection.recv(65536))
        done.set()

    with serving(talk) as server:
        clock = Jumping()
        channel = Channel("127.0.0.1", clock)
        stamp = channel.stamp(START)
        request = Request("bindAXB", f"http://127.0.0.1:{server.port}/", b"{}")
        failed = channel.exchange(request, {}, stamp)
        assert isinstance(failed, Failed)
        assert isinstance(failed.outcome, NotSent)
        assert done.wait(5)
        assert received == [b""]
        channel.close()


def test_the_guard_looks_before_the_first_byte_only() -> None:
    guard = Guard()
    looks: list[bool] = []

    def look() -> bool:
        looks.append(True)
        return True

    guard.begin(5, look)
    guard.leave()
    guard.leave()
    assert looks == [True]
    guard.begin(5, look)
    guard.leave()
    assert looks == [True, True], "of the next request too, though its connection stands already"


def test_each_thread_has_its_own_connection() -> None:
    ready = threading.Barrier(4)

    def talk(server: Server, connection: socket.socket, _: int) -> None:
        server.request(connection)
        ready.wait(5)
        connection.sendall(response())

    with serving(talk) as server:
        provider = nxcloud(None, RealClock(), config=config(server.port))
        outcomes: list[Outcome] = []
        threads = [
            threading.Thread(target=lambda: outcomes.append(provider.send(golden_nx_intents()["bindAXB"])))
            for _ in range(4)
        ]
        for one in threads:
            one.start()
        for one in threads:
            one.join(5)
        provider.close()
        assert [type(one) for one in outcomes] == [Applied] * 4
        assert server.connections == 4


def test_closing_frees_a_call_that_hangs() -> None:
    hangs = threading.Event()

    def talk(server: Server, connection: socket.socket, _: int) -> None:
        server.request(connection)
        hangs.set()
        connection.recv(1)

    with serving(talk) as server:
        provider = nxcloud(None, RealClock(), config=config(server.port), total_seconds=10)
        outcomes: list[Outcome] = []
        call = threading.Thread(target=lambda: outcomes.append(provider.send(golden_nx_intents()["bindAXB"])))
        call.start()
        assert hangs.wait(5)
        provider.close()
        call.join(3)
        assert [type(one) for one in outcomes] == [Unknown]


def test_closing_ends_a_listing_that_hangs_and_everything_after() -> None:
    hangs = threading.Event()

    def talk(server: Server, connection: socket.socket, _: int) -> None:
        server.request(connection)
        hangs.set()
        connection.recv(1)

    with serving(talk) as server:
        provider = nxcloud(None, RealClock(), config=config(server.port), total_seconds=10)
        errors: list[Exception] = []

        def read() -> None:
            try:
                provider.list(scans=2, reading=silent)
            except VendorError as error:
                errors.append(error)

        call = threading.Thread(target=read)
        call.start()
        assert hangs.wait(5)
        provider.close()
        call.join(3)
        assert len(errors) == 1
        assert isinstance(provider.send(golden_nx_intents()["bindAXB"]), NotSent)
        assert server.connections == 1


def test_a_listing_over_a_socket() -> None:
    rows = [
        {"bindId": f"b{number}", "phoneA": "447700900123", "did": "447401264117", "expireAt": 0}
        for number in range(5)
    ]

    def talk(server: Server, connection: socket.socket, _: int) -> None:
        while True:
            asked = json.loads(server.request(connection))
            page = rows[asked["offset"] : asked["offset"] + asked["limit"]]
            data = {"bindList": page, "groups": [], "total": len(rows)}
            connection.sendall(
                response(
                    gzip.compress(json.dumps({"code": 0, "data": data}).encode()), "Content-Encoding: gzip"
                )
            )

    with serving(talk) as server:
        provider = nxcloud(None, RealClock(), config=config(server.port), page_size=2)
        listing = provider.list(scans=2, reading=silent)
        provider.close()
    # The groups of this server have a total of five and no rows: that is told, the bindings are whole.
    assert len(listing.bindings) == 5
    assert len(listing.problems) == 1
