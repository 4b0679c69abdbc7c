"""Which of the selected drafts come, and in which order: all that fit together, those of a shard, or the first few. Pure.

What does not fit beside the rest is deferred, with its reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pnsync.plan import Cause, Change, Deferred
from pnsync.planner.draft import Draft
from pnsync.planner.findings import Findings
from pnsync.planner.groups import settle_groups
from pnsync.planner.occupancy import Needs
from pnsync.planner.staging import Staged, stage
from pnsync.routing.following import Live
from pnsync.scope import Shard

_OTHERS = "another shard's run may free it, and the next run goes on; what waits for each other needs a run without --shard"
_ORDER = "calls would go astray before another shard's change; the next run goes on, or one without --shard"
_LIMIT = "left for the next run by --limit"


@dataclass(frozen=True, slots=True)
class Fitted:
    """Drafts that fit together, in their order, and what was left out of them."""

    drafts: list[Draft]
    needs: Needs
    staged: Staged
    deferred: tuple[Deferred, ...]


class Fitting:
    """Fits drafts together, beside what is live and declared."""

    def __init__(self, found: Findings) -> None:
        self._found = found
        self._live = Live(found.desired, found.state, found.observed, found.matched, found.now)

    def fit(self, selected: list[Draft], whole: Staged | None = None) -> Fitted:
        """The selected drafts that fit together, in an order in which no call goes astray; of a `whole`, if a part."""
        drafts, unsettled = settle_groups(selected, self._found.state, self._found.now)
        drafts, needs = self._found.occupancy.settle_needs(drafts)
        return Fitted(drafts, needs, stage(drafts, self._live, whole), (*unsettled, *needs.deferred))

    def of_shard(self, shard: Shard, whole: Fitted) -> tuple[list[Draft], Fitted]:
        """The drafts of one shard that need nothing of what other shards' runs are to do; and fitted together."""
        drafts = [one for one in whole.drafts if shard.holds(one.address)]
        waiting: list[Deferred] = []
        while True:
            fitted = self.fit(drafts, whole.staged)
            waiting += [replace(one, reason=f"{one.reason}; {_OTHERS}") for one in fitted.deferred]
            astray = {one.address for one in fitted.staged.refusals if one not in whole.staged.refusals}
            if not astray:
                break
            waiting += [_left(one, _ORDER) for one in drafts if one.address in astray]
            drafts = [one for one in drafts if one.address not in astray]
        return drafts, replace(
            fitted, needs=whole.needs, deferred=_without_repeats((*whole.deferred, *waiting))
        )

    def limited(self, selected: list[Draft], whole: Fitted, limit: int | None) -> Fitted:
        """The first changes of cause config up to the limit, in the order of the whole plan; the rest is deferred."""
        config = [one for one in whole.staged.changes if one.cause is Cause.CONFIG]
        if limit is None or len(config) <= limit:
            return whole
        first = {(one.address, one.action) for one in config[:limit]}
        part = self.fit(
            [one for one in selected if one.cause is not Cause.CONFIG or (one.address, one.action) in first]
        )
        told = {(one.address, one.action) for one in (*whole.deferred, *part.deferred)}
        left = [_left(one, _LIMIT) for one in config[limit:] if (one.address, one.action) not in told]
        return replace(
            part, needs=whole.needs, deferred=_without_repeats((*whole.deferred, *part.deferred, *left))
        )


def _left(one: Draft | Change, reason: str) -> Deferred:
    return Deferred(one.address, one.action, one.provider, reason, None, one.source)


def _without_repeats(found: Sequence[Deferred]) -> tuple[Deferred, ...]:
    return tuple({(one.address, one.action): one for one in found}.values())
