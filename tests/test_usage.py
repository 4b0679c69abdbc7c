"""How groups and pools are used: counts over listings, and no phone that may be personal."""

from dataclasses import asdict, replace

from pnsync.model import (
    Desired,
    Group,
    Holds,
    Lifetime,
    Listing,
    LiveBinding,
    LiveGroup,
    LivePool,
    Mode,
    Observed,
)
from pnsync.phone import Phone
from pnsync.render.usage import usage_text
from pnsync.reports.usage import GroupUse, NumberUse, usage
from pnsync.state import Entry, Resting, State

X1, X2, PERSON = "447401264117", "447401264118", "447700900123"


def entry(bind_id: str, x: str, **more: object) -> Entry:
    values = {"phone_x": x, "bind_id": bind_id} | more
    return Entry("nx", Mode.AXB_EXTENSION, Phone(PERSON), None, Lifetime(86400), 1, **values)


def row(bind_id: str, x: str, extension: str | None, x_b: str | None = None) -> LiveBinding:
    return LiveBinding("nx", bind_id, Phone(PERSON), None, x, x_b, extension)


POOL = Group("desks", "nx", Holds.NUMBERS, None, "Desks", reserved_extensions=frozenset({"911"}))
PEOPLE = Group("couriers", "nx", Holds.PEOPLE, (Phone(PERSON),), "couriers")
DESIRED = Desired("pnsync.yaml", None, {}, {}, {"desks": POOL, "couriers": PEOPLE})
LISTING = Listing(
    "nx",
    (row("1", X1, "101"), row("2", X1, "102"), row("3", X2, "101")),
    (
        LiveGroup("nx", "g1", "Desks", (Phone(X1), Phone(X2))),
        LiveGroup("nx", "g2", "couriers", (Phone(PERSON),)),
        LiveGroup("nx", "g3", "made by hand", (Phone(PERSON), Phone(X1))),
    ),
)
STATE = State(
    "7c4d1a2b",
    entries={
        "bindings.a": entry("1", X1, x_group="desks"),
        "bindings.b": entry("9", X2, group="couriers"),
    },
    quarantine=(
        Resting("nx", X1, "bindings.c", 200, extension="103"),
        Resting("nx", X1, "bindings.d", 50, extension="104"),
        Resting("nx", X1, "bindings.e", 200, party=Phone(PERSON)),
    ),
)


def used(desired: Desired = DESIRED, listing: Listing = LISTING) -> tuple[GroupUse, ...]:
    return usage(desired, STATE, Observed({"nx": listing}), now=100)


def test_numbers() -> None:
    desks = used()[0]
    assert (desks.address, desks.holds, desks.phones, desks.bindings) == ("groups.desks", "numbers", 2, 1)
    assert (desks.live, desks.ours) == (3, 1)
    assert desks.numbers == (
        NumberUse(X1, live=2, ours=1, resting=1, free=1000 - 1 - 2 - 1),
        NumberUse(X2, live=1, ours=0, resting=0, free=1000 - 1 - 1),
    )


def test_a_drained_number_has_nothing_free_and_a_range_bounds() -> None:
    group = replace(POOL, drain=frozenset({X1}), extension_range=(100, 109))
    found = used(replace(DESIRED, groups={"desks": group}))[0]
    assert [one.free for one in found.numbers] == [0, 9]


def test_what_may_be_personal_is_counted_only() -> None:
    found = used()
    assert [(one.name, one.holds, one.phones, one.numbers) for one in found[1:]] == [
        ("couriers", "people", 1, ()),
        ("made by hand", "unknown", 2, ()),
    ]
    assert PERSON not in str([asdict(one) for one in found])


def test_a_binding_over_two_numbers_of_a_pool_is_one() -> None:
    listing = Listing("nx", (row("1", X1, None, X2),), pools=(LivePool("nx", "918806", (X1, X2)),))
    (pool,) = used(listing=listing)
    assert (pool.holds, pool.live, pool.ours) == ("pool", 1, 1)
    assert [one.free for one in pool.numbers] == [None, None]


def test_as_text() -> None:
    text = usage_text([asdict(one) for one in used()], verbose=True)
    assert text.splitlines() == [
        "Desks         nx  numbers  2 numbers · 3 live bindings, 1 of them ours · 1,994 extensions free · 1 in quarantine · used by 1 binding",
        "  447401264117  2 live bindings, 1 ours  996 free  1 in quarantine",
        "  447401264118  1 live binding, 0 ours  998 free",
        "couriers      nx  people   1 person · used by 1 binding",
        "made by hand  nx  unknown  2 phones · not declared",
    ]
    assert usage_text([]) == "The vendors list no groups and no pools."
