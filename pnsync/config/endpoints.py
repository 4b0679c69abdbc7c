"""Which hosts a provider's endpoint may name (the files come from pull requests and grant nothing).

Allowed: the vendor's own hosts over https, loopback, and hosts that the operator lists in PNSYNC_ALLOWED_HOSTS.
Everything that two URL readers could understand differently is refused: userinfo, fragments, queries,
backslashes, percent signs in the host, IP addresses in any form but the canonical one.
"""

import ipaddress
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from pnsync.model import VendorType

SANDBOX: Final = "sandbox"
ALLOWED_HOSTS: Final = "PNSYNC_ALLOWED_HOSTS"

DEFAULT_ENDPOINTS: Final = {
    VendorType.NXCLOUD: "https://number.nxcloud.com/api/pns/",
    VendorType.LAAFFIC: "https://api.laaffic.com/v3/number",
}
VENDOR_HOSTS: Final = {
    VendorType.NXCLOUD: ("number.nxcloud.com", "api.nxcloud.com"),
    VendorType.LAAFFIC: ("api.laaffic.com", "api.itniotech.com"),
}

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\\]*)([^?#]*)([?#].*)?")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]*\]|[^:\[\]]*)(?::([0-9]*))?")
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]*)*")
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint that may be called: its URL in canonical form, and whether it is on this machine."""

    url: str
    loopback: bool


class EndpointRefused(ValueError):
    """An endpoint that may not be called: `label` says what about it, `advice` what to do."""

    def __init__(self, summary: str, label: str, advice: str = "") -> None:
        super().__init__(summary)
        self.summary, self.label, self.advice = summary, label, advice


def allowed_hosts(text: str) -> frozenset[str]:
    """The hosts of PNSYNC_ALLOWED_HOSTS: `host` or `host:port`, with commas or spaces between."""
    return frozenset(filter(None, re.split(r"[,\s]+", text.lower())))


def check_endpoint(text: str, vendor: VendorType, allowed: Collection[str]) -> Endpoint:
    """The endpoint that a provider names; raises EndpointRefused."""
    if text == SANDBOX:
        return Endpoint(SANDBOX, loopback=True)
    scheme, host, port, path = _split(text)
    name = host if port is None or port == _DEFAULT_PORTS[scheme] else f"{host}:{port}"
    loopback = _is_loopback(host)
    if not loopback:
        _check_remote(scheme, host, port, vendor, allowed)
    return Endpoint(f"{scheme}://{name}{path}", loopback)


def _check_remote(
    scheme: str, host: str, port: int | None, vendor: VendorType, allowed: Collection[str]
) -> None:
    if scheme != "https":
        raise EndpointRefused(
            "the endpoint must be https",
            "numbers and keys would travel in clear",
            "http:// is for loopback only",
        )
    if host in VENDOR_HOSTS[vendor] and port in (None, 443):
        return
    port = 443 if port is None else port
    if host in allowed or f"{host}:{port}" in allowed:
        return
    others: Iterable[str] = (one for kind, hosts in VENDOR_HOSTS.items() if kind != vendor for one in hosts)
    if host in others:
        raise EndpointRefused(
            "the endpoint is another vendor's", f"a provider of type {vendor} has {VENDOR_HOSTS[vendor][0]}"
        )
    raise EndpointRefused(
        "the endpoint's host is not allowed",
        "neither a host of the vendor nor loopback",
        f"who runs pnsync may list it in the environment: {ALLOWED_HOSTS}={host}",
    )


def server_of(text: str, allowed: Collection[str]) -> str | None:
    """The host of a server that keeps a state, where the operator has not allowed it; None where it may be asked.

    Raises EndpointRefused for a URL that two readers could understand differently.
    """
    _, host, port, _, _ = _taken_apart(text)
    if _is_loopback(host) or host in allowed or (port is not None and f"{host}:{port}" in allowed):
        return None
    return host


def _split(text: str) -> tuple[str, str, int | None, str]:
    """Scheme, host, port and path of a vendor's endpoint."""
    scheme, host, port, path, rest = _taken_apart(text)
    if rest:
        raise EndpointRefused("the endpoint has a query or a fragment", "end it with the path")
    if not _PATH.fullmatch(path) or any(one in (".", "..") for one in path.split("/")):
        raise EndpointRefused(
            "the endpoint's path is not plain", "letters, digits, dots, hyphens and slashes only"
        )
    return scheme, host, port, path


def _taken_apart(text: str) -> tuple[str, str, int | None, str, str]:
    """Scheme, host, port, path and the rest of a URL whose host every reader takes out of it in the same way."""
    match = _URL.fullmatch(text)
    if match is None or not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise EndpointRefused("the endpoint is not a URL", "like https://number.nxcloud.com/api/pns/")
    scheme, authority, path, rest = match[1].lower(), match[2], match[3], match[4] or ""
    if scheme not in _DEFAULT_PORTS:
        raise EndpointRefused("the endpoint must be https", "only https://, and http:// on loopback")
    if "@" in authority:
        raise EndpointRefused("the endpoint holds a user name", "credentials never stand in a URL")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None or parts[2] == "":
        raise EndpointRefused("the endpoint's host is not plain", "write host or host:port")
    port = None
    if parts[2] is not None:
        if len(parts[2]) > 5 or parts[2].startswith("0") or int(parts[2]) > 65_535:
            raise EndpointRefused("the endpoint's port does not exist", "a port is 1 to 65535")
        port = int(parts[2])
    return scheme, _host(parts[1].lower()), port, path, rest


def _host(text: str) -> str:
    """A host name, or an IP address that is written in its canonical form."""
    bare = text.removeprefix("[").removesuffix("]")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        last = text.rpartition(".")[2]
        # what ends in a number is an address to some readers: 2130706433, 0x7f.1, 127.1, 0177.0.0.1
        if not _HOST.fullmatch(text) or len(text) > 253 or re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last):
            raise EndpointRefused(
                "the endpoint's host is not plain", "write a name, or an address like 127.0.0.1"
            ) from None
        return text
    if str(address) != bare or (address.version == 6) != (text != bare):
        raise EndpointRefused("the endpoint's host is not plain", f"write this address as {address}")
    return text


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return address.is_loopback and not (address.version == 6 and address.ipv4_mapped)
