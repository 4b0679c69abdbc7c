"""Each situation of a group, whole: what is drafted, deferred, decided, remembered and told, word for word."""

from dataclasses import replace

import pytest

from pnsync.errors import Diagnostic, Severity, SourceSpan
from pnsync.journal import Recorded
from pnsync.model import Group, Holds, Listing, LiveGroup, Mode, Observed
from pnsync.plan import Action, Cause, Deferred
from pnsync.planner.draft import Draft
from pnsync.planner.groups import GroupPlan, plan_groups, settle_groups
from pnsync.state import GroupChange, GroupEntry, Operation, State
from tests.drafts import binding, unbinding
from tests.worlds import (
    DAY,
    NOW,
    PROVIDERS,
    axg,
    bound,
    desired,
    group,
    intent,
    live_group,
    made,
    made_group,
    observed,
    pending,
    phone,
    state,
    superseded,
)

SPAN = SourceSpan("groups.yaml", 3, 1, 9)
CREW = group("crew", remark="night", protect=True, span=SPAN)
ENTRY = made_group(CREW, "g1", file="groups.yaml")
THEIRS = group("pool", None, holds=Holds.NUMBERS, span=SPAN)
BOTH = (phone(11), phone(12))
SHOWN = {"group_name": "crew", "holds": "people", "phones": BOTH, "remark": "night"}


def of(
    groups: list[Group],
    known: State | None = None,
    *live: LiveGroup,
    seen: Observed | None = None,
    **more: bool,
) -> GroupPlan:
    """What is planned for groups at vendors that list these."""
    listings = observed([], live) if seen is None else seen
    return plan_groups(desired([], groups), known or state(), listings, more.pop("destroy", False), **more)


def known(entry: GroupEntry = ENTRY, **more: object) -> State:
    """A state that holds the group."""
    return state({"groups.crew": entry}, **more)


def plan(
    drafts: tuple[Draft, ...] = (),
    ids: dict[str, str | None] | None = None,
    *,
    notes: tuple[Diagnostic, ...] = (),
    decisions: tuple[Diagnostic, ...] = (),
    bookkeeping: tuple[Recorded, ...] = (),
    deferred: tuple[Deferred, ...] = (),
    unchanged: int = 0,
) -> GroupPlan:
    """What is expected."""
    return GroupPlan(drafts, ids or {}, notes, decisions, bookkeeping, deferred, unchanged)


def creation(cause: Cause, reason: str, position: int = 0) -> Draft:
    """The group is made."""
    return Draft(
        "groups.crew", Action.CREATE_GROUP, cause, reason, "nx",
        after=SHOWN, group=replace(ENTRY, group_id=""), source=SPAN, position=position,
    )  # fmt: skip


def error(code: str, summary: str, advice: str, address: str = "groups.crew") -> Diagnostic:
    """A person decides."""
    return Diagnostic(code, f"{address}: {summary}", Severity.ERROR, SPAN, advice=advice, address=address)


def pool(number: str, **more: object) -> LiveGroup:
    """A group that others keep."""
    return live_group(made_group(THEIRS, number), **more)


# -- declared, and ours --------------------------------------------------------------------------------------------------


def test_one_that_is_new_is_made() -> None:
    assert of([CREW]) == plan((creation(Cause.CONFIG, "not in state"),), {"crew": None})
    later = of([THEIRS, CREW], None, live_group(made_group(THEIRS, "p1")))
    assert later.drafts == (creation(Cause.CONFIG, "not in state", 1),)


def test_one_that_is_as_declared_stays() -> None:
    two = group("boys", (21,))
    seen = [live_group(ENTRY), live_group(made_group(two, "g2"))]
    both = state({"groups.crew": ENTRY, "groups.boys": made_group(two, "g2")})
    assert of([CREW, two], both, *seen) == plan(ids={"crew": "g1", "boys": "g2"}, unchanged=2)


def test_one_whose_name_is_taken_is_a_decision() -> None:
    one, other = live_group(ENTRY, group_id="g7"), live_group(ENTRY, group_id="g8")
    assert of([CREW], None, one, other) == plan(
        decisions=(
            error(
                "P323",
                "nx has a group of that name that pnsync did not make: g7, g8",
                "take it over with `pnsync import groups.crew g7`, or choose another `group_name`",
            ),
        )
    )


def test_one_that_the_vendor_lost_is_made_again() -> None:
    assert of([CREW], known()) == plan(
        (creation(Cause.DRIFT, "the vendor no longer lists it"),), {"crew": None}
    )


@pytest.mark.parametrize(
    ("recorded", "listed", "cause", "reason", "change", "sent"),
    [
        ((11,), (11,), Cause.CONFIG, "declared: 1 to add", GroupChange.ADD, (12,)),
        ((11, 12), (11,), Cause.DRIFT, "differs at the vendor: 1 to add", GroupChange.ADD, (12,)),
        ((11, 12), (11, 12, 13, 14), Cause.DRIFT, "differs at the vendor: 2 to remove", GroupChange.REMOVE, (13, 14)),
        ((13,), (13,), Cause.CONFIG, "declared: 2 to add, 1 to remove", GroupChange.REPLACE, (11, 12)),
    ],
)  # fmt: skip
def test_one_with_other_phones_is_changed(
    recorded: tuple[int, ...],
    listed: tuple[int, ...],
    cause: Cause,
    reason: str,
    change: GroupChange,
    sent: tuple[int, ...],
) -> None:
    entry = replace(ENTRY, phones=tuple(phone(one) for one in recorded))
    there = tuple(phone(one) for one in listed)
    assert of([THEIRS, CREW], known(entry), pool("p1"), live_group(entry, phones=there)) == plan(
        (
            Draft(
                "groups.crew", Action.UPDATE_GROUP, cause, reason, "nx",
                before={**SHOWN, "phones": there}, after=SHOWN, changed=("phones",), group=ENTRY,
                group_change=change, group_phones=tuple(phone(one) for one in sent), source=SPAN, position=1,
            ),
        ),
        {"pool": "p1", "crew": "g1"},
    )  # fmt: skip


@pytest.mark.parametrize("other", [{"group_name": "team"}, {"remark": "day"}])
def test_another_name_or_remark_is_not_sent(other: dict[str, str]) -> None:
    entry = replace(ENTRY, **other)  # type: ignore[arg-type]
    assert of([CREW], known(entry), live_group(entry)) == plan(
        ids={"crew": "g1"},
        unchanged=1,
        notes=(
            Diagnostic(
                "P322",
                "groups.crew: a group's name and remark cannot be changed at the vendor; the new ones are not sent",
                Severity.WARNING,
                SPAN,
                advice="declare a new group, move its bindings there, and remove this one",
                address="groups.crew",
            ),
        ),
    )


@pytest.mark.parametrize(
    "before",
    [{"protect": False}, {"holds": Holds.NUMBERS}, {"file": "old.yaml"}, {"phones": (phone(12), phone(11))}],
)
def test_what_only_the_state_keeps_is_recorded(before: dict[str, object]) -> None:
    entry = replace(ENTRY, **before)  # type: ignore[arg-type]
    assert of([CREW], known(entry), live_group(entry)) == plan(
        ids={"crew": "g1"}, unchanged=1, bookkeeping=(Recorded("groups.crew", ENTRY),)
    )


def test_a_declaration_without_a_place_is_in_no_file() -> None:
    bare = replace(CREW, span=None)
    assert of([bare]).drafts[0].group == replace(ENTRY, group_id="", file=None)
    assert of([bare], known(replace(ENTRY, file=None)), live_group(ENTRY)) == plan(
        ids={"crew": "g1"}, unchanged=1
    )


@pytest.mark.parametrize("live", [(), (live_group(ENTRY, provider="nx2", phones=(phone(31),)),)])
def test_one_that_is_declared_at_another_provider_is_a_decision(live: tuple[LiveGroup, ...]) -> None:
    """Its id may be that of somebody else's group there, and the one at the old provider would stay for ever."""
    moved = replace(CREW, provider="nx2")
    assert of([moved], known(), *live, live_group(ENTRY)) == plan(
        decisions=(
            error(
                "P324",
                "it was made at nx and is declared at nx2, and a group cannot move",
                "declare a new group, move its bindings there, and remove this one",
            ),
        )
    )


# -- what a listing does not tell ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recorded", [True, False])
def test_while_a_call_is_open_nothing_is_planned(recorded: bool) -> None:
    one = intent(ENTRY, "groups.crew", operation=Operation.UPDATE_GROUP, provider="nx", group_id="g1")
    before = known(pending=pending(one)) if recorded else state(pending=pending(one))
    waiting = "the outcome of an earlier update_group is not known yet; a later listing tells"
    for files, span, ids in (([CREW], SPAN, {"crew": "g1"}), ([], None, {})):
        later = Deferred("groups.crew", Action.UPDATE_GROUP, "nx", waiting, int(one.not_before) + 1, span)
        if files or recorded:
            assert of(files, before, live_group(ENTRY)) == plan(
                ids=ids if recorded else {}, deferred=(later,)
            )


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (observed(providers=("la",)), "was not read"),
        (observed(problems=("page 2 is missing", "a row is broken")), "cannot be trusted: page 2 is missing; a row is broken"),
    ],
)  # fmt: skip
def test_without_a_listing_nothing_is_concluded(seen: Observed, why: str) -> None:
    hidden = f"the listing of nx {why}"
    create = Deferred("groups.crew", Action.CREATE_GROUP, "nx", hidden, None, SPAN)
    assert of([CREW], seen=seen) == plan(deferred=(create,))
    assert of([CREW], known(), seen=seen) == plan(ids={"crew": "g1"})
    delete = Deferred("groups.crew", Action.DELETE_GROUP, "nx", hidden, None, None)
    assert of([], known(), seen=seen) == plan(deferred=(delete,))


def test_where_nothing_is_to_be_read_what_is_believed_counts() -> None:
    nothing = Observed({})
    assert of([CREW], seen=nothing, refreshed=False) == plan(
        (creation(Cause.CONFIG, "not in state"),), {"crew": None}
    )
    believed = Observed({"nx": Listing("nx", (), (live_group(ENTRY),))})
    fresh = replace(ENTRY, changed_at=NOW)
    assert of([CREW], known(fresh), seen=believed, refreshed=False).ids == {"crew": "g1"}


WINDOW = PROVIDERS["nx"].settle_seconds(Mode.AXG)


@pytest.mark.parametrize("ahead", [0.0, 50.0])
def test_a_listing_soon_after_a_call_tells_nothing(ahead: float) -> None:
    """The vendor's clock stamped the call, ours the listing."""
    entry = replace(ENTRY, changed_at=NOW)
    seen_from = NOW - int(ahead) + WINDOW
    changed = live_group(entry, phones=(phone(11),))
    for files, live, action, reason, span in (
        ([CREW], (), Action.CREATE_GROUP, "created a moment ago and not listed yet", SPAN),
        ([CREW], (changed,), Action.UPDATE_GROUP, "changed a moment ago and not listed so yet", SPAN),
        ([], (), Action.DELETE_GROUP, "created a moment ago and not listed yet", None),
    ):
        soon = observed([], live, started_at=seen_from - 0.5, clock_ahead=ahead)
        later = Deferred("groups.crew", action, "nx", reason, seen_from, span)
        assert of(files, known(entry), seen=soon) == plan(  # type: ignore[arg-type]
            ids={"crew": "g1"} if files else {}, deferred=(later,)
        )
        then = observed([], live, started_at=seen_from, clock_ahead=ahead)
        assert of(files, known(entry), seen=then).deferred == ()  # type: ignore[arg-type]
    assert of([], known(entry), seen=observed([], [changed], started_at=NOW)).deferred == ()


def test_the_window_of_a_call_about_a_group_is_that_of_a_bind_to_one() -> None:
    nx = replace(PROVIDERS["nx"], settle_window_seconds=None)
    entry = replace(ENTRY, changed_at=NOW)
    files = desired([], [CREW], providers={"nx": nx})
    (later,) = plan_groups(files, known(entry), observed(started_at=NOW + 1.0), False).deferred
    assert later.not_before == NOW + nx.capabilities.settle_seconds[Mode.AXG]


def test_of_a_provider_that_is_not_declared_nothing_is_fresh() -> None:
    entry = replace(ENTRY, changed_at=NOW)
    gone = desired([], [], providers={})
    assert plan_groups(gone, known(entry), observed(), False).deferred == ()


# -- no longer declared ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("destroy", [True, False])
def test_one_that_is_not_declared_is_deleted(destroy: bool) -> None:
    assert of([CREW] * destroy, known(), live_group(ENTRY), destroy=destroy) == plan(
        (
            Draft(
                "groups.crew", Action.DELETE_GROUP, Cause.CONFIG, "no longer declared", "nx", before=SHOWN, group=ENTRY
            ),
        )
    )  # fmt: skip


def test_one_that_is_gone_too_is_forgotten() -> None:
    assert of([], known()) == plan(
        (
            Draft(
                "groups.crew", Action.FORGET, Cause.CONFIG, "no longer listed and no longer declared", "nx",
                before=SHOWN, events=(Recorded("groups.crew", None),),
            ),
        )
    )  # fmt: skip


# -- read only ---------------------------------------------------------------------------------------------------------------


def test_one_that_others_keep_is_found_by_its_name_or_id() -> None:
    assert of([THEIRS], None, pool("p1")) == plan(ids={"pool": "p1"})
    by_id = replace(THEIRS, group_id="p2")
    assert of([by_id], None, pool("p1"), pool("p2", name="x")) == plan(ids={"pool": "p2"})


@pytest.mark.parametrize(
    ("one", "wanted"), [(THEIRS, 'the name "pool"'), (replace(THEIRS, group_id="p9"), "group_id p9")]
)
def test_one_that_others_keep_and_is_not_there_is_a_decision(one: Group, wanted: str) -> None:
    assert of([one]) == plan(
        decisions=(
            error(
                "P320",
                f"nx lists no group with {wanted}",
                "create it at the vendor, correct the name, or declare its phones so that pnsync creates it",
                "groups.pool",
            ),
        )
    )
    twice = [pool("p9", name=one.group_name), pool("p9" if one.group_id else "p8", name=one.group_name)]
    (found,) = of([one], None, *twice).decisions
    assert (found.code, found.advice) == ("P321", "name one of them with `group_id:`")
    assert found.summary == f"groups.pool: nx lists 2 groups with {wanted}: " + ", ".join(
        each.group_id for each in twice
    )


@pytest.mark.parametrize(
    ("seen", "more"),
    [(observed(problems=("page 2 is missing",)), {}), (Observed({}), {}), (observed(), {"refreshed": False})],
)
def test_without_a_listing_its_id_is_that_of_what_is_bound_to_it(
    seen: Observed, more: dict[str, bool]
) -> None:
    entries = {
        **bound(axg("a", "other"), group_id="p7"),
        **bound(axg("b", "pool"), group_id=None),
        **bound(axg("c", "pool", provider="nx2"), group_id="p8"),
        **bound(axg("d", "pool"), group_id="p9"),
        **bound(axg("e", "pool"), group_id="p10"),
        "groups.crew": ENTRY,
    }
    files = [THEIRS, CREW]
    assert of(files, state(entries), seen=seen, **more).ids["pool"] == "p9"
    assert "pool" not in of(files, known(), seen=seen, **more).ids
    broken = observed([], [pool("p1")], problems=("page 2 is missing",))
    assert of([THEIRS], state(entries), seen=broken).ids == {"pool": "p1"}


# -- what refers to a group ----------------------------------------------------------------------------------------------


GONE = Draft("groups.crew", Action.DELETE_GROUP, Cause.CONFIG, "", "nx", group=ENTRY, source=SPAN)
TALK = axg("talk", "crew")


def waiting(user: str) -> list[Deferred]:
    """The deletion waits for what refers to the group."""
    reason = f"{user} still refers to it, and this plan does not unbind that"
    return [Deferred("groups.crew", Action.DELETE_GROUP, "nx", reason, None, SPAN)]


def test_a_group_that_a_live_binding_refers_to_is_not_deleted() -> None:
    talk = bound(TALK, group_id="g1")
    assert settle_groups([GONE], state(talk), NOW) == ([], waiting("bindings.talk"))
    first = {**bound(axg("aaa", "crew"), group_id="g1"), **talk}
    assert settle_groups([GONE], state(first), NOW) == ([], waiting("bindings.aaa"))
    unbind = replace(unbinding(TALK), entry=None)
    assert settle_groups([unbind, GONE], state(talk), NOW) == ([unbind, GONE], [])


@pytest.mark.parametrize(
    "changed",
    [
        {"group_id": "g2"}, {"group_id": None}, {"bind_id": None}, {"expires_at": NOW}, {"provider": "nx2"},
    ],
)  # fmt: skip
def test_what_does_not_live_or_refers_to_another_is_no_reason(changed: dict[str, object]) -> None:
    talk = {"bindings.talk": replace(made(TALK, group_id="g1"), **changed)}  # type: ignore[arg-type]
    assert settle_groups([GONE], state({**talk, "groups.crew": ENTRY}), NOW) == ([GONE], [])


@pytest.mark.parametrize(("expires", "waits"), [(NOW + 1, True), (None, True), (NOW, False)])
def test_a_binding_refers_to_its_group_up_to_its_last_second(expires: int | None, waits: bool) -> None:
    talk = {"bindings.talk": replace(made(TALK, group_id="g1"), expires_at=expires)}
    assert (settle_groups([GONE], state(talk), NOW)[1] == waiting("bindings.talk")) is waits


@pytest.mark.parametrize("action", [Action.BIND, Action.FORGET])
def test_what_is_bound_anew_or_forgotten_is_not_live(action: Action) -> None:
    own = Draft("bindings.talk", action, Cause.CONFIG, "", "nx")
    kept, deferred = settle_groups([own, GONE], state(bound(TALK, group_id="g1")), NOW)
    assert (kept, deferred) == ([own, GONE], [])
    more = state({**bound(TALK, group_id="g1"), **bound(axg("walk", "crew"), group_id="g1")})
    assert settle_groups([own, GONE], more, NOW) == ([own], waiting("bindings.walk"))


def test_what_is_to_be_unbound_yet_refers_to_its_group() -> None:
    old = superseded("bindings.talk", made(TALK), group="crew")
    assert settle_groups([GONE], state(superseded=old), NOW) == ([], waiting("bindings.talk"))
    unbind = replace(unbinding(TALK), entry=None)
    assert settle_groups([unbind, GONE], state(superseded=old), NOW) == ([unbind, GONE], [])
    create = creation(Cause.CONFIG, "")
    elsewhere = replace(GONE, address="groups.old", group=replace(ENTRY, group_id="g3"))
    assert settle_groups([create, elsewhere], state(superseded=old), NOW) == ([create, elsewhere], [])
    other = superseded("bindings.talk", made(TALK), group="other")
    assert settle_groups([GONE], state(superseded=other), NOW) == ([GONE], [])


def test_a_bind_to_a_group_that_nothing_makes_waits() -> None:
    bind = replace(binding(TALK), source=SPAN)
    reason = "needs groups.crew, and this plan does not create it"
    later = Deferred("bindings.talk", Action.BIND, "nx", reason, None, SPAN)
    assert settle_groups([bind], state(), NOW) == ([], [later])
    create = creation(Cause.CONFIG, "")
    assert settle_groups([bind, create], state(), NOW) == ([bind, create], [])
    assert bind.target is not None
    there = replace(bind, target=replace(bind.target, group_id="g1"))
    assert settle_groups([there], state(), NOW) == ([there], [])
    assert settle_groups([bind, GONE], state(), NOW + DAY) == ([GONE], [later])
