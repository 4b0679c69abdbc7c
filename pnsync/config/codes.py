"""The pages of the codes that the configuration reports, for `pnsync explain CODE`.

E2xx: a value or key by itself; E3xx: entries that break something together; W4xx: warnings; P5xx: what the
files' own policy forbids (exit 4, not 8). A code is never used again for something else.
"""

from typing import Final

from pnsync.config.pages_numbers import NUMBERS
from pnsync.config.pages_tables import TABLES
from pnsync.config.pages_together import TOGETHER
from pnsync.config.pages_values import VALUES
from pnsync.explain import Page

PAGES: Final[dict[str, Page]] = {**VALUES, **TABLES, **NUMBERS, **TOGETHER}
"""Every code with its page."""
