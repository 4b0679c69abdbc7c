"""What every test of the whole program starts from: simulated vendors in another process, and an empty folder."""

import re
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest

from tests.e2e.program import Program
from tests.e2e.projects import Project
from tests.e2e.tap import Tap, tapping
from tests.e2e.vendors import KEYS, Vendors, serving

Tapped = tuple[Project, Tap]


@pytest.fixture(scope="session")
def shared_vendors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendors]:
    """One server for all tests that do not move its clock; each has accounts of its own."""
    with serving(tmp_path_factory.mktemp("vendors")) as found:
        yield found


@pytest.fixture
def vendors(tmp_path: Path) -> Iterator[Vendors]:
    """A server of the test's own, whose clock it may move."""
    with serving(tmp_path / "vendors") as found:
        yield found


def account_name(request: pytest.FixtureRequest) -> str:
    """A name for accounts that no other test has."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name)[:40].strip("-")
    return f"{slug}-{crc32(request.node.nodeid.encode())}"


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path, shared_vendors: Vendors) -> Project:
    """An empty project with accounts of its own at both vendors."""
    return new_project(tmp_path / "project", shared_vendors, account_name(request))


@pytest.fixture
def tapped(request: pytest.FixtureRequest, tmp_path: Path, shared_vendors: Vendors) -> Iterator[Tapped]:
    """The same behind a tap, which sees every request and can hold one."""
    name = account_name(request)
    made = new_project(tmp_path / "project", shared_vendors, name)
    with tapping(shared_vendors.url) as tap:
        through = Vendors(tap.url)
        made.endpoints = (through.nx(name).endpoint, through.la(name).endpoint)
        yield made, tap


def new_project(folder: Path, vendors: Vendors, name: str) -> Project:
    """A project with accounts of this name."""
    folder.mkdir()
    return Project(folder, Program(folder, dict(KEYS)), vendors.nx(name), vendors.la(name))
