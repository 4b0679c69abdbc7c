"""A simulated account as a person at the vendor's web console sees and edits it: the source of drift.

Values go in and out as JSON under the switchboard's own names (`phone_a`, `x_a`, ..), never a wire format's.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pnsync.sandbox.account import Account
from pnsync.sandbox.clock import SandboxClock
from pnsync.sandbox.fields import is_number
from pnsync.sandbox.records import Binding, Mode

_EDITABLE = (
    "phone_a",
    "phone_b",
    "x_a",
    "x_b",
    "extension",
    "group_id",
    "client_id",
    "flag",
    "expires_at",
    "app_id",
)


class Console:
    """One account's console. `settle` carries out what was on its way before anything is looked at."""

    def __init__(self, account: Account, clock: SandboxClock, *, settle: Callable[[], None]) -> None:
        self._account = account
        self._clock = clock
        self._settle = settle

    def bindings(self) -> list[dict[str, Any]]:
        """The live bindings, oldest first, in full."""
        self._settle()
        with self._account.reading(self._clock()) as board:
            return [one.to_json() for one in board.listing(self._clock())]

    def history(self) -> list[dict[str, Any]]:
        """Everything that happened in the account, in order; without phones."""
        self._settle()
        with self._account.reading(self._clock()) as board:
            return [one.to_json() for one in board.history]

    def remove(self, bind_id: str) -> None:
        """Unbind; KeyError where there is no such binding."""
        self._settle()
        now = self._clock()
        with self._account.writing(now) as board:
            if bind_id not in board.bindings:
                raise KeyError("no such binding")
            board.end(bind_id, now, by="console")

    def change(self, bind_id: str, **values: Any) -> None:
        """Give a live binding other values; KeyError where there is no such binding, ValueError for a wrong value."""
        checked = _checked(values)
        self._settle()
        now = self._clock()
        with self._account.writing(now) as board:
            if bind_id not in board.bindings:
                raise KeyError("no such binding")
            board.change(bind_id, now, **checked)

    def add(self, mode: str, **values: Any) -> str:
        """Make a binding of `mode` as the person says, X included; its id. ValueError for a wrong or missing value.

        `expires_in` (seconds, absent for never) stands for `expires_at`.
        """
        seconds = values.pop("expires_in", 0)
        checked = _checked(values)
        if mode not in set(Mode) or "phone_a" not in checked or "x_a" not in checked:
            raise ValueError("a binding needs a mode, phone_a and x_a")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise ValueError("expires_in is not a number of seconds")
        self._settle()
        now = self._clock()
        if seconds:
            checked["expires_at"] = now + seconds
        checked.setdefault("x_b", checked["x_a"])
        with self._account.writing(now) as board:
            numeric = self._account.vendor == "laaffic"
            bind_id = board.next_counted_id() if numeric else board.next_token("console")
            board.bind(Binding(bind_id=bind_id, mode=mode, bound_at=now, made_by="console", **checked))
        return bind_id

    def edit(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """One edit as JSON: {"remove": ID}, {"change": {"bind_id": ID, ..}} or {"add": {"mode": .., ..}}."""
        match dict(order):
            case {"remove": str(bind_id), **rest} if not rest:
                self.remove(bind_id)
                return {"bind_id": bind_id}
            case {"change": {"bind_id": str(bind_id), **values}, **rest} if not rest:
                self.change(bind_id, **{str(name): value for name, value in values.items()})
                return {"bind_id": bind_id}
            case {"add": {"mode": str(mode), **values}, **rest} if not rest:
                return {"bind_id": self.add(mode, **{str(name): value for name, value in values.items()})}
            case _:
                raise ValueError("an edit is one of remove, change, add")


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in values.items():
        if name not in _EDITABLE:
            raise ValueError("a binding has no such value to edit")
        if name in ("flag", "expires_at"):
            good = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        elif name in ("phone_a", "phone_b", "x_a", "x_b"):
            good = isinstance(value, str) and (is_number(value) or (value == "" and name == "phone_b"))
        else:
            good = isinstance(value, str)
        if not good:
            raise ValueError(f"{name} is not valid")
    return dict(values)
