"""The licences of what is locked: recorded in `licences.toml`, allowed there, and what the packages say of themselves."""

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.supply.locks import everything, needed_by_users

TABLE = Path(__file__).with_name("licences.toml")
_SAID = {
    "MIT License": {"MIT", "MIT-0"},
    "MIT license": {"MIT"},
    "Apache Software License": {"Apache-2.0"},
    "Apache License 2.0": {"Apache-2.0"},
    "Apache 2.0": {"Apache-2.0"},
    "BSD": {"BSD-2-Clause", "BSD-3-Clause"},
    "BSD License": {"BSD-2-Clause", "BSD-3-Clause"},
    "BSD 2-Clause License": {"BSD-2-Clause"},
    "Python Software Foundation License": {"PSF-2.0"},
    "Mozilla Public License 2.0 (MPL 2.0)": {"MPL-2.0"},
}
"""What a package's older metadata may mean, by what they say."""


def table() -> dict[str, Any]:
    """`licences.toml`."""
    return tomllib.loads(TABLE.read_text("utf-8"))


def said_by(package: str) -> tuple[str | None, set[str]]:
    """What an installed package says: the SPDX expression, or the ids that its older fields may mean."""
    known = metadata.metadata(package)
    expression = known.get("License-Expression")
    if expression:
        return expression, set()
    texts = {(known.get("License") or "").strip()}
    texts |= {
        one.rpartition("::")[2].strip()
        for one in known.get_all("Classifier") or []
        if one.startswith("License ::")
    }
    meant = set().union(*(_SAID.get(one, {one} if _is_id(one) else set()) for one in texts))
    return None, meant


def _is_id(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)+|MIT|ISC", text) is not None


def ids(expression: str) -> list[set[str]]:
    """The ways in which an expression can be met: each a set of ids that apply together."""
    assert "(" not in expression, "parentheses have not been needed so far"
    return [set(one.split(" AND ")) for one in expression.split(" OR ")]


def problems() -> list[str]:
    """Everything that is wrong with the licences of what is locked."""
    known = table()
    licences, elsewhere = known["licences"], known["read_elsewhere"]
    for_users = {one.name for one in needed_by_users()}
    locked = {one.name for one in everything()}
    found = [f"{one}: recorded and not locked" for one in sorted(licences.keys() - locked)]
    for name in sorted(locked):
        licence = licences.get(name)
        try:
            exact, meant = said_by(name)
        except metadata.PackageNotFoundError:
            exact, meant = None, set()
        if licence is None:
            found.append(
                f"{name}: no licence is recorded; the package says {exact or sorted(meant) or 'nothing'}"
            )
            continue
        if exact is not None and exact != licence:
            found.append(f"{name}: recorded as {licence}, the package says {exact}")
        if exact is None and name not in elsewhere and not meant & set().union(*ids(licence)):
            found.append(f"{name}: recorded as {licence}, the package says {sorted(meant) or 'nothing'}")
        allowed = set(known["allowed"])
        if name not in for_users:
            allowed |= set(known["allowed_for_development"])
        elif name in known["exceptions"]:
            continue
        if not any(way <= allowed for way in ids(licence)):
            found.append(f"{name}: {licence} is not allowed")
    return found
