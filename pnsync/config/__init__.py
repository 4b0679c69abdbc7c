"""Documents -> `Desired`: what the files declare, checked, every diagnostic with its place; home of pydantic.

`load` reads a folder, `load_source` anything else. `policy_findings` and `config_digest` judge and identify what
was loaded; `PAGES` explains every code.
"""

from pnsync.config.codes import PAGES
from pnsync.config.digest import config_digest
from pnsync.config.loading import load, load_source
from pnsync.config.numbers import Reading
from pnsync.config.place import read_place
from pnsync.config.policy import policy_findings
from pnsync.config.scalars import is_safe_name as named_safely
from pnsync.config.sources import FolderSource, Source, SourceRefused

__all__ = [
    "PAGES",
    "FolderSource",
    "Reading",
    "Source",
    "SourceRefused",
    "config_digest",
    "load",
    "load_source",
    "named_safely",
    "policy_findings",
    "read_place",
]
