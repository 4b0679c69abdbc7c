"""Declarations that `import` writes into the project's files: bindings, and the numbers that they name.

Promises: numbers are written first, then bindings, then (by the caller) the state, so that a run that is killed leaves
what is harmless: a number that nothing uses, a binding that is declared and not recorded. The other way round the next
apply would unbind. Where the files do not hold, they are put back as they were; a line of ours that alone does not hold
is left out instead. Numbers that are kept sealed are written sealed, and nothing of them stands anywhere else.
"""

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pnsync.cli.command import Invocation
from pnsync.cli.files import replace_file, stands_in
from pnsync.config.declaring import Declarations
from pnsync.config.sources import SourceRefused, check_path
from pnsync.errors import ConfigError, Severity, UsageError
from pnsync.model import BindKey
from pnsync.render.text import escape

if TYPE_CHECKING:
    from pnsync.cli.numberfiles import Rooted
    from pnsync.config.opening import Opener
    from pnsync.model import Desired

HEAD: Final = (
    "# Live bindings that pnsync took over. What the vendor's listing does not show is marked unknown.\n"
)
_ROUNDS: Final = 20
"""How often lines are left out and the rest is tried again; each reading tells up to a thousand at once."""

Remake = Callable[[Mapping[BindKey, str]], Declarations]
"""The declarations without some rows, which are left out with these reasons."""


class Target:
    """The file of bindings that is written to, and the file of numbers where the project keeps them apart.

    `known` are the numbers of the project by name; None where its bindings hold digits.
    """

    def __init__(self, invocation: Invocation, file: str, numbers: str | None, named: bool) -> None:
        self._invocation, self._file, self._numbers_given = invocation, file, numbers
        try:
            check_path(file)
        except SourceRefused as error:
            raise UsageError("the file cannot be declared in", f"{escape(file)}: {error}.") from None
        if not file.endswith((".yaml", ".yml")):
            raise UsageError("declarations are written as YAML", "Name a file that ends in .yaml or .yml.")
        self.path = invocation.path(file)
        if not stands_in(self.path, invocation.folder):
            raise UsageError(
                "the file cannot be declared in", f"{escape(file)}: a symbolic link leads out of the folder."
            )
        self._rooted, self._opener, self.known = self._read_numbers(named)

    def _read_numbers(self, named: bool) -> "tuple[Rooted, Opener, Mapping[str, str] | None]":
        from pnsync.cli.numberfiles import files, parsed, read, rooted
        from pnsync.config.opening import Opener

        found, opener = rooted(self._invocation), Opener(self._invocation.environ)
        if not found.patterns:
            if named:
                raise UsageError(
                    "there is no file for the numbers",
                    "The policy wants names, and the root file names no file of numbers; add one to it:",
                    command="numbers: numbers.yaml",
                )
            return found, opener, None
        known: dict[str, str] = {}
        for name in files(self._invocation, found):
            known |= parsed(read(self._invocation, name, opener) or "", name)
        return found, opener, known

    def numbers(self) -> str:
        """The file that new numbers stand in. Raises UsageError where several could be meant."""
        from pnsync.cli.numberfiles import chosen

        return chosen(self._invocation, self._rooted, self._numbers_given)

    def write(self, made: Declarations, remake: Remake) -> "tuple[Declarations, Desired]":
        """Write, and read all files again; what was written in the end, and what the files declare then."""
        before = {path: path.read_bytes() if path.exists() else None for path in self._paths(made)}
        fresh = not self.path.parent.exists()
        try:
            for _ in range(_ROUNDS):
                self._put(made, before)
                try:
                    return made, self._declared(made)
                except ConfigError as error:
                    more = _faulty(error, made)
                    if not more:
                        raise
                left_out = {row.key: why for row, why in made.left_out}
                made = remake(left_out | more)
            raise UsageError("too many live bindings cannot be declared", "The files are left as they were.")
        except BaseException:
            for path, data in before.items():
                _put_back(path, data)
            if fresh:
                with contextlib.suppress(OSError):
                    self.path.parent.rmdir()
            raise

    def _paths(self, made: Declarations) -> list[Path]:
        more = [self._invocation.path(self.numbers())] if made.numbers else []
        return [self.path, *more]

    def _put(self, made: Declarations, before: Mapping[Path, bytes | None]) -> None:
        from pnsync.cli.numberfiles import read, write
        from pnsync.yamlfile.editing import Unformattable, with_entries

        old = before[self.path]
        try:
            text = with_entries(old or HEAD.encode(), self._file, "bindings", list(made.lines.values()))
        except Unformattable as error:
            raise UsageError(
                "the file cannot be added to", f"{escape(self._file)} is left as it is: {error}."
            ) from None
        for path, data in before.items():
            if path != self.path:
                _put_back(path, data)
        if made.numbers:
            name = self.numbers()
            known = read(self._invocation, name, self._opener, to_write=True) or ""
            between = "" if not known or known.endswith("\n") else "\n"
            lines = "".join(f"{one}: {digits}\n" for one, digits in made.numbers.items())
            write(self._invocation, name, f"{known}{between}{lines}", self._rooted, self._opener)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self.path, text)

    def _declared(self, made: Declarations) -> "Desired":
        from pnsync.config import load

        desired = load(self._invocation.folder, self._invocation.root, environ=self._invocation.environ)
        if not made.lines.keys() <= desired.bindings.keys():
            raise UsageError(
                "the file is not included",
                f"{escape(self._file)} is not among the files that {escape(self._invocation.root)} includes; add it:",
                command=f'include: ["{self._file}"]',
            )
        return desired


def _faulty(error: ConfigError, made: Declarations) -> dict[BindKey, str]:
    """The rows whose own lines do not hold, with the reason; none where anything else is wrong too."""
    found: dict[BindKey, str] = {}
    for one in error.diagnostics:
        if one.severity is not Severity.ERROR:
            continue
        row = made.rows.get((one.address or "").removeprefix("bindings."))
        if row is None:
            return {}
        found.setdefault(row.key, f"{one.code}, {one.summary}")
    return found


def _put_back(path: Path, before: bytes | None) -> None:
    if before is None:
        path.unlink(missing_ok=True)
    else:
        replace_file(path, before)
