"""How far an apply has come: each step's standing, each provider's, and the tally over all plans of one run.

Data and questions to it; makes no call, records nothing and tells nobody.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from pnsync.errors import ExitCode
from pnsync.plan import Change, Plan, Step
from pnsync.verdict import Failed

SEND_WITHIN_SECONDS = 5.0
"""How much later than its intent a request may be stamped; a run that slept in between does not send it."""
GROUP_WITHIN_SECONDS = 15.0
"""The same where one record holds the intents of several calls, which are made one after the other."""


class Standing(StrEnum):
    """How far a step has come."""

    WAITING = "waiting"
    FLYING = "flying"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Conduct:
    """How an apply behaves: calls in flight at once, and whether the first failure ends it."""

    parallelism: int = 1
    fail_fast: bool = False
    quarantine_seconds: int = 0
    not_after: float | None = None
    """The monotonic instant from which no change is begun."""
    calls_a_record: int = 1
    """How many intents may share a durable write, where that costs more than a call."""
    wait: Callable[[], float] = lambda: 0.0
    """The seconds for which no change is begun just now; to be asked again after them."""

    @property
    def send_within_seconds(self) -> float:
        """How much later than its intent a request may be stamped."""
        return SEND_WITHIN_SECONDS if self.calls_a_record == 1 else GROUP_WITHIN_SECONDS


@dataclass(slots=True)
class Tally:
    """What an apply has done so far, over all its plans."""

    done: dict[str, str] = field(default_factory=dict)
    """Address to result."""
    failures: dict[str, Failed] = field(default_factory=dict)
    left: dict[str, Change] = field(default_factory=dict)
    x_changed: set[str] = field(default_factory=set)
    bound: set[str] = field(default_factory=set)
    """Addresses with a bind that was acknowledged, to be compared with the listing afterwards."""
    prompt: set[str] = field(default_factory=set)
    """Those of them whose answer came so soon that it is known when they took effect."""
    codes: set[ExitCode] = field(default_factory=set)
    stopped: dict[str, str] = field(default_factory=dict)
    """Providers that get no further call, with the reason."""
    barred: set[str] = field(default_factory=set)
    """Providers that refused the credentials."""
    no_binds: set[str] = field(default_factory=set)
    """Providers that refuse binds for want of capacity."""
    attempted: set[str] = field(default_factory=set)
    """Addresses with a call of this run whose outcome was not known at once, and those in a circle with them."""
    circles: dict[str, frozenset[str]] = field(default_factory=dict)
    """Of them those whose unbind is one of a circle: the addresses of the circle, none of which goes on alone."""
    calls: int = 0
    tickets: Iterator[int] = field(default_factory=itertools.count)
    """Numbers of attempts: a run that plans again goes on counting, so that no attempt has another's name."""


class Progress:
    """One pass over the steps of one plan."""

    def __init__(self, plan: Plan, tally: Tally) -> None:
        self.plan = plan
        self.tally = tally
        self.standing = [Standing.WAITING] * len(plan.steps)
        self.tries = [0] * len(plan.steps)
        self.steps_of: dict[int, list[int]] = {}
        for index, step in enumerate(plan.steps):
            self.steps_of.setdefault(step.change, []).append(index)
        self.began: dict[int, float] = {}
        """Change to the monotonic instant of its first call."""
        self.asked_at: dict[int, float] = {}
        """Step to when its last call was noted, by the wall clock: epoch seconds."""
        self.held: dict[str, int] = {}
        """What a call in flight keeps from others, to the call's ticket."""
        self.slots: dict[str, float] = {}
        """Provider to the monotonic instant of its next call."""
        self.unknowns: dict[str, int] = {}
        """Provider to how many calls in a row got no usable answer."""
        self.deadline: float | None = None
        """After a signal: the monotonic instant at which this ends."""
        self.failed_fast = False

    @property
    def closing(self) -> bool:
        """Whether no further change is begun."""
        return self.deadline is not None or self.failed_fast

    def change(self, step: Step) -> Change:
        """The change that a step belongs to."""
        return self.plan.changes[step.change]

    def finishing(self, step: Step) -> bool:
        """Whether a step is the second half of a change whose unbind is done."""
        return step.finishes and any(self.standing[one] is Standing.DONE for one in step.after)

    def whole(self, step: Step) -> bool:
        """Whether all steps of a step's change are done."""
        return all(self.standing[one] is Standing.DONE for one in self.steps_of[step.change])

    def others(self, step: Step) -> set[Standing]:
        """How the parts of a step's change stand that began."""
        return {self.standing[one] for one in self.steps_of[step.change]} - {Standing.LEFT, Standing.WAITING}
