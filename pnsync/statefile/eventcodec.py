"""The JSON form of the journal's events: `{"k": "opened", …}`, one dictionary an event.

Whole in both directions: what is decoded equals what was encoded, so that a state folded in memory and one replayed
from disk are the same. Decoding checks its input like codec.py.
"""

from typing import Any, assert_never

from pnsync.journal import (
    Accepted,
    Applied,
    Began,
    Closed,
    Doubled,
    Event,
    Noted,
    NotSent,
    Opened,
    Outcome,
    Recorded,
    Refusal,
    Refused,
    Resolved,
    Rested,
    Unknown,
    Verdict,
)
from pnsync.statefile import kinds
from pnsync.statefile.codec import (
    decode_account,
    decode_entry,
    decode_intent,
    decode_resting,
    decode_superseded,
    encode_account,
    encode_entry,
    encode_intent,
    encode_resting,
    encode_superseded,
    key_of,
    key_text,
)
from pnsync.statefile.kinds import note, typed
from pnsync.statefile.phonecodec import Json, PhoneCodec


def _given(**values: Any) -> Json:
    return {key: value for key, value in values.items() if value not in (None, "", False)}


def encode_outcome(outcome: Outcome) -> Json:
    """An outcome's JSON form; `o` names its kind."""
    match outcome:
        case Applied():
            return (
                {"o": "applied"}
                | {
                    name: value
                    for name in ("bind_id", "phone_x", "phone_x_b", "group_id")
                    if (value := getattr(outcome, name)) is not None
                }
                | _given(request_id=outcome.request_id)
            )
        case NotSent(reason=reason, withdrawn=withdrawn):
            return {"o": "not_sent", "reason": reason} | _given(withdrawn=withdrawn)
        case Refused():
            return {
                "o": "refused",
                "refusal": outcome.refusal.value,
                "vendor_code": outcome.vendor_code,
                "reason": outcome.reason,
            } | _given(request_id=outcome.request_id)
        case Unknown():
            return {"o": "unknown", "reason": outcome.reason} | _given(
                vendor_code=outcome.vendor_code,
                request_id=outcome.request_id,
                rate_limited=outcome.rate_limited,
            )
        case _:
            assert_never(outcome)


def decode_outcome(made: Json) -> Outcome:
    """The outcome of its JSON form."""
    values = dict(made)
    kind, refusal = values.pop("o"), values.pop("refusal", None)
    typed(values, kinds.OUTCOME)
    match kind:
        case "applied":
            return Applied(**values)
        case "not_sent":
            return NotSent(**values)
        case "refused":
            return Refused(refusal=Refusal(refusal), **values)
        case "unknown":
            return Unknown(**values)
        case other:
            raise ValueError(f"no such outcome: {other!r}")


def encode_event(event: Event, seal: PhoneCodec) -> Json:
    """An event's JSON form; `k` names its kind."""
    match event:
        case Began():
            return {"k": "began", "holder": event.holder, "command": event.command, "at": event.at}
        case Opened(intent=intent):
            return {"k": "opened", "intent": encode_intent(intent, seal)}
        case Closed():
            return {
                "k": "closed",
                "attempt": event.attempt,
                "outcome": encode_outcome(event.outcome),
                "at": event.at,
            }
        case Resolved():
            outcome = None if event.outcome is None else encode_outcome(event.outcome)
            made = {"k": "resolved", "attempt": event.attempt, "verdict": event.verdict.value, "at": event.at}
            return made | {"outcome": outcome, "expires_at": event.expires_at}
        case Recorded(address=address, entry=entry):
            body = None if entry is None else encode_entry(entry, address, seal)
            return {"k": "recorded", "address": address, "entry": body}
        case Doubled(key=key, superseded=superseded):
            body = None if superseded is None else encode_superseded(superseded, seal)
            return {"k": "doubled", "key": key_text(key), "superseded": body}
        case Rested(resting=resting, now=now):
            return {"k": "rested", "resting": [encode_resting(one, seal) for one in resting], "now": now}
        case Accepted(provider=provider, account=account):
            return {"k": "accepted", "provider": provider, "account": encode_account(account)}
        case Noted(key=key, value=value):
            return {"k": "noted", "key": key, "value": value}
        case _:
            assert_never(event)


def decode_event(made: Json, seal: PhoneCodec) -> Event:
    """The event of its JSON form. Raises ValueError for a kind that this version does not know."""
    typed(made, kinds.EVENT)
    match made["k"]:
        case "began":
            return Began(made["holder"], made["command"], made["at"])
        case "opened":
            return Opened(decode_intent(made["intent"], seal))
        case "closed":
            return Closed(made["attempt"], decode_outcome(made["outcome"]), made["at"])
        case "resolved":
            return Resolved(
                made["attempt"],
                Verdict(made["verdict"]),
                made["at"],
                _applied(made["outcome"]),
                made["expires_at"],
            )
        case "recorded":
            entry, address = made["entry"], made["address"]
            return Recorded(address, None if entry is None else decode_entry(entry, address, seal))
        case "doubled":
            superseded = made["superseded"]
            return Doubled(
                key_of(made["key"]), None if superseded is None else decode_superseded(superseded, seal)
            )
        case "rested":
            return Rested(tuple(decode_resting(one, seal) for one in made["resting"]), made["now"])
        case "accepted":
            return Accepted(made["provider"], decode_account(made["account"]))
        case "noted":
            value = made["value"]
            return Noted(made["key"], None if value is None else note(made["key"], value))
        case other:
            raise ValueError(f"no such event: {other!r}")


def _applied(made: Json | None) -> Applied | None:
    if made is None:
        return None
    outcome = decode_outcome(made)
    if not isinstance(outcome, Applied):
        raise ValueError("a listing settles an attempt only as applied")
    return outcome
