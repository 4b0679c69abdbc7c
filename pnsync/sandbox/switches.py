"""What the vendors' pages leave open (docs/vendors.md, 4), as switches: each alone, each with the answer taken by default.

A switch tells how the vendor behaves always; what goes wrong with one request is a fault (faults.py). Codes stand
where the pages name none.
"""

from dataclasses import dataclass
from typing import Literal

from pnsync.sandbox.switchboard import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """What both vendors leave open; seconds are of the sandbox's clock."""

    list_order: Literal["stable", "newest", "random"] = "stable"
    list_lag_seconds: float = 0
    expired_listed_seconds: float = 0

    unbind_ended: Literal["refuse", "ok"] = "refuse"
    unknown_fields: Literal["refuse", "ignore"] = "refuse"

    capacity_per_x: int | None = None
    parties_disjoint: bool = True
    x_reuse_seconds: float = 0

    def rules(self) -> Rules:
        """What the switchboard has to know of them."""
        return Rules(
            self.capacity_per_x,
            self.parties_disjoint,
            self.x_reuse_seconds,
            max(self.list_lag_seconds + self.expired_listed_seconds, self.x_reuse_seconds),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NxSwitches(Switches):
    """NXCloud's open questions; seconds are of the sandbox's clock."""

    envelope: Literal["nested", "flat"] = "nested"
    error_http_status: int = 200
    string_ints: bool = False
    expire_at: Literal["epoch", "left"] = "epoch"
    ts_tolerance_seconds: float = 60

    total: Literal["all", "page"] = "all"
    past_end: Literal["empty", "refuse"] = "empty"
    axg_listed: bool = True
    extension_listed: bool = True

    duplicate_client_id: Literal["refuse", "same", "second"] = "refuse"
    duplicate_client_id_code: int = 1002
    client_id_reusable: bool = True
    client_id_length: int = 64
    same_pair: Literal["new", "prolong", "refuse"] = "new"
    same_pair_code: int = 1002
    max_expire_seconds: int | None = None

    party_clash_code: int = 1002
    foreign_x: Literal["refuse", "accept"] = "accept"
    foreign_x_code: int = 1002
    synthetic_numbers: bool = True

    extension_scope: Literal["x", "account"] = "x"
    extension_taken_code: int = 1002
    extension_strangers: bool = False
    extension_needs_b: bool = False

    group_missing_code: int = 1002
    group_in_use: Literal["refuse", "allow"] = "refuse"
    group_in_use_code: int = 1002

    both_ids: Literal["refuse", "bind_id"] = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaSwitches(Switches):
    """LAAFFIC's open questions; `zone_minutes` is the offset of the naive expireTime from UTC."""

    expire_time: Literal["text", "epoch", "int", "milliseconds", "iso"] = "text"
    zone_minutes: int = 480
    bind_id: Literal["int", "str"] = "int"
    number_b: Literal["str", "int"] = "str"
    error_http_status: int = 200
    ts_tolerance_seconds: float = 1800

    conflict_scope: Literal["phone", "app", "pool", "pair"] = "phone"
    conflict_covers_axxb: bool = False
    same_pair: Literal["conflict", "prolong", "second"] = "conflict"

    forced_size: int | None = None
    echoed_size: int | None = None
    total: Literal["right", "zero", "page", "more"] = "right"
    pages: Literal["right", "zero", "one", "more"] = "right"
    vanishing_rows: int = 0
    list_without_app: Literal["all", "refuse"] = "all"

    bind_id_reused: bool = False
    omitted_numbers: Literal["keep", "clear"] = "keep"
    pool_shrink: Literal["refuse", "allow"] = "refuse"
    any_app: bool = True
    any_pool: bool = True
    apps: tuple[str, ...] = ("4luaKsL2",)
