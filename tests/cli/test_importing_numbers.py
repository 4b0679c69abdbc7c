"""`pnsync import` where real numbers stand apart, and where a listing holds what no file may: names, never a number."""

import json
import re
import subprocess
import time
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import Result

from pnsync.sandbox.records import Pool
from tests import forking
from tests.cli.conftest import Run, environment
from tests.cli.test_importing import account, bindings, live, phone
from tests.profile import either
from tests.sealing.keyholders import Holder
from tests.sealing.sops_files import encrypted

ANNA = Holder()
MANY = either(10_000, 2_000, 10_000)
ROOT = """\
version: 1
include: ["bindings/*.yaml"]
numbers: {numbers}
state: {{encryption: {{recipients: [{recipient}], enforced: true}}}}
providers:
  nx: {{type: nxcloud, endpoint: sandbox, rate: 10000}}
  la: {{type: laaffic, endpoint: sandbox, app_id: 4luaKsL2, rate: 10000, settle_window: 2m}}
policy: {policy}
"""
KEPT = "bindings:\n  kept: {provider: nx, mode: axb, phone_a: alice, phone_b: bob, expires_in: 1d}\n"
ROWS = (
    {"phone_a": phone(1), "phone_b": phone(2), "client_id": "order-17"},
    {"phone_a": phone(1), "phone_b": "447700900901", "client_id": "order-18"},
    {"mode": "axb_extension", "phone_a": phone(3), "extension": "007"},
)


@pytest.fixture(autouse=True)
def anna(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", ANNA.secret)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))


NAMED = "{numbers: named}"


def project(run: Run, numbers: str, policy: str = NAMED) -> None:
    """A project with one binding of its own, made of names."""
    Path("bindings").mkdir()
    Path("bindings/a.yaml").write_text(KEPT)
    Path("pnsync.yaml").write_text(ROOT.format(numbers=numbers, policy=policy, recipient=ANNA.recipient))
    one = numbers.strip("[]").split(",")[0]
    other = numbers.strip("[]").split(",")[-1].strip()
    for name, digits, file in (("alice", "447700900901", one), ("bob", "447700900902", other)):
        assert run("numbers", "add", name, "--file", file, input=digits).exit_code == 0
    assert run("apply", "--auto-approve").exit_code == 0


def in_clear(folder: Path) -> list[str]:
    """The files with a number, but for the simulated vendor's own."""
    return [
        one.name
        for one in folder.rglob("*")
        if one.is_file() and not one.name.startswith("sandbox-") and b"447700" in one.read_bytes()
    ]


def ok(ended: Result) -> str:
    assert ended.exit_code == 0, ended.output
    assert "447700" not in ended.output
    return ended.output


def nothing_is_left(run: Run) -> None:
    assert unmanaged(run) == 0


def unmanaged(run: Run) -> int:
    """How many live bindings the plan leaves alone, which has nothing to do."""
    ended = run("plan", "--format", "json")
    ok(ended)
    plan = json.loads(ended.stdout)
    assert plan["changes"] == []
    return int(plan["summary"]["unmanaged"])


@pytest.mark.parametrize("numbers", ["numbers.yaml", "numbers.yaml.age"])
@pytest.mark.parametrize("policy", [NAMED, "{}"])
def test_what_is_imported_is_declared_by_names(run: Run, tmp_path: Path, numbers: str, policy: str) -> None:
    project(run, numbers, policy)
    live("nxcloud", *ROWS)
    before = (tmp_path / numbers).read_bytes()
    dry = ok(run("import", "--all", "--write", "bindings/old.yaml", "--dry-run"))
    assert f"3 new names of numbers would stand in {numbers}." in dry
    assert (tmp_path / numbers).read_bytes() == before
    assert f"3 new names of numbers stand in {numbers}." in ok(
        run("import", "--all", "--write", "bindings/old.yaml")
    )
    lines = Path("bindings/old.yaml").read_text()
    assert "order-17: {provider: nx, mode: axb, phone_a: order-17-a, phone_b: order-17-b," in lines
    assert "order-18: {provider: nx, mode: axb, phone_a: order-17-a, phone_b: alice," in lines
    assert "nx-b2: {provider: nx, mode: axb_extension, phone_a: nx-b2-a, phone_x:" in lines
    assert in_clear(tmp_path) == ([] if numbers.endswith(".age") else [numbers])
    names = [one.split()[0] for one in ok(run("numbers", "list")).splitlines()]
    assert names == ["alice", "bob", "nx-b2-a", "order-17-a", "order-17-b"]
    nothing_is_left(run)
    assert "W410" not in run("validate").output
    again = ok(run("import", "--all", "--write", "bindings/old.yaml"))
    assert "Took 0" in again


def test_one_under_a_new_name(run: Run, tmp_path: Path) -> None:
    project(run, "numbers.yaml.age")
    live("nxcloud", *ROWS)
    ok(run("import", "night", "b0", "--write", "bindings/a.yaml"))
    assert (
        "  night: {provider: nx, mode: axb, phone_a: night-a, phone_b: night-b,"
        in Path("bindings/a.yaml").read_text()
    )
    assert in_clear(tmp_path) == []


def test_a_name_that_is_taken_is_not_given_to_another_number(run: Run) -> None:
    project(run, "numbers.yaml.age")
    ok(run("numbers", "add", "order-17-a", input="447700900977"))
    live("nxcloud", *ROWS)
    ok(run("import", "--all", "--write", "bindings/old.yaml"))
    assert "phone_a: order-17-a2" in Path("bindings/old.yaml").read_text()
    nothing_is_left(run)


def test_of_several_files_one_is_named(run: Run, tmp_path: Path) -> None:
    project(run, "[numbers/west.yaml.age, numbers/east.yaml]")
    ok(run("numbers", "add", "carol", "--file", "numbers/east.yaml", input=phone(1)))
    live("nxcloud", *ROWS)
    before = Path("numbers/west.yaml.age").read_bytes()
    refused = run("import", "--all", "--write", "bindings/old.yaml")
    assert refused.exit_code == 8
    assert "which file of numbers is meant?" in refused.output
    assert not Path("bindings/old.yaml").exists()
    assert Path("numbers/west.yaml.age").read_bytes() == before
    ok(run("import", "--all", "--write", "bindings/old.yaml", "--numbers", "numbers/west.yaml.age"))
    text = Path("bindings/old.yaml").read_text()
    assert text.count("phone_a: carol") == 2
    assert in_clear(tmp_path) == ["east.yaml"]
    nothing_is_left(run)


def test_a_sops_file_is_left_to_sops(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.cli.test_sops import stand_in

    project(run, "[numbers.yaml, west.sops.yaml]".replace(", west.sops.yaml", ""))
    Path("west.sops.yaml").write_bytes(encrypted({"carol": phone(1)}, ANNA.recipient))
    Path("pnsync.yaml").write_text(
        Path("pnsync.yaml").read_text().replace("[numbers.yaml]", "[numbers.yaml, west.sops.yaml]")
    )
    monkeypatch.setenv("PATH", f"{stand_in(tmp_path / 'bin')}:/usr/bin")
    live("nxcloud", *ROWS)
    before = Path("west.sops.yaml").read_bytes()
    refused = run("import", "--all", "--write", "bindings/old.yaml", "--numbers", "west.sops.yaml")
    assert refused.exit_code == 8
    assert "sops west.sops.yaml" in refused.output
    assert (Path("west.sops.yaml").read_bytes(), Path("bindings/old.yaml").exists()) == (before, False)
    ok(run("import", "--all", "--write", "bindings/old.yaml", "--numbers", "numbers.yaml"))
    assert Path("bindings/old.yaml").read_text().count("phone_a: carol") == 2
    nothing_is_left(run)


def test_a_policy_without_a_file_is_told_before_anything_is_written(run: Run) -> None:
    project(run, "numbers.yaml")
    text = Path("pnsync.yaml").read_text().replace("numbers: numbers.yaml\n", "")
    Path("pnsync.yaml").write_text(text)
    Path("bindings/a.yaml").write_text(KEPT.replace("alice", "447700900901").replace("bob", "447700900902"))
    live("nxcloud", *ROWS)
    refused = run("import", "--all", "--write", "bindings/old.yaml")
    assert refused.exit_code == 8
    assert "there is no file for the numbers" in refused.output
    assert not Path("bindings/old.yaml").exists()


@pytest.mark.parametrize("numbers", ["numbers.yaml", "numbers.yaml.age"])
def test_files_that_do_not_hold_are_put_back(run: Run, tmp_path: Path, numbers: str) -> None:
    project(run, numbers)
    live("nxcloud", *ROWS)
    before = {one: one.read_bytes() for one in tmp_path.rglob("*.y*") if one.is_file()}
    for file, told in (
        ("elsewhere/old.yaml", "not included"),
        ("../old.yaml", "must not lead out"),
        ("/tmp/old.yaml", "must be relative"),
        ("bindings/old.csv", "as YAML"),
    ):
        refused = run("import", "--all", "--write", file)
        assert (refused.exit_code, told in refused.output) == (8, True), refused.output
    assert {one: one.read_bytes() for one in tmp_path.rglob("*.y*") if one.is_file()} == before
    assert not Path("elsewhere").exists()


def test_thousands_in_a_sealed_file(run: Run, tmp_path: Path) -> None:
    project(run, "numbers.yaml.age")
    live(
        "nxcloud",
        *(
            {
                "phone_a": phone(10_000 + i),
                "phone_b": phone(30_000 + i % (MANY // 2)),
                "bind_id": f"n{i}",
                "client_id": f"o-{i}",
            }
            for i in range(MANY)
        ),
    )
    ended = ok(run("import", "--all", "--write", "bindings/old.yaml"))
    assert f"Took {MANY:,} live bindings" in ended
    assert f"{MANY * 3 // 2:,} new names of numbers stand in numbers.yaml.age." in ended
    assert in_clear(tmp_path) == []
    nothing_is_left(run)
    assert len(bindings("nxcloud")) == MANY + 1


# -- what a listing may hold that no file may ------------------------------------------------------------------------


def test_rows_that_cannot_be_declared_do_not_keep_the_others_out(run: Run) -> None:
    project(run, "numbers.yaml.age")
    live(
        "nxcloud",
        {"phone_a": phone(1), "phone_b": phone(2)},
        {"phone_a": phone(3), "phone_b": phone(3)},
        {"phone_a": phone(4), "phone_b": "33612345678"},
        {"phone_a": "0007712345678", "phone_b": phone(5)},
        {"mode": "axb_extension", "phone_a": phone(6), "extension": "123456"},
        {"mode": "axb_extension", "phone_a": phone(7), "extension": "111"},
        {"mode": "axb_extension", "phone_a": phone(8), "extension": "111", "bind_id": "again"},
    )
    ended = run("import", "--all", "--write", "bindings/old.yaml")
    assert ended.exit_code == 0, ended.output
    assert "Took 2 live bindings" in ended.output
    for told in ("E208", "E207", "one of its phones begins with no country code", "E203"):
        assert f"left out: {told}" in ended.output, told
    assert "b1" in ended.output
    assert ended.output.count("left out:") == 5
    assert unmanaged(run) == 5
    assert len(ok(run("numbers", "list")).splitlines()) == 5


@pytest.mark.parametrize(
    "wanted",
    [
        phone(2),
        f"c-{phone(2)}",
        f"c-0{phone(2)[2:]}-x",
        f"{phone(1)}.{phone(9)}",
        "null",
        "x: y",
        "a\nb",
        "é",
        "x" * 101,
        "{}",
        "",
    ],
)
def test_no_name_holds_a_number_or_breaks_out_of_its_line(run: Run, wanted: str) -> None:
    project(run, "numbers.yaml.age")
    live(
        "nxcloud",
        {"phone_a": phone(1), "phone_b": phone(2), "client_id": wanted},
        {"phone_a": phone(9)} | ROWS[2],
    )
    ok(run("import", "--all", "--write", "bindings/old.yaml"))
    text = Path("bindings/old.yaml").read_text()
    assert phone(2)[3:] not in text
    if wanted != "null":
        assert "  nx-b0: {" in text
    nothing_is_left(run)


def test_a_pool_of_an_odd_name_stays_one_value(run: Run) -> None:
    project(run, "numbers.yaml.age")
    with account("laaffic").writing(time.time()) as board:
        board.put_pool(Pool("9, provider: nx", "127.0.0.1", 9, ("9188061024",)), time.time())
    pair = {"phone_a": "9188067701", "phone_b": "9188067799", "app_id": "4luaKsL2", "pool": "9, provider: nx"}
    live("laaffic", pair | {"bind_id": "77", "x_a": "9188061024", "expires_at": time.time() + 3600})
    ended = run("import", "--all", "--write", "bindings/old.yaml", "--expires-in", "1d")
    text = Path("bindings/old.yaml").read_text() if Path("bindings/old.yaml").exists() else ""
    assert "pool_number: 9, provider" not in text
    assert ended.exit_code == 0, ended.output


def test_ends_in_a_zone_that_nobody_knows_are_told_with_what_to_do(run: Run) -> None:
    """They are never judged by it; the first that ends is made anew, and tells the ends of all."""
    project(run, "numbers.yaml.age")
    pair = {"app_id": "4luaKsL2", "pool": "918806", "x_a": "9188061024"}
    end = int(time.time()) + 7200
    live(
        "laaffic",
        pair | {"phone_a": "9188067701", "phone_b": "9188067791", "bind_id": "76", "expires_at": end + 3600},
        pair | {"phone_a": "9188067702", "phone_b": "9188067792", "bind_id": "77", "expires_at": end},
    )
    ended = ok(run("import", "--all", "--write", "bindings/old.yaml", "--expires-in", "1d"))
    assert "When 2 bindings of la end is not known" in ended
    told = re.search(r"may end at any time from (\S+Z);", ended)
    assert told is not None
    assert datetime.fromisoformat(told[1]).timestamp() <= end
    nothing_is_left(run)
    commands = [one.split() for one in ended.splitlines() if one.startswith("    pnsync") and "zone" in one]
    assert commands[0] == ["pnsync", "plan", "--replace", "bindings.la-77", "--out", "zone.pnsplan"]
    for one in commands:
        ok(run(*one[1:]))
    state = json.loads(Path("state/pnsync.state.json").read_text())
    assert "zone.la" in state["notes"]
    found = json.loads(run("plan", "--format", "json").stdout)
    assert [(one["address"], one["action"], one["cause"]) for one in found["changes"]] == [
        ("bindings.la-76", "renew", "expiry")
    ]


# -- killed while it writes ------------------------------------------------------------------------------------------

SEALED = "numbers.yaml.age"
KILLED = """\
import os, sys
from pathlib import Path
left = int(sys.argv[1])
def counted(real):
    def call(*words, **more):
        global left
        left -= 1
        if left < 0:
            os._exit(137)
        return real(*words, **more)
    return call
Path.replace, os.replace, os.rename = map(counted, (Path.replace, os.replace, os.rename))
from pnsync.cli.main import program
program.main(sys.argv[2:])
"""


def test_killed_at_any_step_it_unbinds_nothing_and_is_run_again(run: Run, tmp_path: Path) -> None:
    """Numbers, bindings, state: what stands first is harmless without what would have come next."""
    project(run, SEALED)
    live("nxcloud", *ROWS)
    given = environment(PNSYNC_AGE_IDENTITY=ANNA.secret, XDG_STATE_HOME=str(tmp_path / "home"))
    start = {one: one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()}
    words = ("import", "--all", "--write", "bindings/old.yaml")
    seen = set()
    for left in range(40):
        for one in tmp_path.rglob("*"):
            if one.is_file() and one not in start:
                one.unlink()
        for one, data in start.items():
            one.write_bytes(data)
        script = forking.command("-c", KILLED, str(left), *words)
        ended = subprocess.run(script, cwd=tmp_path, env=given, capture_output=True, timeout=60, check=False)
        seen.add(
            (
                Path(SEALED).read_bytes() != start[tmp_path / SEALED],
                Path("bindings/old.yaml").exists(),
                ended.returncode,
            )
        )
        assert in_clear(tmp_path) == []
        found = run("plan", "--format", "json")
        ok(found)
        assert not [
            one for one in json.loads(found.stdout)["changes"] if one["action"] in ("unbind", "rebind")
        ]
        if ended.returncode == 0:
            break
        assert ended.returncode == 137, ended.stderr
        ok(run("import", "--match"))
        ok(run("import", "--all", "--write", "bindings/old2.yaml"))
        nothing_is_left(run)
    assert ended.returncode == 0
    assert {(False, False, 137), (True, False, 137), (True, True, 137), (True, True, 0)} <= seen
