"""What applications and people get: numbers, ends, status; and nothing personal."""

import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from pnsync.model import Mode
from pnsync.render.directory import csv_text, directory_html, directory_markdown
from pnsync.reports.publishing import published
from pnsync.state import State
from tests.worlds import (
    DAY,
    NOW,
    X2,
    X,
    attempt,
    axb,
    desk,
    group,
    made,
    made_group,
    pending,
    phone,
    ride,
    state,
)

HOSTILE = '=1+1</b><script>x</script>|`"'


def world() -> State:
    desks = [desk("a", "101", 1, labels=(("team", "west"),)), desk("b", "007", 2, labels=(("x", HOSTILE),))]
    entries = {one.address: made(one) for one in desks}
    entries["bindings.gone"] = made(desk("gone", "103", 3), age=2 * DAY)
    entries["bindings.down"] = made(desk("down", "104", 4), bind_id=None)
    entries["bindings.ride"] = replace(made(ride("ride", 5, 6, mode=Mode.AXXB)), phone_x_b=X)
    entries["bindings.open"] = made(axb("open", 7, 8))
    attempts = pending(attempt(axb("open", 7, 8)))
    team = group("team")
    return state({**entries, team.address: made_group(team)}, pending=attempts)


def test_status_and_numbers() -> None:
    found = {one.name: one for one in published(world(), now=NOW)}
    assert {name: one.status for name, one in found.items()} == {
        "a": "live",
        "b": "live",
        "gone": "expired",
        "down": "down",
        "ride": "live",
        "open": "unknown",
    }
    assert (found["a"].phone_x, found["a"].extension, found["a"].labels) == (X, "101", (("team", "west"),))
    assert (found["ride"].phone_x, found["ride"].phone_x_b) == (X2, X)
    assert found["open"].phone_x_b is None
    assert (found["down"].phone_x, found["down"].expires_at) == (None, None)
    assert found["a"].expires_at == "2027-01-16T07:00:00Z"


def test_selectors() -> None:
    names = [one.name for one in published(world(), ["team=west", "bindings.g*"], now=NOW)]
    assert names == ["a", "gone"]
    assert [one.name for one in published(world(), ["provider=la"], now=NOW)] == ["ride"]


def documents() -> list[dict[str, object]]:
    return [one.document() for one in published(world(), now=NOW)]


def test_no_form_holds_a_personal_number() -> None:
    forms = [
        csv_text(documents()),
        directory_markdown(documents()),
        directory_html(documents()),
        repr(documents()),
    ]
    for number in range(1, 9):
        assert all(phone(number).digits not in form for form in forms)


def test_csv_is_read_back_and_begins_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(documents()))))
    assert [one["address"] for one in rows] == sorted(one["address"] for one in rows)
    by_name = {one["address"]: one for one in rows}
    assert by_name["bindings.b"]["extension"] == "007"
    assert by_name["bindings.b"]["labels"] == f"x={HOSTILE}"
    assert by_name["bindings.a"]["phone_x"] == X


FORMULAS = (
    "=1+1",
    "+1",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    "=cmd|'/C calc'!A0",
    '="x"',
)


@given(
    st.sampled_from(FORMULAS) | st.text(max_size=20),
    st.sampled_from(["", "a;", "a,", '"', "a;;", "x;\t", '";"']),
    st.sampled_from([",", ";"]),
)
def test_no_cell_begins_a_formula_where_commas_or_semicolons_part_cells(
    text: str, before: str, separator: str
) -> None:
    """A spreadsheet takes the one or the other, by the language of its user."""
    row = {**documents()[0], "address": before + text, "labels": {before + text: text, "b": before + text}}
    written = csv_text([row])
    (read,) = csv.DictReader(io.StringIO(written))
    assert read["extension"] == row["extension"]
    parted = [cell for one in csv.reader(io.StringIO(written), delimiter=separator) for cell in one]
    assert not [cell for cell in parted if re.match(r"\s*[=+\-@＝＋－＠]", cell)]


def test_the_table_holds_every_live_number_and_nothing_leaves_its_cell() -> None:
    text = directory_markdown(documents())
    lines = text.splitlines()
    assert len(lines) == 2 + 4
    assert "| `a` | `447700900900` | `101` | `team=west` |" in lines
    assert all(line.count("|") == 5 for line in lines)
    assert "`gone`" not in text and "`down`" not in text


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_self_contained_and_nothing_leaves_its_element() -> None:
    page = directory_html(documents())
    parser = _Elements()
    parser.feed(page)
    assert "script" not in parser.tags
    assert {"link", "img"}.isdisjoint(parser.tags)
    assert parser.tags.count("li") == 4
    assert HOSTILE in parser.text
    assert "default-src 'none'" in page


def test_one_number_is_one() -> None:
    assert "1 number to dial." in directory_html(documents()[:1])
