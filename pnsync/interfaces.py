"""What pnsync asks of the world: vendors, a place for state, time, workers, somebody to tell.

Protocols only. Everything that has an effect stands behind one of them, so that one seed can decide time,
transport, scheduling and faults in a simulation, and so that a vendor or a backend is one class to write.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pnsync.journal import Outcome
from pnsync.model import Listing, ProviderConfig
from pnsync.phone import Phone
from pnsync.state import Account, Intent


class Clock(Protocol):
    """Time. `now` is epoch seconds and may jump; `monotonic` only grows; `sleep` waits, or moves simulated time."""

    def now(self) -> float:
        """Epoch seconds, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never falling."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; returns early when the run is interrupted."""
        ...


class Reading(Protocol):
    """Is told how far a listing has come."""

    def __call__(self, provider: str, rows: int, total: int | None, pages: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Reached:
    """What a vendor's switch says of a call (queryAXB): who rings, and whether it would be recorded."""

    callee: Phone | None
    reason: str = ""
    recording: bool | None = None
    request_id: str = ""


class Provider(Protocol):
    """One vendor account. Methods may be called from several threads."""

    config: ProviderConfig

    def account(self, key: bytes) -> Account:
        """Endpoint host and the access key's fingerprint under `key`; never the key itself."""
        ...

    def vendor_now(self) -> float:
        """The vendor's time: our clock plus the offset learned from its HTTP Date headers, epoch seconds."""
        ...

    def list(self, *, scans: int, reading: Reading) -> Listing:
        """Everything the account holds. `scans=2` reads until two agree, within bounds.

        What cannot be trusted comes back in `Listing.problems`. Raises CredentialsRefused (exit 10) and
        VendorError (exit 1: no answer, or none that can be used).
        """
        ...

    def pace(self) -> float:
        """Take the next slot of the rate limit; the seconds until it opens."""
        ...

    def send(self, intent: Intent) -> Outcome:
        """Make one writing call: one request, stamped not later than `intent.latest_at`, nor earlier than its intent says.

        Never raises for what a vendor or a network does. Tries again only what provably was not sent.
        """
        ...

    def query(self, *, caller: Phone, did: str, extension: str | None) -> Reached:
        """Ask the switch who would ring; may bill and mints a call id (docs/vendors.md, 1.4), so never used for polling."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...


class Dispatcher(Protocol):
    """Carries calls out, several at once, and tells when they are done. Used by one thread."""

    def submit(self, ticket: int, call: Callable[[], object]) -> None:
        """Start a call."""
        ...

    def wait(self, timeout: float | None) -> list[tuple[int, object]]:
        """The calls that have ended: at least one, unless `timeout` seconds pass or the run is interrupted."""
        ...


class Interrupt(Protocol):
    """Whether somebody asked the run to stop."""

    @property
    def signal(self) -> int | None:
        """The signal's number (2 or 15), None while nobody has."""
        ...


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes with the version they were read at."""

    data: bytes
    version: str


class Taken(Exception):
    """A record's slot holds another record already: somebody else has appended."""


class Changed(Exception):
    """A document is not at the version that was expected."""


class Exclusive(Protocol):
    """A lock of the operating system, freed by the kernel when its holder dies."""

    def still_held(self) -> bool:
        """Whether nobody has broken it (`unlock`)."""
        ...

    def release(self) -> None:
        """Give it up."""
        ...


class Backend(Protocol):
    """A place where one state lives: named documents with compare-and-set, and a dense log of records.

    Everything else (lock, fencing, journal, checkpoint) is built once, in store/, on this. Every write is
    durable when the method returns. Raises StateError where the place cannot be read or written.
    """

    location: str
    """Where it is, for messages."""

    def read(self, name: str) -> Blob | None:
        """A document (`snapshot`, `lease`, `backup`), None when there is none."""
        ...

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """Replace a document that still is at version `expected` (None: that does not exist); its new version.

        Raises Changed.
        """
        ...

    def records(self, after: int) -> Sequence[tuple[int, bytes]]:
        """Every record whose number is greater than `after`, in order."""
        ...

    def append(self, seq: int, record: bytes) -> None:
        """Add record `seq`, durably, when that slot is free and the one before it is not. Raises Taken.

        Where nothing is left of the log (or there never was one) any number begins it: its chain is checked by its readers.
        After an acknowledgement that was lost the slot is read back: the same bytes there are success.
        """
        ...

    def drop(self, through: int) -> None:
        """Forget the records up to `through`, which a snapshot holds by now. May be done late, or not at all.

        Records that cannot be read are forgotten with them.
        """
        ...

    def exclusive(self, holder: bytes, timeout: float) -> Exclusive | None:
        """The operating system's lock where the place has one; None: the lease in store/ is the lock.

        Raises Locked, with what the holder wrote, when `timeout` seconds have passed.
        """
        ...

    def occupant(self) -> bytes | None:
        """What the holder of the operating system's lock wrote, None while it is free (or the place has none)."""
        ...

    def evict(self, holder: bytes) -> bool:
        """Break the operating system's lock whose holder wrote this, so that it is fenced; False where it is gone."""
        ...

    def reserve(self, size: int) -> None:
        """See that `size` bytes of records can be appended; where the place can tell. Raises StateError."""
        ...
