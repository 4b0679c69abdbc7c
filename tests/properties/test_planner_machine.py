"""Any sequence of edits, applies, kills, changes by others and time: each apply leaves nothing to do, and undoing restores.

A model-based machine over the planner, the replay of its events and a vendor that does as it is told. The simulation plays
the whole program; this one draws sequences of the same world, and shrinks them.
"""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pnsync.apply.attempts import Moment, intent_of
from pnsync.journal import Closed, Opened, replay
from pnsync.matching import alive
from pnsync.model import Binding, Desired, Moved
from pnsync.plan import Plan
from pnsync.planner.table import plan
from pnsync.recovery import settle
from pnsync.state import Entry, State
from tests.profile import either
from tests.properties.generated_worlds import LIFETIMES, NAMES, add, bindings, group_sets, valid
from tests.properties.model_vendor import ModelVendor
from tests.worlds import DAY, NOW, PROVIDERS, desired, foreign, state

WINDOW_SECONDS = 7200
"""Longer than any call may still take effect."""


class Vendor(ModelVendor):
    """Two bindings that shared a phone before a plan may go on to: what counts is what its steps bring about."""

    def carry_out(self, plan: Plan, state: State) -> State:
        self.shared.clear()
        self.check_exclusive()
        self.before = set(self.shared)
        return super().carry_out(plan, state)

    def check_shared(self) -> None:
        self.shared -= self.before
        super().check_shared()


class Machine(RuleBasedStateMachine):
    """The files, the state, and the vendors."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor = Vendor(NOW)
        self.known = state()
        self.files = desired()
        self.open = False
        """Whether a call may be in the air."""

    @initialize(groups=group_sets(), data=st.data())
    def begin(self, groups: Any, data: st.DataObject) -> None:
        names = tuple(one.name for one in groups)
        drawn = [data.draw(bindings(name, names)) for name in NAMES[:4]]
        self.files = desired(valid(drawn), groups)

    # -- what is asked -----------------------------------------------------------------------------------------------

    def planned(self, files: Desired | None = None) -> Plan:
        return plan(files or self.files, self.known, self.vendor.listing(), now=self.vendor.now)

    def carry_out(self, found: Plan) -> None:
        self.known = self.vendor.carry_out(found, self.known)

    def applied(self) -> Plan:
        """Apply as many times as a run of deferred changes takes, at most twice; then nothing is left."""
        first = self.planned()
        self.carry_out(first)
        second = self.planned()
        self.carry_out(second)
        third = self.planned()
        assert third.empty or third.decisions or third.deferred, [
            (one.action, one.address, one.reason) for one in third.changes
        ]
        return first

    def declare(self, found: list[Binding | None], moved: tuple[Moved, ...] = ()) -> None:
        groups = self.files.groups.values()
        self.files = desired(valid(found), groups, moved=moved)

    # -- what happens ------------------------------------------------------------------------------------------------

    @rule(data=st.data(), name=st.sampled_from(NAMES))
    def edit(self, data: st.DataObject, name: str) -> None:
        kept = [one for one in self.files.bindings.values() if one.name != name]
        self.declare([*kept, data.draw(bindings(name, tuple(self.files.groups)))])

    @rule(data=st.data())
    def change_a_lifetime(self, data: st.DataObject) -> None:
        found = [
            replace(one, lifetime=data.draw(LIFETIMES))
            if one.provider != "la" and data.draw(st.booleans())
            else one
            for one in self.files.bindings.values()
        ]
        self.declare(list(found))

    @rule(random=st.randoms(use_true_random=False))
    def reorder(self, random: Any) -> None:
        """The order in the files decides which bind comes first, and nothing else."""
        before = self.planned()
        names = list(self.files.bindings)
        random.shuffle(names)
        self.declare([self.files.bindings[name] for name in names])
        after = self.planned()
        if not any("both cannot have it" in one.reason for one in (*before.deferred, *after.deferred)):
            assert sorted((one.address, one.action) for one in before.changes) == sorted(
                (one.address, one.action) for one in after.changes
            )

    @rule()
    def apply(self) -> None:
        self.applied()

    @rule(data=st.data())
    def apply_and_die(self, data: st.DataObject) -> None:
        """Some steps are done; the last was sent, and nobody recorded what became of it."""
        found = self.planned()
        self.known = replay(self.known, found.bookkeeping)
        for change in found.changes:
            if change.calls == 0:
                self.known = replay(self.known, change.events)
        last = data.draw(st.integers(0, len(found.steps)))
        for index, step in enumerate(found.steps[:last]):
            intent = intent_of(
                step,
                found.changes[step.change].address,
                attempt=f"dead.{self.vendor.made}.{index}.{len(self.known.pending)}",
                state=self.known,
                provider=PROVIDERS[step.provider],
                moment=Moment(self.vendor.now, self.vendor.now),
                listed=[one for one in self.vendor.rows.values() if one.provider == step.provider],
            )
            self.known = replay(self.known, [Opened(intent)])
            if index < last - 1 or data.draw(st.booleans()):
                applied = self.vendor.call(intent)
                if index < last - 1:
                    self.known = replay(self.known, [Closed(intent.attempt, applied, self.vendor.now)])
        self.pass_time(WINDOW_SECONDS)

    @rule(seconds=st.sampled_from([60, WINDOW_SECONDS, DAY // 2, DAY + 60, 4 * DAY]))
    def pass_time(self, seconds: int) -> None:
        self.vendor.now += seconds
        self.vendor.rows = {key: row for key, row in self.vendor.rows.items() if alive(row, self.vendor.now)}

    @rule(data=st.data())
    @precondition(lambda self: self.vendor.rows)
    def somebody_unbinds(self, data: st.DataObject) -> None:
        del self.vendor.rows[data.draw(st.sampled_from(sorted(self.vendor.rows)))]

    @rule(
        a=st.integers(1, 9),
        b=st.integers(1, 9),
        number=st.integers(0, 9),
        provider=st.sampled_from(["nx", "la"]),
    )
    def somebody_binds(self, a: int, b: int, number: int, provider: str) -> None:
        more = {"recording": None} if provider == "la" else {}
        if a != b:
            add(self.vendor, foreign(f"foreign-{number}", a, b, provider=provider, **more))

    @rule(old=st.sampled_from(NAMES), new=st.sampled_from(["x", "y"]))
    def rename(self, old: str, new: str) -> None:
        """With `moved` an address is another one and nothing is called for that."""
        if old not in self.files.bindings or new in self.files.bindings or self.planned().steps:
            return
        found = [replace(one, name=new) if one.name == old else one for one in self.files.bindings.values()]
        self.declare(list(found), (Moved(f"bindings.{old}", f"bindings.{new}"),))
        assert self.planned().calls == 0
        self.carry_out(self.planned())
        self.declare(list(self.files.bindings.values()))
        assert self.planned().calls == 0

    @rule(data=st.data(), name=st.sampled_from(NAMES))
    def do_and_undo(self, data: st.DataObject, name: str) -> None:
        """What a plan did is undone by the files as they were."""
        self.applied()
        before, files = self.shape(), self.files
        if self.planned().decisions or self.planned().deferred or self.ended(name):
            return
        self.edit(data, name)
        self.applied()
        self.files = files
        self.applied()
        if not (self.planned().decisions or self.planned().deferred):
            assert self.shape() == before

    def ended(self, name: str) -> bool:
        """Whether it is declared and has ended for good: declared otherwise and back again it would begin anew."""
        found = self.known.entries.get(f"bindings.{name}")
        live = isinstance(found, Entry) and (found.provider, found.bind_id) in self.vendor.rows
        return name in self.files.bindings and not live

    def shape(self) -> list[tuple[object, ...]]:
        """Who is bound to whom, without ids and ends."""
        return sorted(
            (row.provider, row.phone_a.digits, row.phone_b.digits if row.phone_b else "", row.extension or "")
            for row in self.vendor.rows.values()
            if alive(row, self.vendor.now)
        )

    # -- what always holds -------------------------------------------------------------------------------------------

    @invariant()
    def everything_ours_is_known(self) -> None:
        """No live binding that was made here is unknown to the state, once its listing is settled."""
        listing = self.vendor.listing()
        addresses = {one.address: one for one in self.files.bindings.values()}
        found = settle(self.known, listing, addresses, self.vendor.now).state
        ids = {one.bind_id for one in found.entries.values() if isinstance(one, Entry)}
        ids |= {one.bind_id for one in found.superseded.values()}
        for row in self.vendor.rows.values():
            if row.bind_id.startswith("new-") and alive(row, self.vendor.now):
                open_ = any(one.intent.provider == row.provider for one in found.pending.values())
                assert row.bind_id in ids or open_, row.bind_id

    @invariant()
    def a_plan_is_pure(self) -> None:
        assert self.planned() == self.planned()


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=either(2000, 8, 30),
    stateful_step_count=either(60, 15, 25),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
