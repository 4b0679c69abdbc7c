"""Refresh and verify: what the vendors list against the state and the files, without a call that changes anything."""

from collections.abc import Callable
from dataclasses import replace

from pnsync.errors import ExitCode
from pnsync.masking import Masker
from pnsync.plan import Action, Cause, Change, Plan, document
from pnsync.planning import (
    Planned,
    PlanOptions,
    World,
    check_accounts,
    failure_codes,
    make_plan,
    plan_codes,
    plan_keys,
    planned,
    read_listings,
)
from pnsync.pseudonyms import pseudonym_key
from pnsync.scope import Shard
from pnsync.sharding.part import Part
from pnsync.sharding.sharded import quietly
from pnsync.verdict import Verdict
from pnsync.waiting import held


def run_refresh(
    world: World, *, lock_timeout_seconds: float = 0.0, shard: Shard | None = None
) -> tuple[Planned, Verdict]:
    """Record in the state what the vendors list (adoptions, exact expiries), and report the drift.

    The planned document holds only the changes of cause drift and recovery.
    """
    with held(world, lock_timeout_seconds, shard) as session:
        check_accounts(world, session.state)
        with quietly(session):
            observed = read_listings(world, session.state, scans=2)
        moving = session.look() if isinstance(session, Part) else frozenset()
        state = session.state
        key = pseudonym_key(state)
        found = planned(world, state, observed, PlanOptions(shard=shard), key, moving=moving)
        if found.bookkeeping and session.exists:
            session.record(*found.bookkeeping)
        final = session.finish()
        found = _only(found, lambda one: one.cause in (Cause.DRIFT, Cause.RECOVERY))
        masker = Masker(key, state.lineage)
        shown = document(found, masker, pnsync_version=world.version)
        codes = [*failure_codes(observed), *(one for one in plan_codes(found) if one is ExitCode.DECISION)]
        result = Planned(found, shown, masker, final, observed, plan_keys(world, state), tuple(codes))
        return result, Verdict("refresh", tuple(codes), serial=(state.serial, final.serial))


def run_verify(world: World) -> Planned:
    """Compare what the vendors list with what is declared; renewals that are due are no difference. Writes nothing."""
    found = make_plan(world, PlanOptions())
    shorter = _only(found.plan, lambda one: one.action is not Action.RENEW)
    shown = document(shorter, found.masker, pnsync_version=world.version)
    return replace(found, plan=shorter, document=shown)


def _only(found: Plan, wanted: Callable[[Change], bool]) -> Plan:
    """A plan for show with some of its changes; it has no steps."""
    return replace(found, changes=tuple(one for one in found.changes if wanted(one)), steps=(), refusals=())
