"""NXCloud's wire: request bodies in the documented order, the code table, and the shapes of answers (docs/vendors.md, 1.3
to 1.8). Pure; its names are the vendor's.

Where the vendor's pages contradict each other, the rule of docs/vendors.md, 1.8, is cited by its row.
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from pnsync.interfaces import Reached
from pnsync.journal import Applied, Outcome, Unknown
from pnsync.model import NEVER, LiveBinding, LiveGroup, Mode
from pnsync.phone import Phone
from pnsync.providers import decoding
from pnsync.providers.decoding import Json, Unreadable
from pnsync.providers.replies import Code, Meaning, Reply
from pnsync.providers.scanning import Page
from pnsync.state import Entry, GroupChange, GroupEntry, Intent, Operation

Call = tuple[str, dict[str, Any]]
"""An action and the fields of its body, in order."""

CODES: Final[Mapping[int, Code]] = {
    0: Code(Meaning.OK, "success"),
    1001: Code(Meaning.VALIDATION, "a required header is missing"),
    1002: Code(Meaning.VALIDATION, "a parameter is wrong"),
    1003: Code(Meaning.AUTHENTICATION, "the signature is wrong: check the access secret"),
    1004: Code(Meaning.CLOCK, "the time stamp is more than 60 s off"),
    1005: Code(Meaning.AUTHENTICATION, "the access key is wrong or has no permission"),
    10001: Code(Meaning.VALIDATION, "phone A or phone B is empty"),
    10002: Code(Meaning.VALIDATION, "phone A equals phone B"),
    10003: Code(Meaning.AUTHENTICATION, "the account does not exist"),
    10004: Code(
        Meaning.VALIDATION, "phone A or phone B lacks the country code of X, or no X of that country is owned"
    ),
    10005: Code(Meaning.TRANSIENT, "the vendor could not read its count of bound numbers"),
    10006: Code(Meaning.TRANSIENT, "the vendor's count of bound numbers is abnormal"),
    10007: Code(Meaning.VALIDATION, "X lacks a country code"),
    10008: Code(Meaning.CAPACITY, "the account owns no numbers"),
    10009: Code(Meaning.TRANSIENT, "the vendor could not retrieve its data"),
    10010: Code(Meaning.CAPACITY, "the account's numbers are exhausted"),
    10011: Code(Meaning.PAGING, "the page size is out of range"),
    10012: Code(Meaning.PAGING, "the page is out of range"),
    10013: Code(Meaning.ABSENT, "there is no such binding"),
}
"""docs/vendors.md, 1.6."""

PAST_THE_END: Final = "10012"
_UNLISTED: Final = Code(Meaning.UNLISTED, "the vendor answered with a code that it does not document")
_SHOWN_CODES: Final = 10**6
_RECORDING: Final = 1
_EARLIEST: Final = 1_000_000_000
_LATEST: Final = 100_000_000_000
"""An expireAt between these is epoch seconds (1.8 row 6): the year 2001, and milliseconds would be later."""
_OPERATE: Final = {GroupChange.ADD: 0, GroupChange.REMOVE: 1, GroupChange.REPLACE: 2}


def encode(fields: Mapping[str, Any]) -> bytes:
    """A body as it is signed and sent: compact UTF-8, not ASCII-escaped."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def call_for(intent: Intent) -> Call:
    """The action and body of a writing call."""
    match intent.operation:
        case Operation.BIND:
            return _bind(intent)
        case Operation.UNBIND:
            assert intent.bind_id is not None
            return "unbindAXB", {"bindId": intent.bind_id}
        case Operation.CREATE_GROUP:
            assert isinstance(intent.target, GroupEntry)
            fields = {"phones": _joined(intent.group_phones or intent.target.phones)}
            fields["groupName"] = intent.target.group_name
            if intent.target.remark:
                fields["remark"] = intent.target.remark
            return "createGroup", fields
        case Operation.UPDATE_GROUP:
            assert intent.group_id and intent.group_change
            return "updateGroup", {
                "groupId": intent.group_id,
                "operateType": _OPERATE[intent.group_change],
                "phones": _joined(intent.group_phones),
            }
        case Operation.DELETE_GROUP:
            assert intent.group_id
            return "deleteGroup", {"groupId": intent.group_id}


def _bind(intent: Intent) -> Call:
    entry = intent.target
    assert isinstance(entry, Entry) and intent.expire_seconds is not None
    phone_b = None if entry.phone_b is None else entry.phone_b.digits
    flag = _RECORDING if entry.recording else None
    found: dict[str, Any]
    match entry.mode:
        case Mode.AXB:
            action = "bindAXB"
            found = {
                "phoneA": entry.phone_a.digits,
                "phoneB": phone_b,
                "customerBindId": intent.customer_bind_id,
                "expireSecond": intent.expire_seconds,
                "flag": flag,
            }
        case Mode.AXB_EXTENSION:
            assert entry.phone_x is not None and entry.extension is not None
            action = "bindAXBExtension"
            found = {
                "phoneA": entry.phone_a.digits,
                "phoneB": phone_b,
                "phoneX": entry.phone_x,
                "extension": entry.extension,  # 1.8 row 1: lower case
                "expireSecond": intent.expire_seconds,
                "customerBindId": intent.customer_bind_id,
                "flag": flag,
            }
        case Mode.AXG:
            assert entry.group_id is not None
            action = "bindAXG"
            found = {
                "phoneA": entry.phone_a.digits,
                "phoneX": asked_x(entry),
                "phoneB": phone_b,
                "groupId": entry.group_id,
                "customerBindId": intent.customer_bind_id,
                "flag": flag,
                "expireSecond": intent.expire_seconds,
            }
        case Mode.AXXB:
            raise AssertionError("NXCloud has no axxb")
    return action, {name: value for name, value in found.items() if value is not None}


def asked_x(entry: Entry) -> str | None:
    """The X that a bind of this entry asks for; None where the vendor chooses it."""
    return None if entry.x_chosen or entry.mode is Mode.AXB else entry.phone_x


def _joined(phones: tuple[Phone, ...]) -> str:
    return ",".join(one.digits for one in phones)


def reply(document: Json) -> Reply:
    """An answer's code and payload. Raises Unreadable where there is no code."""
    number = decoding.integer(document, "code")
    if number is None:
        raise Unreadable("it has no code")
    code = CODES.get(number, _UNLISTED)
    shown = str(number) if abs(number) < _SHOWN_CODES else "unlisted"
    data = document.get("data")
    # 1.8 row 4: the payload is looked for in `data`, then beside it.
    payload = {**document, **data} if isinstance(data, dict) else document
    return Reply(code.meaning, shown, code.says, decoding.request_id(document), payload)


def applied(intent: Intent, answer: Reply) -> Outcome:
    """The outcome of a call that was answered with code 0. Raises Unreadable where its payload is not one."""
    match intent.operation:
        case Operation.BIND:
            assert isinstance(intent.target, Entry)
            bind_id = decoding.required_identifier(answer.data, "bindId")
            asked = asked_x(intent.target)
            own = (intent.target.phone_a, intent.target.phone_b)
            given = decoding.digits(answer.data, "did") or asked
            if given is None:
                raise Unreadable("did is missing")
            if Phone(given) in own:  # X is shown in clear: a party's number must never pass for one
                raise Unreadable("did is a number of one of the parties")
            decoding.check_id(bind_id, [one.digits for one in own if one is not None])
            if asked is not None and given != asked:  # 1.8 row 16
                return Unknown(
                    f"X {asked} was asked for and {given} answered", answer.code, answer.request_id
                )
            return Applied(bind_id=bind_id, phone_x=given, request_id=answer.request_id)
        case Operation.CREATE_GROUP:
            group_id = decoding.required_identifier(answer.data, "groupId")
            return Applied(group_id=group_id, request_id=answer.request_id)
        case Operation.UNBIND | Operation.UPDATE_GROUP | Operation.DELETE_GROUP:
            return Applied(request_id=answer.request_id)


def binding_page(answer: Reply) -> Page:
    """A page of getAXBList. Raises Unreadable."""
    return _page(answer, "bindList", "bind_list")  # 1.8 row 3


def group_page(answer: Reply) -> Page:
    """A page of listGroup. Raises Unreadable."""
    return _page(answer, "groups")


def _page(answer: Reply, *names: str) -> Page:
    if answer.meaning is Meaning.PAGING:
        return Page((), past_end=True)
    total = decoding.total(answer.data, "total")
    if total != 0 and not any(name in answer.data for name in names):
        raise Unreadable(f"{names[0]} is missing")
    return Page(decoding.records(answer.data, *names), total)


def binding(provider: str, row: Any, flaws: Counter[str]) -> tuple[str, LiveBinding]:
    """A row of bindList with its id. A wrong expiry (1.8 row 6) or X is a flaw and leaves it unknown; else Unreadable."""
    if not isinstance(row, dict):
        raise Unreadable("the row is not an object")
    bind_id = decoding.required_identifier(row, "bindId")
    phone_a, phone_b = decoding.required_digits(row, "phoneA"), decoding.digits(row, "phoneB")
    decoding.check_id(bind_id, (phone_a, phone_b))
    flag = decoding.integer(row, "flag")
    found = LiveBinding(
        provider=provider,
        bind_id=bind_id,
        phone_a=Phone(phone_a),
        phone_b=None if phone_b is None else Phone(phone_b),
        phone_x=decoding.number_between(row, "did", (phone_a, phone_b), flaws),
        extension=_extension(row),
        customer_bind_id=decoding.text(row, "customerBindId") or None,
        recording=None if flag is None else bool(flag & _RECORDING),
        expires_at=_expiry(row, flaws),
    )
    return bind_id, found


def _extension(row: Json) -> str | None:
    value = decoding.first(row, "extension", "Extension")  # 1.8 row 1
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**6:
        return str(value).zfill(3)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 6:
        return value
    raise Unreadable("extension is not a number of digits")


def _expiry(row: Json, flaws: Counter[str]) -> int | None:
    try:
        value = decoding.integer(row, "expireAt")
    except Unreadable as error:
        flaws[str(error)] += 1
        return None
    if value == 0:
        return NEVER
    if value is not None and _EARLIEST < value < _LATEST:
        return value
    flaws["expireAt is not an instant"] += 1
    return None


def group(provider: str, row: Any, _: Counter[str]) -> tuple[str, LiveGroup]:
    """A row of listGroup with its id. Raises Unreadable."""
    if not isinstance(row, dict):
        raise Unreadable("the row is not an object")
    group_id = decoding.required_identifier(row, "groupId")
    phones: list[Phone] = []
    for one in decoding.text(row, "phones").split(","):
        bare = one.strip().removeprefix("+")
        if not bare:
            continue
        phones.append(Phone(decoding.required_digits({"phones": bare}, "phones")))
    found = LiveGroup(
        provider=provider,
        group_id=group_id,
        name=decoding.text(row, "groupName") or group_id,
        phones=tuple(phones),
        remark=decoding.text(row, "remark"),
    )
    return group_id, found


def reached(answer: Reply) -> Reached:
    """What queryAXB says. Raises Unreadable."""
    if answer.meaning is not Meaning.OK:
        return Reached(None, reason=answer.says, request_id=answer.request_id)
    callee = decoding.digits(answer.data, "callee")
    flag = decoding.integer(answer.data, "flag")
    return Reached(
        None if callee is None else Phone(callee),
        reason="" if callee else "the switch names nobody",
        recording=None if flag is None else bool(flag & _RECORDING),
        request_id=answer.request_id,
    )
