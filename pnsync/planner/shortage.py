"""What allocation has to say: which group is short of numbers and what would free some, what a drain waits for. Pure.

One diagnostic for each group or number, however many bindings it concerns, with counts; never a personal number.
"""

from collections import Counter
from collections.abc import Sequence

from pnsync.errors import Diagnostic, Severity
from pnsync.matching import Matched
from pnsync.model import Binding, Desired, Group, Mode
from pnsync.plan import instant
from pnsync.planner.disjoint import Parties
from pnsync.planner.slots import Demand

NAMED = 5


def names(addresses: Sequence[str]) -> str:
    """The first few addresses, and how many more."""
    more = f" and {len(addresses) - NAMED:,} more" if len(addresses) > NAMED else ""
    return ", ".join(addresses[:NAMED]) + more


class Shortages:
    """Who asked where, and who got nothing."""

    def __init__(self, desired: Desired) -> None:
        self._desired = desired
        self._asked: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._missed: dict[str, list[tuple[Binding, Demand]]] = {}

    def ask(self, place: str) -> None:
        """One more binding asks for a number of this group, or for an extension of this X."""
        self._asked[place] += 1

    def wait(self, place: str) -> None:
        """A binding waits for what rests."""
        self._waiting[place] += 1

    def miss(self, binding: Binding, demand: Demand) -> None:
        """A binding got nothing, and nothing will be free by itself."""
        self._missed.setdefault(demand.place, []).append((binding, demand))

    def told(self, parties: Parties) -> dict[str, Diagnostic]:
        """A diagnostic for each place that is short, by the addresses concerned."""
        found: dict[str, Diagnostic] = {}
        for place, missed in self._missed.items():
            diagnostic = self._tell(place, [one for one, _ in missed], missed[0][1], parties)
            found.update(dict.fromkeys((one.address for one, _ in missed), diagnostic))
        return found

    def _tell(self, place: str, bindings: Sequence[Binding], demand: Demand, parties: Parties) -> Diagnostic:
        first = bindings[0]
        asked = self._asked[place]
        waiting = self._waiting[place]
        free = asked - waiting - len(bindings)
        group = None if first.x_group is None else self._desired.groups[first.x_group]
        where = place if group is not None else f"X {place}"
        code = first.phone_a.country_code
        got = "none is" if free == 0 else "1 is" if free == 1 else f"{free:,} are"
        what = "a number" if first.mode is Mode.AXG else "a number and extension"
        reasons = self._reasons(demand, group, first, parties)
        if not demand.numbers:
            reasons.insert(0, f"it has no number of country code {code} that is not drained")
        later = (
            f", {waiting:,} {'wait' if waiting > 1 else 'waits'} for a quarantine's end" if waiting else ""
        )
        ask = "ask" if asked > 1 else "asks"
        summary = (
            f"{where} is exhausted: {asked:,} binding{'s' if asked > 1 else ''} {ask} for {what} and {got} free{later}, "
            f"so {len(bindings):,} {'go' if len(bindings) > 1 else 'goes'} without: "
            + names([one.address for one in bindings])
        )
        add = "add a number to the group" if group is not None else "use a group of several numbers"
        widen = "" if first.mode is Mode.AXG or first.extension else ", widen `extensions: {range: ..}`"
        held = f"; {'; '.join(reasons)}" if reasons else ""
        return Diagnostic(
            "P331",
            summary,
            Severity.ERROR,
            first.span,
            advice=f"{add}{widen}, or remove bindings{held}",
            address=group.address if group is not None else first.address,
        )

    def _reasons(self, demand: Demand, group: Group | None, first: Binding, parties: Parties) -> list[str]:
        """What holds the numbers that cannot be given, with counts."""
        found: list[str] = []
        if first.mode is Mode.AXG:
            callers = frozenset(one.digits for one in (first.phone_a, first.phone_b) if one is not None)
            busy = sum(parties.clash(one, callers, first.address) is not None for one in demand.numbers)
            if demand.numbers:
                found.append(
                    f"each of its {len(demand.numbers)} numbers is called by one of the parties already, or rests"
                    + (f" ({busy} by A or B)" if busy else "")
                )
        else:
            found.extend(self._held(demand))
        if group is not None:
            drained = len(group.drain)
            if drained:
                found.append(f"{drained} number{'s are' if drained > 1 else ' is'} drained")
            reserved = len(group.reserved_extensions)
            if reserved and first.extension_auto:
                found.append(
                    f"{reserved} extension{'s are' if reserved > 1 else ' is'} reserved on each number"
                )
        return found

    def _held(self, demand: Demand) -> list[str]:
        foreign = resting = 0
        ends: list[int] = []
        freed: list[int] = []
        for number, extension in demand.slots():
            holder = number.taken.get(extension, "")
            foreign += holder.startswith("binding ")
            if extension in number.leaving:
                freed.append(number.leaving[extension])
            rest = number.resting.get(extension)
            if rest and not holder:
                resting += 1
                ends.append(max(rest.values()))
        found = []
        if foreign:
            found.append(f"{foreign:,} held by bindings that pnsync did not make")
        if resting:
            found.append(f"{resting:,} in quarantine, the first until {instant(min(ends))}")
        if freed:
            found.append(f"{len(freed):,} freed by this plan, the first to be given at {instant(min(freed))}")
        return found


class Drains:
    """When each drained X is empty, and what keeps it from being so."""

    def __init__(self) -> None:
        self._stay: dict[tuple[str, str], list[int | None]] = {}
        self._leave: Counter[tuple[str, str]] = Counter()
        self._stuck: dict[tuple[str, str], list[Binding]] = {}

    def stays(self, group: Group, x: str, until: int | None) -> None:
        """A binding is on a drained X until this instant; None where that is not known."""
        self._stay.setdefault((group.name, x), []).append(until)

    def leaves(self, group: Group, x: str) -> None:
        """A binding leaves a drained X with this plan."""
        self._leave[(group.name, x)] += 1

    def stuck(self, group: Group, x: str, binding: Binding) -> None:
        """A binding should leave a drained X, and there is nowhere to go."""
        self._stuck.setdefault((group.name, x), []).append(binding)

    def told(self, group: Group, matched: Matched) -> list[Diagnostic]:
        """A note for each drained X of a group, and a warning where bindings cannot leave it."""
        found: list[Diagnostic] = []
        foreign = Counter(
            row.phone_x for row in matched.unmanaged if group.drain and row.provider == group.provider
        )
        for x in sorted(group.drain):
            stuck = self._stuck.get((group.name, x), [])
            if stuck:
                found.append(_stuck(group, x, stuck))
            found.append(self._note(group, x, foreign[x], bool(stuck)))
        return found

    def _note(self, group: Group, x: str, foreign: int, stuck: bool) -> Diagnostic:
        stay = self._stay.get((group.name, x), [])
        ends = [one for one in stay if one is not None]
        left = self._leave[(group.name, x)]
        if stuck or len(ends) < len(stay):
            when = "when it is empty is not known yet"
        elif ends:
            last = instant(max(ends))
            when = f"{len(ends):,} binding{'s leave' if len(ends) > 1 else ' leaves'} it by {last}, then it is empty"
        elif left:
            when = (
                f"{left:,} binding{'s leave' if left > 1 else ' leaves'} it with this plan, then it is empty"
            )
        else:
            when = "it is empty"
        others = f"; {foreign:,} on it that pnsync did not make" if foreign else ""
        return Diagnostic(
            "P333",
            f"{group.address} drains {x}: {when}{others}",
            Severity.NOTE,
            group.span,
            address=group.address,
        )


def _stuck(group: Group, x: str, bindings: Sequence[Binding]) -> Diagnostic:
    return Diagnostic(
        "P334",
        f"{group.address} drains {x}, and its other numbers have no room for {names([one.address for one in bindings])}",
        Severity.WARNING,
        group.span,
        advice="they stay where they are; add a number to the group, or free extensions",
        address=group.address,
    )


def left_group(group: Group, x: str, bindings: Sequence[Binding]) -> Diagnostic:
    """Bindings on an X that their group no longer holds."""
    keep = "keeps" if len(bindings) == 1 else "keep"
    return Diagnostic(
        "P330",
        f"{x} has left {group.address}, and {names([one.address for one in bindings])} {keep} it",
        Severity.WARNING,
        group.span,
        advice=f"to move them, name the number under `drain:` of {group.name}",
        address=group.address,
    )


def taken_away(binding: Binding, x: str, extension: str, holder: str) -> Diagnostic:
    """A chosen slot that somebody else has been given: a file fixes it, or another binding has it."""
    return Diagnostic(
        "P336",
        f"{binding.address}: its {x} extension {extension} is now {holder}'s, so it gets another",
        Severity.WARNING,
        binding.span,
        advice="to keep it, give the other another extension",
        address=binding.address,
    )
