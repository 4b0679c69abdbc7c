"""What rests line by line: whose it is, what is told late, and which fixed numbers are a warning."""

from dataclasses import replace

import pytest

from pnsync.errors import Severity
from pnsync.journal import Event, Noted, Resolved, Rested, Verdict
from pnsync.model import Binding, Policy
from pnsync.plan import Plan
from pnsync.planner.quarantine import (
    NAMED_WARNINGS,
    Quarantine,
    rests_after_end,
    rests_after_recovery,
    warnings,
)
from pnsync.state import Entry, Operation, Resting, State
from tests.test_allocation import N1, N2, N3, auto, choose, got, old, team
from tests.worlds import (
    DAY,
    NOW,
    X,
    axg,
    bound,
    desired,
    desk,
    intent,
    made,
    pending,
    planned,
    state,
)

A, B = "bindings.a", "bindings.b"


def rest(x: str, extension: str | None, address: str = A, *, until: int = NOW + 60) -> Resting:
    return Resting("nx", x, address, until, extension=extension)


# -- whose it is ---------------------------------------------------------------------------------------------------------


def test_what_rests_no_more_hides_nothing_that_does() -> None:
    found = Quarantine([rest(N1, "101", until=NOW), rest(N1, "102", until=NOW + 1)], now=NOW)
    assert (found.until("nx", N1, "101", B), found.until("nx", N1, "102", B)) == (None, NOW + 1)


def test_the_last_end_counts_and_nobody_s_own() -> None:
    given = [
        rest(N1, "101", until=NOW + 9),
        rest(N1, "101", until=NOW + 5),
        rest(N1, "101", B, until=NOW + 7),
    ]
    for resting in (given, given[::-1]):
        found = Quarantine(resting, now=NOW)
        ends = [found.until("nx", N1, "101", one) for one in (A, B, "bindings.c")]
        assert ends == [NOW + 7, NOW + 9, NOW + 9]
    assert Quarantine([rest(N1, "101")], now=NOW).until("nx", N1, "101", A) is None


def test_its_own_is_told_the_latest_first_and_then_by_number() -> None:
    given = [
        rest(N2, "101", until=NOW + 5),
        rest(N1, "102", until=NOW + 5),
        rest(N1, "101", until=NOW + 5),
        rest(N3, "101", until=NOW + 9),
        rest(N1, "103", B),
        rest(N1, None),
    ]
    found = Quarantine(given, now=NOW)
    assert found.own(A) == (("nx", N3, "101"), ("nx", N1, "101"), ("nx", N1, "102"), ("nx", N2, "101"))
    assert found.own("bindings.c") == ()
    known = state(quarantine=tuple(given[:4]))
    assert got(choose([auto("a")], known)) == {"a": (N3, "101")}


# -- what is told late ---------------------------------------------------------------------------------------------------


def freeing(target: Entry | None = None, *, attempt: str = "run.1") -> State:
    """An open unbind of the desk on N1 extension 101."""
    given = intent(
        None, A, attempt=attempt, operation=Operation.UNBIND, provider="nx", bind_id="b1", unbinds=old()
    )
    return state(pending=pending(replace(given, target=target)))


def late(known: State, *, seconds: int = DAY, verdict: Verdict = Verdict.APPLIED) -> tuple[Rested, ...]:
    events: list[Event] = [
        Noted("any", "thing"),
        Resolved("run.0", Verdict.APPLIED, NOW),
        Resolved("run.1", verdict, NOW),
    ]
    return rests_after_recovery(known, events, now=NOW + 0.9, seconds=seconds)


def test_what_a_listing_tells_late_rests_from_now() -> None:
    assert late(freeing()) == (Rested((rest(N1, "101", until=NOW + DAY),), NOW),)
    assert late(freeing(), seconds=1) == (Rested((rest(N1, "101", until=NOW + 1),), NOW),)
    assert late(freeing(), seconds=0) == ()
    assert late(freeing(), verdict=Verdict.ABSENT) == ()


def test_what_a_listing_tells_late_does_not_rest_where_it_is_bound_again() -> None:
    again = replace(made(desk("a", "101", phone_x=N1)), bind_id=None)
    assert late(freeing(again)) == ()
    assert len(late(freeing(replace(again, extension="102")))) == 1


@pytest.mark.parametrize("seconds", [1, DAY])
def test_what_ends_rests_with_all_that_call_it(seconds: int) -> None:
    given = {"ended_at": NOW, "now": NOW, "seconds": seconds}
    team_call = made(axg("a", "team", phone_x=N1))
    assert rests_after_end(A, team_call, None, **given) == (rest(N1, None, until=NOW + seconds),)


# -- warnings ------------------------------------------------------------------------------------------------------------


def warned(bindings: list[Binding], *resting: Resting, known: State | None = None) -> list[str | None]:
    files = desired(bindings, [team("team", 11)])
    return [one.address for one in warnings(files, known or state(), Quarantine(resting, now=NOW))]


def test_fixed_numbers_of_others_are_a_warning_and_nobody_s_own() -> None:
    one, other = desk("a", "101", phone_x=N1), axg("a", "team", phone_x=N1)
    for binding, extension in ((one, "101"), (other, None)):
        assert warned([binding], rest(N1, extension, B)) == [A]
        assert warned([binding], rest(N1, extension)) == []
        assert warned([replace(binding, enabled=False)], rest(N1, extension, B)) == []


def test_what_has_its_number_hides_no_other() -> None:
    stays, comes = desk("a", "101", phone_x=N1), desk("b", "102", phone_x=N1)
    gone = "bindings.gone"
    resting = (rest(N1, "101", gone), rest(N1, "102", gone))
    assert warned([stays, comes], *resting, known=state(bound(stays))) == [B]


@pytest.mark.parametrize(("count", "told"), [(NAMED_WARNINGS, ""), (NAMED_WARNINGS + 1, "1 more binding")])
def test_warnings_beyond_the_first_are_counted(count: int, told: str) -> None:
    bindings = [desk(f"d{n}", f"{n:03d}", n, phone_x=N1) for n in range(count)]
    resting = Quarantine([rest(N1, f"{n:03d}") for n in range(count)], now=NOW)
    found = warnings(desired(bindings), state(), resting)
    assert {(one.code, one.severity) for one in found} == {("P332", Severity.WARNING)}
    assert len(found) == count
    assert found[-1].summary.startswith(told)
    assert [one.address is None for one in found] == [False] * NAMED_WARNINGS + [True] * (
        count - NAMED_WARNINGS
    )


# -- what is down gives up ---------------------------------------------------------------------------------------------


def down_desk(since: int | None = NOW - 60, **more: object) -> State:
    """A desk that was unbound, a minute ago, and not bound again."""
    entry = replace(made(desk("d", "101")), bind_id=None, down_since=since)
    return state({"bindings.d": entry}, **more)


def events(found: Plan) -> list[Event]:
    """What a plan learns, and what its changes record."""
    return [*found.bookkeeping, *(one for change in found.changes for one in change.events)]


LASTING = desk("d", "101")
OVER = replace(LASTING, lifetime=replace(LASTING.lifetime, until=NOW - 5))


@pytest.mark.parametrize(
    "declared",
    [desk("d", "102"), OVER, None],
    ids=["with other numbers", "no longer wanted", "no longer declared"],
)
@pytest.mark.parametrize(("since", "began"), [(NOW - 60, NOW - 60), (None, NOW)], ids=["recorded", "unknown"])
def test_what_a_binding_gives_up_that_is_down_rests_from_its_unbind(
    declared: Binding | None, since: int | None, began: int
) -> None:
    files = desired([] if declared is None else [declared], policy=Policy(quarantine_seconds=3600))
    rest = Resting("nx", X, "bindings.d", began + 3600, extension="101")
    found = planned(files, down_desk(since), [])
    assert events(found).count(Rested((rest,), NOW)) == 1


@pytest.mark.parametrize("declared", [desk("d", "102"), OVER], ids=["with other numbers", "no longer wanted"])
def test_what_rests_already_is_not_told_again(declared: Binding) -> None:
    files = desired([declared], policy=Policy(quarantine_seconds=3600))
    rest = Resting("nx", X, "bindings.d", NOW - 60 + 3600, extension="101")
    again = planned(files, down_desk(quarantine=(rest,)), [], now=NOW + 5)
    assert not any(isinstance(one, Rested) for one in events(again))


def test_what_comes_up_again_with_its_numbers_gives_up_none() -> None:
    files = desired([LASTING], policy=Policy(quarantine_seconds=3600))
    assert not any(isinstance(one, Rested) for one in planned(files, down_desk(), []).bookkeeping)
