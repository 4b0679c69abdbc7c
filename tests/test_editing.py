"""Formatting: canonical, idempotent, and nothing that was written is lost; judged by ruamel.yaml's own parser."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml import events as ev

from pnsync.yamlfile import Limits, Mapping, load
from pnsync.yamlfile.editing import Unformattable, formatted, with_entries

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


Item = tuple[str, ...]


def skeleton(text: str) -> list[Item]:
    """All that a person wrote, in its order: scalars with their quoting style, keys and comments among them."""
    found: list[tuple[int, Item]] = []
    for event in YAML(typ="safe", pure=True).parse(text):
        if isinstance(event, ev.ScalarEvent):
            style = event.style or ""
            found.append((event.start_mark.index, ("scalar", event.value, style)))
        elif isinstance(event, ev.SequenceStartEvent | ev.MappingStartEvent):
            found.append((event.start_mark.index, ("opens", type(event).__name__, str(event.flow_style))))
    masked = text.replace("a#b", "a_b").replace("q # no", "q _ no")
    found += [(one.start(), ("comment", one[0].rstrip())) for one in re.finditer("#[^\\n]*", masked)]
    return [item for _, item in sorted(found, key=lambda one: one[0])]


def round_trip(text: str) -> str:
    """The text as ruamel.yaml's round trip writes it, told to keep what it can."""
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 10**6
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(yaml.load(text), out)
    return out.getvalue()


@settings(max_examples=300, deadline=None)
@given(mappings())
def test_every_comment_quote_and_scalar_stays_in_its_place(text: str) -> None:
    assert skeleton(fmt(text)) == skeleton(text)


@settings(max_examples=150, deadline=None)
@given(mappings())
def test_where_the_round_trip_loses_nothing_both_say_the_same(text: str) -> None:
    """A differential test: ruamel.yaml reads from our text what it reads from the original."""
    assert YAML(typ="safe", pure=True).load(fmt(text)) == YAML(typ="safe", pure=True).load(text)
    theirs = round_trip(text)
    if skeleton(theirs) == skeleton(text):
        assert skeleton(fmt(theirs)) == skeleton(fmt(text))


@pytest.mark.parametrize(
    ("text", "theirs"),
    [
        ("a: { # why\n  b: 1}\n", "a: {b: 1}\n"),
        ("a: {b: [1, # one\n  2]}\n", "a: {b: [1, 2]}\n"),
        ("a: [~, ~]\n", "a: [null, null]\n"),
        ("a: ~\n", "a:\n"),
    ],
)
def test_what_the_round_trip_would_change(text: str, theirs: str) -> None:
    """Why files are not written by it (docs/decisions/0006); a version that keeps these makes this test fail."""
    assert round_trip(text) == theirs
    assert skeleton(fmt(text)) == skeleton(text) != skeleton(theirs)


# -- entries that are added ------------------------------------------------------------------------------------------


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str]:
    """A file of generated sections, one of them perhaps that of the entries, and how its lines end."""
    parts = []
    for name in draw(st.permutations(["groups", "bindings", "defaults"])):
        shape = draw(st.integers(0, 3))
        if shape == 0:
            continue
        parts += [draw(st.sampled_from(["", "# about", "\n# about\n"]))] * draw(st.booleans())
        if shape == 1:
            parts.append(f"{name}:" + draw(notes))
        else:
            parts += [f"{name}:" + draw(notes), draw(mappings(draw(st.integers(1, 4))))]
    text = "\n".join(parts) + draw(st.sampled_from(["", "\n", "\n\n\n", "\n  # end\n", "\n# end"]))
    return text, draw(st.sampled_from(["\n", "\r\n"]))


@settings(max_examples=300, deadline=None)
@given(files())
def test_added_entries_change_nothing_else(made: tuple[str, str]) -> None:
    text, ends = made
    data = text.replace("\n", ends).encode()
    before, found = load(data, "x", Limits())
    if before is None or found:
        return
    after = with_entries(data, "x", "bindings", ["new-1: {a: 1}  # why", "new-2: {}"])
    lines = after.decode().split(ends)
    kept = [one for one in lines if not one.lstrip().startswith("new-")]
    assert len(lines) - len(kept) == 2
    old = text.rstrip("\n").split("\n") if text.strip() else []
    while kept and not kept[-1]:
        kept.pop()
    assert kept[: len(old)] == old
    assert [one for one in kept[len(old) :] if one] in ([], ["bindings:"])
    node, problems = load(after, "x", Limits())
    assert node is not None and not problems
    entries = node["bindings"]
    assert isinstance(entries, Mapping)
    assert list(entries)[-2:] == ["new-1", "new-2"]
    own = before.get("bindings")
    assert list(entries)[:-2] == (list(own) if isinstance(own, Mapping) else [])
    assert {key: node[key] for key in before if key != "bindings"} == {
        key: before[key] for key in before if key != "bindings"
    }


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (
            "bindings:\n  a: {}  # a's\n    # deeper\n\n  # b: {}\n\n# about groups\ngroups: {}\n",
            "bindings:\n  a: {}  # a's\n    # deeper\n\n  # b: {}\n  NEW: {}\n\n# about groups\ngroups: {}\n",
        ),
        ("bindings:  # none\n", "bindings:  # none\n  NEW: {}\n"),
        ("# only", "# only\n\nbindings:\n  NEW: {}\n"),
        (
            "bindings:\n  a:\n    r: |+\n      text\n\n\ngroups:\n",
            "bindings:\n  a:\n    r: |+\n      text\n\n\n  NEW: {}\ngroups:\n",
        ),
    ],
)
def test_where_added_entries_stand(text: str, after: str) -> None:
    assert with_entries(text.encode(), "x", "bindings", ["NEW: {}"]).decode() == after


@pytest.mark.parametrize(
    "text", ["{groups: {}}\n", "a: 1\n...\n", "bindings: {}\n", "bindings: [1]\n", "a: [\n"]
)
def test_a_form_that_cannot_be_added_to_is_refused(text: str) -> None:
    with pytest.raises(Unformattable):
        with_entries(text.encode(), "x", "bindings", ["NEW: {}"])


def test_ten_thousand_bindings_are_formatted_in_seconds() -> None:
    import time

    line = "  d-{0}:  {{mode: axb, phone_a: 447700900123, phone_b: '+44 7700 900 124'}} # {0}\n"
    began = time.process_time()
    assert "# 9999\n" in fmt("bindings:\n" + "".join(line.format(i) for i in range(10_000)))
    assert time.process_time() - began < 8
