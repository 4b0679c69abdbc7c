"""A listing is read in two parts: it is as old as the older, as stable as the less stable, and as flawed as both together."""

import email.utils
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pnsync.errors import VendorError
from pnsync.model import Listing

from .world import START, ManualClock, answering, laaffic, nxcloud, silent

Rows = Callable[[str, int], list[dict[str, Any]]]
"""The rows of a part (its action or path) when it is read for the n-th time."""
NX = ("getAXBList", "bindList", "listGroup", "groups")
LA = ("pns/queryBindPage", "records", "queryNumberPool", "records")
BINDING = {
    "bindId": "1001", "phoneA": "447700900901", "phoneB": "447700900902", "did": "447401264117",
    "pnsNumberA": "447401264117", "pnsNumberB": "447401264117", "expireAt": 1_900_000_000, "expireTime": 1_900_000_000,
}  # fmt: skip
VENDORS = pytest.mark.parametrize("vendor", [NX, LA], ids=["nxcloud", "laaffic"])


def listed(
    vendor: tuple[str, ...], rows: Rows, *, ahead: float = 0, clock: ManualClock | None = None
) -> Listing:
    """What is made of a vendor whose every answer takes a second."""
    time, first, field = clock or ManualClock(), vendor[0], dict(zip(vendor[::2], vendor[1::2], strict=True))
    begun = dict.fromkeys(field, 0)

    def answer(request: httpx.Request) -> httpx.Response:
        time.pass_time(1)
        name = request.headers.get("action") or request.url.path.removeprefix("/v3/number/")
        asked = json.loads(request.content)
        if asked.get("offset", 0) == 0 and asked.get("current", 1) == 1:
            begun[name] += 1
            page = rows(name, begun[name])
        else:
            page = []
        date = email.utils.formatdate(time.now() + ahead, usegmt=True)
        body = {"code": 0, "status": "0", "data": {field[name]: page}}
        return httpx.Response(200, json=body, headers={"date": date})

    provider = (nxcloud if first == NX[0] else laaffic)(answering(answer), time)
    return provider.list(scans=2, reading=silent)


def nothing(_: str, __: int) -> list[dict[str, Any]]:
    return []


@VENDORS
def test_it_is_as_old_as_the_first_scan_of_its_first_part(vendor: tuple[str, ...]) -> None:
    clock = ManualClock()
    found = listed(vendor, nothing, clock=clock)
    assert clock.now() - START >= 4 and found.started_at == START and found.stable


@VENDORS
@pytest.mark.parametrize("part", [0, 2])
def test_it_is_as_stable_as_its_less_stable_part(vendor: tuple[str, ...], part: int) -> None:
    def moving(name: str, number: int) -> list[dict[str, Any]]:
        if name != vendor[part]:
            return []
        return [{**BINDING, "bindId": str(number), "groupId": str(number), "poolNumber": str(number)}]

    found = listed(vendor, moving)
    assert found.scans == 1 and not found.stable and len(found.problems) == 1


@VENDORS
@pytest.mark.parametrize("part", [0, 2])
def test_a_row_of_either_part_that_cannot_be_read_is_a_problem(vendor: tuple[str, ...], part: int) -> None:
    found = listed(vendor, lambda name, _: [{"bindId": {}}] if name == vendor[part] else [])
    assert len(found.problems) == 1 and not found.trustworthy


@VENDORS
def test_it_tells_how_far_the_vendor_s_clock_is_ahead(vendor: tuple[str, ...]) -> None:
    assert listed(vendor, nothing, ahead=15).clock_ahead == pytest.approx(14, abs=1.5)
    assert abs(listed(vendor, nothing).clock_ahead) < 1.5


@pytest.mark.parametrize("code", [10013, 10011])
def test_a_refusal_of_nxcloud_is_no_empty_listing(code: int) -> None:
    body = {"code": code, "data": {"bindList": [], "groups": [], "total": 0}}
    with pytest.raises(VendorError):
        nxcloud(answering(lambda _: httpx.Response(200, json=body))).list(scans=1, reading=silent)


def test_a_refusal_of_laaffic_is_no_empty_listing() -> None:
    body = {"status": "-24", "data": {"records": [], "total": 0}}
    with pytest.raises(VendorError):
        laaffic(answering(lambda _: httpx.Response(200, json=body))).list(scans=1, reading=silent)
