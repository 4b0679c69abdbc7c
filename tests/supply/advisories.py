"""Known weaknesses of what is locked, from a dated copy of the Python Packaging Advisory Database.

`make advisories` renews the copy from a checkout of github.com/pypa/advisory-database; it keeps what concerns locked
packages alone. The check itself needs no network, and says of which day its data are: it cannot know later ones.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from tests.supply.locks import Locked, canonical, everything

COPY = Path(__file__).with_name("advisories.json")
DATABASE = "https://github.com/pypa/advisory-database"
OLD_DAYS = 30
"""From here on the data are called old."""


def affected(package: Locked, advisory: dict[str, Any]) -> bool:
    """Whether an advisory names this very version, by its list of versions or by a range."""
    if package.version in advisory["versions"]:
        return True
    here = Version(package.version)
    inside = False
    for kind, text in sorted(advisory["events"], key=lambda one: (_version(one[1]), one[0] == "introduced")):
        at = _version(text)
        if kind == "introduced" and here >= at:
            inside = True
        if (kind == "fixed" and here >= at) or (kind == "last_affected" and here > at):
            inside = False
    return inside


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        # A version that is none says nothing of ours: as early as can be, it begins ranges and ends none of ours.
        return Version("0")


def copied() -> dict[str, Any]:
    """The dated copy."""
    found: dict[str, Any] = json.loads(COPY.read_text("utf-8"))
    return found


def problems(known: dict[str, Any] | None = None, among: Iterable[Locked] | None = None) -> list[str]:
    """The locked versions that an advisory names."""
    table = (known or copied())["packages"]
    return [
        f"{one.name} {one.version}: {' '.join([advisory['id'], *advisory['aliases']])}"
        for one in (everything() if among is None else among)
        for advisory in table.get(one.name, [])
        if affected(one, advisory)
    ]


def not_asked_for() -> list[str]:
    """Locked packages that were not locked when the copy was made, so that it says nothing of them."""
    return sorted({one.name for one in everything()} - set(copied()["asked_for"]))


def age(now: datetime) -> int:
    """How many days old the data are."""
    return (now - datetime.fromisoformat(copied()["date"])).days


def renew(database: Path) -> dict[str, Any]:
    """The copy that a checkout of the database gives for what is locked now."""
    from ruamel.yaml import YAML

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(database), *words], capture_output=True, text=True, check=True
        ).stdout

    yaml = YAML(typ="safe")
    wanted = {one.name for one in everything()}
    found: dict[str, list[dict[str, Any]]] = {}
    for path in git("ls-tree", "-r", "--name-only", "HEAD", "vulns/").splitlines():
        if not path.endswith(".yaml") or canonical(path.split("/")[1]) not in wanted:
            continue
        document = yaml.load(git("show", f"HEAD:{path}"))
        if "withdrawn" in document:
            continue
        for one in document["affected"]:
            if one["package"]["ecosystem"] != "PyPI" or canonical(one["package"]["name"]) not in wanted:
                continue
            events = [
                [kind, str(text)]
                for span in one.get("ranges", [])
                if span["type"] == "ECOSYSTEM"
                for event in span["events"]
                for kind, text in event.items()
            ]
            found.setdefault(canonical(one["package"]["name"]), []).append(
                {
                    "id": document["id"],
                    "aliases": sorted(document.get("aliases", [])),
                    "events": events,
                    # Versions that a range names too are left out of the copy.
                    "versions": [] if events else [str(text) for text in one.get("versions", [])],
                }
            )
    commit, date = git("log", "-1", "--format=%H %cI").split()
    return {
        "source": DATABASE,
        "licence": "CC-BY-4.0",
        "commit": commit,
        "date": datetime.fromisoformat(date).astimezone(UTC).isoformat(),
        "asked_for": sorted(wanted),
        "packages": {name: sorted(found[name], key=lambda one: str(one["id"])) for name in sorted(found)},
    }


def write(document: dict[str, Any]) -> None:
    """Put a copy in its place, an advisory a line."""
    text = json.dumps(document, indent=1, ensure_ascii=False)
    text = re.sub(r"\n {3,}", " ", text)
    COPY.write_text(re.sub(r"\[ ", "[", text) + "\n", "utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Renew the copy of the advisories.")
    parser.add_argument("database", nargs="?", type=Path, help="a checkout; without it one is cloned")
    given = parser.parse_args().database
    with tempfile.TemporaryDirectory() as folder:
        if given is None:
            given = Path(folder) / "database"
            cloned = subprocess.run(
                ["git", "clone", "--quiet", "--depth", "1", DATABASE, str(given)], check=False
            )
            if cloned.returncode != 0:
                sys.exit(
                    "The database cannot be reached from here; name a checkout: make advisories DATABASE=DIR"
                )
        write(renew(given))
    print(f"Advisories of {copied()['date']} for {len(copied()['packages'])} packages.")
