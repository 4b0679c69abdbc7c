"""A bare HTTP server on loopback whose every byte a test decides, and a clock of real time."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from pnsync.journal import Outcome
from pnsync.model import ProviderConfig

from .world import START, golden_nx_intents, nx_config, nxcloud

BODY = b'{"code": 0, "data": {"bindId": "abc", "did": "85235753351"}}'
Talk = Callable[[socket.socket, int], None]
Conversation = Callable[["Server", socket.socket, int], None]


class RealClock:
    """This machine's monotonic time; the wall clock begins where the intents of the tests do."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def now(self) -> float:
        return START + time.monotonic() - self._began

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.01))


class Server:
    """Accepts connections and lets `talk` hold each conversation; counts connections and requests."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            number, self.connections = self.connections, self.connections + 1
            threading.Thread(target=self._hold, args=(connection, number), daemon=True).start()

    def _hold(self, connection: socket.socket, number: int) -> None:
        with connection, suppress(OSError):
            self._talk(connection, number)

    def request(self, connection: socket.socket) -> bytes:
        """One whole request."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                raise OSError("closed")
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [one[15:] for one in head.split(b"\r\n") if one.lower().startswith(b"content-length:")]
        length = int(lengths[0]) if lengths else 0
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append(head)
        return body

    def close(self) -> None:
        self._listener.close()


@contextmanager
def serving(talk: Conversation) -> Iterator[Server]:
    holder: list[Server] = []
    server = Server(lambda connection, number: talk(holder[0], connection, number))
    holder.append(server)
    try:
        yield server
    finally:
        server.close()


def config(port: int, scheme: str = "http", host: str = "127.0.0.1") -> ProviderConfig:
    return nx_config(endpoint=f"{scheme}://{host}:{port}/api/pns/")


def send(port: int, total_seconds: float = 5) -> Outcome:
    provider = nxcloud(None, RealClock(), config=config(port), total_seconds=total_seconds)
    try:
        return provider.send(golden_nx_intents()["bindAXB"])
    finally:
        provider.close()


def response(body: bytes = BODY, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
