"""Bytes to values: libyaml's events, checked one by one, composed without resolving more than null and booleans."""

import re
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NoReturn, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml import events as ev
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from pnsync.collector import collector_off
from pnsync.errors import Diagnostic, Severity
from pnsync.yamlfile.codes import CODES, MAX_FINDINGS
from pnsync.yamlfile.values import Document, Mapping, Sequence

try:
    from _ruamel_yaml import CParser
except ImportError:  # ruamel.yaml no longer brings its C library
    CParser = None

Events: TypeAlias = Iterable[Any]
Marks: TypeAlias = "array[int]"

WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

# What the two parsers say, context and problem, in the order of asking; E103 is for the rest.
SYNTAX = tuple(
    (re.compile(pattern), code)
    for pattern, code in (
        ("an alias", "E106"),
        ("an anchor", "E105"),
        (r"a tag\b|tag handle|incompatible YAML document|%TAG", "E108"),
        ("tab character|'\\\\t'", "E102"),
        ("escape|hexdecimal|hexadecimal", "E123"),
        ("quoted scalar|expected ',' or", "E117"),
        ("could not find expected ':'", "E120"),
        ("mapping values are not allowed", "E119"),
        ("cannot start any token", "E121"),
        ("while parsing a block (mapping|collection)|entries are not allowed|keys are not allowed", "E118"),
    )
)

# ruamel.yaml's own parser meets some broken input with Python's exceptions rather than its own.
BROKEN = (YAMLError, ValueError, LookupError, TypeError, AttributeError, AssertionError, OverflowError)

# Plain ASCII but for control characters: found out in no time, and true of nearly every file.
_HARMLESS = bytes([9, 10, *range(0x20, 0x7F)])
_ODD_KEYS = frozenset(("", "<<"))
_SURROGATE = re.compile("[\ud800-\udfff]")  # as an escape it passes the parser in Python, libyaml refuses it
_INNER_COLON = re.compile(r"""(?<=[^\s"'\[\]{},:]):(?=[^\s\[\]{},:])""")
_CONFLICT = re.compile(r"^(?:<{7}|>{7})(?= |$)", re.MULTILINE)
# What YAML allows, less the line ends that only some readers see.
_FORBIDDEN = re.compile(
    "\r(?!\n)|[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


@dataclass(slots=True)
class Limits:
    """What all the files of one run may cost together; pass the same object to every `load`.

    `max_levels` counts mappings and sequences inside each other, the file's own mapping being the first.
    `max_values` (a scalar is one, a mapping or sequence two) and `max_collections` bound memory: no
    file of real bindings comes near them within `max_bytes`.
    """

    max_bytes: int = 64 * 1024 * 1024
    max_files: int = 10_000
    max_levels: int = 32
    max_values: int = 10_000_000
    max_collections: int = 2_000_000
    bytes_read: int = 0
    files_read: int = 0
    values_read: int = 0
    collections_read: int = 0
    exceeded: bool = False

    @property
    def bytes_left(self) -> int:
        """How many bytes the next file may have; reading one more than this is enough to be refused."""
        return max(0, self.max_bytes - self.bytes_read)


class _Refused(Exception):
    """The file cannot be read further; its diagnostics say why."""


def c_events(text: str) -> Events:
    """The events of libyaml, made in C."""
    if ("{" in text or "[" in text) and _INNER_COLON.search(text):
        return _with_inner_colons(text)
    return iter(CParser(text.encode()).get_event, None)


def _with_inner_colons(text: str) -> Iterator[Any]:
    """As `c_events`, for a text with a colon inside a plain word, as in `{expires_at: 2026-12-24T18:00:00Z}`.

    YAML 1.2 takes such a colon for a part of the word; the library refuses it between braces. A character that
    the text does not have stands in for it meanwhile, one for one, so that every place stays what it is.
    """
    stand_in = next(char for char in map(chr, range(0xE000, 0xF900)) if char not in text)
    parser = CParser(_INNER_COLON.sub(stand_in, text).encode())
    for event in iter(parser.get_event, None):
        if event.__class__ is ev.ScalarEvent and stand_in in event.value:
            event.value = event.value.replace(stand_in, ":")
        yield event


def pure_events(text: str) -> Iterator[Any]:
    """The events of ruamel.yaml's parser in Python: equal, and slower by far; for where its C library is missing."""
    for event in YAML(typ="safe", pure=True).parse(text):
        if event.__class__ is ev.ScalarEvent and _SURROGATE.search(event.value):
            raise MarkedYAMLError(problem="escape of a lone surrogate", problem_mark=event.start_mark)
        yield event


EVENTS: Callable[[str], Events] = pure_events if CParser is None else c_events


def load(
    data: bytes, file: str, limits: Limits, *, events: Callable[[str], Events] = EVENTS
) -> tuple[Mapping | None, list[Diagnostic]]:
    """The mapping that a file holds, and all that is wrong with the file.

    `file` is the name for the diagnostics. A file without content is an empty mapping. The mapping is None
    where a part of the file is unknown (syntax, an alias, a merge key, a limit); duplicate keys (the first one
    counts), anchors and tags are errors that leave it whole, so that the schema can be checked in the same run.
    Once `limits` were exceeded, which is reported once, every answer is None without a diagnostic.
    """
    if limits.exceeded:
        return None, []
    reader = _Reader(Document(file, ""), limits)
    try:
        with collector_off():
            return reader.read(data, events), reader.found
    except _Refused:
        return None, reader.found


class _Reader:
    """Reads one file: bytes to text, events to values, with everything that is wrong on the way."""

    def __init__(self, document: Document, limits: Limits) -> None:
        self.document = document
        self.limits = limits
        self.found: list[Diagnostic] = []
        self.whole = True

    def read(self, data: bytes, events: Callable[[str], Events]) -> Mapping | None:
        """The file's mapping; None where a part of it is unknown."""
        self.document.text = self.decode(data)
        try:
            return self.compose(events(self.document.text))
        except BROKEN as error:
            self.syntax(error)
            return None

    def report(self, code: str, start: int, end: int, label: str = "") -> None:
        """Notes a finding about the characters from `start` to `end`; stops after MAX_FINDINGS of them."""
        if len(self.found) >= MAX_FINDINGS:
            one, span = CODES["E124"], self.document.span(start, end)
            self.found.append(Diagnostic("E124", one.summary, Severity.NOTE, span, one.label, one.advice))
            raise _Refused
        one, span = CODES[code], self.document.span(start, end)
        found = Diagnostic(code, one.summary, span=span, label=label or one.label, advice=one.advice)
        self.found.append(found)

    def refuse(self, code: str, start: int = 0, end: int = 0, label: str = "") -> NoReturn:
        """Notes a finding after which the file cannot be read further."""
        self.report(code, start, end, label)
        raise _Refused

    def exceed(self, code: str, start: int = 0) -> NoReturn:
        """Notes that the files together are over a limit, which ends the reading of all of them."""
        self.limits.exceeded = True
        self.refuse(code, start, start)

    def decode(self, data: bytes) -> str:
        """The text of a file, its size counted, its encoding and characters checked."""
        self.limits.files_read += 1
        self.limits.bytes_read += len(data)
        if self.limits.files_read > self.limits.max_files:
            self.exceed("E113")
        if self.limits.bytes_read > self.limits.max_bytes:
            self.exceed("E112")
        if data.startswith((b"\xff\xfe", b"\xfe\xff")) or data[:4].count(0) in (2, 3):
            self.refuse("E100", label="this looks like UTF-16 or UTF-32")
        data = data.removeprefix(b"\xef\xbb\xbf")
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            self.document.text = data[: error.start].decode()
            at = len(self.document.text)
            self.refuse("E100", at, at, label=f"byte 0x{data[error.start]:02x} is not UTF-8")
        if data.translate(None, _HARMLESS):  # a quick look first: nearly every file passes it
            self.document.text = text
            for match in islice(_FORBIDDEN.finditer(text), 10):
                code = "E122" if match[0] in "\r\x85\u2028\u2029" else "E101"
                self.report(code, *match.span(), label=f"U+{ord(match[0]):04X}")
            if self.found:
                raise _Refused
        return text

    def compose(self, events: Events) -> Mapping | None:
        """The file's mapping from its events; None where a part of it is unknown."""
        text, limits, marks_of_all = self.document.text, self.limits, self.document.marks
        described = "!" in text or "&" in text  # else no value has a tag or anchor, and is not asked for one
        here: Any = Sequence()  # the collection that is open, at first one around the whole file
        marks: Marks = array("I", (0, 0))  # where it stands, then its keys and values
        mark = marks.append
        keyed = False  # it is a mapping
        key: str | None = None  # its key that waits for a value
        drop = False  # that value is to be left out
        stack: list[tuple[Any, Marks, str | None, bool]] = []  # here, marks, key, drop of what is around it
        documents = collections = 0
        event: Any = None
        word, scalar = WORDS.get, ev.ScalarEvent  # a million times local names
        for event in islice(events, max(0, limits.max_values - limits.values_read)):
            kind = event.__class__
            if kind is scalar:
                start = event.start_mark.index
                end = event.end_mark.index
                value = event.value
                if described:
                    self.check_description(event)
                if keyed and key is None:
                    key = value
                    if value in here or value in _ODD_KEYS:
                        drop = self.wrong_key(event, here, marks)
                    if not drop:
                        mark(start)
                        mark(end)
                    continue
                if not event.style:
                    value = word(value, value)
            elif kind is ev.MappingEndEvent or kind is ev.SequenceEndEvent:
                value = here
                start, end = marks[0], event.end_mark.index
                if end == event.start_mark.index:  # a block: it ends with its last value
                    end = marks[-1]
                marks[1] = end
                value._offset = len(marks_of_all)
                marks_of_all.extend(marks)
                here, marks, key, drop = stack.pop()
                mark = marks.append
                keyed = here.__class__ is Mapping
            elif kind is ev.MappingStartEvent or kind is ev.SequenceStartEvent:
                start = event.start_mark.index
                collections += 1
                if keyed and key is None:
                    self.refuse("E110", start, start + 1)
                if len(stack) >= limits.max_levels:
                    self.refuse("E111", start, start + 1)
                if limits.collections_read + collections > limits.max_collections:
                    self.exceed("E114", start)
                if described:
                    self.check_description(event)
                stack.append((here, marks, key, drop))
                keyed = kind is ev.MappingStartEvent
                here = Mapping() if keyed else Sequence()
                here.document = self.document
                if keyed:
                    here._entries = None
                marks, key, drop = array("I", (start, start)), None, False
                mark = marks.append
                continue
            elif kind is ev.AliasEvent:
                self.whole = False
                start, end = event.start_mark.index, event.end_mark.index
                self.report("E106", start, end)
                if keyed and key is None:
                    key, drop = "", True
                    continue
                value = None
            else:
                if kind is ev.DocumentStartEvent:
                    documents += 1
                    if documents > 1:
                        self.refuse("E104", event.start_mark.index, event.end_mark.index)
                    if event.tags:
                        self.report("E108", event.start_mark.index, event.end_mark.index)
                continue
            if drop:
                key, drop = None, False
                continue
            if keyed:
                here[key] = value
                key = None
            else:
                here.append(value)
            mark(start)
            mark(end)
        if not isinstance(event, ev.StreamEndEvent):
            self.exceed("E114", event.start_mark.index if event else 0)
        limits.values_read += len(marks_of_all) // 2
        limits.collections_read += collections
        return self.root(here, marks)

    def root(self, roots: Sequence, marks: Marks) -> Mapping | None:
        """The mapping among what stands at the top of the file, which is at most one value."""
        if not self.whole:
            return None
        if roots and roots[0] is not None:
            if not isinstance(roots[0], Mapping):
                self.refuse("E115", marks[2], marks[3])
            return roots[0]
        nothing = Mapping()
        nothing.document, nothing._offset, nothing._entries = self.document, 0, None
        self.document.marks.extend((0, 0))
        return nothing

    def check_description(self, event: Any) -> None:
        """Reports the anchor and the tag of a value."""
        for code, present in (("E105", event.anchor), ("E108", event.tag)):
            if present is not None:
                self.report(code, event.start_mark.index, event.end_mark.index)

    def wrong_key(self, event: Any, mapping: Mapping, marks: Marks) -> bool:
        """Reports a key that is empty, a merge key or there already; whether it is one (a quoted `<<` is not)."""
        start, end = event.start_mark.index, event.end_mark.index
        if event.value in mapping:
            mark = 2 + 4 * list(mapping).index(event.value)
            first = self.document.span(marks[mark], marks[mark + 1])
            self.report("E109", start, end, f"the first one is at line {first.line}, column {first.column}")
        elif event.value == "":
            self.report("E125", start, end)
        elif event.style:
            return False
        else:
            self.whole = False
            self.report("E107", start, end)
        return True

    def syntax(self, error: Exception) -> None:
        """Notes what the parser could not read, in words and at a place that help."""
        text = self.document.text
        conflict = _CONFLICT.search(text)
        if conflict:
            self.report("E116", *conflict.span())
            return
        problem = context = ""
        at = opened = None
        if isinstance(error, MarkedYAMLError):
            problem, context = error.problem or "", error.context or ""
            at = error.problem_mark.index if error.problem_mark else None
            opened = error.context_mark.index if error.context_mark else None
        at = min(at if at is not None else opened or 0, len(text))
        said = f"{context}: {problem}"
        code = next((code for pattern, code in SYNTAX if re.search(pattern, said)), "E103")
        if code == "E121" and text[at : at + 1] == "\t":
            code = "E102"
        label = ""
        if opened is not None and code in ("E117", "E118"):
            line = self.document.span(opened, opened).line
            if code == "E118":
                label = f"does not fit the block that begins at line {line}"
            elif text[at:].strip():
                label = f"what begins at line {line} is not closed"
            else:
                at = opened  # the end of the file is no place to look at
        self.report(code, at, min(at + 1, len(text)), label=label)
