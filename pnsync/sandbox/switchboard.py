"""The telephone world of one simulated account: numbers, groups, pools, bindings, and what became of them.

Vendor-neutral ground truth. Every change is one JSON-able record that `replay` repeats exactly, so that an account
file is a list of them, and one `Effect` in `history`. Time comes in as `now`; ids come from a seed and a counter.
It judges no request (the vendors do) and keeps nothing on disk (account.py does).
"""

import hashlib
import heapq
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pnsync.sandbox.records import Binding, Effect, Ended, Group, Mode, Pool

FIRST_COUNTED_ID = 1002
"""The bindId of LAAFFIC's published bind sample; a vendor that counts its bindings counts from it here."""

HISTORY_KEPT = 20_000
"""Effects that survive the rewriting of an account file; in memory all are kept."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How this vendor allots numbers: bindings an X may carry, whether parties on one X are disjoint, seconds before reuse."""

    capacity_per_x: int | None = None
    parties_disjoint: bool = True
    reuse_seconds: float = 0
    keep_ended_seconds: float = 0


class Switchboard:
    """One account's numbers and bindings, changed only through the methods below."""

    def __init__(self, rules: Rules | None = None, *, seed: int = 0) -> None:
        self.rules = rules or Rules()
        self.seed = seed
        self.sequence = 0
        self.numbers: dict[str, None] = {}
        self.groups: dict[str, Group] = {}
        self.pools: dict[str, Pool] = {}
        self.bindings: dict[str, Binding] = {}
        self.ended: deque[Ended] = deque()
        self.history: list[Effect] = []
        self.client_ids_used: set[str] = set()
        self.freed_ids: deque[str] = deque(maxlen=1000)
        self._changes: list[dict[str, Any]] = []
        self._expiries: list[tuple[float, str]] = []
        self._by_client: dict[str, list[str]] = {}
        self._by_phone: dict[str, list[str]] = {}
        self._by_dial: dict[tuple[str, str], list[str]] = {}
        self._group_bindings: dict[str, list[str]] = {}
        self._carried: Counter[str] = Counter()
        self._reserved: dict[tuple[str, str], float] = {}
        self._listed: list[Binding] | None = None
        self._group_views: list[tuple[float, tuple[Group, ...]]] = []

    # -- questions ---------------------------------------------------------------------------------------

    def with_client_id(self, client_id: str) -> list[Binding]:
        """Live bindings that carry this id, oldest first."""
        return [self.bindings[one] for one in self._by_client.get(client_id, ())]

    def of_phone(self, phone: str) -> list[Binding]:
        """Live bindings in which `phone` is A or B, oldest first."""
        return [self.bindings[one] for one in self._by_phone.get(phone, ())]

    def dialled(self, x: str, key: str) -> list[Binding]:
        """Live bindings that a call to `x` finds by `key`: the caller's number, or `#` and an extension."""
        return [self.bindings[one] for one in self._by_dial.get((x, key), ())]

    def groups_on(self, x: str) -> list[Binding]:
        """Live group bindings on `x`."""
        return [self.bindings[one] for one in self._group_bindings.get(x, ())]

    def extension_taken(self, x: str, extension: str, now: float) -> bool:
        """Whether (x, extension) is bound, or reserved since it was."""
        key = (x, "#" + extension)
        return bool(self._by_dial.get(key)) or self._reserved.get(key, now) > now

    def has_room(self, x: str) -> bool:
        """Whether `x` may carry one more binding."""
        capacity = self.rules.capacity_per_x
        return capacity is None or self._carried[x] < capacity

    def clashes(self, x: str, parties: Iterable[str], now: float) -> bool:
        """Whether one of `parties` already calls through `x`, or did until just now."""
        if not self.rules.parties_disjoint:
            return False
        on_groups = self._group_bindings.get(x)
        for party in parties:
            if self._by_dial.get((x, party)) or self._reserved.get((x, party), now) > now:
                return True
            if on_groups and any(
                (group := self.groups.get(self.bindings[one].group_id)) and party in group.phones
                for one in on_groups
            ):
                return True
        return False

    def pick(self, candidates: Iterable[str], parties: Sequence[str], now: float) -> str | None:
        """The candidate with the most room left (the first of equals) where `parties` do not clash."""
        best: tuple[int, str] | None = None
        for x in candidates:
            carried = self._carried[x]
            if (best is None or carried < best[0]) and self.has_room(x) and not self.clashes(x, parties, now):
                best = (carried, x)
                if carried == 0:
                    break
        return best[1] if best else None

    def listing(self, now: float, *, lag: float = 0, expired_for: float = 0) -> list[Binding]:
        """The bindings as the vendor shows them: `lag` seconds late, expired ones for `expired_for` seconds, oldest first."""
        if self._listed is None:
            self._listed = list(self.bindings.values())
        rows = self._listed
        if not lag and not (expired_for and self.ended):
            return rows
        shown = [one for one in rows if one.bound_at + lag <= now] if lag else list(rows)
        for one in self.ended:
            until = one.at + lag + (expired_for if one.why == "expire" else 0)
            if now < until and one.binding.bound_at + lag <= now:
                shown.append(one.binding)
        shown.sort(key=lambda one: one.bound_at)
        return shown

    def group_listing(self, now: float, *, lag: float = 0) -> tuple[Group, ...]:
        """The groups as they were `lag` seconds ago."""
        if lag:
            for at, view in reversed(self._group_views):
                if at + lag <= now:
                    return view
            return ()
        return tuple(self.groups.values())

    # -- changes -----------------------------------------------------------------------------------------

    def next_number(self) -> int:
        """The next value of the account's counter, from 1."""
        return self.sequence + 1

    def next_counted_id(self) -> str:
        """The next bindId of a vendor that counts its bindings."""
        return str(FIRST_COUNTED_ID - 1 + self.next_number())

    def next_token(self, *parts: str) -> str:
        """32 hex digits from the seed, the counter and `parts`."""
        text = "/".join((str(self.seed), str(self.next_number()), *parts))
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    def bind(self, binding: Binding) -> None:
        """Make `binding`."""
        self._change(binding.bound_at, "bind", row=binding.to_json())

    def end(self, bind_id: str, now: float, *, by: str = "api") -> None:
        """Unbind."""
        self._change(now, "unbind", id=bind_id, by=by)

    def prolong(self, bind_id: str, now: float, *, expires_at: float, client_id: str) -> None:
        """Give a live binding a new lifetime and client id."""
        self._change(now, "prolong", id=bind_id, values={"expires_at": expires_at, "client_id": client_id})

    def change(self, bind_id: str, now: float, **values: Any) -> None:
        """Alter a live binding as a person at the vendor's console would."""
        self._change(now, "change", id=bind_id, values=values)

    def add_number(self, number: str, now: float) -> None:
        """The account comes to own `number`."""
        self._change(now, "number", number=number)

    def put_group(self, group: Group, now: float) -> None:
        """Create or replace a group."""
        self._change(now, "group", row=group.to_json())

    def drop_group(self, group_id: str, now: float) -> None:
        """Delete a group."""
        self._change(now, "delete_group", id=group_id)

    def put_pool(self, pool: Pool, now: float) -> None:
        """Create or replace a pool."""
        self._change(now, "pool", row=pool.to_json())

    def drop_pool(self, pool: str, now: float) -> None:
        """Remove a pool."""
        self._change(now, "delete_pool", id=pool)

    def drain(self) -> list[dict[str, Any]]:
        """The changes made since the last call, in order, for the account file."""
        changes, self._changes = self._changes, []
        return changes

    def _change(self, at: float, kind: str, **rest: Any) -> None:
        change = {"at": at, "do": kind, **rest}
        self._changes.append(change)
        self.replay(change)

    def replay(self, change: dict[str, Any]) -> None:
        """Carry out a recorded change; expiry needs no record, as it follows from the time of the next one."""
        at, kind = change["at"], change["do"]
        self.sweep(at)
        match kind:
            case "bind":
                binding = Binding.from_json(change["row"])
                self.sequence += 1
                self._insert(binding)
                self._tell(at, kind, binding, binding.made_by)
            case "unbind":
                if change["id"] in self.bindings:
                    self._finish(change["id"], at, "unbind", change["by"])
            case "prolong" | "change":
                old = self.bindings.get(change["id"])
                if old is not None:
                    new = replace(old, **change["values"])
                    self._remove(old)
                    self._insert(new)
                    self._tell(at, kind, new, "api" if kind == "prolong" else "console")
            case "number":
                self.sequence += 1
                self.numbers[change["number"]] = None
                self.history.append(Effect(at, kind, x=change["number"]))
            case "group":
                group = Group.from_json(change["row"])
                self.sequence += 1
                self.groups[group.group_id] = group
                self._regroup(at, kind, group.group_id)
            case "delete_group":
                self.groups.pop(change["id"], None)
                self._regroup(at, kind, change["id"])
            case "pool":
                pool = Pool.from_json(change["row"])
                self.pools[pool.pool] = pool
                self.history.append(Effect(at, kind, name=pool.pool))
            case "delete_pool":
                self.pools.pop(change["id"], None)
                self.history.append(Effect(at, kind, name=change["id"]))
            case _:
                raise ValueError("unknown change")

    def sweep(self, now: float) -> None:
        """End what has expired by `now`, each at its own instant."""
        while self._expiries and self._expiries[0][0] <= now:
            at, bind_id = heapq.heappop(self._expiries)
            binding = self.bindings.get(bind_id)
            if binding is not None and binding.expires_at == at:
                self._finish(bind_id, at, "expire", "time")
        keep = self.rules.keep_ended_seconds
        while self.ended and self.ended[0].at + keep <= now:
            self.ended.popleft()

    # -- the account file's view -------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Everything, as JSON values; history cut to its last HISTORY_KEPT effects."""
        return {
            "seed": self.seed,
            "sequence": self.sequence,
            "numbers": list(self.numbers),
            "groups": [one.to_json() for one in self.groups.values()],
            "pools": [one.to_json() for one in self.pools.values()],
            "bindings": [one.to_json() for one in self.bindings.values()],
            "ended": [one.to_json() for one in self.ended],
            "client_ids_used": sorted(self.client_ids_used),
            "freed_ids": list(self.freed_ids),
            "history": [one.to_json() for one in self.history[-HISTORY_KEPT:]],
        }

    @classmethod
    def restore(cls, data: dict[str, Any], rules: Rules | None = None) -> "Switchboard":
        """The switchboard that `snapshot` described."""
        board = cls(rules, seed=data["seed"])
        board.sequence = data["sequence"]
        board.numbers = dict.fromkeys(data["numbers"])
        board.groups = {one["group_id"]: Group.from_json(one) for one in data["groups"]}
        board.pools = {one["pool"]: Pool.from_json(one) for one in data["pools"]}
        for one in data["bindings"]:
            board._insert(Binding.from_json(one))
        for one in data["ended"]:
            ended = Ended.from_json(one)
            board.ended.append(ended)
            board._reserve(ended.binding, ended.at)
        board.client_ids_used = set(data["client_ids_used"])
        board.freed_ids.extend(data["freed_ids"])
        board.history = [Effect.from_json(one) for one in data["history"]]
        board._group_views = [(float("-inf"), tuple(board.groups.values()))]
        return board

    # -- indexes -----------------------------------------------------------------------------------------

    def _insert(self, binding: Binding) -> None:
        bind_id = binding.bind_id
        self.bindings[bind_id] = binding
        self._listed = None
        if binding.expires_at:
            heapq.heappush(self._expiries, (binding.expires_at, bind_id))
        if binding.client_id:
            self._by_client.setdefault(binding.client_id, []).append(bind_id)
            self.client_ids_used.add(binding.client_id)
        for phone in {binding.phone_a, binding.phone_b} - {""}:
            self._by_phone.setdefault(phone, []).append(bind_id)
        for key in _dial_keys(binding):
            self._by_dial.setdefault(key, []).append(bind_id)
        if binding.mode == Mode.AXG:
            self._group_bindings.setdefault(binding.x_a, []).append(bind_id)
        for x in {binding.x_a, binding.x_b}:
            self._carried[x] += 1

    def _remove(self, binding: Binding) -> None:
        bind_id = binding.bind_id
        del self.bindings[bind_id]
        self._listed = None
        _drop(self._by_client, binding.client_id, bind_id)
        for phone in {binding.phone_a, binding.phone_b}:
            _drop(self._by_phone, phone, bind_id)
        for key in _dial_keys(binding):
            _drop(self._by_dial, key, bind_id)
        _drop(self._group_bindings, binding.x_a, bind_id)
        for x in {binding.x_a, binding.x_b}:
            self._carried[x] -= 1

    def _finish(self, bind_id: str, at: float, why: str, by: str) -> None:
        binding = self.bindings[bind_id]
        self._remove(binding)
        self.freed_ids.append(bind_id)
        if self.rules.keep_ended_seconds:
            self.ended.append(Ended(at, why, binding))
        self._reserve(binding, at)
        self._tell(at, why, binding, by)

    def _reserve(self, binding: Binding, at: float) -> None:
        if self.rules.reuse_seconds:
            for key in _dial_keys(binding):
                self._reserved[key] = at + self.rules.reuse_seconds

    def _regroup(self, at: float, kind: str, group_id: str) -> None:
        self.history.append(Effect(at, kind, name=group_id))
        self._group_views.append((at, tuple(self.groups.values())))

    def _tell(self, at: float, kind: str, binding: Binding, by: str) -> None:
        self.history.append(Effect(at, kind, binding.bind_id, binding.client_id, binding.x_a, by=by))


def _dial_keys(binding: Binding) -> list[tuple[str, str]]:
    match binding.mode:
        case Mode.AXB_EXTENSION:
            return [(binding.x_a, "#" + binding.extension)]
        case Mode.AXG:
            return [(binding.x_a, binding.phone_a)]
        case _:
            return [(binding.x_a, binding.phone_a), (binding.x_b, binding.phone_b)]


def _drop(index: dict[Any, list[str]], key: Any, bind_id: str) -> None:
    held = index.get(key)
    if held and bind_id in held:
        held.remove(bind_id)
        if not held:
            del index[key]
