"""How a command ends: its result or its error becomes a message, an exit code and the verdict's file.

Promises: a foreseen failure is told as a summary, what is wrong, and the next step; an unforeseen one as a bug,
with nothing that a user wrote, a vendor sent or a variable held. Whatever happens there is a verdict. Must not
decide anything but how to tell it.
"""

import errno
import json
import traceback
from pathlib import Path
from signal import SIGTERM
from typing import Any, Final

import click

from pnsync.cli import VERSION
from pnsync.cli.actions import conclude_step, running
from pnsync.cli.command import Invocation
from pnsync.cli.files import replace_file
from pnsync.errors import ConfigError, ExitCode, PnsyncError
from pnsync.render.colour import Palette
from pnsync.render.text import escape, folded_lines
from pnsync.verdict import Verdict

TRACEBACK_VERBOSITY: Final = 2


def conclude(invocation: Invocation, ended: object) -> int:
    """Tell how the command ended; the exit code."""
    problem: dict[str, str] = {}
    match ended:
        case Verdict():
            verdict = ended
        case BaseException():
            code, problem = _tell(invocation, ended)
            verdict = Verdict(invocation.command, (code,))
        case _:
            code = ExitCode(ended) if isinstance(ended, int) else ExitCode.DONE
            verdict = Verdict(invocation.command, (code,))
    if running(invocation.environ):
        conclude_step(invocation, verdict, ended, problem)
    body = verdict.document() | ({"error": problem} if problem else {})
    if invocation.json_lines:
        invocation.event({"event": "verdict", **body})
    return _write_result(invocation, body, int(verdict.exit))


def _write_result(invocation: Invocation, body: dict[str, Any], code: int) -> int:
    if not invocation.result:
        return code
    data = json.dumps(body, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace") + b"\n"
    try:
        replace_file(invocation.target(invocation.result), data)
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is no path"
        invocation.output.err(f"error: the verdict could not be written\n  --result: {cause}")
        return code or int(ExitCode.FAILED)
    return code


def _tell(invocation: Invocation, error: BaseException) -> tuple[ExitCode, dict[str, str]]:
    """Tell an error on standard error; its exit code, and its summary for the verdict."""
    match error:
        case ConfigError():
            _tell_findings(invocation, error)
            return error.exit_code, {"code": _first_code(error), "summary": error.summary}
        case PnsyncError():
            invocation.output.err(message(error, invocation))
            return error.exit_code, {"code": error.code, "summary": error.summary}
        case click.exceptions.NoArgsIsHelpError():
            invocation.output.err(error.format_message())
            return ExitCode.USAGE, {"code": "", "summary": "no command"}
        case click.ClickException():
            invocation.output.err(_usage(error))
            return ExitCode.USAGE, {"code": "", "summary": "wrong usage"}
        case KeyboardInterrupt() | click.Abort():
            invocation.output.err("Interrupted: nothing was changed by this command that is not recorded.")
            terminated = getattr(error, "signal", None) == SIGTERM
            return ExitCode.SIGTERM if terminated else ExitCode.SIGINT, {"code": "", "summary": "interrupted"}
        case OSError(errno=number) if number is not None:
            invocation.output.err(_file_error(error))
            return ExitCode.FAILED, {"code": "", "summary": "a file could not be read or written"}
        case _:
            invocation.output.err(_bug(invocation, error))
            return ExitCode.FAILED, {"code": "", "summary": "a bug in pnsync"}


def message(error: PnsyncError, invocation: Invocation) -> str:
    """A foreseen failure as people read it; a command that helps stands alone on its line, with this run's -C and -c."""
    code = f"[{escape(error.code)}]" if error.code else ""
    label = Palette(invocation.output.err_colour).paint("error", f"error{code}")
    lines = [f"{label}: {escape(error.summary)}"]
    for one in error.detail:
        lines += [f"  {escape(line)}" for line in one.splitlines() or [""]]
    lines = folded_lines("\n".join(lines), invocation.output.err_columns, "    ").split("\n")
    if error.command:
        ours = error.command.startswith("pnsync ")
        helping = invocation.again(error.command.removeprefix("pnsync ")) if ours else error.command
        lines.append(f"      {escape(helping)}")
    return "\n".join(lines)


def _tell_findings(invocation: Invocation, error: ConfigError) -> None:
    from pnsync.cli.findings import findings_text

    invocation.output.err(findings_text(invocation, error.diagnostics, colour=invocation.output.err_colour))


def _first_code(error: ConfigError) -> str:
    return error.diagnostics[0].code if error.diagnostics else ""


def _usage(error: click.ClickException) -> str:
    from pnsync.render.diagnostics import masked

    # What was typed may be a phone where none belongs.
    lines = [f"error: {escape(masked(error.format_message(), cut=True))}"]
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        lines += [f"  {context.get_usage()}".replace("Usage: ", "usage: "), "  All of its options:"]
        lines.append(f"      {context.command_path} --help")
    return "\n".join(lines)


def _file_error(error: OSError) -> str:
    reason = error.strerror or errno.errorcode.get(error.errno or 0, "the system refused")
    named = f"{reason}: {error.filename}" if isinstance(error.filename, str) else reason
    return f"error: a file could not be read or written\n  {escape(named)}"


def _bug(invocation: Invocation, error: BaseException) -> str:
    """An unforeseen failure: where it happened and of which kind, never its text, which may hold anything."""
    frames = traceback.extract_tb(error.__traceback__)
    kind = type(error).__name__
    where = f"{_place(frames[-1].filename)}:{frames[-1].lineno}" if frames else "an unknown place"
    lines = [
        "error: This is a bug in pnsync",
        f"  {kind} at {where}, pnsync {VERSION}.",
        "  What was done is recorded; the next plan tells what is left. Please report it with these lines.",
    ]
    if invocation.verbosity >= TRACEBACK_VERBOSITY:
        lines.append("  Calls, the last one first:")
        lines += [f"    {_place(one.filename)}:{one.lineno} in {one.name}" for one in reversed(frames)]
    else:
        lines += ["  More for a report:", f"      {invocation.again(invocation.command)} -vv"]
    return "\n".join(lines)


def _place(filename: str) -> str:
    """A source file without the folders above its package."""
    parts = Path(filename).parts
    for name in ("pnsync", "site-packages"):
        if name in parts:
            i = len(parts) - 1 - parts[::-1].index(name)
            return "/".join(parts[i + (name == "site-packages") :])
    return parts[-1]
