"""The bars of a forecast."""

import pytest

from pnsync.render.outlook import bar, forecast_text


@pytest.mark.parametrize(
    ("value", "most", "columns", "drawn"),
    [(0, 9, 8, ""), (9, 9, 4, "████"), (1, 10_000, 8, "▏"), (5, 10, 4, "██"), (3, 8, 1, "▍"), (1, 0, 8, "")],
)
def test_bars(value: int, most: int, columns: int, drawn: str) -> None:
    assert bar(value, most, columns) == drawn


DAYS = [
    {"from": f"2026-11-{22 + i}T04:00:00Z", "renewals": many, "calls": 2 * many, "lapses": 3 * i, "ends": i}
    for i, many in enumerate([1204, 0, 7])
]
DOCUMENT = {
    "at": "2026-11-22T04:00:00Z",
    "first_lapse": {"address": "bindings.\x1bdesk", "at": "2026-11-23T09:12:00Z"},
    "overdue": 2,
    "never": 1,
    "unknown": 3,
    "days": DAYS,
}


def test_a_forecast_as_text() -> None:
    lines = forecast_text(DOCUMENT).splitlines()
    assert lines[0] == "22 Nov 04:00Z " + "█" * 30 + " 1,204 renewed · 2,408 calls"
    assert lines[1].endswith("    0 renewed ·     0 calls  1 ends, 3 lapse without a run")
    assert "2 renewals are due now." in lines and "1 binding has no end." in lines
    assert any("would lapse first, at 23 Nov 09:12Z." in one for one in lines)
    assert "\x1b" not in "\n".join(lines)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_it_fits(columns: int) -> None:
    drawn = forecast_text(DOCUMENT, columns=columns).splitlines()[: len(DAYS)]
    assert all(len(one) <= max(columns, 82) for one in drawn)


def test_days_stand_in_one_column_whatever_their_dates() -> None:
    """A run rarely begins at a full minute, and months have days of one digit."""
    dates = ("2026-11-30T04:00:07Z", "2026-12-01T04:00:07Z", "2027-12-02T04:00:07Z")
    days = [{"from": one, "renewals": 1, "calls": 1, "lapses": 1, "ends": 0} for one in dates]
    lines = forecast_text({**DOCUMENT, "days": days}).splitlines()[:3]
    assert {one.index("█") for one in lines} == {len("2 Dec 2027 04:00:07Z ")}
    assert all(one.endswith(" 1 renewed · 1 call  1 lapses without a run") for one in lines)


def test_nothing_lapses_or_has_lapsed() -> None:
    assert "Nothing lapses" in forecast_text({**DOCUMENT, "first_lapse": None})
    past = {"address": "bindings.a", "at": "2026-11-21T09:12:00Z"}
    assert "bindings.a lapsed at 21 Nov 09:12Z." in forecast_text({**DOCUMENT, "first_lapse": past})
