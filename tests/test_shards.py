"""A state in parts: each address in exactly one, and the whole again whatever their number."""

from collections import Counter
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from stores.values import EVENTS, NAMES, NOW, entry, opened, states
from worlds import desired, group, made_group

from pnsync.errors import UsageError
from pnsync.journal import Closed, Doubled, Noted, Opened, Recorded, Resolved, Rested, Unknown, replay
from pnsync.model import Moved, ProviderConfig, VendorType
from pnsync.phone import Phone
from pnsync.policy.holds import FREEZE_NOTE, HOLD_NOTE
from pnsync.scope import MOST_SHARDS, Shard, read_shard, shard_of
from pnsync.sharding.shards import (
    addresses_of,
    changed_between,
    divide,
    owned,
    refuse_renames,
    seen_by,
    shares,
    unite,
)
from pnsync.state import Head, Resting, State, Superseded
from pnsync.statefile.phonecodec import SECRET_NOTE
from pnsync.store.history import MOVED_NOTE

COUNTS = st.integers(1, 9)


def content(state: State) -> State:
    """A state without what belongs to its place, and without the order of what has none."""
    resting = tuple(sorted(state.quarantine, key=repr))
    return replace(state, serial=0, head=Head(), quarantine=resting)


@given(NAMES, COUNTS)
def test_an_address_has_one_shard_and_groups_the_first(name: str, count: int) -> None:
    holding = [index for index in range(count) if Shard(index, count).holds(f"bindings.{name}")]
    assert holding == [shard_of(f"bindings.{name}", count)]
    assert shard_of(f"groups.{name}", count) == 0


def test_the_shard_of_an_address_never_changes() -> None:
    """What these say is in use: another hash would let two releases of pnsync work on one address."""
    found = [shard_of(f"bindings.desk-{number}", 4) for number in range(12)]
    assert found == FIXED, found


FIXED = [3, 2, 1, 0, 3, 1, 2, 3, 2, 0, 0, 2]


def test_shards_are_of_one_size() -> None:
    found = Counter(shard_of(f"bindings.ride-{number}", 8) for number in range(8000))
    assert len(found) == 8
    assert all(850 < count < 1150 for count in found.values()), found


@pytest.mark.parametrize("text", ["", "1", "4/4", "-1/4", "1/0", "a/b", "0/65", "1/2/3", "٣/4", "1 /4"])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(ValueError, match=r"0 <= i < n <= 64"):
        read_shard(text)


def test_how_a_shard_is_written() -> None:
    assert read_shard("3/4") == Shard(3, 4)
    assert str(Shard(3, 4)) == "3/4"
    assert read_shard(f"0/{MOST_SHARDS}").count == MOST_SHARDS


@given(states(), COUNTS)
@settings(max_examples=200)
def test_the_parts_together_are_the_whole(state: State, count: int) -> None:
    assert content(unite(divide(state, count, serial=7), serial=7)) == content(state)


@given(states(), COUNTS, COUNTS)
@settings(max_examples=100)
def test_another_number_of_parts_loses_and_doubles_nothing(state: State, before: int, after: int) -> None:
    whole = unite(divide(state, before, serial=7), serial=7)
    again = unite(divide(whole, after, serial=8), serial=8)
    assert content(again) == content(state)


@given(states(), COUNTS)
@settings(max_examples=100)
def test_a_part_holds_its_own_addresses_alone(state: State, count: int) -> None:
    parts = divide(state, count, serial=7)
    for index, part in enumerate(parts):
        assert {shard_of(one, count) for one in addresses_of(part)} <= {index}
    assert sum(len(one.entries) for one in parts) == len(state.entries)
    assert sum(len(one.pending) for one in parts) == len(state.pending)
    assert sum(len(one.quarantine) for one in parts) == len(state.quarantine)


def test_every_field_of_a_state_is_thought_of() -> None:
    """A new one needs a rule in sharding/shards.py, and its name here."""
    assert {one.name for one in fields(State)} == {
        "lineage",
        "serial",
        "entries",
        "pending",
        "superseded",
        "quarantine",
        "accounts",
        "generations",
        "generation_base",
        "unbound",
        "failures",
        "notes",
        "head",
    }


@given(states(), st.lists(EVENTS, max_size=8), st.integers(2, 6))
@settings(max_examples=200)
def test_every_event_is_one_shards_to_record(state: State, events: list, count: int) -> None:
    """What all runs together record of what one of them saw is what a single run would have recorded."""
    names = [one.intent.attempt for one in events if isinstance(one, Opened)]
    assume(len({*names, *state.pending}) == len(names) + len(state.pending))  # no two attempts have one name
    try:
        whole = replay(state, events)
    except AssertionError:
        reject()  # an answer to an attempt that asked for something else: no run records that
    parts = divide(state, count, serial=0)
    recorded = [replay(part, owned(events, Shard(index, count), state)) for index, part in enumerate(parts)]
    assert _without_general(unite(recorded, serial=0)) == _without_general(whole)


def _without_general(state: State) -> State:
    """Without what depends on the order in which events of several addresses came, or is every run's."""
    return replace(content(state), notes={}, unbound={}, quarantine=(), superseded={})


@given(states(), st.integers(2, 6))
def test_a_resting_number_and_an_answer_go_where_their_address_is(state: State, count: int) -> None:
    one, other = opened(1), opened(2)
    rested = Rested((Resting("nx", "1", "bindings.a", NOW), Resting("nx", "2", "bindings.b", NOW)), NOW)
    events = (one, other, rested, Closed("bind-2", Unknown("?"), NOW), Closed("bind-99", Unknown("?"), NOW))
    found = [owned(events, Shard(index, count), replace(state, pending={})) for index in range(count)]
    for index, mine in enumerate(found):
        shard = Shard(index, count)
        intents = [event.intent.address for event in mine if event in (one, other)]
        assert all(map(shard.holds, intents))
        answered = [event.attempt for event in mine if isinstance(event, Closed | Resolved)]
        assert answered == (["bind-2"] if shard.holds("bindings.desk-2") else [])
        resting = [number for event in mine if isinstance(event, Rested) for number in event.resting]
        assert all(shard.holds(number.address) for number in resting)
    assert sum(len(one.resting) for mine in found for one in mine if isinstance(one, Rested)) == 2


def test_whose_a_note_is() -> None:
    held = "bindings.desk-1"
    notes = {
        SECRET_NOTE: "00ff",
        FREEZE_NOTE: "{}",
        HOLD_NOTE + held: "{}",
        "policy": "{}",
        "commit": "c1",
        "plan.abc": "then",
        "zone.la": "3600",
        "lists.nx.axg": "yes",
        "use.hotline": "1=2/3",
        "run": '{"at":1}',
    }
    parts = divide(State("l", notes=notes), 4, serial=0)
    everywhere = set.intersection(*(set(one.notes) for one in parts))
    assert everywhere == set(notes) - {HOLD_NOTE + held, "use.hotline"}
    assert [index for index, one in enumerate(parts) if HOLD_NOTE + held in one.notes] == [shard_of(held, 4)]
    assert [index for index, one in enumerate(parts) if "use.hotline" in one.notes] == [0]
    assert unite(parts, serial=0).notes == notes


def test_what_runs_leave_for_their_own_next_one() -> None:
    """A policy that another shard's run has loosened counts for that one's next run, not for this one's now."""
    own = State("l", notes={"policy": "strict", "commit": "c1", SECRET_NOTE: "k"})
    other = State(
        "l", notes={"policy": "loose", "commit": "c2", "plan.x": "then", "zone.la": "0", SECRET_NOTE: "k"}
    )
    assert seen_by(own, [other], serial=0).notes == {
        "policy": "strict",
        "commit": "c1",
        SECRET_NOTE: "k",
        "zone.la": "0",
    }
    assert "plan.x" in unite([own, other], serial=0).notes


def test_the_last_run_of_all_is_the_last_run() -> None:
    parts = [State("l", notes={"run": f'{{"at":{at}}}'}) for at in (5, 9, 7)]
    assert unite(parts, serial=0).notes["run"] == '{"at":9}'


def test_a_serial_counts_what_every_part_has_recorded() -> None:
    parts = divide(State("l", serial=40), 3, serial=41)
    assert unite(parts, serial=41).serial == 41
    later = [replace(parts[0], serial=43), parts[1], replace(parts[2], serial=42)]
    assert unite(later, serial=41).serial == 44


def test_an_id_that_a_vendor_gave_again_is_not_unbound() -> None:
    """One part unbound it, another one's binding has it now: the memory of the one must not hide the other's."""
    unbound = State("l", unbound={("nx", "b1"): NOW - 60})
    bound = State("l", entries={"bindings.desk-1": entry(1)})
    assert unite([unbound, bound], serial=0).unbound == {}
    later = State("l", unbound={("nx", "b1"): NOW + 60})
    assert unite([later, bound], serial=0).unbound == {("nx", "b1"): NOW + 60}


@pytest.mark.parametrize(
    ("bound", "remembered"),
    [
        ({"bound_at": NOW}, False),
        ({"bound_at": NOW - 1}, True),
        ({"bound_at": None}, True),
        ({"bind_id": None}, True),
    ],
    ids=["in the same second", "before it was unbound", "nobody knows when", "down"],
)
def test_only_a_binding_made_since_has_the_id_again(bound: dict[str, Any], remembered: bool) -> None:
    memory = State("l", unbound={("nx", "b1"): NOW, ("nx", "b2"): NOW})
    other = State("l", entries={"bindings.desk-1": entry(1, **bound)})
    for parts in ([memory, other], [other, memory]):
        assert (("nx", "b1") in unite(parts, serial=0).unbound) is remembered
        assert unite(parts, serial=0).unbound[("nx", "b2")] == NOW, "nobody has that one"


def test_a_part_that_has_a_binding_and_remembers_its_id_as_unbound_is_believed() -> None:
    """Its run saw both, in their order."""
    memory, replaced = {("nx", "b1"): NOW - 60}, old(MINE, "b1")
    bound = State("l", entries={"bindings.desk-1": entry(1)}, unbound=memory)
    doubled = State("l", superseded={replaced.key: replaced}, unbound=memory)
    for own in (bound, doubled):
        for parts in ([own], [own, State("l", unbound={("nx", "b1"): NOW - 90})]):
            assert unite(parts, serial=0).unbound == memory


def test_an_id_that_a_vendor_gave_again_is_another_provider_s_own() -> None:
    unbound = State("l", unbound={("nx", "b1"): NOW - 60, ("la", "b1"): NOW - 60})
    bound = State("l", entries={"bindings.desk-1": entry(1), "groups.crew": made_group(group("crew"))})
    assert unite([unbound, bound], serial=0).unbound == {("la", "b1"): NOW - 60}


def test_an_id_given_again_that_is_to_be_unbound_again_is_no_memory_either() -> None:
    """The one that has it was replaced since; when it is unbound too, that is remembered."""
    memory = State("l", unbound={("nx", "2"): NOW - 60})
    replaced = old(THEIRS, "2")
    assert unite([memory, State("l", superseded={replaced.key: replaced})], serial=0).unbound == {}
    gone = State("l", unbound={("nx", "2"): NOW + 60})
    assert unite([memory, gone], serial=0).unbound == {("nx", "2"): NOW + 60}


def test_what_other_runs_are_at() -> None:
    before = State("l", entries={"bindings.a": entry(1), "bindings.b": entry(2)})
    after = replay(before, [Recorded("bindings.a", entry(3)), opened(7), Noted("commit", "c")])
    assert changed_between(before, before) == frozenset()
    assert changed_between(before, after) == {"bindings.a", "bindings.desk-7"}
    assert changed_between(after, after) == {"bindings.desk-7"}


def test_a_rename_into_another_part_is_refused_and_one_that_is_done_is_not() -> None:
    names = [f"bindings.n{number}" for number in range(40)]
    source = names[0]
    other = next(one for one in names if shard_of(one, 4) != shard_of(source, 4))
    same = next(one for one in names[1:] if shard_of(one, 4) == shard_of(source, 4))
    known = State("l", entries={source: entry(1)})
    apart = replace(desired(), moved=(Moved(source, other),))
    with pytest.raises(UsageError, match="another shard's part"):
        refuse_renames(apart, known, Shard(0, 4))
    refuse_renames(replace(desired(), moved=(Moved(source, same),)), known, Shard(0, 4))
    refuse_renames(apart, State("l", entries={other: entry(1)}), Shard(0, 4))
    held = State("l", notes={HOLD_NOTE + source: "{}"})
    with pytest.raises(UsageError):
        refuse_renames(apart, held, Shard(0, 4))


def test_a_moved_state_stays_moved() -> None:
    notes = {MOVED_NOTE: "elsewhere"}
    assert divide(State("l", notes=notes), 1, serial=1)[0].notes == notes


MINE, THEIRS = (
    next(f"bindings.d-{n}" for n in range(99) if shard_of(f"bindings.d-{n}", 2) == one) for one in (0, 1)
)


def old(address: str, number: str) -> Superseded:
    """A second binding of an address."""
    return Superseded(address, "nx", number, Phone("447700900901"), None, None, None)


def test_second_bindings_are_recorded_by_the_run_of_their_address() -> None:
    mine, theirs = old(MINE, "1"), old(THEIRS, "2")
    known = State("7c4d1a2b", superseded={mine.key: mine, theirs.key: theirs})
    made = [Doubled(mine.key, mine), Doubled(theirs.key, theirs)]
    gone = [Doubled(mine.key, None), Doubled(theirs.key, None), Doubled(("nx", "unknown"), None)]
    assert owned(made + gone, Shard(0, 2), known) == (made[0], gone[0])
    assert owned(made + gone, Shard(1, 2), known) == (made[1], gone[1])


def test_a_second_binding_that_came_or_went_is_what_another_run_is_at() -> None:
    one = old(THEIRS, "2")
    without, having = State("7c4d1a2b"), State("7c4d1a2b", superseded={one.key: one})
    assert changed_between(without, having) == changed_between(having, without) == {THEIRS}
    assert changed_between(having, having) == frozenset()


def test_no_part_falls_behind_the_ids_that_another_may_have_given() -> None:
    parts = [State("7c4d1a2b", generation_base=base) for base in (3, 9, 5)]
    assert unite(parts, serial=0).generation_base == 9


@pytest.mark.parametrize(("rate", "each"), [(None, 5.0), (8.0, 2.0), (100.0, 5.0)])
def test_shards_share_the_calls_a_second(rate: float | None, each: float) -> None:
    known = {"nx": ProviderConfig("nx", VendorType.NXCLOUD, "sandbox", rate=20.0)}
    assert shares(known, Shard(1, 4), rate)["nx"].rate == each
    assert shares(known, None, rate)["nx"].rate == 4 * each
