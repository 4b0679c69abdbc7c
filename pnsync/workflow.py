"""The order of the stages: start here.

    plan:   load state -> read listings -> plan                                  (no lock, nothing written)
    apply:  lock -> load -> read twice -> settle and plan -> compare with what was approved -> confirm
            -> calls, each between intent and outcome -> settle -> verify -> one snapshot -> unlock

Every stage is a module of its own; this one only puts them in order and turns what they find into a verdict.
"""

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from pnsync.apply import Applying, Conduct, Proofs, Tally
from pnsync.config.digest import config_digest
from pnsync.errors import (
    CredentialsRefused,
    Diagnostic,
    ExitCode,
    PnsyncError,
    PolicyRefused,
    StateError,
    UsageError,
)
from pnsync.holder import Holder
from pnsync.interfaces import Clock, Dispatcher, Interrupt, Provider
from pnsync.journal import Accepted, Noted
from pnsync.limits import Permissions
from pnsync.masking import KEY_BYTES, Masker, derive, new_key
from pnsync.matching import unrefreshed
from pnsync.model import Desired, Listing, Observed
from pnsync.plan import Cause, Plan, document, instant
from pnsync.planner import Question, desired_of_state, plan
from pnsync.recovery import zone_note
from pnsync.refresh import calibrated, observe
from pnsync.savedplan import Keys, SavedPlan, check_age, check_signature, check_state, compare, read
from pnsync.scope import Scope
from pnsync.settlement import Ending
from pnsync.state import State
from pnsync.store import KEY_NOTE, Session, Store
from pnsync.verdict import Applying as ApplyBegins
from pnsync.verdict import Reporter, Verdict, Warned, tally

PLAN_KEY_VARIABLE: Final = "PNSYNC_PLAN_KEY"
SIGNALS: Final = {2: ExitCode.SIGINT, 15: ExitCode.SIGTERM}


@dataclass(slots=True)
class World:
    """Everything a command works with, put together by cli/session.py."""

    desired: Desired
    store: Store
    providers: Mapping[str, Provider]
    clock: Clock
    report: Reporter
    interrupt: Interrupt
    dispatcher: Callable[[int], Dispatcher]
    holder: Holder
    environ: Mapping[str, str]
    version: str
    folder: Path


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What a plan is asked for on the command line. `at` is epoch seconds."""

    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    at: int | None = None
    refresh: bool = True
    destroy: bool = False
    allow_unbind: int | None = None
    allow_rebind: int | None = None
    allow_missing: int | None = None
    renew_only: bool = False

    def saved(self) -> dict[str, Any]:
        """The part that a saved plan carries, so that apply asks the same question."""
        return {
            "targets": list(self.targets),
            "excludes": list(self.excludes),
            "replace": list(self.replace),
            "destroy": self.destroy,
            "allow_unbind": self.allow_unbind,
            "allow_rebind": self.allow_rebind,
            "allow_missing": self.allow_missing,
        }


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


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with what it was made from."""

    plan: Plan
    document: dict[str, Any]
    masker: Masker
    state: State | None
    observed: Observed
    keys: Keys
    codes: tuple[ExitCode, ...]
    """What stands against applying it: policy, a person's decision, a provider that cannot be read."""


def make_plan(world: World, options: PlanOptions, *, reveal: bool = False) -> Planned:
    """What apply would do now. Takes no lock, writes nothing, makes no writing call."""
    state = world.store.load()
    known = state or State(lineage="")
    if state is not None:
        check_accounts(world, state)
    observed = read_listings(world, known, scans=1, refresh=options.refresh)
    key = pseudonym_key(state)
    found = _planned(world, known, observed, options, key)
    masker = Masker(key, known.lineage, reveal=reveal)
    shown = document(found, masker, pnsync_version=world.version)
    codes = [*plan_codes(found), *_failure_codes(observed)]
    return Planned(found, shown, masker, state, observed, plan_keys(world, state), tuple(codes))


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
    with world.store.hold(world.holder, timeout=options.lock_timeout_seconds) as session:
        run = _Run(world, options, session, approved, command)
        verdict = run.go(confirm)
        return replace(verdict, seconds=world.clock.monotonic() - began)


class _Run:
    """One apply under the lock."""

    def __init__(
        self, world: World, options: ApplyOptions, session: Session, approved: SavedPlan | None, command: str
    ) -> None:
        self.world = world
        self.options = options
        self.session = session
        self.approved = approved
        self.command = command
        self.tally = Tally()
        self.asked = options.plan if approved is None else _options_of(approved, options.plan)
        self.dispatch = world.dispatcher(options.parallelism)
        self.name = secrets.token_hex(4)
        self.providers = dict(world.providers)
        self.only: frozenset[str] | None = None

    def go(self, confirm: Callable[[dict[str, Any]], bool] | None) -> Verdict:
        """Plan, compare, confirm, carry out, settle, verify, write."""
        world, session = self.world, self.session
        state = session.state
        serial = state.serial
        check_accounts(world, state)
        keys = plan_keys(world, state if session.exists else None)
        if self.approved is not None:
            check_signature(self.approved, keys)
            check_state(self.approved, state, exists=session.exists)
            check_age(self.approved, world.clock.now(), self.options.max_age_seconds)
        observed = read_listings(world, state, scans=2)
        read_at = world.clock.monotonic()
        self.providers = {name: one for name, one in world.providers.items() if name in observed.listings}
        self.tally.codes.update(_failure_codes(observed))
        for name, failure in sorted(observed.failures.items()):
            world.report(
                Warned(failure.code or "A140", f"{name} cannot be read: {failure}", "; ".join(failure.detail))
            )
        key = pseudonym_key(state)
        found = _planned(world, state, observed, self.asked, key)
        masker = Masker(key, state.lineage)
        if self.approved is not None:
            found = self._approved(found, observed, masker, keys, key)
        self._refuse(found)
        shown = document(found, masker, pnsync_version=world.version)
        self.tally.codes.update(code for code in plan_codes(found) if code is ExitCode.DECISION)
        if confirm is not None and not confirm(shown):
            return Verdict(self.command, (ExitCode.FAILED,), not_tried=len(found.changes))
        self._accounts()
        if found.bookkeeping:
            session.record(*found.bookkeeping)
        if self.approved is not None:
            session.record(Noted(self.approved.note, instant(world.clock.now())))
        proofs = Proofs(observed.listings, read_at)
        world.report(ApplyBegins(len(found.changes), found.calls))
        self._apply(found, proofs).go()
        unverified = self._end(proofs)
        codes = self._codes()
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
        return _planned(self.world, self.session.state, observed, self.asked, key, approved=approved)

    def _refuse(self, found: Plan) -> None:
        if found.refusals:
            lines = [line for one in found.refusals for line in (one.summary, f"  {one.advice}")]
            raise PolicyRefused("policy refuses this plan", *lines, code=found.refusals[0].code)

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
            ),
            proofs=proofs,
            relist=self._relist,
            tally=self.tally,
            run=self.name,
        )

    def _relist(self, name: str) -> Mapping[str, Listing]:
        return self._observe([name]).listings

    def _observe(self, names: Collection[str]) -> Observed:
        return read_listings(self.world, self.session.state, scans=2, only=names)

    def _end(self, proofs: Proofs) -> tuple[str, ...]:
        def replan(observed: Observed, addresses: Collection[str]) -> Plan:
            asked = replace(self.asked, targets=tuple(sorted(addresses)), excludes=())
            state = self.session.state
            return _planned(self.world, state, observed, asked, pseudonym_key(state), approved=self.only)

        ending = Ending(
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
        )
        if self.session.state.blocking():
            ending.settle(self.options.settle_seconds)
        if self.options.verify and self.world.interrupt.signal is None:
            return ending.verify()
        return ()

    def _codes(self) -> set[ExitCode]:
        codes = set(self.tally.codes)
        state = self.session.state
        signal = self.world.interrupt.signal
        if signal is not None:
            codes.add(SIGNALS.get(signal, ExitCode.SIGTERM))
        if state.blocking():
            codes.add(ExitCode.UNSETTLED)
        if any(one.down for one in state.bindings().values()):
            codes.add(ExitCode.DOWN)
        left = set(self.tally.left) - set(self.tally.done)
        if self.tally.failures or left:
            codes.add(ExitCode.PARTIAL if self.tally.done else ExitCode.FAILED)
        return codes

    def _verdict(
        self, found: Plan, final: State, serial: int, unverified: tuple[str, ...], codes: set[ExitCode]
    ) -> Verdict:
        done = self.tally.done
        left = [one for one in self.tally.left if one not in done]
        return Verdict(
            command=self.command,
            codes=tuple(sorted(codes)),
            done=len(done),
            failed=len(self.tally.failures),
            not_tried=len(left),
            unknown=len(final.blocking()),
            deferred=len(found.deferred),
            down=tuple(sorted(one for one, entry in final.bindings().items() if entry.down)),
            x_changed=tuple(sorted(self.tally.x_changed)),
            failures=tuple(self.tally.failures[one] for one in sorted(self.tally.failures)),
            serial=(serial, final.serial),
            counts=tally(list(done.values())),
            unverified=unverified,
            calls=self.tally.calls,
        )


# -- shared by the commands ----------------------------------------------------------------------------------------


def read_listings(
    world: World,
    state: State,
    *,
    scans: int,
    refresh: bool = True,
    only: Collection[str] | None = None,
) -> Observed:
    """What the vendors list, with naive expiries turned into instants; without `refresh`, what the state believes."""
    if not refresh:
        return unrefreshed(state, world.clock.now())
    observed = observe(world.providers, scans=scans, report=world.report, clock=world.clock, only=only)
    zones = {
        name: int(state.notes[zone_note(name)])
        for name in observed.listings
        if zone_note(name) in state.notes
    }
    return calibrated(observed, zones)


def _planned(
    world: World,
    state: State,
    observed: Observed,
    options: PlanOptions,
    key: bytes,
    *,
    approved: frozenset[str] | None = None,
) -> Plan:
    now = int(world.clock.now()) if options.at is None else options.at
    desired = world.desired if not options.renew_only else desired_of_state(world.desired, state)
    question = Question(
        scope=Scope(options.targets, options.excludes),
        permissions=Permissions(options.allow_unbind, options.allow_rebind, options.allow_missing),
        replace=frozenset(_addresses(options.replace)),
        destroy=options.destroy,
        renew_only=options.renew_only,
        refreshed=options.refresh,
        config_digest=config_digest(world.desired, key),
        approved=approved,
    )
    return plan(desired, state, observed, now=now, question=question)


def _addresses(names: tuple[str, ...]) -> list[str]:
    return [
        one if "." in one and one.split(".")[0] in ("bindings", "groups") else f"bindings.{one}"
        for one in names
    ]


def _options_of(approved: SavedPlan, given: PlanOptions) -> PlanOptions:
    """The question that the saved plan answered; permissions given now count where it has none."""
    saved = approved.options
    if given.targets or given.excludes:
        raise UsageError(
            "a saved plan is applied as a whole", "--target and --exclude belong to `pnsync plan`."
        )

    def allowed(name: str, now: int | None) -> int | None:
        value = saved.get(name)
        return value if now is None and isinstance(value, int) else now

    def names(name: str) -> tuple[str, ...]:
        value = saved.get(name, [])
        return tuple(str(one) for one in value) if isinstance(value, list) else ()

    return replace(
        given,
        targets=names("targets"),
        excludes=names("excludes"),
        replace=names("replace"),
        destroy=saved.get("destroy") is True,
        allow_unbind=allowed("allow_unbind", given.allow_unbind),
        allow_rebind=allowed("allow_rebind", given.allow_rebind),
        allow_missing=allowed("allow_missing", given.allow_missing),
    )


def pseudonym_key(state: State | None) -> bytes:
    """The state's own key; without a state one of this run, so that its pseudonyms mean nothing elsewhere."""
    found = None if state is None else state.notes.get(KEY_NOTE)
    return new_key() if found is None else bytes.fromhex(found)


def plan_keys(world: World, state: State | None) -> Keys:
    """What saved plans are keyed with: PNSYNC_PLAN_KEY, the state's key, the providers' keys."""
    signing = world.environ.get(PLAN_KEY_VARIABLE) or None
    found = None if state is None else state.notes.get(KEY_NOTE)
    secret = [
        provider.account(bytes(KEY_BYTES)).fingerprint
        for name, provider in sorted(world.providers.items())
        if not provider.config.sandbox
    ]
    return Keys(
        None if signing is None else signing.encode(),
        None if found is None else bytes.fromhex(found),
        derive("\x00".join(secret).encode(), "credentials") if secret else None,
    )


def check_accounts(world: World, state: State) -> None:
    """Refuse, with exit 9, a provider whose account is another than the state recorded."""
    key = pseudonym_key(state)
    for name, provider in sorted(world.providers.items()):
        recorded = state.accounts.get(name)
        if recorded is None or recorded == provider.account(derive(key, "account")):
            continue
        raise StateError(
            f"provider {name} is another account than the state's",
            "Its endpoint's host or its access key differs from the one that made the recorded bindings; in another",
            "account they would all seem to be missing. If that is meant:",
            command=f"pnsync state account {name} --accept",
            code="A150",
        )


def plan_codes(found: Plan) -> list[ExitCode]:
    """What stands against applying a plan."""
    codes: list[ExitCode] = []
    if found.refusals:
        codes.append(ExitCode.POLICY)
    if found.decisions:
        codes.append(ExitCode.DECISION)
    return codes


def _failure_codes(observed: Observed) -> list[ExitCode]:
    return [
        ExitCode.CREDENTIALS if isinstance(one, CredentialsRefused) else one.exit_code
        for one in observed.failures.values()
    ]


def failure_diagnostics(failures: Mapping[str, PnsyncError]) -> tuple[Diagnostic, ...]:
    """Providers that could not be read, as diagnostics."""
    return tuple(
        Diagnostic(one.code or "A140", f"{name} cannot be read: {one}", advice="; ".join(one.detail))
        for name, one in sorted(failures.items())
    )
