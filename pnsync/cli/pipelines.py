"""The CI workflows that `pnsync init` writes, from the package's data: their files, filled in for one state.

`LINEAGE` in them keys concurrency groups and the marker of the comment, so that two states in one repository do not
wait for each other or overwrite each other's comment. Must not decide where they are written.
"""

from importlib.resources import files
from typing import Final

from pnsync.cli import VERSION

GITHUB: Final = {
    f".github/workflows/pnsync-{name}.yml": f"github-{name}.yml"
    for name in ("check", "plan", "apply", "renew")
}
GITLAB: Final = {".gitlab-ci.yml": "gitlab-ci.yml"}


def pipelines(kind: str, lineage: str) -> dict[str, str]:
    """The workflow files of `github` or `gitlab`, by their path in the repository."""
    folder = files("pnsync.cli") / "workflows"
    short = lineage[:8]
    found = {"github": GITHUB, "gitlab": GITLAB}[kind]
    return {
        path: (folder / name)
        .read_text(encoding="utf-8")
        .replace("LINEAGE", short)
        .replace("VERSION", VERSION)
        for path, name in found.items()
    }
