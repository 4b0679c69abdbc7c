"""Which JSON types the fields of a state may have.

A right checksum proves that nothing was altered since, not that this program wrote it; what is read is worked with for a
whole run, and a text where a number should stand would be met far from its file. A field that is not named is refused too: a newer version's must not be dropped unseen.
"""

from collections.abc import Mapping
from types import NoneType
from typing import Any, Final

Types = frozenset[type]
Kinds = Mapping[str, Types]

_TEXT: Final[Types] = frozenset({str})
_MAYBE: Final[Types] = frozenset({str, NoneType})
_WHOLE: Final[Types] = frozenset({int})
_SECONDS: Final[Types] = frozenset({int, NoneType})
_FLAG: Final[Types] = frozenset({bool})
_AT: Final[Types] = frozenset({int, float})
_INSTANT: Final[Types] = frozenset({str, int, float, NoneType})
_LIST: Final[Types] = frozenset({list})
_OBJECT: Final[Types] = frozenset({dict})
_MAYBE_OBJECT: Final[Types] = frozenset({dict, NoneType})


MOST: Final = 10**15
"""What no count and no time of a state reaches: what lies beyond could not be reckoned with."""


def _each(names: str, kind: Types) -> dict[str, Types]:
    return dict.fromkeys(names.split(), kind)


ENTRY: Final[Kinds] = {
    **_each("mode phone_a provider", _TEXT),
    **_each("bind_id customer_bind_id declared_id extension file group group_id", _MAYBE),
    **_each("phone_b phone_x phone_x_b pool_number x_group", _MAYBE),
    **_each("bound_at down_since expires_at", _INSTANT),
    **_each("extension_auto protect recording x_chosen", _FLAG),
    **_each("generation", _WHOLE),
    **_each("labels", _LIST),
    **_each("lifetime", _OBJECT),
}
GROUP: Final[Kinds] = {
    **_each("group_id group_name holds provider remark", _TEXT),
    **_each("file", _MAYBE),
    **_each("changed_at", _INSTANT),
    **_each("phones", _LIST),
    **_each("protect", _FLAG),
}
SUPERSEDED: Final[Kinds] = {
    **_each("address bind_id phone_a provider", _TEXT),
    **_each("customer_bind_id extension group phone_b phone_x", _MAYBE),
    **_each("expires_at", _INSTANT),
}
INTENT: Final[Kinds] = {
    **_each("address attempt operation provider", _TEXT),
    **_each("bind_id customer_bind_id group_change group_id replaces", _MAYBE),
    **_each("adoptable_until latest_at not_before signed_at", _AT),
    **_each("expire_seconds", _SECONDS),
    **_each("group_phones known_ids", _LIST),
    **_each("target unbinds", _MAYBE_OBJECT),
}
PENDING: Final[Kinds] = {**_each("reason request_id standing vendor_code", _TEXT), **_each("intent", _OBJECT)}
RESTING: Final[Kinds] = {
    **_each("address phone_x provider", _TEXT),
    **_each("extension party", _MAYBE),
    **_each("until", _INSTANT),
}
ACCOUNT: Final[Kinds] = _each("fingerprint host", _TEXT)
FAILURE: Final[Kinds] = {**_each("code", _TEXT), **_each("count", _WHOLE), **_each("since", _INSTANT)}
OUTCOME: Final[Kinds] = {
    **_each("reason vendor_code request_id", _TEXT),
    **_each("bind_id phone_x phone_x_b group_id", _MAYBE),
    **_each("rate_limited withdrawn", _FLAG),
}
EVENT: Final[Kinds] = {
    **_each("k holder command attempt verdict address bind_id provider key", _TEXT),
    **_each("value", _MAYBE),
    **_each("at now", _WHOLE),
    **_each("expires_at", _SECONDS),
    **_each("intent account", _OBJECT),
    **_each("entry outcome superseded", _MAYBE_OBJECT),
    **_each("resting", _LIST),
}


def typed(made: dict[str, Any], kinds: Kinds) -> None:
    """See that every field has one of its types and no number is beyond measure. Raises KeyError for an unknown field, TypeError."""
    for name, value in made.items():
        kind = type(value)
        if kind not in kinds[name] or ((kind is int or kind is float) and not -MOST < value < MOST):
            raise TypeError(name)


def texts(values: list[Any]) -> tuple[str, ...]:
    """A list of texts. Raises TypeError."""
    if not all(type(one) is str for one in values):
        raise TypeError
    return tuple(values)


def note(name: str, value: str) -> str:
    """A note's text, once one that is a number to its readers is one. Raises ValueError."""
    if name.startswith("zone."):
        int(value)
    return value
