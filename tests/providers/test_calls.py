"""When a call is tried again, with which stamp, and how long is waited: by a clock that only sleeping moves."""

import email.utils
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from pnsync.errors import CredentialsRefused, VendorError
from pnsync.journal import Applied, NotSent, Refused, Unknown
from pnsync.phone import Phone
from pnsync.providers.http import WRITE_LIMIT_BYTES, Channel, Failed, Request
from pnsync.providers.pacing import Pace
from pnsync.state import EARLIER_SECONDS

from .world import (
    START,
    ManualClock,
    golden_la_intents,
    golden_nx_intents,
    laaffic,
    nx_config,
    nxcloud,
    silent,
)

EMPTY = {"code": 0, "data": {"bindList": [], "groups": [], "total": 0}}
BOUND = {"code": 0, "data": {"bindId": "abc", "did": "85235753351"}}
Step = dict[str, Any] | Exception | Callable[[], httpx.Response]


class Script(httpx.BaseTransport):
    """Answers one after the other, the last for ever, and remembers the requests."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.steps = list(steps)
        self.seen: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        return step() if callable(step) else httpx.Response(200, json=step)

    def stamps(self) -> Iterator[float]:
        return (int(one.headers["ts"]) / 1000 for one in self.seen)


def answer(body: Any, status: int = 200, **headers: str) -> Callable[[], httpx.Response]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: httpx.Response(status, json=body, headers=named)


def http_date(seconds: float) -> str:
    return email.utils.formatdate(seconds, usegmt=True)


def test_a_write_that_was_not_sent_is_tried_again_freshly_signed() -> None:
    script, clock = Script([httpx.ConnectError("x"), httpx.ConnectTimeout("x"), BOUND]), ManualClock()
    outcome = nxcloud(script, clock).send(golden_nx_intents()["bindAXB"])
    assert outcome == Applied("abc", "85235753351")
    first, second, third = script.stamps()
    assert first == START
    assert START < second < third
    assert len({one.headers["sign"] for one in script.seen}) == 3
    assert all(0 < one <= 10 for one in clock.slept)
    assert len({one.content for one in script.seen}) == 1


def test_a_write_is_tried_three_times_at_most() -> None:
    script = Script([httpx.ConnectError("x")])
    assert isinstance(nxcloud(script).send(golden_nx_intents()["bindAXB"]), NotSent)
    assert len(script.seen) == 3


@pytest.mark.parametrize(
    "step",
    [
        httpx.ReadTimeout("x"),
        answer({"code": 10005}),
        answer({"code": 1004}),
        answer({"code": 1003}),
        answer({}, 503),
        answer({}, 429),
        answer([], 200),
    ],
)
def test_a_write_that_may_have_been_sent_is_never_repeated(step: Step) -> None:
    script = Script([step, BOUND])
    assert isinstance(nxcloud(script).send(golden_nx_intents()["bindAXB"]), Unknown | Refused)
    assert len(script.seen) == 1


def test_a_write_is_never_stamped_later_than_its_intent_allows() -> None:
    script, clock = Script([BOUND]), ManualClock()
    clock.pass_time(30.5)
    assert isinstance(nxcloud(script, clock).send(golden_nx_intents()["bindAXB"]), NotSent)
    assert not script.seen
    script, clock = Script([httpx.ConnectError("x"), BOUND]), ManualClock()
    clock.pass_time(29.99)
    assert isinstance(
        nxcloud(script, clock, config=nx_config(rate=1)).send(golden_nx_intents()["bindAXB"]), NotSent
    )
    assert len(script.seen) == 1


def test_it_is_not_waited_for_what_would_come_too_late() -> None:
    script, clock = Script([httpx.ConnectError("x"), BOUND]), ManualClock()
    provider = nxcloud(script, clock, config=nx_config(rate=0.01))
    provider.pace()
    assert isinstance(provider.send(golden_nx_intents()["bindAXB"]), NotSent)
    assert clock.slept == []


def test_a_try_again_waits_its_turn() -> None:
    script, clock = Script([httpx.ConnectError("x"), BOUND]), ManualClock()
    provider = nxcloud(script, clock, config=nx_config(rate=0.2))
    assert provider.pace() == 0
    provider.send(golden_nx_intents()["bindAXB"])
    assert clock.slept == [pytest.approx(5.0)]


def test_an_interrupted_wait_ends_the_tries() -> None:
    class Interrupted(ManualClock):
        def sleep(self, seconds: float) -> None:
            pass

    script = Script([httpx.ConnectError("x"), BOUND])
    assert isinstance(
        nxcloud(script, Interrupted(), config=nx_config(rate=1)).send(golden_nx_intents()["bindAXB"]), NotSent
    )
    assert len(script.seen) == 1


def test_a_clock_that_was_set_forward_stops_an_intent_and_is_measured_again() -> None:
    clock = ManualClock()
    script = Script([answer(EMPTY, date=http_date(START + 1)), BOUND])
    provider = nxcloud(script, clock)
    clock.wall += 3600
    outcome = provider.send(golden_nx_intents()["bindAXB"])
    assert outcome == Applied("abc", "85235753351")
    read, write = script.seen
    assert read.headers["action"] == "getAXBList"
    assert abs(int(write.headers["ts"]) / 1000 - START) <= 3
    clock.wall += 3600
    clock.mono += 3600
    script = Script([answer({"status": "0", "data": {"total": 0}}, date=http_date(START)), {"status": "0"}])
    other = laaffic(script, clock)
    assert other.vendor_now() == clock.wall
    clock.wall += 100
    assert isinstance(other.send(golden_la_intents()["pns/unbind"]), Applied)
    assert [one.url.path for one in script.seen] == ["/v3/number/pns/queryBindPage", "/v3/number/pns/unbind"]
    assert abs(int(script.seen[1].headers["timestamp"]) - START) <= 3


@pytest.mark.parametrize("by_wall", [True, False])
def test_a_machine_that_slept_sends_nothing_late(by_wall: bool) -> None:
    clock = ManualClock()
    script = Script([httpx.ConnectError("x")])
    provider = nxcloud(script, clock)
    if by_wall:
        clock.wall += 60
    else:
        clock.mono += 60
    assert isinstance(provider.send(golden_nx_intents()["bindAXB"]), NotSent)
    assert all(one.headers["action"] == "getAXBList" for one in script.seen)


@pytest.mark.parametrize(("ahead", "sent"), [(EARLIER_SECONDS, True), (EARLIER_SECONDS + 0.1, False)])
@pytest.mark.parametrize("vendor", ["nx", "la"])
def test_a_request_is_not_stamped_earlier_than_its_intent_says(vendor: str, ahead: float, sent: bool) -> None:
    """The vendor's time may have been set back since; what such a stamp has made would not be known again."""
    script = Script([BOUND if vendor == "nx" else {"status": "0"}])
    provider = nxcloud(script) if vendor == "nx" else laaffic(script)
    intent = golden_nx_intents()["bindAXB"] if vendor == "nx" else golden_la_intents()["pns/unbind"]
    outcome = provider.send(replace(intent, signed_at=START + ahead))
    assert (isinstance(outcome, NotSent), len(script.seen)) == (not sent, int(sent))


def test_a_signature_that_grew_old_before_the_call_is_not_sent() -> None:
    class Slow(ManualClock):
        """Each look at the wall clock takes eleven seconds."""

        def now(self) -> float:
            self.pass_time(11)
            return self.wall

    script = Script([BOUND])
    intent = golden_nx_intents()["bindAXB"]
    outcome = nxcloud(script, Slow()).send(replace(intent, latest_at=START + 10_000))
    assert isinstance(outcome, NotSent)
    assert "too old" in outcome.reason
    assert not script.seen


@pytest.mark.parametrize(("wall", "mono"), [(21, 0), (0, 21)])
def test_a_signature_is_as_old_as_either_clock_says(wall: float, mono: float) -> None:
    clock, script = ManualClock(), Script([BOUND])
    channel = Channel("number.nxcloud.com", clock, transport=script)
    stamp = channel.stamp(START)
    clock.wall += wall
    clock.mono += mono
    failed = channel.exchange(Request("bindAXB", "https://number.nxcloud.com/", b"{}"), {}, stamp)
    assert isinstance(failed, Failed) and isinstance(failed.outcome, NotSent) and not script.seen


@pytest.mark.parametrize("code", [1004])
def test_a_refused_clock_is_corrected_by_date_and_read_once_more(code: int) -> None:
    ahead = START + 900
    script = Script([answer({"code": code}, date=http_date(ahead)), answer(EMPTY, date=http_date(ahead))])
    provider = nxcloud(script, ManualClock())
    provider.list(scans=1, reading=silent)
    assert abs(provider.vendor_now() - ahead) <= 2
    first, second, *_ = script.stamps()
    assert first == START
    assert abs(second - ahead) <= 3


def test_an_answer_that_took_too_long_is_none() -> None:
    clock = ManualClock()

    def late() -> httpx.Response:
        clock.pass_time(21)
        return httpx.Response(200, json=BOUND)

    outcome = nxcloud(Script([late]), clock).send(golden_nx_intents()["bindAXB"])
    assert isinstance(outcome, Unknown)
    assert "in time" in outcome.reason


def test_an_answer_that_drips_is_left_when_its_time_is_over() -> None:
    clock, taken = ManualClock(), []

    def drip() -> Iterator[bytes]:
        for number in range(1000):
            clock.pass_time(5)
            taken.append(number)
            yield b" "

    outcome = nxcloud(Script([lambda: httpx.Response(200, content=drip())]), clock).send(
        golden_nx_intents()["bindAXB"]
    )
    assert isinstance(outcome, Unknown) and len(taken) == 5


def test_an_answer_that_came_whole_is_bounded_too() -> None:
    long = httpx.Response(200, content=b" " * (WRITE_LIMIT_BYTES + 1))
    outcome = nxcloud(Script([lambda: long])).send(golden_nx_intents()["bindAXB"])
    assert isinstance(outcome, Unknown) and "longer" in outcome.reason


def test_a_clock_that_stays_refused_is_an_error() -> None:
    script = Script([answer({"code": 1004}, date=http_date(START))])
    with pytest.raises(VendorError) as raised:
        nxcloud(script).list(scans=1, reading=silent)
    assert len(script.seen) == 2
    assert "time stamp" in raised.value.detail[0]


def test_a_write_with_a_refused_clock_teaches_the_next_one() -> None:
    script = Script([answer({"code": 1004}, date=http_date(START - 300)), BOUND])
    provider = nxcloud(script)
    assert isinstance(provider.send(golden_nx_intents()["bindAXB"]), Refused)
    assert abs(provider.vendor_now() - (START - 300)) <= 3


def test_laaffic_stamps_are_whole_seconds_not_after_the_intent() -> None:
    script = Script([{"status": "0"}])
    clock = ManualClock()
    clock.pass_time(0.9)
    laaffic(script, clock).send(golden_la_intents()["pns/unbind"])
    assert [one.headers["timestamp"] for one in script.seen] == [str(int(START))]


@pytest.mark.parametrize(
    "step",
    [
        httpx.ReadTimeout("x"),
        httpx.ConnectError("x"),
        answer({}, 502),
        answer({}, 429),
        answer({"code": 10009}),
        answer({}, 200),
    ],
)
def test_reads_are_tried_again(step: Step) -> None:
    script, clock = Script([step, step, step, EMPTY]), ManualClock()
    assert nxcloud(script, clock).list(scans=1, reading=silent).trustworthy
    assert len(script.seen) == 5
    assert all(one <= 10 for one in clock.slept)


def test_reads_give_up_after_four() -> None:
    script = Script([httpx.ReadTimeout("x")])
    with pytest.raises(VendorError):
        nxcloud(script).list(scans=1, reading=silent)
    assert len(script.seen) == 4


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7),
        ("3600", 30, 30),
        (http_date(START + 9), 9, 9),
        (http_date(START + 3600), 30, 30),
        ("x", 0, 1),
        ("-5", 0, 1),
    ],
)
def test_retry_after_is_honoured_within_bounds(header: str, least: float, most: float) -> None:
    clock = ManualClock()
    step = answer({}, 429, retry_after=header, date=http_date(START))
    nxcloud(Script([step, EMPTY]), clock).list(scans=1, reading=silent)
    assert least <= max(clock.slept) <= most


def test_a_write_that_was_limited_holds_the_next_ones_back() -> None:
    provider = nxcloud(Script([answer({}, 429, retry_after="4")]))
    outcome = provider.send(golden_nx_intents()["bindAXB"])
    assert isinstance(outcome, Unknown)
    assert outcome.rate_limited
    assert provider.pace() == pytest.approx(4.0)


@pytest.mark.parametrize("step", [answer({"code": 1005}), answer({}, 401), answer({}, 403)])
def test_refused_credentials_are_signed_once_more(step: Step) -> None:
    script = Script([step, EMPTY])
    nxcloud(script).list(scans=1, reading=silent)
    script = Script([step])
    with pytest.raises(CredentialsRefused) as raised:
        nxcloud(script).list(scans=1, reading=silent)
    assert len(script.seen) == 2
    assert "NXCLOUD_ACCESS_KEY" in " ".join(raised.value.detail)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 404, 405])
def test_a_read_is_never_redirected_nor_repeated_for_a_lasting_status(status: int) -> None:
    script = Script([answer({}, status, location="https://elsewhere.example/")])
    with pytest.raises(VendorError) as raised:
        nxcloud(script).list(scans=1, reading=silent)
    assert [one.url.host for one in script.seen] == ["number.nxcloud.com"]
    assert f"HTTP status {status}" in raised.value.detail[0]


def test_a_listing_with_a_status_of_failure_is_none() -> None:
    for status in (400, 404, 500):
        with pytest.raises(VendorError):
            nxcloud(Script([answer(EMPTY, status)])).list(scans=1, reading=silent)


def test_the_switch_is_asked_once() -> None:
    for step, calls in ((httpx.ReadTimeout("x"), 1), (answer({}, 503), 1), (httpx.ConnectError("x"), 4)):
        script = Script([step])
        with pytest.raises(VendorError):
            nxcloud(script).query(caller=Phone("85222222222"), did="85235753352", extension=None)
        assert len(script.seen) == calls


def test_reads_keep_the_rate_limit() -> None:
    clock = ManualClock()
    script = Script([EMPTY])
    nxcloud(script, clock, config=nx_config(rate=2)).list(scans=2, reading=silent)
    stamps = list(script.stamps())
    assert len(stamps) == 4
    assert all(later - earlier >= 0.499 for earlier, later in itertools.pairwise(stamps))


def test_a_vendor_that_asks_for_fewer_calls_brings_none_forward() -> None:
    pace = Pace(0.1, ManualClock())
    assert [pace.take(), pace.take()] == [0.0, 10.0]
    pace.hold(1.0)
    assert pace.take() == 20.0
    pace.hold(60.0)
    assert pace.take() == 60.0
