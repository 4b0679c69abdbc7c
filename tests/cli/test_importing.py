"""`pnsync import`: what is live comes into the state, the next plan is empty, and the first renewal brings our id."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from pnsync.importing import match_declared
from pnsync.sandbox.account import Account
from pnsync.sandbox.records import Binding, Group
from pnsync.sandbox.transport import SandboxTransport
from tests.profile import either
from tests.worlds import NOW, axb, bound, desired, observed, ride, rows_of
from tests.worlds import state as recorded

Run = Callable[..., Result]
ROOT = """\
version: 1
include: ["bindings/*.yaml"]
providers:
  nx: {type: nxcloud, endpoint: sandbox, rate: 10000}
  la: {type: laaffic, endpoint: sandbox, app_id: 4luaKsL2, rate: 10000}
"""
X = "447401264117"
MANY = either(10_000, 2_000, 10_000)
KEPT = "kept: {provider: nx, mode: axb, phone_a: 447700900901, phone_b: 447700900902, expires_in: 1d}"


def account(vendor: str) -> Account:
    name = {"nxcloud": "nx", "laaffic": "la"}[vendor]
    return SandboxTransport(vendor, path=Path("state") / f"sandbox-{name}.json").account


def live(vendor: str, *rows: dict[str, Any]) -> None:
    """Bindings that somebody made by other means."""
    now = time.time()
    with account(vendor).writing(now) as board:
        for i, row in enumerate(rows):
            values: dict[str, Any] = {
                "bind_id": f"b{i}",
                "mode": "axb",
                "bound_at": now,
                "made_by": "console",
            }
            values |= {"x_a": X, "x_b": row.get("x_a", X)} | row
            board.bind(Binding(**values))


def bindings(vendor: str) -> list[Any]:
    with account(vendor).reading(time.time()) as board:
        return list(board.bindings.values())


def write(*entries: str) -> None:
    Path("bindings").mkdir(exist_ok=True)
    Path("pnsync.yaml").write_text(ROOT)
    Path("bindings/a.yaml").write_text("bindings:\n" + "".join(f"  {one}\n" for one in (KEPT, *entries)))


def phone(number: int) -> str:
    return f"447700{number:06}"


def empty(run: Run) -> None:
    ended = run("plan", "--detailed-exitcode")
    assert ended.exit_code == 0, ended.output


def state() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("state/pnsync.state.json").read_text())
    return found


@pytest.fixture
def project(run: Run) -> Run:
    """A project with one binding of its own."""
    write()
    assert run("apply", "--auto-approve").exit_code == 0
    return run


NX_ROWS = (
    {"mode": "axb_extension", "phone_a": phone(1), "extension": "007", "client_id": "order-17", "flag": 1},
    {
        "phone_a": phone(2),
        "phone_b": phone(3),
        "client_id": f"c-{phone(2)}",
        "expires_at": time.time() + 90_000,
    },
    {"phone_a": phone(4), "phone_b": phone(5)},
)


def test_all_are_declared_and_recorded_and_nothing_is_left_to_do(project: Run) -> None:
    live("nxcloud", *NX_ROWS)
    pair = {"phone_a": "9188067701", "phone_b": "9188067799", "app_id": "4luaKsL2", "pool": "918806"}
    live("laaffic", pair | {"bind_id": "77", "x_a": "9188061024", "expires_at": time.time() + 3600})
    dry = project("import", "--all", "--write", "bindings/old.yaml", "--expires-in", "3d", "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "Would take 4 live bindings" in dry.output
    assert not Path("bindings/old.yaml").exists()
    ended = project(
        "import", "--all", "--write", "bindings/old.yaml", "--expires-in", "3d", "--result", "v.json"
    )
    assert ended.exit_code == 0, ended.output
    assert "Took 4 live bindings" in ended.output
    assert "447700" not in ended.output
    assert json.loads(Path("v.json").read_text())["done"] == 4
    text = Path("bindings/old.yaml").read_text()
    lines = {one.split(":")[0].strip(): one for one in text.splitlines() if one.startswith("  ")}
    assert set(lines) == {"order-17", "nx-b1", "nx-b2", "la-77"}
    assert "extension: 007, recording: true, expires_in: never}" in lines["order-17"]
    assert lines["la-77"].endswith("pool_number: 918806, expires_in: 3d}  # unknown: recording, expires_in")
    before = Path("state/pnsync.state.json").read_bytes()
    again = project("import", "--all", "--write", "bindings/old.yaml")
    assert "Took 0 live bindings" in again.output
    assert Path("bindings/old.yaml").read_text() == text
    assert Path("state/pnsync.state.json").read_bytes() == before
    plan = json.loads(project("plan", "--format", "json").stdout)
    assert plan["changes"] == []
    assert plan["summary"]["unmanaged"] == 0


def test_without_a_lease_they_end_when_the_vendor_says(project: Run) -> None:
    live("nxcloud", *NX_ROWS)
    assert project("import", "--all", "--write", "bindings/old.yaml").exit_code == 0
    assert "expires_at: 20" in Path("bindings/old.yaml").read_text()
    empty(project)


def test_the_first_renewal_brings_an_id_of_ours(project: Run) -> None:
    live("nxcloud", *NX_ROWS)
    project("import", "--all", "--write", "bindings/old.yaml")
    assert state()["entries"]["bindings.order-17"]["customer_bind_id"] == "order-17"
    ended = project("plan", "--replace", "bindings.order-17", "--out", "p")
    assert ended.exit_code == 0, ended.output
    assert project("apply", "p").exit_code == 0
    ours = state()["entries"]["bindings.order-17"]["customer_bind_id"]
    assert ours.startswith("pns-") and ours.endswith("-1")
    empty(project)


def test_thousands(project: Run) -> None:
    rows = (
        {"mode": "axb_extension", "phone_a": phone(10_000 + i), "extension": f"{i % 1000:03}"}
        | {"x_a": str(447401264117 + i // 1000), "bind_id": f"n{i}"}
        for i in range(MANY)
    )
    live("nxcloud", *rows)
    ended = project("import", "--all", "--write", "bindings/old.yaml")
    assert f"Took {MANY:,} live bindings" in ended.output, ended.output
    empty(project)
    plan = json.loads(project("plan", "--format", "json").stdout)
    assert plan["summary"]["unchanged"] == MANY + 1
    assert len(bindings("nxcloud")) == MANY + 1


def test_a_file_with_comments_keeps_them(project: Run) -> None:
    live("nxcloud", *NX_ROWS)
    path = Path("bindings/a.yaml")
    before = "# top\nbindings:\n    # mine\n    " + KEPT + "  # kept\n\n# end\ngroups: {}\n"
    path.write_text(before)
    assert project("import", "--all", "--write", "bindings/a.yaml").exit_code == 0
    after = path.read_text()
    added = [one for one in after.splitlines() if one not in before.splitlines()]
    assert len(added) == 3 and all(one.startswith("    ") for one in added)
    assert "".join(one + "\n" for one in after.splitlines() if one not in added) == before
    empty(project)


@pytest.mark.parametrize(
    ("text", "file", "told"),
    [
        ("bindings: {}\n", "bindings/b.yaml", "do not stand one below the other"),
        ("bindings:\n  nx-b2: {provider: nx, mode: axb, expires_in: 1d}\n", "bindings/b.yaml", "error[E"),
        (None, "elsewhere/b.yaml", "not included"),
    ],
)
def test_what_does_not_hold_changes_nothing(project: Run, text: str | None, file: str, told: str) -> None:
    live("nxcloud", *NX_ROWS)
    path = Path(file)
    before = Path("state/pnsync.state.json").read_bytes()
    path.parent.mkdir(exist_ok=True)
    if text is not None:
        path.write_text(text)
    ended = project("import", "--all", "--write", file)
    assert ended.exit_code == 8, ended.output
    assert told in ended.output
    assert (path.read_text() if path.exists() else None) == text
    assert Path("state/pnsync.state.json").read_bytes() == before


def test_what_is_not_shown_well_enough_is_left_out(project: Run) -> None:
    live(
        "nxcloud",
        {"mode": "axg", "phone_a": phone(1), "group_id": "g"},
        {"phone_a": phone(4), "phone_b": phone(5)},
    )
    ended = project("import", "--all", "--write", "bindings/old.yaml")
    assert "1 live binding left out: it rings a group, and no listing says which.\n  nx  b0\n" in ended.output
    assert "pnsync import NAME b0" in ended.output
    assert "Took 1 live binding," in ended.output
    empty(project)
    alone = project("import", "mine", "b0", "--write", "bindings/old.yaml")
    assert alone.exit_code == 8
    assert "cannot be declared" in alone.output


def test_one_that_rings_a_group_is_taken_once_its_group_is_declared(project: Run) -> None:
    with account("nxcloud").writing(time.time()) as board:
        board.put_group(Group("g-1", "couriers", (phone(21), phone(22))), time.time())
    live("nxcloud", {"mode": "axg", "phone_a": phone(1), "group_id": "g-1"})
    assert "1 live binding left out" in project("import", "--all", "--write", "bindings/old.yaml").output
    write(f"mine: {{provider: nx, mode: axg, phone_a: {phone(1)}, group: couriers, expires_in: never}}")
    Path("bindings/g.yaml").write_text("groups: {couriers: {provider: nx, holds: people}}\n")
    ended = project("import", "mine", "b0")
    assert ended.exit_code == 0, ended.output
    assert "differs" not in ended.output
    empty(project)
    assert len(bindings("nxcloud")) == 2


def test_one_whose_phone_b_is_in_a_group_is_marked(project: Run) -> None:
    """A listing shows neither mode nor group: who renews it as axb would cut the others of the group off."""
    with account("nxcloud").writing(time.time()) as board:
        board.put_group(Group("g-1", "couriers", (phone(21), phone(22))), time.time())
    live(
        "nxcloud",
        {"phone_a": phone(1), "phone_b": phone(21)},
        {"phone_a": phone(2), "phone_b": phone(23)},
    )
    ended = project("import", "--all", "--write", "bindings/old.yaml")
    assert "1 binding may ring a group rather than phone B alone" in ended.output
    assert "  bindings.nx-b0  couriers\n" in ended.output
    text = Path("bindings/old.yaml").read_text()
    assert ["unknown: mode" in one for one in text.splitlines() if "nx-b" in one] == [True, False]
    empty(project)


def test_one_under_a_declared_address(project: Run) -> None:
    live("nxcloud", *NX_ROWS)
    write(
        f"mine: {{provider: nx, mode: axb, phone_a: {phone(4)}, phone_b: {phone(5)}, expires_in: never, recording: true}}"
    )
    assert project("import", "other", "b2").exit_code == 8
    assert project("import", "kept", "b2").exit_code == 8
    assert project("import", "mine", "b9").exit_code == 8
    before = Path("state/pnsync.state.json").read_bytes()
    dry = project("import", "bindings.mine", "b2", "--dry-run")
    assert dry.exit_code == 0 and "Would take b2" in dry.output
    assert Path("state/pnsync.state.json").read_bytes() == before
    ended = project("import", "bindings.mine", "b2")
    assert ended.exit_code == 0, ended.output
    assert "differs from its declaration in recording" in ended.output
    plan = json.loads(project("plan", "--format", "json").stdout)
    assert [(one["action"], one["changed"]) for one in plan["changes"]] == [("rebind", ["recording"])]
    assert project("import", "other", "b2").exit_code == 8


def test_one_that_is_declared_by_the_way(project: Run) -> None:
    live("nxcloud", *NX_ROWS)
    ended = project("import", "night", "b2", "--write", "bindings/a.yaml")
    assert ended.exit_code == 0, ended.output
    assert "  night: {provider: nx, mode: axb," in Path("bindings/a.yaml").read_text()
    empty(project)


def test_what_equals_a_declared_one_is_taken_and_the_rest_told(project: Run) -> None:
    live(
        "nxcloud",
        *NX_ROWS,
        {"phone_a": phone(8), "phone_b": phone(9)},
        {"phone_a": phone(8), "phone_b": phone(9)},
    )
    axb = "{{provider: nx, mode: axb, phone_a: {}, phone_b: {}, expires_in: {}}}"
    write(
        f"mine: {axb.format(phone(4), phone(5), 'never')}",
        f"ends: {axb.format(phone(2), phone(3), 'never')}",
        f"twice: {axb.format(phone(8), phone(9), 'never')}",
        f"new: {axb.format(phone(11), phone(12), 'never')}",
        f"desk: {{provider: nx, mode: axb_extension, phone_a: {phone(1)}, phone_x: {X}, extension: 008, expires_in: never}}",
    )
    before = Path("state/pnsync.state.json").read_bytes()
    dry = project("import", "--match", "--dry-run")
    assert dry.exit_code == 11, dry.output
    assert Path("state/pnsync.state.json").read_bytes() == before
    ended = project("import", "--match")
    assert ended.exit_code == 11
    assert ended.stdout == dry.stdout.replace("Would take", "Took")
    assert "Took 1 live binding that equals a declared one.\n  bindings.mine  b2" in ended.output
    assert "  bindings.ends  b1  expires_in\n" in ended.output
    assert "  bindings.desk  b0  recording, extension\n" in ended.output
    assert "  bindings.twice  b3, b4\n" in ended.output
    assert "1 declared binding is not live; the next apply binds it.\n" in ended.output
    assert "447700" not in ended.output
    assert state()["entries"]["bindings.mine"]["bind_id"] == "b2"
    assert project("import", "twice", "b4").exit_code == 0


@pytest.mark.parametrize(
    "args", [(), ("--all",), ("--match", "--all"), ("a",), ("--match", "--write", "f"), ("a", "b", "--all")]
)
def test_wrong_usage(project: Run, args: tuple[str, ...]) -> None:
    assert project("import", *args).exit_code == 8


def test_of_a_provider_that_was_not_read_nothing_is_told_as_absent() -> None:
    """Nor of one that is live and ours: the next plan adopts it, and nothing binds it."""
    ours = axb("ours")
    listed = observed(rows_of(recorded(bound(ours))), providers=("nx",))
    found = match_declared(desired((ours, ride("theirs", 1, 2), axb("new", 5, 6))), recorded(), listed, NOW)
    assert (found.absent, found.unread) == (1, 1)
