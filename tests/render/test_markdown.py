"""The comment: what stands first, what is left out and how that is told, and that nothing breaks out of it."""

import re
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pnsync.errors import Diagnostic, Severity, SourceSpan
from pnsync.phone import Phone
from pnsync.plan import Action, Cause, Deferred
from pnsync.render.markdown import (
    LEAST_CHARS,
    SUMMARY_CHARS,
    marker_comment,
    render_markdown,
    render_step_summary,
)
from pnsync.render.markup import sized
from tests.profile import either
from tests.render.documents import CHANGES, plan_document
from tests.render.hostile import TEXTS, hostile_document, visible
from tests.render.many import change, many

RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])

OUR_HTML = re.compile(
    r"(<!-- pnsync-plan[A-Za-z0-9 -]* -->|<details><summary>[A-Za-z0-9, ]+</summary>|</details>)\n*"
)
# Every character of our own words; what others wrote may add none to it outside code spans.
OUR_TEXT = re.compile(r"[\w ,;:.'’()/·→—⚠️⛔⏳🔴🟡🟢🔵⚪-]*")
MEANT = re.compile(r"@|#|~|://|www\.|\bGH-\d|:[a-z]+:|\b[0-9a-f]{7,}\b|\d{7,}")


def tables(text: str) -> list[list[list[Token]]]:
    """The tables of a comment as rows of inline tokens, headers left out."""
    found: list[list[list[Token]]] = []
    inside = False
    for token in RENDERER.parse(text):
        if token.type in ("tbody_open", "tbody_close"):
            inside = token.type == "tbody_open"
            found += [[]] if inside else []
        elif inside and token.type == "tr_open":
            found[-1].append([])
        elif inside and token.type == "inline":
            found[-1][-1].append(token)
    return found


def words(cell: Token) -> str:
    """What a reader sees in a cell."""
    return "".join(one.content for one in cell.children or ())


@pytest.mark.parametrize("count", [0, 1, 200, 5_000, either(50_000, 12_000, 50_000)])
def test_it_fits_at_any_size(count: int) -> None:
    document = many(count)
    began = time.process_time()
    text = render_markdown(document, rate=20)
    assert time.process_time() - began < 3
    assert sized(text) <= 60_000
    assert sized(text) > 50_000 or count <= 200
    named = [
        words(row[0]) + words(row[1]) for table in tables(text) for row in table if "⏳" not in words(row[0])
    ]
    assert len(named) == len(set(named))
    for kind, action in (("unbinds", Action.UNBIND), ("rebinds", Action.REBIND), ("binds", Action.BIND)):
        total = sum(one["action"] == action.value for one in document["changes"])
        shown = sum(one.split(" ", 1)[1].startswith(f"{action.value}desk-") for one in named)
        left = re.search(rf"(?:([\d,]+) of )?([\d,]+) {kind}\b", _left_out(text))
        told = int((left[1] or left[2]).replace(",", "")) if left else 0
        assert shown + told == total


def _left_out(text: str) -> str:
    return "\n".join(
        line
        for line in text.splitlines()
        if "Not named here" in line or line.startswith("Counted, not named")
    )


def test_200_changes_are_all_named() -> None:
    text = render_markdown(many(200), rate=20)
    assert not _left_out(text)
    assert sum(len(table) for table in tables(text)) == 202  # and what waits, and the finding


def test_unbinds_and_rebinds_are_named_before_binds() -> None:
    text = render_markdown(many(800), max_chars=45_000)
    assert "unbind" not in _left_out(text)
    assert "rebind" not in _left_out(text)
    assert re.search(r"Counted, not named: [\d,]+ of 320 binds, 160 renewals", text)


def test_what_ends_and_is_not_named_stands_on_top() -> None:
    text = render_markdown(many(12_000))
    told = text.index("⚠️ **Not named here")
    assert told < text.index("| unbind" if "| unbind" in text else "🔴 unbind")
    assert text[told:].splitlines()[0].startswith("⚠️ **Not named here, for lack of room: ")
    assert re.search(r"[\d,]+ of 2,400 unbinds, 2,400 rebinds", text)


@pytest.mark.parametrize("room", [LEAST_CHARS, 2_000, 3_000, 5_000, 8_000, 20_000])
def test_it_fits_into_any_room(room: int) -> None:
    for document in (many(0), many(7), many(3_000), plan_document()):
        text = render_markdown(document, max_chars=room, rate=0.5)
        assert sized(text) <= room
        assert text.startswith("<!-- pnsync-plan 7c4d1a2b -->\n### pnsync: ")


def test_less_room_is_refused() -> None:
    with pytest.raises(ValueError, match="1500"):
        render_markdown(many(1), max_chars=LEAST_CHARS - 1)


def test_long_names_of_files_do_not_outgrow_the_room() -> None:
    short = [SourceSpan(f"{i % 5}.yaml", 1) for i in range(10)]
    long = [SourceSpan(f"{i}" + "y" * 150, 1) for i in range(10)]
    changes = tuple(change(i, Action.UNBIND, source=one) for i, one in enumerate(short + long))
    document = plan_document(changes=changes, deferred=(), diagnostics=())
    for room in range(LEAST_CHARS, 6_000, 50):
        assert sized(render_markdown(document, max_chars=room)) <= room


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.sampled_from([LEAST_CHARS, 4_000, 60_000]))
def test_nothing_breaks_out(text: str, room: int) -> None:
    comment = render_markdown(hostile_document(text), max_chars=room, rate=20)
    assert sized(comment) <= room
    assert visible(comment)
    for token in RENDERER.parse(comment):
        if token.type == "html_block":
            assert all(OUR_HTML.fullmatch(line) for line in token.content.splitlines())
        for one in token.children or ():
            assert one.type in (
                "text", "code_inline", "strong_open", "strong_close", "softbreak", "hardbreak",
            ), one  # fmt: skip
            if one.type == "text":
                assert OUR_TEXT.fullmatch(one.content), one.content
                assert not MEANT.search(one.content), one.content
    for line in comment.splitlines():
        assert not line.lstrip().startswith(("::", "/"))
        if line.startswith("|"):
            assert line.count("|") == 5
    assert "##[" not in comment


@given(TEXTS)
def test_a_hostile_row_is_as_wide_as_any(text: str) -> None:
    for table in tables(render_markdown(hostile_document(text))):
        assert all(len(row) == 4 for row in table)


def test_the_top_tells_who_is_reached() -> None:
    text = render_markdown(plan_document(), rate=20)
    top = text[: text.index("| | binding")]
    for words_ in (
        "### pnsync: 1 unbind, 1 rebind, 1 group update, 2 binds from this pull request",
        "**11 calls**, about 1 s at 20 calls/s",
        "holds until **22 Nov 19:12Z**",
        "1 rebind from drift, 1 bind from an interrupted run, 1 renewal, 1 forgotten entry by time",
        "1 later · 1,198 unchanged, 6 unmanaged",
        "**2 reach a different person**: `desk-3` (`447401264117 ext 103`: `44••••40~fc2wk09` → `44••••41~tas6k9a`)",
        "**1 stops being reached**: `desk-old` (`447401264117 ext 118`)",
        "**1 gets another number to dial**: `desk-7` (`447401264117 ext 107` → `447401264117 ext 207`)",
        "**X may change** on `driver-4`",
        "2 bindings unreachable for about 0.4 s at most",
        "1 left undone by an interrupted run",
    ):
        assert words_ in top
    assert max(map(len, top.splitlines())) < 500


def test_rows_stand_in_order_of_severity() -> None:
    text = render_markdown(plan_document())
    order = [
        "`desk-old` on",
        "`desk-7` on",
        "`groups.couriers` on",
        "`desk-3` on",
        "`desk-london` on",
        "`desk-down` on",
    ]
    order += ["`driver-4` on", "`desk-9` |", "`W410`"]
    assert sorted(order, key=text.index) == order


def test_nothing_to_do() -> None:
    text = render_markdown(plan_document(changes=(), deferred=(), diagnostics=()))
    assert "### pnsync: no changes\n" in text
    assert "| binding |" not in text
    assert "Nobody" not in text


def test_only_time() -> None:
    text = render_markdown(plan_document(changes=tuple(one for one in CHANGES if one.cause is Cause.EXPIRY)))
    assert "### pnsync: nothing from this pull request\n" in text
    assert "due as well: 1 renewal, 1 forgotten entry by time" in text


def test_binds_alone_reassure() -> None:
    text = render_markdown(plan_document(changes=tuple(change(i, Action.BIND) for i in range(3))))
    assert "- Nobody reaches a different person, and every number that is dialled today stays.\n" in text


def test_a_refused_plan_says_so_first() -> None:
    refusal = Diagnostic(
        "P402",
        "this plan would unbind 37 of 40 bindings; max_unbind allows 12",
        advice="if that is meant: --allow-unbind 37",
    )
    text = render_markdown(plan_document(refusals=(refusal,)))
    assert "### pnsync: refused, nothing can be applied: 1 unbind" in text
    assert "holds until" not in text, "it holds for no time"
    assert (
        "> ⛔ **Apply refuses this plan for 1 reason:**\n> - **`P402`** this plan would unbind 37 of 40 bindings; max_unbind allows 12 — if that is meant: `--allow-unbind 37`"
        in text
    )
    assert text.index("⛔") < text.index("reach a different person")


ROUTING = {
    "reaches_other": {"count": 2, "calls": []},
    "loses": {"count": 1, "calls": []},
    "gains": {"count": 5, "calls": []},
    "redials": {"count": 3, "calls": []},
    "gaps": {"count": 0, "longest_seconds": 0.0, "bindings": []},
    "chosen_later": 0,
    "misroutes": [],
}


def test_calls_are_counted_where_they_are_known() -> None:
    told = "- **Calls** that work today: 2 reach somebody else, 1 reaches nobody, 3 need another number\n"
    assert told in render_markdown(plan_document() | {"routing": ROUTING})
    without = plan_document()
    del without["routing"]
    assert "**Calls**" not in render_markdown(without)
    binds = plan_document(changes=(change(1, Action.BIND),)) | {"routing": ROUTING}
    assert "Nobody reaches" not in render_markdown(binds)


def test_a_call_that_could_go_astray_is_named() -> None:
    astray = {"step": 3, "phone_x": "447401264117", "extension": "101", "address": None, "others": None}
    reason = "two bindings claim it"
    document = plan_document() | {"routing": ROUTING | {"misroutes": [astray | {"reason": reason}] * 20}}
    text = render_markdown(document)
    assert f"- ⚠️ **A call could go astray** between two steps, to `447401264117 ext 101`: {reason}\n" in text
    assert "15 calls more could go astray" in text


def test_many_refusals_are_counted() -> None:
    refusals = tuple(
        Diagnostic("P401", f"number {i} is protected", address="bindings.a") for i in range(2_000)
    )
    text = render_markdown(plan_document(refusals=refusals))
    assert "for 2,000 reasons" in text
    assert "and 1,995 more" in text


def test_where_there_is_no_room_for_a_refusal_there_is_for_its_code() -> None:
    refusals = tuple(Diagnostic(f"P40{i % 2}", "x" * 900, advice="y " * 400) for i in range(8))
    text = render_markdown(plan_document(refusals=refusals), max_chars=LEAST_CHARS)
    assert "for 8 reasons:** `P400`, `P401`\n" in text


def test_many_later_changes_and_findings_are_counted() -> None:
    deferred = tuple(
        Deferred(f"bindings.d-{i}", Action.BIND, "nx", "extension in quarantine") for i in range(3_000)
    )
    found = tuple(Diagnostic("W410", f"finding {i}", Severity.WARNING) for i in range(3_000))
    text = render_markdown(plan_document(changes=(), deferred=deferred, diagnostics=found), max_chars=20_000)
    assert re.search(r"Counted, not named: [\d,]+ of 3,000 later changes, 3,000 warnings and notes\.", text)


def test_no_real_number_is_shown() -> None:
    text = render_markdown(plan_document())
    for one in CHANGES:
        for attributes in (one.before, one.after):
            for value in (attributes or {}).values():
                for phone in value if isinstance(value, tuple) else (value,):
                    assert not isinstance(phone, Phone) or phone.digits not in text


def test_the_marker_is_one_line_of_ours() -> None:
    assert marker_comment("") == "<!-- pnsync-plan -->"
    assert marker_comment("prod/eu --> <b>") == "<!-- pnsync-plan prod-eu-b -->"
    assert render_markdown(plan_document(lineage=""), marker="").startswith("<!-- pnsync-plan -->\n")


def test_the_way_to_the_whole_is_named_where_something_is_left_out() -> None:
    assert "All of it: `pnsync show plan.pnsplan`" in render_markdown(
        many(5_000), whole="pnsync show plan.pnsplan"
    )
    assert "All of it" not in render_markdown(many(20), whole="pnsync show plan.pnsplan")


def test_a_job_summary_holds_more() -> None:
    text = render_step_summary(many(5_000), rate=20)
    assert 60_000 < sized(text) <= SUMMARY_CHARS
    assert len(text.encode()) < 1024 * 1024
    assert "from this commit" in text


def test_one_provider_is_not_repeated() -> None:
    changes = tuple(replace(one, provider="nx") for one in CHANGES)
    assert " on `nx`" not in render_markdown(plan_document(changes=changes))
