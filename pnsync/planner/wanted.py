"""What a declaration asks for, as the entry that it would be recorded as; or why that cannot be had now. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from pnsync.errors import Diagnostic
from pnsync.identity import customer_bind_id
from pnsync.model import Binding
from pnsync.plan import Action, Deferred
from pnsync.planner.allocation import Allocation
from pnsync.planner.findings import Findings
from pnsync.state import Entry, target_of


class Wanted:
    """Makes the target of each declared binding: its numbers, its group, and the id that the next bind carries."""

    def __init__(self, found: Findings, allocation: Allocation, group_ids: Mapping[str, str | None]) -> None:
        self._found = found
        self._allocation = allocation
        self._group_ids = group_ids
        self._renewing = found.question.renew_only
        self._short: dict[int, tuple[Diagnostic, list[str]]] = {}

    def target(self, address: str, binding: Binding, entry: Entry | None) -> Entry | None:
        """The entry that the declaration asks for; None where it cannot be made now, which is then said."""
        found = self._found
        if binding.provider not in found.desired.providers:
            self._wait(address, binding, f"provider {binding.provider} is not configured")
            return None
        group_id, known = self._group_id(binding, entry)
        if not known:
            self._wait(address, binding, f"groups.{binding.group} is not settled yet")
            return None
        deferred = self._allocation.deferred.get(address)
        if deferred is not None:
            action = Action.BIND if entry is None or entry.down else Action.REBIND
            found.defer(replace(deferred, action=action), config=True)
            return None
        impossible = self._allocation.impossible.get(address)
        if impossible is not None:
            self._short.setdefault(id(impossible), (impossible, []))[1].append(address)
            return None
        generation, ours = self._next_id(address, binding.provider, binding.customer_bind_id)
        chosen = self._allocation.chosen.get(address)
        target = target_of(
            binding,
            generation=generation,
            customer_bind_id=ours,
            phone_x=None if chosen is None else chosen.phone_x,
            extension=None if chosen is None else chosen.extension,
            group_id=group_id,
        )
        if self._renewing and entry is not None:
            target = replace(
                target,
                x_group=entry.x_group,
                x_chosen=entry.x_chosen,
                extension_auto=entry.extension_auto,
                file=entry.file,
            )
        return target

    def _next_id(self, address: str, provider: str, declared: str | None) -> tuple[int, str | None]:
        """The generation of the next bind of an address, and the id that it will carry."""
        state = self._found.state
        generation = state.next_generation(address, declared)
        if self._found.desired.providers[provider].capabilities.client_ids and state.lineage:
            return generation, customer_bind_id(state.lineage, address, generation, declared)
        return generation, None

    def numbered(self, target: Entry, address: str) -> Entry:
        """The target as the next bind of this address."""
        generation, ours = self._next_id(address, target.provider, target.declared_id)
        return replace(
            target,
            generation=generation,
            customer_bind_id=ours,
            bind_id=None,
            bound_at=None,
            expires_at=None,
        )

    def _group_id(self, binding: Binding, entry: Entry | None) -> tuple[str | None, bool]:
        """The id of a binding's group (None: created by this plan, or no group), and whether that is settled."""
        if binding.group is None:
            return None, True
        if not self._renewing and binding.group in self._group_ids:
            return self._group_ids[binding.group], True
        if entry is None or entry.group != binding.group or entry.group_id is None:
            return None, False
        listing = self._found.observed.listings.get(entry.provider)
        if self._renewing and listing is not None and self._found.question.refreshed:
            # `renew` makes no group: a bind to one that is gone would only leave the binding down.
            listed = any(one.group_id == entry.group_id for one in listing.groups)
            return entry.group_id, listed or not listing.trustworthy
        return entry.group_id, True

    def short(self) -> list[tuple[Diagnostic, list[str]]]:
        """What is said of numbers that run out, each with the addresses that go without."""
        return list(self._short.values())

    def _wait(self, address: str, binding: Binding, reason: str) -> None:
        self._found.deferred.append(
            Deferred(address, Action.BIND, binding.provider, reason, None, binding.span)
        )
