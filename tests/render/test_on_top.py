"""What every plan says on top while it lasts: a freeze, holds, and that the files are older than what was applied."""

import pytest

from pnsync.errors import Diagnostic, Severity
from pnsync.render.html import render_html
from pnsync.render.markdown import LEAST_CHARS, render_markdown
from pnsync.render.markup import sized
from pnsync.render.terminal import Style, plan_text
from tests.render.documents import plan_document

FREEZE = Diagnostic("P407", "frozen since 2026-11-22T00:00:00Z: a release", advice="`pnsync unfreeze`")
OLDER = Diagnostic("P409", "this checkout is older than what was applied", Severity.WARNING, advice="fetch")
OTHER = Diagnostic("W400", "something else", Severity.WARNING)


def held(number: int) -> Diagnostic:
    """A hold."""
    address = f"bindings.held-{number}"
    summary = f"{address} is on hold since 2026-11-22T00:00:00Z: inquiry | @everyone <b>"
    return Diagnostic("P406", summary, Severity.WARNING, advice="release it", address=address)


DOCUMENT = plan_document(refusals=(FREEZE,), diagnostics=(OTHER, held(1), OLDER))


def test_in_a_terminal() -> None:
    text = plan_text(DOCUMENT, Style())
    top = text[: text.index("From your files")]
    for words in ("frozen since", "held-1 is on hold", "older than what was applied"):
        assert words in top
    assert text.rindex("frozen since") > text.index("Plan: "), "and where the eye is"


def test_in_a_comment() -> None:
    text = render_markdown(DOCUMENT)
    top = text[: text.index("| binding |")]
    for words in ("frozen since", "`bindings.held-1` is on hold", "older than what was applied"):
        assert words in top and text.count(words) == 1
    assert "something else" not in top and "1 warning or note" in text
    assert "@everyone" not in text.replace("`\\u{7c} @everyone <b>`", "")


@pytest.mark.parametrize("many", [1, 5, 6, 5_000])
@pytest.mark.parametrize("room", [LEAST_CHARS, 60_000])
def test_many_holds_are_counted(many: int, room: int) -> None:
    document = plan_document(diagnostics=tuple(held(one) for one in range(many)))
    text = render_markdown(document, max_chars=room)
    assert sized(text) <= room
    named = sum(f"`bindings.held-{one}` is on hold" in text for one in range(min(many, 50)))
    if named < many:
        assert f"{many - named:,} " in text and "of what is on hold" in text
    if room == 60_000:
        assert named == min(many, 5)


def test_on_a_page() -> None:
    text = render_html(plan_document(refusals=(FREEZE,), diagnostics=tuple(held(one) for one in range(9))))
    top = text[: text.index("Who is reached")]
    assert "frozen since" in top and "bindings.held-0 is on hold" in top
    assert "<b>" not in top and "and 3 more, among the findings below" in top


def test_nothing_stands() -> None:
    document = plan_document(diagnostics=(OTHER,))
    assert "Whatever this plan does" not in render_html(document)
    assert "⚠️" not in render_markdown(document).split("| binding |")[0]
