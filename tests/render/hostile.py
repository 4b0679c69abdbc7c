"""Texts that try to leave the place they are shown in, for every renderer."""

import unicodedata
from typing import Any

from hypothesis import strategies as st

from pnsync.errors import Diagnostic, Severity, SourceSpan
from pnsync.plan import Action, Attributes, Cause, Change, Deferred
from tests.render.documents import MADE_AT, desk, plan_document

ATTACKS = (
    "a|b||c",
    "`",
    "``` ```",
    "</details>",
    "</code></td></table><script>alert(1)</script>",
    "<!-- pnsync-plan other -->",
    "-->",
    "@everyone",
    "@octocat please",
    "#123 GH-7 deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<https://evil.example>",
    "https://evil.example www.evil.example mail@evil.example",
    ":rocket: 🚀 ⚠️",
    "**bold** _em_ ~~gone~~ ~gone~ $x$",
    "abc\u202edcba\u2066x\u2069\u200b\u200d\ufeff",
    "one\ntwo\r\nthree\u2028four\u0085five",
    "\n\n# heading\n\n- list\n> quote\n/close",
    "::error file=x,line=1::boo",
    "\n::error::boo",
    "##[error]boo",
    "\x1b[31mred\x1b]8;;https://evil.example\x07link",
    "\\",
    "\\|",
    "\\`|`\\",
    "&lt;b&gt; &#124; &amp;",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\u2028\u2029",
    "]]>",
    "javascript:alert(1)",
    "\ud800",
    "\x00\x07",
    " ",
    "   x   ",
    "=cmd|' /C calc'!A0",
    "x" * 5000,
    "| a | b |\n|---|---|\n| c | d |",
    "__proto__",
    "constructor",
)

TEXTS = st.one_of(
    st.sampled_from(ATTACKS),
    st.lists(st.sampled_from(ATTACKS), min_size=2, max_size=3).map("".join),
    st.text(alphabet=st.sampled_from("|`\\<>&@#*_~[]()!:-=\"'$ \n\tab1"), max_size=30),
    st.text(max_size=30),
)


def visible(text: str) -> bool:
    """Whether every character of a text is seen, or is a line's end or some kind of space."""
    return all(one.isprintable() or unicodedata.category(one) == "Zs" for one in text.replace("\n", ""))


def hostile_document(text: str) -> dict[str, Any]:
    """A document whose every free place holds the text: names, groups, remarks, reasons, findings, files."""
    span = SourceSpan(text, 7)
    before: Attributes = desk("447700900112", text, text, group=text, customer_bind_id=text, pool_number=text)
    after: Attributes = desk("447700900198", text + "2", text, group=text + "2", expires_in=text)
    held: Attributes = {"group_name": text, "holds": text, "phones": text, "remark": text}
    changes = (
        Change(
            f"bindings.{text}", Action.REBIND, Cause.CONFIG, text, text, before, after, (text,), source=span
        ),
        Change(f"bindings.{text}2", Action.UNBIND, Cause.DRIFT, text, text, before, source=span),
        Change(f"bindings.{text}3", Action.BIND, Cause.CONFIG, text, text, None, after, source=span),
        Change(f"bindings.{text}4", Action.RENEW, Cause.EXPIRY, text, text, before, after, source=span),
        Change(f"bindings.{text}5", Action.FORGET, Cause.RECOVERY, text, text, before, source=span),
        Change(
            f"groups.{text}", Action.UPDATE_GROUP, Cause.CONFIG, text, "nx", held, {**held, "phones": ""}, ()
        ),
        Change(f"groups.{text}2", Action.CREATE_GROUP, Cause.CONFIG, text, "nx", None, held, (text,)),
    )
    finding = Diagnostic("W410", text, Severity.WARNING, span, text, text, text)
    return plan_document(
        changes=changes,
        deferred=(Deferred(f"bindings.{text}6", Action.BIND, text, text, MADE_AT, span),),
        diagnostics=(finding,),
        refusals=(Diagnostic("P401", text, Severity.ERROR, span, text, text, text),),
        lineage=text,
    )
