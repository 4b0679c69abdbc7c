"""LAAFFIC simulated: every documented refusal, the validations, numbers, pools, paging (docs/vendors.md, 2.2 to 2.6)."""

from typing import Any

import pytest

from pnsync.sandbox.clock import SandboxClock

from .calls import START, La

A, B, C = "9188067701", "9188067799", "9188067755"
POOL = {"poolNumber": "p1", "customerWhitelist": "10.0.0.1", "maxConcurrency": 5}


@pytest.mark.parametrize("missing", ["Api-Key", "Timestamp", "Sign"])
def test_a_missing_header_is_an_authentication_failure(la: La, missing: str) -> None:
    headers = la.headers()
    del headers[missing]
    assert la.post("/pns/bind", headers, b"{}").json()["status"] == "-1"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Api-Key": "another"}, "-1"),
        ({"Sign": "0" * 32}, "-1"),
        ({"Timestamp": str(int(START) - 1801)}, "-16"),
        ({"Timestamp": str(int(START * 1000))}, "-16"),
        ({"Timestamp": "soon"}, "-16"),
        ({"Content-Type": "text/plain"}, "-22"),
    ],
)
def test_admission(la: La, change: dict[str, str], status: str) -> None:
    assert la.post("/pns/bind", la.headers() | change, b"{}").json()["status"] == status


def test_the_window_is_half_an_hour_and_the_digest_any_case(la: La) -> None:
    headers = la.headers(ts=str(int(START) - 1800))
    body = b'{"current":1,"size":1,"params":{}}'
    assert la.post("/pns/queryBindPage", headers, body).json()["status"] == "0"
    headers["Sign"] = headers["Sign"].upper()
    assert la.post("/pns/queryBindPage", headers, body).json()["status"] == "0"


def test_unknown_paths_and_methods(la: La) -> None:
    assert la.raw("pns/query").status_code == 404
    assert la.raw("bind").status_code == 404
    assert la.client.get("https://vendor.test/pns/bind").status_code == 405


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"size":1,"size":1}'])
def test_a_body_that_is_no_object_is_22(la: La, body: bytes) -> None:
    assert la.post("/pns/queryBindPage", la.headers(), body).json()["status"] == "-22"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, "0"),
        ({"a": ""}, "-22"),
        ({"a": B}, "-22"),
        ({"b": "852222222"}, "-22"),
        ({"b": "911"}, "-22"),
        ({"b": "9181"}, "0"),
        ({"a": "0123", "b": "0124"}, "-22"),
        ({"a": "0123"}, "-22"),
        ({"a": int(A)}, "-22"),
        ({"a": "+" + A}, "-22"),
        ({"life": 0}, "-22"),
        ({"life": 259_200}, "0"),
        ({"life": 259_201}, "-22"),
        ({"life": "60"}, "-22"),
        ({"bizType": 3}, "-22"),
        ({"bizType": "1"}, "-22"),
        ({"bizType": 2}, "0"),
        ({"appId": ""}, "-22"),
        ({"appId": "any other"}, "0"),
        ({"poolNumber": ""}, "-22"),
        ({"customerBindId": "x"}, "-22"),
    ],
)
def test_bind_validation(la: La, change: dict[str, Any], status: str) -> None:
    assert la.bind(**{"a": A, "b": B} | change)["status"] == status


def test_axb_shares_a_number_axxb_does_not(la: La) -> None:
    one = la.bind(A, B)["data"]
    two = la.bind(A, C, bizType=2)["data"]
    assert one["pnsNumberA"] == one["pnsNumberB"]
    assert two["pnsNumberA"] != two["pnsNumberB"]
    assert (one["bindId"], two["bindId"]) == (1002, 1003)


def test_35_for_either_party(la: La) -> None:
    la.bind(A, B)
    assert la.bind(A, C)["status"] == "-35"
    assert la.bind(C, B)["status"] == "-35"
    assert la.bind(B, A)["status"] == "-35"
    assert la.bind(C, "9188067744")["status"] == "0"


def test_unbind(la: La) -> None:
    bind_id = la.bind()["data"]["bindId"]
    assert la.unbind(str(bind_id), app="other")["status"] == "-24"
    assert la.unbind(str(bind_id)) == {"status": "0", "reason": "success", "data": None}
    assert la.unbind(str(bind_id))["status"] == "-24"
    assert la.unbind(la.bind()["data"]["bindId"])["status"] == "0"
    assert la.unbind("")["status"] == "-22"


def test_a_binding_made_at_the_console(la: La, clock: SandboxClock) -> None:
    console = la.client._transport.console  # type: ignore[attr-defined]
    la.bind(A, B)
    made = console.add(
        "axb", phone_a=C, phone_b="9188067744", x_a="9188061030", app_id="4luaKsL2", expires_in=60
    )
    assert la.bind(A, C)["status"] == "-35"
    assert [row["bindId"] for row in la.page()["records"]] == [1002, int(made)] == [1002, 1003]
    clock.advance(60)
    with pytest.raises(KeyError):
        console.remove(made)
    with pytest.raises(KeyError):
        console.change(made, phone_b=B)
    assert la.bind(C, "9188067744")["data"]["bindId"] == 1004


def test_expiry(la: La, clock: SandboxClock) -> None:
    bind_id = la.bind(life=60)["data"]["bindId"]
    clock.advance(60)
    assert la.page()["records"] == []
    assert la.unbind(bind_id)["status"] == "-24"
    assert la.bind()["status"] == "0"


def test_numbers_run_out(la: La) -> None:
    given = {"poolNumber": "915027021995", "bizType": 2}
    answers = [la.bind(A, B, **given)["status"] for _ in range(3)]
    assert answers == ["0", "0", "-41"]
    la("createNumberPool", **POOL)
    assert la.bind(A, B, poolNumber="p1")["status"] == "-41"
    la("createNumberPool", **POOL | {"poolNumber": "p2"}, numberList=["9178605503"])
    assert la.bind(A, B, poolNumber="p2", bizType=2)["status"] == "-41"
    assert la.bind(A, B, poolNumber="p2")["status"] == "0"


def test_paging(la: La) -> None:
    for n in range(25):
        assert la.bind(f"91880677{n:02d}", f"91880688{n:02d}")["status"] == "0"
    pages = [la.page(current, 10) for current in (1, 2, 3, 4)]
    assert [len(page["records"]) for page in pages] == [10, 10, 5, 0]
    assert {(page["total"], page["pages"], page["size"]) for page in pages} == {(25, 3, 10)}
    assert [page["current"] for page in pages] == [1, 2, 3, 4]
    assert la.page(appId="another")["total"] == 0
    whole = la("pns/queryBindPage", current=1, size=100, params={})["data"]
    assert whole["total"] == 25


@pytest.mark.parametrize(
    "given",
    [
        {"current": 0, "size": 10, "params": {}},
        {"current": 1, "size": 0, "params": {}},
        {"current": 1, "size": 101, "params": {}},
        {"current": 1, "size": 10},
        {"current": "1", "size": 10, "params": {}},
        {"current": 1, "size": 10, "params": []},
        {"current": 1, "size": 10, "params": {"phoneA": A}},
    ],
)
def test_limits_of_paging(la: La, given: dict[str, Any]) -> None:
    assert la("pns/queryBindPage", **given)["status"] == "-22"


def test_pools(la: La) -> None:
    assert la("createNumberPool", **POOL, numberList=["9178605503"])["data"] is None
    assert la("createNumberPool", **POOL)["status"] == "-20"
    edited = POOL | {"oldPoolNumber": "p1", "poolNumber": "p2", "maxConcurrency": 7}
    assert la("editNumberPool", **edited)["status"] == "0"
    assert la("editNumberPool", **edited)["status"] == "-24"
    assert la("editNumberPool", **edited | {"oldPoolNumber": "918806"})["status"] == "-20"
    (pool,) = [
        one
        for one in la("queryNumberPool", current=1, size=100)["data"]["records"]
        if one["poolNumber"] == "p2"
    ]
    assert pool == {
        "poolNumber": "p2",
        "customerWhitelist": "10.0.0.1",
        "maxConcurrency": 7,
        "numberList": ["9178605503"],
    }


@pytest.mark.parametrize(
    "change",
    [
        {"poolNumber": "x" * 21},
        {"customerWhitelist": "10.0.0.1; 10.0.0.2"},
        {"maxConcurrency": 10_000},
        {"maxConcurrency": -1},
        {"maxConcurrency": "5"},
        {"numberList": "9178605503"},
        {"numberList": [9178605503]},
    ],
)
def test_pool_validation(la: La, change: dict[str, Any]) -> None:
    assert la("createNumberPool", **POOL | change)["status"] == "-22"


def test_renaming_a_pool_takes_its_bindings_along(la: La) -> None:
    la("createNumberPool", **POOL, numberList=["9178605503"])
    bind_id = la.bind(poolNumber="p1")["data"]["bindId"]
    la("editNumberPool", **POOL | {"oldPoolNumber": "p1", "poolNumber": "p2"})
    assert la.client._transport.console.bindings()[0]["pool"] == "p2"  # type: ignore[attr-defined]
    assert la("editNumberPool", **POOL | {"oldPoolNumber": "p2"}, numberList=[])["status"] == "-22"
    assert la.unbind(bind_id)["status"] == "0"
    assert la("editNumberPool", **POOL | {"oldPoolNumber": "p2"}, numberList=[])["status"] == "0"
