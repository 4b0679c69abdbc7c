"""What a simulated vendor receives and sends: one request, one answer, before any transport is involved."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

JSON_TYPE = "application/json;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """One request as it arrived; header names in lower case. Signed headers and phones stay out of the repr."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SandboxResponse:
    """One answer: HTTP status, headers, body."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)


def json_answer(now: float, document: Any, *, status: int = 200) -> SandboxResponse:
    """`document` as compact JSON with the Date of `now`."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return SandboxResponse(status, _headers(now, JSON_TYPE), body)


def page_answer(
    now: float, status: int, text: str, *, more: Mapping[str, str] | None = None
) -> SandboxResponse:
    """An HTML page such as a gateway in front of the vendor sends."""
    headers = _headers(now, "text/html;charset=UTF-8")
    headers.update(more or {})
    return SandboxResponse(
        status, headers, f"<html><body><h1>{status}</h1><p>{text}</p></body></html>".encode()
    )


def _headers(now: float, kind: str) -> dict[str, str]:
    return {"Date": formatdate(now, usegmt=True), "Content-Type": kind, "Server": "pnsync-sandbox"}


def lower_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers under lower-case names, as HTTP compares them."""
    return {name.lower(): value for name, value in headers.items()}


class Refused(Exception):
    """The vendor turns a request down with one of its codes; `why` is the sandbox's own words, without personal data."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{code} {why}")
        self.code = code
        self.why = why
