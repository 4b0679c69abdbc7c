"""Both simulated vendors as bare switchboards, on which plans are carried out step by step through real intents."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pnsync.apply.attempts import Moment, intent_of
from pnsync.journal import Applied, Closed, Opened, replay
from pnsync.model import NEVER, LiveBinding, LiveGroup, Mode, Observed
from pnsync.phone import Phone
from pnsync.plan import Plan, Step
from pnsync.sandbox.laaffic_writes import LaWrites
from pnsync.sandbox.nxcloud_writes import NxWrites
from pnsync.sandbox.records import Binding, Group, Pool
from pnsync.sandbox.switchboard import Switchboard
from pnsync.sandbox.switches import LaSwitches, NxSwitches
from pnsync.state import Entry, GroupChange, GroupEntry, Intent, Operation, State
from tests.worlds import PROVIDERS, observed

GROUP_CODES = {GroupChange.ADD: 0, GroupChange.REMOVE: 1, GroupChange.REPLACE: 2}


def _nx_board(numbers: tuple[str, ...]) -> Switchboard:
    board = Switchboard()
    board.numbers = dict.fromkeys(numbers)
    return board


@dataclass
class Switchboards:
    """An NXCloud account with these numbers, a LAAFFIC one with a pool of its own, and what pnsync recorded."""

    now: int
    numbers: tuple[str, ...]
    state: State
    nx: Switchboard = field(init=False)
    la: Switchboard = field(init=False)
    calls: int = 0

    def __post_init__(self) -> None:
        self.nx = _nx_board(self.numbers)
        self.la = Switchboard()
        pool = tuple(f"4477009008{n:02d}" for n in range(4))
        self.la.put_pool(Pool("918806", "127.0.0.1", 99, pool), self.now)

    def pass_time(self, seconds: int) -> None:
        """Let bindings expire."""
        self.now += seconds
        self.nx.sweep(self.now)
        self.la.sweep(self.now)

    def listing(self) -> Observed:
        """What both list."""
        rows = [_row("nx", one) for one in self.nx.bindings.values()]
        rows += [_row("la", one) for one in self.la.bindings.values()]
        groups = [
            LiveGroup("nx", one.group_id, one.name, tuple(Phone(digits) for digits in one.phones), one.remark)
            for one in self.nx.groups.values()
        ]
        return observed(rows, groups, started_at=float(self.now))

    def carry_out(self, plan: Plan) -> Iterator[tuple[Step, str, Applied]]:
        """Make the calls of a plan one after the other; raises Refused where a vendor does."""
        self.state = replay(self.state, plan.bookkeeping)
        for change in plan.changes:
            if change.calls == 0:
                self.state = replay(self.state, change.events)
        for step in plan.steps:
            address = plan.changes[step.change].address
            self.calls += 1
            intent = intent_of(
                step,
                address,
                attempt=f"run.{self.calls}",
                state=self.state,
                provider=PROVIDERS[step.provider],
                moment=Moment(self.now, self.now),
            )
            applied = self._call(intent)
            self.state = replay(self.state, [Opened(intent), Closed(intent.attempt, applied, self.now)])
            yield step, address, applied

    def _call(self, intent: Intent) -> Applied:
        writes = NxWrites(self.nx, NxSwitches(synthetic_numbers=False), self.now)
        match intent.operation:
            case Operation.BIND:
                made = self._bind(writes, intent)
                return Applied(made.bind_id, made.x_a, made.x_b if made.x_b != made.x_a else None)
            case Operation.UNBIND:
                board = self.nx if intent.provider == "nx" else self.la
                assert intent.bind_id in board.bindings
                board.end(intent.bind_id, self.now)
            case Operation.CREATE_GROUP:
                assert isinstance(intent.target, GroupEntry)
                phones = _joined(intent.target.phones)
                return Applied(
                    group_id=writes.create_group({"phones": phones, "groupName": intent.target.group_name})
                )
            case Operation.UPDATE_GROUP:
                assert intent.group_change is not None
                operation = GROUP_CODES[intent.group_change]
                phones = _joined(intent.group_phones)
                writes.update_group({"groupId": intent.group_id, "operateType": operation, "phones": phones})
            case Operation.DELETE_GROUP:
                writes.delete_group({"groupId": intent.group_id})
        return Applied()

    def _bind(self, writes: NxWrites, intent: Intent) -> Binding:
        target = intent.target
        assert isinstance(target, Entry)
        b = "" if target.phone_b is None else target.phone_b.digits
        if intent.provider == "la":
            given = {
                "phoneA": target.phone_a.digits,
                "phoneB": b,
                "bizType": 1 if target.mode is Mode.AXB else 2,
                "expireS": intent.expire_seconds,
                "poolNumber": target.pool_number,
                "appId": "4luaKsL2",
            }
            return LaWrites(self.la, LaSwitches(), self.now).bind(given)
        given = {
            "phoneA": target.phone_a.digits,
            "phoneB": b,
            "phoneX": target.phone_x or "",
            "extension": target.extension or "",
            "groupId": target.group_id or "",
            "customerBindId": intent.customer_bind_id or "",
            "expireSecond": intent.expire_seconds or 0,
        }
        match target.mode:
            case Mode.AXB:
                return writes.bind_axb(given)
            case Mode.AXG:
                return writes.bind_axg(given)
            case _:
                return writes.bind_extension(given)

    def board_of(self, x: str) -> Switchboard:
        """The account that owns an X."""
        return self.nx if x in self.nx.numbers else self.la

    def xs(self) -> list[str]:
        """Every X."""
        return [*self.nx.numbers, *(x for pool in self.la.pools.values() for x in pool.numbers)]


def _joined(phones: tuple[Phone, ...]) -> str:
    return ",".join(one.digits for one in phones)


def _row(provider: str, one: Binding) -> LiveBinding:
    return LiveBinding(
        provider=provider,
        bind_id=one.bind_id,
        phone_a=Phone(one.phone_a),
        phone_b=Phone(one.phone_b) if one.phone_b else None,
        phone_x=one.x_a,
        phone_x_b=one.x_b if one.x_b != one.x_a else None,
        extension=one.extension or None,
        customer_bind_id=one.client_id or None,
        recording=bool(one.flag) if provider == "nx" else None,
        expires_at=int(one.expires_at) if one.expires_at else NEVER,
    )


def console_group(boards: Switchboards, name: str, phones: tuple[str, ...]) -> None:
    """A group that a person made at the vendor."""
    boards.nx.put_group(Group(f"g-{name}", name, phones), boards.now)
