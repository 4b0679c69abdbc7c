"""`pnsync sandbox serve` in a process of its own, and the tests' side of it: what happened, faults, edits, time."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.program import PATIENCE_SECONDS, environment

KEYS = {
    "NXCLOUD_ACCESS_KEY": "sandbox",
    "NXCLOUD_ACCESS_SECRET": "sandbox",
    "LAAFFIC_API_KEY": "sandbox",
    "LAAFFIC_API_SECRET": "sandbox",
}
"""What the simulated vendors take."""


@dataclass(frozen=True)
class Account:
    """One account at one simulated vendor."""

    url: str
    vendor: str
    name: str

    @property
    def endpoint(self) -> str:
        """What a project's file calls it."""
        tail = "api/pns/" if self.vendor == "nxcloud" else "v3/number"
        return f"{self.url}/{self.vendor}/{self.name}/{tail}"

    def _admin(self, what: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/_sandbox/{self.vendor}/{self.name}/{what}",
            data,
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def history(self) -> list[dict[str, Any]]:
        """Everything that happened, in order."""
        found: list[dict[str, Any]] = self._admin("history")
        return found

    def bindings(self) -> list[dict[str, Any]]:
        """The live bindings."""
        found: list[dict[str, Any]] = self._admin("bindings")
        return found

    def edit(self, **order: Any) -> None:
        """Work at the vendor's web console: remove=ID, change={..}, add={..}."""
        self._admin("edit", order)

    def fault(self, name: str, **values: Any) -> None:
        """Let the next requests go wrong."""
        self._admin("faults", [{"fault": name, **values}])

    def quiet(self) -> None:
        """End all faults."""
        self._admin("faults", [])

    def advance(self, seconds: float) -> None:
        """Move the clock of the whole server."""
        self._admin("clock", {"advance_seconds": seconds})

    def count(self, kind: str) -> int:
        """How often something happened by a call."""
        return sum(one["kind"] == kind and one.get("by", "api") == "api" for one in self.history())

    def made_twice(self) -> list[str]:
        """The ids of ours under which more than one binding was made."""
        made = Counter(
            one["client_id"] for one in self.history() if one["kind"] == "bind" and one.get("client_id")
        )
        return [one for one, times in made.items() if times > 1]


@dataclass(frozen=True)
class Vendors:
    """A running server."""

    url: str

    def nx(self, name: str) -> Account:
        """An account at NXCloud."""
        return Account(self.url, "nxcloud", f"nx-{name}")

    def la(self, name: str) -> Account:
        """An account at LAAFFIC."""
        return Account(self.url, "laaffic", f"la-{name}")


@contextmanager
def serving(folder: Path) -> Iterator[Vendors]:
    """Serve both simulated vendors from another process, until the end."""
    folder.mkdir(exist_ok=True)
    argv = [sys.executable, "-m", "pnsync", "sandbox", "serve", "--port", "0"]
    process = subprocess.Popen(argv, cwd=folder, env=environment(), stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        assert "/nxcloud/" in line, line
        yield Vendors(line.split()[1].partition("/nxcloud/")[0])
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
        if process.stdout is not None:
            process.stdout.close()
