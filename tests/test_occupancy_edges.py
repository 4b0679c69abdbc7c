"""Who has what at a vendor, one holder at a time: old halves, open attempts, strangers, and two that want the same."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from pnsync.errors import Diagnostic, Severity, SourceSpan
from pnsync.matching import match, row_of
from pnsync.model import NEVER, Binding, LiveBinding, Mode
from pnsync.plan import Action
from pnsync.planner.draft import Draft
from pnsync.planner.occupancy import Needs, Occupancy
from pnsync.state import Operation, State
from tests.drafts import binding, rebinding, unbinding
from tests.worlds import (
    DAY,
    NOW,
    X2,
    X,
    axb,
    bound,
    desired,
    desk,
    foreign,
    intent,
    made,
    observed,
    pending,
    planned,
    ride,
    rows_of,
    state,
    superseded,
)

OLD = desk("a", "101")
HERE = SourceSpan("pnsync.yaml", 7)


def occupancy(known: State | None = None, rows: Iterable[LiveBinding] | None = None) -> Occupancy:
    before = known or state()
    seen = observed(rows_of(before) if rows is None else rows)
    return Occupancy(desired(), match(before, seen), before, NOW)


def settled(
    drafts: list[Draft], known: State | None = None, rows: Iterable[LiveBinding] | None = None
) -> tuple[list[str], Needs]:
    """Whose drafts are kept, and what is said of the others."""
    kept, needs = occupancy(known, rows).settle_needs(drafts)
    return [one.address.partition(".")[2] for one in kept], needs


def why(needs: Needs) -> list[tuple[str, str, int | None]]:
    return [(one.address.partition(".")[2], one.reason, one.not_before) for one in needs.deferred]


def becoming(before: Binding, after: Binding, **more: object) -> Draft:
    """A live binding that gives way to another."""
    target = replace(made(after), bind_id=None)
    return replace(rebinding(before, target=target), **more)  # type: ignore[arg-type]


# -- what is ours --------------------------------------------------------------------------------------------------------


def test_what_an_old_half_holds_is_held_against_all_and_its_own_address_too() -> None:
    half = made(OLD, bind_id="half", customer_bind_id="half")
    entry = made(desk("a", "102"))
    known = state({OLD.address: entry}, superseded=superseded(OLD.address, half))
    rows = [row_of(entry), row_of(half)]
    held = "needs what bindings.a holds, and this plan does not free it"
    for wants in (desk("b", "101"), OLD):
        kept, needs = settled([binding(wants)], known, rows)
        assert (kept, why(needs)) == ([], [(wants.name, held, None)])
        assert settled([binding(wants)], known, [row_of(entry)])[0] == [wants.name]


def test_what_an_open_bind_asked_for_is_held_and_what_an_open_unbind_is_followed_by_is_not() -> None:
    target = replace(made(OLD), bind_id=None)
    for operation, expected in (
        (Operation.BIND, ([], [("b", "needs what an open attempt of bindings.a may hold", NOW + 171)])),
        (Operation.UNBIND, (["b"], [])),
    ):
        known = state(pending=pending(intent(target, OLD.address, operation=operation)))
        kept, needs = settled([binding(desk("b", "101"))], known)
        assert (kept, why(needs)) == expected


def test_what_this_plan_frees_and_what_ended_itself_is_free() -> None:
    known = state(bound(OLD))
    drafts = [becoming(OLD, desk("a", "102")), binding(desk("b", "101", 9))]
    assert settled(drafts, known)[0] == ["a", "b"]
    assert settled(drafts[1:], known)[0] == []
    assert settled([binding(OLD)], known)[0] == ["a"]


def test_a_party_that_another_of_ours_keeps_is_the_vendors_to_judge() -> None:
    assert settled([binding(ride("b", 1, 3))], state(bound(ride("a", 1, 2))))[0] == ["b"]


# -- who comes first -----------------------------------------------------------------------------------------------------

BOTH = "needs what bindings.{} gets, and both cannot have it"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(becoming(OLD, desk("a", "101", 7)), binding(desk("b", "101", 9)), id="keeps its number"),
        pytest.param(
            becoming(ride("a", 1, 2), ride("a", 1, 3)), binding(ride("b", 1, 3)), id="keeps a party"
        ),
        pytest.param(
            becoming(ride("a", 1, 2, mode=Mode.AXXB), ride("a", 1, 3), entry=None),
            binding(ride("b", 1, 3)),
            id="keeps what it may hold",
        ),
        pytest.param(
            binding(ride("b", 1, 3)),
            replace(becoming(ride("a", 1, 2, mode=Mode.AXXB), ride("a", 1, 3)), position=2),
            id="held the pair alone",
        ),
        pytest.param(binding(desk("a", "101"), down=True), binding(desk("b", "101", 9)), id="is down"),
        pytest.param(binding(desk("b", "101", 9)), binding(desk("a", "101"), position=2), id="file order"),
        pytest.param(
            binding(desk("b", "101", 9)),
            replace(becoming(desk("a", "102"), OLD), position=2),
            id="gives its number up",
        ),
    ],
)
def test_of_two_that_want_the_same_one_comes_first(first: Draft, second: Draft) -> None:
    first, second = (replace(one, position=one.position or 1) for one in (first, second))
    if first.address == "bindings.a":
        second = replace(second, position=0)
    olds = [one.old for one in (first, second) if one.old is not None]
    live = {one.address: one.entry or made(OLD) for one in (first, second) if one.old is not None}
    for drafts in ([first, second], [second, first]):
        kept, needs = settled(drafts, state(live), [] if olds else None)
        assert kept == [first.address.partition(".")[2]]
        assert why(needs) == [
            (second.address.partition(".")[2], BOTH.format(first.address.partition(".")[2]), None)
        ]


def test_all_that_want_the_same_but_one_are_deferred() -> None:
    drafts = [binding(desk(name, "101", 9), position=place) for place, name in enumerate("abc")]
    kept, needs = settled([*drafts, binding(desk("d", "102", 8), position=9)])
    assert kept == ["a", "d"]
    assert why(needs) == [("b", BOTH.format("a"), None), ("c", BOTH.format("a"), None)]
    assert {one.action for one in needs.deferred} == {Action.BIND}


def test_all_claims_are_judged_before_anybody_is_left_out() -> None:
    """b would free what c and d want, and cannot: d is told what stood in its way first."""
    drafts = [
        binding(desk("a", "101", 9), position=0),
        replace(becoming(desk("b", "102"), desk("b", "101")), position=1),
        binding(desk("c", "102", 8), position=2),
        binding(desk("d", "102", 7), position=3),
    ]
    kept, needs = settled(drafts, state(bound(desk("b", "102"))))
    held = "needs what bindings.b holds, and this plan does not free it"
    assert (kept, why(needs)) == (
        ["a"],
        [("b", BOTH.format("a"), None), ("d", BOTH.format("c"), None), ("c", held, None)],
    )


# -- strangers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends", "until", "wait"),
    [
        (NOW + DAY, (NOW + DAY,), ", or wait until it expires at 2027-01-16T08:00:00Z"),
        (NEVER, (), ""),
        (None, (), ""),
    ],
)
def test_a_stranger_in_the_way_is_told_with_its_end(
    ends: int | None, until: tuple[int, ...], wait: str
) -> None:
    row = foreign(a=9, b=None, phone_x=X, extension="101", expires_at=ends)
    kept, needs = settled([binding(OLD, source=HERE)], None, [row])
    assert (kept, needs.until) == ([], until)
    assert needs.decisions == (decision(f"{X} extension 101 is taken", wait),)


def decision(what: str, wait: str = "") -> Diagnostic:
    return Diagnostic(
        "P310",
        f"bindings.a: {what} by binding foreign-1, which pnsync did not make",
        Severity.ERROR,
        HERE,
        advice=f"take it over with `pnsync import bindings.a foreign-1`{wait}",
        address="bindings.a",
    )


def test_a_stranger_with_a_party_is_in_the_way_of_a_bind_and_of_no_unbind() -> None:
    row = foreign(a=1, b=9, provider="la", recording=None, expires_at=None)
    kept, needs = settled([binding(ride("a"), source=HERE), unbinding(ride("b"))], None, [row])
    assert (kept, needs.decisions) == (["b"], (decision("one of its phones or its pair is bound"),))


STRANGERS = {
    "the X": (OLD, desk("a", "101", phone_x=X2), foreign(a=9, b=None, phone_x=X2, extension="101")),
    "the extension": (OLD, desk("a", "102"), foreign(a=9, b=None, phone_x=X, extension="102")),
    "the provider": (
        OLD,
        desk("a", "101", provider="nx2"),
        foreign(a=9, b=None, provider="nx2", phone_x=X, extension="101"),
    ),
    "A": (axb("a", 3, 2), axb("a", 1, 2), foreign(recording=True)),
    "B": (axb("a", 1, 3), axb("a", 1, 2), foreign(recording=True)),
    "the mode": (
        ride("a", mode=Mode.AXXB),
        ride("a"),
        foreign(a=1, b=9, provider="la", recording=None),
    ),
}


@pytest.mark.parametrize(("before", "after", "row"), STRANGERS.values(), ids=STRANGERS)
def test_what_a_live_binding_shares_with_a_stranger_it_keeps_and_takes_no_more(
    before: Binding, after: Binding, row: LiveBinding
) -> None:
    takes = settled([becoming(before, after)], None, [row])
    assert (takes[0], [one.code for one in takes[1].decisions]) == ([], ["P310"])
    again = replace(after, recording=not after.recording)
    kept, needs = settled([becoming(after, again)], None, [row])
    assert (kept, needs.decisions) == (["a"], ())


def test_where_no_entry_tells_how_it_is_bound_it_is_taken_for_what_it_becomes() -> None:
    row = foreign(a=1, b=9, provider="la", recording=None)
    assert settled([becoming(ride("a"), ride("a"), entry=None)], None, [row])[0] == ["a"]


@pytest.mark.parametrize(
    ("mode", "other_x", "equal"),
    [(Mode.AXB, X2, True), (Mode.AXB, X, False), (Mode.AXXB, X2, False), (Mode.AXXB, X, True)],
)
def test_a_pair_with_one_number_equals_no_pair_with_two(mode: Mode, other_x: str, equal: bool) -> None:
    row = foreign(provider="la", recording=None, phone_x_b=other_x)
    target = replace(made(ride("a", mode=mode)), phone_x=None)
    assert (occupancy(None, [row]).equal_unmanaged(target) is not None) is equal


@pytest.mark.parametrize(
    ("count", "names"), [(5, "made by pnsync: {}"), (6, "made by pnsync: {} and 1 more")]
)
def test_the_first_five_that_live_already_are_named(count: int, names: str) -> None:
    bindings = [axb(f"order-{one}", a=one, b=one + 100) for one in range(count)]
    found = planned(bindings, None, [foreign(f"f{one}", a=one, b=one + 100) for one in range(count)])
    (note,) = found.diagnostics
    five = ", ".join(f"bindings.order-{one}" for one in range(5))
    assert note.summary.endswith(names.format(five))
