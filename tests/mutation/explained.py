"""The mutants that docs/mutation.md explains, so that what is written there and what survives cannot part."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mutation.md"
_FILE = re.compile(r"^#+ `?(pnsync/\S+?\.py)`?$")
_CODE = re.compile(r"(`+)(.+?)\1(?!`)")


def explained(file: str, page: str) -> set[tuple[str, str, str]]:
    """The keys of the mutants listed below a file's heading: `- function: old → new`, each in backticks."""
    found: set[tuple[str, str, str]] = set()
    here = False
    for line in page.splitlines():
        heading = _FILE.match(line)
        if line.startswith("#"):
            here = heading is not None and heading[1] == file
        elif here and line.lstrip().startswith("- ") and "→" in line:
            code = [one[1] for one in _CODE.findall(line)]
            if len(code) == 3:
                found.add((code[0], code[1], code[2]))
    return found
