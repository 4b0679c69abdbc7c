"""Scenarios of single rules of an apply, which histories reach too rarely.

What breaks a promise is raised as the simulation's own Violation, so that it tells from a fault of the scenario.
"""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from pnsync.errors import ExitCode, StateError
from pnsync.interfaces import Dispatcher
from pnsync.model import Binding, Mode
from pnsync.planning import PlanOptions, World
from pnsync.sandbox.faults import Effect, Fault, Reply
from pnsync.sandbox.records import Binding as LiveBinding
from pnsync.savedplan import seal
from pnsync.state import Intent
from pnsync.workflow import ApplyOptions

from .declarations import phone
from .disk import SimDisk
from .process import Process
from .test_directed import DAY, DRIVER, NAMED, PAIR, RIDE, Scenario
from .world import PATH, Run, Universe, Violation, seeded

X = "447401264117"
DESK = Binding("desk", "nx", Mode.AXB_EXTENSION, phone(5), phone(6), DAY, phone_x=X, extension="101")
OTHER_DESK = Binding("desk-2", "nx", Mode.AXB_EXTENSION, phone(7), phone(8), DAY, phone_x=X, extension="102")
NOW = ApplyOptions(settle_seconds=0)


@pytest.fixture(autouse=True)
def _seeded() -> object:
    with seeded(Random(3)):
        yield


def promised(rule: str, kept: bool, what: str) -> None:
    """Raise what breaks a promise."""
    if not kept:
        raise Violation(rule, what)


def overtake(universe: Universe, seconds: float) -> Run:
    """The run that holds the state stands still so long; meanwhile its lock is broken, and another run works."""
    universe.time.seconds += seconds
    looker = Process()
    store = universe.store(looker, universe.world(looker, Random(4)).clock)  # type: ignore[arg-type]
    holder = store.holder()
    assert holder is not None
    store.unlock(holder.id)
    universe.image.release(looker)
    return universe.apply(Random(5), options=NOW)


def at_write(one: Scenario, process: Process, does: Callable[[Intent], object]) -> None:
    """Let something happen when the first writing request leaves."""
    link, done = one.universe._before_write, [False]

    def before(*sent: object) -> Intent | None:
        found = link(*sent)  # type: ignore[arg-type]
        if sent[0] is process and not done[0] and found is not None:
            done[0] = True
            does(found)
        return found

    one.universe._before_write = before  # type: ignore[method-assign, assignment]


class FullDisk(SimDisk):
    """A disk with room for a few records, and not for those of a whole apply."""

    def allocate(self, fd: int, offset: int, size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class StandingStill:
    """A dispatcher of a run that stands still once an intent is durable, before its call."""

    def __init__(self, inner: Dispatcher, one: Scenario, meanwhile: list[Callable[[], object]]) -> None:
        self.wait, self.wake = inner.wait, lambda: None
        self._inner, self._ledger, self._meanwhile = inner, one.universe.ledger, meanwhile

    def submit(self, ticket: int, call: Callable[[], object]) -> None:
        self._ledger.catch_up()
        if self._ledger.open and self._meanwhile:
            self._meanwhile.pop()()
        self._inner.submit(ticket, call)


def test_room_for_the_whole_apply_is_there_before_its_first_call() -> None:
    one = Scenario(RIDE, DRIVER)
    process = Process()
    run = one.universe.apply(one.random, process=process, disk=FullDisk(one.universe.image, process))
    assert isinstance(run.error, StateError) and run.calls == 0
    one.end()


def test_what_was_not_approved_is_not_done() -> None:
    one = Scenario(RIDE)
    found = one.universe.plan(one.random)
    approved = json.dumps(seal(found.document, found.plan, PlanOptions().saved(), found.keys)).encode()
    one.universe.files.bindings["driver"] = DRIVER
    run = one.universe.apply(one.random, saved=approved)
    promised("G8", run.calls == 0, "what was not approved was done")
    assert run.error is not None and run.error.exit_code is ExitCode.STALE_PLAN
    one.end()


@pytest.mark.parametrize(
    "answer",
    [Fault(reply=Reply.CODE, code=10010), Fault(reply=Reply.STATUS, status=503)],
    ids=["refused for now", "a server's error"],
)
def test_what_was_refused_and_takes_effect_all_the_same_is_not_bound_twice(answer: Fault) -> None:
    """A network may deliver a request twice: what answers the one tells nothing of the other."""
    one = Scenario(RIDE)
    one.fault("nx", replace(answer, effect=Effect.LATER, after_seconds=45, operation="bindAXB"))
    one.apply(settle=0)
    one.universe.time.seconds += 1
    one.apply(settle=0)
    one.universe.time.seconds += 60
    one.universe.check()
    promised("I2", len(one.live("nx")) == 1, f"{RIDE.address} is bound {len(one.live('nx'))} times")
    one.end()


@pytest.mark.parametrize("code", [1002, 10010])
def test_what_was_refused_and_takes_effect_all_the_same_is_found(code: int) -> None:
    """Its file may be corrected at once, and the id that it declared is in nobody's name space."""
    one = Scenario(RIDE, NAMED)
    one.apply()
    one.universe.files.bindings["named"] = replace(NAMED, recording=True)
    late = Fault(effect=Effect.LATER, reply=Reply.CODE, code=code, after_seconds=45, operation="bindAXB")
    one.fault("nx", late)
    one.apply(settle=0)
    del one.universe.files.bindings["named"]
    one.universe.time.seconds += 60
    one.apply()
    one.universe.time.seconds += 300
    one.apply()
    promised("I1", len(one.live("nx")) == 1, "what was refused is live, and nobody unbinds it")
    one.end()


def test_success_without_an_id_is_no_success() -> None:
    one = Scenario(DESK)
    one.fault("nx", Fault(reply=Reply.TEXT, text='{"code":0,"data":{}}', operation="bindAXBExtension"))
    one.apply()
    assert len(one.live("nx")) == 1
    one.end()


def test_a_run_that_was_overtaken_before_its_call_does_not_make_it() -> None:
    """It stood still between its intent and its call; another run has seen the window end, and bound."""
    one = Scenario(RIDE)
    whole, other = one.universe.world, list[Run]()

    def world(*asked: object) -> World:
        one.universe.world = whole  # type: ignore[method-assign]
        found = whole(*asked)  # type: ignore[arg-type]
        meanwhile: list[Callable[[], object]] = [lambda: other.append(overtake(one.universe, 600))]
        return replace(found, dispatcher=lambda width: StandingStill(found.dispatcher(width), one, meanwhile))

    one.universe.world = world  # type: ignore[method-assign, assignment]
    one.universe.apply(one.random, options=NOW)
    assert other and other[0].calls == 1
    one.universe.check()
    one.end()


def test_a_run_that_was_overtaken_makes_none_of_the_calls_of_its_record() -> None:
    """Their intents are durable all, and those that were not made in time are another run's."""
    one = Scenario(RIDE, NAMED)
    one.universe.files.place = "object"
    process, other = Process(), list[Run]()
    at_write(one, process, lambda _: other.append(overtake(one.universe, 600)))
    one.universe.apply(one.random, process=process, options=NOW)
    assert other and other[0].calls
    one.universe.check()
    one.end()


def test_a_run_whose_lock_was_broken_makes_no_further_call() -> None:
    one = Scenario(RIDE, NAMED)
    process, other = Process(), list[Run]()
    at_write(one, process, lambda _: other.append(overtake(one.universe, 1)))
    before = one.universe.apply(one.random, process=process, options=NOW)
    assert other and other[0].calls == 1
    promised("I2", before.calls - other[0].calls == 1, "a run that was overtaken made a call")
    one.universe.check()
    one.end()


def test_a_listing_proves_for_ten_minutes_and_is_read_again_after_them() -> None:
    one = Scenario(RIDE, NAMED, DRIVER)
    one.apply()
    one.universe.files.bindings = {"driver": DRIVER}
    process = Process()
    at_write(one, process, lambda _: setattr(one.universe.time, "seconds", one.universe.time.seconds + 800))
    one.universe.apply(one.random, process=process, options=NOW)
    one.universe.check()
    one.end()


def given_again(one: Scenario, bind_id: str) -> None:
    """A binding of ours is removed by hand, and LAAFFIC gives its id to a binding of others."""
    vendor, now = one.universe.vendors["la"], one.universe.time.true
    vendor.transport.console.remove(bind_id)
    vendor.made.pop(bind_id, None)
    a, b = phone(901).digits, phone(902).digits
    theirs = LiveBinding(
        bind_id=bind_id, mode="axb", phone_a=a, phone_b=b, x_a="9188061026", x_b="9188061026",
        bound_at=now, expires_at=now + 80_000, app_id="4luaKsL2", made_by="console",
    )  # fmt: skip
    with vendor.transport.account.writing(now) as board:
        board.bind(theirs)


def test_an_id_that_is_another_s_by_now_is_not_unbound() -> None:
    one = Scenario(DRIVER)
    one.apply()
    (ours,) = one.live("la")
    given_again(one, ours)
    one.universe.files.bindings["driver"] = replace(DRIVER, phone_b=phone(507))
    one.universe.time.seconds += 300
    one.apply()
    assert ours in one.live("la")


def test_an_id_that_became_another_s_during_an_apply_is_not_unbound() -> None:
    one = Scenario(DRIVER, PAIR, NAMED)
    one.apply()
    both = set(one.live("la"))
    one.universe.files.bindings = {"named": NAMED}
    process, theirs = Process(), list[str]()

    def meanwhile(intent: Intent) -> None:
        one.universe.time.seconds += 800
        theirs.extend(both - {intent.bind_id})
        given_again(one, theirs[0])

    at_write(one, process, meanwhile)
    one.universe.apply(one.random, process=process, options=NOW)
    assert one.live("la") == theirs


def interrupted(one: Scenario, at: int, seconds: float) -> Run:
    """An apply that gets a signal some seconds after its nth write has left."""
    process = Process()
    left, whole = [0], one.universe._before_write

    def before(*sent: object) -> Intent | None:
        found = whole(*sent)  # type: ignore[arg-type]
        left[0] += 1
        if left[0] == at:
            process.signal_at = one.universe.time.seconds + seconds
        return found

    one.universe._before_write = before  # type: ignore[method-assign, assignment]
    run = one.universe.apply(one.random, process=process, options=NOW)
    assert process.signal_at is not None and process.signal is not None
    late = one.universe.time.seconds - process.signal_at
    promised("exit", late <= 5.5, f"it went on for {late:.1f} s after the signal")
    return run


def test_a_signal_ends_a_run_while_its_vendor_hangs() -> None:
    one = Scenario(RIDE)
    one.fault("nx", Fault.named("slow", slow_seconds=30, operation="bindAXB"))
    interrupted(one, 1, 1.0)
    one.end()


def test_after_a_signal_no_call_is_begun() -> None:
    one = Scenario(RIDE, NAMED, DRIVER, PAIR)
    for vendor in one.universe.vendors.values():
        vendor.latency = lambda: 1.0
    run = interrupted(one, 1, 0.1)
    promised("exit", run.calls == 1, "a call was begun after the signal")
    one.end()


def test_a_signal_leaves_nothing_half_done_that_its_seconds_suffice_for() -> None:
    one = Scenario(RIDE, DRIVER)
    one.apply()
    one.universe.files.bindings["ride"] = replace(RIDE, recording=True)
    run = interrupted(one, 1, 0.01)
    promised("apply", run.calls == 2 and len(one.live("nx")) == 1, "a signal left a binding down")
    one.end()


def test_what_an_unbind_frees_waits_for_its_outcome() -> None:
    one = Scenario(DESK, DRIVER)
    one.apply()
    one.universe.files.bindings = {"driver": DRIVER, "desk-2": replace(OTHER_DESK, extension="101")}
    one.fault("nx", Fault(effect=Effect.LATER, reply=Reply.LOST, after_seconds=30, operation="unbindAXB"))
    one.apply(settle=0)
    one.universe.time.seconds += 60
    one.end()


def test_two_applies_never_work_at_one_state() -> None:
    one = Scenario(RIDE, DRIVER)
    process, second = Process(), list[Run]()
    at_write(one, process, lambda _: second.append(one.universe.apply(Random(8), options=NOW)))
    one.universe.apply(one.random, process=process, options=NOW)
    promised("apply", [run.calls for run in second] == [0], "two applies worked at one state")
    one.universe.check()
    one.end()


def test_an_older_state_file_is_not_taken_for_the_present_one() -> None:
    one = Scenario(RIDE)
    one.apply()
    older = one.universe.image.copy()[PATH]
    for recording in (True, False):
        one.universe.files.bindings["ride"] = replace(RIDE, recording=recording)
        one.apply()
    present = one.universe.image.copy()
    one.universe.image.put({**present, PATH: older})
    run = one.universe.apply(one.random, options=NOW)
    promised("G4", run.calls == 0 and isinstance(run.error, StateError), "an older state was worked with")
    one.universe.image.put(present)
    one.end()
