"""What a person is told where calls and the listing leave a doubt: P301 to P305. Pure; recovery says when.

P301 to P303 are decisions of a person, after which nothing is done at the address; P304 and P305 are warnings.
"""

from pnsync.errors import Diagnostic, Severity
from pnsync.model import Mode
from pnsync.state import Intent


def other_values(intent: Intent) -> Diagnostic:
    """The row with the id of a call has other values than the call."""
    return _decision(
        "P301",
        intent,
        f"the vendor lists {intent.customer_bind_id} with other values than were sent",
    )


def which_binding(intent: Intent, bind_ids: list[str], *, answered: bool) -> Diagnostic:
    """Rows that could be what a call made, or another delivery of one that was answered."""
    which = "a second delivery of one call, or somebody else's" if answered else "the outcome of one call"
    return _decision("P302", intent, f"{', '.join(bind_ids)} could be {which}; no id tells")


def which_group(intent: Intent) -> Diagnostic:
    """Groups that could be what a call made."""
    return _decision("P303", intent, "two groups could be the outcome of one call")


def bound_twice(intent: Intent, count: int, stays: str) -> Diagnostic:
    """A vendor made several bindings of one request; `stays` names the one that is kept."""
    return _warning(
        "P304",
        intent,
        f"{intent.provider} made {count} bindings of one request; {stays} stays",
        "the others are unbound; tell the vendor, as its API is not idempotent on customerBindId",
    )


def delivered_again(intent: Intent) -> Diagnostic:
    """A request that was answered took effect once more."""
    return _warning(
        "P304",
        intent,
        f"{intent.provider} made more than one binding of one request; the first stays",
        "the others are unbound; a network that delivers a request twice does this",
    )


def believed_absent(intent: Intent, mode: Mode) -> Diagnostic:
    """A bind that no row shows, of a mode of which no row was ever seen."""
    return _warning(
        "P305",
        intent,
        f"its call is taken to have had no effect, but {intent.provider} was never seen to list a binding of "
        f"mode {mode.value}",
        "look for a second binding of it at the vendor",
    )


def _decision(code: str, intent: Intent, found: str) -> Diagnostic:
    advice = "look at them at the vendor, then `pnsync import` the right one or `pnsync state rm` the address"
    return Diagnostic(code, f"{intent.address}: {found}", advice=advice, address=intent.address)


def _warning(code: str, intent: Intent, found: str, advice: str) -> Diagnostic:
    return Diagnostic(
        code, f"{intent.address}: {found}", Severity.WARNING, advice=advice, address=intent.address
    )
