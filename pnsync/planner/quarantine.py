"""Freed numbers, and how long they rest: what a call reached yesterday it must not reach a stranger by today. Pure.

What rests: (X, extension) after an extension binding, (party, X) after one that is routed by caller, and all that
call X after one to a group. It begins when a binding is unbound, rebound to other numbers, or has expired and gives
its numbers up, and lasts `policy.quarantine`. Its own address may take its numbers back at any time. What pnsync
allocates keeps to it; a number that a file fixes gets a warning.
"""

from collections.abc import Iterable, Mapping

from pnsync.errors import Diagnostic, Severity
from pnsync.journal import Event, Resolved, Rested, Verdict
from pnsync.model import Binding, Desired, Mode
from pnsync.plan import instant
from pnsync.state import Entry, Resting, State, Superseded

NAMED_WARNINGS = 20
"""Warnings that are told one by one; the rest is counted."""


def rests(old: Superseded, target: Entry | None, *, until: int) -> tuple[Resting, ...]:
    """The numbers that an unbind frees and that are not its own address's again: nobody else's before `until`.

    `target` is what the same address is bound to next, None where it goes for good.
    """
    if old.phone_x is None:
        return ()
    if old.extension:
        kept = target is not None and (target.provider, target.phone_x, target.extension) == (
            old.provider,
            old.phone_x,
            old.extension,
        )
        return (
            () if kept else (Resting(old.provider, old.phone_x, old.address, until, extension=old.extension),)
        )
    if old.group is not None:
        # Who its members were is not recorded, so the whole X rests for callers; a vendor's own choice of X is its own care.
        kept = target is not None and (
            target.phone_x is None or (target.phone_x, target.group) == (old.phone_x, old.group)
        )
        return () if kept else (Resting(old.provider, old.phone_x, old.address, until),)
    if target is not None:
        return ()
    parties = [one for one in (old.phone_a, old.phone_b) if one is not None]
    return tuple(Resting(old.provider, old.phone_x, old.address, until, party=one) for one in parties)


def rests_after_recovery(
    before: State, events: Iterable[Event], *, now: float, seconds: int
) -> tuple[Rested, ...]:
    """What unbinds freed whose outcome a listing told only now; `before` is the state in which they were open."""
    if seconds == 0:
        return ()
    found: list[Resting] = []
    for event in events:
        pending = before.pending.get(event.attempt) if isinstance(event, Resolved) else None
        if pending is None or pending.intent.unbinds is None:
            continue
        if isinstance(event, Resolved) and event.verdict is Verdict.APPLIED:
            target = pending.intent.target
            kept = target if isinstance(target, Entry) else None
            found.extend(rests(pending.intent.unbinds, kept, until=int(now) + seconds))
    return (Rested(tuple(found), int(now)),) if found else ()


def rests_after_end(
    address: str, entry: Entry, target: Entry | None, *, ended_at: int, now: int, seconds: int
) -> tuple[Resting, ...]:
    """What a binding gives up that ended without an unbind of ours: it expired, or the vendor lost it.

    What is down ended with one, which left it its numbers.
    """
    until = min(ended_at, now) + seconds
    if seconds == 0 or until <= now:
        return ()
    return rests(_as_old(address, entry), target, until=until)


def unbound_at(entry: Entry, now: int) -> int:
    """When what is down was unbound, which is when its numbers begin to rest; now where that is not recorded."""
    return now if entry.down_since is None else entry.down_since


def _as_old(address: str, entry: Entry) -> Superseded:
    return Superseded(
        address=address,
        provider=entry.provider,
        bind_id=entry.bind_id or "",
        phone_a=entry.phone_a,
        phone_b=entry.phone_b,
        phone_x=entry.phone_x,
        extension=entry.extension,
        group=entry.group,
    )


class Quarantine:
    """What rests now, by number."""

    def __init__(
        self, resting: Iterable[Resting], *, now: int, renamed: Mapping[str, str] | None = None
    ) -> None:
        """`renamed` maps the earlier addresses of `moved` to those of now, which are the same owner."""
        names = renamed or {}
        self._extensions: dict[tuple[str, str], dict[str, dict[str, int]]] = {}
        self._callers: dict[tuple[str, str], dict[str, dict[str, int]]] = {}
        self._own: dict[str, list[tuple[int, str, str, str]]] = {}
        for one in resting:
            if one.until <= now:
                continue
            owner = names.get(one.address, one.address)
            key = (one.provider, one.phone_x)
            if one.extension is not None:
                until = self._extensions.setdefault(key, {}).setdefault(one.extension, {})
                mine = (-one.until, one.phone_x, one.extension, one.provider)
                self._own.setdefault(owner, []).append(mine)
            else:
                caller = "" if one.party is None else one.party.digits
                until = self._callers.setdefault(key, {}).setdefault(caller, {})
            until[owner] = max(one.until, until.get(owner, one.until))

    def extensions(self, provider: str, x: str) -> Mapping[str, Mapping[str, int]]:
        """The extensions of an X that rest: each with the end for every address that had it."""
        return self._extensions.get((provider, x), {})

    def until(self, provider: str, x: str, extension: str, address: str) -> int | None:
        """Until when (X, extension) is not for this address; None where it may have it now."""
        return _others(self.extensions(provider, x).get(extension), address)

    def until_for_callers(self, provider: str, x: str, parties: Iterable[str], address: str) -> int | None:
        """Until when one of these callers would still expect somebody else on X; None where none does."""
        found = self._callers.get((provider, x))
        if not found:
            return None
        ends = [_others(found.get(one), address) for one in ("", *parties)]
        return max((one for one in ends if one is not None), default=None)

    def own(self, address: str) -> tuple[tuple[str, str, str], ...]:
        """The (provider, X, extension) that an address gave up and may take back, the latest first."""
        mine = sorted(self._own.get(address, ()))
        return tuple((provider, x, extension) for _, x, extension, provider in mine)


def _others(ends: Mapping[str, int] | None, address: str) -> int | None:
    if not ends:
        return None
    return max((until for owner, until in ends.items() if owner != address), default=None)


def warnings(desired: Desired, state: State, quarantine: Quarantine) -> tuple[Diagnostic, ...]:
    """Numbers that the files fix and that were another's a moment ago: who dials them from habit reaches somebody else."""
    if not desired.policy.quarantine_seconds:
        return ()
    wanted: dict[tuple[str, str, str], Binding] = {}
    found: list[tuple[Binding, str]] = []
    for binding in desired.bindings.values():
        if binding.phone_x is None or not binding.enabled or binding.mode is Mode.AXB:
            continue
        entry = state.entries.get(binding.address)
        if isinstance(entry, Entry) and _has(entry, binding):
            continue
        if binding.extension is not None:
            wanted[(binding.provider, binding.phone_x, binding.extension)] = binding
        elif binding.mode is Mode.AXG:
            parties = [one.digits for one in (binding.phone_a, binding.phone_b) if one is not None]
            until = quarantine.until_for_callers(binding.provider, binding.phone_x, parties, binding.address)
            if until is not None:
                found.append((binding, f"{binding.phone_x} was another's and rests until {instant(until)}"))
    if wanted:
        found.extend(_of_extensions(wanted, state, quarantine))
    told = [_warning(binding, why) for binding, why in found[:NAMED_WARNINGS]]
    if len(found) > NAMED_WARNINGS:
        told.append(
            Diagnostic(
                "P332",
                f"{len(found) - NAMED_WARNINGS} more bindings take fixed numbers that were another's a moment ago",
                Severity.WARNING,
            )
        )
    return tuple(told)


def _has(entry: Entry, binding: Binding) -> bool:
    same = (entry.provider, entry.phone_x, entry.extension) == (
        binding.provider,
        binding.phone_x,
        binding.extension,
    )
    return same and not entry.down


def _of_extensions(
    wanted: Mapping[tuple[str, str, str], Binding], state: State, quarantine: Quarantine
) -> list[tuple[Binding, str]]:
    """Extensions that rest, and those that another of our bindings has until this plan."""
    found: list[tuple[Binding, str]] = []
    holders: dict[tuple[str, str, str], str] = {}
    for address, entry in state.entries.items():
        if isinstance(entry, Entry) and entry.extension and entry.phone_x is not None:
            key = (entry.provider, entry.phone_x, entry.extension)
            if key in wanted and wanted[key].address != address:
                holders[key] = address
    for key, binding in wanted.items():
        until = quarantine.until(*key, binding.address)
        number = f"{key[1]} extension {key[2]}"
        if until is not None:
            found.append((binding, f"{number} was another's and rests until {instant(until)}"))
        elif key in holders:
            found.append((binding, f"{number} is {holders[key]}'s until this plan takes it away"))
    return found


def _warning(binding: Binding, why: str) -> Diagnostic:
    return Diagnostic(
        "P332",
        f"{binding.address}: {why}; who dials it from habit reaches somebody else",
        Severity.WARNING,
        binding.span,
        advice="apply it later, or choose another number; `extension: auto` does so by itself",
        address=binding.address,
    )
