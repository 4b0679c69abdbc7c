"""What is wrong with a value, told: code, summary, label and place for every fault the schema found.

Promises: a phone is never quoted, a credential neither quoted nor shown; a misspelt key or word is answered
with the nearest right one. Must not decide what is wrong: `schema.py` did.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pnsync.config.findings import Findings, closest, listed, quoted
from pnsync.config.schema import KEYS, MAX_GROUP_NAME, MAX_REMARK, Checked, ExtensionsShape, Fault
from pnsync.model import Holds, Mode, VendorType
from pnsync.yamlfile import Mapping as Node
from pnsync.yamlfile import span_at

_SECRET_KEY = re.compile(
    r"secret|passw|token|private_?key|api_?key|access_?key|credential|bearer|^(?:key|sign|auth)$",
    re.IGNORECASE,
)
_SECRET_WORD = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
# A long number as spreadsheets write it where its cell is not text: 4.477E+11, 447700900123.0.
_SPREADSHEET = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d+|\d+[.,]0+")


@dataclass(frozen=True, slots=True)
class _Form:
    """How values of a key must look; `hint` makes a label from a text that does not."""

    code: str
    must: str
    label: str = ""
    hint: Callable[[str], str] | None = None
    personal: bool = False


def _phone_hint(text: str) -> str:
    digits = sum(map(str.isdigit, text))
    if re.fullmatch(r"[+0-9 -]*", text) and digits > 20:
        return f"these are {digits} digits; 20 are the most"
    if _SPREADSHEET.fullmatch(text):
        return "a spreadsheet has changed this number: give the column the format text"
    return "digits with the country code; only +, spaces and hyphens may stand between"


def _extension_hint(text: str) -> str:
    if re.fullmatch("[0-9]{1,2}", text):
        return f"write it with its leading zero: {text:0>3}"
    return "write 3 digits, like 007, or auto"


def _flag_hint(text: str) -> str:
    word = text.lower()
    if text in ("true", "false"):
        return f"write {text}, without quotes"
    if word in ("yes", "on", "1", "y", "true"):
        return "write true"
    return "write false" if word in ("no", "off", "0", "n", "false") else "write true or false"


def _choice(code: str, words: Sequence[str]) -> _Form:
    return _Form(code, f"must be {listed(words)}", hint=lambda text: closest(text, words))


_NAME = _Form("E204", "must be a name", "1 to 100 letters, digits, dots, underscores and hyphens")
_PHONE = _Form("E202", "must be a phone number of 1 to 20 digits", "write digits", _phone_hint, personal=True)
_FLAG = _Form("E211", "must be true or false", "write true or false", _flag_hint)
_DURATION = _Form(
    "E212", "must be a duration", "seconds, or a number with s, m, h, d or w: 90s, 15m, 24h, 3d, 2w"
)
_LIMIT = _Form("E231", "must be a percentage or a count", "like 10% or 25")

FORMS: Final[Mapping[str, _Form]] = {
    **dict.fromkeys(("provider", "group"), _NAME),
    **dict.fromkeys(("phone_a", "phone_b", "phones", "drain"), _PHONE),
    "phone_x": _Form(
        "E202",
        "must be a phone number or {group: NAME}",
        "digits, or {group: NAME} to let pnsync pick one",
        personal=True,
    ),
    **dict.fromkeys(
        ("recording", "protect", "enabled", "keep", "require_recording", "allow_never_expire"), _FLAG
    ),
    **dict.fromkeys(("every", "late_by", "settle_window", "quarantine", "max_lifetime"), _DURATION),
    **dict.fromkeys(("max_unbind", "max_rebind", "max_missing"), _LIMIT),
    "mode": _choice("E220", [str(one) for one in Mode]),
    "type": _choice("E224", [str(one) for one in VendorType]),
    "holds": _choice("E250", [str(one) for one in Holds]),
    "algorithm": _choice("E254", ["md5", "sha256"]),
    "numbers": _choice("E255", ["named"]),
    "extension": _Form("E203", "must be 3 digits", "write 3 digits, like 007, or auto", _extension_hint),
    "expires_in": _Form("E212", "must be a duration or never", "like 86400, 90s, 15m, 24h, 3d, 2w or never"),
    "expires_at": _Form("E213", "must be an RFC 3339 instant", "like 2026-12-24T18:00:00Z"),
    "renew_before": _Form("E214", "must be a duration or a percentage", "like 6h or 20%"),
    "labels": _Form(
        "E244", "must map names to short texts", "like {team: west}; a value is 1 to 100 characters"
    ),
    "customer_bind_id": _Form(
        "E245", "must be 1 to 64 visible ASCII characters", "letters, digits and punctuation"
    ),
    "pool_number": _Form(
        "E246", "must be a pool's label of 1 to 20 characters", "as the vendor's console shows it"
    ),
    "range": _Form("E248", "must be two extensions with a hyphen between", "like 100-899"),
    "reserve": _Form("E248", "must be a list of extensions of 3 digits", "like [911, 112]"),
    "name": _Form("E264", "must be a name with columns in braces", "like courier-{id}"),
    "columns": _Form("E261", "must map keys of a binding to headers", "like {phone_a: Mobile}"),
    "extensions": _Form("E248", "must be a mapping", "like {range: 100-899, reserve: [911]}"),
    "group_name": _Form("E251", f"must be 1 to {MAX_GROUP_NAME} characters", "the name at the vendor"),
    "remark": _Form("E251", f"must be at most {MAX_REMARK} characters", "shorten it"),
    "group_id": _Form("E252", "must be the vendor's id of the group", "as listGroup shows it"),
    "app_id": _Form(
        "E253", "must be the vendor's id of the app", "letters and digits, as the vendor's console shows it"
    ),
    "endpoint": _Form(
        "E225", "must be a URL or the word sandbox", "like https://number.nxcloud.com/api/pns/"
    ),
    "rate": _Form("E230", "must be a number of calls a second", "like 20 or 0.5"),
    "allowed_country_codes": _Form("E232", "must be a list of country codes", "like [44, 852]"),
    "from": _Form("E249", "must be a name or an address", "like desk-7 or groups.couriers"),
    "to": _Form("E249", "must be a name or an address", "like desk-7 or groups.couriers"),
}
"""How the values of each key must look."""


def report_faults(
    checked: Checked[Any],
    kind: type[Any],
    nodes: Sequence[Node],
    addresses: Sequence[str | None],
    findings: Findings,
) -> None:
    """Reports every fault of a section's entries, each at its place."""
    for i, fault in enumerate(checked.faults):
        if findings.full:
            findings.skip(len(checked.faults) - i)
            return
        _report(fault, kind, nodes[fault.entry], addresses[fault.entry], findings)


def report_unknown_key(
    node: Node,
    key: str,
    known: Sequence[str],
    findings: Findings,
    *,
    address: str | None = None,
    where: str = "",
) -> None:
    """Reports a key that does not belong where it stands, or that looks like a credential."""
    span = node.span_of_key(key)
    if _SECRET_KEY.search(key):
        findings.report(
            "E228",
            f"{quoted(key)} looks like a credential",
            span,
            label="credentials never stand in a file",
            advice="delete it, revoke the credential if it was real, and give it in the environment",
            address=address,
            secret=True,
        )
        return
    findings.report(
        "E200",
        f"unknown key {quoted(key)}{where}",
        span,
        label=findings.nearest(key, known),
        advice=f"known here: {', '.join(sorted(known))}",
        address=address,
    )


def kind_of(value: object) -> str:
    """What a value is, for people."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return (
        "no value" if value is None else "true" if value is True else "false" if value is False else "a text"
    )


def looks_secret(text: str) -> bool:
    """Whether a text holds a long word of mixed small and capital letters and digits, as keys and tokens are."""
    return any(
        len(set(word)) >= 12
        and any(map(str.islower, word))
        and any(map(str.isupper, word))
        and any(map(str.isdigit, word))
        for word in _SECRET_WORD.findall(text)
    )


def _report(fault: Fault, kind: type[Any], node: Node, address: str | None, findings: Findings) -> None:
    path = fault.path
    holder: Any = node
    inside = path[0] == "extensions" and len(path) > 1
    if inside:
        holder, kind = node["extensions"], ExtensionsShape
    key = str(path[1] if inside else path[0])
    if fault.kind == "unexpected_keyword_argument":
        report_unknown_key(holder, key, KEYS[kind], findings, address=address)
        return
    span = span_at(node, path)
    form = FORMS[key]
    value = holder[key]
    last = path[-1]
    if isinstance(value, list) and isinstance(last, int):
        value = value[last]
    if value is None:
        span = holder.span_of_key(key) if isinstance(last, str) else span
        findings.report(
            "E210", f"{key} has no value", span, label="write a value, or delete the line", address=address
        )
        return
    summary, label = f"{key} {form.must}", form.label
    if key == "labels" and path[-1] == "[key]":
        summary = "a label's name must be a name"
        span = holder[key].span_of_key(str(path[1]))
    elif isinstance(value, str):
        label = (form.hint(value) if form.hint else "") or form.label
        if not form.personal and value:
            summary = f"{summary}, got {quoted(value)}"
    elif key in ("phones", "drain", "reserve", "allowed_country_codes") and isinstance(value, list):
        summary, label = f"{key} must not be empty", "at least one is needed"
    elif key != "labels":
        summary = f"{summary}, got {kind_of(value)}"
    findings.report(form.code, summary, span, label=label, address=address)
