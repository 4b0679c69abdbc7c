"""Certificates for a server on loopback: one that holds, and every way in which one does not."""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = timedelta(days=1)
PEM = serialization.Encoding.PEM
LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


@dataclass(frozen=True)
class Issuer:
    """Who signs, with the key to it."""

    key: ec.EllipticCurvePrivateKey
    name: x509.Name
    pem: bytes


def issued(
    by: Issuer | None,
    name: str = "server",
    *,
    begins: timedelta = -DAY,
    ends: timedelta = DAY,
    for_: x509.GeneralName | None = LOOPBACK,
    authority: bool = False,
) -> Issuer:
    """A certificate signed by somebody, by itself where there is nobody."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if by is None else by.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(authority, None), True)
    )
    if for_ is not None:
        made = made.add_extension(x509.SubjectAlternativeName([for_]), False)
    signed = made.sign(key if by is None else by.key, hashes.SHA256())
    return Issuer(key, subject, signed.public_bytes(PEM))


def private(one: Issuer) -> bytes:
    return one.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


CASES = (
    "good",
    "self-signed",
    "another authority",
    "expired",
    "not yet",
    "another name",
    "no name",
    "not an authority",
)


def server_context(folder: Path, case: str) -> tuple[ssl.SSLContext, Path]:
    """A server's side of one case, and the file of the authority that a client trusts."""
    authority = issued(None, "authority", for_=None, authority=True)
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(authority.pem)
    chain = b""
    match case:
        case "self-signed":
            made = issued(None)
        case "another authority":
            made = issued(issued(None, "authority", for_=None, authority=True))
        case "expired":
            made = issued(authority, begins=-3 * DAY, ends=-DAY)
        case "not yet":
            made = issued(authority, begins=DAY, ends=3 * DAY)
        case "another name":
            made = issued(authority, for_=x509.DNSName("number.nxcloud.com"))
        case "no name":
            made = issued(authority, "127.0.0.1", for_=None)
        case "not an authority":
            between = issued(authority)
            made, chain = issued(between), between.pem
        case _:
            made = issued(authority)
    path = folder / "server.pem"
    path.write_bytes(private(made) + made.pem + chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, ca_file
