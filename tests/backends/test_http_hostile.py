"""A state's server that means harm, or somebody in its place: bounded, never followed, and told nothing by the way."""

import gzip
import socket
import ssl
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from stores.clocks import StepClock

from pnsync.backends.http import TOTAL_SECONDS, HttpBackend, HttpSettings
from pnsync.errors import StateError, UsageError
from tests.providers.certificates import CASES, server_context
from tests.providers.server import Conversation, Server, response, serving

MEBIBYTE = 1 << 20
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"10000\r\n" + b" " * 65536 + b"\r\n"


def backend(
    port: int, clock: StepClock | None = None, scheme: str = "http", ca_file: str | None = None
) -> HttpBackend:
    settings = HttpSettings(f"{scheme}://127.0.0.1:{port}/s", username="u", password="canary")
    return HttpBackend(settings, clock or StepClock(), ca_file=ca_file, limit_bytes=MEBIBYTE)


def refused(port: int, clock: StepClock | None = None) -> str:
    with pytest.raises(StateError) as caught:
        backend(port, clock).read("snapshot")
    assert caught.value.code == "S967"
    return " ".join(caught.value.detail)


def answering(*parts: bytes, then: Callable[[], None] = lambda: None) -> Conversation:
    """The same answer to every request."""

    def talk(server: Server, connection: socket.socket, _: int) -> None:
        while True:
            server.request(connection)
            for part in parts:
                connection.sendall(part)
                then()

    return talk


def test_an_endless_answer_is_cut_off() -> None:
    sent = 0

    def talk(server: Server, connection: socket.socket, _: int) -> None:
        nonlocal sent
        server.request(connection)
        connection.sendall(CHUNKED)
        while sent < 1000:
            connection.sendall(CHUNK)
            sent += 1

    with serving(talk) as server:
        tracemalloc.start()
        assert "larger than any state" in refused(server.port)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert sent < 1000
    assert peak < 8 * MEBIBYTE


def test_an_answer_that_was_compressed_unasked_is_not_inflated() -> None:
    bomb = response(gzip.compress(b" " * (16 * MEBIBYTE), 1), "Content-Encoding: gzip")
    with serving(answering(bomb)) as server:
        tracemalloc.start()
        assert "compressed" in refused(server.port)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert b"accept-encoding: identity" in server.requests[0].lower()
    assert peak < 8 * MEBIBYTE


def test_a_slow_drip_ends() -> None:
    clock = StepClock()

    def later() -> None:
        clock.passed += TOTAL_SECONDS / 3

    with serving(answering(CHUNKED, *[b"1\r\n \r\n"] * 50, then=later)) as server:
        assert "in time" in refused(server.port, clock)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_redirect_is_not_followed(status: int, host: str) -> None:
    with serving(answering(response(b"{}"))) as elsewhere:
        location = f"Location: http://{host}:{elsewhere.port}/s"
        with serving(answering(response(b"", location, status=f"{status} Moved"))) as server:
            assert f"HTTP {status}" in refused(server.port)
            with pytest.raises(StateError):
                backend(server.port).append(1, b"record")
        assert elsewhere.connections == 0


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("trusted", [True, False])
def test_a_certificate_must_hold(
    tmp_path: Path, case: str, trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, ca_file = server_context(tmp_path, case)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(ca_file))
    for name in ("HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keylog"))

    def talk(server: Server, connection: socket.socket, _: int) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            server.request(wrapped)
            wrapped.sendall(response(b"", status="404 Not Found"))

    with serving(talk) as server:
        place = backend(server.port, scheme="https", ca_file=str(ca_file) if trusted else None)
        if trusted and case == "good":
            assert place.read("snapshot") is None
        else:
            with pytest.raises(StateError):
                place.read("snapshot")
            assert server.requests == []
    assert not (tmp_path / "keylog").exists()


def test_a_file_without_certificates_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    with pytest.raises(UsageError, match="holds no certificates"):
        backend(9, scheme="https", ca_file=str(tmp_path / "ca.pem"))


def test_more_certificates_do_not_take_the_place_of_the_usual_ones(tmp_path: Path) -> None:
    _, ca_file = server_context(tmp_path, "good")
    from pnsync.tls import tls_context

    def count(context: ssl.SSLContext) -> int:
        return context.cert_store_stats()["x509_ca"]

    assert count(tls_context(str(ca_file))) == count(tls_context(None)) + 1 > 50
