"""What GitHub Actions shows of a run: annotations at lines of files, and the job's summary page.

Only where GITHUB_ACTIONS is set. Promises: annotations go to standard error, so that a document on standard output
stays whole; nothing in a name, remark or vendor's message becomes a command of the runner; a page that cannot be
written fails no command. Must not change a verdict.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pnsync.errors import ConfigError, Diagnostic, PnsyncError, Severity

if TYPE_CHECKING:
    from pnsync.cli.command import Invocation
    from pnsync.model import Desired
    from pnsync.verdict import Verdict

SUMMARISED: Final = frozenset({"validate", "plan", "apply", "destroy", "renew", "refresh", "verify"})
SHOWN: Final = 10
"""Annotations of one severity that GitHub shows of a step."""
PAGE_BYTES: Final = 1024 * 1024
"""What GitHub takes of a step's page; a longer one is dropped as a whole."""


def running(environ: Mapping[str, str]) -> bool:
    """Whether this is a step of a GitHub workflow."""
    return environ.get("GITHUB_ACTIONS") == "true"


def annotate(invocation: "Invocation", found: Iterable[Diagnostic]) -> None:
    """Show errors and warnings at their lines; of each severity as many as GitHub shows."""
    from pnsync.render.diagnostics import as_github

    if not running(invocation.environ):
        return
    every = list(found)
    shown = [
        one
        for severity in (Severity.ERROR, Severity.WARNING)
        for one in [one for one in every if one.severity is severity][:SHOWN]
    ]
    if shown:
        invocation.output.annotations(as_github(shown, folder=folder_in_repository(invocation)), error=True)


def annotate_failures(invocation: "Invocation", verdict: "Verdict", desired: "Desired") -> None:
    """Show the failures of an apply, and what is down, where the bindings are declared."""
    spans = {one.address: one.span for one in desired.bindings.values()}
    spans |= {one.address: one.span for one in desired.groups.values()}
    failed = {one.address for one in verdict.failures}
    found = [
        Diagnostic(one.code, one.reason, span=spans.get(one.address), advice=one.next, address=one.address)
        for one in verdict.failures
    ]
    found += [
        Diagnostic("down", "nobody is reached", span=spans.get(one), advice="`pnsync renew`", address=one)
        for one in verdict.down
        if one not in failed
    ]
    annotate(invocation, found)


def summarise(invocation: "Invocation", text: str) -> None:
    """Append Markdown to the job's summary page, where there is room for it."""
    path = invocation.environ.get("GITHUB_STEP_SUMMARY")
    if not path or not running(invocation.environ):
        return
    data = text.rstrip("\n").encode("utf-8", "backslashreplace") + b"\n\n"
    try:
        with Path(path).open("ab") as file:
            if file.seek(0, os.SEEK_END) + len(data) <= PAGE_BYTES:
                file.write(data)
    except OSError as error:
        invocation.output.err(f"warning: the job's summary could not be written: {error.strerror}")


def conclude_step(
    invocation: "Invocation", verdict: "Verdict", ended: object, problem: Mapping[str, str]
) -> None:
    """Show how the command ended: an error as an annotation, the verdict on the page."""
    if not running(invocation.environ) or invocation.command not in SUMMARISED:
        return
    match ended:
        case ConfigError():
            annotate(invocation, ended.diagnostics)
        case PnsyncError():
            annotate(invocation, [Diagnostic(ended.code, ended.summary, advice="\n".join(ended.detail))])
    if invocation.command == "plan" and not problem:
        return  # its page is the plan
    from pnsync.render.markup import prose
    from pnsync.render.summary import verdict_markdown

    why = f"\n{prose(problem['summary'])}\n" if problem.get("summary") else ""
    summarise(invocation, verdict_markdown(verdict) + why)


def folder_in_repository(invocation: "Invocation") -> str:
    """The folder as GitHub and GitLab name files: from the checkout, where a job says which that is."""
    environ = invocation.environ
    workspace = environ.get("GITHUB_WORKSPACE") or environ.get("CI_PROJECT_DIR")
    folder = invocation.folder.resolve()
    if workspace and folder.is_relative_to(workspace):
        return folder.relative_to(workspace).as_posix().removeprefix(".")
    return "" if folder == Path.cwd() else invocation.folder.as_posix()
