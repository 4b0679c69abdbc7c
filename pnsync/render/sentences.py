"""One change, one postponed change, one finding: a row of a Markdown table each.

Promises: a row is one line with four cells; every value stands in a code span, every word around it is pnsync's
own. Pure.
"""

from collections.abc import Mapping
from typing import Any, Final

from pnsync.render.headline import name
from pnsync.render.markup import code, prose
from pnsync.render.review import dialled, parties
from pnsync.render.units import moment
from pnsync.render.wording import action_word, aside, difference, group, route, value_text, why

Row = Mapping[str, Any]

LIGHTS: Final = {
    "unbind": "🔴",
    "delete_group": "🔴",
    "rebind": "🟡",
    "update_group": "🟡",
    "bind": "🟢",
    "create_group": "🟢",
    "renew": "🔵",
    "adopt": "⚪",
    "forget": "⚪",
}
_SEVERITY_LIGHTS: Final = {"error": "🔴", "warning": "🟡", "note": "⚪"}

EXPECTED: Final = frozenset({"no longer declared", "not in state"})
"""Reasons that the section's title says already."""


def change_row(change: Row, now: str, *, provider: bool) -> str:
    """A change: what it is, of which binding, what becomes of it, where it is declared."""
    on = f" on {code(change['provider'], 40)}" if provider else ""
    action = change["action"]
    light = LIGHTS.get(action, "⚪")
    word = f"{light} {prose(action_word(action), 40)}"
    return f"| {word} | {name(change['address'])}{on} | {_what(change, now)} | {where(change)} |\n"


def deferred_row(one: Row, now: str) -> str:
    """A change that waits: why, and until when."""
    until = one["not_before"]
    after = f", not before {prose(moment(str(until), now), 40)}" if until else ""
    told = f"{prose(why(str(one['reason']), now))}{after}"
    word = prose(action_word(one["action"]), 40)
    return f"| ⏳ {word} | {name(one['address'])} | {told} | {where(one)} |\n"


def finding_row(one: Row) -> str:
    """A warning or note, with what to do about it."""
    light = _SEVERITY_LIGHTS.get(one["severity"], "⚪")
    about = name(one["address"]) if one["address"] else ""
    lines = [one["summary"], *str(one["advice"] or "").split("\n")]
    told = " — ".join(prose(line.strip()) for line in lines if line.strip())
    return f"| {light} {code(one['code'], 20)} | {about} | {told} | {where(one)} |\n"


def where(one: Row) -> str:
    """Where it is declared."""
    source = one.get("source")
    return code(f"{source['file']}:{source['line']}", 120) if source else ""


def _what(change: Row, now: str) -> str:
    action, before, after = change["action"], change["before"] or {}, change["after"] or {}
    reason = prose(why(str(change["reason"]), now))
    parts: list[str] = []
    if change["address"].startswith("groups."):
        parts.append(_group(action, before, after, change["changed"]))
    elif action == "unbind":
        parts.append(_ends(before))
    elif action == "renew":
        lasts = after.get("expires_in") or after.get("expires_at")
        parts.append(f"{reason} → {code(lasts, 40)}" if lasts else reason)
    elif action == "rebind" and before and after:
        parts.append(_differences(before, after, change["changed"]) or reason)
    else:
        parts.append(code(route(after or before)))
    if change["reason"] not in EXPECTED and action not in ("renew", "rebind"):
        parts.append(reason)
    held = aside(change, now)
    if held:
        parts.append(prose(held.replace("~", "about "), 60))
    if change["x_may_change"]:
        parts.append("**X may change**")
    return ", ".join(part for part in parts if part)


def _ends(before: Row) -> str:
    number, who = dialled(before), parties(before)
    if not number:
        return f"{code(who)} ends" if who else "ends"
    verb = "stops connecting" if before.get("phone_b") or before.get("group") else "stops reaching"
    return f"{code(number)} {verb} {code(who)}"


def _differences(before: Row, after: Row, changed: Any) -> str:
    names = [one for one in changed or () if before.get(one) != after.get(one)]
    told = []
    for one in dict.fromkeys(names):
        old, new = value_text(before.get(one)), value_text(after.get(one))
        told.append(f"{prose(str(one), 40)} {code(old, 80)} → {code(new, 80)}")
    return ", ".join(told)


def _group(action: str, before: Row, after: Row, changed: Any) -> str:
    if action == "update_group":
        names = [one for one in changed or () if before.get(one) != after.get(one)]
        return ", ".join(code(difference(one, before.get(one), after.get(one))) for one in names)
    return code(group(after or before))
