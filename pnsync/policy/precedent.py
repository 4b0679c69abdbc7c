"""The policy last applied, and what counts of it beside the files': the stricter of both, setting by setting.

A pull request that loosens the policy and uses the looser one at once would approve itself. So a tightened setting
counts at once and a loosened one from the apply after the one that records it. Pure.
"""

import json
from typing import Any, Final

from pnsync.errors import Diagnostic, Severity
from pnsync.journal import Noted
from pnsync.model import Limit, Policy
from pnsync.state import State

POLICY_NOTE: Final = "policy"
LIMITS: Final = ("max_unbind", "max_rebind", "max_missing")


def recorded_policy(state: State) -> Policy | None:
    """The policy of the last apply; None where none was recorded, or not in a form that is known."""
    value = state.notes.get(POLICY_NOTE)
    if value is None:
        return None
    try:
        return _policy(json.loads(value))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def policy_note(policy: Policy) -> Noted:
    """The event that records a policy as applied."""
    body: dict[str, Any] = {name: _limit_body(getattr(policy, name)) for name in LIMITS}
    codes = policy.allowed_country_codes
    body |= {
        "require_recording": policy.require_recording,
        "allow_never_expire": policy.allow_never_expire,
        "allowed_country_codes": None if codes is None else sorted(codes),
        "quarantine_seconds": policy.quarantine_seconds,
        "max_lifetime_seconds": policy.max_lifetime_seconds,
        "numbers": policy.numbers,
    }
    return Noted(POLICY_NOTE, json.dumps(body, sort_keys=True, separators=(",", ":")))


def effective(files: Policy, recorded: Policy | None, total: int) -> Policy:
    """The stricter of both in every setting; `total` is how many bindings the state holds, which limits are shares of."""
    if recorded is None or recorded == files:
        return files
    codes = files.allowed_country_codes
    if recorded.allowed_country_codes is not None:
        codes = recorded.allowed_country_codes if codes is None else (codes & recorded.allowed_country_codes)
    longest = [one for one in (files.max_lifetime_seconds, recorded.max_lifetime_seconds) if one is not None]
    return Policy(
        max_unbind=_tighter(files.max_unbind, recorded.max_unbind, total),
        max_rebind=_tighter(files.max_rebind, recorded.max_rebind, total),
        max_missing=_tighter(files.max_missing, recorded.max_missing, total),
        require_recording=files.require_recording or recorded.require_recording,
        allow_never_expire=files.allow_never_expire and recorded.allow_never_expire,
        allowed_country_codes=codes,
        quarantine_seconds=max(files.quarantine_seconds, recorded.quarantine_seconds),
        max_lifetime_seconds=min(longest, default=None),
        numbers=files.numbers or recorded.numbers,
    )


def loosened(files: Policy, recorded: Policy | None, total: int) -> tuple[Diagnostic, ...]:
    """One note that names the settings whose looser value does not count yet."""
    counts = effective(files, recorded, total)
    names = [name for name in LIMITS if _allowed(files, name, total) != _allowed(counts, name, total)]
    plain = (
        ("require_recording", "require_recording"),
        ("allow_never_expire", "allow_never_expire"),
        ("allowed_country_codes", "allowed_country_codes"),
        ("quarantine_seconds", "quarantine"),
        ("max_lifetime_seconds", "max_lifetime"),
        ("numbers", "numbers"),
    )
    names += [shown for name, shown in plain if getattr(files, name) != getattr(counts, name)]
    if not names:
        return ()
    return (
        Diagnostic(
            "P408",
            f"the policy was loosened ({', '.join(names)}), which counts from the next apply",
            Severity.NOTE,
            advice="apply the policy first, alone; what needs it comes after that",
        ),
    )


def _allowed(policy: Policy, name: str, total: int) -> int:
    limit: Limit = getattr(policy, name)
    return limit.allowed(total)


def _tighter(one: Limit, other: Limit, total: int) -> Limit:
    return one if one.allowed(total) <= other.allowed(total) else other


def _limit_body(limit: Limit) -> dict[str, float | int | None]:
    return {"percent": limit.percent, "count": limit.count}


def _policy(body: dict[str, Any]) -> Policy:
    codes, most = body["allowed_country_codes"], body["max_lifetime_seconds"]
    return Policy(
        **{name: Limit(body[name]["percent"], body[name]["count"]) for name in LIMITS},
        require_recording=bool(body["require_recording"]),
        allow_never_expire=bool(body["allow_never_expire"]),
        allowed_country_codes=None if codes is None else frozenset(map(str, codes)),
        quarantine_seconds=int(body["quarantine_seconds"]),
        max_lifetime_seconds=None if most is None else int(most),
        numbers=body["numbers"],
    )
