"""The high-water mark: the highest serial of a sealed state that was seen, kept apart from the state.

Whoever can put an old state back can put its old journal back too; only what lies elsewhere tells. The mark is a file
of this machine's user, `$XDG_STATE_HOME/pnsync/LINEAGE.serial` (~/.local/state where that is not set), and, for runners
that are thrown away, the variable PNSYNC_STATE_MIN_SERIAL. It holds nothing but a number.
"""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pnsync.errors import UsageError
from pnsync.statefile.codes import refusal

LEAST: Final = "PNSYNC_STATE_MIN_SERIAL"


class Mark:
    """Where marks are kept."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        base = environ.get("XDG_STATE_HOME") or (
            f"{environ['HOME']}/.local/state" if environ.get("HOME") else ""
        )
        self._folder = Path(base) / "pnsync" if base.startswith("/") else None
        text = environ.get(LEAST) or "0"
        if not text.isascii() or not text.isdecimal():
            raise UsageError(f"{LEAST} must be a serial", "It is the number behind `serial` in a verdict.")
        self._least = int(text)

    def reached(self, serial: int) -> None:
        """Refuse a state that is older than the variable says (S932)."""
        if serial < self._least:
            raise refusal("S932", f"It has serial {serial}; {LEAST} says that {self._least} was reached.")

    def pass_(self, lineage: str, serial: int, *, part: str = "", least: bool = True) -> None:
        """Refuse a state that is older than one seen before (S932); else remember it. A part has a mark of its own."""
        if least and not part:
            self.reached(serial)
        path = self._path(lineage, part)
        if path is None:
            return
        seen = _read(path)
        if serial < seen:
            raise refusal(
                "S932",
                f"It has serial {serial}; this machine has seen {seen}.",
                "What was recorded since is missing, so that bindings would be made again. Bring back the newer one.",
                f"Where the older one is meant, delete {path} first.",
            )
        self.keep(lineage, serial, part=part)

    def keep(self, lineage: str, serial: int, *, part: str = "") -> None:
        """Remember a serial that was read or written, unless a higher one was."""
        path = self._path(lineage, part)
        if path is not None and serial > _read(path):
            with contextlib.suppress(OSError):  # a mark that cannot be kept must not stop a run
                _write(path, serial)

    def _path(self, lineage: str, part: str) -> Path | None:
        name = f"{lineage}.{part.replace('/', '.')}" if part else lineage
        return None if self._folder is None else self._folder / f"{name}.serial"


def _read(path: Path) -> int:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return 0
    return int(text) if text.isdecimal() and len(text) < 20 else 0


def _write(path: Path, serial: int) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, made = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{serial}\n")
    Path(made).replace(path)
