"""Untrusted text: nothing of it moves the cursor, hides, turns around or commands a runner."""

import json
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pnsync.render.text import escape, folded_lines, json_text, safe_line, width
from tests.profile import either

texts = st.text(st.characters(), max_size=60) | st.text("#:[] \t\nerrovsa\x1b\u202e", max_size=40)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, ü, 电话, 😀", "plain text, ü, 电话, 😀"),
        ("\x1b[31mred", "\\u{1b}[31mred"),
        ("\x9b31m", "\\u{9b}31m"),
        ("\x1b]8;;http://x\x07link", "\\u{1b}]8;;http://x\\u{7}link"),
        ("\x1bP1$r\x1b\\", "\\u{1b}P1$r\\u{1b}\\"),
        ("a\rb\nc\td", "a\\u{d}b\\u{a}c\\u{9}d"),
        ("a\x7f\0", "a\\u{7f}\\u{0}"),
        ("\u202edrow\u2066", "\\u{202e}drow\\u{2066}"),
        ("a\u200bb\u200d\ufeff\xad", "a\\u{200b}b\\u{200d}\\u{feff}\\u{ad}"),
        ("\u3164\u2800\ufe0f\U000e0101", "\\u{3164}\\u{2800}\\u{fe0f}\\u{e0101}"),
        ("\ud800", "\\u{d800}"),
        ("\u2028\u2029\x85", "\\u{2028}\\u{2029}\\u{85}"),
        ("\U000e0041\ue000", "\\u{e0041}\\u{e000}"),
        ("a\u034fb\u115f\u17b4\u180b\uffa0", "a\\u{34f}b\\u{115f}\\u{17b4}\\u{180b}\\u{ffa0}"),
        ("e\u0301", "é"),
        (
            "see ##[error]no, ##vso[task] ##teamcity[x",
            "see \\u{23}#[error]no, \\u{23}#vso[task] \\u{23}#teamcity[x",
        ),
        ("## heading", "## heading"),
        ("a\xa0b\u3000c", "a\xa0b\u3000c"),
    ],
)
def test_escape(text, shown):
    assert escape(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", "\\u{3a}:error::x"),
        (" \u3000::set-output name=a::b", " \u3000\\u{3a}:set-output name=a::b"),
        ("::::", "\\u{3a}:::"),
        ("fe80::1", "fe80::1"),
    ],
)
def test_safe_line(text, shown):
    assert safe_line(text) == shown


@given(texts)
@example("##vso\u0301[x")
@example(":\u200b:")
@example("\n::x")
def test_nothing_gets_through(text):
    line = safe_line(text)
    assert all(
        unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        for character in line
    )
    assert not re.match(r"\s*::", line)
    assert not re.search(r"##\w*\[", line)
    assert len(line.splitlines()) <= 1
    assert safe_line(line) == line


@pytest.mark.parametrize(
    ("text", "cells"), [("abc", 3), ("电话", 4), ("é", 1), ("q\u0301", 1), ("😀", 2), ("ａ", 2), ("", 0)]
)
def test_width(text, cells):
    assert width(text) == cells


def test_json_hides_what_is_hidden_and_keeps_every_value():
    for code in range(0, 0x110000, either(1, 37)):
        character = chr(code)
        written = json_text({"a": f"•{character}##vso[x]"}, indent=None)
        assert json.loads(written) == {"a": f"•{character}##vso[x]"}
        assert not re.search(r"##\w*\[", written)
        category = unicodedata.category(character)
        if category in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") or escape("a" + character)[1:3] == "\\u":
            assert category == "Cn" or character not in written, hex(code)


@given(st.text(max_size=40))
@example("\x7f\x9b2J\u202e\u200b\u2028\U000e0041\ud800")
@example("• ##[error]x")
def test_json_is_the_same_document(text):
    written = json_text({text: [text]})
    assert json.loads(written) == {text: [text]}
    assert not any(line.lstrip().startswith("::") for line in written.splitlines())
    assert all(
        one.isprintable() or one in "\n\u3000\xa0" or unicodedata.category(one) in ("Cn", "Zs")
        for one in written
    )


def test_lines_are_folded_at_spaces_and_colours_take_no_room():
    line = "a  \x1b[31mred\x1b[0m word ab, and one more"
    assert folded_lines(line, 14, "    ") == "a  \x1b[31mred\x1b[0m word\n    ab, and\n    one more"
    assert folded_lines(line, None, "  ") == folded_lines(line, 80, "  ") == line
    assert folded_lines("  令和令和 令和\nshort", 10, "   ") == "  令和令和\n   令和\nshort"


@given(st.text(alphabet="ab \n", max_size=80), st.integers(4, 20))
def test_folding_loses_no_word_and_goes_over_for_long_ones_alone(text, columns):
    folded = folded_lines(text, columns, "  ")
    assert folded.split() == text.split()
    assert all(len(one) <= columns or " " not in one.strip() for one in folded.split("\n"))
