"""A state in PostgreSQL: documents and journal records as rows, kept apart by compare-and-set alone.

No session state, no advisory locks, no prepared statements, so that it works through a transaction-pooling proxy.
The tables are made at the first write and carry a version. Every statement is its own transaction and durable when
it returns (`synchronous_commit = on`); what a broken connection leaves open is read back.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from pnsync.errors import StateError, UsageError
from pnsync.interfaces import Blob, Changed, Exclusive, Taken

VERSION: Final = 1
CONNECT_SECONDS: Final = 10
STATEMENT_MILLISECONDS: Final = 30_000
TRIES: Final = 4
"""How often a statement is made that the server undid (serialisation, deadlock) or that found no connection."""

_TABLES: Final = (
    "create table if not exists pnsync_schema (version integer not null)",
    "create table if not exists pnsync_documents (state text not null, name text not null, version bigint not null,"
    " data bytea not null, written_at timestamptz not null default now(), primary key (state, name))",
    "create table if not exists pnsync_records (state text not null, seq bigint not null, data bytea not null,"
    " written_at timestamptz not null default now(), primary key (state, seq))",
    f"insert into pnsync_schema select {VERSION} where not exists (select 1 from pnsync_schema)",  # noqa: S608
)
_UNDONE: Final = ("40001", "40P01", "55P03")
"""SQLSTATEs after which nothing was done: serialisation failure, deadlock, lock not available."""
_NO_TABLE: Final = "42P01"
_UNIQUE: Final = "23505"
_SCHEMA_LOCK: Final = 7_306_081_422_917_223_014

Answer = TypeVar("Answer")


class PostgresBackend:
    """One state, by its name, in a database. `dsn` is a libpq connection string or URL, with its password a secret."""

    def __init__(self, dsn: str, name: str = "default") -> None:
        try:
            import psycopg
        except ImportError:
            raise UsageError(
                "the postgres backend needs psycopg",
                "Install it with:",
                command="pip install 'pnsync[postgres]'",
            ) from None
        self._psycopg = psycopg
        self._dsn = dsn
        self._name = name
        self._connection: Any = None
        self.location = f"PostgreSQL, state {name}"

    def read(self, name: str) -> Blob | None:
        """A document, None when there is none."""
        row = self._ask(
            lambda one: one.execute(
                "select data, version from pnsync_documents where state = %s and name = %s",
                (self._name, name),
            ).fetchone()
        )
        return None if row is None else Blob(bytes(row[0]), str(row[1]))

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """Replace a document at version `expected`; raises Changed."""
        if expected is None:
            done = self._insert(name, data)
            version = 1
        elif not expected.isdigit():
            raise Changed
        else:
            version = int(expected) + 1
            done = self._change(
                "update pnsync_documents set data = %s, version = version + 1, written_at = now()"
                " where state = %s and name = %s and version = %s",
                (data, self._name, name, int(expected)),
            )
        if done:
            return str(version)
        # Nothing changed: another version stands there, unless an answer was lost and it is our own.
        found = self.read(name)
        if found is not None and found.data == data and found.version == str(version):
            return found.version
        raise Changed

    def _insert(self, name: str, data: bytes) -> bool:
        return self._change(
            "insert into pnsync_documents (state, name, version, data) values (%s, %s, 1, %s)"
            " on conflict do nothing",
            (self._name, name, data),
        )

    def records(self, after: int) -> Sequence[tuple[int, bytes]]:
        """Every record after this one, in order."""
        rows = self._ask(
            lambda one: one.execute(
                "select seq, data from pnsync_records where state = %s and seq > %s order by seq",
                (self._name, after),
            ).fetchall()
        )
        return [(int(seq), bytes(data)) for seq, data in rows or ()]

    def append(self, seq: int, record: bytes) -> None:
        """Add record `seq` when its slot is free and the log is empty or ends just before it. Raises Taken."""
        done = self._change(
            "insert into pnsync_records (state, seq, data) select %(state)s, %(seq)s, %(data)s where"
            " coalesce((select max(seq) from pnsync_records where state = %(state)s), %(seq)s - 1) = %(seq)s - 1"
            " on conflict do nothing",
            {"state": self._name, "seq": seq, "data": record},
        )
        if done:
            return
        row = self._ask(
            lambda one: one.execute(
                "select data from pnsync_records where state = %s and seq = %s", (self._name, seq)
            ).fetchone()
        )
        if row is None or bytes(row[0]) != record:
            raise Taken

    def drop(self, through: int) -> None:
        """Forget the records up to `through`."""
        self._ask(
            lambda one: one.execute(
                "delete from pnsync_records where state = %s and seq <= %s", (self._name, through)
            )
        )

    def exclusive(self, holder: bytes, timeout: float) -> Exclusive | None:
        """None: a database behind a pooler has no lock that dies with its holder; the lease is the lock."""
        return None

    def occupant(self) -> bytes | None:
        """None, as there is no lock of its own."""
        return None

    def evict(self, holder: bytes) -> bool:
        """False, as there is no lock of its own."""
        return False

    def reserve(self, size: int) -> None:
        """A database does not tell; see that it takes writes at all."""
        self._make_tables()

    # -- the connection ----------------------------------------------------------------------------------------------

    def _connect(self) -> Any:
        if self._connection is None or self._connection.closed:
            self._connection = self._psycopg.connect(
                self._dsn,
                autocommit=True,
                prepare_threshold=None,
                connect_timeout=CONNECT_SECONDS,
                application_name="pnsync",
            )
        return self._connection

    def _change(self, statement: str, values: Any) -> bool:
        """Run one writing statement in a durable transaction of its own; whether it changed a row."""

        def run(connection: Any) -> bool:
            with connection.transaction():
                connection.execute("set local synchronous_commit = on")
                connection.execute(f"set local statement_timeout = {STATEMENT_MILLISECONDS}")
                return bool(connection.execute(statement, values).rowcount)

        return bool(self._ask(run, writes=True))

    def _ask(self, ask: Callable[[Any], Answer], *, writes: bool = False) -> Answer | None:
        """Ask the server, again where it undid the question or the connection was gone.

        Every question may be asked twice: a second insert of a slot or version that took effect changes nothing,
        and the caller then reads back whose it is. None where there are no tables yet and nothing is to be written.
        """
        problem: Exception | None = None
        for _ in range(TRIES):
            try:
                return ask(self._connect())
            except self._psycopg.Error as error:
                problem = error
                state = getattr(error, "sqlstate", None)
                if state == _NO_TABLE and not writes:
                    return None
                if state == _NO_TABLE:
                    self._make_tables()
                elif state in _UNDONE:
                    continue
                elif isinstance(error, self._psycopg.OperationalError | self._psycopg.InterfaceError):
                    self._close()
                else:
                    break
        raise StateError(
            "the state's database does not answer"
            if self._broken(problem)
            else "the state's database refuses",
            f"{self.location}: {_cause(problem)}.",
            "No call is made whose intent cannot be stored. See that the server runs and that the account may read",
            "and write the tables pnsync_documents and pnsync_records, then run the same command again.",
            code="S960",
        )

    def _broken(self, problem: Exception | None) -> bool:
        return isinstance(problem, self._psycopg.OperationalError | self._psycopg.InterfaceError)

    def _make_tables(self) -> None:
        try:
            connection = self._connect()
            with connection.transaction():
                connection.execute("select pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
                for statement in _TABLES:
                    connection.execute(statement)
                (version,) = connection.execute("select max(version) from pnsync_schema").fetchone()
        except self._psycopg.Error as error:
            raise StateError(
                "the state's database takes no tables",
                f"{self.location}: {_cause(error)}.",
                "Let the account create tables in its schema once, or have an administrator run the first command.",
                code="S961",
            ) from None
        if version != VERSION:
            raise StateError(
                "the state's tables are of a newer pnsync",
                f"{self.location}: version {version}, and this pnsync knows {VERSION}. Use the newer one.",
                code="S962",
            )

    def _close(self) -> None:
        if self._connection is not None:
            try:
                self._connection.close()
            except self._psycopg.Error:
                pass
            self._connection = None


def _cause(problem: Exception | None) -> str:
    """A server's words without the values of rows or of the connection string, which may be secret or personal."""
    diagnostic = getattr(problem, "diag", None)
    said = getattr(diagnostic, "message_primary", None)
    state = getattr(problem, "sqlstate", None)
    if said and state:
        return f"{said} ({state})"
    return type(problem).__name__ if problem is not None else "no answer"
