"""A copy of pnsync/ with patches put in. A patch that does not fit exactly once is an error, never a mutant that lives."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from .mutant import Patch

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "pnsync"
SOURCES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))


class DoesNotFit(Exception):
    """The source is not what a patch was made for."""


def patched(patches: Iterable[Patch]) -> Mapping[str, str]:
    """The files that patches change, by path, with what then stands in them. Raises DoesNotFit."""
    found: dict[str, str] = {}
    for end, old, new in patches:
        paths = [path for path in SOURCES if path == end or path.endswith(f"/{end}")]
        texts = {path: found.get(path) or (SOURCE / path).read_text("utf-8") for path in paths}
        counts = {path: text.count(old) for path, text in texts.items()}
        if sum(counts.values()) != 1 or old == new:
            raise DoesNotFit(
                f"{end} in pnsync/ holds {sum(counts.values())} times: {old.strip().splitlines()[0]}"
            )
        path = next(one for one, count in counts.items() if count)
        found[path] = texts[path].replace(old, new)
    return found


def copy(patches: Iterable[Patch], folder: Path) -> None:
    """Make `folder`/pnsync with the patches in it. Raises DoesNotFit."""
    changed = patched(patches)
    shutil.copytree(SOURCE, folder / "pnsync")
    for name, text in changed.items():
        (folder / "pnsync" / name).write_text(text, "utf-8")
