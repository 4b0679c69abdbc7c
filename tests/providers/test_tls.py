"""TLS: a certificate must hold, and nothing in the environment weakens that."""

import socket
import ssl
from pathlib import Path

import pytest

from pnsync.errors import VendorError
from pnsync.journal import Applied, NotSent
from pnsync.tls import tls_context

from .certificates import CASES, server_context
from .server import Conversation, RealClock, Server, config, response, serving
from .world import golden_nx_intents, nxcloud, silent


def secure(context: ssl.SSLContext) -> Conversation:
    """One answer over TLS."""

    def talk(server: Server, connection: socket.socket, _: int) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            server.request(wrapped)
            wrapped.sendall(response())

    return talk


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("trusted", [True, False])
def test_a_certificate_must_hold(
    tmp_path: Path, case: str, trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, ca_file = server_context(tmp_path, case)
    # What the environment says of certificates and proxies must not count.
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(ca_file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keylog"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("default login canary password canary\n")
    with serving(secure(context)) as server:
        provider = nxcloud(
            None,
            RealClock(),
            config=config(server.port, "https"),
            ca_file=str(ca_file) if trusted else None,
        )
        outcome = provider.send(golden_nx_intents()["bindAXB"])
        provider.close()
        good = trusted and case == "good"
        assert isinstance(outcome, Applied if good else NotSent)
        assert len(server.requests) == good
        if good:
            assert b"authorization" not in server.requests[0].lower()
        else:
            assert server.connections == 1
            assert "certificate does not hold" in getattr(outcome, "reason", "")
    assert not (tmp_path / "keylog").exists()


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


def test_tls_is_never_weaker_than_1_2(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keylog"))
    context = tls_context(None)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.keylog_filename is None
