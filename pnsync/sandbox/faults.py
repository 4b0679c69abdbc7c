"""What goes wrong with single requests: a plan, scripted or drawn from a seed, that says for each what becomes of it.

A fault has two independent halves: the effect (whether, when and how often the vendor processes the request) and the
reply (what of the answer arrives). All times are of the sandbox's clock.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Self


class Effect(StrEnum):
    """What the vendor does with the request."""

    ONCE = "once"
    NEVER = "never"
    TWICE = "twice"
    LATER = "later"
    AGAIN = "again"


class Reply(StrEnum):
    """What the caller gets."""

    NORMAL = "normal"
    REFUSED = "refused"
    LOST = "lost"
    BROKEN = "broken"
    STATUS = "status"
    CODE = "code"
    HTML = "html"
    GARBAGE = "garbage"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault for the `nth` matching request (from 1) and `times - 1` after it; `times` 0 is for ever.

    `operation` is a glob over operation names (`bindAXB*`, `pns/bind`). LATER processes the request only after
    `after_seconds`, AGAIN once now and once more then. `slow_seconds` pass before the vendor sees the request; where
    the caller waits for less, its time-out comes first and the effect still follows. `skew_seconds` is how far the
    vendor's clock is ahead. `text` is the whole body of a TEXT reply; `location` makes a STATUS reply a redirect.
    """

    effect: Effect = Effect.ONCE
    reply: Reply = Reply.NORMAL
    operation: str = "*"
    nth: int = 1
    times: int = 1
    after_seconds: float = 0
    slow_seconds: float = 0
    skew_seconds: float = 0
    status: int = 503
    code: int = 0
    retry_after: int = 0
    location: str = ""
    text: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.effect in (Effect.NEVER, Effect.LATER) and self.reply in (Reply.NORMAL, Reply.TRUNCATED):
            raise ValueError("without an effect there is no answer of the vendor's: choose another reply")
        if self.reply == Reply.REFUSED and self.effect != Effect.NEVER:
            raise ValueError("a refused connection has no effect")
        if self.reply == Reply.CODE and not self.code:
            raise ValueError("a code is needed")
        if self.nth < 1 or self.times < 0 or min(self.after_seconds, self.slow_seconds) < 0:
            raise ValueError("nth is from 1, times and seconds from 0")

    @classmethod
    def named(cls, name: str, **values: Any) -> Self:
        """One of NAMED with other values; ValueError where there is none of that name."""
        if name not in NAMED:
            raise ValueError("no fault of that name")
        return cls(**{**NAMED[name], **values})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """A fault from JSON values: the fields above, and `fault` for a name of NAMED; ValueError where it is none."""
        values = dict(data)
        named = NAMED.get(values.pop("fault", "none"))
        if named is None:
            raise ValueError("no fault of that name")
        kinds = {one.name: one.type for one in fields(cls)}
        if set(values) - set(kinds):
            raise ValueError("a fault has no such field")
        values = {**named, **values}
        for name, value in values.items():
            wanted = {
                "effect": str,
                "reply": str,
                "operation": str,
                "location": str,
                "text": str,
                "nth": int,
                "times": int,
            }.get(name, (int, float))
            if isinstance(value, bool) or not isinstance(value, wanted):
                raise ValueError("a field of the fault has the wrong type")
        if "effect" in values:
            values["effect"] = Effect(values["effect"])
        if "reply" in values:
            values["reply"] = Reply(values["reply"])
        return cls(**values)


NAMED: dict[str, dict[str, Any]] = {
    "none": {},
    "connect_error": {"effect": Effect.NEVER, "reply": Reply.REFUSED},
    "lost_request": {"effect": Effect.NEVER, "reply": Reply.LOST},
    "lost_reply": {"reply": Reply.LOST},
    "broken_before": {"effect": Effect.NEVER, "reply": Reply.BROKEN},
    "broken_after": {"reply": Reply.BROKEN},
    "status_before": {"effect": Effect.NEVER, "reply": Reply.STATUS},
    "status_after": {"reply": Reply.STATUS},
    "code_before": {"effect": Effect.NEVER, "reply": Reply.CODE},
    "code_after": {"reply": Reply.CODE},
    "html": {"reply": Reply.HTML},
    "garbage": {"reply": Reply.GARBAGE},
    "truncated": {"reply": Reply.TRUNCATED},
    "empty": {"reply": Reply.EMPTY},
    "redirect": {
        "effect": Effect.NEVER,
        "reply": Reply.STATUS,
        "status": 307,
        "location": "https://elsewhere.test/",
    },
    "limited": {"effect": Effect.NEVER, "reply": Reply.STATUS, "status": 429, "retry_after": 1},
    "slow": {"slow_seconds": 30},
    "late": {"effect": Effect.LATER, "reply": Reply.LOST, "after_seconds": 30},
    "twice": {"effect": Effect.TWICE},
    "again": {"effect": Effect.AGAIN, "after_seconds": 30},
    "twice_lost": {"effect": Effect.TWICE, "reply": Reply.LOST},
    "skew": {"skew_seconds": 120},
}
"""The usual faults by name; every value can be changed."""


class FaultPlan:
    """The faults to come; used by one exchange, whose lock guards it."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults: list[tuple[Fault, list[int]]] = []
        self._random: random.Random | None = None
        self._rate = 0.0
        self._menu: Sequence[Fault] = ()
        for one in faults:
            self.add(one)

    @classmethod
    def seeded(
        cls, seed: int, *, rate: float, code: int = 10009, menu: Sequence[Fault] | None = None
    ) -> Self:
        """A plan that draws a fault of `menu` (by default one of each of NAMED, with `code`) for a share `rate` of all requests.

        Only the `operation` of a drawn fault is looked at, not its `nth` and `times`.
        """
        plan = cls()
        plan._random = random.Random(seed)  # noqa: S311 - a reproducible simulation, not a secret
        plan._rate = rate
        plan._menu = menu or [
            Fault(**{"code": code, **values}) for name, values in NAMED.items() if name != "none"
        ]
        return plan

    def add(self, fault: Fault) -> None:
        """Put one more fault in the plan; it counts requests from now on."""
        self._faults.append((fault, [0]))

    def quiet(self) -> None:
        """End all faults, drawn ones too."""
        self._faults.clear()
        self._random = None

    def pending(self) -> bool:
        """Whether a scripted fault has still to come."""
        return any(not one.times or count[0] < one.nth + one.times - 1 for one, count in self._faults)

    def take(self, operation: str) -> Fault | None:
        """The fault for the next request, which is of `operation`; every matching fault counts it, the first due one is taken."""
        taken: Fault | None = None
        for fault, count in self._faults:
            if not fnmatchcase(operation, fault.operation):
                continue
            count[0] += 1
            due = count[0] >= fault.nth and (not fault.times or count[0] < fault.nth + fault.times)
            if due and taken is None:
                taken = fault
        if taken is None and self._random is not None and self._random.random() < self._rate:
            drawn = self._random.choice(self._menu)
            if fnmatchcase(operation, drawn.operation):
                return replace(drawn, nth=1, times=1)
        return taken
