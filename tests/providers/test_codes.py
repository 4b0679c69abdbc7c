"""Every code of both vendors' tables: what a write makes of it, and what a read does."""

from typing import Any

import httpx
import pytest

from pnsync.errors import CredentialsRefused, PnsyncError, VendorError
from pnsync.journal import Applied, Outcome, Refusal, Refused, Unknown
from pnsync.phone import Phone
from pnsync.providers.laaffic import wire as la_wire
from pnsync.providers.nxcloud import wire as nx_wire
from pnsync.providers.replies import Meaning

from .world import ManualClock, always, golden_la_intents, golden_nx_intents, laaffic, nxcloud, silent

# The classes as docs/vendors.md, 1.6 and 2.5, prints them, read apart from the tables in the code.
NX_CLASSES = {
    **dict.fromkeys((1001, 1002, 10001, 10002, 10004, 10007), Refusal.VALIDATION),
    **dict.fromkeys((1003, 1005, 10003), Refusal.AUTHENTICATION),
    1004: Refusal.CLOCK,
    **dict.fromkeys((10008, 10010), Refusal.CAPACITY),
    10013: Refusal.ABSENT,
    **dict.fromkeys((10005, 10006, 10009, 10011, 10012, 9999, -1, 20000, 10**9), None),
}
LA_CLASSES = {
    **dict.fromkeys((-1, -2, -13, -29, -30, -31, -32), Refusal.AUTHENTICATION),
    -16: Refusal.CLOCK,
    **dict.fromkeys((-21, -22, -25), Refusal.VALIDATION),
    **dict.fromkeys((-10, -23, -41), Refusal.CAPACITY),
    **dict.fromkeys((-20, -35), Refusal.CONFLICT),
    -24: Refusal.ABSENT,
    **dict.fromkeys((-15, -18, -3, -17, -99, 1, 500), None),
}


def nx_send(body: dict[str, Any], status: int = 200) -> Outcome:
    return nxcloud(always(body, status)).send(golden_nx_intents()["bindAXB"])


def la_send(body: dict[str, Any], status: int = 200) -> Outcome:
    return laaffic(always(body, status)).send(golden_la_intents()["pns/bind"])


def check(outcome: Outcome, refusal: Refusal | None, code: int) -> None:
    shown = str(code) if abs(code) < 10**6 else "unlisted"
    if refusal is None:
        assert isinstance(outcome, Unknown)
        assert outcome.rate_limited == (code == -15)
    else:
        assert isinstance(outcome, Refused)
        assert outcome.refusal is refusal
    assert outcome.vendor_code == shown
    assert "443" not in outcome.reason


@pytest.mark.parametrize("code", NX_CLASSES)
@pytest.mark.parametrize("written", [int, str])
@pytest.mark.parametrize("status", [200, 400])
def test_nxcloud_codes_on_a_write(code: int, written: type, status: int) -> None:
    body = {"code": written(code), "msg": "no 447700900443", "requestId": "1602262837283131392"}
    outcome = nx_send(body, status)
    check(outcome, NX_CLASSES[code], code)
    assert not isinstance(outcome, Applied)
    assert outcome.request_id == "1602262837283131392"  # type: ignore[union-attr]


@pytest.mark.parametrize("code", LA_CLASSES)
@pytest.mark.parametrize("written", [int, str])
@pytest.mark.parametrize("status", [200, 400])
def test_laaffic_codes_on_a_write(code: int, written: type, status: int) -> None:
    check(la_send({"status": written(code), "reason": "447700900443"}, status), LA_CLASSES[code], code)


def test_the_tables_hold_every_documented_code_and_no_other() -> None:
    assert {code for code in NX_CLASSES if code in nx_wire.CODES} == set(nx_wire.CODES) - {0}
    assert {code for code in LA_CLASSES if code in la_wire.CODES} == set(la_wire.CODES) - {0}


@pytest.mark.parametrize("status", [500, 502, 503, 504, 301, 302, 307, 308, 404, 429])
def test_success_with_another_status_is_unknown(status: int) -> None:
    data = {"bindId": "f6e24ebdaf64ef91adb0b60e3b582db0", "did": "85235753351"}
    outcome = nx_send({"code": 0, "data": data}, status)
    assert isinstance(outcome, Unknown)
    assert outcome.rate_limited == (status == 429)


@pytest.mark.parametrize("status", [500, 503, 302, 429])
def test_a_refusal_with_a_server_fault_is_unknown(status: int) -> None:
    assert isinstance(nx_send({"code": 1002}, status), Unknown)


@pytest.mark.parametrize(
    ("status", "refusal"), [(401, True), (403, True), (400, False), (404, False), (407, False)]
)
def test_a_status_without_json(status: int, refusal: bool) -> None:
    outcome = nxcloud(always(b"<html>no</html>", status)).send(golden_nx_intents()["bindAXB"])
    if refusal:
        assert isinstance(outcome, Refused)
        assert (outcome.refusal, outcome.vendor_code) == (Refusal.AUTHENTICATION, f"HTTP {status}")
    else:
        assert isinstance(outcome, Unknown)


# What makes an answer's payload no success: an id that is none, an X that is none, another X than was asked for.
NX_DATA: list[dict[str, Any]] = [
    {},
    {"bindId": "", "did": "85235753351"},
    {"bindId": None, "did": "85235753351"},
    {"bindId": 12345, "did": "85235753351"},
    {"bindId": ["a"], "did": "85235753351"},
    {"bindId": "a b", "did": "85235753351"},
    {"bindId": "ä", "did": "85235753351"},
    {"bindId": "a" * 65, "did": "85235753351"},
    {"bindId": "abc"},
    {"bindId": "abc", "did": ""},
    {"bindId": "abc", "did": "none"},
    {"bindId": "abc", "did": "+"},
    {"bindId": "abc", "did": "٣٤"},
    {"bindId": "abc", "did": 1.5},
    {"bindId": "abc", "did": True},
    {"bindId": "abc", "did": "1" * 21},
    {"bindId": "abc", "did": "85211111114"},
    {"bindId": "abc", "did": "+85222222222"},
]


@pytest.mark.parametrize("data", NX_DATA)
def test_nxcloud_success_without_its_payload_is_unknown(data: dict[str, Any]) -> None:
    for body in ({"code": 0, "data": data}, {"code": 0, **data}, {"code": 0, "data": None, **data}):
        outcome = nx_send(body)
        assert isinstance(outcome, Unknown)
        assert not any(one in outcome.reason for one in ("85211111114", "85222222222", "1" * 21))


@pytest.mark.parametrize(
    "body",
    [
        {"code": 0, "bindId": "abc", "did": "85235753351"},
        {"code": "0", "data": {"bindId": "abc", "did": 85235753351}},
        {"code": 0, "data": {"bindId": "abc", "did": "+85235753351", "more": [1]}, "new": {}},
    ],
)
def test_nxcloud_success_in_its_other_shapes(body: dict[str, Any]) -> None:
    assert nx_send(body) == Applied("abc", "85235753351")


def test_the_x_that_was_asked_for_may_be_left_out_of_the_answer() -> None:
    intent = golden_nx_intents()["bindAXBExtension"]
    outcome = nxcloud(always({"code": 0, "data": {"bindId": "abc"}})).send(intent)
    assert outcome == Applied("abc", "447401264117")


@pytest.mark.parametrize("group_id", [None, "", 5, "a b", {}])
def test_a_group_without_its_id_is_unknown(group_id: Any) -> None:
    outcome = nxcloud(always({"code": 0, "groupId": group_id})).send(golden_nx_intents()["createGroup"])
    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize(
    "bind_id", [None, "", "0", 0, -1, "-1", 1.5, True, "1x", "x", "٣", [], {}, "1" * 33, 10**40]
)
def test_laaffic_success_without_an_id_is_unknown(bind_id: Any) -> None:
    data = {"bindId": bind_id, "pnsNumberA": "9188061024", "pnsNumberB": "9188061024"}
    assert isinstance(la_send({"status": "0", "data": data}), Unknown)


@pytest.mark.parametrize(
    ("bind_id", "canonical"), [(1002, "1002"), ("1002", "1002"), ("0001002", "1002"), (10**19, str(10**19))]
)
def test_laaffic_ids_are_canonical(bind_id: Any, canonical: str) -> None:
    data = {"bindId": bind_id, "pnsNumberA": "9188061024", "pnsNumberB": 9188061025}
    assert la_send({"status": 0, "data": data}) == Applied(canonical, "9188061024", "9188061025")


@pytest.mark.parametrize(
    "numbers",
    [
        {"pnsNumberA": "9188061024"},
        {"pnsNumberB": "9188061024"},
        {"pnsNumberA": "x", "pnsNumberB": "9188061024"},
        {"pnsNumberA": "9188067701", "pnsNumberB": "9188061024"},
    ],
)
def test_laaffic_success_without_its_numbers_is_unknown(numbers: dict[str, str]) -> None:
    assert isinstance(la_send({"status": "0", "data": {"bindId": 7, **numbers}}), Unknown)


@pytest.mark.parametrize(
    "status", [0.0, True, False, None, "", "00", "+0", " 0", "-0", [0], {"a": 0}, 10**30]
)
def test_a_code_that_is_none_is_never_success(status: Any) -> None:
    data = {"bindId": 7, "pnsNumberA": "9188061024", "pnsNumberB": "9188061024"}
    assert isinstance(la_send({"status": status, "data": data}), Unknown)
    assert isinstance(nx_send({"code": status, "data": {"bindId": "abc", "did": "85235753351"}}), Unknown)


@pytest.mark.parametrize("code", [code for code in NX_CLASSES if abs(code) < 10**6])
def test_nxcloud_codes_on_a_read(code: int) -> None:
    calls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.headers["sign"])
        return httpx.Response(200, json={"code": code, "msg": "x", "requestId": "r1"})

    clock = ManualClock()
    with pytest.raises(PnsyncError) as raised:
        nxcloud(httpx.MockTransport(answer), clock).list(scans=1, reading=silent)
    meaning = nx_wire.CODES[code].meaning if code in nx_wire.CODES else Meaning.UNLISTED
    tries = {Meaning.AUTHENTICATION: 2, Meaning.CLOCK: 2, Meaning.TRANSIENT: 4, Meaning.UNLISTED: 4}
    assert len(calls) == tries.get(meaning, 1)
    kind = CredentialsRefused if meaning is Meaning.AUTHENTICATION else VendorError
    assert type(raised.value) is kind
    assert f"code {code}, request r1" in raised.value.detail[0]
    assert 'Provider "nx", getAXBList at number.nxcloud.com' in raised.value.detail[0]


@pytest.mark.parametrize("code", LA_CLASSES)
def test_laaffic_codes_on_a_read(code: int) -> None:
    provider = laaffic(always({"status": str(code), "reason": "x"}))
    kind = CredentialsRefused if LA_CLASSES[code] is Refusal.AUTHENTICATION else VendorError
    with pytest.raises(kind):
        provider.list(scans=1, reading=silent)


def test_an_absent_binding_is_no_error_of_the_switch() -> None:
    reached = nxcloud(always({"code": 10013, "requestId": "r1"})).query(
        caller=Phone("447700900123"), did="85235753351", extension=None
    )
    assert reached.callee is None
    assert reached.reason
