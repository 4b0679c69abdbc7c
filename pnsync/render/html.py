"""A plan's document as one page: it loads nothing, runs from a file, and is searched and filtered in place.

Promises: everything a text can hold is shown as text, by the page as by its script; the page's policy forbids
every request and every script but its own; what a reviewer needs first stands in the page itself and needs no
script. Works on the JSON document alone. Must not read clocks.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from html import escape as html_escape
from importlib.resources import files
from typing import Any, Final
from urllib.parse import quote

from pnsync.render.headline import DUE, actions, calls, reassurance, unreached_now
from pnsync.render.review import Reached, Review, review
from pnsync.render.rows import page_data
from pnsync.render.text import escape
from pnsync.render.timeline import Timeline, timeline
from pnsync.render.units import counted, duration, moment, number
from pnsync.render.units import parsed as parsed_instant

Document = Mapping[str, Any]
Row = Mapping[str, Any]

NAMED: Final = 6
"""How many are named in each list of the top; all of them are found in the table."""

BARS_WIDTH: Final = 960
BARS_HEIGHT: Final = 100


def render_html(document: Document, *, rate: float | None = None) -> str:
    """The plan as a page; `rate` is calls a second."""
    found = review(document)
    style, script = _asset("page.css"), _asset("page.js")
    title = _title(document, found)
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="referrer" content="no-referrer">',
        '<meta name="format-detection" content="telephone=no">',
        f"<title>pnsync: {_text(title)}</title>",
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        '<a class="skip" href="#changes">Skip to the changes</a>',
        *_header(document, found, title, rate),
        "<main>",
        *_refusals(found.refusals),
        *_standing(found.standing),
        *_facts(found),
        *_timeline(document),
        *_CHANGES,
        "</main>",
        *_footer(document),
        f'<script type="application/json" id="data">{_embedded(page_data(document))}</script>',
        f"<script>{script}</script>",
        "</body>",
        "</html>",
    ]
    return "\n".join(parts)


@cache
def _asset(name: str) -> str:
    return (files("pnsync.render") / "assets" / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _embedded(data: object) -> str:
    """JSON that ends no script element and begins no comment in one."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _text(text: object) -> str:
    """Any text as content of the page."""
    return html_escape(escape(str(text)))


def _title(document: Document, found: Review) -> str:
    everything = actions({one: document["summary"][one] for one in _ACTIONS if document["summary"].get(one)})
    if found.refusals:
        return f"refused: {everything or 'no changes'}"
    return everything or "no changes"


_ACTIONS: Final = (
    "unbind", "delete_group", "rebind", "update_group", "bind", "create_group", "renew", "adopt", "forget",
)  # fmt: skip


def _header(document: Document, found: Review, title: str, rate: float | None) -> Iterable[str]:
    summary, now = document["summary"], document["made_at"]
    calls = number(summary["calls"])
    took = (
        f"about {duration(max(round(summary['calls'] / rate), 1))} at {rate:g} calls/s"
        if rate and summary["calls"]
        else "to the vendors"
    )
    until = document["valid_until"]
    cards = [
        ("calls", calls, took),
        (
            "holds until",
            moment(str(until), now) if until else "no end",
            "then time alone makes it stale" if until else "",
        ),
        ("unchanged", number(summary["unchanged"]), "as declared"),
        ("unmanaged", number(summary["unmanaged"]), "not made by pnsync"),
    ]
    if found.soonest_expiry:
        cards.insert(2, ("first expiry", moment(found.soonest_expiry, now), "of what is renewed"))
    if summary["deferred"]:
        cards.append(("later", number(summary["deferred"]), "postponed"))
    yield "<header>"
    yield f"<h1><span>pnsync plan</span> {_text(title)}</h1>"
    causes = [f"{actions(found.counts['config'])} from your files"] if found.counts["config"] else []
    causes += [
        f"{actions(found.counts[cause])} {words}" for cause, words in DUE.items() if found.counts[cause]
    ]
    if causes:
        yield f"<p>{_text(' · '.join(causes))}</p>"
    yield "<dl>"
    for head, value, note in cards:
        yield f"<div><dt>{head}</dt><dd>{_text(value)}</dd><dd>{_text(note)}</dd></div>"
    yield "</dl>"
    yield "</header>"


def _refusals(refusals: Sequence[Row]) -> Iterable[str]:
    return _findings(
        "refused",
        "Apply refuses this plan",
        refusals,
        lambda one: f"<strong>{_text(one['code'])}</strong> {_text(one['summary'])}",
    )


def _standing(found: Sequence[Row]) -> Iterable[str]:
    return _findings("standing", "Whatever this plan does", found, lambda one: _text(one["summary"]))


def _findings(kind: str, head: str, found: Sequence[Row], told: Callable[[Row], str]) -> Iterable[str]:
    if not found:
        return
    yield f'<section class="{kind}"><h2>{head}</h2><ul>'
    for one in found[:NAMED]:
        yield f"<li>{told(one)}"
        if one["advice"]:
            yield f"<br><span>{_text(' '.join(str(one['advice']).split()))}</span>"
        yield "</li>"
    if len(found) > NAMED:
        yield f"<li>and {number(len(found) - NAMED)} more, among the findings below</li>"
    yield "</ul></section>"


def _facts(found: Review) -> Iterable[str]:
    if not any(found.counts.values()):
        return
    yield '<section><h2>Who is reached</h2><ul class="facts">'
    if reassurance(found):
        yield f"<li>{_text(reassurance(found))}</li>"
    yield from _fact("A different person is reached", found.other_person, _person)
    yield from _fact("Nobody is reached any more", found.nobody, lambda one: one.dialled or one.was)
    yield from _fact("Another number to dial", found.other_number, lambda one: f"{one.was} → {one.becomes}")
    may = [Reached(one, "", "", "") for one in found.x_may_change]
    yield from _fact("X may change", may, lambda _: "")
    if found.gaps:
        among = counted(len(found.gaps), "binding")
        yield f"<li><strong>Gap:</strong> {among} unreachable for about {duration(found.longest_gap)} at most</li>"
    told = calls(found)
    if told:
        yield f"<li><strong>Calls</strong> that work today: {_text(told)}</li>"
    for one in found.calls.astray[:NAMED]:
        where = " ext ".join(filter(None, (one["phone_x"], one["extension"])))
        yield f"<li><strong>A call could go astray</strong> between two steps: <span>{_text(where)}</span>"
        yield f"{_text(one['reason'])}</li>"
    if len(found.calls.astray) > NAMED:
        yield f"<li>{counted(len(found.calls.astray) - NAMED, 'call')} more could go astray</li>"
    unreached = unreached_now(found)
    if unreached:
        yield f"<li><strong>Not reached now,</strong> bound again by this plan: {_text(unreached)}</li>"
    yield "</ul></section>"


def _person(one: Reached) -> str:
    on = f"{one.dialled}: " if one.dialled else ""
    return f"{on}{one.was} → {one.becomes}"


def _fact(head: str, among: Sequence[Reached], told: Callable[[Reached], str]) -> Iterable[str]:
    if not among:
        return
    yield f"<li><strong>{head}</strong> ({number(len(among))})<ul>"
    yield from (f"<li>{_link(one.address)} <span>{_text(told(one))}</span></li>" for one in among[:NAMED])
    if len(among) > NAMED:
        yield f"<li>and {number(len(among) - NAMED)} more</li>"
    yield "</ul></li>"


def _link(address: str) -> str:
    """A name that searches the table for itself."""
    target = quote(escape(address), safe="")
    return f'<a href="#q={target}">{_text(address.removeprefix("bindings."))}</a>'


def _timeline(document: Document) -> Iterable[str]:
    line = timeline(document)
    yield "<section><h2>When bindings end</h2>"
    if line is None:
        yield "<p>Nothing in this plan has an end.</p></section>"
        return
    now = document["made_at"]
    ending, lasting = ("expiries", "renewals") if line.forecast else ("as things are now", "with this plan")
    ends = sum(one.ending for one in line.spans)
    lasts = sum(one.lasting for one in line.spans)
    about = f"{number(ends)} {ending}; {number(lasts)} {lasting}"
    length = duration(line.seconds)
    if line.forecast:
        yield "<p>Of all bindings, this plan applied: renewals as they fall due, expiries if no run came.</p>"
    yield f"<figure><figcaption>One bar is {length}, the highest {number(line.highest)}."
    if ends:
        yield f'<span class="key ending">{ending}: {number(ends)}</span>'
    if lasts:
        yield f'<span class="key lasting">{lasting}: {number(lasts)}</span>'
    held = list(_valid_until(line, document))
    if held:
        yield '<span class="key until">the plan holds until here</span>'
    yield "</figcaption>"
    yield f'<svg viewBox="0 0 {BARS_WIDTH} {BARS_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{about}">'
    yield from _bars(line, now)
    yield from held
    yield "</svg>"
    marks = (
        [line.spans[i * (len(line.spans) - 1) // 2].start for i in range(3)]
        if len(line.spans) > 2
        else [line.spans[0].start]
    )
    yield '<div class="axis">'
    yield from (f"<span>{moment(one.isoformat(), now)}</span>" for one in marks)
    yield "</div></figure>"
    if line.beyond:
        yield f"<p>{counted(line.beyond, 'end')} beyond what is shown.</p>"
    yield f"<details><summary>As a table</summary><table><thead><tr><th>from</th><th>{ending}</th><th>{lasting}</th></tr></thead><tbody>"
    for one in line.spans:
        if one.ending or one.lasting:
            start = moment(one.start.isoformat(), now)
            yield f"<tr><th>{start}</th><td>{number(one.ending)}</td><td>{number(one.lasting)}</td></tr>"
    yield "</tbody></table></details></section>"


def _bars(line: Timeline, now: str) -> Iterable[str]:
    """Two bars a span; what is counted at all is at least a hair high."""
    width = BARS_WIDTH / len(line.spans)
    bar = min(width * 0.42, 24.0)
    for i, one in enumerate(line.spans):
        start = moment(one.start.isoformat(), now)
        for kind, count, at in (("ending", one.ending, 0.06), ("lasting", one.lasting, 0.06 + bar / width)):
            if count:
                high = max(count / line.highest * (BARS_HEIGHT - 4), 2.0)
                yield (
                    f'<rect class="{kind}" x="{(i + at) * width:.1f}" y="{BARS_HEIGHT - high:.1f}"'
                    f' width="{bar:.1f}" height="{high:.1f}"><title>{start}: {number(count)}</title></rect>'
                )


def _valid_until(line: Timeline, document: Document) -> Iterable[str]:
    until = parsed_instant(str(document["valid_until"]))
    if until is None:
        return
    seconds = until.timestamp() - line.spans[0].start.timestamp()
    share = seconds / (line.seconds * len(line.spans))
    if 0 <= share <= 1:
        at = f"{share * BARS_WIDTH:.1f}"
        yield f'<line x1="{at}" x2="{at}" y1="0" y2="{BARS_HEIGHT}"><title>the plan holds until here</title></line>'


_CHANGES: Final = (
    '<section id="changes" tabindex="-1"><h2>Changes</h2>',
    "<noscript><p>The list of changes needs JavaScript; nothing is loaded from elsewhere.</p></noscript>",
    '<form id="filters" role="search">',
    '<label class="search">Search <input id="q" type="search" autocomplete="off" spellcheck="false"'
    ' placeholder="name, number, file" aria-describedby="hint"></label>',
    '<span id="hint"><kbd>/</kbd> searches, <kbd>↑</kbd> <kbd>↓</kbd> move, <kbd>Enter</kbd> opens</span>',
    '<div id="choices"></div>',
    '<button type="reset">Show everything</button>',
    "</form>",
    '<p id="count" role="status"></p>',
    '<ol id="list"></ol>',
    '<button id="more" type="button" hidden>Show more</button>',
    "</section>",
)


def _footer(document: Document) -> Iterable[str]:
    now = document["made_at"]
    state = (
        f"lineage {document['lineage']} serial {number(document['serial'])}"
        if document["lineage"]
        else "no state yet"
    )
    parts = [
        f"Planned {moment(now, now)} by pnsync {document['pnsync_version']}",
        state,
        str(document.get("digest", "")),
    ]
    yield f"<footer>{_text(' · '.join(filter(None, parts)))}</footer>"
