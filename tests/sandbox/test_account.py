"""Accounts in files: what is written, when, by how many processes, and what a damaged file says."""

import json
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from pnsync.sandbox import account as account_module
from pnsync.sandbox.account import Account, AccountFileError
from pnsync.sandbox.clock import SandboxClock
from pnsync.sandbox.switches import NxSwitches
from pnsync.sandbox.transport import SandboxTransport

from .calls import START, La, Nx


def open_nx(path: Path, clock: SandboxClock) -> Nx:
    return Nx(SandboxTransport("nxcloud", path=path, clock=clock), clock=clock)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "sandbox-nx.json"


def test_reading_leaves_nothing_behind(path: Path, clock: SandboxClock) -> None:
    nx = open_nx(path, clock)
    assert nx.rows() == []
    assert len(nx("listGroup", limit=10, offset=0)["data"]["groups"]) == 1
    assert nx("queryAXB", caller="447700900001", did="447401264117")["code"] == 10013
    assert not path.parent.exists()


def test_reading_touches_nothing(path: Path, clock: SandboxClock) -> None:
    open_nx(path, clock).axb(life=60)
    before = (path.read_bytes(), path.stat().st_mtime_ns, sorted(path.parent.iterdir()))
    clock.advance(100)  # expiry is no write either
    assert open_nx(path, clock).rows() == []
    assert (path.read_bytes(), path.stat().st_mtime_ns, sorted(path.parent.iterdir())) == before


def test_a_refused_write_changes_nothing(path: Path, clock: SandboxClock) -> None:
    nx = open_nx(path, clock)
    nx.ext("101")
    before = path.read_bytes()
    assert nx.ext("101")["code"] == 1002
    assert nx("unbindAXB", bindId="0" * 32)["code"] == 10013
    assert path.read_bytes() == before


def test_another_transport_sees_the_same_account(path: Path, clock: SandboxClock) -> None:
    one, two = open_nx(path, clock), open_nx(path, clock)
    bind_id = one.axb()["data"]["bindId"]
    assert [row["bindId"] for row in two.rows()] == [bind_id]
    two("unbindAXB", bindId=bind_id)
    assert one.rows() == []
    one("createGroup", phones="447700900001")
    assert len(two("listGroup", limit=10, offset=0)["data"]["groups"]) == 2
    assert two.axb("8613800138000", "8613800138001")["code"] == 0
    assert one.rows() == two.rows()
    histories = [nx.client._transport.console.history() for nx in (one, two)]  # type: ignore[attr-defined]
    assert histories[0] == histories[1]
    assert len(histories[0]) == 5


def test_laaffic_is_kept_too(path: Path, clock: SandboxClock) -> None:
    def open_la() -> La:
        return La(SandboxTransport("laaffic", path=path, clock=clock), clock=clock)

    la = open_la()
    la.bind()
    la.unbind(la.bind("9188067702", "9188067703")["data"]["bindId"])
    la(
        "createNumberPool",
        poolNumber="p1",
        customerWhitelist="10.0.0.1",
        maxConcurrency=5,
        numberList=["9178605503"],
    )
    la("editNumberPool", oldPoolNumber="p1", poolNumber="p2", customerWhitelist="10.0.0.1", maxConcurrency=5)
    again = open_la()
    assert again.page() == la.page()
    assert again("queryNumberPool", current=1, size=10) == la("queryNumberPool", current=1, size=10)
    assert again.bind("9188067702", "9188067703")["data"]["bindId"] == 1004


def test_mode_and_form(path: Path, clock: SandboxClock) -> None:
    nx = open_nx(path, clock)
    nx.axb()
    nx.ext()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first, *changes = [json.loads(line) for line in path.read_text().splitlines()]
    assert (first["format"], first["version"], first["vendor"]) == ("pnsync-sandbox", 1, "nxcloud")
    assert [one["do"] for one in changes] == ["bind"]


def test_a_half_written_line_is_not_there(path: Path, clock: SandboxClock) -> None:
    nx = open_nx(path, clock)
    nx.ext("101")
    nx.ext("102")
    whole = path.read_bytes()
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    for cut in range(start, len(whole)):
        path.write_bytes(whole[:cut])
        assert [row["extension"] for row in open_nx(path, clock).rows()] == ["101"]
    again = open_nx(path, clock)
    assert again.ext("103")["code"] == 0
    assert [row["extension"] for row in open_nx(path, clock).rows()] == ["101", "103"]


def test_rewriting_loses_nothing(path: Path, clock: SandboxClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_module, "CHANGES_BEFORE_REWRITE", 5)
    one, two = open_nx(path, clock), open_nx(path, clock)
    sizes = []
    for n in range(40):
        nx = (one, two)[n % 2]
        bind_id = nx.ext(f"{n:03d}", life=0)["data"]["bindId"]
        if n % 4:
            nx("unbindAXB", bindId=bind_id)
        sizes.append(len(path.read_text().splitlines()))
    assert max(sizes) <= 12
    assert sizes.count(1) >= 5
    shown = [row["extension"] for row in one.rows()]
    assert shown == [f"{n:03d}" for n in range(0, 40, 4)]
    assert (
        shown
        == [row["extension"] for row in two.rows()]
        == [row["extension"] for row in open_nx(path, clock).rows()]
    )
    assert len(one.client._transport.console.history()) == 70  # type: ignore[attr-defined]
    assert list(path.parent.glob("*.new")) + list(path.parent.glob(".*.new")) == []


def test_removing_the_file_is_a_new_account(path: Path, clock: SandboxClock) -> None:
    nx = open_nx(path, clock)
    nx.axb()
    path.unlink()
    assert nx.rows() == []
    nx.ext()
    assert len(nx.rows()) == len(open_nx(path, clock).rows()) == 1


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"{}\n",
        b"not json\n",
        b"[]\n",
        b'{"format":"pnsync-sandbox","version":2,"vendor":"nxcloud","account":{}}\n',
        b'{"format":"pnsync-sandbox","version":1,"vendor":"laaffic","account":{}}\n',
        b'{"format":"pnsync-sandbox","version":1,"vendor":"nxcloud","account":{}}\n',
        b'{"at":1,"do":"delete_pool","id":"x"}\n',
    ],
)
def test_a_damaged_file_is_refused_and_left_alone(path: Path, clock: SandboxClock, text: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(text)
    nx = open_nx(path, clock)
    for call in (nx.axb, nx.rows):
        with pytest.raises(AccountFileError) as caught:
            call()
        assert caught.value.command == f"rm {path}"
    assert path.read_bytes() == text


def test_a_damaged_middle_line_is_refused(path: Path, clock: SandboxClock) -> None:
    nx = open_nx(path, clock)
    for one in ("101", "102", "103"):
        nx.ext(one)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:-10] + b"\n" + lines[2])
    with pytest.raises(AccountFileError):
        open_nx(path, clock).rows()


def test_a_folder_that_cannot_be_written(tmp_path: Path, clock: SandboxClock) -> None:
    (tmp_path / "file").write_text("")
    nx = open_nx(tmp_path / "file" / "sandbox-nx.json", clock)
    with pytest.raises(AccountFileError, match="cannot be"):
        nx.axb()


def test_a_failed_write_changes_nothing(
    path: Path, clock: SandboxClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    nx = open_nx(path, clock)
    nx.ext("101")
    before = path.read_bytes()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(AccountFileError, match="cannot be written"):
            nx.ext("102")
    assert path.read_bytes() == before
    assert [row["extension"] for row in nx.rows()] == ["101"]
    assert nx.ext("102")["code"] == 0


def bind_many(path: Path, start: int, count: int) -> None:
    clock = SandboxClock.manual(START)
    nx = open_nx(path, clock)
    for n in range(start, start + count):
        answer = nx.ext(f"{n:03d}", a=f"4477009{n:05d}", life=0)
        assert answer["code"] == 0


def test_processes_share_an_account(path: Path, clock: SandboxClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_module, "CHANGES_BEFORE_REWRITE", 20)
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=bind_many, args=(path, start, 60)) for start in (0, 100, 200)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(30)
    assert [one.exitcode for one in workers] == [0, 0, 0]
    rows = open_nx(path, clock).rows()
    assert len({row["bindId"] for row in rows}) == len(rows) == 180


def test_a_closed_transport_lets_go_and_can_go_on(path: Path, clock: SandboxClock) -> None:
    nx = open_nx(path, clock)
    nx.axb()
    transport = nx.client._transport
    transport.close()
    assert transport.account._file is None  # type: ignore[attr-defined]
    assert len(nx.rows()) == 1


def test_memory_accounts_are_apart(clock: SandboxClock) -> None:
    rules = NxSwitches().rules()
    one, two = Account("nxcloud", rules), Account("nxcloud", rules)
    with one.writing(START) as board:
        board.add_number("447401269999", START)
    with two.reading(START) as board:
        assert "447401269999" not in board.numbers
    with pytest.raises(AssertionError), one.reading(START) as board:
        board.add_number("447401268888", START)


def test_credentials_can_be_others(clock: SandboxClock) -> None:
    transport = SandboxTransport("nxcloud", clock=clock, credentials={"k": "s"})
    assert Nx(transport, clock=clock).axb()["code"] == 1005
    assert Nx(transport, clock=clock, key="k", secret="s").axb()["code"] == 0
    assert Nx(transport, clock=clock, key="k", secret="other").axb()["code"] == 1003


def test_switches_of_the_other_vendor_are_refused() -> None:
    with pytest.raises(TypeError):
        SandboxTransport("laaffic", switches=NxSwitches())
    with pytest.raises(ValueError):
        SandboxTransport("other")
