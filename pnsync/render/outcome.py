"""What an apply did, in words: a line for each change, and the verdict at its end.

Works on reports and verdicts alone. Every text that leaves here is escaped; the figures have their nouns; the
next step stands last.
"""

from collections.abc import Sequence
from typing import Final

from pnsync.errors import ExitCode
from pnsync.render.colour import ACTION_STYLES, Palette
from pnsync.render.text import escape
from pnsync.render.units import counted, duration, moment, number
from pnsync.render.wording import SIGNS
from pnsync.verdict import Done, Failed, Uncertain, Verdict

LISTED: Final = 10
"""Addresses named one by one in a line of the verdict; the rest is counted."""

OF_GROUPS: Final = frozenset({"created", "updated", "deleted"})
"""What becomes of groups alone, so that it is counted with its noun."""

NEXT_STEPS: Final = {
    ExitCode.PARTIAL: ("What was not done is left as it was. When the causes above are gone:", "apply"),
    ExitCode.UNSETTLED: ("It settles by itself; the next run asks the vendor's listing:", "apply"),
    ExitCode.DOWN: ("The next run binds it before anything else:", "apply"),
    ExitCode.CREDENTIALS: ("Check the keys in the environment, then:", "apply"),
    ExitCode.DECISION: ("See what there is to decide:", "plan"),
    ExitCode.SIGINT: ("All that is known is recorded; the rest follows with:", "apply"),
    ExitCode.SIGTERM: ("All that is known is recorded; the rest follows with:", "apply"),
    ExitCode.FAILED: ("Nothing was changed at a vendor. When the causes above are gone:", "apply"),
}


def done_line(report: Done, width: int, paint: Palette) -> str:
    """A change that is done: sign, address, what became of it, and how long it took."""
    details = [report.phone_x or "", f"ext {report.extension}" if report.extension else "", report.note]
    told = " ".join(escape(one) for one in details if one)
    sign = paint.paint(ACTION_STYLES.get(report.action, ""), SIGNS.get(report.action, " "))
    result = paint.paint(ACTION_STYLES.get(report.action, ""), f"{escape(report.result):<9}")
    took = paint.paint("dim", duration(report.seconds)) if report.seconds else ""
    return f"  {sign} {escape(report.address):<{width}}  {result}  {told:<20}  {took}".rstrip()


def failed_lines(report: Failed, width: int, paint: Palette) -> list[str]:
    """A change that failed: why, with the vendor's code and request id, and what to do."""
    vendor = f"{report.vendor_code}: " if report.vendor_code else ""
    request = f" (request {report.request_id})" if report.request_id else ""
    mark, word = paint.paint("error", "!"), paint.paint("error", "failed   ")
    code = f" [{report.code}]" if report.code else ""
    reason = escape(f"{vendor}{report.reason}{request}{code}")
    lines = [f"  {mark} {escape(report.address):<{width}}  {word}  {reason}"]
    if report.next:
        lines.append(f"        {escape(report.next)}")
    return lines


def uncertain_line(report: Uncertain, width: int, now: str, paint: Palette) -> str:
    """A call whose outcome is not known, and when the listing will tell."""
    mark, word = paint.paint("warning", "?"), paint.paint("warning", "unknown  ")
    when = moment(report.not_before, now)
    return f"  {mark} {escape(report.address):<{width}}  {word}  {escape(report.reason)}; the listing tells after {when}"


def verdict_text(
    verdict: Verdict, paint: Palette, command: str = "pnsync apply", *, not_tried: Sequence[str] = ()
) -> str:
    """The last lines of a command that made calls; `command` is what to run next, but for its verb where that differs."""
    lines: list[str] = []
    if verdict.down:
        many = counted(len(verdict.down), "binding is down", "bindings are down")
        lines.append(paint.paint("error", f"Down: {many}, nobody is reached: {_named(verdict.down)}"))
    lines.append(paint.paint("strong", _tally(verdict)))
    if not_tried and verdict.not_tried:
        lines.append(f"Not tried: {_named(not_tried)}")
    if verdict.x_changed:
        lines.append(
            f"Another X than before: {_named(verdict.x_changed)}. People who dial the old one reach nobody."
        )
    if verdict.unverified:
        lines.append(
            f"Acknowledged but not listed: {_named(verdict.unverified)}. The next plan tells what became of it."
        )
    step = NEXT_STEPS.get(verdict.exit)
    if step is not None:
        advice, verb = step
        base = command.rpartition(" ")[0]
        lines += [advice, f"    {command if verb == 'apply' else f'{base} {verb}'}"]
    return "\n".join(lines)


def _tally(verdict: Verdict) -> str:
    done = ", ".join(
        f"{counted(many, 'group') if result in OF_GROUPS else number(many)} {escape(result)}"
        for result, many in verdict.counts
    )
    parts = [f"Applied: {done or 'nothing'}", f"{number(verdict.failed)} failed"]
    if verdict.not_tried:
        parts.append(f"{number(verdict.not_tried)} not tried")
    if verdict.unknown:
        parts.append(f"{number(verdict.unknown)} of unknown outcome")
    if verdict.deferred:
        parts.append(f"{number(verdict.deferred)} later")
    if verdict.serial is not None:
        before, after = verdict.serial
        parts.append(
            f"serial {number(before)} → {number(after)}" if before != after else f"serial {number(after)}"
        )
    parts.append(duration(verdict.seconds))
    return " · ".join(parts)


def _named(addresses: Sequence[str]) -> str:
    named = ", ".join(escape(one) for one in addresses[:LISTED])
    rest = len(addresses) - LISTED
    return f"{named} and {number(rest)} more" if rest > 0 else named
