"""The verdict on a job's summary page."""

import re

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from pnsync.errors import ExitCode
from pnsync.render.summary import verdict_markdown
from pnsync.verdict import Failed, Verdict
from tests.render.hostile import TEXTS, visible

RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def failed(address: str = "bindings.a", reason: str = "the vendor refused it") -> Failed:
    """A change that failed."""
    return Failed(address, "bind", "nx", "A501", "10005", "3f2c", reason, "ask the vendor")


def test_an_apply_that_did_all() -> None:
    verdict = Verdict("apply", done=6, counts=(("bound", 2), ("renewed", 4)), serial=(41, 42), seconds=4.8)
    assert verdict_markdown(verdict) == (
        "### ✅ `pnsync apply`: done (exit 0)\n\n2 bound, 4 renewed · 0 failed · serial 41 → 42 · 4.8 s\n"
    )


def test_what_needs_a_person_is_named() -> None:
    verdict = Verdict(
        "renew",
        (ExitCode.DOWN, ExitCode.PARTIAL),
        failed=1,
        not_tried=2,
        unknown=3,
        deferred=4,
        down=("bindings.desk-1",),
        x_changed=("bindings.ride-1",),
        unverified=("bindings.ride-2",),
        failures=(failed(),),
    )
    text = verdict_markdown(verdict)
    assert text.startswith("### 🔴 `pnsync renew`: a binding is down (exit 12)\n")
    assert "1 failed · 2 not tried · 3 of unknown outcome · 4 later" in text
    assert "- **Down, nobody is reached:** `desk-1`" in text
    assert "| `a` | `A501` the vendor refused it | `10005` | `3f2c` | ask the vendor |" in text


@pytest.mark.parametrize("code", list(ExitCode))
def test_every_exit_code_has_words(code: ExitCode) -> None:
    assert f"(exit {int(code)})" in verdict_markdown(Verdict("apply", (code,)))


def test_thousands_are_counted() -> None:
    names = tuple(f"bindings.b-{i}" for i in range(5_000))
    text = verdict_markdown(
        Verdict("apply", (ExitCode.DOWN,), down=names, failures=tuple(map(failed, names)))
    )
    assert "and 4,950 more" in text
    assert "And 4,950 failures more." in text
    assert len(text) < 20_000


@given(TEXTS)
def test_nothing_breaks_out(text: str) -> None:
    one = Failed(text, text, text, text, text, text, text, text)
    shown = verdict_markdown(
        Verdict(text, (ExitCode.DOWN,), down=(text,), failures=(one,), counts=((text, 3),))
    )
    assert visible(shown)
    for token in RENDERER.parse(shown):
        assert token.type != "html_block"
        for each in token.children or ():
            assert each.type in ("text", "code_inline", "strong_open", "strong_close")
    rows = [line for line in shown.splitlines() if line.startswith("|")]
    assert all(re.sub(r"`[^`]*`", "", line).count("|") == 6 for line in rows)
