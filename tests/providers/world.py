"""A manual clock, the two providers over any transport, and intents: what the tests here are made of."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from pnsync.model import Holds, Lifetime, Mode, ProviderConfig, VendorType
from pnsync.phone import Phone
from pnsync.providers.credentials import Credentials, Secret
from pnsync.providers.laaffic.provider import LaafficProvider
from pnsync.providers.nxcloud.provider import NxCloudProvider
from pnsync.sandbox.clock import SandboxClock
from pnsync.sandbox.faults import Fault, FaultPlan
from pnsync.sandbox.switches import LaSwitches, NxSwitches
from pnsync.sandbox.transport import SandboxTransport
from pnsync.state import Entry, GroupChange, GroupEntry, Intent, Operation

START = 1_790_000_000.0
GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden.json").read_text("utf-8"))
NX, LA = GOLDEN["nxcloud"]["operations"], GOLDEN["laaffic"]["operations"]
SANDBOX = Credentials(Secret("sandbox"), Secret("sandbox"))


class ManualClock:
    """Time that moves only when somebody sleeps, and the vendor's sandbox clock with it."""

    def __init__(self, sandbox: SandboxClock | None = None) -> None:
        self.wall = START
        self.mono = 500.0
        self.sandbox = sandbox
        self.slept: list[float] = []

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.mono

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.pass_time(seconds)

    def pass_time(self, seconds: float) -> None:
        self.wall += seconds
        self.mono += seconds
        if self.sandbox is not None:
            self.sandbox.advance(seconds)


def nx_config(**values: Any) -> ProviderConfig:
    values = {"endpoint": "https://number.nxcloud.com/api/pns/", "rate": 1000.0, **values}
    return ProviderConfig(name="nx", type=VendorType.NXCLOUD, **values)


def la_config(**values: Any) -> ProviderConfig:
    values = {"endpoint": "https://api.laaffic.com/v3/number", "rate": 1000.0, "app_id": "4luaKsL2", **values}
    return ProviderConfig(name="la", type=VendorType.LAAFFIC, **values)


def nxcloud(transport: httpx.BaseTransport | None, clock: Any = None, **values: Any) -> NxCloudProvider:
    config = values.pop("config", None) or nx_config()
    return NxCloudProvider(
        config,
        values.pop("credentials", SANDBOX),
        clock=clock or ManualClock(),
        random=random.Random(7),
        transport=transport,
        **values,
    )


def laaffic(transport: httpx.BaseTransport | None, clock: Any = None, **values: Any) -> LaafficProvider:
    config = values.pop("config", None) or la_config()
    return LaafficProvider(
        config,
        values.pop("credentials", SANDBOX),
        clock=clock or ManualClock(),
        random=random.Random(7),
        transport=transport,
        **values,
    )


def nx_sandbox(
    *faults: Fault, switches: NxSwitches | None = None, **values: Any
) -> tuple[NxCloudProvider, SandboxTransport, ManualClock]:
    vendor_clock = SandboxClock.manual(START)
    transport = SandboxTransport("nxcloud", clock=vendor_clock, switches=switches, faults=FaultPlan(faults))
    clock = ManualClock(vendor_clock)
    return nxcloud(transport, clock, **values), transport, clock


def la_sandbox(
    *faults: Fault, switches: LaSwitches | None = None, **values: Any
) -> tuple[LaafficProvider, SandboxTransport, ManualClock]:
    vendor_clock = SandboxClock.manual(START)
    transport = SandboxTransport("laaffic", clock=vendor_clock, switches=switches, faults=FaultPlan(faults))
    clock = ManualClock(vendor_clock)
    return laaffic(transport, clock, **values), transport, clock


def silent(provider: str, rows: int, total: int | None, pages: int) -> None:
    """A reading that nobody watches."""


def answering(handler: Callable[[httpx.Request], httpx.Response]) -> httpx.MockTransport:
    return httpx.MockTransport(handler)


def always(body: Any, status: int = 200, **headers: str) -> httpx.MockTransport:
    """A vendor that gives one answer to everything."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.MockTransport(
        lambda _: httpx.Response(
            status, content=content, headers={"content-type": "application/json", **headers}
        )
    )


def entry(mode: Mode = Mode.AXB, **values: Any) -> Entry:
    values = {
        "provider": "nx",
        "phone_a": Phone("85211111114"),
        "phone_b": Phone("85222222222"),
        "lifetime": Lifetime(1011),
        "generation": 1,
        **values,
    }
    return Entry(mode=mode, **values)


def group_entry(phones: str, **values: Any) -> GroupEntry:
    values = {"provider": "nx", "group_id": "", "group_name": "groupA", "holds": Holds.NUMBERS, **values}
    return GroupEntry(phones=tuple(Phone(one) for one in phones.split(",")), **values)


def intent(operation: Operation, *, at: float = START, **values: Any) -> Intent:
    values = {
        "attempt": "a1",
        "address": "bindings.one",
        "provider": "nx",
        "signed_at": at,
        "latest_at": at + 30,
        "not_before": at + 210,
        "adoptable_until": at + 210,
        **values,
    }
    return Intent(operation=operation, **values)


def bind(
    target: Entry,
    *,
    at: float = START,
    expire_seconds: int = 1011,
    customer_bind_id: str | None = "1",
    **values: Any,
) -> Intent:
    return intent(
        Operation.BIND,
        at=at,
        target=target,
        expire_seconds=expire_seconds,
        customer_bind_id=customer_bind_id,
        **values,
    )


def golden_nx_intents() -> dict[str, Intent]:
    """An intent for each writing call that NXCloud's pages show, by action."""
    group_id, phones = "6a7sd3402px21429s04", NX["createGroup"]["request"]["phones"]
    return {
        "bindAXB": bind(entry()),
        "bindAXBExtension": bind(
            entry(
                Mode.AXB_EXTENSION,
                phone_a=Phone("446075363777"),
                phone_b=Phone("448646607772"),
                phone_x="447401264117",
                extension="101",
                recording=True,
            ),
            expire_seconds=86400,
            customer_bind_id="66666666",
        ),
        "bindAXG": bind(
            entry(
                Mode.AXG,
                phone_x="85235753351",
                phone_b=Phone("85235755551"),
                group="groups.couriers",
                group_id="1602484f91adb0b60e",
                recording=True,
            ),
            customer_bind_id="10001",
        ),
        "unbindAXB": intent(Operation.UNBIND, bind_id="f6e24ebdaf64ef91adb0b60e3b582db0"),
        "createGroup": intent(Operation.CREATE_GROUP, target=group_entry(phones, remark="Number Group A")),
        "updateGroup": intent(
            Operation.UPDATE_GROUP,
            target=group_entry(phones, group_id=group_id),
            group_id=group_id,
            group_change=GroupChange.REMOVE,
            group_phones=tuple(Phone(one) for one in phones.split(",")),
        ),
        "deleteGroup": intent(Operation.DELETE_GROUP, group_id=group_id),
    }


def golden_la_intents() -> dict[str, Intent]:
    """An intent for each writing call that LAAFFIC's pages show, by path."""
    return {
        "pns/bind": bind(
            entry(
                provider="la",
                phone_a=Phone("9188067701"),
                phone_b=Phone("9188067799"),
                pool_number="918806",
            ),
            expire_seconds=60,
            customer_bind_id=None,
            provider="la",
        ),
        "pns/unbind": intent(Operation.UNBIND, provider="la", bind_id="1002"),
    }
