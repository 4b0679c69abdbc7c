"""Findings about the files as other programs take them in: SARIF 2.1.0, and GitLab's code-quality report.

Promises: valid documents whatever the findings are; a finding keeps its fingerprint while its lines move, and no two
share one; text of files and vendors is escaped, and is no link where SARIF has links. Works on diagnostics alone;
`folder` is the root file's folder as seen from the repository's root, where both formats look for files. Pure.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from pnsync.errors import Diagnostic, Severity
from pnsync.render.text import escape, without_commands

SARIF_VERSION: Final = "2.1.0"
SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_GITLAB_SEVERITIES: Final = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}


def as_sarif(
    diagnostics: Iterable[Diagnostic],
    *,
    version: str,
    titles: Mapping[str, str] | None = None,
    root: str = "pnsync.yaml",
    folder: str = "",
) -> str:
    """The findings as one SARIF run of pnsync `version`.

    `titles` tells what codes mean; a finding without a place is shown at the first line of `root`, as code scanning
    shows none without.
    """
    found = list(diagnostics)
    codes = list(dict.fromkeys(one.code for one in found))
    run = {
        "tool": {
            "driver": {
                "name": "pnsync",
                "version": version,
                "semanticVersion": version,
                "rules": [_rule(code, (titles or {}).get(code, "")) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The root of the repository."}}},
        "results": [
            _result(one, codes.index(one.code), print_, root, folder)
            for one, print_ in zip(found, _fingerprints(found), strict=True)
        ],
    }
    return _json({"$schema": SARIF_SCHEMA, "version": SARIF_VERSION, "runs": [run]})


def as_gitlab(diagnostics: Iterable[Diagnostic], *, root: str = "pnsync.yaml", folder: str = "") -> str:
    """The findings as GitLab's code-quality report, a JSON list."""
    found = list(diagnostics)
    return _json(
        [
            {
                "description": _message(one),
                "check_name": one.code,
                "fingerprint": print_,
                "severity": _GITLAB_SEVERITIES[one.severity],
                "location": {
                    "path": _path(one.span.file if one.span else root, folder),
                    "lines": {"begin": one.span.line if one.span else 1},
                },
            }
            for one, print_ in zip(found, _fingerprints(found), strict=True)
        ]
    )


def _json(document: object) -> str:
    return without_commands(json.dumps(document, indent=2)) + "\n"


def _rule(code: str, title: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": code}
    if title:
        rule["shortDescription"] = {"text": _plain(title)}
    rule["help"] = {"text": f"pnsync explain {code}"}
    return rule


def _result(one: Diagnostic, rule: int, fingerprint: str, root: str, folder: str) -> dict[str, Any]:
    region = {"startLine": 1}
    if one.span is not None:
        region = {"startLine": one.span.line, "startColumn": one.span.column}
        if one.span.end_column > one.span.column:
            region["endColumn"] = one.span.end_column
    file = _path(one.span.file if one.span else root, folder)
    place: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(file), "uriBaseId": "%SRCROOT%"},
            "region": region,
        }
    }
    if one.address:
        place["logicalLocations"] = [{"fullyQualifiedName": escape(one.address), "kind": "resource"}]
    return {
        "ruleId": one.code,
        "ruleIndex": rule,
        "level": _LEVELS[one.severity],
        "message": {"text": _plain(_message(one))},
        "locations": [place],
        "partialFingerprints": {"pnsync/v1": fingerprint},
    }


def _message(one: Diagnostic) -> str:
    """All that a finding says, on a line: what is wrong, the label of its place, what to do."""
    about = f"{one.address}: " if one.address and one.address not in one.summary else ""
    parts = [about + one.summary, one.label, *one.advice.split("\n")]
    return escape(". ".join(part.strip().rstrip(".") for part in parts if part.strip()))


def _plain(text: str) -> str:
    """A message of SARIF in which brackets are no link (SARIF 2.1.0, 3.11.6)."""
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]") if "](" in text else text


def _path(file: str, folder: str) -> str:
    return escape(f"{folder.strip('/')}/{file}" if folder.strip("/") else file)


def _uri(path: str) -> str:
    """A relative reference that cannot be taken for a scheme, an authority or an absolute path."""
    return quote(path.lstrip("/"), safe="/")


def _fingerprints(diagnostics: Sequence[Diagnostic]) -> Iterator[str]:
    """What stays the same while lines move: code, file, address and text, and which of several equal ones it is."""
    seen: Counter[tuple[str, ...]] = Counter()
    for one in diagnostics:
        key = (one.code, one.span.file if one.span else "", one.address or "", one.summary)
        seen[key] += 1
        parts = json.dumps([*key, seen[key]]).encode()
        yield hashlib.sha256(parts).hexdigest()
