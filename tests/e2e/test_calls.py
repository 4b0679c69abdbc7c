"""`verify --call`: the vendor's switch is asked, after somebody said so."""

import json

from tests.e2e.projects import HOTLINE, PHONES, Project, desk


def test_calls_are_asked_and_a_wrong_one_is_found(project: Project) -> None:
    project.bindings["one"] = desk(PHONES[1], HOTLINE[0], 101)
    project.bindings["two"] = desk(PHONES[2], HOTLINE[0], 102)
    project.write()
    project.program.apply()
    assert "--auto-approve" in project.program.run("verify", "--call", code=8).err
    assert "0 differences" in project.program.run("verify", "--call", "--auto-approve", code=0).out
    [row] = [one for one in project.nx.bindings() if one["extension"] == "102"]
    project.nx.edit(change={"bind_id": row["bind_id"], "phone_a": PHONES[3]})
    found = project.program.run("verify", "--call", "--auto-approve", "two", "--json", code=2)
    answers = json.loads(found.out.splitlines()[0])["answers"]
    assert {one["wrong"] for one in answers} & {"somebody else rings"}
    assert project.program.run("verify", "--call", "nobody", code=8)
