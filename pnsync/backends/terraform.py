"""Terraform's HTTP state protocol: the form of its document and of its lock, as pnsync uses them.

The document has the outer form of a Terraform state, whose serial servers look at; documents and records of ours travel
in it together. Pure: bytes and JSON values, no connection.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pnsync import holder as holders


@dataclass(slots=True)
class Content:
    """The one document, taken apart. `version` names what the server holds, None: nothing."""

    documents: dict[str, bytes] = field(default_factory=dict)
    records: dict[int, bytes] = field(default_factory=dict)
    serial: int = 0
    version: str | None = None
    etag: str | None = None


def read_document(data: bytes, etag: str | None) -> Content:
    """The document of a server's answer. Raises ValueError, KeyError, TypeError, AttributeError where it is not ours."""
    found = json.loads(data)
    inner = found["pnsync"]
    return Content(
        {name: base64.b64decode(text) for name, text in inner["documents"].items()},
        {int(seq): base64.b64decode(text) for seq, text in inner["records"].items()},
        int(found["serial"]),
        digest(data),
        etag,
    )


def document(content: Content) -> dict[str, object]:
    """The JSON value that is posted."""
    return {
        "version": 4,
        "terraform_version": "1.0.0",
        "serial": content.serial + 1,
        "lineage": "pnsync",
        "outputs": {},
        "resources": [],
        "pnsync": {
            "documents": {
                name: base64.b64encode(data).decode() for name, data in sorted(content.documents.items())
            },
            "records": {
                str(seq): base64.b64encode(data).decode() for seq, data in sorted(content.records.items())
            },
        },
    }


def lock_request(holder: bytes, now: float) -> dict[str, str]:
    """What is sent to ask for the lock: the protocol's fields, with what the holder wrote in `Info`."""
    written = json.loads(holder)
    return {
        "ID": str(written["id"]),
        "Operation": written["command"],
        "Info": holder.decode(),
        "Who": f"{written['user']}@{written['host']}",
        "Version": "",
        "Created": datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z"),
        "Path": "",
    }


def holder_of(content: bytes) -> bytes | None:
    """What the lock's holder wrote: ours in full, Terraform's as far as it says."""
    try:
        found: Any = json.loads(content)
        inner = str(found.get("Info") or "").encode()
        if holders.load(inner) is not None:
            return inner
        who, _, host = str(found.get("Who", "somebody")).partition("@")
        known = {"id": str(found["ID"]), "user": who, "host": host, "pid": 0, "since": 0}
        return json.dumps({**known, "command": str(found.get("Operation", ""))}).encode()
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def digest(data: bytes) -> str:
    """The version of a document's bytes."""
    return hashlib.sha256(data).hexdigest()
