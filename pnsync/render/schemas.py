"""The published JSON Schemas of what programs read: the plan, the event stream, the verdict, and how things stand.
Version 1 of each.

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
from pnsync.render.schema_parts import (
    COUNT,
    DIGEST,
    INSTANT,
    SECONDS,
    TEXT,
    Schema,
    array,
    nullable,
    obj,
    published,
    ref,
    said,
)
from pnsync.render.standing_schemas import doctor_schema, forecast_schema, status_schema
from pnsync.verdict import Report

# -- the plan --------------------------------------------------------------------------------------------------------

_ATTRIBUTES: Final[Schema] = {
    "description": "Attributes by name; phones of people masked with their pseudonym, X in full.",
    "type": "object",
    "additionalProperties": {
        "anyOf": [{"type": ["string", "integer", "boolean", "null"]}, {"type": "array", "items": TEXT}]
    },
}
_SOURCE: Final[Schema] = obj(
    {"file": TEXT, "line": {"type": "integer", "minimum": 0}},
    "Where it is declared, from the root's folder.",
)
_CALL: Final[Schema] = obj(
    {
        "caller": said(TEXT, "Masked, or `anyone` who knows the extension."),
        "phone_x": TEXT,
        "extension": nullable(TEXT),
        "before": nullable(TEXT),
        "after": nullable(TEXT),
        "address": nullable(TEXT),
    },
    "One way of calling: who is reached before and after.",
)
_CALLS: Final[Schema] = obj({"count": COUNT, "calls": array(ref("call"))}, "The first of them, and how many.")
_ROUTING: Final[Schema] = obj(
    {
        "reaches_other": said(ref("calls"), "Ways of calling that reach somebody else."),
        "loses": said(ref("calls"), "Those that reach nobody any more."),
        "gains": said(ref("calls"), "Those that reach somebody for the first time."),
        "redials": said(ref("calls"), "The same two people, over another number or extension."),
        "gaps": obj(
            {
                "count": COUNT,
                "longest_seconds": SECONDS,
                "bindings": array(obj({"address": TEXT, "seconds": SECONDS})),
            }
        ),
        "chosen_later": said(COUNT, "Bindings whose X the vendor is yet to choose."),
        "misroutes": array(
            obj(
                {
                    "step": {"type": "integer"},
                    "phone_x": TEXT,
                    "extension": nullable(TEXT),
                    "address": nullable(TEXT),
                    "others": nullable(TEXT),
                    "reason": TEXT,
                }
            ),
            "Calls that would reach a wrong phone between two steps.",
        ),
    },
    "What calls will do otherwise than before.",
)
_CHANGE: Final[Schema] = obj(
    {
        "address": said(TEXT, "`bindings.NAME` or `groups.NAME`."),
        "action": {"enum": [one.value for one in Action]},
        "cause": said(
            {"enum": [one.value for one in Cause]}, "A commit, the vendor, time, or an interrupted run."
        ),
        "reason": TEXT,
        "provider": TEXT,
        "before": nullable(ref("attributes")),
        "after": nullable(ref("attributes")),
        "changed": array(TEXT, "The attributes that differ."),
        "order": nullable({"enum": [one.value for one in Order]}),
        "gap_seconds": said(SECONDS, "How long nobody is reached."),
        "calls": said(COUNT, "Writing calls when nothing fails."),
        "x_may_change": {"type": "boolean"},
        "source": nullable(ref("source")),
    }
)
_DEFERRED: Final[Schema] = obj(
    {
        "address": TEXT,
        "action": {"enum": [one.value for one in Action]},
        "provider": TEXT,
        "reason": TEXT,
        "not_before": nullable(INSTANT),
        "source": nullable(ref("source")),
    },
    "A change that is postponed; it is none of `changes`.",
)
_DIAGNOSTIC: Final[Schema] = obj(
    {
        "code": said(TEXT, "Its page: `pnsync explain CODE`."),
        "severity": said({"enum": [one.value for one in Severity]}, "An error keeps apply from running."),
        "summary": TEXT,
        "advice": TEXT,
        "address": nullable(TEXT),
        "source": nullable(ref("source")),
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
_PLAN: Final[Schema] = obj(
    {
        "format": {"const": plan.FORMAT},
        "version": {"const": plan.VERSION},
        "pnsync_version": TEXT,
        "made_at": INSTANT,
        "valid_until": said(nullable(INSTANT), "From when time alone would make apply refuse it."),
        "lineage": said(TEXT, "The state's identity; empty without a state."),
        "serial": COUNT,
        "config_digest": said(TEXT, "Keyed, over declared values."),
        "summary": obj(dict.fromkeys(_COUNTED, COUNT), "How many changes of each action, and what is none."),
        "rate": said(
            nullable(SECONDS),
            "Calls a second of the slowest provider that it calls: as configured, of which a shard has its share, or fewer "
            "if asked.",
        ),
        "changes": array(ref("change"), "In the order of the calls."),
        "routing": ref("routing"),
        "timeline": array(
            obj({"at": INSTANT, "expiries": COUNT, "renewals": COUNT}),
            "What the spans of time from each instant bring for all bindings, once the plan is applied.",
        ),
        "deferred": array(ref("deferred")),
        "diagnostics": array(ref("diagnostic")),
        "digest": said(DIGEST, "Over the canonical JSON without digest and signature."),
        "options": said({"type": "object"}, "In a saved plan: what it was asked for."),
        "sameness": said({"type": "object"}, "In a saved plan: keyed digests of its real values."),
        "signature": said(TEXT, "In a signed plan: HMAC-SHA256 under PNSYNC_PLAN_KEY."),
    },
    "What apply would do. Masked: no phone of a person and no key stands in it.",
    optional=("rate", "routing", "timeline", "options", "sameness", "signature"),
)


def plan_schema() -> Schema:
    """`pnsync plan --format json`, and what `--out` saves."""
    return published("plan:1", "pnsync plan", _PLAN, _PLAN_DEFINITIONS)


# -- the verdict -----------------------------------------------------------------------------------------------------

_FAILURE: Final[Schema] = obj(
    {"address": TEXT, "code": TEXT, "vendor_code": TEXT, "request_id": TEXT, "next": TEXT},
    "A change that failed, and what to do next.",
)
_RESULT: Final[Schema] = obj(
    {
        "format": {"const": verdict.RESULT_FORMAT},
        "version": {"const": verdict.RESULT_VERSION},
        "command": TEXT,
        "exit": said({"enum": sorted(int(one) for one in ExitCode)}, "The exit code."),
        "done": COUNT,
        "failed": COUNT,
        "not_tried": COUNT,
        "unknown": said(COUNT, "Calls whose outcome a later listing tells."),
        "deferred": COUNT,
        "down": array(TEXT, "Addresses that reach nobody: unbound, and not bound again."),
        "x_changed": array(TEXT, "Addresses with another X than before."),
        "failures": array(ref("failure")),
        "serial": said(
            nullable({"type": "array", "items": COUNT, "minItems": 2, "maxItems": 2}), "Before and after."
        ),
        "counts": said(
            {"type": "object", "additionalProperties": COUNT},
            "How many changes of each result: bound, renewed, ..",
        ),
        "unverified": array(TEXT, "Addresses that the vendor acknowledged and does not list."),
        "seconds": SECONDS,
        "error": obj({"code": TEXT, "summary": TEXT}, "Where the command failed as a whole."),
    },
    "How a command ended.",
    optional=("error",),
)


def result_schema() -> Schema:
    """The verdict, as `--result FILE` holds it."""
    return published("result:1", "pnsync result", _RESULT, {"failure": _FAILURE})


# -- the event stream ------------------------------------------------------------------------------------------------

_PLAN_EVENTS: Final = {
    "plan": "What will be done.",
    "drift": "What the vendors' listings show otherwise than the state, as a plan.",
    "differences": "What the vendors' listings show otherwise than the files, as a plan.",
}


_CALLS_EVENT: Final[Schema] = obj(
    {
        "event": {"const": "calls"},
        "asked": COUNT,
        "answers": array(
            obj(
                {
                    "address": TEXT,
                    "view": said(TEXT, "Whose call it is: that of A, of B, or of a stranger."),
                    "dialled": TEXT,
                    "extension": nullable(TEXT),
                    "expected": said(nullable(TEXT), "Who should ring, masked; null: nobody."),
                    "rings": said(nullable(TEXT), "Who would ring, masked; null: nobody."),
                    "wrong": said(nullable(TEXT), "How the two differ; null where they do not."),
                    "request_id": TEXT,
                }
            )
        ),
    },
    "What a vendor's switch answered to `verify --call`.",
)


def events_schema() -> Schema:
    """One line of what `--json` writes; the last line is the event `verdict`."""
    events = [_plan_event(name, about) for name, about in _PLAN_EVENTS.items()]
    events += [_report_event(one) for one in get_args(Report)]
    events.append(_CALLS_EVENT)
    last = {**_RESULT, "properties": {"event": {"const": "verdict"}, **_RESULT["properties"]}}
    last["required"] = ["event", *_RESULT["required"]]
    definitions = {**_PLAN_DEFINITIONS, "plan": _PLAN, "failure": _FAILURE}
    about = {"description": "One JSON object a line; `event` names what it is."}
    return published("events:1", "pnsync event", {**about, "oneOf": [*events, last]}, definitions)


def _plan_event(name: str, about: str) -> Schema:
    return obj({"event": {"const": name}, "plan": ref("plan")}, about)


def _report_event(report: type[Any]) -> Schema:
    """The event of a report, from the types of its members."""
    hints = get_type_hints(report)
    properties = {"event": {"const": report.__name__.lower()}}
    properties |= {one.name: _of_type(hints[one.name]) for one in fields(report)}
    return obj(properties, " ".join((report.__doc__ or "").split()))


_SCALARS: Final[Mapping[object, Schema]] = {
    str: TEXT,
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
}


def _of_type(hint: Any) -> Schema:
    if isinstance(hint, UnionType):
        return {"anyOf": [_of_type(one) for one in get_args(hint)]}
    if get_origin(hint) is tuple:
        return array(_of_type(get_args(hint)[0]))
    return _SCALARS[hint]


SCHEMAS: Final[Mapping[str, Callable[[], Schema]]] = {
    "plan": plan_schema,
    "events": events_schema,
    "result": result_schema,
    "status": status_schema,
    "forecast": forecast_schema,
    "doctor": doctor_schema,
}
"""Every published schema by its name; docs/schemas/NAME-v1.json holds its text."""


def schema_text(name: str) -> str:
    """A schema as its file holds it."""
    return json.dumps(SCHEMAS[name](), ensure_ascii=False, indent=2) + "\n"
