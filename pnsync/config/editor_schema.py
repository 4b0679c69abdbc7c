"""The JSON Schema of the files, for editors: which keys there are, what they mean and what form values have.

Made from the shapes that check the files, so that the two cannot differ. Weaker than `validate` on purpose: an editor
reads `101` as a number where pnsync reads what is written, and rules between keys are `validate`'s.
"""

from typing import Any, Final

from pydantic import TypeAdapter

from pnsync.config import scalars, settings
from pnsync.config import schema as shapes

Schema = dict[str, Any]

_ABOUT: Final = {
    "provider": "The vendor account, a name under providers.",
    "mode": "How the two are connected.",
    "phone_a": "The real number that is hidden, with its country code.",
    "phone_b": "The other real number, with its country code.",
    "phone_x": "The number in between, or {group: NAME} to let pnsync pick one.",
    "extension": "3 digits, or auto for a free one.",
    "group": "The group of people who may dial (axg).",
    "pool_number": "The number pool that the vendor picks X from (LAAFFIC).",
    "customer_bind_id": "Your own id of the binding (NXCloud).",
    "recording": "Whether calls are recorded.",
    "protect": "Whether a plan that would unbind, rebind or delete it fails.",
    "enabled": "false unbinds it and keeps its lines.",
    "keep": "false binds once and does not renew.",
    "expires_in": "How long one binding lasts: 86400, 15m, 24h, 3d, or never.",
    "expires_at": "When it ends, whatever happens: 2026-12-24T18:00:00Z.",
    "renew_before": "The remaining life at which it is renewed: 6h or 20%.",
    "labels": "Names and short texts to select by.",
    "holds": "numbers (to pick X from) or people (who may dial).",
    "phones": "The numbers in the group; without them the group is only read.",
    "group_name": "The group's name at the vendor.",
    "group_id": "The group's id at the vendor.",
    "remark": "A note at the vendor.",
    "drain": "Numbers that get no new bindings.",
    "extensions": "Which extensions may be picked.",
    "range": "The first and the last extension: 100-899.",
    "reserve": "Extensions that are never picked.",
    "type": "The vendor.",
    "endpoint": "The vendor's address, or sandbox for the simulated vendor.",
    "app_id": "The vendor's id of your app (LAAFFIC).",
    "rate": "Calls a second.",
    "settle_window": "How long a call of unknown outcome may still take effect.",
    "credentials": "The environment variables that hold the keys.",
    "max_unbind": "The most that one plan may unbind: 10% or 25.",
    "max_rebind": "The most that one plan may bind anew: 10% or 25.",
    "max_missing": "The most that the vendor may not list: 5% or 25.",
    "quarantine": "How long a freed number is not another's.",
    "algorithm": "How requests are signed.",
    "require_recording": "Whether every binding must be recorded.",
    "allow_never_expire": "Whether expires_in: never is allowed.",
    "allowed_country_codes": "The only country codes that bindings may have.",
    "max_lifetime": "The longest lifetime of a binding.",
    "numbers": "named: phones stand in the numbers file only.",
    "name": "The name of a row's binding, with columns in braces: courier-{id}.",
    "columns": "The headers of the columns that hold a binding's keys.",
    "every": "How often pnsync is run.",
    "late_by": "How late such a run may come.",
    "from": "The old name or address.",
    "to": "The new name or address.",
}
_PHONE_OR_NAME: Final = rf"{scalars.PHONE}|^[0-9._-]*[A-Za-z][A-Za-z0-9._-]*$"
"""A number, or the name under which a file of numbers holds it."""
_NAMES: Final = {
    shapes.BindingShape: "binding",
    shapes.DefaultsShape: "defaults",
    shapes.GroupShape: "group",
    shapes.ProviderShape: "provider",
    shapes.PolicyShape: "policy",
    shapes.ScheduleShape: "schedule",
    shapes.MovedShape: "moved",
    shapes.TableShape: "table",
}


def editor_schema() -> Schema:
    """The schema of a root file and of an included one, draft 2020-12."""
    definitions = {name: _shape(kind) for kind, name in _NAMES.items()}
    for name, key in (
        ("binding", "phone_a"),
        ("binding", "phone_b"),
        ("table", "phone_a"),
        ("table", "phone_b"),
    ):
        if key in definitions[name]["properties"]:
            definitions[name]["properties"][key]["pattern"] = _PHONE_OR_NAME
    definitions["group"]["properties"]["phones"]["items"]["pattern"] = _PHONE_OR_NAME
    texts = {"type": "array", "items": {"type": "string"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:pnsync:schema:files:1",
        "title": "pnsync files",
        "description": "pnsync.yaml and what it includes: the bindings that pnsync keeps at the vendors.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "version": {"enum": [1, "1"], "description": "The version of this format."},
            "lineage": {"type": ["string", "integer"], "description": "The identity of the state."},
            "include": texts | {"description": "Patterns of further files, below this folder."},
            "numbers": {
                "type": ["string", "array"],
                "items": {"type": "string"},
                "description": "Files that map names to phones, plain or sealed (.age).",
            },
            "tables": {
                "type": "object",
                "additionalProperties": {"$ref": "#/$defs/table"},
                "description": "What the columns of included CSV files lack, by pattern.",
            },
            "state": _state(),
            "schedule": {"$ref": "#/$defs/schedule"},
            "providers": _named("provider", "The vendor accounts."),
            "policy": {"$ref": "#/$defs/policy"},
            "defaults": {"$ref": "#/$defs/defaults"},
            "groups": _named("group", "The number groups."),
            "bindings": _named("binding", "The bindings, by name."),
            "moved": {
                "type": "array",
                "items": {"$ref": "#/$defs/moved"},
                "description": "Renames that make no call.",
            },
        },
        "$defs": definitions,
    }


def _named(definition: str, about: str) -> Schema:
    """A section of named entries; an empty one is allowed."""
    return {
        "type": ["object", "null"],
        "propertyNames": {"pattern": scalars.NAME},
        "additionalProperties": {"$ref": f"#/$defs/{definition}"},
        "description": about,
    }


def _state() -> Schema:
    keys = {*settings.COMMON_SETTINGS, *(key for one in settings.BACKENDS.values() for key in one)}
    properties: Schema = {key: {} for key in sorted(keys)}
    properties["backend"] = {"enum": list(settings.BACKENDS)}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "description": "Where the state is kept.",
    }


def _shape(kind: type[Any]) -> Schema:
    made = TypeAdapter(kind).json_schema(by_alias=True)
    inner = made.pop("$defs", {})
    found: Schema = _loosened(made, inner)
    for key, value in found["properties"].items():
        if key in _ABOUT:
            value["description"] = _ABOUT[key]
    return found


def _loosened(value: Any, inner: Schema) -> Any:
    """A schema without what only Python needs, which takes a number wherever a text is taken."""
    if isinstance(value, list):
        return [_loosened(one, inner) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _loosened(inner[value["$ref"].rpartition("/")[2]], inner)
    left_out = {"title", "default"} if isinstance(value.get("title"), str) else {"default"}
    found = {key: _loosened(one, inner) for key, one in value.items() if key not in left_out}
    if found.get("type") == "string" and "pattern" in found:
        found["type"] = ["string", "number"]
    return found
