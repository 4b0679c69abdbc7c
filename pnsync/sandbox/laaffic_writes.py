"""What LAAFFIC's writing operations do to an account: binds, unbinds, pools, with the status of every refusal."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pnsync.sandbox.answers import Refused
from pnsync.sandbox.numbering import country_code
from pnsync.sandbox.records import Binding, Mode, Pool
from pnsync.sandbox.switchboard import Switchboard
from pnsync.sandbox.switches import LaSwitches

LONGEST_SECONDS = 259_200
"""72 h, the longest a binding may live (docs/vendors.md, 2.4)."""

POOL_SIZE = 20
"""How many numbers a pool gets that the sandbox makes up."""

_WHITELIST = re.compile(r"[A-Za-z0-9,.]{1,200}")


@dataclass(frozen=True, slots=True)
class LaWrites:
    """The writing operations at one instant; each takes the checked fields of its request."""

    board: Switchboard
    switches: LaSwitches
    now: float

    def bind(self, given: Mapping[str, Any]) -> Binding:
        """pns/bind: bizType 1 gives both parties one number of the pool, 2 gives each its own."""
        a, b, biz_type = given["phoneA"], given["phoneB"], given["bizType"]
        if len(b) < 4 or a == b:
            raise Refused(-22, "phoneA or phoneB is not valid")
        code = country_code(a)
        if code is None or not b.startswith(code):
            raise Refused(-22, "phoneA and phoneB do not share a country code")
        if biz_type not in (1, 2):
            raise Refused(-22, "bizType is not 1 or 2")
        if not 1 <= given["expireS"] <= LONGEST_SECONDS:
            raise Refused(-22, "expireS is out of range")
        pool = self.board.pools.get(given["poolNumber"])
        if pool is None and not self.switches.any_pool:
            raise Refused(-24, "pool does not exist")
        if pool is None:
            pool = self._synthetic_pool(given["poolNumber"], code)
        mode = Mode.AXB if biz_type == 1 else Mode.AXXB
        held = self._conflicts(given, mode)
        same = [one for one in held if {one.phone_a, one.phone_b} == {a, b}]
        if same and self.switches.same_pair == "prolong":
            bind_id = same[0].bind_id
            self.board.prolong(bind_id, self.now, expires_at=self.now + given["expireS"], client_id="")
            return self.board.bindings[bind_id]
        if held and not (same == held and self.switches.same_pair == "second"):
            raise Refused(-35, "a binding of number A or number B exists")
        x_a, x_b = self._numbers(pool, mode, a, b)
        binding = Binding(
            bind_id=self._next_id(),
            mode=mode,
            phone_a=a,
            x_a=x_a,
            x_b=x_b,
            bound_at=self.now,
            expires_at=self.now + given["expireS"],
            phone_b=b,
            pool=pool.pool,
            app_id=given["appId"],
        )
        self.board.bind(binding)
        return binding

    def unbind(self, given: Mapping[str, Any]) -> None:
        """pns/unbind; a binding of another app does not exist for this one."""
        bind_id = str(given["bindId"])
        binding = self.board.bindings.get(bind_id)
        if binding is None or binding.app_id != given["appId"]:
            ended = bind_id in self.board.freed_ids
            if binding is None and ended and self.switches.unbind_ended == "ok":
                return
            raise Refused(-24, "binding does not exist")
        self.board.end(bind_id, self.now)

    def create_pool(self, given: Mapping[str, Any]) -> None:
        """createNumberPool."""
        pool = _pool(given, ())
        if pool.pool in self.board.pools:
            raise Refused(-20, "pool already exists")
        self.board.put_pool(pool, self.now)

    def edit_pool(self, given: Mapping[str, Any]) -> None:
        """editNumberPool, renaming among it."""
        old = self.board.pools.get(given["oldPoolNumber"])
        if old is None:
            raise Refused(-24, "pool does not exist")
        new = _pool(given, old.numbers if self.switches.omitted_numbers == "keep" else ())
        if new.pool != old.pool and new.pool in self.board.pools:
            raise Refused(-20, "pool already exists")
        dropped = set(old.numbers) - set(new.numbers)
        of_pool = [one for one in self.board.bindings.values() if one.pool == old.pool]
        if self.switches.pool_shrink == "refuse" and any({one.x_a, one.x_b} & dropped for one in of_pool):
            raise Refused(-22, "a number that carries bindings would leave the pool")
        if new.pool != old.pool:
            self.board.drop_pool(old.pool, self.now)
            for one in of_pool:
                self.board.change(one.bind_id, self.now, pool=new.pool)
        self.board.put_pool(new, self.now)

    # -- checks ------------------------------------------------------------------------------------------

    def _conflicts(self, given: Mapping[str, Any], mode: Mode) -> list[Binding]:
        """Live bindings that -35 speaks of, in the scope that the switch says."""
        covered = {Mode.AXB, Mode.AXXB} if self.switches.conflict_covers_axxb else {Mode.AXB}
        if mode not in covered:
            return []
        a, b = given["phoneA"], given["phoneB"]
        found = {
            one.bind_id: one for phone in (a, b) for one in self.board.of_phone(phone) if one.mode in covered
        }
        match self.switches.conflict_scope:
            case "app":
                return [one for one in found.values() if one.app_id == given["appId"]]
            case "pool":
                return [one for one in found.values() if one.pool == given["poolNumber"]]
            case "pair":
                return [one for one in found.values() if {one.phone_a, one.phone_b} == {a, b}]
            case _:
                return list(found.values())

    def _numbers(self, pool: Pool, mode: Mode, a: str, b: str) -> tuple[str, str]:
        board = self.board
        if mode == Mode.AXB:
            x = board.pick(pool.numbers, (a, b), self.now)
            if x is not None:
                return x, x
        else:
            x_a = board.pick(pool.numbers, (a,), self.now)
            x_b = board.pick((one for one in pool.numbers if one != x_a), (b,), self.now)
            if x_a is not None and x_b is not None:
                return x_a, x_b
        raise Refused(-41, "no middle number available")

    def _synthetic_pool(self, name: str, code: str) -> Pool:
        """A pool of the sandbox's own; its numbers have a national part in zeros, which is dialled nowhere."""
        numbers = tuple(f"{code}0000{self.board.next_number():05d}" for _ in range(POOL_SIZE))
        pool = Pool(name, "127.0.0.1", 99, numbers)
        self.board.put_pool(pool, self.now)
        return pool

    def _next_id(self) -> str:
        if self.switches.bind_id_reused:
            free = [one for one in self.board.freed_ids if one not in self.board.bindings]
            if free:
                return free[0]
        return self.board.next_counted_id()


def _pool(given: Mapping[str, Any], kept: tuple[str, ...]) -> Pool:
    if not 1 <= len(given["poolNumber"]) <= 20:
        raise Refused(-22, "poolNumber is not valid")
    if not _WHITELIST.fullmatch(given["customerWhitelist"]):
        raise Refused(-22, "customerWhitelist is not valid")
    if not 0 <= given["maxConcurrency"] <= 9999:
        raise Refused(-22, "maxConcurrency is out of range")
    numbers = tuple(dict.fromkeys(given["numberList"])) if "numberList" in given else kept
    return Pool(given["poolNumber"], given["customerWhitelist"], given["maxConcurrency"], numbers)
