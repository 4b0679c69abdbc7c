"""A state in PostgreSQL: documents and journal records as rows, kept apart by compare-and-set alone.

Nothing outlives a transaction: no session settings, no session locks, no prepared statements, so that it works through
a transaction-pooling proxy. The tables are made at the first write and carry a version. Every write is durable when it
returns (`synchronous_commit = on`); what a broken connection leaves open is read back. Connections are one a thread,
so that a lease is renewed while a long statement runs.
"""

import copy
import hashlib
import logging
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from pnsync.backends.leased import Leased
from pnsync.backends.patience import Patience
from pnsync.errors import StateError, UsageError
from pnsync.interfaces import Blob, Changed, Clock, Taken
from pnsync.statefile.codes import refusal

log = logging.getLogger(__name__)

VERSION: Final = 1
CONNECT_SECONDS: Final = 10
STATEMENT_MILLISECONDS: Final = 30_000
TRIES: Final = 8
"""How often a statement is made that the server undid (serialisation, deadlock)."""

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
_GONE: Final = ("57P01", "57P02", "57P03", "08000", "08003", "08006", "53300")
"""SQLSTATEs of a server that ends, begins or is full; without any, the connection itself broke."""
_SAID = re.compile(r"FATAL:\s+([^\n]+)")
_BROKEN: Final = (
    ("refused", "the connection is refused"),
    ("timeout", "no answer in time"),
    ("timed out", "no answer in time"),
    ("translate host name", "its host name is not known"),
    ("No such file", "there is no such socket"),
    ("certificate", "its certificate is not accepted"),
    ("SSL", "no encrypted connection could be made"),
    ("password", "it asks for a password"),
    ("closed", "the connection was closed"),
)
"""What libpq says of a connection, and how it is told: its own words may repeat the connection string."""
_SCHEMA_LOCK: Final = 7_306_081_422_917_223_014

Answer = TypeVar("Answer")


class PostgresBackend(Leased):
    """One state, by its name, in a database. `dsn` is a libpq connection string or URL, with its password a secret."""

    def __init__(self, dsn: str, name: str, clock: Clock) -> None:
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
        self._clock = clock
        self._own = threading.local()
        self._has_answered = False
        self._version_known = False
        self._called(name)

    def _called(self, name: str) -> None:
        self._name = name
        self._lock = int.from_bytes(hashlib.sha256(f"pnsync {name}".encode()).digest()[:8], signed=True)
        self.location = f"PostgreSQL, state {name}"

    def within(self, name: str) -> "PostgresBackend":
        """The place of this name below this one, on the same connections."""
        made = copy.copy(self)
        made._called(f"{self._name}/{name}")
        return made

    def retire(self) -> None:
        """Forget all but the lease and the last record, which keeps out who held it."""
        values = {"state": self._name}
        self._change(
            "delete from pnsync_records where state = %(state)s and seq <"
            " (select max(seq) from pnsync_records where state = %(state)s)",
            values,
            alone=True,
        )
        self._change(
            "delete from pnsync_documents where state = %(state)s and name in ('snapshot', 'backup')", values
        )

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
            alone=True,
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
        self._change(
            "delete from pnsync_records where state = %s and seq <= %s", (self._name, through), alone=True
        )

    def reserve(self, size: int) -> None:
        """A database does not tell; see that it takes writes at all."""
        self._change(
            "update pnsync_documents set version = version where state = %s and name = 'probe'", (self._name,)
        )

    # -- the connection ----------------------------------------------------------------------------------------------

    def _connect(self) -> Any:
        connection = getattr(self._own, "connection", None)
        if connection is None or connection.closed:
            connection = self._own.connection = self._psycopg.connect(
                self._dsn,
                autocommit=True,
                prepare_threshold=None,
                connect_timeout=CONNECT_SECONDS,
                application_name="pnsync",
            )
        return connection

    def _change(self, statement: str, values: Any, *, alone: bool = False) -> bool:
        """Run one writing statement in a durable transaction of its own; whether it changed a row.

        `alone`: one transaction of this state's log at a time, so that no statement sees a log that others are
        appending to and folding meanwhile. The lock ends with the transaction.
        """
        first = f"set local synchronous_commit = on; set local statement_timeout = {STATEMENT_MILLISECONDS}"
        if alone:
            first += f"; select pg_advisory_xact_lock({self._lock})"

        def run(connection: Any) -> bool:
            with connection.transaction():
                connection.execute(first)
                return bool(connection.execute(statement, values).rowcount)

        return bool(self._ask(run, writes=True))

    def _ask(self, ask: Callable[[Any], Answer], *, writes: bool = False) -> Answer | None:
        """Ask the server, again where it undid the question or was gone for a while.

        Every question may be asked twice: a second insert of a slot or version that took effect changes nothing,
        and the caller then reads back whose it is. None where there are no tables yet and nothing is to be written.
        """
        patience = Patience(self._clock)
        undone = 0
        while True:
            try:
                if not self._version_known:
                    self._check_version(self._connect())
                answer = ask(self._connect())
            except self._psycopg.Error as error:
                state = error.sqlstate
                if state == _NO_TABLE and not writes:
                    return None
                if state == _NO_TABLE:
                    self._make_tables()
                    continue
                if state in _UNDONE and undone < TRIES:
                    undone += 1
                elif self._gone(error) and self._has_answered:
                    self._close()
                else:
                    raise self._failure(error) from None
                if not patience.again():
                    raise self._failure(error) from None
            else:
                self._has_answered = True
                return answer

    def _gone(self, error: Exception) -> bool:
        broken = isinstance(error, self._psycopg.OperationalError | self._psycopg.InterfaceError)
        state = getattr(error, "sqlstate", None)
        return broken and (state is None or state in _GONE)

    def _failure(self, error: Exception) -> StateError:
        return refusal(
            "S960" if self._gone(error) else "S961",
            f"{self.location}: {_cause(error)}.",
            "No call is made whose intent cannot be stored. See that the server runs and that the account may read",
            "and write the tables pnsync_documents and pnsync_records, then run the same command again.",
        )

    def _check_version(self, connection: Any) -> None:
        """Raises StateError for tables of a newer version, and psycopg's own errors, as where there are none."""
        (version,) = connection.execute("select max(version) from pnsync_schema").fetchone()
        if version is not None and version != VERSION:
            raise refusal("S963", f"{self.location}: version {version}, and this pnsync knows {VERSION}.")
        self._version_known = version is not None

    def _make_tables(self) -> None:
        try:
            connection = self._connect()
            with connection.transaction():
                connection.execute(f"select pg_advisory_xact_lock({_SCHEMA_LOCK})")
                for statement in _TABLES:
                    connection.execute(statement)
        except self._psycopg.Error as error:
            if self._gone(error):
                raise self._failure(error) from None
            raise refusal(
                "S962",
                f"{self.location}: {_cause(error)}.",
                "Let the account create tables in its schema once, or have an administrator run the first command.",
            ) from None

    def _close(self) -> None:
        connection = getattr(self._own, "connection", None)
        self._own.connection = None
        if connection is not None:
            try:
                connection.close()
            except self._psycopg.Error as error:
                log.debug("closing a broken connection: %s", type(error).__name__)


def _cause(problem: Exception) -> str:
    """A server's words without the values of rows or of the connection string, which may be secret or personal."""
    said = getattr(getattr(problem, "diag", None), "message_primary", None)
    if said:
        return f"{said} ({getattr(problem, 'sqlstate', None)})"
    text = str(problem)
    if found := _SAID.search(text):
        return found[1]
    return next((told for word, told in _BROKEN if word in text), type(problem).__name__)
