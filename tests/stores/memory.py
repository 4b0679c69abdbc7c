"""A second backend, without a lock of its own: documents and records in dictionaries, as an object store has them."""

from collections.abc import Sequence

from pnsync.interfaces import Blob, Changed, Taken


class MemoryPlace:
    """What several runs share."""

    def __init__(self) -> None:
        self.documents: dict[str, tuple[bytes, int]] = {}
        self.log: dict[int, bytes] = {}
        self.forgotten = 0
        self.writes = 0


class MemoryBackend:
    """One run's view of a place."""

    def __init__(self, place: MemoryPlace) -> None:
        self.place = place
        self.location = "memory"

    def read(self, name: str) -> Blob | None:
        found = self.place.documents.get(name)
        return None if found is None else Blob(found[0], str(found[1]))

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        found = self.place.documents.get(name)
        if (None if found is None else str(found[1])) != expected:
            raise Changed
        self.place.writes += 1
        self.place.documents[name] = (data, self.place.writes)
        return str(self.place.writes)

    def records(self, after: int) -> Sequence[tuple[int, bytes]]:
        return [(seq, self.place.log[seq]) for seq in sorted(self.place.log) if seq > after]

    def append(self, seq: int, record: bytes) -> None:
        log = self.place.log
        if log.get(seq) == record:
            return
        last = max(log, default=self.place.forgotten)
        if seq in log or (last and seq != last + 1):
            raise Taken
        log[seq] = record

    def drop(self, through: int) -> None:
        for seq in [one for one in self.place.log if one <= through]:
            del self.place.log[seq]

    def exclusive(self, holder: bytes, timeout: float) -> None:
        return None

    def occupant(self) -> bytes | None:
        return None

    def evict(self, holder: bytes) -> bool:
        return False

    def reserve(self, size: int) -> None:
        return None
