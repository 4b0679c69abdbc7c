"""Colour for people: a few named styles as ANSI sequences, or nothing where it is not wanted.

Must be given clean text: what comes from files and vendors is escaped before it is painted.
"""

from typing import Final

_CODES: Final = {
    "unbind": "31",
    "rebind": "33",
    "bind": "32",
    "renew": "34",
    "error": "1;31",
    "warning": "1;33",
    "note": "1;34",
    "dim": "2",
    "strong": "1",
}

ACTION_STYLES: Final = {
    "unbind": "unbind",
    "delete_group": "unbind",
    "rebind": "rebind",
    "update_group": "rebind",
    "bind": "bind",
    "create_group": "bind",
    "renew": "renew",
    "adopt": "dim",
    "forget": "dim",
}


class Palette:
    """Paints text, or leaves it as it is."""

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted

    def paint(self, style: str, text: str) -> str:
        """The text in a style; empty text stays empty."""
        if not self.wanted or not text or style not in _CODES:
            return text
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m"
