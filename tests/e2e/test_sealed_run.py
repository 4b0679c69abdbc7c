"""A whole life with sealed numbers, after which no folder that pnsync can write to holds one of them in clear."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.program import Program
from tests.e2e.projects import HOTLINE, Project, flow
from tests.sealing.keyholders import Holder

ANNA = Holder()
NUMBER = re.compile(rb"44\W?7700\W?900\W?\d{3}|447700900", re.IGNORECASE)
PEOPLE = {f"person-{number}": f"447700900{number:03}" for number in range(1, 9)}


@pytest.fixture
def homes(tmp_path: Path) -> dict[str, Path]:
    """Every folder that a run is told of: home, caches, temporary files, what the system clears by itself."""
    names = {"HOME": "home", "TMPDIR": "tmp", "XDG_STATE_HOME": "state-home", "XDG_CACHE_HOME": "cache"}
    made = {variable: tmp_path / name for variable, name in (names | {"XDG_RUNTIME_DIR": "runtime"}).items()}
    for one in made.values():
        one.mkdir()
    return made


def in_clear(*folders: Path) -> Iterator[Path]:
    """The files with a number in them, or in their name."""
    for folder in folders:
        for one in folder.rglob("*"):
            if NUMBER.search(str(one.name).encode()) or (one.is_file() and NUMBER.search(one.read_bytes())):
                yield one


def declare(project: Project, bindings: dict[str, str], whole: bool) -> None:
    project.extra = (
        "numbers: numbers/*.yaml.age\n"
        "policy: {numbers: named, max_unbind: 100%, max_rebind: 100%}\n"
        f"state: {{encryption: {{recipients: [{ANNA.recipient}], enforced: true, whole: {str(whole).lower()}}}}}"
    )
    project.groups = {"couriers": flow(holds="people", phones="[person-7, person-8]")}
    project.bindings = bindings
    project.write()


@pytest.mark.parametrize("whole", [False, True], ids=["numbers", "whole"])
def test_no_folder_holds_a_number_after_a_whole_life(
    project: Project, homes: dict[str, Path], whole: bool
) -> None:
    program = Program(
        project.folder, project.program.env | ANNA.environ | {name: str(one) for name, one in homes.items()}
    )
    folders = (project.folder, *homes.values())
    first = {
        "desk-1": flow(mode="axb_extension", phone_a="person-1", phone_x=HOTLINE[0], extension="101"),
        "ride-2": flow(mode="axb", phone_a="person-2", phone_b="person-3"),
        "far-4": flow(
            provider="la", mode="axb", phone_a="person-4", phone_b="person-5", pool_number="918806"
        ),
        "hotline": flow(mode="axg", phone_a="person-6", phone_x=HOTLINE[1], group="couriers"),
    }
    declare(project, first, whole)
    for name, phone in PEOPLE.items():
        program.run("numbers", "add", name, "--file", "numbers/all.yaml.age", stdin=phone.encode(), code=0)
    assert not list(in_clear(*folders))
    program.run("validate", code=0)
    program.run("plan", "--out", "first.pnsplan", code=0)
    program.run("plan", "--format", "markdown", code=0)
    program.run("apply", "first.pnsplan", code=0)
    assert len(project.nx.bindings()) == 3
    assert not list(in_clear(*folders))
    program.empty()

    second = {
        "desk-1": flow(mode="axb_extension", phone_a="person-2", phone_x=HOTLINE[0], extension="101"),
        "hotline": first["hotline"],
    }
    declare(project, second, whole)
    program.apply("--allow-unbind", "100")
    program.run("refresh", code=0)
    program.run("state", "list", code=0)
    program.run("find", "-", stdin=b"447700900002", code=0)
    program.run("state", "rekey", "--rotate", code=0)
    program.run("state", "pull", "pulled.json", code=0)
    program.run("state", "push", "pulled.json", code=0)
    program.empty()
    program.run("numbers", "rm", "person-5", code=0)
    program.run("destroy", "--auto-approve", "--allow-unbind", "100", code=0)
    assert not list(in_clear(*folders))
    assert (project.folder / "state").is_dir()
    shutil.rmtree(project.folder / "state")


def test_a_crash_in_mid_apply_leaves_no_number_either(project: Project, homes: dict[str, Path]) -> None:
    program = Program(
        project.folder, project.program.env | ANNA.environ | {name: str(one) for name, one in homes.items()}
    )
    declare(project, {"ride-2": flow(mode="axb", phone_a="person-2", phone_b="person-3")}, False)
    project.groups = {}
    project.write()
    for name in ("person-2", "person-3"):
        program.run(
            "numbers", "add", name, "--file", "numbers/all.yaml.age", stdin=PEOPLE[name].encode(), code=0
        )
    process = program.start("apply", "--auto-approve")
    journal = project.folder / "state" / "pnsync.state.json.journal"
    while process.poll() is None and not journal.exists():
        pass
    process.kill()
    process.communicate()
    assert not list(in_clear(project.folder, *homes.values()))
    program.apply("--settle", "0s")
    program.empty()
    assert len(project.nx.bindings()) == 1
    assert not list(in_clear(project.folder, *homes.values()))
