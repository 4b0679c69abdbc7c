"""How a command ended, as Markdown for a job's summary page: the verdict in one line, and what needs a person.

Works on verdicts alone; the plan's own summary is `render.markdown`. Promises: lists name a few and count the
rest; every value stands in a code span. Pure.
"""

from collections.abc import Sequence
from typing import Final

from pnsync.errors import ExitCode
from pnsync.render.headline import name
from pnsync.render.markup import code, prose
from pnsync.render.outcome import OF_GROUPS
from pnsync.render.units import counted, duration, number
from pnsync.verdict import Verdict

LISTED: Final = 50

_MEANING: Final = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "failed, and nothing was changed at a vendor",
    ExitCode.DIFFERENCES: "there are differences",
    ExitCode.PARTIAL: "a part of the plan was done",
    ExitCode.POLICY: "refused by policy or protection",
    ExitCode.STALE_PLAN: "the saved plan does not fit any more",
    ExitCode.LOCKED: "another run holds the state",
    ExitCode.UNSETTLED: "an outcome is still unknown, the next run settles it",
    ExitCode.USAGE: "wrong usage or invalid configuration",
    ExitCode.STATE: "the state cannot be read, trusted or written",
    ExitCode.CREDENTIALS: "a vendor refused the credentials",
    ExitCode.DECISION: "a person must decide",
    ExitCode.DOWN: "a binding is down",
    ExitCode.SIGINT: "interrupted, all that is known is recorded",
    ExitCode.SIGTERM: "interrupted, all that is known is recorded",
}


def verdict_markdown(verdict: Verdict) -> str:
    """The verdict for `$GITHUB_STEP_SUMMARY` or a note on a merge request."""
    light = "✅" if verdict.exit is ExitCode.DONE else "🟡" if verdict.exit in _MILD else "🔴"
    command = code(f"pnsync {verdict.command}".strip(), 80)
    lines = [
        f"### {light} {command}: {_MEANING[verdict.exit]} (exit {int(verdict.exit)})",
        "",
        _tally(verdict),
    ]
    lists = [
        ("Down, nobody is reached", verdict.down),
        ("Another X than before", verdict.x_changed),
        ("Acknowledged but not listed", verdict.unverified),
    ]
    told = [f"- **{head}:** {_names(among)}" for head, among in lists if among]
    if told:
        lines += ["", *told]
    if verdict.failures:
        lines += ["", "| binding | why | vendor's code | request | next |", "|---|---|---|---|---|"]
        for one in verdict.failures[:LISTED]:
            cells = (
                name(one.address),
                " ".join(filter(None, (code(one.code, 20) if one.code else "", prose(one.reason)))),
                code(one.vendor_code, 40) if one.vendor_code else "",
                code(one.request_id, 80) if one.request_id else "",
                prose(one.next) if one.next else "",
            )
            lines.append(f"| {' | '.join(cells)} |")
        rest = len(verdict.failures) - LISTED
        if rest > 0:
            lines += ["", f"And {counted(rest, 'failure')} more."]
    return "\n".join(lines) + "\n"


_MILD: Final = frozenset({ExitCode.DIFFERENCES, ExitCode.UNSETTLED, ExitCode.LOCKED})


def _tally(verdict: Verdict) -> str:
    done = ", ".join(
        f"{counted(many, 'group') if result in OF_GROUPS else number(many)} {prose(result, 40)}"
        for result, many in verdict.counts
    )
    parts = [done or f"{number(verdict.done)} done", f"{number(verdict.failed)} failed"]
    for many, what in (
        (verdict.not_tried, "not tried"),
        (verdict.unknown, "of unknown outcome"),
        (verdict.deferred, "later"),
    ):
        if many:
            parts.append(f"{number(many)} {what}")
    if verdict.serial is not None:
        before, after = verdict.serial
        parts.append(
            f"serial {number(before)} → {number(after)}" if before != after else f"serial {number(after)}"
        )
    if verdict.seconds:
        parts.append(duration(verdict.seconds))
    return " · ".join(parts)


def _names(addresses: Sequence[str]) -> str:
    rest = len(addresses) - LISTED
    more = f" and {number(rest)} more" if rest > 0 else ""
    return ", ".join(map(name, addresses[:LISTED])) + more
