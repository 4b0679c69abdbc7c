"""When bindings of a plan end: counted in equal spans of time, as a page or a person can show it.

From the changes of a plan's document, or from its `timeline` where it has one: a list of `{"at": instant,
"expiries": count, "renewals": count}` for all bindings. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pnsync.render.review import lasts_until, live_until
from pnsync.render.units import parsed

Document = Mapping[str, Any]

SPANS: Final = (3600, 3 * 3600, 6 * 3600, 86400, 2 * 86400, 7 * 86400, 30 * 86400, 365 * 86400)
"""The lengths of one span in seconds, the shortest first."""
MOST_SPANS: Final = 48


@dataclass(frozen=True, slots=True)
class Span:
    """What ends from `start` on: `ending` of the bindings that live now, `lasting` of those that the plan makes."""

    start: datetime
    ending: int
    lasting: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Spans of `seconds` each, without holes from the first to the last; `beyond` ends after the last one.

    With `forecast` the two counts of a span are expiries and renewals of all bindings.
    """

    seconds: int
    spans: tuple[Span, ...]
    beyond: int = 0
    forecast: bool = False

    @property
    def highest(self) -> int:
        """The most that one span counts of either kind."""
        return max((max(one.ending, one.lasting) for one in self.spans), default=0)


Event = tuple[datetime, int, int]


def timeline(document: Document) -> Timeline | None:
    """The time line of a document; None where nothing in it ends."""
    made = parsed(document["made_at"])
    given = document.get("timeline")
    forecast = isinstance(given, list) and bool(given)
    events = list(_forecast(given or ()) if forecast else _planned(document))
    if made is None or not events:
        return None
    first = min(made, *(one[0] for one in events))
    last = max(one[0] for one in events)
    seconds = next(
        (one for one in SPANS if (last - first).total_seconds() < one * (MOST_SPANS - 1)), SPANS[-1]
    )
    begin = int(first.timestamp()) // seconds * seconds
    many = min(int(last.timestamp() - begin) // seconds + 1, MOST_SPANS)
    counts = [[0, 0] for _ in range(many)]
    beyond = 0
    for at, ending, lasting in events:
        i = int(at.timestamp() - begin) // seconds
        if i < many:
            counts[i][0] += ending
            counts[i][1] += lasting
        else:
            beyond += ending + lasting
    spans = tuple(
        Span(datetime.fromtimestamp(begin + i * seconds, UTC), ending, lasting)
        for i, (ending, lasting) in enumerate(counts)
    )
    return Timeline(seconds, spans, beyond, forecast)


def _planned(document: Document) -> Iterator[Event]:
    for one in document["changes"]:
        now_until, then_until = live_until(one), lasts_until(one, document["made_at"])
        if now_until is not None:
            yield now_until, 1, 0
        if then_until is not None:
            yield then_until, 0, 1


def _forecast(given: Iterable[Mapping[str, Any]]) -> Iterator[Event]:
    for one in given:
        at = parsed(str(one["at"]))
        if at is not None and (one["expiries"] or one["renewals"]):
            yield at, int(one["expiries"]), int(one["renewals"])
