"""Text that others wrote, made safe inside Markdown: the one way from a plan's values into a comment.

`code` shows any text as a code span that nothing inside can leave: in a code span no mention, link, emoji,
reference, emphasis or HTML is read by any host's renderer, and the two characters that could end it or its table
cell, the backtick and the pipe, are shown as `\\u{60}` and `\\u{7c}`. `prose` lets plain English words stand without
a span. Promises: one line, no character that is invisible or turns the writing direction (`render.text`), no
more than `limit` characters. Pure.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pnsync.render.text import escape

LIMIT: Final = 160
"""Characters of one value that are shown; a name has 100 at most, so only what others sent is cut."""

_BREAKING: Final = str.maketrans({"`": "\\u{60}", "|": "\\u{7c}"})

# Words, small figures, times and punctuation with nothing that any Markdown dialect or host gives a meaning: no
# address, no number that is a phone, no commit id, no underscore but inside a word.
_FIGURE: Final = r"\d{1,3}(?:,\d{3})+|\d{1,4}\.\d|\d{1,6}[smhdw]?|\d\d:\d\d(?::\d\d)?Z"
_PLAIN: Final = re.compile(
    rf"(?!\(?[0-9a-fA-F]{{7}})\(?(?:[A-Za-z]+(?:[_'’-][A-Za-z]+)*|{_FIGURE})\)?[,;:.]?|[—→]"
)
_QUOTED: Final = re.compile(r"`([^`]*)`")


def code(text: object, limit: int = LIMIT) -> str:
    """The text as a code span, cut with `…` where it is longer than `limit`; `(empty)` where there is none."""
    # An escape makes ten characters of one at most; what lies beyond the limit need not be escaped first.
    raw = str(text)
    shown = escape(raw[: limit + 1]).translate(_BREAKING)
    if len(raw) > limit or len(shown) > limit:
        shown = shown[: limit - 1] + "…"
    if not shown.strip():
        return "(empty)" if not shown else "(spaces)"
    # A code span drops one space at each end where both are spaces.
    return f"`{shown.strip()}`"


def prose(text: str, limit: int = LIMIT * 2) -> str:
    """The text with its plain words as they are, and all else in code spans; what it quotes in backticks too."""
    raw = text if len(text) <= limit else text[: limit - 1] + "…"
    parts: list[str] = []
    for i, part in enumerate(_QUOTED.split(raw)):
        if i % 2:
            parts.append(code(part, limit))
        else:
            parts += _worded(part.split(), limit)
    return " ".join(parts)


def _worded(tokens: Sequence[str], limit: int) -> Iterator[str]:
    """Plain words one by one; neighbours that are none share a span, with the figures that follow them."""
    held: list[str] = []
    for token in tokens:
        if _PLAIN.fullmatch(token) and not (held and token.isdecimal()):
            if held:
                yield code(" ".join(held), limit)
                held = []
            yield token
            continue
        stem = token.rstrip(",;:.")
        if len(token) - len(stem) == 1 and stem[-1:].isalnum():
            # The sentence's own punctuation, behind which another thing begins.
            yield code(" ".join([*held, stem]), limit) + token[-1]
            held = []
        else:
            held.append(token)
    if held:
        yield code(" ".join(held), limit)


def sized(text: str) -> int:
    """The characters of a text as the strictest host counts them: UTF-16 units, two for an emoji."""
    return len(text) + sum(1 for one in text if one > "\uffff") if not text.isascii() else len(text)
