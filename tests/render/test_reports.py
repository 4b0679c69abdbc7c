"""SARIF and GitLab's report: true to their formats, stable fingerprints, nothing that is read as anything else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnsync.errors import Diagnostic, Severity, SourceSpan
from pnsync.render.reports import as_gitlab, as_sarif
from tests.render.hostile import ATTACKS, TEXTS

FOUND = (
    Diagnostic(
        "E203",
        'extension must be 3 digits, got "12"',
        span=SourceSpan("bindings/desks.yaml", 14, 16, 18),
        label="write it with its leading zero: 012",
        address="bindings.desk-1",
    ),
    Diagnostic(
        "W101",
        "the phone may be dialled as one",
        Severity.WARNING,
        SourceSpan("a b.yaml", 3, 2),
        advice="use\nboth",
    ),
    Diagnostic("E001", "there is no root file"),
    Diagnostic("E203", "extension must be 3 digits", Severity.NOTE, SourceSpan("bindings/desks.yaml", 20)),
)


def sarif(*found: Diagnostic, **more: Any) -> dict[str, Any]:
    """The only run of a report."""
    document = json.loads(as_sarif(found, version="0.1.0", **more))
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    return dict(run)


def test_sarif() -> None:
    run = sarif(*FOUND, titles={"E203": "A bad extension"}, folder="ops/")
    driver = run["tool"]["driver"]
    assert [one["id"] for one in driver["rules"]] == ["E203", "W101", "E001"]
    assert driver["rules"][0]["shortDescription"] == {"text": "A bad extension"}
    first, second, third, fourth = run["results"]
    assert first["message"]["text"] == (
        'bindings.desk-1: extension must be 3 digits, got "12". write it with its leading zero: 012'
    )
    assert first["level"] == "error"
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "ops/bindings/desks.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 14, "startColumn": 16, "endColumn": 18},
    }
    assert first["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "bindings.desk-1"
    assert second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "ops/a%20b.yaml"
    assert second["message"]["text"] == "the phone may be dialled as one. use. both"
    assert third["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "ops/pnsync.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 1},
    }
    assert (fourth["level"], fourth["ruleIndex"]) == ("note", 0)


def test_gitlab() -> None:
    found = json.loads(as_gitlab(FOUND, folder="ops"))
    assert found[0] == {
        "description": 'bindings.desk-1: extension must be 3 digits, got "12". write it with its leading zero: 012',
        "check_name": "E203",
        "fingerprint": found[0]["fingerprint"],
        "severity": "critical",
        "location": {"path": "ops/bindings/desks.yaml", "lines": {"begin": 14}},
    }
    assert [one["severity"] for one in found] == ["critical", "minor", "critical", "info"]
    assert found[2]["location"] == {"path": "ops/pnsync.yaml", "lines": {"begin": 1}}


def test_nothing_found_is_a_report_too() -> None:
    assert as_gitlab([]) == "[]\n"
    assert sarif()["results"] == []


def test_a_fingerprint_stays_while_lines_move() -> None:
    def prints(line: int) -> list[str]:
        found = [Diagnostic("E203", "x", span=SourceSpan("a.yaml", line + i)) for i in range(3)]
        return [one["fingerprint"] for one in json.loads(as_gitlab(found))]

    assert prints(1) == prints(100)
    assert len(set(prints(1))) == 3


@given(st.lists(st.builds(Diagnostic, TEXTS, TEXTS, st.sampled_from(Severity)), max_size=4))
def test_fingerprints_are_all_different(found: list[Diagnostic]) -> None:
    prints = [one["fingerprint"] for one in json.loads(as_gitlab(found))]
    assert len(set(prints)) == len(found)
    assert prints == [one["partialFingerprints"]["pnsync/v1"] for one in sarif(*found)["results"]]


@given(TEXTS)
def test_no_text_leaves_its_place(text: str) -> None:
    one = Diagnostic(text, text, Severity.ERROR, SourceSpan(text, 1, 2, 3), text, text, text)
    for report in (
        as_sarif([one], version="0.1.0", titles={text: text}, folder=text),
        as_gitlab([one], folder=text),
    ):
        assert report.isascii()
        assert "##[" not in report
        assert not any(line.lstrip().startswith(("::", "##")) for line in report.splitlines())
        json.loads(report)
    result = sarif(one)["results"][0]
    assert "\n" not in result["message"]["text"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert not uri.startswith("/")
    assert ":" not in uri


@pytest.mark.parametrize("text", [one for one in ATTACKS if "](" in one])
def test_brackets_are_no_links(text: str) -> None:
    shown = sarif(Diagnostic("E1", text))["results"][0]["message"]["text"]
    assert "](" not in shown.replace("\\]", "")
