"""What a change is, in words: who is reached over which number, what differs, how long it holds.

Works on the JSON document of a plan alone, so on values that are masked already. Every text that leaves here is
escaped. Pure.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pnsync.render.text import escape
from pnsync.render.units import duration, moment, parsed

SIGNS: Final = {
    "unbind": "-",
    "delete_group": "-",
    "rebind": "±",
    "update_group": "±",
    "bind": "+",
    "create_group": "+",
    "renew": "↻",
    "adopt": "←",
    "forget": "×",
}
WORDS: Final = {
    "create_group": "create",
    "update_group": "update",
    "delete_group": "delete",
}
SEVERITY: Final = (
    "unbind",
    "delete_group",
    "rebind",
    "update_group",
    "bind",
    "create_group",
    "renew",
    "adopt",
    "forget",
)
"""The actions, the dangerous first: the order in which people read them."""

TITLES: Final = {
    "config": "From your files",
    "drift": "From drift at the vendor",
    "recovery": "From an interrupted run",
    "expiry": "From time",
}
"""The causes, in the order in which they are told: what a commit does first, routine last."""

LISTED_PHONES: Final = 4

Attributes = Mapping[str, Any]

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_HIDDEN: Final = re.compile(r"the listing of \S+ (?:was not read|cannot be trusted: .+)")
_ENDS: Final = re.compile(rf"expires at ({_INSTANT.pattern})")


def action_word(action: str) -> str:
    """The action as a column shows it; that it is a group stands in the address."""
    return WORDS.get(action, escape(action))


def what(change: Mapping[str, Any], now: str) -> str:
    """The heart of a change in one line; `now` is when the plan was made."""
    action, before, after = change["action"], change["before"], change["after"]
    if action == "renew":
        lasts = (after or {}).get("expires_in")
        told = why(change["reason"], now)
        return _joined(
            f"{told} → {lasts}" if lasts else told, "X may change" if change["x_may_change"] else ""
        )
    if action in ("rebind", "update_group") and before and after:
        text = differences(before, after, change["changed"])
        if text:
            return _joined(text, "X may change" if change["x_may_change"] else "")
        return _joined(route(after) if action == "rebind" else group(after), why(change["reason"], now))
    shown = after or before or {}
    text = group(shown) if change["address"].startswith("groups.") else route(shown)
    lost = change["reason"].endswith(" is gone")  # a whole file that vanished is rarely meant
    meant = change["cause"] == "config" and action != "forget" and not lost and change["reason"] != "on hold"
    told = "" if meant else why(change["reason"], now)
    return _joined(text, told)


def why(reason: str, now: str) -> str:
    """A reason with its instants as people read them; what is still to come as the time that is left."""
    ends = _ENDS.fullmatch(reason)
    then, reference = parsed(ends[1]) if ends else None, parsed(now)
    if then and reference and then > reference:
        return f"expires in {duration((then - reference).total_seconds())}"
    return instants(reason, now)


def instants(text: str, now: str) -> str:
    """A sentence of ours with its instants as people read them."""
    return _INSTANT.sub(lambda found: moment(found[0], now), text)


def hidden(one: Mapping[str, Any]) -> bool:
    """Whether a change is postponed as its vendor's listing tells nothing, so that it may be none at all."""
    return _HIDDEN.fullmatch(str(one["reason"])) is not None


def _joined(text: str, more: str) -> str:
    return "; ".join(escape(one) for one in (text, more) if one)


def route(binding: Attributes) -> str:
    """Who is reached: `447401264117 ext 101 → 44••••09~m2x7c1q`."""
    a, b, x = _party(binding, "phone_a"), _party(binding, "phone_b"), binding.get("phone_x")
    recorded = ", recorded" if binding.get("recording") else ""
    dialled = _text(x) if x else ""
    match binding.get("mode"):
        case "axb_extension":
            dialled = " ".join(filter(None, (dialled or "X of a group", _extension(binding))))
            parties = f"{a} ⇄ {b}" if b else a
            text = f"{dialled} → {parties}"
        case "axg":
            text = f"{a} ⇄ group {_text(binding.get('group'))}{_over(dialled, binding)}"
        case "axb" | "axxb":
            text = f"{a} ⇄ {b}{_over(dialled, binding)}"
        case mode:
            text = f"{_text(mode)} {a}" if mode else ""
    return text + recorded


def _party(binding: Attributes, key: str) -> str:
    """A phone as it is shown, with its name where the files name it; "" where there is none."""
    phone, name = binding.get(key), binding.get(f"{key}_name")
    shown = _text(phone) if phone or key == "phone_a" else ""
    return f"{shown} ({_text(name)})" if shown and name else shown


def _extension(binding: Attributes) -> str:
    extension = binding.get("extension")
    return f"ext {_text(extension)}" if extension else ""


def _over(dialled: str, binding: Attributes) -> str:
    other = binding.get("phone_x_b")
    if dialled:
        return f" over {dialled} and {_text(other)}" if other else f" over {dialled}"
    pool = binding.get("pool_number")
    return f", X from pool {_text(pool)}" if pool else ", X chosen by the vendor"


def group(found: Attributes) -> str:
    """A group in one line: `2 people`, `3 numbers: 447401264117, …`."""
    phones = _phones(found.get("phones"))
    noun = "numbers" if found.get("holds") == "numbers" else "people"
    remark = found.get("remark")
    return f"{len(phones):,} {noun}: {_some(phones)}" + (f', "{remark}"' if remark else "")


def differences(before: Attributes, after: Attributes, changed: Sequence[str]) -> str:
    """What differs, attribute by attribute: `phone_a OLD → NEW`."""
    names = [one for one in changed if before.get(one) != after.get(one)]
    return ", ".join(difference(one, before.get(one), after.get(one)) for one in dict.fromkeys(names))


def difference(name: str, old: Any, new: Any) -> str:
    """One attribute's difference; of a list only what joins and leaves."""
    if name == "phones":
        was, becomes = _phones(old), _phones(new)
        joins = [one for one in becomes if one not in was]
        leaves = [one for one in was if one not in becomes]
        parts = [f"+ {_some(joins)}" if joins else "", f"- {_some(leaves)}" if leaves else ""]
        return f"phones {' '.join(filter(None, parts)) or 'in another order'}"
    return f"{name} {_text(old)} → {_text(new)}"


def _phones(value: Any) -> list[str]:
    if isinstance(value, str):
        return [one for one in value.split(", ") if one]
    return [str(one) for one in value] if isinstance(value, list) else []


def _some(phones: Sequence[str]) -> str:
    shown = ", ".join(phones[:LISTED_PHONES])
    return shown if len(phones) <= LISTED_PHONES else f"{shown} and {len(phones) - LISTED_PHONES:,} more"


def _text(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case list():
            return _some([str(one) for one in value])
        case _:
            return str(value)


def value_text(value: Any) -> str:
    """One attribute's value, escaped, in full."""
    if isinstance(value, list):
        return escape(", ".join(str(one) for one in value))
    return escape(_text(value))


def aside(change: Mapping[str, Any], now: str) -> str:
    """What stands to the right: the gap of a replacement, how long a new binding holds."""
    if change["action"] in ("rebind", "renew"):
        if change["order"] == "bind-first":
            return "no gap"
        return f"gap ~{duration(change['gap_seconds'])}" if change["gap_seconds"] else ""
    after = change["after"] or {}
    if change["action"] != "bind":
        return ""
    if after.get("expires_at"):
        return f"until {escape(moment(str(after['expires_at']), now))}"
    lasts = after.get("expires_in")
    if lasts == "never":
        return "never expires"
    return f"for {escape(str(lasts))}" if lasts else ""


def source(change: Mapping[str, Any]) -> str:
    """Where it is declared: `bindings/desks.yaml:88`."""
    where = change.get("source")
    return f"{escape(str(where['file']))}:{where['line']}" if where else ""
