"""What a command tells while it runs and when it ends: reports and the verdict.

Reports are small typed facts; the terminal shows them as lines, `--json` as one JSON object a line. The verdict
is what `--result FILE` holds. Neither carries a personal number. Frozen data, no I/O.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

from pnsync.errors import ExitCode, worst

RESULT_FORMAT = "pnsync-result"
RESULT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Reading:
    """A listing goes on: rows so far, and the total where the vendor tells one."""

    provider: str
    rows: int
    total: int | None
    pages: int


@dataclass(frozen=True, slots=True)
class Read:
    """A provider's listing is complete."""

    provider: str
    vendor: str
    bindings: int
    groups: int
    pages: int
    seconds: float
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Applying:
    """An apply begins: how many changes, and how many calls when nothing fails."""

    changes: int
    calls: int


@dataclass(frozen=True, slots=True)
class Done:
    """A change is done. `result` is a past participle (bound, rebound, renewed, unbound, adopted, ...)."""

    address: str
    action: str
    provider: str
    result: str
    seconds: float
    phone_x: str | None = None
    extension: str | None = None
    expires_at: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """A change failed or was left; `next` is what to do."""

    address: str
    action: str
    provider: str
    code: str
    vendor_code: str
    request_id: str
    reason: str
    next: str


@dataclass(frozen=True, slots=True)
class Uncertain:
    """The outcome of a call is not known; a listing begun after `not_before` tells."""

    address: str
    action: str
    provider: str
    reason: str
    not_before: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Apply waits for settle windows: how many attempts, and until when."""

    attempts: int
    until: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Verified:
    """The listing was read again: how many bindings were compared, and which are not there."""

    checked: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Warned:
    """Something a person should know, without user data in the summary."""

    code: str
    summary: str
    detail: str = ""


Report = Reading | Read | Applying | Done | Failed | Uncertain | Waiting | Verified | Warned


class Reporter(Protocol):
    """Is told what happens, in order."""

    def __call__(self, report: Report) -> None: ...


def report_document(report: Report) -> dict[str, Any]:
    """A report as the JSON object of the event stream: `event` is its name, in lower case."""
    body: dict[str, Any] = {"event": type(report).__name__.lower()}
    for one in fields(report):
        value = getattr(report, one.name)
        body[one.name] = list(value) if isinstance(value, tuple) else value
    return body


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a command ended. `codes` are every finding's exit code; `exit` is the one that counts."""

    command: str
    codes: tuple[ExitCode, ...] = ()
    done: int = 0
    failed: int = 0
    not_tried: int = 0
    unknown: int = 0
    deferred: int = 0
    down: tuple[str, ...] = ()
    x_changed: tuple[str, ...] = ()
    failures: tuple[Failed, ...] = ()
    serial: tuple[int, int] | None = None
    counts: tuple[tuple[str, int], ...] = ()
    """How many changes of each result were done, in the order of a plan."""
    unverified: tuple[str, ...] = ()
    seconds: float = 0.0
    calls: int = 0

    @property
    def exit(self) -> ExitCode:
        """The exit code by their precedence; a signal's code stands above all."""
        for signal in (ExitCode.SIGINT, ExitCode.SIGTERM):
            if signal in self.codes:
                return signal
        return worst(self.codes)

    def document(self) -> dict[str, Any]:
        """The verdict's JSON form."""
        return {
            "format": RESULT_FORMAT,
            "version": RESULT_VERSION,
            "command": self.command,
            "exit": int(self.exit),
            "done": self.done,
            "failed": self.failed,
            "not_tried": self.not_tried,
            "unknown": self.unknown,
            "deferred": self.deferred,
            "down": list(self.down),
            "x_changed": list(self.x_changed),
            "failures": [
                {
                    "address": one.address,
                    "code": one.code,
                    "vendor_code": one.vendor_code,
                    "request_id": one.request_id,
                    "next": one.next,
                }
                for one in self.failures
            ],
            "serial": None if self.serial is None else list(self.serial),
            "counts": dict(self.counts),
            "unverified": list(self.unverified),
            "seconds": round(self.seconds, 3),
        }


def tally(results: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """How often each result occurs, in order of first occurrence."""
    found: dict[str, int] = {}
    for one in results:
        found[one] = found.get(one, 0) + 1
    return tuple(found.items())
