"""The top of a comment: figures, refusals, and who is reached by another person or no more, in Markdown.

Promises: whatever the size of the plan, each list names a few and counts the rest; the statement that nobody
reaches another person stands there only where that was looked for in every change. Pure.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pnsync.render.markup import code, prose
from pnsync.render.review import Reached, Review
from pnsync.render.units import counted, duration, moment, number
from pnsync.render.wording import SEVERITY

Document = Mapping[str, Any]
Row = Mapping[str, Any]

FACT_NAMES: Final = (5, 2, 1, 0)
"""How many are named in each list of the top, by the room there is; with 0 the top alone is shown."""

NOUNS: Final = {
    "unbind": ("unbind", "unbinds"),
    "delete_group": ("group deletion", "group deletions"),
    "rebind": ("rebind", "rebinds"),
    "update_group": ("group update", "group updates"),
    "bind": ("bind", "binds"),
    "create_group": ("new group", "new groups"),
    "renew": ("renewal", "renewals"),
    "adopt": ("adoption", "adoptions"),
    "forget": ("forgotten entry", "forgotten entries"),
    "later": ("later change", "later changes"),
    "finding": ("warning or note", "warnings and notes"),
}
"""What is counted, one and many: the actions, what is postponed, and findings that are no errors."""

CODES: Final = 3
"""Codes of refusals that are told where there is no room for the refusals."""
DUE: Final = {"drift": "from drift", "recovery": "from an interrupted run", "expiry": "by time"}
"""Every cause that no commit is, as the figures name it."""


def actions(counts: Mapping[str, int]) -> str:
    """Actions counted, the dangerous first: `1 unbind, 2 rebinds`."""
    return ", ".join(counted(counts[one], *NOUNS[one]) for one in SEVERITY if counts.get(one))


def figures(document: Document, found: Review, rate: float | None) -> str:
    """One line: calls and their time, until when it holds, what else is due, what stays."""
    summary, now = document["summary"], document["made_at"]
    calls = f"**{counted(summary['calls'], 'call')}**"
    if rate and summary["calls"]:
        calls += f", about {duration(max(round(summary['calls'] / rate), 1))} at {rate:g} calls/s"
    parts = [calls]
    until = document["valid_until"]
    if until and not found.refusals:
        parts.append(f"holds until **{prose(moment(str(until), now), 40)}**")
    due = [f"{actions(found.counts[cause])} {words}" for cause, words in DUE.items() if found.counts[cause]]
    if due:
        parts.append(f"due as well: {', '.join(due)}")
    if found.soonest_expiry:
        parts.append(f"the first of them expires {prose(moment(found.soonest_expiry, now), 40)}")
    if summary["deferred"]:
        parts.append(f"{number(summary['deferred'])} later")
    parts.append(f"{number(summary['unchanged'])} unchanged, {number(summary['unmanaged'])} unmanaged")
    return " · ".join(parts) + "\n"


def refusals(found: Review, names: int) -> str:
    """Why apply will not run this plan, and what to do about it."""
    if not found.refusals:
        return ""
    many = counted(len(found.refusals), "reason")
    lines = [f"> ⛔ **Apply refuses this plan for {many}:**"]
    if not names:
        codes = dict.fromkeys(str(one["code"]) for one in found.refusals)
        lines[0] += f" {', '.join(code(one, 20) for one in list(codes)[:CODES])}"
    for one in found.refusals[:names]:
        advice = f" {_advice(one['advice'])}" if one["advice"] else ""
        where = f" ({_place(one)})" if one["source"] else ""
        lines.append(f"> - **{code(one['code'], 20)}** {prose(one['summary'])}{where}{advice}")
    rest = len(found.refusals) - names
    if rest > 0 and names:
        lines.append(f"> - and {number(rest)} more")
    return "\n".join(lines) + "\n"


def standing(found: Review, names: int) -> str:
    """What stands whatever this plan does: what is on hold, that the files are older than what was applied."""
    if not found.standing:
        return ""
    lines = [
        f"> ⚠️ {prose(one['summary'])} {_advice(one['advice'])}".rstrip() for one in found.standing[:names]
    ]
    rest = len(found.standing) - names
    if rest > 0:
        lines.append(
            f"> ⚠️ {'and ' if names else ''}{counted(rest, 'notice')} {'more ' if names else ''}of what is on hold"
        )
    return "\\\n".join(lines) + "\n"


def _advice(advice: str) -> str:
    return "— " + " ".join(prose(line.strip()) for line in str(advice).split("\n") if line.strip())


def _place(one: Row) -> str:
    return code(f"{one['source']['file']}:{one['source']['line']}", 120)


def facts(found: Review, names: int) -> str:
    """The list that a reviewer reads first."""
    lines = [
        _fact("reaches a different person", "reach a different person", found.other_person, names, _person),
        _fact("stops being reached", "stop being reached", found.nobody, names, _ended),
        _fact(
            "gets another number to dial", "get another number to dial", found.other_number, names, _number
        ),
    ]
    lines.insert(0, reassurance(found))
    if found.x_may_change:
        lines.append(_named("X may change", found.x_may_change, names))
    if found.gaps:
        among = counted(len(found.gaps), "binding")
        lines.append(f"**Gap:** {among} unreachable for about {duration(found.longest_gap)} at most")
    told = calls(found)
    if told:
        lines.append(f"**Calls** that work today: {told}")
    for one in found.calls.astray[:names]:
        where = code(" ext ".join(filter(None, (one["phone_x"], one["extension"]))), 80)
        lines.append(f"⚠️ **A call could go astray** between two steps, to {where}: {prose(one['reason'])}")
    if len(found.calls.astray) > names:
        lines.append(f"⚠️ **{counted(len(found.calls.astray) - names, 'call')} more could go astray**")
    unreached = unreached_now(found)
    if unreached:
        lines.append(f"**Not reached now,** bound again by this plan: {unreached}")
    return "\n".join(f"- {line}" for line in lines if line) + "\n" if any(lines) else ""


def unreached_now(found: Review) -> str:
    """What this plan binds again, by why it is not there: `1 left undone by an interrupted run`."""
    causes = (
        ("recovery", "left undone by an interrupted run"),
        ("drift", "lost at the vendor"),
        ("expiry", "expired"),
    )
    return ", ".join(
        f"{number(found.counts[cause]['bind'])} {why}" for cause, why in causes if found.counts[cause]["bind"]
    )


def reassurance(found: Review) -> str:
    """That nobody reaches a different person, where that was looked for and is so; else nothing."""
    if found.other_person or found.calls.other or not any(map(Counter.total, found.counts.values())):
        return ""
    changing = found.nobody or found.other_number or found.x_may_change or found.calls.lost
    more = "" if changing else ", and every number that is dialled today stays"
    return f"Nobody reaches a different person{more}."


def calls(found: Review) -> str:
    """Ways of calling counted: `2 reach somebody else, 1 reaches nobody`."""
    counts = found.calls
    parts = (
        (counts.other, "reaches somebody else", "reach somebody else"),
        (counts.lost, "reaches nobody", "reach nobody"),
        (counts.redialled, "needs another number", "need another number"),
    )
    return ", ".join(f"{number(many)} {one if many == 1 else more}" for many, one, more in parts if many)


def _fact(one: str, many: str, among: Sequence[Reached], names: int, told: Any) -> str:
    if not among:
        return ""
    head = f"**{number(len(among))} {one if len(among) == 1 else many}**"
    if not names:
        return head
    named = ", ".join(f"{name(each.address)} ({told(each)})" for each in among[:names])
    rest = len(among) - names
    return f"{head}: {named}" + (f" and {number(rest)} more" if rest > 0 else "")


def _named(head: str, addresses: Sequence[str], names: int) -> str:
    if not names:
        return f"**{head}** on {number(len(addresses))}"
    rest = len(addresses) - names
    more = f" and {number(rest)} more" if rest > 0 else ""
    return f"**{head}** on {', '.join(map(name, addresses[:names]))}{more}"


def name(address: str) -> str:
    """An address as comments show it: a binding by its name, a group in full."""
    return code(str(address).removeprefix("bindings."), 120)


def _person(one: Reached) -> str:
    on = f"{code(one.dialled, 80)}: " if one.dialled else ""
    taken = f", taken over from {name(one.taken_from)}" if one.taken_from else ""
    return f"{on}{code(one.was, 80)} → {code(one.becomes, 80)}{taken}"


def _ended(one: Reached) -> str:
    return code(one.dialled or one.was, 80)


def _number(one: Reached) -> str:
    return f"{code(one.was, 80)} → {code(one.becomes, 80) if one.dialled else one.becomes}"
