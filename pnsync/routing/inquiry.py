"""The answer to `who`: who rings when an X is dialled, by a caller or by everybody whom it concerns. Pure.

Nothing personal leaves but masked: a caller is shown as every other person is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pnsync.masking import Masker
from pnsync.model import Mode
from pnsync.phone import Phone
from pnsync.routing.table import Nobody, Rings, Route, Table, route

ANYONE = "anyone"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one caller hears; `caller` None is anybody who is not named."""

    caller: Phone | None
    extension: str
    found: Rings | Nobody

    def document(self, masker: Masker) -> dict[str, Any]:
        """Its JSON form."""
        rings = self.found if isinstance(self.found, Rings) else None
        return {
            "caller": ANYONE if self.caller is None else masker.show(self.caller),
            "extension": self.extension or None,
            "rings": None if rings is None else masker.show(rings.phone),
            "shown": None if rings is None else rings.shown,
            "address": None if rings is None else rings.by.address,
            "reason": self.found.reason if isinstance(self.found, Nobody) else None,
        }


def answers(table: Table, dialled: str, extension: str, caller: Phone | None) -> tuple[Answer, ...]:
    """What this caller hears; without one, what everybody hears who can reach somebody by this X and extension."""
    if caller is not None:
        return (Answer(caller, extension, route(table, caller, dialled, extension)),)
    found: dict[tuple[str, str], Answer] = {}
    for one in sorted(
        table.on(dialled), key=lambda one: (one.extension, one.address or "", one.bind_id or "")
    ):
        if extension and one.extension != extension:
            continue
        for party in _callers(table, one, dialled):
            key = ("" if party is None else party.digits, one.extension)
            told = Answer(party, one.extension, _asked(table, one, party, dialled))
            if isinstance(told.found, Rings):
                found.setdefault(key, told)
    if not found:
        why = "nothing is bound to this number" + (" and extension" if extension else "")
        return (Answer(None, extension, Nobody(why)),)
    return tuple(found.values())


def _callers(table: Table, one: Route, dialled: str) -> Iterable[Phone | None]:
    """Everybody who could reach somebody by this binding: its parties, a group's people, or anyone."""
    if one.mode is Mode.AXB_EXTENSION:
        return (None,) if one.phone_b is None else (one.phone_b, one.phone_a)
    people = [Phone(digits) for digits in sorted(table.members(one.group))]
    parties = [
        party for party, x in ((one.phone_a, one.x_a), (one.phone_b, one.x_b)) if party and x == dialled
    ]
    return (*parties, *(person for person in people if person not in parties))


def _asked(table: Table, one: Route, party: Phone | None, dialled: str) -> Rings | Nobody:
    if party is None:
        return Rings(one.phone_a, one.x_a or dialled, one)
    return route(table, party, dialled, one.extension)
