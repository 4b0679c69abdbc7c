"""The order of drafts where the table alone does not reach: the last second, vendors that are gone, knots of circles."""

from dataclasses import replace

import pytest

from pnsync.model import Mode
from pnsync.plan import Action
from pnsync.planner.draft import Draft
from pnsync.planner.ordering import URGENT_MARGIN_SECONDS, Arranged, arrange
from pnsync.state import Operation
from tests.drafts import binding, grouping, rebinding, unbinding
from tests.worlds import NOW, PROVIDERS, axb, desired, made, ride

SLOW = desired(providers={"nx": replace(PROVIDERS["nx"], rate=0.5)})
"""One call in two seconds."""
CREW = grouping("crew")


def renewal(ends: int) -> Draft:
    """Two calls, soon."""
    return rebinding(axb("due"), Action.RENEW, expires_at=NOW + URGENT_MARGIN_SECONDS + ends)


def names(found: Arranged) -> list[str]:
    """Addresses in order, without what kind they are."""
    return [one.address.partition(".")[2] for one in found.changes]


@pytest.mark.parametrize(
    ("more", "ends", "first"),
    [
        ([], 12, True), ([], 13, False),
        ([unbinding(axb("gone", 3, 4), provider="undeclared")], 12, True),
        ([unbinding(axb("gone", 3, 4), provider="undeclared")], 13, False),
    ],
)  # fmt: skip
def test_a_renewal_is_urgent_that_would_lapse_in_twice_the_time_of_the_apply(
    more: list[Draft], ends: int, first: bool
) -> None:
    """Three calls of two seconds each; one at a vendor that is not declared any more takes what a call takes."""
    found = names(arrange([*more, CREW, renewal(ends)], SLOW, now=NOW))
    assert (found.index("due") < found.index("crew")) is first


def test_where_a_rate_is_high_a_call_takes_its_time_all_the_same() -> None:
    fast = desired(providers={"nx": replace(PROVIDERS["nx"], rate=1000.0)})
    for ends, first in ((1, True), (2, False)):
        assert (names(arrange([CREW, renewal(ends)], fast, now=NOW))[0] == "due") is first


def test_of_changes_that_can_wait_what_has_no_end_comes_last() -> None:
    soon = rebinding(axb("soon", 1, 2), expires_at=NOW + 90_000)
    never, renewed = (
        rebinding(axb("a", 3, 4)),
        rebinding(axb("late", 5, 6), Action.RENEW, expires_at=NOW + 99_000),
    )
    assert names(arrange([never, renewed, soon], desired(), now=NOW)) == ["soon", "late", "a"]  # fmt: skip


def test_what_a_pair_with_two_numbers_frees_is_no_phone() -> None:
    """LAAFFIC allows a phone one binding with one number, beside any with two."""
    files, new = desired(), binding(ride("new", 1, 3))
    double = unbinding(ride("old", 1, 2, mode=Mode.AXXB))
    steps = arrange([new, double], files, now=NOW).steps
    assert [one.after for one in steps] == [(), ()]
    single = arrange([new, unbinding(ride("old", 1, 2))], files, now=NOW).steps
    assert [one.after for one in single] == [(), (0,)]
    unknown = arrange([new, replace(double, entry=None)], files, now=NOW).steps
    assert [one.after for one in unknown] == [(), (0,)], "what is not known is taken for what holds most"


def test_only_what_is_bound_to_a_group_waits_for_it() -> None:
    """A group may be called None."""
    found = arrange([binding(axb("new")), grouping("None", Action.CREATE_GROUP)], desired(), now=NOW)
    assert [(one.operation, one.after) for one in found.steps] == [
        (Operation.CREATE_GROUP, ()), (Operation.BIND, ()),
    ]  # fmt: skip


def test_what_a_change_frees_itself_is_waited_for_last() -> None:
    """Two rides at LAAFFIC swap partners: each bind waits for the other's unbind, and then for its own."""
    one, two = made(ride("one", 1, 2)), made(ride("two", 3, 4))
    swap = [
        rebinding(ride("one", 1, 2), target=replace(one, bind_id=None, phone_b=two.phone_b)),
        rebinding(ride("two", 3, 4), target=replace(two, bind_id=None, phone_b=one.phone_b)),
    ]
    steps = arrange(swap, desired(), now=NOW).steps
    assert [(item.operation.value, item.after) for item in steps] == [
        ("unbind", ()), ("unbind", (0,)), ("bind", (1, 0)), ("bind", (0, 1)),
    ]  # fmt: skip


KNOTS = {
    "a chain into a circle": ([(0, 1), (1, 2), (2, 1)], [{1, 2}]),
    "a circle that waits for a circle": ([(0, 1), (1, 0), (2, 3), (3, 2), (3, 0)], [{0, 1}, {2, 3}]),
    "two circles that share one": ([(0, 1), (1, 0), (1, 2), (2, 1)], [{0, 1, 2}]),
    "a chain": ([(0, 1), (1, 2)], []),
    "a long way round": ([(0, 1), (1, 2), (2, 3), (3, 0), (2, 0)], [{0, 1, 2, 3}]),
}


@pytest.mark.parametrize(("waits", "circles"), KNOTS.values(), ids=KNOTS)
def test_circles_are_told_from_chains(waits: list[tuple[int, int]], circles: list[set[int]]) -> None:
    drafts = [rebinding(axb(f"c{place}", 10 + 2 * place, 11 + 2 * place)) for place in range(4)]
    found = arrange(drafts, desired(), now=NOW, waits=waits)
    together = {one.circle.addresses for one in found.steps if one.circle is not None}
    assert together == {frozenset(drafts[place].address for place in one) for one in circles}
    assert sorted(found.places) == [0, 1, 2, 3]
    position = {place: at for at, place in enumerate(found.places)}
    inside = {(one, other) for circle in circles for one in circle for other in circle}
    assert all(position[other] < position[one] for one, other in waits if (one, other) not in inside)
