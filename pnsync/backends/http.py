"""A state behind Terraform's HTTP state protocol: GET, POST, DELETE, LOCK, UNLOCK, the lock's id as `?ID=`.

The server keeps one document and knows nothing of journals, so that documents and records travel in it together and
every append posts the whole. Where the server offers ETags they are the condition of each post; where it does not, its
lock carries the promise, and what stood there is compared before each post (docs/backends.md says what that means).
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from pnsync import holder as holders
from pnsync.errors import Locked, StateError
from pnsync.interfaces import Blob, Changed, Clock, Exclusive, Taken

TIMEOUT_SECONDS: Final = 20.0
LIMIT_BYTES: Final = 512 * 1024 * 1024
_POLL_SECONDS: Final = 1.0
_REFUSED: Final = (409, 412, 423)


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


@dataclass(slots=True)
class _Content:
    """The one document, taken apart. `version` names what the server holds, None: nothing."""

    documents: dict[str, bytes] = field(default_factory=dict)
    records: dict[int, bytes] = field(default_factory=dict)
    serial: int = 0
    version: str | None = None
    etag: str | None = None


class HttpBackend:
    """One state at one address."""

    def __init__(
        self, settings: HttpSettings, clock: Clock, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        parts = urlsplit(settings.address)
        self.location = f"{parts.scheme}://{parts.hostname}{parts.path}"
        auth = None
        if settings.username is not None or settings.password is not None:
            auth = httpx.BasicAuth(settings.username or "", settings.password or "")
        self._client = httpx.Client(
            transport=transport,
            auth=auth,
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
            trust_env=False,
            headers={"Content-Type": "application/json", "User-Agent": "pnsync"},
        )
        self._lock_id: str | None = None

    # -- documents and records -------------------------------------------------------------------------------------

    def read(self, name: str) -> Blob | None:
        """A document, None when there is none."""
        data = self._fetch().documents.get(name)
        return None if data is None else Blob(data, _digest(data))

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """Replace a document at version `expected`; raises Changed."""
        content = self._fetch()
        present = content.documents.get(name)
        if (None if present is None else _digest(present)) != expected:
            raise Changed
        content.documents[name] = data
        self._post(content, lambda now: now.documents.get(name) == data)
        return _digest(data)

    def records(self, after: int) -> Sequence[tuple[int, bytes]]:
        """Every record after this one, in order."""
        found = self._fetch().records
        return [(seq, found[seq]) for seq in sorted(found) if seq > after]

    def append(self, seq: int, record: bytes) -> None:
        """Add record `seq` when its slot is free and the log is empty or ends just before it. Raises Taken."""
        content = self._fetch()
        present = content.records.get(seq)
        if present is not None:
            if present == record:
                return
            raise Taken
        if content.records and max(content.records) != seq - 1:
            raise Taken
        content.records[seq] = record
        try:
            self._post(content, lambda now: now.records.get(seq) == record)
        except Changed:
            raise Taken from None

    def drop(self, through: int) -> None:
        """Forget the records up to `through`."""
        content = self._fetch()
        kept = {seq: one for seq, one in content.records.items() if seq > through}
        if len(kept) == len(content.records):
            return
        content.records = kept
        try:
            self._post(content, lambda now: not any(seq <= through for seq in now.records))
        except Changed:
            return  # somebody else has written; what is left is dropped by a later run

    def reserve(self, size: int) -> None:
        """A server does not tell; see that it answers."""
        self._fetch()

    # -- the server's lock -----------------------------------------------------------------------------------------

    def exclusive(self, holder: bytes, timeout: float) -> Exclusive | None:
        """The server's lock where it has one; raises Locked when `timeout` seconds have passed."""
        if self._settings.lock_address is None:
            return None
        until = self._clock.monotonic() + timeout
        while True:
            held, other = self._lock(holder)
            if held is not None:
                self._lock_id = held
                return _ServerLock(self, held)
            if self._clock.monotonic() >= until:
                raise self._locked(other)
            self._clock.sleep(min(_POLL_SECONDS, max(0.01, until - self._clock.monotonic())))

    def occupant(self) -> bytes | None:
        """What the lock's holder wrote. The protocol tells it only to who asks for the lock, so it is asked for."""
        if self._settings.lock_address is None or self._lock_id is not None:
            return None
        probe = json.dumps(
            {"id": "probe", "user": "", "host": "", "pid": 0, "command": "", "since": 0}
        ).encode()
        held, other = self._lock(probe)
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

    def _lock(self, holder: bytes) -> tuple[str | None, bytes | None]:
        """Ask for the lock: its id where it is ours, else what its holder wrote."""
        assert self._settings.lock_address is not None
        written = json.loads(holder)
        body = {
            "ID": written["id"],
            "Operation": written["command"],
            "Info": base64.b64encode(holder).decode(),
            "Who": f"{written['user']}@{written['host']}",
            "Version": "",
            "Created": "",
            "Path": "",
        }
        answer = self._send(self._settings.lock_method, self._settings.lock_address, {}, body)
        if answer.status_code < 300:
            return str(written["id"]), None
        if answer.status_code not in _REFUSED:
            raise self._failure(f"the lock was answered with HTTP {answer.status_code}")
        return None, _holder_of(answer.content)

    def _locked(self, other: bytes | None) -> Locked:
        return holders.locked(None if other is None else holders.load(other), self._clock.now())

    # -- the one document --------------------------------------------------------------------------------------------

    def _fetch(self) -> _Content:
        answer = self._send("GET", self._settings.address, {}, None)
        if answer.status_code in (204, 404) or (answer.status_code == 200 and not answer.content):
            return _Content()
        if answer.status_code != 200:
            raise self._failure(f"the state was answered with HTTP {answer.status_code}")
        try:
            found = json.loads(answer.content)
            inner = found["pnsync"]
            return _Content(
                {name: base64.b64decode(text) for name, text in inner["documents"].items()},
                {int(seq): base64.b64decode(text) for seq, text in inner["records"].items()},
                int(found["serial"]),
                _digest(answer.content),
                answer.headers.get("ETag"),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StateError(
                "the address holds something else than a state of pnsync",
                f"{self.location} answers with a document that pnsync did not write; it is left as it is.",
                "Name another address in `state:`.",
                code="S968",
            ) from None

    def _post(self, content: _Content, took_effect: Callable[[_Content], bool]) -> None:
        """Put the changed document in the place of the one it was read from. Raises Changed."""
        body = {
            "version": 4,
            "terraform_version": "1.0.0",
            "serial": content.serial + 1,
            "lineage": "pnsync",
            "outputs": {},
            "resources": [],
            "pnsync": {
                "documents": {
                    name: base64.b64encode(data).decode() for name, data in sorted(content.documents.items())
                },
                "records": {
                    str(seq): base64.b64encode(data).decode() for seq, data in sorted(content.records.items())
                },
            },
        }
        headers: dict[str, str] = {}
        if content.etag is not None:
            headers["If-Match"] = content.etag
        elif content.version is not None and self._fetch().version != content.version:
            raise Changed
        elif content.version is None:
            headers["If-None-Match"] = "*"
        asked = {} if self._lock_id is None else {"ID": self._lock_id}
        try:
            answer = self._send(self._settings.update_method, self._settings.address, asked, body, headers)
        except StateError:
            # The answer was lost: what stands there decides.
            if took_effect(self._fetch()):
                return
            raise
        if answer.status_code in _REFUSED:
            if took_effect(self._fetch()):
                return
            raise Changed
        if answer.status_code >= 300:
            raise self._failure(f"a write was answered with HTTP {answer.status_code}")

    def _send(
        self,
        method: str,
        address: str,
        asked: Mapping[str, str],
        body: object,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        data = b"" if body is None else json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
        try:
            request = self._client.build_request(
                method,
                httpx.URL(address).copy_merge_params(dict(asked)),
                content=data,
                headers=dict(headers or {}),
            )
            answer = self._client.send(request)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._failure(type(error).__name__) from None
        if answer.status_code in (401, 403):
            raise self._failure(f"the server refuses the credentials (HTTP {answer.status_code})")
        if len(answer.content) > LIMIT_BYTES:
            raise self._failure("the answer is larger than any state")
        return answer

    def _failure(self, why: str) -> StateError:
        return StateError(
            "the state's server does not do what was asked",
            f"{self.location}: {why}.",
            "No call is made whose intent cannot be stored. See that the server runs and takes the credentials, then",
            "run the same command again.",
            code="S967",
        )


class _ServerLock:
    """The server's lock while it is ours. It does not die with us: `pnsync unlock ID` is for that."""

    def __init__(self, backend: HttpBackend, lock_id: str) -> None:
        self._backend = backend
        self._id = lock_id

    def still_held(self) -> bool:
        """Whether we have not given it up; a server that took it away refuses the next write."""
        return self._backend._lock_id == self._id

    def release(self) -> None:
        """Give it up. Where that fails it stays, and its next contender is told how to break it."""
        try:
            self._backend.unlock(self._id)
        except StateError:
            return


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _holder_of(content: bytes) -> bytes | None:
    """What the lock's holder wrote: ours in full, Terraform's as far as it says."""
    try:
        found: Any = json.loads(content)
        text = found.get("Info") or ""
        try:
            inner = base64.b64decode(text, validate=True)
            if holders.load(inner) is not None:
                return inner
        except ValueError:
            pass
        who, _, host = str(found.get("Who", "somebody")).partition("@")
        known = {"id": str(found["ID"]), "user": who, "host": host, "pid": 0, "since": 0}
        return json.dumps({**known, "command": str(found.get("Operation", ""))}).encode()
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
