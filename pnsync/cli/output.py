"""Where text goes: standard output for what was asked for, standard error for progress and errors.

Promises: UTF-8 whatever the locale; a reader that went away, or a stream that was closed, never stops a command,
so that an apply is not torn by the death of its pager; colour and widths only where a terminal is. What could not
be written is told at the end. Must not know what it writes.
"""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Mapping
from typing import IO, Final

from pnsync.render.text import folded_lines, plain_lines

GONE: Final = frozenset({errno.EPIPE, errno.EBADF, errno.ESHUTDOWN, errno.EIO})
"""Errors that say that nobody reads any more; any other (a full disk) is a failure of the command."""

FALLBACK_COLUMNS: Final = 100


def occupy_standard_streams() -> None:
    """Open the null device on each of descriptors 0 to 2 that is closed, so that no file of ours gets its number."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


class Output:
    """The two streams of one command."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.failure: OSError | None = None
        """The first error of standard output that is not the reader's going away."""
        self._gone = {"stdout": False, "stderr": False}
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                with contextlib.suppress(OSError, ValueError):
                    stream.reconfigure(encoding="utf-8", errors="backslashreplace")

    def out(self, text: str, *, end: str = "\n") -> None:
        """Write to standard output; no line of it is a command of a CI runner."""
        self._write("stdout", plain_lines(text) + end)

    def told(self, text: str, hanging: str = "    ") -> None:
        """Write sentences to standard output, folded at spaces where a terminal is too narrow."""
        self.out(folded_lines(text, self.columns, hanging))

    def err(self, text: str, *, end: str = "\n") -> None:
        """Write to standard error; no line of it is a command of a CI runner."""
        self._write("stderr", plain_lines(text) + end)

    def annotations(self, text: str, *, error: bool) -> None:
        """Write lines that a CI runner shall read: commands that pnsync itself has made, to one of the streams."""
        self._write("stderr" if error else "stdout", text)

    @property
    def out_is_terminal(self) -> bool:
        """Whether a person reads standard output as it is written."""
        return _is_terminal(sys.stdout)

    @property
    def err_is_terminal(self) -> bool:
        """Whether a person reads standard error as it is written."""
        return _is_terminal(sys.stderr)

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked: terminals on standard input and error."""
        return _is_terminal(sys.stdin) and self.err_is_terminal

    @property
    def out_colour(self) -> bool:
        """Whether standard output shows colour."""
        return self.out_is_terminal and self._colour_wanted

    @property
    def err_colour(self) -> bool:
        """Whether standard error shows colour."""
        return self.err_is_terminal and self._colour_wanted

    @property
    def _colour_wanted(self) -> bool:
        return not self._environ.get("NO_COLOR") and self._environ.get("TERM") != "dumb"

    @property
    def columns(self) -> int | None:
        """The terminal's width in columns; None where standard output is no terminal, so that nothing is folded."""
        return self._columns(sys.stdout) if self.out_is_terminal else None

    @property
    def err_columns(self) -> int | None:
        """The same of standard error."""
        return self._columns(sys.stderr) if self.err_is_terminal else None

    def _columns(self, stream: IO[str]) -> int:
        given = self._environ.get("COLUMNS", "")
        if given.isdecimal() and int(given) > 0:
            return int(given)
        try:
            found = os.get_terminal_size(stream.fileno()).columns
        except (OSError, ValueError):
            found = 0
        return found or FALLBACK_COLUMNS

    def close(self) -> None:
        """Write what is buffered, and leave nothing that the interpreter would fail to write when it ends."""
        for name in ("stdout", "stderr"):
            stream: IO[str] | None = getattr(sys, name)
            if stream is None or self._gone[name]:
                continue
            try:
                stream.flush()
            except (OSError, ValueError) as error:
                self._lose(name, error)

    def _write(self, name: str, text: str) -> None:
        stream: IO[str] | None = getattr(sys, name)
        if stream is None or self._gone[name]:
            return
        try:
            stream.write(text)
            stream.flush()
        except (OSError, ValueError) as error:
            self._lose(name, error)

    def _lose(self, name: str, error: OSError | ValueError) -> None:
        self._gone[name] = True
        if isinstance(error, OSError) and error.errno not in GONE and name == "stdout":
            self.failure = self.failure or error
        # What stays in the stream's buffer would be written, and fail again, when the interpreter ends.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, getattr(sys, name).fileno())
            os.close(null)


def _is_terminal(stream: IO[str] | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False
