"""What a plan does to calls: who will reach somebody else, who loses or gains reach, who must dial another number.

Data and its JSON form, with people masked; routing/rehearsal.py finds it out. Lists are cut at LISTED, their counts are whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pnsync.masking import Masker
from pnsync.phone import Phone

LISTED: Final = 50
ANYONE: Final = "anyone"


@dataclass(frozen=True, slots=True)
class Reach:
    """One way of calling, before and after: `caller` dials X (and the extension) and reaches `before`, then `after`.

    `caller` None is anybody who knows the extension. `address` is the binding that changes it.
    """

    caller: Phone | None
    phone_x: str
    extension: str
    before: Phone | None
    after: Phone | None
    address: str | None

    def document(self, masker: Masker) -> dict[str, Any]:
        """Its JSON form."""
        return {
            "caller": ANYONE if self.caller is None else masker.show(self.caller),
            "phone_x": self.phone_x,
            "extension": self.extension or None,
            "before": None if self.before is None else masker.show(self.before),
            "after": None if self.after is None else masker.show(self.after),
            "address": self.address,
        }


@dataclass(frozen=True, slots=True)
class Reaches:
    """Ways of calling that one thing happens to: the first LISTED, and how many there are."""

    count: int = 0
    listed: tuple[Reach, ...] = ()

    def document(self, masker: Masker) -> dict[str, Any]:
        """Its JSON form."""
        return {"count": self.count, "calls": [one.document(masker) for one in self.listed]}


@dataclass(frozen=True, slots=True)
class Gaps:
    """Bindings through which nobody is reached for a moment, with estimated seconds, the longest first."""

    count: int = 0
    longest_seconds: float = 0.0
    listed: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Misroute:
    """A call that would reach the wrong phone between two steps, by what is dialled and the bindings concerned."""

    step: int
    phone_x: str
    extension: str
    address: str | None
    others: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class RoutingSummary:
    """What a plan does to calls. `chosen_later` counts bindings whose X the vendor is yet to choose."""

    reaches_other: Reaches = Reaches()
    loses: Reaches = Reaches()
    gains: Reaches = Reaches()
    redials: Reaches = Reaches()
    """The same two are still connected, over another number or extension."""
    gaps: Gaps = Gaps()
    chosen_later: int = 0
    misroutes: tuple[Misroute, ...] = ()

    def document(self, masker: Masker) -> Mapping[str, Any]:
        """Its JSON form, `routing` in a plan's document."""
        return {
            "reaches_other": self.reaches_other.document(masker),
            "loses": self.loses.document(masker),
            "gains": self.gains.document(masker),
            "redials": self.redials.document(masker),
            "gaps": {
                "count": self.gaps.count,
                "longest_seconds": self.gaps.longest_seconds,
                "bindings": [{"address": one, "seconds": seconds} for one, seconds in self.gaps.listed],
            },
            "chosen_later": self.chosen_later,
            "misroutes": [
                {
                    "step": one.step,
                    "phone_x": one.phone_x,
                    "extension": one.extension or None,
                    "address": one.address,
                    "others": one.others,
                    "reason": one.reason,
                }
                for one in self.misroutes
            ],
        }
