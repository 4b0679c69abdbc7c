"""The answer to `who` as text; works on its document, every text escaped."""

from collections.abc import Mapping, Sequence
from typing import Any

from pnsync.render.text import escape


def inquiry_text(dialled: str, found: Sequence[Mapping[str, Any]]) -> str:
    """One line a caller: who rings, the number it shows, and by which binding."""
    return "\n".join(_line(dialled, one) for one in found)


def _line(dialled: str, one: Mapping[str, Any]) -> str:
    number = escape(dialled) + (f" ext {escape(one['extension'])}" if one["extension"] else "")
    if one["rings"] is None:
        caller = "" if one["caller"] is None else f"{escape(one['caller'])} dials "
        return f"{caller}{number}: nobody rings; {escape(one['reason'] or 'the vendor gave no reason')}"
    if "address" not in one:  # the vendor's own answer, which names no binding
        return f"{escape(one['caller'])} dials {number} → {escape(one['rings'])} rings"
    by = f"  ({escape(one['address'])})" if one["address"] else "  (not ours)"
    shown = f", shown {escape(one['shown'])}"
    return f"{escape(one['caller'])} dials {number} → {escape(one['rings'])} rings{shown}{by}"
