"""Each of NXCloud's switches changes what it says and the default is the other answer (docs/vendors.md, 4)."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from pnsync.sandbox.clock import SandboxClock
from pnsync.sandbox.nxcloud import sign_request
from pnsync.sandbox.seeds import HOTLINE_GROUP_ID
from pnsync.sandbox.switches import NxSwitches
from pnsync.sandbox.transport import SandboxTransport

from .calls import START, Nx

A, B, C = "447700900001", "447700900002", "447700900003"


def open_nx(clock: SandboxClock, **switches: Any) -> Nx:
    return Nx(SandboxTransport("nxcloud", clock=clock, switches=NxSwitches(**switches)), clock=clock)


def test_every_switch_is_tested_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [one.name for one in dataclasses.fields(NxSwitches) if f"{one.name}=" not in text] == []


def test_envelope(clock: SandboxClock) -> None:
    nx = open_nx(clock, envelope="flat")
    assert nx.axb()["did"]
    assert nx("listGroup", limit=10, offset=0)["groups"]


def test_error_http_status(clock: SandboxClock) -> None:
    assert open_nx(clock, error_http_status=400).raw("unbindAXB", bindId="0").status_code == 400
    assert open_nx(clock).raw("unbindAXB", bindId="0").status_code == 200


def test_string_ints(clock: SandboxClock) -> None:
    nx = open_nx(clock, string_ints=True)
    nx.axb(flag=1)
    (row,) = nx.rows()
    assert (row["flag"], row["expireAt"]) == ("1", str(int(START) + 600))


def test_expire_at(clock: SandboxClock) -> None:
    nx = open_nx(clock, expire_at="left")
    nx.axb(life=600)
    nx.ext(life=0)
    clock.advance(100)
    assert [row["expireAt"] for row in nx.rows()] == [500, 0]


def test_ts_tolerance(clock: SandboxClock) -> None:
    nx = open_nx(clock, ts_tolerance_seconds=5)
    body = b'{"limit":1,"offset":0}'
    headers = nx.headers("getAXBList", body)
    clock.advance(6)
    assert nx.post("/", headers, body).json()["code"] == 1004
    assert sign_request({k.lower(): v for k, v in headers.items()}, body, "sandbox") == headers["sign"]


@pytest.mark.parametrize("order", ["stable", "newest", "random"])
def test_list_order(clock: SandboxClock, order: str) -> None:
    nx = open_nx(clock, list_order=order)
    for n in range(30):
        nx.ext(f"{n:03d}")
    first, second = (
        [row["extension"] for row in nx("getAXBList", limit=100, offset=0)["data"]["bindList"]] for _ in "ab"
    )
    made = [f"{n:03d}" for n in range(30)]
    match order:
        case "stable":
            assert first == second == made
        case "newest":
            assert first == second == made[::-1]
        case _:
            assert first != second
            assert sorted(first) == sorted(second) == made


def test_total(clock: SandboxClock) -> None:
    nx = open_nx(clock, total="page")
    for n in range(3):
        nx.ext(f"{n:03d}")
    assert nx("getAXBList", limit=2, offset=0)["data"]["total"] == 2
    assert nx("getAXBList", limit=2, offset=2)["data"]["total"] == 1


def test_past_end(clock: SandboxClock) -> None:
    nx = open_nx(clock, past_end="refuse")
    assert nx("getAXBList", limit=2, offset=0)["code"] == 0
    nx.ext()
    assert nx("getAXBList", limit=2, offset=1)["code"] == 10012


def test_list_lag(clock: SandboxClock) -> None:
    nx = open_nx(clock, list_lag_seconds=5)
    bind_id = nx.axb()["data"]["bindId"]
    assert nx.rows() == []
    assert len(nx("listGroup", limit=10, offset=0)["data"]["groups"]) == 1
    nx("createGroup", phones=A)
    assert len(nx("listGroup", limit=10, offset=0)["data"]["groups"]) == 1
    clock.advance(5)
    assert len(nx.rows()) == 1
    assert len(nx("listGroup", limit=10, offset=0)["data"]["groups"]) == 2
    nx("unbindAXB", bindId=bind_id)
    assert len(nx.rows()) == 1
    clock.advance(5)
    assert nx.rows() == []
    nx("unbindAXB", bindId=nx.ext(life=0)["data"]["bindId"])
    shown = []
    for _ in range(6):
        shown.append(len(nx.rows()))
        clock.advance(1)
    assert shown == [0] * 6  # bound and unbound at one instant, it is never shown
    bind_id = nx.ext(life=0)["data"]["bindId"]
    clock.advance(2)
    nx("unbindAXB", bindId=bind_id)
    shown = []
    for _ in range(6):
        shown.append(len(nx.rows()))
        clock.advance(1)
    assert shown == [0, 0, 0, 1, 1, 0]


def test_expired_listed(clock: SandboxClock) -> None:
    nx = open_nx(clock, expired_listed_seconds=30)
    nx.axb(life=60)
    unbound = nx.ext(life=60)["data"]["bindId"]
    nx("unbindAXB", bindId=unbound)
    clock.advance(89)
    assert [row["expireAt"] for row in nx.rows()] == [START + 60]
    assert nx("queryAXB", caller=A, did="447401264117")["code"] == 10013
    clock.advance(1)
    assert nx.rows() == []


def test_axg_and_extension_listed(clock: SandboxClock) -> None:
    for switches, shown in (({}, 3), ({"axg_listed": False}, 2), ({"extension_listed": False}, 2)):
        nx = open_nx(clock, **switches)
        nx.axb()
        nx.ext()
        nx("bindAXG", phoneA=C, groupId=HOTLINE_GROUP_ID, expireSecond=60)
        assert len(nx.rows()) == shown
    assert len(open_nx(clock, axg_listed=False, extension_listed=False).rows()) == 0


def test_duplicate_client_id(clock: SandboxClock) -> None:
    nx = open_nx(clock, duplicate_client_id_code=1999)
    nx.axb(A, B, customerBindId="c")
    assert nx.axb(A, C, customerBindId="c")["code"] == 1999
    nx = open_nx(clock, duplicate_client_id="same")
    assert nx.axb(A, B, customerBindId="c")["data"] == nx.axb(A, C, customerBindId="c")["data"]
    assert len(nx.rows()) == 1
    nx = open_nx(clock, duplicate_client_id="second")
    assert nx.axb(A, B, customerBindId="c")["data"] != nx.axb(A, C, customerBindId="c")["data"]
    assert [row["customerBindId"] for row in nx.rows()] == ["c", "c"]


def test_client_id_reusable(clock: SandboxClock) -> None:
    for reusable, code in ((True, 0), (False, 1002)):
        nx = open_nx(clock, client_id_reusable=reusable)
        nx.axb(customerBindId="c")
        nx("unbindAXB", customerBindId="c")
        assert nx.axb(customerBindId="c")["code"] == code


def test_client_id_length(clock: SandboxClock) -> None:
    nx = open_nx(clock, client_id_length=8)
    assert nx.axb(customerBindId="x" * 9)["code"] == 1002
    assert nx.axb(customerBindId="x" * 8)["code"] == 0


def test_same_pair(clock: SandboxClock) -> None:
    nx = open_nx(clock)
    assert nx.axb(A, B)["data"]["did"] != nx.axb(A, B)["data"]["did"]
    nx = open_nx(clock, same_pair="refuse", same_pair_code=1998)
    nx.axb(A, B)
    assert nx.axb(B, A)["code"] == 1998
    nx = open_nx(clock, same_pair="prolong")
    first = nx.axb(A, B, life=60, customerBindId="c.1")
    clock.advance(30)
    assert nx.axb(A, B, life=60, customerBindId="c.2")["data"] == first["data"]
    (row,) = nx.rows()
    assert (row["customerBindId"], row["expireAt"]) == ("c.2", START + 90)
    clock.advance(45)
    assert len(nx.rows()) == 1
    assert nx.ext("101", a=A)["data"] == nx.ext("101", a=A)["data"]
    assert nx.ext("101", a=C)["code"] == 1002
    given = {"phoneA": C, "groupId": HOTLINE_GROUP_ID, "expireSecond": 60}
    assert nx("bindAXG", **given)["data"] == nx("bindAXG", **given)["data"]
    other = nx("createGroup", phones=A)["groupId"]
    assert nx("bindAXG", **given | {"groupId": other})["code"] == 0
    assert len([row for row in nx.rows() if row["phoneA"] == C]) == 2


def test_max_expire(clock: SandboxClock) -> None:
    nx = open_nx(clock, max_expire_seconds=100)
    assert [nx.axb(life=life)["code"] for life in (0, 101, 100, 1)] == [1002, 1002, 0, 0]


def test_capacity_per_x(clock: SandboxClock) -> None:
    nx = open_nx(clock, capacity_per_x=2, synthetic_numbers=False)
    assert [nx.ext(one)["code"] for one in ("101", "102", "103")] == [0, 0, 10010]
    group = {"phoneA": C, "groupId": HOTLINE_GROUP_ID, "expireSecond": 60}
    assert nx("bindAXG", **group, phoneX="447401264117")["code"] == 10010
    answers = [nx.axb(f"44770090{n:04d}", f"44770091{n:04d}")["code"] for n in range(30)]
    assert answers == [0] * 20 + [10010] * 10


def test_synthetic_numbers(clock: SandboxClock) -> None:
    nx = open_nx(clock, synthetic_numbers=False)
    assert nx.axb("8613800138000", "8613800138001")["code"] == 10004
    transport = nx.client._transport
    assert isinstance(transport, SandboxTransport)
    with transport.account.writing(clock()) as board:
        board.numbers.clear()
    assert nx.axb()["code"] == 10008


def test_parties_disjoint(clock: SandboxClock) -> None:
    nx = open_nx(clock, parties_disjoint=False)
    given = {"phoneA": A, "groupId": HOTLINE_GROUP_ID, "expireSecond": 60, "phoneX": "447401264120"}
    assert [nx("bindAXG", **given)["code"] for _ in "ab"] == [0, 0]
    nx = open_nx(clock, party_clash_code=1997)
    assert [nx("bindAXG", **given)["code"] for _ in "ab"] == [0, 1997]


def test_x_reuse(clock: SandboxClock) -> None:
    nx = open_nx(clock, x_reuse_seconds=60)
    bound = nx.ext("101")["data"]
    nx("unbindAXB", bindId=bound["bindId"])
    assert nx.ext("101", a=B)["code"] == 1002
    clock.advance(60)
    assert nx.ext("101", a=B)["code"] == 0
    nx = open_nx(clock, x_reuse_seconds=60)
    first = nx.axb(A, B)["data"]
    nx("unbindAXB", bindId=first["bindId"])
    assert nx.axb(A, B)["data"]["did"] != first["did"]


def test_foreign_x(clock: SandboxClock) -> None:
    assert open_nx(clock, foreign_x="refuse", foreign_x_code=1996).ext(phoneX="447700900999")["code"] == 1996
    assert open_nx(clock, foreign_x="accept").ext(phoneX="447700900999")["data"]["did"] == "447700900999"


def test_extension_scope(clock: SandboxClock) -> None:
    nx = open_nx(clock, extension_scope="account", extension_taken_code=1995)
    nx.ext("101")
    assert nx.ext("101", a=B, phoneX="447401264118")["code"] == 1995


def test_extension_strangers(clock: SandboxClock) -> None:
    for strangers, code in ((False, 10013), (True, 0)):
        nx = open_nx(clock, extension_strangers=strangers)
        nx.ext("101", phoneB=B)
        assert nx("queryAXB", caller=C, did="447401264117", extension="101")["code"] == code


def test_extension_needs_b(clock: SandboxClock) -> None:
    nx = open_nx(clock, extension_needs_b=True)
    assert nx.ext("101")["code"] == 10001
    assert nx.ext("101", phoneB=B)["code"] == 0


def test_group_missing_and_in_use(clock: SandboxClock) -> None:
    nx = open_nx(clock, group_missing_code=1994, group_in_use_code=1993)
    assert nx("deleteGroup", groupId="none")["code"] == 1994
    given = {"phoneA": A, "groupId": HOTLINE_GROUP_ID, "expireSecond": 60}
    nx("bindAXG", **given)
    assert nx("deleteGroup", groupId=HOTLINE_GROUP_ID)["code"] == 1993
    nx = open_nx(clock, group_in_use="allow")
    nx("bindAXG", **given)
    assert nx("deleteGroup", groupId=HOTLINE_GROUP_ID)["code"] == 0


def test_unbind_ended(clock: SandboxClock) -> None:
    nx = open_nx(clock, unbind_ended="ok")
    bind_id = nx.axb()["data"]["bindId"]
    assert [nx("unbindAXB", bindId=one)["code"] for one in (bind_id, bind_id, "f" * 32)] == [0, 0, 10013]


def test_both_ids(clock: SandboxClock) -> None:
    nx = open_nx(clock, both_ids="bind_id")
    bind_id = nx.axb()["data"]["bindId"]
    assert nx("unbindAXB", bindId=bind_id, customerBindId="another")["code"] == 0


def test_unknown_fields(clock: SandboxClock) -> None:
    assert open_nx(clock, unknown_fields="ignore").axb(colour="red")["code"] == 0
