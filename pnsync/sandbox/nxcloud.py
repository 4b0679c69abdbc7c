"""NXCloud's number API, generation G1 (docs/vendors.md, 1.2 to 1.6), over a switchboard: admission, envelope, lists, calls.

Binds and groups stand in nxcloud_writes.py. Any path is accepted, as G1 has one URL and the `action` header chooses.
Behaviour that the pages leave open follows `NxSwitches`.
"""

import hashlib
import hmac
import random
from collections.abc import Callable, Mapping
from typing import Any

from pnsync.sandbox.answers import Refused, SandboxResponse, json_answer, lower_headers, page_answer
from pnsync.sandbox.fields import BadBody, Kind, Shape, check_shape, read_body
from pnsync.sandbox.nxcloud_writes import NxWrites
from pnsync.sandbox.records import Binding, Mode
from pnsync.sandbox.routing import Rings, ring
from pnsync.sandbox.switchboard import Switchboard
from pnsync.sandbox.switches import NxSwitches

SNOWFLAKE_EPOCH_MS = 1288834974657
"""Instant from which requestId counts; the published ids decode with it (docs/vendors.md, 1.3)."""

PAGE_LIMIT = 1000
_LIFE: dict[str, Kind] = {"expireSecond": "int"}
_EXTRAS: dict[str, Kind] = {"customerBindId": "text", "flag": "int"}
_PAGING: dict[str, Kind] = {"limit": "int", "offset": "int"}

SHAPES: dict[str, Shape] = {
    "bindAXB": Shape({"phoneA": "digits", "phoneB": "digits", **_LIFE}, _EXTRAS),
    "bindAXBExtension": Shape(
        {"phoneA": "digits", "phoneX": "digits", "extension": "text", **_LIFE},
        {"phoneB": "digits", **_EXTRAS},
    ),
    "bindAXG": Shape(
        {"phoneA": "digits", "groupId": "text", **_LIFE}, {"phoneX": "digits", "phoneB": "digits", **_EXTRAS}
    ),
    "unbindAXB": Shape({}, {"bindId": "text", "customerBindId": "text"}),
    "getAXBList": Shape(_PAGING, {}),
    "queryAXB": Shape({"caller": "digits", "did": "digits"}, {"extension": "text"}),
    "createGroup": Shape({"phones": "phones"}, {"groupName": "text", "remark": "text"}),
    "updateGroup": Shape({"groupId": "text", "operateType": "int", "phones": "phones"}, {}),
    "deleteGroup": Shape({"groupId": "text"}, {}),
    "listGroup": Shape(_PAGING, {}),
}
READS = frozenset({"getAXBList", "queryAXB", "listGroup"})


class NxCloudSandbox:
    """One NXCloud account behind its wire format."""

    vendor = "nxcloud"

    def __init__(
        self,
        board: Switchboard,
        *,
        switches: NxSwitches | None = None,
        clock: Callable[[], float],
        credentials: Mapping[str, str],
    ) -> None:
        self.board = board
        self.switches = switches or NxSwitches()
        self._clock = clock
        self._credentials = dict(credentials)
        self._requests = 0
        self._shuffle = random.Random(board.seed)  # noqa: S311 - order of a listing, not a secret

    def operation(self, path: str, headers: Mapping[str, str]) -> str:  # noqa: ARG002 - one interface for both vendors
        """The operation that a request names: its `action` header."""
        return lower_headers(headers).get("action", "")

    def writes(self, operation: str) -> bool:
        """Whether the operation can change the account; unknown ones cannot."""
        return operation in SHAPES and operation not in READS

    def handle(
        self,
        method: str,
        path: str,  # noqa: ARG002 - one URL for all
        headers: Mapping[str, str],
        body: bytes,
        *,
        now: float | None = None,
    ) -> SandboxResponse:
        """The vendor's answer to one request, with its effect on the account."""
        if now is None:
            now = self._clock()
        if method != "POST":
            return page_answer(now, 405, "Method Not Allowed")
        self.board.sweep(now)
        try:
            operation = self._admit(lower_headers(headers), body, now)
            payload = self._perform(operation, body, now)
        except Refused as refused:
            return self.refusal(refused.code, now, why=refused.why)
        return json_answer(now, {"code": 0, "msg": "success", "requestId": self._request_id(now)} | payload)

    def refusal(self, code: int | str, now: float, *, why: str = "") -> SandboxResponse:
        """The envelope that carries an error code."""
        document = {"code": int(code), "msg": why or "failed", "requestId": self._request_id(now)}
        return json_answer(now, document, status=self.switches.error_http_status)

    # -- admission ---------------------------------------------------------------------------------------

    def _admit(self, headers: Mapping[str, str], body: bytes, now: float) -> str:
        for name in ("accesskey", "action", "biztype", "ts", "sign"):
            if not headers.get(name):
                raise Refused(1001, f"header {name} is missing")
        if headers["biztype"] != "5":
            raise Refused(1002, "bizType is not 5")
        operation = headers["action"]
        if operation not in SHAPES:
            raise Refused(1002, "unknown action")
        if not headers.get("content-type", "").lower().startswith("application/json"):
            raise Refused(1002, "Content-Type is not application/json")
        secret = self._credentials.get(headers["accesskey"])
        if secret is None:
            raise Refused(1005, "no permission")
        ts = headers["ts"]
        if not (ts.isascii() and ts.isdigit() and len(ts) == 13):
            raise Refused(1004, "ts is not epoch milliseconds")
        if abs(now - int(ts) / 1000) > self.switches.ts_tolerance_seconds:
            raise Refused(1004, "ts is outside the window")
        sign = sign_request(headers, body, secret)
        if sign is None or not hmac.compare_digest(sign.encode(), headers["sign"].encode()):
            raise Refused(1003, "signature is wrong")
        return operation

    def _perform(self, operation: str, body: bytes, now: float) -> dict[str, Any]:
        try:
            given = check_shape(
                read_body(body), SHAPES[operation], unknown_ok=self.switches.unknown_fields == "ignore"
            )
        except BadBody as bad:
            if bad.field in ("phoneA", "phoneB") and "missing" in str(bad):
                raise Refused(10001, str(bad)) from None
            raise Refused(1002, str(bad)) from None
        writes = NxWrites(self.board, self.switches, now)
        match operation:
            case "bindAXB":
                return self._bound(writes.bind_axb(given))
            case "bindAXBExtension":
                return self._bound(writes.bind_extension(given))
            case "bindAXG":
                return self._bound(writes.bind_axg(given))
            case "unbindAXB":
                writes.unbind(given)
                return {}
            case "createGroup":
                return {"groupId": writes.create_group(given)}
            case "updateGroup":
                writes.update_group(given)
                return {}
            case "deleteGroup":
                writes.delete_group(given)
                return {}
            case "queryAXB":
                return self._query(given, now)
            case "listGroup":
                groups = list(self.board.group_listing(now, lag=self.switches.list_lag_seconds))
                rows = [
                    {
                        "customerId": "cus_1",
                        "groupName": one.name,
                        "groupId": one.group_id,
                        "phones": ",".join(one.phones),
                        "remark": one.remark,
                    }
                    for one in self._page(groups, given)
                ]
                return self._rows("groups", rows, len(groups))
            case _:
                found = self._listed(now)
                return self._rows(
                    "bindList", [self._row(one, now) for one in self._page(found, given)], len(found)
                )

    # -- answers -----------------------------------------------------------------------------------------

    def _bound(self, binding: Binding) -> dict[str, Any]:
        return self._payload({"bindId": binding.bind_id, "did": binding.x_a})

    def _payload(self, payload: dict[str, Any]) -> dict[str, Any]:
        return payload if self.switches.envelope == "flat" else {"data": payload}

    def _rows(self, name: str, rows: list[dict[str, Any]], count: int) -> dict[str, Any]:
        total = count if self.switches.total == "all" else len(rows)
        return self._payload({name: rows, "total": self._number(total)})

    def _number(self, value: int) -> int | str:
        return str(value) if self.switches.string_ints else value

    def _request_id(self, now: float) -> str:
        self._requests += 1
        return str(((int(now * 1000) - SNOWFLAKE_EPOCH_MS) << 22) | (self._requests & 0x3FFFFF))

    # -- reads -------------------------------------------------------------------------------------------

    def _listed(self, now: float) -> list[Binding]:
        switches = self.switches
        found = self.board.listing(
            now, lag=switches.list_lag_seconds, expired_for=switches.expired_listed_seconds
        )
        if not (switches.axg_listed and switches.extension_listed):
            hidden = {Mode.AXG} if not switches.axg_listed else set()
            if not switches.extension_listed:
                hidden.add(Mode.AXB_EXTENSION)
            found = [one for one in found if one.mode not in hidden]
        if switches.list_order == "newest":
            return found[::-1]
        if switches.list_order == "random":
            return self._shuffle.sample(found, len(found))
        return found

    def _page(self, rows: list[Any], given: Mapping[str, Any]) -> list[Any]:
        limit, offset = given["limit"], given["offset"]
        if not 0 <= limit <= PAGE_LIMIT:
            raise Refused(10011, "limit is out of range")
        if offset < 0 or (self.switches.past_end == "refuse" and offset and offset >= len(rows)):
            raise Refused(10012, "offset is out of range")
        return rows[offset : offset + (limit or PAGE_LIMIT)]

    def _row(self, binding: Binding, now: float) -> dict[str, Any]:
        expires = int(binding.expires_at)
        if expires and self.switches.expire_at == "left":
            expires = max(int(binding.expires_at - now), 0)
        return {
            "customerId": "cus_1",
            "businessId": "busi_1",
            "bindId": binding.bind_id,
            "customerBindId": binding.client_id,
            "phoneA": binding.phone_a,
            "phoneB": binding.phone_b,
            "did": binding.x_a,
            "flag": self._number(binding.flag),
            "expireAt": self._number(expires),
            "extension": binding.extension,
        }

    def _query(self, given: Mapping[str, Any], now: float) -> dict[str, Any]:
        extension = given.get("extension", "")
        found = ring(
            self.board, given["caller"], given["did"], extension, strangers=self.switches.extension_strangers
        )
        if not isinstance(found, Rings):
            raise Refused(10013, "binding not exist")
        answer: dict[str, Any] = {
            "callee": found.phone,
            "callId": self._request_id(now),
            "flag": self._number(found.binding.flag),
            "audioWhenCallFail": "",
        }
        if extension:
            answer["extension"] = extension
        else:
            kinds = {Mode.AXB_EXTENSION: 4, Mode.AXG: 2}
            answer["bindType"] = self._number(kinds.get(Mode(found.binding.mode), 1))
            answer |= {"audioWhenDtmfErr": "", "audioWhenDtmfNeed": ""}
        return {"data": answer}


def sign_request(headers: Mapping[str, str], body: bytes, secret: str) -> str | None:
    """The signature of docs/vendors.md, 1.2, over lower-case `headers` and the exact body; None for an unknown algorithm."""
    text = "&".join(f"{name}={headers[name.lower()]}" for name in ("accessKey", "action", "bizType", "ts"))
    signed = text.encode() + (b"&body=" + body if body else b"") + b"&accessSecret=" + secret.encode()
    match headers.get("algorithm", "md5").lower():
        case "md5":
            return hashlib.md5(signed, usedforsecurity=False).hexdigest()
        case "sha256":
            return hashlib.sha256(signed).hexdigest()
        case _:
            return None


def issued_at(request_id: str) -> float:
    """The epoch seconds that a requestId carries."""
    return ((int(request_id) >> 22) + SNOWFLAKE_EPOCH_MS) / 1000
