"""What the vendor's switch is asked to prove that calls reach whom they should, and how its answers are judged. Pure.

For each binding: A dials, B dials, a stranger dials. What a vendor does with a stranger at an extension that has a B is
not documented (docs/vendors.md, 1.4), so there only a ring at somebody else's phone is a difference.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pnsync.interfaces import Reached
from pnsync.masking import Masker
from pnsync.model import ProviderConfig, VendorType
from pnsync.phone import Phone, country_code
from pnsync.routing.table import Rings, Table, route
from pnsync.state import Entry

STRANGER_DIGITS = "0000000001"
"""The national part of a caller who is nobody: no number plan assigns it."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to the switch, and who should ring (None: nobody)."""

    address: str
    provider: str
    view: str
    caller: Phone
    dialled: str
    extension: str | None
    expected: Phone | None
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Judged:
    """A question with its answer; `wrong` says how they differ, "" where they do not."""

    probe: Probe
    reached: Reached
    wrong: str

    def document(self, masker: Masker) -> dict[str, Any]:
        """Its JSON form."""
        rings, expected = self.reached.callee, self.probe.expected
        return {
            "address": self.probe.address,
            "view": self.probe.view,
            "dialled": self.probe.dialled,
            "extension": self.probe.extension,
            "expected": None if expected is None else masker.show(expected),
            "rings": None if rings is None else masker.show(rings),
            "wrong": self.wrong or None,
            "request_id": self.reached.request_id,
        }


def chosen(addresses: Iterable[str], wanted: Sequence[str], sample: int | None) -> tuple[str, ...]:
    """The bindings to ask about: those named, else `sample` of all, the same ones every time, else all."""
    known = sorted(addresses)
    if wanted:
        return tuple(one for one in known if one in wanted)
    if sample is None or sample >= len(known):
        return tuple(known)
    return tuple(sorted(sorted(known, key=lambda one: sha256(one.encode()).digest())[:sample]))


def probes(
    entries: Iterable[tuple[str, Entry]], table: Table, providers: dict[str, ProviderConfig]
) -> tuple[Probe, ...]:
    """The questions about these bindings, at vendors whose switch can be asked."""
    found: list[Probe] = []
    for address, entry in entries:
        config = providers.get(entry.provider)
        if config is None or config.type is not VendorType.NXCLOUD or entry.phone_x is None:
            continue
        stranger = Phone(country_code(entry.phone_x) + STRANGER_DIGITS)
        views = [("A", entry.phone_a), ("B", entry.phone_b), ("a stranger", stranger)]
        for view, caller in views:
            if caller is None:
                continue
            answer = route(table, caller, entry.phone_x, entry.extension or "")
            expected = answer.phone if isinstance(answer, Rings) else None
            certain = not (view == "a stranger" and entry.extension and entry.phone_b is not None)
            found.append(
                Probe(
                    address, entry.provider, view, caller, entry.phone_x, entry.extension, expected, certain
                )
            )
    return tuple(found)


def judge(probe: Probe, reached: Reached, parties: Iterable[Phone]) -> Judged:
    """Compare an answer with what the recorded bindings say."""
    rings = reached.callee
    wrong = ""
    if rings == probe.expected:
        pass
    elif rings is None:
        wrong = "nobody rings"
    elif not probe.certain and rings in tuple(parties):
        pass
    elif probe.expected is None:
        wrong = "somebody rings, and nobody should"
    else:
        wrong = "somebody else rings"
    return Judged(probe, reached, wrong)
