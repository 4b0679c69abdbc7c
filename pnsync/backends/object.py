"""A state in an object store (S3 and compatible, Google, Azure): documents and records as objects.

Two conditions carry everything: a record is created only where there is none, and a document is replaced only at the
version it was read at. A store that ignores them is found out at the first write and refused. What an unclear answer
leaves open is read back.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar

from pnsync.errors import StateError, UsageError
from pnsync.interfaces import Blob, Changed, Exclusive, Taken

KEEP: Final = 20
"""How many earlier snapshots are kept beside the present one."""
_PROBE: Final = "probe"
_DIGITS: Final = 12

Answer = TypeVar("Answer")


class ObjectBackend:
    """One state under a URL: `s3://bucket/prefix`, `gs://…`, `az://…`. Credentials come from the environment."""

    def __init__(self, url: str, *, keep: int = KEEP, **options: Any) -> None:
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
        self._keep = keep
        self.location = url
        try:
            connect: Any = from_url  # its overloads are one for each vendor; the URL decides here
            self._store = connect(
                url,
                client_options={
                    "timeout": "20s",
                    "connect_timeout": "5s",
                    **options.pop("client_options", {}),
                },
                retry_config={
                    "max_retries": 0,
                    "retry_timeout": timedelta(seconds=20),
                    "backoff": {
                        "init_backoff": timedelta(milliseconds=100),
                        "max_backoff": timedelta(seconds=1),
                        "base": 2,
                    },
                },
                **options,
            )
        except (exceptions.BaseError, ValueError) as error:
            raise UsageError("the state's object store cannot be used", f"{url}: {_words(error)}") from None
        self._probed = False

    # -- documents ---------------------------------------------------------------------------------------------------

    def read(self, name: str) -> Blob | None:
        """A document, None when there is none."""
        found = self._get(name)
        return None if found is None else Blob(found[0], found[1])

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """Replace a document at version `expected`; raises Changed."""
        self._probe()
        old = self._get(name) if name == "snapshot" and expected is not None else None
        version = self._put(name, data, expected)
        if old is not None and old[1] == expected:
            self._keep_old(old[0])
        return version

    def _put(self, name: str, data: bytes, expected: str | None) -> str:
        mode: Any = "create" if expected is None else {"e_tag": expected}
        conditions = (
            self._errors.AlreadyExistsError,
            self._errors.PreconditionError,
            self._errors.NotFoundError,
        )
        try:
            result = self._obstore.put(self._store, name, data, mode=mode, use_multipart=False)
            tag = result.get("e_tag")
            if tag is not None:
                return str(tag)
        except conditions:
            found = self._get(name)
            if found is None or found[0] != data or found[1] == expected:
                raise Changed from None
            return found[1]
        except self._errors.BaseError as error:
            found = self._get(name)  # the answer was lost or unclear: what stands there decides
            if found is not None and found[0] == data and found[1] != expected:
                return found[1]
            raise self._failure(error) from None
        found = self._get(name)
        if found is None:
            raise Changed
        return found[1]

    def _keep_old(self, data: bytes) -> None:
        """Keep the replaced snapshot under a number, and forget the oldest. Nothing depends on it."""
        try:
            numbers = sorted(self._numbers("old/"))
            self._obstore.put(
                self._store, _numbered("old/", (numbers or [0])[-1] + 1), data, use_multipart=False
            )
            for number in numbers[: max(0, len(numbers) + 1 - self._keep)]:
                self._obstore.delete(self._store, _numbered("old/", number))
        except self._errors.BaseError:
            return  # a bucket that lets nothing be deleted keeps more

    # -- records -----------------------------------------------------------------------------------------------------

    def records(self, after: int) -> Sequence[tuple[int, bytes]]:
        """Every record after this one, in order."""
        found: list[tuple[int, bytes]] = []
        for number in sorted(self._numbers("journal/")):
            if number > after:
                blob = self._get(_numbered("journal/", number))
                if blob is not None:
                    found.append((number, blob[0]))
        return found

    def append(self, seq: int, record: bytes) -> None:
        """Add record `seq` when its slot is free and the log is empty or ends just before it. Raises Taken."""
        self._probe()
        if self._get(_numbered("journal/", seq - 1)) is None:
            # Asked every time: a slot that others took and dropped meanwhile must not look free.
            numbers = self._numbers("journal/")
            if numbers and seq not in numbers:
                raise Taken
        try:
            self._put(_numbered("journal/", seq), record, None)
        except Changed:
            raise Taken from None

    def drop(self, through: int) -> None:
        """Forget the records up to `through`; where nothing may be deleted they stay, and are skipped."""
        names = [_numbered("journal/", one) for one in sorted(self._numbers("journal/")) if one <= through]
        try:
            for start in range(0, len(names), 500):
                self._obstore.delete(self._store, names[start : start + 500])
        except self._errors.BaseError:
            return

    def _numbers(self, prefix: str) -> list[int]:
        def ask() -> list[int]:
            found: list[int] = []
            for page in self._obstore.list(self._store, prefix=prefix):
                for one in page:
                    name = str(one["path"]).rsplit("/", 1)[-1]
                    if name.isdigit():
                        found.append(int(name))
            return found

        return self._ask(ask)

    # -- no lock of its own ------------------------------------------------------------------------------------------

    def exclusive(self, holder: bytes, timeout: float) -> Exclusive | None:
        """None: the lease is the lock."""
        return None

    def occupant(self) -> bytes | None:
        """None, as there is no lock of its own."""
        return None

    def evict(self, holder: bytes) -> bool:
        """False, as there is no lock of its own."""
        return False

    def reserve(self, size: int) -> None:
        """A store does not tell; see that it takes writes and honours their conditions."""
        self._probe()

    def _probe(self) -> None:
        """Refuse a store that ignores conditions: create twice, replace at a version that is not there."""
        if self._probed:
            return
        name = f"{_PROBE}/{secrets.token_hex(8)}"
        try:
            first = self._put(name, b"one", None)
            honoured = self._refused(name, None) and self._refused(name, f'"{hashlib.md5(b"x").hexdigest()}"')  # noqa: S324
            honoured = honoured and self._put(name, b"two", first) != first and self._refused(name, first)
        except Changed:
            honoured = False
        finally:
            try:
                self._obstore.delete(self._store, name)
            except self._errors.BaseError:
                pass
        if not honoured:
            raise StateError(
                "the object store ignores conditions",
                f"{self.location} lets two writers take the same place, so that one would overwrite the other.",
                "Keep the state in a store with create-only and if-match puts (S3, Google, Azure, and compatible ones).",
                code="S964",
            )
        self._probed = True

    def _refused(self, name: str, expected: str | None) -> bool:
        try:
            self._put(name, secrets.token_bytes(8), expected)
        except Changed:
            return True
        return False

    # -- asking ------------------------------------------------------------------------------------------------------

    def _get(self, name: str) -> tuple[bytes, str] | None:
        def ask() -> tuple[bytes, str] | None:
            try:
                result = self._obstore.get(self._store, name)
                return bytes(result.bytes()), str(result.meta.get("e_tag"))
            except (self._errors.NotFoundError, FileNotFoundError):
                return None

        return self._ask(ask)

    def _ask(self, ask: Callable[[], Answer]) -> Answer:
        """A read, made once more where it failed: reads change nothing."""
        for last in (False, True):
            try:
                return ask()
            except self._errors.BaseError as error:
                if last:
                    raise self._failure(error) from None
        raise AssertionError

    def _failure(self, error: Exception) -> StateError:
        denied = isinstance(error, self._errors.PermissionDeniedError | self._errors.UnauthenticatedError)
        return StateError(
            "the state's object store refuses" if denied else "the state's object store does not answer",
            f"{self.location}: {_words(error)}.",
            "No call is made whose intent cannot be stored. See that the credentials in the environment are valid and",
            "may get, put, list and delete below the prefix, then run the same command again.",
            code="S963",
        )


def _numbered(prefix: str, number: int) -> str:
    return f"{prefix}{number:0{_DIGITS}d}"


def _words(error: Exception) -> str:
    """The kind of an error: what a store says may repeat keys and signed addresses."""
    return type(error).__name__
