"""The published JSON Schemas of what programs read: the plan, the event stream, the verdict. Version 1 of each.

Promises: every member that pnsync writes is described; within a version members are added but none is removed or
changes its meaning, so that readers ignore what they do not know. The same texts stand in docs/schemas/. Pure.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

from pnsync import plan, verdict
from pnsync.errors import ExitCode, Severity
from pnsync.plan import SUMMARY_ACTIONS, Action, Cause, Order
from pnsync.verdict import Report

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_TEXT: Final[Schema] = {"type": "string"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_SECONDS: Final[Schema] = {"type": "number", "minimum": 0}
_INSTANT: Final[Schema] = {"type": "string", "format": "date-time", "pattern": "Z$"}
_DIGEST: Final[Schema] = {"type": "string", "pattern": "^sha256:[0-9a-f]+$"}


def _nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(
    properties: Mapping[str, Schema], description: str = "", *, optional: tuple[str, ...] = ()
) -> Schema:
    required = [name for name in properties if name not in optional]
    about = {"description": description} if description else {}
    return {**about, "type": "object", "required": required, "properties": dict(properties)}


def _list(items: Schema, description: str = "") -> Schema:
    return {**({"description": description} if description else {}), "type": "array", "items": items}


def _said(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _published(name: str, title: str, schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    return {
        "$schema": DIALECT,
        "$id": f"urn:pnsync:schema:{name}",
        "title": title,
        **schema,
        "$defs": dict(definitions),
    }


# -- the plan --------------------------------------------------------------------------------------------------------

_ATTRIBUTES: Final[Schema] = {
    "description": "Attributes by name; phones of people masked with their pseudonym, X in full.",
    "type": "object",
    "additionalProperties": {
        "anyOf": [{"type": ["string", "integer", "boolean", "null"]}, {"type": "array", "items": _TEXT}]
    },
}
_SOURCE: Final[Schema] = _object(
    {"file": _TEXT, "line": {"type": "integer", "minimum": 0}},
    "Where it is declared, from the root's folder.",
)
_CALL: Final[Schema] = _object(
    {
        "caller": _said(_TEXT, "Masked, or `anyone` who knows the extension."),
        "phone_x": _TEXT,
        "extension": _nullable(_TEXT),
        "before": _nullable(_TEXT),
        "after": _nullable(_TEXT),
        "address": _nullable(_TEXT),
    },
    "One way of calling: who is reached before and after.",
)
_CALLS: Final[Schema] = _object(
    {"count": _COUNT, "calls": _list(_ref("call"))}, "The first of them, and how many."
)
_ROUTING: Final[Schema] = _object(
    {
        "reaches_other": _said(_ref("calls"), "Ways of calling that reach somebody else."),
        "loses": _said(_ref("calls"), "Those that reach nobody any more."),
        "gains": _said(_ref("calls"), "Those that reach somebody for the first time."),
        "redials": _said(_ref("calls"), "The same two people, over another number or extension."),
        "gaps": _object(
            {
                "count": _COUNT,
                "longest_seconds": _SECONDS,
                "bindings": _list(_object({"address": _TEXT, "seconds": _SECONDS})),
            }
        ),
        "chosen_later": _said(_COUNT, "Bindings whose X the vendor is yet to choose."),
        "misroutes": _list(
            _object(
                {
                    "step": {"type": "integer"},
                    "phone_x": _TEXT,
                    "extension": _nullable(_TEXT),
                    "address": _nullable(_TEXT),
                    "others": _nullable(_TEXT),
                    "reason": _TEXT,
                }
            ),
            "Calls that would reach a wrong phone between two steps.",
        ),
    },
    "What calls will do otherwise than before.",
)
_CHANGE: Final[Schema] = _object(
    {
        "address": _said(_TEXT, "`bindings.NAME` or `groups.NAME`."),
        "action": {"enum": [one.value for one in Action]},
        "cause": _said(
            {"enum": [one.value for one in Cause]}, "A commit, the vendor, time, or an interrupted run."
        ),
        "reason": _TEXT,
        "provider": _TEXT,
        "before": _nullable(_ref("attributes")),
        "after": _nullable(_ref("attributes")),
        "changed": _list(_TEXT, "The attributes that differ."),
        "order": _nullable({"enum": [one.value for one in Order]}),
        "gap_seconds": _said(_SECONDS, "How long nobody is reached."),
        "calls": _said(_COUNT, "Writing calls when nothing fails."),
        "x_may_change": {"type": "boolean"},
        "source": _nullable(_ref("source")),
    }
)
_DEFERRED: Final[Schema] = _object(
    {
        "address": _TEXT,
        "action": {"enum": [one.value for one in Action]},
        "provider": _TEXT,
        "reason": _TEXT,
        "not_before": _nullable(_INSTANT),
        "source": _nullable(_ref("source")),
    },
    "A change that is postponed; it is none of `changes`.",
)
_DIAGNOSTIC: Final[Schema] = _object(
    {
        "code": _said(_TEXT, "Its page: `pnsync explain CODE`."),
        "severity": _said({"enum": [one.value for one in Severity]}, "An error keeps apply from running."),
        "summary": _TEXT,
        "advice": _TEXT,
        "address": _nullable(_TEXT),
        "source": _nullable(_ref("source")),
    }
)
_PLAN_DEFINITIONS: Final[Mapping[str, Schema]] = {
    "attributes": _ATTRIBUTES,
    "source": _SOURCE,
    "call": _CALL,
    "calls": _CALLS,
    "change": _CHANGE,
    "deferred": _DEFERRED,
    "diagnostic": _DIAGNOSTIC,
    "routing": _ROUTING,
}
_COUNTED: Final = (*(one.value for one in SUMMARY_ACTIONS), "deferred", "unchanged", "unmanaged", "calls")
_PLAN: Final[Schema] = _object(
    {
        "format": {"const": plan.FORMAT},
        "version": {"const": plan.VERSION},
        "pnsync_version": _TEXT,
        "made_at": _INSTANT,
        "valid_until": _said(_nullable(_INSTANT), "From when time alone would make apply refuse it."),
        "lineage": _said(_TEXT, "The state's identity; empty without a state."),
        "serial": _COUNT,
        "config_digest": _said(_TEXT, "Keyed, over declared values."),
        "summary": _object(
            dict.fromkeys(_COUNTED, _COUNT), "How many changes of each action, and what is none."
        ),
        "rate": _said(
            _nullable(_SECONDS), "Calls a second of the slowest provider that it calls, as configured."
        ),
        "changes": _list(_ref("change"), "In the order of the calls."),
        "routing": _ref("routing"),
        "timeline": _list(
            _object({"at": _INSTANT, "expiries": _COUNT, "renewals": _COUNT}),
            "What the spans of time from each instant bring for all bindings, once the plan is applied.",
        ),
        "deferred": _list(_ref("deferred")),
        "diagnostics": _list(_ref("diagnostic")),
        "digest": _said(_DIGEST, "Over the canonical JSON without digest and signature."),
        "options": _said({"type": "object"}, "In a saved plan: what it was asked for."),
        "sameness": _said({"type": "object"}, "In a saved plan: keyed digests of its real values."),
        "signature": _said(_TEXT, "In a signed plan: HMAC-SHA256 under PNSYNC_PLAN_KEY."),
    },
    "What apply would do. Masked: no phone of a person and no key stands in it.",
    optional=("rate", "routing", "timeline", "options", "sameness", "signature"),
)


def plan_schema() -> Schema:
    """`pnsync plan --format json`, and what `--out` saves."""
    return _published("plan:1", "pnsync plan", _PLAN, _PLAN_DEFINITIONS)


# -- the verdict -----------------------------------------------------------------------------------------------------

_FAILURE: Final[Schema] = _object(
    {"address": _TEXT, "code": _TEXT, "vendor_code": _TEXT, "request_id": _TEXT, "next": _TEXT},
    "A change that failed, and what to do next.",
)
_RESULT: Final[Schema] = _object(
    {
        "format": {"const": verdict.RESULT_FORMAT},
        "version": {"const": verdict.RESULT_VERSION},
        "command": _TEXT,
        "exit": _said({"enum": sorted(int(one) for one in ExitCode)}, "The exit code."),
        "done": _COUNT,
        "failed": _COUNT,
        "not_tried": _COUNT,
        "unknown": _said(_COUNT, "Calls whose outcome a later listing tells."),
        "deferred": _COUNT,
        "down": _list(_TEXT, "Addresses that reach nobody: unbound, and not bound again."),
        "x_changed": _list(_TEXT, "Addresses with another X than before."),
        "failures": _list(_ref("failure")),
        "serial": _said(
            _nullable({"type": "array", "items": _COUNT, "minItems": 2, "maxItems": 2}), "Before and after."
        ),
        "counts": _said(
            {"type": "object", "additionalProperties": _COUNT},
            "How many changes of each result: bound, renewed, ..",
        ),
        "unverified": _list(_TEXT, "Addresses that the vendor acknowledged and does not list."),
        "seconds": _SECONDS,
        "error": _object({"code": _TEXT, "summary": _TEXT}, "Where the command failed as a whole."),
    },
    "How a command ended.",
    optional=("error",),
)


def result_schema() -> Schema:
    """The verdict, as `--result FILE` holds it."""
    return _published("result:1", "pnsync result", _RESULT, {"failure": _FAILURE})


# -- the event stream ------------------------------------------------------------------------------------------------

_PLAN_EVENTS: Final = {
    "plan": "What will be done.",
    "drift": "What the vendors' listings show otherwise than the state, as a plan.",
    "differences": "What the vendors' listings show otherwise than the files, as a plan.",
}


def events_schema() -> Schema:
    """One line of what `--json` writes; the last line is the event `verdict`."""
    events = [_plan_event(name, about) for name, about in _PLAN_EVENTS.items()]
    events += [_report_event(one) for one in get_args(Report)]
    last = {**_RESULT, "properties": {"event": {"const": "verdict"}, **_RESULT["properties"]}}
    last["required"] = ["event", *_RESULT["required"]]
    definitions = {**_PLAN_DEFINITIONS, "plan": _PLAN, "failure": _FAILURE}
    about = {"description": "One JSON object a line; `event` names what it is."}
    return _published("events:1", "pnsync event", {**about, "oneOf": [*events, last]}, definitions)


def _plan_event(name: str, about: str) -> Schema:
    return _object({"event": {"const": name}, "plan": _ref("plan")}, about)


def _report_event(report: type[Any]) -> Schema:
    """The event of a report, from the types of its members."""
    hints = get_type_hints(report)
    properties = {"event": {"const": report.__name__.lower()}}
    properties |= {one.name: _of_type(hints[one.name]) for one in fields(report)}
    return _object(properties, " ".join((report.__doc__ or "").split()))


_SCALARS: Final[Mapping[object, Schema]] = {
    str: _TEXT,
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
}


def _of_type(hint: Any) -> Schema:
    if isinstance(hint, UnionType):
        return {"anyOf": [_of_type(one) for one in get_args(hint)]}
    if get_origin(hint) is tuple:
        return _list(_of_type(get_args(hint)[0]))
    return _SCALARS[hint]


SCHEMAS: Final[Mapping[str, Callable[[], Schema]]] = {
    "plan": plan_schema,
    "events": events_schema,
    "result": result_schema,
}
"""Every published schema by its name; docs/schemas/NAME-v1.json holds its text."""


def schema_text(name: str) -> str:
    """A schema as its file holds it."""
    return json.dumps(SCHEMAS[name](), ensure_ascii=False, indent=2) + "\n"
