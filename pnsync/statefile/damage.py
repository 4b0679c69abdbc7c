"""What is wrong with a state file that is not as it was written, and what to do: one code for each kind of damage.

Looks only at bytes that failed their checksum, so it may be slow; it never repairs and never quotes what a file
holds. The pages of the codes are in codes.py.
"""

import json
import re
from typing import Any

from pnsync.errors import StateError
from pnsync.statefile.codes import REBUILD, refusal

_MARKERS = re.compile(rb"^(?:<<<<<<<|\|\|\|\|\|\|\||=======|>>>>>>>)(?: .*)?\r?$", re.MULTILINE)
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_SHOWN_LINES = 6


class _Twice(ValueError):
    """A key stands twice in one JSON object."""


def diagnose(data: bytes, name: str, form: str, version: int) -> StateError:
    """The refusal of a damaged state file `name`; the file is left as it is."""
    left = (
        "It is left as it is. Bring back the last good copy, or derive the state from the vendor's listing:"
    )
    if not data.strip(b"\0 \t\r\n"):
        return refusal("S901", f"{name} is there and holds nothing.", left, command=REBUILD)
    markers = [data.count(b"\n", 0, found.start()) + 1 for found in _MARKERS.finditer(data)]
    if markers:
        return refusal(
            "S904",
            f"{name} holds conflict markers of a merge in {_numbers(markers)}.",
            "Two states cannot be merged by lines: each has recorded calls that the other does not know. "
            "Take back the side that ran last, whole, or derive the state from the vendor's listing:",
            command=REBUILD,
        )
    if data.startswith(_MARKS) or b"\r" in data:
        what = "begins with a byte order mark" if data.startswith(_MARKS) else "has other line ends"
        return refusal(
            "S908",
            f"{name} {what}: an editor, or Git's autocrlf, has rewritten it.",
            "Take it back unchanged, with the line `*.json -text` for it in .gitattributes, or derive it again:",
            command=REBUILD,
        )
    try:
        document = json.loads(data, object_pairs_hook=_unique)
    except _Twice:
        return refusal(
            "S905", f"{name} holds a key twice, as a merge or a hand edit leaves it.", left, command=REBUILD
        )
    except (ValueError, RecursionError) as error:
        if _cut(data, error):
            return refusal(
                "S902", f"{name} ends in line {data.count(10) + 1}, before its end.", left, command=REBUILD
            )
        place = f", from line {error.lineno} on" if isinstance(error, json.JSONDecodeError) else ""
        return refusal("S903", f"{name} is not JSON{place}.", left, command=REBUILD)
    return _foreign(document, data, name, form, version) or refusal(
        "S906",
        f"{name} is not as pnsync wrote it: it was changed by hand, by a merge or by a bad disk.",
        left,
        command=REBUILD,
    )


def _foreign(document: Any, data: bytes, name: str, form: str, version: int) -> StateError | None:
    """The refusal of a document that is no state of this version, or that lost its last line end."""
    if not isinstance(document, dict) or document.get("format") != form:
        return refusal(
            "S909",
            f"{name} is JSON, but no state of pnsync.",
            "Check `state:` in the root file: it may name the wrong one. If it is damaged, move it away, then:",
            command=REBUILD,
        )
    found = document.get("version")
    if isinstance(found, int) and found > version:
        return refusal(
            "S907",
            f"{name} has version {found}; this pnsync reads version {version}.",
            "A newer pnsync has written it. Install that version, here and wherever this state is used; or, to derive it "
            "anew in this version:",
            command=REBUILD,
        )
    if data.endswith(b"}"):
        return refusal("S902", f"{name} has lost its last line end.", "It is left as it is.", command=REBUILD)
    return None


def _cut(data: bytes, error: Exception) -> bool:
    """Whether a file of ours stops early: broken off at its very end rather than wrong somewhere."""
    if not data.startswith(b"{"):
        return False
    if not isinstance(error, json.JSONDecodeError):
        return isinstance(error, UnicodeDecodeError) and error.end == len(data)
    if error.msg == "Extra data":
        return False
    at_end = len(error.doc) - error.pos <= 1
    return at_end or error.msg.startswith("Unterminated") or not data.rstrip().endswith(b"}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Twice
    return made


def _numbers(lines: list[int]) -> str:
    shown = ", ".join(str(one) for one in lines[:_SHOWN_LINES])
    more = f" and {len(lines) - _SHOWN_LINES} more" if len(lines) > _SHOWN_LINES else ""
    return f"line{'s' if len(lines) > 1 else ''} {shown}{more}"
