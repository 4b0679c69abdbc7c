"""A plan as text: every word and instant that it tells, one line each, so that a case can be compared as a whole."""

from collections.abc import Iterable
from dataclasses import fields

from pnsync.errors import Diagnostic, SourceSpan
from pnsync.journal import Doubled, Event, Noted, Recorded, Resolved, Rested
from pnsync.model import NEVER
from pnsync.phone import Phone
from pnsync.plan import Change, Deferred, Plan, Step
from pnsync.state import Entry, GroupEntry, Operation, State, Superseded
from tests.worlds import NOW

TOLD = {"provider", "file"}
"""What a line tells of a binding already."""


def told(found: Plan, before: State) -> str:
    """All that a plan says of a state; instants are seconds from now."""
    lines: list[str] = []
    for number, change in enumerate(found.changes):
        lines.append(_change(change))
        lines += [_step(one) for one in found.steps if one.change == number]
        lines += [f"  then {_event(one, before)}" for one in change.events]
    lines += [_deferred(one) for one in found.deferred]
    for kind, said in (
        ("refused", found.refusals),
        ("decide", found.decisions),
        ("says", found.diagnostics),
    ):
        lines += [_diagnostic(kind, one) for one in said]
    lines += [f"learns {_event(one, before)}" for one in found.bookkeeping]
    counts = f"declared {found.declared}, unchanged {found.unchanged}, unmanaged {found.unmanaged}"
    lines.append(f"{counts}, holds until {_at(found.valid_until)}")
    return "\n".join(lines)


def _at(instant: object) -> str:
    if not isinstance(instant, int | float):
        return "-" if instant is None else f"{instant!r}?"
    return "never" if instant >= NEVER else f"{instant - NOW:+g}"


def _place(span: SourceSpan | None) -> str:
    return "" if span is None else f" <{span.file}:{span.line}>"


def _change(one: Change) -> str:
    words = f"{one.action.value} {one.address} at {one.provider} by {one.cause.value}: {one.reason}"
    changed = f" [{', '.join(one.changed)}]" if one.changed else ""
    ends = f" (was to end {one.before['expires_at']})" if one.before and "expires_at" in one.before else ""
    x = " (X may change)" if one.x_may_change else ""
    return words + changed + ends + x + _place(one.source)


def _step(one: Step) -> str:
    words = [f"  {one.operation.value} at {one.provider}"]
    if one.unbinds is not None:
        words.append(f"{one.unbinds.bind_id} which ends {_at(one.unbinds.expires_at)}")
    if isinstance(one.target, Entry) and one.operation is Operation.BIND:
        words.append(_entry(one.target, None))
    return " ".join(words)


def _deferred(one: Deferred) -> str:
    words = f"later {one.action.value} {one.address} at {one.provider}: {one.reason}"
    return f"{words}, not before {_at(one.not_before)}{_place(one.source)}"


def _diagnostic(kind: str, one: Diagnostic) -> str:
    about = "" if one.address is None else f" ({one.address})"
    return f"{kind} {one.code} {one.severity.value}: {one.summary} | {one.advice}{about}{_place(one.span)}"


def _event(event: Event, before: State) -> str:
    match event:
        case Recorded(address, entry):
            if entry is None:
                return f"{address} is no more"
            old = before.entries.get(address)
            if isinstance(entry, GroupEntry):
                return f"{address} is group {entry.group_id}"
            return f"{address}: {_entry(entry, old if isinstance(old, Entry) else None)}"
        case Doubled((_, bind_id), old):
            return f"{bind_id} is forgotten" if old is None else f"{bind_id} of {_old(old)} is to go"
        case Rested(resting, now):
            rests = [
                f"{one.provider} {one.phone_x} {one.extension or _phone(one.party)} of {one.address} until {_at(one.until)}"
                for one in resting
            ]
            return f"resting ({_at(now)}): {'; '.join(rests)}"
        case Noted(key, value):
            return f"{key} = {value}"
        case Resolved():
            return f"attempt {event.attempt} {event.verdict.value} ({_at(event.at)})"
        case _:
            return type(event).__name__


def _old(one: Superseded) -> str:
    return f"{one.address} which ends {_at(one.expires_at)}"


def _entry(entry: Entry, old: Entry | None) -> str:
    """The attributes of an entry that differ from what was recorded, or from what an entry has by default."""
    words = []
    for one in fields(entry):
        value = getattr(entry, one.name)
        if value == (one.default if old is None else getattr(old, one.name)) or (
            old is None and one.name in TOLD
        ):
            continue
        words.append(f"{one.name}={_value(one.name, value)}")
    return ", ".join(words)


def _value(name: str, value: object) -> str:
    if isinstance(value, Phone):
        return _phone(value)
    if name in ("bound_at", "expires_at", "down_since"):
        return _at(value)
    if name == "customer_bind_id":
        return str(value).removeprefix("pns-7c4d1a2b-")
    if name == "lifetime":
        return f"{value.lease_seconds}/{_at(value.until)}/{value.keep}"  # type: ignore[attr-defined]
    return str(value)


def _phone(phone: Phone | None) -> str:
    return "-" if phone is None else f"…{phone.digits[-3:]}"


def sections(text: str) -> dict[str, str]:
    """The cases of a file of them: `== name`, then its lines."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("== "):
            name = line[3:]
            found[name] = []
        elif name:
            found[name].append(line)
    return {one: "\n".join(lines).strip("\n") for one, lines in found.items()}


def as_sections(cases: Iterable[tuple[str, str]]) -> str:
    """The file of these cases."""
    return "\n\n".join(f"== {name}\n{text}" for name, text in cases) + "\n"
