"""SOPS files: recognised, and opened by the `sops` program where there is one.

Promises: the program is found in the absolute folders of PATH alone, gets the file on its standard input and nothing of
the environment but what age keys need, and has neither a terminal nor a folder of the project; its answer is bounded in
time and size, comes through a pipe and is written nowhere; nothing that it says enters a message. Whom the file may ask
for its key is the caller's to judge first (`foreign_keys`): a file from a pull request could name a server.
"""

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pnsync.errors import UsageError
from pnsync.sealing.identity import FILE_VARIABLE, VARIABLE, Identity, NoKey

METADATA: Final = "sops"
"""The key under which SOPS keeps what it needs to open a file."""
TIMEOUT_SECONDS: Final = 30.0
LIMIT_BYTES: Final = 64 * 1024 * 1024
_COMMAND: Final = ("--decrypt", "--input-type", "yaml", "--output-type", "yaml", "/dev/stdin")
_OWN_KEYS: Final = ("SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "HOME", "XDG_CONFIG_HOME")
"""Where sops looks for age keys of its own, passed on where pnsync has none."""
_HARMLESS: Final = frozenset(
    [
        "age",
        "lastmodified",
        "mac",
        "mac_only_encrypted",
        "shamir_threshold",
        "version",
        "unencrypted_suffix",
        "encrypted_suffix",
        "unencrypted_regex",
        "encrypted_regex",
        "unencrypted_comment_regex",
        "encrypted_comment_regex",
    ]
)
_CHUNK: Final = 65536
_TOO_LONG: Final = "it did not answer in time"
_TOO_MUCH: Final = "it gave more than a file of numbers can hold"
_NO_KEY: Final = 128
_MAC: Final = (51, 52, 25)
"""MAC wrong, MAC missing, and a value that its own tag refuses: sops' exit codes."""


def is_sops(data: bytes) -> bool:
    """Whether a YAML file may be one of SOPS: it has the key `sops` at its top."""
    return data.startswith(b"sops:") or b"\nsops:" in data


def foreign_keys(metadata: Mapping[str, object]) -> list[str]:
    """What a file's metadata names besides age keys: services that opening it would ask."""
    return sorted(name for name, value in metadata.items() if name not in _HARMLESS and value)


def open_sops(data: bytes, name: str, identity: Identity, environ: Mapping[str, str]) -> bytes:
    """The plain YAML of a SOPS file called `name`. Raises UsageError, each cause with its own words; NoKey where this run
    was told of no identity and none of sops' own serves."""
    refused = UsageError if identity.given else NoKey
    program = _program(environ.get("PATH", os.defpath))
    if program is None:
        raise refused(
            "the sops program is needed",
            f"{name} is encrypted with SOPS, and PATH has no `sops`.",
            "Install it, or keep the numbers in an age file, which needs no program:",
            command="pnsync numbers add NAME --file numbers.yaml.age",
        )
    code, plain = _answer([program, *_COMMAND], data, _environment(identity, environ), name)
    if code == 0:
        return plain
    if code == _NO_KEY:
        raise refused(
            "a SOPS file cannot be opened",
            f"{name} is encrypted to others than the age identity of this run."
            if identity.given
            else f"{name} needs an age identity, and sops found none.",
            f"{VARIABLE} or {FILE_VARIABLE} names it. Who can open the file adds you with:",
            command=f"sops rotate --in-place --add-age age1… {name}",
        )
    if code in _MAC:
        raise UsageError(
            "a SOPS file was altered",
            f"{name}: its MAC is not the one of its content, so that somebody changed it without its key.",
            "Bring back the version before, and change it with:",
            command=f"sops {name}",
        )
    raise UsageError(
        "a SOPS file cannot be opened",
        f"sops ended with {code} on {name}: it is damaged, or written by a version that this sops does not read.",
        "See what it says:",
        command=f"sops --decrypt {name} > /dev/null",
    )


def _program(path: str) -> str | None:
    """The program, from absolute folders only: a relative one would lead into the project."""
    folders = [one for one in path.split(os.pathsep) if Path(one).is_absolute()]
    return shutil.which("sops", path=os.pathsep.join(folders)) if folders else None


def _environment(identity: Identity, environ: Mapping[str, str]) -> dict[str, str]:
    found = {"PATH": os.defpath, "LC_ALL": "C"}
    if identity.given:
        return found | {"SOPS_AGE_KEY": identity.text()}
    return found | {name: environ[name] for name in _OWN_KEYS if name in environ}


def _answer(command: list[str], data: bytes, environ: Mapping[str, str], name: str) -> tuple[int, bytes]:
    try:
        running = subprocess.Popen(  # noqa: S603 - an absolute program and fixed words
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=dict(environ),
            start_new_session=True,
        )
    except OSError:
        raise UsageError(
            "the sops program cannot be run", f"{command[0]}, for {name}.", "See whether it runs by itself:",
            command="sops --version",
        ) from None  # fmt: skip
    try:
        plain = _exchange(running, data, time.monotonic() + TIMEOUT_SECONDS)
        return running.wait(), plain
    except _Exceeded as error:
        raise UsageError("sops was ended", f"{name}: {error}.") from None
    finally:
        if running.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()
        for pipe in (running.stdin, running.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()


class _Exceeded(Exception):
    """The program takes longer, or says more, than it may."""


def _exchange(running: "subprocess.Popen[bytes]", data: bytes, ends: float) -> bytes:
    """What the program writes while it is fed. Raises _Exceeded."""
    assert running.stdin is not None and running.stdout is not None
    given, taken = running.stdin.fileno(), running.stdout.fileno()
    os.set_blocking(given, False)
    rest, plain = memoryview(data), bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(given, selectors.EVENT_WRITE)
        ready.register(taken, selectors.EVENT_READ)
        while True:
            left = ends - time.monotonic()
            if left <= 0:
                raise _Exceeded(_TOO_LONG)
            for key, _ in ready.select(left):
                if key.fd == taken:
                    part = os.read(taken, _CHUNK)
                    plain += part
                    if len(plain) > LIMIT_BYTES:
                        raise _Exceeded(_TOO_MUCH)
                    if not part:
                        _await_end(running, ends)
                        return bytes(plain)
                    continue
                try:
                    rest = rest[os.write(given, rest[:_CHUNK]) :]
                except BrokenPipeError:
                    rest = rest[:0]  # it has read enough: its exit code says the rest
                if not rest:
                    ready.unregister(given)
                    running.stdin.close()


def _await_end(running: "subprocess.Popen[bytes]", ends: float) -> None:
    """A program that closed its output has to end, too. Raises _Exceeded."""
    try:
        running.wait(max(0.0, ends - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise _Exceeded(_TOO_LONG) from None
