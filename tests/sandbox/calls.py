"""Requests to the simulated vendors, signed here a second time from docs/vendors.md, 1.2 and 2.2 (never by pnsync's own signing)."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import httpx

START = 1_790_000_000.0
"""Where the manual clocks of these tests begin: a whole second in 2026."""


class Caller:
    """A client of one simulated vendor; answers are the parsed JSON documents."""

    def __init__(
        self,
        transport: httpx.BaseTransport | None = None,
        *,
        clock: Callable[[], float],
        base: str = "https://vendor.test",
        key: str = "sandbox",
        secret: str = "sandbox",
    ) -> None:
        self.client = httpx.Client(transport=transport, timeout=20, trust_env=False)
        self.clock = clock
        self.base = base
        self.key = key
        self.secret = secret

    def post(self, path: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        return self.client.post(
            self.base + path, headers={"Content-Type": "application/json"} | headers, content=body
        )


class Nx(Caller):
    """NXCloud, G1."""

    def headers(
        self, action: str, body: bytes, *, algorithm: str | None = None, ts: str | None = None
    ) -> dict[str, str]:
        ts = ts or str(int(self.clock() * 1000))
        text = f"accessKey={self.key}&action={action}&bizType=5&ts={ts}"
        if body:
            text += "&body=" + body.decode()
        text += f"&accessSecret={self.secret}"
        digest = hashlib.new(algorithm or "md5", text.encode()).hexdigest()
        found = {"accessKey": self.key, "action": action, "bizType": "5", "ts": ts, "sign": digest}
        return found | ({"algorithm": algorithm} if algorithm else {})

    def raw(self, action: str, **fields: Any) -> httpx.Response:
        body = json.dumps(fields, ensure_ascii=False).encode()
        return self.post("/api/pns/", self.headers(action, body), body)

    def __call__(self, action: str, **fields: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.raw(action, **fields).json()
        return found

    def axb(
        self, a: str = "447700900001", b: str = "447700900002", life: int = 600, **more: Any
    ) -> dict[str, Any]:
        return self("bindAXB", phoneA=a, phoneB=b, expireSecond=life, **more)

    def ext(
        self, extension: str = "101", a: str = "447700900001", life: int = 600, **more: Any
    ) -> dict[str, Any]:
        given = {"phoneX": "447401264117"} | more
        return self("bindAXBExtension", phoneA=a, extension=extension, expireSecond=life, **given)

    def rows(self, limit: int = 1000) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while page := self("getAXBList", limit=limit, offset=len(found))["data"]["bindList"]:
            found += page
        return found


class La(Caller):
    """LAAFFIC."""

    def headers(self, *, ts: str | None = None) -> dict[str, str]:
        ts = ts or str(int(self.clock()))
        sign = hashlib.md5(f"{self.key}{self.secret}{ts}".encode()).hexdigest()
        return {
            "Api-Key": self.key,
            "Timestamp": ts,
            "Sign": sign,
            "Content-Type": "application/json;charset=UTF-8",
        }

    def raw(self, operation: str, **fields: Any) -> httpx.Response:
        return self.post(f"/v3/number/{operation}", self.headers(), json.dumps(fields).encode())

    def __call__(self, operation: str, **fields: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.raw(operation, **fields).json()
        return found

    def bind(
        self, a: str = "9188067701", b: str = "9188067799", life: int = 600, **more: Any
    ) -> dict[str, Any]:
        given = {"poolNumber": "918806", "bizType": 1, "appId": "4luaKsL2"} | more
        return self("pns/bind", phoneA=a, phoneB=b, expireS=life, **given)

    def unbind(self, bind_id: Any, app: str = "4luaKsL2") -> dict[str, Any]:
        return self("pns/unbind", bindId=bind_id, appId=app)

    def page(self, current: int = 1, size: int = 100, **params: Any) -> dict[str, Any]:
        params = params or {"appId": "4luaKsL2"}
        found: dict[str, Any] = self("pns/queryBindPage", current=current, size=size, params=params)["data"]
        return found
