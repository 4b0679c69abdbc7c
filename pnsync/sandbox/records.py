"""What a simulated vendor holds: bindings, groups, pools, and the effects that tests read as the truth.

Frozen data and its JSON form; nothing here knows a wire format. Phones stay out of every repr.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Self


class Mode(StrEnum):
    """How calls are routed; the names are those of the files."""

    AXB = "axb"
    AXB_EXTENSION = "axb_extension"
    AXG = "axg"
    AXXB = "axxb"


class Jsonable:
    """A frozen dataclass of plain values whose JSON leaves out what is at its default."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        """The record as a dict of JSON values."""
        found = {}
        for name, default in _fields_of(type(self)):
            value = getattr(self, name)
            if value != default:
                found[name] = value
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The record that `to_json` wrote; TypeError on an unknown or missing key."""
        return cls(**data)


_FIELDS: dict[type, tuple[tuple[str, Any], ...]] = {}


def _fields_of(cls: type) -> tuple[tuple[str, Any], ...]:
    known = _FIELDS.get(cls)
    if known is None:
        known = tuple((one.name, one.default) for one in fields(cls))
        _FIELDS[cls] = known
    return known


@dataclass(frozen=True, slots=True)
class Binding(Jsonable):
    """One binding as the vendor holds it.

    `x_a` is the number that A dials, `x_b` the one that B dials; they differ in mode axxb only. `expires_at` is in
    epoch seconds, 0 for never. `client_id` is NXCloud's customerBindId.
    """

    bind_id: str
    mode: str
    phone_a: str = field(repr=False)
    x_a: str
    x_b: str
    bound_at: float
    expires_at: float = 0
    phone_b: str = field(default="", repr=False)
    extension: str = ""
    group_id: str = ""
    client_id: str = ""
    flag: int = 0
    pool: str = ""
    app_id: str = ""
    made_by: str = "api"


@dataclass(frozen=True, slots=True)
class Group(Jsonable):
    """NXCloud's number group."""

    group_id: str
    name: str
    phones: tuple[str, ...] = field(default=(), repr=False)
    remark: str = ""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(data["group_id"], data["name"], tuple(data.get("phones", ())), data.get("remark", ""))


@dataclass(frozen=True, slots=True)
class Pool(Jsonable):
    """LAAFFIC's number pool; `numbers` are X."""

    pool: str
    whitelist: str
    max_concurrency: int
    numbers: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(data["pool"], data["whitelist"], data["max_concurrency"], tuple(data.get("numbers", ())))


@dataclass(frozen=True, slots=True)
class Effect(Jsonable):
    """One thing that really happened in the account, whatever the caller was told.

    `kind` is bind, unbind, expire, prolong, change, group, delete_group, pool, delete_pool or number; `by` is api,
    console or time. Without phones, so that a failing test may print it.
    """

    at: float
    kind: str
    bind_id: str = ""
    client_id: str = ""
    x: str = ""
    name: str = ""
    by: str = "api"


@dataclass(frozen=True, slots=True)
class Ended(Jsonable):
    """A binding that is over, kept as long as a switch may still show or reserve something of it."""

    at: float
    why: str
    binding: Binding

    def to_json(self) -> dict[str, Any]:
        return {"at": self.at, "why": self.why, "binding": self.binding.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(data["at"], data["why"], Binding.from_json(data["binding"]))
