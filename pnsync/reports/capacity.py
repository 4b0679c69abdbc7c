"""How full number groups are, when they run out, and how many X the busiest party needs. Pure.

Builds on usage.py's counts. The rate of use is read off samples that applies leave in the state, one an hour at most:
what is live on a group's numbers at the time. Must not decide what to allocate. People are shown masked alone.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pnsync.journal import Noted
from pnsync.lifetimes import due_at
from pnsync.masking import Masker
from pnsync.matching import Matched, alive
from pnsync.model import DAY, HOUR, NEVER, Desired, Group, Holds, LiveBinding, Observed
from pnsync.phone import Phone, country_code
from pnsync.plan import instant
from pnsync.reports.usage import usage
from pnsync.state import Entry, State

SAMPLE_PREFIX: Final = "use."
SAMPLES: Final = 12
SAMPLE_SECONDS: Final = HOUR
"""How far apart samples are at least, so that many applies in a row do not push out what tells a rate."""
FAR_SECONDS: Final = 10 * 365 * DAY
"""Beyond this nothing is foretold."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How full a group was: live bindings on its numbers, and slots that were free."""

    at: int
    live: int
    free: int


def sample_note(group: str) -> str:
    """The name of the note that holds a group's samples: `at=live/free …`, epoch seconds, oldest first."""
    return f"{SAMPLE_PREFIX}{group}"


def samples(state: State, group: str) -> tuple[Sample, ...]:
    """A group's samples, oldest first; what cannot be read is left out."""
    found: list[Sample] = []
    for word in state.notes.get(sample_note(group), "").split():
        at, _, rest = word.partition("=")
        live, _, free = rest.partition("/")
        if at.isdecimal() and live.isdecimal() and free.isdecimal():
            found.append(Sample(int(at), int(live), int(free)))
    return tuple(found)


def sampled(
    desired: Desired, state: State, observed: Observed, matched: Matched, now: int
) -> tuple[Noted, ...]:
    """What an apply notes of every group of numbers, before it changes anything."""
    groups = {
        group.name: numbers
        for group in desired.groups.values()
        if group.holds is Holds.NUMBERS and (numbers := _numbers(group, observed))
    }
    found: list[Noted] = []
    taken: dict[tuple[str, str | None], set[str]] | None = None
    for name, xs in groups.items():
        known = samples(state, name)
        if known and now - known[-1].at < SAMPLE_SECONDS:
            continue
        if taken is None:
            taken = _live_extensions(matched, now)
        one = _sample(desired.groups[name], xs, taken, state, now)
        kept = (*known, one)[-SAMPLES:]
        found.append(Noted(sample_note(name), " ".join(f"{it.at}={it.live}/{it.free}" for it in kept)))
    return tuple(found)


def _live_extensions(matched: Matched, now: int) -> dict[tuple[str, str | None], set[str]]:
    found: dict[tuple[str, str | None], set[str]] = {}
    for rows in (matched.rows.values(), matched.believed.values(), matched.unmanaged):
        for row in rows:
            if row.extension and alive(row, now):
                found.setdefault((row.provider, row.phone_x), set()).add(row.extension)
    return found


def _sample(
    group: Group,
    xs: Iterable[str],
    taken: Mapping[tuple[str, str | None], set[str]],
    state: State,
    now: int,
) -> Sample:
    resting: dict[str, set[str]] = {}
    for one in state.quarantine:
        if one.provider == group.provider and one.extension is not None and one.until > now:
            resting.setdefault(one.phone_x, set()).add(one.extension)
    low, high = group.extension_range
    given = {f"{value:03d}" for value in range(low, high + 1)} - group.reserved_extensions
    live = free = 0
    for x in dict.fromkeys(xs):
        held = taken.get((group.provider, x), set())
        live += len(held)
        if x not in group.drain:
            free += len(given - held - resting.get(x, set()))
    return Sample(now, live, free)


def _numbers(group: Group, observed: Observed) -> tuple[str, ...]:
    if group.phones is not None:
        return tuple(one.digits for one in group.phones)
    listing = observed.listings.get(group.provider)
    for one in () if listing is None else listing.groups:
        if one.group_id == group.group_id or (group.group_id is None and one.name == group.group_name):
            return tuple(phone.digits for phone in one.phones)
    return ()


@dataclass(frozen=True, slots=True)
class Draining:
    """A drained X: bindings still on it, and when the last of ours leaves; `empty_at` None where nothing tells."""

    phone_x: str
    live: int
    empty_at: int | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """A group of numbers: its slots (X and extension that may be given), their use, and when the free ones end.

    `per_day` is None without samples that are old enough; `runs_out_at` None where use does not grow.
    """

    provider: str
    name: str
    address: str
    numbers: int
    slots: int
    ours: int
    unmanaged: int
    quarantined: int
    free: int
    draining: tuple[Draining, ...] = ()
    per_day: float | None = None
    runs_out_at: int | None = None

    def document(self) -> dict[str, Any]:
        """Its JSON form."""
        return {
            "provider": self.provider,
            "name": self.name,
            "address": self.address,
            "numbers": self.numbers,
            "slots": self.slots,
            "ours": self.ours,
            "unmanaged": self.unmanaged,
            "quarantined": self.quarantined,
            "free": self.free,
            "draining": [
                {
                    "phone_x": one.phone_x,
                    "live": one.live,
                    "empty_at": None if one.empty_at is None else instant(one.empty_at),
                }
                for one in self.draining
            ],
            "per_day": self.per_day,
            "runs_out_at": None if self.runs_out_at is None else instant(self.runs_out_at),
        }


def outlooks(desired: Desired, state: State, observed: Observed, *, now: int) -> tuple[Outlook, ...]:
    """Every declared group of numbers that is listed, by provider and name."""
    found: list[Outlook] = []
    for use in usage(desired, state, observed, now=now):
        if use.holds != "numbers" or use.address is None:
            continue
        group = desired.groups[use.address.removeprefix("groups.")]
        listed = [one.phone_x for one in use.numbers]
        low, high = group.extension_range
        reserved = sum(1 for one in group.reserved_extensions if low <= int(one) <= high)
        given = sum(1 for x in listed if x not in group.drain)
        outlook = Outlook(
            provider=use.provider,
            name=use.name,
            address=use.address,
            numbers=len(listed),
            slots=given * (high - low + 1 - reserved),
            ours=use.ours,
            unmanaged=use.live - use.ours,
            quarantined=sum(one.resting for one in use.numbers),
            free=sum(one.free or 0 for one in use.numbers),
            draining=tuple(
                _draining(one.phone_x, one.live, desired, state, group.provider)
                for one in use.numbers
                if one.phone_x in group.drain
            ),
        )
        found.append(_foretold(outlook, samples(state, group.name), use.live, now))
    return tuple(found)


def _foretold(outlook: Outlook, known: tuple[Sample, ...], live: int, now: int) -> Outlook:
    """When the free slots end at the rate since the oldest sample."""
    if not known or now - known[0].at < SAMPLE_SECONDS:
        return outlook
    rate = (live - known[0].live) * DAY / (now - known[0].at)
    return replace(outlook, per_day=round(rate, 2), runs_out_at=_end(outlook.free, rate, now))


def _end(free: int, per_day: float, since: int) -> int | None:
    if per_day <= 0 or free * DAY / per_day >= FAR_SECONDS:
        return None
    return int(since + free * DAY / per_day)


@dataclass(frozen=True, slots=True)
class Trend:
    """A group's use at the last applies, read off the state alone: `free` slots then, and when they end."""

    group: str
    at: int
    free: int
    per_day: float
    runs_out_at: int | None

    def document(self) -> dict[str, Any]:
        """Its JSON form."""
        return {
            "group": self.group,
            "at": instant(self.at),
            "free": self.free,
            "per_day": self.per_day,
            "runs_out_at": None if self.runs_out_at is None else instant(self.runs_out_at),
        }


def trends(state: State) -> tuple[Trend, ...]:
    """The groups whose samples tell a rate, by name; offline."""
    found: list[Trend] = []
    for note in sorted(state.notes):
        known = samples(state, note.removeprefix(SAMPLE_PREFIX)) if note.startswith(SAMPLE_PREFIX) else ()
        if len(known) < 2 or known[-1].at - known[0].at < SAMPLE_SECONDS:
            continue
        first, last = known[0], known[-1]
        rate = (last.live - first.live) * DAY / (last.at - first.at)
        end = _end(last.free, rate, last.at)
        found.append(Trend(note.removeprefix(SAMPLE_PREFIX), last.at, last.free, round(rate, 2), end))
    return tuple(found)


def _draining(x: str, live: int, desired: Desired, state: State, provider: str) -> Draining:
    """The last of ours leaves with its renewal, or ends; one that is not ours may stay for ever."""
    ends: list[int] = []
    for address, entry in state.entries.items():
        if isinstance(entry, Entry) and (entry.provider, entry.phone_x) == (provider, x) and not entry.down:
            expires = NEVER if entry.expires_at is None else entry.expires_at
            due = due_at(entry.lifetime, expires, address, desired.schedule)
            ends.append(expires if due is None else due)
    known = len(ends) == live and all(one < NEVER for one in ends)
    return Draining(x, live, max(ends, default=None) if known else None)


@dataclass(frozen=True, slots=True)
class Busiest:
    """The party with the most live bindings that are routed by caller, at one provider in one country.

    No party may stand twice on one X, so it needs as many X as bindings; `numbers` are the X that are known there.
    """

    provider: str
    country_code: str
    party: Phone
    bindings: int
    numbers: int

    def document(self, masker: Masker) -> dict[str, Any]:
        """Its JSON form."""
        return {
            "provider": self.provider,
            "country_code": self.country_code,
            "party": masker.show(self.party),
            "bindings": self.bindings,
            "numbers_needed": self.bindings,
            "numbers": self.numbers,
        }


def busiest(observed: Observed, *, now: float) -> tuple[Busiest, ...]:
    """The busiest party of every provider and country, where any binding is routed by caller."""
    found: list[Busiest] = []
    for name, listing in sorted(observed.listings.items()):
        rows = [one for one in listing.bindings if not one.extension and alive(one, now)]
        known = {x for row in listing.bindings for x in (row.phone_x, row.phone_x_b) if x is not None}
        known |= {x for pool in listing.pools for x in pool.numbers}
        numbers = Counter(country_code(x) for x in known)
        for code, parties in sorted(_parties(rows).items()):
            most = max(parties.values())
            party = min(one for one, count in parties.items() if count == most)
            found.append(Busiest(name, code, Phone(party), most, numbers[code]))
    return tuple(found)


def _parties(rows: Iterable[LiveBinding]) -> Mapping[str, Counter[str]]:
    """Bindings of each party, by country code."""
    found: dict[str, Counter[str]] = {}
    for row in rows:
        for party in (row.phone_a, row.phone_b):
            if party is not None:
                found.setdefault(party.country_code, Counter())[party.digits] += 1
    return found
