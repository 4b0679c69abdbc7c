"""Who holds a state: what stands in a lock, and what a person who meets it is told.

Plain data and its JSON; no clock, no I/O. Host and user are shown, so they are cut to what can be printed.
"""

import json
from dataclasses import asdict, dataclass

from pnsync.errors import Locked
from pnsync.statefile.codes import summary

_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Holder:
    """One run that holds a state. `id` names the lock for `pnsync unlock`; `since` is epoch seconds."""

    id: str
    user: str
    host: str
    pid: int
    command: str
    since: int

    def dump(self) -> bytes:
        """Its JSON, as a lock holds it."""
        return json.dumps(asdict(self), sort_keys=True).encode()


def load(data: bytes) -> Holder | None:
    """The holder that a lock names, None where the text does not say (a holder that is just writing it)."""
    try:
        found = json.loads(data)
        return Holder(
            id=_shown(found["id"]),
            user=_shown(found["user"]),
            host=_shown(found["host"]),
            pid=int(found["pid"]),
            command=_shown(found["command"]),
            since=int(found["since"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def locked(holder: Holder | None, now: float) -> Locked:
    """The refusal for somebody who met a lock."""
    if holder is None:
        return Locked(
            summary("S940"),
            "Another run has just taken it and has not written its name yet.",
            "Wait for it, with --lock-timeout, or try again.",
            code="S940",
        )
    return Locked(
        summary("S940"),
        f"{holder.user} on {holder.host} (pid {holder.pid}) has held it for {_span(now - holder.since)}, "
        f"running {holder.command}.",
        "Wait for it, with --lock-timeout, or, if that process is gone or stands still:",
        command=f"pnsync unlock {holder.id}",
        code="S940",
    )


def _shown(text: object) -> str:
    return "".join(c if c.isprintable() else "?" for c in str(text)[:_LONGEST])


def _span(seconds: float) -> str:
    whole = max(0, int(seconds))
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if whole >= 2 * size:
            return f"{whole // size} {name}s"
    return f"{whole} second{'' if whole == 1 else 's'}"
