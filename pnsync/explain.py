"""The pages behind diagnostic codes, which `pnsync explain CODE` shows.

A module that reports a code keeps the page for it in a table of its own; `find` looks a code up in several
tables. Must not know any table itself: who composes the program hands them in. Standard library only.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """What a code means: a title, why it matters and how to mend it, and a small example in YAML or as a command."""

    title: str
    text: str
    example: str = ""


def find(code: str, *tables: Mapping[str, Page | str]) -> Page | None:
    """The page of a code, in any letter case; None where no table has one.

    A page that is a plain text has its first sentence as its title.
    """
    wanted = code.strip().upper()
    for table in tables:
        page = table.get(wanted)
        if page is not None:
            return page if isinstance(page, Page) else Page(page.partition(". ")[0].rstrip("."), page)
    return None
