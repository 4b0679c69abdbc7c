"""Two simulated vendors on one manual clock."""

import pytest

from pnsync.sandbox.clock import SandboxClock
from pnsync.sandbox.transport import SandboxTransport

from .calls import START, La, Nx


@pytest.fixture
def clock() -> SandboxClock:
    return SandboxClock.manual(START)


@pytest.fixture
def nx(clock: SandboxClock) -> Nx:
    return Nx(SandboxTransport("nxcloud", clock=clock), clock=clock)


@pytest.fixture
def la(clock: SandboxClock) -> La:
    return La(SandboxTransport("laaffic", clock=clock), clock=clock)
