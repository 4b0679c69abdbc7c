"""The way of a team through everyday changes: fifty bindings in all five combinations of mode and vendor, over HTTP.

After each apply the next plan is empty, and whatever happens every binding is made once.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.e2e.conftest import new_project
from tests.e2e.projects import HOTLINE, PHONES, Project, desk, flow
from tests.e2e.vendors import Vendors

HOUR = 3600
DAY = 24 * HOUR


def fifty(project: Project) -> None:
    """Ten bindings of each combination: nx axb, nx axb_extension, nx axg, la axb, la axxb."""
    phones = iter(PHONES)
    for one in range(10):
        project.bindings[f"ride-{one}"] = flow(mode="axb", phone_a=next(phones), phone_b=next(phones))
    for one in range(10):
        project.bindings[f"desk-{one}"] = desk(next(phones), HOTLINE[one % 3], 100 + one)
    for name in ("east", "west"):
        members = ", ".join(next(phones) for _ in range(4))
        project.groups[name] = (
            f"{{provider: nx, holds: people, phones: [{members}], remark: Couriers {name}}}"
        )
        for one in range(5):
            project.bindings[f"shop-{name}-{one}"] = flow(mode="axg", phone_a=next(phones), group=name)
    for mode in ("axb", "axxb"):
        for one in range(10):
            project.bindings[f"driver-{mode}-{one}"] = flow(
                provider="la", mode=mode, phone_a=next(phones), phone_b=next(phones), pool_number="918806"
            )
    project.write()


def summary(project: Project, *args: str) -> dict[str, int]:
    """What a plan would do, without what it would not."""
    found = project.program.plan(*args)["summary"]
    return {name: many for name, many in found.items() if many and name not in ("unchanged", "unmanaged")}


def test_everyday_changes(tmp_path: Path, shared_vendors: Vendors) -> None:
    project = new_project(tmp_path / "project", shared_vendors, "everyday")
    program, nx, la = project.program, project.nx, project.la
    fifty(project)

    assert program.run("validate", code=0).out == "ok: 50 bindings, 2 groups, 2 providers in 1 file\n"
    assert summary(project) == {"bind": 50, "create_group": 2, "calls": 52}
    done = program.apply("--parallelism", "4")
    assert "Applied: 2 groups created, 50 bound · 0 failed" in done.out
    program.empty()
    assert (project.live, nx.count("bind"), la.count("bind"), nx.count("group")) == (50, 30, 20, 2)

    # Somebody at the vendors' consoles: one binding is gone, one rings elsewhere, one is new and not ours.
    desks = {one["extension"]: one for one in nx.bindings() if one.get("extension")}
    nx.edit(remove=desks["105"]["bind_id"])
    nx.edit(change={"bind_id": desks["106"]["bind_id"], "phone_a": PHONES[700]})
    nx.edit(add={"mode": "axb", "phone_a": PHONES[701], "phone_b": PHONES[702], "x_a": "447401264127"})
    la.edit(remove=la.bindings()[0]["bind_id"])
    found = program.plan()
    assert {one["cause"] for one in found["changes"]} == {"drift"}
    assert found["summary"] | {"bind": 2, "rebind": 1, "unmanaged": 1, "calls": 4} == found["summary"]
    assert program.run("refresh", "--detailed-exitcode").code == 2
    assert program.run("verify").code == 2
    done = program.apply()
    assert "From drift at the vendor (3)" in done.out
    program.empty()
    assert program.run("verify", code=0)
    assert project.live == 51

    # A rename makes no call, and neither does taking its line out again.
    project.bindings["reception"] = project.bindings.pop("desk-0")
    project.moved = [("desk-0", "reception")]
    project.write()
    program.empty()
    before = (nx.history(), la.history())
    program.apply()
    program.empty()
    project.moved = []
    project.write()
    program.empty()
    assert (nx.history(), la.history()) == before
    assert "bindings.reception" in program.state()["entries"]

    # Two desks on one X swap their extensions: both are unbound, then both are bound.
    project.bindings["desk-1"] = project.bindings["desk-1"].replace("101", "104")
    project.bindings["desk-4"] = project.bindings["desk-4"].replace("104", "101")
    project.write()
    assert summary(project) == {"rebind": 2, "calls": 4}
    begins = len(nx.history())
    program.apply()
    program.empty()
    assert [one["kind"] for one in nx.history()[begins:]] == ["unbind", "unbind", "bind", "bind"]

    # A group loses one phone and gains another; its bindings stay.
    east = project.groups["east"]
    project.groups["east"] = east.replace(east.partition("phones: [")[2][:12], PHONES[710])
    project.write()
    assert summary(project) == {"update_group": 1, "calls": 1}
    begins = len(nx.history())
    done = program.apply()
    assert "groups.east" in done.out
    program.empty()
    assert {one["kind"] for one in nx.history()[begins:]} == {"group"}

    # All is undone; what is not ours stays.
    assert summary(project, "--destroy") == {"unbind": 50, "delete_group": 2, "calls": 52}
    done = program.run("destroy", "--auto-approve", "--parallelism", "4", code=0)
    assert "50 unbound" in done.out
    assert project.live == 1
    assert nx.count("delete_group") == 2
    assert program.state()["entries"] == {}
    assert summary(project, "--destroy") == {}

    assert nx.made_twice() == []
    assert (nx.count("bind"), la.count("bind")) == (30 + 1 + 1 + 2, 20 + 1)


def later(project: Project, vendors: Vendors, seconds: float) -> None:
    """Let time pass, for the vendors and for pnsync."""
    project.nx.advance(seconds)
    project.program.ahead_seconds += seconds


def test_renewals_and_expiries_under_a_moved_clock(tmp_path: Path, vendors: Vendors) -> None:
    project = new_project(tmp_path / "project", vendors, "time")
    program, nx, la = project.program, project.nx, project.la
    ends = datetime.now(UTC) + timedelta(hours=30)
    project.bindings |= {
        "kept": desk(PHONES[1], HOTLINE[0], 101, expires_in="1d"),
        "once": desk(PHONES[2], HOTLINE[0], 102, expires_in="1d", keep="false"),
        "for-ever": desk(PHONES[3], HOTLINE[0], 103, expires_in="never"),
        "until": desk(PHONES[4], HOTLINE[0], 104, expires_at=f"{ends:%Y-%m-%dT%H:%M:%SZ}"),
        "driver": flow(
            provider="la",
            mode="axb",
            phone_a=PHONES[5],
            phone_b=PHONES[6],
            pool_number="918806",
            expires_in="3d",
        ),
    }
    project.write()
    program.apply()
    program.empty()
    assert project.live == 5

    # 20 hours later a fifth of a day is left: what is kept alive is renewed, in time and with its generation.
    later(project, vendors, 20 * HOUR)
    found = program.plan()
    assert [(one["address"], one["action"], one["cause"]) for one in found["changes"]] == [
        ("bindings.kept", "renew", "expiry")
    ]
    assert "From time (1)" in program.apply().out
    program.empty()

    # 26 hours: what was bound once has ended and stays so.
    later(project, vendors, 6 * HOUR)
    program.empty()
    program.apply()
    assert project.live == 4

    # 43 hours: what ends at an instant has ended; the renewed one is due again, by `renew` this time.
    later(project, vendors, 17 * HOUR)
    done = program.run("renew", "--auto-approve", code=0)
    assert "Applied: 1 renewed" in done.out
    program.empty()
    assert project.live == 3

    # Nobody came for a week: all that expires has expired, and what is kept alive is bound again.
    later(project, vendors, 7 * DAY)
    assert project.live == 1
    found = program.plan()
    assert {(one["address"], one["action"], one["cause"]) for one in found["changes"]} == {
        ("bindings.kept", "bind", "expiry"),
        ("bindings.driver", "bind", "expiry"),
    }
    program.apply()
    program.empty()
    assert project.live == 3
    assert nx.made_twice() == []
    assert (nx.count("bind"), la.count("bind")) == (4 + 2 + 1, 2)
    assert (nx.count("unbind"), la.count("unbind")) == (2, 0)

    program.run("destroy", "--auto-approve", code=0)
    assert project.live == 0
