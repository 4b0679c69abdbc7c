"""The published schemas: valid, the same as in docs/, and true of everything that is written, member by member."""

from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from pnsync.errors import Diagnostic, ExitCode
from pnsync.render.schemas import SCHEMAS, schema_text
from pnsync.verdict import Done, Failed, Read, Report, Verdict, Verified, report_document
from tests.render.documents import plan_document
from tests.render.published import check

DOCS = Path(__file__).parents[2] / "docs" / "schemas"


FAILED = Failed("bindings.a", "bind", "nx", "A501", "10005", "3f2c", "refused", "ask")
VERDICT = Verdict(
    "apply",
    (ExitCode.PARTIAL,),
    done=3,
    failed=1,
    down=("bindings.a",),
    failures=(FAILED,),
    serial=(41, 42),
    counts=(("bound", 3),),
    seconds=1.5,
)


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_a_schema_is_one_and_is_published(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name]())
    file = DOCS / f"{name}-v1.json"
    assert file.read_text(encoding="utf-8") == schema_text(name), (
        f"write schema_text({name!r}) to {file.name}"
    )


def test_nothing_else_is_published() -> None:
    assert {one.name for one in DOCS.glob("*.json")} == {f"{name}-v1.json" for name in (*SCHEMAS, "files")}


@pytest.mark.parametrize(
    "more", [{}, {"changes": (), "deferred": (), "diagnostics": (), "valid_until": None}]
)
def test_plans(more: dict[str, Any]) -> None:
    document = plan_document(**more)
    check("plan", document)
    check("plan", document | {"options": {}, "sameness": {}, "signature": "hmac-sha256:00"})
    for event in ("plan", "drift", "differences"):
        check("events", {"event": event, "plan": document})


def test_a_refused_plan() -> None:
    check("plan", plan_document(refusals=(Diagnostic("P402", "too many"),)))


@pytest.mark.parametrize("code", list(ExitCode))
def test_verdicts(code: ExitCode) -> None:
    check("result", VERDICT.document() | {"exit": int(code)})
    check("result", Verdict("plan", (code,)).document() | {"error": {"code": "A501", "summary": "failed"}})
    check("events", {"event": "verdict", **Verdict("plan", (code,)).document()})


SAMPLES = {
    str: "x", int: 3, float: 0.5, str | None: None, int | None: None, tuple[str, ...]: ("a", "b"),
}  # fmt: skip


@pytest.mark.parametrize("report", get_args(Report), ids=lambda one: one.__name__)
def test_reports(report: type[Any]) -> None:
    made = report(**{one.name: SAMPLES[one.type] for one in fields(report)})  # type: ignore[index]
    check("events", report_document(made))


def test_reports_as_they_are() -> None:
    check("events", report_document(Read("nx", "nxcloud", 3, 1, 2, 0.4, ("page 2 is missing",))))
    check("events", report_document(Done("bindings.a", "bind", "nx", "bound", 0.1, "447401264117", "101")))
    check("events", report_document(Verified(3, ("bindings.a",))))


@pytest.mark.parametrize(
    "broken",
    [
        {"format": "other"},
        {"version": 2},
        {"serial": -1},
        {"made_at": "yesterday"},
        {"changes": [{"address": "bindings.a"}]},
        {"digest": "md5:00"},
    ],
)
def test_what_is_no_plan(broken: dict[str, Any]) -> None:
    assert not Draft202012Validator(SCHEMAS["plan"]()).is_valid(plan_document() | broken)


def test_readers_ignore_what_they_do_not_know() -> None:
    Draft202012Validator(SCHEMAS["plan"]()).validate(plan_document() | {"later": 1})
