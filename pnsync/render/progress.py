"""Reports as they come: lines for what happened, and how far it has come.

`Lines` is for logs: what is done is told once, how far it has come every few seconds at most. `Bars` is for a
terminal: the same lines, and below them a bar with rate and time left. Promises: the text of both is the same
but for the bar; nothing is read from the clock but through `now`.
"""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from pnsync.model import VendorType
from pnsync.plan import instant
from pnsync.render.colour import Palette
from pnsync.render.outcome import done_line, failed_lines, uncertain_line
from pnsync.render.text import escape
from pnsync.render.units import counted, duration, moment, number
from pnsync.verdict import (
    Applying,
    Done,
    Failed,
    Read,
    Reading,
    Report,
    Uncertain,
    Verified,
    Waiting,
    Warned,
)

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Write = Callable[[str], None]

EVERY_SECONDS: Final = 5.0
"""How often a log is told how far it has come."""
MISSING_NAMED: Final = 10


class Lines:
    """Reports as lines: results to `out`, progress to `err`."""

    def __init__(
        self,
        out: Write,
        err: Write,
        *,
        colour: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._out, self._err = out, err
        self._paint = Palette(colour)
        self._now = now
        self._lock = threading.Lock()
        self._told = now()
        self._began = self._told
        self._changes = 0
        self._ended = 0
        self.address_columns = 24
        """How wide addresses are; whoever knows the plan sets it."""
        self.ended: set[str] = set()
        """The addresses whose change is done or failed."""
        self.unknown: set[str] = set()
        """The addresses of which nothing was told but that an outcome is not known."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing behind."""
        self.pause()

    def pause(self) -> None:
        """Clear away what is not text, so that a person can be asked."""

    def __call__(self, report: Report) -> None:
        """Tell one report; listings report from threads of their own."""
        with self._lock:
            self.tell(report)

    def tell(self, report: Report) -> None:
        """Tell one report, one at a time."""
        if isinstance(report, Uncertain):
            self.unknown.add(report.address)
        elif isinstance(report, Done | Failed):
            self.ended.add(report.address)
            self.unknown.discard(report.address)
        match report:
            case Reading():
                self.reading(report)
            case Read():
                self._err(read_line(report))
            case Applying(changes=changes):
                self._changes, self._ended, self._began = changes, 0, self._now()
                self.applying()
            case Done():
                self._out(done_line(report, self.address_columns, self._paint))
                self._advance()
            case Failed():
                for line in failed_lines(report, self.address_columns, self._paint):
                    self._out(line)
                self._advance()
            case Uncertain():
                now = instant(self._now())
                self._out(uncertain_line(report, self.address_columns, now, self._paint))
            case Waiting(attempts=attempts, until=until):
                calls = counted(attempts, "call")
                when = moment(until, instant(self._now()))
                self._err(f"Waiting until {when} for the outcome of {calls}; interrupting is safe.")
            case Verified():
                self._out(verified_line(report))
            case Warned(code=code, summary=summary, detail=detail):
                more = f": {escape(detail)}" if detail else ""
                self._err(
                    f"{self._paint.paint('warning', f'warning[{escape(code)}]')}: {escape(summary)}{more}"
                )

    def _advance(self) -> None:
        self._ended += 1
        self.advanced()

    def reading(self, report: Reading) -> None:
        """A listing goes on."""
        if self._due():
            of = f" of {number(report.total)}" if report.total else ""
            self._err(f"Reading {escape(report.provider)}: {number(report.rows)}{of} bindings")

    def applying(self) -> None:
        """An apply begins."""

    def advanced(self) -> None:
        """A change has ended."""
        if self._ended < self._changes and self._due():
            self._err(f"Applying: {number(self._ended)} of {number(self._changes)} changes{self._pace()}")

    def _pace(self) -> str:
        took = self._now() - self._began
        if took <= 0 or not self._ended:
            return ""
        left = (self._changes - self._ended) * took / self._ended
        return f", {self._ended / took:.1f} a second, {duration(left)} left"

    def _due(self) -> bool:
        now = self._now()
        if now - self._told < EVERY_SECONDS:
            return False
        self._told = now
        return True


class Bars(Lines):
    """Reports as lines with a bar below them, on a terminal."""

    def __init__(self, out: Write, err: Write, *, colour: bool, redirect_stdout: bool) -> None:
        super().__init__(out, err, colour=colour)
        self._colour, self._redirect_stdout = colour, redirect_stdout
        self._progress: Progress | None = None
        self._reads: dict[str, TaskID] = {}
        self._apply: TaskID | None = None

    def pause(self) -> None:
        """Clear the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
            self._reads.clear()
            self._apply = None

    def reading(self, report: Reading) -> None:
        """Move the listing's bar."""
        name = report.provider
        progress = self._running()
        if name not in self._reads:
            self._reads[name] = progress.add_task(f"Reading {escape(name)}", total=report.total)
        progress.update(self._reads[name], completed=report.rows, total=report.total)

    def applying(self) -> None:
        """Begin the bar of the apply."""
        self.pause()
        if self._changes:
            self._apply = self._running().add_task("Applying", total=self._changes)

    def advanced(self) -> None:
        """Move the bar of the apply."""
        if self._apply is not None and self._progress is not None:
            self._progress.update(self._apply, completed=self._ended)

    def tell(self, report: Report) -> None:
        """Tell one report; a listing that is complete needs its bar no more."""
        if isinstance(report, Read | Verified) and self._apply is None:
            self.pause()
        super().tell(report)

    def _running(self) -> "Progress":
        if self._progress is None:
            from pnsync.render.bar import new_bar

            self._progress = new_bar(colour=self._colour, redirect_stdout=self._redirect_stdout)
        return self._progress


def read_line(report: Read) -> str:
    """A listing that is complete: `Read nx (nxcloud): 1,187 bindings, 3 groups in 2 pages · 0.4 s`."""
    held = [counted(report.bindings, "binding")]
    if report.groups:
        held.append(counted(report.groups, "pool" if report.vendor == VendorType.LAAFFIC else "group"))
    pages = counted(report.pages, "page")
    line = f"Read {escape(report.provider)} ({escape(report.vendor)}): {', '.join(held)} in {pages} · {duration(report.seconds)}"
    if report.problems:
        line += f"\n  not to be trusted: {escape('; '.join(report.problems))}"
    return line


def verified_line(report: Verified) -> str:
    """What the listing showed after the last change."""
    checked = f"Checked {counted(report.checked, 'binding')} against the vendor's listing"
    if not report.missing:
        return f"{checked}: all there."
    named = ", ".join(escape(one) for one in report.missing[:MISSING_NAMED])
    rest = len(report.missing) - MISSING_NAMED
    more = f" and {number(rest)} more" if rest > 0 else ""
    return f"{checked}: {counted(len(report.missing), 'is', 'are')} not there: {named}{more}"
