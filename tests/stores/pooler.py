"""A transaction-pooling proxy in front of PostgreSQL, and one that cuts connections: on sockets, in threads.

The pooler hands every transaction of a client to the next of its server connections, as PgBouncer may: what one
transaction leaves in a session is not there in the next.
"""

import socket
import struct
import threading
from abc import ABC, abstractmethod
from itertools import cycle
from pathlib import Path

_NO_ENCRYPTION = (80877103, 80877104)


class Stream:
    """Messages of PostgreSQL's protocol on a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            more = self.connection.recv(size - len(found))
            if not more:
                raise EOFError
            found += more
        return found

    def startup(self) -> bytes:
        size = self.exactly(4)
        return size + self.exactly(struct.unpack("!I", size)[0] - 4)

    def message(self) -> tuple[bytes, bytes]:
        kind, size = self.exactly(1), self.exactly(4)
        return kind, kind + size + self.exactly(struct.unpack("!I", size)[0] - 4)


def connect(folder: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.connect(str(folder / ".s.PGSQL.5432"))
    return made


class Proxy(ABC):
    """Listens where libpq looks for a socket, in `folder`; each connection is served by `serve` in a thread."""

    def __init__(self, server: Path, folder: Path) -> None:
        self.server = server
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / ".s.PGSQL.5432"))
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._served, args=(client,), daemon=True).start()

    def _served(self, client: socket.socket) -> None:
        try:
            self.serve(client)
        except (EOFError, OSError):
            pass
        finally:
            client.close()

    @abstractmethod
    def serve(self, client: socket.socket) -> None:
        """Talk with one client until it is gone. May raise EOFError and OSError."""

    def close(self) -> None:
        self.listener.close()


class Pooler(Proxy):
    """Every transaction goes to the next of three server connections."""

    def __init__(self, server: Path, folder: Path) -> None:
        self._guard = threading.Lock()
        self._welcome = b""
        self._pool = [(Stream(connect(server)), threading.Lock()) for _ in range(3)]
        text = b"user\0pnsync\0database\0postgres\0\0"
        for stream, _ in self._pool:
            stream.connection.sendall(struct.pack("!II", len(text) + 8, 196608) + text)
            self._welcome = self._until_ready(stream)[0]
        self._next = cycle(self._pool)
        self.transactions = 0
        super().__init__(server, folder)

    def _until_ready(self, stream: Stream) -> tuple[bytes, bytes]:
        """All messages up to ReadyForQuery, and the transaction's status in it."""
        found = b""
        while True:
            kind, whole = stream.message()
            found += whole
            if kind == b"Z":
                return found, whole[-1:]

    def serve(self, client: socket.socket) -> None:
        mine = Stream(client)
        while struct.unpack("!I", mine.startup()[4:8])[0] in _NO_ENCRYPTION:
            client.sendall(b"N")
        client.sendall(self._welcome)
        while True:
            with self._guard:
                server, free = next(self._next)
            kind, first = mine.message()
            if kind == b"X":
                return
            with free:
                status, batch = b"", first
                self.transactions += 1
                while status != b"I":
                    while kind not in (b"Q", b"S"):
                        kind, more = mine.message()
                        batch += more
                    server.connection.sendall(batch)
                    answer, status = self._until_ready(server)
                    client.sendall(answer)
                    if status != b"I":
                        kind, batch = mine.message()


class Cutter(Proxy):
    """Cuts each connection once `after` more bytes of the server's answers have passed; None: never."""

    after: int | None = None

    def serve(self, client: socket.socket) -> None:
        server = connect(self.server)

        def upwards() -> None:
            try:
                while data := client.recv(65536):
                    server.sendall(data)
            except OSError:
                pass

        threading.Thread(target=upwards, daemon=True).start()
        try:
            while data := server.recv(65536):
                if self.after is not None:
                    if len(data) > self.after:
                        client.sendall(data[: self.after])
                        self.after = None
                        client.shutdown(socket.SHUT_RDWR)
                        return
                    self.after -= len(data)
                client.sendall(data)
        finally:
            server.close()
