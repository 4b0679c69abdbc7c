"""What may come between a plan that was saved and its apply: time joins, others' doings are told and left alone."""

from tests.e2e.projects import PHONES, Project, flow


def changes(project: Project) -> dict[str, tuple[str, str]]:
    """What is due now: address to action and cause."""
    found = project.program.plan()["changes"]
    return {one["address"].partition(".")[2]: (one["action"], one["cause"]) for one in found}


def test_drift_elsewhere_is_reported_and_left_alone(project: Project) -> None:
    program = project.program
    project.desks([1, 2])
    program.apply()
    project.desks([3])
    program.run("plan", "--out", "p.pnsplan", code=0)
    [one] = [each for each in project.nx.bindings() if each["extension"] == "102"]
    project.nx.edit(remove=one["bind_id"])
    found = program.run("apply", "p.pnsplan", code=0)
    assert "A141" in found.err and "left alone" in found.err and "bindings.desk-2" in found.err
    assert sorted(each["extension"] for each in project.nx.bindings()) == ["101", "103"]
    assert changes(project) == {"desk-2": ("bind", "drift")}


def test_due_renewals_join(project: Project) -> None:
    program = project.program
    project.bindings["ride"] = flow(mode="axb", phone_a=PHONES[10], phone_b=PHONES[11], expires_in="1h")
    project.write()
    program.apply()
    project.desks([1])
    program.run("plan", "--out", "p.pnsplan", code=0)
    assert changes(project) == {"desk-1": ("bind", "config")}
    program.ahead_seconds = 3000
    assert changes(project) == {"desk-1": ("bind", "config"), "ride": ("renew", "expiry")}
    assert program.verdict("apply", "p.pnsplan", code=0)["done"] == 2
    assert (project.nx.count("bind"), len(project.nx.bindings())) == (3, 2)
