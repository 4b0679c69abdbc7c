"""The JSON form of what a state holds: entries, attempts, resting numbers; written by hand, as 100,000 load in a command.

Values that are a dataclass's default are left out, so that lines stay short; keys stand sorted. Instants people
look for are RFC 3339 texts, `never`, or null where not known. Every phone passes through a `PhoneCodec`, the one
place where numbers can be sealed. Decoding checks the types of its input (kinds.py), and raises KeyError, TypeError or
ValueError for what is not as it was written.
"""

from collections.abc import Callable
from dataclasses import field, fields, make_dataclass
from datetime import UTC, datetime
from functools import lru_cache
from types import NoneType
from typing import Any, cast

from pnsync.model import NEVER, BindKey, Holds, Lifetime, Mode
from pnsync.phone import Phone
from pnsync.state import (
    Account,
    Entry,
    Failure,
    GroupChange,
    GroupEntry,
    Intent,
    Operation,
    Pending,
    Resting,
    Standing,
    Superseded,
)
from pnsync.statefile import kinds
from pnsync.statefile.kinds import MOST, texts, typed
from pnsync.statefile.phonecodec import Json, PhoneCodec


@lru_cache(maxsize=4096)
def _hour(hour: int) -> str:
    return datetime.fromtimestamp(hour * 3600, UTC).strftime("%Y-%m-%dT%H:")


def instant(at: int) -> str | int:
    """An instant as people read it; outside the calendar the bare number."""
    if 0 <= at < NEVER:
        hour, rest = divmod(at, 3600)
        return f"{_hour(hour)}{rest // 60:02}:{rest % 60:02}Z"
    return "never" if at == NEVER else at


def at_instant(value: Any) -> int:
    """The epoch seconds of an instant's JSON form. Raises ValueError for what is none."""
    if isinstance(value, str):
        return NEVER if value == "never" else int(datetime.fromisoformat(value).timestamp())
    if not isinstance(value, int | float) or not -MOST < value < MOST:
        raise ValueError("not an instant")
    return int(value)


def maybe_instant(value: Any) -> int | None:
    """The same where null stands for not known."""
    return None if value is None else at_instant(value)


@lru_cache(maxsize=1024, typed=True)  # False is 0 to a dictionary, and must not be found for it
def _lifetime(lease: Any, until: Any, renew_before: Any, keep: Any) -> Lifetime:
    if type(lease) not in (int, NoneType) or type(renew_before) is not int or type(keep) is not bool:
        raise TypeError("not a lifetime")
    return Lifetime(lease, maybe_instant(until), renew_before, keep)


def encode_lifetime(lifetime: Lifetime) -> Json:
    """A lifetime's JSON form."""
    made: Json = {}
    if not lifetime.keep:
        made["keep"] = False
    if lifetime.lease_seconds is not None:
        made["lease_seconds"] = lifetime.lease_seconds
    if lifetime.renew_before_seconds:
        made["renew_before_seconds"] = lifetime.renew_before_seconds
    if lifetime.until is not None:
        made["until"] = instant(lifetime.until)
    return made


def encode_entry(entry: Entry | GroupEntry, address: str, seal: PhoneCodec) -> Json:
    """An entry's JSON form; a binding has a `mode`, a group `holds`."""
    if isinstance(entry, GroupEntry):
        return _encode_group(entry, address, seal)
    made: Json = {}
    if entry.bind_id is not None:
        made["bind_id"] = entry.bind_id
    if entry.bound_at is not None:
        made["bound_at"] = instant(entry.bound_at)
    if entry.customer_bind_id is not None:
        made["customer_bind_id"] = entry.customer_bind_id
    if entry.declared_id is not None:
        made["declared_id"] = entry.declared_id
    if entry.down_since is not None:
        made["down_since"] = instant(entry.down_since)
    made["expires_at"] = None if entry.expires_at is None else instant(entry.expires_at)
    if entry.extension is not None:
        made["extension"] = entry.extension
    if entry.extension_auto:
        made["extension_auto"] = True
    if entry.file is not None:
        made["file"] = entry.file
    made["generation"] = entry.generation
    if entry.group is not None:
        made["group"] = entry.group
    if entry.group_id is not None:
        made["group_id"] = entry.group_id
    if entry.labels:
        made["labels"] = entry.labels
    made["lifetime"] = encode_lifetime(entry.lifetime)
    made["mode"] = entry.mode.value
    made["phone_a"] = seal.encode(entry.phone_a, address, "phone_a")
    if entry.phone_b is not None:
        made["phone_b"] = seal.encode(entry.phone_b, address, "phone_b")
    if entry.phone_x is not None:
        made["phone_x"] = entry.phone_x
    if entry.phone_x_b is not None:
        made["phone_x_b"] = entry.phone_x_b
    if entry.pool_number is not None:
        made["pool_number"] = entry.pool_number
    if entry.protect:
        made["protect"] = True
    made["provider"] = entry.provider
    if entry.recording:
        made["recording"] = True
    if entry.x_chosen:
        made["x_chosen"] = True
    if entry.x_group is not None:
        made["x_group"] = entry.x_group
    return made


def _encode_group(entry: GroupEntry, address: str, seal: PhoneCodec) -> Json:
    made: Json = {} if entry.changed_at is None else {"changed_at": instant(entry.changed_at)}
    if entry.file is not None:
        made["file"] = entry.file
    made["group_id"] = entry.group_id
    made["group_name"] = entry.group_name
    made["holds"] = entry.holds.value
    made["phones"] = [seal.encode(one, address, "phones") for one in entry.phones]
    if entry.protect:
        made["protect"] = True
    made["provider"] = entry.provider
    if entry.remark:
        made["remark"] = entry.remark
    return made


_MODES = {one.value: one for one in Mode}
_INSTANTS = ("bound_at", "expires_at", "down_since")

# An Entry under construction: the same slots, not frozen. A frozen dataclass sets each field through
# object.__setattr__, which is 2.6 µs an entry; this takes 0.5, and its instances become entries by their class.
_Draft: Any = make_dataclass(
    "_Draft",
    [(one.name, Any, field(default=one.default)) for one in fields(Entry)],
    slots=True,
    eq=False,
    repr=False,
)


def decode_entry(made: Json, address: str, seal: PhoneCodec) -> Entry | GroupEntry:
    """The entry of its JSON form, which is used up."""
    mode = made.get("mode")
    if mode is None:
        return _decode_group(made, address, seal)
    typed(made, kinds.ENTRY)
    made["mode"] = _MODES[mode]
    made["phone_a"] = seal.decode(made["phone_a"], address, "phone_a")
    made["phone_b"] = _phone_or_none(made.get("phone_b"), address, "phone_b", seal)
    life = made["lifetime"].get
    made["lifetime"] = _lifetime(
        life("lease_seconds"), life("until"), life("renew_before_seconds", 0), life("keep", True)
    )
    for name in _INSTANTS:
        at = made.get(name)
        if at is not None:
            made[name] = at_instant(at)
    if "labels" in made:
        made["labels"] = tuple((key, value) for key, value in map(texts, made["labels"]))
    entry = _Draft(**made)
    entry.__class__ = Entry
    return cast(Entry, entry)


def _decode_group(made: Json, address: str, seal: PhoneCodec) -> GroupEntry:
    typed(made, kinds.GROUP)
    made["phones"] = tuple(seal.decode(one, address, "phones") for one in made["phones"])
    made["holds"] = Holds(made["holds"])
    made["changed_at"] = maybe_instant(made.get("changed_at"))
    return GroupEntry(**made)


def _present(**values: Any) -> Json:
    """The values that are given: neither None nor an empty list."""
    return {key: value for key, value in values.items() if value is not None and value not in ((), [])}


def _phone_or_none(text: str | None, address: str, name: str, seal: PhoneCodec) -> Phone | None:
    return None if text is None else seal.decode(text, address, name)


def key_text(key: BindKey) -> str:
    """`provider/bind id`: a provider's name holds no slash."""
    return "/".join(key)


def key_of(text: str) -> BindKey:
    """The key of its text. Raises ValueError where it names no provider."""
    provider, bind_id = text.split("/", 1)
    return provider, bind_id


def encode_superseded(one: Superseded, seal: PhoneCodec) -> Json:
    """An old half's JSON form."""
    made = _present(
        address=one.address,
        bind_id=one.bind_id,
        customer_bind_id=one.customer_bind_id,
        extension=one.extension,
        group=one.group,
        phone_a=seal.encode(one.phone_a, one.address, "phone_a"),
        phone_b=None if one.phone_b is None else seal.encode(one.phone_b, one.address, "phone_b"),
        phone_x=one.phone_x,
        provider=one.provider,
    )
    made["expires_at"] = None if one.expires_at is None else instant(one.expires_at)
    return dict(sorted(made.items()))


def decode_superseded(made: Json, seal: PhoneCodec) -> Superseded:
    """The old half of its JSON form."""
    typed(made, kinds.SUPERSEDED)
    address = made["address"]
    return Superseded(
        address=address,
        provider=made["provider"],
        bind_id=made["bind_id"],
        phone_a=seal.decode(made["phone_a"], address, "phone_a"),
        phone_b=_phone_or_none(made.get("phone_b"), address, "phone_b", seal),
        phone_x=made.get("phone_x"),
        extension=made.get("extension"),
        customer_bind_id=made.get("customer_bind_id"),
        expires_at=maybe_instant(made["expires_at"]),
        group=made.get("group"),
    )


def encode_intent(one: Intent, seal: PhoneCodec) -> Json:
    """An attempt's JSON form."""
    return _present(
        address=one.address,
        adoptable_until=one.adoptable_until,
        attempt=one.attempt,
        bind_id=one.bind_id,
        customer_bind_id=one.customer_bind_id,
        expire_seconds=one.expire_seconds,
        group_change=one.group_change and one.group_change.value,
        group_id=one.group_id,
        group_phones=[seal.encode(phone, one.address, "group_phones") for phone in one.group_phones],
        known_ids=one.known_ids,
        latest_at=one.latest_at,
        not_before=one.not_before,
        operation=one.operation.value,
        provider=one.provider,
        replaces=one.replaces,
        signed_at=one.signed_at,
        target=None if one.target is None else encode_entry(one.target, one.address, seal),
        unbinds=None if one.unbinds is None else encode_superseded(one.unbinds, seal),
    )


def decode_intent(made: Json, seal: PhoneCodec) -> Intent:
    """The attempt of its JSON form."""
    typed(made, kinds.INTENT)
    address, change = made["address"], made.get("group_change")
    target, unbinds = made.get("target"), made.get("unbinds")
    return Intent(
        attempt=made["attempt"],
        address=address,
        operation=Operation(made["operation"]),
        provider=made["provider"],
        signed_at=made["signed_at"],
        latest_at=made["latest_at"],
        not_before=made["not_before"],
        adoptable_until=made["adoptable_until"],
        target=None if target is None else decode_entry(target, address, seal),
        bind_id=made.get("bind_id"),
        customer_bind_id=made.get("customer_bind_id"),
        expire_seconds=made.get("expire_seconds"),
        group_id=made.get("group_id"),
        group_change=None if change is None else GroupChange(change),
        group_phones=tuple(seal.decode(one, address, "group_phones") for one in made.get("group_phones", ())),
        known_ids=texts(made.get("known_ids", [])),
        replaces=made.get("replaces"),
        unbinds=None if unbinds is None else decode_superseded(unbinds, seal),
    )


def encode_pending(one: Pending, seal: PhoneCodec) -> Json:
    """An unsettled attempt's JSON form."""
    made: Json = {"intent": encode_intent(one.intent, seal)}
    if one.reason:
        made["reason"] = one.reason
    if one.request_id:
        made["request_id"] = one.request_id
    made["standing"] = one.standing.value
    if one.vendor_code:
        made["vendor_code"] = one.vendor_code
    return made


def decode_pending(made: Json, seal: PhoneCodec) -> Pending:
    """The unsettled attempt of its JSON form."""
    typed(made, kinds.PENDING)
    return Pending(
        intent=decode_intent(made["intent"], seal),
        standing=Standing(made["standing"]),
        reason=made.get("reason", ""),
        vendor_code=made.get("vendor_code", ""),
        request_id=made.get("request_id", ""),
    )


def encode_resting(one: Resting, seal: PhoneCodec) -> Json:
    """A resting number's JSON form."""
    return _present(
        address=one.address,
        extension=one.extension,
        party=None if one.party is None else seal.encode(one.party, one.address, "party"),
        phone_x=one.phone_x,
        provider=one.provider,
        until=instant(one.until),
    )


def decode_resting(made: Json, seal: PhoneCodec) -> Resting:
    """The resting number of its JSON form."""
    typed(made, kinds.RESTING)
    return Resting(
        provider=made["provider"],
        phone_x=made["phone_x"],
        address=made["address"],
        until=at_instant(made["until"]),
        extension=made.get("extension"),
        party=_phone_or_none(made.get("party"), made["address"], "party", seal),
    )


def encode_account(one: Account) -> Json:
    """An account's JSON form."""
    return {"fingerprint": one.fingerprint, "host": one.host}


def decode_account(made: Json) -> Account:
    """The account of its JSON form."""
    typed(made, kinds.ACCOUNT)
    return Account(host=made["host"], fingerprint=made["fingerprint"])


def encode_failure(one: Failure) -> Json:
    """A failure's JSON form."""
    return {"code": one.code, "count": one.count, "since": instant(one.since)}


def decode_failure(made: Json) -> Failure:
    """The failure of its JSON form."""
    typed(made, kinds.FAILURE)
    return Failure(since=at_instant(made["since"]), count=made["count"], code=made["code"])


def scrubbed(value: Any) -> Any:
    """The same JSON value with lone surrogates replaced, which a vendor's text may hold and UTF-8 cannot."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {scrubbed(key): scrubbed(one) for key, one in value.items()}
        case list() | tuple():
            return [scrubbed(one) for one in value]
        case _:
            return value


def serialise(to_json: Callable[[Any], bytes], value: Any) -> bytes:
    """Compact UTF-8 JSON of a value; never fails over a vendor's text."""
    try:
        return to_json(value)
    except ValueError:
        return to_json(scrubbed(value))
