"""The parts that the published JSON Schemas are put together from. Pure."""

from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

TEXT: Final[Schema] = {"type": "string"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
SECONDS: Final[Schema] = {"type": "number", "minimum": 0}
INSTANT: Final[Schema] = {"type": "string", "format": "date-time", "pattern": "Z$"}
DIGEST: Final[Schema] = {"type": "string", "pattern": "^sha256:[0-9a-f]+$"}


def nullable(schema: Schema) -> Schema:
    """A value or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def obj(properties: Mapping[str, Schema], description: str = "", *, optional: tuple[str, ...] = ()) -> Schema:
    """An object whose members are all required but `optional`; others may be there."""
    required = [name for name in properties if name not in optional]
    about = {"description": description} if description else {}
    return {**about, "type": "object", "required": required, "properties": dict(properties)}


def array(items: Schema, description: str = "") -> Schema:
    """An array of one kind of item."""
    return {**({"description": description} if description else {}), "type": "array", "items": items}


def said(schema: Schema, description: str) -> Schema:
    """A schema with what it means."""
    return {**schema, "description": description}


def ref(name: str) -> Schema:
    """A definition of the same document."""
    return {"$ref": f"#/$defs/{name}"}


def published(name: str, title: str, schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """A schema as it is published, with the definitions that it refers to."""
    return {
        "$schema": DIALECT,
        "$id": f"urn:pnsync:schema:{name}",
        "title": title,
        **schema,
        "$defs": dict(definitions),
    }
