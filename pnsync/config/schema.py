"""The shapes of the files: which keys a section has and what form their values must have; home of pydantic.

Promises: `check` answers for every entry, however broken the others are: with the keys that are right, and the
names of those that are not, so that what follows neither trips over them nor reports them again. An absent key
is None; a key without a value is an error. Speed: one TypeAdapter over a list of slotted
dataclasses, forms checked by pydantic's own patterns. What is wrong with a value is told in `complaints.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Generic, TypeVar

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as shape
from pydantic_core import CoreSchema, core_schema

from pnsync.config import scalars
from pnsync.model import Holds, Mode, VendorType

_FORBID = ConfigDict(extra="forbid", hide_input_in_errors=True)
_LABEL_VALUE = r"^[^\x00-\x1f\x7f]{1,100}$"
_LIMIT = r"^(?:[0-9]{1,9}|[0-9]{1,3}(?:\.[0-9]{1,3})?%)$"
THREE_DIGITS = r"^[0-9]{3}$"
EXTENSION = r"^(?:[0-9]{3}|auto)$"
NAME_PATTERN = r"^[^\x00-\x1f\x7f]{1,200}$"
RANGE = r"^[0-9]{3} ?- ?[0-9]{3}$"
CUSTOMER_BIND_ID = r"^[!-~]{1,64}$"
POOL_NUMBER = r"^[A-Za-z0-9._-]{1,20}$"
APP_ID = r"^[A-Za-z0-9._-]{1,64}$"
GROUP_ID = r"^[A-Za-z0-9._-]{1,64}$"
RATE = r"^[0-9]{1,6}(?:\.[0-9]{1,3})?$"
COUNTRY_CODE = r"^\+?[0-9]{1,3}$"
MAX_REMARK = 500
MAX_GROUP_NAME = 100


class _Form:
    """Lets a key take exactly what a core schema takes, while its default, for an absent key, stays None."""

    __slots__ = ("_schema",)

    def __init__(self, schema: CoreSchema) -> None:
        self._schema = schema

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return self._schema


def _text(pattern: str) -> _Form:
    return _Form(core_schema.str_schema(pattern=pattern))


def _texts(pattern: str, least: int = 0) -> _Form:
    return _Form(core_schema.list_schema(core_schema.str_schema(pattern=pattern), min_length=least))


_PICKED = core_schema.dict_schema(
    core_schema.literal_schema(["group"]), core_schema.str_schema(pattern=scalars.NAME), min_length=1
)

Anything = Annotated[Any, _Form(core_schema.any_schema())]
Name = Annotated[str | None, _text(scalars.NAME)]
Flag = Annotated[bool | None, _Form(core_schema.bool_schema(strict=True))]
PhoneText = Annotated[str | None, _text(scalars.PHONE)]
Phones = Annotated[list[str] | None, _texts(scalars.PHONE, least=1)]
DrainList = Annotated[list[str] | None, _texts(scalars.PHONE)]
PhoneOrGroup = Annotated[
    str | dict[str, str] | None,
    _Form(
        core_schema.union_schema(
            [core_schema.str_schema(pattern=scalars.PHONE), _PICKED], mode="left_to_right"
        )
    ),
]
DurationText = Annotated[str | None, _text(scalars.DURATION)]
LimitText = Annotated[str | None, _text(_LIMIT)]
Labels = Annotated[
    dict[str, str] | None,
    _Form(
        core_schema.dict_schema(
            core_schema.str_schema(pattern=scalars.NAME), core_schema.str_schema(pattern=_LABEL_VALUE)
        )
    ),
]
ModeText = Annotated[str | None, _Form(core_schema.literal_schema([str(one) for one in Mode]))]
ExpiresIn = Annotated[str | None, _text(scalars.LIFETIME)]
RenewBefore = Annotated[str | None, _text(scalars.RENEW_BEFORE)]
FreeText = Annotated[str | None, _Form(core_schema.str_schema(min_length=1))]


@shape(slots=True, config=_FORBID)
class BindingShape:
    """A binding as written."""

    provider: Name = None
    mode: ModeText = None
    phone_a: PhoneText = None
    phone_b: PhoneText = None
    phone_x: PhoneOrGroup = None
    extension: Annotated[str | None, _text(EXTENSION)] = None
    group: Name = None
    pool_number: Annotated[str | None, _text(POOL_NUMBER)] = None
    customer_bind_id: Annotated[str | None, _text(CUSTOMER_BIND_ID)] = None
    recording: Flag = None
    protect: Flag = None
    enabled: Flag = None
    keep: Flag = None
    expires_in: ExpiresIn = None
    expires_at: FreeText = None
    renew_before: RenewBefore = None
    labels: Labels = None


COLUMN_KEYS = tuple(name for name in BindingShape.__dataclass_fields__ if name != "labels")
"""The keys of a binding that a column of a table can hold."""

FLAG_KEYS = frozenset(name for name, one in BindingShape.__dataclass_fields__.items() if one.type is Flag)
"""Those of them that are true or false."""


@shape(slots=True, config=_FORBID)
class DefaultsShape:
    """What the bindings (and, for `provider`, the groups) of a file take where they say nothing themselves."""

    provider: Name = None
    mode: ModeText = None
    pool_number: Annotated[str | None, _text(POOL_NUMBER)] = None
    recording: Flag = None
    protect: Flag = None
    keep: Flag = None
    expires_in: ExpiresIn = None
    renew_before: RenewBefore = None
    labels: Labels = None


@shape(slots=True, config=_FORBID)
class TableShape(DefaultsShape):
    """What the rows of a table are: their name, their columns, and what no column says."""

    name: Annotated[str | None, _text(NAME_PATTERN)] = None
    columns: Annotated[
        dict[str, str] | None,
        _Form(
            core_schema.dict_schema(
                core_schema.literal_schema(list(COLUMN_KEYS)),
                core_schema.str_schema(min_length=1),
                min_length=1,
            )
        ),
    ] = None
    phone_x: PhoneOrGroup = None
    extension: Annotated[str | None, _text(EXTENSION)] = None
    group: Name = None
    enabled: Flag = None
    expires_at: FreeText = None


@shape(slots=True, config=_FORBID)
class ExtensionsShape:
    """Which extensions may be allocated on a group's numbers."""

    range: Annotated[str | None, _text(RANGE)] = None
    reserve: Annotated[list[str] | None, _texts(THREE_DIGITS)] = None


@shape(slots=True, config=_FORBID)
class GroupShape:
    """A group as written."""

    provider: Name = None
    holds: Annotated[str | None, _Form(core_schema.literal_schema([str(one) for one in Holds]))] = None
    phones: Phones = None
    group_name: Annotated[
        str | None, _Form(core_schema.str_schema(min_length=1, max_length=MAX_GROUP_NAME))
    ] = None
    group_id: Annotated[str | None, _text(GROUP_ID)] = None
    remark: Annotated[str | None, _Form(core_schema.str_schema(max_length=MAX_REMARK))] = None
    protect: Flag = None
    drain: DrainList = None
    extensions: ExtensionsShape = Field(default_factory=ExtensionsShape)


@shape(slots=True, config=_FORBID)
class ProviderShape:
    """A vendor account as written; its credentials are read in `providers.py`."""

    type: Annotated[str | None, _Form(core_schema.literal_schema([str(one) for one in VendorType]))] = None
    endpoint: FreeText = None
    app_id: Annotated[str | None, _text(APP_ID)] = None
    algorithm: Annotated[str | None, _Form(core_schema.literal_schema(["md5", "sha256"]))] = None
    rate: Annotated[str | None, _text(RATE)] = None
    settle_window: DurationText = None
    credentials: Anything = None


@shape(slots=True, config=_FORBID)
class PolicyShape:
    """What plans may do, as written."""

    max_unbind: LimitText = None
    max_rebind: LimitText = None
    max_missing: LimitText = None
    require_recording: Flag = None
    allow_never_expire: Flag = None
    allowed_country_codes: Annotated[list[str] | None, _texts(COUNTRY_CODE, least=1)] = None
    quarantine: DurationText = None
    max_lifetime: DurationText = None
    numbers: Annotated[str | None, _Form(core_schema.literal_schema(["named"]))] = None


@shape(slots=True, config=_FORBID)
class ScheduleShape:
    """How often and how late CI runs, as written."""

    every: DurationText = None
    late_by: DurationText = None


@shape(slots=True, config=_FORBID)
class MovedShape:
    """A rename as written."""

    source: Annotated[str | None, _Form(core_schema.str_schema(min_length=1)), Field(alias="from")] = None
    target: Annotated[str | None, _Form(core_schema.str_schema(min_length=1)), Field(alias="to")] = None


Shape = TypeVar("Shape")

KEYS: Mapping[type[Any], tuple[str, ...]] = {
    one: tuple({"source": "from", "target": "to"}.get(name, name) for name in one.__dataclass_fields__)
    for one in (
        BindingShape,
        DefaultsShape,
        TableShape,
        ExtensionsShape,
        GroupShape,
        ProviderShape,
        PolicyShape,
        ScheduleShape,
        MovedShape,
    )
}
"""The keys that each shape knows."""

_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fault:
    """A value of an entry that has not its form: where it stands in the entry, and pydantic's kind of error."""

    entry: int
    path: tuple[str | int, ...]
    kind: str


@dataclass(slots=True)
class Checked(Generic[Shape]):
    """The entries in order, each with the keys that are right, and the keys that are not."""

    shapes: list[Shape]
    faults: list[Fault]
    wrong: Mapping[int, frozenset[str]]

    def wrong_keys(self, entry: int) -> frozenset[str]:
        """The keys of an entry that were there but are not in its shape."""
        return self.wrong.get(entry, _NONE)


@cache
def _adapter(kind: type[Shape]) -> TypeAdapter[list[Shape]]:
    return TypeAdapter(list[kind])  # type: ignore[valid-type]


def check(kind: type[Shape], entries: Sequence[Mapping[str, Any]]) -> Checked[Shape]:
    """The entries as shapes of one kind."""
    adapter: TypeAdapter[list[Shape]] = _adapter(kind)  # type: ignore[arg-type]
    try:
        return Checked(adapter.validate_python(entries), [], {})
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    faults: dict[tuple[int, tuple[str | int, ...]], Fault] = {}
    wrong: dict[int, set[str]] = {}
    for one in found:
        entry, *path = one["loc"]
        assert isinstance(entry, int)
        place = (
            tuple(path[:1]) if path[0] == "phone_x" else tuple(path)
        )  # else each branch of the union is told
        faults.setdefault((entry, place), Fault(entry, place, one["type"]))
        wrong.setdefault(entry, set()).add(str(path[0]))
    sound = [
        {key: value for key, value in one.items() if key not in wrong[i]} if i in wrong else one
        for i, one in enumerate(entries)
    ]
    return Checked(
        adapter.validate_python(sound),
        list(faults.values()),
        {i: frozenset(keys) for i, keys in wrong.items()},
    )
