"""The page as a file: it loads nothing, its policy fits it, and no text leaves its place."""

import base64
import hashlib
import json
import re
import time
from html.parser import HTMLParser
from typing import Any

from hypothesis import given, settings

from pnsync.errors import Diagnostic
from pnsync.model import DAY
from pnsync.phone import Phone
from pnsync.plan import Action, instant
from pnsync.render.html import render_html
from pnsync.render.rows import LIMIT, MEMBERS, SECTIONS, page_data
from pnsync.render.text import escape
from pnsync.render.timeline import MOST_SPANS, timeline
from tests.render.documents import CHANGES, MADE_AT, plan_document
from tests.render.hostile import TEXTS, hostile_document, visible
from tests.render.many import change, many

OUR_ELEMENTS = re.compile(
    "html|head|meta|title|style|body|a|header|h1|h2|span|p|dl|div|dt|dd|main|section|ul|li|strong|br|figure"
    "|figcaption|svg|rect|line|details|summary|table|thead|tbody|tr|th|td|noscript|form|label|input|kbd|button|ol"
    "|footer|script"
)
OUR_ATTRIBUTES = re.compile(
    "lang|charset|http-equiv|content|name|class|href|id|tabindex|role|type|autocomplete|spellcheck|placeholder"
    "|aria-describedby|aria-label|hidden|viewbox|preserveaspectratio|x|y|width|height|x1|x2|y1|y2"
)


class Page(HTMLParser):
    """The elements and attributes of a page, and the text of those that hold code or data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[str] = []
        self._raw = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._raw = tag in ("script", "style")
        if self._raw:
            self.raw.append("")

    def handle_endtag(self, tag: str) -> None:
        self._raw = False

    def handle_data(self, data: str) -> None:
        if self._raw:
            self.raw[-1] += data


def data_of(text: str) -> dict[str, Any]:
    """What the page's script reads."""
    found: dict[str, Any] = json.loads(Page(text).raw[1])
    return found


def test_it_loads_nothing() -> None:
    page = Page(render_html(plan_document(), rate=20))
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "base", "object", "embed", "form action")
        for name, value in attributes.items():
            assert name not in ("src", "srcset", "action", "style")
            assert not name.startswith("on")
            assert name != "href" or (value or "").startswith("#")
    assert not re.search(r"https?://|@import|url\(", "".join(page.raw))


def test_the_policy_allows_exactly_its_own_script_and_style() -> None:
    page = Page(render_html(plan_document()))
    (policy,) = [
        one["content"] for _, one in page.elements if one.get("http-equiv") == "Content-Security-Policy"
    ]
    style, _, script = page.raw

    def hashed(text: str) -> str:
        return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    assert policy == (
        f"default-src 'none'; style-src '{hashed(style)}'; script-src '{hashed(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_nothing_breaks_out(text: str) -> None:
    shown = render_html(hostile_document(text))
    assert visible(shown)
    page = Page(shown)
    assert all(OUR_ELEMENTS.fullmatch(tag) for tag, _ in page.elements)
    assert all(OUR_ATTRIBUTES.fullmatch(name) for _, attributes in page.elements for name in attributes)
    assert len(page.raw) == 3
    told = [dict(zip(MEMBERS, row, strict=True)) for row in json.loads(page.raw[1])["rows"]]
    assert len(told) == 10
    if len(text) < 100:
        assert {one["address"] for one in told} >= {escape(f"bindings.{text}"), escape(f"groups.{text}2")}
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    assert all(re.fullmatch(r"#(changes|q=[\w.~%-]+)", one or "") for one in links)
    assert "<!--" not in shown.partition('id="data">')[2].partition("</script>")[0]


@given(TEXTS)
def test_no_line_is_read_by_a_runner(text: str) -> None:
    shown = render_html(hostile_document(text))
    assert "##[" not in shown
    assert not any(line.lstrip().startswith("::") for line in shown.splitlines())


def test_the_data_is_the_plan() -> None:
    document = plan_document()
    data = data_of(render_html(document))
    told = [dict(zip(MEMBERS, row, strict=True)) for row in data["rows"]]
    assert [one["address"] for one in told] == [
        "bindings.desk-old",
        "bindings.desk-7",
        "groups.couriers",
        "bindings.desk-london",
        "bindings.ride-17",
        "bindings.desk-3",
        "bindings.desk-down",
        "bindings.driver-4",
        "bindings.ride-9",
        "bindings.desk-9",
        "W410",
    ]
    assert [data["sections"][one["section"]][0] for one in told] == (
        ["config"] * 5 + ["drift", "recovery", "expiry", "expiry", "later", "finding"]
    )
    rebind = told[1]
    names = [data["names"][one] for one in rebind["attributes"][::3]]
    place = names.index("extension") * 3
    assert rebind["attributes"][place + 1 : place + 3] == ["107", "207"]
    assert data["actions"][rebind["action"]] == ["rebind", "rebind", "±"]


def test_every_change_is_in_the_page() -> None:
    data = data_of(render_html(many(5_000)))
    assert len(data["rows"]) == 5_002
    assert [one for one, _ in data["sections"]] == list(SECTIONS)


def test_the_top_needs_no_script() -> None:
    top = render_html(plan_document(), rate=20).partition('id="changes"')[0]
    for words in (
        "1 unbind, 2 rebinds, 1 group update, 3 binds, 1 renewal, 1 forgotten entry",
        "<dd>11</dd><dd>about 1 s at 20 calls/s</dd>",
        "<dd>22 Nov 19:12Z</dd>",
        "<strong>A different person is reached</strong> (2)",
        '<a href="#q=bindings.desk-3">desk-3</a> <span>447401264117 ext 103: 44••••40~fc2wk09 → 44••••41~tas6k9a</span>',
        "<strong>Nobody is reached any more</strong> (1)",
        "about 0.4 s at most",
        "1 left undone by an interrupted run",
    ):
        assert words in top


def test_a_refused_plan_says_so() -> None:
    refusals = tuple(Diagnostic("P401", f"number {i} is protected", advice="ask") for i in range(50))
    text = render_html(plan_document(refusals=refusals))
    assert "<title>pnsync: refused: 1 unbind" in text
    assert "Apply refuses this plan" in text
    assert "and 44 more" in text


def test_nothing_to_do() -> None:
    text = render_html(plan_document(changes=(), deferred=(), diagnostics=()))
    assert "no changes" in text
    assert "Nothing in this plan has an end." in text
    assert data_of(text)["rows"] == []


def test_no_real_number_is_shown() -> None:
    text = render_html(plan_document())
    for one in CHANGES:
        for attributes in (one.before, one.after):
            for value in (attributes or {}).values():
                for phone in value if isinstance(value, tuple) else (value,):
                    assert not isinstance(phone, Phone) or phone.digits not in text


def test_a_text_without_end_is_cut() -> None:
    data = page_data(hostile_document("x" * 50_000))
    assert max(len(one) for row in data["rows"] for one in row if isinstance(one, str)) <= LIMIT


def test_ten_thousand_changes_are_a_small_page_soon() -> None:
    document = many(10_000)
    began = time.process_time()
    text = render_html(document)
    assert time.process_time() - began < 2
    assert len(text.encode()) < 5_000_000


def test_the_time_line_counts_what_ends_now_and_then() -> None:
    before = {"mode": "axb", "phone_a": Phone("447700900101"), "expires_at": instant(MADE_AT + 3600 * 5)}
    changes = tuple(
        change(i, Action.RENEW, before=before, after={**before, "expires_at": None, "expires_in": "3d"})
        for i in range(7)
    )
    line = timeline(plan_document(changes=changes, deferred=()))
    assert line is not None
    assert [(one.ending, one.lasting) for one in line.spans if one.ending or one.lasting] == [(7, 0), (0, 7)]
    assert (line.spans[-1].start.timestamp() - MADE_AT) // DAY == 3
    assert line.highest == 7
    assert len(line.spans) <= MOST_SPANS
    text = render_html(plan_document(changes=changes, deferred=()))
    assert text.count("<rect") == 2
    assert "as things are now: 7" in text
    assert "the plan holds until here" in text


def test_ends_in_decades_are_counted() -> None:
    changes = tuple(
        change(i, Action.BIND, after={"mode": "axb", "expires_at": f"{2027 + i * 20}-01-01T00:00:00Z"})
        for i in range(4)
    )
    line = timeline(plan_document(changes=changes))
    assert line is not None
    assert line.beyond + sum(one.lasting for one in line.spans) == 4
    assert line.beyond
    assert "beyond what is shown" in render_html(plan_document(changes=changes))


def test_a_forecast_takes_the_time_lines_place() -> None:
    document = plan_document()
    document["timeline"] = [
        {"at": "2026-11-22T06:00:00Z", "expiries": 0, "renewals": 40},
        {"at": "2026-11-23T06:00:00Z", "expiries": 2, "renewals": 0},
    ]
    line = timeline(document)
    assert line is not None
    assert line.forecast
    assert sum(one.lasting for one in line.spans) == 40
    text = render_html(document)
    assert "expiries: 2" in text
    assert "renewals: 40" in text
