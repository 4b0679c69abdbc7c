"""The facts of a plan: who is reached by another person, who by nobody, and under which number."""

import pytest

from pnsync.model import DAY
from pnsync.phone import Phone
from pnsync.plan import Action, Attributes, Cause, Change, instant
from pnsync.render.review import Review, lasts_until, live_until, review
from tests.render.documents import MADE_AT, desk, plan_document, ride

A, B, C = "447700900101", "447700900102", "447700900103"
X, Y = "447401264117", "447401264118"


def change(
    name: str, action: Action, before: Attributes | None = None, after: Attributes | None = None
) -> Change:
    """A change of a binding."""
    return Change(f"bindings.{name}", action, Cause.CONFIG, "because", "nx", before, after, ("phone_a",))


def facts(*changes: Change) -> Review:
    """The facts of a plan of these changes."""
    return review(plan_document(changes=changes, deferred=(), diagnostics=()))


def told(found: Review) -> tuple[list[str], list[str], list[str]]:
    """Who reaches another, who nobody, whose number changes: names."""
    lists = (found.other_person, found.nobody, found.other_number)
    first, second, third = ([one.address.removeprefix("bindings.") for one in among] for among in lists)
    return first, second, third


def test_another_person_on_the_same_extension() -> None:
    found = facts(change("desk", Action.REBIND, desk(A, X, "101"), desk(B, X, "101")))
    assert told(found) == (["desk"], [], [])
    (one,) = found.other_person
    assert one.dialled == f"{X} ext 101"
    assert one.was != one.becomes
    assert one.was.startswith("44••••01~")


def test_a_number_handed_over_to_another_address() -> None:
    found = facts(
        change("old", Action.UNBIND, desk(A, X, "101")), change("new", Action.BIND, None, desk(B, X, "101"))
    )
    assert told(found) == (["new"], [], [])
    assert found.other_person[0].taken_from == "bindings.old"


def test_a_number_handed_over_to_the_same_person() -> None:
    found = facts(
        change("old", Action.UNBIND, desk(A, X, "101")), change("new", Action.BIND, None, desk(A, X, "101"))
    )
    assert told(found) == ([], [], [])


def test_two_desks_that_swap_extensions() -> None:
    found = facts(
        change("one", Action.REBIND, desk(A, X, "101"), desk(A, X, "102")),
        change("two", Action.REBIND, desk(B, X, "102"), desk(B, X, "101")),
    )
    assert told(found) == (["one", "two"], [], ["one", "two"])
    assert found.other_person[0].taken_from == "bindings.two"


def test_an_end_that_nobody_takes_over() -> None:
    assert told(facts(change("old", Action.UNBIND, desk(A, X, "101")))) == ([], ["old"], [])
    assert told(facts(change("old", Action.UNBIND, {"mode": "axb", "phone_a": Phone(A)}))) == (
        [],
        ["old"],
        [],
    )


@pytest.mark.parametrize(
    ("before", "after", "other"),
    [
        (ride(A, B, phone_x=X), ride(A, C, phone_x=X), True),
        (ride(A, B, phone_x=X), ride(C, B, phone_x=X), True),
        (ride(A, B, phone_x=X), ride(A, B, phone_x=X, recording=False), False),
        (ride(A, B, phone_x=X), ride(A, C), True),
        (ride(A, B, phone_x=X), ride(A, B), False),
        (ride(A, B, phone_x=X, phone_x_b=Y), ride(A, C, phone_x=X, phone_x_b=Y), True),
        (ride(A, B, mode="axg", group="g", phone_x=X), ride(A, B, mode="axg", group="h", phone_x=X), False),
        (
            {"mode": "axg", "phone_a": Phone(A), "group": "g", "phone_x": X},
            {"mode": "axg", "phone_a": Phone(A), "group": "h", "phone_x": X},
            True,
        ),
    ],
)
def test_pairs(before: Attributes, after: Attributes, other: bool) -> None:
    assert bool(facts(change("ride", Action.REBIND, before, after)).other_person) is other


def test_another_number_to_dial() -> None:
    found = facts(change("desk", Action.REBIND, desk(A, X, "101"), desk(A, Y, "101")))
    assert told(found) == ([], [], ["desk"])
    assert (found.other_number[0].was, found.other_number[0].becomes) == (f"{X} ext 101", f"{Y} ext 101")


def test_providers_are_worlds_of_their_own() -> None:
    ends = change("old", Action.UNBIND, desk(A, X, "101"))
    begins = Change(
        "bindings.new", Action.BIND, Cause.CONFIG, "not in state", "other", None, desk(B, X, "101")
    )
    assert told(facts(ends, begins)) == ([], ["old"], [])


def test_the_plan_of_every_kind() -> None:
    found = review(plan_document())
    assert told(found) == (["desk-3", "desk-7"], ["desk-old"], ["desk-7"])
    assert found.x_may_change == ("bindings.driver-4",)
    assert found.longest_gap == 0.4
    assert found.counts["expiry"] == {"renew": 1, "forget": 1}
    assert [one["code"] for one in found.findings] == ["W410"]
    assert found.refusals == ()


def test_when_bindings_end() -> None:
    until = {**ride(A, B, phone_x=X), "expires_at": instant(MADE_AT + 60), "expires_in": "3d"}
    document = plan_document(
        changes=(
            change("renewed", Action.RENEW, until, ride(A, B, expires_in="3d")),
            change("fixed", Action.BIND, None, ride(A, B, expires_at=instant(MADE_AT + DAY))),
            change("kept", Action.BIND, None, ride(A, B, expires_in="never")),
            change("odd", Action.BIND, None, ride(A, B, expires_in="99999999999999w")),
            change("gone", Action.FORGET, until),
        )
    )
    renewed, fixed, kept, odd, gone = document["changes"]
    assert live_until(renewed) is not None
    assert review(document).soonest_expiry == instant(MADE_AT + 60)
    for one, seconds in ((renewed, 3 * DAY), (fixed, DAY)):
        ends = lasts_until(one, document["made_at"])
        assert ends is not None
        assert ends.timestamp() == MADE_AT + seconds
    for one in (kept, odd, gone):
        assert lasts_until(one, document["made_at"]) is None
    assert live_until(gone) is None
