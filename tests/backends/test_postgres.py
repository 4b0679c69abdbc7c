"""PostgreSQL when it fails: gone and back, cut off at every byte, behind a pooler, without permission, of a newer version."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from stores import servers
from stores.child import FastClock
from stores.clocks import StepClock
from stores.pooler import Cutter, Pooler
from stores.values import events_of_a_run, holder

from pnsync.backends.postgres import PostgresBackend
from pnsync.errors import StateError
from pnsync.interfaces import Changed, Taken
from pnsync.journal import Noted
from pnsync.statefile.record import frame
from pnsync.store.store import Store

pytestmark = [pytest.mark.needs_postgres, pytest.mark.xdist_group("postgres")]


@pytest.fixture
def server() -> servers.Postgres:
    return servers.postgres()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pns-") as made:
        yield Path(made)


def at(folder: Path, name: str, clock: StepClock | None = None) -> PostgresBackend:
    return PostgresBackend(f"host={folder} user=pnsync dbname=postgres", name, clock or StepClock())


def store(backend: PostgresBackend) -> Store:
    return Store(backend, StepClock(), pinned_lineage=None, heartbeat=lambda lease: lambda: None)


def test_a_server_that_restarts_in_mid_run_is_waited_for(server: servers.Postgres) -> None:
    name = str(uuid4())
    waits: list[float] = []

    def during(clock: StepClock) -> None:
        waits.append(clock.passed)
        if len(waits) == 3:
            server.start()

    backend = at(server.folder, name, StepClock(during))
    with store(backend).hold(holder(), timeout=0) as session:
        session.record(Noted("colour", "blue"))
        server.stop()
        session.record(Noted("colour", "red"))
        session.finish()
    found = store(at(server.folder, name)).load()
    assert found is not None
    assert (found.notes["colour"], found.serial) == ("red", 1)
    assert len(waits) >= 3


def test_a_server_that_stays_away_ends_the_run_before_its_next_call(server: servers.Postgres) -> None:
    name = str(uuid4())
    with store(at(server.folder, name)).hold(holder(), timeout=0) as session:
        session.record(Noted("colour", "blue"))
        server.stop()
        try:
            with pytest.raises(StateError) as caught:
                session.record(Noted("colour", "red"))
            assert caught.value.code == "S960"
            assert caught.value.exit_code == 9
        finally:
            server.start()
        with pytest.raises(StateError) as after:
            session.check()
        assert after.value.code == "S926", "nothing more is recorded or called, though the server is back"
    found = store(at(server.folder, name)).load()
    assert found is not None
    assert found.notes["colour"] == "blue"


def test_a_connection_cut_at_any_byte_neither_loses_nor_doubles_a_record(
    server: servers.Postgres, folder: Path
) -> None:
    proxy = Cutter(server.folder, folder)
    name = str(uuid4())
    backend = at(folder, name)
    previous, seq = "", 0
    backend.reserve(1)
    cuts = 0
    for after in range(0, 400, 9):
        seq += 1
        line, previous = frame(seq, previous, b'{"n":%d}' % seq)
        proxy.after = after
        backend.append(seq, line)
        cuts += proxy.after is None
        proxy.after = None
    assert cuts > 10, "connections were cut"
    assert [one for one, _ in at(server.folder, name).records(0)] == list(range(1, seq + 1))
    version = None
    for after in range(0, 200, 9):
        proxy.after = after
        version = backend.write("snapshot", b"%d" % after, version)
        proxy.after = None
    found = at(server.folder, name).read("snapshot")
    assert found is not None
    assert (found.data, found.version) == (b"198", version)
    proxy.close()


def test_a_pooler_that_gives_every_transaction_another_session_is_no_matter(
    server: servers.Postgres, folder: Path
) -> None:
    pooler = Pooler(server.folder, folder)
    name = str(uuid4())
    for turn in range(2):
        with store(at(folder, name)).hold(holder(), timeout=0) as session:
            for step in events_of_a_run(5):
                session.record(*step)
            assert session.finish().serial == turn + 1
    found = store(at(server.folder, name)).load()
    assert found is not None
    assert found.serial == 2
    assert pooler.transactions > 20
    assert server.run("select count(*) from pg_prepared_statements") == [(0,)]
    pooler.close()


@pytest.mark.needs_pgbouncer
def test_pgbouncer_that_pools_transactions_is_no_matter(server: servers.Postgres) -> None:
    """Six runs at once over its three connections: each in turn, no update lost, no session's leftovers."""
    bouncer, name = servers.pgbouncer(), str(uuid4())

    def run(number: int) -> None:
        for _ in range(3):
            clock = FastClock(40.0)
            held = Store(
                at(bouncer.folder, name), clock, pinned_lineage=None, heartbeat=clock.heartbeat
            ).hold(holder(lock_id=f"{number:08x}"), timeout=600)
            with held as session:
                session.record(Noted("turns", str(int(session.state.notes.get("turns", "0")) + 1)))
                session.finish()

    with ThreadPoolExecutor(6) as runners:
        list(runners.map(run, range(6)))
    found = store(at(server.folder, name)).load()
    assert found is not None
    assert (found.notes["turns"], found.serial) == ("18", 18)
    assert server.run("select count(*) from pg_locks where locktype = 'advisory'") == [(0,)]


def test_what_the_server_undoes_is_done_again(server: servers.Postgres) -> None:
    name = str(uuid4())
    backend = at(server.folder, name)
    backend.reserve(1)
    server.run(
        "create sequence undone; create function undo() returns trigger language plpgsql as $$ begin"
        f" if new.state = '{name}' and nextval('undone') % 3 <> 0 then"
        " raise exception 'undone' using errcode = '40001'; end if; return new; end $$;"
        " create trigger undo before insert on pnsync_records for each row execute function undo()"
    )
    try:
        line, _ = frame(1, "", b"{}")
        backend.append(1, line)
    finally:
        server.run("drop trigger undo on pnsync_records; drop function undo; drop sequence undone")
    assert [seq for seq, _ in backend.records(0)] == [1]


def test_a_slot_taken_and_dropped_meanwhile_is_not_free(server: servers.Postgres) -> None:
    name = str(uuid4())
    late = at(server.folder, name)
    previous, lines = "", []
    for seq in range(1, 4):
        line, previous = frame(seq, previous, b"{}")
        lines.append(line)
        at(server.folder, name).append(seq, line)
    at(server.folder, name).drop(2)
    with pytest.raises(Taken):
        late.append(2, frame(2, "other", b"{}")[0])


def test_an_account_that_may_not_make_tables_says_so(server: servers.Postgres) -> None:
    role = f"r{uuid4().hex}"
    server.run(f"create role {role} login; create schema {role}; alter role {role} set search_path = {role}")
    server.run(f"grant usage on schema {role} to {role}")
    dsn = f"host={server.folder} user={role} dbname=postgres"
    with pytest.raises(StateError) as caught:
        PostgresBackend(dsn, "x", StepClock()).write("lease", b"one", None)
    assert caught.value.code == "S962"
    assert PostgresBackend(dsn, "x", StepClock()).read("lease") is None


def test_a_read_only_server_refuses_before_a_call(server: servers.Postgres) -> None:
    name, role = str(uuid4()), f"r{uuid4().hex}"
    at(server.folder, name).reserve(1)
    server.run(
        f"create role {role} login superuser; alter role {role} set default_transaction_read_only = on"
    )
    backend = PostgresBackend(f"host={server.folder} user={role} dbname=postgres", name, StepClock())
    with pytest.raises(StateError) as caught:
        backend.append(1, frame(1, "", b"{}")[0])
    assert caught.value.code == "S961"
    assert "read-only" in caught.value.detail[0]


def test_tables_of_a_newer_version_are_left_alone(server: servers.Postgres) -> None:
    name = str(uuid4())
    at(server.folder, name).reserve(1)
    server.run("update pnsync_schema set version = 2")
    try:
        for use in (
            lambda: at(server.folder, name).read("snapshot"),
            lambda: at(server.folder, name).append(1, frame(1, "", b"{}")[0]),
        ):
            with pytest.raises(StateError) as caught:
                use()
            assert caught.value.code == "S963"
    finally:
        server.run("update pnsync_schema set version = 1")


def test_states_of_one_database_are_apart(server: servers.Postgres) -> None:
    one, other = at(server.folder, str(uuid4())), at(server.folder, str(uuid4()))
    one.write("snapshot", b"one", None)
    one.append(1, frame(1, "", b"{}")[0])
    assert other.read("snapshot") is None
    assert other.records(0) == []
    with pytest.raises(Changed):
        other.write("snapshot", b"two", "1")


def test_a_password_is_in_no_message() -> None:
    dsn = "postgresql://maria:gh7-secret@127.0.0.1:9/x?connect_timeout=2"
    with pytest.raises(StateError) as caught:
        PostgresBackend(dsn, "prod", StepClock()).read("snapshot")
    assert "gh7-secret" not in "".join(caught.value.detail) + repr(caught.value)
    assert "refused" in caught.value.detail[0]


def test_every_write_asks_for_durability_and_one_of_the_log_for_the_log_alone(
    server: servers.Postgres,
) -> None:
    """Whatever the server's own setting is: looked at from inside the transaction."""
    name, role = str(uuid4()), f"r{uuid4().hex}"
    at(server.folder, name).write("lease", b"free", None)
    server.run(f"create role {role} login superuser; alter role {role} set synchronous_commit = off")
    server.run(
        "create table looked (sync text, locks bigint); create function look() returns trigger language plpgsql as"
        " 'begin insert into looked values (current_setting(''synchronous_commit''), (select count(*) from pg_locks"
        " where locktype = ''advisory'' and pid = pg_backend_pid())); return coalesce(new, old); end';"
        " create trigger looks before insert or delete on pnsync_records for each row execute function look();"
        " create trigger looks before update on pnsync_documents for each row execute function look()"
    )
    try:
        backend = PostgresBackend(f"host={server.folder} user={role} dbname=postgres", name, StepClock())
        backend.append(1, frame(1, "", b"{}")[0])
        backend.drop(1)
        backend.write("lease", b"held", "1")
        seen = backend._connect().execute("select sync, locks from looked").fetchall()
    finally:
        server.run("drop function look cascade; drop table looked")
    assert seen == [("on", 1), ("on", 1), ("on", 0)]


def test_a_document_that_went_and_came_back_is_another_version(server: servers.Postgres) -> None:
    backend = at(server.folder, str(uuid4()))
    first = backend.write("lease", b"free", None)
    third = backend.write("lease", b"free", backend.write("lease", b"held", first))
    with pytest.raises(Changed):
        backend.write("lease", b"free", first)
    found = backend.read("lease")
    assert found is not None and found.version == third != first


def test_a_server_that_was_never_there_is_not_waited_for() -> None:
    clock = StepClock()
    with pytest.raises(StateError):
        PostgresBackend("postgresql://127.0.0.1:9/x?connect_timeout=2", "prod", clock).append(1, b"x")
    assert clock.passed == 0


def test_a_place_that_is_left_keeps_its_last_record_and_its_lease(server: servers.Postgres) -> None:
    """Who held it finds its next slot taken."""
    backend = at(server.folder, str(uuid4()))
    backend.write("lease", b"free", None)
    backend.write("snapshot", b"old", None)
    previous = ""
    for seq in (1, 2, 3):
        line, previous = frame(seq, previous, b"{}")
        backend.append(seq, line)
    backend.retire()
    assert [seq for seq, _ in backend.records(0)] == [3]
    assert backend.read("lease") is not None and backend.read("snapshot") is None
    with pytest.raises(Taken):
        backend.append(3, frame(3, "other", b"{}")[0])


@pytest.mark.parametrize(
    "dsn", ["gh7-secret", "host=127.0.0.1 gh7-secret", "postgresql://u:p@h:gh7-secret/x"]
)
def test_a_connection_string_that_is_none_is_in_no_message(dsn: str) -> None:
    """The library repeats what of it it cannot read."""
    with pytest.raises(StateError) as caught:
        PostgresBackend(dsn, "prod", StepClock()).read("snapshot")
    assert "gh7-secret" not in "".join(caught.value.detail) + repr(caught.value)
