"""What commands are put together of: what the environment and the files may decide of it, and what not."""

import logging
import os
from pathlib import Path
from types import MappingProxyType

import pyrage
import pytest
from stores.clocks import StepClock

from pnsync.backends.disk import SystemDisk
from pnsync.cli import output
from pnsync.cli.command import Invocation
from pnsync.cli.logs import shown_logs
from pnsync.cli.output import Output
from pnsync.cli.places import open_backend
from pnsync.cli.session import _may_be_private, open_store, opened
from pnsync.errors import StateError
from pnsync.model import ProviderConfig, StateConfig, VendorType
from pnsync.scope import Shard
from pnsync.sealing.codec import SealingCodec
from tests.cli.conftest import Run
from tests.cli.projects import LONDON, REAL, write


def invocation(folder: Path, **environ: str) -> Invocation:
    return Invocation(MappingProxyType(environ), Output(environ), folder=folder)


# -- numbers in full ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output passes for a terminal."""
    monkeypatch.setattr(output, "_is_terminal", lambda stream: True)


def revealed(text: str) -> bool:
    return any(number in text for number in REAL)


def test_what_a_terminal_shows_in_full_is_kept_nowhere(
    run: Run, tmp_path: Path, terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, LONDON)
    page = tmp_path / "page.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    found = run("plan", "--reveal", "--out", "saved.pnsplan")
    assert found.exit_code == 0 and revealed(found.stdout), found.output
    for kept in (tmp_path / "saved.pnsplan", page):
        assert kept.read_text() and not revealed(kept.read_text())
    assert (tmp_path / "saved.pnsplan").stat().st_mode & 0o777 == 0o600


def test_a_log_of_ci_is_no_terminal(
    run: Run, tmp_path: Path, terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, LONDON)
    monkeypatch.setenv("CI", "true")
    found = run("plan", "--reveal")
    assert found.exit_code == 8 and not revealed(found.output)


def test_without_a_terminal_nothing_is_shown_in_full(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON)
    found = run("plan", "--reveal")
    assert found.exit_code == 8 and not revealed(found.output)


# -- places ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "environ", "private"),
    [
        ("https://number.nxcloud.com/api/pns/", {}, False),
        ("http://127.0.0.1:8080/api/pns/", {}, True),
        ("https://number.nxcloud.com/api/pns/", {"PNSYNC_ALLOWED_HOSTS": "other.example"}, False),
        ("https://mock.example/api/pns/", {"PNSYNC_ALLOWED_HOSTS": "mock.example"}, True),
        ("sandbox", {}, True),
    ],
    ids=["vendor", "loopback", "other-host", "named-host", "sandbox"],
)
def test_which_endpoint_may_lie_in_a_private_network(
    tmp_path: Path, endpoint: str, environ: dict[str, str], private: bool
) -> None:
    config = ProviderConfig("nx", VendorType.NXCLOUD, endpoint)
    assert _may_be_private(config, invocation(tmp_path, **environ)) is private


@pytest.mark.parametrize(("value", "allowed"), [(None, False), ("", False), ("yes", False), ("1", True)])
def test_a_network_file_system_is_the_operator_s_to_accept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None, allowed: bool
) -> None:
    monkeypatch.setattr(SystemDisk, "file_system", lambda self, path: "nfs4")
    environ = {} if value is None else {"PNSYNC_STATE_ON_NETWORK_FS": value}
    backend = open_backend(StateConfig(), invocation(tmp_path, **environ), StepClock())
    if allowed:
        assert backend.write("lease", b"free", None)
        return
    with pytest.raises(StateError) as caught:
        backend.write("lease", b"free", None)
    assert caught.value.code == "S922"


def test_a_state_that_others_read_is_never_taken_in_clear(tmp_path: Path) -> None:
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    settings = {"encryption": {"recipients": [recipient]}}
    here = invocation(tmp_path)
    for backend, accepts in (("git", False), ("local", True)):
        codec = open_store(StateConfig(backend, settings), None, here, StepClock()).codec
        assert isinstance(codec, SealingCodec) and codec.accepts_plain is accepts


def test_the_simulated_vendor_is_kept_behind_no_link_that_leads_out(run: Run, tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside.json"
    project.mkdir()
    write(project, LONDON)
    (project / "state").mkdir()
    (project / "state" / "sandbox-nx.json").symlink_to(outside)
    found = run("-C", "project", "apply", "--auto-approve")
    assert found.exit_code == 1 and not outside.exists(), found.output


# -- logs --------------------------------------------------------------------------------------------------------------------


def test_a_log_line_cannot_command_a_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = invocation(tmp_path)
    with shown_logs(here):
        logging.getLogger("pnsync.http").warning("answered %s", "\x1b]52;c;x\x07 \u202e\nnext")
    told = capfd.readouterr().err
    assert "pnsync.http: answered" in told and told.count("\n") == 1
    assert not any(sign in told for sign in "\x1b\x07\u202e") and os.linesep == "\n"


def test_what_is_sealed_stays_sealed_where_it_is_moved_to(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pyrage.x25519.Identity.generate()
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", str(made))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "marks"))
    write(tmp_path, LONDON, extra=f"state: {{encryption: {{recipients: [{made.to_public()}]}}}}\n")
    assert run("apply", "--auto-approve").exit_code == 0
    found = run("state", "migrate", "--to", "{backend: local, path: state/other.state.json}")
    assert found.exit_code == 0, found.output
    moved = (tmp_path / "state" / "other.state.json").read_text()
    assert '"sealing"' in moved and not revealed(moved)


@pytest.mark.parametrize(("asked", "own"), [(None, 250.0), (8.0, 2.0), (4000.0, 250.0)])
def test_runs_that_share_a_state_share_the_rate(tmp_path: Path, asked: float | None, own: float) -> None:
    """1,000 calls a second are declared; a run may ask for fewer in all."""
    write(tmp_path, LONDON)
    keys = dict.fromkeys(("NXCLOUD_ACCESS_KEY", "NXCLOUD_ACCESS_SECRET"), "sandbox")
    with opened(invocation(tmp_path, **keys), gentle=False, rate=asked, shard=Shard(1, 4)) as session:
        assert {one.config.rate for one in session.world.providers.values()} == {own}
        assert {one.rate for one in session.world.desired.providers.values()} == {1000.0}, (
            "what the files say"
        )
