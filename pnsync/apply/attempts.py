"""How a step of a plan becomes an attempt: the intent that is recorded before its call. Pure.

Every attempt of a bind that may have reached a vendor has a customerBindId of its own; what a second attempt
sends is a new generation, so that a late effect of the first is told apart from it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pnsync.apply.progress import SEND_WITHIN_SECONDS
from pnsync.identity import customer_bind_id
from pnsync.lifetimes import lease_seconds
from pnsync.model import LiveBinding, LiveGroup, Mode, ProviderConfig
from pnsync.plan import Step
from pnsync.recovery import ADOPTABLE_SECONDS
from pnsync.state import Entry, GroupEntry, Intent, Operation, State


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, by both clocks: ours decides when a listing may be believed, the vendor's what expires when."""

    ours: float
    vendors: float


def intent_of(
    step: Step,
    address: str,
    *,
    attempt: str,
    state: State,
    provider: ProviderConfig,
    moment: Moment,
    listed: Iterable[LiveBinding] = (),
    groups: Iterable[LiveGroup] = (),
    within: float = SEND_WITHIN_SECONDS,
) -> Intent:
    """The intent of a step's call made `within` so many seconds; `listed` and `groups` are what was last listed.

    What was unbound since stands in neither: its id may be given again as the outcome of this very call.
    """
    target = step.target
    mode = Mode.AXB
    expire_seconds: int | None = None
    known_ids: tuple[str, ...] = ()
    client_id: str | None = None
    if step.operation is Operation.BIND:
        assert isinstance(target, Entry)
        target = _current(target, address, state, provider)
        mode = target.mode
        expire_seconds = lease_seconds(target.lifetime, moment.vendors, provider.capabilities)
        client_id = target.customer_bind_id
        if client_id is None:
            pair = (target.phone_a, target.phone_b)
            known_ids = tuple(sorted(row.bind_id for row in listed if (row.phone_a, row.phone_b) == pair))
    if step.operation is Operation.CREATE_GROUP:
        assert isinstance(target, GroupEntry)
        known_ids = tuple(sorted(one.group_id for one in groups if one.name == target.group_name))
    window: float = provider.settle_seconds(mode)
    if window:
        window += within - SEND_WITHIN_SECONDS
    adoptable = window
    if step.operation is Operation.BIND and client_id is None and window:
        adoptable = max(window, ADOPTABLE_SECONDS)
    group_id = None
    if isinstance(target, GroupEntry):
        group_id = target.group_id or None
    return Intent(
        attempt=attempt,
        address=address,
        operation=step.operation,
        provider=step.provider,
        signed_at=moment.vendors,
        latest_at=moment.vendors + within,
        not_before=moment.ours + window,
        adoptable_until=moment.ours + adoptable,
        target=target,
        bind_id=None if step.unbinds is None else step.unbinds.bind_id,
        customer_bind_id=client_id,
        expire_seconds=expire_seconds,
        group_id=group_id,
        group_change=step.group_change,
        group_phones=step.group_phones,
        known_ids=known_ids,
        replaces=step.replaces,
        unbinds=step.unbinds,
    )


def _current(target: Entry, address: str, state: State, provider: ProviderConfig) -> Entry:
    """The target with a generation that was never sent, and with the id of a group that was created meanwhile."""
    generation = state.next_generation(address, target.declared_id)
    client_id = None
    if provider.capabilities.client_ids:
        client_id = customer_bind_id(state.lineage, address, generation, target.declared_id)
    group_id = target.group_id
    if target.group is not None:
        group = state.entries.get(f"groups.{target.group}")
        if isinstance(group, GroupEntry):
            group_id = group.group_id
    return replace(target, generation=generation, customer_bind_id=client_id, group_id=group_id)
