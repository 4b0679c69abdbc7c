"""Both vendors' published samples: signatures, request bodies field by field, answers as they are understood."""

import json
from collections import Counter
from typing import Any

import httpx
import pytest

from pnsync.errors import UsageError, VendorError
from pnsync.journal import Applied, Unknown
from pnsync.model import NEVER, LiveBinding, LiveGroup, LivePool
from pnsync.phone import Phone
from pnsync.providers.decoding import Unreadable
from pnsync.providers.laaffic import signing as la_signing
from pnsync.providers.laaffic import wire as la_wire
from pnsync.providers.nxcloud import signing as nx_signing
from pnsync.providers.nxcloud import wire as nx_wire
from pnsync.providers.replies import Meaning
from pnsync.state import Entry

from .world import (
    GOLDEN,
    LA,
    NX,
    always,
    golden_la_intents,
    golden_nx_intents,
    laaffic,
    nx_config,
    nxcloud,
    silent,
)

VENDOR_TIME = 1670479632.933
DERIVED = [
    (
        "bindAXB",
        "d5e5670c7ced25374eafdbaa431343b1",
        "0ccb9922c4cc3d5a3c006c68f564ae5a45afe7989189178b0eba8c1c022a300f",
    ),
    (
        "bindAXBExtension",
        "0c8e2255aa54e17991b66ea637aa382f",
        "1767c12fde0b11db62822107b7cebd53e85ffb3cda3c68ce87adb0cd46e0f9a2",
    ),
    (
        "unbindAXB",
        "7b974ca983b8cf67416a22a13fbb6317",
        "37099fc9172a56de5f648b52fd308a241eca621a48c67a27899b3ca4064b7fd8",
    ),
    (
        "getAXBList",
        "07d44b8c0b6fb0637f7f269e71834d45",
        "4016e83796e92d50aecde8215c0dfac6cbba53d6247549c1af40cf4852783032",
    ),
    (
        "listGroup",
        "103f824b03edd7fe9b49bed41784fe91",
        "35d0ce0f3822f67b0f91d39d333afd3759b2189d0fda59bdfc13d30608a0f663",
    ),
    (
        "queryAXB",
        "18c67d3a10243ca6cb023211aa34fc29",
        "c3fdd08b079e161f8fab0df73b7124539f12c06671619b367979e64042bbf13f",
    ),
]
EMPTY_BODY = {
    "md5": "884afe159e39b6c88a0d6102ca97d704",
    "sha256": "921e82155cc02cdf78da934307c33cdca3f412d35ddb5b965482a2e029e900f4",
}


@pytest.mark.parametrize("vector", GOLDEN["nxcloud"]["signatures"])
def test_nxcloud_signatures_are_those_of_its_pages(vector: dict[str, Any]) -> None:
    sent = vector["headers"]
    for algorithm, digest in (("md5", vector["md5"]), ("sha256", vector["sha256_computed"])):
        assert digest == nx_signing.signature(
            sent["accessKey"],
            sent["action"],
            sent["ts"],
            vector["body"].encode(),
            vector["access_secret"],
            algorithm=algorithm,
            biz_type=sent["bizType"],
        )


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_an_empty_body_is_left_out_of_the_signature(algorithm: str) -> None:
    vector = GOLDEN["nxcloud"]["signatures"][0]
    sent = vector["headers"]
    found = nx_signing.signature(
        sent["accessKey"],
        sent["action"],
        sent["ts"],
        b"",
        vector["access_secret"],
        algorithm=algorithm,
        biz_type=sent["bizType"],
    )
    assert found == EMPTY_BODY[algorithm]


@pytest.mark.parametrize(("action", "md5", "sha256"), DERIVED)
def test_headers_of_each_action(action: str, md5: str, sha256: str) -> None:
    body = nx_wire.encode(NX[action]["request"])
    for algorithm, digest in (("md5", md5), ("sha256", sha256)):
        found = nx_signing.headers(
            "fme2na3kdi3ki", action, VENDOR_TIME, body, "abciiiko2k3", algorithm=algorithm
        )
        assert found == {
            "Content-Type": "application/json",
            "accessKey": "fme2na3kdi3ki",
            "action": action,
            "bizType": "5",
            "ts": "1670479632933",
            "sign": digest,
            **({} if algorithm == "md5" else {"algorithm": algorithm}),
        }


@pytest.mark.parametrize("vector", GOLDEN["laaffic"]["signatures"])
def test_laaffic_signatures_are_those_of_its_pages(vector: dict[str, Any]) -> None:
    found = la_signing.headers(vector["api_key"], vector["api_secret"], float(vector["timestamp"]) + 0.9)
    assert found == {
        "Content-Type": "application/json;charset=UTF-8",
        "Sign": vector["md5"],
        "Timestamp": vector["timestamp"],
        "Api-Key": vector["api_key"],
    }


@pytest.mark.parametrize("action", golden_nx_intents())
def test_nxcloud_request_bodies_are_the_samples(action: str) -> None:
    sent, fields = nx_wire.call_for(golden_nx_intents()[action])
    assert (sent, list(fields.items())) == (action, list(NX[action]["request"].items()))


@pytest.mark.parametrize("path", golden_la_intents())
def test_laaffic_request_bodies_are_the_samples(path: str) -> None:
    sent, fields = la_wire.call_for(golden_la_intents()[path], "4luaKsL2")
    assert (sent, list(fields.items())) == (path, list(LA[path]["request"].items()))


@pytest.mark.parametrize("wire", [nx_wire, la_wire])
def test_bodies_are_compact_and_not_escaped(wire: Any) -> None:
    assert wire.encode({"id": 10001, "name": "牛小信"}) == '{"id":10001,"name":"牛小信"}'.encode()


@pytest.mark.parametrize("path", [la_wire.LIST, la_wire.POOLS])
def test_laaffic_listing_bodies_are_the_samples(path: str) -> None:
    app_id = "4luaKsL2" if path == la_wire.LIST else None
    assert la_wire.page_fields(1, 10, app_id) == LA[path]["request"]


@pytest.mark.parametrize("action", golden_nx_intents())
def test_nxcloud_answers_are_understood(action: str) -> None:
    outcome = nxcloud(always(NX[action]["response"])).send(golden_nx_intents()[action])
    request_id = NX[action]["response"]["requestId"]
    expected = {
        "bindAXB": Applied("f6e24ebdaf64ef91adb0b60e3b582db0", "85235753351", request_id=request_id),
        "bindAXG": Applied("f6e24ebdaf64ef91adb0b60e3b582db0", "85235753351", request_id=request_id),
        # The page's sample asks for one X and answers another: in a real answer that is no success.
        "bindAXBExtension": Unknown("X 447401264117 was asked for and 85235753351 answered", "0", request_id),
        "createGroup": Applied(group_id="6a7sd3402px21429s04", request_id=request_id),
    }
    assert outcome == expected.get(action, Applied(request_id=request_id))


def test_laaffic_answers_are_understood() -> None:
    intents = golden_la_intents()
    bound = laaffic(always(LA["pns/bind"]["response"])).send(intents["pns/bind"])
    assert bound == Applied("1002", "9188061024")
    assert laaffic(always(LA["pns/unbind"]["response"])).send(intents["pns/unbind"]) == Applied()


def test_nxcloud_rows_are_understood() -> None:
    [row] = NX["getAXBList"]["response"]["data"]["bindList"]
    flaws: Counter[str] = Counter()
    assert nx_wire.binding("nx", row, flaws)[1] == LiveBinding(
        provider="nx",
        bind_id="b8c2aaf940d534d3c9ed8b780757f94e",
        phone_a=Phone("85211111114"),
        phone_b=Phone("85222222222"),
        phone_x="85235753352",
        extension="101",
        customer_bind_id="1",
        recording=False,
        expires_at=1670845212,
    )
    [row] = NX["listGroup"]["response"]["data"]["groups"]
    assert nx_wire.group("nx", row, flaws)[1] == LiveGroup(
        "nx",
        "b8c2aaf940d534d3c9ed8b780757f94e",
        "groupA",
        (Phone("85211111114"), Phone("85235753351"), Phone("85235753311")),
        "Number Group A",
    )
    assert not flaws


@pytest.mark.parametrize(("flag", "recording"), [(0, False), (1, True), (2, False), (3, True), (None, None)])
def test_a_recording_is_one_bit_of_a_flag(flag: int | None, recording: bool | None) -> None:
    [row] = NX["getAXBList"]["response"]["data"]["bindList"]
    assert nx_wire.binding("nx", {**row, "flag": flag}, Counter())[1].recording is recording


def test_a_pool_s_number_is_short_and_there() -> None:
    [row] = LA["queryNumberPool"]["response"]["data"]["records"]
    for wrong in ("", "1" * 21):
        with pytest.raises(Unreadable, match="poolNumber"):
            la_wire.pool("la", {**row, "poolNumber": wrong}, Counter())


def test_laaffic_rows_are_understood() -> None:
    flaws: Counter[str] = Counter()
    [row] = LA["pns/queryBindPage"]["response"]["data"]["records"]
    naive = 1697965200  # 2023-10-22T09:00:00 as if it were UTC
    expected = LiveBinding(
        provider="la",
        bind_id="1234",
        phone_a=Phone("915027021995"),
        phone_b=Phone("9150270219956"),
        phone_x="91502211",
        phone_x_b="915022112",
        expires_at=None,
        naive_expiry=naive,
    )
    assert la_wire.binding("la", row, flaws)[1] == expected
    [row] = LA["queryNumberPool"]["response"]["data"]["records"]
    assert la_wire.pool("la", row, flaws)[1] == LivePool("la", "915027021995", ("9178605501", "9178605502"))
    assert not flaws


def test_the_switch_is_asked_as_the_samples_show() -> None:
    for sample in (NX["queryAXB"], NX["queryAXB_extension"]):
        seen: list[httpx.Request] = []

        def answer(
            request: httpx.Request, seen: list[httpx.Request] = seen, sample: Any = sample
        ) -> httpx.Response:
            seen.append(request)
            return httpx.Response(200, json=sample["response"])

        reached = nxcloud(httpx.MockTransport(answer)).query(
            caller=Phone("85222222222"), did="85235753352", extension=sample["request"].get("extension")
        )
        assert reached.callee == Phone("85211111114")
        assert reached.recording is False
        [request] = seen
        assert json.loads(request.content) == sample["request"]
        assert (request.method, request.headers["action"]) == ("POST", "queryAXB")
        assert str(request.url) == "https://number.nxcloud.com/api/pns/"


def test_the_sample_failures_are_understood() -> None:
    reply = la_wire.reply(LA["failure"]["response"])
    assert (reply.meaning, reply.code) == (Meaning.CLOCK, "-16")
    reply = nx_wire.reply(NX["miss_push"]["body"])
    assert (reply.meaning, reply.code) == (Meaning.ABSENT, "10013")


# Rows that cannot be used, each with what is said of it: a listing names the kind and never the content.
BAD_NX_ROWS: list[tuple[dict[str, Any] | list[int], str]] = [
    ([1], "the row is not an object"),
    ({"bindId": None}, "bindId is missing"),
    ({"bindId": "x y"}, "bindId is not a well-formed id"),
    ({"phoneA": ""}, "phoneA is missing"),
    ({"phoneA": "none"}, "phoneA is not a telephone number"),
    ({"phoneB": [1]}, "phoneB is not a telephone number"),
    ({"did": 1.5}, "did is not a telephone number"),
    ({"flag": "yes"}, "flag is not a whole number"),
    ({"extension": "1x"}, "extension is not a number of digits"),
    ({"extension": 10**7}, "extension is not a number of digits"),
    ({"customerBindId": [1]}, "customerBindId is not text"),
]
BAD_LA_ROWS: list[tuple[dict[str, Any] | list[int], str]] = [
    ([1], "the row is not an object"),
    ({"bindId": None}, "bindId is missing"),
    ({"bindId": "b1"}, "bindId is not a decimal number"),
    ({"phoneA": None}, "phoneA is missing"),
    ({"pnsNumberB": "x"}, "pnsNumberB is not a telephone number"),
]


@pytest.mark.parametrize(("damage", "said"), BAD_NX_ROWS)
def test_nxcloud_rows_that_cannot_be_used(damage: Any, said: str) -> None:
    [sample] = NX["getAXBList"]["response"]["data"]["bindList"]
    row = {**sample, **damage} if isinstance(damage, dict) else damage
    with pytest.raises(Unreadable, match=f"^{said}$"):
        nx_wire.binding("nx", row, Counter())


@pytest.mark.parametrize(("damage", "said"), BAD_LA_ROWS)
def test_laaffic_rows_that_cannot_be_used(damage: Any, said: str) -> None:
    [sample] = LA["pns/queryBindPage"]["response"]["data"]["records"]
    row = {**sample, **damage} if isinstance(damage, dict) else damage
    with pytest.raises(Unreadable, match=f"^{said}$"):
        la_wire.binding("la", row, Counter())


@pytest.mark.parametrize(
    ("written", "read"),
    [("007", "007"), ("0193", "0193"), (7, "007"), (193, "193"), ("", None), (None, None)],
)
def test_an_extension_keeps_its_zeros(written: Any, read: str | None) -> None:
    [sample] = NX["getAXBList"]["response"]["data"]["bindList"]
    del (row := dict(sample))["extension"]
    for name in ("extension", "Extension"):
        assert nx_wire.binding("nx", {**row, name: written}, Counter())[1].extension == read


@pytest.mark.parametrize(
    ("written", "read", "flawed"),
    [
        (0, NEVER, False),
        ("0", NEVER, False),
        (1670845212, 1670845212, False),
        ("1670845212", 1670845212, False),
        (1011, None, True),
        (1670845212000, None, True),
        (-1, None, True),
        (None, None, True),
        ("", None, True),
        ("soon", None, True),
        (1.5, None, True),
        (True, None, True),
    ],
)
def test_an_expiry_is_an_instant_or_told(written: Any, read: int | None, flawed: bool) -> None:
    [sample] = NX["getAXBList"]["response"]["data"]["bindList"]
    flaws: Counter[str] = Counter()
    row = nx_wire.binding("nx", {**sample, "expireAt": written}, flaws)[1]
    assert (row.expires_at, bool(flaws)) == (read, flawed)


def test_an_unknown_expiry_of_laaffic_is_kept_and_told() -> None:
    [sample] = LA["pns/queryBindPage"]["response"]["data"]["records"]
    flaws: Counter[str] = Counter()
    row = la_wire.binding("la", {**sample, "expireTime": "soon"}, flaws)[1]
    assert (row.expires_at, row.naive_expiry, row.bind_id) == (None, None, "1234")
    assert flaws


@pytest.mark.parametrize(
    "data", [{}, None, {"total": 5}, {"records": 1}, {"bindList": "x", "total": 0}, {"records": {}}]
)
def test_a_page_without_its_list_is_no_empty_page(data: Any) -> None:
    with pytest.raises(VendorError):
        nxcloud(always({"code": 0, "data": data})).list(scans=1, reading=silent)
    with pytest.raises(VendorError):
        laaffic(always({"status": 0, "data": data and {**data, "total": 3}})).list(scans=1, reading=silent)


def test_an_empty_account_is_one() -> None:
    for data in (
        {"bindList": [], "groups": [], "total": 0},
        {"bind_list": None, "groups": None},
        {"total": 0},
    ):
        assert nxcloud(always({"code": 0, "data": data})).list(scans=2, reading=silent).stable
    assert laaffic(always({"status": 0, "data": {"records": []}})).list(scans=2, reading=silent).stable


def test_laaffic_cannot_be_asked_who_rings() -> None:
    with pytest.raises(UsageError):
        laaffic(None).query(caller=Phone("85222222222"), did="85235753352", extension=None)


def test_accounts_are_told_apart_by_host() -> None:
    assert laaffic(None).account(b"k" * 32).host == "api.laaffic.com"
    assert nxcloud(None, config=nx_config(endpoint="sandbox")).account(b"k" * 32).host == "sandbox"


def test_a_single_page_that_repeats_for_ever_is_a_problem() -> None:
    listing = nxcloud(always({**NX["getAXBList"]["response"], "groups": []})).list(scans=1, reading=silent)
    assert len(listing.bindings) == 1
    assert not listing.trustworthy


@pytest.mark.parametrize("party", ["phoneA", "phoneB"])
def test_a_listed_number_of_a_party_never_passes_for_an_x_or_an_id(party: str) -> None:
    [nx_row] = NX["getAXBList"]["response"]["data"]["bindList"]
    [la_row] = LA["pns/queryBindPage"]["response"]["data"]["records"]
    for read, sample, names in (
        (nx_wire.binding, nx_row, ("did",)),
        (la_wire.binding, la_row, ("pnsNumberA", "pnsNumberB")),
    ):
        for name in names:
            flaws: Counter[str] = Counter()
            row = read("p", {**sample, name: sample[party]}, flaws)[1]
            assert sample[party] not in (row.phone_x, row.phone_x_b)
            assert list(flaws) == [f"{name} is a number of one of the parties"]
        with pytest.raises(Unreadable, match="bindId is a number"):
            read("p", {**sample, "bindId": sample[party]}, Counter())


def test_an_answered_number_of_a_party_never_passes_for_an_id() -> None:
    for made, read, intent in (
        (NX["bindAXB"]["response"], nx_wire, golden_nx_intents()["bindAXB"]),
        (LA["pns/bind"]["response"], la_wire, golden_la_intents()["pns/bind"]),
    ):
        assert isinstance(intent.target, Entry)
        answer = {**made, "data": {**made["data"], "bindId": intent.target.phone_a.digits}}
        with pytest.raises(Unreadable, match="bindId is a number"):
            read.applied(intent, read.reply(answer))
