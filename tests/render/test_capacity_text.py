"""How full groups are, in words and bars."""

from typing import Any

from pnsync.render.capacity import capacity_lines, trend_lines

NOW = "2027-01-15T08:00:00Z"


def outlook(**more: Any) -> dict[str, Any]:
    return {
        "name": "pool",
        "slots": 1197,
        "free": 897,
        "draining": [],
        "per_day": None,
        "runs_out_at": None,
        **more,
    }


def test_nothing_to_say_is_said_with_nothing() -> None:
    assert capacity_lines([outlook()], [], NOW) == []


def test_a_bar_on_a_terminal() -> None:
    assert capacity_lines([outlook()], [], NOW, bars=True) == [
        "pool: ██████░░░░░░░░░░░░░░░░░░  300 of 1,197 slots taken"
    ]
    (full,) = capacity_lines([outlook(slots=0, free=0)], [], NOW, bars=True)
    assert full == "pool: ████████████████████████  0 of 0 slots taken"


def test_when_it_runs_out() -> None:
    told = outlook(per_day=25.0, runs_out_at="2027-02-20T08:00:00Z")
    assert capacity_lines([told], [], NOW) == [
        "pool: 300 of 1,197 slots taken · +25.0 a day, full 20 Feb 08:00Z"
    ]
    calm = outlook(per_day=-1.5)
    assert capacity_lines([calm], [], NOW) == [
        "pool: 300 of 1,197 slots taken · -1.5 a day, so it does not run out"
    ]


def test_drains() -> None:
    drains = [
        {"phone_x": "447401264117", "live": 0, "empty_at": None},
        {"phone_x": "447401264118", "live": 2, "empty_at": "2027-01-16T08:00:00Z"},
        {"phone_x": "447401264119", "live": 1, "empty_at": None},
    ]
    assert capacity_lines([outlook(draining=drains)], [], NOW) == [
        "pool: 447401264117 is drained and empty",
        "pool: 447401264118 is drained, 2 bindings left, empty 16 Jan 08:00Z",
        "pool: 447401264119 is drained, 1 binding left, when it is empty is not known",
    ]


def test_parties_in_several_bindings() -> None:
    party = {"provider": "nx", "country_code": "44", "party": "44••••01~k3f9x2a", "bindings": 3, "numbers": 5}
    assert capacity_lines([], [party, {**party, "bindings": 1}], NOW) == [
        "nx +44: 44••••01~k3f9x2a is in 3 bindings without extension, and needs an X for each; 5 numbers known"
    ]


def test_trends_and_names_that_cannot_break_out() -> None:
    trend = {"group": "po\x1bol", "at": NOW, "free": 8, "per_day": 2.0, "runs_out_at": "2027-01-19T08:00:00Z"}
    assert trend_lines([trend], NOW) == [
        "po\\u{1b}ol: 8 slots free at 15 Jan 08:00Z · +2.0 a day, full 19 Jan 08:00Z"
    ]
