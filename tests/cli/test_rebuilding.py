"""`state rebuild`: which lineage the new state has, under which name a binding comes back, and when it is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.projects import LONDON, RIDE, SEVEN, write
from tests.cli.test_lifecycle import ok

LAAFFIC = """\
version: 1
providers:
  nx: {{type: nxcloud, endpoint: sandbox, rate: 1000}}
  la: {{type: laaffic, endpoint: sandbox, app_id: 4luaKsL2, rate: 1000}}
defaults: {{provider: nx, expires_in: 1d}}
bindings:
  {}
  {}
"""
DRIVER = (
    "driver: {provider: la, mode: axb, phone_a: 447700900123, phone_b: 447700900112, pool_number: 918806}"
)


def lose(folder: Path) -> dict[str, Any]:
    """The state is gone, with its journal; what it was."""
    found: dict[str, Any] = json.loads((folder / "state/pnsync.state.json").read_text())
    for one in (folder / "state").glob("pnsync.*"):
        one.unlink()
    return found


def state(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "state/pnsync.state.json").read_text())
    return found


def test_it_keeps_the_lineage_and_the_entries_that_the_listed_ids_show(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON, RIDE)
    ok(run("apply", "--auto-approve"))
    lost = lose(tmp_path)
    ok(run("state", "rebuild"))
    found = state(tmp_path)
    assert found["lineage"] == lost["lineage"]
    assert found["entries"].keys() >= {"bindings.desk-london", "bindings.ride-17"}
    for address in ("bindings.desk-london", "bindings.ride-17"):
        for name in ("bind_id", "customer_bind_id", "generation", "phone_x"):
            assert found["entries"][address][name] == lost["entries"][address][name]
    assert "No changes." in ok(run("plan"))


def test_what_is_bound_after_it_has_an_id_that_was_never_used(run: Run, tmp_path: Path) -> None:
    """Generations that ended before are not listed, so that the next ones must not begin where these may have been."""
    write(tmp_path, SEVEN)
    used: set[str] = set()
    for extension in (101, 102, 103):
        write(tmp_path, SEVEN.replace("107", str(extension)), RIDE)
        ok(run("apply", "--auto-approve"))
        used.add(state(tmp_path)["entries"]["bindings.desk-7"]["customer_bind_id"])
    write(tmp_path, RIDE)
    ok(run("apply", "--auto-approve"))
    lose(tmp_path)
    ok(run("state", "rebuild"))
    write(tmp_path, SEVEN, RIDE)
    ok(run("apply", "--auto-approve"))
    after = state(tmp_path)["entries"]["bindings.desk-7"]["customer_bind_id"]
    assert len(used) == 3 and after not in used
    assert after.rpartition("-")[0] == used.pop().rpartition("-")[0]


def test_it_knows_an_address_also_by_the_name_it_had(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON, SEVEN)
    ok(run("apply", "--auto-approve"))
    lose(tmp_path)
    renamed = LONDON.replace("desk-london", "desk-leeds")
    write(tmp_path, renamed, SEVEN, extra="moved: [{from: desk-london, to: desk-leeds}]\n")
    ok(run("state", "rebuild"))
    assert "bindings.desk-leeds" in state(tmp_path)["entries"]
    assert "No changes." in ok(run("plan"))


def two_lineages(run: Run, folder: Path) -> tuple[str, str]:
    """One account with bindings of two states, and neither of them at hand."""
    write(folder, SEVEN)
    ok(run("apply", "--auto-approve"))
    first = lose(folder)["lineage"]
    write(folder, RIDE)
    ok(run("apply", "--auto-approve"))
    second = lose(folder)["lineage"]
    write(folder, SEVEN, RIDE)
    return first, second


@pytest.mark.parametrize(("asked", "taken"), [(0, "bindings.desk-7"), (1, "bindings.ride-17")])
def test_of_several_lineages_one_is_named(run: Run, tmp_path: Path, asked: int, taken: str) -> None:
    both = two_lineages(run, tmp_path)
    refused = run("state", "rebuild")
    assert refused.exit_code == 9 and "A160" in refused.stderr
    assert all(one in refused.stderr for one in both)
    assert "pnsync state rebuild --lineage LINEAGE" in refused.stderr
    assert not (tmp_path / "state/pnsync.state.json").exists()
    ok(run("state", "rebuild", "--lineage", both[asked]))
    found = state(tmp_path)
    assert (found["lineage"], list(found["entries"])) == (both[asked], [taken])


def test_the_lineage_of_the_files_is_the_one(run: Run, tmp_path: Path) -> None:
    first, second = two_lineages(run, tmp_path)
    write(tmp_path, SEVEN, RIDE, extra=f"lineage: {second}\n")
    refused = run("state", "rebuild", "--lineage", first)
    assert refused.exit_code == 9 and "S916" in refused.stderr
    ok(run("state", "rebuild"))
    found = state(tmp_path)
    assert (found["lineage"], list(found["entries"])) == (second, ["bindings.ride-17"])


def test_what_has_no_id_of_ours_is_proposed_and_not_taken(run: Run, tmp_path: Path) -> None:
    text = LAAFFIC.format(DRIVER, "ride: {mode: axb, phone_a: 447700900131, phone_b: 447700900132}")
    (tmp_path / "pnsync.yaml").write_text(text)
    ok(run("apply", "--auto-approve"))
    lose(tmp_path)
    found = ok(run("state", "rebuild"))
    assert "Rebuilt: 1 binding " in found
    assert (
        "1 listed binding equals a declared one and cannot be proved to be ours:\n  bindings.driver\n"
        in found
    )
    assert list(state(tmp_path)["entries"]) == ["bindings.ride"]
    ok(run("import", "--match"))
    assert "No changes." in ok(run("plan"))


@pytest.mark.parametrize("damage", ["empty", "truncated", "merged", "edited"])
def test_it_asks_nothing_where_the_state_cannot_be_read(run: Run, tmp_path: Path, damage: str) -> None:
    write(tmp_path, SEVEN)
    ok(run("apply", "--auto-approve"))
    path = tmp_path / "state/pnsync.state.json"
    whole = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "truncated": whole[: len(whole) // 2],
            "merged": b"<<<<<<< ours\n" + whole + b"=======\n" + whole + b">>>>>>> theirs\n",
            "edited": whole.replace(b'"107"', b'"108"'),
        }[damage]
    )
    assert run("plan").exit_code == 9
    ok(run("state", "rebuild"))
    assert state(tmp_path)["lineage"] == json.loads(whole)["lineage"]
    assert "No changes." in ok(run("plan"))
