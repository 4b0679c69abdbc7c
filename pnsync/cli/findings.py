"""Findings about the files on a terminal: with the lines of the folder that they are about.

Must not read outside the folder of the root file.
"""

from collections.abc import Iterable, Sequence

from pnsync.cli.command import Invocation
from pnsync.config.sources import FolderSource, SourceRefused
from pnsync.errors import Diagnostic
from pnsync.render.diagnostics import as_text

LIMIT_BYTES = 64 * 1024 * 1024


def findings_text(invocation: Invocation, found: Iterable[Diagnostic], *, colour: bool) -> str:
    """The findings, each with its line, and their number; "" for none."""
    source = FolderSource(invocation.folder)

    def lines(file: str) -> Sequence[str] | None:
        try:
            return source.read(file, LIMIT_BYTES).decode("utf-8-sig", "replace").split("\n")
        except (SourceRefused, OSError):
            return None

    columns = invocation.output.columns or 100
    return as_text(found, lines, color=colour, columns=columns).rstrip("\n")
