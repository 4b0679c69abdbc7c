"""What the files' own policy forbids: no invalid configuration (exit 8) but a refusal (exit 4).

Pure. Limits on how much one plan may change are the planner's to judge; here stands what can be judged from
the declarations alone.
"""

from collections.abc import Iterator

from pnsync.errors import Diagnostic
from pnsync.model import Binding, Desired, Group, Policy


def policy_findings(desired: Desired, now: int | None = None) -> tuple[Diagnostic, ...]:
    """Every breach of `desired.policy`, in file order; bindings that are switched off breach nothing.

    `now`, epoch seconds, is what `max_lifetime` measures an `expires_at` from; without it only leases are judged.
    """
    policy = desired.policy
    found: list[Diagnostic] = []
    for binding in desired.bindings.values():
        if binding.enabled:
            for code, summary, label in _breaches(binding, policy, now):
                found.append(
                    Diagnostic(code, summary, span=binding.span, label=label, address=binding.address)
                )
    for group in desired.groups.values():
        for code, summary, label in _group_breaches(group, policy):
            found.append(Diagnostic(code, summary, span=group.span, label=label, address=group.address))
    return tuple(found)


def _breaches(binding: Binding, policy: Policy, now: int | None) -> Iterator[tuple[str, str, str]]:
    lifetime = binding.lifetime
    most = policy.max_lifetime_seconds
    if policy.require_recording and not binding.recording:
        yield "P501", "the policy requires recording", "recording: true is missing"
    if not policy.allow_never_expire and lifetime.never:
        yield "P502", "the policy allows no binding without end", "expires_in is never"
    if most is not None:
        lasts = lifetime.lease_seconds
        if lifetime.until is not None and now is not None:
            lasts = lifetime.until - now
        if lifetime.never or (lasts is not None and lasts > most):
            yield "P503", "the policy allows no lifetime as long as this", f"max_lifetime is {most} seconds"
    codes = policy.allowed_country_codes
    if codes is not None:
        code = binding.phone_a.country_code  # A, B and X share it
        if code not in codes:
            yield (
                "P504",
                f"the policy allows no country code {code}",
                f"allowed are {', '.join(sorted(codes))}",
            )
    if policy.numbers == "named" and not binding.named:
        yield "P505", "the policy allows named numbers only", "a real number stands in the file"


def _group_breaches(group: Group, policy: Policy) -> Iterator[tuple[str, str, str]]:
    codes = policy.allowed_country_codes
    if codes is not None:
        for code in sorted({phone.country_code for phone in group.phones or ()} - codes):
            yield (
                "P504",
                f"the policy allows no country code {code}",
                f"allowed are {', '.join(sorted(codes))}",
            )
    if policy.numbers == "named" and group.phones and not group.named and group.holds.value == "people":
        yield "P505", "the policy allows named numbers only", "real numbers stand in the file"
