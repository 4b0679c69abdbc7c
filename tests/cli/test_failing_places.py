"""The place of the state fails in the middle of an apply, or was tampered with: exit code, message, and nothing lost."""

import hashlib
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import Result
from stores import places, servers
from stores.clocks import StepClock
from stores.meddler import Meddler
from stores.state_server import StateServer

from pnsync.backends.patience import Patience
from pnsync.sandbox.transport import SandboxTransport
from tests.cli.conftest import Run
from tests.cli.projects import LONDON, REAL, RIDE, SEVEN, write
from tests.sealing.keyholders import Holder

ANNA, BEN = Holder(), Holder()
WRITES = ("bindAXB", "bindAXBExtension", "unbindAXB")


@pytest.fixture(autouse=True)
def surroundings(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        **places.CREDENTIALS,
        "STATE_USER": "u",
        "STATE_PASSWORD": "gh7-secret",
        "PNSYNC_AGE_IDENTITY": ANNA.secret,
        "XDG_STATE_HOME": str(tmp_path / "marks"),
    }.items():
        monkeypatch.setenv(name, value)
    # What is away for good is waited for as long as a run does; here shorter.
    monkeypatch.setattr(Patience.__init__, "__defaults__", (1.0,))


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[servers.Postgres]:
    server = servers.postgres()
    monkeypatch.setenv("STATE_DSN", server.dsn)
    yield server
    if not server._answers():
        server.start()


def at_call(monkeypatch: pytest.MonkeyPatch, number: int, happens: Callable[[], None]) -> list[str]:
    """Let something happen when the n-th writing call leaves, whose intent is stored; the calls that left."""
    original, left = SandboxTransport.handle_request, list[str]()

    def watched(self: SandboxTransport, request: Any) -> Any:
        lowered = {name.lower(): value for name, value in request.headers.items()}
        operation = self.line.vendor.operation(request.url.path, lowered)
        if operation in WRITES:
            left.append(operation)
            if len(left) == number:
                happens()
        return original(self, request)

    monkeypatch.setattr(SandboxTransport, "handle_request", watched)
    return left


def declared(folder: Path, state: str) -> None:
    write(folder, LONDON, SEVEN, RIDE, extra=f"state: {state}\n")


def told(found: Result, exit_code: int, state_code: str, *words: str) -> None:
    """How it ended and what was said, in which no secret and no number stands."""
    assert found.exit_code == exit_code, found.output
    assert state_code in found.output
    for word in words:
        assert word in found.output, found.output
    assert "gh7-secret" not in found.output
    assert not any(number in found.output for number in REAL)


def recovers(run: Run, live: int = 3) -> None:
    """The next run makes it right: each declared binding is live once, and nothing is left to do."""
    found = run("apply", "--auto-approve")
    if found.exit_code == 6:
        assert run(*found.output.split("pnsync ")[-1].split()).exit_code == 0
        found = run("apply", "--auto-approve")
    assert found.exit_code == 0, found.output
    assert run("verify").exit_code == 0
    summary = json.loads(run("plan", "--format", "json").stdout)["summary"]
    assert (summary["unchanged"], summary["unmanaged"], summary["calls"]) == (live, 0, 0)


# -- PostgreSQL ------------------------------------------------------------------------------------------------------


def in_postgres() -> tuple[str, str]:
    name = str(uuid4())
    return name, f"{{backend: postgres, dsn: {{env: STATE_DSN}}, name: {name}}}"


@pytest.mark.needs_postgres
@pytest.mark.xdist_group("postgres")
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_database_that_goes_away_ends_the_run_before_its_next_call(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: servers.Postgres, number: int
) -> None:
    declared(tmp_path, in_postgres()[1])
    left = at_call(monkeypatch, number, database.stop)
    broken = run("apply", "--auto-approve", "--result", "result.json")
    told(broken, 9, "S960", "No call is made whose intent cannot be stored")
    assert len(left) == number, "the one that was on its way, and none after it"
    assert json.loads((tmp_path / "result.json").read_text())["exit"] == 9
    database.start()
    recovers(run)


@pytest.mark.needs_postgres
@pytest.mark.xdist_group("postgres")
def test_a_database_that_restarts_between_an_intent_and_its_call_is_waited_for(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: servers.Postgres
) -> None:
    declared(tmp_path, in_postgres()[1])

    def restart() -> None:
        database.stop()
        database.start()

    left = at_call(monkeypatch, 2, restart)
    found = run("apply", "--auto-approve")
    assert found.exit_code == 0, found.output
    assert len(left) == 3
    recovers(run)


@pytest.mark.needs_postgres
@pytest.mark.xdist_group("postgres")
@pytest.mark.parametrize("lost", [1, 2])
def test_what_a_fail_over_lost_is_found_by_its_ids(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: servers.Postgres, lost: int
) -> None:
    """A standby without the last commits takes over: the run is fenced, the next finds the bindings in the listing."""
    name, state = in_postgres()
    declared(tmp_path, state)

    def fail_over() -> None:
        database.run(
            f"delete from pnsync_records where state = '{name}' and seq >"
            f" (select max(seq) - {lost} from pnsync_records where state = '{name}')"
        )

    left = at_call(monkeypatch, 3, fail_over)
    told(run("apply", "--auto-approve"), 9, "S924")
    assert len(left) == 3
    recovers(run)


@pytest.mark.needs_postgres
@pytest.mark.xdist_group("postgres")
@pytest.mark.parametrize("code", ["40001", "40P01"], ids=["serialisation", "deadlock"])
def test_transactions_that_the_database_undoes_are_made_again(
    run: Run, tmp_path: Path, database: servers.Postgres, code: str
) -> None:
    """Every third record goes through at once."""
    name, state = in_postgres()
    declared(tmp_path, state)
    places.open_place(f"postgres {database.folder} {name}", StepClock()).reserve(1)
    database.run(
        "create sequence undone; create function undo() returns trigger language plpgsql as $$ begin"
        f" if new.state = '{name}' and nextval('undone') % 3 <> 0 then"
        f" raise exception 'undone' using errcode = '{code}'; end if; return new; end $$;"
        " create trigger undo before insert on pnsync_records for each row execute function undo()"
    )
    try:
        found = run("apply", "--auto-approve")
        assert found.exit_code == 0, found.output
        assert int(str(database.run("select last_value from undone")[0][0])) > 6
    finally:
        database.run("drop trigger undo on pnsync_records; drop function undo; drop sequence undone")
    recovers(run)


# -- object stores ---------------------------------------------------------------------------------------------------


@pytest.fixture
def meddler() -> Meddler:
    return Meddler(servers.moto().endpoint)


def in_bucket(meddler: Meddler) -> str:
    url = f"s3://{servers.BUCKET}/{uuid4()}"
    return f"{{backend: object, url: '{url}', endpoint: '{meddler.endpoint}', region: us-east-1}}"


@pytest.mark.xdist_group("object")
def test_a_bucket_in_which_nothing_may_be_deleted_serves(run: Run, tmp_path: Path, meddler: Meddler) -> None:
    """Only folded records and old snapshots stay there."""
    refused: list[str] = []

    def refuse(method: str, path: str) -> int | None:
        if method == "DELETE" or "?delete" in path:
            refused.append(path)
            return 403
        return None

    meddler.refuse = refuse
    state = in_bucket(meddler)
    declared(tmp_path, state)
    assert run("apply", "--auto-approve").exit_code == 0
    write(tmp_path, LONDON, SEVEN, extra=f"state: {state}\n")
    assert run("apply", "--auto-approve", "--allow-unbind", "1").exit_code == 0
    assert refused
    recovers(run, live=2)


@pytest.mark.xdist_group("object")
def test_a_store_that_may_not_be_written_to_is_told_before_a_call(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meddler: Meddler
) -> None:
    declared(tmp_path, in_bucket(meddler))
    left = at_call(monkeypatch, 1, lambda: None)
    meddler.refuse = lambda method, path: 403 if method == "PUT" else None
    told(run("apply", "--auto-approve"), 9, "S965", "may get, put, list and delete below the prefix")
    assert left == []
    meddler.refuse = lambda method, path: None
    recovers(run)


@pytest.mark.xdist_group("object")
def test_a_lock_of_a_newer_version_is_told(run: Run, tmp_path: Path, meddler: Meddler) -> None:
    state = in_bucket(meddler)
    declared(tmp_path, state)
    assert run("apply", "--auto-approve").exit_code == 0
    url = state.split("'")[1]
    place = places.open_place(f"object {servers.moto().endpoint} {url}", StepClock())
    lease = place.read("lease")
    assert lease is not None
    version = place.write("lease", b'{"version": 2, "tenant": "maria"}', lease.version)
    told(run("apply", "--auto-approve"), 9, "S942", "version 2, and this pnsync knows 1")
    assert run("plan").exit_code == 0, "a plan needs no lock"
    left = place.read("lease")
    assert left is not None
    assert left.version == version, "left as it is"


# -- others ----------------------------------------------------------------------------------------------------------


def test_a_server_that_refuses_the_password_is_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{StateServer().address}/{uuid4()}"
    left = at_call(monkeypatch, 1, lambda: None)
    declared(
        tmp_path,
        f"{{backend: http, address: '{address}', lock_address: '{address}/lock',"
        " username: {env: STATE_USER}, password: {env: STATE_PASSWORD}}",
    )
    told(run("apply", "--auto-approve"), 9, "S967", "refuses the credentials")
    assert left == []


def test_a_remote_that_is_gone_is_told(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    remote = places.bare(tmp_path)
    subprocess.run(["git", "-C", str(folder), "remote", "add", "origin", str(remote)], check=True)
    state = f"{{backend: git, encryption: {{recipients: [{ANNA.recipient}]}}}}"
    declared(folder, state)

    def gone() -> None:
        remote.rename(tmp_path / "gone.git")

    left = at_call(monkeypatch, 2, gone)
    told(run("apply", "--auto-approve"), 9, "S970", "No call is made whose intent cannot be stored")
    (tmp_path / "gone.git").rename(remote)
    assert 2 <= len(left) <= 3, "their intents shared a record"
    recovers(run)


def sealed_project(run: Run, folder: Path, more: str = "") -> Path:
    declared(folder, f"{{encryption: {{recipients: [{ANNA.recipient}]{more}}}}}")
    assert run("apply", "--auto-approve").exit_code == 0
    return folder / "state/pnsync.state.json"


def checked(data: bytes) -> bytes:
    """A state file with its checksum made right again, as anybody can."""
    lines = [one for one in data.splitlines(keepends=True) if not one.startswith(b'  "checksum"')]
    digest = hashlib.sha256(b"".join(lines)).hexdigest()
    return re.sub(rb'"checksum": "sha256:[0-9a-f]{64}"', b'"checksum": "sha256:%s"' % digest.encode(), data)


def test_an_identity_that_is_no_recipient_is_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed_project(run, tmp_path)
    left = at_call(monkeypatch, 1, lambda: None)
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", BEN.secret)
    for words in (("plan",), ("apply", "--auto-approve")):
        told(run(*words), 9, "S933", "pnsync state rekey")
    assert left == []


@pytest.mark.parametrize("more", ["", ", whole: true"], ids=["numbers", "whole"])
def test_a_truncated_ciphertext_is_told_and_left_as_it_is(run: Run, tmp_path: Path, more: str) -> None:
    state = sealed_project(run, tmp_path, more)
    whole = state.read_bytes()
    found = re.search(rb'[sw]1\.[0-9a-f]{8}\.[^"]+', whole)
    assert found is not None
    state.write_bytes(whole.replace(found[0], found[0][:-8]))
    told(run("apply", "--auto-approve"), 9, "S906")
    shortened = checked(whole.replace(found[0], found[0][:-8]))
    state.write_bytes(shortened)
    told(run("apply", "--auto-approve"), 9, "S931", "Nothing is called")
    assert state.read_bytes() == shortened
    state.write_bytes(whole)
    recovers(run)


def test_an_older_state_put_back_with_its_journal_is_told(run: Run, tmp_path: Path) -> None:
    state = sealed_project(run, tmp_path)
    journal = Path(f"{state}.journal")
    old = state.read_bytes(), journal.read_bytes()
    write(tmp_path, LONDON, SEVEN, extra=f"state: {{encryption: {{recipients: [{ANNA.recipient}]}}}}\n")
    assert run("apply", "--auto-approve", "--allow-unbind", "1").exit_code == 0
    state.write_bytes(old[0])
    journal.write_bytes(old[1])
    refused = run("apply", "--auto-approve")
    told(refused, 9, "S932", "Bring back the newer one")
    mark = re.search(r"delete (\S+\.serial) first", refused.output)
    assert mark is not None
    Path(mark[1]).unlink()
    assert run("plan").exit_code == 0, "who means the older one deletes the mark"
