"""Diagnostics as text, JSON and annotations: the layout to the byte, and nothing personal or hostile in it."""

import json
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pnsync.errors import Diagnostic, Severity, SourceSpan
from pnsync.render.diagnostics import as_github, as_json, as_text, masked, tally


def one(
    line="",
    start=1,
    end=0,
    *,
    number=1,
    label="",
    advice="",
    secret=False,
    columns=100,
    color=False,
    folded=False,
):
    """The text of one diagnostic about a line."""
    span = SourceSpan("f.yaml", number, start, end)
    found = Diagnostic("E200", "wrong", span=span, label=label, advice=advice, secret=secret)
    source = [""] * (number - 1) + [line]
    return as_text([found], lambda _: source, columns=columns, color=color, folded=folded)


def snippet(line, start=1, end=0, **options):
    """The two lines that matter: the file's and the carets'."""
    return [
        shown.removeprefix("1 | ").removeprefix("  | ")
        for shown in one(line, start, end, **options).split("\n")[3:5]
    ]


DESK = ["bindings:", *[""] * 11, "  desk:", "    extension: 12"]
SHORT = Diagnostic(
    "E203",
    'extension must be 3 digits, got "12"',
    span=SourceSpan("bindings/desks.yaml", 14, 16, 18),
    label="write it with its leading zero: 012",
    address="bindings.desk",
)


def test_the_sample():
    assert as_text([SHORT], {"bindings/desks.yaml": DESK}.get) == (
        'error[E203]: extension must be 3 digits, got "12"\n'
        "  --> bindings/desks.yaml:14:16\n"
        "   |\n"
        "14 |     extension: 12\n"
        "   |                ^^ write it with its leading zero: 012\n"
        "\n"
        "1 error\n"
    )


@pytest.mark.parametrize("color", [False, True])
def test_remarks_are_folded_on_a_terminal_and_commands_are_not(color):
    told = one("a: 1", 4, 5, advice="a sentence of more words\n    pnsync plan --out file.pnsplan", columns=24,
               color=color, folded=True)  # fmt: skip
    assert re.sub(r"\x1b\[[\d;]*m", "", told).split("\n")[5:9] == [
        "  = help: a sentence of",
        "    more words",
        "              pnsync plan --out file.pnsplan",
        "",
    ]


@pytest.mark.parametrize("line", ["state: {backend: locl}\r", "1,447700900123\r"])
def test_the_carriage_return_of_a_line_s_end_is_not_shown(line):
    """Excel and Windows editors end lines so; that is no fault of the line."""
    assert "\\u{d}" not in one(line, 1, 3)
    assert "\\u{d}" in one("a\rb\r", 1, 2)


@pytest.mark.parametrize(("number", "margin"), [(1, " "), (99, "  "), (100_000, "      ")])
def test_the_gutter_widens(number, margin):
    text = one("a: 1", 4, 5, number=number, label="L", advice="H\n    pnsync plan")
    assert text == (
        "error[E200]: wrong\n"
        f"{margin}--> f.yaml:{number}:4\n"
        f"{margin} |\n"
        f"{number} | a: 1\n"
        f"{margin} |    ^ L\n"
        f"{margin} = help: H\n"
        f"{margin}             pnsync plan\n"
        "\n1 error\n"
    )


def test_several_and_their_number():
    found = [
        Diagnostic("E1", "one", address="bindings.x", label="L"),
        Diagnostic("W4", "two", Severity.WARNING, SourceSpan("gone.yaml", 3, 1), "L", "H"),
        Diagnostic("E1", "three", span=SourceSpan("f", 9, 1), label="past the end"),
        Diagnostic("N1", "four", Severity.NOTE),
    ]
    assert as_text(found, {"f": ["a"]}.get) == (
        "error[E1]: one\n --> bindings.x\n  = note: L\n\n"
        "warning[W4]: two\n --> gone.yaml:3:1\n  = note: L\n  = help: H\n\n"
        "error[E1]: three\n --> f:9:1\n  = note: past the end\n\n"
        "note[N1]: four\n\n"
        "2 errors, 1 warning, 1 note\n"
    )
    assert tally([]) == as_text([], {}.get) == ""


def test_a_file_is_asked_for_once():
    asked = []

    def source(file):
        asked.append(file)
        return ["a"]

    as_text([Diagnostic("E1", "x", span=SourceSpan("f", 1, 1))] * 5, source)
    assert asked == ["f"]


def test_colour_only_when_asked():
    plain, coloured = one("a: 1", 4, 5, label="L"), one("a: 1", 4, 5, label="L", color=True)
    assert "\x1b" not in plain
    assert coloured.startswith("\x1b[1;31merror[E200]\x1b[0m")
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


def test_a_line_with_a_credential_is_not_shown():
    text = one("    sign: hunter2", 11, 18, secret=True, label="L")
    assert "hunter2" not in text
    assert "L" in text
    assert "not shown" in text


@pytest.mark.parametrize(
    ("line", "start", "end", "shown", "carets"),
    [
        ("\ta: b", 5, 6, "    a: b", "       ^"),
        ("a:\tbc", 4, 6, "a:    bc", "      ^^"),
        ("电话: 12", 5, 7, "电话: 12", "      ^^"),
        ("a: 电话", 4, 6, "a: 电话", "   ^^^^"),
        ("e\u0301: x", 5, 6, "e\u0301: x", "   ^"),
        ("a\u202e: x", 5, 6, "a\\u{202e}: x", "           ^"),
        ("a: \u202e", 4, 5, "a: \\u{202e}", "   ^^^^^^^^"),
        ("a: ", 4, 4, "a:", "   ^"),
        ("a", 99, 120, "a", " ^"),
        ("a: bcd", 4, 999, "a: bcd", "   ^^^"),
        ("x: ##[error]y", 4, 5, "x: \\u{23}#[error]y", "   ^^^^^^"),
        ("# ##", 3, 5, "# ##", "  ^^"),
    ],
)
def test_carets_stand_under_what_is_shown(line, start, end, shown, carets):
    assert snippet(line, start, end) == [shown, carets]


@pytest.mark.parametrize(
    ("start", "end", "head", "tail"), [(1, 5, "", "…"), (51, 55, "…", "…"), (343, 349, "…", "")]
)
def test_a_long_line_is_cut_around_the_place(start, end, head, tail):
    line = " ".join(f"{i}abc" for i in range(60))
    text, below = snippet(line, start, end, columns=20)
    shown = text.removeprefix(head).removesuffix(tail)
    assert len(text) in (19, 20)
    assert text == head + shown + tail
    assert shown in line
    at = below.index("^")
    assert text[at : at + len(below.strip())] == line[start - 1 : end - 1]


def test_a_line_as_long_as_a_file_costs_little():
    line = "a: " + "x, " * 3_000_000 + "phone_x: 447401264117, phone_a: 447700900123" + ", y" * 3_000_000
    at = line.index("447700900123") + 1
    text, below = snippet(line, at, at + 12)
    assert "44••••••••23" in text
    assert "447401264117" not in text  # nobody knows what it stands in
    assert below.index("^") == text.index("44••••••••23")


def test_a_place_wider_than_the_window():
    text, below = snippet("a: " + "b" * 500, 4, 504, columns=30)
    assert len(text) <= 30
    assert len(below) <= 30


MASKED = [
    ("phone_a: 447700900123", "phone_a: 44••••••••23"),
    ("phone_b: '+44 7700 900-123'", "phone_b: '+44•••••••••••23'"),
    ("- 85211111114", "- 85•••••••14"),
    ("phones: [85211111114, 85235753351]", "phones: [85•••••••14, 85•••••••51]"),
    ("phone_x: 447401264117", "phone_x: 447401264117"),
    ("  phone_x: \"+447401264117\"", "  phone_x: \"+447401264117\""),
    ("did: 447401264117", "did: 447401264117"),
    ("r: {phone_a: 447700900123, phone_x: 447401264117}", "r: {phone_a: 44••••••••23, phone_x: 447401264117}"),
    ("r: {phone_x: 447401264117, phone_a: 447700900123}", "r: {phone_x: 447401264117, phone_a: 44••••••••23}"),
    ("phone_x: 447401264117 # was 447700900123", "phone_x: 447401264117 # was 44••••••••23"),
    ("# phone_x: 447700900123", "# phone_x: 44••••••••23"),
    ("remark: 'see phone_x: 447700900123'", "remark: 'see phone_x: 44••••••••23'"),
    ("phone_x: 447401264117 447700900123", "phone_x: 44•••••••••••••••••••••23"),
    ("my_phone_x: 447700900123", "my_phone_x: 44••••••••23"),
    ("phone_a: 4477\u200b00\xa0900123", "phone_a: 44••••••••••23"),
    ("phone_a: ٤٤٧٧٠٠٩٠٠١٢٣", "phone_a: ٤٤••••••••٢٣"),
    ("phone_a: 44    7700     900123", "phone_a: 44•••••••••••••••••23"),
    ("phone_a: 4477_0090_0123", "phone_a: 44••••••••••23"),
    ("order-66666666:", "order-66••••66:"),
    ("expires_at: 2026-12-24T18:00:00Z", "expires_at: 2026-12-24T18:00:00Z"),
    ("remark: 2026-12-24", "remark: 20••••••24"),
    ("expires_in: 86400, extension: 101", "expires_in: 86400, extension: 101"),
    ("access_key: hunter2", "access_key: •••••••"),
    ("x: {access_key: {env: NX}, api-token: 'ab cd'}", "x: {access_key: {env: NX}, api-token: ••• •••}"),
    ("remark: aB3dE5gH7jK9mN1pQ", "remark: •••••••••••••••••"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "shown"), MASKED)
def test_masked(line, shown):
    assert masked(line) == shown
    assert len(masked(line)) == len(line)
    assert snippet(line)[0].startswith(shown[:3])


def test_json():
    found = [SHORT, Diagnostic("W4", "##[error] \x1b \u202e é", Severity.WARNING)]
    text = as_json(found)
    assert text.isascii()
    assert "##[" not in text
    assert json.loads(text) == [
        {
            "code": "E203",
            "severity": "error",
            "summary": 'extension must be 3 digits, got "12"',
            "file": "bindings/desks.yaml",
            "line": 14,
            "column": 16,
            "end_column": 18,
            "label": "write it with its leading zero: 012",
            "advice": "",
            "address": "bindings.desk",
        },
        {
            "code": "W4",
            "severity": "warning",
            "summary": found[1].summary,
            "label": "",
            "advice": "",
            "address": None,
        }
        | dict.fromkeys(("file", "line", "column", "end_column")),
    ]
    assert json.loads(as_json([])) == []


def test_github():
    found = [
        SHORT,
        Diagnostic("W4", "100% a:b,c\r\n::error::x", Severity.WARNING, SourceSpan("a,b:c%.yaml", 3, 2), advice="H\n  pnsync plan"),
        Diagnostic("N1", "n", Severity.NOTE),
    ]  # fmt: skip
    assert as_github(found) == (
        "::error file=bindings/desks.yaml,line=14,col=16,endColumn=18,title=E203::bindings.desk: "
        'extension must be 3 digits, got "12"%0Awrite it with its leading zero: 012\n'
        "::warning file=a%2Cb%3Ac%25.yaml,line=3,col=2,title=W4::100%25 a:b,c\\u{d}\\u{a}::error::x%0AH%0A  pnsync plan\n"
        "::notice title=N1::n\n"
    )
    assert as_github([SHORT], folder="numbers/").startswith("::error file=numbers/bindings/desks.yaml,")


hostile = st.text(st.characters(), max_size=50) | st.text(
    "#:[]%, \t\r\n0123456789+-\x1b\u202ephone_xad", max_size=50
)
diagnostics = st.builds(
    Diagnostic,
    st.sampled_from(["E203", "W401"]),
    hostile,
    st.sampled_from(Severity),
    st.none() | st.builds(SourceSpan, hostile, st.integers(1, 4), st.integers(1, 60), st.integers(0, 80)),
    hostile,
    hostile,
    st.none() | hostile,
    st.booleans(),
)


@given(st.lists(diagnostics, max_size=3), st.lists(hostile, max_size=4), st.integers(20, 60))
@example([Diagnostic("E1", "x", advice="a\n::error::b\n\u2003::c")], [], 40)
def test_no_diagnostic_is_hostile(found, lines, columns):
    text, github, records = as_text(found, lambda _: lines, columns=columns), as_github(found), as_json(found)
    for output in (text, github, records):
        for character in output.replace("\n", ""):
            assert unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        assert not re.search(r"##\w*\[", output)
    for output in (text, records):
        assert not any(re.match(r"\s*::", line) for line in output.split("\n"))
    assert len(github.splitlines()) == len(found)
    for one, command in zip(found, github.splitlines(), strict=True):
        assert re.fullmatch(r"::(error|warning|notice) (\w+=[^,:]*)(,\w+=[^,:]*)*::.*", command)
        assert one.span is None or f"line={one.span.line}," in command
    assert [record["summary"] for record in json.loads(records)] == [one.summary for one in found]


@given(
    st.text(" #'\"{},:-_ab", max_size=8),
    st.sampled_from(["phone_a: ", "phone_b: '", "- ", "phones: [", "# ", "alice: ", ""]),
    st.lists(
        st.sampled_from(["", " ", "-", " - ", ".", "(", "_", "\u2011", "\xa0"]), min_size=12, max_size=12
    ),
    st.text(" #'\"{},:-_ab", max_size=8),
)
def test_no_phone_is_shown(before, key, between, after):
    number = "447700900123"
    phone = "".join(digit + gap for digit, gap in zip(number, between, strict=True))
    line = f"{before} {key}{phone}{after}"
    text = one(line, 1, 5, columns=200)
    digits = "".join(filter(str.isdigit, "".join(text.split("\n")[3])))
    assert digits.removeprefix("1") == "4423"
    assert masked(line).endswith(after)
