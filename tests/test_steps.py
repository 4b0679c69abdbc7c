"""The steps of drafts that stand in order: what each waits for, and how long nobody is reached."""

from dataclasses import replace

import pytest

from pnsync.plan import Step
from pnsync.planner.steps import steps_of
from pnsync.state import Operation
from tests.drafts import binding, grouping, rebinding
from tests.worlds import PROVIDERS, axb, desired

FILES = desired()
A, B, C = (rebinding(axb(name, 2 * place, 2 * place + 1)) for place, name in enumerate("abc", 10))
NEW, CREW = binding(axb("new", 40, 41)), grouping("crew")


def told(steps: tuple[Step, ...]) -> list[tuple[str, int, tuple[int, ...]]]:
    """Each step: its operation, its change, and the steps before it."""
    return [(one.operation.value, one.change, one.after) for one in steps]


def test_a_group_in_a_circle_waits_for_the_unbinds_that_it_waits_for_and_no_others() -> None:
    _, steps = steps_of((A, CREW, B), [(0, 1, 2)], {0: (1, 2), 1: (2,), 2: (0,)}, FILES)
    assert told(steps) == [
        ("unbind", 0, ()), ("unbind", 2, (0,)), ("update_group", 1, (1,)),
        ("bind", 0, (2, 1, 0)), ("bind", 2, (0, 1)),
    ]  # fmt: skip


def test_what_only_binds_in_a_circle_waits_for_no_unbind_of_its_own() -> None:
    _, steps = steps_of((A, NEW), [(0, 1)], {0: (1,), 1: (0,)}, FILES)
    assert told(steps) == [("unbind", 0, ()), ("bind", 0, (0,)), ("bind", 1, (0,))]
    assert [one.finishes for one in steps] == [False, True, False]


def test_what_comes_later_is_not_waited_for_and_what_came_is() -> None:
    _, steps = steps_of((C, A, B), [(1,), (2,), (0,)], {2: (0, 1)}, FILES)
    assert [one.after for one in steps if one.operation is Operation.UNBIND] == [(), (0,), ()]


@pytest.mark.parametrize(("rate", "seconds"), [(3.0, 0.58), (20.0, 0.3), (None, 0.25)])
def test_nobody_is_reached_for_a_call_and_a_turn_at_the_vendor_s_rate(
    rate: float | None, seconds: float
) -> None:
    """A vendor that is not declared any more has no rate."""
    known = {} if rate is None else {"nx": replace(PROVIDERS["nx"], rate=rate)}
    (change,), _ = steps_of((A,), [(0,)], {}, desired(providers=known))
    assert change.gap_seconds == seconds
