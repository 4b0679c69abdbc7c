"""Terraform's HTTP state protocol: its server when it fails, its lock among others, and Terraform itself on it."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from stores.clocks import StepClock
from stores.state_server import StateServer
from stores.values import holder

from pnsync.backends.http import HttpBackend, HttpSettings
from pnsync.errors import Fenced, Locked, StateError
from pnsync.interfaces import Taken
from pnsync.journal import Noted
from pnsync.statefile.record import frame
from pnsync.store.store import Store

Look = Callable[..., HttpBackend]


@pytest.fixture(params=[True, False], ids=["etags", "lock only"])
def server(request: pytest.FixtureRequest) -> StateServer:
    return StateServer(etags=request.param)


@pytest.fixture
def address(server: StateServer) -> str:
    return f"{server.address}/{uuid4()}"


@pytest.fixture
def look(address: str) -> Look:
    def looks(clock: StepClock | None = None, **changed: Any) -> HttpBackend:
        given = {"lock_address": f"{address}/lock", "username": "u", "password": "p", **changed}
        return HttpBackend(HttpSettings(address, **given), clock or StepClock())

    return looks


def store(backend: HttpBackend) -> Store:
    return Store(backend, StepClock(), pinned_lineage=None, heartbeat=lambda lease: lambda: None)


def record(seq: int) -> bytes:
    return frame(seq, "", b'{"n":%d}' % seq)[0]


def test_answers_that_are_lost_neither_lose_nor_double(server: StateServer, look: Look) -> None:
    with store(look()).hold(holder(), timeout=0) as session:
        for turn in range(5):
            server.lose_answers = 1
            session.record(Noted("turn", str(turn)))
        server.lose_answers = 3
        session.finish()
    found = store(look()).load()
    assert found is not None
    assert (found.notes["turn"], found.serial) == ("4", 1)
    assert server.lose_answers == 0


def test_wrong_credentials_are_exit_9_and_in_no_message(look: Look) -> None:
    for given in ({"password": "gh7-secret"}, {"username": None, "password": "gh7-secret"}):
        with pytest.raises(StateError) as caught:
            look(**given).read("snapshot")
        assert caught.value.code == "S967"
        assert caught.value.exit_code == 9
        assert "gh7-secret" not in "".join(caught.value.detail) + repr(caught.value)


def test_a_server_with_neither_lock_nor_etags_is_refused(server: StateServer, look: Look) -> None:
    backend = look(lock_address=None)
    if server.etags:
        backend.append(1, record(1))
        backend.append(2, record(2))
        return
    with pytest.raises(StateError) as caught:
        backend.append(1, record(1))
        backend.append(2, record(2))
    assert caught.value.code == "S969"


def test_what_pnsync_did_not_write_is_left_alone(address: str, look: Look) -> None:
    terraforms = b'{"version": 4, "serial": 3, "lineage": "x", "outputs": {}, "resources": []}'
    httpx.post(address, content=terraforms, auth=("u", "p"), trust_env=False)
    for use in (
        lambda: look().read("snapshot"),
        lambda: look().append(1, record(1)),
        lambda: look().write("lease", b"", None),
    ):
        with pytest.raises(StateError) as caught:
            use()
        assert caught.value.code == "S968"
    assert httpx.get(address, auth=("u", "p"), trust_env=False).content == terraforms


def test_the_lock_of_another_program_is_named(address: str, look: Look) -> None:
    theirs = {
        "ID": "7f3e",
        "Operation": "OperationTypeApply",
        "Info": "",
        "Who": "omar@laptop",
        "Version": "1.11.4",
    }
    httpx.request("LOCK", f"{address}/lock", content=json.dumps(theirs), auth=("u", "p"), trust_env=False)
    with pytest.raises(Locked) as caught:
        store(look()).hold(holder(), timeout=3)
    assert "omar on laptop" in caught.value.detail[0]
    assert caught.value.command == "pnsync unlock 7f3e"
    store(look()).unlock("7f3e")
    with store(look()).hold(holder(), timeout=0):
        assert store(look()).holder() == holder()


def test_somebody_who_only_looks_is_waited_for(address: str, look: Look) -> None:
    body = {"id": "pnsync-look", "user": "x", "host": "y", "pid": 1, "command": "", "since": 0}
    lock = {"ID": "pnsync-look", "Info": json.dumps(body), "Who": "x@y"}
    httpx.request("LOCK", f"{address}/lock", content=json.dumps(lock), auth=("u", "p"), trust_env=False)

    def leaves(clock: StepClock) -> None:
        httpx.request("UNLOCK", f"{address}/lock", content=json.dumps(lock), auth=("u", "p"), trust_env=False)

    backend = look(StepClock(leaves))
    with store(backend).hold(holder(), timeout=0):
        pass


def test_a_holder_whose_lock_was_broken_writes_nothing_more(look: Look) -> None:
    with store(look()).hold(holder(), timeout=0) as session:
        session.record(Noted("colour", "blue"))
        store(look()).unlock("3f2c9a10")
        with pytest.raises(Fenced):
            session.record(Noted("colour", "green"))
    found = store(look()).load()
    assert found is not None
    assert found.notes["colour"] == "blue"
    with store(look()).hold(holder("omar", "aaaaaaaa"), timeout=0), pytest.raises(Taken):
        look().append(found.head.seq + 1, record(found.head.seq + 1))


@pytest.mark.needs_terraform
def test_terraform_and_pnsync_agree_on_the_protocol(
    server: StateServer, address: str, look: Look, tmp_path: Path
) -> None:
    settings = f'address = "{address}"\n lock_address = "{address}/lock"\n unlock_address = "{address}/lock"'
    (tmp_path / "main.tf").write_text(
        f'terraform {{\n backend "http" {{\n {settings}\n username = "u"\n password = "p"\n }}\n}}\n'
        'output "colour" {\n value = "blue"\n}\n'
    )

    def terraform(*words: str) -> "subprocess.CompletedProcess[str]":
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "CHECKPOINT_DISABLE": "1",
            "NO_COLOR": "1",
        }
        return subprocess.run(
            ["terraform", *words], cwd=tmp_path, capture_output=True, text=True, env=environ, timeout=100
        )

    assert terraform("init", "-input=false").returncode == 0
    with store(look()).hold(holder(), timeout=0):
        refused = terraform("apply", "-auto-approve", "-input=false")
        assert refused.returncode == 1
        assert "already locked: ID=3f2c9a10" in refused.stderr, "it reads our lock"
    assert terraform("apply", "-auto-approve", "-input=false").returncode == 0
    with pytest.raises(StateError) as caught:
        store(look()).load()
    assert caught.value.code == "S968"
    forced = terraform("force-unlock", "-force", "3f2c9a10")
    assert forced.returncode == 1, "nothing of ours is left locked"
