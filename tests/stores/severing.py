"""A proxy that cuts a connection at a byte: of the request on its way to the server, or of the answer on its way back.

On loopback for what speaks HTTP, on a socket in a folder for PostgreSQL. It reads nothing of what passes.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path

REQUEST, ANSWER = "request", "answer"


class Severing:
    """Passes bytes both ways; once armed, cuts both ends of the connection on which that byte comes by."""

    def __init__(self, listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
        self._listener = listener
        self._connect = connect
        self._guard = threading.Lock()
        self._side, self._left = "", 0
        self.cuts = 0
        self.answered = 0
        """Bytes of answers that came by."""
        listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, side: str, after: int) -> None:
        """Cut once `after` more bytes of this side have passed; of the next byte nothing comes through."""
        with self._guard:
            self._side, self._left = side, after

    def disarm(self) -> None:
        """Let everything pass."""
        with self._guard:
            self._side = ""

    def close(self) -> None:
        """Take no connections any more."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = self._connect()
            except OSError:
                client.close()
                continue
            for side, source, target in ((REQUEST, client, server), (ANSWER, server, client)):
                threading.Thread(target=self._pump, args=(side, source, target), daemon=True).start()

    def _pump(self, side: str, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                passing = self._passing(side, len(data))
                target.sendall(data[:passing])
                if passing < len(data):
                    break
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _passing(self, side: str, size: int) -> int:
        """How many of these bytes pass; fewer than there are where it is cut here."""
        with self._guard:
            self.answered += size if side == ANSWER else 0
            if self._side != side:
                return size
            if size <= self._left:
                self._left -= size
                return size
            self._side = ""
            self.cuts += 1
            return self._left


def before_postgres(server: Path, folder: Path) -> Severing:
    """Where libpq looks for a socket, in `folder`, in front of the server on the one in `server`."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / ".s.PGSQL.5432"))

    def connect() -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        made.connect(str(server / ".s.PGSQL.5432"))
        return made

    return Severing(listener, connect)


def before_http(endpoint: str) -> tuple[Severing, str]:
    """In front of a server on loopback; and its own address."""
    host, _, port = endpoint.removeprefix("http://").partition(":")
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    made = Severing(listener, lambda: socket.create_connection((host, int(port)), timeout=20))
    return made, f"http://127.0.0.1:{listener.getsockname()[1]}"
