"""Plans of any size, made of changes of four kinds."""

from typing import Any

from pnsync.errors import SourceSpan
from pnsync.plan import Action, Cause, Change
from tests.render.documents import desk, plan_document


def change(i: int, action: Action, **more: Any) -> Change:
    """The i-th of many."""
    cause = Cause.EXPIRY if action is Action.RENEW else Cause.CONFIG
    x = f"4474{i // 1000:08}"
    extension = f"{i % 1000:03}"
    values: dict[str, Any] = {
        "before": None if action is Action.BIND else desk(f"4477009{i:05}", x, extension),
        "after": None if action is Action.UNBIND else desk(f"4477019{i:05}", x, extension),
        "changed": ("phone_a",) if action is Action.REBIND else (),
        "gap_seconds": 0.3 if action in (Action.REBIND, Action.RENEW) else 0.0,
        "calls": 1 if action in (Action.BIND, Action.UNBIND) else 2,
        "source": SourceSpan(f"bindings/desks-{i % 7}.yaml", i + 1),
    } | more
    return Change(f"bindings.desk-{i}", action, cause, "because", "nx", **values)


MIX = (Action.UNBIND, Action.REBIND, Action.BIND, Action.BIND, Action.RENEW)


def many(count: int) -> dict[str, Any]:
    """A document of that many changes of four kinds."""
    return plan_document(changes=tuple(change(i, MIX[i % 5]) for i in range(count)))
