"""The vendors' published samples and signature vectors (docs/vendors.md, 1.2, 1.4, 2.2, 2.4), copied: the simulators accept each
request as printed and answer in the shape that is printed."""

import dataclasses
import json
from typing import Any

import pytest

from pnsync.sandbox import laaffic, nxcloud
from pnsync.sandbox.clock import SandboxClock
from pnsync.sandbox.records import Group
from pnsync.sandbox.switches import NxSwitches
from pnsync.sandbox.transport import SandboxTransport

from .calls import START, La, Nx

NX_VECTORS = [
    ('{"id":10001,"name":"牛小信"}', "7750759da06333f20d0640be09355e34", "d04863619d46121592cdb312ec0a91c148a1f5daea64930ad0e1fb31a04dc808"),
    ('{"name":"牛小信","id":10001}', "87c3560d3331ae23f1021e2025722354", "e0eec2c99ef80f269a82795e2223f618ebfc0616c8b6c8c7d438021ec38ad0eb"),
    ('{"id": 10001, "name": "牛小信"}', "d0c24a9886c629330d7f3f2056c65bc2", "feaa901c8a317a0f5e488dd7d9ae046742afa0d0a70f415817c835873efa4cb7"),
    ("", "884afe159e39b6c88a0d6102ca97d704", "921e82155cc02cdf78da934307c33cdca3f412d35ddb5b965482a2e029e900f4"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "md5", "sha256"), NX_VECTORS)
def test_nxcloud_signature_vectors(body: str, md5: str, sha256: str) -> None:
    headers = {"accesskey": "fme2na3kdi3ki", "action": "send", "biztype": "1", "ts": "1655710885431"}
    assert nxcloud.sign_request(headers, body.encode(), "abciiiko2k3") == md5
    assert nxcloud.sign_request(headers | {"algorithm": "sha256"}, body.encode(), "abciiiko2k3") == sha256


@pytest.mark.parametrize(
    ("timestamp", "sign"),
    [("1630468800", "05d7a50893e22a5c4bb3216ae3396c7c"), ("1630468801", "f0c06cd1abdda2fd9dcad39eaef509cd")],
)
def test_laaffic_signature_vectors(timestamp: str, sign: str) -> None:
    assert laaffic.sign_request("bDqJFiq9", "7bz1lzh9", timestamp) == sign


GROUP_OF_SAMPLE = "1602484f91adb0b60e"
GROUP_TO_CHANGE = "6a7sd3402px21429s04"

NX_SAMPLES: list[tuple[str, str, dict[str, Any]]] = [
    ("bindAXBExtension", '{"phoneA":"446075363777","phoneB":"448646607772","phoneX":"447401264117","extension":"101","expireSecond":86400,"customerBindId":"66666666","flag":1}',
     {"code": 0, "msg": "", "requestId": "", "data": {"bindId": "", "did": ""}}),
    ("bindAXB", '{"phoneA":"85211111114","phoneB":"85222222222","customerBindId":"1","expireSecond":1011}',
     {"code": 0, "msg": "", "requestId": "", "data": {"bindId": "", "did": ""}}),
    ("bindAXG", '{"phoneA":"85211111114","phoneX":"85235753351","phoneB":"85235755551","groupId":"1602484f91adb0b60e","customerBindId":"10001","flag":1,"expireSecond":1011}',
     {"code": 0, "msg": "", "requestId": "", "data": {"bindId": "", "did": ""}}),
    ("getAXBList", '{"limit":10,"offset":0}',
     {"code": 0, "msg": "", "requestId": "", "data": {"bindList": [{"customerId": "", "businessId": "", "bindId": "", "customerBindId": "", "phoneA": "", "phoneB": "", "did": "", "flag": 0, "expireAt": 0, "extension": ""}], "total": 1}}),
    ("queryAXB", '{"caller":"85222222222","did":"85235753352"}',
     {"code": 0, "msg": "", "requestId": "", "data": {"callee": "", "callId": "", "flag": 0, "audioWhenCallFail": "", "bindType": 4, "audioWhenDtmfErr": "", "audioWhenDtmfNeed": ""}}),
    ("queryAXB", '{"caller":"85222222222","did":"85235753352","extension":"111"}',
     {"code": 0, "msg": "", "requestId": "", "data": {"callee": "", "callId": "", "extension": "", "flag": 0, "audioWhenCallFail": ""}}),
    ("listGroup", '{"limit":10,"offset":0}',
     {"code": 0, "msg": "", "requestId": "", "data": {"groups": [{"customerId": "", "groupName": "", "groupId": "", "phones": "", "remark": ""}], "total": 1}}),
    ("createGroup", '{"phones":"85211111114,85235753351,85235753311","groupName":"groupA","remark":"Number Group A"}',
     {"code": 0, "msg": "", "requestId": "", "groupId": ""}),
    ("updateGroup", '{"groupId":"6a7sd3402px21429s04","operateType":1,"phones":"85211111114,85235753351,85235753311"}',
     {"code": 0, "msg": "", "requestId": ""}),
    ("deleteGroup", '{"groupId":"6a7sd3402px21429s04"}', {"code": 0, "msg": "", "requestId": ""}),
]  # fmt: skip


def shape(value: Any) -> Any:
    """The value with every leaf replaced by its type, and of a list only its first item."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value)


@pytest.mark.parametrize("algorithm", [None, "md5", "sha256"])
@pytest.mark.parametrize(("action", "body", "answer"), NX_SAMPLES)
def test_nxcloud_samples(
    nx: Nx, clock: SandboxClock, action: str, body: str, answer: Any, algorithm: str | None
) -> None:
    transport = nx.client._transport
    assert isinstance(transport, SandboxTransport)
    with transport.account.writing(clock()) as board:
        for group_id in (GROUP_OF_SAMPLE, GROUP_TO_CHANGE):
            board.put_group(Group(group_id, "sample", ("85235755551",)), clock())
    if action in ("getAXBList", "queryAXB"):
        transport.console.add(
            "axb_extension",
            phone_a="85211111114",
            phone_b="85222222222",
            x_a="85235753352",
            extension="111",
            expires_in=900,
        )
    response = nx.post("/api/pns/", nx.headers(action, body.encode(), algorithm=algorithm), body.encode())
    assert response.status_code == 200
    assert shape(response.json()) == shape(answer)
    assert response.json()["code"] == 0


def test_nxcloud_unbind_sample(nx: Nx) -> None:
    bind_id = nx.axb()["data"]["bindId"]
    assert shape(nx("unbindAXB", bindId=bind_id)) == shape({"code": 0, "msg": "", "requestId": ""})
    assert nx.rows() == []


def test_nxcloud_flat_envelope_of_2022(clock: SandboxClock) -> None:
    nx = Nx(SandboxTransport("nxcloud", clock=clock, switches=NxSwitches(envelope="flat")), clock=clock)
    assert {"bindId", "did", "code"} <= nx.axb().keys()
    assert {"bindList", "total"} <= nx("getAXBList", limit=10, offset=0).keys()


def test_nxcloud_request_id_carries_the_time(nx: Nx) -> None:
    assert nxcloud.issued_at("1602262837283131392") == pytest.approx(1670844203, abs=1)
    assert nxcloud.issued_at(nx.axb()["requestId"]) == START


def test_nxcloud_expire_at_is_bind_time_plus_seconds(nx: Nx) -> None:
    nx.axb(life=1011)
    assert nx.rows()[0]["expireAt"] == START + 1011


LA_SAMPLES: list[tuple[str, str, Any]] = [
    ("pns/bind", '{"phoneA":"9188067701","phoneB":"9188067799","poolNumber":"918806","expireS":60,"bizType":1,"appId":"4luaKsL2"}',
     {"pnsNumberA": "9188061024", "pnsNumberB": "9188061024", "bindId": 1002}),
    ("pns/unbind", '{"bindId":"1002","appId":"4luaKsL2"}', None),
    ("pns/queryBindPage", '{"current":1,"size":10,"params":{"appId":"4luaKsL2"}}',
     {"total": 5, "size": 20, "current": 1, "pages": 1, "records": [{"bindId": 1234, "phoneA": "", "phoneB": "", "pnsNumberA": "", "pnsNumberB": "", "expireTime": "2023-10-22 09:00:00"}]}),
    ("queryNumberPool", '{"current":1,"size":10,"params":{}}',
     {"total": 5, "size": 20, "current": 1, "pages": 1, "records": [{"poolNumber": "", "customerWhitelist": "", "maxConcurrency": 99, "numberList": [""]}]}),
]  # fmt: skip


@pytest.mark.parametrize("prefix", ["/v3/number/", "/number/", "/"])
@pytest.mark.parametrize(("operation", "body", "data"), LA_SAMPLES)
def test_laaffic_samples(la: La, operation: str, body: str, data: Any, prefix: str) -> None:
    if operation != "pns/bind":
        assert la.bind()["data"]["bindId"] == 1002
    document = la.post(prefix + operation, la.headers(), body.encode()).json()
    assert (document["status"], document["reason"]) == ("0", "success")
    assert shape(document["data"]) == shape(data)
    if operation == "pns/bind":
        assert document["data"] == data


def test_laaffic_failure_sample(la: La) -> None:
    assert la.post("/pns/bind", la.headers(ts="1630468800"), b"{}").json() == {
        "status": "-16",
        "reason": "timestamp expires",
    }


def test_reprs_hold_no_phone(nx: Nx, clock: SandboxClock) -> None:
    nx.axb(a="447700900001", b="447700900002")
    transport = nx.client._transport
    assert isinstance(transport, SandboxTransport)
    with transport.account.reading(clock()) as board:
        text = repr(board.listing(clock())) + repr(board.history) + repr(board.groups)
    assert "4477009" not in text
    assert "447401264117" in text
    assert "4477009" not in json.dumps(transport.console.history())
    assert dataclasses.is_dataclass(board.history[0])
