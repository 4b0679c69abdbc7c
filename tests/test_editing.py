"""Formatting: canonical, idempotent, and nothing that was written is lost."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnsync.yamlfile import Limits, load
from pnsync.yamlfile.editing import Unformattable, formatted

ROUGH = """\


# top
version:   1   # v
include: [ "a/*.yaml" ,b ]


providers:
    nx: { type: nxcloud,endpoint: "x" }\t# one
    # about la
    la:
        type:  laaffic
    # end of providers
# about groups
groups:
- a
-  b: 1
   c:
   - d
   # in c
   -
- - x
  - 'y  '
# tail of groups
x: {
   a: 1,   # first

   # own
   b: [1,
  2
  ]
}
lit: |  # hdr
     one
       two

     # no comment


next: >+
  a


k2: "quoted
   more   text"
expires: {expires_at: 2026-12-24T18:00:00Z, e: }
empty:
last: ~

# the end

"""
SMOOTH = """\
# top
version: 1   # v
include: ["a/*.yaml", b]

providers:
  nx: {type: nxcloud, endpoint: "x"} # one
  # about la
  la:
    type: laaffic
  # end of providers
# about groups
groups:
  - a
  - b: 1
    c:
      - d
      # in c
      -
  - - x
    - 'y  '
# tail of groups
x: {
  a: 1,   # first

  # own
  b: [1,
    2
  ]
}
lit: |  # hdr
     one
       two

     # no comment

next: >+
  a


k2: "quoted
  more   text"
expires: {expires_at: 2026-12-24T18:00:00Z, e: }
empty:
last: ~

# the end
"""


def fmt(text: str) -> str:
    found, problems = formatted(text.encode(), "x.yaml")
    assert found is not None and not problems, problems
    return found


def test_the_canonical_form() -> None:
    assert fmt(ROUGH) == SMOOTH
    assert fmt(SMOOTH) == SMOOTH
    assert fmt(ROUGH.replace("\n", "\r\n")) == SMOOTH
    assert fmt("\ufeff" + ROUGH) == SMOOTH


@pytest.mark.parametrize(
    ("rough", "smooth"),
    [
        ("a: {b: ,c: 1}\n", "a: {b: , c: 1}\n"),
        ("a: [1, 2,]\n", "a: [1, 2,]\n"),
        ("a:\n- - x\n   - y\n", "a:\n  - - x\n      - y\n"),
        ("a:\n- |2\n    b\n   c\n", "a:\n  - |2\n      b\n     c\n"),
    ],
)
def test_small_pieces(rough: str, smooth: str) -> None:
    assert fmt(rough) == smooth
    assert fmt(smooth) == smooth


@pytest.mark.parametrize("text", ["", "# only\n", "---\na: 1\n", "--- # x\na:\n  - 1\n...\n"])
def test_small_files_are_canonical(text: str) -> None:
    assert fmt(text) == text


def test_the_examples_are_canonical() -> None:
    for path in (Path(__file__).parents[1] / "examples").rglob("*.yaml"):
        if path.name.startswith("pnsync") or "bindings" in path.parts:
            assert fmt(path.read_text()) == path.read_text(), path.name


def test_what_is_no_yaml_is_told() -> None:
    text, found = formatted(b"a: [1\n", "x.yaml")
    assert text is None
    assert [one.code for one in found] == ["E117"]


def test_a_form_that_is_not_known_is_refused() -> None:
    with pytest.raises(Unformattable):
        formatted(b"? a\n: 1\n", "x.yaml")


words = st.sampled_from(["a", "x1", "007", "+852 1111 1114", "2026-12-24T18:00:00Z", "true", "~", "a#b"])
quoted = st.sampled_from(['"q # no"', "'it''s'", '"a: b"', "''"])
notes = st.sampled_from(["", "", " # note", "   # other note: [x]", " #"])


@st.composite
def mappings(draw: st.DrawFn, column: int = 0, depth: int = 0) -> str:
    """A block mapping, written in an odd way."""
    pad, lines = " " * column, []
    for i in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            lines.append("" * draw(st.integers(0, 2)))
        if draw(st.integers(0, 3)) == 0:
            lines.append(" " * draw(st.integers(0, 9)) + f"# about {i}")
        key = f"{pad}k{i}:"
        shape = draw(st.integers(0, 5 if depth < 3 else 3))
        blank = " " * draw(st.integers(1, 3))
        if shape <= 1:
            lines.append(key + blank + draw(st.one_of(words, quoted)) + draw(notes))
        elif shape == 2:
            items = draw(st.lists(st.one_of(words, quoted), max_size=3))
            lines.append(
                key + blank + "[" + " , ".join(items) + draw(st.sampled_from(["", " "])) + "]" + draw(notes)
            )
        elif shape == 3:
            inner = pad + "   "
            lines.append(key + " {" + draw(notes))
            lines.append(f"{inner}a: {draw(words)}," + draw(notes))
            lines.append(f"{pad} b:   [1,{draw(notes)}\n{inner}2]")
            lines.append(f"{inner}{pad}}}" + draw(notes))
        elif shape == 4:
            lines.append(key + draw(notes))
            lines.append(draw(mappings(column + draw(st.integers(1, 4)), depth + 1)))
        else:
            dash = pad + " " * draw(st.integers(0, 3)) + "-"
            lines.append(key + draw(notes))
            for _ in range(draw(st.integers(1, 3))):
                if draw(st.booleans()):
                    lines.append(dash + blank + draw(words) + draw(notes))
                else:
                    inner = draw(mappings(len(dash) + len(blank), depth + 1)).split("\n")
                    first = next(
                        j for j, one in enumerate(inner) if one.strip() and not one.lstrip().startswith("#")
                    )
                    lines += [dash + blank + inner[first].lstrip(), *inner[:0], *inner[first + 1 :]]
    return "\n".join(lines)


def comments(text: str) -> list[str]:
    return [
        line[line.index("#") :].rstrip()
        for line in text.replace("a#b", "").replace("q # no", "").split("\n")
        if "#" in line
    ]


@settings(max_examples=300, deadline=None)
@given(mappings())
def test_no_comment_and_no_value_is_lost_and_twice_is_once(text: str) -> None:
    before, found = load(text.encode(), "x", Limits())
    assert not found
    smooth = fmt(text)
    after, _ = load(smooth.encode(), "x", Limits())
    assert after == before
    assert comments(smooth) == comments(text)
    assert fmt(smooth) == smooth
    assert not any(line != line.rstrip() for line in smooth.split("\n"))
    assert "\n\n\n" not in smooth


def test_ten_thousand_bindings_are_formatted_in_seconds() -> None:
    import time

    line = "  d-{0}:  {{mode: axb, phone_a: 447700900123, phone_b: '+44 7700 900 124'}} # {0}\n"
    began = time.process_time()
    assert "# 9999\n" in fmt("bindings:\n" + "".join(line.format(i) for i in range(10_000)))
    assert time.process_time() - began < 8
