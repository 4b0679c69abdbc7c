"""`pnsync fmt`: all files or none, links left alone, and the same again the second time."""

import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.projects import SEVEN, write

ROUGH = "bindings:\n    # mine\n    desk-8:   {provider: nx, mode: axb,phone_a: 447700900141, phone_b: '447700900142'}  # his\n"
SMOOTH = ROUGH.replace("    #", "  #").replace("    desk-8:   ", "  desk-8: ").replace("axb,", "axb, ")


@pytest.fixture
def files(run: Run, tmp_path: Path) -> Path:
    """A root with two included files that are not in canonical form."""
    write(tmp_path, SEVEN, extra='include: ["bindings/*.yaml"]\n')
    (tmp_path / "bindings").mkdir()
    (tmp_path / "bindings/a.yaml").write_text(ROUGH)
    (tmp_path / "bindings/b.yaml").write_bytes(
        ROUGH.replace("desk-8", "desk-9").replace("\n", "\r\n").encode()
    )
    (tmp_path / "bindings/a.yaml").chmod(0o640)
    return tmp_path


def test_all_files_and_again(run: Run, files: Path) -> None:
    checked = run("fmt", "--check")
    assert (checked.exit_code, checked.stdout) == (2, "bindings/a.yaml\nbindings/b.yaml\n")
    assert (files / "bindings/a.yaml").read_text() == ROUGH
    done = run("fmt")
    assert (done.exit_code, done.stdout) == (0, "bindings/a.yaml\nbindings/b.yaml\n")
    assert (files / "bindings/a.yaml").read_text() == SMOOTH
    assert (files / "bindings/b.yaml").read_bytes() == SMOOTH.replace("desk-8", "desk-9").encode()
    assert stat.S_IMODE((files / "bindings/a.yaml").stat().st_mode) == 0o640
    again = run("fmt")
    assert (again.exit_code, again.stdout) == (0, "")
    assert run("fmt", "--check").exit_code == 0
    assert run("validate").exit_code == 0


@pytest.mark.parametrize(
    "bad",
    [b"bindings: [\n", b"? a\n: b\n", b"\xff\xfe", b"bindings: &x {}\n", b"a: 1\n---\nb: 2\n"],
    ids=["bracket", "complex", "bytes", "anchor", "documents"],
)
def test_one_file_that_is_wrong_leaves_all_as_they_are(run: Run, files: Path, bad: bytes) -> None:
    (files / "bindings/c.yaml").write_bytes(bad)
    before = {one: one.read_bytes() for one in files.rglob("*.yaml")}
    for words in (("fmt",), ("fmt", "--check"), ("fmt", "bindings/a.yaml", "bindings/c.yaml")):
        ended = run(*words)
        assert ended.exit_code == 8
        assert "bindings/c.yaml" in ended.output
        assert "bug" not in ended.output
    assert {one: one.read_bytes() for one in files.rglob("*.yaml")} == before


def test_a_link_that_leads_out_is_not_followed(
    run: Run, files: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A pull request must not decide which of its reader's files are rewritten."""
    outside = tmp_path_factory.mktemp("home") / "config.yaml"
    outside.write_text(ROUGH)
    (files / "bindings/z.yaml").symlink_to(outside)
    for words in (("fmt",), ("fmt", "bindings/z.yaml"), ("fmt", "--check"), ("-C", str(files), "fmt")):
        ended = run(*words)
        assert ended.exit_code == 8
        assert "a link leads out" in ended.output
    assert outside.read_text() == ROUGH
    assert (files / "bindings/a.yaml").read_text() == ROUGH
    (files / "bindings/z.yaml").unlink()
    (files / "linked").symlink_to(outside.parent)
    assert run("fmt", "linked/config.yaml").exit_code == 8
    assert outside.read_text() == ROUGH


def test_what_is_no_file(run: Run, files: Path) -> None:
    for name in ("bindings", "nowhere.yaml", "/dev/null"):
        assert run("fmt", name).exit_code == 8
