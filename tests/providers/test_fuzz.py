"""Any answer at all: no exception leaves the adapter, and without code 0 and an id nothing was applied."""

import contextlib
import json
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from pnsync.errors import CredentialsRefused, VendorError
from pnsync.journal import Applied, NotSent, Refused, Unknown
from pnsync.phone import Phone
from pnsync.state import Operation

from .world import LA, NX, always, golden_la_intents, golden_nx_intents, laaffic, nxcloud, silent

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, "0", 1004, -16, 10013, "1002", "abc", "85235753351", "", "\ud800"])
    | st.floats()
    | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["code", "status", "data", "bindId", "did", "bindList", "records", "total", "phoneA", "pages"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
STATUSES = st.sampled_from([200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 418, 429, 500, 503])


@st.composite
def damaged(draw: st.DrawFn, samples: list[Any]) -> bytes:
    """A sample with a value replaced, removed or added anywhere; or with its bytes cut, flipped or garbled."""
    document = json.loads(json.dumps(draw(st.sampled_from(samples))))
    for _ in range(draw(st.integers(0, 3))):
        place = document
        while draw(st.booleans()):
            inner = [
                one
                for one in (place.values() if isinstance(place, dict) else place)
                if isinstance(one, dict | list) and one
            ]
            if not inner:
                break
            place = draw(st.sampled_from(inner))
        if isinstance(place, dict):
            name = draw(st.sampled_from([*sorted(place), "x"]) | st.text(max_size=3))
            if draw(st.booleans()):
                place.pop(name, None)
            else:
                place[name] = draw(VALUES)
        else:
            place.append(draw(VALUES))
    body = json.dumps(document).encode()
    match draw(st.sampled_from(["whole", "whole", "whole", "cut", "flip", "junk"])):
        case "cut":
            return body[: draw(st.integers(0, len(body)))]
        case "flip" if body:
            at = draw(st.integers(0, len(body) - 1))
            return body[:at] + bytes([draw(st.integers(0, 255))]) + body[at + 1 :]
        case "junk":
            return draw(st.binary(max_size=60)) + body
    return body


def samples(operations: dict[str, Any]) -> list[Any]:
    return [one["response"] for one in operations.values() if "response" in one]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(golden_nx_intents())), damaged(samples(NX)), STATUSES)
def test_nxcloud_writes(action: str, body: bytes, status: int) -> None:
    intent = golden_nx_intents()[action]
    outcome = nxcloud(always(body, status)).send(intent)
    assert isinstance(outcome, Applied | Refused | Unknown)
    if isinstance(outcome, Applied):
        assert status < 300
        assert json.loads(body)["code"] in (0, "0")
        assert (outcome.bind_id is not None) == (intent.operation is Operation.BIND)
        assert (outcome.group_id is not None) == (intent.operation is Operation.CREATE_GROUP)
        assert intent.operation is not Operation.BIND or outcome.phone_x
    else:
        assert "85211111114" not in repr(outcome)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(golden_la_intents())), damaged(samples(LA)), STATUSES)
def test_laaffic_writes(path: str, body: bytes, status: int) -> None:
    intent = golden_la_intents()[path]
    outcome = laaffic(always(body, status)).send(intent)
    assert isinstance(outcome, Applied | Refused | Unknown)
    if isinstance(outcome, Applied):
        assert status < 300
        assert json.loads(body)["status"] in (0, "0")
        assert intent.operation is Operation.UNBIND or (outcome.bind_id and outcome.bind_id.isdigit())


@settings(max_examples=300, deadline=None)
@given(damaged([NX["getAXBList"]["response"], NX["listGroup"]["response"]]), STATUSES, st.integers(1, 2))
def test_nxcloud_listings(body: bytes, status: int, scans: int) -> None:
    try:
        nxcloud(always(body, status)).list(scans=scans, reading=silent)
    except (VendorError, CredentialsRefused) as error:
        assert "8521" not in str(error.detail)


@settings(max_examples=300, deadline=None)
@given(damaged([LA["pns/queryBindPage"]["response"], LA["queryNumberPool"]["response"]]), STATUSES)
def test_laaffic_listings(body: bytes, status: int) -> None:
    with contextlib.suppress(VendorError, CredentialsRefused):
        laaffic(always(body, status)).list(scans=2, reading=silent)


@settings(max_examples=200, deadline=None)
@given(damaged([NX["queryAXB"]["response"]]), STATUSES)
def test_the_switch(body: bytes, status: int) -> None:
    with contextlib.suppress(VendorError, CredentialsRefused):
        nxcloud(always(body, status)).query(caller=Phone("85222222222"), did="85235753352", extension=None)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["date", "retry-after", "content-type", "content-encoding"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
    )
)
def test_headers_of_any_kind(headers: dict[str, str]) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(b'{"code": 0}'))

    outcome = nxcloud(httpx.MockTransport(answer)).send(golden_nx_intents()["unbindAXB"])
    assert isinstance(outcome, Applied | Unknown | NotSent)
