"""States and events for tests: Hypothesis strategies made from the types, so that a new field is tried at once."""

import types
import typing
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache
from typing import Any

from hypothesis import strategies as st

from pnsync.holder import Holder
from pnsync.journal import (
    Accepted,
    Applied,
    Began,
    Closed,
    Doubled,
    Event,
    Noted,
    NotSent,
    Opened,
    Recorded,
    Refused,
    Resolved,
    Rested,
    Unknown,
)
from pnsync.model import NEVER, Lifetime, Mode
from pnsync.phone import Phone
from pnsync.state import (
    Account,
    Entry,
    Failure,
    GroupEntry,
    Head,
    Intent,
    Operation,
    Pending,
    Resting,
    State,
    Superseded,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
INSTANTS = st.one_of(st.integers(0, 2**33), st.just(NEVER), st.integers(NEVER - 2, NEVER + 10**12))
PHONES = st.builds(Phone, st.from_regex(r"447700900[0-9]{3}", fullmatch=True))
NAMES = st.from_regex(r"[a-z][a-z0-9.-]{0,6}", fullmatch=True)
_INSTANT_FIELDS = ("bound_at", "expires_at", "down_since", "until", "since")


def of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*(of(one) for one in arguments))
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return st.lists(of(arguments[0]), max_size=3).map(tuple)
        return st.tuples(*(of(one) for one in arguments))
    if kind is type(None):
        return st.none()
    if kind is Phone:
        return PHONES
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    if is_dataclass(kind):
        return every_field(typing.cast(type, kind))
    return {
        str: TEXT,
        int: st.integers(0, 2**40),
        bool: st.booleans(),
        float: st.floats(0, 2**40, allow_nan=False),
    }[kind]


@cache
def every_field(cls: type) -> st.SearchStrategy[Any]:
    """A dataclass with every field drawn, those with defaults too."""
    hints = typing.get_type_hints(cls)
    drawn = {}
    for one in fields(cls):
        optional = type(None) in typing.get_args(hints[one.name])
        if one.name in _INSTANT_FIELDS:
            drawn[one.name] = st.none() | INSTANTS if optional else INSTANTS
        else:
            drawn[one.name] = of(hints[one.name])
    return st.builds(cls, **drawn)


ENTRIES = every_field(Entry)
GROUPS = every_field(GroupEntry)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    *(
        every_field(one)
        for one in (Began, Opened, Closed, Resolved, Recorded, Doubled, Rested, Accepted, Noted)
    )
)


def _addressed(kind: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(NAMES.map(lambda name: f"{kind}.{name}"), values, max_size=4)


@st.composite
def states(draw: st.DrawFn) -> State:
    """States that events can make: what is filed under its own id is, and no generation is forgotten."""
    bindings: dict[str, Entry] = draw(_addressed("bindings", ENTRIES))
    groups: dict[str, GroupEntry] = draw(_addressed("groups", GROUPS))
    generations = draw(_addressed("bindings", st.integers(0, 9)))
    pending: list[Pending] = draw(st.lists(every_field(Pending), max_size=3))
    superseded: list[Superseded] = [
        replace(one, provider=draw(NAMES)) for one in draw(st.lists(every_field(Superseded), max_size=3))
    ]
    return State(
        lineage=draw(st.from_regex(r"[0-9a-f]{8}", fullmatch=True)),
        serial=draw(st.integers(0, 10**9)),
        entries={**bindings, **groups},
        pending={one.intent.attempt: one for one in pending},
        superseded={one.key: one for one in superseded},
        quarantine=tuple(draw(st.lists(every_field(Resting), max_size=3))),
        accounts=draw(st.dictionaries(NAMES, every_field(Account), max_size=2)),
        generations={address: one.generation for address, one in bindings.items()} | generations,
        generation_base=draw(st.integers(0, 5)),
        unbound=draw(st.dictionaries(st.tuples(NAMES, TEXT), INSTANTS, max_size=3)),
        failures=draw(_addressed("bindings", every_field(Failure))),
        notes=draw(st.dictionaries(TEXT, TEXT, max_size=3)),
        head=draw(every_field(Head)),
    )


NOW = 1_790_000_000


def holder(name: str = "maria", lock_id: str = "3f2c9a10", command: str = "pnsync apply") -> Holder:
    """Somebody who holds a state."""
    return Holder(lock_id, name, "ci-runner-7", 4411, command, NOW - 720)


def entry(number: int = 1, **changed: Any) -> Entry:
    """A live binding of an extension."""
    made = Entry(
        provider="nx",
        mode=Mode.AXB_EXTENSION,
        phone_a=Phone(f"447700900{number:03}"),
        phone_b=None,
        lifetime=Lifetime(86400),
        generation=1,
        phone_x="447401264117",
        extension=f"{number:03}",
        customer_bind_id=f"pns-7c4d1a2b-{number:012}-1",
        bind_id=f"b{number}",
        bound_at=NOW,
        expires_at=NOW + 86400,
    )
    return replace(made, **changed)


def opened(number: int, operation: Operation = Operation.BIND) -> Opened:
    """The intent of a bind, or of the unbind of what it made."""
    address = f"bindings.desk-{number}"
    bind = operation is Operation.BIND
    return Opened(
        Intent(
            attempt=f"{operation.value}-{number}",
            address=address,
            operation=operation,
            provider="nx",
            signed_at=NOW + 0.25,
            latest_at=NOW + 30.0,
            not_before=NOW + 180.0,
            adoptable_until=NOW + 360.0,
            target=entry(number, bind_id=None, bound_at=None, expires_at=None) if bind else None,
            bind_id=None if bind else f"b{number}",
            expire_seconds=86400 if bind else None,
        )
    )


def applied(number: int, operation: Operation = Operation.BIND) -> Closed:
    """The answer that it was done."""
    bind_id = f"b{number}" if operation is Operation.BIND else None
    return Closed(f"{operation.value}-{number}", Applied(bind_id=bind_id), NOW + 1)


def events_of_a_run(count: int) -> list[tuple[Event, ...]]:
    """What an apply of `count` binds records, a tuple a durable step: each answer travels with the next intent."""
    steps: list[tuple[Event, ...]] = [(opened(1),)]
    for number in range(1, count):
        steps.append((_ending(number), opened(number + 1)))
    return [*steps, (_ending(count),)]


def _ending(number: int) -> Closed:
    if number % 5 == 3:
        return Closed(f"bind-{number}", Unknown("no answer in 20 s"), NOW + 1)
    if number % 5 == 4:
        return Closed(f"bind-{number}", NotSent("connect"), NOW + 1)
    return applied(number)


__all__ = [
    "EVENTS",
    "NOW",
    "Refused",
    "applied",
    "entry",
    "events_of_a_run",
    "every_field",
    "holder",
    "opened",
    "states",
]
