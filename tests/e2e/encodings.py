"""The eight ways in which a number or a key could leave unseen, and the search for all of them."""

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote


def in_base64(text: str) -> list[str]:
    """The characters that a text has in base64 whatever stands before it."""
    found = []
    for offset in range(3):
        made = base64.b64encode(b"\0" * offset + text.encode() + b"\0\0").decode()
        first = -(-offset * 8 // 6)
        found.append(made[first : (offset + len(text)) * 8 // 6])
    return found


def encodings(text: str) -> dict[str, list[str]]:
    """The literal forms of a text; a number's forms are those of its beginning, so that they show any that begins so."""
    return {
        "as it is": [text],
        "national": ["0" + text.removeprefix("44")] if text.startswith("44") else [],
        "url": [quote("+" + text, safe=""), quote(text, safe="")],
        "base64": in_base64(text),
        "json escapes": ["".join(rf"\u{ord(one):04x}" for one in text)],
        "hex": [text.encode().hex()],
        "reversed": [text[::-1]],
    }


class Search:
    """Looks for texts in any of their forms; capitals and small letters alike."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._forms: list[tuple[str, str]] = []
        self._spaced: list[tuple[str, re.Pattern[str]]] = []
        for text in texts:
            named = f"{text[:3]}…"
            self._forms += [
                (f"{named} {name}", one.lower()) for name, all_ in encodings(text).items() for one in all_
            ]
            parts = (text[:2], text[2:6], text[6:])
            pattern = r"[\s\-.()]{1,2}".join(map(re.escape, parts))
            self._spaced.append((f"{named} spaced", re.compile(pattern, re.IGNORECASE)))

    def found(self, text: str) -> list[str]:
        """Which texts stand in a text, and how."""
        small = text.lower()
        literal = [name for name, form in self._forms if form in small]
        return literal + [name for name, pattern in self._spaced if pattern.search(text)]
