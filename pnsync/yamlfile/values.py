"""The values of a YAML file: plain text, booleans and None inside mappings and sequences that know their place.

A leaf carries nothing, so that it costs nothing and every library takes it for what it is; its mapping or
sequence tells where it stands. Places are offsets into the text, four bytes each, and become lines and columns
when somebody asks. A line ends with a line feed, as in an editor.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from typing import TypeAlias

from pnsync.errors import SourceSpan

Node: TypeAlias = "str | bool | Mapping | Sequence | None"


class Document:
    """One file's text, and where in it each key and value stands (offsets in characters, four to an entry)."""

    __slots__ = ("_line_starts", "file", "marks", "text")

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.marks = array("I")
        self._line_starts: array[int] | None = None

    def span(self, start: int, end: int) -> SourceSpan:
        """The place of the characters from `start` to `end` (exclusive); of several lines the first one's."""
        if self._line_starts is None:
            self._line_starts = array("I", (0,))  # four bytes a line, as a file may be nothing but lines
            self._line_starts.extend(match.end() for match in re.finditer("\n", self.text))
        line = bisect_right(self._line_starts, start)
        first = self._line_starts[line - 1]
        if line < len(self._line_starts) and end >= self._line_starts[line]:
            end = self._line_starts[line] - (2 if self.text[self._line_starts[line] - 2] == "\r" else 1)
        return SourceSpan(self.file, line, start - first + 1, max(start, end) - first + 1)

    @property
    def lines(self) -> list[str]:
        """The lines as an editor numbers them, without their line ends."""
        return [line.removesuffix("\r") for line in self.text.split("\n")]


class Mapping(dict[str, Node]):
    """An ordered mapping that knows where it, its keys and its values stand; to be read, not changed."""

    __slots__ = ("_entries", "_offset", "document")

    document: Document
    _offset: int
    _entries: dict[str, int] | None

    def _mark(self, key: str) -> int:
        if self._entries is None:  # found on the first question: most mappings are never asked
            self._entries = {name: self._offset + 2 + 4 * i for i, name in enumerate(self)}
        return self._entries[key]

    @property
    def span(self) -> SourceSpan:
        """Where the mapping begins, to the end of that line or of itself."""
        marks = self.document.marks
        return self.document.span(marks[self._offset], marks[self._offset + 1])

    def span_of_key(self, key: str) -> SourceSpan:
        """Where `key` stands; raises KeyError where it does not."""
        mark, marks = self._mark(key), self.document.marks
        return self.document.span(marks[mark], marks[mark + 1])

    def span_of_value(self, key: str) -> SourceSpan:
        """Where the value of `key` stands, quotes included; raises KeyError where it does not."""
        mark, marks = self._mark(key), self.document.marks
        return self.document.span(marks[mark + 2], marks[mark + 3])

    def written(self, key: str) -> str:
        """The value of `key` as it stands in the file, quotes included: what `true` or `~` was before."""
        mark, marks = self._mark(key), self.document.marks
        return self.document.text[marks[mark + 2] : marks[mark + 3]]

    def part(self, keys: Iterable[str]) -> "Mapping":
        """The mapping with only these of its keys, at the same places."""
        found = Mapping()
        found.document, found._offset, found._entries = self.document, self._offset, {}
        for key in keys:
            if key in self:
                found[key] = self[key]
                found._entries[key] = self._mark(key)
        return found

    def __repr__(self) -> str:
        return f"<Mapping of {len(self)}>"  # values may be personal numbers


class Sequence(list[Node]):
    """A sequence that knows where it and its items stand; to be read, not changed."""

    __slots__ = ("_offset", "document")

    document: Document
    _offset: int

    @property
    def span(self) -> SourceSpan:
        """Where the sequence begins, to the end of that line or of itself."""
        marks = self.document.marks
        return self.document.span(marks[self._offset], marks[self._offset + 1])

    def span_of_item(self, index: int) -> SourceSpan:
        """Where the item at `index` (from 0) stands; raises IndexError where there is none."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        mark, marks = self._offset + 2 + 2 * index, self.document.marks
        return self.document.span(marks[mark], marks[mark + 1])

    def __repr__(self) -> str:
        return f"<Sequence of {len(self)}>"


def span_at(node: Mapping | Sequence, path: Iterable[str | int]) -> SourceSpan:
    """The place of the value that `path` leads to, or of the last step of it that exists."""
    span = node.span
    here: Node = node
    for step in path:
        if isinstance(here, Mapping) and isinstance(step, str) and step in here:
            span, here = here.span_of_value(step), here[step]
        elif isinstance(here, Sequence) and isinstance(step, int) and 0 <= step < len(here):
            span, here = here.span_of_item(step), here[step]
        else:
            break
    return span
