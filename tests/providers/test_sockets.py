"""Real sockets on loopback: what the network can do to an exchange, byte by byte, and what is made of it."""

import gzip
import json
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from pnsync.errors import VendorError
from pnsync.journal import Applied, NotSent, Outcome, Unknown
from pnsync.model import ProviderConfig
from pnsync.providers.http import Channel, Failed, Request
from pnsync.providers.network import Guard, tls_context

from .world import START, golden_nx_intents, nx_config, nxcloud, silent

BODY = b'{"code": 0, "data": {"bindId": "abc", "did": "85235753351"}}'
Talk = Callable[[socket.socket, int], None]


class RealClock:
    """This machine's monotonic time; the wall clock begins where the intents of the tests do."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def now(self) -> float:
        return START + time.monotonic() - self._began

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.01))


class Server:
    """Accepts connections and lets `talk` hold each conversation; counts connections and requests."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            number, self.connections = self.connections, self.connections + 1
            threading.Thread(target=self._hold, args=(connection, number), daemon=True).start()

    def _hold(self, connection: socket.socket, number: int) -> None:
        with connection, suppress(OSError):
            self._talk(connection, number)

    def request(self, connection: socket.socket) -> bytes:
        """One whole request."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                raise OSError("closed")
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(
            next(one for one in head.split(b"\r\n") if one.lower().startswith(b"content-length"))[15:]
        )
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append(head)
        return body

    def close(self) -> None:
        self._listener.close()


@contextmanager
def serving(talk: Callable[[Server, socket.socket, int], None]) -> Iterator[Server]:
    holder: list[Server] = []
    server = Server(lambda connection, number: talk(holder[0], connection, number))
    holder.append(server)
    try:
        yield server
    finally:
        server.close()


def config(port: int, scheme: str = "http", host: str = "127.0.0.1") -> ProviderConfig:
    return nx_config(endpoint=f"{scheme}://{host}:{port}/api/pns/")


def send(port: int, total_seconds: float = 5) -> Outcome:
    provider = nxcloud(None, RealClock(), config=config(port), total_seconds=total_seconds)
    try:
        return provider.send(golden_nx_intents()["bindAXB"])
    finally:
        provider.close()


def response(body: bytes = BODY, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


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
    assert time.monotonic() - began < 1


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
        assert 0.4 < time.monotonic() - began < 1.5


def test_silence_after_a_late_first_byte_ends_at_the_deadline() -> None:
    def talk(server: Server, connection: socket.socket, _: int) -> None:
        server.request(connection)
        time.sleep(0.8)
        connection.sendall(b"H")
        connection.recv(1)

    with serving(talk) as server:
        began = time.monotonic()
        assert isinstance(send(server.port, total_seconds=1), Unknown)
        assert time.monotonic() - began < 1.6


def test_a_flood_of_interim_answers_ends_at_the_deadline() -> None:
    def talk(server: Server, connection: socket.socket, _: int) -> None:
        server.request(connection)
        while True:
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")

    with serving(talk) as server:
        began = time.monotonic()
        assert isinstance(send(server.port, total_seconds=0.5), Unknown)
        assert time.monotonic() - began < 2


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
        began = time.monotonic()
        outcome = send(server.port)
        assert isinstance(outcome, Unknown)
        assert "longer than" in outcome.reason
        assert time.monotonic() - began < 2


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
        (gzip.compress(BODY), "gzip", True),
        (gzip.compress(BODY)[:-4], "gzip", False),
        (BODY, "gzip", False),
        (zlib.compress(BODY), "deflate", False),
        (BODY, "br", False),
        (BODY, "identity", True),
    ],
)
def test_compressed_answers(body: bytes, encoding: str, good: bool) -> None:
    def talk(server: Server, connection: socket.socket, _: int) -> None:
        server.request(connection)
        connection.sendall(response(body, f"Content-Encoding: {encoding}"))

    with serving(talk) as server:
        assert isinstance(send(server.port), Applied if good else Unknown)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    def talk(server: Server, connection: socket.socket, _: int) -> None:
        while True:
            server.request(connection)
            location = f"Location: http://127.0.0.1:{server.port}/elsewhere"
            connection.sendall(response(BODY, location, status=f"{status} Moved"))

    with serving(talk) as server:
        assert isinstance(send(server.port), Unknown)
        assert len(server.requests) == 1


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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of our own for 127.0.0.1, with its key."""
    pytest.importorskip("cryptography")
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pnsync test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    encoding = serialization.Encoding.PEM
    path.write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(encoding)
    )
    return path


@pytest.mark.parametrize("trusted", [True, False])
def test_a_certificate_must_hold(certificate: Path, trusted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    # What the environment says of certificates and proxies must not count.
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    keylog = certificate.with_name("keylog")
    monkeypatch.setenv("SSLKEYLOGFILE", str(keylog))

    def talk(server: Server, connection: socket.socket, _: int) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            server.request(secure)
            secure.sendall(response())

    with serving(talk) as server:
        provider = nxcloud(
            None,
            RealClock(),
            config=config(server.port, "https"),
            ca_file=str(certificate) if trusted else None,
        )
        outcome = provider.send(golden_nx_intents()["bindAXB"])
        provider.close()
        assert isinstance(outcome, Applied if trusted else NotSent)
        assert trusted or server.connections == 1
        assert trusted or "certificate does not hold" in getattr(outcome, "reason", "")
    assert not keylog.exists()


def test_http_where_https_was_meant_is_not_sent() -> None:
    def talk(_: Server, connection: socket.socket, __: int) -> None:
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with serving(talk) as server:
        provider = nxcloud(None, RealClock(), config=config(server.port, "https"))
        outcome = provider.send(golden_nx_intents()["bindAXB"])
        assert isinstance(outcome, NotSent)
        assert "TLS" in outcome.reason


def test_a_ca_file_that_cannot_be_read_is_not_sent(tmp_path: Path) -> None:
    for content in (None, "nonsense"):
        path = tmp_path / "ca.pem"
        if content is not None:
            path.write_text(content)
        provider = nxcloud(None, RealClock(), config=config(9, "https"), ca_file=str(path))
        outcome = provider.send(golden_nx_intents()["bindAXB"])
        assert isinstance(outcome, NotSent)
        assert "PNSYNC_CA_FILE" in outcome.reason
        with pytest.raises(VendorError):
            provider.list(scans=1, reading=silent)


def test_tls_is_never_weaker_than_1_2() -> None:
    context = tls_context(None)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.keylog_filename is None


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
