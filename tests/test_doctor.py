"""What doctor concludes from facts: each check at the edge where it turns."""

from dataclasses import replace

import pytest

from pnsync.errors import CredentialsRefused, Diagnostic, ExitCode
from pnsync.holder import Holder
from pnsync.journal import replay
from pnsync.model import Listing, Schedule, StateConfig, VendorType
from pnsync.policy.holds import Freeze
from pnsync.render.checks import checks_text
from pnsync.reports.doctor import (
    Check,
    Health,
    document,
    exit_code,
    failed,
    judge_account,
    judge_clock,
    judge_files,
    judge_listing,
    judge_lock,
    judge_schedule,
    judge_standing,
    judge_state,
)
from pnsync.reports.status import Status, status
from pnsync.state import Failure
from tests.render.published import check
from tests.worlds import DAY, NOW, NX, attempt, axb, bound, desired, made, pending, state

HOURLY = Schedule(3600, 3600)
REAL = replace(NX, endpoint="https://number.nxcloud.com/api/pns/")


def standing(**more: object) -> Status:
    """The status of a state with these parts."""
    schedule = more.pop("schedule", HOURLY)
    holder = more.pop("holder", None)
    return status(desired(schedule=schedule), state(**more), holder, now=NOW)


@pytest.mark.parametrize(
    ("offset", "health"),
    [
        (0, "ok"),
        (5, "ok"),
        (-5, "ok"),
        (5.1, "warning"),
        (-59, "warning"),
        (61, "warning"),
        (-4000, "warning"),
    ],
)
def test_clocks(offset: float, health: str) -> None:
    found = judge_clock("nx", offset)
    assert found.health == health and bool(found.advice) is (health != "ok")
    if health != "ok":
        assert ("behind" in found.found) is (offset > 0)
        assert ("uncorrected" in found.found) is (abs(offset) >= 60)


def test_a_listing_that_is_not_whole() -> None:
    listing = Listing("nx", (), pages=3)
    assert judge_listing("nx", listing, 0.2, 20).health is Health.WELL
    found = judge_listing("nx", replace(listing, problems=("row 3 has no id",)), 0.2, 20)
    assert found.health is Health.WARNING and "row 3" in found.advice


def test_locks() -> None:
    holder = Holder("ab12", "ci", "host", 7, "pnsync apply", NOW - 3599)
    assert judge_lock(standing()).found == "free"
    assert judge_lock(standing(holder=holder)).health is Health.WELL
    old = judge_lock(standing(holder=replace(holder, since=NOW - 3600)))
    assert old.health is Health.WARNING and old.command == "pnsync unlock ab12"


def test_schedules() -> None:
    order = axb("order")
    assert judge_schedule(standing()).health is Health.WELL
    assert judge_schedule(standing(entries=bound(order))).health is Health.WELL
    assert judge_schedule(standing(schedule=None)).health is Health.WELL
    assert judge_schedule(standing(entries=bound(order), schedule=None)).advice
    late = judge_schedule(standing(entries=bound(order, age=DAY - 60)))
    assert late.health is Health.WARNING
    assert late.found == "1 renewal has been due for longer than the schedule allows"
    lapsed = judge_schedule(standing(entries=bound(order, age=DAY + 60)))
    assert (lapsed.health, lapsed.code) == (Health.FAILED, ExitCode.DOWN)


def test_what_is_wrong_in_the_state() -> None:
    down = replace(made(axb("a")), bind_id=None)
    known = state(
        {"bindings.a": down},
        pending=pending(attempt(axb("b"))),
        failures={"bindings.a": Failure(NOW - 5, 1, "10010")},
    )
    known = replay(known, [Freeze("x", NOW).note()])
    found = judge_standing(status(desired(), known, None, now=NOW))
    assert [one.subject for one in found] == ["down", "unknown", "failing", "freeze"]
    assert exit_code(found) is ExitCode.DOWN
    assert judge_standing(standing()) == []


@pytest.mark.parametrize(
    ("settings", "backend", "provider", "health"),
    [
        ({"encryption": {}}, "postgres", REAL, "ok"),
        ({}, "postgres", REAL, "warning"),
        ({}, "local", REAL, "ok"),
        ({}, "postgres", NX, "ok"),
    ],
)
def test_sealing(settings: dict[str, object], backend: str, provider: object, health: str) -> None:
    files = desired(state=StateConfig(backend, settings), providers={"nx": provider})
    first, sealing = judge_state(files, state())
    assert (first.health, sealing.health) == ("ok", health)
    assert judge_state(files, None)[0].command == "pnsync state rebuild"


def test_accounts() -> None:
    assert NX.type is VendorType.NXCLOUD
    assert judge_account(NX, None, same=None).health is Health.WELL
    assert judge_account(NX, state(), same=True).health is Health.WELL
    other = judge_account(NX, state(), same=False)
    assert (other.code, other.command) == (ExitCode.STATE, "pnsync state account nx --accept")


def test_files_with_findings() -> None:
    assert judge_files(desired()).health is Health.WELL
    found = judge_files(desired(diagnostics=(Diagnostic("W400", "short"),)))
    assert found.health is Health.WARNING and found.command == "pnsync validate"


def test_the_whole_as_document_and_text() -> None:
    error = CredentialsRefused("the vendor refused the key", "Which key.", command="pnsync doctor")
    checks = [failed("nx: keys", error), Check("x\x1b", Health.WARNING, "found\n::error::", "do")]
    found = document(checks)
    check("doctor", found)
    assert found["exit"] == 10 and exit_code([]) is ExitCode.DONE
    text = checks_text(found)
    assert "1 failure, 1 warning." in text and "\x1b" not in text
    assert not any(one.startswith("::") for one in text.splitlines())
    assert checks_text(document([Check("lock", Health.WELL, "free")])).endswith("All is well.")


def test_checks_are_folded_and_their_commands_are_whole() -> None:
    command = "pnsync state account nx --accept"
    checks = [
        Check(
            "nx: account", Health.FAILED, "is another than recorded", "its host or its key differs:", command
        )
    ]
    assert checks_text(document(checks), columns=30).split("\n")[:6] == [
        "failed   nx: account  is",
        "         another than recorded",
        "         its host or its key",
        "         differs:",
        f"             {command}",
        "",
    ]
