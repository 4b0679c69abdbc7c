"""The two halves of a change while others fly, vendors are full or out of reach, and what is told of it."""

from dataclasses import replace

from tests.applying import Bench, binds, not_sent
from tests.test_settlement import End
from tests.worlds import axb, bound, desired, desk, group, live_group, made_group, planned, state

A = axb("a", 20, 21)


def test_after_a_signal_the_second_half_is_made_though_others_may_fly() -> None:
    bench = Bench(state(bound(A)))
    bench.signal_at = 0.5
    bench.go(planned([replace(A, recording=True)], bench.state), parallelism=2)
    assert bench.calls == ["unbind a", "bind a"]


def test_a_change_whose_first_half_flies_while_the_rest_is_stopped_is_told() -> None:
    bench = Bench(state(bound(desk("d", "101"))))
    bench.signal_at = 0.5
    bench.go(planned([desk("d", "102")], bench.state), parallelism=2)
    assert bench.failed == {"d": ("A130", "half done: the run was stopped")}


def test_the_old_half_of_a_change_that_bound_first_goes_at_a_full_vendor() -> None:
    known = state(bound(desk("d", "101")))
    bench = Bench(known)

    def fills(asked: object) -> object:
        bench.tally.no_binds.add("nx")
        return bench.call(asked)

    bench.answers["bind d"] = [fills]
    bench.go(planned([desk("d", "102")], known))
    assert bench.calls == ["bind d", "unbind d"]


def test_three_calls_that_could_not_be_sent_stop_a_provider() -> None:
    bench = Bench()
    bench.answers = {f"bind n{one}": [not_sent] * 9 for one in range(5)}
    bench.go(binds(*((axb(f"n{one}", 100 + one, 200 + one), ()) for one in range(5))))
    assert bench.tally.stopped.keys() == {"nx"}


def test_a_deleted_group_that_is_gone_is_told() -> None:
    entry = made_group(group("crew"))
    bench = End(state({"groups.crew": entry}), files=desired())
    bench.vendor.groups["g1"] = live_group(entry)
    bench.answers["delete_group crew"] = [bench.lost]
    bench.go(planned(desired(), bench.state))
    bench.settle()
    assert bench.tally.done == {"groups.crew": "deleted"}
