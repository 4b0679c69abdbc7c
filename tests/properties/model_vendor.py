"""A vendor as a model: what its writing calls do when nothing fails, and what it would refuse.

Carries a plan out through the same intents and the same replay that an apply uses, so that what is recorded is what
a real run would have recorded.
"""

from dataclasses import dataclass, field, replace

from pnsync.apply.attempts import Moment, intent_of
from pnsync.journal import Applied, Closed, Event, Opened, replay
from pnsync.matching import alive
from pnsync.model import NEVER, LiveBinding, LiveGroup, Mode, Observed
from pnsync.plan import Plan
from pnsync.planner.resources import row_holds, surely_exclusive
from pnsync.state import Entry, GroupChange, GroupEntry, Intent, Operation, State
from tests.worlds import PROVIDERS, observed

EXCLUSIVE = frozenset({"la"})


@dataclass
class ModelVendor:
    """Both vendors' accounts: live rows by provider and bind id, groups by id."""

    now: int
    rows: dict[tuple[str, str], LiveBinding] = field(default_factory=dict)
    groups: dict[str, LiveGroup] = field(default_factory=dict)
    made: int = 0
    writes: int = 0
    shared: set[tuple[str, str]] = field(default_factory=set)
    """Ids of live bindings that had a phone in common where the vendor may allow a phone one binding."""

    def listing(self, *, started_at: float | None = None) -> Observed:
        """What the vendors list now."""
        start = float(self.now) if started_at is None else started_at
        live = [one for one in self.rows.values() if alive(one, self.now)]
        return observed(live, self.groups.values(), started_at=start)

    def check_exclusive(self) -> None:
        """No two live bindings hold one (X, extension), or one pair where the vendor allows it once."""
        holders: dict[tuple[str, ...], str] = {}
        for row in self.rows.values():
            if alive(row, self.now):
                for resource in row_holds(row, EXCLUSIVE):
                    other = holders.setdefault(resource, row.bind_id)
                    if other != row.bind_id:
                        assert not surely_exclusive(resource), (
                            f"{resource[0]} held by {other} and {row.bind_id}"
                        )
                        self.shared.add((other, row.bind_id))

    def check_shared(self) -> None:
        """A phone was in two bindings only where both stay: what frees a phone comes before what needs it."""
        live = {row.bind_id for row in self.rows.values()}
        assert all(one in live and other in live for one, other in self.shared), "bound before the unbind"

    def carry_out(self, plan: Plan, state: State) -> State:
        """Every step of a plan in order; the state that an apply would leave."""
        state = replay(state, plan.bookkeeping)
        for change in plan.changes:
            if change.calls == 0:
                state = replay(state, change.events)
        done: set[int] = set()
        for index, step in enumerate(plan.steps):
            assert done.issuperset(step.after), "a step before what it waits for"
            address = plan.changes[step.change].address
            intent = intent_of(
                step,
                address,
                attempt=f"run.{self.made}.{index}",
                state=state,
                provider=PROVIDERS[step.provider],
                moment=Moment(self.now, self.now),
                listed=[one for one in self.rows.values() if one.provider == step.provider],
            )
            opened: list[Event] = [Opened(intent)]
            state = replay(state, [*opened, Closed(intent.attempt, self.call(intent), self.now)])
            self.check_exclusive()
            done.add(index)
        self.check_shared()
        return state

    def call(self, intent: Intent) -> Applied:
        """One writing call that takes effect."""
        self.writes += 1
        self.made += 1
        match intent.operation:
            case Operation.BIND:
                return self._bind(intent)
            case Operation.UNBIND:
                del self.rows[(intent.provider, intent.bind_id or "")]
            case Operation.CREATE_GROUP:
                assert isinstance(intent.target, GroupEntry)
                number = f"new-g{self.made}"
                target = intent.target
                self.groups[number] = LiveGroup("nx", number, target.group_name, target.phones, target.remark)
                return Applied(group_id=number)
            case Operation.UPDATE_GROUP:
                self._update(intent)
            case Operation.DELETE_GROUP:
                del self.groups[intent.group_id or ""]
        return Applied()

    def _bind(self, intent: Intent) -> Applied:
        target = intent.target
        assert isinstance(target, Entry)
        ids = {one.customer_bind_id for one in self.rows.values()} - {None}
        assert intent.customer_bind_id not in ids, "a customerBindId twice"
        if target.mode is Mode.AXG:
            assert target.group_id in self.groups, "a bind to a group that is not there"
        x = target.phone_x or f"4477009007{self.made % 100:02d}"
        x_b = f"4477009006{self.made % 100:02d}" if target.mode is Mode.AXXB else None
        ends = NEVER if not intent.expire_seconds else self.now + intent.expire_seconds
        row = LiveBinding(
            provider=intent.provider,
            bind_id=f"new-{self.made}",
            phone_a=target.phone_a,
            phone_b=target.phone_b,
            phone_x=x,
            phone_x_b=x_b,
            extension=target.extension,
            customer_bind_id=intent.customer_bind_id,
            recording=None if intent.provider == "la" else target.recording,
            expires_at=ends,
        )
        self.rows[(row.provider, row.bind_id)] = row
        return Applied(row.bind_id, x, x_b)

    def _update(self, intent: Intent) -> None:
        group = self.groups[intent.group_id or ""]
        phones = group.phones
        match intent.group_change:
            case GroupChange.ADD:
                phones = (*phones, *intent.group_phones)
            case GroupChange.REMOVE:
                phones = tuple(one for one in phones if one not in intent.group_phones)
            case _:
                phones = intent.group_phones
        self.groups[group.group_id] = replace(group, phones=phones)
