"""How things stand, told from the state alone."""

import json
from dataclasses import replace

import pytest

from pnsync.holder import Holder
from pnsync.journal import replay
from pnsync.model import Schedule
from pnsync.policy.holds import Freeze, Hold
from pnsync.render.standing import status_metrics, status_text
from pnsync.reports.status import Run, last_run, overdue_findings, status, status_document
from pnsync.state import Failure, Standing, State
from tests.render.published import check
from tests.worlds import DAY, NOW, attempt, axb, bound, desired, made, pending, planned, state

ORDER = axb("order")
HOLDER = Holder("ab12", "ci", "runner-7", 17, "pnsync apply", NOW - 30)
SIX = Schedule(every_seconds=6 * 3600, late_by_seconds=8 * 3600)


def full() -> State:
    """A state in which everything is wrong."""
    entries = {
        "bindings.a": replace(made(axb("a")), bind_id=None, down_since=NOW - 500),
        "bindings.b": made(axb("b", 3, 4), age=DAY + 100),
        "bindings.c": made(axb("c", 5, 6), age=100),
    }
    known = state(
        entries,
        pending=pending(attempt(axb("d"))),
        failures={"bindings.a": Failure(NOW - 900, 3, "10010")},
    )
    events = [
        Hold("bindings.e", "inquiry \x1b[31m", NOW - 5, NOW + 500).note(),
        Hold("bindings.f", "over", NOW - 50, NOW - 5).note(),
        Freeze("release", NOW - 7).note(),
        Run(NOW - 7200, "apply", 12).note(),
    ]
    return replay(known, events)


def test_all_that_is_wrong_is_told() -> None:
    found = status(desired(schedule=SIX), full(), HOLDER, now=NOW)
    assert [one.address for one in found.down] == ["bindings.a"]
    assert [one.address for one in found.lapsed] == ["bindings.b"]
    assert [one.address for one in found.unsettled] == ["bindings.d"]
    assert [(one.address, one.count) for one in found.failing] == [("bindings.a", 3)]
    assert [one.address for one in found.holds] == ["bindings.e"]
    assert found.freeze is not None and found.holder == HOLDER
    assert found.first_lapse is not None and found.first_lapse.address == "bindings.c"
    assert found.last_run == Run(NOW - 7200, "apply", 12) and found.next_run == NOW + 4 * 3600
    text = status_text(status_document(found))
    for word in ("Frozen", "Down (1)", "Lapsed (1)", "Unknown (1)", "Failing (1)", "On hold (1)", "id ab12"):
        assert word in text
    assert "\x1b" not in text
    assert "\x1b[1;31m" in status_text(status_document(found), colour=True)


def test_what_did_not_answer_is_not_unknown_when_it_was_refused() -> None:
    known = state(pending=pending(attempt(axb("d")), standing=Standing.REFUSED))
    assert status(desired(), known, None, now=NOW).unsettled == ()


def test_what_nobody_wants_any_more_does_not_fail() -> None:
    known = state(
        failures={"bindings.gone": Failure(NOW - 900, 1, "1002"), "bindings.order": Failure(NOW, 1, "1")}
    )
    found = status(desired((ORDER,)), known, None, now=NOW)
    assert [one.address for one in found.failing] == ["bindings.order"]


def test_the_document_is_as_published() -> None:
    check("status", status_document(status(desired(schedule=SIX), full(), HOLDER, now=NOW)))
    check("status", status_document(status(desired(), state(), None, now=NOW)))


def test_nothing_is_wrong() -> None:
    found = status(desired(), state(bound(ORDER)), None, now=NOW)
    text = status_text(status_document(found))
    assert "Nothing is down" in text and "lock         free" in text
    assert (found.due, found.overdue, found.next_run) == (0, 0, None)


@pytest.mark.parametrize(("late", "overdue"), [(-1, 0), (0, 0), (14 * 3600, 0), (14 * 3600 + 1, 1)])
def test_a_renewal_due_for_longer_than_the_schedule_allows(late: int, overdue: int) -> None:
    lifetime = replace(ORDER.lifetime, lease_seconds=10 * DAY, renew_before_seconds=15 * 3600)
    entry = made(axb("order", lifetime=lifetime), expires_at=NOW + 15 * 3600 - late)
    found = status(desired(schedule=SIX), state({"bindings.order": entry}), None, now=NOW)
    assert (found.due, found.overdue) == (int(late >= 0), overdue)
    assert ("do its runs come?" in status_text(status_document(found))) is bool(overdue)


@pytest.mark.parametrize(
    "text", ["", "x", "{}", "[]", '{"at": "x", "command": "", "exit": 0}', '{"at": 1e400}']
)
def test_a_run_that_cannot_be_read_is_none(text: str) -> None:
    assert last_run(state(notes={"run": text})) is None


def test_lists_name_a_few_and_count_the_rest() -> None:
    entries = {
        f"bindings.o{i:02d}": replace(made(axb("o")), bind_id=None, down_since=None) for i in range(30)
    }
    document = status_document(status(desired(), state(entries), None, now=NOW))
    assert "and 20 more" in status_text(document)
    assert "bindings.o29" in status_text(document, verbose=True)
    assert json.loads(json.dumps(document)) == document


def test_metrics_are_prometheus_text_without_addresses() -> None:
    document = status_document(status(desired(schedule=SIX), full(), HOLDER, now=NOW))
    text = status_metrics(document)
    values: dict[str, float] = {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split()[2]
        elif line.startswith("# TYPE "):
            assert line == f"# TYPE {name} gauge"
        else:
            key, value = line.split(" ")
            assert key == name and key not in values
            values[key] = float(value)
    assert text.endswith("\n") and "bindings." not in text
    assert values["pnsync_down"] == 1 and values["pnsync_locked"] == 1 and values["pnsync_frozen"] == 1
    assert values["pnsync_first_lapse_timestamp_seconds"] == NOW + DAY - 100
    assert values["pnsync_failing_since_timestamp_seconds"] == NOW - 900
    assert values["pnsync_last_run_exit_code"] == 12
    empty = status_metrics(status_document(status(desired(), state(), None, now=NOW)))
    assert "first_lapse" not in empty and "last_run" not in empty


@pytest.mark.parametrize(("left", "told"), [(3600, False), (2, False), (1, True), (-3 * DAY, True)])
def test_a_plan_says_that_the_runs_do_not_come(left: int, told: bool) -> None:
    hourly = Schedule(3600, 3600 * 3 + 1198)  # 2 s less than what is left when it is due
    order = axb("order", lifetime=replace(ORDER.lifetime, renew_before_seconds=4 * 3600 + 1200))
    known = state({"bindings.order": made(order, expires_at=NOW + left)})
    found = planned(desired([order], schedule=hourly), known)
    assert len(found.changes) == 1
    notes = overdue_findings(found.changes, known, hourly, NOW)
    assert [one.code for one in notes] == ["P410"] * told
    assert overdue_findings(found.changes, known, None, NOW) == ()
