"""Line by line: what a listing tells of calls whose outcome is not known, and of rows that are ours."""

from dataclasses import replace
from typing import Any

import pytest

from pnsync.identity import address_hash, customer_bind_id
from pnsync.journal import Doubled, Noted, Recorded, Resolved, Verdict, replay
from pnsync.matching import row_of
from pnsync.model import NEVER, LiveBinding, Mode, Observed
from pnsync.plan import Action
from pnsync.recovery import STAMP_SLACK_SECONDS, Settled, settle
from pnsync.state import Entry, GroupEntry, Intent, Operation, Standing, State
from pnsync.zones import ZONE_LIMIT_SECONDS, zone_between, zone_of
from tests.worlds import (
    DAILY,
    DAY,
    FOREVER,
    LINEAGE,
    NOW,
    attempt,
    axb,
    bound,
    desk,
    group,
    intent,
    live_group,
    made,
    made_group,
    observed,
    pending,
    phone,
    planned,
    ride,
    rows_of,
    state,
    superseded,
    what,
)

ORDER, DESK, RIDE = axb("order"), desk("desk"), ride("ride")
TRUE_ZONE = 8 * 3600


def settled(known: State, seen: Observed | list[LiveBinding], now: int = NOW, *declared: Any) -> Settled:
    """Settle, and see that the state is the fold of the events."""
    listings = seen if isinstance(seen, Observed) else observed(seen, started_at=float(now))
    found = settle(known, listings, {one.address: one for one in declared or (ORDER, DESK, RIDE)}, now)
    assert found.state == replay(known, found.events)
    return found


def verdicts(found: Settled) -> list[Verdict]:
    """How attempts were settled."""
    return [one.verdict for one in found.events if isinstance(one, Resolved)]


def open_(one: Intent, *more: Intent, standing: Standing = Standing.UNKNOWN, **parts: Any) -> State:
    """A state with attempts."""
    return state(parts.pop("entries", None), pending=pending(one, *more, standing=standing), **parts)


def effect(one: Intent, number: str = "row-1", *, late: float = 1.0, **more: Any) -> LiveBinding:
    """The row of an attempt that took effect."""
    target = one.target
    assert isinstance(target, Entry)
    life = one.expire_seconds or 0
    ends = int(one.signed_at + late + life) if life else NEVER
    x = target.phone_x or "447700900950"
    row = LiveBinding(
        target.provider, number, target.phone_a, target.phone_b, x,
        extension=target.extension, customer_bind_id=one.customer_bind_id, expires_at=ends,
    )  # fmt: skip
    return replace(row, **more)


# -- NXCloud, bind -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", [ORDER, DESK, axb("order", lifetime=FOREVER)])
@pytest.mark.parametrize("scans", [1, 2])
def test_a_row_with_our_id_is_the_outcome_at_once(declared: Any, scans: int) -> None:
    one = attempt(declared)
    row = effect(one)
    found = settled(open_(one), observed([row], scans=scans))
    assert verdicts(found) == [Verdict.APPLIED] and found.state.pending == {}
    entry = found.state.entries[declared.address]
    assert isinstance(entry, Entry)
    assert (entry.bind_id, entry.phone_x, entry.expires_at) == ("row-1", row.phone_x, row.expires_at)
    assert entry.generation == 2 and declared.address in found.adopted


@pytest.mark.parametrize(
    "wrong",
    [
        {"phone_a": phone(99)}, {"phone_b": phone(99)}, {"phone_x": "447700900999"}, {"extension": "999"},
        {"expires_at": NOW + 3 * DAY}, {"expires_at": NEVER}, {"expires_at": NOW},
    ],
)  # fmt: skip
def test_a_row_with_our_id_and_other_values_is_a_decision(wrong: dict[str, Any]) -> None:
    one = attempt(DESK)
    known = open_(one)
    row = effect(one, **wrong)
    found = settled(known, [row])
    assert [decision.code for decision in found.decisions] == ["P301"]
    assert found.events == () and found.state is known
    plan = planned([DESK], known, [row])
    assert plan.empty and [deferred.address for deferred in plan.deferred] == ["bindings.desk"]


@pytest.mark.parametrize("ahead", [90, 2000])
def test_a_stamp_from_a_clock_that_was_wrong_makes_no_mismatch(ahead: int) -> None:
    """One answer told a wrong time, and the next request was stamped by it."""
    right = attempt(DESK)
    one = replace(right, signed_at=right.signed_at + ahead, latest_at=right.latest_at + ahead)
    assert verdicts(settled(open_(one), [effect(one, late=-ahead)])) == [Verdict.APPLIED]


def test_an_end_that_the_listing_does_not_tell_is_no_mismatch() -> None:
    one = attempt(DESK)
    assert verdicts(settled(open_(one), [effect(one, expires_at=None)])) == [Verdict.APPLIED]


def test_two_rows_of_one_id() -> None:
    one = attempt(ORDER)
    rows = [effect(one, "newer", late=9), effect(one, "older", late=1)]
    found = settled(open_(one), rows)
    entry = found.state.entries["bindings.order"]
    assert isinstance(entry, Entry) and entry.bind_id == "older"
    assert list(found.state.superseded) == [("nx", "newer")] and [note.code for note in found.notes] == [
        "P304"
    ]
    plan = planned([ORDER], open_(one), rows)
    assert what(plan) == [("unbind", "order")] and plan.steps[0].unbinds is not None
    assert plan.steps[0].unbinds.bind_id == "newer"


@pytest.mark.parametrize(
    ("started", "scans", "problems", "verdict"),
    [
        (171.0, 2, (), Verdict.ABSENT),
        (170.0, 2, (), Verdict.ABSENT),
        (169.9, 2, (), None),
        (500.0, 1, (), None),
        (500.0, 2, ("a row",), None),
    ],
)
def test_an_absence_counts_in_a_stable_listing_begun_after_the_window(
    started: float, scans: int, problems: tuple[str, ...], verdict: Verdict | None
) -> None:
    one = attempt(ORDER, ago=10)
    seen = observed(started_at=NOW + started, scans=scans, problems=problems)
    found = settled(open_(one), seen, NOW + int(started))
    assert verdicts(found) == ([] if verdict is None else [verdict])
    assert bool(found.state.blocking()) == (verdict is None)


def test_what_was_absent_is_bought_again_with_the_next_generation() -> None:
    one = attempt(ORDER, generation=2, ago=200)
    known = open_(one, generations={"bindings.order": 2})
    found = planned([ORDER], known, [])
    target = found.steps[0].target
    assert isinstance(target, Entry) and target.generation == 3
    assert target.customer_bind_id == customer_bind_id(LINEAGE, "bindings.order", 3)


def test_a_provider_that_was_not_read_tells_nothing() -> None:
    known = open_(attempt(ORDER, ago=999))
    assert settled(known, Observed({})).events == ()
    assert settled(known, observed(providers=("la",))).events == ()


def test_what_may_have_expired_meanwhile_is_closed_as_such() -> None:
    short = axb("order", lifetime=replace(DAILY, lease_seconds=60))
    one = attempt(short, ago=10)
    late = settled(open_(one), observed(started_at=NOW + 300.0), NOW + 300)
    assert verdicts(late) == [Verdict.EXPIRED] and late.state.pending == {}
    early = settled(open_(one), observed(started_at=NOW + 200.0), NOW + 200)
    assert verdicts(early) == [Verdict.ABSENT]


def test_a_mode_that_was_never_listed_is_taken_for_absent_with_a_warning() -> None:
    one = attempt(DESK, ago=999)
    found = settled(replace(open_(one), notes={}), [])
    assert verdicts(found) == [Verdict.ABSENT] and [note.code for note in found.notes] == ["P305"]


def test_a_second_pass_changes_nothing() -> None:
    one = attempt(ORDER)
    seen = observed([effect(one)])
    first = settled(open_(one), seen)
    assert settled(first.state, seen).events == ()


# -- NXCloud, unbind -----------------------------------------------------------------------------------------------------


def unbinding(entry: Entry, address: str, *, down: bool = False, ago: float = 10.0) -> Intent:
    """An unbind whose outcome is not known; with `down` the first half of a change."""
    (old,) = superseded(address, entry).values()
    target = replace(entry, bind_id=None) if down else None
    return intent(
        target,
        address,
        ago=ago,
        operation=Operation.UNBIND,
        bind_id=entry.bind_id,
        unbinds=old,
        provider=entry.provider,
    )


@pytest.mark.parametrize("declared", [ORDER, RIDE])
def test_an_unbind_that_is_no_longer_listed_took_effect(declared: Any) -> None:
    entry = made(declared)
    known = open_(unbinding(entry, declared.address), entries={declared.address: entry})
    found = settled(known, [])
    assert verdicts(found) == [Verdict.APPLIED] and declared.address not in found.state.entries
    assert entry.key in found.state.unbound
    assert settled(known, observed(scans=1)).events == ()


def test_the_first_half_of_a_change_leaves_its_address_down() -> None:
    entry = made(ORDER)
    known = open_(unbinding(entry, ORDER.address, down=True), entries={ORDER.address: entry})
    after = settled(known, []).state.entries[ORDER.address]
    assert isinstance(after, Entry) and after.down and after.down_since == NOW
    assert what(planned([ORDER], known, [])) == [("bind", "order")]


def test_an_unbind_that_is_listed_after_the_window_is_made_again() -> None:
    entry = made(ORDER)
    known = open_(unbinding(entry, ORDER.address, ago=200), entries={ORDER.address: entry})
    assert verdicts(settled(known, [row_of(entry)])) == [Verdict.ABSENT]
    assert what(planned([], known, [row_of(entry)])) == [("unbind", "order")]
    young = open_(unbinding(entry, ORDER.address, ago=10), entries={ORDER.address: entry})
    assert settled(young, [row_of(entry)]).events == ()
    flawed = observed([row_of(entry)], problems=("x",))
    assert settled(known, flawed).events == ()


def test_another_binding_under_the_unbound_id_is_not_it() -> None:
    entry = made(RIDE)
    known = open_(unbinding(entry, RIDE.address, ago=200), entries={RIDE.address: entry})
    other = replace(row_of(entry), phone_a=phone(77))
    assert verdicts(settled(known, [other])) == [Verdict.APPLIED]


# -- LAAFFIC, bind -------------------------------------------------------------------------------------------------------


def test_one_candidate_is_the_outcome() -> None:
    one = attempt(RIDE)
    found = settled(open_(one), [effect(one, phone_x="447700900950")])
    entry = found.state.entries[RIDE.address]
    assert verdicts(found) == [Verdict.APPLIED] and isinstance(entry, Entry) and entry.bind_id == "row-1"


@pytest.mark.parametrize(
    ("late", "adopted"),
    [
        (-STAMP_SLACK_SECONDS, True),
        (-STAMP_SLACK_SECONDS - 1.0, False),
        (0.0, True),
        (1000.0, True),
        (1919.0, True),
        (1922.0, False),
    ],
)
def test_a_candidate_ends_when_the_attempt_would(late: float, adopted: bool) -> None:
    one = attempt(RIDE)
    found = settled(open_(one), observed([effect(one, late=late)], started_at=NOW - 1.0))
    assert (verdicts(found) == [Verdict.APPLIED]) == adopted
    if not adopted:
        assert found.events == ()


@pytest.mark.parametrize(("early", "adopted"), [(1920.0, True), (1923.0, False)])
def test_where_the_clocks_are_apart_an_outcome_may_be_stamped_earlier(early: float, adopted: bool) -> None:
    """One of the vendor's servers told a wrong time: whether ours is right nobody knows either."""
    one = attempt(RIDE)
    told = replace(one, signed_at=one.signed_at + 1984.0)
    found = settled(open_(told), observed([effect(one, late=-early)], started_at=NOW - 1.0))
    assert (verdicts(found) == [Verdict.APPLIED]) == adopted


def test_who_is_no_candidate() -> None:
    one = attempt(RIDE)
    entry = made(ride("other"), bind_id="row-1")
    twin = effect(one)
    assert settled(open_(replace(one, known_ids=("row-1",))), [twin]).events == ()
    assert settled(open_(one, unbound={("la", "row-1"): NOW - 9}), [twin]).events == ()
    assert settled(open_(one, entries={"bindings.other": entry}), [twin]).events == ()
    elsewhere = open_(one, unbound={("la-2", "row-1"): NOW - 9})
    assert verdicts(settled(elsewhere, [twin])) == [Verdict.APPLIED], "another account's ids are its own"
    held = state(pending=pending(one), superseded=superseded("bindings.other", entry))
    assert settled(held, [twin]).events == ()
    assert settled(open_(one), [replace(twin, phone_b=phone(9))]).events == ()
    swapped = replace(twin, phone_a=twin.phone_b or phone(0), phone_b=twin.phone_a)
    assert settled(open_(one), [swapped]).events == ()
    assert settled(open_(one), [replace(twin, phone_x_b="447700900951")]).events == ()
    double = attempt(ride("ride", mode=Mode.AXXB))
    assert settled(open_(double), [effect(double)]).events == ()
    assert verdicts(settled(open_(double), [effect(double, phone_x_b="447700900951")])) == [Verdict.APPLIED]


def test_more_than_one_candidate_is_a_decision() -> None:
    one = attempt(RIDE)
    known = open_(one)
    rows = [effect(one, "row-1"), effect(one, "row-2")]
    found = settled(known, rows)
    assert [decision.code for decision in found.decisions] == ["P302"] and found.events == ()
    assert "row-1, row-2" in found.decisions[0].summary and "pnsync import" in found.decisions[0].advice
    plan = planned([RIDE], known, rows)
    assert plan.empty and plan.unmanaged == 2


def test_an_early_retry_and_a_late_effect_that_is_adopted() -> None:
    first = attempt(RIDE, generation=1, ago=130, attempt="run.1")
    known = open_(first, generations={RIDE.address: 1})
    lapsed = settled(known, [])
    assert verdicts(lapsed) == [Verdict.LAPSED]
    assert lapsed.state.blocking() == {} and lapsed.state.pending["run.1"].standing is Standing.REFUSED
    assert settled(lapsed.state, []).events == ()
    assert what(planned([RIDE], known, [])) == [("bind", "ride")]
    late = settled(lapsed.state, observed([effect(first, late=600)], started_at=NOW + 600.0), NOW + 600)
    assert verdicts(late) == [Verdict.APPLIED] and RIDE.address in late.state.entries
    gone = settled(lapsed.state, observed(started_at=NOW + 1900.0), NOW + 1900)
    assert verdicts(gone) == [Verdict.ABSENT] and gone.state.pending == {}


def test_a_late_effect_beside_a_retry_that_took_effect_is_unbound() -> None:
    first = replace(attempt(RIDE, generation=1, ago=400, attempt="run.1"), known_ids=())
    entry = made(RIDE, generation=2, age=100, bind_id="row-2")
    known = open_(first, standing=Standing.REFUSED, entries={RIDE.address: entry})
    found = settled(known, [row_of(entry), effect(first, late=350)])
    assert verdicts(found) == [] and list(found.state.superseded) == [("la", "row-1")]
    assert what(planned([RIDE], known, [row_of(entry), effect(first, late=350)])) == [("unbind", "ride")]


def test_the_attempt_that_blocks_takes_the_row() -> None:
    first = attempt(RIDE, generation=1, ago=150, attempt="run.1")
    second = attempt(RIDE, generation=2, ago=20, attempt="run.2")
    both = {**pending(first, standing=Standing.REFUSED), **pending(second)}
    row = effect(second, late=2)
    found = settled(state(pending=both), [row])
    entry = found.state.entries[RIDE.address]
    assert isinstance(entry, Entry) and entry.generation == 2 and not found.state.blocking()
    standing = {name: one.standing for name, one in found.state.pending.items()}
    assert standing == {"run.1": Standing.REFUSED, "run.2": Standing.ECHO}


@pytest.mark.parametrize("zone", [0, TRUE_ZONE, -9 * 3600 - 1800, 5 * 3600 + 2700, ZONE_LIMIT_SECONDS])
@pytest.mark.parametrize("off", [-110, 0, 110])
def test_a_zone_that_is_not_known_is_calibrated_by_our_own_bind(zone: int, off: int) -> None:
    one = attempt(RIDE)
    row = effect(one, expires_at=None, naive_expiry=int(one.signed_at) + DAY + zone + off)
    found = settled(open_(one), [row])
    assert verdicts(found) == [Verdict.APPLIED] and Noted("zone.la", str(zone)) in found.events
    entry = found.state.entries[RIDE.address]
    assert isinstance(entry, Entry) and entry.expires_at == int(one.signed_at) + DAY + off, "as listed"


@pytest.mark.parametrize(("ago", "told"), [(779, True), (781, False)])
def test_no_zone_is_learnt_from_what_may_have_taken_effect_a_quarter_of_an_hour_late(
    ago: int, told: bool
) -> None:
    one = attempt(RIDE, ago=ago)
    row = effect(one, expires_at=None, naive_expiry=int(one.signed_at) + DAY + TRUE_ZONE)
    found = settled(open_(one), [row])
    assert verdicts(found) == [Verdict.APPLIED]
    assert any(isinstance(event, Noted) for event in found.events) is told


def test_zones() -> None:
    assert zone_of(1000 + TRUE_ZONE, 1000) == TRUE_ZONE and zone_of(1000 + 300, 1000) is None
    assert (
        zone_of(1000 + 15 * 3600, 1000) is None and zone_of(1119, 1000) == 0 and zone_of(1120, 1000) is None
    )
    assert zone_between(TRUE_ZONE + 1500, 1000, 1600) == TRUE_ZONE
    assert zone_between(20 * 3600, 1000, 1600) is None
    one = attempt(RIDE)
    strange = effect(one, expires_at=None, naive_expiry=int(one.signed_at) + DAY + 30 * 3600)
    assert settled(open_(one), [strange]).events == ()


def test_two_candidates_in_unknown_zones_are_a_decision() -> None:
    one = attempt(RIDE)
    rows = [
        effect(one, f"row-{zone}", expires_at=None, naive_expiry=int(one.signed_at) + DAY + zone)
        for zone in (0, TRUE_ZONE)
    ]
    assert [decision.code for decision in settled(open_(one), rows).decisions] == ["P302"]


def test_beside_the_binding_of_a_settled_attempt_another_of_its_pair_is_a_decision() -> None:
    """A second delivery, or a stranger's: nothing is unbound on a guess."""
    one = replace(attempt(RIDE), known_ids=())
    known = open_(one, standing=Standing.ECHO, entries={RIDE.address: made(RIDE, bind_id="ours")})
    rows = [effect(one, "ours"), effect(one, "other", late=2)]
    found = settled(known, rows)
    assert [decision.code for decision in found.decisions] == ["P302"] and not found.events
    assert "other could be a second delivery of one call, or somebody else's" in found.decisions[0].summary
    gone = open_(one, standing=Standing.ECHO)
    assert [decision.code for decision in settled(gone, rows[1:]).decisions] == ["P302"], "nor taken for ours"
    assert not settled(known, rows[:1]).decisions


# -- adoption ------------------------------------------------------------------------------------------------------------


def test_a_row_in_our_name_space_is_taken_into_the_state() -> None:
    row = row_of(made(DESK, generation=7))
    found = settled(state(), [row], NOW, DESK)
    (event,) = found.events
    assert isinstance(event, Recorded) and isinstance(event.entry, Entry)
    assert (event.entry.generation, event.entry.mode, event.entry.lifetime) == (7, Mode.AXB_EXTENSION, DAILY)
    assert found.state.generations["bindings.desk"] == 7
    assert what(planned([DESK], state(), [row])) == [("adopt", "desk")]


def test_one_that_is_no_longer_declared_is_adopted_and_unbound() -> None:
    known = state(generations={"bindings.desk": 3})
    plan = planned([], known, [row_of(made(DESK, generation=3))])
    assert what(plan) == [("unbind", "desk")] and plan.bookkeeping


def test_one_with_other_values_is_adopted_and_rebound() -> None:
    plan = planned([replace(DESK, phone_a=phone(9))], state(), [row_of(made(DESK))])
    assert what(plan) == [("rebind", "desk")]


def test_rows_of_another_lineage_are_never_touched() -> None:
    row = replace(row_of(made(DESK)), customer_bind_id=customer_bind_id("ffffffff", "bindings.desk", 1))
    found = planned([], state(), [row])
    assert found.empty and found.unmanaged == 1 and found.bookkeeping == ()
    assert settled(State(lineage=""), [row_of(made(DESK))]).events == ()


def test_a_declared_id_proves_nothing() -> None:
    row = row_of(made(axb("order", customer_bind_id="66666666")))
    found = planned([axb("order", customer_bind_id="66666666")], state(), [row])
    assert found.empty and [note.code for note in found.diagnostics] == ["P311"]


@pytest.mark.parametrize("ghost", ["unbound", "expired"])
def test_a_ghost_is_never_adopted(ghost: str) -> None:
    row = row_of(made(DESK))
    known = state(unbound={("nx", "desk-1"): NOW - 3}) if ghost == "unbound" else state()
    seen = replace(row, expires_at=NOW - 1) if ghost == "expired" else row
    assert settled(known, [seen]).events == ()


def test_a_stray_beside_the_recorded_binding_is_unbound() -> None:
    stray = row_of(made(DESK, generation=1))
    known = state(bound(DESK, generation=2))
    found = settled(known, [*rows_of(known), stray])
    (event,) = found.events
    assert isinstance(event, Doubled) and event.superseded is not None and event.key == ("nx", "desk-1")
    lagging = settled(known, [stray])
    assert [type(one) for one in lagging.events] == [Doubled]


def test_the_newest_of_several_strays_is_adopted() -> None:
    found = settled(state(), [row_of(made(DESK, generation=one)) for one in (1, 3, 2)], NOW, DESK)
    entry = found.state.entries["bindings.desk"]
    assert isinstance(entry, Entry) and entry.generation == 3
    assert sorted(found.state.superseded) == [("nx", "desk-1"), ("nx", "desk-2")]


def test_a_stray_ends_what_is_down_or_has_expired() -> None:
    for entry in (replace(made(DESK), bind_id=None), made(DESK, age=2 * DAY)):
        known = state({"bindings.desk": entry})
        found = planned([DESK], known, [row_of(made(DESK, generation=2))])
        assert what(found) == [("adopt", "desk")]


def test_one_whose_address_nobody_remembers_is_unbound_under_a_name_of_its_own() -> None:
    row = row_of(made(desk("forgotten")))
    found = planned([DESK], state(bound(DESK)), [*rows_of(state(bound(DESK))), row])
    assert what(found) == [("unbind", f"lost-{address_hash('bindings.forgotten')}")]


def test_the_row_of_an_attempt_is_no_stray() -> None:
    one = attempt(DESK)
    wrong = effect(one, phone_x="447700900999")
    found = settled(open_(one), [wrong])
    assert found.events == () and len(found.decisions) == 1


def test_a_stray_under_a_renamed_address() -> None:
    from pnsync.model import Moved
    from tests.worlds import desired

    files = desired([desk("new")], moved=(Moved("bindings.desk", "bindings.new"),))
    found = planned(files, state(), [row_of(made(DESK))])
    assert what(found) == [("adopt", "new")]
    recorded = [one for one in found.bookkeeping if isinstance(one, Recorded)]
    assert [(one.address, one.entry is None) for one in recorded] == [
        ("bindings.desk", False), ("bindings.desk", True), ("bindings.new", False),
    ]  # fmt: skip


# -- groups --------------------------------------------------------------------------------------------------------------

CREW = group("crew")


def grouping(operation: Operation, ago: float = 10, known_ids: tuple[str, ...] = ()) -> Intent:
    """A group's call whose outcome is not known."""
    number = "" if operation is Operation.CREATE_GROUP else "g1"
    target = None if operation is Operation.DELETE_GROUP else made_group(CREW, number)
    return intent(
        target,
        "groups.crew",
        ago=ago,
        operation=operation,
        group_id=number or None,
        known_ids=known_ids,
        provider="nx",
    )


def test_create_group() -> None:
    one = grouping(Operation.CREATE_GROUP, known_ids=("theirs",))
    live = [live_group(made_group(CREW, "theirs")), live_group(made_group(CREW, "g1"))]
    found = settled(open_(one), observed([], live))
    entry = found.state.entries["groups.crew"]
    assert verdicts(found) == [Verdict.APPLIED] and isinstance(entry, GroupEntry) and entry.group_id == "g1"
    twice = settled(open_(one), observed([], [*live, live_group(made_group(CREW, "g2"))]))
    assert [decision.code for decision in twice.decisions] == ["P303"]
    other = [
        live_group(made_group(CREW, "g1"), phones=(phone(11),)),
        live_group(made_group(CREW, "g2"), name="x"),
    ]
    assert settled(open_(one), observed([], other)).events == ()
    late = grouping(Operation.CREATE_GROUP, ago=200)
    assert verdicts(settled(open_(late), observed())) == [Verdict.ABSENT]


def test_update_group_is_compared_as_a_set() -> None:
    one = grouping(Operation.UPDATE_GROUP)
    live = live_group(made_group(CREW), phones=(phone(12), phone(11)))
    assert verdicts(settled(open_(one), observed([], [live]))) == [Verdict.APPLIED]
    stale = [live_group(made_group(CREW), phones=(phone(11),))]
    assert settled(open_(one), observed([], stale)).events == ()
    late = grouping(Operation.UPDATE_GROUP, ago=200)
    assert verdicts(settled(open_(late), observed([], stale))) == [Verdict.ABSENT]


def test_delete_group() -> None:
    one = grouping(Operation.DELETE_GROUP)
    known = open_(one, entries={"groups.crew": made_group(CREW)})
    found = settled(known, observed())
    assert verdicts(found) == [Verdict.APPLIED] and found.state.entries == {}
    there = observed([], [live_group(made_group(CREW))])
    assert settled(known, there).events == ()
    late = replace(known, pending=pending(grouping(Operation.DELETE_GROUP, ago=200)))
    assert verdicts(settled(late, there)) == [Verdict.ABSENT]


def test_what_an_adopted_change_needs_besides() -> None:
    one = attempt(ORDER)
    assert what(planned([ORDER], open_(one), [effect(one)])) == [("adopt", "order")]
    changed = planned([axb("order", b=9)], open_(one), [effect(one)])
    assert [(change.action, change.calls) for change in changed.changes] == [(Action.REBIND, 2)]
