"""A place in memory that has room for others below it, and ends a process before any of its changes."""

from pnsync.interfaces import Blob

from .memory import MemoryBackend, MemoryPlace


class Ended(Exception):
    """The process that used the place is gone."""


class Budget:
    """How many changes a process makes before it ends; None: it lives on."""

    def __init__(self, changes: int | None = None) -> None:
        self.changes = changes
        self.made = 0

    def spend(self) -> None:
        """One more change, unless the process ends before it."""
        if self.changes is not None and self.made >= self.changes:
            raise Ended
        self.made += 1


class Room:
    """Places by their names, which outlive processes."""

    def __init__(self, *, deletes: bool = True) -> None:
        self.places: dict[str, MemoryPlace] = {}
        self.deletes = deletes
        """Whether anybody may delete; where not, what counts no more stays and is skipped."""


class RoomyBackend(MemoryBackend):
    """One process's view of a place in a room."""

    def __init__(self, room: Room, budget: Budget | None = None, name: str = "") -> None:
        super().__init__(room.places.setdefault(name, MemoryPlace()))
        self.room = room
        self.budget = budget or Budget()
        self.name = name
        self.location = f"memory/{name}"

    def within(self, name: str) -> "RoomyBackend":
        return RoomyBackend(self.room, self.budget, f"{self.name}/{name}")

    def retire(self) -> None:
        self.budget.spend()
        if not self.room.deletes:
            return
        log = self.place.log
        for seq in sorted(log)[:-1]:
            del log[seq]
        for name in ("snapshot", "backup"):
            self.place.documents.pop(name, None)

    def read(self, name: str) -> Blob | None:
        if self.budget.changes is not None and self.budget.made >= self.budget.changes:
            raise Ended
        return super().read(name)

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        self.budget.spend()
        return super().write(name, data, expected)

    def append(self, seq: int, record: bytes) -> None:
        self.budget.spend()
        super().append(seq, record)

    def drop(self, through: int) -> None:
        self.budget.spend()
        if self.room.deletes:
            super().drop(through)
