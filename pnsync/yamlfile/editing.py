"""YAML text -> the same text in canonical form, and with entries added: what `fmt` and `import` write.

Promises: every scalar and comment stays as it was written, in its order, and the file means what it meant; what cannot
be kept so is refused. Formatting is idempotent. Works on the places that the parser tells, not by composing and
dumping, which loses comments inside braces and takes ten times as long (docs/decisions/0006).

Canonical form: two spaces a level, sequences indented below their key; one space after `:`, `,` and `-`, none inside
braces; no trailing blanks, no two empty lines together, none at either end; line feeds only, one at the end.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import events as ev

from pnsync.errors import Diagnostic
from pnsync.yamlfile.reader import BROKEN, EVENTS, Limits, load
from pnsync.yamlfile.values import Mapping, Node, Sequence

INDENT: Final = 2
_EMPTY_LINE: Final = -1
"""Stands among comments for an empty line, in the place of a column."""
_COMMENT = re.compile(r"#[^\n]*")
_DOCUMENT_MARK = re.compile(r"(?:---|\.\.\.)(?=[ \t\n]|$)")


class Unformattable(Exception):
    """A file that cannot be brought into canonical form; its text says why, without a value."""


@dataclass(slots=True)
class _Block:
    """A block mapping or sequence that is open: the column it has and gets, and whether a mapping waits for a key."""

    sequence: bool
    old: int
    new: int
    at_key: bool = True


def formatted(data: bytes, file: str) -> tuple[str | None, tuple[Diagnostic, ...]]:
    """The file in canonical form; None, with the findings, where it is no YAML that pnsync reads.

    Raises Unformattable for what would change its meaning or lose a comment.
    """
    node, found = load(data, file, Limits())
    if node is None:
        return None, tuple(found)
    text = data.removeprefix(b"\xef\xbb\xbf").decode().replace("\r\n", "\n")
    written = _Formatter(text)
    result = written.run()
    again, _ = load(result.encode(), file, Limits())
    if again is None or _plain(again) != _plain(node):
        raise Unformattable("its canonical form would mean something else")
    second = _Formatter(result)
    if second.run() != result or second.comments != written.comments:
        raise Unformattable("its canonical form would not be stable")
    return result, tuple(found)


def _plain(node: Node) -> object:
    """A value with the order of its keys, to be compared."""
    if isinstance(node, Mapping):
        return [(key, _plain(value)) for key, value in node.items()]
    if isinstance(node, Sequence):
        return [_plain(one) for one in node]
    return node


class _Formatter:
    """One pass over a text: its tokens stay, what stands between them is written anew."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: list[str] = []
        self.line = ""
        """The line that is being written."""
        self.indent = 0
        """Where that line begins."""
        self.blocks: list[_Block] = []
        self.closed: list[_Block] = []
        """Blocks that ended since the last token: a comment may still belong to them."""
        self.flows: list[int] = []
        """For each open brace or bracket, where the line begins that it stands in."""
        self.after = ""
        """The indicator written last, on which the space before the next token depends."""
        self.waiting: list[tuple[int, str]] = []
        """Comments on lines of their own, with their columns, until it is known what they stand above."""
        self.blank = False
        self.at = 0
        self.comments: list[str] = []

    def run(self) -> str:
        """The text in canonical form."""
        try:
            for event in EVENTS(self.text):
                self._event(event)
        except BROKEN as error:
            raise Unformattable("it cannot be read") from error
        self._gap(len(self.text))
        self._end_line()
        self._place_comments(None)
        return "\n".join(self.lines) + "\n" if self.lines else ""

    # -- what the parser tells ---------------------------------------------------------------------------------------

    def _event(self, event: Any) -> None:
        kind = event.__class__
        if kind is ev.ScalarEvent:
            self._scalar(event)
        elif kind is ev.MappingStartEvent or kind is ev.SequenceStartEvent:
            start = event.start_mark
            if event.flow_style:
                self._gap(start.index)
                self._token(self.text[start.index], value=not self._is_key())
                self.flows.append(self.indent)
                self.after = "{"
                self.at = start.index + 1
                return
            new = self.blocks[-1].new + INDENT if self.blocks else 0
            self.blocks.append(_Block(kind is ev.SequenceStartEvent, start.column, new))
        elif kind is ev.MappingEndEvent or kind is ev.SequenceEndEvent:
            if self.flows and event.end_mark.index > event.start_mark.index:
                self._close(event.end_mark.index - 1)
            else:
                self.closed.append(self.blocks.pop())
                self._filled()

    def _close(self, at: int) -> None:
        """A closing brace or bracket."""
        self._gap(at)
        indent = self.flows.pop()
        if not self.line:
            self._begin_line(indent, None)
        elif self.after == ":":
            self.line += " "
        self.line += self.text[at]
        self.after = "x"
        self.at = at + 1
        if not self.flows:
            self._filled()

    def _scalar(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        if start == end and not event.style:  # nothing is written there
            if not self.flows:
                self._filled()
            return
        self._gap(start)
        block = event.style in ("|", ">")
        text = self.text[start:end] if block else self.text[start:end].rstrip()
        self._token("", value=not self._is_key())
        if block:
            tail = self.text.rfind("\n", start, end) + 1
            if tail > start and not self.text[tail:end].strip(" "):
                end = tail  # the next line's indentation is not the scalar's
            self._block_scalar(self.text[start:end])
        elif "\n" in text:
            first, *others = text.split("\n")
            self.lines.append(self.line + first)
            inner = self.blocks[-1].new if self.blocks else 0
            pad = " " * (max(self.indent, inner) + INDENT)
            others = [pad + stripped if (stripped := one.lstrip(" \t")) else "" for one in others]
            self.lines.extend(others[:-1])
            self.line = others[-1]
        else:
            self.line += text
        self.after = "x"
        self.at = end
        if not self.flows:
            self._filled()

    def _block_scalar(self, text: str) -> None:
        """A literal or folded scalar, moved as a whole with the block it stands in."""
        header, *content = text.split("\n")
        self.comments.extend(_COMMENT.findall(header))
        delta = self.blocks[-1].new - self.blocks[-1].old
        if content and not content[-1]:
            content.pop()
        while "+" not in header.partition("#")[0] and content and not content[-1].strip(" "):
            content.pop()
            self.blank = True
        self.lines.append(self.line + header.rstrip())
        for one in content:
            blanks = len(one) - len(one.lstrip(" "))
            self.lines.append(" " * delta + one if delta > 0 and one else one[min(blanks, max(0, -delta)) :])
        self.line = ""

    def _filled(self) -> None:
        """A key or value of the innermost block is complete."""
        if self.blocks:
            self.blocks[-1].at_key = not self.blocks[-1].at_key

    def _is_key(self) -> bool:
        return (
            bool(self.blocks) and not self.flows and not self.blocks[-1].sequence and self.blocks[-1].at_key
        )

    # -- what is written ---------------------------------------------------------------------------------------------

    def _token(self, text: str, *, value: bool) -> None:
        """Write a token after what separates it from the one before."""
        if not self.line:
            if self.flows:
                self._begin_line(self.flows[-1] + INDENT, None)
            else:
                block = self.blocks[-1] if self.blocks else None
                base = block.new if block else 0
                self._begin_line(base + INDENT if value and block else base, None if value else block)
        elif self.after in (":", ",", "-"):
            self.line += " "
        elif self.after not in ("{",):
            raise Unformattable("it has a form that fmt does not know")
        self.line += text
        self.closed.clear()

    def _begin_line(self, indent: int, block: _Block | None) -> None:
        """A line with content begins; the comments above it find their place."""
        self._place_comments((block.old if block else -1, indent))
        self._due()
        self.indent = indent
        self.line = " " * indent

    def _place_comments(self, following: tuple[int, int] | None) -> None:
        """Write the comments that wait: at the block whose column they had, else at the line that follows."""
        columns = {one.old: one.new for one in (*self.blocks, *self.closed)}
        old, new = following or (0, 0)
        columns[old] = new
        for column, text in self.waiting:
            if column == _EMPTY_LINE:
                self.blank = True
                continue
            self._due()
            self.lines.append(" " * (new if self.flows else columns.get(column, new)) + text)
        self.waiting.clear()

    def _due(self) -> None:
        """Write the empty line that the source has here; none at its beginning."""
        if self.blank and self.lines:
            self.lines.append("")
        self.blank = False

    def _end_line(self) -> None:
        """The line that is being written is complete."""
        if self.line:
            self.lines.append(self.line.rstrip())
            self.line = ""

    # -- what stands between tokens ----------------------------------------------------------------------------------

    def _gap(self, end: int) -> None:
        """Write what stands between the last token and `end`: indicators, comments, line ends."""
        text, i = self.text, self.at
        fresh = i == 0 or text[i - 1] == "\n"  # whether nothing was seen yet on this line of the source
        spaces = 0
        while i < end:
            char = text[i]
            if char == "\n":
                if self.line:
                    self._end_line()
                elif fresh:
                    self._note_blank()
                fresh, spaces = True, 0
            elif char in " \t":
                spaces += 1
            elif char == "#":
                match = _COMMENT.match(text, i, end)
                assert match is not None
                comment = match[0].rstrip()
                self.comments.append(comment)
                if self.line:
                    self.line += " " * max(1, spaces) + comment
                    self._end_line()
                else:
                    self.waiting.append((spaces, comment))
                i, fresh, spaces = match.end(), False, 0
                continue
            elif fresh and _DOCUMENT_MARK.match(text, i, end):
                self._begin_line(0, None)
                self.line, self.after = text[i : i + 3], "-"
                i += 2
                spaces = 0
            else:
                self._indicator(char, i)
                spaces = 0
                fresh = False
            i += 1
        self.at = end

    def _note_blank(self) -> None:
        if self.waiting:
            self.waiting.append((_EMPTY_LINE, ""))
        else:
            self.blank = True

    def _indicator(self, char: str, at: int) -> None:
        if char == "-" and not self.flows:
            self._dash(at)
        elif char in ":,":
            if not self.line:
                if not self.flows:
                    raise Unformattable("it has a form that fmt does not know")
                self._begin_line(self.flows[-1] + INDENT, None)
            elif char == "," and self.after == ":":
                self.line += " "  # else the colon would be a part of the key
            self.line += char
        else:
            raise Unformattable("it has a form that fmt does not know")
        self.after = char

    def _dash(self, at: int) -> None:
        """The dash of an item, whose sequence is known by the column; it may have ended since, with nothing behind it."""
        column = at - self.text.rfind("\n", 0, at) - 1
        among = (*reversed(self.blocks), *self.closed)
        block = next((one for one in among if one.sequence and one.old == column), None)
        if block is None:
            raise Unformattable("it has a form that fmt does not know")
        if not self.line:
            self._begin_line(block.new, block)
        else:
            self.line += " "
        self.line += "-"


def with_entries(data: bytes, file: str, section: str, lines: list[str]) -> bytes:
    """The file with lines of entries at the end of a section, which is made where it is missing; the rest stays.

    Raises Unformattable where the file cannot be read, or its section stands in braces.
    """
    node, _ = load(data, file, Limits())
    if node is None:
        raise Unformattable("it cannot be read")
    text = data.removeprefix(b"\xef\xbb\xbf").decode()
    holder = node.get(section)
    if isinstance(holder, Mapping) and holder:
        marks = holder.document.marks
        start, end = marks[holder._offset], marks[holder._offset + 1]
        if text[start] == "{":
            raise Unformattable(f"its {section} do not stand one below the other")
        column = start - text.rfind("\n", 0, start) - 1
        at = end if text[end - 1] == "\n" else text.find("\n", end) + 1
        if at == 0:
            text, at = text + "\n", len(text) + 1
    elif section in node:
        if holder is not None or node.written(section):
            raise Unformattable(f"its {section} do not stand one below the other")
        column = INDENT
        at = text.find("\n", marks_end(node, section)) + 1
        if at == 0:
            text, at = text + "\n", len(text) + 1
    else:
        text = text if not text or text.endswith("\n") else text + "\n"
        text += f"\n{section}:\n" if text else f"{section}:\n"
        column, at = INDENT, len(text)
    at = _past_comments(text, at, column)
    added = "".join(" " * column + line + "\n" for line in lines)
    whole = text[:at] + added + text[at:]
    if data.count(b"\n") == data.count(b"\r\n") > 0:
        whole = whole.replace("\r\n", "\n").replace("\n", "\r\n")
    made = whole.encode()
    again, _ = load(made, file, Limits())
    if again is None or list(again) != [*node, *([] if section in node else [section])]:
        raise Unformattable("it has a form that cannot be added to")
    return made


def _past_comments(text: str, at: int, column: int) -> int:
    """Behind the comments that still belong to the entries above `at`: those that are indented as far."""
    end = at
    while at < len(text):
        line_end = text.find("\n", at)
        if line_end < 0:
            break
        line = text[at:line_end]
        bare = line.lstrip(" ")
        at = line_end + 1
        if bare.startswith("#") and len(line) - len(bare) >= max(column, 1):
            end = at
        elif bare.strip():
            break
    return end


def marks_end(node: Mapping, key: str) -> int:
    """Where the text of a key ends."""
    return node.document.marks[node._mark(key) + 1]
