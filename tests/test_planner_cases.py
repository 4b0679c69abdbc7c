"""Every case of a binding and the whole of what its plan tells: words, places, instants, ids, and what the state learns.

What is told stands in planner_cases.txt, a section for each case. `PNSYNC_WRITE_CASES=1 pytest tests/test_planner_cases.py`
writes that file anew: read the difference before it is kept.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pnsync.errors import SourceSpan
from pnsync.matching import row_of
from pnsync.model import (
    HOUR,
    NEVER,
    Binding,
    Desired,
    Holds,
    Lifetime,
    Limit,
    LiveGroup,
    Moved,
    Observed,
    Policy,
    Schedule,
)
from pnsync.phone import Phone
from pnsync.plan import Plan
from pnsync.planner.table import desired_of_state
from pnsync.policy.holds import Freeze, Hold
from pnsync.policy.limits import Permissions
from pnsync.scope import Scope, Shard, shard_of
from pnsync.state import Entry, Operation, Resting, State
from tests.telling import as_sections, sections, told
from tests.worlds import (
    DAILY,
    DAY,
    FOREVER,
    LISTED,
    NOW,
    PROVIDERS,
    X2,
    X,
    attempt,
    axb,
    axg,
    bound,
    desired,
    desk,
    foreign,
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
)

FILE = Path(__file__).with_name("planner_cases.txt")
CASES: dict[str, Callable[[], str]] = {}


def case(make: Callable[[], str]) -> Callable[[], str]:
    """A case under its function's name."""
    CASES[make.__name__.replace("_", " ")] = make
    return make


def ask(declared: Any, known: Any = None, seen: Any = None, **more: Any) -> str:
    """What the plan of a world tells."""
    before = known if isinstance(known, State) else state(known)
    found: Plan = planned(declared, before, seen, **more)
    return told(found, before)


def placed(one: Binding, line: int = 7) -> Binding:
    """A binding with its place in a file."""
    return replace(one, span=SourceSpan("b.yaml", line))


ORDER = placed(axb("order"))
OURS = made(ORDER)
DUE = made(ORDER, age=DAY - 3600)
ENDED = made(ORDER, age=2 * DAY)
ENTRIES = {"bindings.order": OURS}
LATER = placed(axb("order", b=3, recording=True))
UNTIL = Lifetime(None, until=NOW + 1000, renew_before_seconds=100)
PAST = placed(axb("order", lifetime=replace(UNTIL, until=NOW)))
HOURLY = Schedule(every_seconds=HOUR, late_by_seconds=HOUR)


def unread(*providers: str) -> Observed:
    """A listing of all but these."""
    return observed(providers=[one for one in PROVIDERS if one not in providers])


def untrusted(known: Any, rows: Iterable[Any] | None = None) -> Observed:
    """Everything is listed, and nx shows a row that cannot be read."""
    seen = observed(rows_of(known if isinstance(known, State) else state(known)) if rows is None else rows)
    return Observed({**seen.listings, "nx": replace(seen.listings["nx"], problems=("row 3 has no bindId",))})


# -- the table ---------------------------------------------------------------------------------------------------------


@case
def a_first_bind() -> str:
    return ask([ORDER])


@case
def first_binds_of_every_mode() -> str:
    crew = group("crew", None, group_id="g1")
    files = [ORDER, placed(desk("d", a=3), 8), placed(axg("t", "crew", 4), 9), placed(ride("r", 5, 6), 10)]
    return ask(desired(files, [crew]), state(), observed(groups=[live_group(made_group(crew))]))


@case
def a_first_bind_that_is_over() -> str:
    return ask([PAST])


@case
def first_binds_that_are_over() -> str:
    return ask([PAST, placed(axb("two", 3, 4, lifetime=PAST.lifetime), 8)])


@case
def a_first_bind_whose_provider_was_not_read() -> str:
    return ask([ORDER], None, unread("nx"))


@case
def a_stranger_that_is_equal() -> str:
    return ask([ORDER, placed(axb("two", 3, 4), 8)], None, [foreign(), foreign("f2", 3, 4, expires_at=None)])


@case
def a_stranger_that_is_equal_for_ever() -> str:
    return ask([ORDER], None, [foreign(expires_at=NEVER)])


@case
def a_stranger_in_the_way() -> str:
    return ask([LATER], None, [foreign(b=3)])


@case
def a_live_one_with_our_id() -> str:
    return ask([ORDER], state(), [row_of(OURS)])


@case
def live_ones_with_our_id_under_a_name_moved() -> str:
    files = desired([placed(axb("new"))], moved=(Moved("bindings.order", "bindings.new"),))
    return ask(files, state(), [row_of(OURS)])


@case
def an_attempt_found_under_a_name_moved() -> str:
    files = desired([placed(axb("new"))], moved=(Moved("bindings.order", "bindings.new"),))
    known = state(pending=pending(attempt(axb("order"))), generations={"bindings.order": 2})
    return ask(files, known, [row_of(made(axb("order"), generation=2, age=10))])


@case
def an_attempt_found_under_a_name_whose_new_one_is_taken() -> str:
    files = desired([placed(axb("new", 3, 4))], moved=(Moved("bindings.order", "bindings.new"),))
    new = made(placed(axb("new", 3, 4)))
    known = state({"bindings.new": new}, pending=pending(attempt(ORDER)), generations={"bindings.order": 2})
    return ask(files, known, [row_of(new), row_of(made(ORDER, generation=2, age=10))])


@case
def nothing_to_do() -> str:
    return ask([ORDER], ENTRIES)


@case
def due() -> str:
    return ask([ORDER], {"bindings.order": DUE})


@case
def due_at_a_provider_that_cannot_be_trusted() -> str:
    known = state({"bindings.order": DUE})
    return ask([ORDER], known, untrusted(known))


@case
def renewals_are_spread_over_their_window() -> str:
    """Of two that were bound together the last share is not due; neither where no schedule says how often runs come."""
    wide = replace(DAILY, renew_before_seconds=DAY // 2)
    first, last = (
        placed(axb("gozvbslb", lifetime=wide), 1),
        placed(axb("sueyasec", 3, 4, lifetime=wide), 2),
    )
    known = bound(first, last, age=DAY // 2)
    spread = ask(desired([first, last], schedule=HOURLY), known)
    both = [replace(first, protect=True), replace(last, protect=True)]
    return "\n".join(
        [
            spread,
            "protected by now",
            ask(desired(both, schedule=HOURLY), known),
            "without a schedule",
            ask([first, last], known),
        ]
    )


@case
def declared_otherwise() -> str:
    return ask([LATER], ENTRIES)


@case
def declared_otherwise_and_due() -> str:
    return ask([LATER], {"bindings.order": DUE})


@case
def declared_at_another_provider() -> str:
    moved = placed(axb("order", provider="nx2"))
    return "\n".join(
        [
            ask([moved], ENTRIES),
            "nx2 was not read",
            ask(
                [moved],
                ENTRIES,
                Observed({k: v for k, v in observed([row_of(OURS)]).listings.items() if k != "nx2"}),
            ),
            "nx cannot be trusted",
            ask([moved], ENTRIES, untrusted(ENTRIES)),
        ]
    )


@case
def lost_and_declared_at_another_provider() -> str:
    moved = placed(axb("order", provider="nx2"))
    return "\n".join(
        [
            ask([moved], ENTRIES, []),
            "nx2 was not read",
            ask([moved], ENTRIES, unread("nx2")),
            "nx was not read",
            ask([moved], ENTRIES, unread("nx")),
        ]
    )


@case
def drifted() -> str:
    return ask([ORDER], ENTRIES, [replace(row_of(OURS), phone_b=phone(9), recording=True)])


@case
def drifted_and_declared_otherwise() -> str:
    return ask([LATER], ENTRIES, [replace(row_of(OURS), phone_a=phone(9))])


@case
def drifted_back_to_what_is_declared() -> str:
    return ask([LATER], ENTRIES, [replace(row_of(OURS), phone_b=phone(3), recording=True)])


@case
def asked_for_by_replace() -> str:
    return ask([ORDER], ENTRIES, replace=frozenset({"bindings.order"}))


@case
def asked_for_by_replace_and_due() -> str:
    return ask([ORDER], {"bindings.order": DUE}, replace=frozenset({"bindings.order"}))


@case
def asked_for_by_replace_and_nothing_is_live() -> str:
    asked = frozenset({"bindings.order", "bindings.nothing", "bindings.also"})
    return ask([ORDER, placed(axb("kept", 3, 4), 8)], bound(placed(axb("kept", 3, 4), 8)), replace=asked)


@case
def longer_than_its_declaration() -> str:
    ends = OURS.expires_at or 0
    unknown = replace(OURS, expires_at=None)
    return "\n".join(
        [
            ask([ORDER], ENTRIES, [replace(row_of(OURS), expires_at=NOW + 9 * DAY)]),
            "by no more than a vendor's clock may",
            ask([ORDER], ENTRIES, [replace(row_of(OURS), expires_at=ends + 30)]),
            "by a second more",
            ask([ORDER], ENTRIES, [replace(row_of(OURS), expires_at=ends + 31)]),
            "recorded without an end",
            ask([ORDER], {"bindings.order": unknown}, [replace(row_of(OURS), expires_at=ends + 31)]),
        ]
    )


@case
def longer_than_its_declaration_counted_from_now() -> str:
    entry = replace(OURS, bound_at=None)
    edge = NOW + DAY + 30
    return "\n".join(
        ask([ORDER], {"bindings.order": entry}, [replace(row_of(entry), expires_at=one)])
        for one in (edge, edge + 1)
    )


@case
def without_a_known_end() -> str:
    entry = replace(OURS, expires_at=None)
    return ask([ORDER], {"bindings.order": entry})


@case
def an_end_that_the_listing_tells() -> str:
    return ask([ORDER], ENTRIES, [replace(row_of(OURS), expires_at=NOW + DAY - 3590)])


@case
def an_end_that_the_listing_tells_and_that_has_passed() -> str:
    return ask([ORDER], ENTRIES, [replace(row_of(OURS), expires_at=NOW)])


@case
def an_end_that_has_passed_of_what_is_kept_for_ever() -> str:
    entry = made(axb("order", lifetime=FOREVER), expires_at=NOW)
    return ask([ORDER], {"bindings.order": entry}, [row_of(entry)])


@case
def lost() -> str:
    return ask([ORDER], ENTRIES, [])


@case
def lost_and_over() -> str:
    entry = made(axb("order", lifetime=replace(UNTIL, until=NOW + 9)))
    two = placed(axb("two", 3, 4, lifetime=PAST.lifetime), 8)
    return ask(
        [PAST, two], {"bindings.order": entry, "bindings.two": replace(made(two), expires_at=NOW + 9)}, []
    )


@case
def lost_a_moment_after_it_was_bound() -> str:
    return ask([ORDER], bound(ORDER, age=100), [])


@case
def lost_or_not_listed() -> str:
    return ask([ORDER], ENTRIES, untrusted(ENTRIES, []))


@case
def lost_with_fixed_numbers() -> str:
    one, other = placed(desk("d")), placed(desk("d", "102"))
    return ask([other], bound(one), []) + "\nthe same again\n" + ask([one], bound(one), [])


@case
def expired() -> str:
    return ask([ORDER], {"bindings.order": ENDED}, [])


@case
def expired_at_a_provider_that_was_not_read() -> str:
    return ask([ORDER], {"bindings.order": ENDED}, unread("nx"))


@case
def expired_and_bound_once() -> str:
    once = placed(axb("order", lifetime=replace(DAILY, keep=False)))
    ended = made(once, age=DAY)
    return "\n".join(
        [
            ask([once], bound(once, age=DAY + 600), []),
            "at this instant, and listed",
            ask([once], {"bindings.order": ended}, [row_of(ended)]),
        ]
    )


@case
def expired_and_bound_once_and_found_just_now() -> str:
    once = placed(axb("order", lifetime=replace(DAILY, keep=False)))
    lost = attempt(once, ago=DAY + 600)
    row = replace(row_of(made(once, generation=2)), expires_at=NOW - 600)
    return ask([once], state(pending=pending(lost), generations={"bindings.order": 2}), [row])


@case
def expired_and_over() -> str:
    return ask([PAST], bound(PAST), [])


@case
def expired_numbers_rest_once() -> str:
    one = placed(desk("d", lifetime=replace(DAILY, keep=False)))
    known = state(bound(one, age=DAY + 600))
    found = planned([one], known, [])
    from pnsync.journal import replay

    return told(found, known) + "\nonce more\n" + ask([one], replay(known, found.bookkeeping), [])


@case
def expired_and_declared_with_other_numbers() -> str:
    return ask([placed(desk("d", "102"))], bound(placed(desk("d")), age=DAY + 600), [])


@case
def over_and_live_until_then() -> str:
    entry = made(axb("order", lifetime=replace(UNTIL, until=NOW)), expires_at=NOW + 30)
    files, known, _ = _group_id_only(PAST)
    talk = replace(known.bindings()["bindings.t"], expires_at=NOW + 30)
    seen = observed([row_of(talk)], [live_group(made_group(group("crew"), "g2"))])
    return "\n".join(
        [ask([PAST], {"bindings.order": entry}), "in a group", ask(files, {"bindings.t": talk}, seen)]
    )


@case
def over_and_live_beyond() -> str:
    entry = made(PAST, expires_at=NOW + 31)
    row = row_of(entry)
    config = made(axb("order", lifetime=replace(UNTIL, until=NOW + 900)))
    return "\n".join(
        [
            ask([PAST], {"bindings.order": entry}, [row]),
            "as the listing tells",
            ask([PAST], {"bindings.order": entry}, [replace(row, expires_at=NOW + 77)]),
            "declared otherwise",
            ask([PAST], {"bindings.order": config}),
            "cannot be trusted",
            ask([PAST], {"bindings.order": entry}, untrusted({}, [row])),
            "under another group id",
            ask(*_group_id_only(PAST)),
        ]
    )


def _group_id_only(past: Binding) -> tuple[Desired, State, Observed]:
    crew = group("crew", None, group_id="g2")
    one = placed(axg("t", "crew", lifetime=past.lifetime))
    entry = made(one, expires_at=NOW + 31, group_id="g1")
    seen = observed([row_of(entry)], [live_group(made_group(crew, "g2"))])
    return desired([one], [crew]), state({"bindings.t": entry}), seen


@case
def down() -> str:
    entry = replace(OURS, bind_id=None, down_since=NOW - 60)
    return "\n".join(
        [
            ask([ORDER], {"bindings.order": entry}),
            "since when is not known",
            ask([ORDER], {"bindings.order": replace(entry, down_since=None)}),
            "not read",
            ask([ORDER], {"bindings.order": entry}, unread("nx")),
            "over",
            ask([PAST], {"bindings.order": entry}),
            "no longer declared",
            ask([], {"bindings.order": entry}),
        ]
    )


# -- not declared ------------------------------------------------------------------------------------------------------


@case
def no_longer_declared() -> str:
    return ask([], ENTRIES)


@case
def no_longer_declared_and_not_as_recorded() -> str:
    return ask([], ENTRIES, [replace(row_of(OURS), expires_at=NOW + 99, phone_x=X)])


@case
def no_longer_declared_and_its_file_is_gone() -> str:
    return (
        "\n".join(ask(desired([], files=files), ENTRIES) for files in ((), ("b.yaml",), ("a.yaml", "c.yaml")))
        + "\n"
        + ask(desired([], files=("a.yaml",)), bound(axb("order")))
    )


@case
def no_longer_enabled() -> str:
    return ask([replace(ORDER, enabled=False)], ENTRIES)


@case
def destroyed() -> str:
    held = Hold("bindings.order", "why", NOW - 60).note()
    known = state({**ENTRIES, **bound(axb("two", 3, 4))}, notes={**LISTED, held.key: held.value})
    return ask([ORDER, axb("three", 5, 6)], known, destroy=True)


@case
def no_longer_declared_and_lost() -> str:
    return ask([], ENTRIES, [])


@case
def no_longer_enabled_and_lost_a_moment_ago() -> str:
    return ask([replace(ORDER, enabled=False)], bound(ORDER, age=100), [])


@case
def no_longer_declared_and_not_listed() -> str:
    return ask([], ENTRIES, untrusted(ENTRIES, [])) + "\nlisted\n" + ask([], ENTRIES, untrusted(ENTRIES))


@case
def no_longer_declared_and_expired() -> str:
    one = made(placed(desk("d")), expires_at=NOW)
    listed = made(placed(desk("d")), expires_at=NOW + 500)
    return "\n".join(
        [
            ask([], {"bindings.d": one}, []),
            "as the listing tells",
            ask([], {"bindings.d": listed}, [replace(row_of(listed), expires_at=NOW - 5)]),
            "by our clock, and not by the vendor's, who lists it",
            *(
                ask(
                    [],
                    {"bindings.d": one},
                    observed([replace(row_of(one), expires_at=NOW - left)], clock_ahead=-100.0),
                )
                for left in (99, 100)
            ),
            "an hour ago",
            ask([], {"bindings.d": replace(one, expires_at=NOW - HOUR)}, []),
            "at a provider that was not read",
            ask([], {"bindings.d": one}, unread("nx")),
            "at a provider that is no longer configured",
            ask(desired([], providers={"nx2": PROVIDERS["nx2"]}), {"bindings.d": one}, unread("nx")),
            "where nothing may be missing",
            ask(desired([], policy=Policy(max_missing=Limit(count=0))), {"bindings.d": one}, []),
            "without quarantine",
            ask(desired([], policy=Policy(quarantine_seconds=0)), {"bindings.d": one}, []),
        ]
    )


@case
def no_longer_listed_and_ended_by_the_vendors_clock() -> str:
    """Ours is five minutes behind."""
    one = made(desk("d"), expires_at=NOW + 10)
    once = placed(desk("d", lifetime=replace(DAILY, keep=False)))
    seen = observed([], clock_ahead=300.0)
    return "\n".join(
        [
            "declared",
            ask([placed(desk("d"))], {"bindings.d": one}, seen),
            "declared, and not to be kept",
            ask([once], {"bindings.d": replace(one, lifetime=once.lifetime)}, seen),
            "no longer declared",
            ask([], {"bindings.d": one}, seen),
        ]
    )


@case
def no_longer_declared_with_an_open_attempt() -> str:
    one = intent(None, "bindings.order", operation=Operation.UNBIND, bind_id=OURS.bind_id)
    half = intent(
        replace(OURS, bind_id=None), "bindings.order", operation=Operation.UNBIND, bind_id=OURS.bind_id
    )
    off = replace(ORDER, enabled=False)
    again = attempt(ORDER)
    return "\n".join(
        [
            ask([], state(ENTRIES, pending=pending(one))),
            "half of a change",
            ask([], state(ENTRIES, pending=pending(half))),
            "a bind",
            ask([], state(ENTRIES, pending=pending(again))),
            "switched off",
            ask([off], state(ENTRIES, pending=pending(one))),
        ]
    )


@case
def superseded_ones() -> str:
    twin = replace(OURS, bind_id="order-0", customer_bind_id="pns-7c4d1a2b-000000000000-1")
    known = state(ENTRIES, superseded=superseded("bindings.order", twin))
    row = row_of(twin)
    return "\n".join(
        [
            ask([ORDER], known, [row_of(OURS), row]),
            "gone",
            ask([ORDER], known, [row_of(OURS)]),
            "listed, and its end has passed",
            ask([ORDER], known, [row_of(OURS), replace(row, expires_at=NOW)]),
            "cannot be trusted",
            ask([ORDER], known, untrusted({}, [row_of(OURS), row])),
            "not read",
            ask([ORDER], known, unread("nx")),
            "not read, and ended",
            ask([ORDER], known, unread("nx"), now=NOW + DAY - HOUR),
            "with an open attempt",
            ask([ORDER], replace(known, pending=pending(attempt(ORDER))), [row_of(OURS), row]),
        ]
    )


@case
def superseded_ones_of_a_mode_that_was_never_listed() -> str:
    desks, crews = made(desk("d")), made(axg("t", "crew", phone_x=X2), bind_id="t-1")
    said = []
    for notes in ({}, {"lists.nx.axb_extension": "yes"}, {"lists.nx.axg": "yes"}):
        for name, old, more in (("d", desks, {}), ("t", crews, {"group": "crew"}), ("order", OURS, {})):
            known = state(superseded=superseded(f"bindings.{name}", old, **more), notes=notes)
            said += [f"{name} with {sorted(notes)}", ask([], known, [])]
    return "\n".join(said)


# -- attempts ----------------------------------------------------------------------------------------------------------


@case
def an_open_attempt() -> str:
    return "\n".join(
        [
            ask([ORDER], state(pending=pending(attempt(ORDER))), []),
            "declared otherwise by now",
            ask([LATER], state(pending=pending(attempt(ORDER))), []),
            "of a renewal",
            ask([ORDER], state({"bindings.order": DUE}, pending=pending(attempt(ORDER)))),
            "of a rebind",
            ask([LATER], state(ENTRIES, pending=pending(attempt(LATER)))),
            "of a bind after an unbind",
            ask(
                [ORDER],
                state({"bindings.order": replace(OURS, bind_id=None)}, pending=pending(attempt(LATER))),
            ),
        ]
    )


@case
def an_open_attempt_of_an_unbind() -> str:
    gone = intent(None, "bindings.order", operation=Operation.UNBIND, bind_id=OURS.bind_id)
    half = intent(
        replace(OURS, bind_id=None), "bindings.order", operation=Operation.UNBIND, bind_id=OURS.bind_id
    )
    return "\n".join(ask([ORDER], state(ENTRIES, pending=pending(one))) for one in (gone, half))


@case
def an_open_attempt_under_a_name_moved() -> str:
    files = desired([placed(axb("new"))], moved=(Moved("bindings.order", "bindings.new"),))
    return ask(files, state(ENTRIES, pending=pending(attempt(ORDER))))


# -- what is wanted ----------------------------------------------------------------------------------------------------


@case
def a_provider_that_is_not_configured() -> str:
    nowhere = placed(axb("order", provider="nx2"))
    files = desired([nowhere], providers={"nx": PROVIDERS["nx"]})
    return (
        ask(files, state(), observed(providers=["nx"]))
        + "\nlive and due\n"
        + ask(files, {"bindings.order": DUE}, observed([row_of(DUE)], providers=["nx"]))
    )


@case
def ids_follow_the_generation() -> str:
    """A declared id is sent once, then with a number; LAAFFIC takes none."""
    declared = placed(axb("order", customer_bind_id="66"))
    return "\n".join(
        [
            ask([declared], state()),
            "bound again",
            ask([declared], bound(declared, age=2 * DAY, generation=3), []),
            "sent for another address before",
            ask([declared], state(generations={"ids.66": 7})),
            "at LAAFFIC",
            ask([placed(ride("r", 1, 2))], bound(ride("r", 1, 2), age=2 * DAY), []),
            "without a lineage",
            ask([ORDER], replace(state(), lineage="")),
        ]
    )


CREW = group("crew", None, group_id="g1", span=SourceSpan("g.yaml", 3))
TALK = placed(axg("t", "crew"))


@case
def a_group_that_was_made_again() -> str:
    known = state({"bindings.t": made(TALK, group_id="g1")})
    other = replace(CREW, group_id="g2")
    seen = observed(rows_of(known), [live_group(made_group(CREW, "g2"))])
    asked = frozenset({"bindings.t"})
    return "\n".join(
        [
            ask(desired([TALK], [other]), known, seen),
            "and asked for by --replace",
            ask(desired([TALK], [other]), known, seen, replace=asked),
            "and declared otherwise",
            ask(desired([replace(TALK, recording=True)], [other]), known, seen),
            "and moved to another group",
            ask(
                desired([placed(axg("t", "other"))], [other, replace(CREW, name="other", group_id="g3")]),
                known,
                observed(
                    rows_of(known), [LiveGroup("nx", "g2", "crew", ()), LiveGroup("nx", "g3", "other", ())]
                ),
            ),
        ]
    )


@case
def a_group_id_is_learned() -> str:
    known = state({"bindings.t": made(TALK, group_id=None)})
    return ask(desired([TALK], [CREW]), known, observed(rows_of(known), [live_group(made_group(CREW))]))


@case
def a_group_that_is_not_settled() -> str:
    entry = made(TALK, group_id="g1", age=DAY - HOUR)
    other = placed(axg("t", "other"))
    lost = replace(CREW, name="other", group_id="g9")
    live = observed([row_of(entry)])
    return "\n".join(
        [
            ask(desired([TALK], [CREW]), state(), live),
            "kept, as its own group's id is known",
            ask(desired([TALK], [CREW]), {"bindings.t": entry}, live),
            "moved to it, and due",
            ask(desired([other], [lost]), {"bindings.t": entry}, live),
            "without an id, and due",
            ask(desired([TALK], [CREW]), {"bindings.t": replace(entry, group_id=None)}, live),
            "lost",
            ask(desired([other], [lost]), {"bindings.t": entry}, observed()),
        ]
    )


POOL = group("pool", None, holds=Holds.NUMBERS)
AUTO = placed(desk("d", None, phone_x=None, x_group="pool", extension_auto=True))


def numbers(*xs: str, rows: Iterable[Any] = ()) -> Observed:
    """A listing with the pool's numbers."""
    return observed(rows, [LiveGroup("nx", "g-pool", "pool", tuple(Phone(one) for one in xs))])


@case
def numbers_that_pnsync_chooses() -> str:
    entry = made(AUTO, phone_x=X, extension="101")
    row = row_of(entry)
    return "\n".join(
        [
            ask(desired([AUTO], [POOL]), state(), numbers(X)),
            "kept",
            ask(desired([AUTO], [POOL]), {"bindings.d": entry}, numbers(X, rows=[row])),
            "renewed with the same",
            ask(
                desired([AUTO], [POOL]),
                {"bindings.d": replace(entry, expires_at=NOW + 60)},
                numbers(X, rows=[replace(row, expires_at=NOW + 60)]),
            ),
            "the vendor shows another extension",
            ask(
                desired([AUTO], [POOL]), {"bindings.d": entry}, numbers(X, rows=[replace(row, extension="7")])
            ),
            "recorded as fixed",
            ask(
                desired([AUTO], [POOL]),
                {"bindings.d": replace(entry, x_group=None, extension_auto=False)},
                numbers(X, rows=[row]),
            ),
        ]
    )


@case
def numbers_that_a_file_fixes_for_another() -> str:
    entry = made(AUTO, phone_x=X, extension="101")
    return ask(
        desired([AUTO, placed(desk("e", a=5), 9)], [POOL]),
        {"bindings.d": entry},
        numbers(X, rows=[row_of(entry)]),
    )


@case
def numbers_of_a_group_that_are_not_known() -> str:
    entry = made(AUTO, phone_x=None, extension=None, bind_id=None)
    return "\n".join(
        [
            ask(desired([AUTO], [POOL]), state(), observed()),
            "down",
            ask(desired([AUTO], [POOL]), {"bindings.d": entry}, observed()),
            "declared with fixed numbers before",
            ask(
                desired([AUTO], [POOL]),
                bound(desk("d", "5", phone_x="15550100")),
                observed(rows_of(state(bound(desk("d", "5", phone_x="15550100"))))),
            ),
        ]
    )


@case
def numbers_run_out() -> str:
    tight = replace(POOL, extension_range=(101, 101))
    three = [replace(AUTO, name=f"d{one}", phone_a=phone(one)) for one in (1, 2, 3)]
    fixed = [replace(one, phone_x=X, x_group=None) for one in three]
    part, first = Scope(("bindings.d3",)), Scope(("bindings.d1",))
    return "\n".join(
        [
            ask(desired(three, [tight]), state(), numbers(X)),
            "for what was asked for",
            ask(desired(three, [tight]), state(), numbers(X), scope=part),
            "for what was not asked for",
            ask(desired(three, [tight]), state(), numbers(X), scope=first),
            "of one number",
            ask(desired(fixed, [tight]), state(), numbers(X)),
            "of one number, for what was asked for",
            ask(desired(fixed, [tight]), state(), numbers(X), scope=part),
            "of one number, for what was not asked for",
            ask(desired(fixed, [tight]), state(), numbers(X), scope=first),
        ]
    )


@case
def numbers_of_two_groups_run_out() -> str:
    tight = [
        replace(POOL, name=name, group_id=f"g-{name}", extension_range=(101, 101)) for name in ("one", "two")
    ]
    four = [
        replace(AUTO, name=f"d{one}", phone_a=phone(one), x_group=("one", "two")[one % 2])
        for one in range(1, 5)
    ]
    groups = [LiveGroup("nx", f"g-{name}", name, (Phone(x),)) for name, x in (("one", X), ("two", X2))]
    return ask(desired(four, tight), state(), observed((), groups))


@case
def numbers_that_rest() -> str:
    tight = replace(POOL, extension_range=(101, 101))
    rests = (Resting("nx", X, "bindings.other", NOW + 500, extension="101"),)
    was = made(placed(desk("d", "7", phone_x=X2)))
    down = replace(was, bind_id=None)
    return "\n".join(
        [
            ask(desired([AUTO], [tight]), state(quarantine=rests), numbers(X)),
            "live with others",
            ask(
                desired([AUTO], [tight]),
                state({"bindings.d": was}, quarantine=rests),
                numbers(X, rows=[row_of(was)]),
            ),
            "down",
            ask(desired([AUTO], [tight]), state({"bindings.d": down}, quarantine=rests), numbers(X)),
        ]
    )


@case
def what_cannot_have_its_numbers_is_renewed_with_those_it_has() -> str:
    """The pool it is to move to has none to give: its own are kept meanwhile, to the day on which it changes."""
    empty = replace(POOL, extension_range=(101, 101))
    other = placed(desk("other", "101", a=5), 9)
    fixed = placed(desk("d", "7", phone_x=X2, customer_bind_id="66"), 8)
    wants = replace(AUTO, customer_bind_id="66", lifetime=replace(DAILY, lease_seconds=3 * HOUR))
    late = made(fixed, age=DAY - 60, generation=4)
    files = desired([wants, other], [empty])
    world = {"bindings.d": late, **bound(other)}

    def after(entry: Entry, files: Desired = files, more: Iterable[Any] = (), **given: Any) -> str:
        entries = {**world, "bindings.d": entry}
        return ask(files, entries, numbers(X, rows=[row_of(entry), row_of(made(other)), *more]), **given)

    never = desired([replace(wants, lifetime=FOREVER), other], [empty])
    over = desired([replace(wants, lifetime=replace(UNTIL, until=NOW)), other], [empty])
    kept = desired([replace(wants, lifetime=replace(DAILY, keep=False)), other], [empty])
    nowhere = desired([wants, other], [empty], providers={"nx": PROVIDERS["nx"]})
    there = replace(late, provider="nx2")
    spread = replace(wants, lifetime=replace(DAILY, renew_before_seconds=DAY // 2), name="sueyasec")
    return "\n".join(
        [
            after(late),
            "not due yet",
            after(made(fixed)),
            "due at this instant",
            after(replace(late, expires_at=NOW + DAY // 5)),
            "a second before",
            after(replace(late, expires_at=NOW + DAY // 5 + 1)),
            "ends now",
            after(replace(late, expires_at=NOW)),
            "due as the listing tells",
            ask(
                files,
                world | {"bindings.d": made(fixed, generation=4)},
                numbers(
                    X,
                    rows=[
                        replace(row_of(made(fixed, generation=4)), expires_at=NOW + 50),
                        row_of(made(other)),
                    ],
                ),
            ),
            "beside another that is due",
            ask(
                files,
                {"bindings.d": late, "bindings.other": made(other, age=DAY - 30)},
                numbers(X, rows=[row_of(late), row_of(made(other, age=DAY - 30))]),
            ),
            "without a known end",
            after(replace(late, expires_at=None)),
            "wanted for ever",
            after(late, never),
            "wanted no longer",
            after(late, over),
            "bound once",
            after(late, kept),
            "at a provider that is no longer configured",
            ask(
                nowhere, {**world, "bindings.d": there}, numbers(X, rows=[row_of(there), row_of(made(other))])
            ),
            "at another provider",
            ask(files, {**world, "bindings.d": there}, numbers(X, rows=[row_of(there), row_of(made(other))])),
            "that cannot be trusted",
            ask(
                files,
                {**world, "bindings.d": there},
                _distrust(numbers(X, rows=[row_of(there), row_of(made(other))]), "nx2"),
            ),
            "with the last share of its window",
            ask(
                desired([spread, other], [empty], schedule=HOURLY),
                {**bound(other), "bindings.sueyasec": replace(late, expires_at=NOW + DAY // 2)},
                numbers(X, rows=[row_of(replace(late, expires_at=NOW + DAY // 2)), row_of(made(other))]),
            ),
            "lost",
            ask(files, world, numbers(X, rows=[row_of(made(other))])),
        ]
    )


def _distrust(seen: Observed, name: str) -> Observed:
    return Observed({**seen.listings, name: replace(seen.listings[name], problems=("two scans differ",))})


@case
def what_leaves_a_drained_number() -> str:
    drains = replace(POOL, drain=frozenset({X}))
    entry = made(AUTO, phone_x=X, extension="101")
    late = replace(entry, expires_at=NOW + 60)
    ever = replace(AUTO, lifetime=FOREVER)
    stays = made(ever, phone_x=X, extension="101")
    asked = frozenset({"bindings.d"})

    def of(one: Binding, was: Entry, row: Any = None, **more: Any) -> str:
        rows = [row or row_of(was)]
        return ask(desired([one], [drains]), {"bindings.d": was}, numbers(X, X2, rows=rows), **more)

    return "\n".join(
        [
            of(AUTO, entry),
            "due",
            of(AUTO, late),
            "due and asked for by --replace",
            of(AUTO, late, replace=asked),
            "due and drifted",
            of(AUTO, late, replace(row_of(late), recording=True)),
            "due and declared otherwise",
            of(replace(AUTO, phone_a=phone(9)), late),
            "for ever",
            of(ever, stays),
            "for ever and asked for by --replace",
            of(ever, stays, replace=asked),
            "for ever and declared otherwise",
            of(replace(ever, recording=True), stays),
            "for ever until now",
            of(ever, late),
            "its extension is not free on the other",
            *(
                ask(
                    desired([one, placed(desk("e", "101", a=5, phone_x=X2), 9)], [drains]),
                    {"bindings.d": was, **bound(desk("e", "101", a=5, phone_x=X2))},
                    numbers(X, X2, rows=[row_of(was), row_of(made(desk("e", "101", a=5, phone_x=X2)))]),
                )
                for one, was in ((AUTO, late), (ever, stays))
            ),
            "with an extension that a file fixes",
            of(replace(ever, extension="101", extension_auto=False), replace(stays, extension_auto=False)),
        ]
    )


# -- kept --------------------------------------------------------------------------------------------------------------


@case
def what_only_the_files_know_is_recorded() -> str:
    lines = []
    for more in (
        {"protect": True},
        {"labels": (("team", "west"),)},
        {"lifetime": replace(DAILY, renew_before_seconds=60)},
        {"span": SourceSpan("c.yaml", 1)},
        {"phone_x": X2},
    ):
        lines += [f"{sorted(more)}", ask([replace(ORDER, **more)], ENTRIES)]  # type: ignore[arg-type]
    return "\n".join(lines)


@case
def a_declared_id_that_it_was_imported_with_is_recorded() -> str:
    entry = replace(OURS, customer_bind_id="66")
    return ask([placed(axb("order", customer_bind_id="66"))], {"bindings.order": entry})


@case
def an_end_learned_with_something_else() -> str:
    one = placed(axb("order", protect=True))
    return ask([one], ENTRIES, [replace(row_of(OURS), expires_at=NOW + DAY - 3590)])


@case
def a_number_that_the_vendor_lists_is_recorded() -> str:
    return ask([ORDER], ENTRIES, [replace(row_of(OURS), phone_x=X, phone_x_b=X2)])


# -- modes that no listing shows ---------------------------------------------------------------------------------------


def believed(one: Binding, files: Desired | None = None, entry: Entry | None = None, **more: Any) -> str:
    """A desk whose provider was never seen to list one."""
    known = state({one.address: entry or made(one)}, notes={})
    return ask(files or [one], known, observed(groups=[live_group(made_group(CREW))]), **more)


@case
def believed_ones() -> str:
    one = placed(desk("d"))
    ended = placed(desk("d", lifetime=replace(UNTIL, until=NOW)))
    wide = replace(DAILY, renew_before_seconds=DAY // 2)
    spread = placed(desk("sueyasec", lifetime=wide))
    two = [placed(desk("d")), placed(desk("e", "102", a=3), 8), placed(axg("t", "crew", 4), 9)]
    entries = {**bound(two[0], two[1]), "bindings.t": made(two[2], group_id="g1")}
    return "\n".join(
        [
            believed(one),
            "two and one",
            ask(
                desired(two, [CREW]),
                state(entries, notes={}),
                observed(groups=[live_group(made_group(CREW))]),
            ),
            "its end has passed",
            believed(ended, entry=replace(made(ended), expires_at=NOW + 5)),
            "declared otherwise",
            believed(replace(one, phone_a=phone(8)), entry=made(one)),
            "asked for by --replace",
            believed(one, replace=frozenset({"bindings.d"})),
            "due",
            believed(one, entry=made(one, age=DAY - 60)),
            "due at this instant",
            believed(one, entry=made(one, expires_at=NOW + DAY // 5)),
            "a second before",
            believed(one, entry=made(one, expires_at=NOW + DAY // 5 + 1)),
            "the last share of its window",
            believed(spread, desired([spread], schedule=HOURLY), made(spread, age=DAY // 2)),
            "protected by now",
            believed(replace(one, protect=True), entry=made(one)),
            "no longer declared",
            ask([], state(bound(one), notes={}), []),
            "renewed only",
            _renewed(state(bound(one), notes={}), observed(), replace=frozenset({"bindings.d"})),
            "expired",
            believed(one, entry=made(one, age=DAY + 60)),
        ]
    )


@case
def a_believed_one_of_a_group_that_was_made_again() -> str:
    entry = made(TALK, group_id="g0")
    other = placed(axg("t", "crew", recording=True))
    return "\n".join(
        [
            believed(TALK, desired([TALK], [CREW]), entry),
            "declared otherwise",
            believed(other, desired([other], [CREW]), entry),
        ]
    )


@case
def a_believed_one_of_a_pool() -> str:
    """What is believed live leaves a drained number when it is rebound anyhow, and is not renewed."""
    drains = replace(POOL, drain=frozenset({X}))
    entry = made(AUTO, phone_x=X, extension="101")
    return "\n".join(
        ask(
            desired([one], [drains]),
            state({"bindings.d": entry}, notes={}),
            numbers(X, X2),
        )
        for one in (AUTO, replace(AUTO, phone_a=phone(9)), replace(AUTO, lifetime=FOREVER))
    )


# -- the whole ---------------------------------------------------------------------------------------------------------


@case
def the_first_time_that_a_mode_is_listed() -> str:
    one, talk, two = placed(desk("d")), TALK, placed(desk("e", provider="nx2"))
    known = state({**bound(one, two), "bindings.t": made(talk, group_id="g1")}, notes={"lists.nx.axg": "yes"})
    seen = observed(rows_of(known), [live_group(made_group(CREW))])
    files = desired([one, two, talk], [CREW])
    return ask(files, known, seen) + "\nnot asked\n" + ask(files, known, Observed({}), refreshed=False)


@case
def without_asking_the_vendor() -> str:
    known = state(bound(placed(axb("kept")), placed(axb("gone", 3, 4), 8)))
    return ask([placed(axb("kept")), placed(axb("new", 5, 6), 9)], known, Observed({}), refreshed=False)


@case
def a_hold() -> str:
    free = Hold("bindings.order", "inquiry", NOW - 60, NOW + 500)
    over = Hold("bindings.order", "inquiry", NOW - 60, NOW)
    other = Hold("bindings.two", "second", NOW - 5)

    def held(*holds: Hold, entries: Any = None) -> State:
        notes = {one.note().key: one.note().value for one in holds}
        return state(ENTRIES if entries is None else entries, notes={**LISTED, **notes})  # type: ignore[dict-item]

    moved = desired([placed(axb("job"))], moved=(Moved("bindings.order", "bindings.job"),))
    due = {"bindings.order": DUE}
    gone = intent(None, "bindings.order", ago=4000, operation=Operation.UNBIND, bind_id=OURS.bind_id)
    return "\n".join(
        [
            ask([ORDER], held(free)),
            "bound already",
            ask([ORDER], held(free, entries={})),
            "over",
            ask([ORDER], held(over)),
            "under another name",
            ask(moved, held(free)),
            "over, under another name",
            ask(moved, held(over)),
            "of what nobody declares",
            ask([ORDER], held(other)),
            "two",
            ask([ORDER, axb("two", 3, 4)], held(other, free)),
            "renewed only",
            _renewed(held(free, entries=due), None),
            "renewed only, after an unbind that had no effect",
            _renewed(replace(held(free), pending=pending(gone)), None),
            "after an unbind that had no effect",
            ask([ORDER], replace(held(free), pending=pending(gone))),
        ]
    )


@case
def a_freeze() -> str:
    def frozen(*allowed: str) -> State:
        note = Freeze("release", NOW - 60, allowed).note()
        return state({"bindings.order": DUE}, notes={**LISTED, note.key: note.value or ""})

    return "\n".join(
        [
            ask([ORDER], frozen()),
            "renewals are let through",
            ask([ORDER], frozen("renew")),
            _renewed(frozen("renew"), None),
        ]
    )


def _renewed(known: State, seen: Any, **more: Any) -> str:
    return ask(desired_of_state(desired(), known), known, seen, renew_only=True, **more)


@case
def renewals_alone() -> str:
    one, two, three = placed(axb("order")), placed(axb("two", 3, 4), 8), placed(axb("three", 5, 6), 9)
    auto = replace(AUTO, protect=True)
    entries = {
        "bindings.order": made(one, age=DAY - 60),
        "bindings.two": made(two),
        "bindings.three": made(three, age=2 * DAY),
        "bindings.d": made(auto, phone_x=X, extension="101", age=DAY - 60),
        "bindings.never": replace(
            made(replace(AUTO, name="never")), phone_x=None, extension="5", bind_id=None
        ),
        "bindings.down": replace(made(axb("down", 7, 8)), bind_id=None, down_since=NOW - 5),
    }
    known = state(entries)
    rows = [
        row_of(made(one, age=DAY - 60)),
        replace(row_of(made(two)), recording=True),
        row_of(made(auto, phone_x=X, extension="101", age=DAY - 60)),
    ]
    return _renewed(known, observed(rows, [LiveGroup("nx", "g-pool", "pool", (Phone(X),))]))


@case
def renewals_alone_of_what_drifted() -> str:
    known = state({"bindings.order": DUE})
    live = replace(row_of(DUE), recording=True, phone_b=phone(9))
    return (
        _renewed(known, [live])
        + "\nlost and expired\n"
        + _renewed(state({**ENTRIES, "bindings.d": replace(made(desk("d")), expires_at=NOW)}), [])
    )


@case
def renewals_alone_in_a_group() -> str:
    entry = made(TALK, group_id="g1", age=DAY - HOUR)
    known = state({"bindings.t": entry})
    live, gone = observed([row_of(entry)], [live_group(made_group(CREW))]), observed([row_of(entry)])
    flawed = Observed({**gone.listings, "nx": replace(gone.listings["nx"], problems=("half",))})
    down = state({"bindings.t": replace(entry, bind_id=None)})
    return "\n".join(
        [
            _renewed(known, live),
            "the group is gone",
            _renewed(known, gone),
            "the group is gone and the binding is down",
            _renewed(down, observed()),
            "the binding is down and the listing cannot be trusted",
            _renewed(down, flawed),
            "not asked",
            _renewed(known, Observed({}), refreshed=False),
            "without an id",
            _renewed(state({"bindings.t": replace(entry, group_id=None)}), live),
        ]
    )


@case
def renewals_alone_of_what_an_interrupted_run_made() -> str:
    short = axb("order", b=3, lifetime=replace(DAILY, lease_seconds=HOUR, renew_before_seconds=600))
    known = state(ENTRIES, pending=pending(attempt(short, ago=3100)), generations={"bindings.order": 2})
    row = replace(row_of(made(short, generation=2)), expires_at=NOW + 500)
    return _renewed(known, [row_of(OURS), row])


@case
def a_part_of_the_whole() -> str:
    files = [
        placed(axb("a", labels=(("team", "west"),), recording=True)),
        placed(axb("b", 3, 4, recording=True), 8),
        placed(ride("c", 5, 6), 9),
    ]
    known = bound(
        placed(axb("old", 11, 12, labels=(("team", "west"),)), 1), placed(axb("dropped", 13, 14), 2)
    )
    rows = [*rows_of(state(known)), foreign(), foreign("f2", 3, 4)]
    lines = []
    for targets, excludes in (
        (("team=west",), ()),
        ((), ("team=west",)),
        (("provider=la",), ()),
        (("provider=nx",), ("bindings.b",)),
        (("bindings.dropped", "bindings.b"), ()),
        (("nothing",), ()),
    ):
        lines += [
            f"{targets} without {excludes}",
            ask(files, known, rows, scope=Scope(targets, excludes), replace=frozenset({"bindings.c"})),
        ]
    return "\n".join(lines)


@case
def a_part_of_what_is_deferred_and_of_decisions_about_groups() -> str:
    crew = group("crew", (11, 12), span=SourceSpan("g.yaml", 3))
    gone = group("gone", None, group_id="g9", span=SourceSpan("g.yaml", 4))
    files = desired([ORDER, placed(axg("t", "gone"), 8)], [crew, gone])
    known = state(pending=pending(attempt(LATER)))
    seen = observed(groups=[live_group(made_group(crew, "theirs"))])
    lines = [ask(files, known, seen)]
    for scope in (
        Scope(("bindings.order",)),
        Scope((), ("bindings.order",)),
        Scope(("groups.gone",)),
        Scope(("provider=la",)),
        Scope(("team=west",)),
        Scope((), ("groups.crew",)),
    ):
        lines += [f"{scope.targets} without {scope.excludes}", ask(files, known, seen, scope=scope)]
    return "\n".join(lines)


@case
def decisions_about_what_only_the_state_knows() -> str:
    entry = made(ride("r"), bind_id=None)
    lost = attempt(ride("r"), ago=5000)
    known = state({"bindings.r": entry}, pending=pending(lost))
    rows = [replace(row_of(made(ride("r"), generation=2)), bind_id=f"r-{one}") for one in (8, 9)]
    rows = [replace(one, expires_at=NOW - 5000 + DAY) for one in rows]
    lines = [ask([], known, rows)]
    for scope in (Scope(("bindings.r",)), Scope(("provider=nx",)), Scope(("provider=la",))):
        lines += [f"{scope.targets}", ask([], known, rows, scope=scope)]
    return "\n".join(lines)


@case
def an_approved_plan() -> str:
    drifted = replace(row_of(OURS), recording=True)
    other = made(axb("two", 3, 4))
    entries = {**ENTRIES, "bindings.two": other}
    rows = [drifted, replace(row_of(other), recording=True)]
    files = [ORDER, placed(axb("two", 3, 4), 8), placed(axb("three", 5, 6), 9)]
    return ask(files, entries, rows, approved=frozenset({"bindings.two"}))


@case
def a_limit() -> str:
    files = [placed(axb(f"o{one}", one * 2 + 1, one * 2 + 2), one) for one in range(4)]
    kept = placed(axb("due", 50, 51), 9)
    known = bound(placed(axb("gone", 40, 41), 8)) | {"bindings.due": made(kept, age=DAY - 60)}
    lines = []
    for limit in (0, 2, 4, 5):
        lines += [f"{limit}", ask([*files, kept], known, limit=limit)]
    return "\n".join(lines)


@case
def a_limit_and_what_waits_for_what_it_leaves_out() -> str:
    """The desk wants what a binding that goes holds: with the unbind left out it waits for it, and is told once."""
    old, new = placed(desk("old"), 1), placed(desk("new", a=9), 2)
    also = placed(desk("also", a=11), 3)
    first = placed(axb("a", 21, 22), 4)
    return "\n".join(ask([new, also, first], bound(old), limit=limit) for limit in (0, 1, 2))


def _shards(*world: Any, **more: Any) -> str:
    """What each of two runs plans that work on one state at once."""
    return "\n".join(f"shard {one}\n" + ask(*world, shard=Shard(one, 2), **more) for one in (0, 1))


@case
def shards() -> str:
    """`c` and `new` are the first run's, `a` and `old` the second's."""
    assert [shard_of(f"bindings.{one}", 2) for one in ("c", "new", "a", "old")] == [0, 0, 1, 1]
    a, c = placed(axb("a", 21, 22), 1), placed(axb("c", 23, 24), 2)
    old, new = placed(desk("old"), 3), placed(desk("new", a=9), 4)
    swap = [placed(desk("old", "102"), 3), placed(desk("new", "101", a=9), 4)]
    before = bound(old, placed(desk("new", "102", a=9), 4))
    rows = [foreign("f1", 21, 22, recording=True), foreign("f2", 23, 24, recording=True)]
    tight = desired([a, c], policy=Policy(max_unbind=Limit(count=1)))
    return "\n".join(
        [
            _shards([a, c]),
            "what the second is to free",
            _shards([new], bound(old)),
            "a circle",
            _shards(swap, before),
            "and only one change",
            _shards([a, c, new], bound(old), limit=1),
            "strangers in the way",
            _shards([a, c], None, rows),
            "and a part of the whole",
            _shards([a, c], None, rows, scope=Scope(("bindings.c",))),
            "too much for the whole",
            _shards(tight, bound(old, placed(axb("gone", 31, 32), 9))),
            "what the other is at",
            _shards([a, c], bound(old), moving=frozenset({"bindings.old", "bindings.c"})),
            "the other's attempt is open",
            _shards([a, c], state(pending=pending(attempt(c)))),
        ]
    )


@case
def until_when_a_plan_holds() -> str:
    past = replace(ORDER, lifetime=replace(UNTIL, until=NOW + 900))
    ends = made(axb("gone", 3, 4), expires_at=NOW + 800)
    never = made(axb("gone", 3, 4, lifetime=FOREVER))
    unknown = made(axb("gone", 3, 4), expires_at=None)
    settle = Scope((), ("bindings.order",))
    known = state({"bindings.gone": never}, pending=pending(attempt(LATER)))
    return "\n".join(
        [
            ask([past], {"bindings.gone": ends}),
            "only the end of what is bound",
            ask([past], {"bindings.gone": never}),
            "no end is known",
            ask([ORDER], {"bindings.gone": unknown}),
            "an attempt",
            ask([ORDER], known),
            "an attempt that is left out",
            ask([ORDER], known, scope=settle),
        ]
    )


@case
def how_full_numbers_are_is_noted_with_changes() -> str:
    entry = made(AUTO, phone_x=X, extension="101")
    files = desired([AUTO, ORDER], [POOL])
    return "\n".join(
        [
            ask(files, {"bindings.d": entry}, numbers(X, rows=[row_of(entry)])),
            "not asked",
            ask(files, {"bindings.d": entry}, Observed({}), refreshed=False),
        ]
    )


@case
def what_is_protected_or_too_much_is_refused() -> str:
    policy = Policy(max_unbind=Limit(count=1), max_rebind=Limit(count=0), max_missing=Limit(count=1))
    kept, lost, safe = axb("kept", 3, 4), axb("lost", 5, 6), placed(axb("safe", 7, 8, protect=True))
    known = bound(ORDER, kept, lost, axb("off", 9, 10), safe)
    rows = [
        row_of(one) for address, one in known.items() if address not in ("bindings.lost", "bindings.kept")
    ]  # type: ignore[arg-type]
    files = desired([LATER, kept], policy=policy)
    return "\n".join(
        [
            ask(files, known, rows),
            "a part",
            ask(files, known, rows, scope=Scope(("bindings.o*",))),
            "allowed",
            ask(files, known, rows, permissions=Permissions(unbind=2, rebind=1, missing=2)),
            "destroyed",
            ask(files, known, rows, destroy=True),
        ]
    )


@case
def numbers_rest_that_an_unbind_freed_whose_outcome_came_late() -> str:
    entry = made(placed(desk("d")))
    from pnsync.journal import superseded_by

    gone = intent(
        None,
        "bindings.d",
        ago=500,
        operation=Operation.UNBIND,
        bind_id=entry.bind_id,
        unbinds=superseded_by("bindings.d", entry),
    )
    return ask([placed(desk("e", a=5))], state({"bindings.d": entry}, pending=pending(gone)), [])


@case
def what_was_found_is_adopted_with_its_change_or_alone() -> str:
    crew = group("crew", (11, 12), span=SourceSpan("g.yaml", 3))
    open_group = intent(
        replace(made_group(crew), group_id=""),
        "groups.crew",
        operation=Operation.CREATE_GROUP,
        attempt="run.2",
    )
    known = state(pending=pending(attempt(ORDER), open_group), generations={"bindings.order": 2})
    row = row_of(made(ORDER, generation=2, age=10))
    seen = observed([row], [live_group(made_group(crew, "g7"))])
    return "\n".join(
        [
            ask(desired([ORDER], [crew]), known, seen),
            "declared otherwise by now",
            ask(desired([LATER], [crew]), known, seen),
            "no longer declared",
            ask(desired(), known, seen),
        ]
    )


@case
def strangers_are_counted_while_they_live() -> str:
    return ask(
        [], None, [foreign("f1"), foreign("f2", 3, 4, expires_at=NOW), foreign("f3", 5, 6, expires_at=None)]
    )


def _all() -> str:
    return as_sections((name, make()) for name, make in CASES.items())


if os.environ.get("PNSYNC_WRITE_CASES"):
    FILE.write_text(_all(), "utf-8")


@pytest.mark.parametrize("name", CASES, ids=[one.replace(" ", "-") for one in CASES])
def test_what_is_told(name: str) -> None:
    expected = sections(FILE.read_text("utf-8"))
    assert CASES[name]() == expected[name]


def test_no_case_is_left_behind() -> None:
    assert list(sections(FILE.read_text("utf-8"))) == list(CASES)
