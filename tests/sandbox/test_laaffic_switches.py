"""Each of LAAFFIC's switches changes what it says and the default is the other answer (docs/vendors.md, 4)."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from pnsync.sandbox.clock import SandboxClock
from pnsync.sandbox.switches import LaSwitches
from pnsync.sandbox.transport import SandboxTransport

from .calls import START, La

A, B, C = "9188067701", "9188067799", "9188067755"


def open_la(clock: SandboxClock, **switches: Any) -> La:
    return La(SandboxTransport("laaffic", clock=clock, switches=LaSwitches(**switches)), clock=clock)


def fill(la: La, count: int) -> None:
    for n in range(count):
        assert la.bind(f"91880677{n:02d}", f"91880688{n:02d}")["status"] == "0"


def test_every_switch_is_tested_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [
        one.name
        for one in dataclasses.fields(LaSwitches)
        if f"{one.name}=" not in text and f'"{one.name}":' not in text
    ] == []


@pytest.mark.parametrize(
    ("switches", "shown"),
    [
        ({}, "2026-09-21 22:14:20"),
        ({"zone_minutes": 0}, "2026-09-21 14:14:20"),
        ({"zone_minutes": -150}, "2026-09-21 11:44:20"),
        ({"expire_time": "epoch"}, "1790000060"),
        ({"expire_time": "int"}, 1790000060),
        ({"expire_time": "milliseconds"}, "1790000060000"),
        ({"expire_time": "iso"}, "2026-09-21T22:14:20+08:00"),
    ],
)
def test_expire_time(clock: SandboxClock, switches: dict[str, Any], shown: Any) -> None:
    la = open_la(clock, **switches)
    la.bind(life=60)
    assert la.page()["records"][0]["expireTime"] == shown


def test_bind_id_and_number_b(clock: SandboxClock) -> None:
    la = open_la(clock, bind_id="str", number_b="int")
    assert la.bind()["data"]["bindId"] == "1002"
    (row,) = la.page()["records"]
    assert (row["bindId"], row["pnsNumberB"]) == ("1002", 9188061024)


def test_error_http_status_and_tolerance(clock: SandboxClock) -> None:
    la = open_la(clock, error_http_status=401, ts_tolerance_seconds=5)
    headers = la.headers()
    clock.advance(6)
    answer = la.post("/pns/bind", headers, b"{}")
    assert (answer.status_code, answer.json()["status"]) == (401, "-16")


@pytest.mark.parametrize(
    ("scope", "same_pair", "other_party", "other_app", "other_pool"),
    [
        ("phone", "-35", "-35", "-35", "-35"),
        ("app", "-35", "-35", "0", "-35"),
        ("pool", "-35", "-35", "-35", "0"),
        ("pair", "-35", "0", "-35", "-35"),
    ],
)
def test_conflict_scope(
    clock: SandboxClock, scope: str, same_pair: str, other_party: str, other_app: str, other_pool: str
) -> None:
    def answer(b: str = B, **more: Any) -> str:
        la = open_la(clock, conflict_scope=scope)
        la.bind(A, B)
        return str(la.bind(A, b, **more)["status"])

    assert answer() == same_pair
    assert answer(C) == other_party
    assert answer(appId="other") == other_app
    assert answer(poolNumber="915027021995") == other_pool


def test_conflict_covers_axxb(clock: SandboxClock) -> None:
    for covers, status in ((False, "0"), (True, "-35")):
        la = open_la(clock, conflict_covers_axxb=covers)
        la.bind(A, B)
        assert la.bind(A, C, bizType=2)["status"] == status


def test_same_pair(clock: SandboxClock) -> None:
    la = open_la(clock, same_pair="second")
    assert la.bind(A, B)["data"]["bindId"] != la.bind(A, B)["data"]["bindId"]
    assert la.bind(A, C)["status"] == "-35"
    la = open_la(clock, same_pair="prolong", expire_time="int")
    first = la.bind(A, B, life=60)["data"]
    clock.advance(30)
    assert la.bind(A, B, life=60)["data"] == first
    assert [row["expireTime"] for row in la.page()["records"]] == [START + 90]


def test_sizes(clock: SandboxClock) -> None:
    la = open_la(clock, forced_size=20)
    fill(la, 45)
    assert [(len(p["records"]), p["size"], p["pages"]) for p in (la.page(1, 10), la.page(3, 100))] == [
        (20, 20, 3),
        (5, 20, 3),
    ]
    la = open_la(clock, echoed_size=20)
    fill(la, 15)
    page = la.page(1, 10)
    assert (len(page["records"]), page["size"]) == (10, 20)


@pytest.mark.parametrize(
    ("switches", "total", "pages"),
    [
        ({}, 15, 2),
        ({"total": "zero"}, 0, 2),
        ({"total": "page"}, 10, 2),
        ({"total": "more"}, 16, 2),
        ({"pages": "zero"}, 15, 0),
        ({"pages": "one"}, 15, 1),
        ({"pages": "more"}, 15, 3),
    ],
)
def test_total_and_pages(clock: SandboxClock, switches: dict[str, Any], total: int, pages: int) -> None:
    la = open_la(clock, **switches)
    fill(la, 15)
    page = la.page(1, 10)
    assert (page["total"], page["pages"], len(page["records"])) == (total, pages, 10)


@pytest.mark.parametrize("order", ["stable", "newest", "random"])
def test_list_order(clock: SandboxClock, order: str) -> None:
    la = open_la(clock, list_order=order)
    fill(la, 20)
    first, second = ([row["bindId"] for row in la.page()["records"]] for _ in "ab")
    made = list(range(1002, 1022))
    assert sorted(first) == made
    assert {
        "stable": first == second == made,
        "newest": first == second == made[::-1],
        "random": first != second,
    }[order]


def test_vanishing_rows(clock: SandboxClock) -> None:
    la = open_la(clock, vanishing_rows=3)
    fill(la, 30)
    scans = {
        tuple(row["bindId"] for page in (1, 2, 3) for row in la.page(page, 10)["records"]) for _ in range(20)
    }
    assert len(scans) > 1
    assert min(len(set(scan)) for scan in scans) < 30
    assert len(la.page()["records"]) == 30


def test_lag_and_expired_rows(clock: SandboxClock) -> None:
    la = open_la(clock, list_lag_seconds=5)
    bind_id = la.bind()["data"]["bindId"]
    assert la.page()["total"] == 0
    clock.advance(5)
    assert la.page()["total"] == 1
    la.unbind(bind_id)
    assert la.page()["total"] == 1
    clock.advance(5)
    assert la.page()["total"] == 0
    la = open_la(clock, expired_listed_seconds=30)
    bind_id = la.bind(life=60)["data"]["bindId"]
    clock.advance(89)
    assert la.page()["total"] == 1
    assert la.unbind(bind_id)["status"] == "-24"
    clock.advance(1)
    assert la.page()["total"] == 0


def test_list_without_app(clock: SandboxClock) -> None:
    la = open_la(clock, list_without_app="refuse")
    assert la("pns/queryBindPage", current=1, size=10, params={})["status"] == "-22"


def test_bind_id_reused(clock: SandboxClock) -> None:
    for reused, expected in ((True, 1002), (False, 1003)):
        la = open_la(clock, bind_id_reused=reused)
        la.unbind(la.bind(A, B)["data"]["bindId"])
        assert la.bind(A, C)["data"]["bindId"] == expected


def test_unbind_ended(clock: SandboxClock) -> None:
    la = open_la(clock, unbind_ended="ok")
    bind_id = la.bind()["data"]["bindId"]
    assert [la.unbind(one)["status"] for one in (bind_id, bind_id, 9)] == ["0", "0", "-24"]


def test_pool_editing(clock: SandboxClock) -> None:
    edit = {
        "oldPoolNumber": "918806",
        "poolNumber": "918806",
        "customerWhitelist": "10.0.0.1",
        "maxConcurrency": 5,
    }

    def numbers(la: La) -> int:
        return len(la("queryNumberPool", current=1, size=10)["data"]["records"][0]["numberList"])

    la = open_la(clock)
    la("editNumberPool", **edit)
    assert numbers(la) == 20
    la = open_la(clock, omitted_numbers="clear")
    la("editNumberPool", **edit)
    assert numbers(la) == 0
    la = open_la(clock, pool_shrink="allow")
    la.bind()
    assert la("editNumberPool", **edit, numberList=[])["status"] == "0"


def test_apps(clock: SandboxClock) -> None:
    la = open_la(clock, any_app=False, apps=("mine",))
    assert la.bind()["status"] == "-32"
    assert la("pns/queryBindPage", current=1, size=10, params={"appId": "other"})["status"] == "-32"
    assert la.bind(appId="mine")["status"] == "0"


def test_capacity_disjointness_and_reuse(clock: SandboxClock) -> None:
    small = {"poolNumber": "915027021995", "bizType": 2}
    la = open_la(clock, capacity_per_x=1)
    assert [la.bind(f"91880677{n:02d}", f"91880688{n:02d}", **small)["status"] for n in range(2)] == [
        "0",
        "-41",
    ]
    la = open_la(clock, parties_disjoint=False)
    assert [la.bind(A, B, **small)["status"] for _ in range(3)] == ["0"] * 3
    la = open_la(clock, x_reuse_seconds=60)
    first = la.bind(A, B)["data"]
    la.unbind(first["bindId"])
    assert la.bind(A, B)["data"]["pnsNumberA"] != first["pnsNumberA"]


def test_unknown_fields(clock: SandboxClock) -> None:
    assert open_la(clock, unknown_fields="ignore").bind(colour="red")["status"] == "0"


def test_a_pool_that_the_account_does_not_have(clock: SandboxClock) -> None:
    assert open_la(clock, any_pool=False).bind(poolNumber="777")["status"] == "-24"
    made = open_la(clock).bind(poolNumber="777")
    assert made["status"] == "0"
    assert made["data"]["pnsNumberA"].startswith("910000")
