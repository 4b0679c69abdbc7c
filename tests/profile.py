"""How much the tests try, by PNSYNC_TEST_PROFILE: `quick` (`make test`), `check` (`make check`, CI, and pytest by itself)
or `full` (`make full`).

All three run every test function and every assertion (but for those marked `slow`, which full has alone). They differ in
how many cases each gets:

- full: all examples, the largest bulks, and the program started by a new interpreter each time;
- check: a fifth of the examples, smaller bulks, and the program started by a fork of a process that has imported it;
- quick: as check, with a tenth of the examples, the smallest bulks, and of the tests marked `sampled` only a part of the
  cases. Which ones is decided by their names alone, so that it is the same part each time.

The examples are the same each time, unless PNSYNC_TEST_RANDOM is set.
"""

import os

PROFILES = ("quick", "check", "full")
PROFILE = os.environ.get("PNSYNC_TEST_PROFILE", "check")
assert PROFILE in PROFILES, f"PNSYNC_TEST_PROFILE is one of {', '.join(PROFILES)}"
FULL = PROFILE == "full"
QUICK = PROFILE == "quick"


def either(full: int, quick: int, check: int | None = None) -> int:
    """A figure of this profile; check takes that of quick where it has none of its own."""
    if FULL:
        return full
    return quick if QUICK or check is None else check
