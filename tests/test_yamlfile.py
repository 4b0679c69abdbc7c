"""YAML text to values with places: what is read, what is refused, and that nothing at all breaks the reader."""

import gc
import itertools
import re
import subprocess
import sys
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pnsync.errors import Severity, SourceSpan
from pnsync.yamlfile import YAML_CODES, Document, Limits, Mapping, Node, Sequence, load, span_at
from pnsync.yamlfile.reader import CParser, c_events, pure_events

PARSERS = [pytest.param(pure_events, id="pure")]
if CParser is not None:
    PARSERS.append(pytest.param(c_events, id="c"))
both = pytest.mark.parametrize("events", PARSERS)


def read(text: str) -> Mapping:
    """The mapping of a text that has nothing wrong with it."""
    mapping, found = load(text.encode(), "pnsync.yaml", Limits())
    assert found == []
    assert mapping is not None
    return mapping


def codes(text: str | bytes, **limits: int) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    return [one.code for one in load(data, "f.yaml", Limits(**limits))[1]]


@both
@pytest.mark.parametrize(
    "written",
    [
        "007",
        "446075363777",
        "+8613800138000",
        "0123456",
        "12:30:45",
        "1_000",
        "0x1F",
        "1e3",
        ".inf",
        "2026-12-24T18:00:00Z",
        "yes",
        "No",
        "on",
        "20%",
        "86400",
        "3d",
        "-1",
        "Null-island",
        "trUe",
        "tilde~",
        "=",
    ],
)
def test_scalars_stay_as_written(events, written):
    mapping, found = load(
        f"a: {written}\nb: ['{written}', \"{written}\"]\n".encode(), "f", Limits(), events=events
    )
    assert (mapping, found) == ({"a": written, "b": [written, written]}, [])


@pytest.mark.parametrize("events", [c_events, pure_events])
@pytest.mark.parametrize(
    "word", ["2026-12-24T18:00:00Z", "https://number.example/api", "10:20", "a:b:c", "[::1]:80", "x:"]
)
def test_a_colon_inside_a_plain_word_between_braces(events, word):
    quoted = f'"{word}"' if word[0] == "[" or word[-1] == ":" else word
    text = f'a: {{x: {quoted}, y: z, \'k\':v, "j":w, l: [{quoted}]}}\nb: "p:q"\nc: {quoted}\n'
    found, wrong = load(text.encode(), "f.yaml", Limits(), events=events)
    assert wrong == []
    assert found["a"] == {"x": word, "y": "z", "k": "v", "j": "w", "l": [word]}
    assert found["b"] == "p:q"
    assert found["c"] == word
    span = found["a"].span_of_value("y")
    assert text[span.column - 1 : span.end_column - 1] == "z"


def test_phone_with_spaces_stays_text():
    assert read("a: +852 1111 1114\n") == {"a": "+852 1111 1114"}


@both
@pytest.mark.parametrize(
    ("written", "value"),
    [
        *[(word, None) for word in ("", "~", "null", "Null", "NULL", "# comment")],
        *[(word, True) for word in ("true", "True", "TRUE")],
        *[(word, False) for word in ("false", "False", "FALSE")],
        *[(word, word.strip("'\"")) for word in ("'true'", '"null"', "'~'", '""', "''")],
        ("|\n  true\n", "true\n"),
        (">-\n  null", "null"),
    ],
)
def test_only_plain_words_are_null_or_boolean(events, written, value):
    mapping, found = load(f"a: {written}\n".encode(), "f", Limits(), events=events)
    assert found == []
    assert mapping is not None
    assert mapping["a"] is value or (isinstance(value, str) and mapping["a"] == value)


SAMPLE = """\
version: 1
bindings:
  order-66666666:
    mode: axb_extension
    extension: 007
    recording: True
    labels: {team: "west side", 'k': }
  # a comment
  desk:
    drain: [ 447401264117, "447401264118" ]
    list:
      - a
      -   b
"""


@both
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_places(events, ends, mark):
    data = (mark + SAMPLE.replace("\n", ends)).encode()
    mapping, found = load(data, "b/x.yaml", Limits(), events=events)
    assert found == []
    assert mapping is not None
    bindings = mapping["bindings"]
    assert isinstance(bindings, Mapping)
    order, desk = bindings["order-66666666"], bindings["desk"]
    assert isinstance(order, Mapping)
    assert isinstance(desk, Mapping)
    assert mapping.span_of_key("bindings") == SourceSpan("b/x.yaml", 2, 1, 9)
    assert bindings.span_of_key("order-66666666") == SourceSpan("b/x.yaml", 3, 3, 17)
    assert bindings.span_of_value("order-66666666") == order.span == SourceSpan("b/x.yaml", 4, 5, 24)
    assert order.span_of_value("extension") == SourceSpan("b/x.yaml", 5, 16, 19)
    assert order.written("recording") == "True"
    labels = order["labels"]
    assert isinstance(labels, Mapping)
    assert order.span_of_value("labels") == labels.span == SourceSpan("b/x.yaml", 7, 13, 39)
    assert labels.span_of_value("team") == SourceSpan("b/x.yaml", 7, 20, 31)
    assert labels.span_of_key("k") == SourceSpan("b/x.yaml", 7, 33, 36)
    assert labels.written("k") == ""
    drain, items = desk["drain"], desk["list"]
    assert isinstance(drain, Sequence)
    assert isinstance(items, Sequence)
    assert drain.span == SourceSpan("b/x.yaml", 10, 12, 44)
    assert drain.span_of_item(1) == SourceSpan("b/x.yaml", 10, 28, 42)
    assert items.span_of_item(1) == SourceSpan("b/x.yaml", 13, 11, 12)
    assert mapping.document.lines == SAMPLE.split("\n")
    path = ["bindings", "desk", "drain", 1]
    assert span_at(mapping, path) == span_at(mapping, [*path, "deeper"]) == drain.span_of_item(1)
    assert span_at(mapping, ["bindings", "none"]) == mapping.span_of_value("bindings")
    with pytest.raises(KeyError):
        order.span_of_key("none")
    with pytest.raises(IndexError):
        drain.span_of_item(2)


def test_places_count_characters():
    mapping = read("größe: x\n'电话号码': {e: 😀, f: g}\n")
    inner = mapping["电话号码"]
    assert isinstance(inner, Mapping)
    assert mapping.span_of_value("größe").column == 8
    assert inner.span_of_value("f") == SourceSpan("pnsync.yaml", 2, 19, 20)


def test_a_value_over_lines_is_placed_on_its_first():
    mapping = read("a: |\r\n  one\r\n  two\r\nb: 'x\r\n  y'\r\n")
    assert mapping.span_of_value("a") == SourceSpan("pnsync.yaml", 1, 4, 5)
    assert mapping.span_of_value("b") == SourceSpan("pnsync.yaml", 4, 4, 6)
    assert mapping == {"a": "one\ntwo\n", "b": "x y"}


def test_a_block_ends_with_its_last_value():
    mapping = read("a:\n  b: c  # why\nd:\n- e  # why\n")
    assert mapping.span_of_value("a") == SourceSpan("pnsync.yaml", 2, 3, 7)
    assert mapping.span_of_value("d") == SourceSpan("pnsync.yaml", 4, 1, 4)


@both
@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "~", "\ufeff", "---\n...\n"])
def test_a_file_without_content_is_an_empty_mapping(events, text):
    mapping, found = load(text.encode(), "f", Limits(), events=events)
    assert (mapping, found) == ({}, [])
    assert mapping is not None
    assert mapping.span == SourceSpan("f", 1, 1, 1)


def test_repr_shows_no_value():
    mapping = read("a: 447700900123\nb: [447700900124]\n")
    assert "4477" not in repr(mapping) + repr(mapping["b"]) + str(mapping) + f"{mapping['b']}"


BAD = [
    # what, bytes, code, line, column
    ("latin-1", b"a: 1\nb: caf\xe9\n", "E100", 2, 7),
    ("utf-16 with a mark", "a: 1".encode("utf-16"), "E100", 1, 1),
    ("utf-16 without", "a: 1".encode("utf-16-le"), "E100", 1, 1),
    ("utf-16 big endian", "a: 1".encode("utf-16-be"), "E100", 1, 1),
    ("utf-32", "a: 1".encode("utf-32"), "E100", 1, 1),
    ("overlong utf-8", b"a: \xc0\xaf", "E100", 1, 4),
    ("surrogate in utf-8", b"a: \xed\xa0\x80", "E100", 1, 4),
    ("NUL", b"a: 1\nb: x\0y\n", "E101", 2, 5),
    ("escape", b"a: \x1b[31m\n", "E101", 1, 4),
    ("DEL", b"a: \x7f\n", "E101", 1, 4),
    ("C1", "a: \x9b\n".encode(), "E101", 1, 4),
    ("a second byte order mark", "a: \ufeff\n".encode(), "E101", 1, 4),
    ("tab as indentation", b"a:\n\tb: 1\n", "E102", 2, 1),
    ("tab before a dash", b"a:\n  - b\n\t- c\n", "E102", 3, 1),
    ("tab at the very beginning", b"\ta: 1", "E102", 1, 1),
    ("bracket that closes nothing", b"a: ]\n", "E103", 1, 4),
    ("comma too many", b"a: [x, , y]\n", "E103", 1, 8),
    ("two documents", b"a: 1\n---\nb: 2\n", "E104", 2, 1),
    ("second document, empty", b"---\na: 1\n---\n", "E104", 3, 1),
    ("anchor", b"a: &x 1\n", "E105", 1, 4),
    ("anchor on a mapping", b"a: &x {b: 1}\n", "E105", 1, 4),
    ("anchor on a key", b"&x a: 1\n", "E105", 1, 1),
    ("anchor without a name", b"a: & b\n", "E105", 1, 5),
    ("alias", b"a: *x\n", "E106", 1, 4),
    ("alias as a key", b"*x : 1\n", "E106", 1, 1),
    ("alias in a list", b"a: [*x]\n", "E106", 1, 5),
    ("merge key", b"a:\n  <<: {b: 1}\n", "E107", 2, 3),
    ("tag", b"a: !secret x\n", "E108", 1, 4),
    ("core tag", b"a: !!str 007\n", "E108", 1, 4),
    ("tag on a list", b"a: !!python/tuple [1]\n", "E108", 1, 4),
    ("bare tag", b"a: ! x\n", "E108", 1, 4),
    ("tag of an unknown handle", b"a: !e!x y\n", "E108", 1, 4),
    ("%TAG", b"%TAG ! tag:x,2026:\n---\na: 1\n", "E108", 1, 1),
    ("%YAML 2", b"%YAML 2.0\n---\na: 1\n", "E108", 1, 1),
    ("duplicate key", b"a: 1\nb: 2\na: 3\n", "E109", 3, 1),
    ("duplicate key in another style", b"a: 1\n'a': 3\n", "E109", 2, 1),
    ("list as a key", b"? [a]\n: 1\n", "E110", 1, 3),
    ("template", b"a: {{ x }}\n", "E110", 1, 5),
    ("33 levels", b"a: " + b"[" * 32 + b"]" * 32, "E111", 1, 35),
    ("a list", b"- a\n", "E115", 1, 1),
    ("a text", b"just text\n", "E115", 1, 1),
    ("merge conflict", b"a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> other\n", "E116", 2, 1),
    ("open bracket", b"a: 1\nb: [x,\n  y\n", "E117", 2, 4),
    ("open brace, and more", b"a: {x: 1\nb: 2\n", "E117", 2, 2),
    ("open single quote", b"a: 'x\nb: 1\n", "E117", 1, 4),
    ("open double quote", b'a: "x\n', "E117", 1, 4),
    ("key out of its column", b"a:\n  - x\n y: 2\n", "E118", 3, 2),
    ("text after quotes", b"a: 'x' y\n", "E118", 1, 8),
    ("dash among keys", b"a: 1\n- b\n", "E118", 2, 1),
    ("colon in a value", b"a: b: c\n", "E119", 1, 5),
    ("key indented under a value", b"a: 1\n b: 2\n", "E119", 2, 3),
    ("no colon", b"a: 1\nb\nc: 2\n", "E120", 3, 1),
    ("reserved @", b"a: @x\n", "E121", 1, 4),
    ("reserved `", b"a: `x`\n", "E121", 1, 4),
    ("line separator", "# a\u2028b: 1\n".encode(), "E122", 1, 4),
    ("next line", "a: 1\x85b: 2\n".encode(), "E122", 1, 5),
    ("carriage return alone", b"a: 1\rb: 2\n", "E122", 1, 5),
    ("unknown escape", b'a: "\\q"\n', "E123", 1, 5),
    ("empty key", b"?\n: 1\n", "E125", 1, 2),
    ("empty key in quotes", b"a: {'': 1}\n", "E125", 1, 5),
]


@pytest.mark.skipif(CParser is None, reason="places are libyaml's")
@pytest.mark.parametrize(
    ("data", "code", "line", "column"), [pytest.param(*row[1:], id=row[0]) for row in BAD]
)
def test_bad_input_has_its_code_and_place(data, code, line, column):
    found = load(data, "f.yaml", Limits(), events=c_events)[1]
    assert [(one.code, one.severity) for one in found] == [(code, Severity.ERROR)]
    assert found[0].span is not None
    assert (found[0].span.file, found[0].span.line, found[0].span.column) == ("f.yaml", line, column)
    assert found[0].label


@pytest.mark.parametrize(("data", "code"), [pytest.param(row[1], row[2], id=row[0]) for row in BAD])
def test_the_python_parser_agrees(data, code):
    assert [one.code for one in load(data, "f.yaml", Limits(), events=pure_events)[1]] == [code]


@both
def test_escapes_that_are_no_characters(events):
    for escape in ("\\ud800", "\\UFFFFFFFF", "\\U00110000", "\\xq"):
        mapping, found = load(f'a: "{escape}"'.encode(), "f", Limits(), events=events)
        assert mapping is None
        assert len(found) == 1
        assert found[0].code in ("E123", "E103") if events is pure_events else found[0].code == "E123"


def test_every_code_has_a_page_and_a_bad_input():
    tested = {row[2] for row in BAD}
    assert set(YAML_CODES) - tested == {"E112", "E113", "E114", "E124"}  # the limits, below
    assert all(len(page) > 80 and page.endswith((".", "`")) for page in YAML_CODES.values())


def test_a_duplicate_names_both_places_and_the_first_counts():
    mapping, found = load(b"b:\n  x: {k: 1}\n  y: 2\n  x: {k: [3]}\n  z: 4\n", "f.yaml", Limits())
    assert mapping == {"b": {"x": {"k": "1"}, "y": "2", "z": "4"}}
    assert [one.span for one in found] == [SourceSpan("f.yaml", 4, 3, 4)]
    assert found[0].label == "the first one is at line 2, column 3"
    assert span_at(mapping, ["b", "z"]) == SourceSpan("f.yaml", 5, 6, 7)


def test_one_run_reports_all_and_keeps_what_is_known():
    text = "a: &x 1\nb: !t 2\na: 3\n? \n: 4\nc: {d: 5}\n"
    mapping, found = load(text.encode(), "f.yaml", Limits())
    assert [one.code for one in found] == ["E105", "E108", "E109", "E125"]
    assert mapping == {"a": "1", "b": "2", "c": {"d": "5"}}
    assert span_at(mapping, ["c", "d"]) == SourceSpan("f.yaml", 6, 8, 9)


def test_an_alias_or_merge_leaves_no_mapping_and_reading_goes_on():
    mapping, found = load(b"a: *x\nb: {<<: *x, c: 1}\n*y : 2\na: 3\n[", "f.yaml", Limits())
    assert mapping is None
    assert [one.code for one in found] == ["E106", "E107", "E106", "E106", "E109", "E120"]


@pytest.mark.parametrize(("text", "code"), [("a: *x\nb: 2\n", "E106"), ("a:\n  <<: {b: 1}\n", "E107")])
def test_what_an_alias_or_merge_stands_for_is_unknown(text, code):
    mapping, found = load(text.encode(), "f.yaml", Limits())
    assert (mapping, [one.code for one in found]) == (None, [code])


def test_a_quoted_merge_sign_is_a_key():
    assert read("'<<': x\n") == {"<<": "x"}


def test_no_message_repeats_what_the_file_holds():
    number = "447700900123"
    for text in (f"{number}: 1\n{number}: 2\n", f"a: &n{number} 1", f"a: *n{number}", f"a: !t{number} 1", f"a: 'x' {number}",
                 f"a: {number}: 1", f"{number}\n", f"a: @{number}", f"%TAG ! {number}\n---\n"):  # fmt: skip
        found = load(text.encode(), "f.yaml", Limits())[1]
        assert found, text
        assert number not in repr(found)


def bomb(levels: int, width: int) -> str:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{i}: &a{i} [{', '.join(['*a' + str(i - 1)] * width)}]" for i in range(1, levels)]
    return "\n".join(lines)


def merge_bomb(levels: int) -> str:
    lines = ["a0: &a0 {k: x}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join(['*a' + str(i - 1)] * 9)}]}}" for i in range(1, levels)]
    return "\n".join(lines)


@both
@pytest.mark.parametrize("text", [bomb(9, 9), merge_bomb(9), bomb(500, 100), "[" * 100_000, "{a: " * 100_000,
                                  "- " * 100_000, "? " * 100_000, "a: &x [*x]", "!" * 100_000, "&a " * 50_000,
                                  "a: " + "'" * 99_999, "a: " + "[," * 50_000, "\n" * 100_000 + "\t",
                                  "k" * 100_000, "k: 1\n" * 20_000])  # fmt: skip
def test_bombs_cost_nothing(events, text):
    began = time.process_time()
    _, found = load(text.encode(), "f", Limits(), events=events)
    assert found
    assert len(found) <= 101
    assert time.process_time() - began < 1


def test_reading_stops_after_a_hundred_findings():
    mapping, found = load(b"a: 1\n" * 500, "f", Limits())
    assert mapping is None
    assert [one.code for one in found] == ["E109"] * 100 + ["E124"]
    assert found[-1].severity is Severity.NOTE
    assert codes("a: 1\n" * 101 + "[") == ["E109"] * 100 + ["E124"]


def test_levels_at_the_limit():
    assert codes("a: " + "[" * 31 + "]" * 31) == []
    assert codes("{a: " * 32 + "}" * 32) == []
    assert codes("{a: " * 33 + "}" * 33) == ["E111"]


def test_bytes_are_counted_over_files():
    limits = Limits(max_bytes=10)
    assert load(b"a: 12\n", "1", limits) == ({"a": "12"}, [])
    assert limits.bytes_left == 4
    assert load(b"a: 1", "2", limits)[1] == []
    mapping, found = load(b"#", "3", limits)
    assert (mapping, [one.code for one in found]) == (None, ["E112"])
    assert load(b"a: 1", "4", limits) == (None, [])  # said once


def test_files_are_counted():
    limits = Limits(max_files=2)
    answers = [[one.code for one in load(b"a: 1", str(i), limits)[1]] for i in range(4)]
    assert answers == [[], [], ["E113"], []]


def test_values_are_counted_over_files():
    assert codes("a: [" + "x," * 100 + "]", max_values=100) == ["E114"]
    assert codes("a: [" + "[]," * 100 + "]", max_collections=100) == ["E114"]
    limits = Limits(max_values=22)
    assert [len(load(b"a: [b, c]", "f", limits)[1]) for _ in range(4)] == [0, 0, 1, 0]


def test_the_limits_of_the_specification():
    limits = Limits()
    assert (limits.max_bytes, limits.max_files, limits.max_levels) == (67_108_864, 10_000, 32)


def test_the_collector_is_left_as_it_was():
    for text in (b"a: 1", b"a: [", b"\0"):
        load(text, "f", Limits())
        assert gc.isenabled()


ALPHABET = "a: \n-?[]{},&*!|>'\"%@`#~<\t0\r\\\x85\u2028\ufeff\ud7ffé😀=.x\x07"


@both
@settings(max_examples=400, deadline=1000)
@given(data=st.binary(max_size=400) | st.text(ALPHABET, max_size=300).map(str.encode))
@example(data=b"---\n...\n...\n")
@example(data=b"%YAML 9999999999999999999999.1\n---\n")
@example(data=b'"\\U')
@example(data=b"? \n? \n- ? : -")
@example(data=b"!<\n")
@example(data=b"!%FF x")
def test_any_bytes_give_an_answer(events, data):
    mapping, found = load(data, "f", Limits(), events=events)
    assert mapping is not None or found
    lines = data.count(b"\n") + 1
    for one in found:
        assert one.code in YAML_CODES
        assert one.span is not None
        assert 1 <= one.span.line <= lines
        assert 1 <= one.span.column <= one.span.end_column
    if mapping is not None:
        walk(mapping, mapping.document)


def walk(node: Node, document: Document) -> None:
    """Every place asked for lies in the text, and a plain one-line value is the text at its place."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            check(document, node.span_of_key(key))
            check(document, node.span_of_value(key))
            written = node.written(key)
            if (
                isinstance(value, str)
                and written[:1] not in ("'", '"', "|", ">", "&", "!")
                and "\n" not in written
            ):
                assert written == value
            walk(value, document)
    elif isinstance(node, Sequence):
        for i, value in enumerate(node):
            check(document, node.span_of_item(i))
            walk(value, document)


def check(document: Document, span: SourceSpan) -> None:
    line = document.lines[span.line - 1]
    assert 1 <= span.column <= span.end_column <= len(line) + 1


names = st.text("abcdefghij-_.0123456789", min_size=1, max_size=12).filter(
    lambda name: not re.match(r"[-.]", name)
)
leaves = (
    st.text("0123456789+ -", min_size=1).map(str.strip).filter(lambda text: text and text[0] in "0123456789+")
)
trees = st.dictionaries(
    names, st.recursive(leaves, lambda inner: st.lists(inner, min_size=1, max_size=4) | st.dictionaries(names, inner, min_size=1, max_size=4), max_leaves=20),
    min_size=1,
)  # fmt: skip


def block(tree, indent=""):
    if isinstance(tree, str):
        return f" {tree}\n"
    if isinstance(tree, dict):
        return "\n" + "".join(f"{indent}{key}:{block(value, indent + '  ')}" for key, value in tree.items())
    return "\n" + "".join(f"{indent}-{block(value, indent + '  ')}" for value in tree)


def flow(tree):
    if isinstance(tree, str):
        return f'"{tree}"'
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key}: {flow(value)}" for key, value in tree.items()) + "}"
    return "[" + ", ".join(map(flow, tree)) + "]"


@settings(max_examples=150, deadline=None)
@given(tree=trees, write=st.sampled_from([block, flow]))
def test_what_was_written_is_read(tree, write):
    for events in (pure_events, c_events) if CParser else (pure_events,):
        mapping, found = load(write(tree).encode(), "f", Limits(), events=events)
        assert found == []
        assert mapping == tree
        assert mapping is not None
        assert list(mapping) == list(tree)
        walk(mapping, mapping.document)


def test_without_the_c_library_the_python_parser_serves():
    program = (
        "import sys; sys.modules['_ruamel_yaml'] = None\n"
        "from pnsync.yamlfile import reader\n"
        "assert reader.EVENTS is reader.pure_events\n"
        "print(reader.load(b'a: 007', 'f', reader.Limits())[0]['a'])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "007\n"


def test_many_bindings_cost_little_more_than_their_events():
    data = "bindings:\n" + "".join(
        f"  b-{i}:\n    phone_a: {447700900000 + i}\n    extension: {i}\n" for i in range(5000)
    )
    began = time.process_time()
    mapping = load(data.encode(), "f", Limits())[0]
    cost = time.process_time() - began
    assert mapping is not None
    bindings = mapping["bindings"]
    assert isinstance(bindings, Mapping)
    began = time.process_time()
    for i, name in enumerate(itertools.islice(bindings, 5000)):
        assert bindings.span_of_key(name).line == 2 + 3 * i
    assert time.process_time() - began < max(0.2, 2 * cost)  # an index, no search
