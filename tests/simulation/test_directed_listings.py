"""Scenarios of what a listing tells and what it does not: windows, doubt, whose a row is, and pages that move."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import httpx
import pytest

from pnsync.errors import ExitCode
from pnsync.model import Binding, Lifetime
from pnsync.sandbox.faults import Effect, Fault, Reply
from pnsync.sandbox.switches import LaSwitches, NxSwitches
from pnsync.verdict import Reading, Report
from pnsync.workflow import ApplyOptions

from .declarations import phone
from .test_directed import BINDS, DRIVER, NAMED, PAIR, RIDE, Scenario
from .test_directed_rules import promised
from .world import Run, seeded

X = "9188061024"
NOW = ApplyOptions(settle_seconds=0)


@pytest.fixture(autouse=True)
def _seeded() -> object:
    with seeded(Random(3)):
        yield


def late(binding: Binding, seconds: float) -> Fault:
    """A bind whose answer is lost, and that takes effect later."""
    return Fault(
        effect=Effect.LATER, reply=Reply.LOST, after_seconds=seconds, operation=BINDS[binding.provider]
    )


def stranger(one: Scenario, binding: Binding, seconds: int, *, x_b: str = "9188061025") -> str:
    """Somebody binds the pair of one of our declarations; the id. With one X for both it is an AXB."""
    b = binding.phone_b
    assert b is not None
    return one.universe.vendors["la"].transport.console.add(
        "axb" if x_b == X else "axxb", phone_a=binding.phone_a.digits, phone_b=b.digits, x_a=X, x_b=x_b,
        app_id="4luaKsL2", expires_in=seconds,
    )  # fmt: skip


def later(one: Scenario, seconds: float) -> Run:
    """An apply so much later."""
    one.universe.time.seconds += seconds
    return one.apply(settle=0)


def reading(one: Scenario, page: int, does: Callable[[], object]) -> Run:
    """An apply during which something happens when that page of NXCloud's bindings has been read, counted from 1."""
    transport = one.universe.vendors["nx"].transport
    whole, read = transport.handle_request, [0]

    def handle(request: httpx.Request) -> httpx.Response:
        found = whole(request)
        headers = {name.decode().lower(): value.decode() for name, value in request.headers.raw}
        read[0] += transport.line.vendor.operation(request.url.path, headers) == "getAXBList"
        if read[0] == page:
            read[0] += 1000
            does()
        return found

    transport.handle_request = handle  # type: ignore[method-assign]
    run = one.universe.apply(one.random, options=NOW)
    assert read[0] > 1000
    one.universe.check()
    return run


@pytest.mark.parametrize(("binding", "seconds"), [(RIDE, 27), (PAIR, 300)], ids=["nx", "la"])
def test_what_may_still_take_effect_is_not_bound_again(binding: Binding, seconds: float) -> None:
    """LAAFFIC takes a stamp for half an hour, and refuses no second binding of two parties that see two numbers."""
    one = Scenario(binding)
    one.fault(binding.provider, late(binding, seconds))
    one.apply(settle=0)
    later(one, 1)
    later(one, 130)
    later(one, 300)
    assert one.binds(binding.provider) == len(one.live(binding.provider)) == 1
    one.end()


def test_what_takes_effect_after_its_address_was_freed_is_found() -> None:
    """Nobody declares it any more, and no id says that it is ours."""
    one = Scenario(DRIVER, RIDE)
    one.fault("la", late(DRIVER, 300))
    one.apply(settle=0)
    del one.universe.files.bindings["driver"]
    later(one, 130)
    later(one, 300)
    later(one, 10)
    assert one.live("la") == []
    one.end()


def test_what_a_second_delivery_made_after_the_unbind_is_known_by_its_id() -> None:
    one = Scenario(RIDE, DRIVER, nx=NxSwitches(duplicate_client_id="second"))
    one.fault("nx", Fault.named("again", operation="bindAXB", after_seconds=40))
    one.apply()
    del one.universe.files.bindings["ride"]
    one.apply()
    assert one.live("nx") == []
    later(one, 100)
    later(one, 10)
    one.end()


def test_what_one_request_made_twice_is_not_forgotten() -> None:
    """Its id is a declared one, so that nothing else tells that it is ours."""
    one = Scenario(NAMED, nx=NxSwitches(duplicate_client_id="second"))
    one.fault("nx", Fault.named("twice_lost", operation="bindAXB"))
    one.apply(settle=0)
    assert len(one.live("nx")) == 2
    later(one, 10)
    later(one, 4000)
    assert len(one.live("nx")) == 1
    one.end()


@pytest.mark.parametrize(("x_b", "seconds"), [(X, 86400), ("9188061025", 259_200)], ids=["mode", "end"])
def test_another_s_binding_of_the_pair_is_not_taken_for_ours(x_b: str, seconds: int) -> None:
    """Its mode is another, or its end is none that our call could have, in whatever zone."""
    one = Scenario(PAIR)
    one.fault("la", Fault.named("lost_request", operation="pns/bind"))
    one.apply(settle=0)
    theirs = stranger(one, PAIR, seconds, x_b=x_b)
    later(one, 10)
    assert one.live("la") == [theirs]
    one.end()


def test_what_was_listed_before_the_call_is_not_taken_for_its_outcome() -> None:
    one = Scenario(PAIR)
    one.apply()
    theirs = stranger(one, PAIR, 7200)
    one.universe.files.bindings["pair"] = replace(PAIR, lifetime=Lifetime(7200, None, 1440))
    one.fault("la", Fault.named("lost_request", operation="pns/bind"))
    one.apply(settle=0)
    later(one, 10)
    assert one.live("la") == [theirs]
    one.end()


def test_what_took_effect_a_quarter_of_an_hour_late_teaches_no_zone() -> None:
    """By a wrong zone the next would have ended while it lives, and be bound again."""
    one = Scenario(PAIR)
    one.fault("la", late(PAIR, 905))
    one.apply(settle=0)
    later(one, 1000)
    short = Lifetime(7200, None, 300)
    one.universe.files.bindings["pair-2"] = replace(
        PAIR, name="pair-2", phone_a=phone(511), phone_b=phone(512), lifetime=short
    )
    later(one, 0)
    later(one, 7200 - 450)
    assert len(one.live("la")) == 2
    one.end()


def test_a_ghost_of_a_lagging_listing_is_no_outcome() -> None:
    """The old binding is listed still, and ends when the new one would."""
    one = Scenario(DRIVER, la=LaSwitches(list_lag_seconds=30))
    one.apply()
    one.universe.time.seconds += 1000
    one.universe.files.bindings["driver"] = replace(DRIVER, lifetime=Lifetime(86400 - 1000, None, 600))
    one.fault("la", late(DRIVER, 45))
    one.apply(settle=0)
    later(one, 1)
    runs = [later(one, 60), later(one, 200)]
    codes = {code for run in runs if run.verdict is not None for code in run.verdict.codes}
    promised("G6", ExitCode.DECISION not in codes, "a person is asked what became of one call")
    assert len(one.live("la")) == 1
    one.end()


def test_pages_that_move_hide_no_binding() -> None:
    """A row of the first page goes, and those behind it move up: the second page begins behind ours."""
    one = Scenario(RIDE, nx=NxSwitches(total="page"))
    console = one.universe.vendors["nx"].transport.console
    theirs = [
        console.add("axb", phone_a=phone(700 + n).digits, phone_b=phone(710 + n).digits, x_a="447401264119")
        for n in range(2)
    ]
    one.apply()
    one.universe.page_size = 2
    one.universe.time.seconds += 1000
    reading(one, 1, lambda: console.remove(theirs[0]))
    assert one.binds("nx") == 1
    one.end()


DAMAGED = {
    "a row without an id": '{"code":0,"data":{"bindList":[{"bindId":""}],"total":1}}',
    "fewer rows than its total": '{"code":0,"data":{"bindList":[],"total":1}}',
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_listing_hides_no_binding(damage: str) -> None:
    one = Scenario(RIDE)
    one.apply()
    one.universe.time.seconds += 1000
    one.fault("nx", Fault(reply=Reply.TEXT, text=DAMAGED[damage], operation="getAXBList", times=0))
    one.universe.apply(one.random, options=NOW)
    assert one.binds("nx") == 1
    one.universe.check()
    one.end()


def test_a_vendor_that_cannot_be_read_hides_no_binding() -> None:
    one = Scenario(RIDE, DRIVER)
    one.apply()
    one.universe.time.seconds += 1000
    one.fault("nx", Fault.named("connect_error", operation="getAXBList", times=0))
    one.universe.apply(one.random, options=NOW)
    assert one.binds("nx") == 1
    one.universe.check()
    one.end()


def test_a_listing_tells_of_the_time_at_which_it_began() -> None:
    """It began in the window, and ended after it; the call took effect meanwhile, on a page that was read already."""
    one = Scenario(PAIR, la=LaSwitches(total="page"))
    stranger(one, DRIVER, 90_000)
    one.fault("la", late(PAIR, 60))
    one.apply(settle=0)
    told, pages = one.universe._report, [0]

    def report(what: Report) -> None:
        told(what)
        pages[0] += isinstance(what, Reading) and what.provider == "la"
        if pages[0] == 2:
            pages[0] += 1000
            one.universe.time.seconds += 2000

    one.universe._report = report  # type: ignore[method-assign]
    one.apply(settle=0)
    assert pages[0] > 1000 and one.binds("la") == 1
    one.end()
