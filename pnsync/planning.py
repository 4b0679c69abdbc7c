"""Planning with the world: the state as it stands, what the vendors list, and the plan that follows.

What `plan` does as a whole and what `apply` does first under its lock. Takes no lock, writes nothing, makes no
writing call.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from pnsync.checkout import COMMIT_NOTE, Checkout, Missing
from pnsync.config import policy_findings
from pnsync.config.digest import config_digest
from pnsync.errors import CredentialsRefused, Diagnostic, ExitCode, Severity, StateError, UsageError
from pnsync.holder import Holder
from pnsync.interfaces import Clock, Dispatcher, Interrupt, Provider
from pnsync.journal import replay
from pnsync.masking import KEY_BYTES, Masker, derive
from pnsync.matching import unrefreshed
from pnsync.model import Desired, Observed
from pnsync.phone import typed
from pnsync.plan import Plan, document
from pnsync.planner.table import Question, desired_of_state, plan
from pnsync.policy.limits import Permissions
from pnsync.policy.precedent import effective, loosened, recorded_policy
from pnsync.pseudonyms import pseudonym_key
from pnsync.refresh import calibrated, observe
from pnsync.reports.forecast import timeline
from pnsync.reports.status import overdue_findings
from pnsync.savedplan import Keys
from pnsync.scope import Scope, Shard
from pnsync.sharding.sharded import view
from pnsync.sharding.shards import owned, refuse_renames, shares
from pnsync.state import State
from pnsync.store.store import KEY_NOTE, Store
from pnsync.verdict import Reporter
from pnsync.zones import zone_note

PLAN_KEY_VARIABLE: Final = "PNSYNC_PLAN_KEY"


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
    checkout: Checkout | None = None
    """The repository that the files stand in, where that is looked at."""


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
    limit: int | None = None
    """How many changes of cause config; the rest waits for the next run."""
    shard: Shard | None = None
    """The part of the addresses that this run acts on."""

    def mine(self, address: str | None) -> bool:
        """Whether what is found of an address concerns this run."""
        return self.shard is None or address is None or self.shard.holds(address)

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
            "limit": self.limit,
            **({} if self.shard is None else {"shard": str(self.shard)}),
        }

    def as_approved(self, saved: Mapping[str, Any]) -> "PlanOptions":
        """The question that a saved plan answered; a permission given now counts where it has none.

        Raises UsageError where a part of it is asked for.
        """
        if self.targets or self.excludes:
            raise UsageError(
                "a saved plan is applied as a whole", "--target and --exclude belong to `pnsync plan`."
            )

        made_for, asked = saved.get("shard"), None if self.shard is None else str(self.shard)
        if made_for != asked:
            raise UsageError(
                "a saved plan is applied by the run that it was made for",
                f"It was made {f'with --shard {made_for}' if made_for else 'without --shard'}, and this is a run "
                f"{f'with --shard {asked}' if asked else 'without'}. Plan and apply with the same.",
            )

        def allowed(name: str, now: int | None) -> int | None:
            value = saved.get(name)
            return value if now is None and isinstance(value, int) else now

        def names(name: str) -> tuple[str, ...]:
            value = saved.get(name, [])
            return tuple(str(one) for one in value) if isinstance(value, list) else ()

        return replace(
            self,
            targets=names("targets"),
            excludes=names("excludes"),
            replace=names("replace"),
            destroy=saved.get("destroy") is True,
            allow_unbind=allowed("allow_unbind", self.allow_unbind),
            allow_rebind=allowed("allow_rebind", self.allow_rebind),
            allow_missing=allowed("allow_missing", self.allow_missing),
            limit=allowed("limit", None),
        )


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


def make_plan(world: World, options: PlanOptions) -> Planned:
    """What apply would do now. Takes no lock, writes nothing, makes no writing call."""
    state = view(world.store, options.shard)
    known = state or State(lineage="")
    check_named(world, known, options)
    if state is not None:
        check_accounts(world, state)
    observed = read_listings(world, known, scans=1, refresh=options.refresh)
    key = pseudonym_key(state)
    found = planned(world, known, observed, options, key)
    if not options.destroy and not options.renew_only:
        found = replace(found, diagnostics=(*_older(missing_commits(world, known)), *found.diagnostics))
    after = replay(known, found.bookkeeping) if found.bookkeeping else known
    found = replace(found, timeline=timeline(world.desired, after, found, found.made_at))
    masker = Masker(key, known.lineage)
    shown = document(found, masker, pnsync_version=world.version)
    codes = [*plan_codes(found), *failure_codes(observed)]
    return Planned(found, shown, masker, state, observed, plan_keys(world, state), tuple(codes))


def _rate(desired: Desired, world: World, found: Plan) -> float | None:
    """Calls a second of the slowest provider that a plan calls; a command may have opened it at fewer than are declared."""
    called = {one.provider for one in found.steps}
    rates = [one.rate for name, one in desired.providers.items() if name in called]
    return min(
        [*rates, *(one.config.rate for name, one in world.providers.items() if name in called)], default=None
    )


def check_named(world: World, state: State, options: PlanOptions) -> None:
    """Refuse an address that neither the files nor the state know: a slip of the pen would select, or spare, nothing.

    Globs, labels and providers may select nothing. Raises UsageError.
    """
    known = {one.address for one in world.desired.bindings.values()}
    known |= {one.address for one in world.desired.groups.values()} | state.entries.keys()
    asked = (("target", options.targets), ("exclude", options.excludes), ("replace", options.replace))
    for option, names in asked:
        for name in names:
            plain = not any(sign in name for sign in "=*?[")
            if plain and not known & {name, f"bindings.{name}"}:
                near = get_close_matches(name, {*known, *(one.partition(".")[2] for one in known)}, n=1)
                raise UsageError(
                    f"--{option} names an address that is not there",
                    f"Neither the files nor the state know {typed(name)}."
                    + (f" Did you mean {near[0]}?" if near else ""),
                    "What the state knows is shown by:",
                    command="pnsync state list",
                )


def missing_commits(world: World, state: State) -> Missing | None:
    """What this checkout lacks of the commit last applied."""
    applied = state.notes.get(COMMIT_NOTE)
    return None if world.checkout is None or applied is None else world.checkout.missing(applied)


def _older(missing: Missing | None) -> tuple[Diagnostic, ...]:
    if missing is None:
        return ()
    return (
        Diagnostic(
            "P409",
            "this checkout is older than what was applied, or is of another line: apply refuses it. "
            + " ".join(missing.lines()),
            Severity.WARNING,
            advice="bring the branch up to date; where going back is meant: `pnsync apply --allow-older`",
        ),
    )


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
    observed = observe(
        world.providers,
        scans=scans,
        report=world.report,
        clock=world.clock,
        dispatcher=world.dispatcher,
        interrupt=world.interrupt,
        only=only,
    )
    zones = {
        name: int(state.notes[zone_note(name)])
        for name in observed.listings
        if zone_note(name) in state.notes
    }
    return calibrated(observed, zones)


def planned(
    world: World,
    state: State,
    observed: Observed,
    options: PlanOptions,
    key: bytes,
    *,
    approved: frozenset[str] | None = None,
    moving: frozenset[str] = frozenset(),
) -> Plan:
    """The plan of what is asked for. `moving` are addresses that other shards' runs are at."""
    now = int(world.clock.now()) if options.at is None else options.at
    desired = world.desired if not options.renew_only else desired_of_state(world.desired, state)
    recorded, total = recorded_policy(state), len(state.bindings())
    policy = effective(world.desired.policy, recorded, total)
    desired = replace(desired, policy=policy)
    question = Question(
        scope=Scope(options.targets, options.excludes),
        permissions=Permissions(
            options.allow_unbind,
            options.allow_rebind,
            options.allow_missing,
            shared=options.shard is not None,
        ),
        replace=frozenset(_addresses(options.replace)),
        destroy=options.destroy,
        renew_only=options.renew_only,
        refreshed=options.refresh,
        config_digest=config_digest(world.desired, key),
        approved=approved,
        limit=options.limit,
        shard=options.shard,
        moving=moving,
    )
    if options.shard is not None:
        refuse_renames(desired, state, options.shard)
        desired = replace(desired, providers=shares(desired.providers, options.shard))
    found = plan(desired, state, observed, now=now, question=question)
    if options.at is None:
        late = overdue_findings(found.changes, state, desired.schedule, now)
        found = replace(found, diagnostics=(*late, *found.diagnostics))
    if options.shard is not None:
        mine = owned(found.bookkeeping, options.shard, state)
        found = replace(found, bookkeeping=mine)
    found = replace(found, rate=_rate(desired, world, found))
    if options.destroy or options.renew_only:
        return found
    return replace(
        found,
        refusals=(*found.refusals, *policy_findings(desired, now)),
        diagnostics=(*loosened(world.desired.policy, recorded, total), *found.diagnostics),
    )


def _addresses(names: tuple[str, ...]) -> list[str]:
    return [
        one if "." in one and one.split(".")[0] in ("bindings", "groups") else f"bindings.{one}"
        for one in names
    ]


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


def failure_codes(observed: Observed) -> list[ExitCode]:
    """What the providers that could not be read make of the exit code."""
    return [
        ExitCode.CREDENTIALS if isinstance(one, CredentialsRefused) else one.exit_code
        for one in observed.failures.values()
    ]
