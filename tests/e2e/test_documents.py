"""What programs read of pnsync: every document and every line of every stream is as its published schema says."""

import json
from typing import Any

from tests.e2e.projects import PHONES, Project, flow
from tests.render.published import check

TIMED = "schedule: {every: 6h, late_by: 8h}"


def told(project: Project, *args: str, code: int | None = 0) -> list[dict[str, Any]]:
    """Run a command that writes JSON lines; each line is checked."""
    found = project.program.run(*args, code=code).events()
    assert found
    for one in found:
        check("events", one)
    return found


def document(project: Project, name: str, *args: str, code: int | None = 0) -> dict[str, Any]:
    """Run a command that writes one document, which is checked."""
    found: dict[str, Any] = json.loads(project.program.run(*args, code=code).out)
    check(name, found)
    return found


def standing(project: Project, code: int = 0) -> dict[str, Any]:
    """The documents of how things stand; that of `status`."""
    document(project, "forecast", "forecast", "--json")
    document(project, "doctor", "doctor", "--json", code=None)
    return document(project, "status", "status", "--json", code=code)


def test_everything_that_is_written_for_programs(project: Project) -> None:
    project.extra = TIMED
    project.groups["couriers"] = flow(provider="nx", holds="people", phones=f"[{PHONES[70]}, {PHONES[71]}]")
    project.bindings["driver"] = flow(
        provider="la",
        mode="axb",
        phone_a=PHONES[60],
        phone_b=PHONES[61],
        pool_number="918806",
        expires_in="3d",
    )
    project.desks([1, 2])
    standing(project)
    assert document(project, "plan", "plan", "--format", "json")["serial"] == 0
    told(project, "plan", "--json")
    told(project, "verify", "--json", code=2)
    project.program.run("plan", "--out", "p.pnsplan", code=0)
    check("plan", json.loads((project.folder / "p.pnsplan").read_text()))
    document(project, "plan", "show", "p.pnsplan", "--format", "json")
    events = told(project, "apply", "p.pnsplan", "--json")
    assert [events[-1]["event"], events[-1]["done"]] == ["verdict", 4]

    # What fails, and what is left of it.
    project.nx.fault("code_before", code=1002, operation="bindAXBExtension", times=0)
    project.bindings["desk-1"] = project.bindings["desk-1"].replace(PHONES[1], PHONES[5])
    project.desks([3])
    told(project, "apply", "--auto-approve", "--json", code=12)
    project.nx.quiet()
    stands = standing(project, 12)
    assert [one["address"] for one in stands["down"]] == ["bindings.desk-1"]
    assert stands["failing"] and stands["last_run"]
    project.program.run("hold", "bindings.desk-2", "--reason", "inquiry | <b>", code=0)
    project.program.run("freeze", "--reason", "release", "--allow", "renew", code=0)
    told(project, "plan", "--json", code=4)
    assert standing(project, 12)["frozen"]
    told(project, "renew", "--auto-approve", "--json")
    project.program.run("unfreeze", code=0)
    told(project, "refresh", "--json")
    told(project, "apply", "--auto-approve", "--json")
    assert told(project, "verify", "--call", "--auto-approve", "--json")[0]["event"] == "calls"
    told(project, "destroy", "--auto-approve", "--json")
    standing(project)


def test_a_verdict_of_every_command_is_as_published(project: Project) -> None:
    project.desks([1])
    for args in (
        ("validate",), ("plan",), ("apply", "--auto-approve"), ("apply", "none.pnsplan"), ("renew", "--auto-approve"),
        ("refresh",), ("verify",), ("groups",), ("status",), ("forecast",), ("doctor",), ("who", "--dial", "447401264117"),
        ("state", "list"), ("fmt", "--check"), ("schema",), ("explain", "E203"), ("version",), ("plan", "--no-such"),
        ("hold", "bindings.desk-1", "--reason", "x"), ("release", "bindings.desk-1"), ("freeze", "--reason", "x"), ("unfreeze",),
        ("destroy", "--auto-approve"),
    ):  # fmt: skip
        (project.folder / "v.json").unlink(missing_ok=True)
        ended = project.program.run(*args, "--result", "v.json")
        verdict = json.loads((project.folder / "v.json").read_text())
        check("result", verdict)
        assert verdict["exit"] == ended.code, str(ended)
