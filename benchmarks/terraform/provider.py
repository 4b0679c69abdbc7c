"""A Terraform provider for NXCloud's bindings of two parties, over plugin protocol 5: `pns_binding`.

It is what an ordinary provider is: create binds and returns the id that the vendor gave, read looks into the listing,
delete unbinds, every change of an argument replaces. It keeps nothing of its own. `PNS_ANSWERED=N:FILE` lets it write
FILE as soon as the n-th bind is answered and hold that answer back from Terraform, for a run that is killed there.

Terraform starts it: a `filesystem_mirror` in its configuration holds a program `terraform-provider-pns_v1.0.0`.
"""

import base64
import datetime
import hashlib
import ipaddress
import json
import os
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.terraform.wire import UNKNOWN, Field, dynamic, message, part, plain

STRING = b'"string"'
NUMBER = b'"number"'
REQUIRED, COMPUTED = 4, 6
PROVIDER_ARGUMENTS = (("endpoint", STRING, REQUIRED),)
ARGUMENTS = (
    ("phone_a", STRING, REQUIRED),
    ("phone_b", STRING, REQUIRED),
    ("expire_seconds", NUMBER, REQUIRED),
    ("id", STRING, COMPUTED),
)
WITHIN_SECONDS = 60.0


def schema(attributes: tuple[tuple[str, bytes, int], ...]) -> bytes:
    """A Schema of plain attributes."""
    described = [(2, message((1, name.encode()), (2, kind), (flag, 1))) for name, kind, flag in attributes]
    return message((2, message(*described)))


def wrong(summary: str) -> bytes:
    """A Diagnostic that is an error."""
    return message((1, 1), (2, summary.encode()))


class Vendor:
    """NXCloud over HTTP: signed posts, one answer each."""

    def __init__(self) -> None:
        self.endpoint = ""

    def __call__(self, action: str, **body: Any) -> dict[str, Any]:
        """Make a call; the answer's document."""
        data = json.dumps(body).encode()
        stamp = str(int(time.time() * 1000))
        signed = f"accessKey=sandbox&action={action}&bizType=5&ts={stamp}&body={data.decode()}&accessSecret=sandbox"
        headers = {
            "Content-Type": "application/json",
            "accessKey": "sandbox",
            "action": action,
            "bizType": "5",
            "ts": stamp,
            "sign": hashlib.md5(signed.encode(), usedforsecurity=False).hexdigest(),
        }
        request = urllib.request.Request(self.endpoint, data, headers)
        with urllib.request.urlopen(request, timeout=WITHIN_SECONDS) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def row(self, bind_id: str) -> dict[str, Any] | None:
        """The listed binding of this id."""
        rows: list[dict[str, Any]] = []
        while page := self("getAXBList", limit=1000, offset=len(rows))["data"]["bindList"]:
            rows += page
        return next((one for one in rows if one["bindId"] == bind_id), None)


class Provider:
    """The calls of service tfplugin5.Provider, by name."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor
        self._answered = 0
        number, _, self._file = os.environ.get("PNS_ANSWERED", "0:").partition(":")
        self._number = int(number)

    def get_schema(self, _: bytes) -> bytes:
        """GetSchema."""
        resource = message((1, b"pns_binding"), (2, schema(ARGUMENTS)))
        return message((1, schema(PROVIDER_ARGUMENTS)), (2, resource))

    def prepare(self, asked: bytes) -> bytes:
        """PrepareProviderConfig."""
        return message((1, part(asked, 1)))

    def nothing(self, _: bytes) -> bytes:
        """Whatever has no answer to give: validations, Stop, shutdown."""
        return b""

    def configure(self, asked: bytes) -> bytes:
        """Configure."""
        self._vendor.endpoint = plain(part(asked, 2))["endpoint"]
        return b""

    def upgrade(self, asked: bytes) -> bytes:
        """UpgradeResourceState: there is one version."""
        return message((1, dynamic(json.loads(part(part(asked, 3), 1)))))

    def read(self, asked: bytes) -> bytes:
        """ReadResource."""
        present = plain(part(asked, 2))
        return message((1, dynamic(present if self._vendor.row(present["id"]) else None)))

    def plan(self, asked: bytes) -> bytes:
        """PlanResourceChange: an id is known once it is bound; any other argument replaces."""
        prior, proposed = plain(part(asked, 2)), plain(part(asked, 3))
        if proposed is None:
            return message((1, dynamic(None)))
        replaced: list[Field] = []
        if prior is None:
            proposed["id"] = UNKNOWN
        else:
            changed = [
                name for name, _, flag in ARGUMENTS if flag == REQUIRED and prior[name] != proposed[name]
            ]
            replaced = [(2, message((1, message((1, name.encode()))))) for name in changed]
            proposed["id"] = UNKNOWN if changed else prior["id"]
        return message((1, dynamic(proposed)), *replaced)

    def apply(self, asked: bytes) -> bytes:
        """ApplyResourceChange: bind what is new, unbind what goes."""
        prior, planned = plain(part(asked, 2)), plain(part(asked, 3))
        if planned is None:
            answer = self._vendor("unbindAXB", bindId=prior["id"])
            gone = answer["code"] in (0, 10013)
            return message(
                (1, dynamic(None if gone else prior)), *([] if gone else [(3, wrong(str(answer)))])
            )
        answer = self._vendor(
            "bindAXB",
            phoneA=planned["phone_a"],
            phoneB=planned["phone_b"],
            expireSecond=planned["expire_seconds"],
        )
        if answer["code"] != 0:
            return message(
                (1, dynamic(None)), (3, wrong(f"the vendor refused: {answer['code']} {answer['msg']}"))
            )
        self._answered += 1
        if self._answered == self._number:
            Path(self._file).touch()
            threading.Event().wait()
        return message((1, dynamic(planned | {"id": answer["data"]["bindId"]})))


def guarded(call: Callable[[bytes], bytes], at: int) -> Callable[[bytes, grpc.ServicerContext], bytes]:
    """A call whose failure is a diagnostic in field `at` of its answer."""

    def answers(asked: bytes, _: grpc.ServicerContext) -> bytes:
        try:
            return call(asked)
        except OSError as error:
            return message((at, wrong(f"no answer: {error}")))

    return grpc.unary_unary_rpc_method_handler(answers)


def certificate() -> tuple[bytes, bytes, bytes]:
    """A key and a certificate for this process: PEM, PEM, DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=24))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem, made.public_bytes(serialization.Encoding.PEM), made.public_bytes(serialization.Encoding.DER)


def main() -> None:
    """Serve until Terraform says so, or is gone."""
    provider = Provider(Vendor())
    ended = threading.Event()

    def shutdown(_: bytes) -> bytes:
        ended.set()
        return b""

    calls: dict[str, tuple[Callable[[bytes], bytes], int]] = {
        "GetSchema": (provider.get_schema, 4),
        "PrepareProviderConfig": (provider.prepare, 2),
        "ValidateResourceTypeConfig": (provider.nothing, 1),
        "Configure": (provider.configure, 1),
        "UpgradeResourceState": (provider.upgrade, 2),
        "ReadResource": (provider.read, 2),
        "PlanResourceChange": (provider.plan, 4),
        "ApplyResourceChange": (provider.apply, 3),
        "Stop": (provider.nothing, 1),
    }
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=32))
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                "tfplugin5.Provider", {name: guarded(call, at) for name, (call, at) in calls.items()}
            ),
            grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": guarded(shutdown, 1)}),
        )
    )
    key, chain, der = certificate()
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, chain)]))
    server.start()
    offered = base64.b64encode(der).decode().rstrip("=")
    sys.stdout.write(f"1|5|tcp|127.0.0.1:{port}|grpc|{offered}\n")
    sys.stdout.flush()
    while not ended.wait(1.0) and os.getppid() != 1:
        pass
    server.stop(None)


if __name__ == "__main__":
    main()
