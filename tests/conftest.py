"""Tests that need a program run where it is; where it is missing they are left out, and that is said.

Where CI is set nothing is left out: there a test without its program fails.
"""

import os
import shutil
import signal

import pytest
from stores import servers

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
    config.addinivalue_line("markers", "browser: needs Chromium and chromedriver")
    config.addinivalue_line("markers", "needs_postgres: needs PostgreSQL's own programs")
    config.addinivalue_line("markers", "needs_seaweed: needs SeaweedFS")
    config.addinivalue_line("markers", "needs_terraform: needs Terraform, which CI need not have")
    # A shell's background job ignores Ctrl-C, and so would every program that the tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot run."""
    lacking = missing()
    without = [one for one in items if any(one.get_closest_marker(marker) for marker in lacking)]
    if without:
        left_out = set(without)
        items[:] = [one for one in items if one not in left_out]
        config.hook.pytest_deselected(items=without)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out, also where workers did the collecting."""
    for line in missing().values():
        terminalreporter.write_line(line)
