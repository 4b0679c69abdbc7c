"""A workflow's job proves itself to a cloud by GitHub's token, and keeps the state in a bucket without a stored key.

Played on loopback: GitHub's issuer of tokens, the cloud's service that gives temporary keys for one, and a bucket.
"""

import ipaddress
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pnsync.cli.pipelines import pipelines
from tests.e2e.forge import Forge
from tests.e2e.projects import Project
from tests.e2e.vendors import KEYS

TOKEN = "header.claims-of-the-job.signature"
ROLE = "arn:aws:iam::123456789012:role/pnsync-plan"


class Cloud(BaseHTTPRequestHandler):
    """All three, by the path; what was asked is kept."""

    tokens: ClassVar[list[tuple[str, str]]] = []
    roles: ClassVar[list[dict[str, list[str]]]] = []
    bucket: ClassVar[list[tuple[str, str]]] = []

    def log_message(self, format: str, *args: Any) -> None:
        """Be quiet."""

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        if place.path == "/token":
            self.tokens.append((self.headers["Authorization"], parse_qs(place.query)["audience"][0]))
            self._answer(200, f'{{"count": 1, "value": "{TOKEN}"}}')
            return
        self.bucket.append((self.headers["Authorization"], self.headers["x-amz-security-token"]))
        if "list-type" in place.query:
            self._answer(200, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
        else:
            self._answer(404, "<Error><Code>NoSuchKey</Code></Error>")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.roles.append(parse_qs(urlsplit(self.path).query or body))
        self._answer(
            200,
            "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
            "<AccessKeyId>ASIATEMPORARY</AccessKeyId><SecretAccessKey>for-an-hour</SecretAccessKey>"
            "<SessionToken>of-this-job</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
            "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
        )

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve on loopback; the port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Cloud) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def certificate(path: Path) -> ssl.SSLContext:
    """A certificate of our own for loopback, whose text goes to the path."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a cloud of tests")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    path.write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(encoding)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The cloud, and what GitHub's runner tells a job that may ask for a token."""
    Cloud.tokens, Cloud.roles, Cloud.bucket = [], [], []
    trusted = tmp_path / "cloud.pem"
    with serving() as plain, serving(certificate(trusted)) as tls:
        yield {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{plain}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "the-runners-own",
            "AWS_ENDPOINT_URL_STS": f"https://127.0.0.1:{tls}",
            "SSL_CERT_FILE": str(trusted),
            "BUCKET": f"http://127.0.0.1:{plain}",
        }


@pytest.fixture
def forge(project: Project, cloud: dict[str, str], tmp_path: Path) -> Forge:
    """A repository with the workflows, whose state is in a bucket."""
    for path, text in pipelines("github", "7c4d1a2b").items():
        (project.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / path).write_text(text)
    (project.folder / ".gitignore").write_text("*.json\n*.md\n*.pnsplan\n")
    project.extra = f"state: {{backend: object, url: 's3://states/prod', endpoint: '{cloud.pop('BUCKET')}'}}"
    project.desks([1])
    return Forge(tmp_path / "forge", project.folder, dict(KEYS), runner=cloud)


def test_a_job_reads_the_state_with_the_key_that_its_token_is_worth(forge: Forge) -> None:
    forge.variables = {"PNSYNC_PLAN_ROLE_ARN": ROLE, "AWS_REGION": "eu-west-1"}
    planned = forge.job("pnsync-plan.yml", "plan", "push", forge.commit("change"))
    assert not planned.failed, planned.out
    assert "Plan: 1 to bind" in planned.out
    assert Cloud.tokens == [("bearer the-runners-own", "sts.amazonaws.com")]
    [asked] = Cloud.roles
    assert (asked["RoleArn"], asked["WebIdentityToken"]) == ([ROLE], [TOKEN])
    assert {key for _, key in Cloud.bucket} == {"of-this-job"}
    assert all(
        re.search("Credential=ASIATEMPORARY/[0-9]{8}/eu-west-1/s3/", signed) for signed, _ in Cloud.bucket
    )
    [identity] = forge.home.glob("runs/*/identity")
    assert identity.read_text() == TOKEN and identity.stat().st_mode & 0o077 == 0
    assert TOKEN not in planned.out and "of-this-job" not in planned.out


def test_without_a_role_no_token_is_asked_for(forge: Forge) -> None:
    forge.runner |= {"AWS_ACCESS_KEY_ID": "stored", "AWS_SECRET_ACCESS_KEY": "stored-secret"}
    planned = forge.job("pnsync-plan.yml", "plan", "push", forge.commit("change"))
    assert not planned.failed, planned.out
    assert (Cloud.tokens, Cloud.roles) == ([], [])
    assert all("Credential=stored/" in signed for signed, _ in Cloud.bucket)


def test_a_job_that_gets_no_token_ends_there(forge: Forge) -> None:
    forge.variables = {"PNSYNC_PLAN_ROLE_ARN": ROLE, "AWS_REGION": "eu-west-1"}
    forge.runner["ACTIONS_ID_TOKEN_REQUEST_URL"] = forge.runner["ACTIONS_ID_TOKEN_REQUEST_URL"].replace(
        "/token", "/refused"
    )
    planned = forge.job("pnsync-plan.yml", "plan", "push", forge.commit("change"))
    assert planned.codes.keys() == {"Cloud identity"} and planned.failed
    assert Cloud.roles == []


@pytest.mark.parametrize(
    ("file", "job", "event", "role"),
    [
        ("pnsync-apply.yml", "plan", "workflow_dispatch", "PNSYNC_PLAN_ROLE_ARN"),
        ("pnsync-apply.yml", "apply", "push", "PNSYNC_APPLY_ROLE_ARN"),
        ("pnsync-renew.yml", "renew", "schedule", "PNSYNC_APPLY_ROLE_ARN"),
    ],
)
def test_every_job_has_its_own_role(forge: Forge, file: str, job: str, event: str, role: str) -> None:
    """The job that only reads has a role of its own."""
    forge.variables = {role: ROLE, "AWS_REGION": "eu-west-1"}
    step = forge.step(file, job, "Cloud identity")
    run = forge.home / "one-step"
    run.mkdir()
    found = forge.run_step(step, event, run)
    assert found.returncode == 0, found.stdout
    told = dict(line.split("=", 1) for line in (run / "env").read_text().splitlines())
    assert told == {
        "AWS_ROLE_ARN": ROLE,
        "AWS_REGION": "eu-west-1",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(run / "identity"),
    }
    forge.variables = {}
    assert not forge.wanted(step, event)
