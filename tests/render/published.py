"""Whether a document is what its published schema says: every member that is required, and none that it does not name."""

from typing import Any

from jsonschema import Draft202012Validator

from pnsync.render.schemas import SCHEMAS


def closed(schema: Any) -> Any:
    """A schema that allows no member it does not describe."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(one) for name, one in schema.items()}
    if "properties" in found and "type" in found:
        found.setdefault("additionalProperties", False)
    return found


def check(name: str, document: Any) -> None:
    """See that a document is as published."""
    Draft202012Validator(closed(SCHEMAS[name]())).validate(document)
