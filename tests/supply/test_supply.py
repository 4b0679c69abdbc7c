"""What is locked may be installed: bytes pinned, licences allowed, no known weakness; and the code loads no code."""

import ast
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st

from tests.supply import advisories, licences, sbom
from tests.supply.locks import BUILD, DEVELOPMENT, RUNTIME, TOP, Locked, Loose, needed_by_users, project, read

HASH = "a" * 64


def lock(folder: Path, text: str) -> Path:
    """A lock that says this."""
    made = folder / "some.lock"
    made.write_text(text, "utf-8")
    return made


def test_a_pinned_package_is_read(tmp_path: Path) -> None:
    text = f"one==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:{HASH} \\\n    --hash=sha256:{HASH}\n    # via two\n"
    assert read(lock(tmp_path, text)) == [
        Locked("one", "1.0", "sys_platform == 'win32'", (HASH, HASH), ("two",))
    ]


@pytest.mark.parametrize(
    "line",
    [
        "one==1.0",
        f"one>=1.0 --hash=sha256:{HASH}",
        f"one --hash=sha256:{HASH}",
        f"one==1.* --hash=sha256:{HASH}",
        f"one==1.0 --hash=md5:{HASH[:32]}",
        f"one @ https://evil.example/one.whl --hash=sha256:{HASH}",
        f"https://evil.example/one.whl --hash=sha256:{HASH}",
        f"./one.whl --hash=sha256:{HASH}",
        "-e .",
        "-r other.lock",
        "--index-url https://evil.example/simple",
        "--extra-index-url=https://evil.example/simple",
        "--find-links /tmp",
        "--trusted-host evil.example",
        f"one==1.0 --hash=sha256:{HASH} --index-url https://evil.example/simple",
        f"One==1.0 --hash=sha256:{HASH}",
    ],
)
def test_whatever_else_a_line_says_is_refused(tmp_path: Path, line: str) -> None:
    good = f"two==2.0 --hash=sha256:{HASH}\n"
    for text in (f"{line}\n", f"{good}{line}\n", f"{line}\n{good}"):
        with pytest.raises(Loose):
            read(lock(tmp_path, text))


def test_both_locks_pin_every_package_by_its_hashes() -> None:
    runtime, development = read(RUNTIME), read(DEVELOPMENT)
    assert len(runtime) >= 15 and len(development) >= 80
    assert all(one.hashes for one in (*runtime, *development, *read(BUILD)))
    assert [one.name for one in read(BUILD)] == ["setuptools"]
    pinned = {(one.name, one.version, one.hashes) for one in development}
    assert {(one.name, one.version, one.hashes) for one in runtime} <= pinned, "the two locks agree"


def test_what_the_project_names_is_locked() -> None:
    table = project()
    names = {
        str(one).split(">")[0].split("<")[0].split("[")[0].replace(".", "-").lower()
        for one in table["dependencies"]
    }  # type: ignore[attr-defined]
    assert names <= {one.name for one in read(RUNTIME)}
    assert {"psycopg", "obstore", "cryptography", "pyrage"} <= {one.name for one in needed_by_users()}


def test_every_licence_is_recorded_allowed_and_what_the_package_says() -> None:
    assert licences.problems() == []


def test_a_licence_that_is_not_allowed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    known = licences.table()
    known["licences"] |= {"click": "GPL-3.0-only"}
    del known["licences"]["rich"]
    monkeypatch.setattr(licences, "table", lambda: known)
    found = licences.problems()
    assert "click: recorded as GPL-3.0-only, the package says BSD-3-Clause" in found
    assert "click: GPL-3.0-only is not allowed" in found
    assert any(one.startswith("rich: no licence is recorded") for one in found)
    assert len(found) == 3


def test_no_locked_version_is_named_by_an_advisory() -> None:
    assert advisories.problems() == []


def test_the_advisories_say_of_which_day_they_are() -> None:
    known = advisories.copied()
    assert datetime.fromisoformat(known["date"]).tzinfo is not None
    assert advisories.age(datetime.now(UTC)) >= 0
    assert len(known["commit"]) == 40 and known["licence"] == "CC-BY-4.0"
    assert sum(map(len, known["packages"].values())) > 20


def test_an_old_version_with_a_known_weakness_is_found() -> None:
    old = Locked("urllib3", "2.0.6", "", (HASH,), ())
    found = advisories.problems(among=[old])
    assert any("PYSEC-2023-212" in one and "CVE-2023-45803" in one for one in found)
    assert not advisories.problems(among=[Locked("urllib3", "99", "", (HASH,), ())])


NUMBERS = st.integers(0, 30)


@given(st.lists(NUMBERS, min_size=1, max_size=6, unique=True).map(sorted), NUMBERS, st.booleans())
def test_ranges_are_what_they_say(bounds: list[int], version: int, ends: bool) -> None:
    # Pairs of (introduced, fixed); one bound that is left over is never fixed.
    pairs = [(bounds[n], bounds[n + 1] if n + 1 < len(bounds) else None) for n in range(0, len(bounds), 2)]
    kind = "fixed" if ends else "last_affected"
    events = [["introduced", f"{low}.0"] for low, _ in pairs]
    events += [[kind, f"{high}.0"] for _, high in pairs if high is not None]
    expected = any(
        low <= version and (high is None or version < high or (not ends and version == high))
        for low, high in pairs
    )
    one = Locked("one", f"{version}.0", "", (HASH,), ())
    known = {"packages": {"one": [{"id": "A", "aliases": [], "events": events[::-1], "versions": []}]}}
    assert bool(advisories.problems(known, [one])) is expected


def test_the_bill_of_materials_is_valid_whole_and_the_same_every_time() -> None:
    made = [
        subprocess.run(
            [sys.executable, "-m", "tests.supply.sbom"],
            cwd=TOP,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert made[0] == made[1]
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(made[0].decode()) is None
    bill = json.loads(made[0])
    users = needed_by_users()
    assert {(one["name"], one["version"]) for one in bill["components"]} == {
        (one.name, one.version) for one in users
    }
    for one in users:
        [listed] = [entry for entry in bill["components"] if entry["name"] == one.name]
        hashes = {each["value"] for each in listed["properties"] if each["name"] == "pnsync:lock:sha256"}
        assert hashes == set(one.hashes)
        assert (listed["scope"] == "required") is users[one]
    known = {one["ref"] for one in bill["dependencies"]}
    reached, todo = set(), [sbom.document()["metadata"]["component"]["bom-ref"]]
    needs = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}
    while todo:
        reached.add(one := todo.pop())
        todo += [each for each in needs[one] if each not in reached]
    assert (
        reached
        == known
        == {one["bom-ref"] for one in bill["components"]}
        | {sbom.document()["metadata"]["component"]["bom-ref"]}
    )


FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "shelve",
    "marshal",
    "dill",
    "zipfile",
    "tarfile",
    "xml",
    "plistlib",
    "code",
    "imp",
}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
SOURCES = sorted((TOP / "pnsync").rglob("*.py"))


def loads_code(source: str) -> list[str]:
    """Where a source could make data run, or unpack what may explode."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [one.name for one in node.names if one.name.partition(".")[0] in FORBIDDEN_MODULES]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found += [str(node.module)] if str(node.module).partition(".")[0] in FORBIDDEN_MODULES else []
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
                found.append(node.func.id)
            found += [
                "shell=True"
                for one in node.keywords
                if one.arg == "shell"
                and not (isinstance(one.value, ast.Constant) and one.value.value is False)
            ]
            attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if attribute in ("system", "popen") or ast.unparse(node.func) in (
                "yaml.load",
                "ruamel.yaml.load",
            ):
                found.append(ast.unparse(node.func))
    return found


def test_no_source_can_make_data_run() -> None:
    assert len(SOURCES) > 100
    assert {str(one): told for one in SOURCES if (told := loads_code(one.read_text("utf-8")))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from xml.etree import ElementTree",
        "eval('1')",
        "os.system('x')",
        "run('x', shell=True)",
        "yaml.load(x)",
    ],
)
def test_code_that_could_is_found(source: str) -> None:
    assert loads_code(source)
