"""Saved plans: what a reviewer approved, and whether it is what would be done now.

The file is only an assertion. Apply plans again under the lock and requires, for each of its changes, the same
action, before and after, and no further change of cause config; due renewals and recovery join. Sameness is judged
on real values, of which the file carries a keyed digest, never the values. Pure but for what is passed in.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from pnsync.errors import StalePlan
from pnsync.masking import derive, keyed_digest
from pnsync.phone import Phone
from pnsync.plan import FORMAT, VERSION, Attributes, Cause, Change, Plan, Value, canonical, digest
from pnsync.state import State

LIMIT_BYTES: Final = 256 * 1024 * 1024
NAMED: Final = 20
"""How many of the changes that moved are named."""

USED_PREFIX: Final = "plan."
"""Begins the notes that name the plans that were used."""
_HEX: Final = re.compile(r"(?:[0-9a-f]{2}){8,64}")
_SCRYPT: Final = {"n": 2**14, "r": 8, "p": 1}


@dataclass(frozen=True, slots=True)
class Keys:
    """What sameness and signatures are keyed with; `None` where there is nothing of the kind."""

    signing: bytes | None
    """From PNSYNC_PLAN_KEY."""
    state: bytes | None
    credentials: bytes | None

    def named(self) -> list[tuple[str, bytes]]:
        """The keys that plan and apply can both have, the best first."""
        found = (("plan", self.signing), ("state", self.state), ("credentials", self.credentials))
        return [(name, key) for name, key in found if key is not None]


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan file that has the right form and digest."""

    document: Mapping[str, Any]

    @property
    def changes(self) -> Sequence[Mapping[str, Any]]:
        """Its changes."""
        found: Sequence[Mapping[str, Any]] = self.document["changes"]
        return found

    @property
    def options(self) -> Mapping[str, Any]:
        """What the plan was asked for: targets, excludes, replace, destroy, permissions."""
        found: Mapping[str, Any] = self.document.get("options", {})
        return found

    @property
    def addresses(self) -> frozenset[str]:
        """The addresses that were approved."""
        return frozenset(one["address"] for one in self.changes)

    @property
    def note(self) -> str:
        """The name of the state's note that it was used."""
        return used_note(self.document["digest"])


def used_note(plan_digest: str) -> str:
    """The name of the note that a plan was used."""
    return USED_PREFIX + plan_digest.removeprefix("sha256:")[:32]


def seal(document: dict[str, Any], plan: Plan, options: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    """The document as it is saved: with its options, the keyed digests of its real values, digest and signature."""
    found = dict(document)
    found["options"] = dict(options)
    found["sameness"] = _sameness(plan.changes, keys)
    found["digest"] = digest(found)
    if keys.signing is not None:
        found["signature"] = _signature(found, keys.signing)
    return found


def read(data: bytes) -> SavedPlan:
    """A plan file, checked for form and digest. Raises StalePlan (exit 5)."""
    if len(data) > LIMIT_BYTES:
        raise _refusal("A501", "the file is larger than any plan")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise _refusal("A501", "the file is not a saved plan, or it is cut off") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise _refusal("A501", "the file is not a saved plan")
    if found.get("version") != VERSION:
        raise _refusal(
            "A502", f"its version is {_short(found.get('version'))}, and this pnsync knows {VERSION}"
        )
    try:
        good = isinstance(found["digest"], str) and _equal(digest(found), found["digest"])
        good = good and _well_formed(found)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        good = False
    if not good:
        raise _refusal("A503", "its digest does not fit its content: it was changed or damaged")
    return SavedPlan(found)


def _well_formed(found: Mapping[str, Any]) -> bool:
    """Whether every field that apply reads has its type."""
    texts = all(isinstance(found[name], str) for name in ("lineage", "made_at", "config_digest"))
    same = found.get("sameness")
    changes = found["changes"]
    each = isinstance(changes, list) and all(
        isinstance(one, dict)
        and isinstance(one["address"], str)
        and isinstance(one["action"], str)
        and isinstance(one["cause"], str)
        and isinstance(one["before"], dict | None)
        and isinstance(one["after"], dict | None)
        for one in changes
    )
    options = found.get("options")
    datetime.fromisoformat(found["made_at"])
    return (
        texts
        and each
        and isinstance(found["serial"], int)
        and isinstance(same, dict)
        and all(isinstance(same[name], str) for name in ("key", "salt", "digest"))
        and _HEX.fullmatch(same["salt"]) is not None
        and isinstance(options, dict)
    )


def check_signature(saved: SavedPlan, keys: Keys) -> None:
    """With PNSYNC_PLAN_KEY set, refuse an unsigned or wrongly signed plan."""
    if keys.signing is None:
        return
    signature = saved.document.get("signature")
    if not isinstance(signature, str):
        raise _refusal("A504", "it is not signed, and PNSYNC_PLAN_KEY is set")
    if not _equal(_signature(saved.document, keys.signing), signature):
        raise _refusal("A504", "its signature is not made with this PNSYNC_PLAN_KEY")


def check_state(saved: SavedPlan, state: State, *, exists: bool) -> None:
    """Refuse a plan of another lineage, of a later serial, or used already."""
    lineage = saved.document["lineage"]
    if lineage == "" and exists:
        raise _refusal("A505", "it was made before there was a state, and now there is one")
    if lineage not in ("", state.lineage):
        raise _refusal(
            "A505", f"it was made for lineage {_short(lineage)}, and the state's is {state.lineage}"
        )
    if saved.document["serial"] > state.serial:
        raise _refusal(
            "A506",
            f"it was made at serial {saved.document['serial']}, and the state is at {state.serial}: it went back",
        )
    if saved.note in state.notes:
        raise _refusal("A507", "it was applied already")


def check_age(saved: SavedPlan, now: float, max_age_seconds: float | None) -> None:
    """Refuse a plan older than `--max-age`."""
    if max_age_seconds is None:
        return
    made = datetime.fromisoformat(saved.document["made_at"]).timestamp()
    if now - made > max_age_seconds:
        raise _refusal(
            "A508", f"it was made at {saved.document['made_at']}, longer ago than --max-age allows"
        )


def compare(saved: SavedPlan, plan: Plan, fresh: Mapping[str, Any], keys: Keys) -> None:
    """Refuse a plan that is not what would be done now, naming what moved. `fresh` is `plan`'s document."""
    now = _numbered([(one.address, one.action.value) for one in plan.changes], plan.changes)
    shown = _numbered([(one["address"], one["action"]) for one in fresh["changes"]], fresh["changes"])
    wanted = _numbered([(one["address"], one["action"]) for one in saved.changes], saved.changes)
    moved: list[str] = []
    approved: list[Change] = []
    for key, one in wanted.items():
        change = now.get(key)
        if change is None:
            moved.append(f"{one['address']}: {one['action']} was approved, and is {_instead(one, plan)} now")
            continue
        difference = _difference(one, shown[key])
        if difference:
            moved.append(f"{one['address']}: {one['action']} was approved, and it is another one now")
            moved += [f"  {line}" for line in difference]
        approved.append(change)
    for key, change in now.items():
        if key not in wanted and change.cause is Cause.CONFIG:
            moved.append(
                f"{change.address}: {change.action.value} is due by the files now, and was not approved"
            )
    if not moved and not _same(saved.document["sameness"], approved, keys):
        moved.append("a number behind an unchanged mask is another one now")
    if moved:
        more = [f"  and {len(moved) - NAMED:,} more lines"] if len(moved) > NAMED else []
        raise _refusal(
            "A509", "planning again gives another plan:", *(f"  {one}" for one in moved[:NAMED]), *more
        )


_Key = tuple[str, str, int]
_Item = TypeVar("_Item")


def _numbered(keys: Sequence[tuple[str, str]], items: Sequence[_Item]) -> dict[_Key, _Item]:
    """Items by address and action, and by their place among equal ones: an address may lose two bindings at once."""
    seen: Counter[tuple[str, str]] = Counter()
    found: dict[_Key, _Item] = {}
    for key, item in zip(keys, items, strict=True):
        found[(*key, seen[key])] = item
        seen[key] += 1
    return found


def _instead(one: Mapping[str, Any], plan: Plan) -> str:
    found = [change.action.value for change in plan.changes if change.address == one["address"]]
    if one["action"] in found:
        return "due fewer times"
    return found[0] if found else "not due"


_MASK_END: Final = "~"
LONG: Final = 200
"""How much of a value a message shows."""


def _visible(value: Any) -> Any:
    """A shown value without the pseudonym, which depends on the key of its run."""
    if isinstance(value, str):
        return value.partition(_MASK_END)[0]
    if isinstance(value, list):
        return [_visible(one) for one in value]
    return value


def _difference(approved: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs, as a difference is written: what was approved, what would be done."""
    found: list[str] = []
    for part in ("before", "after"):
        left, right = approved[part] or {}, now[part] or {}
        for name in sorted(set(left) | set(right)):
            if _visible(left.get(name)) != _visible(right.get(name)):
                found += [
                    f"- {name} {part}: {_told(left.get(name))}",
                    f"+ {name} {part}: {_told(right.get(name))}",
                ]
    return found


def _told(value: Any) -> str:
    """A shown value in a message; of a long one its beginning."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case list():
            text = ", ".join(str(one) for one in value)
        case _:
            text = str(value)
    return text if len(text) <= LONG else f"{text[:LONG]}…"


def _sameness(changes: Sequence[Change], keys: Keys) -> dict[str, Any]:
    named = keys.named()
    salt = secrets.token_hex(16)
    name, key = named[0] if named else ("none", None)
    return {"key": name, "salt": salt, "digest": _real_digest(changes, key, salt)}


def _same(sameness: Mapping[str, Any], changes: Sequence[Change], keys: Keys) -> bool:
    name, salt, expected = sameness.get("key"), sameness.get("salt"), sameness.get("digest")
    if not isinstance(salt, str) or not isinstance(expected, str):
        return False
    available: dict[str, bytes | None] = dict(keys.named())
    if name == "none":
        key = None
    elif name in available:
        key = available[name]
    else:
        raise _refusal(
            "A510",
            "its numbers cannot be compared: it was made with a key that this run does not have",
            "Give both runs the same PNSYNC_PLAN_KEY, or the same credentials.",
        )
    return _equal(_real_digest(changes, key, salt), expected)


def _real_digest(changes: Sequence[Change], key: bytes | None, salt: str) -> str:
    """One digest over the real values of all changes.

    Without a key of our own it is made slow (scrypt), as a mask leaves few numbers to try.
    """
    parts = [salt]
    for change in sorted(changes, key=lambda one: (one.address, one.action.value)):
        parts += [change.address, change.action.value, _real(change.before), _real(change.after)]
    if key is not None:
        return keyed_digest(key, "sameness", parts)
    plain = hashlib.sha256("\x00".join(parts).encode()).digest()
    slow = hashlib.scrypt(plain, salt=bytes.fromhex(salt), dklen=32, **_SCRYPT)
    return f"scrypt:{slow.hex()}"


def _real(attributes: Attributes | None) -> str:
    plain = None if attributes is None else {name: _plain(value) for name, value in attributes.items()}
    return canonical(plain).decode()


def _plain(value: Value) -> object:
    if isinstance(value, Phone):
        return value.digits
    if isinstance(value, tuple):
        return [one.digits for one in value]
    return value


def _equal(left: str, right: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(left.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass"))


def _signature(document: Mapping[str, Any], key: bytes) -> str:
    body = {name: value for name, value in document.items() if name != "signature"}
    return "hmac-sha256:" + hmac.digest(derive(key, "signature"), canonical(body), "sha256").hex()


def _short(value: object) -> str:
    return str(value)[:32]


def _refusal(code: str, *detail: str) -> StalePlan:
    return StalePlan("the saved plan cannot be applied", *detail, command="pnsync plan --out FILE", code=code)
