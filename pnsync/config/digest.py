"""The configuration's digest: equal for equal declarations, however the files are written.

Comments, order, file names, quotes and defaults that say what a binding could say itself do not change it;
every declared value does. Keyed, so that numbers cannot be found by trying them.
"""

from collections.abc import Iterator
from dataclasses import fields
from operator import attrgetter
from typing import Any

from pnsync.masking import keyed_digest
from pnsync.model import Binding, Desired
from pnsync.phone import Phone


def config_digest(desired: Desired, key: bytes) -> str:
    """The keyed digest over the declared values, as `sha256:…`."""
    return keyed_digest(key, "config", _parts(desired))


def _parts(desired: Desired) -> Iterator[str]:
    for name in sorted(desired.providers):
        yield _record(desired.providers[name])
    for name in sorted(desired.groups):
        yield _record(desired.groups[name])
    for name in sorted(desired.bindings):
        yield _binding(desired.bindings[name])
    yield from sorted(f"moved {one.source} {one.target}" for one in desired.moved)
    for value in (
        desired.lineage,
        desired.policy,
        desired.schedule,
        desired.state.backend,
        desired.state.settings,
    ):
        yield _text(value)


# repr() would show these masked, so that two numbers could look alike; the place is no declared value
_APART = ("phone_a", "phone_b", "phone_a_name", "phone_b_name", "lifetime", "span")
_PLAIN = attrgetter(*(one.name for one in fields(Binding) if one.name not in _APART))


def _binding(one: Binding) -> str:
    """A binding as one text; by hand, as there may be 100,000."""
    lifetime = one.lifetime
    return repr(
        (
            _PLAIN(one),
            one.phone_a.digits,
            one.phone_b and one.phone_b.digits,
            (lifetime.lease_seconds, lifetime.until, lifetime.renew_before_seconds, lifetime.keep),
        )
    )


def _record(value: Any) -> str:
    """A dataclass as one text that no other value has; where it stands is no declared value."""
    names = [one.name for one in fields(value) if one.name != "span" and one.compare]
    return repr([type(value).__name__, *(_text(getattr(value, name)) for name in names)])


def _text(value: object) -> str:
    """A value as one text; phones by their digits, what has no order sorted."""
    if isinstance(value, str) or value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, Phone):
        return value.digits
    if isinstance(value, (frozenset, set)):
        return repr(sorted(map(_text, value)))
    if isinstance(value, (list, tuple)):
        return repr([_text(one) for one in value])
    if hasattr(value, "items"):
        return repr(sorted((_text(key), _text(one)) for key, one in value.items()))
    return _record(value)
