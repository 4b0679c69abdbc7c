"""Slots one by one: what makes room for whom, what waits for which end, and how much work it takes."""

import sys
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest

from pnsync.matching import match
from pnsync.model import Binding, Group, LiveGroup
from pnsync.phone import Phone
from pnsync.planner.allocation import Allocation, allocate
from pnsync.planner.slots import share_of
from pnsync.state import Resting, State
from tests.test_allocation import AT_ONCE, N1, N2, N3, auto, choose, got, listing, numbers, on
from tests.worlds import FOREVER, NOW, bound, desired, desk, foreign, rows_of, state

ONE = numbers(extension_range=(0, 0))
TWO = numbers(extension_range=(0, 1))


def rest(x: str, extension: str, *, until: int = NOW + 60, address: str = "bindings.gone") -> Resting:
    return Resting("nx", x, address, until, extension=extension)


def held(x: str, *extensions: str) -> list[Any]:
    """Rows of others."""
    return [foreign(f"f{x}{one}", 90, None, phone_x=x, extension=one) for one in extensions]


def ranges(**wanted: tuple[int, int]) -> dict[str, Any]:
    """Groups of N1 alone, each with its range of extensions."""
    groups: list[Group] = []
    live: list[LiveGroup] = []
    for name, low_and_high in wanted.items():
        groups.append(replace(numbers(extension_range=low_and_high), name=name, group_name=name))
        live.append(LiveGroup("nx", f"g-{name}", name, (Phone(N1),)))
    return {"xs": (N1,), "others": tuple(groups), "groups": tuple(live)}


def asks(**groups: str) -> list[Binding]:
    """Bindings, each with the group that it asks."""
    return [auto(name, x_group=group) for name, group in groups.items()]


def extensions(found: Allocation) -> dict[str, str | None]:
    return {name: extension for name, (_, extension) in got(found).items()}


# -- who makes room ------------------------------------------------------------------------------------------------------


def test_the_way_to_a_free_slot_leads_past_those_that_were_asked_already() -> None:
    """p, q and r hold what b may have; q asks for what p does, and only r can go elsewhere."""
    found = choose(asks(p="low", q="low", r="high", b="most"), **ranges(low=(0, 1), high=(2, 3), most=(0, 2)))
    assert extensions(found) == {"p": "000", "q": "001", "r": "003", "b": "002"}


def test_who_made_room_and_who_got_it_make_room_again() -> None:
    bindings = asks(a="wide", b="wide", c="low", d="first", e="third")
    found = choose(bindings, **ranges(wide=(0, 4), low=(0, 1), first=(0, 0), third=(2, 2)))
    assert extensions(found) == {"a": "004", "b": "003", "c": "001", "d": "000", "e": "002"}


def test_room_is_made_for_one_after_the_other() -> None:
    found = choose(asks(a="wide", b="wide", c="low", d="low", e="low"), **ranges(wide=(0, 3), low=(0, 1)))
    assert extensions(found) == {"a": "002", "b": "003", "c": "000", "d": "001"}
    assert set(found.impossible) == {"bindings.e"}


def test_who_got_what_it_prefers_makes_room_too() -> None:
    """a comes from another group with its extension, which is all that b can have."""
    known = state(on(N3, "000"))
    found = choose(asks(a="wide", b="first"), known, **ranges(wide=(0, 1), first=(0, 0)))
    assert got(found) == {"a": (N1, "001"), "b": (N1, "000")}


def test_the_least_used_number_is_taken_also_where_another_can_give_nothing() -> None:
    known = state(quarantine=(rest(N1, "000"), rest(N1, "001")))
    assert got(choose([auto("a")], known, pool=TWO, rows=held(N2, "900"))) == {"a": (N3, "000")}


def test_what_ended_is_use_no_more() -> None:
    """Two of three bindings on N1 are left, as many as on N2."""
    known = state(on(N1, "002", "gone", expires_at=NOW - 1))
    rows = [*held(N1, "000", "001"), *held(N2, "000", "001")]
    found = choose([auto(one) for one in "abc"], known, xs=(N1, N2), rows=rows, policy=AT_ONCE)
    assert got(found) == {"a": (N1, "002"), "b": (N2, "002"), "c": (N1, "003")}


def test_what_others_hold_stays_theirs_where_the_state_holds_it_too() -> None:
    found = choose([auto("a")], state(on(N1, "000")), xs=(N1, N2), rows=held(N1, "000"))
    assert got(found) == {"a": (N2, "000")}
    (note,) = found.notes
    assert (note.code, "is now binding f" in note.summary) == ("P336", True)


def test_what_a_plan_frees_is_given_once() -> None:
    found = choose([auto("a"), auto("b")], state(on(N1, "000", "gone")), xs=(N1,), pool=ONE, policy=AT_ONCE)
    assert got(found) == {"a": (N1, "000")}
    assert (found.deferred, set(found.impossible)) == ({}, {"bindings.b"})


# -- who waits for what --------------------------------------------------------------------------------------------------


def test_every_slot_that_rests_is_promised_once() -> None:
    """Two numbers with one extension each, of which two groups may give one."""
    one = numbers(extension_range=(0, 0))
    second = replace(one, name="other", group_name="other")
    known = state(quarantine=(rest(N1, "000", until=NOW + 20), rest(N2, "000", until=NOW + 30)))
    found = choose(
        [auto("a"), auto("b", x_group="other"), auto("c"), auto("d")],
        known, xs=(N1, N2), pool=one, others=(second,),
        groups=(LiveGroup("nx", "g-other", "other", (Phone(N1),)),),
    )  # fmt: skip
    ends = {name.partition(".")[2]: it.not_before for name, it in found.deferred.items()}
    assert ends == {"a": NOW + 20, "c": NOW + 30}
    assert set(found.impossible) == {"bindings.b", "bindings.d"}


def test_nobody_waits_for_what_rests_and_is_another_s_meanwhile() -> None:
    fixed = desk("fixed", "000", phone_x=N1, lifetime=FOREVER)
    known = state(bound(fixed), quarantine=(rest(N1, "000"),))
    found = choose([fixed, auto("a")], known, xs=(N1,), pool=ONE)
    assert (found.deferred, set(found.impossible)) == ({}, {"bindings.a"})


# -- shares --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "extension", "share"),
    [(N1, None, 0), (N1, "001", 1), (N1, "000", 0), (N2, "001", 2), (N2, None, 1)],
)
def test_shares_are_the_same_in_every_run(x: str, extension: str | None, share: int) -> None:
    assert share_of(x, extension, 100) == share


def shared(known: State, *rows: Any, pool: Group = TWO) -> Allocation:
    """The second of two runs chooses for a on N1, where the odd extensions are its."""
    seen = listing(N1, rows=[*rows_of(known), *rows])
    return allocate(desired([auto("a")], [pool]), known, seen, match(known, seen), NOW, shards=2)


def test_a_shard_waits_for_what_rests_in_its_share() -> None:
    known = state(quarantine=(rest(N1, "000", until=NOW + 30), rest(N1, "001", until=NOW + 60)))
    assert shared(known).deferred["bindings.a"].not_before == NOW + 60


def test_a_shard_leaves_to_others_only_what_they_could_give() -> None:
    found = shared(state(quarantine=(rest(N1, "000"),)), *held(N1, "001"))
    assert (found.deferred, set(found.impossible)) == ({}, {"bindings.a"})


def test_a_shard_prefers_what_is_in_its_share() -> None:
    for extension, expected in (("003", "003"), ("002", "001")):
        known = state(quarantine=(rest(N1, extension, address="bindings.a"),))
        assert extensions(shared(known, pool=numbers())) == {"a": expected}


# -- work ----------------------------------------------------------------------------------------------------------------


def work(bindings: list[Binding], **more: Any) -> int:
    """How many calls of the planner's functions a choice takes."""
    seen = 0

    def count_one(frame: FrameType, event: str, argument: object) -> None:
        nonlocal seen
        seen += event == "call" and "planner" in frame.f_code.co_filename

    before = sys.getprofile()
    sys.setprofile(count_one)
    try:
        choose(bindings, **more)
    finally:
        sys.setprofile(before)
    return seen


def test_a_group_that_is_full_is_searched_once() -> None:
    """A hundred slots: the first that goes without looks at all of them once, those after it at none."""
    given: dict[str, Any] = {"xs": (N1,), "pool": numbers(extension_range=(0, 99))}
    fits, first, more = (work([auto(f"b{n}") for n in range(count)], **given) for count in (100, 101, 121))
    assert first - fits < 3000
    assert more - first < 20 * 120
