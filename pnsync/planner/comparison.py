"""Whether two bindings are equal, and the names of what differs. The home of deepdiff.

Equality is decided by comparing values, which is cheap; DeepDiff runs only on what differs, to name it.
"""

from collections.abc import Mapping

from pnsync.model import Binding, LiveBinding
from pnsync.phone import Phone
from pnsync.plan import Value
from pnsync.state import Entry

_PLAIN = ("provider", "mode", "phone_a", "phone_b", "group", "pool_number", "recording")
GROUP_ID = "group_id"


def differences(made: Entry, wanted: Entry) -> tuple[str, ...]:
    """The attributes in which a binding differs from the one that is wanted, in a fixed order.

    An X or extension that the vendor or a pool chose is no difference; of the lifetime only what a vendor holds
    counts, not when we renew. A group's id that is not known (no listing shows it) is no difference either.
    """
    found = [name for name in _PLAIN if getattr(made, name) != getattr(wanted, name)]
    if made.group_id is not None and made.group_id != wanted.group_id and "group" not in found:
        found.append(GROUP_ID)
    if wanted.phone_x is not None and made.phone_x != wanted.phone_x:
        found.append("phone_x")
    if wanted.extension is not None and made.extension != wanted.extension:
        found.append("extension")
    if not same_client_id(made, wanted):
        found.append("customer_bind_id")
    if made.lifetime.lease_seconds != wanted.lifetime.lease_seconds and wanted.lifetime.until is None:
        found.append("expires_in")
    if made.lifetime.until != wanted.lifetime.until:
        found.append("expires_at")
    return tuple(found)


def same_client_id(made: Entry, wanted: Entry) -> bool:
    """Whether a declared customer_bind_id is the one that the binding was made or imported with."""
    if made.declared_id == wanted.declared_id:
        return True
    if wanted.declared_id is None or made.customer_bind_id is None:
        return False
    stem, dot, count = made.customer_bind_id.rpartition(".")
    numbered = bool(dot) and count.isdigit() and stem == wanted.declared_id
    return numbered or made.customer_bind_id == wanted.declared_id


def plainly_equal(made: Entry, row: LiveBinding, wanted: Binding) -> bool:
    """Whether declaration, record and live row agree in everything, recorded policy included.

    True spares the full comparison, of which this is the common case in a fraction of its time; False says nothing.
    """
    phone_b, live_b, wanted_b = made.phone_b, row.phone_b, wanted.phone_b
    if phone_b is None or live_b is None or wanted_b is None:
        if not (phone_b is None and live_b is None and wanted_b is None):
            return False
    elif not phone_b.digits == live_b.digits == wanted_b.digits:
        return False
    span = wanted.span
    return (
        made.phone_a.digits == row.phone_a.digits == wanted.phone_a.digits
        and made.provider == wanted.provider
        and made.mode is wanted.mode
        and made.lifetime == wanted.lifetime
        and made.phone_x == row.phone_x
        and (wanted.phone_x is None or made.phone_x == wanted.phone_x)
        and made.phone_x_b == row.phone_x_b
        and made.extension == row.extension
        and (wanted.extension is None or made.extension == wanted.extension)
        and made.recording == wanted.recording
        and (row.recording is None or row.recording == wanted.recording)
        and made.group == wanted.group
        and made.x_group == wanted.x_group
        and made.x_chosen == (wanted.phone_x is None and wanted.x_group is None)
        and made.extension_auto == wanted.extension_auto
        and made.pool_number == wanted.pool_number
        and made.declared_id == wanted.customer_bind_id
        and made.protect == wanted.protect
        and made.labels == wanted.labels
        and made.file == (None if span is None else span.file)
    )


def changed_names(before: Mapping[str, Value], after: Mapping[str, Value]) -> tuple[str, ...]:
    """The names of attributes that two forms differ in; what only `before` knows (an X not yet chosen) is no change."""
    from deepdiff import DeepDiff

    # Without a threshold of 0 two dictionaries that share little are told as one difference without a name.
    diff = DeepDiff(_plain(before), _plain(after), view="tree", ignore_order=True, threshold_to_diff_deeper=0)
    names = {str(item.path(output_format="list")[0]) for group in diff.values() for item in group}
    unchosen = {"phone_x", "phone_x_b", "extension"} - set(after)
    order = [*after, *(name for name in before if name not in after)]
    return tuple(name for name in order if name in names and name not in unchosen)


def _plain(attributes: Mapping[str, Value]) -> dict[str, object]:
    return {name: _digits(value) for name, value in attributes.items()}


def _digits(value: Value) -> object:
    if isinstance(value, Phone):
        return value.digits
    if isinstance(value, tuple):
        return [one.digits for one in value]
    return value
