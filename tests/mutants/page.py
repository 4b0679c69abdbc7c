"""docs/mutants.md: its table, as the last run of all mutants wrote it."""

import re
from collections.abc import Iterable
from pathlib import Path

from .judging import Caught, Judged
from .mutant import Mutant

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mutants.md"
_TABLE = re.compile(r"^\| mutant \|.*?(?=\n\n|\n?\Z)", re.DOTALL | re.MULTILINE)
_HEAD = "| mutant | alone: caught by | without | breaks |\n| --- | --- | --- | --- |\n"


def layers(mutant: Mutant) -> str:
    """The layers that are off when harm is looked for, as the table says it."""
    if mutant.unseen:
        return "–"
    return ", ".join(layer.name for layer in mutant.off) or "nothing: no layer covers for it"


def table(judged: Iterable[Judged]) -> str:
    """The table of a run."""
    rows = []
    for one in judged:
        harm = one.mutant.unseen or _shown(one.harm, with_what=True)
        rows.append(f"| {one.mutant.name} | {_shown(one.alone)} | {layers(one.mutant)} | {harm} |")
    return _HEAD + "\n".join(rows)


def _shown(caught: Caught | None, *, with_what: bool = False) -> str:
    if caught is None:
        return "**nothing**"
    name = caught.name.removeprefix("tests/")
    name = f"`{name}`" if caught.by == "test" else f"{caught.by} {name}"
    return f"{name}: {caught.what.replace('|', '/')}" if with_what or caught.by != "test" else name


def written(page: str, judged: Iterable[Judged]) -> str:
    """The page with the table of a run in the place of the one it has."""
    rows = table(judged)
    assert _TABLE.search(page), "the page has no table"
    return _TABLE.sub(lambda _: rows, page)


def named(page: str) -> list[tuple[str, str]]:
    """The mutants that a page's table names, each with what it says is off."""
    found = _TABLE.search(page)
    rows = [] if found is None else found[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in rows]
    return [(one[0], one[2]) for one in cells]
