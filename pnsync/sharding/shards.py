"""A state in parts, one for each of several runs, and the whole again. Pure.

Promises: each address, with all that is recorded of it, stands in exactly one part; parts put together are the state
that was divided, whatever the number of parts. What belongs to no address has an owner by its kind: what every run
must know stands in all parts, what a run leaves for its own next one in its own, and the rest in the first.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from pnsync.checkout import COMMIT_NOTE
from pnsync.errors import UsageError
from pnsync.journal import Closed, Doubled, Event, Noted, Opened, Recorded, Resolved, Rested
from pnsync.model import BindKey, Desired, ProviderConfig
from pnsync.policy.holds import FREEZE_NOTE, HOLD_NOTE
from pnsync.policy.precedent import POLICY_NOTE
from pnsync.reports.status import RUN_NOTE
from pnsync.savedplan import USED_PREFIX
from pnsync.scope import Shard, shard_of
from pnsync.state import Entry, Head, State
from pnsync.statefile.codec import key_text
from pnsync.statefile.phonecodec import SECRET_NOTE

RESHAPING_NOTE: Final = "reshaping"
"""In a part that is being replaced by others: the number of the attempt. It never travels into a part."""

OWN_NOTES: Final = (POLICY_NOTE, COMMIT_NOTE, RUN_NOTE)
"""What a run leaves for its own next one: each part has its own, and so has what begins with USED_PREFIX."""
SHARED_NOTES: Final = (SECRET_NOTE, FREEZE_NOTE)
SHARED_PREFIXES: Final = ("zone.", "lists.")
"""Facts of an account that any run may learn, and every run needs."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def divide(state: State, count: int, *, serial: int) -> tuple[State, ...]:
    """The parts of a state, all at this serial and at the beginning of a log."""
    return tuple(_part(state, Shard(index, count), serial) for index in range(count))


def _part(state: State, shard: Shard, serial: int) -> State:
    def own(found: Mapping[str, _Value]) -> dict[str, _Value]:
        return {name: one for name, one in found.items() if shard.holds(name)}

    return replace(
        state,
        serial=serial,
        entries=own(state.entries),
        pending={name: one for name, one in state.pending.items() if shard.holds(one.intent.address)},
        superseded={name: one for name, one in state.superseded.items() if shard.holds(one.address)},
        quarantine=tuple(one for one in state.quarantine if shard.holds(one.address)),
        generations=own(state.generations),
        unbound={key: at for key, at in state.unbound.items() if shard.holds(key_text(key))},
        failures=own(state.failures),
        notes={
            name: value
            for name, value in state.notes.items()
            if name != RESHAPING_NOTE and (_everywhere(name) or shard.index == _owner(name, shard.count))
        },
        head=Head(),
    )


def unite(parts: Sequence[State], *, serial: int) -> State:
    """The state of its parts, the first part's word first; `serial` is the one that all parts began with."""
    first = parts[0]
    return replace(
        first,
        serial=serial + sum(one.serial - serial for one in parts),
        entries=_sorted(one.entries for one in parts),
        pending=_joined(one.pending for one in parts),
        superseded=_joined(one.superseded for one in parts),
        quarantine=tuple(
            sorted((one for part in parts for one in part.quarantine), key=lambda one: one.until)
        ),
        accounts=_joined(one.accounts for one in parts),
        generations=_highest(one.generations for one in parts),
        generation_base=max(one.generation_base for one in parts),
        unbound=_unbound(parts),
        failures=_joined(one.failures for one in parts),
        notes=_notes(parts),
        head=Head(),
    )


def seen_by(own: State, others: Sequence[State], *, serial: int) -> State:
    """The whole state as the run sees that holds one part: what runs leave for their own next ones is its own."""
    plain = [
        replace(one, notes={name: value for name, value in one.notes.items() if not _left_by_run(name)})
        for one in others
    ]
    return unite([own, *plain], serial=serial)


def owned(events: Iterable[Event], shard: Shard, known: State) -> tuple[Event, ...]:
    """The events that are for this shard to record; `known` is the whole state."""
    attempts = {name for name, one in known.pending.items() if shard.holds(one.intent.address)}
    found: list[Event] = []
    for one in events:
        event = one
        match event:
            case Opened(intent=intent):
                if not shard.holds(intent.address):
                    continue
                attempts.add(intent.attempt)
            case Closed(attempt=attempt) | Resolved(attempt=attempt):
                if attempt not in attempts:
                    continue
            case Recorded(address=address):
                if not shard.holds(address):
                    continue
            case Doubled(key=key, superseded=superseded):
                old = superseded or known.superseded.get(key)
                if old is None or not shard.holds(old.address):
                    continue
            case Rested(resting=resting, now=now):
                mine = tuple(number for number in resting if shard.holds(number.address))
                if not mine:
                    continue
                event = Rested(mine, now)
            case Noted(key=key):
                if not _everywhere(key) and shard.index != _owner(key, shard.count):
                    continue
            case _:
                pass
        found.append(event)
    return tuple(found)


def addresses_of(state: State) -> Iterator[str]:
    """Every address that a state knows something of; some more than once."""
    yield from state.entries
    yield from (one.intent.address for one in state.pending.values())
    yield from (one.address for one in state.superseded.values())
    yield from (one.address for one in state.quarantine)
    yield from (name.removeprefix(HOLD_NOTE) for name in state.notes if name.startswith(HOLD_NOTE))


def changed_between(before: State, after: State) -> frozenset[str]:
    """The addresses of which two looks at a part tell different things, and those with an attempt under way."""
    names = {*before.entries, *after.entries}
    found = {name for name in names if before.entries.get(name) != after.entries.get(name)}
    for state in (before, after):
        found.update(one.intent.address for one in state.pending.values() if one.blocks)
    for one in {*before.superseded.values()} ^ {*after.superseded.values()}:
        found.add(one.address)
    return frozenset(found)


def refuse_renames(desired: Desired, state: State, shard: Shard) -> None:
    """Refuse a rename that takes an entry into another part, which no run of a shard may do. Raises UsageError."""
    known = set(addresses_of(state))
    for one in desired.moved:
        if one.source in known and shard_of(one.source, shard.count) != shard_of(one.target, shard.count):
            raise UsageError(
                "a renamed address goes into another shard's part",
                f"moved: {one.source} is {one.target} now, and no run with --shard holds both.",
                "Rename first, without --shard; a plan that only renames makes no call:",
                command="pnsync refresh",
            )


def shares(
    providers: Mapping[str, ProviderConfig], shard: Shard | None, rate: float | None = None
) -> dict[str, ProviderConfig]:
    """The providers at the calls a second that a run may make: at most `rate` in all, of which a shard has its share."""
    count = 1 if shard is None else shard.count
    return {
        name: replace(one, rate=(one.rate if rate is None else min(rate, one.rate)) / count)
        for name, one in providers.items()
    }


def _left_by_run(name: str) -> bool:
    return name in OWN_NOTES or name.startswith(USED_PREFIX)


def _everywhere(name: str) -> bool:
    return _left_by_run(name) or name in SHARED_NOTES or name.startswith(SHARED_PREFIXES)


def _owner(name: str, count: int) -> int:
    """Whose a note is that stands in one part: its address's, else the first one's."""
    return shard_of(name.removeprefix(HOLD_NOTE), count) if name.startswith(HOLD_NOTE) else 0


def _notes(parts: Sequence[State]) -> dict[str, str]:
    found = _joined(one.notes for one in parts)
    found.pop(RESHAPING_NOTE, None)
    runs = [one.notes[RUN_NOTE] for one in parts if RUN_NOTE in one.notes]
    if runs:
        found[RUN_NOTE] = max(runs, key=_at)
    return found


def _at(note: str) -> float:
    """When the run was that a note tells of."""
    try:
        return float(json.loads(note)["at"])
    except (ValueError, KeyError, TypeError):
        return 0.0


def _unbound(parts: Sequence[State]) -> dict[BindKey, int]:
    """What was unbound, but for ids that a vendor gave again: one part's binding ends another part's memory of its id,
    also when it was replaced since and is yet to be unbound.
    """
    found = _highest(one.unbound for one in parts)
    if found:
        for part in parts:
            for entry in part.entries.values():
                if isinstance(entry, Entry) and entry.key in found:
                    again = entry.bound_at is not None and entry.bound_at >= found[entry.key]
                    if again and entry.key not in part.unbound:
                        del found[entry.key]
            for key in part.superseded.keys() - part.unbound.keys():
                found.pop(key, None)
    return found


def _joined(parts: Iterable[Mapping[_Key, _Value]]) -> dict[_Key, _Value]:
    found: dict[_Key, _Value] = {}
    for part in parts:
        for name, value in part.items():
            found.setdefault(name, value)
    return found


def _sorted(parts: Iterable[Mapping[str, _Value]]) -> dict[str, _Value]:
    return dict(sorted(_joined(parts).items()))


def _highest(parts: Iterable[Mapping[_Key, int]]) -> dict[_Key, int]:
    found: dict[_Key, int] = {}
    for part in parts:
        for name, value in part.items():
            found[name] = max(value, found.get(name, value))
    return found
