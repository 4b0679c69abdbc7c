"""What a state holds, for people and programs: one line an entry, or the whole of one, phones masked.

Works on documents that `state_document` makes, the only way out of a state that masks. Every text is escaped.
"""

from collections.abc import Mapping
from typing import Any, Final

from pnsync.masking import Masker
from pnsync.plan import binding_attributes, expiry_text, group_attributes, instant, shown
from pnsync.render.colour import Palette
from pnsync.render.text import escape
from pnsync.render.units import counted, moment, number
from pnsync.render.wording import group, route, value_text
from pnsync.state import Entry, GroupEntry, Pending, Standing, State

NAME_COLUMNS: Final = 40
WHAT_COLUMNS: Final = 64
_OPEN: Final = {
    Standing.OPEN.value: "of unknown outcome",
    Standing.UNKNOWN.value: "of unknown outcome",
    Standing.DOUBTFUL.value: "refused, and perhaps done all the same",
}
"""What is told of an attempt that waits for a listing; of the others the outcome is known, and they keep nothing waiting."""


def state_document(state: State, masker: Masker) -> dict[str, Any]:
    """The state as JSON with phones masked: for reading, not for putting back."""
    return {
        "lineage": state.lineage,
        "serial": state.serial,
        "entries": {address: entry_document(one, masker) for address, one in sorted(state.entries.items())},
        "pending": [_pending(one) for one in state.pending.values()],
        "quarantine": len(state.quarantine),
        "accounts": {name: {"host": one.host} for name, one in sorted(state.accounts.items())},
    }


def entry_document(entry: Entry | GroupEntry, masker: Masker) -> dict[str, Any]:
    """One entry: what is compared and shown of it, and what the vendor and time add."""
    if isinstance(entry, GroupEntry):
        attributes = shown(group_attributes(entry), masker) or {}
        return {
            "provider": entry.provider,
            **attributes,
            "group_id": entry.group_id,
            "protect": entry.protect,
        }
    attributes = shown(binding_attributes(entry), masker) or {}
    return {
        "provider": entry.provider,
        **attributes,
        "bind_id": entry.bind_id,
        "customer_bind_id": entry.customer_bind_id,
        "generation": entry.generation,
        "bound_at": None if entry.bound_at is None else instant(entry.bound_at),
        "ends_at": expiry_text(entry.expires_at),
        "down_since": None if entry.down_since is None else instant(entry.down_since),
        "protect": entry.protect,
        "labels": dict(entry.labels),
    }


def _pending(one: Pending) -> dict[str, Any]:
    return {
        "address": one.intent.address,
        "operation": one.intent.operation.value,
        "provider": one.intent.provider,
        "standing": one.standing.value,
        "reason": one.reason,
        "vendor_code": one.vendor_code,
        "request_id": one.request_id,
        "not_before": instant(one.intent.not_before),
    }


def state_text(document: Mapping[str, Any], now: str, *, colour: bool = False) -> str:
    """One line an entry, what is open below, and a summary."""
    paint = Palette(colour)
    entries = document["entries"]
    name = min(max(map(len, entries), default=0), NAME_COLUMNS)
    provider = max((len(one["provider"]) for one in entries.values()), default=0)
    told = {address: group(one) if _is_group(address) else route(one) for address, one in entries.items()}
    width = min(max(map(len, told.values()), default=0), WHAT_COLUMNS)
    lines = [
        f"{escape(address):<{name}}  {paint.paint('dim', escape(one['provider']).ljust(provider))}"
        f"  {escape(told[address]):<{width}}  {_standing(address, one, now, paint)}".rstrip()
        for address, one in entries.items()
    ]
    lines += [_pending_line(one, now, paint) for one in document["pending"] if one["standing"] in _OPEN]
    bindings = sum(1 for address in entries if not _is_group(address))
    held = f"{counted(bindings, 'binding')}, {counted(len(entries) - bindings, 'group')}"
    if lines:
        lines.append("")
    lines.append(
        paint.paint(
            "strong", f"{held} · lineage {escape(document['lineage'])} serial {number(document['serial'])}"
        )
    )
    return "\n".join(lines)


def _is_group(address: str) -> bool:
    return address.startswith("groups.")


def _standing(address: str, one: Mapping[str, Any], now: str, paint: Palette) -> str:
    parts = []
    if not _is_group(address):
        if one["bind_id"] is None:
            parts.append(paint.paint("error", "down"))
        else:
            parts.append(_ends(one["ends_at"], now))
    if one["protect"]:
        parts.append("protected")
    return ", ".join(parts)


def _ends(ends_at: str | None, now: str) -> str:
    if ends_at is None:
        return "end not known"
    if ends_at == "never":
        return "never expires"
    return f"{'expired' if ends_at <= now else 'until'} {escape(moment(ends_at, now))}"


def _pending_line(one: Mapping[str, Any], now: str, paint: Palette) -> str:
    mark = paint.paint("warning", f"{escape(one['operation'])} {_OPEN[one['standing']]}")
    return f"{escape(one['address'])}  {mark}; a listing tells after {escape(moment(one['not_before'], now))}"


def entry_text(address: str, document: Mapping[str, Any]) -> str:
    """One entry, an attribute a line."""
    width = max(map(len, document))
    lines = [escape(address)]
    for key, value in document.items():
        pairs = isinstance(value, Mapping)
        told = [f"{name}={one}" for name, one in value.items()] if pairs else value
        lines.append(f"  {escape(key):<{width}}  {value_text(told)}")
    return "\n".join(lines)
