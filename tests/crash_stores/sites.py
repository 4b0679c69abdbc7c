"""Real servers for the cases: where a state lies, how to reach it through a proxy that cuts, how to shake the server.

A case runs in a fork, which owns no server: what stops and starts one is asked of the process that does, through a
pipe. SeaweedFS and PostgreSQL are stopped as by a power failure.
"""

import os
import tempfile
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol
from uuid import uuid4

from stores import places, servers, severing
from stores.severing import Severing

from pnsync.backends.git import GitBackend
from pnsync.backends.object import ObjectBackend
from pnsync.backends.postgres import PostgresBackend
from pnsync.interfaces import Backend, Clock


class Master(Protocol):
    """Whoever owns the server."""

    def ask(self, what: str) -> None:
        """`stop` or `start`; done when it returns."""
        ...


class Site(ABC):
    """A fresh place on a server for one case. `proxy` is on the way of every run, and of nobody else."""

    kind: ClassVar[str]
    proxy: Severing | None = None

    @abstractmethod
    def opens(self, clock: Clock) -> Backend:
        """As a run reaches it."""

    @abstractmethod
    def direct(self, clock: Clock) -> Backend:
        """As it is."""


@dataclass
class PostgresSite(Site):
    """A state's name of its own in the one database."""

    kind = "postgres"
    server: Path
    name: str = field(default_factory=lambda: str(uuid4()))

    def __post_init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="pns-")
        self.proxy = severing.before_postgres(self.server, Path(self._folder.name))

    def opens(self, clock: Clock) -> Backend:
        return self._at(self._folder.name, clock)

    def direct(self, clock: Clock) -> Backend:
        return self._at(str(self.server), clock)

    def _at(self, folder: str, clock: Clock) -> Backend:
        return PostgresBackend(f"host={folder} user=pnsync dbname=postgres", self.name, clock)

    def terminate(self) -> None:
        """As an administrator does: every connection of a pnsync is gone."""
        import psycopg

        with psycopg.connect(f"host={self.server} user=pnsync dbname=postgres", autocommit=True) as one:
            one.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                " where application_name = 'pnsync' and pid <> pg_backend_pid()"
            )


@dataclass
class ObjectSite(Site):
    """A prefix of its own in the one bucket."""

    kind = "object"
    endpoint: str
    prefix: str = field(default_factory=lambda: str(uuid4()))

    def __post_init__(self) -> None:
        os.environ.update(places.CREDENTIALS)
        self.proxy, self._through = severing.before_http(self.endpoint)

    def opens(self, clock: Clock) -> Backend:
        return self._at(self._through, clock)

    def direct(self, clock: Clock) -> Backend:
        return self._at(self.endpoint, clock)

    def _at(self, endpoint: str, clock: Clock) -> Backend:
        url = f"s3://{servers.BUCKET}/{self.prefix}"
        return ObjectBackend(url, clock, endpoint=endpoint, region="us-east-1")


@dataclass
class GitSite(Site):
    """A bare repository of its own, and a clone for each run, as CI has."""

    kind = "git"
    folder: Path

    def __post_init__(self) -> None:
        self._remote = places.bare(Path(tempfile.mkdtemp(dir=self.folder)))

    def opens(self, clock: Clock) -> Backend:
        return GitBackend(places.clone(self._remote), "refs/pnsync/prod", "origin", clock)

    direct = opens
