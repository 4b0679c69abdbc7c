"""Programs in processes of their own that need not import anything first: forks of one that has.

`start` is `subprocess.Popen` for a `python -m module ..` or `python file ..`: a process with its own pid, session,
environment, folder and streams, which signals reach as any other. What it does not have is its own command line in
the process list and its own start of the interpreter. `command` is the same for those who need a command line: shells,
and code that calls `subprocess` itself. One nursery a process of tests; it ends with that process.
"""

import ast
import atexit
import contextlib
import gc
import io
import json
import os
import pkgutil
import runpy
import secrets
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import IO, Any, NoReturn

from tests.profile import QUICK

REPOSITORY = Path(__file__).parents[1]
FORKED = Path(__file__).with_name("forked.py")
_LARGEST_BYTES = 200_000
_LIBRARIES = ("certifi", "deepdiff", "httpcore", "httpx", "psycopg", "rich.progress", "rich.console")


class Running:
    """A process, with the part of Popen that tests use."""

    def __init__(self, args: Sequence[str], status: int, streams: "tuple[IO[bytes] | None, ...]") -> None:
        self.args = args
        self.stdin, self.stdout, self.stderr = streams
        self.returncode: int | None = None
        self._status = status
        self._told = b""
        self.pid = int(self._line(None) or b"0")
        assert self.pid, "the nursery is gone"

    def _line(self, timeout: float | None) -> bytes | None:
        while b"\n" not in self._told:
            if not select.select([self._status], [], [], timeout)[0]:
                return None
            read = os.read(self._status, 100)
            assert read, "the nursery is gone"
            self._told += read
        line, _, self._told = self._told.partition(b"\n")
        return line

    def poll(self) -> int | None:
        """The exit code, of a process that has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end."""
        if self.returncode is None:
            line = self._line(timeout)
            if line is None:
                raise subprocess.TimeoutExpired(list(self.args), timeout or 0)
            self.returncode = int(line)
            os.close(self._status)
        return self.returncode

    def communicate(
        self, input: bytes | None = None, timeout: float | None = None
    ) -> tuple[bytes | None, bytes | None]:
        """Feed, read to the end, wait."""
        until = None if timeout is None else time.monotonic() + timeout
        found: dict[int, bytes] = {}

        def read(number: int, stream: IO[bytes]) -> None:
            found[number] = stream.read()

        def write(stream: IO[bytes]) -> None:
            with contextlib.suppress(BrokenPipeError), stream:
                stream.write(input or b"")

        work = [
            threading.Thread(target=read, args=(number, stream), daemon=True)
            for number, stream in ((1, self.stdout), (2, self.stderr))
            if stream is not None
        ]
        if self.stdin is not None:
            work.append(threading.Thread(target=write, args=(self.stdin,), daemon=True))
        for one in work:
            one.start()
        for one in work:
            one.join(None if until is None else max(0.0, until - time.monotonic()))
            if one.is_alive():
                raise subprocess.TimeoutExpired(list(self.args), timeout or 0)
        self.wait(None if until is None else max(0.0, until - time.monotonic()))
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        return found.get(1), found.get(2)

    def send_signal(self, number: int) -> None:
        """Send a signal to a process that is still there."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self.stdout, self.stderr, self.stdin):
            if stream is not None:
                stream.close()
        self.wait()


@cache
def _nursery() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind("\0" + _address())
        listening.listen(64)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.forking", str(theirs.fileno()), str(listening.fileno())],
            cwd=REPOSITORY,
            pass_fds=[theirs.fileno(), listening.fileno()],
            start_new_session=True,
        )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


@cache
def _address() -> str:
    return f"pnsync-{os.getpid()}-{secrets.token_hex(8)}"


def command(*words: str) -> list[str]:
    """The command line of `python words..`, where `words` begin with `-m`, `-c` or a file; in quick, of a fork.

    A fork needs its three streams open, and knows nothing of what is in the environment for the interpreter itself.
    """
    return forked(*words) if QUICK else [sys.executable, *words]


def forked(*words: str) -> list[str]:
    """The command line of a fork in every profile."""
    _nursery()
    return [sys.executable, "-I", "-S", str(FORKED), _address(), *words]


def start(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdin: Any = None,
    stdout: Any = None,
    stderr: Any = None,
) -> Running:
    """Begin `argv`, which is this interpreter with `-m module ..` or a file, as the leader of a session."""
    assert argv[0] == sys.executable, argv
    sent: list[int] = []
    kept: list[IO[bytes] | None] = []
    closing: list[int] = []
    for number, given in enumerate((stdin, stdout, stderr)):
        if given == subprocess.PIPE:
            reading, writing = os.pipe()
            theirs, ours = (reading, writing) if number == 0 else (writing, reading)
            kept.append(os.fdopen(ours, "wb" if number == 0 else "rb"))
            sent.append(theirs)
            closing.append(theirs)
        elif given == subprocess.DEVNULL:
            sent.append(os.open(os.devnull, os.O_RDWR))
            closing.append(sent[-1])
            kept.append(None)
        else:
            sent.append(number if given is None else given if isinstance(given, int) else given.fileno())
            kept.append(None)
    status, telling = os.pipe()
    order = json.dumps({"argv": list(argv[1:]), "cwd": str(cwd), "env": dict(env)}).encode()
    assert len(order) < _LARGEST_BYTES
    socket.send_fds(_nursery(), [order], [*sent, telling])
    for one in (*closing, telling):
        os.close(one)
    return Running(argv, status, tuple(kept))


def _born(order: dict[str, Any], fds: list[int]) -> NoReturn:
    """Become the program that was asked for."""
    os.setsid()
    for number, fd in enumerate(fds[:3]):
        os.dup2(fd, number)
    os.closerange(3, 1024)
    os.environ.clear()
    os.environ.update(order["env"])
    sys.path += [
        one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one and one not in sys.path
    ]
    time.tzset()
    os.chdir(order["cwd"])
    signal.set_wakeup_fd(-1)
    # The streams as a new interpreter would have them, in UTF-8.
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8")
    out, err = (io.BufferedWriter(io.FileIO(number, "w", closefd=False)) for number in (1, 2))
    sys.stdout = io.TextIOWrapper(out, "utf-8", line_buffering=os.isatty(1))
    sys.stderr = io.TextIOWrapper(err, "utf-8", "backslashreplace", line_buffering=True)
    argv: list[str] = order["argv"]
    code: object = 0
    try:
        if argv[0] == "-m":
            sys.argv = ["-m", *argv[2:]]
            runpy.run_module(argv[1], run_name="__main__", alter_sys=True)
        elif argv[0] == "-c":
            sys.argv = ["-c", *argv[2:]]
            sys.modules["__main__"] = ModuleType("__main__")
            exec(argv[1], vars(sys.modules["__main__"]))
        else:
            sys.argv = argv
            runpy.run_path(argv[0], run_name="__main__")
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    # As the interpreter ends, but for taking down a heap that is shared with the nursery: that would copy all of it.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    os._exit(_flushed(code))


def _flushed(code: object) -> int:
    """The exit code once both streams are written."""
    if not isinstance(code, int | None):
        sys.stderr.write(f"{code}\n")
        code = 1
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return code or 120
    return code or 0


def _serve(control: socket.socket, listening: socket.socket) -> None:
    """Give birth until nobody asks any more; in a child this raises, or returns, as its program does."""
    children: dict[int, tuple[int, int]] = {}
    standing: dict[int, int] = {}
    """Who stands for a program, by descriptor: its process, 0 before it is asked for."""
    with select.epoll() as waiting:

        def born(order: dict[str, Any], fds: list[int], telling: int) -> int:
            pid = os.fork()
            if pid == 0:
                # Closed by their own objects, which would close somebody else's number at the end.
                waiting.close()
                control.close()
                listening.close()
                _born(order, fds)
            pidfd = os.pidfd_open(pid)
            waiting.register(pidfd, select.EPOLLIN)
            children[pidfd] = (pid, telling)
            os.write(telling, b"%d\n" % pid)
            for one in fds:
                os.close(one)
            return pid

        for one in (control, listening):
            waiting.register(one, select.EPOLLIN)
        while True:
            for ready, _ in waiting.poll():
                if ready == control.fileno():
                    order, fds, _, _ = socket.recv_fds(control, _LARGEST_BYTES, 4)
                    if not order:
                        return
                    born(json.loads(order), fds[:3], fds[3])
                elif ready == listening.fileno():
                    connection = listening.accept()[0].detach()
                    standing[connection] = 0
                    waiting.register(connection, select.EPOLLIN)
                elif ready in standing:
                    order, fds = _asked(ready)
                    if order:
                        standing[ready] = born(ast.literal_eval(order.decode()), fds, ready)
                    else:
                        waiting.unregister(ready)
                        if pid := standing.pop(ready):
                            os.kill(pid, signal.SIGKILL)
                elif ready in children:
                    pid, telling = children.pop(ready)
                    _, status = os.waitpid(pid, 0)
                    with contextlib.suppress(BrokenPipeError, ConnectionError):
                        os.write(telling, b"%d\n" % os.waitstatus_to_exitcode(status))
                    if standing.pop(telling, 0):
                        waiting.unregister(telling)
                    waiting.unregister(ready)
                    os.close(ready)
                    os.close(telling)


def _asked(connection: int) -> tuple[bytes, list[int]]:
    """What somebody who stands for a program asks for; nothing from who is gone."""
    asking = socket.socket(fileno=connection)
    try:
        order, fds, _, _ = socket.recv_fds(asking, _LARGEST_BYTES, 3)
    except ConnectionError:
        return b"", []
    finally:
        asking.detach()
    return order, fds


def learn() -> None:
    """Import what programs import."""
    import pnsync

    for one in pkgutil.walk_packages(pnsync.__path__, "pnsync."):
        if not one.name.endswith("__main__"):
            import_module(one.name)
    for name in _LIBRARIES:
        with contextlib.suppress(ImportError):
            import_module(name)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    learn()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    _serve(socket.socket(fileno=int(sys.argv[1])), socket.socket(fileno=int(sys.argv[2])))
