"""No number, key, secret or signature leaves by a log, a message, a text form or a traceback."""

import json
import logging
import re
import traceback
from collections.abc import Callable

import httpx
import pytest

from pnsync.errors import PnsyncError
from pnsync.phone import Phone
from pnsync.providers.credentials import Credentials, Secret
from pnsync.providers.laaffic.provider import LaafficProvider
from pnsync.providers.nxcloud.provider import NxCloudProvider

from .world import golden_la_intents, golden_nx_intents, laaffic, nxcloud, silent

KEYS = Credentials(Secret("canarykey447700900111"), Secret("canarysecret"))
PHONES = [
    "85211111114",
    "85222222222",
    "446075363777",
    "448646607772",
    "9188067701",
    "9188067799",
    "447700900777",
]
NUMBER = "447700900777"

# Answers in which the vendor repeats what it should not: numbers in texts, codes, ids and every field.
ECHOES: list[Callable[[httpx.Request], httpx.Response]] = [
    lambda request: httpx.Response(200, content=request.content),
    lambda request: httpx.Response(500, content=request.content),
    lambda _: httpx.Response(200, json={"code": int(NUMBER), "msg": NUMBER, "requestId": NUMBER}),
    lambda _: httpx.Response(200, json={"status": NUMBER, "reason": NUMBER, "requestId": int(NUMBER)}),
    lambda _: httpx.Response(200, json={"code": 1002, "msg": f"bad {NUMBER}", "requestId": "r1"}),
    lambda _: httpx.Response(200, json={"status": "-22", "reason": f"bad {NUMBER}"}),
    lambda _: httpx.Response(200, json={"code": 0, "data": {"bindId": f"x {NUMBER}", "did": f"x{NUMBER}"}}),
    lambda _: httpx.Response(
        200,
        json={
            "code": 0,
            "data": {
                "bindList": [{"bindId": f"-{NUMBER} "}, NUMBER],
                "groups": [{"groupId": "g", "phones": f"x{NUMBER}"}],
                "total": 2,
            },
        },
    ),
    lambda _: httpx.Response(
        200,
        json={
            "status": "0",
            "data": {
                "records": [
                    {"bindId": NUMBER, "phoneA": f"x{NUMBER}"},
                    {"poolNumber": "1", "numberList": [f"x{NUMBER}"]},
                ],
                "total": NUMBER,
            },
        },
    ),
    lambda _: httpx.Response(302, headers={"location": f"https://example.com/{NUMBER}"}),
    lambda _: httpx.Response(401, content=NUMBER.encode()),
    lambda request: httpx.Response(403, json=dict(request.headers)),
]


def fails(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError(f"{request.content!r} {request.headers!r}", request=request)


def refuses(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError(f"{request.content!r} {request.headers!r}", request=request)


def chain(error: BaseException | None) -> list[BaseException]:
    """An exception with all that it came from, told or kept silent about."""
    found: list[BaseException] = []
    left = [error]
    while left:
        one = left.pop()
        if one is not None and one not in found:
            found.append(one)
            left += [one.__cause__, one.__context__]
    return found


def test_a_chain_holds_what_is_kept_silent_about() -> None:
    try:
        try:
            raise ValueError("inner")
        except ValueError:
            raise KeyError("outer") from None
    except KeyError as error:
        assert [str(one) for one in chain(error)] == ["'outer'", "inner"]


@pytest.mark.parametrize("handler", [*ECHOES, fails, refuses])
def test_no_canary_gets_out(
    handler: Callable[[httpx.Request], httpx.Response], caplog: pytest.LogCaptureFixture
) -> None:
    signatures: list[str] = []

    def watched(request: httpx.Request) -> httpx.Response:
        signatures.append(request.headers["sign"])
        return handler(request)

    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    providers: list[NxCloudProvider | LaafficProvider] = [
        nxcloud(httpx.MockTransport(watched), credentials=KEYS),
        laaffic(httpx.MockTransport(watched), credentials=KEYS),
    ]
    for provider, intents in zip(providers, (golden_nx_intents(), golden_la_intents()), strict=True):
        shown.append(repr(provider) + str(vars(provider)))
        shown.extend(repr(provider.send(one)) for one in intents.values())
        for read in (
            lambda provider=provider: provider.list(scans=2, reading=silent),
            lambda provider=provider: provider.query(
                caller=Phone(NUMBER), did="85235753352", extension="123"
            ),
        ):
            try:
                shown.append(repr(read()))
            except PnsyncError as error:
                shown += [str(error), repr(error), *error.detail, error.command]
                shown.append("".join(traceback.format_exception(error)))
                shown += [text for one in chain(error) for text in (str(one), repr(one), repr(one.args))]
    assert caplog.text
    everything = "\n".join([*shown, caplog.text])
    for canary in [*PHONES, "canarykey", "canarysecret", *signatures]:
        assert not re.search(rf"(?<!\d){re.escape(canary)}(?!\d)", everything), canary


def test_logs_tell_what_was_called_and_what_came(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="pnsync.http")
    body = json.dumps({"code": 0, "requestId": "1602135125931462656"}).encode()
    provider = nxcloud(httpx.MockTransport(lambda _: httpx.Response(200, content=body)))
    provider.send(golden_nx_intents()["unbindAXB"])
    assert caplog.messages == [
        f"POST number.nxcloud.com unbindAXB: 200, {len(body)} bytes, 0 ms",
        "nx: code 0, request 1602135125931462656",
    ]


def test_failures_are_logged_with_their_cause(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="pnsync.http")
    nxcloud(httpx.MockTransport(fails)).send(golden_nx_intents()["unbindAXB"])
    assert caplog.messages == [
        "POST number.nxcloud.com unbindAXB: no answer, 0 ms: the connection broke before the answer was complete"
    ]
