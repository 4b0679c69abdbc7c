"""The pages behind every code that pnsync reports, from the tables of the modules that report them."""

from importlib import import_module
from typing import Final

from pnsync.explain import Page, find

TABLES: Final = (
    ("pnsync.yamlfile", "YAML_CODES"),
    ("pnsync.config.codes", "PAGES"),
    ("pnsync.statefile.codes", "STATE_CODES"),
    ("pnsync.cli.plan_pages", "PLAN_PAGES"),
)
"""Where the tables are: each keeps the pages of the codes that its own module reports."""


def page(code: str) -> Page | None:
    """The page of a code, in any letter case; None where no module reports it."""
    return find(code, *(_table(module, name) for module, name in TABLES))


def titles() -> dict[str, str]:
    """Every code with its title, in order."""
    found: dict[str, str] = {}
    for module, name in TABLES:
        table = _table(module, name)
        for code in table:
            known = find(code, table)
            assert known is not None
            found[code] = known.title
    return dict(sorted(found.items()))


def _table(module: str, name: str) -> dict[str, Page | str]:
    found: dict[str, Page | str] = getattr(import_module(module), name)
    return found
