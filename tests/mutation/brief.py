"""A pytest plugin: properties play few examples, and the same ones each time, so that a mutant costs a second."""

import pytest
from hypothesis import Phase, settings

EXAMPLES = 12


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bound the examples of every property, whatever it asks for."""
    for item in items:
        test = getattr(item, "obj", None)
        inner = getattr(test, "__func__", test)
        asked = getattr(inner, "_hypothesis_internal_use_settings", None)
        if asked is not None:
            inner._hypothesis_internal_use_settings = settings(
                asked,
                max_examples=min(asked.max_examples, EXAMPLES),
                derandomize=True,
                database=None,
                deadline=None,
                phases=(Phase.explicit, Phase.generate),
            )
