"""Links in a folder that somebody else may have made: nothing is written where they lead out of it."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run, environment
from tests.cli.projects import LONDON, write

OUTPUTS = {
    "plan --out": ("plan", "--out", "NAME"),
    "plan --result": ("plan", "--result", "NAME"),
    "validate --result": ("validate", "--result", "NAME"),
    "state pull": ("state", "pull", "NAME"),
    "status --metrics": ("status", "--metrics", "NAME"),
    "schema --out": ("schema", "--out", "NAME"),
    "import --write": ("import", "--all", "--write", "NAME.yaml"),
    "fmt": ("fmt", "NAME.yaml"),
}
"""Every way to say where a file is written."""
UNTIDY = "bindings:   {}\n"


@pytest.fixture
def inside(run: Run, tmp_path: Path) -> Iterator[Path]:
    """A project with a state, in a folder beside which nothing may be written."""
    folder = tmp_path / "in"
    (tmp_path / "out").mkdir()
    folder.mkdir()
    write(folder, LONDON, extra='include: ["NAME.yaml"]\n')
    (folder / "NAME.yaml").write_text(UNTIDY)
    os.chdir(folder)
    assert run("apply", "--auto-approve").exit_code == 0
    yield folder
    os.chdir(tmp_path)


def named(words: tuple[str, ...], name: str) -> list[str]:
    return [one.replace("NAME", name) for one in words]


@pytest.mark.parametrize("words", OUTPUTS.values(), ids=OUTPUTS)
@pytest.mark.parametrize("there", [True, False])
def test_no_output_is_written_through_a_link_out(
    run: Run, inside: Path, words: tuple[str, ...], there: bool
) -> None:
    outside = inside.parent / "out"
    name = next(one for one in words if one.startswith("NAME"))
    victim = outside / name
    if there:
        victim.write_text(UNTIDY)
    (inside / name).unlink(missing_ok=True)
    (inside / name).symlink_to(victim)
    (inside / "folder").symlink_to(outside)
    for one in (words, named(words, "folder/NAME")):
        found = run(*one)
        assert found.exit_code != 0, found.output
        assert [(path.name, path.read_text()) for path in outside.iterdir()] == [(name, UNTIDY)] * there
    assert run("-C", str(inside), *words).exit_code != 0
    assert not there or victim.read_text() == UNTIDY


@pytest.mark.parametrize("words", [words for words in OUTPUTS.values() if "import" not in words])
def test_links_inside_and_what_is_named_outside_are_written(
    run: Run, inside: Path, words: tuple[str, ...]
) -> None:
    name = next(one for one in words if one.startswith("NAME"))
    (inside / "real.yaml").write_text(UNTIDY)
    (inside / name).unlink(missing_ok=True)
    (inside / name).symlink_to("real.yaml")
    assert run(*words).exit_code == 0
    assert (inside / name).is_symlink() and (inside / "real.yaml").read_text() != UNTIDY
    outside = inside.parent / "out" / name
    outside.write_text(UNTIDY)
    assert run(*named(words, "../out/NAME")).exit_code == 0
    assert outside.read_text() != UNTIDY


@pytest.mark.parametrize("words", OUTPUTS.values(), ids=OUTPUTS)
def test_links_that_go_in_a_circle_are_told_and_stay(run: Run, inside: Path, words: tuple[str, ...]) -> None:
    name = next(one for one in words if one.startswith("NAME"))
    (inside / name).unlink(missing_ok=True)
    (inside / name).symlink_to("b")
    (inside / "b").symlink_to(name)
    (inside / "folder").symlink_to("folder")
    (inside.parent / "c").symlink_to("c")
    for one in (words, named(words, "folder/NAME"), named(words, "../c")):
        found = run(*one)
        assert found.exit_code in (1, 8) and "bug" not in found.output, found.output
    assert (inside / name).is_symlink() and (inside.parent / "c").is_symlink()


def test_init_writes_through_no_link_out(run: Run, tmp_path: Path) -> None:
    outside = tmp_path / "out"
    for name, link in (
        ("one", ".gitignore"),
        ("two", ".github"),
        ("three", "state"),
        ("four", "pnsync.yaml"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        outside.mkdir(exist_ok=True)
        (folder / link).symlink_to(outside / "x" if "." in link[1:] else outside)
        assert run("-C", str(folder), "init").exit_code != 0 or link == ".github"
        assert run("-C", str(folder), "init", "--github").exit_code != 0
        assert list(outside.iterdir()) == [], link


PLANTED = (
    "pnsync.state.json.new",
    "pnsync.state.json.lock",
    "pnsync.state.json.journal",
    "sandbox-nx.json.lock",
    "sandbox-nx.json",
)


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("there", [True, False])
def test_names_that_can_be_foreseen_lead_nowhere(run: Run, tmp_path: Path, name: str, there: bool) -> None:
    folder, victim = tmp_path / "in", tmp_path / "victim"
    (folder / "state").mkdir(parents=True)
    write(folder, LONDON)
    if there:
        victim.write_text("mine\n")
        victim.chmod(0o644)
    (folder / "state" / name).symlink_to(victim)
    run("-C", str(folder), "apply", "--auto-approve")
    assert victim.exists() == there
    assert not there or (victim.read_text(), stat.S_IMODE(victim.stat().st_mode)) == ("mine\n", 0o644)


def test_what_is_there_already_becomes_private(run: Run, inside: Path) -> None:
    """A file with others' rights that was put in the place of an output: replaced, not filled."""
    for words, name in ((("plan", "--out", "p"), "p"), (("state", "pull", "s"), "s")):
        path = inside / name
        path.write_text("")
        path.chmod(0o666)
        before = path.stat().st_ino
        assert run(*words).exit_code == 0
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.stat().st_ino != before
    assert not list(inside.rglob("*.tmp"))


def test_with_any_mask_private_files_and_folders_are_private(tmp_path: Path) -> None:
    """The program as a process whose shell lets everybody write everything."""
    write(tmp_path, LONDON)
    commands = "; ".join(
        f"{sys.executable} -m pnsync {words}"
        for words in ("apply --auto-approve", "plan --out p.pnsplan --result v.json", "init --github")
    )
    done = subprocess.run(
        ["sh", "-c", f"umask 0; {commands}"], cwd=tmp_path, env=environment(), capture_output=True
    )
    assert done.returncode == 0, done.stderr
    modes = {
        str(one.relative_to(tmp_path)): stat.S_IMODE(one.stat().st_mode)
        for one in tmp_path.rglob("*")
        if one.name != "pnsync.yaml"
    }
    assert not [name for name, mode in modes.items() if mode & 0o022], modes
    private = {name: mode for name, mode in modes.items() if name.startswith(("state", "p.pnsplan"))}
    assert len(private) >= 4 and not [name for name, mode in private.items() if mode & 0o077], private
