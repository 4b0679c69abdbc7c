"""Tests that need a browser run where there is one; where there is none they are left out, and that is said."""

import os
import shutil

import pytest

MISSING = (
    "no Chromium with chromedriver here: the browser tests were left out (Debian: chromium chromium-driver)"
)


def chromium() -> str | None:
    """The browser to test with."""
    return os.environ.get("PNSYNC_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


def chromedriver() -> str | None:
    """What drives it."""
    return os.environ.get("PNSYNC_TEST_CHROMEDRIVER") or shutil.which("chromedriver")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker."""
    config.addinivalue_line("markers", "browser: needs Chromium and chromedriver")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot run."""
    without = [one for one in items if one.get_closest_marker("browser")]
    if without and not (chromium() and chromedriver()):
        items[:] = [one for one in items if not one.get_closest_marker("browser")]
        config.hook.pytest_deselected(items=without)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out, also where workers did the collecting."""
    if not (chromium() and chromedriver()):
        terminalreporter.write_line(MISSING)
