"""What can go wrong, and how it is told.

The exception tree, diagnostics with their place in a file, and the exit codes with their precedence. Every
exception that leaves a module of pnsync on purpose is a `PnsyncError`; anything else is a bug and is reported
as one. Messages never contain personal numbers, keys or signatures. Standard library only.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class ExitCode(IntEnum):
    """The stable exit codes, for CI to branch on."""

    DONE = 0
    FAILED = 1
    DIFFERENCES = 2
    PARTIAL = 3
    POLICY = 4
    STALE_PLAN = 5
    LOCKED = 6
    UNSETTLED = 7
    USAGE = 8
    STATE = 9
    CREDENTIALS = 10
    DECISION = 11
    DOWN = 12
    SIGINT = 130
    SIGTERM = 143


PRECEDENCE = (
    ExitCode.STATE,
    ExitCode.DOWN,
    ExitCode.DECISION,
    ExitCode.CREDENTIALS,
    ExitCode.POLICY,
    ExitCode.PARTIAL,
    ExitCode.UNSETTLED,
    ExitCode.DIFFERENCES,
    ExitCode.FAILED,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The one exit code for several findings: the first of 9, 12, 11, 10, 4, 3, 7, 2, 1."""
    found = set(codes)
    for code in PRECEDENCE:
        if code in found:
            return code
    rest = found - {ExitCode.DONE}
    return min(rest) if rest else ExitCode.DONE


class Severity(StrEnum):
    """How grave a diagnostic is: an error stops the command, the others do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True)
class SourceSpan:
    """A place in a file: `file` relative to the folder of the root file, line and columns from 1, `end_column` exclusive."""

    file: str
    line: int
    column: int = 1
    end_column: int = 0


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about the files, the plan or the vendor, with its code's page in `pnsync explain CODE`.

    `summary` is what is wrong; `label` stands under the snippet's carets; `advice` is what to do next. None of
    them contains a personal number. With `secret` the source line holds a credential and must not be shown.
    """

    code: str
    summary: str
    severity: Severity = Severity.ERROR
    span: SourceSpan | None = None
    label: str = ""
    advice: str = ""
    address: str | None = None
    secret: bool = False


class PnsyncError(Exception):
    """A failure that pnsync foresaw: a summary, what is wrong, and the next step.

    `detail` lines say what is wrong and why it matters; `command` is a command line that helps, printed alone
    on its line. `code` names the page of `pnsync explain`.
    """

    exit_code = ExitCode.FAILED
    code = ""

    def __init__(
        self,
        summary: str,
        *detail: str,
        command: str = "",
        code: str = "",
        exit_code: ExitCode | None = None,
    ) -> None:
        super().__init__(summary)
        self.summary = summary
        self.detail = detail
        self.command = command
        self.code = code or type(self).code
        if exit_code is not None:
            self.exit_code = exit_code


class Interrupted(PnsyncError):
    """SIGINT or SIGTERM came while nothing was under way that needs an end (exit 130, 143)."""

    def __init__(self, signal: int) -> None:
        code = ExitCode.SIGINT if signal == 2 else ExitCode.SIGTERM
        super().__init__("stopped by a signal", exit_code=code)


class UsageError(PnsyncError):
    """Wrong usage of the program (exit 8)."""

    exit_code = ExitCode.USAGE


@dataclass
class ConfigError(PnsyncError):
    """The files are invalid (exit 8); carries every diagnostic of the run."""

    diagnostics: tuple[Diagnostic, ...] = field(default=())
    exit_code = ExitCode.USAGE

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        errors = sum(1 for one in self.diagnostics if one.severity is Severity.ERROR)
        PnsyncError.__init__(
            self, f"the configuration is invalid: {errors} error{'s' if errors != 1 else ''}"
        )


class StateError(PnsyncError):
    """The state cannot be read, trusted or written, or belongs to another account or lineage (exit 9)."""

    exit_code = ExitCode.STATE


class Fenced(StateError):
    """Another run has taken over this state; this one must make no further call (exit 9)."""


class Locked(PnsyncError):
    """The state is held by another run (exit 6)."""

    exit_code = ExitCode.LOCKED


class PolicyRefused(PnsyncError):
    """A limit, a protection or a policy forbids the plan (exit 4)."""

    exit_code = ExitCode.POLICY


class StalePlan(PnsyncError):
    """The saved plan is stale, used already or tampered with (exit 5)."""

    exit_code = ExitCode.STALE_PLAN


class CredentialsRefused(PnsyncError):
    """A vendor refused the credentials (exit 10)."""

    exit_code = ExitCode.CREDENTIALS


class VendorError(PnsyncError):
    """A vendor's answer to a read cannot be used; names provider, operation and request id, changes nothing (exit 1)."""
