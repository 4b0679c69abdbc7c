"""The order of the stages: start here.

    plan:   load state -> read listings -> plan                                  (no lock, nothing written)
    apply:  lock -> load -> read twice -> settle and plan -> compare with what was approved -> confirm
            -> calls, each between intent and outcome -> settle -> verify -> one snapshot -> unlock

Every stage is a module of its own; this one only puts them in order and turns what they find into a verdict. `plan` itself stands in planning.py,
refresh and verify in comparing.py.
"""

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pnsync.apply.applying import Applying
from pnsync.apply.canary import Canary
from pnsync.apply.progress import Conduct, Tally
from pnsync.apply.proofs import Proofs
from pnsync.apply.settlement import Ending
from pnsync.checkout import COMMIT_NOTE
from pnsync.errors import ExitCode, Interrupted, PolicyRefused, StalePlan
from pnsync.journal import Accepted, Noted
from pnsync.masking import Masker, derive
from pnsync.model import Listing, Observed
from pnsync.plan import Cause, Plan, document, instant
from pnsync.planning import (
    PlanOptions,
    World,
    check_accounts,
    check_named,
    failure_codes,
    missing_commits,
    plan_codes,
    plan_keys,
    planned,
    read_listings,
)
from pnsync.policy.precedent import policy_note, recorded_policy
from pnsync.pseudonyms import pseudonym_key
from pnsync.reports.status import Run
from pnsync.savedplan import Keys, SavedPlan, check_age, check_signature, check_state, compare, read
from pnsync.sharding.part import Part
from pnsync.sharding.sharded import Held, quietly
from pnsync.state import State
from pnsync.verdict import Applying as ApplyBegins
from pnsync.verdict import Verdict, Warned, tally
from pnsync.waiting import held

RESERVED_BYTES: Final = 1 << 20
CALL_BYTES: Final = 4096
"""What a call's intent and outcome take in the journal, generously."""
CALLS_A_RECORD: Final = {"git": 10, "object": 10, "http": 10}
"""How many calls share a record at places where one takes longer than a call; elsewhere each has its own."""
SIGNALS: Final = {2: ExitCode.SIGINT, 15: ExitCode.SIGTERM}


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How an apply is to be done. Times in seconds; `rate` is calls a second."""

    plan: PlanOptions = field(default_factory=PlanOptions)
    parallelism: int = 1
    fail_fast: bool = False
    settle_seconds: float = 300.0
    verify: bool = True
    lock_timeout_seconds: float = 0.0
    max_age_seconds: float | None = None
    canary: int | None = None
    """How many changes come first and are verified before the rest begins."""
    deadline_seconds: float | None = None
    """After so long, from the beginning of the command, no change is begun."""
    allow_older: bool = False
    """Whether the files may be older than those last applied."""


def run_apply(
    world: World,
    options: ApplyOptions,
    *,
    saved: bytes | None = None,
    confirm: Callable[[dict[str, Any]], bool] | None = None,
    command: str = "apply",
) -> Verdict:
    """Plan under the lock and carry it out; with `saved`, what was approved and what may join it.

    `confirm` is shown the plan's document and may decline. Raises StalePlan, PolicyRefused, Locked, StateError.
    """
    approved = None if saved is None else read(saved)
    began = world.clock.monotonic()
    with held(world, options.lock_timeout_seconds, options.plan.shard) as session:
        run = _Run(world, options, session, approved, command, began)
        verdict = run.go(confirm)
        return replace(verdict, seconds=world.clock.monotonic() - began - run.asked_seconds)


class _Run:
    """One apply under the lock."""

    def __init__(
        self,
        world: World,
        options: ApplyOptions,
        session: Held,
        approved: SavedPlan | None,
        command: str,
        began: float,
    ) -> None:
        self.world = world
        self.options = options
        self.session = session
        self.approved = approved
        self.command = command
        self.tally = Tally()
        self.asked = options.plan if approved is None else options.plan.as_approved(approved.options)
        self.dispatch = world.dispatcher(options.parallelism)
        self.name = secrets.token_hex(4)
        self.providers = dict(world.providers)
        self.only: frozenset[str] | None = None
        self.moving: frozenset[str] = frozenset()
        self.unread: set[tuple[str, str]] = set()
        self.not_after = None if options.deadline_seconds is None else began + options.deadline_seconds
        self.by_files = not self.asked.destroy and not self.asked.renew_only
        self.asked_seconds = 0.0

    def go(self, confirm: Callable[[dict[str, Any]], bool] | None) -> Verdict:
        """Plan, compare, confirm, carry out, settle, verify, write."""
        world, session = self.world, self.session
        state = session.state
        serial = state.serial
        if self.approved is None:
            check_named(world, state, self.asked)
        check_accounts(world, state)
        keys = plan_keys(world, state if session.exists else None)
        if self.approved is not None:
            check_signature(self.approved, keys)
            check_state(self.approved, state, exists=session.exists)
            check_age(self.approved, world.clock.now(), self.options.max_age_seconds)
        self._refuse_older(state)
        read_at = world.clock.monotonic()
        with quietly(session):
            observed = read_listings(world, state, scans=2)
        self._look()
        state = session.state
        self.providers = {name: one for name, one in world.providers.items() if name in observed.listings}
        self.tally.codes.update(failure_codes(observed))
        self._tell_unread(observed)
        key = pseudonym_key(state)
        found = planned(world, state, observed, self.asked, key, moving=self.moving)
        masker = Masker(key, state.lineage)
        if self.approved is not None:
            found = self._approved(found, observed, masker, keys, key)
        self._refuse(found)
        shown = document(found, masker, pnsync_version=world.version)
        self.tally.codes.update(code for code in plan_codes(found) if code is ExitCode.DECISION)
        asked_at = world.clock.monotonic()
        confirmed = confirm is None or confirm(shown)
        self.asked_seconds = world.clock.monotonic() - asked_at
        if not confirmed:
            return Verdict(self.command, (ExitCode.FAILED,), not_tried=len(found.changes))
        if found.calls:
            # A disk that is full is found before the first call, not between two.
            session.reserve(RESERVED_BYTES + found.calls * CALL_BYTES)
        self._accounts()
        notes = self._notes(found)
        if found.bookkeeping or notes:
            session.record(*found.bookkeeping, *notes)
        proofs = Proofs(observed.listings, read_at)
        world.report(ApplyBegins(len(found.changes), found.calls))
        self._carry_out(found, proofs)
        self._tell_deadline()
        unverified = self._end(proofs)
        codes = self._codes()
        if found.changes or found.bookkeeping or notes:
            run = Run(int(world.clock.now()), self.command, int(Verdict(self.command, tuple(codes)).exit))
            session.record(run.note())
        final = session.finish()
        return self._verdict(found, final, serial, unverified, codes)

    def _approved(self, found: Plan, observed: Observed, masker: Masker, keys: Keys, key: bytes) -> Plan:
        """The approved changes and what may join them; raises StalePlan where planning again gives others."""
        assert self.approved is not None
        fresh = document(found, masker, pnsync_version=self.world.version)
        compare(self.approved, found, fresh, keys)
        approved = self.approved.addresses
        others = [one for one in found.changes if one.address not in approved and one.cause is Cause.DRIFT]
        if not others:
            return found
        names = ", ".join(one.address for one in others[:5])
        self.world.report(
            Warned(
                "A141",
                f"{len(others)} change{'s' if len(others) > 1 else ''} of cause drift came up after the plan was "
                "made and are left alone",
                names,
            )
        )
        self.only = approved
        state = self.session.state
        return planned(self.world, state, observed, self.asked, key, approved=approved, moving=self.moving)

    def _refuse(self, found: Plan) -> None:
        if found.refusals:
            lines = [line for one in found.refusals for line in (one.summary, f"  {one.advice}")]
            raise PolicyRefused("policy refuses this plan", *lines, code=found.refusals[0].code)

    def _refuse_older(self, state: State) -> None:
        """Raises StalePlan where the files are older than those last applied, by any shard."""
        states = [state, *(self.session.others if isinstance(self.session, Part) else ())]
        lacks = [missing_commits(self.world, one) for one in states] if self.by_files else []
        missing = next((one for one in lacks if one is not None), None)
        if missing is None:
            return
        if not self.options.allow_older:
            raise StalePlan(
                "this checkout is older than what was applied",
                *missing.lines(),
                "Applying it would undo what those commits did. If going back is meant: --allow-older",
                code="A511",
            )
        self.world.report(
            Warned("A511", "this checkout is older than what was applied", " ".join(missing.lines()))
        )

    def _notes(self, found: Plan) -> list[Noted]:
        """What this run leaves for later ones: the plan that is used, the policy and the commit that are applied."""
        notes: list[Noted] = []
        if self.approved is not None:
            notes.append(Noted(self.approved.note, instant(self.world.clock.now())))
        if not self.by_files:
            return notes
        state, policy = self.session.state, self.world.desired.policy
        if recorded_policy(state) != policy and (self.session.exists or found.changes):
            notes.append(policy_note(policy))
        if found.changes or found.bookkeeping or notes:
            head = None if self.world.checkout is None else self.world.checkout.head()
            if head is not None and state.notes.get(COMMIT_NOTE) != head:
                notes.append(Noted(COMMIT_NOTE, head))
        return notes

    def _carry_out(self, found: Plan, proofs: Proofs) -> None:
        """Make the calls; with `canary` a few first, and the rest only where the listing shows those as they should be."""
        if self.options.canary is None:
            self._apply(found, proofs).go()
            return
        Canary(
            session=self.session,
            clock=self.world.clock,
            interrupt=self.world.interrupt,
            report=self.world.report,
            tally=self.tally,
            observe=self._observe,
            apply=lambda part: self._apply(part, proofs),
            ending=self._ending(proofs),
            settle_seconds=self.options.settle_seconds,
        ).carry_out(found, self.options.canary)

    def _tell_deadline(self) -> None:
        if self.tally.left and self.not_after is not None and self.world.clock.monotonic() >= self.not_after:
            self.world.report(Warned("A171", "the deadline has passed, and nothing further was begun"))

    def _accounts(self) -> None:
        key = pseudonym_key(self.session.state)
        for name, provider in sorted(self.providers.items()):
            account = provider.account(derive(key, "account"))
            if name not in self.session.state.accounts and self._uses(name):
                self.session.record(Accepted(name, account))

    def _uses(self, name: str) -> bool:
        return any(one.provider == name for one in self.world.desired.bindings.values()) or any(
            one.provider == name for one in self.world.desired.groups.values()
        )

    def _apply(self, found: Plan, proofs: Proofs) -> Applying:
        world = self.world
        return Applying(
            found,
            session=self.session,
            providers=self.providers,
            dispatcher=self.dispatch,
            clock=world.clock,
            interrupt=world.interrupt,
            report=world.report,
            conduct=Conduct(
                self.options.parallelism,
                self.options.fail_fast,
                world.desired.policy.quarantine_seconds,
                self.not_after,
                CALLS_A_RECORD.get(world.desired.state.backend, 1),
                self.session.wait if isinstance(self.session, Part) else lambda: 0.0,
            ),
            proofs=proofs,
            relist=self._relist,
            tally=self.tally,
            run=self.name,
        )

    def _relist(self, name: str) -> Mapping[str, Listing]:
        return self._observe([name]).listings

    def _observe(self, names: Collection[str]) -> Observed:
        with quietly(self.session):
            observed = read_listings(self.world, self.session.state, scans=2, only=names)
        self._look()
        self._tell_unread(observed)
        return observed

    def _look(self) -> None:
        """Look at what other shards' runs have recorded: what a listing shows was recorded before it was read."""
        if isinstance(self.session, Part):
            self.moving = self.session.look()

    def _tell_unread(self, observed: Observed) -> None:
        """Name the providers that cannot be read, and why; once for each cause."""
        for name, failure in sorted(observed.failures.items()):
            if (name, str(failure)) not in self.unread:
                self.unread.add((name, str(failure)))
                self.world.report(
                    Warned(
                        failure.code or "A140", f"{name} cannot be read: {failure}", " ".join(failure.detail)
                    )
                )

    def _ending(self, proofs: Proofs) -> Ending:
        def replan(observed: Observed, addresses: Collection[str]) -> Plan:
            asked = replace(self.asked, targets=tuple(sorted(addresses)), excludes=())
            state = self.session.state
            key = pseudonym_key(state)
            return planned(self.world, state, observed, asked, key, approved=self.only, moving=self.moving)

        return Ending(
            session=self.session,
            desired=self.world.desired,
            clock=self.world.clock,
            interrupt=self.world.interrupt,
            report=self.world.report,
            tally=self.tally,
            proofs=proofs,
            observe=self._observe,
            replan=replan,
            apply=lambda again: self._apply(again, proofs),
            mine=self.asked.mine,
        )

    def _end(self, proofs: Proofs) -> tuple[str, ...]:
        ending = self._ending(proofs)
        try:
            if any(map(self.asked.mine, self.session.state.blocking())):
                ending.settle(self.options.settle_seconds)
            if self.options.verify and self.world.interrupt.signal is None:
                return ending.verify()
        except Interrupted:
            return ()
        return ()

    def _codes(self) -> set[ExitCode]:
        codes = set(self.tally.codes)
        state = self.session.state
        signal = self.world.interrupt.signal
        if signal is not None:
            codes.add(SIGNALS.get(signal, ExitCode.SIGTERM))
        if self._uncertain(state):
            codes.add(ExitCode.UNSETTLED)
        if self._down(state):
            codes.add(ExitCode.DOWN)
        left = set(self.tally.left) - set(self.tally.done)
        if self.tally.failures or left:
            codes.add(ExitCode.FAILED)
        if ExitCode.FAILED in codes and self.tally.done:
            codes = codes - {ExitCode.FAILED} | {ExitCode.PARTIAL}
        return codes

    def _uncertain(self, state: State) -> int:
        return sum(one.uncertain and self.asked.mine(one.intent.address) for one in state.pending.values())

    def _down(self, state: State) -> tuple[str, ...]:
        found = [one for one, entry in state.bindings().items() if entry.down and self.asked.mine(one)]
        return tuple(sorted(found))

    def _verdict(
        self, found: Plan, final: State, serial: int, unverified: tuple[str, ...], codes: set[ExitCode]
    ) -> Verdict:
        done = self.tally.done
        left = [one for one in self.tally.left if one not in done and one not in self.tally.failures]
        for name, why in sorted(self.tally.stopped.items() if left else ()):
            code = "A122" if name in self.tally.barred else "A120"
            self.world.report(Warned(code, f"{why}, so that no further change was begun there"))
        return Verdict(
            command=self.command,
            codes=tuple(sorted(codes)),
            done=len(done),
            failed=len(self.tally.failures),
            not_tried=len(left),
            unknown=self._uncertain(final),
            deferred=len(found.deferred),
            down=self._down(final),
            x_changed=tuple(sorted(self.tally.x_changed)),
            failures=tuple(self.tally.failures[one] for one in sorted(self.tally.failures)),
            serial=(serial, final.serial),
            counts=tally(list(done.values())),
            unverified=unverified,
            calls=self.tally.calls,
        )
