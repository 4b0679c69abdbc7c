"""The text of a plan: golden for one that shows every kind of change, and what must hold for any."""

import re
import time
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnsync.errors import Diagnostic, Severity
from pnsync.phone import Phone
from pnsync.plan import Action, Cause, Change, Deferred
from pnsync.render.terminal import Style, folded, plan_text
from tests.render.documents import CHANGES, DEFERRED, desk, plan_document

GOLDEN = Path(__file__).parent / "golden"
HEADING = "pnsync.yaml · 2 providers · 1,204 bindings declared · lineage 7c4d1a2b serial 41"
FULL = Style(rate=20, heading=HEADING, next_step="pnsync apply plan.pnsplan")


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("plain", FULL),
        ("columns-80", replace(FULL, columns=80)),
        ("columns-120", replace(FULL, columns=120)),
        ("colour", replace(FULL, colour=True)),
        ("verbose", replace(FULL, verbose=True)),
    ],
)
def test_golden(name: str, style: Style) -> None:
    text = plan_text(plan_document(), style) + "\n"
    file = GOLDEN / f"plan-{name}.txt"
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("columns", [80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    text = plan_text(plan_document(), replace(FULL, columns=columns))
    assert max(map(len, text.splitlines())) <= columns


@pytest.mark.parametrize("columns", [None, 20, 60, 80, 100])
def test_folding_leaves_nothing_out(columns: int | None) -> None:
    text = " ".join(plan_text(plan_document(), replace(FULL, columns=columns)).split())
    for word in (
        "desk-old",
        "44••••98~12ctxeg,",
        "desks.yaml:88",
        "~0.3",
        "quarantine",
        "1,198",
        "plan.pnsplan",
    ):
        assert word in text


def test_without_colour_nothing_but_text() -> None:
    text = plan_text(plan_document(), FULL)
    assert "\x1b" not in text
    coloured = plan_text(plan_document(), replace(FULL, colour=True))
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == text


def test_dangerous_first_and_commits_before_time() -> None:
    text = plan_text(plan_document(), FULL)
    order = ["desk-old", "desk-7", "couriers", "desk-london", "desk-3", "desk-down", "driver-4", "desk-9"]
    assert sorted(order, key=text.index) == order


def test_nothing_to_do() -> None:
    document = plan_document(changes=(), deferred=(), diagnostics=(), unchanged=1204, unmanaged=6)
    assert plan_text(document, FULL).splitlines()[2:] == [
        "No changes. 1,204 unchanged, 6 unmanaged.",
        "Nothing is due before 22 Nov 19:12Z.",
    ]


def test_nothing_to_do_yet() -> None:
    text = plan_text(plan_document(changes=()), FULL)
    assert "Later (1)" in text
    assert "1 change waits for a later run." in text


def test_a_refused_plan_names_no_way_to_apply_it() -> None:
    refusal = Diagnostic(
        "P401", "37 bindings would be unbound, 10 are allowed", advice="name the count: --allow-unbind 37"
    )
    text = plan_text(plan_document(refusals=(refusal,)), FULL)
    assert text.splitlines()[-3:] == [
        "Refused until this is decided:",
        "error[P401]: 37 bindings would be unbound, 10 are allowed",
        "  name the count: --allow-unbind 37",
    ]
    assert "pnsync apply" not in text
    assert text.splitlines()[2].startswith("warning[")


def test_many_findings_of_one_kind_are_counted() -> None:
    found = tuple(Diagnostic("W410", f"finding {i}") for i in range(25))
    text = plan_text(plan_document(diagnostics=found), FULL)
    assert text.count("finding ") == 10
    assert "… and 15 more of W410; -v tells each" in text
    assert plan_text(plan_document(diagnostics=found), replace(FULL, verbose=True)).count("finding ") == 25


HOSTILE = st.text(alphabet=st.characters(), max_size=30)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_what_others_wrote_moves_no_cursor(remark: str, reason: str, provider: str) -> None:
    change = Change(
        "groups.g",
        Action.CREATE_GROUP,
        Cause.RECOVERY,
        reason,
        provider,
        after={"group_name": remark, "holds": "people", "phones": (), "remark": remark},
    )
    text = plan_text(plan_document(changes=(change,)), replace(FULL, verbose=True))
    assert all(one.isprintable() or unicodedata.category(one) == "Zs" for one in text.replace("\n", ""))


def test_no_real_number_is_shown() -> None:
    text = plan_text(plan_document(), replace(FULL, verbose=True))
    for change in CHANGES:
        for attributes in (change.before, change.after):
            for value in (attributes or {}).values():
                for phone in value if isinstance(value, tuple) else (value,):
                    if isinstance(phone, Phone):
                        assert phone.digits not in text


def test_ten_thousand_changes_in_a_second() -> None:
    changes = tuple(
        Change(
            f"bindings.desk-{i}",
            Action.BIND,
            Cause.CONFIG,
            "not in state",
            "nx",
            after=desk(f"4477009{i:05}", "447401264117", f"{i % 1000:03}"),
            calls=1,
        )
        for i in range(10_000)
    )
    document = plan_document(changes=changes)
    began = time.process_time()
    text = plan_text(document, replace(FULL, columns=100, colour=True))
    assert time.process_time() - began < 1
    assert text.count("\n") > 10_000


def test_a_summary_is_folded_between_its_parts() -> None:
    assert folded("aa · bb · cc", 8) == ["aa · bb", "  cc"]
    assert folded("aa · bb", None) == ["aa · bb"]


def test_a_rebind_that_changes_no_value_tells_why_it_is_made() -> None:
    """What only the files or only the vendor knows of a binding, a name or an instant, is no difference."""
    before = desk("447700900123", "447401264117", "101", expires_at="2026-11-23T05:44:31Z")
    after = desk("447700900123", "447401264117", "101", phone_a_name="alice")
    asked = Change(
        "bindings.desk", Action.REBIND, Cause.CONFIG, "asked for by --replace", "nx", before, after, calls=2
    )
    text = plan_text(plan_document(changes=(asked,)), Style(rate=20))
    assert "asked for by --replace" in text
    assert "none" not in text


def hidden(number: int, why: str = "was not read") -> Deferred:
    """A change of a binding whose vendor's listing tells nothing."""
    return Deferred(f"bindings.desk-{number}", Action.BIND, "nx", f"the listing of nx {why}")


def test_of_a_listing_that_tells_nothing_nothing_is_concluded() -> None:
    """Four hundred lines that say `bind`, of bindings that may well be live, would bury the error above them."""
    unread = {"changes": (), "unchanged": 0, "deferred": (*DEFERRED, *map(hidden, range(400)))}
    for title in ("Plan", "Drift", "Different"):
        text = plan_text(plan_document(**unread), replace(FULL, title=title))
        assert "Nothing is concluded about 400 addresses. 0 unchanged" in text
        assert "1 change waits for a later run." in text
        assert not re.search("No changes|No drift|No differences", text)
        assert "Later (401)" in text and "400 addresses" in text
        assert len(text.splitlines()) <= 12
    assert "bindings.desk-399" in plan_text(plan_document(**unread), replace(FULL, verbose=True))
    doubtful = plan_document(changes=(), deferred=(hidden(1, "cannot be trusted: row 3 has no id"),))
    assert "cannot be trusted: row 3 has no id" in plan_text(doubtful, FULL)


@pytest.mark.parametrize("title", ["Drift", "Different"])
def test_a_comparison_makes_no_calls_and_holds_for_no_time(title: str) -> None:
    text = plan_text(plan_document(), replace(FULL, title=title, next_step=""))
    assert f"\n{title}: " in text
    assert not re.search(r"\d calls?\b|Holds until", text)


def test_instants_in_findings_are_told_as_everywhere() -> None:
    found = Diagnostic("P332", "it rests until 2026-11-24T21:11:53Z, then not", Severity.WARNING)
    assert "it rests until 24 Nov 21:11:53Z, then not" in plan_text(plan_document(diagnostics=(found,)), FULL)
