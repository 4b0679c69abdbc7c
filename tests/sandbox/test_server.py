"""Both vendors over a real socket on loopback, and the tests' side of the server."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pnsync.sandbox.clock import SandboxClock
from pnsync.sandbox.server import SandboxServer, serve

from .calls import START, La, Nx


@pytest.fixture
def clock() -> SandboxClock:
    return SandboxClock.manual(START)


@pytest.fixture
def server(tmp_path: Path, clock: SandboxClock) -> Iterator[SandboxServer]:
    with SandboxServer(folder=tmp_path, clock=clock) as running:
        yield running


def admin(server: SandboxServer, path: str, body: object = None) -> httpx.Response:
    url = f"{server.url}/_sandbox/{path}"
    return httpx.get(url) if body is None else httpx.post(url, json=body)


def test_both_vendors(server: SandboxServer, tmp_path: Path) -> None:
    nx = Nx(clock=server.clock, base=server.url + "/nxcloud")
    la = La(clock=server.clock, base=server.url + "/laaffic")
    assert nx.axb()["code"] == 0
    assert len(nx.rows()) == 1
    assert la.bind()["status"] == "0"
    assert la.page()["total"] == 1
    names = {one.name for one in tmp_path.iterdir()}
    assert {"sandbox-nxcloud.json", "sandbox-laaffic.json"} <= names


def test_accounts_by_name(server: SandboxServer, tmp_path: Path) -> None:
    west = Nx(clock=server.clock, base=server.url + "/nxcloud/west")
    plain = Nx(clock=server.clock, base=server.url + "/nxcloud")
    gateway = Nx(clock=server.clock, base=server.url + "/nxcloud/v1")
    assert west.axb()["code"] == 0
    assert (len(west.rows()), len(plain.rows()), len(gateway.rows())) == (1, 0, 0)
    assert (tmp_path / "sandbox-west.json").exists()
    la = La(clock=server.clock, base=server.url + "/laaffic/east")
    assert la.bind()["status"] == "0"
    assert admin(server, "laaffic/east/bindings").json()[0]["app_id"] == "4luaKsL2"
    assert admin(server, "laaffic/bindings").json() == []
    wrong = httpx.post(server.url + "/laaffic/west/pns/bind", json={})
    assert wrong.status_code == 500
    assert "account file" in wrong.text


def test_connections_are_kept_alive(server: SandboxServer) -> None:
    nx = Nx(clock=server.clock, base=server.url + "/nxcloud")
    streams = set()
    for n in range(20):
        answer = nx.raw(
            "bindAXBExtension",
            phoneA="447700900001",
            phoneX="447401264117",
            extension=f"{n:03d}",
            expireSecond=0,
        )
        streams.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
        assert answer.http_version == "HTTP/1.1"
        assert answer.headers.get_list("Date") == ["Mon, 21 Sep 2026 14:13:20 GMT"]
    assert len(streams) == 1


def test_threads_in_parallel(server: SandboxServer) -> None:
    def work(start: int) -> None:
        nx = Nx(clock=server.clock, base=server.url + "/nxcloud")
        for n in range(start, start + 25):
            nx.ext(f"{n:03d}")

    workers = [threading.Thread(target=work, args=(start,)) for start in range(0, 100, 25)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert len(admin(server, "nxcloud/bindings").json()) == 100


def test_the_clock_moves(server: SandboxServer) -> None:
    nx = Nx(clock=server.clock, base=server.url + "/nxcloud")
    nx.axb(life=60)
    assert admin(server, "nxcloud/clock", {"advance_seconds": 60}).json() == {"now": START + 60}
    assert nx.rows() == []
    history = admin(server, "nxcloud/history").json()
    assert [(one["kind"], one["at"]) for one in history] == [("bind", START), ("expire", START + 60)]


def test_faults(server: SandboxServer) -> None:
    nx = Nx(clock=server.clock, base=server.url + "/nxcloud")
    plan = [
        {"fault": "broken_after", "operation": "bindAXB"},
        {"fault": "code_before", "code": 10009, "nth": 2, "times": 0},
    ]
    assert admin(server, "nxcloud/faults", plan).json() == {"faults": 2}
    with pytest.raises(httpx.RemoteProtocolError):
        nx.axb()
    assert len(admin(server, "nxcloud/bindings").json()) == 1
    assert nx("getAXBList", limit=1, offset=0)["code"] == 10009
    admin(server, "nxcloud/faults", [])
    assert nx("getAXBList", limit=1, offset=0)["code"] == 0


def test_a_lost_answer_holds_the_connection(server: SandboxServer) -> None:
    nx = Nx(clock=server.clock, base=server.url + "/nxcloud")
    nx.client.timeout = httpx.Timeout(0.2)
    admin(server, "nxcloud/faults", [{"fault": "lost_reply"}])
    with pytest.raises(httpx.ReadTimeout):
        nx.axb()
    assert len(admin(server, "nxcloud/bindings").json()) == 1


def test_closing_ends_a_held_connection(clock: SandboxClock) -> None:
    caught: list[Exception] = []
    with SandboxServer(clock=clock) as server:
        nx = Nx(clock=clock, base=server.url + "/nxcloud")
        admin(server, "nxcloud/faults", [{"fault": "lost_request"}])

        def call() -> None:
            try:
                nx.axb()
            except httpx.TransportError as error:
                caught.append(error)

        worker = threading.Thread(target=call)
        worker.start()
        line = server.line("nxcloud")
        while line.faults.pending():
            worker.join(0.01)
    worker.join(10)
    assert isinstance(caught[0], httpx.RemoteProtocolError)


def test_drift(server: SandboxServer) -> None:
    nx = Nx(clock=server.clock, base=server.url + "/nxcloud")
    bind_id = nx.axb(customerBindId="c")["data"]["bindId"]
    changed = admin(server, "nxcloud/edit", {"change": {"bind_id": bind_id, "phone_b": "447700900009"}})
    assert changed.json() == {"bind_id": bind_id}
    assert nx.rows()[0]["phoneB"] == "447700900009"
    added = admin(
        server,
        "nxcloud/edit",
        {
            "add": {
                "mode": "axb_extension",
                "phone_a": "447700900001",
                "x_a": "447401264117",
                "extension": "777",
                "expires_in": 60,
            }
        },
    ).json()["bind_id"]
    assert [row["expireAt"] for row in nx.rows() if row["bindId"] == added] == [START + 60]
    assert nx.ext("777")["code"] == 1002
    assert admin(server, "nxcloud/edit", {"remove": bind_id}).status_code == 200
    assert [row["bindId"] for row in nx.rows()] == [added]
    assert [one["by"] for one in admin(server, "nxcloud/history").json() if "by" in one] == ["console"] * 3


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("edit", {"remove": "none"}),
        ("edit", {"change": {"bind_id": "none", "phone_b": "447700900009"}}),
        ("edit", {"change": {"bind_id": "none", "colour": "red"}}),
        ("edit", {"add": {"mode": "axb"}}),
        ("edit", {"add": {"mode": "none", "phone_a": "447700900001", "x_a": "447401264117"}}),
        ("edit", {"add": {"mode": "axb", "phone_a": "+44", "x_a": "447401264117"}}),
        ("edit", {"remove": "x", "add": {}}),
        ("edit", []),
        ("clock", {"advance_seconds": "1"}),
        ("clock", {}),
        ("faults", {}),
        ("faults", [1]),
        ("faults", [{"fault": "none such"}]),
    ],
)
def test_what_the_tests_side_refuses(server: SandboxServer, what: str, body: object) -> None:
    answer = admin(server, f"nxcloud/{what}", body)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("POST", "/other/api/pns/", 404),
        ("GET", "/_sandbox", 404),
        ("GET", "/_sandbox/nxcloud", 404),
        ("GET", "/_sandbox/other/history", 404),
        ("GET", "/_sandbox/nxcloud/a.b/history", 404),
        ("GET", "/_sandbox/nxcloud/clock", 405),
        ("POST", "/_sandbox/nxcloud/history", 405),
        ("POST", "/_sandbox/nxcloud/clock", 400),
        ("GET", "/nxcloud/api/pns/", 405),
        ("POST", "/laaffic/v3/number/none", 404),
    ],
)
def test_paths(server: SandboxServer, method: str, path: str, status: int) -> None:
    assert httpx.request(method, server.url + path).status_code == status


def test_a_body_without_a_length_is_refused(server: SandboxServer) -> None:
    assert httpx.post(server.url + "/nxcloud/api/pns/", content=iter([b"{}"])).status_code == 411
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(b"POST /nxcloud/api/pns/ HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
        assert raw.makefile("rb").readline().startswith(b"HTTP/1.1 411")


def test_it_listens_on_loopback_and_keeps_silent(
    server: SandboxServer, capfd: pytest.CaptureFixture[str]
) -> None:
    assert server._http.server_address[0] == "127.0.0.1"
    httpx.get(server.url + "/nxcloud/api/pns/")
    assert capfd.readouterr() == ("", "")


def test_serve_tells_its_port(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    ports = []

    def bound(port: int) -> None:
        ports.append(port)
        raise Stop

    with pytest.raises(Stop):
        serve(0, tmp_path, on_bound=bound)
    assert ports[0] > 1024
    with SandboxServer(ports[0]) as again:
        assert again.port == ports[0]


def test_it_imports_no_provider() -> None:
    code = "import sys, pnsync.sandbox.server, pnsync.sandbox.transport; print([m for m in sys.modules if m.startswith('pnsync.providers')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
