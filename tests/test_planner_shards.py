"""A plan of one shard: out of a plan of the whole, what is its own and waits for nobody else's."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from pnsync.errors import SourceSpan
from pnsync.model import Binding, Group, Holds, Limit, Policy
from pnsync.plan import Action, Change, Deferred, Plan
from pnsync.planner.slots import share_of
from pnsync.policy.limits import Permissions
from pnsync.scope import Shard, shard_of
from pnsync.state import State
from tests.worlds import (
    NOW,
    X2,
    X,
    axb,
    axg,
    bound,
    codes,
    desired,
    desk,
    foreign,
    group,
    made,
    made_group,
    observed,
    phone,
    planned,
    state,
    what,
)

COUNT = 3


def shards(*args: object, count: int = COUNT, **more: object) -> list[Plan]:
    """The plan of every shard."""
    return [planned(*args, shard=Shard(index, count), **more) for index in range(count)]  # type: ignore[arg-type]


def names_of(index: int, count: int = COUNT, prefix: str = "d") -> list[str]:
    """Names whose bindings are a shard's."""
    every = (f"{prefix}{number}" for number in range(200))
    return [one for one in every if shard_of(f"bindings.{one}", count) == index]


def test_the_shards_do_together_what_one_run_would() -> None:
    declared = [axb(f"d{number}", number, number + 100) for number in range(60)]
    gone = bound(*(axb(f"gone{number}", 300 + number, 400 + number) for number in range(3)))
    known = state({**bound(*declared[:30]), **gone})
    whole = planned(declared, known)
    parts = shards(declared, known)
    assert Counter(one for part in parts for one in what(part)) == Counter(what(whole))
    for index, part in enumerate(parts):
        assert {shard_of(one.address, COUNT) for one in part.changes} == {index}
        assert part.calls == len(part.steps) == len(part.changes)
        assert part.unchanged == whole.unchanged


def test_a_limit_is_judged_on_the_whole_by_every_shard() -> None:
    gone = [axb(f"d{number}", number, number + 100) for number in range(12)]
    stays = [axb(f"s{number}", number + 200, number + 300) for number in range(3)]
    files = desired(stays, policy=Policy(max_unbind=Limit(count=5)))
    for part in shards(files, state(bound(*gone, *stays))):
        assert "P402" in codes(part)
        assert "12 of 15" in part.refusals[0].summary
    for allowed, refused in ((12, False), (11, True), (20, False)):
        asked = Permissions(unbind=allowed, shared=True)
        for part in shards(files, state(bound(*gone, *stays)), permissions=asked):
            assert ("P402" in codes(part)) == refused, "others may have done a part of it meanwhile"
    alone = planned(files, state(bound(*gone, *stays)), permissions=Permissions(unbind=20))
    assert "P402" in codes(alone)


def test_protection_is_judged_on_the_whole_too() -> None:
    one = desk("d1", protect=True)
    for part in shards([], state(bound(one))):
        assert "P401" in codes(part)


def test_who_wants_what_another_shard_frees_waits() -> None:
    old, new = names_of(0)[0], names_of(1)[0]
    stays = [axb(f"s{number}", number + 20, number + 40) for number in range(4)]
    known = state(bound(desk(old, "101"), *stays))
    declared = [*stays, desk(new, "101", a=2)]
    assert what(planned(declared, known)) == [("unbind", old), ("bind", new)]
    parts = shards(declared, known)
    assert [what(part) for part in parts] == [[("unbind", old)], [], []]
    (waits,) = parts[1].deferred
    assert waits.address == f"bindings.{new}"
    assert "another shard's run may free it" in waits.reason
    assert not parts[0].deferred and not parts[2].deferred
    assert not any(part.refusals or part.decisions for part in parts)
    after = [what(part) for part in shards(declared, state(bound(*stays)))]
    assert after == [[], [("bind", new)], []]


def test_a_circle_over_shards_waits_for_a_run_without_any() -> None:
    one, two = names_of(0)[0], names_of(1)[0]
    known = state(bound(desk(one, "101"), desk(two, "102", a=2)))
    declared = [desk(one, "102"), desk(two, "101", a=2)]
    assert len(planned(declared, known).changes) == 2
    parts = shards(declared, known)
    assert [what(part) for part in parts] == [[], [], []]
    assert [len(part.deferred) for part in parts] == [1, 1, 0]
    assert "without --shard" in parts[0].deferred[0].reason


def test_what_two_want_only_one_shard_gets() -> None:
    """The one that comes first in the files gets it, as in a plan of the whole."""
    first, second = names_of(2)[0], names_of(0)[0]
    declared = [desk(first, "101"), desk(second, "101", a=2)]
    parts = shards(declared)
    whole = planned(declared)
    assert [what(part) for part in parts] == [[], [], [("bind", first)]]
    assert what(whole) == [("bind", first)]
    assert [one.address for one in parts[0].deferred] == [f"bindings.{second}"]


def test_groups_are_the_first_shards() -> None:
    crew = group("crew")
    name = names_of(1)[0]
    parts = shards(desired([axg(name, "crew")], [crew]))
    assert [what(part) for part in parts] == [[("create_group", "crew")], [], []]
    assert "this plan does not create it" in parts[1].deferred[0].reason


def test_a_group_stays_while_another_shards_binding_refers_to_it() -> None:
    crew = group("crew")
    name = names_of(1)[0]
    talk = replace(made(axg(name, "crew")), group_id="g1")
    known = state({f"bindings.{name}": talk, "groups.crew": made_group(crew)})
    parts = shards(desired(), known)
    assert [what(part) for part in parts] == [[], [("unbind", name)], []]
    assert f"bindings.{name} still refers to it" in parts[0].deferred[0].reason


ORDER = "calls would go astray before another shard's change; the next run goes on, or one without --shard"


def team_of(people: Sequence[int], *bindings: Binding) -> State:
    """A team of these people, and bindings to it that are live."""
    entries = {one.address: replace(made(one), group_id="g1") for one in bindings}
    return state({"groups.team": made_group(group("team", people)), **entries})


def team_plans(known: State, people: Sequence[int], *bindings: Binding) -> tuple[Plan, list[Plan]]:
    """The plan of the whole, and of every shard, for a team that is to have these people."""
    files = desired(bindings, [group("team", people)])
    return planned(files, known), shards(files, known)


@pytest.mark.parametrize(
    ("before", "now", "a", "goes", "waits"),
    [
        pytest.param((11,), (11, 12), 2, ["bindings"], ["groups"], id="joins: would reach the former A"),
        pytest.param((11, 12), (11,), 2, ["groups"], ["bindings"], id="leaves: would reach the next A"),
        pytest.param((11,), (12,), 2, [], ["groups", "bindings"], id="replaced: both"),
        pytest.param((11,), (12,), 1, ["groups", "bindings"], [], id="the same A"),
    ],
)
def test_no_call_goes_astray_while_another_shards_change_is_to_come(
    before: Sequence[int], now: Sequence[int], a: int, goes: list[str], waits: list[str]
) -> None:
    """Nobody knows when the other shard's run comes: until then everybody reaches whom they reach before or after."""
    name = names_of(1)[0]
    known = team_of(before, axg(name, "team", 1, phone_x=X))
    whole, parts = team_plans(known, now, axg(name, "team", a, phone_x=X, recording=True))
    assert len(whole.changes) == 2 and not whole.refusals
    own = {"groups": parts[0], "bindings": parts[1]}
    assert [one for one in own if own[one].changes] == goes
    assert [one for one in own if own[one].deferred] == waits
    for kind in waits:
        (told,) = own[kind].deferred
        wanted = next(one for one in whole.changes if one.address.startswith(kind))
        assert (told.address, told.action, told.provider) == (wanted.address, wanted.action, "nx")
        assert (told.reason, told.not_before, told.source) == (ORDER, None, wanted.source)
    assert not any(part.refusals or part.decisions or part.routing.misroutes for part in parts)


def test_of_several_changes_of_others_the_one_that_concerns_a_shard_is_known() -> None:
    """The team's is the second: 12, who leaves it, would reach the next A meanwhile, whatever becomes of the crew."""
    name = names_of(1)[0]
    binding, crew = axg(name, "team", 1, phone_x=X), group("crew", (31, 32))
    known = state(
        {
            "groups.crew": made_group(crew, "g2"),
            "groups.team": made_group(group("team", (11, 12))),
            binding.address: replace(made(binding), group_id="g1"),
        }
    )
    files = desired(
        [axg(name, "team", 2, phone_x=X)], [replace(crew, phones=crew.phones[:1]), group("team", (11,))]
    )
    assert what(planned(files, known)) == [
        ("update_group", "crew"),
        ("update_group", "team"),
        ("rebind", name),
    ]
    parts = shards(files, known)
    assert [what(part) for part in parts] == [[("update_group", "crew"), ("update_group", "team")], [], []]
    assert [(one.address, one.reason) for one in parts[1].deferred] == [(f"bindings.{name}", ORDER)]


def test_a_call_that_the_first_change_of_another_shard_leads_astray_is_that_ones_to_wait_for() -> None:
    """With 12 in the team two bindings would claim its calls on X2, when the one to the team comes up again."""
    down, direct = axg(names_of(1)[0], "team", 1, phone_x=X2), axb(names_of(2)[0], 12, 30)
    known = state(
        {
            "groups.team": made_group(group("team", (11,))),
            down.address: replace(made(down), bind_id=None, down_since=NOW - 60, group_id="g1"),
            direct.address: made(direct),
        }
    )
    whole, parts = team_plans(known, (11, 12), down, replace(direct, phone_b=phone(31)))
    order = [("bind", down.name), ("update_group", "team"), ("rebind", direct.name)]
    assert what(whole) == order and not whole.refusals
    assert what(parts[0]) == order[1:2] and not parts[0].deferred


def test_what_waited_for_another_shards_change_goes_on_after_it() -> None:
    name = names_of(1)[0]
    after = team_of((11,), axg(name, "team", 2, phone_x=X))
    _, parts = team_plans(after, (11, 12), axg(name, "team", 2, phone_x=X))
    assert [what(part) for part in parts] == [[("update_group", "team")], [], []]
    assert not any(part.deferred for part in parts)


def test_a_number_is_not_taken_that_another_shard_has_yet_to_give_up() -> None:
    """Two bindings would claim the calls of 11; what the same shard does besides goes on, in its order."""
    old, new, other = names_of(1)[0], names_of(0)[0], names_of(0)[1]
    known = team_of((11,), axg(old, "team", 1, phone_x=X), axb("s1", 21, 22), axb("s2", 23, 24))
    wanted = replace(axg(new, "team", 2, phone_x=X), span=SourceSpan("b.yaml", 7))
    files = [wanted, axb(other, 31, 32), axb("s1", 21, 22), axb("s2", 23, 24)]
    whole, parts = team_plans(known, (11,), *files)
    assert what(whole) == [("unbind", old), ("bind", new), ("bind", other)]
    assert [what(part) for part in parts] == [[("bind", other)], [("unbind", old)], []]
    (told,) = parts[0].deferred
    assert told == Deferred(wanted.address, Action.BIND, "nx", ORDER, None, wanted.span)
    assert parts[0].routing.chosen_later == 1 and parts[0].routing.gains.count == 0


def test_who_is_connected_by_another_shards_change_anyhow_is_no_stranger() -> None:
    """11 joins before the binding has moved to another number, by which it will reach the same phone."""
    name, new = names_of(1)[0], names_of(0)[0]
    known = team_of((13,), axg(name, "team", 3, phone_x=X))
    whole, parts = team_plans(known, (11,), axg(name, "team", 3, phone_x=X2), axg(new, "team", 1, phone_x=X))
    assert what(whole) == [("update_group", "team"), ("rebind", name), ("bind", new)]
    assert what(parts[0]) == [("update_group", "team")] and not parts[0].routing.misroutes
    assert [one.address for one in parts[0].deferred] == [f"bindings.{new}"]


def test_a_shards_own_changes_come_in_an_order_in_which_no_call_goes_astray() -> None:
    """Before 12 joins both of its bindings have their next A; another shard's binding has another group."""
    mine, other = names_of(0)[:2], names_of(1)[0]
    where = {name: f"44770090090{number}" for number, name in enumerate(mine)}
    live = [axg(name, "team", int(x[-1]) + 1, phone_x=x) for name, x in where.items()]
    next_ = [axg(name, "team", int(x[-1]) + 5, phone_x=x) for name, x in where.items()]
    _, parts = team_plans(team_of((11,), *live), (11, 12), *next_, axb(other, 21, 22))
    assert what(parts[0]) == [*(("rebind", one) for one in mine), ("update_group", "team")]


def test_what_needs_a_change_that_waits_waits_too() -> None:
    """12 may not join while another shard's binding reaches 2; so 11 has not left when the own one would reach 5."""
    mine, other = names_of(0)[0], names_of(1)[0]
    known = team_of((11,), axg(mine, "team", 1, phone_x=X), axg(other, "team", 2, phone_x=X2))
    whole, parts = team_plans(
        known, (12,), axg(mine, "team", 5, phone_x=X), axg(other, "team", 6, phone_x=X2), axb("a", 21, 22)
    )
    assert len(whole.changes) == 4 and not whole.refusals
    assert [one.address for one in parts[0].deferred] == [f"bindings.{mine}", "groups.team"]
    assert {one.reason for one in parts[0].deferred} == {ORDER}
    assert [one for part in parts for one in what(part)] == [("bind", "a")]


def test_what_the_whole_cannot_order_is_refused_and_not_put_off() -> None:
    """One number at two providers: no run of any shard would ever come to it."""
    name = names_of(1)[0]
    parts = shards([desk(name, provider="nx2")], state(bound(desk(name))))
    assert [codes(part) for part in parts] == [["P350"]] * COUNT
    assert [what(part) for part in parts] == [[], [("rebind", name)], []]
    assert not any(part.deferred for part in parts)


def test_a_decision_is_asked_of_one_shard() -> None:
    name = names_of(1)[0]
    row = foreign(a=9, b=None, phone_x=X, extension="101")
    parts = shards([desk(name, "101")], state(), observed([row]))
    assert [[one.code for one in part.decisions] for part in parts] == [[], ["P310"], []]


def test_what_other_runs_are_at_is_not_judged() -> None:
    """A binding that another run made after the listing was read is not missing."""
    lost = [
        axb(name, number, number + 100) for number, name in enumerate((*names_of(0)[:4], *names_of(1)[:8]))
    ]
    known = state(bound(*lost))
    files = desired(lost, policy=Policy(max_missing=Limit(count=5)))
    assert "P404" in codes(planned(files, known, [], shard=Shard(0, COUNT)))
    others = frozenset(one for one in known.entries if shard_of(one, COUNT) == 1)
    part = planned(files, known, [], shard=Shard(0, COUNT), moving=others)
    assert "P404" not in codes(part)
    assert len(part.changes) == 4


def binds(part: Plan) -> list[Change]:
    """Its changes of bindings."""
    return [one for one in part.changes if one.address.startswith("bindings.")]


def hotline(numbers: int) -> Group:
    return group("hotline", range(500, 500 + numbers), holds=Holds.NUMBERS)


@pytest.mark.parametrize("count", [2, 3, 7])
def test_no_two_shards_give_one_slot(count: int) -> None:
    """Each plans alone, with no word from the others: what they give is distinct all the same."""
    line = hotline(3)
    declared = [
        desk(f"d{number}", None, a=number, phone_x=None, x_group="hotline", extension_auto=True)
        for number in range(120)
    ]
    given: list[tuple[str, str]] = []
    for part in shards(desired(declared, [line]), count=count):
        for one in binds(part):
            after = one.after or {}
            given.append((str(after["phone_x"]), str(after["extension"])))
            shard = shard_of(one.address, count)
            assert share_of(*given[-1], count) == shard
    assert len(given) == len(set(given)) == 120


def test_shares_are_of_one_size_and_every_extension_is_in_all() -> None:
    slots = [(str(447700900500 + x), f"{extension:03}") for x in range(10) for extension in range(1000)]
    assert {share_of(*one, 4) for one in slots if one[1] == "101"} == {0, 1, 2, 3}
    counts = Counter(share_of(*one, 4) for one in slots)
    assert set(counts.values()) == {2500}


def test_what_an_address_has_it_keeps_whosever_share_it_is() -> None:
    line = hotline(2)
    declared = [
        desk(f"d{number}", None, a=number, phone_x=None, x_group="hotline", extension_auto=True)
        for number in range(30)
    ]
    entries = {
        one.address: replace(
            made(one), phone_x=f"447700900{500 + number % 2}", extension=f"{number:03}", x_group="hotline"
        )
        for number, one in enumerate(declared)
    }
    for part in shards(desired(declared, [line]), state(entries)):
        assert binds(part) == [] and part.unchanged == 30


def test_a_share_that_is_used_up_waits_with_advice_and_a_group_that_is_is_an_error() -> None:
    line = replace(hotline(1), extension_range=(0, 8))
    mine = [
        desk(name, None, a=number, phone_x=None, x_group="hotline", extension_auto=True)
        for number, name in enumerate(names_of(0)[:5])
    ]
    part = planned(desired(mine, [line]), state(), shard=Shard(0, COUNT))
    assert len(binds(part)) == 3 and not part.decisions
    assert [one.reason for one in part.deferred] == [
        "this shard's share of the free numbers is used up; the rest is given by a run without --shard"
    ] * 2
    assert len(binds(planned(desired(mine, [line])))) == 5
    full = [
        desk(f"d{number}", None, a=number, phone_x=None, x_group="hotline", extension_auto=True)
        for number in range(40)
    ]
    held = {
        one.address: replace(made(one), phone_x="447700900500", extension=f"{number:03}", x_group="hotline")
        for number, one in enumerate(full[:9])
    }
    ends = shards(desired(full, [line]), state(held))
    assert any("P331" in codes(part) for part in ends)
