"""Text that others wrote, made safe to show: in a terminal, in a log, in the output of a CI job.

Promises of `escape`: one line; no character that moves the cursor, changes colours, turns the writing direction
or cannot be seen (control, bidirectional, zero-width, private, unassigned, lone surrogates: all as `\\u{..}`); no
start of a command that a CI runner would take from the middle of a line. `safe_line` adds the start of a line.
Names, remarks and vendors' texts pass through here before they reach any output for people. Must not mask:
what may be seen at all is decided before.
"""

import json
import re
import unicodedata
from typing import Any

from pnsync.phone import DOTS

# Printable to Python, and yet nothing to see: fillers, blanks, joiners and variation selectors.
_INVISIBLE = frozenset({0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}).union(
    range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)
)
_SPACES = frozenset(
    map(ord, "\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000")
)


class _Shown(dict[int, str]):
    """How each character is shown, found out once."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        visible = (character.isprintable() or code in _SPACES) and code not in _INVISIBLE
        shown = self[code] = character if visible else f"\\u{{{code:x}}}"
        return shown


_SHOWN = _Shown()

COMMAND = re.compile(r"#(?=#\w*\[)")
"""The first character of a runner's command that is read anywhere in a line: GitHub's older form, Azure's, TeamCity's."""

# GitHub's newer form is read after any white space at the start of a line.
_LINE_COMMAND = re.compile(r"^(\s*):(?=:)")
_LINES_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)


def escape(text: str) -> str:
    """The text as one harmless line, in Unicode's composed form."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not text.isprintable() or not text.isascii():
        text = text.translate(_SHOWN)
    return COMMAND.sub(r"\\u{23}", text) if "##" in text else text


def safe_line(text: str) -> str:
    """`escape` for a text that begins a line."""
    return _LINE_COMMAND.sub(r"\1\\u{3a}", escape(text))


# The ranges of what `escape` does not show, but for what no version of Unicode has assigned yet.
_HIDDEN_IN_JSON = re.compile(
    "[\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]"
)


def json_text(document: Any, *, indent: int | None = 2) -> str:
    """A document as JSON that a terminal and a runner may meet: what `escape` would not show, in JSON's own escapes.

    A program reads the very values. A line begins with no command of a runner, as texts stand in quotation marks.
    """
    separators = (",", ":") if indent is None else None
    text = json.dumps(document, ensure_ascii=False, indent=indent, separators=separators)
    # The dots of masks are the one character that is in nearly every document; looking through all of it costs.
    if "\x7f" in text or not text.replace(DOTS, "").isascii():
        text = _HIDDEN_IN_JSON.sub(lambda one: json.dumps(one[0])[1:-1].replace("\x7f", "\\u007f"), text)
    return without_commands(text)


def without_commands(text: str) -> str:
    """JSON in which a runner, which reads some commands from the middle of a line, meets none; the values are the same."""
    return COMMAND.sub(r"\\u0023", text) if "##" in text else text


def plain_lines(text: str) -> str:
    """Lines of which none is read by a CI runner as a command, whatever they begin with."""
    return _LINES_COMMAND.sub(r"\1\\u{3a}", text) if "::" in text else text


def shown(character: str) -> str:
    """One character as `escape` shows it, not composed with its neighbours."""
    return _SHOWN[ord(character)]


def width(text: str) -> int:
    """The cells of a terminal that an escaped text takes: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.east_asian_width(character) in "WF":
        return 2
    return 0 if unicodedata.category(character) in ("Mn", "Me") else 1


_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_WORDS = re.compile(r" *[^ ]+")


def folded_lines(text: str, columns: int | None, hanging: str) -> str:
    """Lines folded at spaces where a terminal is too narrow, their rest under `hanging`; None folds nothing.

    A word that is wider than the terminal stays whole, so that it can be copied.
    """
    if columns is None:
        return text
    return "\n".join(_folded(line, columns, hanging) for line in text.split("\n"))


def _folded(line: str, columns: int, hanging: str) -> str:
    if width(_COLOUR.sub("", line)) <= columns:
        return line
    done, taken = "", 0
    for word in _WORDS.findall(line):
        cells = width(_COLOUR.sub("", word))
        if done and taken + cells > columns:
            below = hanging + word.lstrip(" ")
            done, taken = f"{done}\n{below}", width(_COLOUR.sub("", below))
        else:
            done, taken = done + word, taken + cells
    return done
