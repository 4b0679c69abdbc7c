"""A life with sealed numbers whose state lies elsewhere: no table, object, document or Git object holds one in clear."""

import base64
import itertools
import json
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from stores import places, servers
from stores.clocks import StepClock
from stores.state_server import StateServer

from pnsync.backends.object import ObjectBackend
from tests.e2e.projects import Project, flow
from tests.e2e.test_sealed_run import NUMBER, PEOPLE, in_clear
from tests.sealing.keyholders import Holder

ANNA = Holder()
Dump = Callable[[], Iterable[bytes]]
_TEXT = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")


def postgres(project: Project) -> tuple[str, Dump]:
    """Every row of every table, not of this state's alone."""
    server, name = servers.postgres(), str(uuid4())
    project.program.env["STATE_DSN"] = server.dsn

    def dump() -> Iterable[bytes]:
        for table in ("pnsync_documents", "pnsync_records"):
            for (row,) in server.run(f"select data from {table} where state = '{name}'"):
                yield bytes(row)  # type: ignore[arg-type]
            for (row,) in server.run(f"select row_to_json(t)::text from {table} t where state = '{name}'"):
                yield str(row).encode()

    return f"backend: postgres, dsn: {{env: STATE_DSN}}, name: {name}", dump


def bucket(project: Project) -> tuple[str, Dump]:
    """Every object below the prefix, earlier snapshots too."""
    endpoint, url = servers.moto().endpoint, f"s3://{servers.BUCKET}/{uuid4()}"
    project.program.env.update(places.CREDENTIALS)

    def dump() -> Iterable[bytes]:
        place = places.open_place(f"object {endpoint} {url}", StepClock())
        assert isinstance(place, ObjectBackend)
        for one in itertools.chain.from_iterable(place._obstore.list(place._store)):
            found = place.read(one["path"])
            assert found is not None
            yield one["path"].encode() + b" " + found.data

    return f"backend: object, url: '{url}', endpoint: '{endpoint}', region: us-east-1", dump


def ref(project: Project) -> tuple[str, Dump]:
    """Every object of the remote and of the clone."""
    remote = places.bare(project.folder.parent)
    subprocess.run(["git", "init", "--quiet", str(project.folder)], check=True)
    subprocess.run(["git", "-C", str(project.folder), "remote", "add", "origin", str(remote)], check=True)

    def dump() -> Iterable[bytes]:
        for one in (remote, project.folder):
            told = subprocess.run(
                ["git", "-C", str(one), "cat-file", "--batch-all-objects", "--batch"],
                check=True,
                capture_output=True,
            )
            yield told.stdout

    return "backend: git", dump


def http(project: Project) -> tuple[str, Dump]:
    """The one document."""
    address = f"{StateServer().address}/{uuid4()}"
    project.program.env.update(STATE_USER="u", STATE_PASSWORD="p")

    def dump() -> Iterable[bytes]:
        document = httpx.get(address, auth=("u", "p"), trust_env=False).content
        yield document
        inner = json.loads(document)["pnsync"]
        yield from map(base64.b64decode, (*inner["documents"].values(), *inner["records"].values()))

    return (
        f"backend: http, address: '{address}', lock_address: '{address}/lock', "
        "username: {env: STATE_USER}, password: {env: STATE_PASSWORD}",
        dump,
    )


def found_in(data: bytes) -> bool:
    """Whether a number stands in it, in clear or in base64 or hexadecimal."""
    if NUMBER.search(data):
        return True
    for text in _TEXT.findall(data):
        for decode in (base64.b64decode, base64.urlsafe_b64decode, lambda one: bytes.fromhex(one.decode())):
            try:
                if NUMBER.search(decode(text + b"=" * (-len(text) % 4))):
                    return True
            except ValueError:
                continue
    return False


@pytest.mark.sampled
@pytest.mark.parametrize(
    "place",
    [
        pytest.param(postgres, marks=[pytest.mark.needs_postgres, pytest.mark.xdist_group("postgres")]),
        pytest.param(bucket, marks=pytest.mark.xdist_group("object")),
        ref,
        http,
    ],
)
@pytest.mark.parametrize("whole", [False, True], ids=["numbers", "whole"])
def test_nothing_at_the_place_tells_a_number(
    project: Project, tmp_path: Path, place: Callable[[Project], tuple[str, Dump]], whole: bool
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    state, dump = place(project)
    project.program.env.update(ANNA.environ, HOME=str(home), TMPDIR=str(home))
    project.extra = (
        "numbers: numbers/*.yaml.age\n"
        "policy: {numbers: named, max_unbind: 100%, max_rebind: 100%}\n"
        f"state: {{{state}, encryption: {{recipients: [{ANNA.recipient}], enforced: true, whole: {str(whole).lower()}}}}}"
    )
    project.bindings = {
        "ride-2": flow(mode="axb", phone_a="person-2", phone_b="person-3"),
        "far-4": flow(
            provider="la", mode="axb", phone_a="person-4", phone_b="person-5", pool_number="918806"
        ),
    }
    project.write()
    program = project.program
    for name, phone in PEOPLE.items():
        program.run("numbers", "add", name, "--file", "numbers/all.yaml.age", stdin=phone.encode(), code=0)
    program.apply()
    assert len(project.nx.bindings()) == 1
    del project.bindings["far-4"]
    project.bindings["ride-2"] = flow(mode="axb", phone_a="person-2", phone_b="person-6")
    project.write()
    program.apply("--allow-unbind", "100")
    program.run("state", "rekey", "--rotate", code=0)
    program.empty()
    kept = list(dump())
    assert len(kept) > 0
    assert sum(map(len, kept)) > 2000
    assert not any(found_in(one) for one in kept)
    assert not list(in_clear(project.folder, home))


def test_the_search_would_find_one() -> None:
    number = PEOPLE["person-7"].encode()
    for text in (number, base64.b64encode(b'{"a":"' + number), number.hex().encode()):
        assert found_in(b'{"x": "' + text + b'"}')
    assert not found_in(b'{"x": "s1.bd758ccb.LGaPjWO8zlgJNOQKjGbfWn8A9S8c80fM3wF2iBEdD"}')
