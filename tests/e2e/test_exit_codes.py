"""Every exit code of the contract, produced by the program itself, with the verdict that goes with it."""

import json
import os
import shutil
import signal
import socket

import pytest

from tests.e2e.conftest import Tapped
from tests.e2e.program import PATIENCE_SECONDS, kill
from tests.e2e.projects import PHONES, Project, flow
from tests.e2e.tap import Fate

DRIVER = flow(
    provider="la", mode="axb", phone_a=PHONES[60], phone_b=PHONES[61], pool_number="918806", expires_in="3d"
)


def applied(project: Project, *numbers: int) -> None:
    """Apply some desks."""
    project.desks(numbers)
    project.program.apply()


# -- 0, 1, 2, 3 ----------------------------------------------------------------------------------------------------


def test_0_and_2_differences(project: Project) -> None:
    program = project.program
    project.desks([1])
    assert program.verdict("plan", code=0)["exit"] == 0
    assert program.verdict("plan", "--detailed-exitcode", code=2)["exit"] == 2
    assert program.verdict("verify", code=2)
    program.apply()
    assert program.verdict("plan", "--detailed-exitcode", code=0)
    assert program.verdict("verify", code=0)
    assert program.verdict("refresh", "--detailed-exitcode", code=0)
    project.nx.edit(remove=project.nx.bindings()[0]["bind_id"])
    assert program.verdict("refresh", code=0)
    assert program.verdict("refresh", "--detailed-exitcode", code=2)


def test_1_a_vendor_that_cannot_be_reached(project: Project) -> None:
    applied(project, 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    project.bindings["driver"] = DRIVER
    project.endpoints = (project.nx.endpoint, f"http://127.0.0.1:{port}/v3/number")
    project.desks([1, 2])
    found = project.program.run("plan", code=1)
    assert "la was not read, so nothing is concluded about it:" in found.err
    assert "Plan: 1 to bind · 1 call" in found.out
    assert "Later (1)" in found.out
    verdict = project.program.verdict("apply", "--auto-approve")
    assert (verdict["done"], verdict["deferred"]) == (1, 1)
    assert verdict["exit"] == 3


def test_1_when_nothing_could_be_done_and_3_when_something_was(project: Project) -> None:
    project.nx.fault("code_before", code=1002, operation="bindAXBExtension")
    project.desks([1])
    verdict = project.program.verdict("apply", "--auto-approve", code=1)
    assert (verdict["done"], verdict["failed"]) == (0, 1)
    assert project.nx.bindings() == []
    project.nx.fault("code_before", code=1002, operation="bindAXBExtension", nth=2)
    project.desks([1, 2, 3])
    verdict = project.program.verdict("apply", "--auto-approve", code=3)
    assert (verdict["done"], verdict["failed"], verdict["not_tried"]) == (2, 1, 0)
    [failure] = verdict["failures"]
    assert failure["address"] == "bindings.desk-2"
    assert failure["vendor_code"] == "1002"
    assert failure["request_id"]
    assert failure["next"]
    project.program.apply()
    project.program.empty()


def test_1_it_is_told_why_the_rest_was_not_tried(project: Project) -> None:
    """Three calls without an answer end the others to that vendor, which the lines of those three do not say."""
    project.nx.fault("status_before", operation="bindAXBExtension", times=3)
    project.desks([1, 2, 3, 4])
    found = project.program.run("apply", "--auto-approve", "--settle", "0", code=1)
    assert (
        "warning[A120]: 3 calls in a row at nx got no usable answer, so that no further change" in found.err
    )
    assert "4 not tried" in found.out
    assert "Not tried: bindings.desk-1, bindings.desk-2, bindings.desk-3, bindings.desk-4" in found.out


def test_3_the_first_failure_ends_a_run_that_asks_for_it(project: Project) -> None:
    project.nx.fault("code_before", code=1002, operation="bindAXBExtension", nth=2)
    project.desks([1, 2, 3])
    verdict = project.program.verdict("apply", "--auto-approve", "--fail-fast", code=3)
    assert (verdict["done"], verdict["failed"], verdict["not_tried"]) == (1, 1, 1)


# -- 4 -------------------------------------------------------------------------------------------------------------


def test_4_limits_and_protection(project: Project) -> None:
    project.desks(range(8))
    project.bindings["desk-7"] = project.bindings["desk-7"].replace("}", ", protect: true}")
    project.write()
    project.program.apply()
    for name in range(6):
        del project.bindings[f"desk-{name}"]
    project.write()
    for args in (("plan",), ("apply", "--auto-approve")):
        found = project.program.run(*args, code=4)
        assert "6 of 8 bindings; max_unbind allows 5" in found.out + found.err
        assert "--allow-unbind 6" in found.out + found.err
    assert project.program.verdict("apply", "--auto-approve", "--allow-unbind", "5", code=4)["done"] == 0
    assert project.program.verdict("apply", "--auto-approve", "--allow-unbind", "6", code=0)["done"] == 6
    del project.bindings["desk-7"]
    project.write()
    found = project.program.run("apply", "--auto-approve", code=4)
    assert "bindings.desk-7 is protected" in found.out + found.err
    assert len(project.nx.bindings()) == 2


# -- 5 -------------------------------------------------------------------------------------------------------------


def test_5_a_plan_that_was_tampered_with(project: Project) -> None:
    project.desks([1])
    project.program.run("plan", "--out", "p.pnsplan", code=0)
    path = project.folder / "p.pnsplan"
    whole = path.read_bytes()
    for damaged in (whole.replace(b'"101"', b'"102"'), whole[:-40], b"", b"{}", b"\xff\xfe"):
        assert damaged != whole
        path.write_bytes(damaged)
        assert project.program.verdict("apply", "p.pnsplan", code=5)["done"] == 0
    path.write_bytes(whole)
    assert project.program.verdict("apply", "p.pnsplan", code=0)["done"] == 1


def test_5_a_plan_is_applied_once_and_only_while_it_holds(project: Project) -> None:
    program = project.program
    applied(project, 1)
    project.desks([1, 2])
    program.run("plan", "--out", "p.pnsplan", code=0)
    program.run("plan", "--out", "q.pnsplan", code=0)
    project.desks([1, 2, 3])
    found = program.run("apply", "p.pnsplan", code=5)
    assert "desk-3: bind is due by the files now, and was not approved" in found.err
    del project.bindings["desk-3"]
    project.write()
    program.run("apply", "p.pnsplan", code=0)
    assert program.run("apply", "p.pnsplan", code=5).err.startswith("error[A507]")
    assert "error[A509]" in program.run("apply", "q.pnsplan", code=5).err
    assert project.nx.count("bind") == 2


def test_5_a_plan_whose_vendor_moved(project: Project) -> None:
    applied(project, 1)
    project.bindings["desk-1"] = project.bindings["desk-1"].replace(PHONES[1], PHONES[2])
    project.write()
    project.program.run("plan", "--out", "p.pnsplan", code=0)
    project.nx.edit(remove=project.nx.bindings()[0]["bind_id"])
    found = project.program.run("apply", "p.pnsplan", code=5)
    assert "desk-1: rebind was approved, and is bind now" in found.err


def test_5_a_plan_that_is_old_or_another_state_s(project: Project) -> None:
    program = project.program
    project.desks([1])
    program.run("plan", "--out", "early.pnsplan", code=0)
    applied(project, 1)
    assert program.run("apply", "early.pnsplan", code=5).err.startswith("error[A505]")
    project.desks([1, 2])
    program.run("plan", "--out", "p.pnsplan", code=0)
    program.ahead_seconds = 30
    assert program.run("apply", "p.pnsplan", "--max-age", "20s", code=5).err.startswith("error[A508]")
    shutil.move(project.folder / "state", project.folder / "elsewhere")
    program.run("state", "rebuild", "--lineage", "00c0ffee", code=None)
    assert program.run("apply", "p.pnsplan", code=5).err.startswith("error[A505]")
    shutil.rmtree(project.folder / "state")
    shutil.move(project.folder / "elsewhere", project.folder / "state")
    program.run("apply", "p.pnsplan", "--max-age", "1h", code=0)
    assert project.nx.count("bind") == 2


def test_5_a_stale_plan_shows_what_differs(project: Project) -> None:
    applied(project, 1)
    project.bindings["desk-1"] = project.bindings["desk-1"].replace("101", "102")
    project.write()
    project.program.run("plan", "--out", "p.pnsplan", code=0)
    project.bindings["desk-1"] = project.bindings["desk-1"].replace("102", "103")
    project.write()
    found = project.program.run("apply", "p.pnsplan", code=5)
    assert "bindings.desk-1: rebind was approved, and it is another one now" in found.err
    assert "    - extension after: 102\n      + extension after: 103\n" in found.err
    assert project.nx.count("bind") == 1


def test_5_a_plan_that_is_not_signed(project: Project) -> None:
    project.desks([1])
    project.program.run("plan", "--out", "p.pnsplan", code=0)
    signed = {"PNSYNC_PLAN_KEY": "an approver's key"}
    project.program.run("apply", "p.pnsplan", code=5, env=signed)
    project.program.run("plan", "--out", "p.pnsplan", code=0, env=signed)
    project.program.run("apply", "p.pnsplan", code=5, env={"PNSYNC_PLAN_KEY": "another key"})
    project.program.run("apply", "p.pnsplan", code=0, env=signed)


# -- 6 -------------------------------------------------------------------------------------------------------------


def test_6_a_lock_names_its_holder_and_is_taken_over_when_he_dies(tapped: Tapped) -> None:
    project, tap = tapped
    project.desks([1])
    tap.hold("bindAXBExtension", 1, Fate.ANSWER_LOST)
    holder = project.program.start("apply", "--auto-approve")
    tap.wait()
    found = project.program.run("apply", "--auto-approve", "--result", "v.json", code=6)
    assert f"(pid {holder.pid}) has held it for " in found.err
    assert "running pnsync apply." in found.err
    assert json.loads((project.folder / "v.json").read_text())["exit"] == 6
    # A plan needs no lock.
    assert project.program.run("plan", code=0)
    kill(holder)
    holder.communicate()
    tap.release()
    project.program.apply()
    project.program.empty()
    assert project.nx.count("bind") == 1


def test_6_a_holder_that_stands_still_blocks_until_unlocked_and_is_fenced(tapped: Tapped) -> None:
    project, tap = tapped
    project.desks([1, 2])
    tap.hold("bindAXBExtension", 1, Fate.ANSWER_LOST)
    holder = project.program.start("apply", "--auto-approve")
    tap.wait()
    os.kill(holder.pid, signal.SIGSTOP)
    tap.release()
    found = project.program.run("apply", "--auto-approve", code=6)
    lock_id = found.err.split("pnsync unlock ")[1].split()[0]
    project.program.run("unlock", "0" * 8, code=8)
    assert project.program.run("unlock", lock_id, code=0).out == "Unlocked.\n"
    project.program.apply()
    project.program.empty()
    os.kill(holder.pid, signal.SIGCONT)
    out, err = holder.communicate(timeout=PATIENCE_SECONDS)
    assert holder.returncode == 9, (out, err)
    assert b"another run has taken over this state" in err
    assert project.nx.count("bind") == 2
    project.program.empty()


# -- 7 -------------------------------------------------------------------------------------------------------------


def test_7_an_unknown_outcome_settles_in_the_next_run(project: Project) -> None:
    project.settle_window = "20s"
    project.nx.fault("broken_before", operation="bindAXBExtension", nth=1)
    project.la.fault("broken_after", operation="pns/bind", nth=1)
    project.bindings["driver"] = DRIVER
    project.desks([1, 2])
    verdict = project.program.verdict("apply", "--auto-approve", "--settle", "0", code=7)
    assert (verdict["done"], verdict["failed"], verdict["unknown"]) == (2, 0, 1)
    [deferred] = project.program.plan()["deferred"]
    assert deferred["address"] == "bindings.desk-1"
    assert deferred["not_before"]
    project.program.ahead_seconds = 25
    assert project.program.verdict("apply", "--auto-approve", code=0)["done"] == 1
    project.program.empty()
    assert (project.nx.count("bind"), project.la.count("bind")) == (2, 1)


# -- 8 -------------------------------------------------------------------------------------------------------------


def test_8_nobody_can_be_asked(project: Project) -> None:
    project.desks([1])
    for name in ("apply", "destroy", "renew"):
        assert project.program.verdict(name, code=8, env={"CI": "true"})["done"] == 0
        found = project.program.run(name, code=8, stdin=b"yes\n")
        assert f"pnsync {name} --auto-approve" in found.err
    assert project.nx.history() == []


def test_8_files_usage_and_credentials(project: Project) -> None:
    project.desks([1])
    assert project.program.verdict("plan", "--no-such-option", code=8)
    assert project.program.verdict("plan", code=8, env={"NXCLOUD_ACCESS_KEY": ""})
    text = (project.folder / "pnsync.yaml").read_text()
    (project.folder / "pnsync.yaml").write_text(text.replace("extension: 101", "extension: 1"))
    verdict = project.program.verdict("validate", code=8)
    assert verdict["error"]["code"].startswith("E")


def test_8_an_address_that_is_not_there(project: Project) -> None:
    applied(project, 1)
    project.desks([1, 2])
    for option in ("--target", "--exclude", "--replace"):
        found = project.program.run("plan", option, "desk-3", code=8)
        assert f"{option} names an address that is not there" in found.err
    for option in ("--target", "--exclude"):
        project.program.run("apply", "--auto-approve", option, "bindings.desk-3", code=8)
    project.program.run("plan", "--target", "bindings.x-*", "--exclude", "team=west", code=0)
    assert project.nx.count("bind") == 1


# -- 9 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["empty", "truncated", "merged", "newer", "edited", "line-ends", "other"])
def test_9_a_state_that_cannot_be_trusted_is_left_as_it_is(project: Project, damage: str) -> None:
    applied(project, 1)
    path = project.folder / "state" / "pnsync.state.json"
    whole = path.read_bytes()
    damaged = {
        "empty": b"",
        "truncated": whole[: len(whole) // 2],
        "merged": b"<<<<<<< ours\n" + whole + b"=======\n" + whole + b">>>>>>> theirs\n",
        "newer": whole.replace(b'"version": 1', b'"version": 2').replace(b'"version":1', b'"version":2'),
        "edited": whole.replace(b'"101"', b'"102"'),
        "line-ends": whole.replace(b"\n", b"\r\n"),
        "other": b'{"format": "terraform"}',
    }[damage]
    assert damaged != whole
    path.write_bytes(damaged)
    project.desks([1, 2])
    for args in (("plan",), ("apply", "--auto-approve")):
        found = project.program.run(*args, "--result", "v.json", code=9)
        assert found.err.count("error[S") == 1
        assert json.loads((project.folder / "v.json").read_text())["error"]["code"].startswith("S")
        assert "pnsync state rebuild" in found.err
        assert project.program.run("explain", found.err.partition("[")[2][:4], code=0).out
    assert path.read_bytes() == damaged
    assert project.nx.count("bind") == 1
    path.write_bytes(whole)
    assert project.program.verdict("apply", "--auto-approve", code=0)["done"] == 1


def test_9_a_state_that_is_missing_or_went_backwards(project: Project) -> None:
    applied(project, 1)
    folder = project.folder / "state"
    kept = project.folder / "kept.json"
    shutil.copy(folder / "pnsync.state.json", kept)
    lineage = project.program.state()["lineage"]
    applied(project, 1, 2)
    newest = (folder / "pnsync.state.json").read_bytes()
    shutil.copy(kept, folder / "pnsync.state.json")
    for args in (("plan",), ("apply", "--auto-approve")):
        found = project.program.run(*args, code=9)
        assert "the state went backwards" in found.err and "pnsync state rebuild" in found.err
    assert (folder / "pnsync.state.json").read_bytes() == kept.read_bytes()
    (folder / "pnsync.state.json").write_bytes(newest)
    project.extra = f"lineage: {lineage}"
    project.write()
    project.program.empty()
    project.extra = "lineage: 00000000"
    project.write()
    assert "the state has another lineage" in project.program.run("plan", code=9).err
    project.extra = f"lineage: {lineage}"
    project.write()
    shutil.move(folder, project.folder / "elsewhere")
    found = project.program.run("apply", "--auto-approve", code=9)
    assert "pnsync state rebuild" in found.err
    assert project.nx.count("bind") == 2
    project.program.run("state", "rebuild", code=0)
    project.program.empty()
    assert project.program.state()["lineage"] == lineage


def test_9_another_account(project: Project) -> None:
    applied(project, 1)
    other = project.nx.endpoint.replace("127.0.0.1", "localhost")
    project.endpoints = (other, project.la.endpoint)
    project.write()
    found = project.program.run("plan", code=9)
    assert "pnsync state account nx --accept" in found.err
    assert project.program.run("apply", "--auto-approve", code=9)
    project.program.run("state", "account", "nx", "--accept", code=0)
    project.program.empty()


# -- 10, 11, 12 ----------------------------------------------------------------------------------------------------


def test_10_refused_credentials_stop_one_provider_only(project: Project) -> None:
    project.bindings["driver"] = DRIVER
    project.desks([1])
    wrong = {"NXCLOUD_ACCESS_SECRET": "canary-secret-17"}
    found = project.program.run("plan", code=10, env=wrong)
    assert "a vendor refused the credentials" in found.err
    assert "NXCLOUD_ACCESS_KEY" in found.err
    verdict = project.program.verdict("apply", "--auto-approve", code=10, env=wrong)
    assert verdict["done"] == 1
    assert (project.nx.count("bind"), project.la.count("bind")) == (0, 1)
    project.program.apply()
    project.program.empty()


def test_11_two_candidates_are_a_person_s_to_choose_from(tapped: Tapped) -> None:
    project, tap = tapped
    project.bindings["driver"] = DRIVER
    project.write()
    tap.hold("pns/bind", 1, Fate.ANSWER_LOST)
    process = project.program.start("apply", "--auto-approve")
    tap.wait()
    kill(process)
    process.communicate()
    tap.release()
    [made] = project.la.bindings()
    double = {name: made[name] for name in ("phone_a", "phone_b", "x_a", "x_b", "app_id", "expires_at")}
    project.la.edit(add={"mode": "axb", **double})
    for args in (("plan",), ("apply", "--auto-approve", "--settle", "0")):
        found = project.program.run(*args, code=11)
        assert made["bind_id"] in found.out + found.err
    assert len(project.la.bindings()) == 2
    assert project.la.count("bind") == 1


def test_12_what_is_down_is_named_first_and_finished_first(project: Project) -> None:
    applied(project, 1, 2)
    project.nx.fault("code_before", code=1002, operation="bindAXBExtension")
    project.bindings["desk-1"] = project.bindings["desk-1"].replace(PHONES[1], PHONES[5])
    project.desks([3])
    found = project.program.run("apply", "--auto-approve", "--result", "v.json", code=12)
    assert "Down: 1 binding is down, nobody is reached: bindings.desk-1" in found.out
    assert json.loads((project.folder / "v.json").read_text())["down"] == ["bindings.desk-1"]
    assert "down" in project.program.run("state", "list", code=0).out
    project.desks([0])
    found = project.program.plan()
    assert [one["address"] for one in found["changes"]] == ["bindings.desk-1", "bindings.desk-0"]
    begins = len(project.nx.history())
    project.program.apply()
    entries = project.program.state()["entries"]
    assert [one["client_id"] for one in project.nx.history()[begins:]] == [
        entries[f"bindings.{name}"]["customer_bind_id"] for name in ("desk-1", "desk-0")
    ]
    project.program.empty()
    assert project.nx.made_twice() == []


def test_the_gravest_code_wins(project: Project) -> None:
    """12 stands above 10, which stands above 3, and that above 7."""
    applied(project, 1, 2)
    project.settle_window = "2s"
    project.bindings["desk-1"] = project.bindings["desk-1"].replace(PHONES[1], PHONES[5])
    project.bindings["driver"] = DRIVER
    project.desks([3, 4])
    project.nx.fault("code_before", code=1002, operation="bindAXBExtension", nth=2)
    project.nx.fault("broken_before", operation="bindAXBExtension", nth=3)
    verdict = project.program.verdict("apply", "--auto-approve", "--settle", "0", code=3)
    assert (verdict["failed"], verdict["unknown"]) == (1, 1)
    project.nx.quiet()
    project.bindings["desk-2"] = project.bindings["desk-2"].replace(PHONES[2], PHONES[6])
    project.write()
    project.nx.fault("code_before", code=1002, operation="bindAXBExtension", times=0)
    verdict = project.program.verdict(
        "apply", "--auto-approve", "--settle", "0", code=12, env={"LAAFFIC_API_SECRET": "wrong"}
    )
    assert verdict["down"] == ["bindings.desk-2"]


# -- streams -------------------------------------------------------------------------------------------------------


def test_streams_of_events_end_with_the_verdict(project: Project) -> None:
    project.desks([1])
    for args, codes in (
        (("plan", "--json"), 0),
        (("apply", "--auto-approve", "--json"), 0),
        (("refresh", "--json"), 0),
        (("verify", "--json"), 0),
        (("renew", "--auto-approve", "--json"), 0),
        (("apply", "--json"), 8),
    ):
        events = project.program.run(*args, code=codes).events()
        assert events[-1]["event"] == "verdict"
        assert events[-1]["exit"] == codes
        assert all(isinstance(one["event"], str) for one in events)


def test_every_code_is_explained(project: Project) -> None:
    listed = [line.split()[0] for line in project.program.run("explain", code=0).out.splitlines()]
    assert len(listed) == len(set(listed)) > 100
