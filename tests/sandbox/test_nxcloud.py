"""NXCloud simulated: every documented refusal, the validations, expiry and paging (docs/vendors.md, 1.2 to 1.7)."""

from typing import Any

import pytest

from pnsync.sandbox.clock import SandboxClock
from pnsync.sandbox.nxcloud import NxCloudSandbox
from pnsync.sandbox.seeds import HOTLINE_GROUP_ID, new_account
from pnsync.sandbox.switches import NxSwitches

from .calls import START, Nx

A, B, C = "447700900001", "447700900002", "447700900003"


@pytest.mark.parametrize("missing", ["accessKey", "action", "bizType", "ts", "sign"])
def test_a_missing_header_is_1001(nx: Nx, missing: str) -> None:
    body = b'{"limit":10,"offset":0}'
    headers = nx.headers("getAXBList", body)
    del headers[missing]
    assert nx.post("/api/pns/", headers, body).json()["code"] == 1001


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"bizType": "4"}, 1002),
        ({"action": "getaxblist"}, 1002),
        ({"Content-Type": "text/plain"}, 1002),
        ({"accessKey": "another"}, 1005),
        ({"sign": "0" * 32}, 1003),
        ({"algorithm": "sha256"}, 1003),
        ({"algorithm": "crc32"}, 1003),
        ({"ts": str(int(START * 1000) - 60_001)}, 1004),
        ({"ts": str(int(START * 1000) + 60_001)}, 1004),
        ({"ts": str(int(START))}, 1004),
        ({"ts": "soon"}, 1004),
    ],
)
def test_admission(nx: Nx, change: dict[str, str], code: int) -> None:
    body = b'{"limit":10,"offset":0}'
    assert nx.post("/api/pns/", nx.headers("getAXBList", body) | change, body).json()["code"] == code


@pytest.mark.parametrize("skew", [-60_000, 60_000])
def test_the_window_of_ts_is_60_s_either_way(nx: Nx, skew: int) -> None:
    body = b'{"limit":10,"offset":0}'
    headers = nx.headers("getAXBList", body, ts=str(int(START * 1000) + skew))
    assert nx.post("/api/pns/", headers, body).json()["code"] == 0


def test_the_signature_covers_the_exact_bytes(nx: Nx) -> None:
    headers = nx.headers("getAXBList", b'{"limit":10,"offset":0}')
    assert nx.post("/api/pns/", headers, b'{"limit": 10,"offset":0}').json()["code"] == 1003


def test_a_get_is_no_call(nx: Nx) -> None:
    assert nx.client.get("https://vendor.test/api/pns/").status_code == 405


def test_the_date_is_the_vendors(nx: Nx) -> None:
    assert nx.raw("getAXBList", limit=1, offset=0).headers["Date"] == "Mon, 21 Sep 2026 14:13:20 GMT"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\xff", b'{"limit":10,"offset":0,"limit":1}', b"[" * 100_000, b"null"]
)
def test_a_body_that_is_no_object_is_1002(nx: Nx, clock: SandboxClock, body: bytes) -> None:
    vendor = NxCloudSandbox(
        new_account("nxcloud", NxSwitches().rules()), clock=clock, credentials={"sandbox": "sandbox"}
    )
    from pnsync.sandbox.nxcloud import sign_request

    headers = {"accesskey": "sandbox", "action": "getAXBList", "biztype": "5", "ts": str(int(START * 1000))}
    sign = sign_request(headers, body, "sandbox")
    assert sign is not None
    answer = vendor.handle("POST", "/", headers | {"sign": sign, "content-type": "application/json"}, body)
    assert b'"code":1002' in answer.body


GOOD: dict[str, dict[str, Any]] = {
    "bindAXB": {"phoneA": A, "phoneB": B, "expireSecond": 60},
    "bindAXBExtension": {"phoneA": A, "phoneX": "447401264117", "extension": "101", "expireSecond": 60},
    "bindAXG": {"phoneA": A, "groupId": HOTLINE_GROUP_ID, "expireSecond": 60},
}


@pytest.mark.parametrize(
    ("action", "change", "code"),
    [
        ("bindAXB", {}, 0),
        ("bindAXB", {"expireSecond": 0}, 0),
        ("bindAXB", {"phoneA": ""}, 10001),
        ("bindAXB", {"phoneB": None}, 10001),
        ("bindAXB", {"phoneB": A}, 10002),
        ("bindAXB", {"phoneB": "85222222222"}, 10004),
        ("bindAXB", {"phoneA": "+" + A}, 1002),
        ("bindAXB", {"phoneA": int(A)}, 1002),
        ("bindAXB", {"phoneA": "4" * 21}, 1002),
        ("bindAXB", {"phoneA": "0" + A, "phoneB": "0" + B}, 10004),
        ("bindAXB", {"expireSecond": "60"}, 1002),
        ("bindAXB", {"expireSecond": 60.5}, 1002),
        ("bindAXB", {"expireSecond": True}, 1002),
        ("bindAXB", {"expireSecond": -1}, 1002),
        ("bindAXB", {"expireSecond": None}, 1002),
        ("bindAXB", {"flag": -1}, 1002),
        ("bindAXB", {"flag": "1"}, 1002),
        ("bindAXB", {"phoneX": "447401264117"}, 1002),
        ("bindAXB", {"expireSeconds": 60}, 1002),
        ("bindAXB", {"customerBindId": 1}, 1002),
        ("bindAXB", {"customerBindId": "x" * 65}, 1002),
        ("bindAXBExtension", {}, 0),
        ("bindAXBExtension", {"phoneB": B}, 0),
        ("bindAXBExtension", {"phoneB": A}, 10002),
        ("bindAXBExtension", {"extension": "007"}, 0),
        ("bindAXBExtension", {"extension": "7"}, 1002),
        ("bindAXBExtension", {"extension": "0193"}, 1002),
        ("bindAXBExtension", {"extension": 101}, 1002),
        ("bindAXBExtension", {"extension": "١٢٣"}, 1002),
        ("bindAXBExtension", {"phoneX": ""}, 1002),
        ("bindAXBExtension", {"phoneX": "07401264117"}, 10007),
        ("bindAXBExtension", {"phoneX": "85235753351"}, 10004),
        ("bindAXBExtension", {"phoneB": "85222222222"}, 10004),
        ("bindAXG", {}, 0),
        ("bindAXG", {"phoneX": "447401264120"}, 0),
        ("bindAXG", {"phoneB": "447401264118"}, 0),
        ("bindAXG", {"phoneB": B}, 1002),
        ("bindAXG", {"groupId": "none"}, 1002),
        ("bindAXG", {"groupId": ""}, 1002),
    ],
)  # fmt: skip
def test_bind_validation(nx: Nx, action: str, change: dict[str, Any], code: int) -> None:
    assert nx(action, **GOOD[action] | change)["code"] == code
    assert len(nx.rows()) == (code == 0)


def test_extension_is_unique_on_its_x(nx: Nx) -> None:
    assert nx.ext("101")["code"] == 0
    assert nx.ext("101", a=B)["code"] == 1002
    assert nx.ext("102", a=B)["code"] == 0
    assert nx.ext("101", a=B, phoneX="447401264118")["code"] == 0


def test_the_vendor_picks_the_number_with_most_room_where_both_are_new(nx: Nx) -> None:
    first = nx.axb(A, B)["data"]["did"]
    assert nx.axb(A, C)["data"]["did"] != first
    assert nx.axb("447700900011", "447700900012")["data"]["did"] not in (first, "")
    assert nx.axb("85211111114", "85222222222")["data"]["did"] == "85235753351"


def test_a_country_without_numbers_gets_one(nx: Nx) -> None:
    did = nx.axb("8613800138000", "8613800138001")["data"]["did"]
    assert did.startswith("860000")
    assert nx.axb("8613800138002", "8613800138003")["data"]["did"] == did


def test_unbind_by_either_id_and_again(nx: Nx) -> None:
    bind_id = nx.axb(A, B)["data"]["bindId"]
    nx.axb(A, C, customerBindId="c-1")
    assert nx("unbindAXB")["code"] == 1002
    assert nx("unbindAXB", bindId=bind_id, customerBindId="c-1")["code"] == 1002
    assert nx("unbindAXB", bindId=bind_id)["code"] == 0
    assert nx("unbindAXB", bindId=bind_id)["code"] == 10013
    assert nx("unbindAXB", customerBindId="c-1")["code"] == 0
    assert nx("unbindAXB", customerBindId="c-1")["code"] == 10013
    assert nx.rows() == []


def test_expiry_is_the_clocks(nx: Nx, clock: SandboxClock) -> None:
    nx.axb(A, B, life=60)
    nx.ext("101", life=0)
    clock.advance(59.9)
    assert len(nx.rows()) == 2
    clock.advance(0.1)
    (left,) = nx.rows()
    assert (left["extension"], left["expireAt"]) == ("101", 0)
    clock.advance(10**9)
    assert len(nx.rows()) == 1


def test_history_tells_what_really_happened(nx: Nx, clock: SandboxClock) -> None:
    nx.axb(A, B, life=60, customerBindId="c-1")
    bind_id = nx.ext("101", customerBindId="c-2")["data"]["bindId"]
    clock.advance(100)
    nx("unbindAXB", bindId=bind_id)
    history = nx.client._transport.console.history()  # type: ignore[attr-defined]
    assert [(one["at"] - START, one["kind"], one["client_id"]) for one in history] == [
        (0, "bind", "c-1"),
        (0, "bind", "c-2"),
        (60, "expire", "c-1"),
        (100, "unbind", "c-2"),
    ]


def test_paging(nx: Nx) -> None:
    for n in range(25):
        nx.ext(f"{n:03d}", a=f"4477009001{n:02d}")
    pages = [nx("getAXBList", limit=10, offset=offset)["data"] for offset in (0, 10, 20, 30)]
    assert [len(page["bindList"]) for page in pages] == [10, 10, 5, 0]
    assert {page["total"] for page in pages} == {25}
    assert len({row["bindId"] for page in pages for row in page["bindList"]}) == 25
    assert len(nx("getAXBList", limit=0, offset=0)["data"]["bindList"]) == 25


@pytest.mark.parametrize(
    ("limit", "offset", "code"),
    [(1000, 0, 0), (1001, 0, 10011), (-1, 0, 10011), (10, -1, 10012), (10, 10**9, 0), ("10", 0, 1002)],
)
def test_limits_of_paging(nx: Nx, limit: Any, offset: int, code: int) -> None:
    assert nx("getAXBList", limit=limit, offset=offset)["code"] == code
    assert nx("listGroup", limit=limit, offset=offset)["code"] == code


def test_limit_0_is_still_1000_rows(nx: Nx) -> None:
    for n in range(1001):
        nx.ext(f"{n % 1000:03d}", phoneX="447401264117" if n < 1000 else "447401264118")
    assert len(nx("getAXBList", limit=0, offset=0)["data"]["bindList"]) == 1000
    assert len(nx.rows()) == 1001


def test_groups(nx: Nx) -> None:
    made = nx("createGroup", phones=f"{A},{B},{A}", remark="r")
    group_id = made["groupId"]
    assert "data" not in made

    def group() -> dict[str, Any]:
        rows = nx("listGroup", limit=10, offset=0)["data"]["groups"]
        (found,) = [row for row in rows if row["groupId"] == group_id]
        return dict(found)

    assert (group()["groupName"], group()["phones"], group()["remark"]) == (group_id, f"{A},{B}", "r")
    assert nx("updateGroup", groupId=group_id, operateType=0, phones=f"{B},{C}")["code"] == 0
    assert group()["phones"] == f"{A},{B},{C}"
    assert nx("updateGroup", groupId=group_id, operateType=1, phones=A)["code"] == 0
    assert group()["phones"] == f"{B},{C}"
    assert nx("updateGroup", groupId=group_id, operateType=2, phones=A)["code"] == 0
    assert group()["phones"] == A
    assert nx("updateGroup", groupId=group_id, operateType=3, phones=A)["code"] == 1002
    assert nx("updateGroup", groupId="none", operateType=0, phones=A)["code"] == 1002
    assert nx("updateGroup", groupId=group_id, operateType=0, phones=f"{A};{B}")["code"] == 1002
    bind_id = nx("bindAXG", phoneA=B, groupId=group_id, expireSecond=0)["data"]["bindId"]
    assert nx("deleteGroup", groupId=group_id)["code"] == 1002
    nx("unbindAXB", bindId=bind_id)
    assert nx("deleteGroup", groupId=group_id)["code"] == 0
    assert nx("deleteGroup", groupId=group_id)["code"] == 1002


def test_axg_of_two_countries(nx: Nx) -> None:
    group_id = nx("createGroup", phones="85222222222")["groupId"]
    given = {"phoneA": A, "phoneB": "85222222222", "groupId": group_id, "expireSecond": 60}
    assert nx("bindAXG", **given)["code"] == 10004
    assert nx("bindAXG", **given, phoneX="447401264117")["code"] == 10004


def test_axg_needs_parties_that_are_new_on_a_given_x(nx: Nx) -> None:
    assert nx("bindAXG", **GOOD["bindAXG"], phoneX="447401264120")["code"] == 0
    assert nx("bindAXG", **GOOD["bindAXG"] | {"phoneA": B}, phoneX="447401264120")["code"] == 1002
    assert nx("bindAXG", **GOOD["bindAXG"] | {"phoneA": B}, phoneX="447401264121")["code"] == 0


def test_query_tells_who_rings(nx: Nx) -> None:
    did = nx.axb(A, B, flag=1)["data"]["did"]
    found = nx("queryAXB", caller=A, did=did)["data"]
    assert (found["callee"], found["flag"], found["bindType"]) == (B, 1, 1)
    assert nx("queryAXB", caller="07700900002", did=did)["data"]["callee"] == A
    assert nx("queryAXB", caller=C, did=did)["code"] == 10013
    nx.ext("101")
    assert nx("queryAXB", caller=C, did="447401264117", extension="101")["data"]["callee"] == A


def test_the_same_seed_gives_the_same_ids(clock: SandboxClock) -> None:
    from pnsync.sandbox.transport import SandboxTransport

    def ids(seed: int) -> list[str]:
        nx = Nx(SandboxTransport("nxcloud", clock=clock, seed=seed), clock=clock)
        return [nx.axb(A, B)["data"]["bindId"], nx("createGroup", phones=A)["groupId"]]

    assert ids(1) == ids(1) != ids(2)
