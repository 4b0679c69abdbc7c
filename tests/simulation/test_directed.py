"""Scenarios that histories reach too rarely: one promise each, on a world with one or two bindings."""

from dataclasses import replace
from random import Random

import pytest

from pnsync.errors import ExitCode
from pnsync.model import Binding, Lifetime, Mode
from pnsync.planning import PlanOptions
from pnsync.sandbox.faults import Effect, Fault, Reply
from pnsync.sandbox.switches import LaSwitches, NxSwitches
from pnsync.workflow import ApplyOptions

from .declarations import phone
from .history import converge
from .process import Process
from .world import Run, Universe, Violation, seeded

DAY = Lifetime(86400, None, 17280)
RIDE = Binding("ride", "nx", Mode.AXB, phone(1), phone(2), DAY)
NAMED = Binding("named", "nx", Mode.AXB, phone(3), phone(4), DAY, customer_bind_id="ours")
DRIVER = Binding("driver", "la", Mode.AXB, phone(501), phone(502), DAY, pool_number="918806")
PAIR = Binding("pair", "la", Mode.AXXB, phone(503), phone(504), DAY, pool_number="918806")
BINDS = {"nx": "bindAXB", "la": "pns/bind"}


class Scenario:
    """A world in which the test decides what happens."""

    def __init__(self, *bindings: Binding, **plain: object) -> None:
        self.universe = Universe("directed", size=0, plain=plain)
        self.universe.files.bindings = {one.name: one for one in bindings}
        self.universe.files.groups = {}
        self.universe.files.quarantine_seconds = 0
        self.random = Random(7)

    def fault(self, provider: str, fault: Fault) -> None:
        self.universe.vendors[provider].transport.line.add_fault(fault)

    def apply(self, settle: float = 300.0) -> Run:
        run = self.universe.apply(self.random, options=ApplyOptions(settle_seconds=settle))
        self.universe.check()
        return run

    def binds(self, provider: str) -> int:
        return sum(one.operation.value == "bind" for one in self.universe.vendors[provider].requests)

    def live(self, provider: str) -> list[str]:
        return sorted(self.universe.vendors[provider].board.bindings)

    def back(self, backup: dict[str, bytes]) -> None:
        """Put a copy of state and journal back, as from a backup."""
        self.universe.image.put(backup)
        self.universe.relaxed, self.universe.serial = True, -1

    def end(self) -> None:
        converge(self.universe, self.random)


@pytest.fixture(autouse=True)
def _seeded() -> object:
    with seeded(Random(3)):
        yield


@pytest.mark.parametrize("binding", [RIDE, DRIVER])
def test_what_takes_effect_late_is_not_bound_twice(binding: Binding) -> None:
    one = Scenario(binding)
    late = Fault(effect=Effect.LATER, reply=Reply.LOST, after_seconds=45, operation=BINDS[binding.provider])
    one.fault(binding.provider, late)
    one.apply()
    assert one.binds(binding.provider) == 1 and len(one.live(binding.provider)) == 1
    one.end()
    assert one.binds(binding.provider) == 1, "it lasts no longer than declared: it began later"


@pytest.mark.parametrize("binding", [RIDE, DRIVER])
def test_an_unbind_that_was_answered_and_had_no_effect_is_found_out(binding: Binding) -> None:
    """By a listing half an hour later; where an id of ours proves it, it is unbound once more, else a person is told."""
    one = Scenario(binding)
    one.apply()
    one.universe.files.bindings = {}
    answer = '{"code":0}' if binding.provider == "nx" else '{"status":"0","data":null}'
    one.fault(
        binding.provider, Fault(effect=Effect.NEVER, reply=Reply.TEXT, text=answer, operation="*nbind*")
    )
    permitted = ApplyOptions(plan=PlanOptions(allow_unbind=1), settle_seconds=300.0)
    one.universe.apply(one.random, options=permitted)
    assert len(one.live(binding.provider)) == 1 and one.universe.plan(one.random).plan.empty
    one.universe.time.seconds += 3600
    found = one.universe.plan(one.random).plan
    assert [note.code for note in found.diagnostics] == ([] if binding.provider == "nx" else ["P343"])
    one.apply()
    assert len(one.live(binding.provider)) == (0 if binding.provider == "nx" else 1)


@pytest.mark.parametrize("skew", [0.0, -300.0, 300.0])
def test_what_a_lagging_listing_does_not_show_is_not_bound_twice(skew: float) -> None:
    one = Scenario(RIDE, nx=NxSwitches(list_lag_seconds=30), skew=skew)
    one.apply()
    one.universe.time.seconds += 1
    one.apply(settle=0)
    assert one.binds("nx") == 1
    one.end()


def test_a_second_delivery_is_found_and_unbound() -> None:
    one = Scenario(NAMED, nx=NxSwitches(duplicate_client_id="second"))
    one.fault("nx", Fault.named("twice", operation=BINDS["nx"]))
    one.apply()
    assert len(one.live("nx")) == 2
    one.apply()
    assert len(one.live("nx")) == 1
    one.end()


def test_a_second_delivery_that_no_id_tells_from_a_strangers_binding_is_a_persons_decision() -> None:
    one = Scenario(PAIR)
    one.fault("la", Fault.named("twice", operation=BINDS["la"]))
    one.apply()
    assert len(one.live("la")) == 2
    run = one.apply()
    assert run.verdict is not None and ExitCode.DECISION in run.verdict.codes
    assert len(one.live("la")) == 2
    one.end()


def test_what_others_bind_for_the_same_pair_is_not_unbound() -> None:
    """A moment after ours, with the same lifetime: the listing cannot tell it from a second delivery."""
    one = Scenario(PAIR)
    one.apply()
    (ours,) = one.live("la")
    a, b = PAIR.phone_a.digits, (PAIR.phone_b or PAIR.phone_a).digits
    one.universe.time.seconds += 5
    theirs = one.universe.vendors["la"].transport.console.add(
        "axxb", phone_a=a, phone_b=b, x_a="9188061024", x_b="9188061025", app_id="4luaKsL2", expires_in=86400
    )
    one.apply()
    one.universe.time.seconds += 3000
    one.apply()
    assert {ours, theirs} == set(one.live("la"))


def test_a_second_delivery_after_the_unbind_is_a_persons_decision_where_no_id_tells() -> None:
    one = Scenario(DRIVER, RIDE)
    one.fault("la", Fault.named("again", operation="pns/bind", after_seconds=60))
    one.apply()
    del one.universe.files.bindings["driver"]
    one.apply()
    assert not one.live("la")
    one.universe.time.seconds += 100
    one.universe.check()
    assert len(one.live("la")) == 1
    run = one.apply()
    assert run.verdict is not None and ExitCode.DECISION in run.verdict.codes
    one.end()


def test_an_outcome_under_an_id_that_the_vendor_gives_again_is_found() -> None:
    one = Scenario(DRIVER, la=LaSwitches(bind_id_reused=True))
    one.apply()
    one.universe.files.bindings["driver"] = Binding(
        "driver", "la", Mode.AXB, phone(501), phone(502), Lifetime(7200, None, 1440), pool_number="918806"
    )
    one.fault("la", Fault.named("lost_reply", operation="pns/bind"))
    one.apply(settle=300)
    assert len(one.live("la")) == 1
    one.end()


def test_minus_35_is_no_success() -> None:
    one = Scenario(DRIVER)
    console = one.universe.vendors["la"].transport.console
    console.add(
        "axb",
        phone_a="447700900501",
        phone_b="447700900777",
        x_a="9188061030",
        app_id="4luaKsL2",
        expires_in=900,
    )
    run = one.apply()
    state = one.universe.state()
    assert run.verdict is None or run.verdict.exit != 0
    assert state is None or "bindings.driver" not in state.entries
    assert len(one.live("la")) == 1


def test_no_attempt_of_a_run_has_the_name_of_another() -> None:
    """A retry at the end of a run is an attempt of its own, whose outcome does not hide the first's."""
    one = Scenario(DRIVER)
    one.fault("la", Fault.named("lost_request", operation="pns/bind", times=2))
    one.apply(settle=3000)
    attempts = [
        sent.intent.attempt for sent in one.universe.vendors["la"].requests if sent.intent is not None
    ]
    assert len(attempts) >= 2 and len(set(attempts)) == len(attempts)
    one.end()


def test_a_binding_that_its_vendor_still_has_is_not_bound_again() -> None:
    """Its vendor's clock is behind ours, so that it lives on for a while after its end by our clock."""
    short = Binding(
        "short", "la", Mode.AXXB, phone(505), phone(506), Lifetime(900, None, 180), pool_number="918806"
    )
    one = Scenario(short, skew=-45.0)
    one.apply()
    one.universe.time.seconds += 880
    one.apply()
    assert len(one.live("la")) == 1
    one.end()


def test_a_call_that_a_paused_run_sends_late_makes_no_second_binding() -> None:
    """The vendor refuses a stamp of long ago; what its window excludes may be bound again."""
    one = Scenario(RIDE)
    process = Process()
    sends = [0]

    def point(name: str) -> bool:
        found = Process.point(process, name)
        if name == "send":
            sends[0] += 1
            if sends[0] == 5:
                one.universe.time.seconds += 1000
        return found

    process.point = point  # type: ignore[method-assign]
    one.universe.apply(one.random, process=process, options=ApplyOptions(settle_seconds=0))
    one.universe.check()
    one.end()
    assert len(one.live("nx")) == 1


def test_a_violation_is_no_exception() -> None:
    assert not issubclass(Violation, Exception)


def test_a_second_apply_is_locked_out_while_the_first_stands_still() -> None:
    one = Scenario(RIDE, DRIVER)
    process = Process()
    second: list[Run] = []
    process.hooks[40] = lambda: second.append(one.universe.apply(Random(8)))
    first = one.universe.apply(one.random, process=process)
    assert [run.calls for run in second] == [0]
    assert second[0].error is not None and second[0].error.exit_code == 6
    assert first.verdict is not None and first.verdict.exit == 0
    one.end()


def test_a_state_from_a_backup_takes_up_what_was_bound_since() -> None:
    one = Scenario(DRIVER)
    one.apply()
    backup = one.universe.image.copy()
    one.universe.files.bindings["ride"] = RIDE
    one.apply()
    one.back(backup)
    one.apply()
    assert one.binds("nx") == 1 and len(one.live("nx")) == 1
    state = one.universe.state()
    assert state is not None and "bindings.ride" in state.entries


def test_ids_that_a_backup_forgot_are_passed_one_an_apply() -> None:
    """The vendor takes none twice and does not say why it refuses: each refusal is a number that was used."""
    one = Scenario(RIDE, nx=NxSwitches(duplicate_client_id="refuse", client_id_reusable=False))
    one.apply()
    backup = one.universe.image.copy()
    for declared in (NAMED, replace(NAMED, recording=True), NAMED):
        one.universe.files.bindings = {"ride": RIDE, "named": declared}
        one.apply()
    one.universe.files.bindings = {"ride": RIDE}
    one.apply()
    one.back(backup)
    one.universe.files.bindings = {"ride": RIDE, "named": NAMED}
    one.end()
    sent = [
        each.fields["customerBindId"]
        for each in one.universe.vendors["nx"].requests
        if "phoneA" in each.fields
    ]
    assert [each for each in sent if each.startswith("ours")] == ["ours", "ours.2", "ours.3"] * 2 + ["ours.4"]
    assert len(one.live("nx")) == 2


def test_what_a_backup_forgot_at_laaffic_is_a_strangers_until_a_person_decides() -> None:
    """No id tells whose it is: nothing is unbound, and what needs its phones is refused."""
    one = Scenario(DRIVER, la=LaSwitches(conflict_covers_axxb=True))
    one.apply()
    backup = one.universe.image.copy()
    one.universe.files.bindings["pair"] = PAIR
    one.apply()
    before = one.live("la")
    one.back(backup)
    one.universe.files.bindings["pair"] = replace(PAIR, phone_b=phone(510))
    run = one.apply()
    assert run.verdict is not None and run.verdict.exit != 0
    assert one.live("la") == before and len(before) == 2
    one.end()


def test_another_binding_of_the_same_pair_is_left_alone() -> None:
    one = Scenario(RIDE, DRIVER, nx=NxSwitches(list_order="newest"))
    one.apply()
    console = one.universe.vendors["nx"].transport.console
    theirs = console.add("axb", phone_a="447700900001", phone_b="447700900002", x_a="447401264119")
    del one.universe.files.bindings["ride"]
    one.apply()
    assert one.live("nx") == [theirs]


def test_a_run_that_stood_still_before_a_call_does_not_sign_it_anew() -> None:
    one = Scenario(RIDE)
    ledger, time = one.universe.ledger, one.universe.time

    def stand_still() -> None:
        """Between the intent, which is durable now, and its call."""
        ledger.catch_up()
        if ledger.open and time.seconds < 500:
            time.seconds += 600

    one.universe.image.synced = stand_still
    one.universe.apply(one.random, options=ApplyOptions(settle_seconds=0))
    for sent in one.universe.vendors["nx"].requests:
        assert sent.intent is not None and sent.at - sent.intent.latest_at < 30
    one.end()


def test_a_declared_id_that_moves_to_another_address_is_sent_under_a_new_number() -> None:
    """The vendor takes no customerBindId twice; the address that had it is gone, and its numbers stay used."""
    one = Scenario(NAMED, RIDE, nx=NxSwitches(duplicate_client_id="refuse", client_id_reusable=False))
    one.apply()
    one.universe.files.bindings = {"ride": RIDE, "named": replace(NAMED, recording=True)}
    one.apply()
    one.universe.files.bindings = {"ride": RIDE, "other": replace(NAMED, name="other")}
    one.apply()
    writes = one.universe.vendors["nx"].requests
    sent = [each.fields["customerBindId"] for each in writes if "phoneA" in each.fields]
    assert [each for each in sent if each.startswith("ours")] == ["ours", "ours.2", "ours.3"]
    one.end()
