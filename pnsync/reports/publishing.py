"""What applications and people may know of the bindings: the numbers to dial, and nothing personal. Pure.

Read off the state, so that it is what was really bound. A phone A or B has no place in it, not even masked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pnsync.model import Mode
from pnsync.plan import expiry_text
from pnsync.scope import selects
from pnsync.state import Entry, State


@dataclass(frozen=True, slots=True)
class Published:
    """One binding. `phone_x_b` is the X that B dials, where it is another; `expires_at` is an instant, `never` or None.

    `status` is `live`, `expired`, `down` (unbound, to be bound again) or `unknown` (a call's outcome is open).
    """

    address: str
    labels: tuple[tuple[str, str], ...]
    mode: Mode
    phone_x: str | None
    phone_x_b: str | None
    extension: str | None
    expires_at: str | None
    status: str

    @property
    def name(self) -> str:
        """The address without its kind."""
        return self.address.removeprefix("bindings.")

    def document(self) -> dict[str, Any]:
        """Its JSON form."""
        return {
            "address": self.address,
            "labels": dict(self.labels),
            "mode": self.mode.value,
            "phone_x": self.phone_x,
            "phone_x_b": self.phone_x_b,
            "extension": self.extension,
            "expires_at": self.expires_at,
            "status": self.status,
        }


def published(state: State, selectors: Iterable[str] = (), *, now: float) -> tuple[Published, ...]:
    """The bindings of a state that a selector names (none: all), by address."""
    chosen = tuple(selectors)
    blocking = state.blocking()
    found: list[Published] = []
    for address, entry in sorted(state.entries.items()):
        if not isinstance(entry, Entry):
            continue
        if chosen and not any(selects(one, address, entry.provider, entry.labels) for one in chosen):
            continue
        other = entry.phone_x_b if entry.phone_x_b != entry.phone_x else None
        found.append(
            Published(
                address,
                entry.labels,
                entry.mode,
                None if entry.down else entry.phone_x,
                None if entry.down else other,
                entry.extension,
                None if entry.down else expiry_text(entry.expires_at),
                "unknown" if address in blocking else _status(entry, now),
            )
        )
    return tuple(found)


def _status(entry: Entry, now: float) -> str:
    if entry.down:
        return "down"
    return "expired" if entry.expires_at is not None and entry.expires_at <= now else "live"
