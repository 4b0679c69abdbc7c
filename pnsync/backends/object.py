"""A state in an object store (S3 and compatible, Google, Azure): documents and records as objects.

Two conditions carry everything: a record is created only where there is none, and a document is replaced only at the
version it was read at. A store that ignores them is found out before the first write and refused. What an unclear
answer leaves open is read back; the library repeats no request by itself. An append is believed only when nobody has
gone on behind it, as slots that were taken and dropped meanwhile look free.
"""

import copy
import hashlib
import logging
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from pnsync.backends.bounds import LIMIT_BYTES
from pnsync.backends.leased import Leased
from pnsync.backends.patience import Patience
from pnsync.errors import StateError, UsageError
from pnsync.interfaces import Blob, Changed, Clock, Taken
from pnsync.statefile.codes import refusal

log = logging.getLogger(__name__)

KEEP: Final = 20
"""How many earlier snapshots are kept beside the present one."""
SCHEMES: Final = ("s3", "gs", "az")
_JOURNAL: Final = "journal/"
_OLD: Final = "snap/"
_DIGITS: Final = 12
_READERS: Final = 16
_BATCH: Final = 500
_BETWEEN: Final = "\n"

Answer = TypeVar("Answer")


class ObjectBackend(Leased):
    """One state under a URL: `s3://bucket/prefix`, `gs://…`, `az://…`. Credentials come from the environment.

    `endpoint` names an S3-compatible store; plain http is spoken with loopback only.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        endpoint: str | None = None,
        region: str | None = None,
        keep: int = KEEP,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        try:
            import obstore
            from obstore import exceptions
        except ImportError:
            raise UsageError(
                "the object backend needs obstore", "Install it with:", command="pip install 'pnsync[object]'"
            ) from None
        from obstore.store import from_url

        self._obstore = obstore
        self._errors = exceptions
        self._clock = clock
        self._keep = keep
        self._limit = limit_bytes
        self.location = url
        if urlsplit(url).scheme not in SCHEMES:
            raise UsageError(
                "the state's url is not known", f"{url} begins with none of s3://, gs://, az://."
            )
        given = {"endpoint": endpoint, "region": region}
        options = {key: value for key, value in given.items() if value is not None}
        client: dict[str, Any] = {"timeout": "20s", "connect_timeout": "5s"}
        if endpoint is not None and endpoint.startswith("http://"):
            client["allow_http"] = True
        try:
            connect: Any = from_url  # its overloads are one for each vendor; the URL decides here
            self._open = partial(connect, client_options=client, retry_config=_once(), **options)
            self._store = self._open(url)
        except (exceptions.BaseError, ValueError) as error:
            raise UsageError("the state's object store cannot be used", f"{url}: {_words(error)}.") from None
        self._probed = False
        self._last: int | None = None
        """The record that this backend appended last."""

    def within(self, name: str) -> "ObjectBackend":
        """The place of this name below this one."""
        made = copy.copy(self)
        made.location = f"{self.location.rstrip('/')}/{name}"
        made._store = self._open(made.location)
        made._last = None
        return made

    def retire(self) -> None:
        """Forget all but the lease and the last record, which keeps out who held it; as far as it may delete."""
        records = self._numbers(_JOURNAL)
        names = [_numbered(_JOURNAL, one) for one in records[:-1]]
        names += [_numbered(_OLD, one) for one in self._numbers(_OLD)]
        names += [name for name in ("snapshot", "backup") if self.read(name) is not None]
        self._delete(names)

    # -- documents ---------------------------------------------------------------------------------------------------

    def read(self, name: str) -> Blob | None:
        """A document, None when there is none."""
        return self._ask(lambda: self._get(name))

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """Replace a document at version `expected`; raises Changed."""
        self._probe()
        old = self.read(name) if name == "snapshot" and expected is not None else None
        version = self._put(name, data, expected)
        if old is not None and old.version == expected:
            self._keep_old(old.data)
        return version

    def _put(self, name: str, data: bytes, expected: str | None) -> str:
        """Put under a condition. Where no clear answer comes what stands there decides, and it is tried again."""
        mode: Any = "create" if expected is None else _condition(expected)
        patience = Patience(self._clock)
        while True:
            try:
                made = self._obstore.put(self._store, name, data, mode=mode, use_multipart=False)
                return _version(made)
            except self._errors.BaseError as error:
                if self._is_denied(error):
                    raise self._failure(error) from None
                # Refused conditions too: a conflict of two puts (409) is told as one, and may have no winner.
                log.debug("a put did not take effect, or not clearly: %s", _words(error))
                failed = error
            found = self.read(name)
            if found is not None and found.data == data and found.version != expected:
                return found.version
            if (None if found is None else found.version) != expected:
                raise Changed
            if not patience.again():
                raise self._failure(failed)

    def _keep_old(self, data: bytes) -> None:
        """Keep the replaced snapshot under a number, and forget the oldest. Nothing depends on it."""
        try:
            numbers = self._numbers(_OLD)
            name = _numbered(_OLD, (numbers or [0])[-1] + 1)
            self._obstore.put(self._store, name, data, use_multipart=False)
            for number in numbers[: max(0, len(numbers) + 1 - self._keep)]:
                self._obstore.delete(self._store, _numbered(_OLD, number))
        except (self._errors.BaseError, StateError) as error:
            log.debug("an earlier snapshot was not kept or not removed: %s", _words(error))

    # -- records -----------------------------------------------------------------------------------------------------

    def records(self, after: int) -> Sequence[tuple[int, bytes]]:
        """Every record after this one, in order."""
        numbers = [one for one in self._numbers(_JOURNAL) if one > after]
        if not numbers:
            return []
        with ThreadPoolExecutor(min(_READERS, len(numbers))) as readers:
            found = readers.map(lambda one: (one, self.read(_numbered(_JOURNAL, one))), numbers)
            return [(number, blob.data) for number, blob in found if blob is not None]

    def append(self, seq: int, record: bytes) -> None:
        """Add record `seq` when its slot is free and the log is empty or ends just before it. Raises Taken."""
        self._probe()
        if self._last is None or self._last != seq - 1:
            numbers = self._numbers(_JOURNAL)
            if seq in numbers:
                found = self.read(_numbered(_JOURNAL, seq))
                if found is None or found.data != record:
                    raise Taken
                return
            if numbers and numbers[-1] != seq - 1:
                raise Taken
        self._last = None
        try:
            self._put(_numbered(_JOURNAL, seq), record, None)
        except Changed:
            raise Taken from None
        if self._numbers(_JOURNAL, after=seq):
            raise Taken
        self._last = seq

    def drop(self, through: int) -> None:
        """Forget the records up to `through`; where nothing may be deleted they stay, and are skipped."""
        self._delete([_numbered(_JOURNAL, one) for one in self._numbers(_JOURNAL) if one <= through])

    def _delete(self, names: Sequence[str]) -> None:
        try:
            for start in range(0, len(names), _BATCH):
                self._obstore.delete(self._store, list(names[start : start + _BATCH]))
        except (self._errors.BaseError, FileNotFoundError) as error:
            log.debug("what is not needed was not removed: %s", _words(error))

    def _numbers(self, prefix: str, *, after: int | None = None) -> list[int]:
        """The numbers of the objects below a prefix, those greater than `after`, in order."""
        offset = None if after is None else _numbered(prefix, after)

        def ask() -> list[int]:
            found: list[int] = []
            for page in self._obstore.list(self._store, prefix=prefix, offset=offset):
                for one in page:
                    name = str(one["path"]).rsplit("/", 1)[-1]
                    if name.isdigit() and int(name) > (after or 0):
                        found.append(int(name))
            return sorted(found)

        return self._ask(ask)

    def reserve(self, size: int) -> None:
        """A store does not tell; see that it takes writes and honours their conditions."""
        self._probe()

    def _probe(self) -> None:
        """Refuse a store that ignores conditions: create twice, replace at a version that is not there."""
        if self._probed:
            return
        name = f"probe/{secrets.token_hex(8)}"
        never = _version({"e_tag": f'"{hashlib.sha256(name.encode()).hexdigest()[:32]}"', "version": "1"})
        try:
            first = self._put(name, b"one", None)
            honoured = (
                self._refused(name, None)
                and self._refused(name, never)
                and self._put(name, b"two", first) != first
                and self._refused(name, first)
            )
        except Changed:
            honoured = False
        finally:
            try:
                self._obstore.delete(self._store, name)
            except (self._errors.BaseError, FileNotFoundError) as error:
                log.debug("the probe was not removed: %s", _words(error))
        if not honoured:
            raise refusal(
                "S966",
                f"{self.location} lets two writers take the same place, so that one would overwrite the other.",
                "Keep the state in a store with create-only and if-match puts (S3, Google, Azure, and compatible ones).",
            )
        self._probed = True

    def _refused(self, name: str, expected: str | None) -> bool:
        try:
            self._put(name, secrets.token_bytes(8), expected)
        except Changed:
            return True
        return False

    # -- asking ------------------------------------------------------------------------------------------------------

    def _get(self, name: str) -> Blob | None:
        try:
            result = self._obstore.get(self._store, name)
            if result.meta["size"] > self._limit:
                raise refusal(
                    "S964", f"{self.location}: {name} is larger than any state; somebody else wrote it."
                )
            return Blob(bytes(result.bytes()), _version(result.meta))
        except (self._errors.NotFoundError, FileNotFoundError):
            return None

    def _ask(self, ask: Callable[[], Answer]) -> Answer:
        """A read, made again where it failed: reads change nothing. A store that was never reached is not waited for."""
        patience = Patience(self._clock) if self._probed else None
        tries = 0
        while True:
            try:
                return ask()
            except self._errors.BaseError as error:
                tries += 1
                wait = patience is not None and patience.again()
                if self._is_denied(error) or not (wait or tries == 1):
                    raise self._failure(error) from None

    def _is_denied(self, error: Exception) -> bool:
        return isinstance(error, self._errors.PermissionDeniedError | self._errors.UnauthenticatedError)

    def _failure(self, error: Exception) -> StateError:
        return refusal(
            "S965" if self._is_denied(error) else "S964",
            f"{self.location}: {_words(error)}.",
            "No call is made whose intent cannot be stored. See that the credentials in the environment are valid and",
            "may get, put, list and delete below the prefix, then run the same command again.",
        )


def _once() -> dict[str, Any]:
    """No repetition by the library: of a conditional put that took effect it would only see the refusal."""
    return {
        "max_retries": 0,
        "retry_timeout": timedelta(seconds=20),
        "backoff": {
            "init_backoff": timedelta(milliseconds=100),
            "max_backoff": timedelta(seconds=1),
            "base": 2,
        },
    }


def _version(made: Any) -> str:
    """Tag and, where the store has one, generation: Google compares that, the others the tag."""
    return f"{made.get('e_tag') or ''}{_BETWEEN}{made.get('version') or ''}"


def _condition(expected: str) -> dict[str, str]:
    tag, _, version = expected.partition(_BETWEEN)
    return {"e_tag": tag, **({"version": version} if version else {})}


def _numbered(prefix: str, number: int) -> str:
    return f"{prefix}{number:0{_DIGITS}d}"


def _words(error: Exception) -> str:
    """The kind of an error: what a store says may repeat keys and signed addresses."""
    return type(error).__name__
