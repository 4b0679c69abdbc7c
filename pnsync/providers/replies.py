"""What a vendor's answer means, in words both vendors share, and the outcome that a writing call has.

`Meaning` is the class of the vendors' code tables; the tables themselves are data in each vendor's wire.py. A
vendor's own text never enters a reason: it may hold numbers. What is not success by the vendor's own code is
never `Applied`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from pnsync.journal import Outcome, Refusal, Refused, Unknown


class Meaning(Enum):
    """The class of a vendor's code (docs/vendors.md, 1.6, 2.5)."""

    OK = "0"
    VALIDATION = "V"
    AUTHENTICATION = "A"
    CLOCK = "K"
    TRANSIENT = "T"
    RATE = "R"
    ABSENT = "N"
    CAPACITY = "X"
    CONFLICT = "E"
    PAGING = "P"
    UNLISTED = "?"


REFUSALS: Final[Mapping[Meaning, Refusal]] = {
    Meaning.VALIDATION: Refusal.VALIDATION,
    Meaning.AUTHENTICATION: Refusal.AUTHENTICATION,
    Meaning.CLOCK: Refusal.CLOCK,
    Meaning.CAPACITY: Refusal.CAPACITY,
    Meaning.CONFLICT: Refusal.CONFLICT,
    Meaning.ABSENT: Refusal.ABSENT,
}
"""The classes that are refusals of a writing call; after every other one its outcome is unknown."""


@dataclass(frozen=True, slots=True)
class Code:
    """One row of a vendor's code table: its class, and what it says in our words."""

    meaning: Meaning
    says: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that could be read: its code, and where its payload is looked for."""

    meaning: Meaning
    code: str
    says: str
    request_id: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    def describe(self) -> str:
        """What it says, with code and request id."""
        request = f", request {self.request_id}" if self.request_id else ""
        return f"{self.says} (code {self.code}{request})"


def outcome_of(reply: Reply, status: int) -> Outcome | None:
    """The outcome of a writing call by status and code; None where both say success and the payload decides.

    A 5xx, a 429 and a redirect tell nothing, whatever their body says: what sent them need not be what acted.
    """
    if status == 429 or reply.meaning is Meaning.RATE:
        return Unknown("the vendor asks for fewer calls", reply.code, reply.request_id, rate_limited=True)
    if status >= 500 or 300 <= status < 400:
        return Unknown(f"the answer came with HTTP status {status}", reply.code, reply.request_id)
    refusal = REFUSALS.get(reply.meaning)
    if refusal is not None:
        return Refused(refusal, reply.code, reply.says, reply.request_id)
    if reply.meaning is not Meaning.OK:
        return Unknown(reply.says, reply.code, reply.request_id)
    if status >= 400:
        return Unknown(f"success was answered with HTTP status {status}", reply.code, reply.request_id)
    return None


def outcome_of_unreadable(status: int, why: str) -> Outcome:
    """The outcome of a writing call whose answer is no JSON of the vendor's; `why` tells what is wrong with it."""
    if status in (401, 403):
        return Refused(
            Refusal.AUTHENTICATION, f"HTTP {status}", "access was refused before the vendor's API was reached"
        )
    if status == 429:
        return Unknown("the vendor asks for fewer calls", "HTTP 429", rate_limited=True)
    if 300 <= status < 400:
        return Unknown("the answer is a redirect, which is never followed", f"HTTP {status}")
    if status != 200:
        return Unknown(f"the answer is HTTP {status}; {why}", f"HTTP {status}")
    return Unknown(why)
