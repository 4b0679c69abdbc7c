"""The sink of Markdown: nothing leaves its code span, and plain words stay plain."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pnsync.render.markup import LIMIT, code, prose, sized
from pnsync.render.text import escape
from tests.render.hostile import TEXTS

RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


@given(TEXTS)
def test_a_code_span_holds_its_text_and_nothing_leaves_it(text: str) -> None:
    (inline,) = [
        one for one in RENDERER.parse(f"| a | b |\n|---|---|\n| x {code(text)} y | z |") if one.children
    ][2:3]
    kinds = [one.type for one in inline.children or ()]
    assert kinds in (["text", "code_inline", "text"], ["text"])
    expected = escape(text).replace("`", "\\u{60}").replace("|", "\\u{7c}")
    if len(kinds) == 3 and len(expected) <= LIMIT:
        assert inline.children is not None
        assert inline.children[1].content == expected.strip()


@given(TEXTS)
def test_what_could_mean_something_stands_in_a_code_span(text: str) -> None:
    for token in RENDERER.parse(f"x {prose(text)} y"):
        for one in token.children or ():
            assert one.type in ("text", "code_inline")
            if one.type == "text":
                assert re.fullmatch(r"(?:[\w ,;:.'’()—→-]|\((?:empty|spaces)\))*", one.content)
                assert not re.search(r"\d{7}|[0-9a-f]*\d[0-9a-f]{6}|\.[a-z]|:[a-z]|//", one.content)


@pytest.mark.parametrize(
    "text",
    [
        "www.evil.example",
        "44••••09~985410e",
        "447700900123",
        "7c4d1a2b9",
        "deadbeef",
        "a_b_",
        "_a_",
        "-",
        "#1",
        "GH-7",
        "@a",
    ],
)
def test_numbers_ids_and_addresses_are_no_words(text: str) -> None:
    assert prose(f"see {text} there") == f"see {code(text)} there"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("if that is meant: --allow-unbind 37", "if that is meant: `--allow-unbind 37`"),
        ("apply `protect: false` for it first", "apply `protect: false` for it first"),
        ("`a``b`", "`a` `b`"),
        ("it is bindings.desk-1 447401264117 of 12", "it is `bindings.desk-1 447401264117` of 12"),
        ("a ` b", "a `\\u{60}` b"),
        ("drains 447401264117: 1 binding leaves", "drains `447401264117`: 1 binding leaves"),
        ("since 2026-11-22T12:21:23Z, then a.b.", "since `2026-11-22T12:21:23Z`, then `a.b`."),
        ("an odd ... or a:: end", "an odd `...` or `a::` end"),
        ("", ""),
    ],
)
def test_what_is_no_word_stands_out(text: str, shown: str) -> None:
    assert prose(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "no longer declared",
        "phone_a and extension changed",
        "expires in 9 h 12 m",
        "gap about 0.3 s",
        "until 24 Dec 18:00Z",
        "down since 21 Nov 23:58Z: its unbind is done and its bind is not",
        "1,204 of them (in the state), and so on.",
    ],
)
def test_plain_words_stay_plain(text: str) -> None:
    assert prose(text) == text


@given(st.text(max_size=2000))
def test_a_value_is_cut(text: str) -> None:
    assert len(code(text, 40)) <= 42


def test_emoji_count_twice() -> None:
    assert sized("🔴a•") == 4
