"""Which cases of a test marked `sampled` the quick profile runs: the same ones in every process and at every hour.

`@pytest.mark.sampled` takes as few cases as have each value of each parameter once, as far as one pass finds them;
`@pytest.mark.sampled(n)` takes n cases. The order in which cases are considered is that of a hash of their names.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

import pytest


def left_out(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """The cases that quick does without."""
    tests: dict[tuple[str, ...], list[pytest.Function]] = defaultdict(list)
    for one in items:
        if (
            isinstance(one, pytest.Function)
            and hasattr(one, "callspec")
            and one.get_closest_marker("sampled")
        ):
            tests[str(one.path), one.cls.__name__ if one.cls else "", one.originalname].append(one)
    left: set[pytest.Item] = set()
    for cases in tests.values():
        marker = cases[0].get_closest_marker("sampled")
        assert marker is not None
        left.update(unneeded(cases, *marker.args))
    return left


def unneeded(cases: Sequence[pytest.Function], wanted: int | None = None) -> list[pytest.Function]:
    """Of the cases of one test those that quick does without."""
    drawn = sorted(cases, key=lambda one: hashlib.sha256(one.name.encode()).digest())
    if wanted is not None:
        return drawn[wanted:]
    seen: set[tuple[str, str]] = set()
    left = []
    for one in drawn:
        values = {(name, repr(value)) for name, value in one.callspec.params.items()}
        if values <= seen:
            left.append(one)
        seen |= values
    return left
