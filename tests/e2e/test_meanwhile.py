"""What others do while an apply stands in the middle of a call: a plan, a reader of the state, a person at the vendor's."""

import json

from tests.e2e.conftest import Tapped
from tests.e2e.program import PATIENCE_SECONDS
from tests.e2e.projects import PHONES, Project
from tests.e2e.tap import Fate


def bind_of(project: Project, number: int) -> str:
    """The bind id of a desk at the vendor."""
    found = [one["bind_id"] for one in project.nx.bindings() if one["phone_a"] == PHONES[number]]
    assert len(found) == 1
    return str(found[0])


def test_a_plan_while_an_apply_runs(tapped: Tapped) -> None:
    """It reads what is recorded, waits for nobody, writes nothing, and does not plan what is in the air once more."""
    project, tap = tapped
    project.desks([1, 2, 3])
    tap.hold("bindAXBExtension", 2, Fate.LATE)
    applying = project.program.start("apply", "--auto-approve")
    tap.wait()
    state = project.folder / "state"
    before = {one.name: one.read_bytes() for one in state.iterdir()}
    found = project.program.plan()
    assert [one["address"] for one in found["changes"] if one["action"] == "bind"] == ["bindings.desk-3"]
    assert [one["address"] for one in found["deferred"]] == ["bindings.desk-2"]
    assert project.program.run("status").code in (0, 7)
    assert {one.name: one.read_bytes() for one in state.iterdir()} == before, "a plan writes nothing"
    project.program.run("apply", "--auto-approve", code=6)
    applying.kill()
    applying.communicate(timeout=PATIENCE_SECONDS)
    tap.release()
    project.program.apply()
    project.program.empty()
    assert (project.nx.count("bind"), project.nx.made_twice()) == (3, [])


def test_a_saved_plan_made_while_an_apply_runs_is_not_carried_out_twice(tapped: Tapped) -> None:
    project, tap = tapped
    project.desks([1, 2, 3])
    tap.hold("bindAXBExtension", 2, Fate.ANSWER_LOST)
    applying = project.program.start("apply", "--auto-approve")
    tap.wait()
    project.program.run("plan", "--out", "reviewed.pnsplan", code=0)
    approved = json.loads((project.folder / "reviewed.pnsplan").read_text())
    assert {one["address"] for one in approved["changes"]} >= {"bindings.desk-3"}
    applying.kill()
    applying.communicate(timeout=PATIENCE_SECONDS)
    tap.release()
    project.program.apply()
    ended = project.program.run("apply", "reviewed.pnsplan")
    assert ended.code == 5, "what it approves is done already"
    project.program.empty()
    assert (project.nx.count("bind"), project.nx.made_twice()) == (3, [])


def test_a_person_changes_the_vendor_while_an_apply_runs(tapped: Tapped) -> None:
    """A binding that the run is about to unbind is removed by hand, one that stays too, and a stranger binds."""
    project, tap = tapped
    project.desks([1, 2, 3])
    project.program.apply()
    del project.bindings["desk-1"]
    project.desks([4])
    tap.hold("unbindAXB", 1, Fate.LATE)
    applying = project.program.start("apply", "--auto-approve")
    tap.wait()
    for number in (1, 2):
        project.nx.edit(remove=bind_of(project, number))
    project.nx.edit(add={"mode": "axb", "phone_a": PHONES[11], "phone_b": PHONES[12], "x_a": "447401264199"})
    tap.release()
    out, err = applying.communicate(timeout=PATIENCE_SECONDS)
    assert b"Traceback" not in (err or b"") and b"This is a bug" not in (err or b"")
    assert applying.returncode in (0, 3, 7, 12), (out, err)
    project.program.ahead_seconds = 600
    project.program.apply()
    project.program.empty()
    parties = sorted(one["phone_a"] for one in project.nx.bindings())
    assert parties == sorted([PHONES[2], PHONES[3], PHONES[4], PHONES[11]]), (
        "and the stranger's is left alone"
    )
    assert project.nx.made_twice() == []
