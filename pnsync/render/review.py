"""What a reviewer must know of a plan before anything else, as facts: who is reached by another person, or no more.

Works on the JSON document of a plan alone, so on values that are masked already; equal phones have equal
pseudonyms there, which is all that is compared. What a dialled number reaches is followed over addresses: an
unbind and a bind that share X and extension hand a number over. Promises: every change that ends what is live is
counted. Nothing here is escaped; whoever shows it does that. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pnsync.render.units import parsed
from pnsync.render.wording import SEVERITY, TITLES, instants

Document = Mapping[str, Any]
Attributes = Mapping[str, Any]
Row = Mapping[str, Any]

ENDING: Final = ("unbind", "delete_group", "rebind", "update_group")
"""The actions that end or alter what people rely on now: named one by one wherever there is room."""

STANDING: Final = frozenset({"P406", "P409"})
FROZEN: Final = "P407"
"""The refusal that no plan is the reason of."""

LIVE_BEFORE: Final = frozenset({"unbind", "rebind", "renew"})
LIVE_AFTER: Final = frozenset({"bind", "rebind", "renew"})
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True, slots=True)
class Reached:
    """Who is reached, before and after: `dialled` is X, with its extension, or "" where no X is known beforehand.

    `becomes` is "" where nobody is reached any more; `taken_from` names the address that had the number before.
    """

    address: str
    dialled: str
    was: str
    becomes: str
    taken_from: str = ""


@dataclass(frozen=True, slots=True)
class Calls:
    """Ways of calling, counted over all bindings and everybody who may dial: what becomes of them.

    `astray` are calls that would ring a wrong phone between two steps, with `phone_x`, `extension` and `reason`.
    """

    other: int = 0
    lost: int = 0
    redialled: int = 0
    astray: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """The facts of one plan. Addresses stand in the order of the plan."""

    counts: Mapping[str, Counter[str]]
    """How many changes of each action, by cause."""
    other_person: tuple[Reached, ...]
    nobody: tuple[Reached, ...]
    """What stops reaching anybody: bindings that end and whose number nobody takes over."""
    other_number: tuple[Reached, ...]
    """Bindings with another X or extension: `was` and `becomes` are what is dialled."""
    gaps: tuple[tuple[str, float], ...]
    x_may_change: tuple[str, ...]
    soonest_expiry: str
    """When the first binding that this plan renews would end; "" where none is renewed."""
    refusals: tuple[Row, ...]
    """The diagnostics that keep apply from running."""
    standing: tuple[Row, ...]
    """What every plan says on top while it lasts: holds, a checkout that is older than what was applied."""
    findings: tuple[Row, ...]
    """The other diagnostics."""
    calls: Calls = Calls()

    @property
    def longest_gap(self) -> float:
        """The longest time for which one binding reaches nobody, in seconds."""
        return max((seconds for _, seconds in self.gaps), default=0.0)


def review(document: Document) -> Review:
    """The facts of a plan's document."""
    changes: Sequence[Row] = document["changes"]
    counts: dict[str, Counter[str]] = {cause: Counter() for cause in TITLES}
    for one in changes:
        counts.setdefault(one["cause"], Counter())[one["action"]] += 1
    found = _told(document)
    other_person, nobody, other_number = _reached(changes)
    ends = [str((one["before"] or {}).get("expires_at")) for one in changes if one["action"] == "renew"]
    return Review(
        counts=counts,
        other_person=other_person,
        nobody=nobody,
        other_number=other_number,
        gaps=tuple((one["address"], one["gap_seconds"]) for one in changes if one["gap_seconds"]),
        x_may_change=tuple(one["address"] for one in changes if one["x_may_change"]),
        soonest_expiry=min(filter(parsed, ends), default=""),
        refusals=tuple(one for one in found if one["severity"] == "error"),
        standing=tuple(one for one in found if _stands(one)),
        findings=tuple(findings(document)),
        calls=_calls(document.get("routing")),
    )


def findings(document: Document) -> list[Row]:
    """The warnings and notes that are about this plan."""
    return [one for one in _told(document) if one["severity"] != "error" and not _stands(one)]


def _told(document: Document) -> list[Row]:
    """Every finding, its instants as people read them."""
    now = document["made_at"]
    return [{**one, "summary": instants(one["summary"], now)} for one in document["diagnostics"]]


def _stands(one: Row) -> bool:
    return one["severity"] != "error" and one["code"] in STANDING


def _calls(routing: Mapping[str, Any] | None) -> Calls:
    """What the document tells of routing; a plan of an older pnsync tells nothing."""
    if not routing:
        return Calls()
    return Calls(
        other=routing["reaches_other"]["count"],
        lost=routing["loses"]["count"],
        redialled=routing["redials"]["count"],
        astray=tuple(routing["misroutes"]),
    )


def dialled(binding: Attributes) -> str:
    """What is dialled: X and its extension; "" where X is not known."""
    x, extension = binding.get("phone_x"), binding.get("extension")
    if not x:
        return ""
    return f"{x} ext {extension}" if extension else str(x)


def parties(binding: Attributes) -> str:
    """Who is connected: A, and B or the group."""
    a, b, group = (binding.get(name) for name in ("phone_a", "phone_b", "group"))
    other = b or (f"group {group}" if group else None)
    return " ⇄ ".join(str(one) for one in (a, other) if one)


def by_severity(changes: Iterable[Row]) -> list[Row]:
    """The changes, the dangerous first, those of one kind in the order of the plan."""
    place = {action: i for i, action in enumerate(SEVERITY)}
    return sorted(changes, key=lambda one: place.get(one["action"], len(place)))


def lasts_until(change: Row, made_at: str) -> datetime | None:
    """When what a change binds ends, if apply ran as the plan was made; None where it binds nothing or never ends."""
    after, begun = change["after"] or {}, parsed(made_at)
    if change["action"] not in LIVE_AFTER or begun is None:
        return None
    declared = parsed(str(after.get("expires_at")))
    if declared is not None:
        return declared
    seconds = _seconds(after.get("expires_in"))
    return begun + timedelta(seconds=seconds) if seconds else None


def live_until(change: Row) -> datetime | None:
    """When the live binding that a change replaces or ends would end by itself."""
    if change["action"] not in LIVE_BEFORE:
        return None
    return parsed(str((change["before"] or {}).get("expires_at")))


def _seconds(lease: object) -> int:
    text = str(lease)
    size = _UNITS.get(text[-1:], 0)
    count = text[:-1]
    # A lease longer than a century is none that a calendar shows.
    return int(count) * size if size and count.isdecimal() and len(count) < 10 else 0


Key = tuple[str, ...]


def _routes(change: Row, binding: Attributes) -> Iterator[tuple[Key, str]]:
    """Whom each dialled number reaches: keys are X, what is dialled after it, and the caller where that decides."""
    a, b = (str(binding.get(name) or "") for name in ("phone_a", "phone_b"))
    group = binding.get("group")
    x = str(binding.get("phone_x") or "")
    if not x:
        return
    place, extension = change["provider"], str(binding.get("extension") or "")
    other_x = str(binding.get("phone_x_b") or x)
    if extension:
        yield (place, x, extension), a
        if b:
            yield (place, x, extension, a), b
    elif b:
        yield (place, x, "", a), b
        yield (place, other_x, "", b), a
    elif group:
        yield (place, x, "", f"group {group}"), a
        yield (place, x, "", a), f"group {group}"
    else:
        yield (place, x), a


def _reached(changes: Sequence[Row]) -> tuple[tuple[Reached, ...], tuple[Reached, ...], tuple[Reached, ...]]:
    was: dict[Key, tuple[str, str]] = {}
    becomes: dict[Key, tuple[str, str]] = {}
    for one in changes:
        if one["before"] and one["action"] in LIVE_BEFORE:
            was.update((key, (to, one["address"])) for key, to in _routes(one, one["before"]))
        if one["after"] and one["action"] in LIVE_AFTER:
            becomes.update((key, (to, one["address"])) for key, to in _routes(one, one["after"]))
    other_person: list[Reached] = []
    nobody: list[Reached] = []
    other_number: list[Reached] = []
    for one in changes:
        address, before, after = one["address"], one["before"] or {}, one["after"] or {}
        if one["action"] in LIVE_AFTER and after:
            moved = _moved(one, after, was)
            if moved is not None:
                other_person.append(moved)
            elif one["action"] == "rebind" and before and parties(before) != parties(after):
                other_person.append(Reached(address, dialled(after), parties(before), parties(after)))
            if one["action"] == "rebind" and _number_changes(before, after):
                new = dialled(after) or "an X chosen by the vendor"
                other_number.append(Reached(address, dialled(after), dialled(before), new))
        elif one["action"] == "unbind":
            keys = [key for key, _ in _routes(one, before)]
            if not keys or not all(key in becomes for key in keys):
                nobody.append(Reached(address, dialled(before), parties(before), ""))
    return tuple(other_person), tuple(nobody), tuple(other_number)


def _moved(change: Row, after: Attributes, was: Mapping[Key, tuple[str, str]]) -> Reached | None:
    """The first dialled number of a change that reaches another than before, at this address or at another."""
    for key, to in _routes(change, after):
        before = was.get(key)
        if before is not None and before[0] != to:
            taken_from = before[1] if before[1] != change["address"] else ""
            return Reached(change["address"], dialled(after), before[0], to, taken_from)
    return None


def _number_changes(before: Attributes, after: Attributes) -> bool:
    names = ("phone_x", "extension", "phone_x_b")
    if not after.get("phone_x"):
        return bool(before.get("phone_x")) and before.get("pool_number") != after.get("pool_number")
    return any(before.get(name) != after.get(name) for name in names)
