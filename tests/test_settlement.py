"""The end of an apply: what became of calls is asked of the listing, windows are waited out, and all is compared once."""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import pytest

from pnsync.apply.proofs import Proofs
from pnsync.apply.settlement import LONGEST_STEP_SECONDS, REREADS, Ending
from pnsync.errors import ExitCode
from pnsync.journal import Noted, Outcome, Recorded, Refusal, Unknown, replay
from pnsync.matching import listed_note
from pnsync.model import Desired, Limit, Observed, Policy
from pnsync.plan import Plan
from pnsync.scope import Scope
from pnsync.state import Entry, Resting, State
from pnsync.verdict import Done, Failed, Verified, Waiting
from pnsync.zones import zone_note
from tests.applying import ENDLESS, Bench, binds, refused, unknown
from tests.worlds import (
    DAY,
    NOW,
    X,
    axb,
    axg,
    bound,
    desired,
    desk,
    group,
    live_group,
    made,
    made_group,
    planned,
    ride,
    state,
)

A, B, C = (axb(name, 2 * place, 2 * place + 1) for place, name in enumerate("abc", 10))


class End(Bench):
    """An apply and its end. `seen` may change what a reading shows; readings are counted."""

    def __init__(self, known: State | None = None, *, files: Desired | None = None) -> None:
        super().__init__(known)
        self.files = files or desired([A, B, C])
        self.readings: list[tuple[float, tuple[str, ...]]] = []
        self.seen: Callable[[Observed], Observed] = lambda found: found
        self.replans: list[tuple[str, ...]] = []
        self.proofs = Proofs({}, 0.0)
        self.ending = Ending(
            session=self,
            desired=self.files,
            clock=self,
            interrupt=self,
            report=self.report,
            tally=self.tally,
            proofs=self.proofs,
            observe=self.observe,
            replan=self.replan,
            apply=lambda plan: self.applying(plan, proofs=self.proofs),
        )

    def observe(self, names: Collection[str]) -> Observed:
        self.readings.append((self.passed, tuple(sorted(names))))
        assert len(self.readings) < ENDLESS
        self.vendor.now = int(self.now())
        found = self.seen(self.vendor.listing(started_at=self.now()))
        return Observed({name: one for name, one in found.listings.items() if name in names})

    def replan(self, seen: Observed, addresses: Collection[str]) -> Plan:
        assert isinstance(seen, Observed)
        self.replans.append(tuple(sorted(addresses)))
        scope = Scope(targets=tuple(sorted(addresses)))
        return planned(self.files, self.state, seen, now=int(self.now()), scope=scope)

    def lost(self, intent: Any) -> Outcome:
        """The call takes effect, and its answer is lost."""
        self.call(intent)
        return Unknown("reset")

    def settle(self, seconds: float = 300.0) -> tuple[str, ...]:
        """Codes of what a person must decide."""
        return tuple(one.code for one in self.ending.settle(seconds))


def lost(*names: str, known: State | None = None, plan: Plan | None = None, **more: Any) -> End:
    """An apply in which the answers of these calls were lost."""
    bench = End(known, **more)
    for name in names:
        bench.answers[name] = [bench.lost]
    bench.go(plan or binds((A, ()), (B, ())))
    return bench


# -- settling ----------------------------------------------------------------------------------------------------------


def test_where_nothing_is_open_nothing_is_asked() -> None:
    bench = End().go(binds((A, ())))
    assert isinstance(bench, End)
    assert bench.settle() == () and bench.readings == []


def test_what_the_listing_shows_counts_at_once() -> None:
    bench = lost("bind a")
    before = len(bench.records)
    assert bench.settle() == ()
    assert bench.readings == [(2.0, ("nx",))] and bench.slept == []
    assert len(bench.records) == before + 1
    entry = bench.state.bindings()["bindings.a"]
    assert entry.bind_id == "new-1" and not bench.state.blocking()
    assert bench.told(Done)[-1] == Done(
        "bindings.a",
        "bind",
        "nx",
        "bound",
        0.0,
        entry.phone_x,
        None,
        "2027-01-16T08:00:00Z",
        "found in the listing",
    )
    assert bench.tally.done == {"bindings.b": "bound", "bindings.a": "bound"}
    assert bench.tally.bound == {"bindings.a", "bindings.b"}
    assert bench.calls == ["bind a", "bind b"] and bench.replans == []


def test_a_binding_that_was_found_has_not_failed() -> None:
    bench = End()

    def both(intent: Any) -> Outcome:
        bench.call(intent)
        return refused(Refusal.CONFLICT)(intent)

    bench.answers["bind a"] = [both]
    bench.go(binds((A, ())))
    assert list(bench.tally.failures) == ["bindings.a"]
    bench.settle()
    assert bench.tally.failures == {} and bench.tally.done == {"bindings.a": "bound"}


def test_an_extension_binding_that_was_found_is_told_with_its_extension() -> None:
    one = desk("d", "101")
    bench = lost("bind d", plan=binds((one, ())), files=desired([one]))
    bench.settle()
    assert (bench.told(Done)[-1].extension, bench.told(Done)[-1].phone_x) == ("101", X)


def test_a_group_that_was_found_is_told_as_created() -> None:
    crew = group("crew")
    files = desired([], [crew])
    bench = lost("create_group crew", plan=planned(files, state(), []), files=files)
    bench.settle()
    assert bench.told(Done) == [
        Done("groups.crew", "bind", "nx", "created", 0.0, None, None, None, "found in the listing")
    ]
    assert bench.state.groups()["groups.crew"].group_id == "new-g1"


def test_only_the_providers_with_something_open_are_read() -> None:
    rides = ride("r", 41, 42)
    bench = lost("bind r", plan=binds((A, ()), (rides, ())), files=desired([A, rides]))
    bench.settle()
    assert bench.readings == [(2.0, ("la",))]


def test_a_listing_that_was_read_serves_as_proof() -> None:
    bench = lost("bind a")
    bench.settle()
    assert not bench.proofs.stale("nx", bench.passed + 600.0)
    assert bench.proofs.stale("nx", bench.passed + 600.5)
    assert {one.bind_id for one in bench.proofs.bindings("nx")} == {"new-1", "new-2"}


def nothing_came(budget: float = 900.0, *more: Any) -> End:
    """An apply whose first bind got no answer and took no effect."""
    bench = End()
    bench.answers["bind a"] = [unknown(), *more]
    bench.go(binds((A, ()), (B, ())))
    bench.settle(budget)
    return bench


def test_what_it_does_not_show_is_believed_after_the_window_and_tried_once_more() -> None:
    bench = nothing_came()
    window = 180.0
    assert [at for at, _ in bench.readings] == [2.0, window + 1.0]
    assert bench.told(Waiting) == [Waiting(1, "2027-01-15T08:03:01Z", window - 1.0)]
    assert bench.slept[0] == window - 1.0, (
        "a second longer than the window, so that the listing begins after it"
    )
    assert bench.calls == ["bind a", "bind b", "bind a"]
    assert bench.replans == [("bindings.a",)]
    assert bench.tally.done["bindings.a"] == "bound" and not bench.state.blocking()
    first, second = (one.customer_bind_id for one in bench.intents if one.address == "bindings.a")
    assert first != second


def test_it_is_tried_once_more_and_not_again() -> None:
    bench = nothing_came(9000.0, unknown())
    assert bench.calls == ["bind a", "bind b", "bind a"]
    assert bench.replans == [("bindings.a",)]
    assert bench.slept == [179.0, 180.0]
    assert not bench.state.blocking(), "and its second window is waited out too"


def test_each_is_tried_once_more_whatever_becomes_of_others_meanwhile() -> None:
    rides = ride("r", 41, 42)
    bench = End(files=desired([A, rides]))
    bench.answers = {"bind a": [unknown()] * 3, "bind r": [unknown()] * 3}
    bench.go(binds((A, ()), (rides, ())))
    bench.settle(9000.0)
    assert sorted(bench.calls) == ["bind a"] * 2 + ["bind r"] * 2
    assert bench.replans == [("bindings.r",), ("bindings.a",)]


def test_how_long_it_waits_is_told_to_a_tenth_of_a_second() -> None:
    bench = End()
    bench.answers["bind a"] = [unknown()]
    bench.seconds["bind a"] = 2.26
    bench.go(binds((A, ())))
    bench.settle()
    assert bench.slept == [pytest.approx(178.74)] and bench.told(Waiting)[0].seconds == 178.7


@pytest.mark.parametrize(("budget", "waits"), [(0.0, False), (178.5, False), (179.0, True)])
def test_no_longer_is_waited_than_was_asked(budget: float, waits: bool) -> None:
    bench = nothing_came(budget)
    assert bool(bench.told(Waiting)) is waits and bool(bench.slept) is waits
    assert len(bench.readings) == 1 + waits, "it asks once in any case"
    assert bool(bench.state.blocking()) is not waits


def test_the_budget_is_for_all_waiting_together() -> None:
    bench = nothing_came(300.0, unknown())
    assert bench.slept == [179.0] and bench.state.blocking()


def test_a_listing_that_settles_nothing_is_asked_ever_more_rarely() -> None:
    bench = End()
    bench.answers["bind a"] = [unknown()]
    bench.seen = lambda found: Observed({name: replace(one, scans=1) for name, one in found.listings.items()})
    bench.go(binds((A, ())))
    bench.settle(620.0)
    assert bench.slept == [180.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0, 60.0, 60.0]
    assert LONGEST_STEP_SECONDS == 60.0
    assert bench.state.blocking() and bench.calls == ["bind a"]


def test_a_listing_that_began_within_the_second_after_a_window_is_followed_by_one_that_began_later() -> None:
    bench = End()
    bench.answers["bind a"] = [unknown()]
    bench.seen = lambda found: Observed({name: replace(one, scans=1) for name, one in found.listings.items()})
    bench.go(binds((A, ())))
    bench.passed = 180.25
    bench.settle(8.0)
    assert bench.slept == [0.75, 1.0, 2.0, 4.0]


def test_the_soonest_window_comes_first() -> None:
    rides = ride("r", 41, 42)
    bench = End(files=desired([A, rides]))
    bench.answers = {"bind a": [unknown()], "bind r": [unknown()]}
    bench.go(binds((A, ()), (rides, ())))
    bench.settle(130.0)
    assert bench.told(Waiting)[0].attempts == 2
    assert bench.slept[0] == 120.0, "the ride's window is two minutes from its call, a second ago"


def test_a_refusal_that_proves_little_is_asked_about_and_not_waited_for() -> None:
    bench = End()
    bench.answers["bind a"] = [refused(Refusal.CONFLICT)]
    bench.go(binds((A, ())))
    bench.settle()
    assert len(bench.readings) == 1 and bench.slept == []
    assert bench.state.blocking().keys() == {"bindings.a"} and list(bench.tally.failures) == ["bindings.a"]


def contested() -> End:
    """A call that was lost, whose id the vendor lists with other values."""
    bench = lost("bind a")
    key = ("nx", "new-1")
    bench.vendor.rows[key] = replace(bench.vendor.rows[key], extension="999", phone_b=made(C).phone_b)
    return bench


def test_what_a_person_must_decide_is_told_and_not_waited_for() -> None:
    bench = contested()
    assert bench.settle() == ("P301",)
    assert bench.tally.codes == {ExitCode.DECISION}
    assert len(bench.readings) == 1 and bench.slept == []
    assert lost("bind a").settle() == ()
    assert lost("bind a").tally.codes == set()


def test_beside_it_others_are_waited_for() -> None:
    bench = contested()
    bench.answers["bind c"] = [unknown()]
    bench.go(binds((C, ())))
    assert bench.settle() == ("P301",)
    assert bench.calls[-1] == "bind c" and bench.tally.done["bindings.c"] == "bound"
    assert bench.told(Waiting)[0].attempts == 1
    assert bench.state.blocking().keys() == {"bindings.a"}


def test_what_is_another_run_s_to_settle_is_left_to_it() -> None:
    bench = End()
    bench.answers = {"bind a": [unknown()], "bind b": [unknown()]}
    bench.go(binds((A, ()), (B, ())))
    bench.ending.mine = lambda address: address == "bindings.b"
    assert bench.settle() == ()
    assert bench.calls == ["bind a", "bind b", "bind b"] and bench.replans == [("bindings.b",)]
    assert bench.told(Waiting)[0].attempts == 1
    other = contested()
    other.answers["bind c"] = [other.lost]
    other.go(binds((C, ())))
    other.ending.mine = lambda address: address == "bindings.c"
    assert other.settle() == () and other.tally.codes == set()
    own = contested()
    own.ending.mine = lambda address: address == "bindings.a"
    assert own.settle() == ("P301",) and own.tally.codes == {ExitCode.DECISION}


def test_a_signal_ends_the_waiting() -> None:
    bench = End()
    bench.answers["bind a"] = [unknown()]
    bench.go(binds((A, ())))
    bench.signal_at = 50.0
    assert bench.settle() == ()
    assert bench.passed == 50.0 and len(bench.readings) == 1


def test_after_a_signal_nothing_is_asked() -> None:
    bench = lost("bind a")
    bench.signal_at = 0.0
    assert bench.settle() == () and bench.readings == []


def test_after_a_signal_during_the_reading_nothing_is_tried_again() -> None:
    bench = End()
    bench.answers["bind a"] = [unknown()]
    bench.go(binds((A, ())))
    bench.passed = 200.0

    def stopped(found: Observed) -> Observed:
        bench.signal_at = bench.passed
        return found

    bench.seen = stopped
    bench.settle()
    assert bench.calls == ["bind a"] and bench.replans == [] and not bench.state.blocking()


def test_what_was_done_by_then_is_not_planned_again() -> None:
    bench = lost("bind a")
    bench.settle()
    assert bench.replans == []


# -- unbinds that turned out to have taken effect --------------------------------------------------------------------


def unbound(quarantine: int = 3600, **more: Any) -> End:
    """An unbind for good whose answer was lost."""
    one = desk("d", "101")
    known = state(bound(one))
    files = desired([A], policy=Policy(quarantine_seconds=quarantine))
    return lost("unbind d", known=known, plan=planned(files, known), files=files, **more)


def test_an_unbind_that_took_effect_is_told_and_its_numbers_rest() -> None:
    bench = unbound()
    bench.tally.failures["bindings.d"] = Failed("bindings.d", "unbind", "nx", "A126", "", "", "", "")
    assert bench.settle() == ()
    assert bench.told(Done)[-1] == Done(
        "bindings.d", "unbind", "nx", "unbound", 0.0, note="no longer in the listing"
    )
    assert bench.tally.done["bindings.d"] == "unbound" and bench.tally.failures == {}
    now = int(bench.now())
    assert bench.state.quarantine == (Resting("nx", X, "bindings.d", now + 3600, extension="101"),)
    assert "bindings.d" not in bench.state.entries and bench.replans == []


def test_what_another_run_has_begun_and_the_listing_shows_is_told_by_that_one() -> None:
    known = state(bound(desk("d", "101"), desk("e", "102")))
    files = desired([], policy=Policy(max_unbind=Limit(percent=100)))
    bench = lost("unbind d", "unbind e", known=known, plan=planned(files, known), files=files)
    assert sorted(bench.calls) == ["unbind d", "unbind e"]
    bench.ending.mine = lambda address: address == "bindings.e"
    bench.settle()
    assert [one.address for one in bench.told(Done)] == ["bindings.e"] == list(bench.tally.done)


def test_without_quarantine_they_do_not() -> None:
    bench = unbound(0)
    bench.settle()
    assert bench.state.quarantine == ()


def test_an_unbind_without_effect_is_not_told_as_done_and_is_tried_again() -> None:
    one = desk("d", "101")
    known = state(bound(one))
    files = desired([A])
    bench = End(known, files=files)
    bench.answers["unbind d"] = [unknown()]
    bench.go(planned(files, known))
    bench.settle()
    assert bench.calls == ["bind a", "unbind d", "unbind d"] or bench.calls == [
        "unbind d",
        "bind a",
        "unbind d",
    ]
    assert bench.done.count("d") == 1 and bench.tally.done["bindings.d"] == "unbound"


def deleting(answer: str) -> End:
    """A group's deletion whose answer was lost; `after` its effect or `before` it."""
    entry = made_group(group("crew"))
    bench = End(state({"groups.crew": entry}), files=desired())
    bench.vendor.groups["g1"] = live_group(entry)
    bench.answers["delete_group crew"] = [bench.lost if answer == "after" else unknown()]
    bench.go(planned(desired(), bench.state))
    bench.tally.failures["groups.crew"] = Failed("groups.crew", "delete_group", "nx", "A126", "", "", "", "")
    return bench


def test_a_deleted_group_that_is_gone_is_told_and_gone_from_the_state() -> None:
    bench = deleting("after")
    assert bench.tally.done == {} and bench.told(Done) == []
    assert bench.settle() == ()
    assert bench.calls == ["delete_group crew"] and bench.state.entries == {}
    assert bench.told(Done) == [
        Done("groups.crew", "delete_group", "nx", "deleted", 0.0, note="no longer in the listing")
    ]
    assert bench.tally.done == {"groups.crew": "deleted"} and bench.tally.failures == {}


def test_a_group_whose_deletion_had_no_effect_is_not_told_as_deleted_and_deleted_once_more() -> None:
    bench = deleting("before")
    assert bench.settle() == ()
    assert bench.calls == ["delete_group crew", "delete_group crew"]
    assert bench.vendor.groups == {} and bench.state.entries == {}
    (told,) = bench.told(Done)
    assert (told.result, told.note) == ("deleted", "")


def test_a_group_that_cannot_be_deleted_in_time_is_not_told_as_deleted() -> None:
    bench = deleting("before")
    assert bench.settle(10.0) == ()
    assert bench.told(Done) == [] and bench.tally.done == {} and list(bench.tally.failures) == ["groups.crew"]
    assert bench.state.blocking().keys() == {"groups.crew"} and "groups.crew" in bench.state.entries


def updating(answer: str, *, drifted: bool) -> End:
    """A group's update whose answer was lost; `drifted`: the state has what is declared, the vendor has not."""
    crew, before = group("crew", (11, 12, 13)), made_group(group("crew"))
    entry = made_group(crew) if drifted else before
    bench = End(state({"groups.crew": entry}), files=desired([], [crew]))
    bench.vendor.groups["g1"] = live_group(before)
    bench.answers["update_group crew"] = [bench.lost if answer == "after" else unknown()]
    bench.go(planned(bench.files, bench.state, bench.vendor.listing(started_at=bench.now())))
    assert bench.calls == ["update_group crew"] and bench.told(Done) == []
    return bench


@pytest.mark.parametrize("drifted", [True, False])
def test_a_group_that_is_listed_as_it_was_asked_for_is_told_as_updated(drifted: bool) -> None:
    bench = updating("after", drifted=drifted)
    assert bench.settle() == ()
    assert bench.calls == ["update_group crew"] and bench.replans == []
    assert bench.told(Done) == [
        Done("groups.crew", "update_group", "nx", "updated", 0.0, note="found in the listing")
    ]
    assert bench.tally.done == {"groups.crew": "updated"}


@pytest.mark.parametrize("drifted", [True, False])
def test_a_group_that_is_listed_as_before_is_updated_once_more(drifted: bool) -> None:
    bench = updating("before", drifted=drifted)
    assert bench.settle() == ()
    assert bench.calls == ["update_group crew"] * 2
    (told,) = bench.told(Done)
    assert (told.result, told.note) == ("updated", "")


def test_the_first_half_of_a_change_that_took_effect_is_not_told_and_the_second_comes() -> None:
    known = state(bound(A))
    files = desired([replace(A, recording=True)])
    bench = lost("unbind a", known=known, plan=planned(files, known), files=files)
    assert bench.state.blocking()
    bench.settle()
    assert bench.calls == ["unbind a", "bind a"]
    assert bench.replans == [("bindings.a",)]
    assert [one.note for one in bench.told(Done)] == [""]
    assert bench.state.bindings()["bindings.a"].recording


@pytest.mark.parametrize("stop", ["full", "stopped", "deadline", "barred"])
def test_a_half_that_was_found_done_is_followed_by_the_other_whatever_else_is_stopped(stop: str) -> None:
    """Nobody is reached at that address meanwhile; only refused credentials leave no way."""
    known = state(bound(A))
    files = desired([replace(A, recording=True)])
    bench = lost("unbind a", known=known, plan=planned(files, known), files=files)
    if stop == "full":
        bench.tally.no_binds.add("nx")
    if stop in ("stopped", "barred"):
        bench.tally.stopped["nx"] = "3 calls in a row at nx got no usable answer"
    if stop == "barred":
        bench.tally.barred.add("nx")
    not_after = 0.5 if stop == "deadline" else None
    bench.ending.apply = lambda plan: bench.applying(plan, proofs=bench.proofs, not_after=not_after)
    bench.settle()
    assert bench.calls == ["unbind a", "bind a"][: 1 if stop == "barred" else 2]
    assert bench.state.bindings()["bindings.a"].down is (stop == "barred")


@pytest.mark.parametrize("effect", [True, False], ids=["effect", "no effect"])
@pytest.mark.parametrize("which", ["one", "two"])
def test_a_circle_whose_unbind_had_no_answer_is_ended_in_the_same_run(which: str, effect: bool) -> None:
    before = [desk("one", "101", 1), desk("two", "102", 2)]
    known = state(bound(*before))
    files = desired([desk("one", "102", 1), desk("two", "101", 2)])
    bench = End(known, files=files)
    bench.answers[f"unbind {which}"] = [bench.lost if effect else unknown()]
    bench.go(planned(files, known))
    assert len(bench.told(Done)) == 0
    bench.settle()
    after = bench.state.bindings()
    assert [after[f"bindings.{one}"].extension for one in ("one", "two")] == ["102", "101"]
    assert not any(one.down for one in after.values()) and not bench.tally.failures
    assert bench.calls.count(f"unbind {which}") == (1 if effect else 2)
    assert sum(one.startswith("bind ") for one in bench.calls) == 2


@pytest.mark.parametrize("stop", ["full", "stopped"])
def test_what_had_no_effect_is_not_tried_again_at_a_vendor_that_is_stopped(stop: str) -> None:
    bench = End()
    bench.answers["bind a"] = [unknown()]
    bench.go(binds((A, ())))
    (bench.tally.no_binds.add if stop == "full" else lambda name: bench.tally.stopped.update({name: "why"}))(
        "nx"
    )
    bench.settle()
    assert bench.calls == ["bind a"] and bench.left == ["a"]


def test_bookkeeping_of_a_second_plan_is_recorded() -> None:
    bench = End()
    bench.answers["bind a"] = [unknown()]
    bench.go(binds((A, ())))
    noted = Noted("policy", "as it is")
    plain = bench.replan

    def with_note(seen: Observed, addresses: Collection[str]) -> Plan:
        return replace(plain(seen, addresses), bookkeeping=(noted,))

    bench.ending.replan = with_note
    bench.settle()
    assert bench.state.notes["policy"] == "as it is"
    assert (noted,) in bench.records


# -- verification ------------------------------------------------------------------------------------------------------


def verified(*bindings: Any, **more: Any) -> End:
    bench = End(**more)
    bench.go(binds(*((one, ()) for one in bindings)))
    return bench


def test_what_was_bound_is_compared_with_the_listing() -> None:
    bench = verified(A, B)
    assert bench.ending.verify() == ()
    assert bench.readings == [(2.0, ("nx",))] and bench.slept == []
    assert bench.told(Verified) == [Verified(2, ())] and bench.tally.codes == set()


def test_where_nothing_was_bound_nothing_is_read() -> None:
    bench = End(state(bound(A)))
    bench.go(planned([], bench.state))
    assert bench.ending.verify() == () and bench.readings == [] and bench.told(Verified) == []


def test_what_was_bound_and_is_down_or_gone_again_is_not_compared() -> None:
    bench = verified(A, B, C)
    down = replace(bench.state.bindings()["bindings.a"], bind_id=None)
    bench.state = replay(bench.state, [Recorded("bindings.a", down), Recorded("bindings.b", None)])
    del bench.vendor.rows[("nx", "new-1")]
    assert bench.ending.verify() == ()
    assert bench.told(Verified) == [Verified(1, ())]


def hidden(bench: End, *, until: float = float("inf")) -> None:
    """The listing lags: the vendor shows no binding before then."""

    def lagging(found: Observed) -> Observed:
        if bench.passed >= until:
            return found
        return Observed({name: replace(one, bindings=()) for name, one in found.listings.items()})

    bench.seen = lagging


@pytest.mark.parametrize(("lag", "pauses"), [(0.5, [1.0]), (3.0, [1.0, 2.0]), (7.0, [1.0, 2.0, 4.0])])
def test_a_listing_that_lags_is_read_again(lag: float, pauses: list[float]) -> None:
    assert REREADS == (1.0, 2.0, 4.0)
    bench = verified(A)
    hidden(bench, until=bench.passed + lag)
    assert bench.ending.verify() == ()
    assert bench.slept == pauses and len(bench.readings) == len(pauses) + 1
    assert bench.told(Verified) == [Verified(1, ())]


def test_what_was_acknowledged_and_is_not_listed_is_told_and_makes_the_run_partial() -> None:
    bench = verified(B, A, C)
    del bench.vendor.rows[("nx", "new-1")], bench.vendor.rows[("nx", "new-2")]
    assert bench.ending.verify() == ("bindings.a", "bindings.b")
    assert bench.slept == [1.0, 2.0, 4.0]
    assert bench.told(Verified) == [Verified(3, ("bindings.a", "bindings.b"))]
    assert bench.tally.codes == {ExitCode.PARTIAL}


def test_a_signal_ends_the_rereading() -> None:
    bench = verified(A)
    hidden(bench)
    bench.signal_at = bench.passed + 1.5
    assert bench.ending.verify() == ("bindings.a",)
    assert len(bench.readings) == 3 and bench.passed == bench.signal_at


def learnt(bench: End) -> tuple[Any, ...]:
    """What a verification recorded."""
    before = len(bench.records)
    bench.ending.verify()
    assert len(bench.records) - before <= 1
    return tuple(event for record in bench.records[before:] for event in record)


def shown(bench: End, bind_id: str, **changed: Any) -> None:
    """Let the vendor list a binding with other values."""
    key = next(one for one in bench.vendor.rows if one[1] == bind_id)
    bench.vendor.rows[key] = replace(bench.vendor.rows[key], **changed)


def test_where_all_is_as_recorded_nothing_is() -> None:
    assert learnt(verified(A, B)) == ()


def test_the_exact_end_that_is_listed_is_recorded() -> None:
    bench = verified(A, B)
    shown(bench, "new-1", expires_at=NOW + DAY + 3)
    entry = bench.state.entries["bindings.a"]
    assert isinstance(entry, Entry)
    assert learnt(bench) == (Recorded("bindings.a", replace(entry, expires_at=NOW + DAY + 3)),)


@pytest.mark.parametrize("wanted", [axg("talk", "crew"), desk("d", "101")])
def test_that_a_mode_is_listed_is_noted_once(wanted: Any) -> None:
    crew = made_group(group("crew"))
    known = state({"groups.crew": crew}, notes={})
    twin = replace(wanted, name="twin", extension=wanted.extension and "102")
    bench = End(known)
    bench.vendor.groups["g1"] = live_group(crew)
    bench.go(binds((wanted, ()), (twin, ()), (A, ())))
    key = listed_note("nx", wanted.mode)
    assert learnt(bench) == (Noted(key, "yes"),)
    assert learnt(bench) == ()


RIDE = ride("r", 41, 42)
EAST = 8 * 3600


def riding(*, naive: int | None = NOW + 259200 + EAST, **listed: Any) -> End:
    """A LAAFFIC binding, listed with a text that names no zone."""
    bench = verified(RIDE)
    shown(bench, "new-1", **{"expires_at": None, "naive_expiry": naive, **listed})
    return bench


def lasting(**more: Any) -> int:
    bench = verified(RIDE)
    entry = bench.state.bindings()["bindings.r"]
    assert entry.expires_at is not None
    return entry.expires_at


def test_a_vendors_zone_is_learnt_from_what_this_run_bound() -> None:
    ends = lasting()
    assert learnt(riding(naive=ends + EAST)) == (Noted(zone_note("la"), str(EAST)),)


@pytest.mark.parametrize("other", ["exact", "none", "unknown end", "no zone", "not of this run", "known"])
def test_a_zone_is_learnt_from_nothing_else(other: str) -> None:
    ends = lasting()
    bench = riding(naive=ends + EAST)
    wanted: tuple[Any, ...] = ()
    if other == "exact":
        shown(bench, "new-1", expires_at=ends)
    if other == "none":
        shown(bench, "new-1", naive_expiry=None)
    if other == "unknown end":
        entry = bench.state.bindings()["bindings.r"]
        bench.state = replay(bench.state, [Recorded("bindings.r", replace(entry, expires_at=None))])
    if other == "no zone":
        shown(bench, "new-1", naive_expiry=ends + EAST + 400)
    if other == "not of this run":
        bench.go(binds((A, ())))
        bench.tally.bound = bench.tally.prompt = {"bindings.a"}
        bench.ending.observe = lambda names: bench.observe(["nx", "la"])
    if other == "known":
        bench.state = replay(bench.state, [Noted(zone_note("la"), "3600")])
    assert learnt(bench) == wanted


@pytest.mark.parametrize(("seconds", "told"), [(700, True), (1003, False)])
def test_no_zone_is_learnt_from_an_answer_that_came_a_quarter_of_an_hour_late(
    seconds: int, told: bool
) -> None:
    """The machine stood still between the call and its answer; when it took effect is not known."""
    bench = End()
    bench.seconds["bind r"] = seconds
    bench.go(binds((RIDE, ())))
    shown(bench, "new-1", expires_at=None, naive_expiry=lasting() + EAST + (0 if told else seconds))
    assert learnt(bench) == ((Noted(zone_note("la"), str(EAST)),) if told else ())


def test_a_zone_is_learnt_once_of_several() -> None:
    ends = lasting()
    other = ride("q", 43, 44)
    bench = verified(RIDE, other)
    for number, zone in (("new-1", EAST), ("new-2", EAST)):
        shown(bench, number, expires_at=None, naive_expiry=ends + zone)
    assert learnt(bench) == (Noted(zone_note("la"), str(EAST)),)
