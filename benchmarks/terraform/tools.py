"""The two programs, each in a folder of its own, with the same bindings declared at the same kind of place."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from tests.stores import servers
from tests.stores.state_server import StateServer

REPOSITORY = Path(__file__).parents[2]
LOCK_SECONDS = 90
"""How long a second run waits for the lock of the first."""
RUN_SECONDS = 600.0
BINDINGS = 20
PAIRS = [(f"447700900{number:03}", f"447700900{number + 500:03}") for number in range(BINDINGS)]
KEYS = {"NXCLOUD_ACCESS_KEY": "sandbox", "NXCLOUD_ACCESS_SECRET": "sandbox"}


class ForcibleServer(StateServer):
    """As GitLab, also one for Terraform's `force-unlock`, which asks without saying whose lock it means."""

    def answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes, bool]:
        """An unlock without a body breaks the lock."""
        if method == "UNLOCK" and not body:
            self.kept[urlsplit(target).path.removesuffix("/lock")].lock = None
            return 200, b"", False
        return super().answer(method, target, headers, body)


STATE_SERVER = ForcibleServer()


class Tool(ABC):
    """One program in one folder; `place` is local, http or postgres."""

    name: str

    def __init__(self, folder: Path, endpoint: str, place: str) -> None:
        self.folder, self.endpoint, self.place = folder, endpoint, place
        self.key = uuid4().hex[:12]
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(REPOSITORY),
            **KEYS,
        }
        folder.mkdir(parents=True)

    @abstractmethod
    def apply(self, parallelism: int, *, held: tuple[int, Path] | None = None) -> list[str]:
        """The command line of an apply; `held` stops it after the n-th answer."""

    @abstractmethod
    def recorded(self) -> tuple[set[str], int] | None:
        """The ids of the bindings in the state, and how many attempts stand open there; None: it cannot be read."""

    @abstractmethod
    def lock_left(self, finished: "subprocess.CompletedProcess[str]") -> str | None:
        """The id of the lock that kept a run from working."""

    @abstractmethod
    def unlock(self, lock: str) -> list[str]:
        """The command line that breaks a lock."""

    @abstractmethod
    def empty(self) -> bool:
        """Whether a plan finds nothing to do."""

    @property
    @abstractmethod
    def journal(self) -> Path:
        """The local file that is written while an apply works."""

    def run(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        """Run to the end."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )

    def start(self, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        """Begin a run with all its children in one process group."""
        with (self.folder / "killed.log").open("wb") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def kill(process: "subprocess.Popen[bytes]") -> None:
    """End a run and all its children at once, as a machine that goes away."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Terraform(Tool):
    """Terraform with the provider beside this file."""

    name = "Terraform"

    def __init__(self, folder: Path, endpoint: str, place: str) -> None:
        super().__init__(folder, endpoint, place)
        mirror = folder.parent / "mirror"
        self.environment |= {
            "TF_CLI_CONFIG_FILE": str(folder / "terraform.rc"),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
        }
        (folder / "terraform.rc").write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n'
        )
        rides = "".join(f'    "{a}" = "{b}"\n' for a, b in PAIRS)
        (folder / "main.tf").write_text(
            "terraform {\n"
            '  required_providers {\n    pns = { source = "pnsync.test/bench/pns", version = "1.0.0" }\n  }\n'
            f"{self._backend()}}}\n"
            f'provider "pns" {{\n  endpoint = "{endpoint}"\n}}\n'
            f'resource "pns_binding" "ride" {{\n  for_each = {{\n{rides}  }}\n'
            "  phone_a = each.key\n  phone_b = each.value\n  expire_seconds = 86400\n}\n"
        )
        begun = self.run(["terraform", "init", "-no-color"])
        if begun.returncode != 0:
            raise SystemExit(begun.stdout + begun.stderr)

    @staticmethod
    def write_provider(mirror: Path) -> None:
        """Put the provider where `terraform init` finds it."""
        machine = subprocess.run(
            ["terraform", "version", "-json"], capture_output=True, text=True, check=True
        ).stdout
        beside = mirror / "pnsync.test" / "bench" / "pns" / "1.0.0" / json.loads(machine)["platform"]
        program = beside / "terraform-provider-pns_v1.0.0"
        beside.mkdir(parents=True)
        python = os.environ.get("PROVIDER_PYTHON", sys.executable)
        program.write_text(f"#!/bin/sh\nexec {python} -m benchmarks.terraform.provider\n")
        program.chmod(0o755)

    def _backend(self) -> str:
        if self.place == "local":
            return ""
        if self.place == "http":
            address = f"{STATE_SERVER.address}/{self.key}"
            return (
                f'  backend "http" {{\n    address = "{address}"\n    lock_address = "{address}/lock"\n'
                f'    unlock_address = "{address}/lock"\n    username = "u"\n    password = "p"\n  }}\n'
            )
        dsn = f"postgres://pnsync@/postgres?host={servers.postgres().folder}&sslmode=disable"
        return f'  backend "pg" {{\n    conn_str = "{dsn}"\n    schema_name = "tf_{self.key}"\n  }}\n'

    def apply(self, parallelism: int, *, held: tuple[int, Path] | None = None) -> list[str]:
        command = ["terraform", "apply", "-auto-approve", "-no-color", f"-parallelism={parallelism}"]
        command.append(f"-lock-timeout={LOCK_SECONDS}s")
        return command if held is None else ["env", f"PNS_ANSWERED={held[0]}:{held[1]}", *command]

    def recorded(self) -> tuple[set[str], int] | None:
        pulled = self.run(["terraform", "state", "pull"])
        if pulled.returncode != 0:
            return None
        if not pulled.stdout.strip():
            return set(), 0
        resources = json.loads(pulled.stdout)["resources"]
        return {one["attributes"]["id"] for resource in resources for one in resource["instances"]}, 0

    def lock_left(self, finished: "subprocess.CompletedProcess[str]") -> str | None:
        # Only the http backend's message tells the id of the lock that stands; the others' table is that lock's.
        found = re.search(r"already locked:\s+ID=(\S+)", finished.stderr) or re.search(
            r"Error acquiring the state lock.*?\bID:\s+(\S+)", finished.stderr, re.DOTALL
        )
        return found.group(1) if found else None

    def unlock(self, lock: str) -> list[str]:
        return ["terraform", "force-unlock", "-force", lock]

    def empty(self) -> bool:
        return self.run(["terraform", "plan", "-detailed-exitcode", "-no-color"]).returncode == 0

    @property
    def journal(self) -> Path:
        return self.folder / "terraform.tfstate"


class Pnsync(Tool):
    """pnsync, of this checkout."""

    name = "pnsync"

    def __init__(self, folder: Path, endpoint: str, place: str) -> None:
        super().__init__(folder, endpoint, place)
        self.environment |= {"STATE_USER": "u", "STATE_PASSWORD": "p"}
        if place == "postgres":
            self.environment["STATE_DSN"] = servers.postgres().dsn
        rides = "".join(f"  ride-{a}: {{mode: axb, phone_a: {a}, phone_b: {b}}}\n" for a, b in PAIRS)
        rides = re.sub(r"ride-447700900", "ride-", rides)
        (folder / "pnsync.yaml").write_text(
            f"version: 1\nstate: {self._state()}\n"
            f'providers: {{nx: {{type: nxcloud, endpoint: "{endpoint}", rate: 1000}}}}\n'
            f"defaults: {{provider: nx, expires_in: 1d}}\nbindings:\n{rides}"
        )

    def _state(self) -> str:
        if self.place == "local":
            return "{backend: local, path: state/pnsync.state.json}"
        if self.place == "http":
            address = f"{STATE_SERVER.address}/{self.key}"
            return (
                f"{{backend: http, address: '{address}', lock_address: '{address}/lock', "
                "username: {env: STATE_USER}, password: {env: STATE_PASSWORD}}"
            )
        return f"{{backend: postgres, dsn: {{env: STATE_DSN}}, name: {self.key}}}"

    def apply(self, parallelism: int, *, held: tuple[int, Path] | None = None) -> list[str]:
        begin = ["-m", "pnsync"] if held is None else ["-m", "benchmarks.terraform.answered", *map(str, held)]
        return [
            sys.executable,
            *begin,
            "apply",
            "--auto-approve",
            f"--parallelism={parallelism}",
            f"--lock-timeout={LOCK_SECONDS}s",
        ]

    def _pnsync(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "pnsync", *words]

    def recorded(self) -> tuple[set[str], int] | None:
        file = self.folder / f"pulled-{time.monotonic_ns()}.json"
        if self.run(self._pnsync("state", "pull", str(file))).returncode != 0:
            return None
        state = json.loads(file.read_text())
        attempts = sum(one["standing"] == "open" for one in state["pending"].values())
        return {one["bind_id"] for one in state["entries"].values()}, attempts

    def lock_left(self, finished: "subprocess.CompletedProcess[str]") -> str | None:
        found = re.search(r"pnsync unlock (\S+)", finished.stdout + finished.stderr)
        return found.group(1) if finished.returncode == 6 and found else None

    def unlock(self, lock: str) -> list[str]:
        return self._pnsync("unlock", lock)

    def empty(self) -> bool:
        return self.run(self._pnsync("plan", "--detailed-exitcode")).returncode == 0

    @property
    def journal(self) -> Path:
        return self.folder / "state" / "pnsync.state.json.journal"
