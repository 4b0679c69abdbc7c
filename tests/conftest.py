"""What holds of all tests: how much they try, what they need, and how they are named.

- How much: `tests/profile.py` has the profiles. Short of full every Hypothesis test draws a part of its examples, and
  tests marked `slow` are left out; in quick, tests marked `sampled` have a part of their cases.
- Tests that need a program run where it is; where it is missing they are left out, and that is said. Where CI is set
  nothing is left out: there a test without its program fails.
- Names are the same in every process and at every hour, short and readable: else parallel runs refuse to begin.
"""

import gc
import os
import re
import shutil
import signal

import pytest
from hypothesis import HealthCheck, settings
from stores import servers

from tests import sampling
from tests.profile import FULL, QUICK, either

LONGEST_NAME = 120
"""Characters of a test's name with its parameters."""

ESCAPED = re.compile(r"\\x[0-9a-f]{2}")
"""What pytest puts in the place of a character that cannot be shown."""

LONGEST_VALUE = 40
"""Characters of a parameter that stands in a name as it is."""

PART, LEAST = either(1, 10, 5), either(1, 10, 20)
"""A test draws this part of its examples, and so many at least."""

COLLECT_AFTER = 50_000
"""Objects made between two collections of garbage; with Python's 700 they take a tenth of all time."""

# A busy machine is no fault of an example: nothing here is judged by its time. `PNSYNC_TEST_RANDOM=1` draws anew.
settings.register_profile(
    "pnsync",
    derandomize=not os.environ.get("PNSYNC_TEST_RANDOM"),
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("pnsync")

MISSING = (
    "no Chromium with chromedriver here: the browser tests were left out (Debian: chromium chromium-driver)"
)

NO_TERRAFORM = "no Terraform here: the tests that it agrees on its protocol were left out"


def chromium() -> str | None:
    """The browser to test with."""
    return os.environ.get("PNSYNC_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


def chromedriver() -> str | None:
    """What drives it."""
    return os.environ.get("PNSYNC_TEST_CHROMEDRIVER") or shutil.which("chromedriver")


def missing() -> dict[str, str]:
    """By marker, what is missing here and is said."""
    terraform = {} if shutil.which("terraform") else {"needs_terraform": NO_TERRAFORM}
    if os.environ.get("CI"):
        return terraform
    browser = {} if chromium() and chromedriver() else {"browser": MISSING}
    return {**browser, **servers.missing(), **terraform}


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers."""
    config.addinivalue_line("markers", "slow: in the full profile alone")
    config.addinivalue_line(
        "markers", "sampled(n): in quick n of its cases, or each value of a parameter once"
    )
    config.addinivalue_line("markers", "browser: needs Chromium and chromedriver")
    config.addinivalue_line("markers", "needs_postgres: needs PostgreSQL's own programs")
    config.addinivalue_line("markers", "needs_pgbouncer: needs PgBouncer")
    config.addinivalue_line("markers", "needs_seaweed: needs SeaweedFS")
    config.addinivalue_line("markers", "needs_terraform: needs Terraform, which CI need not have")
    # A shell's background job ignores Ctrl-C, and so would every program that the tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check the names, leave out what cannot run, and take the cases and examples of the profile."""
    odd = [one.nodeid for one in items if not well_named(one.name)]
    if odd:
        raise pytest.UsageError(
            "Give these tests ids of their own, short and without odd bytes:\n" + "\n".join(odd[:20])
        )
    lacking = missing()
    left_out = {one for one in items if any(one.get_closest_marker(marker) for marker in lacking)}
    if not FULL:
        left_out |= {one for one in items if one.get_closest_marker("slow")}
        for one in items:
            draw_fewer(one)
    if QUICK:
        left_out |= sampling.left_out(items)
    if left_out:
        items[:] = [one for one in items if one not in left_out]
        config.hook.pytest_deselected(items=list(left_out))


def pytest_collection_finish() -> None:
    """Let no collection of garbage look at what stays until the end: the tests themselves, and what they import."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Call long or unreadable values by their parameter: what they hold may not be the same in every process."""
    if isinstance(val, bytes):
        val = val.decode("ascii", "replace")
    if not isinstance(val, str) or (len(val) <= LONGEST_VALUE and val.isprintable() and val.isascii()):
        return None
    return argname


def well_named(name: str) -> bool:
    """Whether a name is short and holds no escaped bytes, which tell of data where a word should stand."""
    return len(name) <= LONGEST_NAME and name.isprintable() and not ESCAPED.search(name)


def draw_fewer(item: pytest.Item) -> None:
    """Lower the number of examples of a Hypothesis test; `test_profile.py` notices when that has no effect."""
    test = getattr(item, "obj", None)
    test = getattr(test, "__func__", test)
    given: settings | None = getattr(test, "_hypothesis_internal_use_settings", None)
    if given is None or hasattr(test, "_examples_of_full"):
        return
    test._examples_of_full = given.max_examples
    fewer = max(min(LEAST, given.max_examples), given.max_examples // PART)
    test._hypothesis_internal_use_settings = settings(given, max_examples=fewer)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out, also where workers did the collecting."""
    for line in missing().values():
        terminalreporter.write_line(line)
