"""Findings about the files on a terminal: with the lines of the folder that they are about.

Must not read outside the folder of the root file.
"""

from collections.abc import Iterable, Sequence

from pnsync.cli.command import Invocation
from pnsync.config.sources import LIMIT_BYTES, FolderSource, SourceRefused
from pnsync.errors import Diagnostic, SourceSpan
from pnsync.render.diagnostics import BULLET, as_text

REAL_AS_X = "E308"
"""The finding that an X is somebody's real phone: the one case in which the value of an X is not shown."""


def findings_text(invocation: Invocation, found: Iterable[Diagnostic], *, colour: bool) -> str:
    """The findings, each with its line, and their number; "" for none."""
    source = FolderSource(invocation.folder)
    findings = list(found)

    def lines(file: str) -> Sequence[str] | None:
        try:
            read = source.read(file, LIMIT_BYTES).decode("utf-8-sig", "replace").split("\n")
        except (SourceRefused, OSError):
            return None
        for one in findings:
            if one.code == REAL_AS_X and one.span is not None and one.span.file == file:
                _hide(read, one.span)
        return read

    columns = invocation.output.columns
    told = as_text(findings, lines, color=colour, columns=columns or 100, folded=columns is not None)
    return told.rstrip("\n")


def _hide(lines: list[str], span: SourceSpan) -> None:
    """Put bullets in the place of a number's digits, but for two at either end."""
    if span.line > len(lines):
        return
    line, start, end = lines[span.line - 1], span.column - 1, span.end_column - 1
    digits = [i for i in range(start, min(end, len(line))) if line[i].isdigit()][2:-2]
    lines[span.line - 1] = "".join(BULLET if i in digits else one for i, one in enumerate(line))
