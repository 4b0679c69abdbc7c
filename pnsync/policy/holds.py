"""What people keep from happening whatever the files say: a binding on hold, a freeze of every apply.

Kept in the state's notes, so that each is recorded like any event and travels with the state. A held binding is
planned as if it were declared with `enabled: false`; a freeze is a refusal of every plan. Pure; the texts are people's
and are escaped where they are shown. A reason must hold no phone number: it is shown on top of every plan.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pnsync.errors import Diagnostic, Severity
from pnsync.journal import Noted
from pnsync.model import Desired
from pnsync.plan import instant
from pnsync.state import State

FREEZE_NOTE: Final = "freeze"
HOLD_NOTE: Final = "hold."
"""Followed by the address."""
REASON_CHARACTERS: Final = 500
RENEW: Final = "renew"
"""What a freeze may let through: the command `renew`."""

_DATE: Final = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_NUMBER: Final = re.compile(r"(?<![A-Za-z0-9])\+?\d(?:[ .()/-]{0,2}\d){6,}")


@dataclass(frozen=True, slots=True)
class Hold:
    """A binding that is unbound and kept so. Times are epoch seconds; `until` None: until it is released."""

    address: str
    reason: str
    since: int
    until: int | None = None

    def holds(self, now: float) -> bool:
        """Whether it counts still."""
        return self.until is None or now < self.until

    def note(self) -> Noted:
        """The event that records it."""
        body = {"reason": self.reason, "since": self.since, "until": self.until}
        return Noted(HOLD_NOTE + self.address, _dumped(body))

    def released(self) -> Noted:
        """The event that ends it."""
        return Noted(HOLD_NOTE + self.address, None)


@dataclass(frozen=True, slots=True)
class Freeze:
    """Every apply is refused; `allowed` names the commands that are not."""

    reason: str
    since: int
    allowed: tuple[str, ...] = ()

    def note(self) -> Noted:
        """The event that records it."""
        body = {"allowed": list(self.allowed), "reason": self.reason, "since": self.since}
        return Noted(FREEZE_NOTE, _dumped(body))


UNFREEZE: Final = Noted(FREEZE_NOTE, None)
"""The event that ends a freeze."""


def may_be_phone(reason: str) -> bool:
    """Whether a reason holds what may be a phone number: seven digits or more that are no date and no ticket's."""
    return _NUMBER.search(_DATE.sub("", reason)) is not None


def holds_of(state: State) -> dict[str, Hold]:
    """Every hold by address, also those whose time has passed."""
    found: dict[str, Hold] = {}
    for key, value in sorted(state.notes.items()):
        if key.startswith(HOLD_NOTE):
            address, body = key.removeprefix(HOLD_NOTE), _loaded(value)
            until = body.get("until")
            found[address] = Hold(
                address,
                str(body.get("reason", "")),
                _seconds(body.get("since")),
                until if isinstance(until, int) else None,
            )
    return found


def freeze_of(state: State) -> Freeze | None:
    """The freeze that counts now. One whose text cannot be read counts too, and allows nothing."""
    value = state.notes.get(FREEZE_NOTE)
    if value is None:
        return None
    body = _loaded(value)
    allowed = body.get("allowed")
    names = tuple(str(one) for one in allowed) if isinstance(allowed, list) else ()
    return Freeze(str(body.get("reason", "")), _seconds(body.get("since")), names)


def switched_off(desired: Desired, held: Mapping[str, Hold]) -> Desired:
    """The declarations with every held binding switched off."""
    names = [address.removeprefix("bindings.") for address in held]
    off = {name: replace(desired.bindings[name], enabled=False) for name in names if name in desired.bindings}
    return replace(desired, bindings={**desired.bindings, **off}) if off else desired


def hold_findings(held: Mapping[str, Hold]) -> tuple[Diagnostic, ...]:
    """What every plan says of the holds."""
    return tuple(
        Diagnostic(
            "P406",
            f"{one.address} is on hold since {instant(one.since)}"
            + (f" until {instant(one.until)}" if one.until is not None else "")
            + f": {one.reason}",
            Severity.WARNING,
            advice="it is unbound and kept so whatever the files say, until `pnsync release` names it",
            address=one.address,
        )
        for _, one in sorted(held.items())
    )


def freeze_findings(freeze: Freeze | None, *, renewing: bool) -> tuple[Diagnostic, ...]:
    """Why a freeze refuses a plan; empty where there is none, or where it lets renewals through."""
    if freeze is None or (renewing and RENEW in freeze.allowed):
        return ()
    return (
        Diagnostic(
            "P407",
            f"frozen since {instant(freeze.since)}: {freeze.reason}",
            advice="when the reason has gone: `pnsync unfreeze`"
            + ("; `pnsync renew` is allowed meanwhile" if RENEW in freeze.allowed else ""),
        ),
    )


def _dumped(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _loaded(value: str) -> dict[str, Any]:
    try:
        found = json.loads(value)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(value: object) -> int:
    return value if isinstance(value, int) else 0
