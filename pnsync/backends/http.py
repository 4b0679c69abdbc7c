"""A state behind Terraform's HTTP state protocol: GET, POST, LOCK, UNLOCK, the lock's id as `?ID=`.

The server keeps one document and knows nothing of journals, so that documents and records travel in it together and
every append posts the whole. Where the server offers ETags they are the condition of each post; where it does not, its
lock carries the promise, and what stood there is compared before each post (docs/backends.md says what that means).
A server with neither is refused. An answer is bounded in size and time before it is held in memory.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx

from pnsync import holder as holders
from pnsync.backends.bounds import LIMIT_BYTES
from pnsync.backends.patience import Patience
from pnsync.backends.terraform import Content, digest, document, holder_of, lock_request, read_document
from pnsync.errors import Locked, StateError, UsageError
from pnsync.interfaces import Blob, Changed, Clock, Exclusive, Taken
from pnsync.statefile.codes import refusal, summary
from pnsync.tls import tls_context

TIMEOUT_SECONDS: Final = 20.0
TOTAL_SECONDS: Final = 120.0
"""For one answer, drip by drip."""
_POLL_SECONDS: Final = 1.0
_LOOK: Final = "pnsync-look"
"""The lock's id while somebody only looks who holds it, and how long that is waited for."""
_LOOKING_SECONDS: Final = 5.0
_HELD: Final = (409, 423)
_STALE: Final = 412


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where the server is, and the methods it knows; user name and password (or token) come from the environment."""

    address: str
    lock_address: str | None = None
    unlock_address: str | None = None
    update_method: str = "POST"
    lock_method: str = "LOCK"
    unlock_method: str = "UNLOCK"
    username: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a server answered, whole."""

    status_code: int
    content: bytes
    etag: str | None


class HttpBackend:
    """One state at one address. `ca_file` names further certificates, `limit_bytes` bounds an answer."""

    def __init__(
        self,
        settings: HttpSettings,
        clock: Clock,
        *,
        ca_file: str | None = None,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._limit = limit_bytes
        parts = urlsplit(settings.address)
        self.location = f"{parts.scheme}://{parts.hostname}{parts.path}"
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "pnsync",
            "Accept-Encoding": "identity",
        }
        auth = None
        if settings.username is not None:
            auth = httpx.BasicAuth(settings.username, settings.password or "")
        elif settings.password is not None:
            headers["Authorization"] = f"Bearer {settings.password}"
        try:
            context = tls_context(ca_file)
        except OSError:
            raise UsageError(
                "the file that PNSYNC_CA_FILE names holds no certificates",
                "It must be a readable file of certificates in PEM form.",
            ) from None
        self._client = httpx.Client(
            auth=auth,
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
            trust_env=False,
            verify=context,
            headers=headers,
        )
        self._lock_id: str | None = None
        self._writing = threading.Lock()
        self._has_answered = False

    # -- documents and records -------------------------------------------------------------------------------------

    def read(self, name: str) -> Blob | None:
        """A document, None when there is none."""
        data = self._fetch().documents.get(name)
        return None if data is None else Blob(data, digest(data))

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """Replace a document at version `expected`; raises Changed."""
        posted = False

        def step(content: Content) -> bool:
            nonlocal posted
            present = content.documents.get(name)
            if posted and present == data:
                return False
            if (None if present is None else digest(present)) != expected:
                raise Changed
            posted = True
            content.documents[name] = data
            return True

        try:
            self._change(step)
        except Taken:
            raise Changed from None
        return digest(data)

    def records(self, after: int) -> Sequence[tuple[int, bytes]]:
        """Every record after this one, in order."""
        found = self._fetch().records
        return [(seq, found[seq]) for seq in sorted(found) if seq > after]

    def append(self, seq: int, record: bytes) -> None:
        """Add record `seq` when its slot is free and the log is empty or ends just before it. Raises Taken."""

        def step(content: Content) -> bool:
            present = content.records.get(seq)
            if present == record:
                return False
            if present is not None or (content.records and max(content.records) != seq - 1):
                raise Taken
            content.records[seq] = record
            return True

        self._change(step)

    def drop(self, through: int) -> None:
        """Forget the records up to `through`."""

        def step(content: Content) -> bool:
            gone = [seq for seq in content.records if seq <= through]
            for seq in gone:
                del content.records[seq]
            return bool(gone)

        self._change(step)

    def reserve(self, size: int) -> None:
        """A server does not tell; see that it answers."""
        self._fetch()

    # -- the server's lock -----------------------------------------------------------------------------------------

    def exclusive(self, holder: bytes, timeout: float) -> Exclusive | None:
        """The server's lock where it has one; raises Locked when `timeout` seconds have passed."""
        if self._settings.lock_address is None:
            return None
        begun = self._clock.monotonic()
        while True:
            held, other = self._lock(holder)
            if held is not None:
                self._lock_id = held
                return _ServerLock(self, held)
            looked = other is not None and _LOOK.encode() in other
            waited = self._clock.monotonic()
            left = begun + (max(timeout, _LOOKING_SECONDS) if looked else timeout) - waited
            if left <= 0:
                raise self._locked(other)
            pause = min(_POLL_SECONDS / 10 if looked else _POLL_SECONDS, left)
            self._clock.sleep(pause)
            # A sleep that was cut short is an interrupted run's, which waits no longer.
            if self._clock.monotonic() - waited < pause / 2:
                raise self._locked(other)

    def occupant(self) -> bytes | None:
        """What the lock's holder wrote. The protocol tells it only to who asks for the lock, so it is asked for."""
        if self._settings.lock_address is None or self._lock_id is not None:
            return None
        looking = {"id": _LOOK, "user": "pnsync", "host": "", "pid": 0, "command": "pnsync status"}
        held, other = self._lock(json.dumps({**looking, "since": int(self._clock.now())}).encode())
        if held is not None:
            self.unlock(held)
            return None
        return other

    def evict(self, holder: bytes) -> bool:
        """Break the lock that this holder wrote."""
        found = holders.load(holder)
        return found is not None and self.unlock(found.id)

    def unlock(self, lock_id: str) -> bool:
        """Give the lock with this id up; False where the server holds no such lock."""
        address = self._settings.unlock_address or self._settings.lock_address
        assert address is not None
        answer = self._send(self._settings.unlock_method, address, {"ID": lock_id}, {"ID": lock_id})
        if lock_id == self._lock_id:
            self._lock_id = None
        return answer.status_code < 300

    def holds(self, lock_id: str) -> bool:
        """Whether the lock with this id is ours, as far as the server has said."""
        return self._lock_id == lock_id

    def _lock(self, holder: bytes) -> tuple[str | None, bytes | None]:
        """Ask for the lock: its id where it is ours, else what its holder wrote."""
        assert self._settings.lock_address is not None
        body = lock_request(holder, self._clock.now())
        answer = self._send(self._settings.lock_method, self._settings.lock_address, {}, body)
        if answer.status_code < 300:
            return body["ID"], None
        if answer.status_code not in _HELD:
            raise self._failure(f"the lock was answered with HTTP {answer.status_code}")
        return None, holder_of(answer.content)

    def _locked(self, other: bytes | None) -> Locked:
        return holders.locked(None if other is None else holders.load(other), self._clock.now())

    # -- the one document --------------------------------------------------------------------------------------------

    def _fetch(self) -> Content:
        answer = self._send("GET", self._settings.address, {}, None)
        if answer.status_code in (204, 404) or (answer.status_code == 200 and not answer.content):
            return Content()
        if answer.status_code != 200:
            raise self._failure(f"the state was answered with HTTP {answer.status_code}")
        try:
            return read_document(answer.content, answer.etag)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise refusal(
                "S968",
                f"{self.location} answers with a document that pnsync did not write; it is left as it is.",
                "Name another address in `state:`.",
            ) from None

    def _change(self, step: Callable[[Content], bool]) -> None:
        """Post what `step` makes of the document (False: nothing is to be done), on whatever others post meanwhile.

        After an answer that was lost or says that others were faster `step` looks again. Raises what it raises, and
        Taken where the server says that our lock is gone.
        """
        patience = Patience(self._clock)
        while True:
            failed: StateError | None = None
            with self._writing:
                try:
                    content = self._fetch()
                    if not step(content) or self._post(content):
                        return
                except _Unclear as error:
                    if not self._has_answered:
                        raise
                    failed = error
            if not patience.again():
                raise failed or self._failure("others keep changing the document")

    def _post(self, content: Content) -> bool:
        """Put the changed document in the place of the one it was read from; False where another stands there."""
        headers: dict[str, str] = {}
        if content.etag is not None:
            headers["If-Match"] = content.etag
        elif content.version is None:
            headers["If-None-Match"] = "*"
        elif self._settings.lock_address is None:
            raise refusal(
                "S969",
                f"{self.location} sends no ETag, and `lock_address` is not set.",
            )
        elif self._fetch().version != content.version:
            return False
        asked = {} if self._lock_id is None else {"ID": self._lock_id}
        method, address = self._settings.update_method, self._settings.address
        answer = self._send(method, address, asked, document(content), headers)
        if answer.status_code == _STALE:
            return False
        if answer.status_code in _HELD:
            # Without a lock of ours somebody else's keeps us out; with one, ours was broken.
            self._lock_id = None
            raise Taken
        if answer.status_code >= 300:
            raise self._failure(f"a write was answered with HTTP {answer.status_code}")
        return True

    def _send(
        self,
        method: str,
        address: str,
        asked: Mapping[str, str],
        body: object,
        headers: Mapping[str, str] | None = None,
    ) -> _Answer:
        data = b"" if body is None else json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
        begun = self._clock.monotonic()
        try:
            request = self._client.build_request(
                method,
                httpx.URL(address).copy_merge_params(dict(asked)),
                content=data,
                headers=dict(headers or {}),
            )
            found = self._client.send(request, stream=True)
            try:
                if found.status_code >= 500:
                    raise self._unclear(f"HTTP {found.status_code}")
                answer = _Answer(found.status_code, self._read(found, begun), found.headers.get("ETag"))
            finally:
                found.close()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unclear(type(error).__name__) from None
        self._has_answered = True
        if answer.status_code in (401, 403):
            raise self._failure(f"the server refuses the credentials (HTTP {answer.status_code})")
        return answer

    def _read(self, found: httpx.Response, begun: float) -> bytes:
        """The body as it was sent, of at most as many bytes as a state may have."""
        if found.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            raise self._failure("the answer is compressed, which was not asked for")
        parts: list[bytes] = []
        size = 0
        for part in found.iter_raw():
            size += len(part)
            if size > self._limit:
                raise self._failure("the answer is larger than any state")
            if self._clock.monotonic() - begun > TOTAL_SECONDS:
                raise self._unclear("no whole answer in time")
            parts.append(part)
        return b"".join(parts)

    def _failure(self, why: str) -> StateError:
        return refusal("S967", *self._detail(why))

    def _unclear(self, why: str) -> "_Unclear":
        return _Unclear(summary("S967"), *self._detail(why), code="S967")

    def _detail(self, why: str) -> tuple[str, ...]:
        return (
            f"{self.location}: {why}.",
            "No call is made whose intent cannot be stored. See that the server runs and takes the credentials, then",
            "run the same command again.",
        )


class _Unclear(StateError):
    """No answer, or one that does not tell whether a write took effect."""


class _ServerLock:
    """The server's lock while it is ours. It does not die with us: `pnsync unlock ID` is for that."""

    def __init__(self, backend: HttpBackend, lock_id: str) -> None:
        self._backend = backend
        self._id = lock_id

    def still_held(self) -> bool:
        """Whether we have not given it up; a server that took it away refuses the next write."""
        return self._backend.holds(self._id)

    def release(self) -> None:
        """Give it up where it is still ours. Where that fails it stays, and its next contender is told the way out."""
        if not self._backend.holds(self._id):
            return
        try:
            self._backend.unlock(self._id)
        except StateError:
            return
