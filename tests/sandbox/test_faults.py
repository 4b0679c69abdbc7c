"""Each fault: what arrives, what really happened, and when; all by the clock."""

from typing import Any

import httpx
import pytest

from pnsync.sandbox.clock import SandboxClock
from pnsync.sandbox.faults import NAMED, Effect, Fault, FaultPlan, Reply
from pnsync.sandbox.transport import SandboxTransport

from .calls import START, La, Nx


def world(nx: Nx) -> SandboxTransport:
    transport = nx.client._transport
    assert isinstance(transport, SandboxTransport)
    return transport


def binds(nx: Nx) -> list[float]:
    """When bindings were really made, in seconds from the start."""
    return [one["at"] - START for one in world(nx).console.history() if one["kind"] == "bind"]


def hit(nx: Nx, name: str, **values: Any) -> None:
    world(nx).faults.add(Fault.named(name, **values))


@pytest.mark.parametrize(
    ("name", "error", "made"),
    [
        ("connect_error", httpx.ConnectError, 0),
        ("lost_request", httpx.ReadTimeout, 0),
        ("lost_reply", httpx.ReadTimeout, 1),
        ("broken_before", httpx.RemoteProtocolError, 0),
        ("broken_after", httpx.RemoteProtocolError, 1),
        ("late", httpx.ReadTimeout, 0),
        ("twice_lost", httpx.ReadTimeout, 2),
    ],
)
def test_no_answer(nx: Nx, name: str, error: type[Exception], made: int) -> None:
    hit(nx, name)
    with pytest.raises(error):
        nx.axb()
    assert len(binds(nx)) == made
    assert nx.axb()["code"] == 0


@pytest.mark.parametrize(
    ("name", "values", "status", "made"),
    [
        ("status_before", {}, 503, 0),
        ("status_after", {}, 503, 1),
        ("status_after", {"status": 500}, 500, 1),
        ("limited", {}, 429, 0),
        ("html", {}, 200, 1),
        ("garbage", {}, 200, 1),
        ("truncated", {}, 200, 1),
        ("empty", {}, 200, 1),
    ],
)
def test_an_answer_that_is_none(nx: Nx, name: str, values: dict[str, Any], status: int, made: int) -> None:
    hit(nx, name, **values)
    answer = nx.raw("bindAXB", phoneA="447700900001", phoneB="447700900002", expireSecond=60)
    assert answer.status_code == status
    with pytest.raises(ValueError):
        answer.json()
    assert len(binds(nx)) == made
    assert answer.headers.get("Retry-After") == ("1" if name == "limited" else None)


@pytest.mark.parametrize(("name", "made"), [("code_before", 0), ("code_after", 1)])
def test_codes(nx: Nx, la: La, name: str, made: int) -> None:
    hit(nx, name, code=10005)
    assert nx.axb()["code"] == 10005
    assert len(binds(nx)) == made
    transport = la.client._transport
    assert isinstance(transport, SandboxTransport)
    transport.faults.add(Fault.named(name, code=-18))
    assert la.bind()["status"] == "-18"
    assert len(transport.console.bindings()) == made


def test_nth_times_and_operation(nx: Nx) -> None:
    hit(nx, "code_before", code=10009, operation="bindAXB*", nth=2, times=2)
    codes = [nx.ext("101")["code"], len(nx.rows()), nx.ext("102")["code"], nx.axb()["code"], nx.axb()["code"]]
    assert codes == [0, 1, 10009, 10009, 0]
    hit(nx, "code_before", code=10009, times=0)
    assert {nx.axb()["code"] for _ in range(5)} == {10009}
    world(nx).faults.quiet()
    assert nx.axb()["code"] == 0


def test_late_takes_effect_at_its_own_time(nx: Nx, clock: SandboxClock) -> None:
    hit(nx, "late", after_seconds=45)
    with pytest.raises(httpx.ReadTimeout):
        nx.axb(life=60)
    assert clock() == START + 20  # the caller waited for its time-out
    clock.advance(24)
    assert nx.rows() == []
    clock.advance(10)
    (row,) = nx.rows()
    assert binds(nx) == [45]
    assert row["expireAt"] == START + 45 + 60


def test_a_late_request_dies_by_its_time_stamp(nx: Nx, clock: SandboxClock) -> None:
    hit(nx, "late", after_seconds=61)
    with pytest.raises(httpx.ReadTimeout):
        nx.axb()
    clock.advance(100)
    assert nx.rows() == []
    assert binds(nx) == []


def test_delivered_twice(nx: Nx, clock: SandboxClock) -> None:
    hit(nx, "twice")
    assert nx.axb()["code"] == 0
    assert binds(nx) == [0, 0]
    hit(nx, "twice")
    nx.axb("447700900003", "447700900004", customerBindId="c")  # the second delivery is a duplicate id
    assert len(binds(nx)) == 3


def test_delivered_again_after_an_unbind(nx: Nx, clock: SandboxClock) -> None:
    hit(nx, "again", after_seconds=30)
    bind_id = nx.axb(customerBindId="c")["data"]["bindId"]
    nx("unbindAXB", bindId=bind_id)
    assert nx.rows() == []
    clock.advance(30)
    assert [row["customerBindId"] for row in nx.rows()] == ["c"]
    assert binds(nx) == [0, 30]


def test_slow_moves_the_clock(nx: Nx, clock: SandboxClock) -> None:
    hit(nx, "slow", slow_seconds=15)
    assert nx.axb()["code"] == 0
    assert clock() == START + 15
    assert binds(nx) == [15]


def test_slower_than_the_caller_waits(nx: Nx, clock: SandboxClock) -> None:
    hit(nx, "slow", slow_seconds=30)
    with pytest.raises(httpx.ReadTimeout):
        nx.axb()
    assert clock() == START + 20
    assert nx.rows() == []
    clock.advance(10)
    assert len(nx.rows()) == 1
    assert binds(nx) == [30]


def test_a_caller_with_a_clock_of_its_own_is_not_moved() -> None:
    transport = SandboxTransport("nxcloud", clock=lambda: START)
    nx = Nx(transport, clock=lambda: START)
    hit(nx, "lost_reply", times=5)
    for _ in range(5):
        with pytest.raises(httpx.ReadTimeout):
            nx.axb()
    assert transport.clock() == START
    assert nx.axb()["code"] == 0


def test_skew(nx: Nx, clock: SandboxClock) -> None:
    hit(nx, "skew", skew_seconds=61, times=2)
    refused = nx.raw("getAXBList", limit=1, offset=0)
    assert refused.json()["code"] == 1004
    assert refused.headers["Date"] == "Mon, 21 Sep 2026 14:14:21 GMT"
    body = b'{"limit":1,"offset":0}'
    corrected = nx.headers("getAXBList", body, ts=str(int((START + 61) * 1000)))
    assert nx.post("/", corrected, body).json()["code"] == 0


def test_seeded_faults_are_reproducible_and_end() -> None:
    def run(seed: int) -> list[str]:
        clock = SandboxClock.manual(START)
        plan = FaultPlan.seeded(seed, rate=0.4)
        nx = Nx(SandboxTransport("nxcloud", clock=clock, faults=plan), clock=clock)
        seen = []
        for n in range(60):
            try:
                answer = nx.raw(
                    "bindAXBExtension",
                    phoneA="447700900001",
                    phoneX="447401264117",
                    extension=f"{n:03d}",
                    expireSecond=0,
                )
                seen.append(str(answer.status_code))
            except httpx.TransportError as error:
                seen.append(type(error).__name__)
        plan.quiet()
        clock.advance(100)
        seen.append(str(len(nx.rows())))
        assert nx.axb()["code"] == 0
        return seen

    assert run(1) == run(1) != run(2)
    assert {"ReadTimeout", "ConnectError", "RemoteProtocolError", "200", "503", "429"} <= set(
        run(1) + run(2) + run(3)
    )


@pytest.mark.parametrize("name", sorted(NAMED))
def test_every_named_fault_can_be_made_from_json(name: str) -> None:
    fault = Fault.from_json({"fault": name, "nth": 2, "code": -18})
    assert fault == Fault.named(name, nth=2, code=-18)


@pytest.mark.parametrize(
    "data",
    [
        {"fault": "none such"},
        {"effect": "never"},
        {"effect": "later"},
        {"effect": "often"},
        {"reply": "refused"},
        {"reply": "code"},
        {"nth": 0},
        {"nth": 1.5},
        {"nth": True},
        {"times": -1},
        {"after_seconds": -1},
        {"slow_seconds": "30"},
        {"colour": "red"},
    ],
)
def test_faults_that_make_no_sense(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Fault.from_json(data)


def test_a_redirect_and_a_body_of_ones_own(nx: Nx) -> None:
    hit(nx, "redirect")
    answer = nx.raw("bindAXB", phoneA="447700900001", phoneB="447700900002", expireSecond=60)
    assert (answer.status_code, answer.headers["Location"]) == (307, "https://elsewhere.test/")
    assert binds(nx) == []
    world(nx).faults.add(Fault.from_json({"reply": "text", "text": '{"code":0,"msg":"success"}'}))
    assert nx.axb() == {"code": 0, "msg": "success"}
    assert len(binds(nx)) == 1


def test_the_halves_are_independent(nx: Nx, clock: SandboxClock) -> None:
    world(nx).faults.add(Fault(effect=Effect.AGAIN, reply=Reply.CODE, code=10005, after_seconds=10))
    assert nx.axb()["code"] == 10005
    clock.advance(10)
    assert len(nx.rows()) == 2
