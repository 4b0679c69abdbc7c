"""The files' own policy, and the digest of what they declare."""

from dataclasses import fields, replace

import pytest

from pnsync.config import config_digest, policy_findings
from pnsync.errors import Severity, SourceSpan
from pnsync.model import (
    Binding,
    CredentialReference,
    Desired,
    Group,
    Holds,
    Lifetime,
    Limit,
    Mode,
    Moved,
    Policy,
    ProviderConfig,
    Schedule,
    StateConfig,
    VendorType,
)
from pnsync.phone import Phone

DAY = 86_400
ANY = Policy()
KEY = b"k" * 32
BINDING = Binding(
    "desk", "nx", Mode.AXB, Phone("447700900123"), Phone("447700900456"), Lifetime(DAY, None, 3600)
)
GROUP = Group("pool", "nx", Holds.PEOPLE, (Phone("447700900111"), Phone("447700900112")), "pool")
PROVIDER = ProviderConfig("nx", VendorType.NXCLOUD, "sandbox")


def desired(policy: Policy = ANY, *bindings: Binding, groups: tuple[Group, ...] = (GROUP,)) -> Desired:
    return Desired(
        root="pnsync.yaml",
        lineage="7c4d1a2b",
        providers={"nx": PROVIDER},
        bindings={one.name: one for one in bindings or (BINDING,)},
        groups={one.name: one for one in groups},
        policy=policy,
    )


@pytest.mark.parametrize(
    ("policy", "binding", "code"),
    [
        (Policy(require_recording=True), BINDING, "P501"),
        (Policy(allow_never_expire=False), replace(BINDING, lifetime=Lifetime(None)), "P502"),
        (Policy(max_lifetime_seconds=DAY - 1), BINDING, "P503"),
        (Policy(max_lifetime_seconds=DAY), replace(BINDING, lifetime=Lifetime(None)), "P503"),
        (Policy(max_lifetime_seconds=DAY), replace(BINDING, lifetime=Lifetime(None, 1000 + DAY + 1)), "P503"),
        (Policy(allowed_country_codes=frozenset({"852"})), BINDING, "P504"),
        (Policy(numbers="named"), BINDING, "P505"),
    ],
)
def test_a_breach_of_the_policy(policy: Policy, binding: Binding, code: str) -> None:
    found = policy_findings(desired(policy, binding, groups=()), 1000)
    assert [(one.code, one.address, one.severity) for one in found] == [
        (code, "bindings.desk", Severity.ERROR)
    ]
    assert policy_findings(desired(policy, replace(binding, enabled=False), groups=()), 1000) == ()


@pytest.mark.parametrize(
    ("policy", "binding"),
    [
        (Policy(), replace(BINDING, lifetime=Lifetime(None))),
        (Policy(require_recording=True), replace(BINDING, recording=True)),
        (Policy(allow_never_expire=False), replace(BINDING, lifetime=Lifetime(None, 5000))),
        (Policy(max_lifetime_seconds=DAY), BINDING),
        (Policy(max_lifetime_seconds=DAY), replace(BINDING, lifetime=Lifetime(None, 1000 + DAY))),
        (Policy(allowed_country_codes=frozenset({"44"})), BINDING),
    ],
)
def test_what_the_policy_allows(policy: Policy, binding: Binding) -> None:
    assert policy_findings(desired(policy, binding), 1000) == ()


def test_the_policy_holds_for_groups_too() -> None:
    found = policy_findings(desired(Policy(allowed_country_codes=frozenset({"852"}), numbers="named")))
    assert [(one.code, one.address) for one in found] == [
        ("P504", "bindings.desk"), ("P505", "bindings.desk"), ("P504", "groups.pool"), ("P505", "groups.pool"),
    ]  # fmt: skip


CHANGED = {
    "name": "desk2", "provider": "nx2", "mode": Mode.AXG, "phone_a": Phone("447700900124"), "phone_b": None,
    "lifetime": Lifetime(DAY, None, 3601), "phone_x": "447401264117", "x_group": "pool", "extension": "007",
    "extension_auto": True, "group": "pool", "pool_number": "9", "customer_bind_id": "o", "recording": True,
    "protect": True, "enabled": False, "labels": (("team", "west"),),
    "type": VendorType.LAAFFIC, "endpoint": "https://127.0.0.1/", "app_id": "x", "algorithm": "sha256", "rate": 1.0,
    "settle_window_seconds": 1, "credentials": {"access_key": CredentialReference("PNSYNC_CRED_A")},
    "holds": Holds.NUMBERS, "phones": (Phone("447700900111"), Phone("447700900113")), "group_name": "x", "group_id": "x",
    "remark": "x", "drain": frozenset({"447401264117"}), "extension_range": (1, 2), "reserved_extensions": frozenset({"911"}),
}  # fmt: skip


@pytest.mark.parametrize("value", [BINDING, GROUP, PROVIDER], ids=["binding", "group", "provider"])
def test_every_declared_value_changes_the_digest_and_its_place_does_not(
    value: Binding | Group | ProviderConfig,
) -> None:
    def digest(one: Binding | Group | ProviderConfig) -> str:
        kind = "bindings" if isinstance(one, Binding) else "groups" if isinstance(one, Group) else "providers"
        return config_digest(replace(desired(), **{kind: {one.name: one}}), KEY)

    assert digest(replace(value, span=SourceSpan("elsewhere.yaml", 7))) == digest(value)
    names = [one.name for one in fields(value) if one.name != "span" and one.compare]
    digests = {digest(replace(value, **{name: CHANGED[name]})) for name in names} | {digest(value)}
    assert len(digests) == len(names) + 1


def test_what_else_changes_the_digest_and_what_does_not() -> None:
    base = desired()
    others = [
        replace(base, lineage=None),
        replace(base, policy=Policy(max_unbind=Limit(count=7))),
        replace(base, schedule=Schedule(1, 2)),
        replace(base, state=StateConfig("git", {"ref": "refs/x"})),
        replace(base, state=StateConfig("git", {"ref": "refs/y"})),
        replace(base, moved=(Moved("bindings.a", "bindings.b"),)),
        replace(base, bindings={}),
    ]
    assert len({config_digest(one, KEY) for one in [base, *others]}) == len(others) + 1
    assert config_digest(base, b"l" * 32) != config_digest(base, KEY)
    same = replace(base, root="other.yaml", files=("a", "b"))
    assert config_digest(same, KEY) == config_digest(base, KEY)


def test_the_order_of_declarations_does_not_change_the_digest() -> None:
    second = replace(BINDING, name="a")
    assert config_digest(desired(ANY, BINDING, second), KEY) == config_digest(
        desired(ANY, second, BINDING), KEY
    )
