"""How much the tests try: `quick` (the default) or `full` (`make full`), by PNSYNC_TEST_PROFILE.

Both run every test and every assertion. Quick draws fewer examples, moves smaller bulks, and starts the
program by a fork of a process that has imported it; full starts a new interpreter each time. The examples are the same
each time, unless PNSYNC_TEST_RANDOM is set.
"""

import os

PROFILE = os.environ.get("PNSYNC_TEST_PROFILE", "quick")
assert PROFILE in ("quick", "full"), "PNSYNC_TEST_PROFILE is quick or full"
FULL = PROFILE == "full"


def either(full: int, quick: int) -> int:
    """A figure of this profile."""
    return full if FULL else quick
