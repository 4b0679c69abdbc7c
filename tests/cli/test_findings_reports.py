"""`pnsync validate --format sarif` and `gitlab`: the same findings, for code scanning and for a merge request."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import Result

Run = Callable[..., Result]
WRONG = """\
version: 1
providers: {nx: {type: nxcloud}}
bindings:
  desk: {provider: nx, mode: axb_extension, phone_a: 447700900123, phone_x: 447401264117, extension: 12, expires_in: 1d}
"""


def report(run: Run, kind: str, code: int, *before: str) -> Any:
    ended = run(*before, "validate", "--format", kind)
    assert ended.exit_code == code, ended.output
    assert "447700900123" not in ended.output
    return json.loads(ended.stdout)


def test_findings_at_their_places(run: Run) -> None:
    Path("pnsync.yaml").write_text(WRONG)
    [scan] = report(run, "sarif", 8)["runs"]
    [result] = scan["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], place["artifactLocation"]["uri"]) == ("E203", "pnsync.yaml")
    assert (place["region"]["startLine"], place["region"]["startColumn"]) == (
        4,
        WRONG.splitlines()[3].index("12, expires") + 1,
    )
    assert scan["tool"]["driver"]["rules"][0]["shortDescription"]["text"]
    [finding] = report(run, "gitlab", 8)
    assert (finding["check_name"], finding["location"]) == (
        "E203",
        {"path": "pnsync.yaml", "lines": {"begin": 4}},
    )


def test_nothing_found(run: Run) -> None:
    Path("pnsync.yaml").write_text(WRONG.replace("extension: 12", "extension: 012"))
    assert report(run, "sarif", 0)["runs"][0]["results"] == []
    assert report(run, "gitlab", 0) == []


def test_places_are_told_from_the_repository_s_root(run: Run, monkeypatch: Any) -> None:
    folder = Path("numbers")
    folder.mkdir()
    (folder / "pnsync.yaml").write_text(WRONG)
    root = Path.cwd()
    monkeypatch.chdir(folder)
    for name in ("CI_PROJECT_DIR", "GITHUB_WORKSPACE"):
        monkeypatch.setenv(name, str(root))
        [finding] = report(run, "gitlab", 8)
        assert finding["location"]["path"] == "numbers/pnsync.yaml"
        monkeypatch.delenv(name)
