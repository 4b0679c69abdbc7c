"""TLS: a certificate must hold, and nothing in the environment weakens that."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pnsync.errors import VendorError
from pnsync.journal import Applied, NotSent
from pnsync.providers.network import tls_context

from .server import RealClock, Server, config, response, serving
from .world import golden_nx_intents, nxcloud, silent


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
