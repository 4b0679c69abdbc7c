"""The locks, read strictly: a line that is not a pinned package with its hashes is an error, whatever pip would make of it.

So no index, no link, no file, no editable install, no option and no loose version can stand in one.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[2]
RUNTIME, DEVELOPMENT = TOP / "requirements.lock", TOP / "requirements-dev.lock"
BUILD = TOP / "requirements-build.lock"
"""What turns the source into a package."""
LOCKS = (RUNTIME, DEVELOPMENT, BUILD)
EXTRAS = ("age", "object", "postgres")
"""The parts of pnsync that a user may leave out."""

_PACKAGE = re.compile(
    r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)==(?P<version>[0-9][A-Za-z0-9.!+]*)"
    r"(?: ; (?P<marker>[^\\#]+?))?(?P<hashes>(?: --hash=sha256:[0-9a-f]{64})+)"
)
_OURS = "pnsync (pyproject.toml)"


class Loose(ValueError):
    """A lock says something else than which bytes of which package are installed."""


@dataclass(frozen=True, slots=True)
class Locked:
    """One version of one package; `via` names what needs it."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    via: tuple[str, ...]


def canonical(name: str) -> str:
    """A package's name as the lock writes it; an extra in brackets is dropped."""
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()


def read(lock: Path) -> list[Locked]:
    """All packages of a lock in order. Raises Loose."""
    found: list[Locked] = []
    pending = ""
    via: list[str] = []

    def close() -> None:
        nonlocal pending
        if not pending:
            return
        match = _PACKAGE.fullmatch(pending)
        if match is None:
            raise Loose(f"{lock.name}: {pending[:80]!r} is not NAME==VERSION with sha256 hashes")
        hashes = tuple(re.findall(r"[0-9a-f]{64}", match["hashes"]))
        found.append(Locked(match["name"], match["version"], match["marker"] or "", hashes, tuple(via)))
        pending = ""
        via.clear()

    for line in lock.read_text("utf-8").splitlines():
        text = line.strip()
        if text.startswith("#"):
            said = text.lstrip("# ").removeprefix("via").strip()
            if said and not pending.endswith("\\"):
                via.append(said if said == _OURS or said.startswith("pnsync (") else canonical(said))
            continue
        if line[:1] not in ("", " "):
            close()
        if text:
            pending = f"{pending.removesuffix(chr(92)).rstrip()} {text}".strip()
    close()
    if len({(one.name, one.version) for one in found}) != len(found):
        raise Loose(f"{lock.name}: a package stands twice")
    return found


def everything() -> list[Locked]:
    """Whatever is locked, once."""
    return list({(one.name, one.version): one for lock in LOCKS for one in read(lock)}.values())


def project() -> dict[str, object]:
    """The project's own table."""
    table: dict[str, object] = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]
    return table


def needed_by_users() -> dict[Locked, bool]:
    """What a user can come to install, and whether everybody does."""
    found = dict.fromkeys(read(RUNTIME), True)
    table = project()["optional-dependencies"]
    assert isinstance(table, dict)
    reached = {canonical(re.split(r"[<>=!~;\s]", one)[0]) for extra in EXTRAS for one in table[extra]}
    others = [one for one in read(DEVELOPMENT) if one.name not in {known.name for known in found}]
    while more := {one for one in others if one.name not in reached and reached & set(one.via)}:
        reached |= {one.name for one in more}
    return found | {one: False for one in others if one.name in reached}
