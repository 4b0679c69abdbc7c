"""What two sets of files declare differently: bindings, groups, and all that stands in the root; with its JSON form.

Promises: says nothing of what a vendor or a state holds; a real number is shown by its mask; a change of a default is
told once, with the bindings that it reaches, and not again for each of them. Where numbers stand apart, bindings are
compared by the names they use, so that no key is needed; what a plain file of numbers says otherwise is told beside them,
of a sealed one only that it changed. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import Any, Final

from pnsync import yamlfile
from pnsync.config import Source
from pnsync.config.findings import Findings
from pnsync.config.numbers import STAND_IN_DIGITS, is_number_name, stand_in
from pnsync.config.opening import sealed
from pnsync.config.scalars import phone_digits
from pnsync.config.sources import LIMIT_BYTES
from pnsync.config.tables import SUFFIX, Tables
from pnsync.masking import Masker
from pnsync.model import Binding, Desired, Group, Holds, Lifetime
from pnsync.phone import Phone
from pnsync.plan import duration, instant

FORMAT: Final = "pnsync-diff"
VERSION: Final = 1
_OF_BINDING: Final = tuple(
    one.name
    for one in fields(Binding)
    if one.name
    not in ("name", "span", "lifetime", "x_group", "extension_auto", "phone_a_name", "phone_b_name")
)
_OF_GROUP: Final = tuple(one.name for one in fields(Group) if one.name not in ("name", "span", "named"))
_INHERITED: Final = (
    "provider",
    "mode",
    "pool_number",
    "recording",
    "protect",
    "keep",
    "expires_in",
    "renew_before",
    "labels",
)


@dataclass(frozen=True, slots=True)
class Reached:
    """A default that changed: the file it holds in, its values as written, and the bindings that changed by it.

    Those of a CSV file stand in its entry under `tables`.
    """

    file: str
    key: str
    before: str | None
    after: str | None
    bindings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """An address that is declared on one side only, or otherwise: the values that differ, by name."""

    address: str
    action: str
    """`added`, `removed`, `changed` or `moved`."""
    before: Mapping[str, object] = field(default_factory=dict)
    after: Mapping[str, object] = field(default_factory=dict)
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """What a file of numbers says otherwise: of a name, with the bindings that use it; without one, of a sealed file."""

    file: str
    action: str
    """`changed`, and of sealed files `added` or `removed`."""
    name: str | None = None
    before: Phone | None = None
    after: Phone | None = None
    bindings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that differs. `defaults` explains some of `changed`, which names each binding all the same."""

    changed: tuple[Changed, ...]
    defaults: tuple[Reached, ...]
    settings: tuple[str, ...]
    """What of the root differs: `providers.nx`, `policy`, `schedule`, `state`, `lineage`."""
    unchanged: int
    numbers: tuple[Number, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    """The names of numbers in groups, by the digits that stand in for them."""


Numbers = Mapping[str, str] | bytes
"""A file of numbers: names and digits, or the digest of a sealed one."""


@dataclass(frozen=True, slots=True)
class Written:
    """What the files say themselves: each file's defaults, for each binding its file and its own keys, and the numbers."""

    root: str
    defaults: Mapping[str, Mapping[str, str]]
    own: Mapping[str, tuple[str, frozenset[str]]]
    numbers: Mapping[str, Numbers] = field(default_factory=dict, repr=False)
    names: Mapping[str, str] = field(default_factory=dict)


def written(source: Source, desired: Desired) -> Written:
    """The defaults and own keys of files that were loaded from a source."""
    defaults: dict[str, dict[str, str]] = {}
    own: dict[str, tuple[str, frozenset[str]]] = {}
    names: dict[str, str] = {}
    numbers: dict[str, Numbers] = {}
    limits = yamlfile.Limits()
    tables: Tables | None = None
    for file in desired.files:
        data = source.read(file, LIMIT_BYTES)
        if tables is not None and file.endswith(SUFFIX):
            table = tables.read(data, file, limits)
            node = None if table is None else table.node
        else:
            node, _ = yamlfile.load(data, file, limits)
        if node is None:
            continue
        if file == desired.root:
            tables = Tables(node, Findings())
        said = node.get("defaults")
        if isinstance(said, yamlfile.Mapping):
            defaults[file] = {key: said.written(key) for key in said if key in _INHERITED}
        holder = node.get("bindings")
        for name, one in holder.items() if isinstance(holder, yamlfile.Mapping) else ():
            if isinstance(one, yamlfile.Mapping):
                own[name] = (file, frozenset(one))
        groups = node.get("groups")
        for one in groups.values() if isinstance(groups, yamlfile.Mapping) else ():
            phones = one.get("phones") if isinstance(one, yamlfile.Mapping) else None
            for text in phones if isinstance(phones, yamlfile.Sequence) else ():
                if is_number_name(text):
                    names[stand_in(str(text))[-STAND_IN_DIGITS:]] = str(text)
        if file == desired.root:
            numbers = _numbers(source, node.get("numbers"))
    return Written(desired.root, defaults, own, numbers, names)


def _numbers(source: Source, patterns: yamlfile.Node) -> dict[str, Numbers]:
    found: dict[str, Numbers] = {}
    for pattern in patterns if isinstance(patterns, yamlfile.Sequence) else [patterns]:
        for file in source.glob(pattern) if isinstance(pattern, str) else ():
            data = source.read(file, LIMIT_BYTES)
            if sealed(data, file):
                found[file] = sha256(data).digest()
                continue
            node, _ = yamlfile.load(data, file, yamlfile.Limits())
            said = {} if node is None else node
            found[file] = {name: phone_digits(one) for name, one in said.items() if isinstance(one, str)}
    return found


def compare(before: Desired, after: Desired, said_before: Written, said_after: Written) -> Difference:
    """What `after` declares otherwise than `before`."""
    moved = {one.source: one.target for one in after.moved}
    changed: list[Changed] = []
    unchanged = 0
    sides: tuple[tuple[Mapping[str, Any], Mapping[str, Any], Callable[[Any], dict[str, object]]], ...] = (
        (before.bindings, after.bindings, binding_values),
        (before.groups, after.groups, group_values),
    )
    for old_side, new_side, values in sides:
        olds = {one.address: one for one in old_side.values()}
        news = {one.address: one for one in new_side.values()}
        renamed = {
            new: old
            for old, new in moved.items()
            if old in olds and old not in news and new in news and new not in olds
        }
        for address, new in news.items():
            old = olds.get(renamed.get(address, address))
            if old is None:
                changed.append(_changed(address, "added", {}, values(new), new))
                continue
            was, now = values(old), values(new)
            names = [name for name in {**was, **now} if was.get(name) != now.get(name)]
            if names or address in renamed:
                action = "moved" if address in renamed and not names else "changed"
                first = {name: was.get(name) for name in names} | (
                    {"name": old.name} if address in renamed else {}
                )
                second = {name: now.get(name) for name in names} | (
                    {"name": new.name} if address in renamed else {}
                )
                changed.append(_changed(address, action, first, second, new))
            else:
                unchanged += 1
        for address, old in olds.items():
            if address not in news and address not in renamed.values():
                changed.append(_changed(address, "removed", values(old), {}, old))
    return Difference(
        tuple(changed),
        _reached(changed, said_before, said_after),
        _settings(before, after),
        unchanged,
        _numbers_changed(after, said_before.numbers, said_after.numbers),
        {**said_before.names, **said_after.names},
    )


def _numbers_changed(
    after: Desired, before: Mapping[str, Numbers], now: Mapping[str, Numbers]
) -> tuple[Number, ...]:
    """What files of numbers say otherwise. A plain one on one side only says nothing: Git does not keep those."""
    users: dict[str, list[str]] = {}
    for one in after.bindings.values():
        for name in {one.phone_a_name, one.phone_b_name} - {None}:
            users.setdefault(str(name), []).append(one.address)
    found: list[Number] = []
    for file in sorted({*before, *now}):
        old, new = before.get(file), now.get(file)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += [
                Number(file, "changed", name, Phone(old[name]), Phone(digits), tuple(users.get(name, ())))
                for name, digits in new.items()
                if old.get(name, digits) != digits
            ]
        elif old != new and (isinstance(old, bytes) or isinstance(new, bytes)):
            found.append(Number(file, "added" if old is None else "removed" if new is None else "changed"))
    return tuple(found)


def _changed(
    address: str, action: str, before: Mapping[str, object], after: Mapping[str, object], one: Binding | Group
) -> Changed:
    span = one.span
    return Changed(address, action, before, after, span.file if span else None, span.line if span else None)


def _reached(changed: list[Changed], before: Written, after: Written) -> tuple[Reached, ...]:
    """The defaults that changed, each with the bindings that took it and changed in it."""
    found: list[Reached] = []
    files = [*after.defaults, *(one for one in before.defaults if one not in after.defaults)]
    for file in files:
        old, new = before.defaults.get(file, {}), after.defaults.get(file, {})
        for key in _INHERITED:
            if old.get(key) != new.get(key):
                names = [one.address for one in changed if _takes(one, file, key, before, after)]
                found.append(Reached(file, key, old.get(key), new.get(key), tuple(names)))
    return tuple(found)


def _takes(one: Changed, file: str, key: str, before: Written, after: Written) -> bool:
    """Whether a changed binding has the value of a key from the defaults of a file, on both sides."""
    if one.action != "changed" or (key not in one.before and key not in one.after):
        return False
    name = one.address.partition(".")[2]
    for said in (before, after):
        place, own = said.own.get(name, ("", frozenset()))
        inner = key in said.defaults.get(place, {})
        if key in own or file not in (place, said.root) or (file != place and inner):
            return False
    return True


def _settings(before: Desired, after: Desired) -> tuple[str, ...]:
    names = [
        f"providers.{name}"
        for name in {**before.providers, **after.providers}
        if _without_span(before.providers.get(name)) != _without_span(after.providers.get(name))
    ]
    names += [
        name for name in ("policy", "schedule", "lineage") if getattr(before, name) != getattr(after, name)
    ]
    if _without_span(before.state) != _without_span(after.state):
        names.append("state")
    return tuple(names)


def _without_span(one: Any) -> object:
    return None if one is None else [getattr(one, name.name) for name in fields(one) if name.name != "span"]


def binding_values(one: Binding) -> dict[str, object]:
    """What a binding declares, by the names that the files use; what it does not declare is left out."""
    found = {name: getattr(one, name) for name in _OF_BINDING}
    found["enabled"] = None if one.enabled else False
    for name in ("recording", "protect"):
        found[name] = found[name] or None
    for name, said in (("phone_a", one.phone_a_name), ("phone_b", one.phone_b_name)):
        found[name] = found[name] if said is None else said
    if one.x_group is not None:
        found["phone_x"] = f"{{group: {one.x_group}}}"
    if one.extension_auto:
        found["extension"] = "auto"
    found["labels"] = ", ".join(f"{key}={value}" for key, value in one.labels) or None
    found |= _lifetime(one.lifetime)
    return {name: value for name, value in found.items() if value is not None}


def _lifetime(one: Lifetime) -> dict[str, object]:
    return {
        "expires_in": "never" if one.never else duration(one.lease_seconds) if one.lease_seconds else None,
        "expires_at": None if one.until is None else instant(one.until),
        "renew_before": duration(one.renew_before_seconds) if one.keep and one.renew_before_seconds else None,
        "keep": None if one.keep else False,
    }


def group_values(one: Group) -> dict[str, object]:
    """What a group declares; people as phones, numbers in full."""
    found: dict[str, object] = {name: getattr(one, name) for name in _OF_GROUP}
    if one.phones is not None and one.holds is Holds.NUMBERS:
        found["phones"] = ", ".join(phone.digits for phone in one.phones)
    found["protect"] = one.protect or None
    found["drain"] = ", ".join(sorted(one.drain)) or None
    found["extension_range"] = "-".join(f"{end:03}" for end in one.extension_range)
    found["reserved_extensions"] = ", ".join(sorted(one.reserved_extensions)) or None
    return {name: value for name, value in found.items() if value not in (None, "")}


def document(found: Difference, revisions: tuple[str, str], masker: Masker) -> dict[str, Any]:
    """The JSON form; `revisions` names both sides."""

    def shown(values: Mapping[str, object]) -> dict[str, object]:
        return {name: _shown(value, masker, found.names) for name, value in values.items()}

    counts = dict.fromkeys(("added", "removed", "changed", "moved"), 0)
    for one in found.changed:
        counts[one.action] += 1
    explained: dict[str, set[str]] = {}
    for reached in found.defaults:
        for address in reached.bindings:
            explained.setdefault(address, set()).add(reached.key)
    return {
        "format": FORMAT,
        "version": VERSION,
        "from": revisions[0],
        "to": revisions[1],
        "summary": {**counts, "unchanged": found.unchanged},
        "settings": list(found.settings),
        "numbers": [
            {
                "file": one.file,
                "action": one.action,
                "name": one.name,
                "before": None if one.before is None else masker.show(one.before),
                "after": None if one.after is None else masker.show(one.after),
                "bindings": None if one.name is None else len(one.bindings),
            }
            for one in found.numbers
        ],
        "defaults": [
            {
                "file": one.file,
                "key": one.key,
                "before": one.before,
                "after": one.after,
                "bindings": len(one.bindings),
            }
            for one in found.defaults
        ],
        "changes": [
            {
                "address": one.address,
                "action": one.action,
                "before": shown(one.before),
                "after": shown(one.after),
                "by_default": _by_default(one, explained.get(one.address, set())),
                "source": None if one.file is None else {"file": one.file, "line": one.line},
            }
            for one in found.changed
        ],
    }


def _by_default(one: Changed, keys: set[str]) -> bool:
    """Whether changed defaults explain all that differs."""
    names = {*one.before, *one.after}
    if keys & {"expires_in", "keep"}:
        keys = keys | {"renew_before"}  # a percentage of the lifetime
    return one.action == "changed" and bool(names) and names <= keys


def _shown(value: object, masker: Masker, names: Mapping[str, str]) -> object:
    if isinstance(value, Phone):
        return names.get(value.digits[-STAND_IN_DIGITS:]) or masker.show(value)
    if isinstance(value, tuple):
        return [_shown(one, masker, names) for one in value]
    return value if isinstance(value, (bool, int)) else str(value)
