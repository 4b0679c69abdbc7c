"""The logs of the modules on standard error: with `-v` what is notable, with `-vv` every request, masked by whoever logs.

A log line is escaped as any text that others wrote. Nothing is logged to files.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from pnsync.cli.command import Invocation
from pnsync.cli.output import Output
from pnsync.render.text import safe_line

LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


class _ToOutput(logging.Handler):
    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; never its traceback, which may hold anything."""
        text = f"{record.levelname.lower()}: {record.name}: {record.getMessage()}"
        self._output.err(safe_line(text))


@contextmanager
def shown_logs(invocation: Invocation) -> Iterator[None]:
    """Show the logs of pnsync as `-v` asks; those of libraries are not shown, as they hold headers and bodies."""
    ours, handler = logging.getLogger("pnsync"), _ToOutput(invocation.output)
    before = ours.level
    ours.addHandler(handler)
    ours.setLevel(LEVELS[min(invocation.verbosity, len(LEVELS) - 1)])
    try:
        yield
    finally:
        ours.setLevel(before)
        ours.removeHandler(handler)
