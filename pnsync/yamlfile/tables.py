"""CSV text -> rows whose cells know their file, line and column, in the shape that YAML entries have.

Promises: a cell is text as it was written, without its quotes, whatever it looks like; a row is a `Mapping` like that
of a YAML file, so that everything that judges entries judges rows. The first line names the columns; the separator is
the comma, or the semicolon or tab where the header has no comma. A line is a row: quotes do not reach over its end.
Must not know what columns mean.
"""

import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pnsync.errors import Diagnostic, SourceSpan
from pnsync.yamlfile.reader import Limits, _Reader, _Refused
from pnsync.yamlfile.values import Document, Mapping, Node

Cell = tuple[str, int, int]
"""A cell's text and where it stands, quotes included."""


class Unclosed(Exception):
    """A quoted cell without its end: where it begins."""

    def __init__(self, at: int, end: int) -> None:
        super().__init__("a quoted cell is not closed")
        self.at, self.end = at, end


@dataclass(slots=True)
class Table:
    """A file's text with the cells of its header, and where its rows begin."""

    document: Document
    header: list[Cell]
    separator: str
    body: int

    def rows(self) -> Iterator[tuple[int, int, "list[Cell] | Unclosed"]]:
        """Each row that is not empty: its place and its cells."""
        text, start = self.document.text, self.body
        while start < len(text):
            end = text.find("\n", start)
            end = len(text) if end < 0 else end
            stop = end - 1 if end > start and text[end - 1] == "\r" else end
            if stop > start and not text[start:stop].isspace():
                try:
                    yield start, stop, cells(text, start, stop, self.separator)
                except Unclosed as error:
                    yield start, stop, error
            start = end + 1

    def span(self, start: int, end: int) -> SourceSpan:
        """A place."""
        return self.document.span(start, end)


def read_table(data: bytes, file: str, limits: Limits) -> tuple[Table | None, list[Diagnostic]]:
    """A CSV file; None, with what is wrong, where it is no text. An empty one has no header."""
    if limits.exceeded:
        return None, []
    document = Document(file, "")
    reader = _Reader(document, limits)
    try:
        text = document.text = reader.decode(data)
    except _Refused:
        return None, reader.found
    end = text.find("\n")
    end = len(text) if end < 0 else end
    stop = end - 1 if end and text[end - 1] == "\r" else end
    first = text[:stop]
    separator = next((one for one in ",;\t" if one in first), ",")
    try:
        header = cells(text, 0, stop, separator) if first.strip() else []
    except Unclosed as error:
        header = [("", error.at, error.end)]
    return Table(document, header, separator, end + 1), reader.found


_QUOTED = re.compile(r'"((?:[^"\n]|"")*)"')


def cells(text: str, start: int, end: int, separator: str) -> list[Cell]:
    """The cells of a line; blanks around a cell do not count. Raises Unclosed."""
    found: list[Cell] = []
    line = text[start:end]
    if '"' not in line:
        at = start
        for one in line.split(separator):
            cell = one.strip(" ")
            left = at + (len(one) - len(one.lstrip(" ")) if cell else 0)
            found.append((cell, left, left + len(cell)))
            at += len(one) + 1
        return found
    at = start
    while True:
        while at < end and text[at] == " ":
            at += 1
        if at < end and text[at] == '"':
            match = _QUOTED.match(text, at, end)
            if match is None:
                raise Unclosed(at, end)
            found.append((match[1].replace('""', '"'), at, match.end()))
            at = match.end()
            while at < end and text[at] == " ":
                at += 1
            if at < end and text[at] != separator:
                raise Unclosed(at, end)
        else:
            stop = text.find(separator, at, end)
            stop = end if stop < 0 else stop
            cell = text[at:stop].rstrip(" ")
            found.append((cell, at, at + len(cell)))
            at = stop
        if at >= end:
            return found
        at += 1


def row_mapping(
    document: Document,
    place: tuple[int, int],
    entries: Iterable[tuple[str, tuple[int, int], Node, tuple[int, int]]],
) -> Mapping:
    """A mapping of keys to values, each with its place in a document."""
    marks = array("I", place)
    found = Mapping()
    for key, of_key, value, of_value in entries:
        found[key] = value
        marks.extend(of_key)
        marks.extend(of_value)
    found.document, found._entries, found._offset = document, None, len(document.marks)
    document.marks.extend(marks)
    return found
