"""Which line follows which in pnsync: whether an input reached what no other input of its reader had.

The tracer is coverage's own, written in C: a reader takes two to three times as long under it.
"""

from types import TracebackType
from typing import Self

from coverage import Coverage

Arcs = dict[str, set[int]]


class Reach:
    """Traces a package while it is entered; one at a time."""

    def __init__(self, package: str = "pnsync") -> None:
        self._coverage = Coverage(
            branch=True, data_file=None, source_pkgs=[package], config_file=False, messages=False
        )
        self._coverage.set_option("run:core", "ctrace")
        self._arcs: Arcs = {}
        self._count = 0

    def __enter__(self) -> Self:
        self._coverage.start()
        collector = self._coverage._collector
        assert collector is not None and collector.tracer_name() == "CTracer"
        self._arcs = collector.data
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._coverage.stop()

    def follow(self, seen: Arcs) -> None:
        """What was reached before, by the reader that is fed next; it is added to."""
        self._arcs.clear()
        self._arcs.update(seen)
        self._count = sum(map(len, self._arcs.values()))

    def grown(self) -> bool:
        """Whether something new was reached since the last question."""
        before, self._count = self._count, sum(map(len, self._arcs.values()))
        return self._count > before

    def seen(self) -> Arcs:
        """All that was reached since `follow`, and before it."""
        return dict(self._arcs)

    @property
    def count(self) -> int:
        """How much that is."""
        return self._count
