"""LAAFFIC's wire: request bodies in the documented order, the status table, and the shapes of answers (docs/vendors.md, 2.3
to 2.7). Pure; its names are the vendor's.

Where the vendor's pages contradict each other, the rule of docs/vendors.md, 2.7, is cited by its row.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from pnsync.journal import Applied, Outcome
from pnsync.model import LiveBinding, LivePool, Mode
from pnsync.phone import Phone
from pnsync.providers import decoding
from pnsync.providers.decoding import Json, Unreadable
from pnsync.providers.laaffic.expiry import parse_expiry
from pnsync.providers.replies import Code, Meaning, Reply
from pnsync.providers.scanning import Page
from pnsync.state import Entry, Intent, Operation

Call = tuple[str, dict[str, Any]]
"""A path below the base and the fields of its body, in order."""

BIND: Final = "pns/bind"
UNBIND: Final = "pns/unbind"  # 2.7 row 1
LIST: Final = "pns/queryBindPage"
POOLS: Final = "queryNumberPool"

CODES: Final[Mapping[int, Code]] = {
    0: Code(Meaning.OK, "success"),
    -1: Code(Meaning.AUTHENTICATION, "authentication failed: check the API key and secret"),
    -2: Code(Meaning.AUTHENTICATION, "this machine's IP address is restricted"),
    -10: Code(Meaning.CAPACITY, "the account's balance is insufficient"),
    -13: Code(Meaning.AUTHENTICATION, "the user is locked"),
    -15: Code(Meaning.RATE, "the vendor asks for fewer calls"),
    -16: Code(Meaning.CLOCK, "the time stamp has expired"),
    -18: Code(Meaning.TRANSIENT, "the vendor's system is at fault"),
    -20: Code(Meaning.CONFLICT, "the data exist already"),
    -21: Code(Meaning.VALIDATION, "the data are not valid"),
    -22: Code(Meaning.VALIDATION, "a parameter is wrong"),
    -23: Code(Meaning.CAPACITY, "the account's limit of data is reached"),
    -24: Code(Meaning.ABSENT, "there is no such binding"),
    -25: Code(Meaning.VALIDATION, "the time range is outside what is allowed"),
    -29: Code(Meaning.AUTHENTICATION, "the workspace is disabled"),
    -30: Code(Meaning.AUTHENTICATION, "the API key is disabled"),
    -31: Code(Meaning.AUTHENTICATION, "this machine's IP address is not in the account's list"),
    -32: Code(Meaning.AUTHENTICATION, "the API key is not allowed for this app"),
    -35: Code(Meaning.CONFLICT, "a binding of phone A or of phone B exists already"),
    -41: Code(Meaning.CAPACITY, "no middle number is available"),
}
"""docs/vendors.md, 2.5."""

_UNLISTED: Final = Code(Meaning.UNLISTED, "the vendor answered with a status that it does not document")
_SHOWN_CODES: Final = 10**6
_BIND_ID: Final = re.compile(r"0*([1-9][0-9]{0,31})", re.ASCII)
_BIZ_TYPE: Final = {Mode.AXB: 1, Mode.AXXB: 2}


def encode(fields: Mapping[str, Any]) -> bytes:
    """A body as it is sent: compact UTF-8, not ASCII-escaped."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def call_for(intent: Intent, app_id: str) -> Call:
    """The path and body of a writing call."""
    match intent.operation:
        case Operation.BIND:
            entry = intent.target
            assert isinstance(entry, Entry) and entry.phone_b is not None and entry.pool_number is not None
            assert intent.expire_seconds
            return BIND, {
                "phoneA": entry.phone_a.digits,
                "phoneB": entry.phone_b.digits,
                "poolNumber": entry.pool_number,
                "expireS": intent.expire_seconds,
                "bizType": _BIZ_TYPE[entry.mode],
                "appId": app_id,
            }
        case Operation.UNBIND:
            assert intent.bind_id is not None
            return UNBIND, {"bindId": intent.bind_id, "appId": app_id}  # 2.7 row 3: as text
        case _:
            raise AssertionError("LAAFFIC has no groups")


def page_fields(current: int, size: int, app_id: str | None) -> dict[str, Any]:
    """The body of a listing call; `params` is always an object (2.7 row 9). Pages count from 1."""
    return {"current": current, "size": size, "params": {} if app_id is None else {"appId": app_id}}


def reply(document: Json) -> Reply:
    """An answer's status and payload. Raises Unreadable where there is no status."""
    number = decoding.integer(document, "status")
    if number is None:
        raise Unreadable("it has no status")
    code = CODES.get(number, _UNLISTED)
    shown = str(number) if abs(number) < _SHOWN_CODES else "unlisted"
    return Reply(
        code.meaning, shown, code.says, decoding.request_id(document), decoding.part(document, "data")
    )


def bind_id(row: Json) -> str:
    """A bindId as canonical decimal text, whether the vendor wrote a number or text (2.7 row 3). Raises Unreadable."""
    value = row.get("bindId")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**32:
        value = str(value)
    if value is None or value == "":
        raise Unreadable("bindId is missing")
    found = _BIND_ID.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Unreadable("bindId is not a decimal number")
    return found[1]


def applied(intent: Intent, answer: Reply) -> Outcome:
    """The outcome of a call that was answered with status 0. Raises Unreadable where its payload is not one."""
    if intent.operation is Operation.UNBIND:
        return Applied(request_id=answer.request_id)
    number_a = decoding.required_digits(answer.data, "pnsNumberA")
    number_b = decoding.required_digits(answer.data, "pnsNumberB")
    assert isinstance(intent.target, Entry)
    own = (intent.target.phone_a, intent.target.phone_b)
    if set(own) & {Phone(number_a), Phone(number_b)}:
        # X is shown in clear: a party's number must never pass for one
        raise Unreadable("pnsNumberA or pnsNumberB is a number of one of the parties")
    one_id = bind_id(answer.data)
    decoding.check_id(one_id, [one.digits for one in own if one is not None])
    return Applied(
        bind_id=one_id,
        phone_x=number_a,
        phone_x_b=None if number_a == number_b else number_b,
        request_id=answer.request_id,
    )


def page(answer: Reply) -> Page:
    """A page of a listing. Raises Unreadable."""
    total = decoding.total(answer.data, "total")
    if total != 0 and "records" not in answer.data:
        raise Unreadable("records is missing")
    return Page(decoding.records(answer.data, "records"), total, decoding.total(answer.data, "pages"))


def binding(provider: str, row: Any, flaws: Counter[str]) -> tuple[str, LiveBinding]:
    """A row of queryBindPage with its id. Raises Unreadable.

    An expiry that cannot be read is kept as not known, and is a flaw: never "expired" (2.7 row 4); so is an X that
    is a party's number.
    """
    if not isinstance(row, dict):
        raise Unreadable("the row is not an object")
    one_id = bind_id(row)
    expiry = parse_expiry(row.get("expireTime"))
    if expiry.instant is None and expiry.naive is None:
        flaws["expireTime is not an instant"] += 1
    phone_a, phone_b = decoding.required_digits(row, "phoneA"), decoding.digits(row, "phoneB")
    parties = (phone_a, phone_b)
    decoding.check_id(one_id, parties)
    number_a = decoding.number_between(row, "pnsNumberA", parties, flaws)
    number_b = decoding.number_between(row, "pnsNumberB", parties, flaws)
    found = LiveBinding(
        provider=provider,
        bind_id=one_id,
        phone_a=Phone(phone_a),
        phone_b=None if phone_b is None else Phone(phone_b),
        phone_x=number_a,
        phone_x_b=None if number_b == number_a else number_b,
        expires_at=expiry.instant,
        naive_expiry=expiry.naive,
    )
    return one_id, found


def pool(provider: str, row: Any, _: Counter[str]) -> tuple[str, LivePool]:
    """A row of queryNumberPool with its number. Raises Unreadable."""
    if not isinstance(row, dict):
        raise Unreadable("the row is not an object")
    number = decoding.text(row, "poolNumber")
    if not number or len(number) > 20:
        raise Unreadable("poolNumber is not one")
    numbers = tuple(
        decoding.required_digits({"numberList": one}, "numberList")
        for one in decoding.records(row, "numberList")
    )
    return number, LivePool(provider, number, numbers)
