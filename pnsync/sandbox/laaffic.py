"""LAAFFIC's number API (docs/vendors.md, 2.1 to 2.5), over a switchboard: admission, envelope, bindings, pools.

Paths are known by their end, so with and without `/v3/number` and on any host. Behaviour that the pages leave open
follows `LaSwitches`.
"""

import hashlib
import hmac
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from pnsync.sandbox.answers import Refused, SandboxResponse, json_answer, lower_headers, page_answer
from pnsync.sandbox.fields import BadBody, Kind, Shape, check_shape, read_body
from pnsync.sandbox.laaffic_writes import LaWrites
from pnsync.sandbox.records import Binding
from pnsync.sandbox.switchboard import Switchboard
from pnsync.sandbox.switches import LaSwitches

_PAGING: dict[str, Kind] = {"current": "int", "size": "int"}
_POOL: dict[str, Kind] = {"poolNumber": "text", "customerWhitelist": "text", "maxConcurrency": "int"}

SHAPES: dict[str, Shape] = {
    "pns/bind": Shape(
        {
            "phoneA": "digits",
            "phoneB": "digits",
            "poolNumber": "text",
            "expireS": "int",
            "appId": "text",
            "bizType": "int",
        },
        {},
    ),
    "pns/unbind": Shape({"bindId": "id", "appId": "text"}, {}),
    "pns/queryBindPage": Shape({"params": "object", **_PAGING}, {}),
    "queryNumberPool": Shape(_PAGING, {"params": "object"}),
    "createNumberPool": Shape(_POOL, {"numberList": "list"}),
    "editNumberPool": Shape({"oldPoolNumber": "text", **_POOL}, {"numberList": "list"}),
}
_LIST_SHAPE = Shape({}, {"appId": "text"})
READS = frozenset({"pns/queryBindPage", "queryNumberPool"})


class LaafficSandbox:
    """One LAAFFIC account behind its wire format."""

    vendor = "laaffic"

    def __init__(
        self,
        board: Switchboard,
        *,
        switches: LaSwitches | None = None,
        clock: Callable[[], float],
        credentials: Mapping[str, str],
    ) -> None:
        self.board = board
        self.switches = switches or LaSwitches()
        self._clock = clock
        self._credentials = dict(credentials)
        self._random = random.Random(board.seed)  # noqa: S311 - order of a listing, not a secret

    def operation(self, path: str, headers: Mapping[str, str]) -> str:  # noqa: ARG002 - one interface for both vendors
        """The operation that a request names: the end of its path."""
        parts = path.split("?", maxsplit=1)[0].rstrip("/").split("/")
        return "/".join(parts[-2:]) if len(parts) > 1 and parts[-2] == "pns" else parts[-1]

    def writes(self, operation: str) -> bool:
        """Whether the operation can change the account; unknown ones cannot."""
        return operation in SHAPES and operation not in READS

    def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, *, now: float | None = None
    ) -> SandboxResponse:
        """The vendor's answer to one request, with its effect on the account."""
        if now is None:
            now = self._clock()
        operation = self.operation(path, headers)
        if operation not in SHAPES:
            return page_answer(now, 404, "Not Found")
        if method != "POST":
            return page_answer(now, 405, "Method Not Allowed")
        self.board.sweep(now)
        try:
            self._admit(lower_headers(headers), now)
            data = self._perform(operation, body, now)
        except Refused as refused:
            return self.refusal(refused.code, now, why=refused.why)
        return json_answer(now, {"status": "0", "reason": "success", "data": data})

    def refusal(self, code: int | str, now: float, *, why: str = "") -> SandboxResponse:
        """The envelope that carries an error code."""
        document = {"status": str(code), "reason": why or "failed"}
        return json_answer(now, document, status=self.switches.error_http_status)

    # -- admission ---------------------------------------------------------------------------------------

    def _admit(self, headers: Mapping[str, str], now: float) -> None:
        for name in ("api-key", "timestamp", "sign"):
            if not headers.get(name):
                raise Refused(-1, f"header {name} is missing")
        if not headers.get("content-type", "").lower().startswith("application/json"):
            raise Refused(-22, "Content-Type is not application/json")
        secret = self._credentials.get(headers["api-key"])
        if secret is None:
            raise Refused(-1, "authentication failed")
        stamp = headers["timestamp"]
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) == 10):
            raise Refused(-16, "timestamp is not epoch seconds")
        if abs(now - int(stamp)) > self.switches.ts_tolerance_seconds:
            raise Refused(-16, "timestamp expires")
        sign = sign_request(headers["api-key"], secret, stamp)
        if not hmac.compare_digest(sign.encode(), headers["sign"].lower().encode()):
            raise Refused(-1, "authentication failed")

    def _perform(self, operation: str, body: bytes, now: float) -> dict[str, Any] | None:
        unknown_ok = self.switches.unknown_fields == "ignore"
        try:
            given = check_shape(read_body(body), SHAPES[operation], unknown_ok=unknown_ok)
            if operation == "pns/queryBindPage":
                given["params"] = check_shape(given["params"], _LIST_SHAPE, unknown_ok=unknown_ok)
        except BadBody as bad:
            raise Refused(-22, str(bad)) from None
        self._check_app(given)
        writes = LaWrites(self.board, self.switches, now)
        match operation:
            case "pns/bind":
                return self._bound(writes.bind(given))
            case "pns/unbind":
                writes.unbind(given)
            case "createNumberPool":
                writes.create_pool(given)
            case "editNumberPool":
                writes.edit_pool(given)
            case "queryNumberPool":
                return self._pools(given)
            case _:
                return self._bindings(given, now)
        return None

    def _check_app(self, given: Mapping[str, Any]) -> None:
        app = given.get("appId") or given.get("params", {}).get("appId")
        if app and not self.switches.any_app and app not in self.switches.apps:
            raise Refused(-32, "the key is not allowed for this app")

    # -- answers -----------------------------------------------------------------------------------------

    def _bound(self, binding: Binding) -> dict[str, Any]:
        return {
            "pnsNumberA": binding.x_a,
            "pnsNumberB": binding.x_b,
            "bindId": self._bind_id(binding.bind_id),
        }

    def _bind_id(self, bind_id: str) -> int | str:
        return int(bind_id) if self.switches.bind_id == "int" and bind_id.isdigit() else bind_id

    def _row(self, binding: Binding) -> dict[str, Any]:
        return {
            "bindId": self._bind_id(binding.bind_id),
            "phoneA": binding.phone_a,
            "phoneB": binding.phone_b,
            "pnsNumberA": binding.x_a,
            "pnsNumberB": int(binding.x_b) if self.switches.number_b == "int" else binding.x_b,
            "expireTime": self._expire_time(binding.expires_at),
        }

    def _expire_time(self, at: float) -> str | int:
        zone = timezone(timedelta(minutes=self.switches.zone_minutes))
        match self.switches.expire_time:
            case "int":
                return int(at)
            case "epoch":
                return str(int(at))
            case "milliseconds":
                return str(int(at * 1000))
            case "iso":
                return datetime.fromtimestamp(int(at), UTC).astimezone(zone).isoformat()
            case _:
                return datetime.fromtimestamp(int(at), UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")

    # -- lists -------------------------------------------------------------------------------------------

    def _bindings(self, given: Mapping[str, Any], now: float) -> dict[str, Any]:
        switches, app = self.switches, given["params"].get("appId")
        if app is None and switches.list_without_app == "refuse":
            raise Refused(-22, "params.appId is missing")
        found = self.board.listing(
            now, lag=switches.list_lag_seconds, expired_for=switches.expired_listed_seconds
        )
        if app is not None:
            found = [one for one in found if one.app_id == app]
        if switches.list_order == "newest":
            found = found[::-1]
        elif switches.list_order == "random":
            found = self._random.sample(found, len(found))
        rows, page = self._page(found, given)
        return page | {"records": [self._row(one) for one in rows]}

    def _pools(self, given: Mapping[str, Any]) -> dict[str, Any]:
        rows, page = self._page(list(self.board.pools.values()), given)
        return page | {
            "records": [
                {
                    "poolNumber": one.pool,
                    "customerWhitelist": one.whitelist,
                    "maxConcurrency": one.max_concurrency,
                    "numberList": list(one.numbers),
                }
                for one in rows
            ]
        }

    def _page(self, rows: list[Any], given: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        current, size, switches = given["current"], given["size"], self.switches
        if current < 1 or not 1 <= size <= 100:
            raise Refused(-22, "current or size is out of range")
        size = switches.forced_size or size
        start = (current - 1) * size
        if switches.vanishing_rows and current > 1:
            # As if rows of earlier pages had ended between the two requests: what follows moves forward, unseen.
            start += self._random.randint(0, switches.vanishing_rows)
        shown = rows[start : start + size]
        count = len(rows)
        pages = -(-count // size)
        totals = {"right": count, "zero": 0, "page": len(shown), "more": count + 1}
        page_counts = {"right": pages, "zero": 0, "one": 1, "more": pages + 1}
        return shown, {
            "total": totals[switches.total],
            "size": switches.echoed_size or size,
            "current": current,
            "pages": page_counts[switches.pages],
        }


def sign_request(api_key: str, secret: str, timestamp: str) -> str:
    """The signature of docs/vendors.md, 2.2; neither URL nor body are in it."""
    return hashlib.md5(f"{api_key}{secret}{timestamp}".encode(), usedforsecurity=False).hexdigest()
