"""Whole commands on a state that lives elsewhere: real servers, what is refused, and moving between places."""

import json
import socket
from collections.abc import Callable
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from stores import places, servers
from stores.clocks import StepClock
from stores.meddler import Meddler
from stores.state_server import StateServer

from pnsync.backends.object import ObjectBackend
from pnsync.cli.places import BACKENDS
from pnsync.config import read_place
from pnsync.config.settings import BACKENDS as CONFIGURABLE
from pnsync.errors import ConfigError
from tests.cli.conftest import Run
from tests.cli.projects import LONDON, REAL, RIDE, SEVEN, write


@pytest.fixture(autouse=True)
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        **places.CREDENTIALS,
        "STATE_USER": "u",
        "STATE_PASSWORD": "p",
        "XDG_STATE_HOME": str(tmp_path / "marks"),
    }.items():
        monkeypatch.setenv(name, value)


@cache
def identity() -> tuple[str, str]:
    """A recipient and what opens it."""
    import pyrage

    made = pyrage.x25519.Identity.generate()
    return str(made.to_public()), str(made)


@cache
def state_server() -> StateServer:
    return StateServer()


def local(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return f"{{backend: local, path: state/{uuid4()}.json}}"


def postgres(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("STATE_DSN", servers.postgres().dsn)
    return f"{{backend: postgres, dsn: {{env: STATE_DSN}}, name: {uuid4()}}}"


def object_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    server = servers.moto()
    url = f"s3://{servers.BUCKET}/{uuid4()}"
    return f"{{backend: object, url: '{url}', endpoint: '{server.endpoint}', region: us-east-1}}"


def http(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    address = f"{state_server().address}/{uuid4()}"
    return (
        f"{{backend: http, address: '{address}', lock_address: '{address}/lock', "
        "username: {env: STATE_USER}, password: {env: STATE_PASSWORD}}"
    )


def git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    import subprocess

    if not (folder / ".git").exists():
        subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
        remote = places.bare(folder.parent)
        subprocess.run(["git", "-C", str(folder), "remote", "add", "origin", str(remote)], check=True)
    recipient, secret = identity()
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", secret)
    return f"{{backend: git, ref: refs/pnsync/prod, encryption: {{recipients: [{recipient}]}}}}"


Place = Callable[[Path, pytest.MonkeyPatch], str]
ALL = [
    local,
    pytest.param(postgres, marks=[pytest.mark.needs_postgres, pytest.mark.xdist_group("postgres")]),
    pytest.param(object_store, marks=pytest.mark.xdist_group("object")),
    http,
    git,
]


@pytest.fixture
def project(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a project, one below the test's own."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("place", ALL)
def test_whole_commands_with_the_state_elsewhere(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    write(project, LONDON, SEVEN, extra=f"state: {place(project, monkeypatch)}\n")
    assert run("plan", "--detailed-exitcode").exit_code == 2
    applied = run("apply", "--auto-approve")
    assert applied.exit_code == 0, applied.output
    assert "Applied: 2 bound" in applied.stdout
    assert "No changes." in run("plan").stdout
    assert "desk-7" in run("state", "list").stdout
    write(project, LONDON, RIDE, extra=(project / "pnsync.yaml").read_text().split("\n")[-2] + "\n")
    done = run("apply", "--auto-approve", "--result", "result.json", "--parallelism", "4")
    assert done.exit_code == 0, done.output
    assert json.loads((project / "result.json").read_text())["done"] == 2
    assert run("verify").exit_code == 0
    if place is not local:
        assert all(one.name.startswith("sandbox-nx.json") for one in (project / "state").iterdir())


@pytest.mark.needs_postgres
@pytest.mark.xdist_group("postgres")
def test_a_state_moves_through_all_places_and_back(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = local(project, monkeypatch)
    write(project, LONDON, SEVEN, extra=f"state: {first}\n")
    assert run("apply", "--auto-approve").exit_code == 0
    stations = [make(project, monkeypatch) for make in (postgres, object_store, http, git)]
    sealing = stations[-1].partition(", encryption")[2]
    for station in (*stations, local(project, monkeypatch)):
        moved = run("state", "migrate", "--to", station)
        assert moved.exit_code == 0, moved.output
        old = run("plan")
        assert old.exit_code == 9
        assert "S971" in old.output
        assert ("leave encryption" in moved.stdout) is (station.startswith("{backend: local"))
        kept = f"{station[:-1]}, encryption{sealing}" if "leave encryption" in moved.stdout else station
        write(project, LONDON, SEVEN, extra=f"state: {kept}\n")
        after = run("plan")
        assert "No changes." in after.stdout, (station, after.output)
    write(project, SEVEN, extra=f"state: {first}\n")
    refused = run("apply", "--auto-approve")
    assert refused.exit_code == 9, "an old branch does not work on what was left behind"


def test_the_state_that_git_carries_is_sealed(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(project, LONDON, RIDE, extra=f"state: {git(project, monkeypatch)}\n")
    assert run("apply", "--auto-approve").exit_code == 0
    import subprocess

    remote = tmp_path / "remote.git"
    listed = subprocess.run(
        ["git", "-C", str(remote), "cat-file", "--batch-all-objects", "--batch"],
        check=True,
        capture_output=True,
    )
    assert b"bindings.ride-17" in listed.stdout
    for number in REAL:
        assert number.encode() not in listed.stdout
    heads = subprocess.run(
        ["git", "-C", str(remote), "for-each-ref", "--format=%(refname)"], check=True, capture_output=True
    )
    assert heads.stdout.split() == [b"refs/pnsync/prod"]
    status = subprocess.run(
        ["git", "-C", str(project), "status", "--porcelain"], check=True, capture_output=True
    )
    assert b"??" in status.stdout
    assert b"journal" not in status.stdout


def test_git_without_sealing_is_refused(run: Run, project: Path) -> None:
    write(project, LONDON, extra="state: {backend: git, ref: refs/pnsync/prod}\n")
    found = run("plan")
    assert found.exit_code == 8
    assert "must be sealed" in found.stderr


@pytest.mark.parametrize(
    "ref", ["refs/heads/main", "refs/pnsync/../heads/main", "refs/pnsync/a:refs/heads/main", "--all"]
)
def test_a_ref_of_somebody_else_is_refused(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, ref: str
) -> None:
    named = git(project, monkeypatch).replace("refs/pnsync/prod", f"'{ref}'")
    write(project, LONDON, extra=f"state: {named}\n")
    found = run("plan")
    assert found.exit_code == 8
    assert "ref is refused" in found.stderr


@pytest.mark.parametrize("remote", ["ext::sh -c id", "--upload-pack=id", "../elsewhere", "https://x.test/a"])
def test_a_remote_is_a_name_never_an_address(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, remote: str
) -> None:
    named = git(project, monkeypatch).replace("ref:", f"remote: '{remote}', ref:")
    write(project, LONDON, extra=f"state: {named}\n")
    found = run("plan")
    assert found.exit_code == 8
    assert "remote is refused" in found.stderr


@pytest.mark.parametrize(
    "place",
    [
        "{backend: http, address: 'https://state.example.test/a'}",
        "{backend: http, address: 'http://127.0.0.1:9/a', lock_address: 'https://state.example.test/a'}",
        "{backend: object, url: 's3://b/p', endpoint: 'https://state.example.test'}",
    ],
)
def test_a_server_that_the_operator_did_not_name_is_sent_nothing(run: Run, project: Path, place: str) -> None:
    write(project, LONDON, extra=f"state: {place}\n")
    found = run("plan")
    assert found.exit_code == 8
    assert "PNSYNC_ALLOWED_HOSTS=state.example.test" in found.stderr


@pytest.mark.parametrize(
    "place",
    [
        "{backend: http, address: 'https://127.evil.example/a', password: {env: STATE_PASSWORD}}",
        "{backend: http, address: 'https://127.0.0.1%2eevil.example/a'}",
        "{backend: http, address: 'http://127.0.0.1:9/a', unlock_address: 'https://127.0.0.1.evil.example/a'}",
        "{backend: object, url: 's3://b/p', endpoint: 'https://localhost.evil.example'}",
        "{backend: object, url: 's3://b/p', region: 'evil.example/x'}",
        "{backend: http, address: 'http://127.0.0.1:9/a', password: {env: NXCLOUD_ACCESS_SECRET}}",
        "{backend: postgres, dsn: {env: PNSYNC_PLAN_KEY}}",
        "{backend: postgres, dsn: {env: GITHUB_HEAD_REF}}",
        "{backend: http, address: 'http://127.0.0.1:9/a', password: {env: GITHUB_TOKEN}}",
    ],
)
def test_a_server_that_only_looks_like_loopback_is_sent_nothing(run: Run, project: Path, place: str) -> None:
    write(project, LONDON, extra=f"state: {place}\n")
    found = run("plan")
    assert found.exit_code == 8, found.output
    assert "S9" not in found.stderr


def test_the_title_of_a_change_does_not_choose_the_database(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        port = server.getsockname()[1]
        monkeypatch.setenv("CI_COMMIT_TITLE", f"host=127.0.0.1 port={port} user=x connect_timeout=1")
        write(project, LONDON, extra="state: {backend: postgres, dsn: {env: CI_COMMIT_TITLE}}\n")
        assert run("plan").exit_code == 8
        with pytest.raises(BlockingIOError):
            server.accept()
    write(
        project,
        LONDON,
        extra="state: {backend: http, address: 'http://127.0.0.1:9/a', password: {env: CI_JOB_TOKEN}}\n",
    )
    assert run("validate").exit_code == 0  # a GitLab job keeps its state with its own token


def test_a_variable_that_is_not_set_is_named(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATE_DSN", raising=False)
    write(project, LONDON, extra="state: {backend: postgres, dsn: {env: STATE_DSN}}\n")
    found = run("plan")
    assert found.exit_code == 8
    assert "set STATE_DSN" in found.stderr


def test_a_database_that_is_not_there_is_exit_9_and_its_password_is_not_told(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DSN", "postgresql://maria:gh7-secret@127.0.0.1:9/x")
    write(project, LONDON, extra="state: {backend: postgres, dsn: {env: STATE_DSN}}\n")
    for words in (("plan",), ("apply", "--auto-approve")):
        found = run(*words)
        assert found.exit_code == 9, found.output
        assert "S960" in found.output
        assert "gh7-secret" not in found.output


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "dsn",
    [
        "gh7-secret",
        "postgresql://u:gh7-secret@@host:x/db",
        "host=gh7-secret password=gh7-secret sslmode=wrong",
        "postgresql://u:gh7-secret@127.0.0.1:9/x?gh7-secret=gh7-secret",
        "service=gh7-secret",
    ],
)
def test_what_is_no_connection_string_is_not_told(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, dsn: str
) -> None:
    """libpq's own words repeat it; the variable that was named may hold anything."""
    monkeypatch.setenv("STATE_DSN", dsn)
    write(project, LONDON, extra="state: {backend: postgres, dsn: {env: STATE_DSN}}\n")
    found = run("plan", "-vv")
    assert found.exit_code == 9, found.output
    assert "gh7" not in found.output


@pytest.mark.xdist_group("object")
@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_credentials_that_end_in_mid_apply_lose_and_double_nothing(
    run: Run, project: Path, after: int
) -> None:
    meddler = Meddler(servers.moto().endpoint)
    url = f"s3://{servers.BUCKET}/{uuid4()}"
    state = f"{{backend: object, url: '{url}', endpoint: '{meddler.endpoint}', region: us-east-1}}"
    write(project, LONDON, SEVEN, RIDE, extra=f"state: {state}\n")
    puts: list[str] = []

    def refuse(method: str, path: str) -> int | None:
        if method == "PUT" and "/journal/" in path:
            puts.append(path)
        return 403 if len(puts) > after else None

    meddler.refuse = refuse
    broken = run("apply", "--auto-approve", "--result", "result.json")
    assert broken.exit_code == 9, broken.output
    assert "S965" in broken.output
    done = json.loads((project / "result.json").read_text())["done"]
    meddler.refuse = lambda method, path: None
    locked = run("apply", "--auto-approve")
    if locked.exit_code == 6:
        assert run(*locked.output.split("pnsync ")[-1].split()).exit_code == 0
        locked = run("apply", "--auto-approve")
    assert locked.exit_code == 0, locked.output
    assert done < 3
    assert run("verify").exit_code == 0
    summary = json.loads(run("plan", "--format", "json").stdout)["summary"]
    assert (summary["unchanged"], summary["unmanaged"], summary["calls"]) == (3, 0, 0)


@pytest.mark.xdist_group("object")
def test_as_many_earlier_snapshots_are_kept_as_the_files_say(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = object_store(project, monkeypatch)
    for text, code in (("0", 8), ("many", 8), ("2", 0)):
        write(project, LONDON, extra=f"state: {state[:-1]}, keep: {text}}}\n")
        assert run("validate").exit_code == code
    for other in (SEVEN, RIDE, SEVEN, RIDE):
        write(project, LONDON, other, extra=f"state: {state[:-1]}, keep: 2}}\n")
        assert run("apply", "--auto-approve", "--allow-unbind", "1").exit_code == 0
    place = places.open_place(f"object {servers.moto().endpoint} {state.split(chr(39))[1]}", StepClock())
    assert isinstance(place, ObjectBackend)
    assert len(place._numbers("snap/")) == 2


def test_every_backend_that_files_may_name_can_be_opened() -> None:
    assert set(BACKENDS) == set(CONFIGURABLE)


def test_a_place_on_the_command_line_is_checked_as_in_the_file(run: Run, project: Path) -> None:
    write(project, LONDON)
    found = run("state", "migrate", "--to", "{backend: postgres, dsn: 'host=x password=y'}")
    assert found.exit_code == 8
    assert "E226" in found.output
    with pytest.raises(ConfigError):
        read_place("{backend: object}", "--to")
    with pytest.raises(ConfigError):
        read_place("{backend: [", "--to")
